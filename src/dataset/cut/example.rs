//! Builds the example for a hole: the prompt that `complete` sends for the file
//! without the hole, then the middle and the end token.
//!
//! The prompt is made first and never changed to make room for the middle: a prompt
//! of a training example has the length that it has when an editor asks. What does
//! not keep to the limits gives no example.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::ops::Range;

use rand::RngExt;
use rayon::prelude::*;

use crate::cancel::{Cancel, Cancelled};
use crate::context::{self, Context};
use crate::dataset::batch::{Sizes, TextShape};
use crate::dataset::cut::control_tokens::spells_control_token;
use crate::dataset::cut::encoded::{BuiltExample, EncodedExample};
use crate::dataset::cut::holes::Hole;
use crate::dataset::cut::plan::{FilePlan, KeyedHole};
use crate::dataset::cut::quality;
use crate::dataset::cut::unfinished::Unfinished;
use crate::dataset::duplicates::{self, HoleText};
use crate::dataset::error::DatasetError;
use crate::dataset::evaluation::Evaluations;
use crate::dataset::options::{ControlTokenPolicy, Options, SecretPolicy};
use crate::dataset::prompt;
use crate::dataset::record::Example;
use crate::dataset::reject::{
    MARKER_IN_TEXT, MIDDLE_IN_CONTEXT, SECRET, SECRET_CUT_THROUGH, TOO_LONG, TOO_MANY_TOKENS,
};
use crate::dataset::repo::Repo;
use crate::dataset::select::sources::ExampleSource;
use crate::model::{FimFormat, Model, ModelText, TokenCounts, TokenizerError, source_text};
use crate::php::lex::LexedText;
use crate::php::spans::{GrammarError, SpanParser};
use crate::prompt::{Prompt, PromptBuffer};
use crate::secrets::{self, Secrets};

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
    pub(in crate::dataset) evaluations: &'a Evaluations,
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
            self.plan(source, parser)
        };
        let of_batch = |batch: &&[ExampleSource<'f>]| {
            let files = batch.par_iter();
            files.map_init(SpanParser::new, of_file).collect()
        };
        batches.par_iter().map(of_batch).collect()
    }

    /// Plans the file of `source`.
    pub(in crate::dataset) fn plan<'f>(
        &self,
        source: &ExampleSource<'f>,
        parser: &mut SpanParser,
    ) -> Result<FilePlan<'f>, DatasetError> {
        let snapshot = self.repo.snapshot;
        FilePlan::new(
            source,
            snapshot,
            self.options,
            self.secrets,
            parser,
            self.cancel,
        )
    }

    /// Builds and encodes the example of each hole of each of `plans`, in their
    /// order. In parallel on the current rayon pool.
    pub(in crate::dataset) fn examples(
        &self,
        plans: &[FilePlan<'_>],
    ) -> Result<Vec<Vec<HoleResult<EncodedExample>>>, DatasetError> {
        let encoded = |plan: &FilePlan<'_>, keyed: &KeyedHole, lexed: &LexedText<'_>| {
            let built = self.example(plan, &keyed.hole, Some(lexed))?;
            let HoleResult { example, secrets } = built;
            Ok(HoleResult {
                example: match example {
                    Ok(built) => Ok(EncodedExample::new(built, &plan.escaped)?),
                    Err(reason) => Err(reason),
                },
                secrets,
            })
        };
        let of_plan = |plan: &FilePlan<'_>| {
            let lexed = LexedText::new(&plan.file.text);
            let holes = plan.holes.par_iter();
            holes.map(|keyed| encoded(plan, keyed, &lexed)).collect()
        };
        plans.par_iter().map(of_plan).collect()
    }

    /// Builds the example of `hole`, one of those of `plan`, whose text may be `lexed`.
    pub(in crate::dataset) fn example(
        &self,
        plan: &FilePlan<'_>,
        hole: &Hole,
        lexed: Option<&LexedText<'_>>,
    ) -> Result<HoleResult<BuiltExample>, DatasetError> {
        let (file, options) = (plan.file, self.options);
        let budget = prompt::budget(options, &file.path, &hole.range);
        let settings = prompt::settings(options, budget, self.model, self.secrets);
        let unfinished = plan
            .buffers
            .as_ref()
            .and_then(|tokens| tokens.draw(&file.path, &hole.range, options));
        let edited = unfinished
            .as_ref()
            .and_then(|unfinished| unfinished.around(&file.text, &hole.range));
        let (before, after) = match &edited {
            Some([before, after]) => (&**before, &**after),
            None => (&file.text[..hole.range.start], &file.text[hole.range.end..]),
        };
        let buffer = PromptBuffer {
            repo: self.repo.title,
            path: &file.path,
            before,
            after,
        };
        let start = context::first_start(buffer.before);
        let (snapshot, cancel) = (self.repo.snapshot, self.cancel);
        // The tokens are those of the file without the hole.
        let lexed = lexed.filter(|_| edited.is_none());
        let context = prompt::context(&settings, snapshot, &buffer, start, lexed, cancel)?;
        self.cancel.check()?;
        let draft = Draft {
            builder: self,
            plan,
            hole,
            format: draw_format(&file.path, &hole.range, options, self.model),
            prompt: Prompt::new(settings, buffer, &context),
            context: &context,
            context_start: start,
            unfinished,
        };
        match draft.finish() {
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

/// A prompt and a hole that may become an example.
struct Draft<'a> {
    builder: &'a ExampleBuilder<'a>,
    plan: &'a FilePlan<'a>,
    hole: &'a Hole,
    format: FimFormat,
    prompt: Prompt<'a>,
    context: &'a Context,
    /// See [`Example::context_start`].
    context_start: usize,
    /// What is missing in the buffer; none if it is the file without the hole.
    unfinished: Option<Unfinished>,
}

impl Draft<'_> {
    /// The example and the secrets that its parts had, if it keeps to all limits.
    fn finish(self) -> Result<(BuiltExample, SecretKindCounts), BuildError> {
        let (model, options) = (self.builder.model, self.builder.options);
        let secrets = self.secrets();
        let (middle, in_middle) = self.middle();
        let neutralised = prompt::neutralised(&self.prompt) + in_middle;
        if let Some(reason) = self.objection(&middle, neutralised, &secrets) {
            return Err(BuildError::Rejected { reason, secrets });
        }
        let text = self.prompt.example(&middle, self.format);
        let parts = self.prompt.parts();
        if spells_control_token(model.control_tokens(), &parts, &text, options.context_style) {
            let reason = MARKER_IN_TEXT;
            return Err(BuildError::Rejected { reason, secrets });
        }
        let counts = (options.max_tokens.is_some() || model.has_tokenizer())
            .then(|| model.count(&text))
            .transpose()?;
        if let (Some(counts), Some(max)) = (counts, options.max_tokens)
            && counts.total > max
        {
            let reason = TOO_MANY_TOKENS;
            return Err(BuildError::Rejected { reason, secrets });
        }
        let shape = TextShape {
            format: self.format,
            neutralised,
            tokens: counts.filter(|_| model.has_tokenizer()),
        };
        Ok((self.build(text, middle, shape, &secrets), secrets))
    }

    /// The middle as the example shows it, and how many control tokens in it are
    /// neutralised.
    fn middle(&self) -> (String, usize) {
        let own = source_text(
            &self.plan.file.text,
            self.hole.range.clone(),
            self.plan.secrets,
        );
        match self.builder.model.family_tokens().neutralise(&own) {
            (Cow::Owned(neutral), count) => (neutral, count),
            (Cow::Borrowed(_), count) => (own.into_owned(), count),
        }
    }

    /// Why the hole gives no example with this `middle`, of whose text and the prompt's
    /// so many control tokens are neutralised.
    fn objection(
        &self,
        middle: &str,
        neutralised: usize,
        secrets: &SecretKindCounts,
    ) -> Option<&'static str> {
        let options = self.builder.options;
        // A placeholder may be longer than its secret.
        if middle.chars().count() > options.max_middle_chars() {
            Some(TOO_LONG)
        } else if options.secrets == SecretPolicy::Drop && !secrets.is_empty() {
            Some(SECRET)
        } else if self.shows_secret_of_file() {
            Some(SECRET_CUT_THROUGH)
        } else if options.markers == ControlTokenPolicy::Drop && neutralised > 0 {
            Some(MARKER_IN_TEXT)
        } else if duplicates::near_contains(&self.prompt.context, self.hole_text(middle)) {
            Some(MIDDLE_IN_CONTEXT)
        } else {
            let Prompt {
                context,
                prefix,
                suffix,
                ..
            } = &self.prompt;
            let text = [prefix, middle, suffix].concat();
            self.builder.evaluations.objection(context, &text)
        }
    }

    /// `middle` and what the prompt shows around it.
    fn hole_text<'t>(&'t self, middle: &'t str) -> HoleText<'t> {
        HoleText {
            before: &self.prompt.prefix,
            middle,
            after: &self.prompt.suffix,
        }
    }

    /// Whether the prompt shows a secret of the file, which without the middle is none:
    /// the name before the secret stands in the hole.
    fn shows_secret_of_file(&self) -> bool {
        let Range { start, end } = self.hole.range;
        let window = self.window();
        let covers = |place: Range<usize>| {
            let mut hidden = self.prompt.hidden.iter().map(|secret| &secret.range);
            hidden.any(|hidden| hidden.start <= place.start && place.end <= hidden.end)
        };
        let shown = secrets::within(self.plan.secrets, window.clone());
        shown.into_iter().any(|secret| {
            let Range {
                start: from,
                end: to,
            } = secret.range;
            if to <= start {
                !covers(from.max(window.start)..to)
            } else if end <= from {
                let cut = end - start;
                !covers(from - cut..to.min(window.end) - cut)
            } else {
                false
            }
        })
    }

    /// The bytes of the file that prefix, middle and suffix stand for.
    fn window(&self) -> Range<usize> {
        self.prompt.start..self.hole.range.end + self.prompt.end
    }

    /// The secrets that placeholders stand for in context, prefix, middle and suffix, by
    /// kind.
    fn secrets(&self) -> SecretKindCounts {
        let mut counts = self.context.redacted.clone();
        let in_middle = secrets::within(self.plan.secrets, self.hole.range.clone());
        for secret in self.prompt.hidden.iter().chain(in_middle) {
            *counts.entry(secret.kind).or_default() += 1;
        }
        counts
    }

    /// The example of a draft that keeps to all limits.
    fn build(
        self,
        text: ModelText,
        middle: String,
        shape: TextShape,
        secrets: &SecretKindCounts,
    ) -> BuiltExample {
        let window = self.window();
        let (builder, plan, hole) = (self.builder, self.plan, self.hole);
        let max_context = self.prompt.context_budget();
        let own = shape.neutralised - self.prompt.neutralised[0];
        let redacted: u64 = secrets.values().sum();
        let in_context: u64 = self.context.redacted.values().sum();
        let Prompt {
            context,
            prefix,
            suffix,
            ..
        } = self.prompt;
        // A line break or a byte order mark may be missing.
        let shown_bytes = prefix.len() + middle.len() + suffix.len();
        let is_own_text = self.unfinished.is_none()
            && own == 0
            && redacted == in_context
            && shown_bytes == window.len();
        let chars = [&*context, &prefix, &middle, &suffix].map(|part| part.chars().count());
        let sizes = Sizes::new(chars, max_context);
        let mut example = Example {
            text: text.text,
            complexity_score: quality::complexity(&middle),
            file_complexity: plan.complexity,
            prefix,
            middle,
            suffix,
            context: context.into_owned(),
            filepath: plan.file.path.to_string(),
            span_kind: hole.kind,
            span_name: hole.name.clone(),
            start_byte: hole.range.start,
            end_byte: hole.range.end,
            middle_lines: plan.measure.lines(hole.range.clone()),
            context_max_chars: max_context,
            context_start: self.context_start,
            format: shape.format,
            tokens: shape.tokens.map(|counts: TokenCounts| counts.total),
            markers_neutralised: shape.neutralised,
            redacted,
            buffer: self.unfinished.map(|unfinished| unfinished.to_string()),
            history_commit: plan.version.map(|version| version.commit.clone()),
            history_path: plan.version.map(|version| version.path.clone()),
            history_places: plan.version.map(|version| version.places),
            repo: None,
            commit: None,
            license: None,
            content_hash: None,
        };
        builder.repo.sign(&mut example, plan.file, builder.options);
        BuiltExample {
            example,
            shape,
            sizes,
            part_ranges: [text.prefix, text.middle, text.suffix],
            window: is_own_text.then_some(window),
        }
    }
}

