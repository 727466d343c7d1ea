//! What a run keeps of all projects so far: the files and examples, so that it
//! recognises duplicates, and what the split and the report need.

use rand::seq::SliceRandom;
use rustc_hash::FxHashMap;

use crate::dataset::batch::{FileOutcome, Sizes, TextShape};
use crate::dataset::cut::quota::Quota;
use crate::dataset::duplicates::DisjointSets;
use crate::dataset::options::{Dedup, Options};
use crate::dataset::record::SpanKind;
use crate::dataset::reject::{DUPLICATE, NEAR_DUPLICATE, NO_EXAMPLE_LEFT, NO_HOLE};
use crate::dataset::repo::Repo;
use crate::dataset::report::Report;
use crate::dataset::report::page_data::PlotPoint;
use crate::dataset::run::assign::{self, SplitDraw};
use crate::dataset::run::dedup_index::{DedupIndex, HoleRef};
use crate::dataset::select::history::VersionSelection;
use crate::dataset::select::sources::SourceSelection;
use crate::dataset::split::{SplitAssignment, SplitEntry};
use crate::index::SourceFile;
use crate::model::Model;

/// The state of a run, without the batch that it is making. Files and examples are
/// numbered over the whole run, in the order in which they come.
pub(super) struct Ledger {
    /// The report so far.
    pub(super) report: Report,
    dedup: Dedup,
    /// What the split needs of each example.
    entries: Vec<SplitEntry>,
    /// The kind of each example.
    kinds: Vec<SpanKind>,
    /// The shape of the text of each example.
    shapes: Vec<TextShape>,
    /// The sizes of each example.
    sizes: Vec<Sizes>,
    /// The label of each file.
    labels: Vec<Box<str>>,
    /// The number of the file that each file is a version of, else its own.
    today: Vec<usize>,
    /// The files that gave examples, in order.
    used: Vec<UsedFile>,
    /// The files that must be in the same split.
    clusters: DisjointSets,
    /// The file that gives the examples of each text.
    texts: FxHashMap<blake3::Hash, usize>,
    /// Which holes the mix asks for in the current project.
    quota: Quota,
    /// The holes by the keys of near duplicates.
    by_key: DedupIndex,
    /// The examples by their digests.
    by_digest: DedupIndex,
}

/// A file that gave examples, before any are removed.
struct UsedFile {
    /// Its number.
    file: usize,
    /// The byte at which its key begins in its label.
    key: usize,
    /// The bytes of its text.
    bytes: u64,
    /// The number of its project.
    project: usize,
}

/// Whether a hole gives an example of the dataset.
pub(super) enum Admission {
    /// The hole gives one.
    Accepted,
    /// The example has the text of an earlier one, from the hole given here.
    Duplicate(HoleRef),
    /// The hole gives none.
    Rejected,
}

impl Ledger {
    /// The ledger of a run without projects.
    pub(super) fn new(options: &Options, model: &Model) -> Self {
        Self {
            report: Report::new(options, model),
            dedup: options.dedup,
            entries: Vec::new(),
            kinds: Vec::new(),
            shapes: Vec::new(),
            sizes: Vec::new(),
            labels: Vec::new(),
            today: Vec::new(),
            used: Vec::new(),
            clusters: DisjointSets::new(0),
            texts: FxHashMap::default(),
            quota: Quota::new(&options.mix, &mut options.rng("\0mix")),
            by_key: DedupIndex::default(),
            by_digest: DedupIndex::default(),
        }
    }

    /// The number of examples so far.
    pub(super) fn examples(&self) -> usize {
        self.entries.len()
    }

    /// The label of `hole` in reports and rejects: `FILE:START..END`.
    pub(super) fn label(&self, hole: &HoleRef) -> String {
        let HoleRef { file, hole } = hole;
        format!("{}:{}..{}", self.labels[*file], hole.start, hole.end)
    }

