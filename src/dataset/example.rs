//! One example: a hole, the context for it, and the text around it that fits.

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::Arc;

use rand::seq::SliceRandom;
use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use super::holes::{self, Chosen, Hole, Measure, SpanKind};
use super::{Error, Options, Outcome, Repo, quality};
use crate::cancel::{Cancel, Cancelled};
use crate::context;
use crate::index::SourceFile;

/// Each context reads its whole buffer, so the contexts of one file cost its
/// size times its holes. In files above 256 KiB this many bytes are read in
/// all, and holes past that are not cut.
const CONTEXT_BYTES_PER_FILE: usize = 128 << 20;

/// One training example: a line of `train.jsonl` or `val.jsonl`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Example {
    /// The whole training string in the family's format.
    pub text: String,
    /// The file's own text just before the hole.
    pub prefix: String,
    /// What was cut out.
    pub middle: String,
    /// The file's own text just after the hole.
    pub suffix: String,
    /// Text of other files; stands before `prefix` in `text`.
    pub context: String,
    /// The file's key.
    pub filepath: String,
    /// How the hole was chosen.
    pub span_kind: SpanKind,
    /// See [`Hole::name`].
    pub span_name: String,
    /// Where the hole starts in the file, in bytes.
    pub start_byte: usize,
    /// One past the hole's last byte.
    pub end_byte: usize,
    /// Lines that the middle has a part of.
    pub middle_lines: usize,
    /// See [`quality::complexity`].
    pub complexity_score: f64,
    /// The `max_chars` that the context was assembled with; 0 for none.
    pub context_max_chars: usize,
    /// The project that the file is of; absent where there is only one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub repo: Option<String>,
    /// The commit that was checked out; only with [`Options::provenance`], as
    /// the rest.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub commit: Option<String>,
    /// The licence, as an SPDX expression where it is known by one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub license: Option<String>,
    /// The BLAKE3 hash of the file's bytes, in hexadecimal.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub content_hash: Option<String>,
}

/// An example made ready to be written.
pub(super) struct Ready {
    /// It as a line of a dataset.
    pub(super) line: String,
    /// The rest of what is to be known of it.
    pub(super) cut: Cut,
}

/// What a run knows of an example beside its line.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cut {
    /// Equal for equal text around and in the hole.
    pub digest: u128,
    /// See [`Example::span_kind`].
    pub kind: SpanKind,
    /// The bits of [`Example::complexity_score`]: a number in decimal might
    /// come back as its neighbour.
    pub complexity: u64,
    /// The length of the line, in bytes.
    pub bytes: usize,
}

/// What one file gave.
pub(super) struct FileExamples {
    /// Its examples, in the order of holes.
    pub(super) ready: Vec<Ready>,
    /// What was turned down, by reason.
    pub(super) rejected: BTreeMap<&'static str, u64>,
}

impl FileExamples {
    /// What a run keeps of them, and their lines.
    pub(super) fn split(self) -> (Outcome, Vec<String>) {
        let rejected = self.rejected.into_iter();
        let (cuts, lines) = self.ready.into_iter().map(|r| (r.cut, r.line)).unzip();
        let outcome = Outcome {
            cuts,
            rejected: rejected.map(|(why, n)| (why.to_owned(), n)).collect(),
        };
        (outcome, lines)
    }
}

/// The examples of each file of `batch`, in its order.
pub(super) fn batch_examples(
    repo: &Repo<'_>,
    batch: &[&Arc<SourceFile>],
    options: &Options,
    cancel: &Cancel,
) -> Result<Vec<FileExamples>, Error> {
    batch
        .par_iter()
        .map(|file| {
            cancel.check()?;
            let Chosen {
                holes,
                mut rejected,
            } = file_holes(file, options);
            let measure = Measure::new(&file.text);
            let examples: Vec<_> = holes
                .par_iter()
                .map(|hole| {
                    let example = example_of(repo, file, &measure, hole, options, cancel)?;
                    example.map(|example| Ready::new(&example)).transpose()
                })
                .collect::<Result<_, Error>>()?;
            let in_all = examples.len();
            let ready: Vec<_> = examples.into_iter().flatten().collect();
            if ready.len() < in_all {
                rejected.insert("marker_in_text", (in_all - ready.len()) as u64);
            }
            Ok(FileExamples { ready, rejected })
        })
        .collect()
}

