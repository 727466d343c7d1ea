//! The holes of a run: drawn from projects, or from the validation split of a dataset.

use std::collections::BTreeMap;
use std::ops::Range;
use std::path::PathBuf;
use std::sync::Arc;

use rustc_hash::{FxHashMap, FxHashSet};

use super::CompletionArgs;
use crate::cancel::Cancel;
use crate::cli::{CliError, Setup};
use crate::dataset::SpanKind;
use crate::dataset::cut::drawn::draw_holes;
use crate::dataset::cut::unfinished::Unfinished;
use crate::dataset::mix::Mix;
use crate::dataset::stored::StoredDataset;
use crate::dataset::verify::held_out::{DatasetSource, HeldOutHoles, held_out_holes};
use crate::dataset::verify::options_of;
use crate::dataset::write::read::Dataset;
use crate::engine::{Project, ProjectOptions};
use crate::eval::HoleKind;
use crate::eval::completion::CompletionHole;
use crate::eval::completion::holes::named_holes;
use crate::index::{Snapshot, SourceFile};
use crate::secrets::{Secrets, within};

/// The lines before and behind a hole that the browser of cases shows, and the most bytes
/// of them.
const LINES: usize = 10;
const LINES_BYTES: usize = 2000;

/// A kind of hole: one of those of datasets or one of those of the measure of contexts.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum CaseKind {
    Span(SpanKind),
    Name(HoleKind),
}

impl CaseKind {
    /// All kinds that are drawn from a project by default.
    fn all() -> Vec<Self> {
        let names = <HoleKind as clap::ValueEnum>::value_variants();
        let mix = Mix::default();
        let spans = mix.shares().map(|(kind, _)| Self::Span(kind));
        spans
            .chain(names.iter().map(|kind| Self::Name(*kind)))
            .collect()
    }

    pub(super) fn name(self) -> String {
        match self {
            Self::Span(kind) => kind.name().to_owned(),
            Self::Name(kind) => crate::cli::eval::name_of(&kind),
        }
    }
}

impl std::str::FromStr for CaseKind {
    type Err = String;

    fn from_str(name: &str) -> Result<Self, String> {
        if let Some(kind) = SpanKind::named(name) {
            return Ok(Self::Span(kind));
        }
        <HoleKind as clap::ValueEnum>::from_str(name, false)
            .map(Self::Name)
            .map_err(|_| {
                let names: Vec<String> = Self::all().into_iter().map(Self::name).collect();
                format!("expected one of {}", names.join(", "))
            })
    }
}

/// An open project.
pub(super) struct OpenProject {
    /// Its name in prompts that name the repository, and in paths if there are several.
    pub(super) name: String,
    pub(super) project: Arc<Project>,
    pub(super) snapshot: Arc<Snapshot>,
}

/// A hole, as it is kept for the whole run.
pub(super) struct PlannedHole {
    pub(super) project: usize,
    pub(super) file: Arc<SourceFile>,
    pub(super) range: Range<usize>,
    kind: String,
    needed: Option<String>,
    unfinished: Option<Unfinished>,
}

/// What is asked, and where.
pub(super) struct Plan {
    pub(super) projects: Vec<OpenProject>,
    pub(super) holes: Vec<PlannedHole>,
    /// What is said about them on stderr.
    pub(super) notes: Vec<String>,
}

impl PlannedHole {
    /// The buffer before and behind the cursor.
    pub(super) fn buffer(&self) -> [String; 2] {
        let text = &*self.file.text;
        let around = self.unfinished.as_ref();
        let around = around.and_then(|unfinished| unfinished.around(text, &self.range));
        around.unwrap_or_else(|| {
            [&text[..self.range.start], &text[self.range.end..]].map(str::to_owned)
        })
    }

    /// The text that was cut out.
    pub(super) fn middle(&self) -> &str {
        &self.file.text[self.range.clone()]
    }

    /// The name in it that only another file declares.
    pub(super) fn needed(&self) -> Option<&str> {
        self.needed.as_deref()
    }

    /// The hole number `id`, as reports have it. Placeholders replace `secrets`.
    pub(super) fn case(&self, id: u32, plan: &Plan, secrets: Option<&Secrets>) -> CompletionHole {
        let [before, after] = self.buffer();
        let shown = |text: &str| match secrets {
            Some(secrets) => secrets.redact(text).0.into_owned(),
            None => text.to_owned(),
        };
        let name = &plan.projects[self.project].name;
        let in_project = |path: &str| match plan.projects.len() {
            1 => path.to_owned(),
            _ => format!("{name}/{path}"),
        };
        CompletionHole {
            id,
            path: in_project(&self.file.path),
            cursor: before.len(),
            kind: self.kind.clone(),
            directory: in_project(directory(&self.file.path)),
            middle: self.middle().to_owned(),
            needed: self.needed.clone(),
            before: shown(last_lines(&before)),
            after: shown(first_lines(&after)),
        }
    }
}

/// The first two folders of the path of a file; `.` for a file in none.
fn directory(path: &str) -> &str {
    let folders = path.rfind('/').map_or("", |end| &path[..end]);
    match folders.match_indices('/').nth(1) {
        _ if folders.is_empty() => ".",
        Some((end, _)) => &folders[..end],
        None => folders,
    }
}

