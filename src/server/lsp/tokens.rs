//! Semantic tokens: what each part of a tag is.
//!
//! The types are LSP's own, so that any colour scheme knows them: `macro` the
//! brackets of a FIM tag, `keyword` a whole prefix or suffix tag, `comment` a
//! whole comment, `type` the brackets and braces of a config tag, `property` a
//! setting, `function` a function, `string` and `number` what they say. Of an
//! invalid tag nothing is marked. Hard prefix and suffix tags, which stay where
//! they are, have the modifier `readonly`.

use std::ops::Range;

use tower_lsp::ls_types::{
    SemanticToken, SemanticTokenModifier, SemanticTokenType, SemanticTokens, SemanticTokensLegend,
};

use super::documents::View;
use super::lex::{Piece, PieceKind, pieces};
use crate::tags::{Tag, TagKind};

/// The types of tokens, in the order of the legend.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Type {
    Fim,
    Boundary,
    Comment,
    Config,
    Setting,
    Function,
    Text,
    Number,
}

/// The bit of the modifier `readonly`.
const HARD: u32 = 1;

/// What the numbers in tokens mean.
pub(super) fn legend() -> SemanticTokensLegend {
    SemanticTokensLegend {
        token_types: vec![
            SemanticTokenType::MACRO,
            SemanticTokenType::KEYWORD,
            SemanticTokenType::COMMENT,
            SemanticTokenType::TYPE,
            SemanticTokenType::PROPERTY,
            SemanticTokenType::FUNCTION,
            SemanticTokenType::STRING,
            SemanticTokenType::NUMBER,
        ],
        token_modifiers: vec![SemanticTokenModifier::READONLY],
    }
}

/// The tokens of the tags that touch `range`, in bytes.
pub(super) fn of(view: &View, range: &Range<usize>) -> SemanticTokens {
    let tags = view.tags();
    let touches = |tag: &&Tag| tag.range.end >= range.start && tag.range.start <= range.end;
    let mut data = Vec::new();
    let mut places = view.places();
    let mut last = (0, 0);
    for tag in tags.all().iter().filter(touches) {
        for (kind, range) in of_tag(view.text(), tag) {
            let token_modifiers_bitset = match &tag.kind {
                TagKind::Boundary(boundary) if boundary.hard => HARD,
                _ => 0,
            };
            // Few clients know tokens of several lines.
            for line in lines(view.text(), range) {
                let place = places.range(&line);
                let (line, character) = (place.start.line, place.start.character);
                data.push(SemanticToken {
                    delta_line: line - last.0,
                    delta_start: match line == last.0 {
                        true => character - last.1,
                        false => character,
                    },
                    length: place.end.character - character,
                    token_type: kind as u32,
                    token_modifiers_bitset,
                });
                last = (line, character);
            }
        }
    }
    SemanticTokens {
        result_id: None,
        data,
    }
}

/// What the parts of a tag are, in order.
fn of_tag(text: &str, tag: &Tag) -> Vec<(Type, Range<usize>)> {
    let brackets = match &tag.kind {
        TagKind::Fim(_) => Type::Fim,
        TagKind::Config(_) => Type::Config,
        TagKind::Boundary(_) => return vec![(Type::Boundary, tag.range.clone())],
        TagKind::Comment(_) => return vec![(Type::Comment, tag.range.clone())],
        TagKind::Invalid(_) => return Vec::new(),
    };
    let mut all = pieces(&text[tag.range.clone()]).peekable();
    let mut parts = Vec::new();
    while let Some(Piece { kind, range }) = all.next() {
        let next = all.peek().map(|next| next.kind);
        let kind = match kind {
            PieceKind::Open | PieceKind::Close => brackets,
            PieceKind::Mark('{' | '}') if brackets == Type::Config => brackets,
            PieceKind::Word | PieceKind::Text
                if brackets == Type::Config && next == Some(PieceKind::Mark(':')) =>
            {
                Type::Setting
            }
            PieceKind::Word if next == Some(PieceKind::Mark('(')) => Type::Function,
            PieceKind::Text | PieceKind::OpenText => Type::Text,
            PieceKind::Number => Type::Number,
            PieceKind::Word | PieceKind::Mark(_) => continue,
        };
        let start = tag.range.start;
        parts.push((kind, start + range.start..start + range.end));
    }
    parts
}

/// The parts of `range` on each of its lines, without the ends of the lines.
fn lines(text: &str, range: Range<usize>) -> impl Iterator<Item = Range<usize>> {
    let mut at = range.start;
    text[range]
        .split_inclusive(['\n', '\r'])
        .map(move |line| {
            let start = at;
            at += line.len();
            start..start + line.trim_end_matches(['\n', '\r']).len()
        })
        .filter(|line| !line.is_empty())
}
