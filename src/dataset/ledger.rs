//! What a run keeps of all projects so far: which files and examples there
//! were, so that none comes twice, and what the split and the report need.

use rand::seq::SliceRandom;
use rustc_hash::FxHashMap;

use super::batch::Outcome;
use super::duplicates::Union;
use super::report::Report;
use super::report::html::Plotted;
use super::seen::{Place, Seen};
use super::shape::Shape;
use super::sources::Sources;
use super::split::{self, Entry, Parts};
use super::{Dedup, Options, Repo, Sizes, SpanKind};
use crate::index::SourceFile;
use crate::model::Model;

/// The reason of an example whose text another one has.
pub(super) const DUPLICATE: &str = "duplicate_example";
/// The reason of an example that is nearly another one.
pub(super) const NEAR_DUPLICATE: &str = "near_duplicate_example";

/// The state of a run but for the files it is at. Files are numbered over the
/// whole run, in the order in which they came.
pub(super) struct Ledger {
    pub(super) report: Report,
    dedup: Dedup,
    entries: Vec<Entry>,
    kinds: Vec<SpanKind>,
    shapes: Vec<Shape>,
    sizes: Vec<Sizes>,
    /// The label of each file.
    names: Vec<Box<str>>,
    /// Files that the split must not tear apart.
    clusters: Union,
    /// The file that gives the examples of each text.
    texts: FxHashMap<blake3::Hash, usize>,
    /// Holes that nearly say the same.
    alike: Seen,
    /// Examples that say the same.
    equal: Seen,
}

/// What becomes of an attempt.
pub(super) enum Verdict {
    /// It is an example.
    Taken,
    /// It would be one, but another one says the same.
    Repeats(Place),
    /// Nothing came of it.
    Refused,
}

impl Ledger {
    pub(super) fn new(options: &Options, model: &Model) -> Self {
        Self {
            report: Report::new(options, model),
            dedup: options.dedup,
            entries: Vec::new(),
            kinds: Vec::new(),
            shapes: Vec::new(),
            sizes: Vec::new(),
            names: Vec::new(),
            clusters: Union::new(0),
            texts: FxHashMap::default(),
            alike: Seen::default(),
            equal: Seen::default(),
        }
    }

    /// The examples so far.
    pub(super) fn examples(&self) -> usize {
        self.entries.len()
    }

    /// How reports and rejects name `place`: `FILE:START..END`.
    pub(super) fn label(&self, place: &Place) -> String {
        let Place { file, hole } = place;
        format!("{}:{}..{}", self.names[*file], hole.start, hole.end)
    }

    /// The label of the file of an earlier project with the text of that hash.
    pub(super) fn name_of_text(&self, hash: &blake3::Hash) -> Option<&str> {
        self.texts.get(hash).map(|file| &*self.names[*file])
    }

    /// Numbers the files of `sources`, those of `repo`, and says of the rest
    /// why they give no examples.
    pub(super) fn add_files(&mut self, repo: &Repo<'_>, sources: &Sources<'_>) {
        self.report.counts.files_indexed += sources.files;
        for file in repo.files.iter().filter(|file| (repo.in_root)(&file.path)) {
            self.report.cover(repo, &file.path, file.text.len());
        }
        for skipped in &sources.skipped {
            let name = repo.label(skipped.path);
            self.report.skip(&name, &skipped.reason);
            if let Some(kept) = &skipped.duplicate_of {
                self.report.duplicates.note_file(&name, kept);
            }
        }
        let first = self.names.len();
        for source in &sources.used {
            let file = self.clusters.push();
            self.clusters.join(first + source.cluster, file);
            self.names.push(repo.label(&source.file.path).into());
        }
        for (hash, file) in &sources.texts {
            let file = first + file;
            let same = *self.texts.entry(*hash).or_insert(file);
            self.clusters.join(same, file);
        }
    }

    /// Notes a hole under its key: the one that it is a near duplicate of, if
    /// it is one.
    pub(super) fn note_alike(&mut self, key: Option<u128>, place: Place) -> Option<&Place> {
        self.alike.note(key?, place)
    }

