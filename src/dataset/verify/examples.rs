//! Checks the claims that an example makes by itself, against its source file.

use std::borrow::Cow;

use rayon::prelude::*;

use crate::context;
use crate::dataset::cut::example::draw_format;
use crate::dataset::cut::quality;
use crate::dataset::duplicates::{HoleText, example_key, near_contains};
use crate::dataset::prompt;
use crate::dataset::record::Example;
use crate::dataset::verify::checker::{
    Checker, PlacedExample, SourceSpelling, around_hole, first_difference, misfit,
};
use crate::dataset::verify::claims::{Claim, Objections, quoted};
use crate::dataset::verify::error::VerifyError;
use crate::model::{FimFormat, ModelText, PromptParts, TokenCounts};

/// The claims that [`Checker::check`] checks for every example.
pub(super) const CLAIMS: [Claim; 8] = [
    Claim::Source,
    Claim::Provenance,
    Claim::Holes,
    Claim::RoundTrip,
    Claim::Markers,
    Claim::Budget,
    Claim::Context,
    Claim::Metadata,
];

/// The result of checking one example.
#[derive(Default)]
pub(super) struct ExampleCheck {
    /// The breached claims.
    pub(super) objections: Objections,
    /// Whether prefix, middle and suffix match the source file.
    pub(super) fits: bool,
    /// The key that near duplicates share with the example; `None` if the source
    /// file has no such hole.
    pub(super) key: Option<u128>,
    /// The tokens of its parts, if there is a tokenizer.
    pub(super) tokens: Option<TokenCounts>,
}