    /// The label of the file of an earlier project whose text has this hash.
    pub(super) fn name_of_text(&self, hash: &blake3::Hash) -> Option<&str> {
        self.texts.get(hash).map(|file| &*self.labels[*file])
    }

    /// Numbers the files of `repo` that `sources` selects, and reports the others.
    pub(super) fn add_files(&mut self, repo: &Repo<'_>, sources: &SourceSelection<'_>) {
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
        let first = self.labels.len();
        for source in &sources.used {
            let file = self.clusters.push();
            self.clusters.join(first + source.cluster, file);
            self.labels.push(repo.label(&source.file.path).into());
            self.today.push(file);
        }
        for (hash, file) in &sources.texts {
            let file = first + file;
            let same = *self.texts.entry(*hash).or_insert(file);
            self.clusters.join(same, file);
        }
    }

    /// Numbers the versions of files that `selection` holds. `first` is the number of the
    /// first file of `repo`.
    pub(super) fn add_versions(
        &mut self,
        repo: &Repo<'_>,
        first: usize,
        selection: &VersionSelection<'_>,
    ) {
        for version in &selection.versions {
            let number = self.clusters.push();
            let today = first + version.file;
            self.clusters.join(today, number);
            let commit = version.commit.get(..12).unwrap_or(version.commit);
            let label = format!("{}@{commit}", repo.label(version.key));
            self.labels.push(label.into());
            self.today.push(today);
        }
        if let Some(history) = repo.history {
            self.report.add_history(history, selection);
        }
    }

    /// Begins a project of which `sources` are selected. It has the mix by itself, so
    /// neither the projects before it nor its other files make a difference to its holes.
    pub(super) fn begin_project(&mut self, sources: &SourceSelection<'_>, options: &Options) {
        let mut all = blake3::Hasher::new();
        for (hash, _) in &sources.texts {
            all.update(hash.as_bytes());
        }
        let mut rng = options.rng(&format!("\0mix {}", all.finalize()));
        self.quota = Quota::new(&options.mix, &mut rng);
    }

    /// Begins a batch.
    pub(super) fn begin_batch(&mut self) {
        self.quota.begin_batch();
    }

    /// What decides which holes of the next file are taken: the mix, and the holes so
    /// far by the keys of near duplicates.
    pub(super) fn quota_and_keys(&mut self) -> (&mut Quota, &mut DedupIndex) {
        (&mut self.quota, &mut self.by_key)
    }

    /// Adds the holes of a recalled `outcome`, of the file number `file`, as was done
    /// when they were taken.
    pub(super) fn note_taken(&mut self, file: usize, outcome: &FileOutcome) {
        for attempt in &outcome.attempts {
            let hole = attempt.start..attempt.end;
            if let Some(key) = attempt.key {
                self.by_key.note(key, HoleRef { file, hole });
            }
            self.quota.note_middle(attempt.middle);
        }
        for key in &outcome.repeats {
            self.by_key.note_repeated(*key);
        }
    }

