//! One example: a hole, the context for it, and the text around it that fits.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::Arc;

use rand::RngExt;
use rand::seq::SliceRandom;
use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use super::holes::{self, Chosen, Hole, Measure, SpanKind};
use super::shape::Shape;
use super::{Error, MarkersInSource, Options, Target, quality};
use crate::cancel::{Cancel, Cancelled};
use crate::context::{self, Context};
use crate::index::{Snapshot, SourceFile};
use crate::model::{ContextStyle, Format, Marks, Model, Parts, Rendered};

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
    /// Text of other files, as `getContext` answers it; stands before `prefix`
    /// in `text`, laid out as the family wants it.
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
    /// The order of the parts in `text`.
    #[serde(default)]
    pub format: Format,
    /// The tokens of `text`, if there is a tokenizer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tokens: Option<usize>,
    /// How many control tokens in the four parts were neutralised:
    /// [`Marks::restore`] gives the files' own text back.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub markers_neutralised: usize,
}

fn is_zero(count: &usize) -> bool {
    *count == 0
}

/// An example made ready to be written.
pub(super) struct Ready {
    /// It as a line of a dataset.
    pub(super) line: String,
    /// Equal for equal text around and in the hole.
    pub(super) digest: [u8; 16],
    /// See [`Example::span_kind`].
    pub(super) kind: SpanKind,
    /// See [`Example::complexity_score`].
    pub(super) complexity: f64,
    /// How its text is made.
    pub(super) shape: Shape,
}

/// What one file gave.
pub(super) struct FileExamples {
    /// Its examples, in the order of holes.
    pub(super) ready: Vec<Ready>,
    /// What was turned down, by reason.
    pub(super) rejected: BTreeMap<&'static str, u64>,
}

/// The examples of each file of `batch`, in its order.
pub(super) fn batch_examples(
    snapshot: &Snapshot,
    batch: &[&Arc<SourceFile>],
    options: &Options,
    target: Target<'_>,
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
                    let made = example_of(snapshot, file, &measure, hole, options, target, cancel)?;
                    made.map(|(example, shape)| Ready::new(&example, shape))
                        .map_or_else(|reason| Ok(Err(reason)), |ready| ready.map(Ok))
                })
                .collect::<Result<_, Error>>()?;
            let mut ready = Vec::with_capacity(examples.len());
            for example in examples {
                match example {
                    Ok(example) => ready.push(example),
                    Err(reason) => *rejected.entry(reason).or_default() += 1,
                }
            }
            Ok(FileExamples { ready, rejected })
        })
        .collect()
}

impl Ready {
    fn new(example: &Example, shape: Shape) -> Result<Self, Error> {
        let mut hasher = blake3::Hasher::new();
        for part in [&example.prefix, &example.middle, &example.suffix] {
            hasher.update(&part.len().to_le_bytes());
            hasher.update(part.as_bytes());
        }
        let mut digest = [0; 16];
        hasher.finalize_xof().fill(&mut digest);
        let mut line = serde_json::to_string(example).map_err(std::io::Error::from)?;
        line.push('\n');
        Ok(Self {
            line,
            digest,
            kind: example.span_kind,
            complexity: example.complexity_score,
            shape,
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

/// The example for `hole` and how its text is made, or why there is none.
pub(super) fn example_of(
    snapshot: &Snapshot,
    file: &SourceFile,
    measure: &Measure<'_>,
    hole: &Hole,
    options: &Options,
    target: Target<'_>,
    cancel: &Cancel,
) -> Result<Result<(Example, Shape), &'static str>, Error> {
    let text = &*file.text;
    let Range { start, end } = hole.range;
    let model = target.model;
    let marking = Marking {
        marks: model.marks(),
        how: options.markers,
    };
    let format = format_of(file, hole, options, model);
    let (middle, in_middle) = marking.clear(&text[hole.range.clone()]);
    let assemble = |max_chars| context_of(snapshot, file, &hole.range, max_chars, options, cancel);
    let mut max_chars = options.context_budget();
    let mut context = assemble(max_chars)?;
    let taken = marking.clear(&context.text).0.chars().count() + middle.chars().count();
    let most = options.max_total_chars.saturating_sub(taken);
    // What is given up below goes to nobody, so this only gets less.
    let mut room = most;
    loop {
        cancel.check()?;
        let (shown, in_context) = marking.clear(&context.text);
        let window = window(text, measure, &hole.range, room);
        let (prefix, in_prefix) = marking.clear(&text[window.start..start]);
        let (suffix, in_suffix) = marking.clear(&text[end..window.end]);
        let added = in_prefix + in_suffix;
        let used = prefix.chars().count() + suffix.chars().count();
        if used > most {
            // There is no room for what neutralising adds.
            room = room.saturating_sub(added);
            continue;
        }
        let parts = Parts {
            context: &shown,
            files: &context.files,
            repo: target.repo,
            path: &file.path,
            prefix: &prefix,
            suffix: &suffix,
        };
        let style = options.context_style;
        let rendered = model.family().example(&parts, &middle, format, style);
        if is_spelled(model.marks(), &parts, &rendered, style) {
            return Ok(Err("marker_in_text"));
        }
        let counts = (options.max_tokens.is_some() || model.has_tokenizer())
            .then(|| model.count(&rendered))
            .transpose()?;
        let excess = match (counts, options.max_tokens) {
            (Some(counts), Some(max)) => counts.total.saturating_sub(max),
            _ => 0,
        };
        if let Some(counts) = counts.filter(|_| excess > 0) {
            if !context.text.is_empty() {
                // Of the text as it was assembled, so that it gets less each time.
                max_chars = less(context.text.chars().count(), counts.context, excess);
                context = assemble(max_chars)?;
            } else if used > 0 {
                room = less(used - added, counts.prefix + counts.suffix, excess);
            } else {
                return Ok(Err("too_many_tokens"));
            }
            continue;
        }
        let shape = Shape {
            format,
            neutralised: in_context + in_prefix + in_middle + in_suffix,
            tokens: counts.filter(|_| model.has_tokenizer()),
        };
        let example = Example {
            text: rendered.text,
            prefix: prefix.into(),
            suffix: suffix.into(),
            context: shown.into(),
            filepath: file.path.to_string(),
            span_kind: hole.kind,
            span_name: hole.name.clone(),
            start_byte: start,
            end_byte: end,
            middle_lines: measure.lines(hole.range.clone()),
            complexity_score: quality::complexity(&middle),
            middle: middle.into(),
            context_max_chars: max_chars,
            format,
            tokens: shape.tokens.map(|counts| counts.total),
            markers_neutralised: shape.neutralised,
        };
        return Ok(Ok((example, shape)));
    }
}

/// What is done about control tokens in a source.
struct Marking<'m> {
    marks: &'m Marks,
    how: MarkersInSource,
}

impl Marking<'_> {
    /// What is shown of `text`, and how many places were changed for that.
    fn clear<'a>(&self, text: &'a str) -> (Cow<'a, str>, usize) {
        match self.how {
            MarkersInSource::Drop => (Cow::Borrowed(text), 0),
            MarkersInSource::Neutralise => self.marks.neutralise(text),
        }
    }
}

