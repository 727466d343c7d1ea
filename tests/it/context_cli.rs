//! `fimd context` at the places where PHP programmers ask for a completion. The
//! context holds the declaration that they need and nothing that they have not
//! typed yet, and the server gives an editor the same bytes.

mod likely;

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use serde_json::{Value, json};

/// The default budget in characters.
const MAX_CHARS: usize = 4096;
/// The budget of the snapshots in characters. It is small, so that they show
/// what comes first.
const FEW_CHARS: usize = 1200;

/// A cursor: a name, a file, the text before the cursor (its first occurrence;
/// the rest of the line is removed), and what the context must hold.
type Case = (
    &'static str,
    &'static str,
    &'static str,
    &'static [&'static str],
);

const PLACES: [Case; 17] = [
    (
        "member of a typed property",
        "src/Service/OrderService.php",
        "$this->orders->",
        &["function find(int $id): ?Entity;", "function open()"],
    ),
    (
        "static",
        "src/Service/OrderService.php",
        "send(Message::",
        &[
            "static function forOrder(Order $order, Quote $quote): self;",
            "reminder(",
        ],
    ),
    (
        "new",
        "src/Http/Controller/OrderController.php",
        "foreach (new ",
        &["class LatestOrders"],
    ),
    (
        "parent",
        "src/Repository/OrderRepository.php",
        "parent::",
        &["function __construct(protected readonly PDO $pdo);"],
    ),
    (
        "chain",
        "src/Service/InvoiceRenderer.php",
        "$line->product->",
        &["public readonly string $title;"],
    ),
    (
        "foreach over a documented iterator",
        "src/Service/TaxCalculator.php",
        "$rate = $line->",
        &["public readonly Product $product;"],
    ),
    (
        "after instanceof",
        "src/Service/OrderService.php",
        "assert($order instanceof Order);\n        $order->",
        &["public ?string $note;", "function moveTo("],
    ),
    (
        "enum case",
        "src/Service/OrderService.php",
        "moveTo(OrderStatus::",
        &["case Placed = 'placed';"],
    ),
    (
        "half typed",
        "src/Service/OrderService.php",
        "$order->customer->recordSp",
        &["function recordSpending(int $cents): void;"],
    ),
    (
        "method to override",
        "src/Service/Discount/LoyaltyDiscount.php",
        "public function ",
        &["function discountFor(Order $order, Buyer $buyer): int;"],
    ),
    (
        "catch",
        "src/Http/Controller/OrderController.php",
        "catch (",
        &["class NotFound extends \\RuntimeException"],
    ),
    (
        "type of a parameter",
        "src/Service/PricingService.php",
        "public function with(",
        &["interface PriceRule"],
    ),
    (
        "magic property and changed visibility",
        "src/Repository/PdoRepository.php",
        "$columns = $entity->",
        &[
            "public bool $isNew;",
            "function changedColumns(): array;",
            "function markClean(): void;",
        ],
    ),
    (
        "magic method",
        "src/Service/OrderService.php",
        "?? Buyer::",
        &["static function guest(string $email): Customer;"],
    ),
    (
        "alias of a trait method",
        "src/Model/Order.php",
        "return $this->touchT",
        &["function touchTimestamp(?\\DateTimeImmutable $now = null): static;"],
    ),
    (
        "type of a template's argument",
        "src/Http/Controller/OrderController.php",
        "$order = $this->orders->get($id)->",
        &["function status(): OrderStatus;"],
    ),
    (
        "old code with CRLF",
        "src/Legacy/Basket.php",
        "return shop_format",
        &["function shop_format_cents(int $cents, string $currency = SHOP_CURRENCY): string;"],
    ),
];

/// The edits that some cursors need before their text exists.
const EDITS: [(&str, &str, &str); 2] = [
    (
        "src/Model/Order.php",
        "return $this->touch()",
        "return $this->touchTimestamp()",
    ),
    (
        "src/Http/Controller/OrderController.php",
        "$order = $this->orders->get($id);",
        "$order = $this->orders->get($id)->unknown();",
    ),
];

fn shop() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/shop")
}

