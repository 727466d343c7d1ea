//! How good one answer is, against the text that was cut out. Every function works
//! on two texts and takes time in proportion to them, but for the edit similarity,
//! whose texts are bounded.

use rapidfuzz::fuzz;
use rustc_hash::FxHashSet;

use crate::php::lex::{LexMode, TokenKind, lex_from};

/// The most characters of a text that [`edit_similarity`] compares. Answers and
/// middles are far shorter; the bound is for a server that ignores the token limit.
const MAX_COMPARED_CHARS: usize = 1 << 14;
/// The length of the runs of tokens whose repetition is counted.
const RUN: usize = 4;

/// The measures of one answer that follow from its text and the middle alone.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct AnswerMeasures {
    /// See [`is_exact`].
    pub exact: bool,
    /// See [`is_first_line_exact`].
    pub first_line: bool,
    /// See [`accepted_chars`].
    pub accepted_chars: usize,
    /// The accepted characters as a share of the middle's, from 0 to 1.
    pub accepted_share: f64,
    /// See [`edit_similarity`].
    pub edit_similarity: f64,
    /// How the identifiers agree; none if the middle has no identifier.
    pub identifiers: Option<IdentifierMatch>,
    /// Whether the user would see nothing, or only white space.
    pub empty: bool,
    /// See [`repetition`].
    pub repetition: f64,
}

/// How the identifiers of an answer agree with those of the middle.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct IdentifierMatch {
    /// Whether both have the same identifiers in the same order.
    pub exact: bool,
    /// The harmonic mean of precision and recall of the distinct identifiers, from 0
    /// to 1.
    pub f1: f64,
}

impl AnswerMeasures {
    /// Measures the answer that the user is `shown` against the `middle`. `raw` is what
    /// the model wrote, before it was tidied: repetition is a fault of the model, so it
    /// is looked for there.
    #[must_use]
    pub fn new(shown: &str, raw: &str, middle: &str) -> Self {
        let accepted_chars = accepted_chars(shown, middle);
        let middle_chars = middle.chars().count();
        Self {
            exact: is_exact(shown, middle),
            first_line: is_first_line_exact(shown, middle),
            accepted_chars,
            accepted_share: accepted_chars as f64 / middle_chars.max(1) as f64,
            edit_similarity: edit_similarity(shown, middle),
            identifiers: IdentifierMatch::new(shown, middle),
            empty: shown.trim().is_empty(),
            repetition: repetition(raw),
        }
    }
}

/// Whether `shown` is the `middle`, up to white space at the end of both.
#[must_use]
pub fn is_exact(shown: &str, middle: &str) -> bool {
    shown.trim_end() == middle.trim_end()
}

/// Whether the first lines are equal, up to white space at their end. The first line of
/// a text is the first that is not blank.
#[must_use]
pub fn is_first_line_exact(shown: &str, middle: &str) -> bool {
    first_line(shown) == first_line(middle)
}

fn first_line(text: &str) -> &str {
    let mut lines = text.lines().map(str::trim_end);
    lines.find(|line| !line.is_empty()).unwrap_or_default()
}

/// How many characters of `shown` are those of `middle`, up to the first difference:
/// what a programmer could accept, word by word.
#[must_use]
pub fn accepted_chars(shown: &str, middle: &str) -> usize {
    let pairs = shown.chars().zip(middle.chars());
    pairs.take_while(|(ours, theirs)| ours == theirs).count()
}

/// The similarity of `shown` and `middle` from 0 to 1, without the white space around
/// them: twice the length of their longest common subsequence of characters, divided by
/// the sum of their lengths. This is the ratio by which CrossCodeEval compares texts
/// (`fuzz.ratio`: a Levenshtein distance in which a substitution costs two). Only the
/// first 16,384 characters of each are compared.
#[must_use]
pub fn edit_similarity(shown: &str, middle: &str) -> f64 {
    let bounded = |text: &str| -> Vec<char> {
        let chars = text.trim().chars();
        chars.take(MAX_COMPARED_CHARS).collect()
    };
    let (shown, middle) = (bounded(shown), bounded(middle));
    fuzz::ratio(shown.iter().copied(), middle.iter().copied())
}

impl IdentifierMatch {
    /// Compares the identifiers of `shown` with those of `middle`; none if `middle` has
    /// none. As CrossCodeEval has it: the match is exact if the lists are equal, F1 is
    /// that of the sets.
    #[must_use]
    pub fn new(shown: &str, middle: &str) -> Option<Self> {
        let (shown, middle) = (identifiers(shown), identifiers(middle));
        if middle.is_empty() {
            return None;
        }
        let exact = shown == middle;
        let shown: FxHashSet<&str> = shown.into_iter().collect();
        let middle: FxHashSet<&str> = middle.into_iter().collect();
        let both = shown.intersection(&middle).count();
        let f1 = 2.0 * both as f64 / (shown.len() + middle.len()) as f64;
        Some(Self { exact, f1 })
    }
}

