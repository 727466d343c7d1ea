//! Compares two datasets: which examples came, which went, and which changed, by
//! reason.
//!
//! Two examples are of the same hole if they have the same middle at the same place of
//! the same file. If there is none, an example of the same file is looked for that has
//! the same middle between the same tokens (see
//! [`example_key`]), then one of any file. Memory holds some 300
//! bytes for each example of the old dataset.

use std::collections::{BTreeMap, BTreeSet};

use rustc_hash::{FxHashMap, FxHashSet};
use serde::Serialize;
use serde_json::Value;
use xxhash_rust::xxh3::{xxh3_64, xxh3_128};

use crate::cancel::{Cancel, Cancelled};
use crate::dataset::duplicates::example_key;
use crate::dataset::record::Example;
use crate::dataset::report::sample::position_name;
use crate::dataset::split::Split;
use crate::dataset::stored::{ReadError, StoredDataset};

/// The name of the file of rejects in a dataset's folder.
const REJECTS: &str = "rejects.jsonl";

/// The columns that tell where a hole is. They differ if the file has changed before it.
const PLACE: [&str; 4] = ["start_byte", "end_byte", "context_start", "filepath"];

/// Why two datasets cannot be compared.
#[derive(Debug, thiserror::Error)]
pub enum DiffError {
    /// One of them cannot be read.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// The comparison was cancelled.
    #[error(transparent)]
    Cancelled(#[from] Cancelled),
}

/// How a new dataset differs from an old one.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct DatasetDiff {
    /// Whether both hold the same examples in the same splits, with the same options.
    pub equal: bool,
    /// The options and the version that differ.
    pub options: Vec<ChangedOption>,
    /// The number of examples of the old dataset: training and validation.
    pub old: [usize; 2],
    /// The number of examples of the new dataset: training and validation.
    pub new: [usize; 2],
    /// The number of examples that are equal, in the same split.
    pub same: usize,
    /// The examples of the same holes that are not equal, by what differs.
    pub changed: DiffGroup,
    /// The examples that only the new dataset has, by the reason.
    pub came: DiffGroup,
    /// The examples that only the old dataset has, by the reason.
    pub went: DiffGroup,
}

/// An option, or the version of fimd, with other values.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ChangedOption {
    /// The name, as in the metadata.
    pub name: String,
    /// The value in the old dataset.
    pub old: Value,
    /// The value in the new dataset.
    pub new: Value,
}

/// Examples that differ.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct DiffGroup {
    /// How many there are.
    pub examples: usize,
    /// How many there are for each reason. An example that has changed may have several.
    pub reasons: BTreeMap<String, usize>,
    /// The first of them.
    pub first: Vec<ListedExample>,
}

/// An example that differs.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ListedExample {
    /// Its position, as in `train:14`: in the old dataset if it went, else in the new.
    pub at: String,
    /// The file and the bytes of its hole.
    pub hole: String,
    /// Why.
    pub reason: String,
}

impl DiffGroup {
    fn add(&mut self, most: usize, reasons: &[String], at: &str, hole: &str) {
        self.examples += 1;
        for reason in reasons {
            *self.reasons.entry(reason.clone()).or_default() += 1;
        }
        if self.first.len() < most {
            self.first.push(ListedExample {
                at: at.to_owned(),
                hole: hole.to_owned(),
                reason: reasons.join(", "),
            });
        }
    }
}

/// What is kept of an example of the old dataset.
struct OldExample {
    split: Split,
    number: usize,
    /// The hash of each column, in the order of the names.
    columns: Vec<u64>,
    is_matched: bool,
}

/// The examples of the old dataset.
#[derive(Default)]
struct OldExamples {
    examples: Vec<OldExample>,
    /// The names of the columns, by the hash of the list.
    names: FxHashMap<u64, Vec<String>>,
    /// The hash of the list of names of each example.
    of: Vec<u64>,
    by_place: FxHashMap<u128, usize>,
    in_file: FxHashMap<u128, Vec<usize>>,
    anywhere: FxHashMap<u128, Vec<usize>>,
}