    /// Notes the keys of `outcome`, that of file number `file`, as
    /// [`Self::note_alike`] did when it was made.
    pub(super) fn note_again(&mut self, file: usize, outcome: &Outcome) {
        for attempt in &outcome.attempts {
            let hole = attempt.start..attempt.end;
            self.note_alike(attempt.key, Place { file, hole });
        }
        for key in &outcome.repeats {
            self.alike.note_repeated(*key);
        }
    }

    /// Counts what came of `source`, file number `file` and one of `repo`: what
    /// becomes of each attempt.
    pub(super) fn count(
        &mut self,
        repo: &Repo<'_>,
        source: &SourceFile,
        file: usize,
        outcome: &Outcome,
    ) -> Vec<Verdict> {
        let before = self.entries.len();
        let report = &mut self.report;
        for (reason, count) in &outcome.rejected {
            report.reject(reason, *count);
        }
        if !outcome.repeats.is_empty() {
            report.reject(NEAR_DUPLICATE, outcome.repeats.len() as u64);
        }
        let mut verdicts = Vec::with_capacity(outcome.attempts.len());
        for attempt in &outcome.attempts {
            let cut = match &attempt.made {
                Ok(cut) => cut,
                Err(reason) => {
                    report.reject(reason, 1);
                    report.secrets.note_refused(&attempt.secrets);
                    verdicts.push(Verdict::Refused);
                    continue;
                }
            };
            let hole = attempt.start..attempt.end;
            if self.dedup != Dedup::Off
                && let Some(first) = self.equal.note(cut.digest, Place { file, hole })
            {
                report.reject(DUPLICATE, 1);
                verdicts.push(Verdict::Repeats(first.clone()));
                continue;
            }
            report.secrets.note(&attempt.secrets);
            self.entries.push(Entry {
                file,
                // Later files may join clusters: see `finish`.
                cluster: file,
                complexity: f64::from_bits(cut.complexity),
            });
            self.kinds.push(cut.kind);
            self.shapes.push(cut.shape);
            self.sizes.push(cut.sizes);
            verdicts.push(Verdict::Taken);
        }
        if self.entries.len() == before {
            report.skip(&repo.label(&source.path), "no hole fits");
        } else {
            report.uses(repo, &source.path, source.text.len());
        }
        verdicts
    }

    /// How the examples are divided.
    pub(super) fn split(&mut self, options: &Options) -> Parts {
        for entry in &mut self.entries {
            entry.cluster = self.clusters.root(entry.file);
        }
        split::split(&self.entries, options, &mut options.rng("\0split"))
    }

    /// What the report's page shows of all examples.
    pub(super) fn plotted(&self) -> Vec<Plotted> {
        let all = self.entries.iter().zip(&self.kinds).zip(&self.sizes);
        all.map(|((entry, kind), sizes)| Plotted {
            kind: *kind,
            complexity: entry.complexity,
            sizes: *sizes,
        })
        .collect()
    }

    /// How the examples of `repo` are divided as if it were alone: those from
    /// number `from` on, of `sources`, the first of which is file number `file`.
    pub(super) fn divide(
        &self,
        repo: &Repo<'_>,
        options: &Options,
        sources: &Sources<'_>,
        file: usize,
        from: usize,
    ) -> Parts {
        let mut order: Vec<_> = (from..self.entries.len()).collect();
        order.shuffle(&mut options.rng(&format!("\0order {}", repo.title)));
        let validates = |at: &usize| {
            let source = &sources.used[self.entries[*at].file - file];
            split::validates(&source.text, options)
        };
        let (val, train) = order.into_iter().partition(validates);
        Parts {
            train,
            val,
            seen: Vec::new(),
        }
    }

    /// Forgets what the projects so far have said, so that nothing in the next
    /// one is a duplicate of it.
    pub(super) fn forget(&mut self) {
        self.report.duplicates.add(&self.alike, &self.equal);
        (self.alike, self.equal) = Default::default();
        self.texts.clear();
    }

    /// The report on the dataset with these `parts`.
    pub(super) fn finish(mut self, parts: &Parts) -> Report {
        self.report.duplicates.add(&self.alike, &self.equal);
        self.report
            .finish(&self.entries, &self.kinds, &self.shapes, parts);
        self.report
    }
}
