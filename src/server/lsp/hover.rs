//! Hover: what a tag will do.

use std::fmt::Write;

use tower_lsp::ls_types::{Hover, HoverContents, MarkupContent, MarkupKind, Position};

use super::documents::DocumentView;
use crate::config::{Endpoint, Settings};
use crate::endpoint::ModelPrompt;
use crate::tags::{Boundary, Config, Fim, Side, Tag, TagKind, TagPrompt};

/// How many characters of a line or a pattern a hover shows.
const MAX_CHARS: usize = 60;

/// The hover of the tag at a position; none if there is no tag, or
/// a malformed one in code of Markdown.
pub(super) fn at(view: &DocumentView, position: Position, settings: &Settings) -> Option<Hover> {
    let tags = view.tags();
    let tag = tags.at(view.offset(position))?;
    let value = match &tag.kind {
        TagKind::Fim(fim) => {
            let strip = settings.tags.strip_inner;
            let prompt = TagPrompt::new(view.text(), &tags, tag, fim, strip);
            of_fim(fim, &prompt, &settings.endpoint)
        }
        TagKind::Boundary(boundary) => of_boundary(boundary).to_owned(),
        TagKind::Comment(_) => {
            "**A comment**: the model is never shown it, and it stays.".to_owned()
        }
        TagKind::Config(config) => of_config(config),
        TagKind::Invalid(_) if view.code(&tags).contains(tag) => return None,
        TagKind::Invalid(fault) => format!("**No tag**: {}\n\n{}", fault.message, fault.hint),
    };
    Some(hover(view, tag, value))
}

fn hover(view: &DocumentView, tag: &Tag, value: String) -> Hover {
    let kind = MarkupKind::Markdown;
    Hover {
        contents: HoverContents::Markup(MarkupContent { kind, value }),
        range: Some(view.positions().range(&tag.range)),
    }
}

fn of_fim(fim: &Fim, prompt: &TagPrompt, endpoint: &Endpoint) -> String {
    let TagPrompt { window, .. } = prompt;
    let tokens = fim.max_tokens;
    let asked = ModelPrompt::new(endpoint, window.before.clone(), window.after.clone());
    let mut said = match matches!(asked, ModelPrompt::Plain(_)) {
        true => format!("**Completion**: continues the text before, up to {tokens} tokens\n\n"),
        false => format!("**FIM**: fills in between before and after, up to {tokens} tokens\n\n"),
    };
    let mut item = |text: String| {
        // Writing to a string cannot fail.
        let _ = writeln!(said, "- {text}");
    };
    let sampling = |own: Option<f64>, default: Option<f64>| match (own, default) {
        (Some(own), _) => format!("{own} (this tag's)"),
        (None, Some(set)) => format!("{set} (the settings')"),
        (None, None) => "the server's own".to_owned(),
    };
    item(format!(
        "temperature: {}",
        sampling(prompt.temperature, endpoint.temperature)
    ));
    item(format!("top_p: {}", sampling(prompt.top_p, endpoint.top_p)));
    for stop in &prompt.stops {
        let pattern = code(&stop.pattern);
        item(match stop.keep {
            true => format!("stops behind {pattern}"),
            false => format!("stops before {pattern}, which is chopped"),
        });
    }
    for (what, text) in [("prepends", &prompt.prepend), ("appends", &prompt.append)] {
        if !text.is_empty() {
            item(format!("{what} {}", code(text)));
        }
    }
    match window.deletes.len() {
        0 => {}
        1 => item("the soft tag that bounds it vanishes".into()),
        _ => item("the soft tags that bound it vanish".into()),
    }
    for note in &fim.notes {
        item(format!("note: {}", note.message));
    }
    item(side("before", &window.before));
    item(side("after", &window.after));
    said
}

/// The length of the text on one side of the tag, and its first and last line.
fn side(name: &str, text: &str) -> String {
    let count = text.chars().count();
    let mut lines = text.lines().filter(|line| !line.trim().is_empty());
    match (lines.next(), lines.next_back()) {
        (None, _) => format!("{name}: {count} characters, blank"),
        (Some(only), None) => format!("{name}: {count} characters, {}", code(only)),
        (Some(first), Some(last)) => {
            format!(
                "{name}: {count} characters, {} … {}",
                code(first),
                code(last)
            )
        }
    }
}

fn of_boundary(boundary: &Boundary) -> &'static str {
    match (boundary.side, boundary.hard) {
        (Side::Prefix, false) => {
            "**Soft prefix**: the model is shown nothing before this; vanishes once used."
        }
        (Side::Prefix, true) => "**Hard prefix**: the model is shown nothing before this; stays.",
        (Side::Suffix, false) => {
            "**Soft suffix**: the model is shown nothing behind this; vanishes once used."
        }
        (Side::Suffix, true) => "**Hard suffix**: the model is shown nothing behind this; stays.",
    }
}

fn of_config(config: &Config) -> String {
    let mut said = String::from("**Settings**, all of them or none:\n\n");
    for entry in &config.entries {
        let _ = writeln!(said, "- {}: {}", entry.key.name(), code(&entry.value));
    }
    said
}

/// Text as inline code of Markdown, on one line.
fn code(text: &str) -> String {
    let mut shown: String = text
        .chars()
        .take(MAX_CHARS)
        .flat_map(|c| match c {
            '\n' | '\r' | '\t' => c.escape_default().collect::<Vec<_>>(),
            c => vec![c],
        })
        .collect();
    if text.chars().nth(MAX_CHARS).is_some() {
        shown.push('…');
    }
    // A run of backticks ends only at a run of the same length.
    let longest = shown.split(|c| c != '`').map(str::len).max().unwrap_or(0);
    let fence = "`".repeat(longest + 1);
    match longest {
        0 => format!("{fence}{shown}{fence}"),
        _ => format!("{fence} {shown} {fence}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn code_is_fenced_whatever_it_holds() {
        assert_eq!(code("a\n\tb"), r"`a\n\tb`");
        assert_eq!(code("a``b"), "``` a``b ```");
        assert_eq!(code(&"é".repeat(61)), format!("`{}…`", "é".repeat(60)));
    }

    #[test]
    fn a_side_is_told_by_its_length_and_its_ends() {
        assert_eq!(side("before", " \n"), "before: 2 characters, blank");
        assert_eq!(side("before", "é\n"), "before: 2 characters, `é`");
        assert_eq!(side("after", "\na\nb\nc"), "after: 6 characters, `a` … `c`");
    }
}
