//! The answers: whether a context holds what a hole took away, where from, and
//! whether it gives the hole itself away.

use rustc_hash::{FxHashMap, FxHashSet};

use rayon::prelude::*;

use super::Wanted;
use super::holes::{Hole, Name, words};
use crate::context::{Context, Source};
use crate::index::Snapshot;
use crate::php::lex::{LexMode, Token, TokenKind, lex_from};
use crate::text::{line_end, line_start};

/// A line with fewer bytes is written twice by chance.
const MIN_LEAK: usize = 20;

/// What a context says of one name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Found {
    pub(super) wanted: Wanted,
    /// It stands there as a whole word …
    pub(super) ident: bool,
    /// … at its definition.
    pub(super) def: bool,
    /// It stands among the declarations …
    pub(super) by_dependency: bool,
    /// … or in the chunks found by BM25.
    pub(super) by_bm25: bool,
}

/// Looks for each of `names` in `context`.
pub(super) fn found(context: &Context, names: &[Name]) -> Vec<Found> {
    let (declarations, chunks) = parts(context);
    let defined = definitions(&context.text);
    let declarations: FxHashSet<&str> = words(declarations).collect();
    let chunks: FxHashSet<&str> = words(chunks).collect();
    let look = |name: &Name| {
        let by_dependency = declarations.contains(&*name.ident);
        let by_bm25 = chunks.contains(&*name.ident);
        Found {
            wanted: name.wanted,
            ident: by_dependency || by_bm25,
            def: defined.contains(&(name.wanted, &*name.ident)),
            by_dependency,
            by_bm25,
        }
    };
    names.iter().map(look).collect()
}

/// The text's declarations, and the chunks that follow them.
fn parts(context: &Context) -> (&str, &str) {
    let of_chunks = |snippet: &&crate::context::Snippet| snippet.source == Source::Bm25;
    let chunks: usize = context
        .snippets
        .iter()
        .filter(of_chunks)
        .map(|s| s.chars)
        .sum();
    let text = &context.text;
    let start = match chunks.checked_sub(1) {
        Some(before_last) => text
            .char_indices()
            .rev()
            .nth(before_last)
            .map_or(0, |(at, _)| at),
        None => text.len(),
    };
    text.split_at(start)
}

/// What `text`, pieces of code out of their places, defines. Each line is read
/// for itself, as strings and comments may be cut off anywhere.
fn definitions(text: &str) -> FxHashSet<(Wanted, &str)> {
    let mut all = FxHashSet::default();
    for line in text.lines() {
        let is_comment = line.trim_start().starts_with('*');
        if !is_comment {
            let tokens = lex_from(line, 0, LexMode::Code);
            for at in 0..tokens.len() {
                if let Some((wanted, name)) = definition(line, &tokens, at) {
                    all.extend(wanted.iter().map(|&wanted| (wanted, name)));
                }
            }
        }
    }
    all
}

/// What the declaration that token `at` marks defines: a method looks like a
/// function, so it is counted as either.
fn definition<'t>(
    line: &'t str,
    tokens: &[Token],
    at: usize,
) -> Option<(&'static [Wanted], &'t str)> {
    let kind = |at: usize| tokens.get(at).map(|token| token.kind);
    let word = |at: usize| {
        let token = tokens.get(at).filter(|token| token.is_word())?;
        Some(token.span.of(line))
    };
    let before = at.checked_sub(1).and_then(kind);
    match tokens[at].kind {
        TokenKind::Class | TokenKind::Interface | TokenKind::Trait | TokenKind::Enum
            if before != Some(TokenKind::DoubleColon) =>
        {
            Some((&[Wanted::Class], word(at + 1)?))
        }
        TokenKind::Function => {
            let at = at + 1 + usize::from(kind(at + 1) == Some(TokenKind::Punct(b'&')));
            let name = word(at).filter(|_| kind(at + 1) == Some(TokenKind::Punct(b'(')))?;
            Some((&[Wanted::Method, Wanted::Function], name))
        }
        TokenKind::Const if before != Some(TokenKind::Use) => {
            let ends = |token: &Token| matches!(token.kind, TokenKind::Punct(b'=' | b';'));
            let rest = &tokens[at + 1..];
            let end = rest.iter().position(ends).unwrap_or(rest.len());
            Some((&[Wanted::Constant], word(at + end)?))
        }
        TokenKind::Case if matches!(kind(at + 2), Some(TokenKind::Punct(b'=' | b';'))) => {
            Some((&[Wanted::Constant], word(at + 1)?))
        }
        TokenKind::Name if kind(at + 1) == Some(TokenKind::Punct(b'(')) => {
            let name = tokens[at].span.of(line).trim_start_matches('\\');
            let constant = tokens.get(at + 2).filter(|t| t.kind == TokenKind::String)?;
            let constant = constant.span.of(line).trim_matches(['\'', '"']);
            name.eq_ignore_ascii_case("define")
                .then_some((&[Wanted::Constant], constant))
        }
        TokenKind::Variable => {
            let is_type = |token: &&Token| {
                matches!(
                    token.kind,
                    TokenKind::Name | TokenKind::Keyword | TokenKind::Punct(b'?' | b'|' | b'&')
                )
            };
            let marks = tokens[..at].iter().rev().find(|token| !is_type(token))?;
            let name = tokens[at].span.of(line).trim_start_matches('$');
            (marks.kind == TokenKind::Modifier).then_some((&[Wanted::Property], name))
        }
        _ => None,
    }
}

