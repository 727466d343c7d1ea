use std::ops::Range;
use std::sync::Arc;

use proptest::prelude::*;

use super::behind::brackets;
use super::enclosing::{Enclosing, LexicalState};
use super::syntax::CursorSyntax;
use super::*;
use crate::php::lex::{LexMode, lex, lex_from};

/// What is shown of `answer` at the `|` of `code`.
fn shown(code: &str, answer: &str) -> String {
    let cursor = code.find('|').unwrap();
    let content = code.replacen('|', "", 1);
    let filter = AnswerFilter::new(&content, cursor);
    filter
        .shown(answer, true, &["<|endoftext|>", "</s>"], 20)
        .text
}

fn extent(code: &str) -> CompletionExtent {
    let cursor = code.find('|').unwrap();
    let content = code.replacen('|', "", 1);
    CursorSyntax::new(&content, cursor).extent()
}

#[test]
fn the_syntax_tells_how_much_is_wanted() {
    for (code, expected) in [
        ("<?php\n$x = |;", CompletionExtent::Line),
        ("<?php\nfoo(|);", CompletionExtent::Line),
        ("<?php\n$x = |", CompletionExtent::Statement),
        ("<?php\n|\n$y = 1;", CompletionExtent::Statement),
        ("<?php\nfunction f() {|}", CompletionExtent::Line),
        ("<?php\nfunction f() {\n    |\n}\n", CompletionExtent::Body),
        ("<?php\nfunction f()\n{|\n}\n", CompletionExtent::Body),
        ("<?php\nfunction f() {\n    |", CompletionExtent::Body),
        (
            "<?php\nfunction f() {\n    |\n    return 1;\n}\n",
            CompletionExtent::Statement,
        ),
        ("<?php\n// the |\n$x = 1;", CompletionExtent::Line),
        ("<?php\n$x = 'a|", CompletionExtent::Line),
        ("<p>|", CompletionExtent::Line),
        ("<?php\n/* a\n|", CompletionExtent::Line),
        ("<?php\n$x = <<<A\n |", CompletionExtent::Line),
        ("<?php\n$x = <<<A\n a\nA|", CompletionExtent::Statement),
    ] {
        assert_eq!(extent(code), expected, "{code}");
    }
}

#[test]
fn an_answer_is_cut_at_a_bracket_that_closes_too_much() {
    assert_eq!(shown("<?php\nfoo(|);", "$x, $y);\nbar();"), "$x, $y");
    assert_eq!(shown("<?php\nfoo(|);", "bar($x)"), "bar($x)");
    assert_eq!(shown("<?php\nif ($a[|]) {\n}", "'k']) {"), "'k'");
    // An unclosed bracket may be closed.
    assert_eq!(shown("<?php\nfoo(|", "$x);\nbar();"), "$x);");
    assert_eq!(shown("<?php\nfoo(|", "$x]);"), "$x");
    assert_eq!(
        shown(
            "<?php\nfunction f() {\n    |\n}\n",
            "return 1;\n}\n\nfunction g() {}"
        ),
        "return 1;"
    );
    // A bracket in a string or a comment closes nothing.
    assert_eq!(shown("<?php\nfoo(|);", "')' /* ) */, 2"), "')' /* ) */, 2");
}

#[test]
fn a_statement_ends_where_it_ends() {
    let code = "<?php\n|\n";
    assert_eq!(shown(code, "$x = 1;\n$y = 2;"), "$x = 1;");
    let chain = "$x = $this->a()\n    ->b();\n$y = 1;";
    assert_eq!(shown(code, chain), "$x = $this->a()\n    ->b();");
    let block = "if ($x) {\n    a();\n    b();\n}\nc();";
    assert_eq!(shown(code, block), "if ($x) {\n    a();\n    b();\n}");
    let brace = "function f(): int\n{\n    return 1;\n}\n\nf();";
    assert_eq!(shown(code, brace), "function f(): int\n{\n    return 1;\n}");
    assert_eq!(shown("<?php\n$x = |", "foo();\nbar();"), "foo();");
}

#[test]
fn text_behind_the_cursor_is_not_repeated() {
    assert_eq!(shown("<?php\n$x = |;", "1;"), "1");
    assert_eq!(shown("<?php\n$x = '|';", "abc';\nfoo();"), "abc");
    assert_eq!(shown("<?php\n$x = '|", "abc';"), "abc';");
    let next = "<?php\nfunction f() {\n    |\n    return $sum;\n}\n";
    assert_eq!(shown(next, "return $sum;\n}"), "");
    let body = "<?php\nif ($a) {\n    $b = [\n        |\n    ];\n    return $b;\n}";
    assert_eq!(shown(body, "1, 2,\n        3,\n    ];"), "1, 2,");
}

