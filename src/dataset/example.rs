//! One example: a hole, the context for it, and the text around it that fits.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::ops::Range;

use rand::RngExt;
use rand::seq::SliceRandom;
use rayon::prelude::*;
use serde::{Deserialize, Serialize};
use xxhash_rust::xxh3::Xxh3;

use super::holes::{self, Chosen, Hole, SpanKind};
use super::measure::Measure;
use super::options::{Dedup, OnSecret};
use super::rejects::Refused;
use super::shape::Shape;
use super::sources::Source;
use super::template::{self, Escaped, Kept};
use super::{Cut, Error, MarkersInSource, Options, Repo, Sizes, duplicates, quality};
use crate::cancel::{Cancel, Cancelled};
use crate::context::{self, Context};
use crate::index::SourceFile;
use crate::model::{ContextStyle, ControlTokens, FimFormat, Model, ModelText, PromptParts};
use crate::php::spans::{GrammarError, SpanParser};
use crate::secrets::{self, Secret, Secrets};
use crate::text::window;

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
    /// That of the whole file.
    pub file_complexity: f64,
    /// The `max_chars` that the context was assembled with; 0 for none.
    pub context_max_chars: usize,
    /// The order of the parts in `text`.
    #[serde(default)]
    pub format: FimFormat,
    /// The tokens of `text`, if there is a tokenizer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tokens: Option<usize>,
    /// How many control tokens in the four parts were neutralised:
    /// [`ControlTokens::restore`] gives the files' own text back, but for secrets.
    #[serde(default)]
    pub markers_neutralised: usize,
    /// How many secrets placeholders stand for, in context, prefix, middle and
    /// suffix. Without one the last three are the file's own bytes.
    pub redacted: u64,
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

/// An example, and how it came about.
pub(super) struct Made {
    /// The example.
    pub(super) example: Example,
    shape: Shape,
    sizes: Sizes,
    /// Where in its text prefix, middle and suffix stand, in bytes.
    places: [Range<usize>; 3],
    /// What they show of the file, in bytes, if it is the file's own text.
    window: Option<Range<usize>>,
}

/// An example made ready to be kept.
pub(super) struct Ready {
    /// Its template.
    pub(super) template: String,
    /// The rest of what is to be known of it.
    pub(super) cut: Cut,
}

/// A hole that something may come of.
pub(super) struct Planned {
    /// The hole.
    pub(super) hole: Hole,
    /// What near duplicates have in common with it, where that matters.
    pub(super) key: Option<u128>,
}

/// A file with its holes, before any of them has cost a context.
pub(super) struct Plan<'a> {
    /// The file.
    pub(super) file: &'a SourceFile,
    measure: Measure<'a>,
    /// The text that is kept, with nothing in the place of its secrets: those
    /// are in no example that shows the file's own bytes, and are not to lie about.
    pub(super) kept: Escaped<'a>,
    /// The secrets of the whole file; none if they are kept.
    secrets: &'a [Secret],
    /// See [`Example::file_complexity`].
    complexity: f64,
    /// In the order of their starts.
    pub(super) holes: Vec<Planned>,
    /// Proposals turned down, by reason.
    pub(super) rejected: BTreeMap<&'static str, u64>,
    /// The holes and proposals turned down that somebody may want to see; all
    /// are counted in `rejected`.
    pub(super) refused: Vec<Refused>,
}

/// `text` with spaces in the place of `secrets`.
fn without<'t>(text: &'t str, secrets: &[Secret]) -> Cow<'t, str> {
    if secrets.is_empty() {
        return Cow::Borrowed(text);
    }
    let mut shown = String::with_capacity(text.len());
    for secret in secrets {
        shown.push_str(&text[shown.len()..secret.range.start]);
        shown.extend(secret.range.clone().map(|_| ' '));
    }
    shown.push_str(&text[shown.len()..]);
    Cow::Owned(shown)
}

/// What came of a hole.
pub(super) struct Tried<T> {
    /// The example, or why there is none.
    pub(super) example: Result<T, &'static str>,
    /// The secrets in its four parts, by kind.
    pub(super) secrets: BTreeMap<&'static str, u64>,
}

/// Makes the examples of one project.
pub(super) struct Maker<'a> {
    pub(super) repo: &'a Repo<'a>,
    pub(super) options: &'a Options,
    pub(super) model: &'a Model,
    pub(super) secrets: &'a Secrets,
    pub(super) cancel: &'a Cancel,
}

