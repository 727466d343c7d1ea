use proptest::prelude::*;

use super::stop::Matcher;
use super::*;

/// Every tag of `text` as `kind text`, with the fault of each invalid tag.
fn told(text: &str) -> Vec<String> {
    let tags = Tags::parse(text);
    let tell = |tag: &Tag| {
        let written = &text[tag.range.clone()];
        match &tag.kind {
            TagKind::Fim(fim) => format!("fim {written}: {} {}", fim.max_tokens, fim.calls.len()),
            TagKind::Boundary(boundary) => {
                let Boundary { side, hard, .. } = boundary;
                format!("Boundary {{ side: {side:?}, hard: {hard} }} {written}")
            }
            TagKind::Comment(body) => format!("comment {}", &written[body.clone()]),
            TagKind::Config(config) => format!("config {written}: {}", config.entries.len()),
            TagKind::Invalid(fault) => {
                let (before, after) = written.split_at(fault.at.min(written.len()));
                format!("invalid {before}⟨here⟩{after}: {}", fault.message)
            }
        }
    };
    tags.all().iter().map(tell).collect()
}

#[test]
fn what_begins_like_a_tag_and_is_none_says_why() {
    let lines = [
        "[[[5;;stop(\"a\")]]]",
        "[[[5;stop(\"a\");]]]",
        "[[[5;stop()]]]",
        "[[[5;stop(a)]]]",
        "[[[5;stop(\"\")]]]",
        "[[[5;foo(\"a\")]]]",
        "[[[5;temp(\"hot\")]]]",
        "[[[5;temp(0.5);top_p(1)]]]",
        "[[[5;top_p(\"1.5\")]]]",
        "[[[5;append(\"a\",\"b\")]]]",
        "[[[5;stop(\"\\d\")]]]",
        "[[[5;7]]]",
        "[[[5 stop(\"a\")]]]",
        "[[[18446744073709551616]]]",
        "[[[99999]]]",
        "[[[5;stop(\"a]]] is in the text",
        "[[[5;stop(\"a]]]\")]]]",
        "[[[5;foo(\"]]]\")]]]",
        "[[[Prefix]]] [[[prefixes]]] [[[ prefix\n]]]",
        "[[[prefix now]]]",
        "[[[(never closed",
        "[[[(a ]]] [[[5]]] b)]]]",
        "[[[{font:\"A\"; font:\"B\"}]]]",
        "[[[{font:A}]]]",
        "[[[{colour:\"A\"}]]]",
        "[[[{open_maximized:\"1\"}]]]",
        "[[[{}]]]",
        "[[[{font:\"A\"; fontSize:\"12\";}]]]",
        "[[[{\"font\":\"A\", \"fontSize\":\"12\"}]]]",
        "[[[[5]]]]",
        "[[[5 [[[6]]]",
        "[[[1,2],[3,4]]]",
        "[[[\n  100;\n  stop(\"User: \");\n  append('x');\n]]]",
    ];
    let told: Vec<_> = lines
        .iter()
        .map(|line| format!("{line:?}\n    {}", told(line).join("\n    ")))
        .collect();
    insta::assert_snapshot!(told.join("\n"));
}

/// Text that is dense in what tags are made of.
fn dense() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        4 => prop::sample::select(vec![
            "[[[", "]]]", "[", "]", "(", ")", "{", "}", ";", ":", ",", "\"", "'", "\\", " ", "\n", "5", "100",
            "prefix", "SUFFIX", "stop", "append", "font", "é", "😀", ")]]]", "[[[(", "[[[5", "\u{b}", "soft", "HARD",
        ])
        .prop_map(str::to_owned),
        1 => prop::sample::select(vec![
            "[[[5]]]", "[[[prefix]]]", "[[[suffix hard ]]]", "[[[ SUFFIX ]]]", "[[[(note)]]]", "[[[5;stop(\"a]]]\",\"b\")]]]",
            "[[[{font:\"A\"}]]]", "[[[5;append(\"\\n\");]]]", "plain text",
        ])
        .prop_map(str::to_owned),
    ];
    prop::collection::vec(piece, 0..40).prop_map(|pieces| pieces.concat())
}

fn boundary(text: &str, at: usize) -> usize {
    (0..=at.min(text.len()))
        .rev()
        .find(|at| text.is_char_boundary(*at))
        .unwrap()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(3000))]

    #[test]
    fn tags_and_plain_text_tile_any_text(text in dense()) {
        let tags = Tags::parse(&text);
        let mut at = 0;
        for tile in tags.tiles(text.len()) {
            let range = match tile {
                Tile::Plain(range) => range,
                Tile::Tag(tag) => tag.range.clone(),
            };
            prop_assert_eq!(range.start, at);
            prop_assert!(range.end > range.start);
            prop_assert!(text.is_char_boundary(range.end));
            at = range.end;
        }
        prop_assert_eq!(at, text.len());
        for tag in tags.all() {
            if let TagKind::Invalid(fault) = &tag.kind {
                prop_assert!(tag.range.start + fault.at <= text.len());
            }
        }
    }

    #[test]
    fn an_edited_text_has_the_tags_of_the_whole(
        text in dense(),
        edits in prop::collection::vec((any::<prop::sample::Index>(), 0_usize..12, dense()), 1..6),
    ) {
        let mut text = text;
        let mut tags = Tags::parse(&text);
        for (at, len, new) in edits {
            let start = boundary(&text, at.index(text.len() + 1));
            let end = boundary(&text, start + len).max(start);
            text.replace_range(start..end, &new);
            tags.edit(&text, start..end, new.len());
            prop_assert_eq!(&tags, &Tags::parse(&text), "{:?}", text);
        }
    }
}

