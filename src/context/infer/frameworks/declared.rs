//! What stands in front of declarations: attributes, and doc comments that are used
//! like them.

use crate::index::symbols::ClassRef;
use crate::php::Span;
use crate::php::names::Scope;

/// Bytes in front of a declaration that are looked at.
const BEFORE_BYTES: usize = 4096;

/// The doc comment and the attributes of a class.
pub(super) fn before_class(class: ClassRef<'_>) -> &str {
    let declared = class.class();
    let classes = class.facts.classes.iter();
    let ends = classes.map(|other| other.body.end);
    let imports = class.facts.imports.iter().map(|import| import.name.end);
    before(class.text, declared.head, ends.chain(imports))
}

/// The doc comment and the attributes of the member with the number `index`.
pub(super) fn before_member(class: ClassRef<'_>, index: usize) -> &str {
    let declared = class.class();
    let member = &declared.members[index];
    let ends = declared.members.iter().map(|other| other.end);
    before(class.text, member.head, ends.chain([declared.body.start]))
}

/// The text in front of `head`, behind the last of `ends` before it.
fn before(text: &str, head: Span, ends: impl Iterator<Item = u32>) -> &str {
    let head = head.start as usize;
    let end = ends
        .map(|end| end as usize)
        .filter(|&end| end <= head)
        .max();
    let start = end.unwrap_or(0).max(head.saturating_sub(BEFORE_BYTES));
    text.get(text.ceil_char_boundary(start)..head).unwrap_or("")
}

/// The class that `key` names in attributes or annotations, `key: X::class`,
/// `key=X::class` or `key="A\X"`, by its fully qualified name.
pub(super) fn class_at_key(text: &str, key: &str, scope: &Scope<'_>) -> Option<String> {
    let value = value_at_key(text, key)?;
    let is_name = |c: char| c.is_alphanumeric() || matches!(c, '_' | '\\');
    let (quoted, rest) = match value.strip_prefix(['"', '\'']) {
        Some(rest) => (true, rest),
        None => (false, value),
    };
    let end = rest.find(|c| !is_name(c)).unwrap_or(rest.len());
    let (name, behind) = rest.split_at(end);
    match (quoted, name) {
        (_, "") => None,
        // A name in quotes is fully qualified.
        (true, name) if name.contains('\\') => Some(
            name.replace("\\\\", "\\")
                .trim_start_matches('\\')
                .to_owned(),
        ),
        (true, name) => scope.class(name),
        (false, name) if behind.starts_with("::class") => scope.class(name),
        _ => None,
    }
}

/// The text behind `key` and its `:`, `=` or `=>`, from the first place where the key
/// stands as a whole word.
pub(super) fn value_at_key<'t>(text: &'t str, key: &str) -> Option<&'t str> {
    let is_word = |c: char| c.is_alphanumeric() || c == '_';
    text.match_indices(key).find_map(|(at, _)| {
        if text[..at].ends_with(is_word) {
            return None;
        }
        let rest = text[at + key.len()..]
            .trim_start_matches(['"', '\''])
            .trim_start();
        let value = rest
            .strip_prefix("=>")
            .or_else(|| rest.strip_prefix([':', '=']))?;
        Some(value.trim_start())
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::php::facts;

    #[test]
    fn a_key_names_a_class() {
        let source = "<?php namespace App; use Lib\\Far;";
        let facts = facts(source);
        let scope = Scope::at(&facts, source, source.len());
        for (text, name) in [
            ("#[A(target: Near::class)]", Some("App\\Near")),
            ("#[A('target' => Far::class)]", Some("Lib\\Far")),
            ("@A(target=\"Lib\\Deep\\X\")", Some("Lib\\Deep\\X")),
            ("@A(target = \"Far\")", Some("Lib\\Far")),
            ("#[A(mytarget: Near::class)]", None),
            ("#[A(target: self::X)]", None),
            ("#[A(target", None),
        ] {
            assert_eq!(
                class_at_key(text, "target", &scope).as_deref(),
                name,
                "{text}"
            );
        }
    }
}
