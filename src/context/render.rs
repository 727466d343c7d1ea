//! Declarations as compact one-line signatures.

use crate::index::SourceFile;
use crate::index::symbols::ClassRef;
use crate::php::{MemberKind, Span, Visibility};

use super::members::docs;

/// The most characters of a signature; what is longer loses its default
/// values, then its end.
pub(super) const MAX_SIGNATURE: usize = 160;
/// The most characters of a constant's value.
const MAX_VALUE: usize = 40;

/// The line that names a file in a context.
pub(crate) fn file_header(path: &str) -> String {
    format!("// --- {path} ---\n")
}

/// `class X extends Y`, without its brace.
pub(super) fn class_head(class: ClassRef<'_>) -> String {
    cut(&one_line(class.class().head.of(class.text)), MAX_SIGNATURE)
}

/// A member without its body, ended by a semicolon.
pub(super) fn member(class: ClassRef<'_>, index: usize) -> String {
    let member = &class.class().members[index];
    let text = class.text;
    match member.kind {
        MemberKind::Method => {
            let head = one_line(member.head.of(text));
            let head = head.replacen("public ", "", 1);
            signature(&head, text, member.ty, member.doc)
        }
        MemberKind::Property => {
            let visibility = match member.visibility {
                Visibility::Public => "public",
                Visibility::Protected => "protected",
                Visibility::Private => "private",
            };
            let fixed = if member.is_static { " static" } else { "" };
            let declared = one_line(member.ty.of(text));
            let ty = if declared.is_empty() {
                documented(text, member.doc, "var")
            } else {
                Some(declared)
            };
            let ty = ty.map_or_else(String::new, |ty| format!(" {ty}"));
            format!("{visibility}{fixed}{ty} ${};", member.name.of(text))
        }
        MemberKind::Constant => {
            let ty = one_line(member.ty.of(text));
            let ty = if ty.is_empty() { ty } else { format!("{ty} ") };
            let name = member.name;
            let value = Span {
                start: name.end,
                end: member.end,
            };
            format!("const {ty}{}{};", name.of(text), value_of(value.of(text)))
        }
        MemberKind::Case => format!("{};", cut(&one_line(member.head.of(text)), MAX_SIGNATURE)),
    }
}

/// A function without its body.
pub(super) fn function(file: &SourceFile, item: usize) -> String {
    let function = &file.facts.functions[item];
    signature(
        &one_line(function.head.of(&file.text)),
        &file.text,
        function.ty,
        function.doc,
    )
}

/// A constant with its value if that is short.
pub(super) fn constant(file: &SourceFile, item: usize) -> String {
    let constant = &file.facts.constants[item];
    let name = constant.name.of(&file.text);
    let value = Span {
        start: constant.name.end,
        end: constant.head.end,
    };
    let value = value.of(&file.text);
    if constant.is_define {
        let value = value
            .trim_start_matches(['\'', '"'])
            .trim_start()
            .trim_start_matches(',');
        let value = one_line(value.strip_suffix(')').unwrap_or(value));
        let value = if value.chars().count() > MAX_VALUE {
            "…".to_owned()
        } else {
            value
        };
        format!("define('{name}', {value});")
    } else {
        format!("const {name}{};", value_of(value))
    }
}

/// ` = value`, or nothing if that is long.
fn value_of(text: &str) -> String {
    let text = one_line(text);
    if text.chars().count() > MAX_VALUE + 2 || text.is_empty() {
        return String::new();
    }
    format!(" {text}")
}

fn signature(head: &str, text: &str, ty: Span, doc: Span) -> String {
    let mut head = head.to_owned();
    if head.chars().count() > MAX_SIGNATURE {
        head = without_defaults(&head);
    }
    let mut head = cut(&head, MAX_SIGNATURE);
    if ty.is_empty()
        && let Some(ty) = documented(text, doc, "return")
    {
        head.push_str(": ");
        head.push_str(&ty);
    }
    head.push(';');
    head
}

/// The type that a doc comment gives under `tag`, if it is a short one.
fn documented(text: &str, doc: Span, tag: &str) -> Option<String> {
    const MAX: usize = 24;
    let found = docs(doc.of(text)).find(|found| found.name == tag)?;
    let is_plain = |c: char| c.is_alphanumeric() || matches!(c, '_' | '\\' | '|' | '?');
    let fits = !found.ty.is_empty() && found.ty.len() <= MAX && found.ty.chars().all(is_plain);
    fits.then(|| found.ty.to_owned())
}

/// `head` with the default values of its parameters left out.
fn without_defaults(head: &str) -> String {
    let mut out = String::with_capacity(head.len());
    let mut depth = 0_usize;
    let mut skipping = false;
    for c in head.chars() {
        match c {
            '(' | '[' => depth += 1,
            ')' | ']' => depth = depth.saturating_sub(1),
            _ => {}
        }
        if c == '=' && depth == 1 && !skipping {
            skipping = true;
            out.truncate(out.trim_end().len());
        } else if skipping && (c == ',' && depth == 1 || c == ')' && depth == 0) {
            skipping = false;
        }
        if !skipping {
            out.push(c);
        }
    }
    out
}

/// `text` with every run of white space as one blank, and none inside brackets' ends.
fn one_line(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for word in text.split_whitespace() {
        let tight = out.ends_with('(') || word.starts_with(')');
        if !out.is_empty() && !tight {
            out.push(' ');
        }
        out.push_str(word);
    }
    if out.contains(",)") {
        out = out.replace(",)", ")");
    }
    out
}

/// At most `most` characters of `text`, with an ellipsis where it was cut.
fn cut(text: &str, most: usize) -> String {
    match text.char_indices().nth(most) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}
