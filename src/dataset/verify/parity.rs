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

/// What is wrong with an example whose hole is not there.
const NO_HOLE: &str = "expected a hole that can be cut out of the file, found none";

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
        let (Some(project), Some(parts)) = (project, around) else {
            return Ok(vec![(Claim::Parity, NO_HOLE.to_owned())]);
        };
        // The first pass has reported a buffer that cannot be made.
        let Ok(buffer) = self.buffer(example, parts) else {
            return Ok(objections);
        };
        let hole = example.start_byte..example.end_byte;
        let budget = prompt::budget(&self.options, &example.filepath, &hole);
        let drawn = self.buffer_objection(example, &parts.concat());
        objections.extend(drawn.map(|what| (Claim::Metadata, what)));
        let settings = prompt::settings(&self.options, budget, self.model, &self.secrets);
        let buffer = PromptBuffer {
            repo: project.title,
            path: &example.filepath,
            before: &buffer.before,
            after: &buffer.after,
        };
        let start = context::first_start(buffer.before);
        let (snapshot, cancel) = (project.snapshot, self.cancel);
        let context = prompt::context(&settings, snapshot, &buffer, start, None, cancel)?;
        let prompt = Prompt::new(settings, buffer, &context);
        objections.extend(differences(&prompt, example));
        let hidden = prompt.hidden.len() as u64 + context.redacted.values().sum::<u64>();
        let redacted = hidden + self.secrets_in_middle(parts);
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

/// Where `prompt` and the text of `example` before its middle differ.
fn differences(prompt: &Prompt<'_>, example: &Example) -> Objections {
    let mut objections = Vec::new();
    let fields = [
        ("context", &*prompt.context, &*example.context),
        ("prefix", &*prompt.prefix, &*example.prefix),
        ("suffix", &*prompt.suffix, &*example.suffix),
    ];
    for (name, expected, found) in fields {
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
    objections
}
