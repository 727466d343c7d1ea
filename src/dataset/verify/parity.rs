//! Checks what needs the prompt of an example made again.

use rayon::prelude::*;

use crate::context;
use crate::dataset::prompt;
use crate::dataset::record::Example;
use crate::dataset::verify::checker::{Checker, PlacedExample, around_hole, first_difference};
use crate::dataset::verify::claims::{Claim, Objections, quoted};
use crate::dataset::verify::error::VerifyError;
use crate::prompt::{Prompt, PromptBuffer};
use crate::secrets;

impl Checker<'_> {
    /// Makes the prompt of each example of `batch` again, as `complete` makes it, and
    /// checks what depends on it. The results are in the order of the batch.
    pub(super) fn parity(&self, batch: &[&PlacedExample]) -> Result<Vec<Objections>, VerifyError> {
        let objections = |(_, example): &&PlacedExample| self.prompt(example);
        batch.par_iter().map(objections).collect()
    }

    fn prompt(&self, example: &Example) -> Result<Objections, VerifyError> {
        self.cancel.check()?;
        let mut objections = Vec::new();
        let project = self.project(example.repo.as_deref());
        let source = self.text_of(example).ok();
        let around = source.as_ref().and_then(|text| around_hole(text, example));
        let (Some(project), Some([before, middle, after])) = (project, around) else {
            let what = "expected a hole that can be cut out of the file, found none";
            return Ok(vec![(Claim::Parity, what.to_owned())]);
        };
        let settings = prompt::settings(&self.options, self.model, &self.secrets);
        let buffer = PromptBuffer {
            repo: project.title,
            path: &example.filepath,
            before,
            after,
        };
        let start = context::first_start(before);
        if start != example.context_start {
            let found = example.context_start;
            let what = format!("context_start: expected {start}, found {found}");
            objections.push((Claim::Metadata, what));
        }
        let (snapshot, cancel) = (project.snapshot, self.cancel);
        let context = prompt::context(&settings, snapshot, &buffer, start, None, cancel)?;
        let prompt = Prompt::new(settings, buffer, &context);
        let parts = [
            ("context", &*prompt.context, &*example.context),
            ("prefix", &*prompt.prefix, &*example.prefix),
            ("suffix", &*prompt.suffix, &*example.suffix),
        ];
        for (name, expected, found) in parts {
            if let Some(at) = first_difference(expected, found) {
                let what = format!(
                    "{name}: expected {} at byte {at}, found {}; the example, or some file of the project, has changed since",
                    quoted(&expected[at..]),
                    quoted(&found[at..])
                );
                objections.push((Claim::Parity, what));
            }
        }
        let asked = prompt.text(example.format).text;
        if !example.text.starts_with(&asked) {
            let at = first_difference(&asked, &example.text).unwrap_or(0);
            let what = format!(
                "text: expected the prompt {} at byte {at}, found {}",
                quoted(&asked[at..]),
                quoted(&example.text[at..])
            );
            objections.push((Claim::Parity, what));
        }
        let hidden = prompt.hidden.len() as u64 + context.redacted.values().sum::<u64>();
        let redacted = hidden + self.secrets_in_middle([before, middle, after]);
        if redacted != example.redacted {
            let what = format!("redacted: expected {redacted}, found {}", example.redacted);
            objections.push((Claim::Metadata, what));
        }
        if !self.texts_need_no_context() {
            self.text(example, &context.files, &mut objections)?;
        }
        Ok(objections)
    }

    /// How many secrets reach into the middle of a file that consists of `parts`: what
    /// stands before the middle, the middle, and what stands behind it.
    fn secrets_in_middle(&self, parts: [&str; 3]) -> u64 {
        let [before, middle, _] = parts;
        let range = before.len()..before.len() + middle.len();
        let secrets = self.secrets_of(&parts.concat());
        secrets::within(&secrets, range).count() as u64
    }
}