/// Code with the cursor at `|`, an answer, and what is shown of it.
const BEHIND: &[(&str, &str, &str)] = &[
    // Brackets that are closed behind the cursor, in the line and below.
    ("foo(|);", "$a, $b);", "$a, $b"),
    ("foo(bar(|));", "$a));", "$a"),
    ("foo([1, |\n);", "2]);\nbar();", "2]"),
    ("$x = [\n    |\n];", "'a' => [1],\n];", "'a' => [1],"),
    ("[|]", "1, 2];", "1, 2"),
    ("if (|) {\n}", "isset($a[0])) {", "isset($a[0])"),
    (
        "function f() {\n    if ($a) {\n        |\n    }\n}",
        "b();\n    }\n}",
        "b();",
    ),
    // Brackets that the answer leaves open.
    ("foo(|);", "array_map(\n    $a);", "array_map"),
    ("foo(|);", "$a, bar($b", "$a, bar"),
    ("foo(|)", "function () {", "function ()"),
    ("foo|)", "($a", "($a"),
    ("foo(\n    |\n);", "$a,\n    bar($b,", "$a,"),
    // Quotes.
    ("$x = 'abc|'", "def';", "def"),
    ("$x = \"a|\";", "b $c\";", "b $c"),
    ("foo('abc|');", "d', $b);", "d"),
    ("foo(|);", "$a, 'b", "$a,"),
    ("foo(|);", "'b", ""),
    ("foo('a|);", "b'", "b'"),
    ("foo('a|);", "b', [1", "b',"),
    ("foo($a|, 'x');", " . 'b', 'x');", " . 'b'"),
    // Comments.
    ("$x = |;", "1; // one", "1"),
    ("$x = |\nfoo();", "1; // one", "1; // one"),
    ("foo(|);", "$a // the first", "$a"),
    ("foo(|);", "$a /* the first", "$a"),
    ("/* a | */", "b */", "b"),
    ("/**\n * The |\n */", "sum */\nfoo", "sum"),
    ("// a |\nfoo();", "b ?> c", "b"),
    ("// a |\nfoo();", "b", "b"),
    ("$x = <<<A\n|\nA;", "A;", ""),
    ("$x = <<<A\n  |\n  A;", "foo", "foo"),
    // `;` and `,`.
    ("$x = |;", "1; $y = 2;", "1"),
    ("for ($i = 0; |; $i++) {\n}", "$i < 9; $i++) {", "$i < 9"),
    (
        "for (|) {\n}",
        "$i = 0; $i < 9; $i++) {",
        "$i = 0; $i < 9; $i++",
    ),
    ("foo(|);", "$a;\nbar();", "$a"),
    ("foo(|\n", "$a;", "$a"),
    ("foo(|, $b);", "$a, ", "$a"),
    (
        "$x = $q\n    |\n    ->get();",
        "->where(1);\n",
        "->where(1)",
    ),
    ("$x = $q\n    |\n;", "->where(1);\nfoo();", "->where(1)"),
    ("$x = | + 1;", "foo();", "foo()"),
    ("$x = |\n    . 'b';", "'a';", "'a'"),
    ("|\n++$x;", "foo();", "foo();"),
    // Other signs.
    ("class A|\n{\n}", " extends B\n{\n", " extends B"),
    ("$x = [| => 1];", "'a' => 2", "'a'"),
    ("$x = $a ? | : 2;", "$b ? 3 : 4 : 5;", "$b ? 3 : 4"),
    ("$x = $a ? | : 2;", "B::C : 5;", "B::C"),
    ("foo|($x);", "Bar($a, $b);", "Bar"),
    ("$x = |($y);", "$a->foo", "$a->foo"),
    // Tags.
    ("?><?= $a| ?>", "->b ?></p>", "->b"),
    ("?><p>|</p>", "<?php echo 1;", ""),
    ("?><p>|</p>", "<?= $a ?>b", "<?= $a ?>b"),
];

#[test]
fn what_stands_behind_the_cursor_stays_what_it_is() {
    let mut differing = Vec::new();
    for (code, answer, expected) in BEHIND {
        let shown = shown(&format!("<?php\n{code}"), answer);
        if shown != *expected {
            differing.push(format!(
                "{code:?} + {answer:?} shows {shown:?}, not {expected:?}"
            ));
        }
    }
    assert!(differing.is_empty(), "{}", differing.join("\n"));
}