/// Draws the order of the parts for one hole. The draw does not depend on the
/// draws for other holes.
pub(in crate::dataset) fn draw_format(
    path: &str,
    hole: &Range<usize>,
    options: &Options,
    model: &Model,
) -> FimFormat {
    let rate = options.suffix_first_rate(model.family());
    let Range { start, end } = hole;
    let mut rng = options.rng(&format!("\0format {start} {end} {path}"));
    if rng.random_bool(rate) {
        FimFormat::Spm
    } else {
        FimFormat::Psm
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::dataset::cut::quota::Quota;
    use crate::dataset::options::Dedup;
    use crate::index::{Origin, Snapshot, SourceFile};
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
            brought_back: &|_| false,
            left_out: &[],
            history: None,
            origin: &|_| Origin::default(),
        };
        let builder = ExampleBuilder {
            repo: &repo,
            options,
            model: &model,
            secrets: &Secrets::new().unwrap(),
            evaluations: &Evaluations::default(),
            cancel: &Cancel::default(),
        };
        let file = std::sync::Arc::new(file);
        let source = ExampleSource {
            file: &file,
            cluster: 0,
            text: blake3::hash(b""),
            density: 1.0,
        };
        let mut parser = SpanParser::new().unwrap();
        let mut plan = builder.plan(&source, &mut parser).unwrap();
        let mut quota = Quota::new(&options.mix, &mut options.rng(""));
        plan.take(&mut quota, Dedup::Off, |_, _| false);
        plan.holes
            .iter()
            .filter_map(|keyed| {
                builder
                    .example(&plan, &keyed.hole, None)
                    .unwrap()
                    .example
                    .ok()
            })
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
            let options = Options { max_total_chars: total, min_middle_chars: Some(8), ..Options::default() };
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
    fn a_file_that_spells_a_token_gives_no_example() {
        let text = "<?php\nfunction f($lines) { return array_map('strlen', $lines); }\n// <|fim_middle|>\n";
        let options = Options {
            min_middle_chars: Some(10),
            ..Options::default()
        };
        let clean = text.replace("<|fim_middle|>", "").repeat(9);
        assert!(!examples(&clean, &options).is_empty());
        assert!(examples(&text.repeat(9), &options).is_empty());
    }
}
