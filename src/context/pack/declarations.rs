//! Packs declarations as signatures, grouped by file and class.

use std::cell::OnceCell;

use rustc_hash::FxHashMap;

use super::render::{
    call_line, class_head, file_header, line_chars, signature_chars, signature_line,
};
use super::sections::{ClassHead, FileSection, Folders, SignatureLine};
use super::state::PackingState;
use crate::cancel::{Cancel, Cancelled};
use crate::context::candidate::{Candidate, ScoredCandidate};
use crate::context::rank::{LikelyLiterals, RealCall, RealCalls};
use crate::context::snippet::Context;
use crate::context::weights::{
    BRIEF_ABOVE_CHARS, BRIEF_SCORE, CLASS_FRAME_CHARS, LITERAL_CHARS, SIGNATURE_CHARS, density,
    packing_round,
};
use crate::index::symbols::Declaration;
use crate::php::Span;
use crate::secrets::{self, Secret, Secrets};

/// The declarations that the context shows.
pub(super) struct DeclarationPacker<'a> {
    sections: Vec<FileSection<'a>>,
    folders: Folders,
    /// The keys of the candidates that are taken, and of the classes around them.
    shown: Vec<(&'a str, u32)>,
    /// The namespace at the cursor, whose names need none.
    own_namespace: &'a str,
    /// Real calls of some candidates.
    calls: RealCalls<'a>,
    /// The probability below which a function is shown without its parameters.
    brief_below: f32,
}

/// A candidate that waits for room.
pub(super) struct PendingCandidate<'a> {
    pub(super) scored: ScoredCandidate<'a>,
    /// Which of [`DeclarationPacker::sections`] it belongs to.
    section: usize,
    /// The number of its class in the file.
    class: Option<usize>,
    /// About how many characters it takes. The exact number is known once it
    /// is written.
    chars: usize,
    /// What it shows. A candidate that does not fit may be tried again.
    written: OnceCell<WrittenCandidate<'a>>,
    /// The head of its class, and its characters.
    head: OnceCell<(String, usize)>,
}

/// What a candidate shows beside the head of its class.
struct WrittenCandidate<'a> {
    /// Its line, with placeholders for the `hidden` secrets; a class has none.
    line: Option<String>,
    hidden: Vec<Secret>,
    /// A line with a real call of it.
    call: Option<(String, RealCall<'a>)>,
    /// The characters of these lines.
    chars: usize,
}

impl PendingCandidate<'_> {
    /// Its probability per character of its own line.
    fn own_density(&self) -> f32 {
        density(self.scored.score, self.chars)
    }
}

