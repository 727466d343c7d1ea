//! The types of receivers in a table of small buffers.

use std::sync::Arc;

use super::class_lookup::ClassLookup;
use super::inference::Inference;
use crate::context::buffer::Buffer;
use crate::context::request::ContextRequest;
use crate::index::{Index, SourceFile};
use crate::php::{self, MemberKind};

/// What other files declare in every test.
const LIBRARY: &str = r#"<?php
namespace Lib;

/** @template T */
interface Finder {
    /** @return T */
    function first();
    /** @return T[] */
    function all(): array;
    function setOwner(Owner $owner);
}
/** @implements Finder<Order> */
abstract class Orders implements Finder {
    /** @return Order the newest */
    public function newest(): object {}
}
/** @implements \IteratorAggregate<int, Order> */
class Basket implements \IteratorAggregate {
    const EMPTY = 1;
    public Owner $owner;
    /** @var array{open: Order} */
    public $shape;
    public function getIterator(): \Traversable {}
    public static function make(): static {}
    /** @param Order[] $orders */
    public function __construct(public array $orders, Owner $second, $third = null) {
        $this->untyped = $second;
        $this->maker = $third ?: new Maker();
    }
    public $untyped;
    private $maker;
    public function __invoke(): Owner {}
}
class Maker { function owner(): ?Owner {} }
trait Names {
    public function label(): Owner {}
    public function twice(): Owner {}
}
trait Marks { public function twice(): Order {} }
class Order {
    use Names, Marks { Names::twice insteadof Marks; Marks::twice as protected markTwice; label as name; }
    public Status $status;
    public function basket(): Basket {}
}
class Owner { public function orders(): Orders {} }
enum Status { case Open; const DEFAULT = self::Open; }
class Failure extends \Exception {}
/**
 * @template C
 * @param class-string<C> $class
 * @return C
 */
function service(string $class) {}
/** @return iterable<int, Order> */
function orders(): iterable {}
"#;

/// The short names of the classes that the receiver in front of the last `|` of
/// `code` may be of.
fn receiver(code: &str) -> String {
    at_mark(code, '|')
}

/// Like [`receiver`], with another mark.
fn at_mark(code: &str, mark: char) -> String {
    in_project(
        &[("lib.php", LIBRARY)],
        &format!("<?php namespace Lib; {code}"),
        mark,
    )
}

/// The short names of the classes that the receiver in front of the last
/// `mark` of `code` may be of, in a project of these files.
fn in_project(files: &[(&str, &str)], code: &str, mark: char) -> String {
    let file = |path: &str, text: &str| {
        let facts = php::facts(text);
        Arc::new(SourceFile::new(path.into(), text.into(), false, facts))
    };
    let files = files.iter().map(|(path, text)| file(path, text));
    let snapshot = Index::build(files.collect()).snapshot();
    let cursor = code.rfind(mark).unwrap();
    let content = [&code[..cursor], &code[cursor + 1..]].concat();
    let request = ContextRequest::for_test("buffer.php", &content, cursor);
    let buffer = Buffer::new(&request);
    let lookup = ClassLookup::new(&snapshot, &buffer);
    let inference = Inference::new(&buffer, &snapshot, &lookup);
    let classes = inference.receiver(buffer.before.saturating_sub(1));
    let short = |name: &String| name.rsplit('\\').next().unwrap_or(name).to_owned();
    classes.iter().map(short).collect::<Vec<_>>().join(" ")
}

#[track_caller]
fn is(code: &str, class: &str) {
    assert_eq!(receiver(code), class, "{code}");
}

#[test]
fn parameters_have_their_types() {
    is("function f(Order $x) { $x->|", "Order");
    is("function f(?Order $x = null) { $x?->|", "Order");
    is("function f(Order|Owner &...$x) { $x[0]->|", "Order Owner");
    is("/** @param Order $x */ function f($x) { $x->|", "Order");
    is("fn (Order $x) => $x->|", "Order");
    is("$f = static function (Order $x) use ($y) { $x->|", "Order");
    is("try {} catch (Failure | Owner $x) { $x->|", "Failure Owner");
    is(
        "class A extends Orders { function setOwner($owner) { $owner->|",
        "Owner",
    );
}

#[test]
fn closures_are_called_with_elements() {
    is("array_map(fn ($x) => $x->|\n, orders());", "Order");
    is(
        "array_filter(orders(), function ($x) { return $x->|",
        "Order",
    );
    is("usort($all, static fn (Order $a, $b) => $a->|", "Order");
    is(
        "/** @var Order[] $all */ usort($all, static fn ($a, $b) => $b->|",
        "Order",
    );
    is(
        "function f(Basket $all) { $all->map(fn ($x) => $x->|",
        "Order",
    );
    is("f(fn ($x) => $x->|", "");
}