/// Compares `new` with `old`, and lists at most `most` examples of each group.
///
/// # Errors
/// If an example cannot be read, or `cancel` is used.
pub fn diff<D: StoredDataset>(
    old: &D,
    new: &D,
    most: usize,
    cancel: &Cancel,
) -> Result<DatasetDiff, DiffError> {
    let mut diff = DatasetDiff {
        options: changed_options(old.metadata(), new.metadata()),
        ..DatasetDiff::default()
    };
    let [old_reasons, new_reasons] = [old, new].map(AbsenceReasons::of);
    let mut known = OldExamples::default();
    let mut old_files = FxHashSet::default();
    each(old, cancel, |split, number, example| {
        diff.old[split as usize] += 1;
        old_files.insert(file_of(&example));
        known.add(split, number, &example);
    })?;
    // Examples at the same place are matched first.
    let mut unmatched = BTreeSet::new();
    let mut new_files = FxHashSet::default();
    each(new, cancel, |split, number, example| {
        diff.new[split as usize] += 1;
        new_files.insert(file_of(&example));
        match known.at_place(&example) {
            Some(before) => diff.compare(&mut known, before, (split, number), &example, most),
            None => {
                unmatched.insert((split, number));
            }
        }
    })?;
    each(new, cancel, |split, number, example| {
        if !unmatched.contains(&(split, number)) {
            return;
        }
        match known.moved(&example) {
            Some(before) => diff.compare(&mut known, before, (split, number), &example, most),
            None => {
                let reason = old_reasons.why(&example, &old_files);
                let at = position_name((split, number));
                diff.came.add(most, &[reason], &at, &hole_of(&example));
            }
        }
    })?;
    let mut gone = known.examples.iter();
    each(old, cancel, |split, number, example| {
        if gone.next().is_some_and(|example| !example.is_matched) {
            let reason = new_reasons.why(&example, &new_files);
            let at = position_name((split, number));
            diff.went.add(most, &[reason], &at, &hole_of(&example));
        }
    })?;
    let groups = [&diff.changed, &diff.came, &diff.went];
    diff.equal = diff.options.is_empty() && groups.iter().all(|group| group.examples == 0);
    Ok(diff)
}

impl DatasetDiff {
    /// Compares the example at `position` of the new dataset with number `before` of the
    /// old one, which is of the same hole.
    fn compare(
        &mut self,
        known: &mut OldExamples,
        before: usize,
        position: (Split, usize),
        example: &Example,
        most: usize,
    ) {
        let names = known.of[before];
        let old = &mut known.examples[before];
        old.is_matched = true;
        let mut reasons = Vec::new();
        if old.split != position.0 {
            let (from, to) = (old.split.stem(), position.0.stem());
            reasons.push(format!("from {from} to {to}"));
        }
        let mut columns: BTreeMap<&str, u64> = BTreeMap::new();
        let (new_names, new_columns) = columns_of(example);
        let old_names = known.names.get(&names).into_iter().flatten();
        for (name, hash) in old_names.zip(&old.columns) {
            columns.insert(name, *hash);
        }
        let mut differing: Vec<&str> = Vec::new();
        for (name, hash) in new_names.iter().zip(&new_columns) {
            if columns.remove(&**name) != Some(*hash) {
                differing.push(name);
            }
        }
        differing.extend(columns.into_keys());
        let is_place = |name: &&str| PLACE.contains(name);
        if differing.iter().any(is_place) {
            reasons.push("moved".into());
        }
        let others = differing.iter().filter(|name| !is_place(name));
        reasons.extend(others.map(|name| (*name).to_owned()));
        if reasons.is_empty() {
            self.same += 1;
            return;
        }
        let at = position_name(position);
        self.changed.add(most, &reasons, &at, &hole_of(example));
    }
}

impl OldExamples {
    fn add(&mut self, split: Split, number: usize, example: &Example) {
        let index = self.examples.len();
        let (names, columns) = columns_of(example);
        let list = xxh3_64(names.join(",").as_bytes());
        self.names.entry(list).or_insert(names);
        self.of.push(list);
        self.examples.push(OldExample {
            split,
            number,
            columns,
            is_matched: false,
        });
        debug_assert_eq!(self.examples[index].number, number);
        self.by_place.insert(place(example), index);
        let [in_file, anywhere] = surroundings(example);
        self.in_file.entry(in_file).or_default().push(index);
        self.anywhere.entry(anywhere).or_default().push(index);
    }

    /// The example of the hole of `example`, if it is at the same place.
    fn at_place(&self, example: &Example) -> Option<usize> {
        let found = self.by_place.get(&place(example)).copied();
        found.filter(|found| !self.examples[*found].is_matched)
    }

    /// The example of the hole of `example` at another place.
    fn moved(&self, example: &Example) -> Option<usize> {
        let [in_file, anywhere] = surroundings(example);
        let free = |found: &&usize| !self.examples[**found].is_matched;
        let in_file = self.in_file.get(&in_file).into_iter().flatten();
        let anywhere = self.anywhere.get(&anywhere).into_iter().flatten();
        in_file.chain(anywhere).find(free).copied()
    }
}

/// Calls `take` with each example of `dataset`, its split and its number in it, from 1.
fn each(
    dataset: &impl StoredDataset,
    cancel: &Cancel,
    mut take: impl FnMut(Split, usize, Example),
) -> Result<(), DiffError> {
    for split in Split::ALL {
        for (number, example) in (1..).zip(dataset.examples(split)?) {
            cancel.check()?;
            take(split, number, example?);
        }
    }
    Ok(())
}

