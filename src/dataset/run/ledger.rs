//! What a run keeps of all projects so far: which files and examples there
//! were, so that none comes twice, and what the split and the report need.

use rand::seq::SliceRandom;
use rustc_hash::FxHashMap;

use crate::dataset::batch::{FileOutcome, Sizes, TextShape};
use crate::dataset::duplicates::DisjointSets;
use crate::dataset::options::{Dedup, Options};
use crate::dataset::record::SpanKind;
use crate::dataset::reject::{DUPLICATE, NEAR_DUPLICATE};
use crate::dataset::repo::Repo;
use crate::dataset::report::Report;
use crate::dataset::report::page_data::PlotPoint;
use crate::dataset::run::assign;
use crate::dataset::run::dedup_index::{DedupIndex, HoleRef};
use crate::dataset::select::sources::SourceSelection;
use crate::dataset::split::{SplitAssignment, SplitEntry};
use crate::index::SourceFile;
use crate::model::Model;

/// The state of a run but for the files it is at. Files are numbered over the
/// whole run, in the order in which they came.
pub(in crate::dataset) struct Ledger {
    pub(in crate::dataset) report: Report,
    dedup: Dedup,
    entries: Vec<SplitEntry>,
    kinds: Vec<SpanKind>,
    shapes: Vec<TextShape>,
    sizes: Vec<Sizes>,
    /// The label of each file.
    names: Vec<Box<str>>,
    /// Files that the split must not tear apart.
    clusters: DisjointSets,
    /// The file that gives the examples of each text.
    texts: FxHashMap<blake3::Hash, usize>,
    /// Holes that nearly say the same.
    alike: DedupIndex,
    /// Examples that say the same.
    equal: DedupIndex,
}

/// What becomes of an attempt.
pub(in crate::dataset) enum Admission {
    /// It is an example.
    Accepted,
    /// It would be one, but another one says the same.
    Duplicate(HoleRef),
    /// Nothing came of it.
    Rejected,
}

impl Ledger {
    pub(in crate::dataset) fn new(options: &Options, model: &Model) -> Self {
        Self {
            report: Report::new(options, model),
            dedup: options.dedup,
            entries: Vec::new(),
            kinds: Vec::new(),
            shapes: Vec::new(),
            sizes: Vec::new(),
            names: Vec::new(),
            clusters: DisjointSets::new(0),
            texts: FxHashMap::default(),
            alike: DedupIndex::default(),
            equal: DedupIndex::default(),
        }
    }

    /// The examples so far.
    pub(in crate::dataset) fn examples(&self) -> usize {
        self.entries.len()
    }

    /// How reports and rejects name `place`: `FILE:START..END`.
    pub(in crate::dataset) fn label(&self, place: &HoleRef) -> String {
        let HoleRef { file, hole } = place;
        format!("{}:{}..{}", self.names[*file], hole.start, hole.end)
    }

    /// The label of the file of an earlier project with the text of that hash.
    pub(in crate::dataset) fn name_of_text(&self, hash: &blake3::Hash) -> Option<&str> {
        self.texts.get(hash).map(|file| &*self.names[*file])
    }

