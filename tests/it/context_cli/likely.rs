//! What the context holds where no receiver and no typed name tells it.

use super::context_of;

const BASKET: (&str, &str) = (
    "src/Basket.php",
    "<?php namespace App;
    class Basket { const LIMIT = 3;
        public function __construct(private int $size, ?Owner $owner = null) {}
        public function addItem(Item $item, int $count): void { $this->x(); } 
        public static function of(array $items): self { return new self(1); }
        private function hidden($a) {} }",
);

#[track_caller]
fn assert_holds(context: &str, wanted: &[&str]) {
    for wanted in wanted {
        assert!(context.contains(wanted), "{wanted} in\n{context}");
    }
}

#[test]
fn the_signature_of_the_call_comes_with_its_arguments() {
    let functions = (
        "src/functions.php",
        "<?php namespace App; function price(int $amount, string $currency) {}",
    );
    for (call, signature) in [
        (
            "new Basket(|",
            "function __construct(private int $size, ?Owner $owner = null);",
        ),
        (
            "new Basket(3, |",
            "function __construct(private int $size, ?Owner $owner = null);",
        ),
        (
            "Basket::of([1, |",
            "static function of(array $items): self;",
        ),
        (
            "$b = new Basket(1);\n$b->addItem(f(2), |",
            "function addItem(Item $item, int $count): void;",
        ),
        (
            "$unknown->addItem(|",
            "function addItem(Item $item, int $count): void;",
        ),
        ("price(|", "function price(int $amount, string $currency);"),
    ] {
        let buffer = format!("<?php\nnamespace App;\n{call}\n");
        assert_holds(&context_of(&[BASKET, functions], &buffer), &[signature]);
    }
}

#[test]
fn the_signature_is_of_the_class_that_the_receiver_is_of() {
    let crates = (
        "src/Crate.php",
        "<?php namespace App; class Crate { public function addItem(string $label) {} }",
    );
    let functions = (
        "src/functions.php",
        "<?php namespace App; function basket(): Basket {}",
    );
    for call in [
        "$b = basket();\n$b->addItem(|",
        "function f(Basket $a) {\n    $b = $a;\n    strlen($b->addItem(g($x->y), |",
        "basket()->addItem(1, |",
    ] {
        let buffer = format!("<?php\nnamespace App;\n{call}\n");
        let context = context_of(&[crates, BASKET, functions], &buffer);
        assert_holds(
            &context,
            &["function addItem(Item $item, int $count): void;"],
        );
        assert!(!context.contains("string $label"), "{call}:\n{context}");
    }
}

#[test]
fn a_hook_has_the_name_under_which_it_is_called() {
    let shop = (
        "inc/shop.php",
        "<?php do_action('acme_before_checkout', $cart); update_option('acme_rate', 3);
        $route->name('acme.cart');",
    );
    for (call, wanted) in [
        ("add_action('acme_bef|", "acme_before_checkout"),
        ("get_option(|", "acme_rate"),
        ("route('|", "acme.cart"),
    ] {
        let buffer = format!("<?php\n{call}\n");
        assert_holds(&context_of(&[shop], &buffer), &[wanted]);
    }
    let other = "<?php\nadd_filter('acme_bef|\n";
    assert!(!context_of(&[shop], other).contains("acme_before"));
}

#[test]
fn a_stub_does_not_hide_the_real_function() {
    let stub = ("a/noop.php", "<?php function translate() {}");
    let real = (
        "b/l10n.php",
        "<?php function translate($text, $domain = 'default') { return find($text, $domain); }",
    );
    let context = context_of(&[stub, real], "<?php\ntranslate(|\n");
    assert_holds(
        &context,
        &["function translate($text, $domain = 'default');"],
    );
    assert!(!context.contains("noop.php"), "{context}");
}

#[test]
fn a_test_sees_the_class_that_it_tests() {
    let buffer = "<?php\nnamespace Tests;\nuse App\\Basket;\nclass BasketTest extends TestCase {
    public function testAdd(): void {\n        |\n    }\n}\n";
    let context = context_of(&[BASKET], buffer);
    assert_holds(
        &context,
        &["function __construct(", "function addItem(", "function of("],
    );
    assert!(!context.contains("hidden"), "{context}");
}

