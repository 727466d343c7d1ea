//! Checks what needs the context of an example assembled again.

use std::borrow::Cow;

use rayon::prelude::*;

use crate::cancel::Cancelled;
use crate::context::{self, Context};
use crate::dataset::options::{ControlTokenPolicy, SecretPolicy};
use crate::dataset::record::Example;
use crate::dataset::verify::checker::{Checker, PlacedExample, first_difference, misfit};
use crate::dataset::verify::claims::{Claim, Objections, quoted};
use crate::dataset::verify::error::VerifyError;
use crate::model::source_text;
use crate::secrets;

impl Checker<'_> {
    /// Assembles the context of each example of `batch` again, and checks what depends
    /// on it. The results are in the order of the batch.
    pub(super) fn parity(&self, batch: &[&PlacedExample]) -> Result<Vec<Objections>, VerifyError> {
        let objections = |(_, example): &&PlacedExample| {
            let mut objections = Vec::new();
            let Some(context) = self.context(example)? else {
                let what = "expected a hole that can be cut out of the file, found none";
                return Ok(vec![(Claim::Parity, what.to_owned())]);
            };
            let expected = match self.options.markers {
                ControlTokenPolicy::Drop => Cow::Borrowed(context.text.as_str()),
                ControlTokenPolicy::Neutralise => {
                    self.model.control_tokens().neutralise(&context.text).0
                }
            };
            if let Some(at) = first_difference(&expected, &example.context) {
                let what = format!(
                    "context: expected {} at byte {at}, found {}; the example, or some file of the project, has changed since",
                    quoted(&expected[at..]),
                    quoted(&example.context[at..])
                );
                objections.push((Claim::Parity, what));
            }
            let redacted: u64 = context.redacted.values().sum();
            if let Some(redacted) = self
                .placeholders(example)
                .map(|in_window| in_window + redacted)
                && redacted != example.redacted
            {
                let what = format!("redacted: expected {redacted}, found {}", example.redacted);
                objections.push((Claim::Metadata, what));
            }
            if !self.texts_need_no_context() {
                self.text(example, &context.files, &mut objections)?;
            }
            Ok(objections)
        };
        batch.par_iter().map(objections).collect()
    }

    /// The number of secrets that placeholders replace in prefix, middle and suffix;
    /// `None` if these do not match the source file.
    fn placeholders(&self, example: &Example) -> Option<u64> {
        let source = self.source(example.repo.as_deref(), &example.filepath);
        let text = source.ok()?;
        let (start, end) = (example.start_byte, example.end_byte);
        let all = self.secrets_of(text);
        let spelling = self.spelling(example);
        if misfit(example, &spelling, text, &all).is_some() {
            return None;
        }
        // The example's window starts where the redacted text in front of the hole
        // is as long as the prefix, and ends where the redacted text behind the hole
        // is as long as the suffix.
        let redacted_bytes = |window| source_text(text, window, &all).len();
        let (mut from, mut to) = (start, end);
        for secret in all.iter().rev().filter(|secret| secret.range.end <= start) {
            if redacted_bytes(secret.range.end..start) >= spelling.prefix.len() {
                break;
            }
            from = secret.range.start;
        }
        for secret in all.iter().filter(|secret| secret.range.start >= end) {
            if redacted_bytes(end..secret.range.start) >= spelling.suffix.len() {
                break;
            }
            to = secret.range.end;
        }
        Some(secrets::within(&all, from..to).count() as u64)
    }

    /// The context for the example's hole; `None` if the source file has no such
    /// hole.
    fn context(&self, example: &Example) -> Result<Option<Context>, Cancelled> {
        self.cancel.check()?;
        let Some(project) = self.project(example.repo.as_deref()) else {
            return Ok(None);
        };
        let Some([before, _, after]) = self.around_hole(example) else {
            return Ok(None);
        };
        if example.context_max_chars == 0 {
            return Ok(Some(Context::default()));
        }
        let request = context::ContextRequest {
            path: &example.filepath,
            content: &[before, after].concat(),
            cursor: example.start_byte,
            max_chars: example.context_max_chars,
            min_score: self.options.min_score,
            dependencies: self.options.cross_file_context,
            bm25: self.options.bm25_context,
            secrets: (self.options.secrets != SecretPolicy::Keep).then_some(&self.secrets),
        };
        context::assemble(project.snapshot, &request, self.cancel).map(Some)
    }
}
