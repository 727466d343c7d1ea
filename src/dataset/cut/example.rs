//! Builds the example for a hole: the context for it, and as much of the file
//! around it as fits.
//!
//! The context is assembled first. Prefix and suffix then share the characters
//! that context and middle leave. Two things can make the draft too long after
//! that: placeholders and neutralised control tokens are longer than what they
//! replace, and the text can have more tokens than the options allow. The
//! builder then shrinks the draft and tries again. It never gives the characters
//! that one part loses to another part, so each try is shorter than the last.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::ops::Range;

use rand::RngExt;
use rayon::prelude::*;

use crate::cancel::{Cancel, Cancelled};
use crate::context::{self, Context};
use crate::dataset::batch::{Sizes, TextShape};
use crate::dataset::cut::control_tokens::{ControlTokenFilter, FilteredText, spells_control_token};
use crate::dataset::cut::encoded::{BuiltExample, EncodedExample};
use crate::dataset::cut::holes::Hole;
use crate::dataset::cut::plan::{FilePlan, KeyedHole};
use crate::dataset::cut::quality;
use crate::dataset::duplicates;
use crate::dataset::error::DatasetError;
use crate::dataset::options::{Options, SecretPolicy};
use crate::dataset::record::Example;
use crate::dataset::repo::Repo;
use crate::dataset::select::sources::ExampleSource;
use crate::index::SourceFile;
use crate::model::{
    FimFormat, Model, ModelText, PromptParts, TokenCounts, TokenizerError, source_text,
};
use crate::php::spans::{GrammarError, SpanParser};
use crate::secrets::{self, Secrets};
use crate::text::window;

/// How many secrets there are, by kind.
type SecretKindCounts = BTreeMap<&'static str, u64>;

/// What a hole gives.
pub(in crate::dataset) struct HoleResult<T> {
    /// The example, or the reason why there is none.
    pub(in crate::dataset) example: Result<T, &'static str>,
    /// The secrets in its four parts, by kind.
    pub(in crate::dataset) secrets: SecretKindCounts,
}

/// Builds the examples of one project.
pub(in crate::dataset) struct ExampleBuilder<'a> {
    pub(in crate::dataset) repo: &'a Repo<'a>,
    pub(in crate::dataset) options: &'a Options,
    pub(in crate::dataset) model: &'a Model,
    pub(in crate::dataset) secrets: &'a Secrets,
    pub(in crate::dataset) cancel: &'a Cancel,
}

impl ExampleBuilder<'_> {
    /// Plans each file of each of `batches`, in their order. In parallel on the
    /// current rayon pool.
    pub(in crate::dataset) fn plans<'f>(
        &self,
        batches: &[&[ExampleSource<'f>]],
    ) -> Result<Vec<Vec<FilePlan<'f>>>, DatasetError> {
        let of_file = |parser: &mut Result<SpanParser, GrammarError>,
                       source: &ExampleSource<'f>| {
            let parser = parser.as_mut().map_err(|error| *error)?;
            self.plan(source.file, parser)
        };
        let of_batch = |batch: &&[ExampleSource<'f>]| {
            let files = batch.par_iter();
            files.map_init(SpanParser::new, of_file).collect()
        };
        batches.par_iter().map(of_batch).collect()
    }

    /// Plans `file`.
    pub(in crate::dataset) fn plan<'f>(
        &self,
        file: &'f SourceFile,
        parser: &mut SpanParser,
    ) -> Result<FilePlan<'f>, DatasetError> {
        FilePlan::new(file, self.options, self.secrets, parser, self.cancel)
    }

    /// Builds and encodes the example of each hole of each of `plans`, in their
    /// order. In parallel on the current rayon pool.
    pub(in crate::dataset) fn examples(
        &self,
        plans: &[FilePlan<'_>],
    ) -> Result<Vec<Vec<HoleResult<EncodedExample>>>, DatasetError> {
        let encoded = |plan: &FilePlan<'_>, keyed: &KeyedHole| {
            let HoleResult { example, secrets } = self.example(plan, &keyed.hole)?;
            Ok(HoleResult {
                example: match example {
                    Ok(built) => Ok(EncodedExample::new(built, &plan.escaped)?),
                    Err(reason) => Err(reason),
                },
                secrets,
            })
        };
        let of_plan = |plan: &FilePlan<'_>| {
            let holes = plan.holes.par_iter();
            holes.map(|keyed| encoded(plan, keyed)).collect()
        };
        plans.par_iter().map(of_plan).collect()
    }

    /// Builds the example of `hole`, one of those of `plan`.
    pub(in crate::dataset) fn example(
        &self,
        plan: &FilePlan<'_>,
        hole: &Hole,
    ) -> Result<HoleResult<BuiltExample>, DatasetError> {
        match Draft::new(self, plan, hole).and_then(Draft::fit) {
            Ok((example, secrets)) => Ok(HoleResult {
                example: Ok(example),
                secrets,
            }),
            Err(BuildError::Rejected { reason, secrets }) => Ok(HoleResult {
                example: Err(reason),
                secrets,
            }),
            Err(BuildError::Failed(error)) => Err(error),
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
        let content = [&file.text[..hole.start], &file.text[hole.end..]].concat();
        let request = context::ContextRequest {
            path: &file.path,
            content: &content,
            cursor: hole.start,
            max_chars,
            min_score: options.min_score,
            dependencies: options.cross_file_context,
            bm25: options.bm25_context,
            secrets: (options.secrets != SecretPolicy::Keep).then_some(self.secrets),
        };
        context::assemble(self.repo.snapshot, &request, self.cancel)
    }
}