impl Checker<'_> {
    /// Checks each example of `batch`. The results are in the order of the batch.
    pub(super) fn check(&self, batch: &[PlacedExample]) -> Result<Vec<ExampleCheck>, VerifyError> {
        let check = |(_, example): &PlacedExample| {
            self.cancel.check()?;
            let mut objections = Vec::new();
            let spelling = self.spelling(example);
            let source = self.text_of(example);
            let fits = self.fits_source(example, &source, &spelling, &mut objections);
            self.markers(example, &spelling, &mut objections);
            let mut tokens = None;
            if self.texts_need_no_context() {
                tokens = self.text(example, &[], &mut objections)?;
            }
            self.budget(example, &spelling, &mut objections);
            let hole = HoleText {
                before: &example.prefix,
                middle: &example.middle,
                after: &example.suffix,
            };
            if near_contains(&example.context, hole) {
                let what = format!("the context gives {} away", quoted(&example.middle));
                objections.push((Claim::Context, what));
            }
            if let Some(reason) = self.evaluations.objection_to(example) {
                let middle = quoted(&example.middle);
                let what = format!("shows what an evaluation holds ({reason}), around {middle}");
                objections.push((Claim::Evaluation, what));
            }
            figures(example, &mut objections);
            let text = source.as_ref().ok().map(|text| &**text);
            self.provenance(example, text, &mut objections);
            self.draws(example, text, &mut objections);
            let key = text
                .and_then(|text| around_hole(text, example))
                .map(|[before, hole, after]| example_key(before, hole, after));
            Ok(ExampleCheck {
                objections,
                fits,
                key,
                tokens,
            })
        };
        batch.par_iter().map(check).collect()
    }

    /// Whether prefix, middle and suffix are the text of `source`.
    fn fits_source(
        &self,
        example: &Example,
        source: &Result<Cow<'_, str>, String>,
        spelling: &SourceSpelling<'_>,
        objections: &mut Objections,
    ) -> bool {
        let text = match source {
            Ok(text) => &**text,
            Err(why) => {
                objections.push((Claim::Source, why.clone()));
                return false;
            }
        };
        if example.end_byte > text.len() {
            let what = format!(
                "the file has changed since: it has {} bytes, and the hole is {}..{}",
                text.len(),
                example.start_byte,
                example.end_byte
            );
            objections.push((Claim::Source, what));
            return false;
        }
        let (start, end) = (example.start_byte, example.end_byte);
        let Some(parts) = around_hole(text, example) else {
            let what =
                format!("expected {start}..{end} to start and end between characters of the file");
            objections.push((Claim::RoundTrip, what));
            return false;
        };
        let buffer = match self.buffer(example, parts) {
            Ok(buffer) => buffer,
            Err(what) => {
                objections.push((Claim::RoundTrip, what));
                return false;
            }
        };
        let whole;
        let (text, hole) = match example.buffer {
            None => (text, start..end),
            Some(_) => {
                let start = buffer.before.len();
                whole = [&*buffer.before, parts[1], &buffer.after].concat();
                (&*whole, start..start + parts[1].len())
            }
        };
        match misfit(spelling, text, &hole, &self.secrets_of(text)) {
            Some(what) => {
                objections.push((Claim::RoundTrip, what));
                false
            }
            None => true,
        }
    }

    /// Checks where the example says it is from.
    fn provenance(&self, example: &Example, text: Option<&str>, objections: &mut Objections) {
        let project = self.project(example.repo.as_deref());
        let Some(project) = project else {
            return;
        };
        let Some(file) = project.file(&example.filepath) else {
            return;
        };
        let mut expected = example.clone();
        (expected.commit, expected.license, expected.content_hash) = (None, None, None);
        project.sign(&mut expected, file, &self.options);
        // A version of the file has a text of its own.
        if let (Some(_), Some(text)) = (&expected.content_hash, text) {
            let hash = blake3::hash(text.as_bytes());
            expected.content_hash = Some(hash.to_hex().to_string());
        }
        for (column, expected, found) in [
            ("commit", expected.commit, &example.commit),
            ("license", expected.license, &example.license),
            ("content_hash", expected.content_hash, &example.content_hash),
        ] {
            if expected != *found {
                let said = |text: &Option<String>| text.clone().unwrap_or_else(|| "nothing".into());
                let (expected, found) = (said(&expected), said(found));
                let what = format!(
                    "{column}: expected {expected} as the source has it now, found {found}"
                );
                objections.push((Claim::Provenance, what));
            }
        }
    }

    /// Checks what is drawn for the hole of the example, and what follows from the text
    /// before it.
    fn draws(&self, example: &Example, text: Option<&str>, objections: &mut Objections) {
        let hole = example.start_byte..example.end_byte;
        let format = draw_format(&example.filepath, &hole, &self.options, self.model);
        if format != example.format {
            let what = format!("format: expected {format}, found {}", example.format);
            objections.push((Claim::Text, what));
        }
        let parts = text.and_then(|text| around_hole(text, example));
        if let Some(Ok(buffer)) = parts.map(|parts| self.buffer(example, parts)) {
            let (start, found) = (context::first_start(&buffer.before), example.context_start);
            if start != found {
                let what = format!("context_start: expected {start}, found {found}");
                objections.push((Claim::Metadata, what));
            }
        }
        if let (Some(_), Some(text)) = (&example.history_commit, text) {
            let (complexity, found) = (quality::complexity(text), example.file_complexity);
            if complexity.total_cmp(&found).is_ne() {
                let what = format!("file_complexity: expected {complexity}, found {found}");
                objections.push((Claim::Metadata, what));
            }
        }
        let budget = prompt::budget(&self.options, &example.filepath, &hole);
        let (most, found) = (budget.context, example.context_max_chars);
        if most != found {
            let what = format!("context_max_chars: expected {most}, found {found}");
            objections.push((Claim::Metadata, what));
        }
    }

    /// Checks that no text of the example spells a control token, and that
    /// `markers_neutralised` is right.
    fn markers(
        &self,
        example: &Example,
        spelling: &SourceSpelling<'_>,
        objections: &mut Objections,
    ) {
        let fields = [
            ("context", &example.context, &spelling.context),
            ("prefix", &example.prefix, &spelling.prefix),
            ("middle", &example.middle, &spelling.middle),
            ("suffix", &example.suffix, &spelling.suffix),
        ];
        let mut neutralised = 0;
        for (name, text, spelling) in fields {
            if self.model.control_tokens().occur_in(text) {
                let what = format!("the {name} spells a marker of the family");
                objections.push((Claim::Markers, what));
            }
            // Each neutralised control token has one more space.
            neutralised += text.len() - spelling.len();
        }
        if neutralised != example.markers_neutralised {
            let what = format!(
                "markers_neutralised: expected {neutralised}, found {}",
                example.markers_neutralised
            );
            objections.push((Claim::Metadata, what));
        }
    }

    /// Checks that `text` is the family's rendering of the example's fields, and that
    /// `tokens` is right. `files` are the files of the context. Returns the tokens of the
    /// parts, if there is a tokenizer.
    pub(super) fn text(
        &self,
        example: &Example,
        files: &[String],
        objections: &mut Objections,
    ) -> Result<Option<TokenCounts>, VerifyError> {
        let Example { text, format, .. } = example;
        let project = self.project(example.repo.as_deref());
        let family = self.model.family();
        let rate = self.options.suffix_first_rate(family);
        let impossible = match *format {
            FimFormat::Psm => rate >= 1.0,
            FimFormat::Spm => rate <= 0.0,
        };
        if impossible {
            let what = format!("format: found {format}, where {rate} have the suffix first");
            objections.push((Claim::Text, what));
        }
        let parts = PromptParts {
            context: &example.context,
            files,
            repo: project.map_or("", |project| project.title),
            path: &example.filepath,
            prefix: &example.prefix,
            suffix: &example.suffix,
        };
        let style = self.options.context_style;
        let expected = family.example(&parts, &example.middle, *format, style);
        if let Some(at) = first_difference(&expected.text, text) {
            let what = format!(
                "text: expected {} at byte {at}, found {}",
                quoted(&expected.text[at..]),
                quoted(&text[at..])
            );
            objections.push((Claim::Text, what));
        }
        self.control_tokens_once(text, objections);
        self.token_count(example, &expected, objections)
    }

    /// Checks that `text` holds each control token of the family as often as the
    /// family uses it.
    fn control_tokens_once(&self, text: &str, objections: &mut Objections) {
        let family = self.model.family();
        for token in family.part_tokens() {
            let found = self.model.control_tokens().find(text);
            let times = found.filter(|found| &text[found.clone()] == token).count();
            let same = family.part_tokens().filter(|other| *other == token);
            let expected = same.count();
            if times != expected {
                let what = format!("text: expected {token} once, found it {times} times");
                objections.push((Claim::Text, what));
            }
        }
    }

    /// Checks `tokens`, and the limit on the tokens of `text`.
    fn token_count(
        &self,
        example: &Example,
        text: &ModelText,
        objections: &mut Objections,
    ) -> Result<Option<TokenCounts>, VerifyError> {
        let counts = self.model.count(text)?;
        let counted = counts.total;
        if let Some(max) = self.options.max_tokens.filter(|max| counted > *max) {
            let what = format!("expected at most {max} tokens (max_tokens), found {counted}");
            objections.push((Claim::Budget, what));
        }
        let counted = self.model.has_tokenizer().then_some(counted);
        if counted != example.tokens {
            let said = |tokens: Option<usize>| tokens.map_or("none".into(), |n| n.to_string());
            let what = format!(
                "tokens: expected {}, found {}",
                said(counted),
                said(example.tokens)
            );
            objections.push((Claim::Metadata, what));
        }
        Ok(self.model.has_tokenizer().then_some(counts))
    }

    /// Checks the lengths of the example's texts against the options.
    fn budget(
        &self,
        example: &Example,
        spelling: &SourceSpelling<'_>,
        objections: &mut Objections,
    ) {
        let options = &self.options;
        let chars = |text: &str| text.chars().count();
        let (middle, context) = (chars(&spelling.middle), chars(&spelling.context));
        let (prefix, suffix) = (chars(&spelling.prefix), chars(&spelling.suffix));
        let lines = example.middle.lines().count();
        let mut most = |what: &str, found: usize, most: usize, from: &str| {
            if found > most {
                let what = format!("expected at most {most} {what} ({from}), found {found}");
                objections.push((Claim::Budget, what));
            }
        };
        let budget = options.budget();
        // Placeholders may be longer than their secrets. The claim of parity knows how
        // long such a part is.
        if example.redacted == 0 {
            let from = "the options' budget";
            most("characters of prefix", prefix, budget.prefix, from);
            most("characters of suffix", suffix, budget.suffix, from);
        }
        let quarter = options.max_middle_chars();
        let from = "a quarter of max_total_chars";
        most("characters of middle", middle, quarter, from);
        let max_lines = options.max_middle_lines;
        most("lines of middle", lines, max_lines, "max_middle_lines");
        let asked = example.context_max_chars;
        most("characters of context", context, asked, "context_max_chars");
        let budget = options.context_budget();
        most("context_max_chars", asked, budget, "the options' budget");
        let least = options.min_chars(example.span_kind);
        if middle < least {
            let what = format!(
                "expected at least {least} characters of middle (min_middle_chars), found {middle}"
            );
            objections.push((Claim::Budget, what));
        }
    }
}

/// Checks the figures that follow from the middle alone.
fn figures(example: &Example, objections: &mut Objections) {
    let lines = example.middle.lines().count();
    if lines != example.middle_lines {
        let what = format!(
            "middle_lines: expected {lines}, found {}",
            example.middle_lines
        );
        objections.push((Claim::Metadata, what));
    }
    let complexity = quality::complexity(&example.middle);
    // Both are multiples of a quarter, so equal values have equal bits.
    if complexity.total_cmp(&example.complexity_score).is_ne() {
        let what = format!(
            "complexity_score: expected {complexity}, found {}",
            example.complexity_score
        );
        objections.push((Claim::Metadata, what));
    }
}
