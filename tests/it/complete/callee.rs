//! Inside of the arguments of a call, the model sees the parameters of what is called.

use super::*;

const FILES: &[(&str, &str)] = &[
    (
        "src/functions.php",
        "<?php\nfunction price_of(Item $item, int $count, bool $withTax): Money { return m(); }\n\
         function format_price(Money $price, string $currency): string { return ''; }\n",
    ),
    (
        "src/Money.php",
        "<?php\nclass Money {\n    public function __construct(int $cents, string $unit) {}\n    \
         public static function parse(string $text, string $locale): self { return m(); }\n    \
         public function plus(Money $other, int $times): self { return $this; }\n}\n",
    ),
    ("src/page.php", "<?php\n"),
];

#[test]
fn the_parameters_of_the_callee_are_in_the_prompt() {
    let project = Project::new(FILES);
    let server = ModelServer::saying(&["1"]);
    let mut session = Session::new(project.path(), &server, "");
    let mut missing = Vec::new();
    for (id, (code, signature)) in (1..).zip([
        (
            "price_of(|",
            "price_of(Item $item, int $count, bool $withTax)",
        ),
        (
            "price_of($item, |);",
            "price_of(Item $item, int $count, bool $withTax)",
        ),
        ("new Money(|", "__construct(int $cents, string $unit)"),
        (
            "$x = new Money(1, |);",
            "__construct(int $cents, string $unit)",
        ),
        ("Money::parse(|", "parse(string $text, string $locale)"),
        (
            "$m = new Money(1, '');\n$m->plus(|",
            "plus(Money $other, int $times)",
        ),
        // The inner call of a nested one.
        (
            "format_price(price_of(|",
            "price_of(Item $item, int $count, bool $withTax)",
        ),
        (
            "format_price(Money::parse(|));",
            "parse(string $text, string $locale)",
        ),
        (
            "$m = new Money(1, '');\nformat_price($m->plus(|));",
            "plus(Money $other, int $times)",
        ),
        (
            "format_price(new Money(|",
            "__construct(int $cents, string $unit)",
        ),
        // The outer one, once the inner one is closed.
        (
            "format_price(price_of(1, 2, 3), |",
            "format_price(Money $price, string $currency)",
        ),
        (
            "format_price(\n    price_of(\n        1,\n        [2, |",
            "price_of(Item $item, int $count, bool $withTax)",
        ),
    ]) {
        session.complete(id, &format!("<?php\n{code}\n"));
        let prompt = server.asked().body["prompt"].clone();
        if !prompt.as_str().unwrap().contains(signature) {
            missing.push(format!("{code:?} is asked without {signature:?}: {prompt}"));
        }
    }
    assert!(missing.is_empty(), "{}", missing.join("\n"));
}