impl Ready {
    fn new(example: &Example) -> Result<Self, Error> {
        let mut hasher = blake3::Hasher::new();
        for part in [&example.prefix, &example.middle, &example.suffix] {
            hasher.update(&part.len().to_le_bytes());
            hasher.update(part.as_bytes());
        }
        let mut digest = [0_u8; 16];
        hasher.finalize_xof().fill(&mut digest);
        let mut line = serde_json::to_string(example).map_err(std::io::Error::from)?;
        line.push('\n');
        Ok(Self {
            cut: Cut {
                digest: u128::from_le_bytes(digest),
                kind: example.span_kind,
                complexity: example.complexity_score.to_bits(),
                bytes: line.len(),
            },
            line,
        })
    }
}

/// The holes of `file`, no more than the work for their contexts allows.
pub(super) fn file_holes(file: &SourceFile, options: &Options) -> Chosen {
    let mut rng = options.rng(&file.path);
    let mut chosen = holes::choose(&file.text, options, &mut rng);
    if options.context_budget() > 0 {
        let most = (CONTEXT_BYTES_PER_FILE / file.text.len().max(1)).max(1);
        if chosen.holes.len() > most {
            let over = (chosen.holes.len() - most) as u64;
            chosen.holes.shuffle(&mut rng);
            chosen.holes.truncate(most);
            chosen
                .holes
                .sort_by_key(|hole| (hole.range.start, hole.range.end));
            chosen.rejected.insert("large_file", over);
        }
    }
    chosen
}

/// The example for `hole`, or `None` if its text spells one of the family's tokens.
pub(super) fn example_of(
    repo: &Repo<'_>,
    file: &SourceFile,
    measure: &Measure<'_>,
    hole: &Hole,
    options: &Options,
    cancel: &Cancel,
) -> Result<Option<Example>, Cancelled> {
    cancel.check()?;
    let text = &*file.text;
    let Range { start, end } = hole.range;
    let max_chars = options.context_budget();
    let context = if max_chars == 0 {
        String::new()
    } else {
        let holed = [&text[..start], &text[end..]].concat();
        let request = context::Request {
            path: &file.path,
            content: &holed,
            cursor: start,
            max_chars,
            min_score: options.min_score,
            dependencies: options.cross_file_context,
            bm25: options.bm25_context,
        };
        context::assemble(repo.snapshot, &request, cancel)?.text
    };
    let middle = &text[hole.range.clone()];
    let taken = context.chars().count() + measure.chars(hole.range.clone());
    let window = window(
        text,
        measure,
        &hole.range,
        options.max_total_chars.saturating_sub(taken),
    );
    let (prefix, suffix) = (&text[window.start..start], &text[end..window.end]);
    let tokens = options.base_model.tokens();
    if [&context, prefix, middle, suffix]
        .iter()
        .any(|part| tokens.occur_in(part))
    {
        return Ok(None);
    }
    let mut example = Example {
        text: tokens.render(&context, prefix, middle, suffix),
        prefix: prefix.into(),
        middle: middle.into(),
        suffix: suffix.into(),
        filepath: file.path.to_string(),
        span_kind: hole.kind,
        span_name: hole.name.clone(),
        start_byte: start,
        end_byte: end,
        middle_lines: measure.lines(hole.range.clone()),
        complexity_score: quality::complexity(middle),
        context_max_chars: max_chars,
        context,
        repo: None,
        commit: None,
        license: None,
        content_hash: None,
    };
    repo.sign(&mut example, file, options);
    Ok(Some(example))
}

