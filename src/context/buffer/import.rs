//! An import that is being typed: `use A\B`, `use function A\{b, c`.

use super::Buffer;
use crate::php::ImportKind;
use crate::php::lex::TokenKind;

/// The most tokens of an import that are read before the cursor: a bound on the work.
const IMPORT_TOKENS: usize = 400;

/// The import whose name is typed at the cursor.
#[derive(Clone, Copy, Debug)]
pub(in crate::context) struct OpenImport<'a> {
    /// What is imported.
    pub(in crate::context) kind: ImportKind,
    /// The namespace before the `{` of a group; empty without a group.
    pub(in crate::context) group: &'a str,
}

impl OpenImport<'_> {
    /// The fully qualified name of `name`, a name of this import.
    pub(in crate::context) fn full(&self, name: &str) -> String {
        let name = name.trim_start_matches('\\');
        match self.group {
            "" => name.to_owned(),
            group => format!("{group}\\{name}"),
        }
    }
}

impl<'a> Buffer<'a> {
    /// The import whose name stands at the cursor. A `use` inside a class names traits
    /// and is none.
    pub(in crate::context) fn open_import(&self) -> Option<OpenImport<'a>> {
        let before = &self.tokens[self.before.saturating_sub(IMPORT_TOKENS)..self.before];
        let offset = self.before - before.len();
        let last = before.last()?;
        let separates = matches!(
            last.kind,
            TokenKind::Use | TokenKind::Function | TokenKind::Const | TokenKind::Punct(b',' | b'{')
        );
        if !separates {
            return None;
        }
        let keyword = before.iter().rposition(|token| {
            let is_of_import = matches!(
                token.kind,
                TokenKind::Function
                    | TokenKind::Const
                    | TokenKind::As
                    | TokenKind::Punct(b',' | b'{' | b'\\')
            );
            !is_of_import && !token.is_word()
        });
        let start = keyword.map_or(0, |at| at + 1);
        // `use` is a word, too.
        let import = start
            + before[start..]
                .iter()
                .rposition(|token| token.kind == TokenKind::Use)?;
        let is_closure = import > 0 && before[import - 1].is(b')');
        if is_closure || self.class_at(before[import].span.start as usize).is_some() {
            return None;
        }
        let behind = &before[import + 1..];
        let kind_of = |kind: TokenKind| match kind {
            TokenKind::Function => Some(ImportKind::Function),
            TokenKind::Const => Some(ImportKind::Const),
            _ => None,
        };
        let stated = behind.first().and_then(|token| kind_of(token.kind));
        let brace = behind.iter().position(|token| token.is(b'{'));
        let name = usize::from(stated.is_some());
        let group = match brace {
            Some(brace) if brace > name => self.text(offset + import + 1 + name),
            Some(_) => return None,
            None => "",
        };
        // Within a group each name may have its own kind.
        let own = kind_of(last.kind);
        let kind = stated.or(own).unwrap_or(ImportKind::Class);
        Some(OpenImport {
            kind,
            group: group.trim_start_matches('\\'),
        })
    }
}