#[test]
fn assignments_carry_types() {
    is("$x = new Order(1, 2); $x->|", "Order");
    is("$x = $y = new Order; $y->|", "Order");
    is("$x = $y = new Order; $x->|", "Order");
    is("$x ??= new Order; $x->|", "Order");
    is("if (($x = orders()[0]) && $x->|", "Order");
    is("$x[] = new Order; $x[0]->|", "Order");
    is("$x['a'] = new Order; foreach ($x as $y) { $y->|", "Order");
    is("$x = $a ? new Order : new Owner; $x->|", "Order Owner");
    is("$x = $a ?? new Order; $x->|", "Order");
    is("$x = clone new Order; $x->|", "Order");
    is(
        "$x = match (true) { 1 => new Order, 2, 3 => f([new Failure]), default => new Owner }; $x->|",
        "Order Owner",
    );
    is("$x = new class(1) extends Order {}; $x->|", "class@0");
    is("$x = $y = $x; $x->|", "");
    is("(new Order)->|", "Order");
    is("(clone $this)->|", "");
}

#[test]
fn elements_are_iterated() {
    is("foreach (orders() as $x) { $x->|", "Order");
    is("foreach (orders() as $k => &$x) { $x->|", "Order");
    is("foreach (orders() as $k => $x) { $k->|", "");
    is("foreach (new Basket as $x) { $x->|", "Order");
    is(
        "function f(Basket $b) { foreach ($b->orders as $x) { $x->|",
        "Order",
    );
    is("foreach (array_reverse(orders()) as $x) { $x->|", "Order");
    is("$x = reset(orders()); $x->|", "Order");
    is("foreach (Status::cases() as $x) { $x->|", "Status");
    is("foreach (orders() as $x) { $z = ['a' => $y]; $y->|", "");
}

#[test]
fn chains_follow_members() {
    is("function f(Order $x) { $x->basket()->owner->|", "Owner");
    is(
        "function f(Order $x) { $x\n  ?->basket()\n  ?->owner->|",
        "Owner",
    );
    is("Basket::make()->|", "Basket");
    is("$f = new Basket([], $o); $f()->|", "Owner");
    is("$x = Status::Open; $x->|", "Status");
    is("Status::DEFAULT->|", "Status");
    is("Status::from('a')->|", "Status");
    is("(new Orders)->newest()->|", "Order");
    is(
        "class A { private ?Order $o; function f() { fn () => $this->o->|",
        "Order",
    );
    is(
        "class A { static $o; function f() { self::$o = new Order; self::$o->|",
        "Order",
    );
    is(
        "class A { private $o; function __construct(Order $o) { $this->o = $o; } function f() { $this->o->|",
        "Order",
    );
    is("class A extends Order { function f() { parent::|", "Order");
    is(
        "$x = new class extends Order { function f() { $this->|",
        "class@0",
    );
}

#[test]
fn untyped_properties_of_other_files_are_what_is_assigned() {
    is("function f(Basket $b) { $b->untyped->|", "Owner");
    is(
        "class A extends Basket { function f() { $this->maker->owner()->|",
        "Owner",
    );
}

#[test]
fn narrowing_is_seen() {
    is("function f($x) { if ($x instanceof Order) { $x->|", "Order");
    is(
        "function f(object $x) { assert($x instanceof Order); $x->|",
        "Order",
    );
    is("/** @var Order $x */ $x = f(); $x->|", "Order");
    is("/** @var Order|null */ $x = f(); $x->|", "Order");
}

#[test]
fn templates_stand_for_their_arguments() {
    is("function f(Orders $x) { $x->first()->|", "Order");
    is(
        "function f(Orders $x) { foreach ($x->all() as $y) { $y->|",
        "Order",
    );
    is(
        "/** @param Finder<Order> $x */ function f($x) { $x->first()->|",
        "Order",
    );
    is("service(Order::class)->|", "Order");
    is("$container->get(Order::class)->|", "Order");
    is("$container->other(Order::class)->|", "");
}

#[test]
fn trait_rules_apply() {
    is("function f(Order $x) { $x->twice()->|", "Owner");
    is(
        "class A extends Order { function f() { $this->markTwice()->|",
        "Order",
    );
    is("function f(Order $x) { $x->name()->|", "Owner");
}

/// Checks the cases of a table. A case is `#= classes`, then code with the
/// cursor as the last `|` that ends a line.
#[track_caller]
fn holds(table: &str) {
    holds_in(table, |marked| at_mark(marked, '\0'));
}

