//! What the context shows of each file's declarations, and the headers above it.

use std::cmp::Ordering;
use std::collections::BTreeMap;

use rustc_hash::FxHashMap;

use super::render::{file_header, header_chars};
use crate::context::rank::RealCall;
use crate::context::snippet::{Context, SnippetSource};
use crate::context::weights::FILES_OF_FOLDER;
use crate::php::Span;

/// A file with candidates, and those of them that the context shows.
pub(super) struct FileSection<'a> {
    pub(super) path: &'a str,
    /// Which of the [`Folders`] it belongs to.
    pub(super) folder: usize,
    /// Whether the context shows anything of the file.
    pub(super) is_open: bool,
    /// The best score of what is shown.
    pub(super) score: f32,
    /// The head of each shown class, by its number in the file, with its
    /// members.
    pub(super) classes: BTreeMap<usize, (ClassHead, Vec<SignatureLine<'a>>)>,
    /// Functions and constants.
    pub(super) others: Vec<SignatureLine<'a>>,
}

/// The first line of a class.
pub(super) struct ClassHead {
    pub(super) text: String,
    pub(super) span: Span,
    pub(super) score: f32,
}

/// A line of a file's section.
pub(super) struct SignatureLine<'a> {
    pub(super) text: String,
    pub(super) span: Span,
    pub(super) score: f32,
    /// A line with a real call of what is declared, and where it is from.
    pub(super) call: Option<(String, RealCall<'a>)>,
}

impl<'a> FileSection<'a> {
    pub(super) fn new(path: &'a str, folder: usize) -> Self {
        Self {
            path,
            folder,
            is_open: false,
            score: 0.0,
            classes: BTreeMap::new(),
            others: Vec::new(),
        }
    }

    fn write(self, context: &mut Context) {
        for (head, lines) in self.classes.into_values() {
            let from = (self.path, head.span);
            context.show(&head.text, from, SnippetSource::Dependency, head.score);
            if lines.is_empty() {
                context.text.push_str(" {}\n");
            } else {
                context.text.push_str(" {\n");
                write_lines(self.path, lines, context);
                context.text.push_str("}\n");
            }
        }
        write_lines(self.path, self.others, context);
    }
}

/// Appends the lines of the file `path` in the order of its source.
fn write_lines(path: &str, mut lines: Vec<SignatureLine<'_>>, context: &mut Context) {
    lines.sort_by_key(|line| line.span.start);
    for line in lines {
        let from = (path, line.span);
        context.show(&line.text, from, SnippetSource::Dependency, line.score);
        if let Some((text, call)) = line.call {
            let from = (call.path, call.span);
            context.show(&text, from, SnippetSource::Dependency, line.score);
        }
    }
}

/// The folders of the files, by path and namespace. Where the context shows
/// [`FILES_OF_FOLDER`] files of a folder or more, they stand under one header, which
/// names the folder.
#[derive(Default)]
pub(super) struct Folders {
    all: Vec<Folder>,
    numbers: FxHashMap<(String, String), usize>,
}

struct Folder {
    /// Its path with a `/` at the end.
    path: String,
    /// The line that names the namespace; empty without one.
    namespace: String,
    /// How many of its files the context shows.
    files: usize,
    /// The characters of the headers of these files.
    header_chars: usize,
}

impl Folders {
    /// The number of the folder of the file `path`, whose declarations stand behind
    /// the line `namespace`.
    pub(super) fn number(&mut self, path: &str, namespace: String) -> usize {
        let path = path.rfind('/').map_or("./", |slash| &path[..=slash]);
        let next = self.all.len();
        let key = (path.to_owned(), namespace);
        let number = *self.numbers.entry(key.clone()).or_insert(next);
        if number == next {
            let (path, namespace) = key;
            self.all.push(Folder {
                path,
                namespace,
                files: 0,
                header_chars: 0,
            });
        }
        number
    }

    /// How many characters the headers grow by when the file of `section` is shown as
    /// well; below 0 where one header takes the place of several.
    pub(super) fn more_chars(&self, section: &FileSection<'_>) -> isize {
        let folder = &self.all[section.folder];
        let chars = match (folder.files + 1).cmp(&FILES_OF_FOLDER) {
            Ordering::Less => return folder.header(section.path) as isize,
            Ordering::Equal => folder.header(&folder.path),
            Ordering::Greater => return 0,
        };
        chars as isize - folder.header_chars as isize
    }

    /// Notes that the file of `section` is shown.
    pub(super) fn open(&mut self, section: &FileSection<'_>) {
        let folder = &mut self.all[section.folder];
        folder.files += 1;
        folder.header_chars += folder.header(section.path);
    }

    /// Appends the sections that are open to `context`, the one with the best score
    /// first, those of one folder together.
    pub(super) fn write(self, mut sections: Vec<FileSection<'_>>, context: &mut Context) {
        sections.retain(|section| section.is_open);
        sections.sort_by(|a, b| b.score.total_cmp(&a.score).then(a.path.cmp(b.path)));
        // A file of a folder that has one header stands where the best one of it does.
        let mut first = vec![usize::MAX; self.all.len()];
        let mut placed = Vec::with_capacity(sections.len());
        for (place, section) in sections.into_iter().enumerate() {
            let is_joined = self.all[section.folder].files >= FILES_OF_FOLDER;
            let first = &mut first[section.folder];
            *first = place.min(*first);
            placed.push((if is_joined { *first } else { place }, is_joined, section));
        }
        placed.sort_by_key(|(place, ..)| *place);
        let mut last = None;
        for (_, is_joined, section) in placed {
            let folder = &self.all[section.folder];
            if !is_joined || last != Some(section.folder) {
                let path = if is_joined {
                    &*folder.path
                } else {
                    section.path
                };
                context.text.push_str(&file_header(path));
                context.text.push_str(&folder.namespace);
                context.files.push(path.to_owned());
            }
            last = is_joined.then_some(section.folder);
            section.write(context);
        }
    }
}

impl Folder {
    /// The characters of the header that names `path`.
    fn header(&self, path: &str) -> usize {
        header_chars(path) + self.namespace.chars().count()
    }
}