/// The last lines of `text`.
fn last_lines(text: &str) -> &str {
    let from = text.len().saturating_sub(LINES_BYTES);
    let text = &text[text.ceil_char_boundary(from)..];
    let line = text.rmatch_indices('\n').nth(LINES);
    line.map_or(text, |(newline, _)| &text[newline + 1..])
}

/// The first lines of `text`.
fn first_lines(text: &str) -> &str {
    let text = &text[..text.floor_char_boundary(LINES_BYTES)];
    let line = text.match_indices('\n').nth(LINES);
    line.map_or(text, |(newline, _)| &text[..newline])
}

/// The error of something that failed.
fn failure(error: impl std::fmt::Display) -> CliError {
    CliError::Failure(error.to_string())
}

impl Plan {
    /// Opens the projects and draws the holes.
    ///
    /// # Errors
    /// If a project or a dataset cannot be read.
    pub(super) fn new(args: &CompletionArgs, setup: &Setup) -> Result<Self, CliError> {
        let dataset = args.dataset.as_deref().map(Dataset::open).transpose()?;
        let mut plan = Self {
            projects: open(args, dataset.as_ref(), setup)?,
            holes: Vec::new(),
            notes: Vec::new(),
        };
        match &dataset {
            Some(dataset) => plan.of_dataset(dataset, args, setup)?,
            None => plan.of_projects(args)?,
        }
        plan.leave_out_secrets()?;
        Ok(plan)
    }

    /// Checks that there are holes.
    ///
    /// # Errors
    /// If there are none: what to do.
    pub(super) fn check(&self, args: &CompletionArgs) -> Result<(), CliError> {
        if self.holes.is_empty() {
            let what = match &args.dataset {
                Some(folder) => format!(
                    "{}: its validation split gives no hole; make a dataset with a larger --val-split",
                    folder.display()
                ),
                None => format!(
                    "{}: no hole; `fimd files --why {}` lists what is left out",
                    args.project[0].display(),
                    args.project[0].display()
                ),
            };
            return Err(CliError::Failure(what));
        }
        Ok(())
    }

    /// Draws holes from the projects, of each kind as many as there are.
    fn of_projects(&mut self, args: &CompletionArgs) -> Result<(), CliError> {
        let kinds = match &*args.kind {
            [] => CaseKind::all(),
            kinds => kinds.to_vec(),
        };
        let spans: Vec<SpanKind> = kinds.iter().filter_map(|kind| kind.span()).collect();
        let names: Vec<HoleKind> = kinds.iter().filter_map(|kind| kind.of_name()).collect();
        // Some kinds may have few holes, and others then make up for them.
        let most = 2 * args.holes.div_ceil(kinds.len() * self.projects.len());
        let mut piles: BTreeMap<(usize, String), Vec<PlannedHole>> = BTreeMap::new();
        for (number, open) in self.projects.iter().enumerate() {
            let is_own = |key: &str| open.project.roots.owns(key);
            let files: FxHashMap<&str, &Arc<SourceFile>> = open
                .snapshot
                .files()
                .map(|file| (&*file.path, file))
                .collect();
            let mut add = |path: &str, range, kind: String, needed| {
                let pile = piles.entry((number, kind.clone())).or_default();
                pile.push(PlannedHole {
                    project: number,
                    file: Arc::clone(files[path]),
                    range,
                    kind,
                    needed,
                    unfinished: None,
                });
            };
            if !spans.is_empty() {
                let cancel = Cancel::default();
                let drawn = draw_holes(&open.snapshot, &spans, args.seed, most, &is_own, &cancel)?;
                for hole in drawn {
                    let kind = hole.kind.name().to_owned();
                    add(&hole.path, hole.range, kind, hole.needed);
                }
            }
            for hole in named_holes(&open.snapshot, &names, args.seed, most, &is_own) {
                let kind = CaseKind::Name(hole.kind).name();
                add(&hole.path, hole.range, kind, hole.needed);
            }
        }
        // One of each pile after the other.
        let mut piles: Vec<_> = piles.into_values().map(Vec::into_iter).collect();
        let mut taken: FxHashSet<(usize, String, usize, usize)> = FxHashSet::default();
        while !piles.is_empty() && self.holes.len() < args.holes {
            for pile in &mut piles {
                let new = pile.find(|hole| {
                    let Range { start, end } = hole.range;
                    taken.insert((hole.project, hole.file.path.to_string(), start, end))
                });
                self.holes.extend(new);
            }
            piles.retain(|pile| pile.len() > 0);
        }
        self.holes.truncate(args.holes);
        Ok(())
    }

