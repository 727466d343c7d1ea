//! Packs declarations as signatures, grouped by file and class.

use std::collections::BTreeMap;

use rustc_hash::FxHashMap;

use super::render::{class_head, file_header, signature_chars, signature_line};
use super::state::PackingState;
use crate::cancel::{Cancel, Cancelled};
use crate::context::candidate::{Candidate, ScoredCandidate};
use crate::context::request::MinScore;
use crate::context::snippet::{Context, Snippet, SnippetSource};
use crate::context::weights::{
    CLASS_FRAME_CHARS, FILE_FRAME_CHARS, SIGNATURE_CHARS, density, packing_round,
};
use crate::index::symbols::Declaration;
use crate::php::Span;
use crate::secrets;

/// The declarations that the context shows.
#[derive(Default)]
pub(super) struct DeclarationPacker<'a> {
    sections: Vec<FileSection<'a>>,
}

/// A file with candidates, and those of them that the context shows.
struct FileSection<'a> {
    path: &'a str,
    /// Whether the context shows anything of the file.
    is_open: bool,
    /// The line that names the namespace; empty without one.
    namespace: String,
    /// The best score of what is shown.
    score: f32,
    /// The head of each shown class, by its number in the file, with its
    /// members.
    classes: BTreeMap<usize, (String, Vec<SignatureLine>)>,
    /// Functions and constants.
    others: Vec<SignatureLine>,
}

/// A line of a file's section.
struct SignatureLine {
    text: String,
    chars: usize,
    span: Span,
    score: f32,
}

/// A candidate that waits for room.
pub(super) struct PendingCandidate<'a> {
    pub(super) scored: ScoredCandidate<'a>,
    /// Which of [`DeclarationPacker::sections`] it belongs to.
    section: usize,
    /// About how many characters it takes. The exact number is known once it
    /// is written.
    chars: usize,
}

impl<'a> DeclarationPacker<'a> {
    /// Gives each candidate a section; drops those that are less likely than
    /// `min_score`.
    pub(super) fn sort_out(
        &mut self,
        candidates: &[ScoredCandidate<'a>],
        min_score: MinScore,
        state: &mut PackingState<'_>,
    ) -> Vec<PendingCandidate<'a>> {
        let mut pending = Vec::with_capacity(candidates.len());
        let mut numbers: FxHashMap<&str, usize> = FxHashMap::default();
        for &scored in candidates {
            if scored.score < min_score.probability() {
                state.drop_candidate(scored, "below the relevance threshold");
                continue;
            }
            let path = scored.candidate.path();
            let section = *numbers.entry(path).or_insert_with(|| {
                self.sections.push(FileSection::new(path));
                self.sections.len() - 1
            });
            pending.push(PendingCandidate {
                scored,
                section,
                chars: signature_chars(scored.candidate.span()),
            });
        }
        pending
    }