/// The names of the columns of `example`, and the hash of each value.
fn columns_of(example: &Example) -> (Vec<String>, Vec<u64>) {
    let value = serde_json::to_value(example).unwrap_or_default();
    let fields = value.as_object().into_iter().flatten();
    let hashed = fields.map(|(name, value)| (name.clone(), xxh3_64(value.to_string().as_bytes())));
    hashed.unzip()
}

fn hash(parts: &[&[u8]]) -> u128 {
    let mut bytes = Vec::new();
    for part in parts {
        bytes.extend_from_slice(&part.len().to_le_bytes());
        bytes.extend_from_slice(part);
    }
    xxh3_128(&bytes)
}

/// Equal for examples with the same middle at the same place.
fn place(example: &Example) -> u128 {
    hash(&[
        file_of(example).as_bytes(),
        &example.start_byte.to_le_bytes(),
        &example.end_byte.to_le_bytes(),
        example.middle.as_bytes(),
    ])
}

/// Equal for examples with the same middle and the same tokens around it: in one file,
/// and in any file.
fn surroundings(example: &Example) -> [u128; 2] {
    let key = example_key(&example.prefix, &example.middle, &example.suffix).to_le_bytes();
    [hash(&[file_of(example).as_bytes(), &key]), hash(&[&key])]
}

/// The file of `example`: `REPO:KEY`, or the key alone.
fn file_of(example: &Example) -> String {
    match &example.repo {
        Some(repo) => format!("{repo}:{}", example.filepath),
        None => example.filepath.clone(),
    }
}

fn hole_of(example: &Example) -> String {
    let Example {
        start_byte,
        end_byte,
        ..
    } = example;
    format!("{}:{start_byte}..{end_byte}", file_of(example))
}

/// The options and the version that differ.
fn changed_options(old: &Value, new: &Value) -> Vec<ChangedOption> {
    let value = |metadata: &Value, pointer: &str| {
        let found = metadata.pointer(pointer);
        found.cloned().unwrap_or_default()
    };
    let options = |metadata: &Value| value(metadata, "/options").as_object().cloned();
    let (before, after) = (options(old), options(new));
    let names: FxHashSet<_> = [&before, &after]
        .into_iter()
        .flatten()
        .flat_map(serde_json::Map::keys)
        .collect();
    let mut names: Vec<_> = names
        .into_iter()
        .map(|name| format!("options/{name}"))
        .collect();
    names.sort();
    names.insert(0, "version".into());
    let changed = names.into_iter().filter_map(|name| {
        let pointer = format!("/{name}");
        let (old, new) = (value(old, &pointer), value(new, &pointer));
        (old != new).then_some(ChangedOption { name, old, new })
    });
    changed.collect()
}

/// Why a dataset does not have the examples that another one has.
struct AbsenceReasons {
    /// Why files give no examples, by their labels.
    files: FxHashMap<String, String>,
    /// Why holes give none, by the labels of their files and their bytes.
    holes: FxHashMap<(String, u64, u64), String>,
}

impl AbsenceReasons {
    /// The reasons that the metadata of `dataset` tell, and its rejects, if they are in
    /// its folder.
    fn of(dataset: &impl StoredDataset) -> Self {
        let mut files = FxHashMap::default();
        let skipped = dataset.metadata().get("files_skipped");
        for (reason, of) in skipped.and_then(Value::as_object).into_iter().flatten() {
            let names = of.get("files").and_then(Value::as_array);
            for name in names.into_iter().flatten().filter_map(Value::as_str) {
                files.insert(name.to_owned(), reason.clone());
            }
        }
        let mut holes = FxHashMap::default();
        let rejects = dataset.text(REJECTS).unwrap_or_default();
        for line in rejects.lines() {
            let Ok(reject) = serde_json::from_str::<Value>(line) else {
                continue;
            };
            let text = |name: &str| reject[name].as_str().unwrap_or_default();
            let file = match text("repo") {
                "" => text("filepath").to_owned(),
                repo => format!("{repo}:{}", text("filepath")),
            };
            let bytes = ["start_byte", "end_byte"].map(|name| reject[name].as_u64());
            if let [Some(start), Some(end)] = bytes {
                holes.insert((file, start, end), text("reason").to_owned());
            }
        }
        Self { files, holes }
    }

    /// Why the dataset does not have `example`, given the files that it has examples of.
    fn why(&self, example: &Example, present: &FxHashSet<String>) -> String {
        let file = file_of(example);
        if let Some(reason) = self.files.get(&file) {
            return format!("file: {reason}");
        }
        let (start, end) = (example.start_byte as u64, example.end_byte as u64);
        if let Some(reason) = self.holes.get(&(file.clone(), start, end)) {
            return format!("hole: {reason}");
        }
        match present.contains(&file) {
            true => "hole: not drawn, or left out",
            false => "file: gives no examples, or is not there",
        }
        .to_owned()
    }
}
