//! Tidies the answer of a model, before `fit` cuts it to what is useful at the
//! cursor: removes what is no code or stands before the cursor already, and indents
//! as the buffer does.
//!
//! The stages follow each other: line breaks, the beginning (`beginning`, `prose`), the end
//! (`ending`), indentation (`indent`). While the answer streams in, each stage holds
//! back text about which it cannot decide yet. So no stage takes back text that it
//! has passed on, and the result does not depend on how the stream is cut.

use std::borrow::Cow;

use super::beginning::{Beginning, Repeats};
use super::enclosing::LexicalState;
use super::ending;
use super::indent::Indentation;
use super::syntax::CursorSyntax;
use crate::text::with_newlines;

const BYTE_ORDER_MARK: char = '\u{feff}';

/// Tidies the answers for one cursor.
#[derive(Clone, Debug)]
pub(super) struct AnswerTidier {
    in_code: bool,
    begins_line: bool,
    repeats: Repeats,
    indentation: Indentation,
}

/// The tidied part of an answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct TidiedAnswer {
    /// The text, with `\n` as line break.
    pub(super) text: String,
    /// Whether the rest of the stream does not matter.
    pub(super) is_whole: bool,
}

impl AnswerTidier {
    /// For the answers at byte `cursor` of `content`, where the syntax is `syntax`.
    pub(super) fn new(content: &str, cursor: usize, syntax: &CursorSyntax) -> Self {
        Self {
            in_code: syntax.state == LexicalState::Code,
            begins_line: syntax.begins_line,
            repeats: Repeats::new(content, cursor, syntax.state),
            indentation: Indentation::new(content, cursor),
        }
    }

    /// Tidies `answer`, which is the start of the stream unless `is_whole`.
    pub(super) fn tidy(&self, answer: &str, is_whole: bool) -> TidiedAnswer {
        let answer = plain(answer, is_whole);
        let Some(Beginning {
            rest,
            is_fenced,
            without_lines,
        }) = self.repeats.without_beginning(&answer, is_whole)
        else {
            return TidiedAnswer {
                text: String::new(),
                is_whole: false,
            };
        };
        let begins_line = self.begins_line;
        let (text, is_whole) = match self.in_code {
            true => ending::of_code(rest, begins_line, is_whole),
            false => ending::of_text(rest, is_fenced, begins_line, is_whole),
        };
        let text = match self.in_code {
            true => {
                let in_line = !begins_line;
                self.indentation
                    .apply(text, in_line, without_lines, is_whole)
            }
            false => text.to_owned(),
        };
        TidiedAnswer { text, is_whole }
    }
}