/// Why a draft becomes no example.
enum BuildError {
    /// The hole is rejected.
    Rejected {
        reason: &'static str,
        /// The secrets in what was drafted, by kind.
        secrets: SecretKindCounts,
    },
    /// The run ends.
    Failed(DatasetError),
}

impl BuildError {
    fn rejected(reason: &'static str, secrets: SecretKindCounts) -> Self {
        Self::Rejected { reason, secrets }
    }
}

impl From<Cancelled> for BuildError {
    fn from(cancelled: Cancelled) -> Self {
        Self::Failed(cancelled.into())
    }
}

impl From<TokenizerError> for BuildError {
    fn from(error: TokenizerError) -> Self {
        Self::Failed(error.into())
    }
}

/// An example that may still be too long.
struct Draft<'a> {
    builder: &'a ExampleBuilder<'a>,
    plan: &'a FilePlan<'a>,
    hole: &'a Hole,
    filter: ControlTokenFilter<'a>,
    format: FimFormat,
    middle: FilteredText<'a>,
    context: Context,
    /// The characters that the context was assembled with.
    max_context: usize,
    /// The most characters of prefix and suffix together, as they are shown.
    max_sides: usize,
    /// The most characters of the file's own text in them. Only shrinks.
    max_own: usize,
}

/// The text beside the hole, as the example shows it.
struct Sides<'a> {
    /// The bytes of the file that prefix, middle and suffix stand for.
    window: Range<usize>,
    prefix: FilteredText<'a>,
    suffix: FilteredText<'a>,
    /// The characters of prefix and suffix as they are shown.
    chars: usize,
    /// The characters of the file that they stand for.
    own_chars: usize,
}

impl<'a> Draft<'a> {
    fn new(
        builder: &'a ExampleBuilder<'a>,
        plan: &'a FilePlan<'a>,
        hole: &'a Hole,
    ) -> Result<Self, BuildError> {
        let (options, file) = (builder.options, plan.file);
        let filter = ControlTokenFilter {
            tokens: builder.model.control_tokens(),
            policy: options.markers,
        };
        let middle = source_text(&file.text, hole.range.clone(), plan.secrets);
        let max_context = options.context_budget();
        let mut draft = Self {
            builder,
            plan,
            hole,
            format: draw_format(file, hole, options, builder.model),
            middle: filter.apply(middle),
            filter,
            context: Context::default(),
            max_context,
            max_sides: 0,
            max_own: 0,
        };
        draft.assemble_context(max_context)?;
        let taken = draft.shown_context().chars() + draft.middle.chars();
        let Some(left) = options.max_total_chars.checked_sub(taken) else {
            // The middle fits without placeholders, which are longer.
            return Err(BuildError::rejected("too_long", draft.context.redacted));
        };
        (draft.max_sides, draft.max_own) = (left, left);
        Ok(draft)
    }

