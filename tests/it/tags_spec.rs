//! FIMpad's specification of tags, sentence by sentence. Each test names its
//! section and quotes the sentence. The tests call the library where parsing
//! decides, and the real binary where a tag has an effect.

use std::process::Output;

use fimd::tags::stop::Matcher;
use fimd::tags::{
    self, Arg, Boundary, Edit, Fim, Side, Stop, TagFunction, TagKind, TagPrompt, Tags,
};

use crate::common::model_server::ModelServer;
use crate::common::{Project, fimd};

/// The kinds of the tags in a text.
fn kinds(text: &str) -> Vec<&'static str> {
    let kind = |tag: &tags::Tag| match &tag.kind {
        TagKind::Fim(_) => "fim",
        TagKind::Boundary(Boundary { side, .. }) => match side {
            Side::Prefix => "prefix",
            Side::Suffix => "suffix",
        },
        TagKind::Comment(_) => "comment",
        TagKind::Config(_) => "config",
        TagKind::Invalid(_) => "invalid",
    };
    Tags::parse(text).all().iter().map(kind).collect()
}

/// The only tag in a text, which is a valid FIM tag.
fn fim(text: &str) -> Fim {
    let tags = Tags::parse(text);
    match tags.all() {
        [tag] => match &tag.kind {
            TagKind::Fim(fim) => fim.clone(),
            other => panic!("{text}: {other:?}"),
        },
        other => panic!("{text}: {other:?}"),
    }
}

/// The error of the only tag in a text.
fn fault(text: &str) -> String {
    match &Tags::parse(text).all()[0].kind {
        TagKind::Invalid(fault) => fault.message.clone(),
        other => panic!("{text}: {other:?}"),
    }
}

/// The request that the first FIM tag in a text makes.
fn prompt(text: &str) -> TagPrompt {
    let tags = Tags::parse(text);
    let found = tags.all().iter().find_map(|tag| match &tag.kind {
        TagKind::Fim(fim) => Some((tag, fim)),
        _ => None,
    });
    let (tag, fim) = found.unwrap();
    TagPrompt::new(text, &tags, tag, fim, false)
}

/// The prompt for the first FIM tag in a text.
fn window(text: &str) -> (String, String) {
    let window = prompt(text).window;
    (window.before, window.after)
}

/// The text after its first FIM tag has run and the model has answered `output`,
/// which arrives byte by byte.
fn after(text: &str, output: &str) -> String {
    let prompt = prompt(text);
    let mut matcher = Matcher::new(prompt.stops.clone()).unwrap();
    let mut shown = String::new();
    for byte in output.bytes() {
        matcher.push(&[byte], &mut shown);
    }
    matcher.finish(&mut shown);
    Edit::apply(text, &prompt.edits(&shown))
}

fn texts(calls: &[&str]) -> Vec<Arg> {
    calls.iter().map(|text| Arg::Text((*text).into())).collect()
}

/// Runs the tag at a byte of a text against a model server.
fn run(server: &ModelServer, text: &str, at: usize) -> (Output, String) {
    let settings = format!("[endpoint]\nurl = {:?}\n", server.url);
    let project = Project::new(&[("note.txt", text), ("settings.toml", &settings)]);
    let file = project.path().join("note.txt");
    let output = fimd()
        .arg("--settings")
        .arg(project.path().join("settings.toml"))
        .args(["tags", "run", "--in-place", "--at", &at.to_string()])
        .arg(&file)
        .output()
        .unwrap();
    (output, std::fs::read_to_string(file).unwrap())
}

/// §0 "All FIMpad tags start with `[[[` and end with `]]]`."
#[test]
fn s0_tags_stand_between_three_brackets() {
    assert_eq!(kinds("[[[5]]]"), ["fim"]);
    assert!(kinds("[[5]] [[prefix]]] [5]").is_empty());
    assert_eq!(kinds("[[[5]]"), ["invalid"]);
}