    /// Draws holes from the validation split of `dataset`.
    fn of_dataset(
        &mut self,
        dataset: &Dataset,
        args: &CompletionArgs,
        setup: &Setup,
    ) -> Result<(), CliError> {
        let options = options_of(dataset).map_err(failure)?;
        let families = &setup.settings.families;
        let model = options
            .model(families, std::fs::read)
            .map_err(|wrong| CliError::Failure(format!("the dataset's options: {wrong}")))?;
        let has_names = named_projects(dataset).len() > 1;
        let sources: Vec<DatasetSource<'_>> = self
            .projects
            .iter()
            .map(|open| DatasetSource {
                name: has_names.then_some(&*open.name),
                snapshot: &open.snapshot,
            })
            .collect();
        let kinds = args.span_kinds()?;
        let HeldOutHoles {
            holes,
            from_history,
            with_secrets,
        } = held_out_holes(
            dataset,
            &sources,
            model.family_tokens(),
            &kinds,
            args.holes,
            args.seed,
            &Cancel::default(),
        )
        .map_err(failure)?;
        self.note(
            from_history,
            "validation examples are from the history of files: left out",
        );
        self.note(with_secrets, "validation examples hold a secret: left out");
        let files: Vec<FxHashMap<&str, &Arc<SourceFile>>> = self
            .projects
            .iter()
            .map(|open| {
                open.snapshot
                    .files()
                    .map(|file| (&*file.path, file))
                    .collect()
            })
            .collect();
        self.holes = holes
            .into_iter()
            .map(|hole| PlannedHole {
                file: Arc::clone(files[hole.project][&*hole.path]),
                project: hole.project,
                range: hole.range,
                kind: hole.kind.name().to_owned(),
                needed: hole.needed,
                unfinished: hole.unfinished,
            })
            .collect();
        Ok(())
    }

    /// Notes that there are so many of something, unless there are none.
    pub(super) fn note(&mut self, count: usize, what: &str) {
        if count > 0 {
            self.notes.push(format!("{count} {what}"));
        }
    }

    /// Leaves out the holes that touch a secret: nobody is to complete one, and no report
    /// is to show it.
    fn leave_out_secrets(&mut self) -> Result<(), CliError> {
        let secrets = Secrets::new().map_err(failure)?;
        self.holes.retain(|hole| {
            let found = hole.file.secrets(&secrets);
            within(found, hole.range.clone()).next().is_none()
        });
        Ok(())
    }

    /// How messages name the file `path` of a project.
    pub(super) fn label(&self, path: &str, project: usize) -> String {
        match self.projects.len() {
            1 => path.to_owned(),
            _ => format!("{}/{path}", self.projects[project].name),
        }
    }
}

impl CompletionArgs {
    /// The kinds of holes of a dataset that are asked for; none for all.
    fn span_kinds(&self) -> Result<Vec<SpanKind>, CliError> {
        let kinds: Option<Vec<SpanKind>> = self.kind.iter().map(|kind| kind.span()).collect();
        kinds.ok_or_else(|| {
            CliError::Usage(
                "--kind: a dataset has the kinds of its mix only; leave the others out".into(),
            )
        })
    }
}

impl CaseKind {
    fn span(&self) -> Option<SpanKind> {
        match self {
            Self::Span(kind) => Some(*kind),
            Self::Name(_) => None,
        }
    }

    fn of_name(&self) -> Option<HoleKind> {
        match self {
            Self::Span(_) => None,
            Self::Name(kind) => Some(*kind),
        }
    }
}

/// The names of the projects in the metadata of `dataset`.
fn named_projects(dataset: &Dataset) -> Vec<String> {
    let named = dataset.metadata().get("projects");
    let named = named.and_then(serde_json::Value::as_array);
    let names = named.into_iter().flatten();
    names
        .map(|name| name["name"].as_str().unwrap_or_default().to_owned())
        .collect()
}

/// Opens the projects that `args` name.
fn open(
    args: &CompletionArgs,
    dataset: Option<&Dataset>,
    setup: &Setup,
) -> Result<Vec<OpenProject>, CliError> {
    let mut include_paths: Vec<PathBuf> = args.include_path.clone();
    let mut names = Vec::new();
    let mut walk = setup.settings.walk();
    if let Some(dataset) = dataset {
        let options = options_of(dataset).map_err(failure)?;
        if include_paths.is_empty() {
            include_paths = options.include_path;
        }
        if let Some(bytes) = options.max_file_bytes {
            walk.max_file_bytes = bytes;
        }
        names = named_projects(dataset);
        let expected = names.len().max(1);
        if args.project.len() != expected {
            return Err(CliError::Usage(format!(
                "the dataset was made from {expected} projects, and {} are named: name each, in \
                 the same order",
                args.project.len()
            )));
        }
    }
    let mut opened: Vec<OpenProject> = Vec::new();
    for (number, root) in args.project.iter().enumerate() {
        let project = Project::open(&ProjectOptions {
            root: root.clone(),
            include_paths: include_paths.clone(),
            walk: walk.clone(),
            cache: setup.cache.clone(),
        })
        .map_err(failure)?;
        project.write_stale_cache();
        let name = names.get(number).cloned();
        let name = name.unwrap_or_else(|| project.name());
        if opened.iter().any(|other| other.name == name) {
            return Err(CliError::Usage(format!(
                "two projects are called {name}: measure one after the other"
            )));
        }
        opened.push(OpenProject {
            name,
            snapshot: project.index.snapshot(),
            project,
        });
    }
    Ok(opened)
}