impl Maker<'_> {
    /// The plan of each file of each of `batches`, in their order.
    pub(super) fn plans<'f>(&self, batches: &[&[Source<'f>]]) -> Result<Vec<Vec<Plan<'f>>>, Error> {
        let of_file = |parser: &mut Result<SpanParser, GrammarError>, source: &Source<'f>| {
            let parser = parser.as_mut().map_err(|error| *error)?;
            self.plan(source.file, parser)
        };
        let of_batch = |batch: &&[Source<'f>]| {
            let files = batch.par_iter();
            files.map_init(SpanParser::new, of_file).collect()
        };
        batches.par_iter().map(of_batch).collect()
    }

    /// What comes of each hole of each of `plans`, in their order.
    pub(super) fn examples(&self, plans: &[Plan<'_>]) -> Result<Vec<Vec<Tried<Ready>>>, Error> {
        let ready = |plan: &Plan<'_>, planned: &Planned| {
            let Tried { example, secrets } = self.example(plan, &planned.hole)?;
            Ok(Tried {
                example: match example {
                    Ok(made) => Ok(Ready::new(made, &plan.kept)?),
                    Err(reason) => Err(reason),
                },
                secrets,
            })
        };
        let of_plan = |plan: &Plan<'_>| {
            let holes = plan.holes.par_iter();
            holes.map(|planned| ready(plan, planned)).collect()
        };
        plans.par_iter().map(of_plan).collect()
    }

    /// The holes of `file` that may become examples.
    pub(super) fn plan<'f>(
        &self,
        file: &'f SourceFile,
        parser: &mut SpanParser,
    ) -> Result<Plan<'f>, Error> {
        self.cancel.check()?;
        let options = self.options;
        let Chosen {
            holes,
            mut rejected,
            mut refused,
        } = file_holes(file, options, parser);
        let secrets = match options.secrets {
            OnSecret::Keep => &[],
            OnSecret::Redact | OnSecret::Drop => file.secrets(self.secrets),
        };
        let mut planned = Vec::with_capacity(holes.len());
        for hole in holes {
            let objection = objection_to_secrets(&hole.range, secrets, options.secrets);
            if let Some(reason) = objection {
                *rejected.entry(reason).or_default() += 1;
                let range = hole.range;
                refused.push(Refused { range, reason });
                continue;
            }
            let key = (options.dedup == Dedup::Near).then(|| {
                let Range { start, end } = hole.range;
                let text = &*file.text;
                duplicates::example_key(&text[..start], &text[start..end], &text[end..])
            });
            planned.push(Planned { hole, key });
        }
        Ok(Plan {
            file,
            measure: Measure::new(&file.text),
            kept: Escaped::new(without(&file.text, secrets))?,
            secrets,
            complexity: quality::complexity(&file.text),
            holes: planned,
            rejected,
            refused,
        })
    }

    /// What comes of `hole`, one of those of `plan`: the example and how its
    /// text is made.
    pub(super) fn example(&self, plan: &Plan<'_>, hole: &Hole) -> Result<Tried<Made>, Error> {
        let options = self.options;
        let (file, measure) = (plan.file, &plan.measure);
        let text = &*file.text;
        let Range { start, end } = hole.range;
        let marking = Marking {
            control_tokens: self.model.control_tokens(),
            how: options.markers,
        };
        let format = format_of(file, hole, options, self.model);
        let redacted = |window: Range<usize>| secrets::replace(text, window, plan.secrets);
        let middle = redacted(hole.range.clone());
        let (middle, in_middle) = marking.clear(&middle);
        let mut max_chars = options.context_budget();
        let mut context = self.context(file, &hole.range, max_chars)?;
        let gives_away =
            |context: &Context| duplicates::near_contains(&marking.clear(&context.text).0, &middle);
        if gives_away(&context) {
            return Ok(Tried::refused("middle_in_context", context.redacted));
        }
        let taken = marking.clear(&context.text).0.chars().count() + middle.chars().count();
        let Some(most) = options.max_total_chars.checked_sub(taken) else {
            // Placeholders are longer than what they stand for.
            return Ok(Tried::refused("too_long", context.redacted));
        };
        // What is given up below goes to nobody, so this only gets less.
        let mut room = most;
        loop {
            self.cancel.check()?;
            let (shown, in_context) = marking.clear(&context.text);
            let window = window(text, &hole.range, room, |part| measure.chars(part));
            let prefix = redacted(window.start..start);
            let suffix = redacted(end..window.end);
            let (prefix, in_prefix) = marking.clear(&prefix);
            let (suffix, in_suffix) = marking.clear(&suffix);
            let used = prefix.chars().count() + suffix.chars().count();
            // What neutralising and placeholders add.
            let own = measure.chars(window.start..start) + measure.chars(end..window.end);
            let added = used.saturating_sub(own);
            if used > most && room > 0 {
                room = room.saturating_sub(used - most);
                continue;
            }
            let mut secrets = context.redacted.clone();
            let mut is_own = in_prefix + in_middle + in_suffix == 0;
            for secret in secrets::within(plan.secrets, window.clone()) {
                is_own = false;
                *secrets.entry(secret.kind).or_default() += 1;
            }
            if options.secrets == OnSecret::Drop && !secrets.is_empty() {
                return Ok(Tried::refused("secret", secrets));
            }
            let parts = PromptParts {
                context: &shown,
                files: &context.files,
                repo: self.repo.title,
                path: &file.path,
                prefix: &prefix,
                suffix: &suffix,
            };
            let (model, style) = (self.model, options.context_style);
            let rendered = model.family().example(&parts, &middle, format, style);
            if is_spelled(model.control_tokens(), &parts, &rendered, style) {
                return Ok(Tried::refused("marker_in_text", secrets));
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
                    max_chars = shrink_budget(context.text.chars().count(), counts.context, excess);
                    context = self.context(file, &hole.range, max_chars)?;
                    if gives_away(&context) {
                        return Ok(Tried::refused("middle_in_context", context.redacted));
                    }
                } else if used > 0 && room > 0 {
                    let kept = used.saturating_sub(added);
                    room = shrink_budget(kept, counts.prefix + counts.suffix, excess);
                } else {
                    return Ok(Tried::refused("too_many_tokens", secrets));
                }
                continue;
            }
            let shape = Shape {
                format,
                neutralised: in_context + in_prefix + in_middle + in_suffix,
                tokens: counts.filter(|_| model.has_tokenizer()),
            };
            let chars = [&*shown, &*prefix, &*middle, &*suffix].map(|part| part.chars().count());
            let sizes = Sizes::new(chars, max_chars);
            let mut example = Example {
                text: rendered.text,
                complexity_score: quality::complexity(&middle),
                file_complexity: plan.complexity,
                prefix: prefix.into(),
                middle: middle.into(),
                suffix: suffix.into(),
                context: shown.into(),
                filepath: file.path.to_string(),
                span_kind: hole.kind,
                span_name: hole.name.clone(),
                start_byte: start,
                end_byte: end,
                middle_lines: measure.lines(hole.range.clone()),
                context_max_chars: max_chars,
                format,
                tokens: shape.tokens.map(|counts| counts.total),
                markers_neutralised: shape.neutralised,
                redacted: secrets.values().sum(),
                repo: None,
                commit: None,
                license: None,
                content_hash: None,
            };
            self.repo.sign(&mut example, file, options);
            return Ok(Tried {
                example: Ok(Made {
                    example,
                    shape,
                    sizes,
                    places: [rendered.prefix, rendered.middle, rendered.suffix],
                    window: is_own.then_some(window),
                }),
                secrets,
            });
        }
    }

    /// What `getContext` answers for `file` without `hole`.
    fn context(
        &self,
        file: &SourceFile,
        hole: &Range<usize>,
        max_chars: usize,
    ) -> Result<Context, Cancelled> {
        if max_chars == 0 {
            return Ok(Context::default());
        }
        let options = self.options;
        let holed = [&file.text[..hole.start], &file.text[hole.end..]].concat();
        let request = context::Request {
            path: &file.path,
            content: &holed,
            cursor: hole.start,
            max_chars,
            min_score: options.min_score,
            dependencies: options.cross_file_context,
            bm25: options.bm25_context,
            secrets: (options.secrets != OnSecret::Keep).then_some(self.secrets),
        };
        context::assemble(self.repo.snapshot, &request, self.cancel)
    }
}

