//! What is cut from one file: its holes, and what their examples share.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::ops::Range;

use crate::cancel::Cancel;
use crate::dataset::cut::foreign_names::NamesOfOthers;
use crate::dataset::cut::history::{CutVersion, VersionOrigin};
use crate::dataset::cut::holes::{self, Hole, Proposals};
use crate::dataset::cut::measure::TextMeasure;
use crate::dataset::cut::quality;
use crate::dataset::cut::quota::{Quota, middle_key};
use crate::dataset::cut::unfinished::BufferTokens;
use crate::dataset::duplicates;
use crate::dataset::error::DatasetError;
use crate::dataset::options::{Dedup, Options, SecretPolicy};
use crate::dataset::reject::{HoleRejection, SECRET, SECRET_CUT_THROUGH};
use crate::dataset::select::sources::ExampleSource;
use crate::dataset::template::EscapedText;
use crate::index::{Snapshot, SourceFile};
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
    /// The [`middle_key`] of its middle.
    pub(in crate::dataset) middle: u64,
}

/// A file and its proposed holes, and those that are taken, before any context is assembled for them.
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
    /// The tokens from which unfinished buffers are drawn. None if the options ask for
    /// none, or if the file has a secret, of which a cut might show half.
    pub(super) buffers: Option<BufferTokens<'a>>,
    /// See [`Example::file_complexity`](crate::dataset::record::Example::file_complexity).
    pub(in crate::dataset) complexity: f64,
    /// The proposals. Their `rejected` also counts the rejected holes that the file of
    /// rejects lists.
    pub(in crate::dataset) proposals: Proposals,
    /// The holes that are taken, in the order of their starts.
    pub(in crate::dataset) holes: Vec<KeyedHole>,
    /// The commit that the holes are from, if they are not from the file as it is.
    pub(in crate::dataset) version: Option<&'a VersionOrigin>,
}

impl<'a> FilePlan<'a> {
    /// Proposes holes of `source`.
    ///
    /// # Errors
    /// [`DatasetError::Cancelled`] if `cancel` is used, [`DatasetError::Sink`]
    /// if the text cannot be written as JSON.
    pub(in crate::dataset) fn new(
        source: &ExampleSource<'a>,
        snapshot: &Snapshot,
        options: &Options,
        secrets: &Secrets,
        parser: &mut SpanParser,
        cancel: &Cancel,
    ) -> Result<Self, DatasetError> {
        cancel.check()?;
        let proposals = affordable_holes(source, snapshot, options, parser);
        Self::with_proposals(source.file, proposals, options, secrets)
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
        let proposals = Proposals {
            holes: cut.holes.clone(),
            wanted: cut.holes.len(),
            rejected: cut.rejected.clone(),
            rejections: Vec::new(),
        };
        let mut plan = Self::with_proposals(&cut.file, proposals, options, secrets)?;
        plan.version = Some(&cut.origin);
        Ok(plan)
    }

    /// The plan of `file` with these proposals.
    fn with_proposals(
        file: &'a SourceFile,
        mut proposals: Proposals,
        options: &Options,
        secrets: &Secrets,
    ) -> Result<Self, DatasetError> {
        let secrets = match options.secrets {
            SecretPolicy::Keep => &[],
            SecretPolicy::Redact | SecretPolicy::Drop => file.secrets(secrets),
        };
        let Proposals {
            holes,
            rejected,
            rejections,
            ..
        } = &mut proposals;
        holes.retain(|hole| {
            let objection = secret_objection(&hole.range, secrets, options.secrets);
            let Some(reason) = objection else {
                return true;
            };
            *rejected.entry(reason).or_default() += 1;
            let range = hole.range.clone();
            rejections.push(HoleRejection { range, reason });
            false
        });
        Ok(Self {
            file,
            measure: TextMeasure::new(&file.text),
            escaped: EscapedText::new(blanked(&file.text, secrets))?,
            secrets,
            buffers: BufferTokens::of_file(&file.text, secrets, options),
            complexity: quality::complexity(&file.text),
            proposals,
            holes: Vec::new(),
            version: None,
        })
    }

    /// Takes those holes that `quota` asks for and that are no near duplicates.
    /// `repeats` says of a hole with its key whether it is one. With [`Dedup::Off`] near
    /// duplicates and common middles are taken, too.
    pub(in crate::dataset) fn take(
        &mut self,
        quota: &mut Quota,
        dedup: Dedup,
        mut repeats: impl FnMut(&Hole, u128) -> bool,
    ) {
        let text: &'a str = &self.file.text;
        let mut keys = BTreeMap::new();
        let taken = quota.take(text, &mut self.proposals, dedup != Dedup::Off, |hole| {
            if dedup != Dedup::Near {
                return true;
            }
            let Range { start, end } = hole.range;
            let key = duplicates::example_key(&text[..start], &text[start..end], &text[end..]);
            keys.insert((start, end), key);
            !repeats(hole, key)
        });
        let keyed = |hole: Hole| KeyedHole {
            key: keys.get(&(hole.range.start, hole.range.end)).copied(),
            middle: middle_key(&text[hole.range.clone()]),
            hole,
        };
        self.holes = taken.into_iter().map(keyed).collect();
    }
}

/// The proposals for `source`, of which no more are wanted than
/// [`CONTEXT_BYTES_PER_FILE`] allows.
fn affordable_holes(
    source: &ExampleSource<'_>,
    snapshot: &Snapshot,
    options: &Options,
    parser: &mut SpanParser,
) -> Proposals {
    let (path, text) = (&*source.file.path, &*source.file.text);
    let mut rng = options.rng(path);
    let names = NamesOfOthers::new(snapshot, path, text);
    // An open project has an index also where no context is asked for.
    let has_contexts = options.context_budget() > 0;
    let needs_others = |range: &Range<usize>| has_contexts && names.are_in(range);
    let mut proposals = holes::propose(
        text,
        source.density,
        options,
        parser,
        &needs_others,
        &mut rng,
    );
    if !options.no_ast_fim && parser.gave_up() {
        tracing::warn!(
            "{path}: a syntax tree takes too much work, so holes are cut by lines and braces; \
             is a comment or a string never closed?"
        );
    }
    if options.context_budget() > 0 {
        let most = (CONTEXT_BYTES_PER_FILE / text.len().max(1)).max(1);
        if proposals.wanted > most {
            let over = (proposals.wanted - most) as u64;
            proposals.wanted = most;
            proposals.rejected.insert("large_file", over);
        }
    }
    proposals
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
        Some(SECRET_CUT_THROUGH)
    } else if policy == SecretPolicy::Drop
        && secrets::within(secrets, hole.clone()).next().is_some()
    {
        Some(SECRET)
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
