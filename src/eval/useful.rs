//! How much of a context is plausibly of use: its lines that hold a name which the
//! code at the hole uses.

use rustc_hash::FxHashSet;

use crate::eval::hole::NameHole;
use crate::index::Snapshot;
use crate::index::symbols::DeclKind;
use crate::php::lex::{LexMode, TokenKind, lex_from};

/// Lines behind the start of a hole whose names count.
const LINES: usize = 10;
/// The least length of such a name, in bytes.
const MIN_NAME: usize = 3;

/// The names that the code from the hole's start on uses, in its first [`LINES`] lines
/// and in all of the hole: names that the project declares, and strings that look like
/// a name.
pub(super) fn names_at<'a>(snapshot: &Snapshot, hole: &NameHole<'a>) -> FxHashSet<&'a str> {
    let text = &*hole.file.text;
    let lines = text[hole.start..].split_inclusive('\n').take(LINES);
    let end = hole.start + lines.map(str::len).sum::<usize>();
    let tokens = lex_from(&text[..end.max(hole.end)], hole.start, LexMode::Code);
    let mut names = FxHashSet::default();
    for token in tokens {
        let written = token.span.of(text);
        match token.kind {
            TokenKind::Name => {
                let name = written.rsplit('\\').next().unwrap_or(written);
                let kinds = [
                    DeclKind::Class,
                    DeclKind::Function,
                    DeclKind::Constant,
                    DeclKind::Member,
                ];
                let is_declared = |kind| !snapshot.declared(kind, name).is_empty();
                if name.len() >= MIN_NAME && kinds.into_iter().any(is_declared) {
                    names.insert(name);
                }
            }
            TokenKind::String => {
                let name = written.trim_matches(['\'', '"']);
                if name.len() >= MIN_NAME && !name.contains(char::is_whitespace) {
                    names.insert(name);
                }
            }
            _ => {}
        }
    }
    names
}

/// The characters of the lines of `context` that hold one of `names`. A variable
/// holds none, except where it declares a property.
pub(super) fn useful_chars(context: &str, names: &FxHashSet<&str>) -> usize {
    let lines = context.split_inclusive('\n');
    let useful = lines.filter(|line| {
        let code = line.trim_start();
        let declares = ["public ", "protected ", "private ", "var "]
            .iter()
            .any(|word| code.starts_with(word));
        let is_word = |c: char| c.is_alphanumeric() || c == '_' || !c.is_ascii();
        let mut at = 0;
        line.split(|c: char| !is_word(c)).any(|word| {
            let is_variable = at > 0 && line.as_bytes()[at - 1] == b'$';
            at += word.len() + 1;
            (!is_variable || declares) && names.contains(word)
        }) || names
            .iter()
            .any(|name| name.contains(|c| !is_word(c)) && line.contains(*name))
    });
    useful.map(|line| line.chars().count()).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_of_use_if_it_holds_a_name() {
        let names = FxHashSet::from_iter(["size", "a.b"]);
        let useful = |text| useful_chars(text, &names);
        assert_eq!(useful("f()\n$x->size();\n"), 12);
        assert_eq!(useful("$size = 1;\n"), 0);
        assert_eq!(useful("\tprivate $size;\n"), 16);
        assert_eq!(useful("resize(); 'ä'\nget('a.b')"), 10);
    }
}
