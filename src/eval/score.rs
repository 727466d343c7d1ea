//! Scores a context: which of a hole's names it holds, in which of its parts, and
//! whether it leaks the line that the hole cuts.

use rustc_hash::{FxHashMap, FxHashSet};

use rayon::prelude::*;

use crate::context::{Context, SnippetSource};
use crate::eval::hole::{HiddenName, NameHole, words};
use crate::eval::kind::NameCategory;
use crate::index::Snapshot;
use crate::php::lex::{LexMode, Token, TokenKind, lex_from};
use crate::text::{line_end, line_start};

/// The least length of a line that counts as a leak, in bytes. Shorter lines can
/// stand in two files by chance.
const MIN_LEAK: usize = 20;

/// How a context holds one name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct NameScore {
    pub(super) category: NameCategory,
    /// Whether the context holds the name as a whole word.
    pub(super) ident: bool,
    /// Whether it holds the name's definition.
    pub(super) def: bool,
    /// Whether the name stands among the declarations.
    pub(super) by_dependency: bool,
    /// Whether the name stands in the chunks found by BM25.
    pub(super) by_bm25: bool,
}

/// Looks for each of `names` in `context`.
pub(super) fn names(context: &Context, names: &[HiddenName]) -> Vec<NameScore> {
    let (declarations, chunks) = parts(context);
    let defined = definitions(&context.text);
    let declarations: FxHashSet<&str> = words(declarations).collect();
    let chunks: FxHashSet<&str> = words(chunks).collect();
    let (declared_text, chunk_text) = parts(context);
    let score = |name: &HiddenName| {
        let ident = &*name.ident;
        // Strings may hold more than one word.
        let is_literal = name.category == NameCategory::Literal;
        let by_dependency =
            declarations.contains(ident) || is_literal && holds(declared_text, ident);
        let by_bm25 = chunks.contains(ident) || is_literal && holds(chunk_text, ident);
        let shows = |(path, at): &(String, usize)| {
            let spans = context.snippets.iter();
            spans
                .clone()
                .any(|s| s.path == *path && (s.start..s.end).contains(at))
        };
        let categories = name.category.declared_as().iter();
        let def = match &name.declared {
            Some(place) => shows(place),
            None if is_literal => by_dependency || by_bm25,
            None => categories
                .clone()
                .any(|&category| defined.contains(&(category, ident))),
        };
        NameScore {
            category: name.category,
            ident: by_dependency || by_bm25,
            def,
            by_dependency,
            by_bm25,
        }
    };
    names.iter().map(score).collect()
}

/// Whether `text` holds `literal`, and not as a part of a longer word.
fn holds(text: &str, literal: &str) -> bool {
    let is_word = |c: char| c.is_alphanumeric() || c == '_';
    text.match_indices(literal).any(|(at, _)| {
        !text[..at].ends_with(is_word) && !text[at + literal.len()..].starts_with(is_word)
    })
}