/// The order of the parts: drawn for each example, whatever the others drew.
fn format_of(file: &SourceFile, hole: &Hole, options: &Options, model: &Model) -> Format {
    if options.spm_rate == 0.0 {
        return model.family().format();
    }
    let Range { start, end } = hole.range;
    let mut rng = options.rng(&format!("\0format {start} {end} {}", file.path));
    if rng.random_bool(options.spm_rate) {
        Format::Spm
    } else {
        Format::Psm
    }
}

/// What an editor would get in the hole with this budget.
fn context_of(
    snapshot: &Snapshot,
    file: &SourceFile,
    hole: &Range<usize>,
    max_chars: usize,
    options: &Options,
    cancel: &Cancel,
) -> Result<Context, Cancelled> {
    if max_chars == 0 {
        return Ok(Context::default());
    }
    let holed = [&file.text[..hole.start], &file.text[hole.end..]].concat();
    let request = context::Request {
        path: &file.path,
        content: &holed,
        cursor: hole.start,
        max_chars,
        min_score: options.min_score,
        dependencies: options.cross_file_context,
        bm25: options.bm25_context,
    };
    context::assemble(snapshot, &request, cancel)
}

/// Whether the text of a part spells a control token, alone or with what it
/// stands next to.
fn is_spelled(marks: &Marks, parts: &Parts<'_>, text: &Rendered, style: ContextStyle) -> bool {
    let mut own = vec![&text.prefix, &text.middle, &text.suffix];
    match style {
        ContextStyle::Comment => own.push(&text.context),
        // Its files have tokens between them.
        ContextStyle::Repo => {
            if [parts.context, parts.repo, parts.path]
                .iter()
                .any(|part| marks.occur_in(part))
            {
                return true;
            }
        }
    }
    marks.find(&text.text).any(|found| {
        own.iter()
            .any(|part| part.start < found.end && found.start < part.end)
    })
}

/// How many of `chars` characters may be kept, where they have `tokens` tokens
/// and `excess` tokens are too many: in proportion, a little less, and none
/// where little would be left.
fn less(chars: usize, tokens: usize, excess: usize) -> usize {
    const LITTLE: usize = 64;
    let kept = tokens.saturating_sub(excess);
    let chars = chars.saturating_mul(kept) / tokens.max(1) * 31 / 32;
    if chars < LITTLE { 0 } else { chars }
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
    use crate::model::Families;
    use crate::php::FileFacts;

    fn examples(text: &str, options: &Options) -> Vec<Example> {
        let model = options.model(&Families::default()).unwrap();
        let target = Target {
            model: &model,
            repo: "shop",
        };
        let file = SourceFile {
            path: "a.php".into(),
            text: text.into(),
            lossy: false,
            facts: FileFacts::default(),
        };
        let measure = Measure::new(text);
        file_holes(&file, options)
            .holes
            .iter()
            .filter_map(|hole| {
                example_of(
                    &Snapshot::default(),
                    &file,
                    &measure,
                    hole,
                    options,
                    target,
                    &Cancel::default(),
                )
                .unwrap()
                .ok()
            })
            .map(|(example, _)| example)
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
