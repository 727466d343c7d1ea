//! Methods that code adds at run time: `Collection::macro('name', function …)`.

use super::is_a;
use crate::context::infer::framework::ConventionalMember;
use crate::context::infer::inference::Inference;
use crate::context::infer::limits::MACROS;
use crate::context::infer::members::VirtualMember;
use crate::context::infer::types::ClassType;
use crate::index::symbols::ClassRef;
use crate::php::names::Scope;
use crate::php::{MemberKind, Span, Visibility, place_hash};

/// The macros of the class of `object`.
pub(super) fn members<'a>(
    inference: &'a Inference<'a>,
    object: &ClassType,
) -> Vec<ConventionalMember<'a>> {
    let mut all = Vec::new();
    let written = inference
        .snapshot
        .literals_at(place_hash("macro#0"), MACROS);
    for (file, name) in written.filter(|(file, _)| *file.path != *inference.buffer.path) {
        let text: &str = &file.text;
        let at = name.as_ptr().addr() - text.as_ptr().addr();
        let Some(receiver) = receiver(text, at) else {
            continue;
        };
        let scope = Scope::at(&file.facts, text, at);
        let is_it = scope
            .class(receiver)
            .is_some_and(|receiver| is_a(inference, object, &receiver));
        if !is_it {
            continue;
        }
        // The line that adds the macro shows its parameters.
        let end = text[at..].find('\n').map_or(text.len(), |end| at + end);
        let start = receiver.as_ptr().addr() - text.as_ptr().addr();
        let around = (0..file.facts.classes.len()).map(|item| ClassRef::of(file, item));
        let around = { around }.find(|class| class.class().body.contains(at));
        if let Some(owner) = around {
            let method = VirtualMember {
                kind: MemberKind::Method,
                visibility: Visibility::Public,
                is_static: false,
                name,
                ty: "",
                line: text[start..end].trim_end(),
                span: Span {
                    start: start as u32,
                    end: end as u32,
                },
            };
            all.push(ConventionalMember::Virtual(owner, method));
        }
    }
    all
}

/// The class before `::macro('`, where `at` is the byte behind the quote.
fn receiver(text: &str, at: usize) -> Option<&str> {
    let before = text[..at].trim_end_matches(['\'', '"', ' ', '\n', '(']);
    let before = before.strip_suffix("::macro")?;
    let is_name = |c: char| c.is_alphanumeric() || c == '_' || c == '\\';
    let start = before.rfind(|c| !is_name(c)).map_or(0, |at| at + 1);
    Some(&before[start..])
}