/// The declarations in the context's text, and the chunks behind them.
fn parts(context: &Context) -> (&str, &str) {
    let of_chunks = |snippet: &&crate::context::Snippet| snippet.source == SnippetSource::Bm25;
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

/// The names that `text` defines. The text holds pieces of code, in which strings
/// and comments may be cut off, so each line is lexed separately.
fn definitions(text: &str) -> FxHashSet<(NameCategory, &str)> {
    let mut all = FxHashSet::default();
    for line in text.lines() {
        let is_comment = line.trim_start().starts_with('*');
        if !is_comment {
            let tokens = lex_from(line, 0, LexMode::Code);
            for at in 0..tokens.len() {
                if let Some((categories, name)) = definition(line, &tokens, at) {
                    all.extend(categories.iter().map(|&category| (category, name)));
                }
            }
        }
    }
    all
}

/// The name that the declaration at token `at` defines, and its categories. A
/// method looks like a function, so it has both categories.
fn definition<'t>(
    line: &'t str,
    tokens: &[Token],
    at: usize,
) -> Option<(&'static [NameCategory], &'t str)> {
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
            Some((&[NameCategory::Class], word(at + 1)?))
        }
        TokenKind::Function => {
            let at = at + 1 + usize::from(kind(at + 1) == Some(TokenKind::Punct(b'&')));
            let name = word(at).filter(|_| kind(at + 1) == Some(TokenKind::Punct(b'(')))?;
            Some((&[NameCategory::Method, NameCategory::Function], name))
        }
        TokenKind::Const if before != Some(TokenKind::Use) => {
            let ends = |token: &Token| matches!(token.kind, TokenKind::Punct(b'=' | b';'));
            let rest = &tokens[at + 1..];
            let end = rest.iter().position(ends).unwrap_or(rest.len());
            Some((&[NameCategory::Constant], word(at + end)?))
        }
        TokenKind::Case if matches!(kind(at + 2), Some(TokenKind::Punct(b'=' | b';'))) => {
            Some((&[NameCategory::Constant], word(at + 1)?))
        }
        TokenKind::Name if kind(at + 1) == Some(TokenKind::Punct(b'(')) => {
            let name = tokens[at].span.of(line).trim_start_matches('\\');
            let constant = tokens.get(at + 2).filter(|t| t.kind == TokenKind::String)?;
            let constant = constant.span.of(line).trim_matches(['\'', '"']);
            name.eq_ignore_ascii_case("define")
                .then_some((&[NameCategory::Constant], constant))
        }
        TokenKind::Variable => {
            let is_type = |token: &&Token| {
                matches!(
                    token.kind,
                    TokenKind::Name | TokenKind::Keyword | TokenKind::Punct(b'?' | b'|' | b'&')
                )
            };
            let before = tokens[..at].iter().rev().find(|token| !is_type(token))?;
            let name = tokens[at].span.of(line).trim_start_matches('$');
            (before.kind == TokenKind::Modifier).then_some((&[NameCategory::Property], name))
        }
        _ => None,
    }
}

/// For each of `holes` the line that it cuts, trimmed, if no other file contains
/// that line. If the hole's context contains the line, the context shows text of
/// the file itself.
pub(super) fn unique_lines<'a>(
    snapshot: &Snapshot,
    holes: &[NameHole<'a>],
) -> Vec<Option<&'a str>> {
    let line = |hole: &NameHole<'a>| {
        let text = &hole.file.text;
        let end = hole.end.min(line_end(text, hole.start));
        let line = text[line_start(text, hole.start)..end].trim();
        (line.len() >= MIN_LEAK).then_some(line)
    };
    let lines: Vec<Option<&str>> = holes.iter().map(line).collect();
    let known: FxHashSet<&str> = lines.iter().flatten().copied().collect();
    let files: Vec<_> = snapshot.files().collect();
    let held: Vec<FxHashSet<&str>> = files
        .par_iter()
        .map(|file| {
            let lines = file.text.lines();
            lines
                .filter_map(|line| known.get(line.trim()).copied())
                .collect()
        })
        .collect();
    // Of each line a file that contains it, and whether another one does.
    let mut holders: FxHashMap<&str, (&str, bool)> = FxHashMap::default();
    for (file, lines) in files.iter().zip(&held) {
        for line in lines.iter().copied() {
            let holder = holders.entry(line).or_insert((&file.path, false));
            holder.1 |= *holder.0 != *file.path;
        }
    }
    // If the hole's line goes on behind the hole, what was cut may be no line of the
    // hole's own file, but one of another.
    let is_unique = |line: &str, hole: &NameHole<'_>| {
        holders
            .get(line)
            .is_none_or(|&(holder, others)| !others && *holder == *hole.file.path)
    };
    let lines = lines.into_iter().zip(holes);
    lines
        .map(|(line, hole)| line.filter(|line| is_unique(line, hole)))
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
            .map(|(category, name)| format!("{category:?} {name}"))
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