    /// Counts the outcome of `source`, a file of `repo` with the number `file`; None for a
    /// version of a file. Returns the admission of each hole that was attempted.
    pub(super) fn count(
        &mut self,
        repo: &Repo<'_>,
        source: Option<&SourceFile>,
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
            let summary = match &attempt.made {
                Ok(summary) => summary,
                Err(reason) => {
                    report.reject(reason, 1);
                    report.secrets.note_refused(&attempt.secrets);
                    admissions.push(Admission::Rejected);
                    continue;
                }
            };
            let hole = attempt.start..attempt.end;
            if self.dedup != Dedup::Off
                && let Some(first) = self.by_digest.note(summary.digest, HoleRef { file, hole })
            {
                report.reject(DUPLICATE, 1);
                admissions.push(Admission::Duplicate(first.clone()));
                continue;
            }
            report.secrets.note(&attempt.secrets);
            self.entries.push(SplitEntry {
                file: self.today[file],
                // A later file may join clusters, so `split` sets the root.
                cluster: file,
                complexity: f64::from_bits(summary.complexity),
            });
            self.kinds.push(summary.kind);
            self.quota.note(summary.kind);
            self.shapes.push(summary.shape);
            self.sizes.push(summary.sizes);
            admissions.push(Admission::Accepted);
        }
        let made = self.entries.len() - before;
        match source {
            None => report.count_from_history(made),
            Some(source) if made == 0 => report.skip(&repo.label(&source.path), NO_HOLE),
            Some(source) => self.used.push(UsedFile {
                file,
                key: self.labels[file].len() - source.path.len(),
                bytes: source.text.len() as u64,
                project: report.projects.len(),
            }),
        }
        admissions
    }

    /// What the split needs of all examples.
    pub(super) fn entries(&mut self) -> &[SplitEntry] {
        for entry in &mut self.entries {
            entry.cluster = self.clusters.root(entry.file);
        }
        &self.entries
    }

    /// What the page plots of all examples.
    pub(super) fn plotted(&self) -> Vec<PlotPoint> {
        let all = self.entries.iter().zip(&self.kinds).zip(&self.sizes);
        all.map(|((entry, kind), sizes)| PlotPoint {
            kind: *kind,
            complexity: entry.complexity,
            sizes: *sizes,
        })
        .collect()
    }

    /// The examples of `repo` from number `from` on, and which of them validate if
    /// `repo` is alone. Files and examples are numbered from 0, the first of `sources`,
    /// which has the number `file`.
    pub(super) fn draw_project(
        &self,
        repo: &Repo<'_>,
        options: &Options,
        sources: &SourceSelection<'_>,
        file: usize,
        from: usize,
    ) -> (Vec<SplitEntry>, SplitDraw) {
        let entries = self.entries[from..].iter().map(|entry| SplitEntry {
            file: entry.file - file,
            cluster: sources.used[entry.file - file].cluster,
            ..*entry
        });
        let entries: Vec<_> = entries.collect();
        let mut order: Vec<_> = (0..entries.len()).collect();
        order.shuffle(&mut options.rng(&format!("\0order {}", repo.title)));
        // Files of one cluster have the same representative.
        let validating = entries.iter().filter(|entry| {
            let source = &sources.used[entry.file];
            assign::validates(&source.text, options)
        });
        let mut clusters: Vec<_> = validating.map(|entry| entry.cluster).collect();
        clusters.sort_unstable();
        clusters.dedup();
        (entries, SplitDraw::of(order, clusters))
    }

    /// Adds the clusters of duplicate examples to the report.
    fn count_clusters(&mut self) {
        let sizes = [self.by_key.clusters(), self.by_digest.clusters()].concat();
        self.report.duplicates.add_clusters(&sizes);
    }

    /// Forgets the texts of the projects so far, so that nothing in the next project
    /// is a duplicate of them.
    pub(super) fn forget(&mut self) {
        self.count_clusters();
        (self.by_key, self.by_digest) = Default::default();
        self.texts.clear();
    }

    /// Counts the files whose examples are in one of `splits`. The others are reported
    /// as files without examples.
    fn count_used(&mut self, splits: &SplitAssignment) {
        let mut examples = vec![0_u64; self.labels.len()];
        for at in splits.train.iter().chain(&splits.validation) {
            examples[self.entries[*at].file] += 1;
        }
        for used in &self.used {
            let (label, examples) = (&*self.labels[used.file], examples[used.file]);
            if examples == 0 {
                self.report.skip(label, NO_EXAMPLE_LEFT);
                continue;
            }
            self.report.uses(label, used.key, used.bytes, examples);
            if let Some(project) = self.report.projects.get_mut(used.project) {
                project.files_used += 1;
            }
        }
    }

    /// The report on the dataset with these `splits`.
    pub(super) fn finish(mut self, splits: &SplitAssignment) -> Report {
        self.count_clusters();
        self.count_used(splits);
        self.report
            .finish(&self.entries, &self.kinds, &self.shapes, splits);
        self.report
    }
}