#[test]
fn an_import_sees_the_classes_of_its_namespace() {
    let files = [
        BASKET,
        (
            "src/Model/Order.php",
            "<?php namespace App\\Model; class Order {}",
        ),
        (
            "src/Other/Thing.php",
            "<?php namespace Other; class Thing {}",
        ),
    ];
    let context = context_of(&files, "<?php\nuse App\\Model\\|\nclass A {}\n");
    assert_holds(&context, &["class Order"]);
    assert!(!context.contains("Thing"), "{context}");
}

#[test]
fn strings_of_the_same_place_are_listed() {
    let files = [
        (
            "a.php",
            "<?php add_action('init', 'a'); add_action('wp_head', 'b'); f('other');",
        ),
        (
            "b.php",
            "<?php add_action('init', 'c'); $opts['size'] = 1; $x = ['depth' => 2];",
        ),
    ];
    let context = context_of(&files, "<?php\nadd_action('|\n");
    assert_holds(&context, &[" 'init' 'wp_head'\n"]);
    assert!(!context.contains("'other'"), "{context}");
    let context = context_of(&files, "<?php\nadd_action('wp|\n");
    assert_holds(&context, &["// 'wp_head'\n"]);
    let context = context_of(&files, "<?php\necho $this->opts['|\n");
    assert_holds(&context, &["// 'size'\n"]);
}

#[test]
fn a_body_sees_what_its_properties_and_siblings_offer() {
    let files = [
        BASKET,
        (
            "src/Shop.php",
            "<?php namespace App; class Shop extends Place { function open() { log_opening(); } }",
        ),
        (
            "src/Place.php",
            "<?php namespace App; abstract class Place {}",
        ),
        ("src/log.php", "<?php function log_opening() {}"),
    ];
    let buffer = "<?php\nnamespace App;\nclass Market extends Place {
    private Basket $basket;\n    public function open() {\n        |\n    }\n}\n";
    assert_holds(
        &context_of(&files, buffer),
        &["function addItem(", "function log_opening()"],
    );
}

#[test]
fn no_class_stands_where_no_class_may() {
    let buffer = "<?php\nnamespace App;\nuse App\\Empty_;\n$basket = new Basket(1);\n$basket->|\n";
    let files = [
        BASKET,
        ("src/Empty_.php", "<?php namespace App; class Empty_ {}"),
    ];
    let context = context_of(&files, buffer);
    assert!(!context.contains("{}"), "{context}");
    assert!(!context.contains("namespace App;"), "{context}");
}

#[test]
fn a_likely_call_is_shown_as_other_files_make_it() {
    let functions = (
        "src/functions.php",
        "<?php namespace App; function price(int $amount, string $currency) {}",
    );
    let using = (
        "src/Bill.php",
        "<?php namespace App;\n$sum += price($line->amount, 'EUR');\n",
    );
    let context = context_of(&[functions, using], "<?php\nnamespace App;\nprice(|\n");
    assert_holds(
        &context,
        &[
            "function price(int $amount, string $currency);\n// $sum += price($line->amount, 'EUR');\n",
        ],
    );
}

#[test]
fn files_of_one_folder_share_a_header() {
    let names = ["a", "b", "c"];
    let files: Vec<(String, String)> = names
        .iter()
        .map(|name| {
            let path = format!("src/{name}.php");
            (path, format!("<?php\nfunction price_{name}() {{}}\n"))
        })
        .collect();
    let files: Vec<(&str, &str)> = files.iter().map(|(p, t)| (&**p, &**t)).collect();
    let buffer = "<?php\nfunction total() {\n    // the price\n    |\n}\n";
    let context = context_of(&files, buffer);
    assert_holds(&context, &["// --- src/ ---\n", "function price_b();\n"]);
    assert_eq!(context.matches("// --- ").count(), 1, "{context}");
    let context = context_of(&files[..2], buffer);
    assert_holds(
        &context,
        &["// --- src/a.php ---\n", "// --- src/b.php ---\n"],
    );
}
