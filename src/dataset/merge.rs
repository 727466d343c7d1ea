//! Joins the reports on the parts of a dataset to the report on the whole.
//!
//! Everything in it is a sum over the parts, and what is none is made of their
//! [`Tallies`], so it is what one part with all
//! repositories in it would say. Names of files are not taken over: they may be
//! hundreds of millions, and each part's own report has them.

use rustc_hash::FxHashMap;
use serde_json::Value;

use super::report::{Coverage, Part, Report, Split, Tallies};
use super::unseen::SEEN;

/// Why parts are not parts of one dataset.
#[derive(Debug, thiserror::Error)]
pub enum MergeError {
    /// There are none.
    #[error("no parts; name the folders that `fimd generate --partial` wrote")]
    None,
    /// One is a whole dataset.
    #[error("{0}: a dataset of its own, not a part; make it with `fimd generate --partial`")]
    Whole(String),
    /// Two were made in different ways.
    #[error("{part}: {what}, unlike {first}; make all parts in the same way")]
    Differs {
        /// The one.
        part: String,
        /// How it was made.
        what: String,
        /// The other: the first one.
        first: String,
    },
    /// A repository is in two of them.
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

/// The report on the whole of `parts`, each with the folder that it is in.
///
/// # Errors
/// If they do not belong together.
pub fn merge(parts: &[(String, Report)]) -> Result<Report, MergeError> {
    let ((first_folder, first), others) = parts.split_first().ok_or(MergeError::None)?;
    for (folder, other) in others {
        if let Some(what) = difference(first, other)? {
            return Err(MergeError::Differs {
                part: folder.clone(),
                what,
                first: first_folder.clone(),
            });
        }
    }
    no_repository_twice(parts)?;
    let mut whole = Report {
        counts: Default::default(),
        projects: Vec::new(),
        split: Split {
            train_files: 0,
            val_files: 0,
            ..first.split
        },
        spans: Default::default(),
        shapes: Default::default(),
        coverage: Default::default(),
        duplicates: Default::default(),
        secrets: Default::default(),
        files_skipped: Default::default(),
        rejections: Default::default(),
        partial: None,
        ..first.clone()
    };
    let mut tallies = Tallies::default();
    for (folder, part) in parts {
        let Some(numbers) = &part.partial else {
            return Err(MergeError::Whole(folder.clone()));
        };
        tallies.complexity.add(&numbers.complexity);
        tallies.tokens.add(&numbers.tokens);
        whole.add(folder, part);
    }
    let seen = whole.rejections.get(SEEN).copied().unwrap_or(0);
    let drawn = whole.counts.examples as u64 + seen;
    whole.split.reached = whole.counts.val as f64 / drawn.max(1) as f64;
    whole.complexity = tallies.complexity();
    whole.shapes.token_statistics = tallies.tokens.statistics();
    Ok(whole)
}

/// How `other` was made otherwise than `first`, for a user.
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
    let is_same = first.tokens == other.tokens;
    let family = &other.options.base_model;
    Ok((!is_same).then(|| format!("made with other tokens of the family {family}")))
}

fn no_repository_twice(parts: &[(String, Report)]) -> Result<(), MergeError> {
    let mut found: FxHashMap<&str, &str> = FxHashMap::default();
    for (folder, part) in parts {
        for project in &part.projects {
            if let Some(other) = found.insert(&project.name, folder) {
                return Err(MergeError::Repeated {
                    part: folder.clone(),
                    other: other.to_owned(),
                    repo: project.name.clone(),
                });
            }
        }
    }
    Ok(())
}

impl Report {
    /// Adds what `part`, in `folder`, counts.
    fn add(&mut self, folder: &str, part: &Self) {
        self.parts.push(Part {
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
        for (kind, examples) in &part.spans {
            *self.spans.entry(*kind).or_default() += examples;
        }
        self.shapes.add(&part.shapes);
        let mut all = Coverage::default();
        for folder in part.coverage.values() {
            all.files += folder.files;
            all.files_used += folder.files_used;
            all.bytes += folder.bytes;
            all.bytes_used += folder.bytes_used;
        }
        self.coverage.insert(format!("{folder}/"), all);
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