#[test]
fn a_useless_answer_becomes_empty() {
    for answer in ["", "  \n\n", "<|endoftext|>", "}</s>", ")", "\n"] {
        assert_eq!(shown("<?php\nfoo(|);", answer), "", "{answer:?}");
    }
    assert_eq!(shown("<?php\n|\n", "foo();<|endoftext|>bar();"), "foo();");
    // After a statement no other one begins in the same line.
    assert_eq!(shown("<?php\nfoo();|\n", "bar();"), "");
    assert_eq!(shown("<?php\nfoo();|\n", "\nbar();\nbaz();"), "\nbar();");
    assert_eq!(shown("<?php\nfoo();|\n", " // bar"), " // bar");
    let trapped = "function f() {\n    foo();\n    foo();\n    foo();\n    foo();";
    assert_eq!(shown("<?php\n|\n", trapped), "function f() {\n    foo();");
}

#[test]
fn a_completion_has_at_most_the_requested_lines() {
    let content = "<?php\nfunction f() {\n    \n}\n";
    let place = CursorSyntax::new(content, content.find("    \n").unwrap() + 4);
    let answer = "a();\n    b();\n    c();\n";
    assert_eq!(place.fit(answer, 2).text, "a();\n    b();");
    assert_eq!(place.fit(answer, 1).text, "a();");
}

#[test]
fn the_shown_text_has_the_line_breaks_of_the_buffer() {
    let code = "<?php\r\nclass A\r\n{\r\n    |\r\n}\r\n";
    let answer = "public int $a;\n\n    public function f()\r\n    {\n    }\n";
    let expected = "public int $a;\r\n\r\n    public function f()\r\n    {\r\n    }";
    assert_eq!(shown(code, answer), expected);
    assert_eq!(
        shown(&code.replace('\r', ""), answer),
        expected.replace('\r', "")
    );
}

#[test]
fn a_stop_ends_an_answer_that_is_not_tidy() {
    let code = "<?php\n$x = array_s|\n";
    assert_eq!(shown(code, "array_s</s>"), "");
    assert_eq!(
        shown(code, "```php\narray_sum($y);\n```<|endoftext|>"),
        "um($y);"
    );
    assert_eq!(
        shown(code, "array_sum($y);\n// --- src/A.php ---\nfoo"),
        "um($y);"
    );
}

#[test]
fn typing_a_shown_completion_leaves_its_rest() {
    let mut recent = RecentCompletions::default();
    let completed = |before: &str, texts: &[&str]| ShownCompletion {
        path: "a.php".into(),
        before: before.into(),
        after: ";".into(),
        texts: texts.iter().map(|text| (*text).into()).collect(),
        context: Arc::default(),
    };
    recent.push(completed("$x = ", &["foo()", "fa()"]));
    let rests = |recent: &RecentCompletions, before: &str| -> Vec<String> {
        let rests = recent.rests("a.php", before, ";");
        rests.map(|(_, rest)| rest.to_owned()).collect()
    };
    assert_eq!(rests(&recent, "$x = "), ["foo()", "fa()"]);
    assert_eq!(rests(&recent, "$x = fo"), ["o()"]);
    assert_eq!(rests(&recent, "$x = fa"), ["()"]);
    let nothing: [&str; 0] = [];
    for other in ["$x = foo()", "$x = fx", "$x ="] {
        assert_eq!(rests(&recent, other), nothing);
    }
    assert_eq!(recent.rests("b.php", "$x = ", ";").count(), 0);
    assert_eq!(recent.rests("a.php", "$x = ", "").count(), 0);
    // A new answer stands before what is known of the same cursor.
    recent.push(completed("$x = ", &["bar()", "fa()"]));
    assert_eq!(rests(&recent, "$x = "), ["bar()", "fa()", "foo()"]);
    for number in 0..100 {
        recent.push(completed(&format!("${number} = "), &["1"]));
    }
    assert_eq!(rests(&recent, "$x = "), nothing);
    assert_eq!(rests(&recent, "$99 = "), ["1"]);
}

fn piece() -> impl Strategy<Value = String> {
    prop_oneof![
        4 => proptest::sample::select(vec![
            "foo", "$x", "(", ")", "[", "]", "{", "}", ";", ",", "\n", "    ", "->", "'", "\"",
            "/*", "*/", "//", "<<<A\n", "\nA\n", "?>", "<?php ", "return ", " = ", "\u{e4}", "#[",
        ]).prop_map(str::to_owned),
        1 => ".{0,4}",
    ]
}