/// The result by its definition, on the whole output.
fn naive(output: &str, stops: &[Stop]) -> (String, Option<Stop>) {
    let matches = stops
        .iter()
        .enumerate()
        .filter_map(|(n, stop)| output.find(&stop.pattern).map(|at| (at, n)));
    match matches.min() {
        None => (output.to_owned(), None),
        Some((at, n)) => {
            let end = if stops[n].keep {
                at + stops[n].pattern.len()
            } else {
                at
            };
            (output[..end].to_owned(), Some(stops[n].clone()))
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(20_000))]

    #[test]
    fn a_stream_ends_where_the_whole_output_does_however_it_is_cut(
        output in "[abé😀]{0,24}",
        patterns in prop::collection::vec(("[abé😀]{1,5}", any::<bool>()), 0..6),
        cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..8),
    ) {
        let stops: Vec<_> = patterns
            .into_iter()
            .map(|(pattern, keep)| Stop { pattern, keep })
            .collect();
        let (expected, stop) = naive(&output, &stops);
        let mut cuts: Vec<_> = cuts.iter().map(|cut| cut.index(output.len() + 1)).collect();
        cuts.extend([0, output.len()]);
        cuts.sort_unstable();
        let mut matcher = Matcher::new(stops).unwrap();
        let mut shown = String::new();
        for cut in cuts.windows(2) {
            matcher.push(&output.as_bytes()[cut[0]..cut[1]], &mut shown);
            // What is shown is never taken back.
            prop_assert!(expected.starts_with(&shown), "{shown:?} of {expected:?}");
        }
        prop_assert_eq!(matcher.finish(&mut shown), stop);
        prop_assert_eq!(shown, expected);
    }
}

#[test]
fn text_is_shown_as_soon_as_it_is_decided() {
    let stop = |pattern: &str| Stop {
        pattern: pattern.into(),
        keep: false,
    };
    let mut matcher = Matcher::new(vec![stop("User: "), stop("END")]).unwrap();
    let mut shown = String::new();
    for (piece, so_far) in [
        ("Hello U", "Hello "),
        ("se", "Hello "),
        ("d E", "Hello Used "),
        ("N", "Hello Used "),
        ("d", "Hello Used ENd"),
    ] {
        assert!(!matcher.push(piece.as_bytes(), &mut shown));
        assert_eq!(shown, so_far);
    }
    assert!(matcher.push(b" END of it", &mut shown));
    assert_eq!(shown, "Hello Used ENd ");
    assert_eq!(matcher.finish(&mut shown), Some(stop("END")));
}

/// The prompt of the tag at `⟦⟧`-free byte `at`, and the text after it ran.
fn run(text: &str, generated: &str) -> (TagPrompt, String) {
    let tags = Tags::parse(text);
    let (tag, fim) = tags
        .all()
        .iter()
        .find_map(|tag| match &tag.kind {
            TagKind::Fim(fim) => Some((tag, fim)),
            _ => None,
        })
        .unwrap();
    let prompt = TagPrompt::new(text, &tags, tag, fim, false);
    let edits = prompt.edits(generated);
    (prompt, Edit::apply(text, &edits))
}

#[test]
fn the_nearest_tags_bound_the_window_and_soft_ones_vanish() {
    let text =
        "out[[[prefix]]]a[[[PREFIX]]]b[[[(no)]]]c[[[9;append(\"!\")]]]d[[[suffix]]]e[[[suffix]]]f";
    let (prompt, after) = run(text, "GEN");
    assert_eq!((&*prompt.window.before, &*prompt.window.after), ("bc", "d"));
    assert_eq!(
        after,
        "out[[[prefix]]]a[[[PREFIX]]]b[[[(no)]]]cGEN!de[[[suffix]]]f"
    );
    let (_, kept) = run("[[[prefix]]]a[[[9;keep();prepend(\"<\")]]]", "GEN");
    assert_eq!(kept, "[[[prefix]]]a<GEN");
}

#[test]
fn a_boundary_in_a_comment_does_not_exist() {
    let (prompt, _) = run("a[[[([[[prefix]]])]]]b[[[9]]]c", "");
    assert_eq!((&*prompt.window.before, &*prompt.window.after), ("ab", "c"));
}

#[test]
fn a_word_behind_prefix_or_suffix_decides_whether_it_is_hard() {
    for (text, side, hard) in [
        ("[[[prefix soft]]]", Side::Prefix, false),
        ("[[[prefix hard]]]", Side::Prefix, true),
        ("[[[ suffix\n Soft ]]]", Side::Suffix, false),
        ("[[[SUFFIX soft]]]", Side::Suffix, false),
        ("[[[suffix HARD]]]", Side::Suffix, true),
    ] {
        let tags = Tags::parse(text);
        let TagKind::Boundary(boundary) = &tags.all()[0].kind else {
            panic!("{text}: {tags:?}");
        };
        assert_eq!((boundary.side, boundary.hard), (side, hard), "{text}");
        let kinds: Vec<_> = boundary.notes.iter().map(|note| note.kind).collect();
        assert_eq!(kinds, [NoteKind::Extension], "{text}");
    }
    for text in [
        "[[[prefix now]]]",
        "[[[prefix hard hard]]]",
        "[[[suffix;soft]]]",
    ] {
        assert_eq!(Tags::parse(text).all()[0].kind.name(), "invalid", "{text}");
    }
    assert!(Tags::parse("[[[prefixhard]]]").all().is_empty());
}