/// The part of `text` around `hole` that prefix and suffix show, in bytes, for
/// `chars` characters in all; see the module for the rule.
fn window(text: &str, measure: &Measure<'_>, hole: &Range<usize>, chars: usize) -> Range<usize> {
    let before = measure.chars(0..hole.start);
    let after = measure.chars(hole.end..text.len());
    let for_suffix = (chars / 3).max(chars.saturating_sub(before)).min(after);
    let for_prefix = (chars - for_suffix).min(before);
    let prefix = &text[..hole.start];
    let start = if for_prefix == before {
        0
    } else {
        let cut = prefix.char_indices().rev().take(for_prefix).last();
        let cut = cut.map_or(prefix.len(), |(at, _)| at);
        memchr::memchr(b'\n', &prefix.as_bytes()[cut.saturating_sub(1)..])
            .map_or(cut, |newline| cut.saturating_sub(1) + newline + 1)
    };
    let suffix = &text[hole.end..];
    let end = if for_suffix == after {
        suffix.len()
    } else {
        let cut = suffix.char_indices().nth(for_suffix);
        let cut = cut.map_or(suffix.len(), |(at, _)| at);
        memchr::memrchr(b'\n', &suffix.as_bytes()[..cut]).map_or(cut, |newline| newline + 1)
    };
    start..hole.end + end
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::files::Origin;
    use crate::index::Snapshot;
    use crate::php::FileFacts;

    fn examples(text: &str, options: &Options) -> Vec<Example> {
        let file = SourceFile {
            path: "a.php".into(),
            text: text.into(),
            lossy: false,
            facts: FileFacts::default(),
        };
        let measure = Measure::new(text);
        let repo = Repo {
            name: None,
            snapshot: &Snapshot::default(),
            in_root: &|_| true,
            left_out: &[],
            origin: &|_| Origin::default(),
        };
        file_holes(&file, options)
            .holes
            .iter()
            .filter_map(|hole| {
                example_of(&repo, &file, &measure, hole, options, &Cancel::default()).unwrap()
            })
            .collect()
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(150))]

        #[test]
        fn an_example_is_the_files_own_text_and_keeps_the_budget(
            pieces in prop::collection::vec(prop_oneof![
                Just("function f($a) { return $a->b(1, 2) + compute($a); }\n".to_owned()),
                Just("/** D\u{f6}c \u{1F600}. */\r\nfunction g() {}\r\n".to_owned()),
                Just("$x = 'a long line without end'; ".repeat(20)),
                any::<String>(),
            ], 0..60),
            total in 40_usize..1500,
        ) {
            let text = format!("<?php\n{}", pieces.concat());
            let options = Options { max_total_chars: total, min_middle_chars: 8, ..Options::default() };
            for example in examples(&text, &options) {
                let Example { prefix, middle, suffix, start_byte, end_byte, .. } = &example;
                prop_assert!(text[..*start_byte].ends_with(prefix));
                prop_assert_eq!(&text[*start_byte..*end_byte], middle);
                prop_assert!(text[*end_byte..].starts_with(suffix));
                let chars = [&example.context, prefix, middle, suffix].map(|part| part.chars().count());
                prop_assert!(chars.iter().sum::<usize>() <= total);
                prop_assert_eq!(example.middle_lines, middle.lines().count());
                prop_assert!(example.text.contains(prefix) && example.text.contains(suffix));
            }
        }
    }

    #[test]
    fn the_window_is_whole_lines_and_uses_what_the_other_side_leaves() {
        let text = "one\ntwo\nthree\nHOLE\nfour\nfive\nsix\n";
        let hole = text.find("HOLE").unwrap()..text.find("HOLE").unwrap() + 4;
        let measure = Measure::new(text);
        let shown = |chars| &text[window(text, &measure, &hole, chars)];
        assert_eq!(shown(0), "HOLE");
        assert_eq!(shown(15), "two\nthree\nHOLE\n");
        assert_eq!(shown(1000), text);
        let first = "HOLE\nfour\nfive\nsix\n";
        let measure = Measure::new(first);
        assert_eq!(&first[window(first, &measure, &(0..4), 15)], first);
    }

    #[test]
    fn a_file_that_spells_a_token_gives_no_example() {
        let text = "<?php\nfunction f($lines) { return array_map('strlen', $lines); }\n// <|fim_middle|>\n";
        let options = Options {
            min_middle_chars: 10,
            ..Options::default()
        };
        let clean = text.replace("<|fim_middle|>", "").repeat(9);
        assert!(!examples(&clean, &options).is_empty());
        assert!(examples(&text.repeat(9), &options).is_empty());
    }
}
