//! What may stand at a place in a tag: tags behind `[[[`, functions behind a
//! `;`, settings in braces.

use tower_lsp::ls_types::{
    CompletionItem, CompletionItemKind, CompletionTextEdit, Documentation, InsertTextFormat,
    Position, TextEdit,
};

use super::documents::View;
use super::lex::{PieceKind, pieces};
use crate::tags::{ConfigKey, TagFunction, TagKind};

/// A tag that is being written is no longer than this.
const LOOK_BACK_BYTES: usize = 1 << 12;

/// What the client may type to be offered something.
pub(super) const TRIGGERS: [&str; 4] = ["[", ";", "{", ","];

/// What kind of thing may stand at a place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Wanted {
    Tag,
    Function,
    Setting,
}

/// What is offered: a name, what it puts in as a snippet, and what it does.
struct Offer {
    name: &'static str,
    kind: CompletionItemKind,
    snippet: String,
    help: String,
}

/// What may stand at a position. With `snippets` the client can fill in their
/// gaps; without, they are left empty.
pub(super) fn at(view: &View, position: Position, snippets: bool) -> Vec<CompletionItem> {
    let cursor = view.offset(position);
    let Some((wanted, word)) = wanted(view, cursor) else {
        return Vec::new();
    };
    let range = view.places().range(&(word..cursor));
    let is_closed = view.text()[cursor..].starts_with("]]]");
    let item = |offer: Offer| {
        let new_text = match snippets {
            true => offer.snippet,
            false => plain(&offer.snippet),
        };
        CompletionItem {
            label: offer.name.into(),
            kind: Some(offer.kind),
            documentation: Some(Documentation::String(offer.help)),
            insert_text_format: snippets.then_some(InsertTextFormat::SNIPPET),
            text_edit: Some(CompletionTextEdit::Edit(TextEdit { range, new_text })),
            ..CompletionItem::default()
        }
    };
    let offers: Vec<_> = match wanted {
        Wanted::Tag => tags(is_closed),
        Wanted::Function => functions(),
        Wanted::Setting => settings(),
    };
    offers.into_iter().map(item).collect()
}

/// What may stand at the cursor, and where the word begins that it ends.
fn wanted(view: &View, cursor: usize) -> Option<(Wanted, usize)> {
    let text = view.text();
    let from = text.floor_char_boundary(cursor.saturating_sub(LOOK_BACK_BYTES));
    let open = from + text[from..cursor].rfind("[[[")?;
    let tags = view.tags();
    if tags
        .at(cursor)
        .is_some_and(|tag| matches!(tag.kind, TagKind::Comment(_)) && tag.range.start <= open)
    {
        return None;
    }
    let mut written: Vec<_> = pieces(&text[open..cursor]).skip(1).collect();
    let is_word = |kind| matches!(kind, PieceKind::Word);
    let word = written
        .pop_if(|piece| is_word(piece.kind) && open + piece.range.end == cursor)
        .map_or(cursor, |piece| open + piece.range.start);
    if written
        .iter()
        .any(|piece| matches!(piece.kind, PieceKind::Close | PieceKind::OpenText))
    {
        return None;
    }
    let Some(last) = written.last() else {
        return Some((Wanted::Tag, word));
    };
    let wanted = match (written[0].kind, last.kind) {
        (PieceKind::Number, PieceKind::Mark(';')) => Wanted::Function,
        (PieceKind::Mark('{'), PieceKind::Mark('{' | ';' | ',')) => Wanted::Setting,
        _ => return None,
    };
    Some((wanted, word))
}

fn tags(is_closed: bool) -> Vec<Offer> {
    let tag = |name, inside: &str, help: &str| Offer {
        name,
        kind: CompletionItemKind::KEYWORD,
        snippet: format!("{inside}{}", if is_closed { "" } else { "]]]" }),
        help: help.into(),
    };
    vec![
        tag(
            "100",
            "${1:100}",
            "generate up to so many tokens in this place",
        ),
        tag(
            "100;stop",
            "${1:100};stop(\"$2\")",
            "generate up to so many tokens, to the end of a pattern",
        ),
        tag(
            "prefix",
            "prefix",
            "the model is shown nothing before this; vanishes once used",
        ),
        tag(
            "PREFIX",
            "PREFIX",
            "the model is shown nothing before this; stays",
        ),
        tag(
            "suffix",
            "suffix",
            "the model is shown nothing behind this; vanishes once used",
        ),
        tag(
            "SUFFIX",
            "SUFFIX",
            "the model is shown nothing behind this; stays",
        ),
        tag(
            "(comment)",
            "($1)",
            "a remark that the model is never shown",
        ),
        tag(
            "{settings}",
            "{$1:\"$2\"\\}",
            "settings to apply, all of them or none",
        ),
    ]
}

fn functions() -> Vec<Offer> {
    let function = |function: &TagFunction| Offer {
        name: function.name(),
        kind: CompletionItemKind::FUNCTION,
        snippet: match function {
            TagFunction::Keep => "keep()".into(),
            TagFunction::Temp => "temp(\"${1:0.8}\")".into(),
            TagFunction::TopP => "top_p(\"${1:0.95}\")".into(),
            other => format!("{}(\"$1\")", other.name()),
        },
        help: function.help().into(),
    };
    TagFunction::ALL.iter().map(function).collect()
}

fn settings() -> Vec<Offer> {
    let setting = |key: &ConfigKey| Offer {
        name: key.name(),
        kind: CompletionItemKind::PROPERTY,
        snippet: format!("{}:\"$1\"", key.name()),
        help: format!("sets {}; values are text in quotes", key.name()),
    };
    ConfigKey::ALL.iter().map(setting).collect()
}

/// What a snippet puts in where its gaps cannot be filled in: their defaults.
/// A gap is `$1` or `${1:default}`, and a backslash takes the next character as
/// it is.
fn plain(snippet: &str) -> String {
    let mut plain = String::new();
    let mut rest = snippet;
    while let Some(at) = rest.find(['$', '\\']) {
        plain.push_str(&rest[..at]);
        let (mark, behind) = rest[at..].split_at(1);
        let gap = behind.strip_prefix('{').and_then(|gap| gap.split_once('}'));
        rest = match (mark, gap) {
            ("$", Some((gap, behind))) => {
                plain.push_str(gap.split_once(':').map_or("", |(_, default)| default));
                behind
            }
            ("$", None) => behind.trim_start_matches(|c: char| c.is_ascii_digit()),
            _ => {
                plain.extend(behind.chars().next());
                behind.get(1..).unwrap_or_default()
            }
        };
    }
    plain.push_str(rest);
    plain
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn without_snippets_gaps_hold_their_defaults() {
        assert_eq!(plain("${1:100};stop(\"$2\")]]]"), "100;stop(\"\")]]]");
        assert_eq!(plain("{$1:\"$2\"\\}]]]"), "{:\"\"}]]]");
        assert_eq!(plain("keep()"), "keep()");
    }
}