    /// Takes the candidates with the highest probability per character while
    /// the context stays within `budget` characters. Returns those that did not
    /// fit.
    ///
    /// # Errors
    /// [`Cancelled`] once `cancel` is set.
    pub(super) fn take(
        &mut self,
        mut pending: Vec<PendingCandidate<'a>>,
        budget: usize,
        state: &mut PackingState<'_>,
        cancel: &Cancel,
    ) -> Result<Vec<PendingCandidate<'a>>, Cancelled> {
        let budget = budget.min(state.max_chars);
        // Opening a section makes its other members cheaper, so each round
        // takes the best few and then computes the densities anew.
        loop {
            cancel.check()?;
            let mut order: Vec<(f32, usize)> = pending
                .iter()
                .enumerate()
                .map(|(index, candidate)| (self.density(candidate), index))
                .collect();
            order.sort_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1)));
            order.truncate(packing_round(order.len()));
            let mut taken = vec![false; pending.len()];
            for (_, index) in order {
                taken[index] = self.take_one(&pending[index], budget, state);
            }
            let before = pending.len();
            let mut taken = taken.into_iter();
            pending.retain(|_| !taken.next().unwrap_or(false));
            if pending.len() == before {
                return Ok(pending);
            }
        }
    }

    /// Probability per character, estimated from the lengths in the source.
    fn density(&self, pending: &PendingCandidate<'a>) -> f32 {
        let section = &self.sections[pending.section];
        let mut headers = 0;
        if !section.is_open {
            headers += section.path.len() + FILE_FRAME_CHARS;
        }
        if let Some(class) = pending.scored.candidate.class()
            && !section.classes.contains_key(&class.item)
        {
            headers += class.class().head.len().min(SIGNATURE_CHARS) + CLASS_FRAME_CHARS;
        }
        density(pending.scored.score, pending.chars, headers)
    }

    /// Takes the candidate if it fits.
    fn take_one(
        &mut self,
        pending: &PendingCandidate<'a>,
        budget: usize,
        state: &mut PackingState<'_>,
    ) -> bool {
        let ScoredCandidate { candidate, score } = pending.scored;
        let section = &mut self.sections[pending.section];
        let mut line = signature_line(&candidate);
        let mut hidden = Vec::new();
        if let (Some(secrets), Some(line)) = (state.secrets, &mut line) {
            hidden = secrets.find(line);
            if !hidden.is_empty() {
                *line = secrets::replace(line, 0..line.len(), &hidden).into_owned();
            }
        }
        let chars = line.as_deref().map_or(0, |line| line.chars().count());
        let mut cost = chars;
        let namespace = (!section.is_open).then(|| namespace_line(&candidate));
        if let Some(namespace) = &namespace {
            let header = file_header(section.path);
            cost += header.chars().count() + namespace.chars().count();
        }
        let class = candidate.class().map(|class| class.item);
        let is_new = |item: &usize| !section.classes.contains_key(item);
        let head = candidate
            .class()
            .filter(|class| is_new(&class.item))
            .map(class_head);
        if let Some(head) = &head {
            cost += head.chars().count() + CLASS_FRAME_CHARS;
        }
        if state.used + cost > budget {
            return false;
        }
        state.used += cost;
        state.count_redacted(&hidden);
        section.open(score, namespace);
        if let (Some(item), Some(head)) = (class, head) {
            section.classes.insert(item, (head, Vec::new()));
        }
        let line = line.map(|text| SignatureLine {
            text,
            chars,
            span: candidate.span(),
            score,
        });
        match class.and_then(|item| section.classes.get_mut(&item)) {
            Some((_, lines)) => lines.extend(line),
            None => section.others.extend(line),
        }
        true
    }

    /// Appends the sections to `context`, the one with the best score first.
    pub(super) fn write(self, context: &mut Context) {
        let mut sections = self.sections;
        sections.retain(|section| section.is_open);
        sections.sort_by(|a, b| b.score.total_cmp(&a.score).then(a.path.cmp(b.path)));
        for section in sections {
            section.write(context);
        }
    }
}

impl<'a> FileSection<'a> {
    fn new(path: &'a str) -> Self {
        Self {
            path,
            is_open: false,
            namespace: String::new(),
            score: 0.0,
            classes: BTreeMap::new(),
            others: Vec::new(),
        }
    }

    /// Notes that something with this score is shown; the first time, with the
    /// line that names the namespace.
    fn open(&mut self, score: f32, namespace: Option<String>) {
        self.is_open = true;
        self.score = self.score.max(score);
        if let Some(namespace) = namespace {
            self.namespace = namespace;
        }
    }

    fn write(self, context: &mut Context) {
        context.text.push_str(&file_header(self.path));
        context.files.push(self.path.to_owned());
        context.text.push_str(&self.namespace);
        for (head, lines) in self.classes.into_values() {
            context.text.push_str(&head);
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
fn write_lines(path: &str, mut lines: Vec<SignatureLine>, context: &mut Context) {
    lines.sort_by_key(|line| line.span.start);
    for line in lines {
        context.text.push_str(&line.text);
        context.snippets.push(Snippet {
            path: path.to_owned(),
            start: line.span.start as usize,
            end: line.span.end as usize,
            source: SnippetSource::Dependency,
            score: line.score,
            chars: line.chars,
        });
    }
}

/// `namespace X;` for a candidate in a namespace, else nothing.
fn namespace_line(candidate: &Candidate<'_>) -> String {
    let namespace = match candidate.class() {
        Some(class) => class.scope().namespace().to_owned(),
        None => match candidate {
            Candidate::Declared(declared @ Declaration::Function(..)) => {
                let full = declared.full_name().unwrap_or_default();
                full.rsplit_once('\\')
                    .map_or_else(String::new, |(namespace, _)| namespace.to_owned())
            }
            _ => String::new(),
        },
    };
    if namespace.is_empty() {
        String::new()
    } else {
        format!("namespace {namespace};\n")
    }
}