/// The identifiers of `code` in their order: names and variables, without keywords,
/// strings and comments. The parts of a qualified name are identifiers of their own, as
/// the parts of a dotted name are in other languages.
#[must_use]
pub fn identifiers(code: &str) -> Vec<&str> {
    let mut found = Vec::new();
    for token in lex_from(code, 0, LexMode::Code) {
        let text = token.span.of(code);
        match token.kind {
            TokenKind::Variable => found.push(text),
            TokenKind::Name => found.extend(text.split('\\').filter(|part| !part.is_empty())),
            _ => {}
        }
    }
    found
}

/// How much `text` repeats itself, from 0 to 1: the share of its runs of four tokens
/// that stand in it before. This is `seq-rep-4` of Welleck et al., "Neural Text
/// Generation with Unlikelihood Training" (2020), on words and single punctuation
/// characters, so that it does not depend on a model's tokens. Code repeats itself, too:
/// the value of an answer says something beside that of the middle.
#[must_use]
pub fn repetition(text: &str) -> f64 {
    let words = words(text);
    let runs = words.windows(RUN);
    let all = runs.len();
    if all == 0 {
        return 0.0;
    }
    let distinct: FxHashSet<&[&str]> = runs.collect();
    1.0 - distinct.len() as f64 / all as f64
}