/// Like [`holds`], with what `find` finds at the mark `\0` of a case.
#[track_caller]
fn holds_in(table: &str, find: impl Fn(&str) -> String) {
    let sorted = |names: &str| {
        let mut names: Vec<String> = names.split_whitespace().map(str::to_owned).collect();
        names.sort_unstable();
        names.join(" ")
    };
    let cases: Vec<(&str, &str)> = table
        .split("#=")
        .skip(1)
        .map(|case| case.split_once('\n').unwrap())
        .collect();
    let mut misses = Vec::new();
    for (wanted, code) in &cases {
        let cursor = code.rfind("|\n").unwrap();
        let marked = format!("{}\0{}", &code[..cursor], &code[cursor + 1..]);
        let (wanted, found) = (sorted(wanted), sorted(&find(&marked)));
        if found != wanted {
            misses.push(format!("[{wanted}] is wanted, [{found}] found: {code}"));
        }
    }
    let count = cases.len();
    assert!(
        misses.is_empty(),
        "{} of {count} miss:\n{}",
        misses.len(),
        misses.join("\n")
    );
}

#[test]
fn the_table_of_generics_holds() {
    holds(include_str!("tests/generics.txt"));
}

#[test]
fn the_table_of_narrowing_holds() {
    holds(include_str!("tests/narrowing.txt"));
}

#[test]
fn the_table_of_types_holds() {
    holds(include_str!("tests/types.txt"));
}

#[test]
fn the_table_of_flow_holds() {
    holds(include_str!("tests/flow.txt"));
}

#[test]
fn the_table_of_documented_types_holds() {
    holds(include_str!("tests/documented.txt"));
}

/// The classes at the cursor in a Laravel project, with the framework installed
/// or not.
#[test]
fn the_table_of_laravel_holds() {
    let app = ("app/App.php", include_str!("tests/laravel_app.php"));
    let installed = ("vendor/Laravel.php", include_str!("tests/laravel.php"));
    let find = |files: &[(&str, &str)], marked: &str| {
        let code = format!(
            "<?php namespace App; use Illuminate\\Support\\Facades\\{{Auth, Cache}}; {marked}"
        );
        in_project(files, &code, '\0')
    };
    let table = include_str!("tests/laravel.txt");
    holds_in(table, |marked| find(&[app, installed], marked));
    let (_, bare) = table.split_once("## also without the framework").unwrap();
    holds_in(bare, |marked| find(&[app], marked));
}

/// The classes at the cursor in a project of several frameworks.
#[test]
fn the_table_of_frameworks_holds() {
    let app = ("src/App.php", include_str!("tests/frameworks_app.php"));
    let installed = (
        "vendor/Frameworks.php",
        include_str!("tests/frameworks.php"),
    );
    holds_in(include_str!("tests/frameworks.txt"), |marked| {
        let code = format!(
            "<?php use App\\Entity\\{{Mark, Tag}}; use App\\Repository\\TagRepository; \
             use Doctrine\\ORM\\EntityManagerInterface; use PHPUnit\\Framework\\TestCase; \
             use Psr\\Container\\ContainerInterface; {marked}"
        );
        in_project(&[app, installed], &code, '\0')
    });
}

/// The work on endless or circular types is bounded, and so is the stack.
#[test]
fn hostile_types_cost_bounded_work() {
    let repeat = |text: &str| format!("{text}\n").repeat(10_000);
    let nest = |open: &str, close: &str| format!("{}$x->o{}; $x->|", repeat(open), repeat(close));
    let buffers = [
        format!("/** @param {}Order $x */ function f($x) {{ $x->|", repeat("A|")),
        format!("/** @param {}Order{} $x */ function f($x) {{ $x->|", repeat("array<"), repeat(">")),
        format!("/** @param {}Order $x */ function f($x) {{ $x->|", repeat("?")),
        "/** @phpstan-type T array{T, T, T} */ class A { /** @param T $x */ function f($x) { $x[0]->|".to_owned(),
        "/** @template T of T */ class A { /** @param T $x */ function f($x) { $x->|".to_owned(),
        "/**\n * @template T of A<T>\n * @extends A<A<A<T>>>\n */ class A extends A { /** @return T */ function f() {} }\nfunction g(A $a) { $a->f()->f()->|".to_owned(),
        "function a() { return b(); } function b() { return a(); } a()->|".to_owned(),
        format!("class A {{ {} }} function f(A $a) {{ $a->m->|", (0..10_000).map(|n| format!("public $p{n};\n")).collect::<String>()),
        format!("$x = new Order; {} $x->|", repeat("$x = [$x];")),
        format!("$x = new Order; {} $x->|", (0..10_000).map(|n| format!("$x{n} = $x;\n")).collect::<String>()),
        format!("$x = new Order; {} $x->|", repeat("if ($a) { $x = $x->y(); }")),
        format!("$x = {}new Order; $x->|", repeat("$a ? $b : ")),
        format!("$x = {}new Order; $x->|", repeat("fn () => ")),
        format!("$x{}->|", repeat("->a()")),
        format!("if ({}$x instanceof Order) {{ $x->|", repeat("$x instanceof Owner || ")),
        nest("(", ")"),
        nest("!", ""),
        nest("[", "]"),
        nest("f(", ")"),
        nest("function () {", "}"),
        nest("if ($x) {", "}"),
        nest("while ($x) {", "}"),
        nest("switch ($x) { case 1: ", "}"),
        nest("match (1) { 1 => ", "}"),
    ];
    for buffer in &buffers {
        receiver(buffer);
    }
    is(
        &format!(
            "$x = new Order; {} $x->|",
            "f($x, fn ($y) => $y);\n".repeat(400)
        ),
        "Order",
    );
}