    /// Shrinks the draft until it keeps to all limits: the example, and the
    /// secrets that its parts had.
    fn fit(mut self) -> Result<(BuiltExample, SecretKindCounts), BuildError> {
        let (model, options) = (self.builder.model, self.builder.options);
        loop {
            self.builder.cancel.check()?;
            let sides = self.sides();
            if sides.chars > self.max_sides && self.max_own > 0 {
                let over = sides.chars - self.max_sides;
                self.max_own = self.max_own.saturating_sub(over);
                continue;
            }
            let secrets = self.secrets(&sides.window);
            if options.secrets == SecretPolicy::Drop && !secrets.is_empty() {
                return Err(BuildError::rejected("secret", secrets));
            }
            let Some(text) = self.render(&sides) else {
                return Err(BuildError::rejected("marker_in_text", secrets));
            };
            let counts = (options.max_tokens.is_some() || model.has_tokenizer())
                .then(|| model.count(&text))
                .transpose()?;
            let excess = match (counts, options.max_tokens) {
                (Some(counts), Some(max)) => counts.total.saturating_sub(max),
                _ => 0,
            };
            match counts {
                Some(counts) if excess > 0 => self.shrink(&sides, counts, excess, secrets)?,
                _ => return Ok(self.finish(sides, text, counts, secrets)),
            }
        }
    }

    /// Assembles the context in `max_chars` characters. Rejects the hole if the
    /// context gives the middle away.
    fn assemble_context(&mut self, max_chars: usize) -> Result<(), BuildError> {
        self.max_context = max_chars;
        self.context = self
            .builder
            .context(self.plan.file, &self.hole.range, max_chars)?;
        if duplicates::near_contains(&self.shown_context().text, &self.middle.text) {
            let secrets = self.context.redacted.clone();
            return Err(BuildError::rejected("middle_in_context", secrets));
        }
        Ok(())
    }

    /// The context as the example shows it.
    fn shown_context(&self) -> FilteredText<'_> {
        self.filter.apply(Cow::Borrowed(&*self.context.text))
    }

    /// The text beside the hole, of [`Self::max_own`] characters of the file.
    fn sides(&self) -> Sides<'a> {
        let (text, measure) = (&*self.plan.file.text, &self.plan.measure);
        let Range { start, end } = self.hole.range;
        let chars = |part| measure.chars(part);
        let window = window(text, &self.hole.range, self.max_own, chars);
        let shown = |part| {
            self.filter
                .apply(source_text(text, part, self.plan.secrets))
        };
        let (prefix, suffix) = (shown(window.start..start), shown(end..window.end));
        Sides {
            chars: prefix.chars() + suffix.chars(),
            own_chars: chars(window.start..start) + chars(end..window.end),
            window,
            prefix,
            suffix,
        }
    }

    /// The secrets of the context and of the file in `window`, by kind.
    fn secrets(&self, window: &Range<usize>) -> SecretKindCounts {
        let mut counts = self.context.redacted.clone();
        for secret in secrets::within(self.plan.secrets, window.clone()) {
            *counts.entry(secret.kind).or_default() += 1;
        }
        counts
    }

    /// The text of the example; none if one of its parts spells a control token.
    fn render(&self, sides: &Sides<'_>) -> Option<ModelText> {
        let (model, style) = (self.builder.model, self.builder.options.context_style);
        let context = self.shown_context();
        let parts = PromptParts {
            context: &context.text,
            files: &self.context.files,
            repo: self.builder.repo.title,
            path: &self.plan.file.path,
            prefix: &sides.prefix.text,
            suffix: &sides.suffix.text,
        };
        let family = model.family();
        let text = family.example(&parts, &self.middle.text, self.format, style);
        (!spells_control_token(model.control_tokens(), &parts, &text, style)).then_some(text)
    }

    /// Gives up what the text has in `excess` of the allowed tokens: context
    /// first, then prefix and suffix.
    fn shrink(
        &mut self,
        sides: &Sides<'_>,
        counts: TokenCounts,
        excess: usize,
        secrets: SecretKindCounts,
    ) -> Result<(), BuildError> {
        if !self.context.text.is_empty() {
            // The characters that were assembled, not those that were allowed:
            // otherwise the next context might be the same.
            let chars = self.context.text.chars().count();
            self.assemble_context(shrink_budget(chars, counts.context, excess))
        } else if sides.chars > 0 && self.max_own > 0 {
            let chars = sides.chars.min(sides.own_chars);
            self.max_own = shrink_budget(chars, counts.prefix + counts.suffix, excess);
            Ok(())
        } else {
            Err(BuildError::rejected("too_many_tokens", secrets))
        }
    }

    /// The example of a draft that keeps to all limits.
    fn finish(
        self,
        sides: Sides<'a>,
        text: ModelText,
        counts: Option<TokenCounts>,
        secrets: SecretKindCounts,
    ) -> (BuiltExample, SecretKindCounts) {
        let (builder, plan, hole) = (self.builder, self.plan, self.hole);
        let Sides {
            window,
            prefix,
            suffix,
            ..
        } = sides;
        let context = self.shown_context();
        let own = [&prefix, &self.middle, &suffix].map(|part| part.neutralised);
        let neutralised = own.iter().sum::<usize>();
        let shows_secret = secrets::within(plan.secrets, window.clone())
            .next()
            .is_some();
        // A line break or a byte order mark may be missing.
        let shown_bytes = prefix.text.len() + self.middle.text.len() + suffix.text.len();
        let is_own_text = neutralised == 0 && !shows_secret && shown_bytes == window.len();
        let shape = TextShape {
            format: self.format,
            neutralised: context.neutralised + neutralised,
            tokens: counts.filter(|_| builder.model.has_tokenizer()),
        };
        let chars = [&context, &prefix, &self.middle, &suffix].map(FilteredText::chars);
        let sizes = Sizes::new(chars, self.max_context);
        let context = context.text.into_owned();
        let middle = self.middle.text;
        let mut example = Example {
            text: text.text,
            complexity_score: quality::complexity(&middle),
            file_complexity: plan.complexity,
            prefix: prefix.text.into(),
            middle: middle.into(),
            suffix: suffix.text.into(),
            context,
            filepath: plan.file.path.to_string(),
            span_kind: hole.kind,
            span_name: hole.name.clone(),
            start_byte: hole.range.start,
            end_byte: hole.range.end,
            middle_lines: plan.measure.lines(hole.range.clone()),
            context_max_chars: self.max_context,
            format: self.format,
            tokens: shape.tokens.map(|counts| counts.total),
            markers_neutralised: shape.neutralised,
            redacted: secrets.values().sum(),
            repo: None,
            commit: None,
            license: None,
            content_hash: None,
        };
        builder.repo.sign(&mut example, plan.file, builder.options);
        let example = BuiltExample {
            example,
            shape,
            sizes,
            part_ranges: [text.prefix, text.middle, text.suffix],
            window: is_own_text.then_some(window),
        };
        (example, secrets)
    }
}