/// The words of `text` and its other characters, one by one, without white space.
fn words(text: &str) -> Vec<&str> {
    let is_word = |c: char| c.is_alphanumeric() || c == '_';
    let mut words = Vec::new();
    let mut begun = None;
    for (at, c) in text.char_indices() {
        if is_word(c) {
            begun.get_or_insert(at);
            continue;
        }
        if let Some(begun) = begun.take() {
            words.push(&text[begun..at]);
        }
        if !c.is_whitespace() {
            words.push(&text[at..at + c.len_utf8()]);
        }
    }
    words.extend(begun.map(|begun| &text[begun..]));
    words
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn an_answer_is_exact_up_to_white_space_at_its_end() {
        assert!(is_exact("foo();\n", "foo();"));
        assert!(!is_exact(" foo();", "foo();"));
        assert!(!is_exact("foo( );", "foo();"));
        assert!(!is_exact("", "foo();"));
    }

    #[test]
    fn the_first_line_is_the_first_that_is_not_blank() {
        assert!(is_first_line_exact("\n  a();  \nb();", "\n  a();\nc();"));
        assert!(is_first_line_exact("a();", "a();\nc();"));
        assert!(!is_first_line_exact("\n a();", "\n  a();"));
        assert!(!is_first_line_exact("", "a();"));
        assert!(is_first_line_exact("a();\r\nb", "a();\nc"));
    }

    #[test]
    fn what_agrees_from_the_start_is_accepted() {
        let of = |shown, middle| {
            let measures = AnswerMeasures::new(shown, shown, middle);
            (measures.accepted_chars, measures.accepted_share)
        };
        assert_eq!(of("größe(", "größe()"), (6, 6.0 / 7.0));
        assert_eq!(of("abc and more", "abc"), (3, 1.0));
        assert_eq!(of("", "abc"), (0, 0.0));
        assert_eq!(of("", ""), (0, 0.0));
    }

    #[test]
    fn identifiers_are_no_keywords_strings_or_comments() {
        let code = "foreach ($users as $user) { // all users\n  \
                    return new \\App\\Http\\Mail('to', \"hi {$user->name}\"); /* x */ }\n\
                    echo 12; static::find(<<<A\n text\n A);";
        assert_eq!(
            identifiers(code),
            ["$users", "$user", "App", "Http", "Mail", "find"]
        );
        // Words that are keywords elsewhere are names behind an arrow.
        assert_eq!(identifiers("->list()->class"), ["list", "class"]);
        assert_eq!(identifiers("'not closed"), [""; 0]);
    }

    #[test]
    fn identifiers_agree_as_lists_and_as_sets() {
        let of = |shown, middle| {
            IdentifierMatch::new(shown, middle).map(|found| (found.exact, found.f1))
        };
        assert_eq!(of("$a->b($c)", "$a->b($c);"), Some((true, 1.0)));
        assert_eq!(of("$c->b($a)", "$a->b($c)"), Some((false, 1.0)));
        // One of two is right, and one of three was asked for.
        assert_eq!(of("$a->x()", "$a->b($c)"), Some((false, 0.4)));
        assert_eq!(of("", "$a"), Some((false, 0.0)));
        assert_eq!(of("$a", "'text'"), None);
    }

    #[test]
    fn what_is_written_again_is_repetition() {
        assert_eq!(repetition("$a = 1;"), 0.0);
        assert_eq!(repetition("a b"), 0.0);
        // Five tokens, again and again: all runs but the first five are known.
        let loops = "// to do!\n".repeat(10);
        assert_eq!(repetition(&loops), 1.0 - 5.0 / 47.0);
    }

    #[test]
    fn long_texts_take_bounded_work() {
        let long = "ab".repeat(1 << 20);
        assert_eq!(edit_similarity(&long, &long), 1.0);
        assert!(repetition(&long) < 0.01);
    }

    /// Twice the longest common subsequence by the sum of the lengths, by the textbook.
    fn naive_similarity(a: &str, b: &str) -> f64 {
        let (a, b): (Vec<char>, Vec<char>) =
            (a.trim().chars().collect(), b.trim().chars().collect());
        if a.is_empty() && b.is_empty() {
            return 1.0;
        }
        let mut table = vec![vec![0_usize; b.len() + 1]; a.len() + 1];
        for i in 0..a.len() {
            for j in 0..b.len() {
                table[i + 1][j + 1] = match a[i] == b[j] {
                    true => table[i][j] + 1,
                    false => table[i][j + 1].max(table[i + 1][j]),
                };
            }
        }
        2.0 * table[a.len()][b.len()] as f64 / (a.len() + b.len()) as f64
    }

    fn naive_repetition(words: &[String]) -> f64 {
        let mut seen: Vec<&[String]> = Vec::new();
        let mut again = 0;
        for run in words.windows(4) {
            match seen.contains(&run) {
                true => again += 1,
                false => seen.push(run),
            }
        }
        let all = seen.len() + again;
        again as f64 / all.max(1) as f64
    }

    /// A piece of code, and the identifiers in it.
    fn piece() -> impl Strategy<Value = (String, Vec<String>)> {
        let none = |code: &'static str| (code.to_owned(), Vec::new());
        prop_oneof![
            "[a-z]{1,2}x".prop_map(|name| (name.clone(), vec![name])),
            "[$][a-z]{1,2}".prop_map(|name| (name.clone(), vec![name])),
            "->[a-z]{2,6}".prop_map(|code| (code.clone(), vec![code[2..].to_owned()])),
            ("[A-C]x", "[A-C]x").prop_map(|(a, b)| (format!("\\{a}\\{b}"), vec![a, b])),
            proptest::sample::select(vec![
                "return",
                "new",
                "'it''s'",
                "\"a $b c\"",
                "/* some name */",
                "// name\n",
                "12",
                "=>",
                "(",
                ");",
                "# name\n",
                "0x1f",
            ])
            .prop_map(none),
        ]
    }

    proptest! {
        #[test]
        fn similarity_is_that_of_the_textbook(a in "[ab ü]{0,20}", b in "[ab ü]{0,20}") {
            let ours = edit_similarity(&a, &b);
            prop_assert!((ours - naive_similarity(&a, &b)).abs() < 1e-9, "{} for {:?} {:?}", ours, a, b);
        }

        #[test]
        fn long_similarity_is_that_of_the_textbook(a in "[ab]{60,150}", b in "[ab]{60,150}") {
            prop_assert!((edit_similarity(&a, &b) - naive_similarity(&a, &b)).abs() < 1e-9);
        }

        #[test]
        fn repetition_is_counted(words in proptest::collection::vec("[ab]", 0..30)) {
            let text = words.join(" ");
            prop_assert!((repetition(&text) - naive_repetition(&words)).abs() < 1e-9);
        }

        #[test]
        fn identifiers_of_pieces_are_found(pieces in proptest::collection::vec(piece(), 0..12)) {
            let code: Vec<&str> = pieces.iter().map(|piece| &*piece.0).collect();
            let code = code.join(" ");
            let expected: Vec<&String> = pieces.iter().flat_map(|piece| &piece.1).collect();
            prop_assert_eq!(identifiers(&code), expected);
        }

        #[test]
        fn measures_stay_in_their_range(shown in "\\PC{0,40}", middle in "\\PC{1,40}") {
            let of = AnswerMeasures::new(&shown, &shown, &middle);
            let shares = [of.accepted_share, of.edit_similarity, of.repetition];
            let f1 = of.identifiers.map_or(0.0, |found| found.f1);
            prop_assert!(shares.iter().chain([&f1]).all(|share| (0.0..=1.0).contains(share)), "{:?}", of);
            let itself = AnswerMeasures::new(&middle, &middle, &middle);
            prop_assert!(itself.exact && itself.first_line);
            prop_assert_eq!((itself.accepted_share, itself.edit_similarity), (1.0, 1.0));
            prop_assert!(itself.identifiers.is_none_or(|found| found.exact && found.f1 == 1.0));
        }
    }
}
