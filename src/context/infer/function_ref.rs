//! Functions and methods where they are declared, and their parameters as they
//! are written.

use crate::index::symbols::ClassRef;
use crate::php::names::Scope;
use crate::php::{FileFacts, Function, Member, Span};

/// A function or method where it is declared.
#[derive(Clone, Copy)]
pub(super) struct FunctionRef<'a> {
    pub(super) text: &'a str,
    pub(super) facts: &'a FileFacts,
    pub(super) name: Span,
    /// From the first modifier up to the body.
    pub(super) head: Span,
    pub(super) params: Span,
    pub(super) ty: Span,
    pub(super) doc: Span,
    /// The byte behind the declaration.
    pub(super) end: u32,
    /// The class that declares it.
    pub(super) class: Option<ClassRef<'a>>,
}

/// A parameter as it is written.
#[derive(Clone, Copy, Debug)]
pub(super) struct WrittenParam<'a> {
    /// The name with its `$`.
    pub(super) name: &'a str,
    /// The type; empty without one.
    pub(super) ty: &'a str,
    /// The default; empty without one.
    pub(super) default: &'a str,
    pub(super) is_variadic: bool,
    pub(super) is_by_reference: bool,
}

impl<'a> FunctionRef<'a> {
    /// The method `member` of the class `owner`.
    pub(super) fn method(owner: ClassRef<'a>, member: &Member) -> Self {
        Self {
            text: owner.text,
            facts: owner.facts,
            name: member.name,
            head: member.head,
            params: member.params,
            ty: member.ty,
            doc: member.doc,
            end: member.end,
            class: Some(owner),
        }
    }

    /// The function `function` of the source `text`.
    pub(super) fn function(text: &'a str, facts: &'a FileFacts, function: &Function) -> Self {
        Self {
            text,
            facts,
            name: function.name,
            head: function.head,
            params: function.params,
            ty: function.ty,
            doc: function.doc,
            end: function.end,
            class: None,
        }
    }

    pub(super) fn doc(&self) -> &'a str {
        self.doc.of(self.text)
    }

    pub(super) fn short_name(&self) -> &'a str {
        self.name.of(self.text)
    }

    pub(super) fn scope(&self) -> Scope<'a> {
        Scope::at(self.facts, self.text, self.head.start as usize)
    }

    /// The parameters in order.
    pub(super) fn parameters(&self) -> Vec<WrittenParam<'a>> {
        let list = self.params.of(self.text);
        let list = list.strip_prefix('(').unwrap_or(list);
        let list = list.strip_suffix(')').unwrap_or(list);
        split_arguments(list)
            .into_iter()
            .filter_map(written_param)
            .collect()
    }
}

/// A list of parameters or arguments cut at its commas.
fn split_arguments(list: &str) -> Vec<&str> {
    let (mut parts, mut depth, mut start) = (Vec::new(), 0_usize, 0);
    let mut quote = None;
    for (at, byte) in list.bytes().enumerate() {
        match (quote, byte) {
            (Some(open), _) if byte == open => quote = None,
            (Some(_), _) => {}
            (None, b'\'' | b'"') => quote = Some(byte),
            (None, b'(' | b'[' | b'{') => depth += 1,
            (None, b')' | b']' | b'}') => depth = depth.saturating_sub(1),
            (None, b',') if depth == 0 => {
                parts.push(&list[start..at]);
                start = at + 1;
            }
            _ => {}
        }
    }
    parts.push(&list[start..]);
    parts
}

fn written_param(text: &str) -> Option<WrittenParam<'_>> {
    let text = text.trim();
    let head = text.split('=').next().unwrap_or(text);
    let sign = head.rfind('$')?;
    let length = text[sign + 1..]
        .find(|c: char| !(c.is_alphanumeric() || c == '_'))
        .unwrap_or(text.len() - sign - 1);
    let (name, rest) = (&text[sign..=sign + length], &text[sign + 1 + length..]);
    let before = text[..sign].trim_end();
    let is_variadic = before.ends_with("...");
    let before = before.trim_end_matches('.').trim_end();
    let is_by_reference = before.ends_with('&');
    let before = before.trim_end_matches('&').trim_end();
    // Modifiers and attributes stand before the type.
    let start = before.rfind([' ', '\t', '\n', ']']).map_or(0, |at| at + 1);
    let ty = &before[start..];
    let is_modifier = matches!(
        ty.to_ascii_lowercase().as_str(),
        "public" | "protected" | "private" | "readonly" | "final"
    );
    Some(WrittenParam {
        name,
        ty: if is_modifier { "" } else { ty },
        default: rest.trim_start().strip_prefix('=').map_or("", str::trim),
        is_variadic,
        is_by_reference,
    })
}

/// The function with the fully qualified name `full` in a file.
pub(super) fn function_in<'a>(
    text: &'a str,
    facts: &'a FileFacts,
    full: &str,
) -> Option<FunctionRef<'a>> {
    let short = full.rsplit('\\').next().unwrap_or(full);
    let is_it = |function: &&crate::php::Function| {
        function.name.of(text).eq_ignore_ascii_case(short)
            && Scope::of(facts, text, function.namespace)
                .declared(function.name.of(text))
                .eq_ignore_ascii_case(full)
    };
    let function = facts.functions.iter().find(is_it)?;
    Some(FunctionRef::function(text, facts, function))
}