impl<T> Tried<T> {
    fn refused(reason: &'static str, secrets: BTreeMap<&'static str, u64>) -> Self {
        Self {
            example: Err(reason),
            secrets,
        }
    }
}

/// Why `hole` cannot be cut where the file has `secrets`: through the middle of
/// one, half of which would be asked for; or at all around one that is to be dropped.
fn objection_to_secrets(
    hole: &Range<usize>,
    secrets: &[Secret],
    policy: OnSecret,
) -> Option<&'static str> {
    let cuts = |at| secrets::cut(secrets, at).is_some();
    if cuts(hole.start) || cuts(hole.end) {
        Some("secret_cut_through")
    } else if policy == OnSecret::Drop && secrets::within(secrets, hole.clone()).next().is_some() {
        Some("secret")
    } else {
        None
    }
}

impl Ready {
    /// `kept` is the text of its file.
    fn new(made: Made, kept: &Escaped<'_>) -> Result<Self, Error> {
        let Made {
            example,
            shape,
            sizes,
            places,
            window,
        } = made;
        let mut hasher = Xxh3::new();
        for part in [&example.prefix, &example.middle, &example.suffix] {
            hasher.update(&part.len().to_le_bytes());
            hasher.update(part.as_bytes());
        }
        let (kind, complexity) = (example.span_kind, example.complexity_score.to_bits());
        let has_context = !example.context.is_empty();
        let hole = example.start_byte..example.end_byte;
        let window = match window {
            Some(window) => kept.window(&window, &hole)?,
            None => None,
        };
        let template = match window {
            Some(_) => template::with_gaps(example, &places)?,
            None => {
                let line = serde_json::to_string(&example).map_err(std::io::Error::from)?;
                line + "\n"
            }
        };
        Ok(Self {
            cut: Cut {
                digest: hasher.digest128(),
                kind,
                complexity,
                shape,
                sizes,
                kept: Kept {
                    bytes: template.len(),
                    window,
                    has_context,
                },
            },
            template,
        })
    }
}