/// §0 "The first character after `[[[` determines the kind of tag": digit,
/// parenthesis, brace, a letter that starts a recognized word.
#[test]
fn s0_the_first_character_determines_the_kind() {
    let text =
        "[[[7]]] [[[(c)]]] [[[{font:\"a\"}]]] [[[prefix]]] [[[PREFIX]]] [[[suffix]]] [[[SUFFIX]]]";
    let expected = [
        "fim", "comment", "config", "prefix", "prefix", "suffix", "suffix",
    ];
    assert_eq!(kinds(text), expected);
}

/// §0 "Any other pattern is treated as plain text or a syntax error."
#[test]
fn s0_anything_else_is_plain_text_or_an_error() {
    assert!(kinds("[[[word]]] [[[-5]]] [[[]]] [[[\"a\"]]] [[[Prefix]]]").is_empty());
    assert_eq!(kinds("[[[5 words]]]"), ["invalid"]);
}

/// §1 "`WS` = whitespace (space, tab, newline, etc.)"
#[test]
fn s1_white_space() {
    assert_eq!(
        fim("[[[ \t\r\n5\u{b}\u{c} ; stop ( \"a\" ) ]]]").max_tokens,
        5
    );
}

/// §1 `IDENT ::= [A-Za-z_][A-Za-z0-9_]*`
#[test]
fn s1_identifiers() {
    assert_eq!(
        fim("[[[5;top_p(\"1\")]]]").calls[0].function,
        TagFunction::TopP
    );
    assert_eq!(fault("[[[5;_a9(\"1\")]]]"), "unknown function _a9");
    assert!(fault("[[[5;9a(\"1\")]]]").starts_with("expected a function"));
}

/// §1 `INT ::= [0-9]+`
#[test]
fn s1_integers() {
    assert_eq!(fim("[[[0012]]]").max_tokens, 12);
    assert_eq!(kinds("[[[1.5]]]"), ["invalid"]);
    assert_eq!(kinds("[[[0x10]]]"), ["invalid"]);
}