    /// Numbers the files of `sources`, those of `repo`, and says of the rest
    /// why they give no examples.
    pub(in crate::dataset) fn add_files(&mut self, repo: &Repo<'_>, sources: &SourceSelection<'_>) {
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
    pub(in crate::dataset) fn note_alike(
        &mut self,
        key: Option<u128>,
        place: HoleRef,
    ) -> Option<&HoleRef> {
        self.alike.note(key?, place)
    }

    /// Notes the keys of `outcome`, that of file number `file`, as
    /// [`Self::note_alike`] did when it was made.
    pub(in crate::dataset) fn note_again(&mut self, file: usize, outcome: &FileOutcome) {
        for attempt in &outcome.attempts {
            let hole = attempt.start..attempt.end;
            self.note_alike(attempt.key, HoleRef { file, hole });
        }
        for key in &outcome.repeats {
            self.alike.note_repeated(*key);
        }
    }

    /// Counts what came of `source`, file number `file` and one of `repo`: what
    /// becomes of each attempt.
    pub(in crate::dataset) fn count(
        &mut self,
        repo: &Repo<'_>,
        source: &SourceFile,
        file: usize,
        outcome: &FileOutcome,
    ) -> Vec<Admission> {
        let before = self.entries.len();
        let report = &mut self.report;
        for (reason, count) in &outcome.rejected {
            report.reject(reason, *count);
        }
        if !outcome.repeats.is_empty() {
            report.reject(NEAR_DUPLICATE, outcome.repeats.len() as u64);
        }
        let mut admissions = Vec::with_capacity(outcome.attempts.len());
        for attempt in &outcome.attempts {
            let cut = match &attempt.made {
                Ok(cut) => cut,
                Err(reason) => {
                    report.reject(reason, 1);
                    report.secrets.note_refused(&attempt.secrets);
                    admissions.push(Admission::Rejected);
                    continue;
                }
            };
            let hole = attempt.start..attempt.end;
            if self.dedup != Dedup::Off
                && let Some(first) = self.equal.note(cut.digest, HoleRef { file, hole })
            {
                report.reject(DUPLICATE, 1);
                admissions.push(Admission::Duplicate(first.clone()));
                continue;
            }
            report.secrets.note(&attempt.secrets);
            self.entries.push(SplitEntry {
                file,
                // Later files may join clusters: see `finish`.
                cluster: file,
                complexity: f64::from_bits(cut.complexity),
            });
            self.kinds.push(cut.kind);
            self.shapes.push(cut.shape);
            self.sizes.push(cut.sizes);
            admissions.push(Admission::Accepted);
        }
        if self.entries.len() == before {
            report.skip(&repo.label(&source.path), "no hole fits");
        } else {
            report.uses(repo, &source.path, source.text.len());
        }
        admissions
    }

    /// How the examples are divided.
    pub(in crate::dataset) fn split(&mut self, options: &Options) -> SplitAssignment {
        for entry in &mut self.entries {
            entry.cluster = self.clusters.root(entry.file);
        }
        assign::split(&self.entries, options, &mut options.rng("\0split"))
    }

    /// What the report's page shows of all examples.
    pub(in crate::dataset) fn plotted(&self) -> Vec<PlotPoint> {
        let all = self.entries.iter().zip(&self.kinds).zip(&self.sizes);
        all.map(|((entry, kind), sizes)| PlotPoint {
            kind: *kind,
            complexity: entry.complexity,
            sizes: *sizes,
        })
        .collect()
    }

    /// How the examples of `repo` are divided as if it were alone: those from
    /// number `from` on, of `sources`, the first of which is file number `file`.
    pub(in crate::dataset) fn divide(
        &self,
        repo: &Repo<'_>,
        options: &Options,
        sources: &SourceSelection<'_>,
        file: usize,
        from: usize,
    ) -> SplitAssignment {
        let mut order: Vec<_> = (from..self.entries.len()).collect();
        order.shuffle(&mut options.rng(&format!("\0order {}", repo.title)));
        let validates = |at: &usize| {
            let source = &sources.used[self.entries[*at].file - file];
            assign::validates(&source.text, options)
        };
        let (val, train) = order.into_iter().partition(validates);
        SplitAssignment {
            train,
            val,
            seen: Vec::new(),
        }
    }

    /// Counts the clusters of duplicate examples so far in the report.
    fn count_clusters(&mut self) {
        let sizes = [self.alike.clusters(), self.equal.clusters()].concat();
        self.report.duplicates.add_clusters(&sizes);
    }

    /// Forgets what the projects so far have said, so that nothing in the next
    /// one is a duplicate of it.
    pub(in crate::dataset) fn forget(&mut self) {
        self.count_clusters();
        (self.alike, self.equal) = Default::default();
        self.texts.clear();
    }

    /// The report on the dataset with these `parts`.
    pub(in crate::dataset) fn finish(mut self, parts: &SplitAssignment) -> Report {
        self.count_clusters();
        self.report
            .finish(&self.entries, &self.kinds, &self.shapes, parts);
        self.report
    }
}