impl<'a> DeclarationPacker<'a> {
    /// A packer for a cursor in the namespace `own_namespace`.
    pub(super) fn new(own_namespace: &'a str, calls: RealCalls<'a>) -> Self {
        Self {
            sections: Vec::new(),
            folders: Folders::default(),
            shown: Vec::new(),
            own_namespace,
            calls,
            brief_below: 0.0,
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
        let folder = self.folders.number(literals.path, String::new());
        let mut section = FileSection::new(literals.path, folder);
        (section.is_open, section.score) = (true, 1.0);
        self.folders.open(&section);
        section.others.push(SignatureLine {
            text: line,
            span: Span::new(literals.start, literals.end),
            score: 1.0,
            call: None,
        });
        state.used += header + chars;
        self.sections.push(section);
    }

    /// Gives each candidate a section; drops those that are less likely than
    /// `threshold`. Those of one class stand together, the densest first.
    pub(super) fn sort_out<'s>(
        &mut self,
        candidates: &[ScoredCandidate<'a>],
        threshold: f32,
        state: &mut PackingState<'s>,
    ) -> Vec<PendingCandidate<'a>>
    where
        'a: 's,
    {
        let mut pending = Vec::with_capacity(candidates.len());
        let sections = (0..).zip(&self.sections);
        let mut numbers: FxHashMap<&str, usize> =
            sections.map(|(at, section)| (section.path, at)).collect();
        let likely = candidates.iter().filter(|scored| scored.score >= threshold);
        let chars = likely.map(|scored| signature_chars(scored.candidate.span()));
        if chars.sum::<usize>() > BRIEF_ABOVE_CHARS {
            self.brief_below = BRIEF_SCORE;
        }
        for &scored in candidates {
            if scored.score < threshold {
                state.drop_candidate(scored, "below the relevance threshold");
                continue;
            }
            let candidate = &scored.candidate;
            let path = candidate.path();
            let section = *numbers.entry(path).or_insert_with(|| {
                let namespace = namespace_line(candidate, self.own_namespace);
                let folder = self.folders.number(path, namespace);
                self.sections.push(FileSection::new(path, folder));
                self.sections.len() - 1
            });
            let chars = line_chars(candidate, scored.score < self.brief_below);
            pending.push(PendingCandidate {
                scored,
                section,
                class: candidate.class().map(|class| class.item),
                chars,
                written: OnceCell::new(),
                head: OnceCell::new(),
            });
        }
        pending.sort_by(|a, b| {
            let group = (a.section, a.class).cmp(&(b.section, b.class));
            group.then_with(|| b.own_density().total_cmp(&a.own_density()))
        });
        pending
    }

    /// Takes the candidates with the highest probability per character while
    /// the context stays within `budget` characters and that probability is at least
    /// `least`. Returns those that it did not take.
    ///
    /// # Errors
    /// [`Cancelled`] once `cancel` is set.
    pub(super) fn take(
        &mut self,
        mut pending: Vec<PendingCandidate<'a>>,
        budget: usize,
        least: f32,
        state: &mut PackingState<'_>,
        cancel: &Cancel,
    ) -> Result<Vec<PendingCandidate<'a>>, Cancelled> {
        let budget = budget.min(state.max_chars);
        // Opening a section makes its other members cheaper, so each round
        // takes the best few and then computes the densities anew.
        loop {
            cancel.check()?;
            let densities = self.densities(&pending).into_iter().zip(0..);
            let mut order: Vec<(f32, usize)> =
                densities.filter(|(density, _)| *density >= least).collect();
            order.sort_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1)));
            order.truncate(packing_round(order.len()));
            let mut taken = vec![false; pending.len()];
            for (_, index) in order {
                taken[index] = self.take_one(&mut pending[index], budget, state);
            }
            let before = pending.len();
            let mut taken = taken.into_iter();
            pending.retain(|_| !taken.next().unwrap_or(false));
            if pending.len() == before {
                return Ok(pending);
            }
        }
    }

    /// The probability per character of each candidate, estimated from the lengths in
    /// the source. Members of one class share the headers that they need: those that
    /// pay for the headers best together have the density of all of them.
    fn densities(&self, pending: &[PendingCandidate<'a>]) -> Vec<f32> {
        let mut densities = Vec::with_capacity(pending.len());
        for group in pending.chunk_by(|a, b| (a.section, a.class) == (b.section, b.class)) {
            let headers = self.header_chars(&group[0]);
            let (mut probability, mut chars, mut best) = (0.0, headers, 0.0_f32);
            for candidate in group {
                probability += candidate.scored.score;
                chars += candidate.chars;
                best = best.max(density(probability, chars));
            }
            let own = group.iter().map(|candidate| match headers {
                0 => candidate.own_density(),
                _ => candidate.own_density().min(best),
            });
            densities.extend(own);
        }
        densities
    }

    /// About how many characters of headers the context still needs to show the
    /// candidate.
    fn header_chars(&self, pending: &PendingCandidate<'a>) -> usize {
        let section = &self.sections[pending.section];
        let mut headers = 0;
        if !section.is_open {
            headers = usize::try_from(self.folders.more_chars(section)).unwrap_or(0);
        }
        if let Some(class) = pending.scored.candidate.class()
            && !section.classes.contains_key(&class.item)
        {
            headers += class.class().head.len().min(SIGNATURE_CHARS) + CLASS_FRAME_CHARS;
        }
        headers
    }

    /// Takes the candidate if it fits.
    fn take_one(
        &mut self,
        pending: &mut PendingCandidate<'a>,
        budget: usize,
        state: &mut PackingState<'_>,
    ) -> bool {
        let ScoredCandidate { candidate, score } = pending.scored;
        let write = || self.written(pending.scored, state.secrets);
        let mut cost = pending.written.get_or_init(write).chars as isize;
        let section = &mut self.sections[pending.section];
        if !section.is_open {
            cost += self.folders.more_chars(section);
        }
        let class = candidate.class().map(|class| class.item);
        let is_new = |item: &usize| !section.classes.contains_key(item);
        let new_class = candidate.class().filter(|class| is_new(&class.item));
        if let Some(class) = new_class {
            let head = || {
                let head = class_head(class);
                let chars = head.chars().count();
                (head, chars)
            };
            cost += (pending.head.get_or_init(head).1 + CLASS_FRAME_CHARS) as isize;
        }
        let used = state.used.saturating_add_signed(cost);
        if used > budget {
            return false;
        }
        let Some(written) = pending.written.take() else {
            return false;
        };
        state.used = used;
        state.count_redacted(&written.hidden);
        if !section.is_open {
            section.is_open = true;
            self.folders.open(section);
        }
        section.score = section.score.max(score);
        self.shown.push(candidate.key());
        if let (Some(class), Some((text, _))) = (new_class, pending.head.take()) {
            let span = class.class().head;
            self.shown.push((class.path, span.start));
            let head = ClassHead { text, span, score };
            section.classes.insert(class.item, (head, Vec::new()));
        }
        let call = written.call;
        let line = written.line.map(|text| SignatureLine {
            text,
            span: candidate.span(),
            score,
            call,
        });
        match class.and_then(|item| section.classes.get_mut(&item)) {
            Some((_, lines)) => lines.extend(line),
            None => section.others.extend(line),
        }
        true
    }

    /// What the candidate shows.
    fn written(
        &self,
        ScoredCandidate { candidate, score }: ScoredCandidate<'a>,
        secrets: Option<&Secrets>,
    ) -> WrittenCandidate<'a> {
        let mut line = signature_line(&candidate, score < self.brief_below);
        let mut hidden = Vec::new();
        if let (Some(secrets), Some(line)) = (secrets, &mut line) {
            hidden = secrets.find(line);
            if !hidden.is_empty() {
                *line = secrets::replace(line, 0..line.len(), &hidden).into_owned();
            }
        }
        let call = self.calls.get(&candidate.key());
        let call = call.and_then(|call| shown_call(&candidate, *call, secrets));
        let lines = line.iter().chain(call.iter().map(|(line, _)| line));
        let chars = lines.map(|line| line.chars().count()).sum();
        WrittenCandidate {
            line,
            hidden,
            call,
            chars,
        }
    }

    /// Appends the sections to `context`, the one with the best score first. Returns
    /// the keys of the declarations in them.
    pub(super) fn write(self, context: &mut Context) -> Vec<(&'a str, u32)> {
        self.folders.write(self.sections, context);
        self.shown
    }
}

/// The line with a real call of a candidate, unless it holds a secret.
fn shown_call<'a>(
    candidate: &Candidate<'a>,
    call: RealCall<'a>,
    secrets: Option<&Secrets>,
) -> Option<(String, RealCall<'a>)> {
    let line = call_line(candidate, &call);
    let hidden = secrets.map(|secrets| secrets.find(&line));
    hidden
        .is_none_or(|hidden| hidden.is_empty())
        .then_some((line, call))
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
