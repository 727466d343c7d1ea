use std::sync::Arc;

use proptest::prelude::*;

use super::*;
use crate::index::{Index, IndexChange, SourceFile};
use crate::php;

const PATH: &str = "src/Cart.php";
const FILES: [(&str, &str); 3] = [
    (
        "src/Price.php",
        "<?php\nnamespace Shop;\nclass Price\n{\n    public int $cents;\n    public function add(Price $other): self {}\n    public function format(string $locale): string {}\n    public static function of(int $cents): self {}\n}\n",
    ),
    (
        "src/Basket.php",
        "<?php\nnamespace Shop;\nclass Basket\n{\n    public function total(): Price {}\n    public function lines(): array {}\n    public function discount(float $rate): Price {}\n    public function isEmpty(): bool {}\n}\n",
    ),
    (
        "src/Printer.php",
        "<?php\nnamespace Shop;\nclass Printer\n{\n    public function print(Basket $basket): void\n    {\n        foreach ($basket->lines() as $line) {\n            echo $basket->total()->format('de');\n        }\n    }\n}\n",
    ),
];
const BEFORE: &str = "<?php\nnamespace Shop;\nclass Cart\n{\n    public function sum(Basket $basket, Price $price): Price\n    {\n        ";
const BEHIND: &str = "\n    }\n\n    private function rest(): int\n    {\n    }\n}\n";

fn file(path: &str, text: &str) -> Arc<SourceFile> {
    let facts = php::facts(text);
    Arc::new(SourceFile::new(path.into(), text.into(), false, facts))
}

fn index() -> Index {
    Index::build(FILES.iter().map(|(path, text)| file(path, text)).collect())
}

/// The buffer with `typed` in its method, and the cursor behind it.
fn buffer(typed: &str) -> (String, usize) {
    let content = [BEFORE, typed, BEHIND].concat();
    (content, BEFORE.len() + typed.len())
}

fn request(content: &str, cursor: usize, max_chars: usize) -> ContextRequest<'_> {
    ContextRequest {
        max_chars,
        bm25: true,
        ..ContextRequest::for_test(PATH, content, cursor)
    }
}

fn key() -> CourseKey {
    CourseKey {
        session: None,
        file: PATH.into(),
    }
}

/// The context for `typed` in a client with these `courses`, and the start of the course.
fn answer(
    courses: &mut Courses,
    snapshot: &Snapshot,
    typed: &str,
    max_chars: usize,
) -> (Context, usize) {
    let (content, cursor) = buffer(typed);
    let request = request(&content, cursor, max_chars);
    let mut course = courses.course(&key(), snapshot, &request);
    let context = course.context(snapshot, &request, &Cancel::default());
    let start = course.start();
    courses.keep(key(), course);
    (context.unwrap(), start)
}

/// The context for `typed` that is computed from `start` on at once.
fn anew(snapshot: &Snapshot, typed: &str, start: usize, max_chars: usize) -> Context {
    let (content, cursor) = buffer(typed);
    let request = request(&content, cursor, max_chars);
    assemble_from(start, snapshot, &request, &Cancel::default()).unwrap()
}

fn typing() -> impl Strategy<Value = Vec<&'static str>> {
    let piece = prop_oneof![
        Just("$basket->"),
        Just("total("),
        Just(")"),
        Just(";\n        "),
        Just("Price::"),
        Just("of($price->"),
        Just("\u{e4}"),
        Just("// $basket->\n"),
        Just("<"),
    ];
    prop::collection::vec(piece, 1..16)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// A `<` takes the last piece back; every other piece is typed and may be asked for.
    #[test]
    fn what_is_remembered_is_what_would_be_computed(
        pieces in typing(),
        asked in prop::collection::vec(any::<bool>(), 16),
        max_chars in prop_oneof![Just(60_usize), Just(250), Just(1000)],
    ) {
        let index = index();
        let snapshot = index.snapshot();
        let mut courses = Courses::default();
        let mut typed: Vec<&str> = Vec::new();
        for (piece, is_asked) in pieces.iter().zip(&asked) {
            match *piece {
                "<" => drop(typed.pop()),
                piece => typed.push(piece),
            }
            if !is_asked {
                continue;
            }
            let typed = typed.concat();
            let (context, start) = answer(&mut courses, &snapshot, &typed, max_chars);
            prop_assert_eq!(&context, &anew(&snapshot, &typed, start, max_chars));
            prop_assert!(context.text.chars().count() <= max_chars);
            let shown: usize = context.snippets.iter().map(|snippet| snippet.chars).sum();
            prop_assert!(shown <= context.text.chars().count());
            let headers = context.text.lines().filter(|line| line.starts_with("// --- "));
            prop_assert_eq!(headers.count(), context.files.len());
        }
    }
}

#[test]
fn a_context_is_added_to_and_shows_nothing_twice() {
    let index = index();
    let snapshot = index.snapshot();
    let mut courses = Courses::default();
    let max_chars = 2000;
    let steps = [
        "",
        "$basket->",
        "$basket->total()->",
        "$basket->total()->add(Price::",
    ];
    let mut last = String::new();
    for typed in steps {
        let (context, start) = answer(&mut courses, &snapshot, typed, max_chars);
        assert_eq!(start, first_start(BEFORE));
        assert!(
            context.text.starts_with(&last),
            "{last}\n=>\n{}",
            context.text
        );
        last = context.text;
    }
    assert!(
        last.contains("function format(string $locale): string;"),
        "{last}"
    );
    assert_eq!(
        last.matches("function total(): Price;").count(),
        1,
        "{last}"
    );
    // The cursor moves back, and text is taken back.
    let (context, _) = answer(&mut courses, &snapshot, "$basket->", max_chars);
    assert_eq!(
        context,
        anew(&snapshot, "$basket->", first_start(BEFORE), max_chars)
    );
}