/// The text around a cursor without the rest of its line, the cursor in bytes,
/// and the removed text.
fn buffer((name, file, before, _): &Case) -> (String, usize, String) {
    let mut text = fs::read_to_string(shop().join(file)).unwrap();
    for (_, old, new) in EDITS.iter().filter(|edit| edit.0 == *file) {
        assert!(text.contains(old), "{name}");
        text = text.replace(old, new);
    }
    let at = text.find(before).unwrap_or_else(|| panic!("{name}")) + before.len();
    let end = at + text[at..].find(['\r', '\n']).unwrap();
    let start = text[..at].rfind('\n').map_or(0, |newline| newline + 1);
    let line = text[start..end].trim().to_owned();
    text.replace_range(at..end, "");
    (text, at, line)
}

fn fimd(args: &[&str], input: &str) -> Output {
    let mut child = Command::new(env!("CARGO_BIN_EXE_fimd"))
        .env("XDG_CONFIG_HOME", env!("CARGO_TARGET_TMPDIR"))
        .args(args)
        .env_remove("RUST_LOG")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    // A program that refuses its arguments does not read its input.
    let sent = child.stdin.take().unwrap().write_all(input.as_bytes());
    assert!(sent.is_ok() || sent.unwrap_err().kind() == std::io::ErrorKind::BrokenPipe);
    child.wait_with_output().unwrap()
}

/// The context that the command line prints for `place`.
fn context(place: &Case, max_chars: usize, more: &[&str]) -> String {
    let (text, cursor, _) = buffer(place);
    let file = shop().join(place.1);
    let (cursor, budget) = (cursor.to_string(), max_chars.to_string());
    let mut args = vec!["context", file.to_str().unwrap(), "--at", &cursor];
    args.extend(["--content", "-", "--max-chars", &budget]);
    args.extend(more);
    let run = fimd(&args, &text);
    let said = String::from_utf8(run.stderr).unwrap();
    assert!(run.status.success(), "{said}");
    String::from_utf8(run.stdout).unwrap()
}

#[test]
fn the_needed_declaration_is_there_and_the_answer_is_not() {
    let mut missing = String::new();
    for place in &PLACES {
        let (name, file, _, needed) = place;
        let context = context(place, MAX_CHARS, &[]);
        for needed in needed.iter().filter(|needed| !context.contains(**needed)) {
            missing.push_str(&format!("{name}: no {needed} in\n{context}\n"));
        }
        assert!(context.chars().count() <= MAX_CHARS, "{name}");
        // Of its own file a context shows an outline alone.
        let mut own = context.split("// --- ");
        if let Some(outline) = own.find(|section| section.starts_with(*file)) {
            let lines = outline.lines().skip(1);
            let ends = |line: &str| line.ends_with([';', '{', '}']) && !line.contains("$this->");
            assert!(lines.map(str::trim).all(ends), "{name}: {outline}");
        }
        let (_, _, cut) = buffer(place);
        let leaks = context.lines().any(|line| line.trim() == cut);
        assert!(!leaks, "{name}: {cut}");
    }
    assert!(missing.is_empty(), "{missing}");
}

#[test]
fn contexts_stay_as_they_are() {
    for place in &PLACES {
        let name = place.0.replace([' ', '\''], "_");
        insta::assert_snapshot!(name, context(place, FEW_CHARS, &[]));
    }
}

#[test]
fn an_editor_gets_the_same_bytes() {
    let mut requests = vec![json!({
        "jsonrpc": "2.0", "id": 0, "method": "initialize",
        "params": {"project_root": shop(), "bm25": true},
    })];
    for (id, place) in (1..).zip(&PLACES) {
        let (content, cursor, _) = buffer(place);
        requests.push(json!({
            "jsonrpc": "2.0", "id": id, "method": "getContext",
            "params": {
                "filepath": place.1,
                "content": content,
                "cursor_offset": cursor,
                "max_chars": MAX_CHARS,
            },
        }));
    }
    let lines: String = requests
        .iter()
        .map(|request| format!("{request}\n"))
        .collect();
    let run = fimd(&[], &lines);
    let mut answers: Vec<Value> = String::from_utf8(run.stdout)
        .unwrap()
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    answers.sort_by_key(|answer| answer["id"].as_u64());
    assert_eq!(answers.len(), requests.len());
    for (place, answer) in PLACES.iter().zip(&answers[1..]) {
        assert_eq!(
            answer["result"]["context"],
            context(place, MAX_CHARS, &[]),
            "{}",
            place.0
        );
    }
}