/// The holes of `file`, no more than the work for their contexts allows.
fn file_holes(file: &SourceFile, options: &Options, parser: &mut SpanParser) -> Chosen {
    let mut rng = options.rng(&file.path);
    let mut chosen = holes::choose(&file.text, options, parser, &mut rng);
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

/// What is done about control tokens in a source.
struct Marking<'m> {
    control_tokens: &'m ControlTokens,
    how: MarkersInSource,
}

impl Marking<'_> {
    /// What is shown of `text`, and how many places were changed for that.
    fn clear<'a>(&self, text: &'a str) -> (Cow<'a, str>, usize) {
        match self.how {
            MarkersInSource::Drop => (Cow::Borrowed(text), 0),
            MarkersInSource::Neutralise => self.control_tokens.neutralise(text),
        }
    }
}

/// The order of the parts: drawn for each example, whatever the others drew.
fn format_of(file: &SourceFile, hole: &Hole, options: &Options, model: &Model) -> FimFormat {
    if options.spm_rate == 0.0 {
        return model.family().format();
    }
    let Range { start, end } = hole.range;
    let mut rng = options.rng(&format!("\0format {start} {end} {}", file.path));
    if rng.random_bool(options.spm_rate) {
        FimFormat::Spm
    } else {
        FimFormat::Psm
    }
}

/// Whether the text of a part spells a control token, alone or with what it
/// stands next to.
fn is_spelled(
    control_tokens: &ControlTokens,
    parts: &PromptParts<'_>,
    text: &ModelText,
    style: ContextStyle,
) -> bool {
    let mut own = vec![&text.prefix, &text.middle, &text.suffix];
    match style {
        ContextStyle::Comment => own.push(&text.context),
        // Its files have tokens between them.
        ContextStyle::Repo => {
            if [parts.context, parts.repo, parts.path]
                .iter()
                .any(|part| control_tokens.occur_in(part))
            {
                return true;
            }
        }
    }
    control_tokens.find(&text.text).any(|found| {
        own.iter()
            .any(|part| part.start < found.end && found.start < part.end)
    })
}

/// How many of `chars` characters may be kept, where they have `tokens` tokens
/// and `excess` tokens are too many: in proportion, a little less, and none
/// where little would be left.
fn shrink_budget(chars: usize, tokens: usize, excess: usize) -> usize {
    const LITTLE: usize = 64;
    let kept = tokens.saturating_sub(excess);
    let chars = chars.saturating_mul(kept) / tokens.max(1) * 31 / 32;
    if chars < LITTLE { 0 } else { chars }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::files::Origin;
    use crate::index::Snapshot;
    use crate::model::Families;
    use crate::php::FileFacts;

    fn examples(text: &str, options: &Options) -> Vec<Example> {
        let model = options.model(&Families::default()).unwrap();
        let facts = FileFacts::default();
        let file = SourceFile::new("a.php".into(), text.into(), false, facts);
        let repo = Repo {
            name: None,
            title: "shop",
            files: &[],
            snapshot: &Snapshot::default(),
            in_root: &|_| true,
            left_out: &[],
            origin: &|_| Origin::default(),
        };
        let maker = Maker {
            repo: &repo,
            options,
            model: &model,
            secrets: &Secrets::new().unwrap(),
            cancel: &Cancel::default(),
        };
        let plan = maker.plan(&file, &mut SpanParser::new().unwrap()).unwrap();
        plan.holes
            .iter()
            .filter_map(|planned| maker.example(&plan, &planned.hole).unwrap().example.ok())
            .map(|made| made.example)
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
        let shown = |chars| &text[window(text, &hole, chars, |part| measure.chars(part))];
        assert_eq!(shown(0), "HOLE");
        assert_eq!(shown(15), "two\nthree\nHOLE\n");
        assert_eq!(shown(1000), text);
        let first = "HOLE\nfour\nfive\nsix\n";
        let measure = Measure::new(first);
        assert_eq!(
            &first[window(first, &(0..4), 15, |part| measure.chars(part))],
            first
        );
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