/// `answer` with `\n` as line break, and without byte order marks.
fn plain(answer: &str, is_whole: bool) -> Cow<'_, str> {
    let answer = match is_whole {
        true => answer,
        false => answer.trim_end_matches(['\r', BYTE_ORDER_MARK]),
    };
    let mut plain = match answer.contains(BYTE_ORDER_MARK) {
        true => Cow::Owned(answer.replace(BYTE_ORDER_MARK, "")),
        false => Cow::Borrowed(answer),
    };
    while plain.contains("\r\n") {
        plain = with_newlines(plain);
    }
    plain
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn tidier(code: &str) -> AnswerTidier {
        let cursor = code.find('|').unwrap();
        let content = code.replacen('|', "", 1);
        AnswerTidier::new(&content, cursor, &CursorSyntax::new(&content, cursor))
    }

    fn tidy(code: &str, answer: &str) -> String {
        tidier(code).tidy(answer, true).text
    }

    #[track_caller]
    fn assert_unchanged(code: &str, answer: &str) {
        assert_eq!(tidy(code, answer), answer, "{code}");
    }

    #[test]
    fn fences_are_no_code() {
        let code = "<?php\n|\n";
        assert_eq!(
            tidy(code, "```php\n$x = 1;\n```\nThis sets $x."),
            "$x = 1;\n"
        );
        assert_eq!(tidy(code, "\n```\n$x = 1;\n```"), "$x = 1;\n");
        assert_eq!(tidy(code, "$x = 1;\n```\n"), "$x = 1;\n");
        assert_eq!(tidy(code, "```$x = 1;```"), "$x = 1;");
        assert_eq!(tidy(code, "```php $x = 1;```"), "$x = 1;");
        assert_eq!(
            tidy("<?php\n$x = array_s|", "```php\narray_sum($y);\n```"),
            "um($y);\n"
        );
        let chat = "Sure! Here is the code:\n\n```php\n$x = 1;\n```\nIt sets $x.";
        assert_eq!(tidy(code, chat), "$x = 1;\n");
        assert_eq!(
            tidy(code, "You can do it so:\n```\n$x = 1;\n```"),
            "$x = 1;\n"
        );
        assert_unchanged(code, "Foo::bar();\n$x = <<<A\n```\nA;");
        assert_unchanged(code, "Here is no code.\n");
        // In a literal a fence is content.
        assert_unchanged(code, "$md = <<<MD\n```php\n```\nMD;\n$x = \"```\";");
        assert_unchanged(code, "/*\n```\n*/\n$x = `ls`;");
        assert_unchanged(
            "<?php\n$md = <<<MD\n```\nfoo\n```\n|\nMD;",
            "```php\nfoo\n```\n",
        );
        assert_unchanged("<?php\n/**\n * |\n */", "```php\n * foo();\n * ```");
    }

    #[test]
    fn a_begun_word_is_not_repeated() {
        assert_eq!(tidy("<?php\n$x = array_s|", "array_sum($y);"), "um($y);");
        assert_eq!(tidy("<?php\n$x = $cart->ad|", "$cart->add($i);"), "d($i);");
        assert_eq!(tidy("<?php\n$x = $cart->ad|", "add($i);"), "d($i);");
        assert_eq!(tidy("<?php\n$x = Foo\\Ba|", "Foo\\Bar::x();"), "r::x();");
        assert_eq!(
            tidy("<?php\n$x = $this->foo->|", "$this->foo->bar();"),
            "bar();"
        );
        assert_eq!(tidy("<?php\n$x = $ca|", "$cart;"), "rt;");
        assert_unchanged("<?php\n$x = array_s|", "um($y);");
        assert_unchanged("<?php\n$x = s|", "sh2_connect($y);");
        // Words that the buffer has are words.
        assert_unchanged("<?php\nbonbon();\n$x = bon|", "bon();");
        assert_unchanged("<?php\n$x = 1|", "10;");
        assert_unchanged("<?php\n$x = trim(|", "trim($y));");
        assert_unchanged("<?php\n$x = [|", "[1], [2]];");
        assert_unchanged("<?php\n$x = \"$a|", "$ab\";");
    }

    #[test]
    fn the_start_of_the_line_is_not_repeated() {
        assert_eq!(
            tidy("<?php\n    return foo(|", "    return foo($x);"),
            "$x);"
        );
        assert_eq!(tidy("<?php\n$x = |", "$x = 1;"), "1;");
        assert_eq!(tidy("<?php\n$x = 'a|';", "$x = 'abc';"), "bc';");
        assert_eq!(tidy("<?php\n// Returns the |", "// Returns the sum"), "sum");
        assert_eq!(tidy("<?php\nfoo();|\n", "foo();\nbar();"), "\nbar();");
        // These can stand inside themselves.
        assert_unchanged("<?php\nmax(|", "max(1, 2), 3);");
        assert_unchanged("<?php\n    [|", "[1], [2]];");
        assert_unchanged("<div>|", "<div>");
        assert_unchanged("<?php\nfoo();|\n", "\nfoo();");
    }

    #[test]
    fn lines_above_the_cursor_are_not_repeated() {
        let code = "<?php\n$cart = new Cart();\n$cart->|\n";
        assert_eq!(
            tidy(code, "$cart = new Cart();\n$cart->add($i);"),
            "add($i);"
        );
        assert_eq!(
            tidy(code, "<?php\n$cart = new Cart();\n\n$cart->add($i);"),
            "add($i);"
        );
        let code = "<?php\nfunction f($a)\n{\n    |\n}\n";
        assert_eq!(
            tidy(code, "function f($a)\n{\n    return $a;"),
            "return $a;"
        );
        let code = "<?php\n$cart = new Cart();\n|\n";
        assert_eq!(
            tidy(code, "$cart = new Cart();\n$cart->add($i);"),
            "$cart->add($i);"
        );
    }

    #[test]
    fn lines_that_may_stand_twice_stay() {
        assert_unchanged(
            "<?php\nif ($a) {\n    if ($b) {\n        c();\n    }\n|",
            "}\nfoo();",
        );
        assert_unchanged(
            "<?php\n$x = [\n    [1, 0, 0],\n    |\n];",
            "[1, 0, 0],\n    [2],",
        );
        assert_unchanged("<?php\n$x = [\n    'aaa' => [\n|", "'aaa' => [\n1");
        assert_unchanged("<?php\nfgetcsv($file);\n|\n", "fgetcsv($file);\nfoo();");
        assert_unchanged(
            "<?php\n$line = fgetcsv($file);\n|\n",
            "$line = fgetcsv($file);\nfoo();",
        );
        assert_unchanged("<?php\n$index++;\n|\n", "$index++;\nfoo();");
        assert_unchanged("<?php\n$list[] = 1000;\n|\n", "$list[] = 1000;\nfoo();");
        assert_unchanged("<?php\n$xx = new Foo();\n|\n", "$xx = new Foo();");
        // A line further up is not right before the cursor.
        assert_unchanged(
            "<?php\n$xx = new Foo();\nbar();\n|\n",
            "$xx = new Foo();\nfoo();",
        );
        // The buffer repeats this line itself.
        assert_unchanged(
            "<?php\n$xx = new Foo();\n$xx = new Foo();\n|\n",
            "$xx = new Foo();\nx();",
        );
    }

    #[test]
    fn indentation_is_not_repeated_and_is_the_buffers() {
        let code = "<?php\nclass A\n{\n    function f()\n    {\n        |\n    }\n}\n";
        assert_eq!(
            tidy(code, "        a();\n        b();"),
            "a();\n        b();"
        );
        assert_eq!(
            tidy(code, "a();\n\tif ($x) {\n\t\tb();"),
            "a();\n    if ($x) {\n        b();"
        );
        assert_unchanged(code, "a();\n        b();");
        assert_unchanged(code, "\n        b();");
        // The editor has indented too little.
        let little = "<?php\nclass A\n{\n    function f()\n    {\n    |\n    }\n}\n";
        assert_unchanged(little, "    a();");
        assert_eq!(tidy(little, "        a();"), "    a();");
        let chain = "<?php\nfunction f() {\n    $x = $this->a()\n    |\n}\n";
        assert_unchanged(chain, "    ->b();");
        let tabs = "<?php\nclass A\n{\n\tfunction f()\n\t{\n\t\t|\n\t}\n}\n";
        assert_eq!(
            tidy(tabs, "        a();\n        b();\n"),
            "a();\n\t\tb();\n"
        );
        assert_eq!(tidy(tabs, "\t\ta();\n\t    b();"), "a();\n\t\tb();");
        assert_unchanged(tabs, "/**\n\t\t * x\n\t\t */");
        // The content of a literal stays.
        assert_unchanged(
            tabs,
            "$x = '\n    a';\n\t\t$y = <<<A\n        b\n        A;",
        );
        assert_unchanged("<?php\nfoo();\n|", "if ($x) {\n\tbar();\n}");
    }

    #[test]
    fn a_context_header_ends_the_answer() {
        let code = "<?php\n|\n";
        assert_eq!(
            tidy(code, "foo();\n// --- src/A.php ---\nclass A"),
            "foo();\n"
        );
        assert_eq!(tidy(code, "foo();\n// --- src/A.php"), "foo();\n");
        assert_eq!(tidy(code, "// --- A.php ---\nfoo();"), "");
        assert_unchanged(code, "foo();\n// --- Getters ---\nbar();");
        assert!(
            tidier(code)
                .tidy("foo();\n// --- src/A.php ---\n", false)
                .is_whole
        );
    }

    #[test]
    fn line_breaks_and_byte_order_marks_are_normal() {
        let code = "<?php\r\n$x = 1;\r\n|\r\n";
        assert_eq!(
            tidy(code, "\u{feff}foo();\r\nbar();\r\n"),
            "foo();\nbar();\n"
        );
    }

    const CODES: [&str; 11] = [
        "<?php\nclass A\n{\n    function f()\n    {\n        |\n    }\n}\n",
        "<?php\nclass A\n{\n\tfunction f()\n\t{\n\t\tfoo();\n\t\t|\n\t}\n}\n",
        "<?php\n$x = 'a';\nfoo();\n$x = foo|",
        "<?php\n$x = 'a';\n$x->foo|",
        "<?php\n$x = foo(|",
        "<?php\n    $x = 1;\n    |",
        "<?php\nfoo();\n$x = 'foo|'",
        "<?php\n/* foo\n|",
        "<p>foo\n|",
        "|",
        "<?php\n$x = <<<A\n ```\n|",
    ];

    fn piece() -> impl Strategy<Value = String> {
        prop_oneof![
            6 => proptest::sample::select(vec![
                "foo", "$x = ", "$x->", "(", ")", "{", "}", ";", "\n", "\n", "    ", "\t", "  ",
                "'", "\"", "/*", "*/", "<<<A\n", "\nA\n", "?>", "<?php\n", "```", "`", "```php\n",
                "\r", "\r\n", "\u{feff}", "// --- ", "a/b.php", " ---", "$x = 'a';\n", "foo();\n",
                "function f()\n", "\n        ", "Here is it:\n", "Foo",
            ]).prop_map(str::to_owned),
            1 => ".{0,3}",
        ]
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(600))]

        /// The naive reference is to wait for the whole answer.
        #[test]
        fn a_stream_is_tidied_as_the_whole_is(
            code in 0..CODES.len(),
            answer in prop::collection::vec(piece(), 0..14),
        ) {
            let (tidier, answer) = (tidier(CODES[code]), answer.concat());
            let whole = tidier.tidy(&answer, true);
            for end in (0..=answer.len()).filter(|end| answer.is_char_boundary(*end)) {
                let part = tidier.tidy(&answer[..end], false);
                prop_assert!(
                    whole.text.starts_with(&part.text),
                    "{:?} of {:?} gave {:?}, all of it {:?}",
                    &answer[..end], answer, part.text, whole.text,
                );
                prop_assert!(!part.is_whole || part.text == whole.text, "{:?}", &answer[..end]);
            }
        }

        #[test]
        fn what_is_tidy_stays(
            code in 0..CODES.len(),
            answer in prop::collection::vec(piece(), 0..14),
        ) {
            let (tidier, answer) = (tidier(CODES[code]), answer.concat());
            let once = tidier.tidy(&answer, true).text;
            prop_assert_eq!(tidier.tidy(&once, true).text, once);
        }

        /// Nothing but blanks is added.
        #[test]
        fn tidying_only_removes(
            code in 0..CODES.len(),
            answer in prop::collection::vec(piece(), 0..14),
        ) {
            let (tidier, answer) = (tidier(CODES[code]), answer.concat());
            let dense = |text: &str| text.replace([' ', '\t', '\r', BYTE_ORDER_MARK], "");
            let tidied = dense(&tidier.tidy(&answer, true).text);
            prop_assert!(dense(&answer).contains(&tidied));
        }
    }
}