#[test]
fn explain_accounts_for_the_context() {
    let place = &PLACES[0];
    let plain = context(place, MAX_CHARS, &[]);
    let account = context(place, MAX_CHARS, &["--explain"]);
    assert!(account.ends_with(&plain));
    let account = account.strip_suffix(&plain).unwrap();
    let (text, cursor, _) = buffer(place);
    let line = text[..cursor].lines().count();
    let start = format!("src/Service/OrderService.php:{line}:24 (byte {cursor}): ");
    assert!(account.starts_with(&start), "{account}");
    assert!(account.contains("\nsent ("));
    assert!(account.contains("dependency  src/Repository/PdoRepository.php:"));
    assert!(account.contains("\nleft out ("));
    assert!(account.contains("(below the relevance threshold)") || account.contains("(no room)"));
    assert!(!account.contains('\u{1b}'), "no colour without a terminal");
}

#[test]
fn without_bm25_there_are_no_chunks() {
    let account = context(&PLACES[0], MAX_CHARS, &["--explain", "--no-bm25"]);
    assert!(account.contains("  dependency  ") && !account.contains("  bm25  "));
}

#[test]
fn a_file_that_is_not_utf8_is_addressed_by_line() {
    let file = shop().join("src/Legacy/latin1.php");
    let file = file.to_str().unwrap();
    let run = fimd(&["context", file, "--at", "8:12", "--explain"], "");
    let account = String::from_utf8(run.stdout).unwrap();
    assert!(
        account.starts_with("src/Legacy/latin1.php:8:12 "),
        "{account}"
    );
    assert!(account.contains("src/functions.php") || account.contains("src/Legacy/Basket.php"));
    assert!(!account.contains("// --- src/Legacy/latin1.php ---"));
    let run = fimd(&["context", file, "--at", "200"], "");
    assert_eq!(run.status.code(), Some(2));
    let said = String::from_utf8(run.stderr).unwrap();
    assert!(
        said.ends_with(
            "latin1.php: not UTF-8, so its bytes cannot be counted; say --at LINE:COL\n"
        )
    );
}

#[test]
fn what_cannot_be_done_is_said_in_one_line() {
    let empty = tempfile::tempdir().unwrap();
    let alone = empty.path().join("a.php");
    fs::write(&alone, "<?php ").unwrap();
    let (alone, gone) = (alone.to_str().unwrap(), empty.path().join("gone.php"));
    let gone = gone.to_str().unwrap();
    let project = empty.path().join("none");
    let project = project.to_str().unwrap();
    for (args, code, says) in [
        (
            vec![alone, "--at", "1:1"],
            2,
            "name the project with --project",
        ),
        (vec![gone, "--at", "1:1"], 1, "gone.php: No such file"),
        (
            vec![alone, "--at", "0:1"],
            2,
            "lines and columns count from 1",
        ),
        (
            vec![alone, "--at", "9:1"],
            2,
            "there is no line 9, column 1; the text ends at line 1, column 7",
        ),
        (
            vec![alone, "--at", "here"],
            2,
            "neither LINE:COL nor a byte offset",
        ),
        (vec![alone], 2, "--at"),
        (vec![alone, "--at", "1:1", "--project", project], 1, "none"),
    ] {
        let run = fimd(&[vec!["context"], args].concat(), "");
        let said = String::from_utf8(run.stderr).unwrap();
        assert_eq!(run.status.code(), Some(code), "{said}");
        assert!(said.starts_with("fimd: ") && said.contains(says), "{said}");
        assert_eq!(said.lines().count(), 1, "{said}");
        assert!(run.stdout.is_empty());
    }
}

#[test]
fn a_new_file_of_a_project_has_a_context() {
    let root = tempfile::tempdir().unwrap();
    fs::write(root.path().join("composer.json"), "{}").unwrap();
    fs::create_dir(root.path().join("src")).unwrap();
    let basket = "<?php class Basket { public function addItem(int $count): void {} }";
    fs::write(root.path().join("src/Basket.php"), basket).unwrap();
    let new = root.path().join("src/new.php");
    let text = "<?php\n$basket = new Basket();\n$basket->";
    let args = [
        "context",
        new.to_str().unwrap(),
        "--at",
        "3:10",
        "--content",
        "-",
        "--no-bm25",
    ];
    let run = fimd(&args, text);
    assert_eq!(
        String::from_utf8(run.stdout).unwrap(),
        "// --- src/Basket.php ---\nclass Basket {\n\tfunction addItem(int $count): void;\n}\n"
    );
}