#[test]
fn a_context_that_is_full_begins_anew() {
    // All members of each class are as likely as one another.
    let class = |name: &str, word: &str| {
        let members = (0..40).map(|n| {
            format!("    public function {word}{n}(int $first, string $second): Price {{}}\n")
        });
        let members: String = members.collect();
        let text = format!("<?php\nnamespace Shop;\nclass {name}\n{{\n{members}}}\n");
        file(&format!("src/{name}.php"), &text)
    };
    let files = vec![class("Basket", "take"), class("Price", "round")];
    let snapshot = Index::build(files).snapshot();
    let typed = "$price->round1(1, '');\n".repeat(5);
    let mut anew_at = 0;
    for max_chars in (600..2400).step_by(200) {
        let begun = anew(&snapshot, "", BEFORE.len(), max_chars);
        let context = anew(&snapshot, &typed, BEFORE.len(), max_chars);
        assert!(context.text.chars().count() <= max_chars);
        anew_at += usize::from(!context.text.starts_with(&begun.text));
    }
    assert!(anew_at > 0);
}

#[test]
fn another_place_begins_another_course() {
    let index = index();
    let snapshot = index.snapshot();
    let mut courses = Courses::default();
    let first = "$a = $basket->";
    let start = |courses: &mut Courses, content: &str, cursor| {
        let request = request(content, cursor, 1000);
        let mut course = courses.course(&key(), &snapshot, &request);
        course
            .context(&snapshot, &request, &Cancel::default())
            .unwrap();
        courses.keep(key(), course.clone());
        course.start()
    };
    let (content, cursor) = buffer(first);
    let begun = first_start(&content[..cursor]);
    assert_eq!(start(&mut courses, &content, cursor), begun);
    // Brackets that the editor closes change nothing.
    let closed = content.replace("$basket->", "$basket->total()");
    let behind = cursor + "total(".len();
    assert_eq!(start(&mut courses, &closed, behind), begun);
    let block = content.replace("$basket->", "$basket->total();\n if (1) {\n \n }");
    let inside = cursor + "total();\n if (1) {\n ".len();
    assert_eq!(start(&mut courses, &block, inside), begun);
    // A line further down that was there before.
    let below = block.find("function rest").unwrap();
    let anew = first_start(&block[..below]);
    assert_ne!(anew, begun);
    assert_eq!(start(&mut courses, &block, below), anew);
    // Text before the start has changed.
    let changed = block.replace("class Cart", "class Wagon");
    let below = changed.find("function rest").unwrap() + 3;
    let anew = first_start(&changed[..below]);
    assert_eq!(start(&mut courses, &changed, below), anew);
}

#[test]
fn a_change_of_another_file_counts_and_one_of_this_file_does_not() {
    let index = index();
    let mut courses = Courses::default();
    let typed = "$basket->";
    let first = answer(&mut courses, &index.snapshot(), typed, 1000);
    let (content, cursor) = buffer(typed);
    index.apply([IndexChange::Put(file(PATH, &content))]);
    let course = courses.course(&key(), &index.snapshot(), &request(&content, cursor, 1000));
    assert!(!course.checkpoints.is_empty(), "nothing is made again");
    assert_eq!(answer(&mut courses, &index.snapshot(), typed, 1000), first);
    let more = FILES[1].1.replace("isEmpty", "isPaid");
    index.apply([IndexChange::Put(file(FILES[1].0, &more))]);
    let (context, start) = answer(&mut courses, &index.snapshot(), typed, 1000);
    assert_eq!(start, first.1, "the start stays");
    assert!(context.text.contains("isPaid") && !context.text.contains("isEmpty"));
    assert_eq!(context, anew(&index.snapshot(), typed, start, 1000));
}

#[test]
fn what_is_remembered_is_bounded() {
    let index = index();
    let snapshot = index.snapshot();
    let mut courses = Courses::default();
    let (content, cursor) = buffer("");
    for number in 0..100 {
        let request = request(&content, cursor, 1000);
        let key = CourseKey {
            session: Some(number.to_string()),
            file: PATH.into(),
        };
        courses.keep(key.clone(), courses.course(&key, &snapshot, &request));
    }
    assert_eq!(courses.0.len(), 16);
    courses.forget(PATH);
    assert!(courses.0.is_empty());

    let mut typed = String::new();
    let (mut most, mut starts) = (0, FxHashSet::default());
    for _ in 0..300 {
        typed.push_str("f($basket->\n");
        starts.insert(answer(&mut courses, &snapshot, &typed, 1000).1);
        most = most.max(courses.0[0].1.checkpoints.len());
    }
    assert!(most <= COURSE_CHECKPOINTS, "{most}");
    assert!((2..10).contains(&starts.len()), "{starts:?}");
    // A start that is too far away counts as the cursor.
    let far = anew(&snapshot, &typed, BEFORE.len(), 1000);
    assert_eq!(far, anew(&snapshot, &typed, usize::MAX, 1000));
}
