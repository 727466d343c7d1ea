//! Semantic tokens: the highlighting of tags.
//!
//! The types are LSP's own, so that any colour scheme knows them: `macro` for the
//! brackets of a FIM tag, `keyword` for a whole prefix or suffix tag, `comment`
//! for a whole comment, `type` for the brackets and braces of a config tag,
//! `property` for a setting, `function` for a function, `string` and `number` for
//! values. An invalid tag has no tokens. Hard prefix and suffix tags, which stay
//! in the text, have the modifier `readonly`.

use std::ops::Range;

use tower_lsp::ls_types::{
    SemanticToken, SemanticTokenModifier, SemanticTokenType, SemanticTokens, SemanticTokensLegend,
};

use super::documents::DocumentView;
use super::tag_tokens::{TagToken, TagTokenKind, tag_tokens};
use crate::tags::{Tag, TagKind};

/// The types of tokens, in the order of the legend.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum HighlightType {
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

/// The meaning of the numbers in tokens.
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
pub(super) fn of(view: &DocumentView, range: &Range<usize>) -> SemanticTokens {
    let tags = view.tags();
    let touches = |tag: &&Tag| tag.range.end >= range.start && tag.range.start <= range.end;
    let mut data = Vec::new();
    let mut positions = view.positions();
    let mut last = (0, 0);
    for tag in tags.all().iter().filter(touches) {
        for (kind, range) in of_tag(view.text(), tag) {
            let token_modifiers_bitset = match &tag.kind {
                TagKind::Boundary(boundary) if boundary.hard => HARD,
                _ => 0,
            };
            // One token per line, because few clients know longer ones.
            for line in lines(view.text(), range) {
                let range = positions.range(&line);
                let (line, character) = (range.start.line, range.start.character);
                data.push(SemanticToken {
                    delta_line: line - last.0,
                    delta_start: match line == last.0 {
                        true => character - last.1,
                        false => character,
                    },
                    length: range.end.character - character,
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

/// The highlighted parts of a tag, in order.
fn of_tag(text: &str, tag: &Tag) -> Vec<(HighlightType, Range<usize>)> {
    let brackets = match &tag.kind {
        TagKind::Fim(_) => HighlightType::Fim,
        TagKind::Config(_) => HighlightType::Config,
        TagKind::Boundary(_) => return vec![(HighlightType::Boundary, tag.range.clone())],
        TagKind::Comment(_) => return vec![(HighlightType::Comment, tag.range.clone())],
        TagKind::Invalid(_) => return Vec::new(),
    };
    let mut all = tag_tokens(&text[tag.range.clone()]).peekable();
    let mut parts = Vec::new();
    while let Some(TagToken { kind, range }) = all.next() {
        let next = all.peek().map(|next| next.kind);
        let kind = match kind {
            TagTokenKind::Open | TagTokenKind::Close => brackets,
            TagTokenKind::Symbol('{' | '}') if brackets == HighlightType::Config => brackets,
            TagTokenKind::Word | TagTokenKind::Text
                if brackets == HighlightType::Config && next == Some(TagTokenKind::Symbol(':')) =>
            {
                HighlightType::Setting
            }
            TagTokenKind::Word if next == Some(TagTokenKind::Symbol('(')) => {
                HighlightType::Function
            }
            TagTokenKind::Text | TagTokenKind::OpenText => HighlightType::Text,
            TagTokenKind::Number => HighlightType::Number,
            TagTokenKind::Word | TagTokenKind::Symbol(_) => continue,
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