/// Draws the order of the parts for one hole. The draw does not depend on the
/// draws for other holes.
fn draw_format(file: &SourceFile, hole: &Hole, options: &Options, model: &Model) -> FimFormat {
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

/// How many of `chars` characters to keep if they have `tokens` tokens and the
/// text has `excess` tokens too many: a little less than their share, and none
/// if only a few would be left.
fn shrink_budget(chars: usize, tokens: usize, excess: usize) -> usize {
    const FEW: usize = 64;
    let kept = tokens.saturating_sub(excess);
    let chars = chars.saturating_mul(kept) / tokens.max(1) * 31 / 32;
    if chars < FEW { 0 } else { chars }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::dataset::cut::measure::TextMeasure;
    use crate::index::{Origin, Snapshot};
    use crate::model::Families;
    use crate::php::FileFacts;

    fn examples(text: &str, options: &Options) -> Vec<Example> {
        let model = options.model(&Families::default(), std::fs::read).unwrap();
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
        let builder = ExampleBuilder {
            repo: &repo,
            options,
            model: &model,
            secrets: &Secrets::new().unwrap(),
            cancel: &Cancel::default(),
        };
        let plan = builder
            .plan(&file, &mut SpanParser::new().unwrap())
            .unwrap();
        plan.holes
            .iter()
            .filter_map(|keyed| builder.example(&plan, &keyed.hole).unwrap().example.ok())
            .map(|built| built.example)
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
                let shown = |part| source_text(&text, part, &[]);
                prop_assert!(shown(0..*start_byte).ends_with(prefix));
                prop_assert_eq!(&shown(*start_byte..*end_byte), middle);
                prop_assert!(shown(*end_byte..text.len()).starts_with(suffix));
                prop_assert!(!example.text.contains("\r\n"));
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
        let measure = TextMeasure::new(text);
        let shown = |chars| &text[window(text, &hole, chars, |part| measure.chars(part))];
        assert_eq!(shown(0), "HOLE");
        assert_eq!(shown(15), "two\nthree\nHOLE\n");
        assert_eq!(shown(1000), text);
        let first = "HOLE\nfour\nfive\nsix\n";
        let measure = TextMeasure::new(first);
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