/// How many brackets of `code` have no partner, and whether a literal or a comment is
/// open at its end.
fn imbalance(code: &str) -> (usize, bool) {
    let tokens = lex(code);
    let (open, closers) = brackets(code, &tokens);
    let is_open = !matches!(
        Enclosing::at_end(code, &tokens),
        Enclosing::Code | Enclosing::Html | Enclosing::LineComment
    );
    (open.len() + closers.len(), is_open)
}

/// Where the tokens of `code` are that begin at byte `at` or behind it, from there.
fn tokens_from(code: &str, at: usize) -> Vec<Range<usize>> {
    let spans = lex(code).into_iter().map(|token| token.span.range());
    let behind = spans.filter(|span| span.start >= at);
    behind.map(|span| span.start - at..span.end - at).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(500))]

    /// The naive reference lexes the whole buffer before and after.
    #[test]
    fn an_answer_breaks_nothing_behind_the_cursor(
        before in prop::collection::vec(piece(), 0..16),
        after in prop::collection::vec(piece(), 0..12),
        answer in prop::collection::vec(piece(), 0..14),
    ) {
        let (before, after, answer) = (before.concat(), after.concat(), answer.concat());
        // The cursor does not stand inside of a sign.
        let before = format!("<?php {}", before.trim_end_matches(['/', '#', '?', '<', '*']));
        let place = CursorSyntax::new(&(before.clone() + &after), before.len());
        let text = place.fit(&answer, 9).text;
        let (old, new) = ([&*before, &after].concat(), [&*before, text, &after].concat());
        // Where no code follows in the line, an unfinished block may be shown.
        let may_be_open = place.extent() != CompletionExtent::Line || after.trim().is_empty();
        let is_open_end = may_be_open
            && !brackets(text, &lex_from(text, 0, LexMode::Code)).0.is_empty();
        let (was, is) = (imbalance(&old), imbalance(&new));
        // Templates open and close blocks in pieces of code.
        let is_html = place.enclosing == Enclosing::Html;
        // What a literal took in that the answer ends is code now.
        let is_freed = !place.must_stay_inside && place.state != LexicalState::Code;
        let is_free = place.behind.is_blank || is_freed;
        prop_assert!(is.1 <= was.1 || is_free, "{text:?} in {before:?} | {after:?}");
        prop_assert!(
            is.0 <= was.0 || is_open_end || is_html || is_freed,
            "{text:?} in {before:?} | {after:?}"
        );
        // The tokens behind the cursor's line are the same.
        let line = after.find('\n').unwrap_or(after.len());
        if place.state != LexicalState::Text && !is_open_end && !is_freed {
            prop_assert_eq!(
                tokens_from(&old, before.len() + line),
                tokens_from(&new, before.len() + text.len() + line),
                "{:?} in {:?} | {:?}", text, before, after
            );
        }
    }

    #[test]
    fn a_completion_is_a_start_of_the_answer(
        before in prop::collection::vec(piece(), 0..20),
        after in prop::collection::vec(piece(), 0..12),
        answer in prop::collection::vec(piece(), 0..20),
        max_lines in 1..5_usize,
    ) {
        let before = format!("<?php {}", before.concat());
        let (content, answer) = (before.clone() + &after.concat(), answer.concat());
        let place = CursorSyntax::new(&content, before.len());
        let fitted = place.fit(&answer, max_lines);
        prop_assert!(answer.starts_with(fitted.text));
        prop_assert!(fitted.text.matches('\n').count() < max_lines);
        prop_assert!(fitted.text.is_empty() || !fitted.text.trim().is_empty());
        if place.extent() == CompletionExtent::Line {
            prop_assert!(!fitted.text.contains('\n'));
        }
    }

    #[test]
    fn more_text_does_not_change_a_cut_answer(
        answer in prop::collection::vec(piece(), 0..20),
        more in prop::collection::vec(piece(), 0..6),
    ) {
        let content = "<?php\nfunction f() {\n    foo(1);\n    \n    return [2];\n}\n";
        let place = CursorSyntax::new(content, content.find("    \n").unwrap() + 4);
        let answer = answer.concat();
        let fitted = place.fit(&answer, 9);
        let is_whole = lex_from(&answer, 0, LexMode::Code).last()
            .is_none_or(|last| (last.span.end as usize) < answer.trim_end().len() + 1);
        if fitted.is_cut && is_whole && fitted.text.ends_with(';') {
            let longer = answer.clone() + &more.concat();
            prop_assert_eq!(place.fit(&longer, 9).text, fitted.text);
        }
    }
}
