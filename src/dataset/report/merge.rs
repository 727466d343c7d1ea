//! Joins the reports on the parts of a larger dataset to one report.
//!
//! All figures of the joined report are sums over the parts, or computed from the
//! sum of their [`Tallies`]. So they equal the figures of one part that holds all
//! repositories. The joined report has no names of files: there may be hundreds
//! of millions, and each part's own report has them.

use rustc_hash::FxHashMap;
use serde_json::Value;

use crate::dataset::report::metadata::{Coverage, PartCounts, Report, Tallies};

/// The reason why some parts cannot be joined.
#[derive(Debug, thiserror::Error)]
pub enum MergeError {
    /// There are no parts.
    #[error("no parts; name the folders that `fimd generate --partial` wrote")]
    None,
    /// A part is a dataset of its own.
    #[error("{0}: a dataset of its own, not a part; make it with `fimd generate --partial`")]
    Whole(String),
    /// Two parts were made in different ways.
    #[error("{part}: {what}, unlike {first}; make all parts in the same way")]
    Differs {
        /// The part that differs.
        part: String,
        /// How that part was made.
        what: String,
        /// The first part.
        first: String,
    },
    /// Two parts hold the same repository.
    #[error("{part}: the repository {repo:?} is in {other}, too; leave one of the two out")]
    Repeated {
        /// The later part.
        part: String,
        /// The earlier part.
        other: String,
        /// The repository.
        repo: String,
    },
    /// The options cannot be compared.
    #[error("the options cannot be compared: {0}")]
    Options(#[from] serde_json::Error),
}

/// Adds reports. Keeps the sums, and a digest of the name of each repository.
#[derive(Debug, Default)]
pub struct ReportMerger {
    /// The parts so far, by the names that the user gave.
    names: Vec<String>,
    /// The sums; `None` before the first part.
    whole: Option<Report>,
    tallies: Tallies,
    /// The number of the part that holds a repository, by the digest of its name.
    repositories: FxHashMap<[u8; 16], usize>,
}

impl ReportMerger {
    /// Adds the report on a part. The user calls the part `name`; the joined dataset
    /// reaches it at `folder`.
    ///
    /// # Errors
    /// [`MergeError`] if the part does not belong to the parts before it.
    pub fn add(&mut self, name: &str, folder: &str, part: &Report) -> Result<(), MergeError> {
        let Some(numbers) = &part.partial else {
            return Err(MergeError::Whole(name.to_owned()));
        };
        let whole = match &mut self.whole {
            Some(whole) => whole,
            None => self.whole.insert(Report {
                evaluations: part.evaluations.clone(),
                ..Report::empty(
                    part.version.clone(),
                    part.options.clone(),
                    part.tokens.clone(),
                )
            }),
        };
        if let Some(what) = difference(whole, part)? {
            return Err(MergeError::Differs {
                part: name.to_owned(),
                what,
                first: self.names.first().cloned().unwrap_or_default(),
            });
        }
        for project in &part.projects {
            let mut digest = [0; 16];
            let mut hasher = blake3::Hasher::new();
            hasher.update(project.name.as_bytes());
            hasher.finalize_xof().fill(&mut digest);
            if let Some(other) = self.repositories.insert(digest, self.names.len()) {
                let other = self.names.get(other).map_or(name, String::as_str);
                return Err(MergeError::Repeated {
                    part: name.to_owned(),
                    other: other.to_owned(),
                    repo: project.name.clone(),
                });
            }
        }
        self.names.push(name.to_owned());
        self.tallies.complexity.add(&numbers.complexity);
        self.tallies.tokens.add(&numbers.tokens);
        whole.add(folder, part);
        Ok(())
    }

    /// The joined report.
    ///
    /// # Errors
    /// [`MergeError::None`] if there are no parts.
    pub fn finish(self) -> Result<Report, MergeError> {
        let mut whole = self.whole.ok_or(MergeError::None)?;
        let counts = whole.counts;
        whole.split.reach(&counts);
        whole.count_shares();
        whole.complexity = self.tallies.complexity();
        whole.shapes.token_statistics = self.tallies.tokens.statistics();
        Ok(whole)
    }
}

/// The first difference between the ways in which the two parts were made, as a
/// text for users.
fn difference(first: &Report, other: &Report) -> Result<Option<String>, serde_json::Error> {
    if first.version != other.version {
        return Ok(Some(format!("made by fimd {}", other.version)));
    }
    let options = |report: &Report| serde_json::to_value(&report.options);
    let (expected, found) = (options(first)?, options(other)?);
    let fields = found.as_object().into_iter().flatten();
    let mut fields = fields.filter(|(name, value)| expected.get(name) != Some(*value));
    if let Some((name, value)) = fields.next() {
        let value = match value {
            Value::Null => "nothing".to_owned(),
            value => value.to_string(),
        };
        let name = name.replace('_', "-");
        return Ok(Some(format!("made with {value} for --{name}")));
    }
    if first.evaluations != other.evaluations {
        return Ok(Some("made with other evaluations to leave out".into()));
    }
    let is_same = first.tokens == other.tokens;
    let family = &other.options.base_model;
    Ok((!is_same).then(|| format!("made with other tokens of the family {family}")))
}

impl Report {
    /// Adds the counts of `part`, which is in `folder`.
    fn add(&mut self, folder: &str, part: &Self) {
        self.parts.push(PartCounts {
            folder: folder.to_owned(),
            repositories: part.projects.len(),
            train: part.counts.train,
            val: part.counts.val,
        });
        self.counts.files_indexed += part.counts.files_indexed;
        self.counts.files_used += part.counts.files_used;
        self.counts.examples += part.counts.examples;
        self.counts.train += part.counts.train;
        self.counts.val += part.counts.val;
        self.split.train_files += part.split.train_files;
        self.split.val_files += part.split.val_files;
        if let Some(counts) = &part.split.unseen {
            self.split.unseen.get_or_insert_default().add(counts);
        }
        for (kind, examples) in &part.spans {
            *self.spans.entry(*kind).or_default() += examples;
        }
        self.shapes.add(&part.shapes);
        let mut all = Coverage::default();
        for folder in part.coverage.values() {
            all.files += folder.files;
            all.files_used += folder.files_used;
            all.examples += folder.examples;
            all.bytes += folder.bytes;
            all.bytes_used += folder.bytes_used;
        }
        self.coverage.insert(format!("{folder}/"), all);
        if let Some(history) = &part.history {
            self.history.get_or_insert_default().add(history);
        }
        self.duplicates.add_part(&part.duplicates);
        self.secrets.add_part(&part.secrets);
        for (reason, files) in &part.files_skipped {
            let skipped = self.files_skipped.entry(reason.clone()).or_default();
            skipped.count += files.count;
        }
        for (reason, holes) in &part.rejections {
            self.reject(reason, *holes);
        }
    }
}
