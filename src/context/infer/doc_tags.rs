//! The `@tags` of doc comments.

use std::borrow::Cow;

use crate::php::types::type_end;

/// One `@tag` of a doc comment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::context) struct DocTag<'a> {
    /// The tag's name without the `@` and without a tool's prefix (`psalm-`,
    /// `phpstan-`, `phan-`).
    pub(in crate::context) name: &'a str,
    /// Whether the tag has a tool's prefix. It then counts more than one
    /// without.
    pub(super) is_prefixed: bool,
    /// What follows the name, lines joined by blanks.
    pub(super) body: Cow<'a, str>,
    /// The tag's first line.
    pub(super) line: &'a str,
    /// The comment from the tag on.
    pub(super) source: &'a str,
}

impl DocTag<'_> {
    /// The type behind the tag's name.
    pub(in crate::context) fn ty(&self) -> &str {
        self.parts().0
    }

    /// What follows the type.
    pub(super) fn rest(&self) -> &str {
        self.parts().1
    }

    fn parts(&self) -> (&str, &str) {
        type_and_rest(&self.body)
    }

    /// The variable that the tag is about, with its `$`.
    pub(super) fn variable(&self) -> Option<&str> {
        let word = self.rest().split([' ', '\t', ',', '=']).next()?;
        let word = word.trim_start_matches(['&', '.']);
        word.starts_with('$').then_some(word)
    }
}

/// The type at the start of a tag's body, and what follows it.
pub(super) fn type_and_rest(body: &str) -> (&str, &str) {
    // Some code writes `@param $x Type` and `@var $x Type`.
    if let Some(name) = body.strip_prefix('$')
        && !body.starts_with("$this")
    {
        let blank = name.find([' ', '\t']).unwrap_or(name.len());
        let (name, rest) = body.split_at(blank + 1);
        let rest = rest.trim_start();
        return (&rest[..type_end(rest)], name);
    }
    let (ty, rest) = body.split_at(type_end(body));
    (ty, rest.trim_start())
}

/// The tags of a doc comment, in order. A tag begins a line and reaches to the
/// next one.
pub(in crate::context) fn doc_tags(comment: &str) -> impl Iterator<Item = DocTag<'_>> {
    doc_tags_where(comment, |_| true)
}

/// The tags of a doc comment whose names, without a tool's prefix, fit.
fn doc_tags_where<'a>(
    comment: &'a str,
    fits: impl Fn(&str) -> bool,
) -> impl Iterator<Item = DocTag<'a>> {
    let mut lines = comment.lines().map(content).peekable();
    std::iter::from_fn(move || {
        let (line, name, bare, body) = lines.find_map(|line| {
            let tag = line.strip_prefix('@')?;
            let (name, body) = tag.split_once([' ', '\t']).unwrap_or((tag, ""));
            let prefixes = ["psalm-", "phpstan-", "phan-"];
            let bare = prefixes.iter().find_map(|prefix| name.strip_prefix(prefix));
            fits(bare.unwrap_or(name)).then_some((line, name, bare, body))
        })?;
        let mut body = Cow::Borrowed(body.trim_start());
        while let Some(more) = lines.next_if(|line| !line.starts_with('@')) {
            if !more.is_empty() {
                let body = body.to_mut();
                if !body.is_empty() {
                    body.push(' ');
                }
                body.push_str(more);
            }
        }
        Some(DocTag {
            name: bare.unwrap_or(name),
            is_prefixed: bare.is_some(),
            body,
            line,
            source: &comment[line.as_ptr().addr() - comment.as_ptr().addr()..],
        })
    })
}

/// A line of a doc comment without the comment's own signs.
fn content(line: &str) -> &str {
    let line = line.trim_start_matches(['/', '*', ' ', '\t']);
    let line = line.trim_end_matches([' ', '\t', '\r']);
    line.strip_suffix("*/")
        .unwrap_or(line)
        .trim_end_matches([' ', '\t', '*'])
}

/// The tag of `comment` called `name` for which `is_it` holds: one with a
/// tool's prefix before one without.
pub(super) fn best_tag<'a>(
    comment: &'a str,
    name: &str,
    is_it: impl Fn(&DocTag<'a>) -> bool,
) -> Option<DocTag<'a>> {
    let mut best: Option<DocTag<'a>> = None;
    if !comment.contains(name) {
        return None;
    }
    for tag in doc_tags_where(comment, |other| other == name).filter(|tag| is_it(tag)) {
        let is_better = best
            .as_ref()
            .is_none_or(|best| tag.is_prefixed && !best.is_prefixed);
        if is_better {
            best = Some(tag);
        }
    }
    best
}

/// A template that a doc comment declares.
#[derive(Clone, Debug)]
pub(super) struct Template {
    pub(super) name: String,
    /// The type behind `of`; empty without one.
    pub(super) bound: String,
    /// The type behind `=`; empty without one.
    pub(super) default: String,
}

/// The templates that a doc comment declares, each once.
pub(super) fn templates(doc: &str) -> Vec<Template> {
    let mut all: Vec<Template> = Vec::new();
    if !doc.contains("template") {
        return all;
    }
    let names = ["template", "template-covariant", "template-contravariant"];
    for tag in doc_tags(doc).filter(|tag| names.contains(&tag.name)) {
        let body = &*tag.body;
        let (name, rest) = body.split_once([' ', '\t']).unwrap_or((body, ""));
        let rest = rest.trim_start();
        let bound = ["of ", "as ", "super "]
            .iter()
            .find_map(|word| rest.strip_prefix(word));
        let bound = bound.map_or("", |text| text[..type_end(text)].trim());
        let default = rest.split_once('=').map_or("", |(_, text)| {
            let text = text.trim_start();
            &text[..type_end(text)]
        });
        if !name.is_empty() && all.iter().all(|known| known.name != name) {
            all.push(Template {
                name: name.to_owned(),
                bound: bound.to_owned(),
                default: default.to_owned(),
            });
        }
    }
    all
}

/// The tags of a class's doc comment that give the template arguments of its
/// parents.
pub(super) fn parent_tags(doc: &str) -> impl Iterator<Item = DocTag<'_>> {
    doc_tags(doc).filter(|tag| {
        let name = tag.name.strip_prefix("template-").unwrap_or(tag.name);
        matches!(name, "extends" | "implements" | "use" | "mixin")
    })
}
