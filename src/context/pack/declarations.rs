//! Packs declarations as signatures, grouped by file and class.

use std::collections::BTreeMap;

use rustc_hash::FxHashMap;

use super::render::{class_head, file_header, signature_chars, signature_line};
use super::state::PackingState;
use crate::cancel::{Cancel, Cancelled};
use crate::context::candidate::{Candidate, ScoredCandidate};
use crate::context::rank::LikelyLiterals;
use crate::context::snippet::{Context, Snippet, SnippetSource};
use crate::context::weights::{
    CLASS_FRAME_CHARS, FILE_FRAME_CHARS, LITERAL_CHARS, SIGNATURE_CHARS, density, packing_round,
};
use crate::index::symbols::Declaration;
use crate::php::Span;
use crate::secrets;

/// The declarations that the context shows.
pub(super) struct DeclarationPacker<'a> {
    sections: Vec<FileSection<'a>>,
    /// The namespace at the cursor, whose names need none.
    own_namespace: &'a str,
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
    classes: BTreeMap<usize, (ClassHead, Vec<SignatureLine>)>,
    /// Functions and constants.
    others: Vec<SignatureLine>,
}

/// The first line of a class.
struct ClassHead {
    text: String,
    span: Span,
    score: f32,
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
    /// A packer for a cursor in the namespace `own_namespace`.
    pub(super) fn new(own_namespace: &'a str) -> Self {
        Self {
            sections: Vec::new(),
            own_namespace,
        }
    }

    /// Takes the line that lists `literals`, as long as it stays within `budget`
    /// characters.
    pub(super) fn take_literals(
        &mut self,
        literals: &LikelyLiterals<'a>,
        budget: usize,
        state: &mut PackingState<'_>,
    ) {
        let header = file_header(literals.path).chars().count();
        let mut line = String::from("//");
        let mut chars = line.len() + "\n".len();
        for text in &literals.texts {
            let more = " ''".len() + text.chars().count();
            if header + chars + more > budget.min(LITERAL_CHARS) {
                break;
            }
            chars += more;
            line.push_str(" '");
            line.push_str(text);
            line.push('\'');
        }
        let hidden = state.secrets.map(|secrets| secrets.find(&line));
        if line.len() == 2 || hidden.is_some_and(|hidden| !hidden.is_empty()) {
            return;
        }
        line.push('\n');
        let mut section = FileSection::new(literals.path);
        section.open(1.0, None);
        section.others.push(SignatureLine {
            text: line,
            chars,
            span: Span::new(literals.start, literals.end),
            score: 1.0,
        });
        state.used += header + chars;
        self.sections.push(section);
    }

    /// Gives each candidate a section; drops those that are less likely than
    /// `threshold`.
    pub(super) fn sort_out(
        &mut self,
        candidates: &[ScoredCandidate<'a>],
        threshold: f32,
        state: &mut PackingState<'_>,
    ) -> Vec<PendingCandidate<'a>> {
        let mut pending = Vec::with_capacity(candidates.len());
        let sections = (0..).zip(&self.sections);
        let mut numbers: FxHashMap<&str, usize> =
            sections.map(|(at, section)| (section.path, at)).collect();
        for &scored in candidates {
            if scored.score < threshold {
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
        let namespace = (!section.is_open).then(|| namespace_line(&candidate, self.own_namespace));
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
        if let (Some(class), Some(text)) = (candidate.class(), head) {
            let span = class.class().head;
            let head = ClassHead { text, span, score };
            section.classes.insert(class.item, (head, Vec::new()));
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
            context.snippets.push(Snippet {
                path: self.path.to_owned(),
                start: head.span.start as usize,
                end: head.span.end as usize,
                source: SnippetSource::Dependency,
                score: head.score,
                chars: head.text.chars().count(),
            });
            context.text.push_str(&head.text);
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

/// `namespace X;` for a candidate in a namespace. Nothing if the namespace is that of
/// the cursor, or if the file's folder is called like it.
fn namespace_line(candidate: &Candidate<'_>, own: &str) -> String {
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
    let folder = candidate.path().rsplit('/').nth(1).unwrap_or_default();
    let last = namespace.rsplit('\\').next().unwrap_or_default();
    if namespace.is_empty() || namespace == own || last == folder {
        String::new()
    } else {
        format!("namespace {namespace};\n")
    }
}