/// §1 The string escapes `\"`, `\\`, `\n` and `\t`, "with standard
/// interpretation"; no other is one.
#[test]
fn s1_escapes_in_strings() {
    let fim = fim(r#"[[[5;append("a\"b\\c\nd\te")]]]"#);
    assert_eq!(fim.calls[0].args, texts(&["a\"b\\c\nd\te"]));
    assert_eq!(fault(r#"[[[5;append("\r")]]]"#), r"\r is no escape");
}

/// §1 "any character except '"' or '\'": newlines, brackets and marks of the
/// language stand for themselves in a string.
#[test]
fn s1_strings_hold_any_character() {
    let fim = fim("[[[5;append(\"a\nb]]];,()é\")]]]");
    assert_eq!(fim.calls[0].args, texts(&["a\nb]]];,()é"]));
}

/// §1 "Outside of string literals, `\n` is just two characters."
#[test]
fn s1_no_escapes_outside_strings() {
    assert_eq!(fault("[[[5;\\n]]]"), r"expected a function, found '\\'");
    assert_eq!(window("a\\n[[[5]]]").0, "a\\n");
}

/// §2.1 A FIM tag "must begin with an integer `N` (the max tokens)".
#[test]
fn s2_1_a_fim_tag_begins_with_the_max_tokens() {
    assert_eq!(fim("[[[100]]]").max_tokens, 100);
    assert!(kinds("[[[stop(\"a\");5]]]").is_empty());
}

/// §2.1 "`INT` as a statement is always the first statement."
#[test]
fn s2_1_an_integer_is_the_first_statement_alone() {
    assert!(fault("[[[5;6]]]").starts_with("expected a function"));
}

/// §2.1 "All other statements are function calls", with the example.
#[test]
fn s2_1_all_other_statements_are_calls() {
    let fim = fim("[[[100;stop(\"User: \");chop(\"END\");append(\"Done.\\n\")]]]");
    let calls: Vec<_> = fim
        .calls
        .iter()
        .map(|call| (call.function, call.args.clone()))
        .collect();
    assert_eq!(
        calls,
        [
            (TagFunction::Stop, texts(&["User: "])),
            (TagFunction::Chop, texts(&["END"])),
            (TagFunction::Append, texts(&["Done.\n"])),
        ]
    );
}

/// §2.1 Statements are parted by `;`, and the last may have one, too.
#[test]
fn s2_1_statements_end_with_semicolons() {
    assert_eq!(fim("[[[5;stop(\"a\");]]]").calls.len(), 1);
    assert_eq!(
        kinds("[[[5 stop(\"a\")]]] [[[5;;]]]"),
        ["invalid", "invalid"]
    );
}

/// §2.1 "A FIM tag can be formatted across multiple lines"; "Whitespace and
/// newlines are ignored between tokens."
#[test]
fn s2_1_tags_of_several_lines() {
    let text = "[[[\n  100;\n  stop(\"User: \");\n  chop(\"END_OF_SECTION\");\n  \
                append(\"That is my final answer.\\n\");\n]]]";
    let fim = fim(text);
    assert_eq!((fim.max_tokens, fim.calls.len()), (100, 3));
    assert!(fim.notes.is_empty());
}

/// §2.2 "Use `temp("0.5")` or `top_p("0.8")` to override the corresponding
/// sampling settings for a single FIM tag."
#[test]
fn s2_2_sampling_of_a_single_tag() {
    let server = ModelServer::saying(&["x"]);
    let text = "a[[[5;temp(\"0.5\");top_p(\"0.8\")]]][[[6]]]";
    run(&server, text, 3);
    let body = server.asked().body;
    assert_eq!(
        (&body["temperature"], &body["top_p"]),
        (&0.5.into(), &0.8.into())
    );
    run(&server, text, text.len());
    let body = server.asked().body;
    assert!(
        body.get("temperature").is_none() && body.get("top_p").is_none(),
        "{body}"
    );
}

/// §2.2 Init phase: functions are executed in order; the last setting holds.
#[test]
fn s2_2_init_functions_run_in_order() {
    let prompt = prompt("[[[5;chop(\"b\");temp(\"1\");stop(\"a\");temp(\"0\")]]]");
    assert_eq!(prompt.temperature, Some(0.0));
    let patterns: Vec<_> = prompt
        .stops
        .iter()
        .map(|stop| (&*stop.pattern, stop.keep))
        .collect();
    assert_eq!(patterns, [("b", false), ("a", true)]);
}

/// §2.2 LLM call: "Call the model with the resulting config and precomputed
/// context", and `N` as the max tokens.
#[test]
fn s2_2_the_model_is_called_with_what_the_tag_says() {
    let server = ModelServer::saying(&["x"]);
    let (output, text) = run(&server, "before[[[7;chop(\"END\")]]]", 8);
    assert!(output.status.success());
    assert_eq!(text, "beforex");
    let body = server.asked().body;
    assert_eq!(body["max_tokens"], 7);
    assert_eq!(body["prompt"], "before");
    assert_eq!(body["stop"][0], "END");
}

/// §2.2 Post phase: "take the final text and apply all post-time functions in
/// order", wherever they stand in the tag.
#[test]
fn s2_2_post_functions_run_in_order_on_the_final_text() {
    let text = "a [[[5;append(\"1\");chop(\"X\");append(\"2\")]]] b";
    assert_eq!(after(text, "outXmore"), "a out12 b");
    let server = ModelServer::saying(&["ou", "tXm", "ore"]);
    assert_eq!(run(&server, text, 4).1, "a out12 b");
}

/// §2.3 "Both take one or more string arguments."
#[test]
fn s2_3_stop_and_chop_take_one_or_more_strings() {
    let fim = fim("[[[5;stop(\"User: \", \"Assistant: \");chop(\"STEP_2\",\"END\")]]]");
    assert_eq!(fim.calls[0].args, texts(&["User: ", "Assistant: "]));
    assert_eq!(
        kinds("[[[5;stop()]]] [[[5;chop(5)]]] [[[5;stop(a)]]]"),
        ["invalid"; 3]
    );
}

/// §2.3 "`stop(pattern)` → stop when `pattern` appears, keep the pattern";
/// "`chop(pattern)` → … remove the pattern".
#[test]
fn s2_3_stop_keeps_and_chop_removes() {
    assert_eq!(after("[[[5;stop(\"END\")]]]", "aENDb"), "aEND");
    assert_eq!(after("[[[5;chop(\"END\")]]]", "aENDb"), "a");
    let server = ModelServer::saying(&["aE", "NDb"]);
    assert_eq!(run(&server, "[[[5;stop(\"END\")]]]", 3).1, "aEND");
    assert_eq!(run(&server, "[[[5;chop(\"END\")]]]", 3).1, "a");
}

/// §2.3 "Each pair is collected with an internal priority derived from its
/// position in the tag (left-to-right, top-to-bottom)."
#[test]
fn s2_3_patterns_are_collected_in_order() {
    let stops = prompt("[[[5;stop(\"a\",\"b\");\nchop(\"c\");stop(\"d\")]]]").stops;
    let pattern = |pattern: &str, keep| Stop {
        pattern: pattern.into(),
        keep,
    };
    let expected = [
        pattern("a", true),
        pattern("b", true),
        pattern("c", false),
        pattern("d", true),
    ];
    assert_eq!(stops, expected);
}

/// §2.3 "On the first match (minimum character offset), stops generation."
#[test]
fn s2_3_the_first_match_ends_the_text() {
    assert_eq!(after("[[[5;stop(\"B\");chop(\"A\")]]]", "xAyB"), "x");
    // The pattern that begins first wins, even if another ends first.
    assert_eq!(after("[[[5;chop(\"b\");chop(\"abc\")]]]", "xabcd"), "x");
}

/// §2.3 "If multiple patterns match at the same offset, the one whose function
/// occurred earlier in the FIM tag wins."
#[test]
fn s2_3_at_one_offset_the_earlier_function_wins() {
    assert_eq!(after("[[[5;stop(\"ab\");chop(\"abc\")]]]", "xabcd"), "xab");
    assert_eq!(after("[[[5;stop(\"abc\");chop(\"ab\")]]]", "xabcd"), "xabc");
    assert_eq!(after("[[[5;stop(\"abc\");chop(\"ab\")]]]", "xabd"), "x");
}

/// §2.3 "`stop("User:\n")` → stops when actual newline follows `User:`";
/// "`stop("User:\\n")` → stops on literal `User:\n`".
#[test]
fn s2_3_newlines_in_patterns() {
    let newline = r#"[[[5;stop("User:\n")]]]"#;
    let literal = r#"[[[5;stop("User:\\n")]]]"#;
    let output = "a User:\\n b User:\nc";
    assert_eq!(after(newline, output), "a User:\\n b User:\n");
    assert_eq!(after(literal, output), "a User:\\n");
}

/// §3.1 The accepted forms, soft and hard.
#[test]
fn s3_1_accepted_forms() {
    let boundary = |text: &str| match &Tags::parse(text).all()[0].kind {
        TagKind::Boundary(boundary) => (boundary.side, boundary.hard),
        other => panic!("{other:?}"),
    };
    assert_eq!(boundary("[[[prefix]]]"), (Side::Prefix, false));
    assert_eq!(boundary("[[[PREFIX]]]"), (Side::Prefix, true));
    assert_eq!(boundary("[[[suffix]]]"), (Side::Suffix, false));
    assert_eq!(boundary("[[[SUFFIX]]]"), (Side::Suffix, true));
    assert!(kinds("[[[Prefix]]] [[[sUFFIX]]]").is_empty());
    // FIMpad's own forms, which the specification does not have.
    assert_eq!(boundary("[[[prefix soft]]]"), (Side::Prefix, false));
    assert_eq!(boundary("[[[prefix hard]]]"), (Side::Prefix, true));
    assert_eq!(boundary("[[[suffix soft]]]"), (Side::Suffix, false));
    assert_eq!(boundary("[[[suffix hard]]]"), (Side::Suffix, true));
}

/// §3.2 "Soft tags may be auto-deleted after generation when they are used";
/// "Hard tags are never auto-deleted."
#[test]
fn s3_2_soft_tags_vanish_and_hard_ones_stay() {
    assert_eq!(after("x[[[prefix]]]a[[[5]]]b[[[suffix]]]y", "G"), "xaGby");
    let hard = after("x[[[PREFIX]]]a[[[5]]]b[[[SUFFIX]]]y", "G");
    assert_eq!(hard, "x[[[PREFIX]]]aGb[[[SUFFIX]]]y");
    let words = after("x[[[prefix soft]]]a[[[5]]]b[[[suffix hard]]]y", "G");
    assert_eq!(words, "xaGb[[[suffix hard]]]y");
}

/// §3.3 1 "the nearest `PrefixTag` (soft or hard)… the prefix boundary is
/// immediately after that tag"; none: "the start of the document".
#[test]
fn s3_3_the_left_boundary() {
    assert_eq!(window("o[[[prefix]]]m[[[PREFIX]]]i[[[5]]]").0, "i");
    assert_eq!(window("o[[[PREFIX]]]m[[[prefix]]]i[[[5]]]").0, "i");
    assert_eq!(window("start\n[[[5]]][[[prefix]]]").0, "start\n");
}

/// §3.3 2 "the nearest `SuffixTag` (soft or hard)… immediately before that
/// tag"; none: "the end of the document".
#[test]
fn s3_3_the_right_boundary() {
    assert_eq!(window("[[[5]]]i[[[suffix]]]m[[[SUFFIX]]]o").1, "i");
    assert_eq!(window("[[[5]]]i[[[SUFFIX]]]m[[[suffix]]]o").1, "i");
    assert_eq!(window("[[[suffix]]][[[5]]]\nend").1, "\nend");
}

/// §3.3 3 "The context slice sent to the model is everything between the left
/// and right boundaries, excluding comment tags": other tags stand in it.
#[test]
fn s3_3_the_context_is_everything_between() {
    let (before, after) = window("[[[prefix]]]a[[[(c)]]][[[9]]]b[[[7]]]");
    assert_eq!((&*before, &*after), ("a", "b[[[7]]]"));
    let (before, _) = window("[[[suffix]]]a[[[{font:\"x\"}]]][[[5]]]");
    assert_eq!(before, "[[[suffix]]]a[[[{font:\"x\"}]]]");
}

/// §3.3 "Only the nearest prefix/suffix tags to the FIM tag (on each side) are
/// used and possibly removed. Outer tags remain untouched for later runs."
#[test]
fn s3_3_outer_tags_stay() {
    let text = "1[[[prefix]]]2[[[prefix]]]3[[[5]]]4[[[suffix]]]5[[[suffix]]]6";
    let once = after(text, "G");
    assert_eq!(once, "1[[[prefix]]]23G45[[[suffix]]]6");
    let server = ModelServer::saying(&["G"]);
    assert_eq!(run(&server, text, text.find("5]]]").unwrap()).1, once);
    assert_eq!(
        window(&once.replace('G', "[[[5]]]")),
        ("23".into(), "45".into())
    );
}

/// §4 "They are never sent to the model as context and are never
/// auto-deleted", of every comment before and behind.
#[test]
fn s4_comments_are_not_sent_and_stay() {
    let text = "a[[[(one)]]]b[[[5]]]c[[[(two)]]]d";
    let server = ModelServer::saying(&["G"]);
    let (_, left) = run(&server, text, text.find("5]]]").unwrap());
    assert_eq!(left, "a[[[(one)]]]bGc[[[(two)]]]d");
    let body = server.asked().body.to_string();
    assert!(!body.contains("one") && !body.contains("two"), "{body}");
}

/// §4.1 "`CommentBody` may contain newlines and arbitrary text", up to the
/// first `)]]]`; with the example, whose prefix tag has a newline in it.
#[test]
fn s4_1_comments_hold_anything() {
    let text = "[[[(a\n[[[5]]] ) ]] \"]]]\" b)]]]";
    assert_eq!(kinds(text), ["comment"]);
    let example = "[[[(This is a comment and will not be sent to the model.)]]]\n\n[[[\nprefix]]]\n\
                   [[[(You can also use this as a block note about the section.)]]]\n\
                   Actual text that the model will see.\n";
    assert_eq!(kinds(example), ["comment", "prefix", "comment"]);
    let (before, _) = window(&format!("{example}[[[5]]]"));
    assert_eq!(before, "\n\nActual text that the model will see.\n");
}

/// §4.1 "The editor treats malformed attempts (no closing `)]]]`) as plain
/// text, not as a comment tag."
#[test]
fn s4_1_a_comment_that_does_not_end_is_plain_text() {
    assert_eq!(kinds("[[[(never [[[5]]] ]]]"), ["fim"]);
    assert_eq!(
        window("[[[(never [[[5]]] ]]]"),
        ("[[[(never ".into(), " ]]]".into())
    );
}

/// §4.2 "Comment tags are logically removed from the text before computing
/// prefix/suffix boundaries": those within do not bound.
#[test]
fn s4_2_comments_go_before_boundaries_are_looked_for() {
    let (before, after) = window("a[[[([[[prefix]]])]]]b[[[5]]]c[[[([[[suffix]]])]]]d");
    assert_eq!((&*before, &*after), ("ab", "cd"));
}

/// §4.2 "Comment tags remain exactly as written."
#[test]
fn s4_2_comments_remain_as_written() {
    let comment = "[[[( [[[prefix]]]\n spaced )]]]";
    let text = format!("[[[prefix]]]{comment}a[[[5]]]{comment}");
    assert_eq!(after(&text, "G"), format!("{comment}aG{comment}"));
}

/// §5 "Config tags apply editor settings without running the model"; "triggered
/// when the caret is inside or adjacent to the tag and the user generates".
#[test]
fn s5_config_tags_do_not_run_the_model() {
    let server = ModelServer::saying(&["x"]);
    let text = "[[[{fontSize:\"24\"}]]]";
    for at in [0, 5, text.len()] {
        let (output, left) = run(&server, text, at);
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{said}");
        assert!(
            said.starts_with("fimd: applied fontSize = 24; written to /"),
            "{said}"
        );
        assert_eq!(left, text);
    }
    assert!(server.is_unasked());
}

/// §5.1 The syntax, inline or multiline, with the example.
#[test]
fn s5_1_config_syntax() {
    let entries = |text: &str| match &Tags::parse(text).all()[0].kind {
        TagKind::Config(config) => {
            let entry = |entry: &tags::ConfigEntry| (entry.key.name(), entry.value.clone());
            config.entries.iter().map(entry).collect::<Vec<_>>()
        }
        other => panic!("{other:?}"),
    };
    let example =
        "[[[{font:\"Ubuntu Sans\"; fontSize:\"24\"; bgColor:\"#141414\"; fgColor:\"#f5f5f5\"}]]]";
    let expected = [
        ("font", "Ubuntu Sans".to_owned()),
        ("fontSize", "24".into()),
        ("bgColor", "#141414".into()),
        ("fgColor", "#f5f5f5".into()),
    ];
    assert_eq!(entries(example), expected);
    let lines = example
        .replace('{', " {\n")
        .replace(';', ";\n")
        .replace('}', ";\n} ");
    assert_eq!(entries(&lines.replace(':', " : ")), expected);
    assert_eq!(
        kinds("[[[{}]]] [[[{font:\"a\" fontSize:\"5\"}]]]"),
        ["invalid", "invalid"]
    );
}

/// §5.2 The recognized keys; `font` and `fontFamily` are one.
#[test]
fn s5_2_supported_keys() {
    for key in [
        "endpoint",
        "temperature",
        "topP",
        "fimPrefix",
        "fimSuffix",
        "fimMiddle",
        "font",
        "fontFamily",
        "fontSize",
        "editorPadding",
        "lineNumberPadding",
        "fgColor",
        "bgColor",
        "caretColor",
        "selectionColor",
        "scrollSpeed",
        "spellLang",
    ] {
        assert_eq!(
            kinds(&format!("[[[{{{key}:\"1\"}}]]]")),
            ["config"],
            "{key}"
        );
    }
    assert_eq!(fault("[[[{fontsize:\"5\"}]]]"), "unknown setting fontsize");
    assert_eq!(
        fault("[[[{font:\"a\";fontFamily:\"b\"}]]]"),
        "font is set twice"
    );
}

/// §5.2 "The `open_maximized` setting cannot be changed via config tags."
#[test]
fn s5_2_open_maximized_is_out_of_reach() {
    assert_eq!(
        fault("[[[{open_maximized:\"1\"}]]]"),
        "open_maximized cannot be set by a tag"
    );
}

/// Applies the config tag that is the whole text. Returns the outcome, and the
/// settings file after it.
fn apply(tag: &str) -> (Output, String) {
    let before = "# mine\n[editor]\nfont_size = 12\n";
    let project = Project::new(&[("note.txt", tag), ("settings.toml", before)]);
    let file = project.path().join("note.txt");
    let output = fimd()
        .arg("--settings")
        .arg(project.path().join("settings.toml"))
        .args(["tags", "apply-config", "--at", "4"])
        .arg(&file)
        .output()
        .unwrap();
    assert_eq!(std::fs::read_to_string(file).unwrap(), tag, "the tag stays");
    let settings = project.path().join("settings.toml");
    (output, std::fs::read_to_string(settings).unwrap())
}

/// §5.3 "All values must be quoted strings."
#[test]
fn s5_3_values_are_quoted() {
    assert!(fault("[[[{fontSize:24}]]]").starts_with("expected a value in quotes"));
}

/// §5.3 "Numeric fields are validated"; "otherwise an error is shown and
/// nothing changes"; fonts and languages against what the system has.
#[test]
fn s5_3_wrong_values_change_nothing() {
    for wrong in [
        "temperature:\"hot\"",
        "topP:\"1.5\"",
        "fontSize:\"5\"",
        "editorPadding:\"2.5\"",
        "scrollSpeed:\"0\"",
        "fgColor:\"#12345\"",
        "bgColor:\"nocolour\"",
        "font:\"No Such Font\"",
        "spellLang:\"xx_XX\"",
    ] {
        let (output, settings) = apply(
            &format!("[[[{{fontSize:\"20\"; {wrong}}}]]]")
                .replace("fontSize:\"20\"; fontSize", "fontSize"),
        );
        let said = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(1), "{wrong}: {said}");
        assert!(!said.is_empty());
        assert_eq!(settings, "# mine\n[editor]\nfont_size = 12\n", "{wrong}");
    }
}

/// §5.3 "On success, the settings are applied immediately and persisted to the
/// config file. The config tag itself remains in the document."
#[test]
fn s5_3_settings_are_persisted_and_the_tag_remains() {
    let (output, settings) =
        apply("[[[{fontSize:\"20\"; bgColor:\"#14f\"; temperature:\"0.5\"}]]]");
    assert!(output.status.success(), "{output:?}");
    assert!(settings.starts_with("# mine\n"), "{settings}");
    for line in ["font_size = 20", "bg_color = \"#14f\"", "temperature = 0.5"] {
        assert!(settings.contains(line), "{line} in {settings}");
    }
}

/// §6 Malformed FIM tag: "Do not call the model. Show an error dialog
/// describing the problem."; "Unknown function name: Treat as a fatal error for
/// that tag."; "Invalid arguments: Mark affected FIM tags as invalid."
#[test]
fn s6_a_malformed_tag_does_not_call_the_model() {
    let server = ModelServer::saying(&["x"]);
    for (text, problem) in [
        ("[[[5;]]", "expected a function"),
        ("[[[5;no(\"a\")]]]", "unknown function no"),
        (
            "[[[5;append(\"a\",\"b\")]]]",
            "append: expected one argument, found 2",
        ),
        (
            "[[[5;temp(\"hot\")]]]",
            "temp: expected a number from 0 to 2",
        ),
    ] {
        let (output, left) = run(&server, text, 3);
        let said = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(1), "{said}");
        assert!(said.contains(problem), "{said}");
        assert_eq!(left, text);
        assert_eq!(kinds(text), ["invalid"]);
    }
    assert!(server.is_unasked());
}

/// §6 "Mark affected FIM tags as invalid": the others are not.
#[test]
fn s6_only_the_affected_tag_is_invalid() {
    assert_eq!(
        kinds("[[[5;stop()]]] [[[5]]] [[[5;no()]]]"),
        ["invalid", "fim", "invalid"]
    );
}

/// §6 "Malformed comment (no closing `)]]]`): Treated as plain text; no special
/// semantics."
#[test]
fn s6_a_malformed_comment_is_plain_text() {
    let server = ModelServer::saying(&["x"]);
    let text = "[[[(open [[[5]]]";
    assert_eq!(run(&server, text, text.len()).1, "[[[(open x");
    assert_eq!(server.asked().body["prompt"], "[[[(open ");
}
