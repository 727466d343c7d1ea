use std::sync::Arc;

use proptest::prelude::*;

use super::syntax::CursorSyntax;
use super::*;
use crate::php::lex::{LexMode, lex_from};

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

proptest! {
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