/// For each of `holes` the line that it cuts, without the blanks around it,
/// where that is written in no other file: if a context holds it, it comes from
/// the file itself.
pub(super) fn telling_lines<'a>(snapshot: &Snapshot, holes: &[Hole<'a>]) -> Vec<Option<&'a str>> {
    let line = |hole: &Hole<'a>| {
        let text = &hole.file.text;
        let end = hole.end.min(line_end(text, hole.start));
        let line = text[line_start(text, hole.start)..end].trim();
        (line.len() >= MIN_LEAK).then_some(line)
    };
    let lines: Vec<Option<&str>> = holes.iter().map(line).collect();
    let wanted: FxHashSet<&str> = lines.iter().flatten().copied().collect();
    let files: Vec<_> = snapshot.files().collect();
    let held: Vec<FxHashSet<&str>> = files
        .par_iter()
        .map(|file| {
            let lines = file.text.lines();
            lines
                .filter_map(|line| wanted.get(line.trim()).copied())
                .collect()
        })
        .collect();
    let mut files_with: FxHashMap<&str, usize> = FxHashMap::default();
    for line in held.iter().flatten() {
        *files_with.entry(line).or_default() += 1;
    }
    // The hole's own line may go on behind it, and then is no such line itself.
    let is_telling = |line: &&str| files_with.get(line).is_none_or(|&files| files <= 1);
    lines
        .into_iter()
        .map(|line| line.filter(is_telling))
        .collect()
}

/// Whether `context` has `line` as a line of its own.
pub(super) fn leaks(context: &str, line: &str) -> bool {
    context.lines().any(|own| own.trim() == line)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn definitions_are_told_from_uses() {
        let text = "// --- src/Fake.php ---
            class Basket extends Base {
            \tprivate static ?Item $first;
            \tconst int LIMIT = Other::USED;
            \tabstract function &addItem(private readonly Item $promoted, $plain): self;
            }
            enum Suit: string { case Hearts = 'h'; }
            case Label:
            define('DEPTH', 2);
            use const Lib\\IMPORTED;
            it's new Used(Used::class, helper());
            * function commented()
            function helper(): int;";
        let mut all: Vec<_> = definitions(text)
            .into_iter()
            .map(|(wanted, name)| format!("{wanted:?} {name}"))
            .collect();
        all.sort();
        assert_eq!(
            all,
            [
                "Class Basket",
                "Class Suit",
                "Constant DEPTH",
                "Constant Hearts",
                "Constant LIMIT",
                "Function addItem",
                "Function helper",
                "Method addItem",
                "Method helper",
                "Property first",
                "Property promoted",
            ]
        );
    }

    #[test]
    fn a_leak_is_a_whole_line() {
        assert!(leaks("a\n\t$x = leaked();\r\n", "$x = leaked();"));
        assert!(!leaks("a\n\t$x = leaked(); // no\n", "$x = leaked();"));
    }
}
