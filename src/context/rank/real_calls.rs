//! Real calls of the likeliest functions and methods, which a context shows beside
//! their signatures: a call shows which arguments code passes. What a model gains by it
//! was not measured.

use rustc_hash::FxHashMap;

use super::surroundings::Surroundings;
use crate::context::candidate::{Candidate, ScoredCandidate};
use crate::context::weights::{CALL_CHARS, CALL_FILES, CALL_SCORE, COMMON_CALL, REAL_CALLS};
use crate::index::SourceFile;
use crate::index::symbols::{DeclKind, Declaration, NameKind, UseKey};
use crate::php::{MemberKind, Span};
use crate::text::{line_end, line_start};

/// A line of another file that calls what a candidate declares.
#[derive(Clone, Copy)]
pub(in crate::context) struct RealCall<'a> {
    pub(in crate::context) path: &'a str,
    pub(in crate::context) line: &'a str,
    pub(in crate::context) span: Span,
}

/// Real calls, by the [`Candidate::key`] of what they call.
pub(in crate::context) type RealCalls<'a> = FxHashMap<(&'a str, u32), RealCall<'a>>;

/// A real call of each of the likeliest functions and methods of `candidates`, if a file
/// of the project has one on a line of its own.
pub(in crate::context) fn real_calls<'a>(
    surroundings: &Surroundings<'a>,
    candidates: &[ScoredCandidate<'a>],
) -> RealCalls<'a> {
    let mut likely: Vec<&ScoredCandidate<'a>> = candidates
        .iter()
        .filter(|scored| scored.score >= CALL_SCORE)
        .collect();
    likely.sort_by(|a, b| b.score.total_cmp(&a.score));
    let mut calls = RealCalls::default();
    for scored in likely.into_iter().take(REAL_CALLS) {
        let candidate = &scored.candidate;
        if let Some((kind, name)) = called_as(candidate)
            && let Some(call) = find_call(surroundings, kind, name)
        {
            calls.insert(candidate.key(), call);
        }
    }
    calls
}

/// The name by which code calls the candidate.
fn called_as<'a>(candidate: &Candidate<'a>) -> Option<(NameKind, &'a str)> {
    match *candidate {
        Candidate::Declared(Declaration::Function(file, item)) => {
            let name = file.facts.functions[item].name.of(&file.text);
            Some((NameKind::Function, name))
        }
        Candidate::Declared(Declaration::Member(class, index)) => {
            let member = &class.class().members[index];
            let is_method = member.kind == MemberKind::Method;
            is_method.then(|| (NameKind::Method, member.name.of(class.text)))
        }
        Candidate::Declared(_) | Candidate::Virtual(..) => None,
    }
}

/// A call of `name` in the file nearest to the buffer's. A method that many classes
/// declare has none, since it may be that of another class.
fn find_call<'a>(
    surroundings: &Surroundings<'a>,
    kind: NameKind,
    name: &str,
) -> Option<RealCall<'a>> {
    let (snapshot, path) = (surroundings.snapshot, surroundings.buffer.path);
    let is_common = kind == NameKind::Method
        && snapshot
            .declared_up_to(COMMON_CALL, DeclKind::Member, name)
            .is_empty();
    if is_common {
        return None;
    }
    let name = kind.fold(name);
    let users = snapshot.uses(UseKey::Name(kind, &name));
    let mut users: Vec<(usize, &SourceFile)> = users
        .filter(|user| *user.file.path != *path)
        .map(|user| (shared_bytes(path, &user.file.path), &**user.file))
        .collect();
    users.sort_unstable_by(|a, b| b.0.cmp(&a.0).then_with(|| a.1.path.cmp(&b.1.path)));
    let nearest = users.into_iter().take(CALL_FILES);
    nearest
        .filter_map(|(_, file)| call_in(file, kind, &name))
        .next()
}

/// The first line of `file` that holds a whole statement with a call of the folded
/// `name`.
fn call_in<'a>(file: &'a SourceFile, kind: NameKind, name: &str) -> Option<RealCall<'a>> {
    let text = &*file.text;
    let calls = file.facts.references.iter().filter(|reference| {
        let written = reference.name().of(text);
        let written = written.rsplit('\\').next().unwrap_or(written);
        NameKind::from(reference.kind) == kind && kind.is_folded(written, name)
    });
    let mut calls = calls.filter_map(|reference| {
        let at = reference.name().start as usize;
        let whole = line_start(text, at)..line_end(text, at);
        let line = text[whole.clone()].trim();
        let start = whole.start + text[whole].find(line)?;
        let fits = line.len() <= CALL_CHARS && line.ends_with([';', '{']) && line.contains('(');
        fits.then_some(RealCall {
            path: &file.path,
            line,
            span: Span::new(start, start + line.len()),
        })
    });
    calls.next()
}

/// How many bytes the folders of two paths share from their beginning.
fn shared_bytes(a: &str, b: &str) -> usize {
    let same = a.bytes().zip(b.bytes()).take_while(|(a, b)| a == b).count();
    a[..a.floor_char_boundary(same)]
        .rfind('/')
        .map_or(0, |slash| slash + 1)
}
