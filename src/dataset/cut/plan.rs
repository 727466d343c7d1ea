//! What is cut from one file: its holes, and what their examples share.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::ops::Range;

use rand::seq::SliceRandom;

use crate::cancel::Cancel;
use crate::dataset::cut::history::{CutVersion, VersionOrigin};
use crate::dataset::cut::holes::{self, Hole, HoleSelection};
use crate::dataset::cut::measure::TextMeasure;
use crate::dataset::cut::quality;
use crate::dataset::duplicates;
use crate::dataset::error::DatasetError;
use crate::dataset::options::{Dedup, Options, SecretPolicy};
use crate::dataset::reject::HoleRejection;
use crate::dataset::template::EscapedText;
use crate::index::SourceFile;
use crate::php::spans::SpanParser;
use crate::secrets::{self, Secret, Secrets};

/// The bytes that all contexts of one file may read together. Each context reads
/// its whole buffer, so the contexts of a file cost its size times its holes. A
/// file above 256 KiB reaches this limit, and its other holes are not cut.
const CONTEXT_BYTES_PER_FILE: usize = 128 << 20;

/// A hole, and the key of its near duplicates.
pub(in crate::dataset) struct KeyedHole {
    /// The hole.
    pub(in crate::dataset) hole: Hole,
    /// Equal for near duplicates: see [`duplicates::example_key`]. None unless
    /// the options ask for [`Dedup::Near`].
    pub(in crate::dataset) key: Option<u128>,
}

/// A file and its holes, before any context is assembled for them.
pub(in crate::dataset) struct FilePlan<'a> {
    /// The file.
    pub(in crate::dataset) file: &'a SourceFile,
    /// Counts the lines and characters of its text.
    pub(super) measure: TextMeasure<'a>,
    /// The text that the sink keeps, with spaces in place of secrets. Only
    /// examples that show the file's own bytes read it, and those show no
    /// secret, so no secret need be stored.
    pub(in crate::dataset) escaped: EscapedText<'a>,
    /// The secrets of the whole file; empty with [`SecretPolicy::Keep`].
    pub(super) secrets: &'a [Secret],
    /// See [`Example::file_complexity`](crate::dataset::record::Example::file_complexity).
    pub(super) complexity: f64,
    /// The holes, in the order of their starts.
    pub(in crate::dataset) holes: Vec<KeyedHole>,
    /// How many proposals were rejected, by reason.
    pub(in crate::dataset) rejected: BTreeMap<&'static str, u64>,
    /// The rejected holes that the file of rejects lists; `rejected` counts
    /// them too.
    pub(in crate::dataset) rejections: Vec<HoleRejection>,
    /// The commit that the holes are from, if they are not from the file as it is.
    pub(in crate::dataset) version: Option<&'a VersionOrigin>,
}

impl<'a> FilePlan<'a> {
    /// Chooses the holes of `file`.
    ///
    /// # Errors
    /// [`DatasetError::Cancelled`] if `cancel` is used, [`DatasetError::Sink`]
    /// if the text cannot be written as JSON.
    pub(in crate::dataset) fn new(
        file: &'a SourceFile,
        options: &Options,
        secrets: &Secrets,
        parser: &mut SpanParser,
        cancel: &Cancel,
    ) -> Result<Self, DatasetError> {
        cancel.check()?;
        let selection = affordable_holes(file, options, parser);
        Self::with_holes(file, selection, options, secrets)
    }

    /// The plan of a version of a file.
    ///
    /// # Errors
    /// [`DatasetError::Sink`] if the text cannot be written as JSON.
    pub(in crate::dataset) fn of_version(
        cut: &'a CutVersion,
        options: &Options,
        secrets: &Secrets,
    ) -> Result<Self, DatasetError> {
        let selection = HoleSelection {
            holes: cut.holes.clone(),
            rejected: cut.rejected.clone(),
            rejections: Vec::new(),
        };
        let mut plan = Self::with_holes(&cut.file, selection, options, secrets)?;
        plan.version = Some(&cut.origin);
        Ok(plan)
    }

    /// The plan of `file` with these holes.
    fn with_holes(
        file: &'a SourceFile,
        selection: HoleSelection,
        options: &Options,
        secrets: &Secrets,
    ) -> Result<Self, DatasetError> {
        let HoleSelection {
            holes,
            mut rejected,
            mut rejections,
        } = selection;
        let secrets = match options.secrets {
            SecretPolicy::Keep => &[],
            SecretPolicy::Redact | SecretPolicy::Drop => file.secrets(secrets),
        };
        let mut keyed = Vec::with_capacity(holes.len());
        for hole in holes {
            let objection = secret_objection(&hole.range, secrets, options.secrets);
            if let Some(reason) = objection {
                *rejected.entry(reason).or_default() += 1;
                let range = hole.range;
                rejections.push(HoleRejection { range, reason });
                continue;
            }
            let key = (options.dedup == Dedup::Near).then(|| {
                let Range { start, end } = hole.range;
                let text = &*file.text;
                duplicates::example_key(&text[..start], &text[start..end], &text[end..])
            });
            keyed.push(KeyedHole { hole, key });
        }
        Ok(Self {
            file,
            measure: TextMeasure::new(&file.text),
            escaped: EscapedText::new(blanked(&file.text, secrets))?,
            secrets,
            complexity: quality::complexity(&file.text),
            holes: keyed,
            rejected,
            rejections,
            version: None,
        })
    }
}

/// The holes of `file`, no more than [`CONTEXT_BYTES_PER_FILE`] allows.
fn affordable_holes(
    file: &SourceFile,
    options: &Options,
    parser: &mut SpanParser,
) -> HoleSelection {
    let mut rng = options.rng(&file.path);
    let mut selection = holes::choose(&file.text, options, parser, &mut rng);
    if options.context_budget() > 0 {
        let most = (CONTEXT_BYTES_PER_FILE / file.text.len().max(1)).max(1);
        if selection.holes.len() > most {
            let over = (selection.holes.len() - most) as u64;
            selection.holes.shuffle(&mut rng);
            selection.holes.truncate(most);
            selection
                .holes
                .sort_by_key(|hole| (hole.range.start, hole.range.end));
            selection.rejected.insert("large_file", over);
        }
    }
    selection
}

/// Why `hole` cannot be cut from a file with `secrets`. A hole must not begin or
/// end inside a secret: the model would learn to complete half of it. With
/// [`SecretPolicy::Drop`] a hole must not hold one either.
fn secret_objection(
    hole: &Range<usize>,
    secrets: &[Secret],
    policy: SecretPolicy,
) -> Option<&'static str> {
    let cuts = |at| secrets::cut(secrets, at).is_some();
    if cuts(hole.start) || cuts(hole.end) {
        Some("secret_cut_through")
    } else if policy == SecretPolicy::Drop
        && secrets::within(secrets, hole.clone()).next().is_some()
    {
        Some("secret")
    } else {
        None
    }
}

/// `text` with spaces in place of `secrets`.
fn blanked<'t>(text: &'t str, secrets: &[Secret]) -> Cow<'t, str> {
    if secrets.is_empty() {
        return Cow::Borrowed(text);
    }
    let mut blanked = String::with_capacity(text.len());
    for secret in secrets {
        blanked.push_str(&text[blanked.len()..secret.range.start]);
        blanked.extend(secret.range.clone().map(|_| ' '));
    }
    blanked.push_str(&text[blanked.len()..]);
    Cow::Owned(blanked)
}
