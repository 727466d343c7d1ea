//! The `@tags` of doc comments.

/// One `@tag` of a doc comment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::context) struct DocTag<'a> {
    /// The tag's name without the `@` and without a leading `psalm-` or
    /// `phpstan-`.
    pub(in crate::context) name: &'a str,
    /// The type behind the name.
    pub(in crate::context) ty: &'a str,
    /// What follows the type on the line.
    pub(super) rest: &'a str,
    /// The whole tag, one line.
    pub(super) line: &'a str,
}

/// The tags of a doc comment, in order. A line holds at most one.
pub(in crate::context) fn doc_tags(comment: &str) -> impl Iterator<Item = DocTag<'_>> {
    comment.lines().filter_map(doc_tag)
}

fn doc_tag(line: &str) -> Option<DocTag<'_>> {
    let line = line.trim_start_matches(['/', '*', ' ', '\t']);
    let line = line.trim_end_matches(['/', '*', ' ', '\t', '\r']);
    let tag = line.strip_prefix('@')?;
    let (name, rest) = tag.split_once([' ', '\t']).unwrap_or((tag, ""));
    let name = name
        .strip_prefix("psalm-")
        .or(name.strip_prefix("phpstan-"))
        .unwrap_or(name);
    let rest = rest.trim_start();
    // A type may contain blanks inside its brackets.
    let mut depth = 0_i32;
    let end = rest.find(|c: char| {
        match c {
            '<' | '(' | '{' | '[' => depth += 1,
            '>' | ')' | '}' | ']' => depth -= 1,
            _ => {}
        }
        depth <= 0 && c.is_whitespace()
    });
    let (ty, rest) = rest.split_at(end.unwrap_or(rest.len()));
    // Some code writes `@param $x Type` and `@var $x Type`.
    let (ty, rest) = match ty.strip_prefix('$') {
        Some(_) => (rest.split_whitespace().next().unwrap_or(""), ty),
        None => (ty, rest.trim_start()),
    };
    Some(DocTag {
        name,
        ty,
        rest,
        line,
    })
}

/// The names of the templates that a doc comment declares.
pub(super) fn templates(doc: &str) -> impl Iterator<Item = &str> {
    let names = ["template", "template-covariant", "template-contravariant"];
    doc_tags(doc)
        .filter(move |tag| names.contains(&tag.name))
        .map(|tag| tag.ty)
}

/// The tags of a class's doc comment that give the template arguments of its
/// parents.
pub(super) fn parent_tags(doc: &str) -> impl Iterator<Item = DocTag<'_>> {
    doc_tags(doc).filter(|tag| {
        let name = tag.name.strip_prefix("template-").unwrap_or(tag.name);
        matches!(name, "extends" | "implements" | "use")
    })
}
