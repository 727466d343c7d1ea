//! Completion inside tags: tags behind `[[[`, functions behind a `;`, settings in
//! braces.

use tower_lsp::ls_types::{
    CompletionItem, CompletionItemKind, CompletionTextEdit, Documentation, InsertTextFormat,
    Position, TextEdit,
};

use super::documents::DocumentView;
use super::tag_tokens::{TagTokenKind, tag_tokens};
use crate::tags::{ConfigKey, TagFunction, TagKind};

/// The longest unfinished tag that completion recognises, in bytes.
const LOOK_BACK_BYTES: usize = 1 << 12;

/// The characters that make the client ask for completions.
pub(super) const TRIGGERS: [&str; 4] = ["[", ";", "{", ","];

/// The part of a tag that may stand at the cursor.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum TagPart {
    Tag,
    Function,
    Setting,
}

/// A completion: its name, the snippet that it inserts, and its explanation.
struct TagCompletion {
    name: &'static str,
    kind: CompletionItemKind,
    snippet: String,
    help: String,
}

/// The completions at a position. `snippets` says whether the client can fill in
/// the gaps of snippets.
pub(super) fn at(view: &DocumentView, position: Position, snippets: bool) -> Vec<CompletionItem> {
    let cursor = view.offset(position);
    let Some((part, word)) = part_at(view, cursor) else {
        return Vec::new();
    };
    let range = view.positions().range(&(word..cursor));
    let is_closed = view.text()[cursor..].starts_with("]]]");
    let item = |completion: TagCompletion| {
        let new_text = match snippets {
            true => completion.snippet,
            false => plain(&completion.snippet),
        };
        CompletionItem {
            label: completion.name.into(),
            kind: Some(completion.kind),
            documentation: Some(Documentation::String(completion.help)),
            insert_text_format: snippets.then_some(InsertTextFormat::SNIPPET),
            text_edit: Some(CompletionTextEdit::Edit(TextEdit { range, new_text })),
            ..CompletionItem::default()
        }
    };
    let completions: Vec<_> = match part {
        TagPart::Tag => tags(is_closed),
        TagPart::Function => functions(),
        TagPart::Setting => settings(),
    };
    completions.into_iter().map(item).collect()
}

/// The part of a tag that may stand at the cursor, and the start of the word that
/// ends there, in bytes.
fn part_at(view: &DocumentView, cursor: usize) -> Option<(TagPart, usize)> {
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
    let mut written: Vec<_> = tag_tokens(&text[open..cursor]).skip(1).collect();
    let is_word = |kind| matches!(kind, TagTokenKind::Word);
    let word = written
        .pop_if(|token| is_word(token.kind) && open + token.range.end == cursor)
        .map_or(cursor, |token| open + token.range.start);
    if written
        .iter()
        .any(|token| matches!(token.kind, TagTokenKind::Close | TagTokenKind::OpenText))
    {
        return None;
    }
    let Some(last) = written.last() else {
        return Some((TagPart::Tag, word));
    };
    let part = match (written[0].kind, last.kind) {
        (TagTokenKind::Number, TagTokenKind::Symbol(';')) => TagPart::Function,
        (TagTokenKind::Symbol('{'), TagTokenKind::Symbol('{' | ';' | ',')) => TagPart::Setting,
        _ => return None,
    };
    Some((part, word))
}

fn tags(is_closed: bool) -> Vec<TagCompletion> {
    let tag = |name, inside: &str, help: &str| TagCompletion {
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

fn functions() -> Vec<TagCompletion> {
    let function = |function: &TagFunction| TagCompletion {
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

fn settings() -> Vec<TagCompletion> {
    let setting = |key: &ConfigKey| TagCompletion {
        name: key.name(),
        kind: CompletionItemKind::PROPERTY,
        snippet: format!("{}:\"$1\"", key.name()),
        help: format!("sets {}; values are text in quotes", key.name()),
    };
    ConfigKey::ALL.iter().map(setting).collect()
}

/// The text of a snippet whose gaps hold their defaults. A gap is `$1` or
/// `${1:default}`, and a backslash escapes the next character.
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