/// Conventions that lead in circles or are very many cost bounded work.
#[test]
fn hostile_laravel_code_costs_bounded_work() {
    let installed = ("vendor/Laravel.php", include_str!("tests/laravel.php"));
    let many = |each: &dyn Fn(u32) -> String| (0..10_000).map(each).collect::<String>();
    let facade = "extends \\Illuminate\\Support\\Facades\\Facade";
    let model = "extends \\Illuminate\\Database\\Eloquent\\Model";
    let accessor = |to: &str| {
        format!("{{ protected static function getFacadeAccessor() {{ return {to}::class; }} }}")
    };
    let relation = |name: &str, to: &str| {
        format!("public function {name}() {{ return $this->hasMany({to}::class); }}\n")
    };
    let projects = [
        format!("class A {facade} {}", accessor("A")),
        format!(
            "class A {facade} {} class B {facade} {}",
            accessor("B"),
            accessor("A")
        ),
        format!("class A {model} {{ {} }}", relation("a", "A")),
        format!(
            "class A {model} {{ public function a() {{ return $this->a()->hasMany($this->a); }} }}"
        ),
        format!(
            "class A {model} {{ {} }}",
            many(&|n| relation(&format!("a{n}"), "A"))
        ),
        format!(
            "class A {model} {{ protected $casts = [{}]; }}",
            many(&|n| format!("'a{n}' => A::class, "))
        ),
        format!(
            "class A {model} {{ {} }}",
            many(&|n| format!("public function scopeA{n}($q) {{}}\n"))
        ),
        format!(
            "class A {model} {{ public function newEloquentBuilder($q) {{ return static::query(); }} }}"
        ),
    ];
    let chain = "->a".repeat(2_000);
    for project in &projects {
        let project = format!("<?php namespace App; {project}");
        for code in [
            "A::\0".to_owned(),
            format!("A::first(){chain}->\0"),
            format!("A::a(){}->\0", "->a()".repeat(2_000)),
        ] {
            let files = [installed, ("app/App.php", &*project)];
            in_project(&files, &format!("<?php namespace App; {code}"), '\0');
        }
    }
}

#[test]
fn a_member_is_the_same_however_often_it_is_looked_for() {
    let text = format!(
        "{LIBRARY} class Long extends Order {{ {} const twice = 1; public $twice; }}",
        (0..40)
            .map(|number| format!("function m{number}() {{}} "))
            .collect::<String>()
    );
    let file = SourceFile::new("lib.php".into(), (*text).into(), false, php::facts(&text));
    let snapshot = Index::build(vec![Arc::new(file)]).snapshot();
    let request = ContextRequest::for_test("buffer.php", "<?php ", 6);
    let buffer = Buffer::new(&request);
    let lookup = ClassLookup::new(&snapshot, &buffer);
    let inference = Inference::new(&buffer, &snapshot, &lookup);
    let members = inference.members(inference.class("Lib\\Long").unwrap());
    let names = [
        "m7", "M39", "twice", "TWICE", "label", "name", "status", "none",
    ];
    for kind in [
        MemberKind::Method,
        MemberKind::Property,
        MemberKind::Constant,
    ] {
        for name in names {
            let place = || {
                let (owner, index) = members.find(kind, name)?;
                Some((owner.place(), index))
            };
            // The first calls search, later ones ask a table.
            let first = place();
            assert!((0..20).all(|_| place() == first), "{kind:?} {name}");
            let is_there = first.is_some();
            let expected = match kind {
                MemberKind::Method => name != "status" && name != "none",
                MemberKind::Property => name == "twice" || name == "status",
                _ => name == "twice",
            };
            assert_eq!(is_there, expected, "{kind:?} {name}");
        }
    }
}