/// The context without chunks at the `|` of `buffer`, which is `src/new.php` of a
/// project with `files`.
fn context_of(files: &[(&str, &str)], buffer: &str) -> String {
    let root = tempfile::tempdir().unwrap();
    for (path, text) in [("composer.json", "{}")].iter().chain(files) {
        let path = root.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
    let new = root.path().join("src/new.php");
    fs::create_dir_all(new.parent().unwrap()).unwrap();
    let cursor = buffer.find('|').unwrap().to_string();
    let text = buffer.replacen('|', "", 1);
    let args = [
        "context",
        new.to_str().unwrap(),
        "--at",
        &cursor,
        "--content",
        "-",
        "--no-bm25",
    ];
    let run = fimd(&args, &text);
    assert!(
        run.status.success(),
        "{}",
        String::from_utf8_lossy(&run.stderr)
    );
    String::from_utf8(run.stdout).unwrap()
}

#[test]
fn signatures_keep_the_modifiers_that_matter() {
    let point = "<?php final readonly class Point {
        public function __construct(public int $x, public private(set) ?int $y = null) {}
        final public readonly int $z; var $w; static protected readonly array $v;
        final public static function of(): self {}
    }";
    let context = context_of(
        &[("src/Point.php", point)],
        "<?php class B extends Point {
        function b() { new Point(|",
    );
    for line in [
        "final readonly class Point {\n",
        "\tfunction __construct(public int $x, public private(set) ?int $y = null);\n",
        "\tpublic int $x;\n",
        "\tpublic private(set) ?int $y;\n",
        "\tpublic final readonly int $z;\n",
        "\tpublic $w;\n",
        "\tprotected static readonly array $v;\n",
        "\tfinal static function of(): self;\n",
    ] {
        assert!(context.contains(line), "{line}{context}");
    }
}

#[test]
fn behind_a_static_dollar_stand_static_properties() {
    let a = "<?php class A { public static $one; public $two; const THREE = 3;
        static function four() {} public static $ode; }";
    let context = context_of(&[("src/A.php", a)], "<?php A::$|");
    assert!(context.contains("public static $one;"), "{context}");
    for other in ["$two", "THREE", "four"] {
        assert!(!context.contains(other), "{other}: {context}");
    }
    let context = context_of(&[("src/A.php", a)], "<?php A::$on|");
    assert!(context.contains("public static $one;"), "{context}");
    assert!(!context.contains("$ode"), "{context}");
}

/// A line break in the name of a file ends no header: what follows would be code.
#[test]
fn the_name_of_a_file_stays_on_one_line() {
    let files = [(
        "a\nsystem('x');\u{2028}.php",
        "<?php\nclass Order { public function total(): int {} }\n",
    )];
    let context = context_of(&files, "<?php\nfunction f(Order $order) { $order->|");
    let header = "// --- a\u{fffd}system('x');\u{fffd}.php ---\n";
    assert!(context.starts_with(header), "{context}");
}

#[test]
fn a_file_with_short_tags_is_read() {
    let files = [(
        "src/A.php",
        "<?\nclass A { function c() {} }\n?>\n<?xml version='1.0'?>",
    )];
    let context = context_of(&files, "<? (new A)->|");
    assert!(context.contains("function c();"), "{context}");
}

#[test]
fn the_doc_comment_of_a_class_holds_behind_an_attribute() {
    let files = [("src/A.php", "<?php /** @method int c() */ #[X] class A {}")];
    let context = context_of(&files, "<?php (new A)->|");
    assert!(context.contains("\tfunction c(): int;\n"), "{context}");
}

#[test]
fn members_of_doc_comments_are_shown_as_they_are_used() {
    let a = "<?php
        /**
         * @method static self make(array $with = [], ?callable $then = null) makes one
         * @method run(\\A|string $what)
         * @method static quiet()
         * @property-read int|null $count how many
         * @property $any
         */
        class A {}";
    let context = context_of(&[("src/A.php", a)], "<?php $a = new A; $a->|");
    for line in [
        "\tfunction run(\\A|string $what);\n",
        "\tfunction quiet(): static;\n",
        "\tpublic int|null $count;\n",
        "\tpublic $any;\n",
    ] {
        assert!(context.contains(line), "{line}{context}");
    }
    let context = context_of(&[("src/A.php", a)], "<?php A::|");
    let line = "\tstatic function make(array $with = [], ?callable $then = null): self;\n";
    assert!(context.contains(line), "{context}");
}
