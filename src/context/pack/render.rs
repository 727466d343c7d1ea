//! Writes declarations as compact one-line signatures.

use crate::context::candidate::Candidate;
use crate::context::infer::{VirtualMember, doc_tags};
use crate::context::rank::RealCall;
use crate::context::weights::{
    BRIEF_FRAME_CHARS, BRIEF_SAVED_BYTES, DOCUMENTED_TYPE_BYTES, HEAD_CHARS, SIGNATURE_CHARS,
    VALUE_CHARS,
};
use crate::index::symbols::{ClassRef, Declaration};
use crate::php::{FileFacts, Member, MemberKind, Span, Visibility};
use crate::text::on_one_line;

/// The line that names a file in a context.
pub(crate) fn file_header(path: &str) -> String {
    format!("// --- {} ---\n", on_one_line(path))
}

/// The characters of the line that names a file.
pub(super) fn header_chars(path: &str) -> usize {
    "// ---  ---\n".len() + path.chars().count()
}

/// About how many characters the signature of a declaration takes whose head
/// is `span`.
pub(super) fn signature_chars(span: Span) -> usize {
    span.len().min(SIGNATURE_CHARS)
}

/// About how many characters the line of a candidate takes, which is `brief` or not.
pub(super) fn line_chars(candidate: &Candidate<'_>, is_brief: bool) -> usize {
    match candidate {
        // A class takes no line beside its head.
        Candidate::Declared(Declaration::Class(_)) => 0,
        Candidate::Declared(declared) if is_brief && is_callable(declared) => {
            let brief = declared.short_name().len() + BRIEF_FRAME_CHARS;
            brief.min(signature_chars(candidate.span()))
        }
        _ => signature_chars(candidate.span()),
    }
}

/// Whether code calls what is declared with arguments.
fn is_callable(declared: &Declaration<'_>) -> bool {
    match declared {
        Declaration::Function(..) => true,
        Declaration::Member(class, index) => {
            class.class().members[*index].kind == MemberKind::Method
        }
        Declaration::Class(_) | Declaration::Constant(..) => false,
    }
}

/// The line of a candidate; a class has none beside its head. A brief one shows no
/// parameters, unless it has none or would not be much shorter.
pub(super) fn signature_line(candidate: &Candidate<'_>, is_brief: bool) -> Option<String> {
    let whole = whole_line(candidate)?;
    match candidate {
        Candidate::Declared(declared) if is_brief && is_callable(declared) => {
            let takes_none = whole.contains(&format!("{}()", declared.short_name()));
            let brief = brief_line(declared);
            let saves = whole.len() > brief.len() + BRIEF_SAVED_BYTES;
            Some(if saves && !takes_none { brief } else { whole })
        }
        _ => Some(whole),
    }
}

/// The line of a candidate with all that it declares.
fn whole_line(candidate: &Candidate<'_>) -> Option<String> {
    match *candidate {
        Candidate::Declared(Declaration::Class(_)) => None,
        Candidate::Declared(Declaration::Member(class, index)) => Some(member_line(class, index)),
        Candidate::Declared(Declaration::Function(file, item)) => {
            Some(function_line(&file.text, &file.facts, item))
        }
        Candidate::Declared(Declaration::Constant(file, item)) => {
            Some(constant_line(&file.text, &file.facts, item))
        }
        Candidate::Virtual(_, member) => Some(format!("\t{}\n", virtual_member(&member))),
    }
}

/// The line of member `index` of a class.
pub(super) fn member_line(class: ClassRef<'_>, index: usize) -> String {
    format!("\t{}\n", member(class, index))
}

/// The line of function `item` of a file with these `facts`.
pub(super) fn function_line(text: &str, facts: &FileFacts, item: usize) -> String {
    format!("{}\n", function(text, facts, item))
}

/// The line of constant `item` of a file with these `facts`.
pub(super) fn constant_line(text: &str, facts: &FileFacts, item: usize) -> String {
    format!("{}\n", constant(text, facts, item))
}

/// A comment with a real call of a candidate, to stand below its line.
pub(super) fn call_line(candidate: &Candidate<'_>, call: &RealCall<'_>) -> String {
    let indent = if candidate.class().is_some() {
        "\t"
    } else {
        ""
    };
    format!("{indent}// {}\n", call.line)
}

/// `class X extends Y`, without its brace.
pub(super) fn class_head(class: ClassRef<'_>) -> String {
    let mut head = one_line(class.class().head.of(class.text));
    if head.chars().count() > HEAD_CHARS
        && let Some(interfaces) = head.find(" implements ")
    {
        head.truncate(interfaces);
    }
    cut(&head, SIGNATURE_CHARS)
}

/// The line of a function or method with an ellipsis in place of its parameters.
fn brief_line(declared: &Declaration<'_>) -> String {
    let (indent, is_static) = match declared {
        Declaration::Member(class, index) => ("\t", class.class().members[*index].is_static),
        _ => ("", false),
    };
    let fixed = if is_static { "static " } else { "" };
    let name = declared.short_name();
    format!("{indent}{fixed}function {name}(…);\n")
}

/// A member without its body, ended by a semicolon.
fn member(class: ClassRef<'_>, index: usize) -> String {
    let member = &class.class().members[index];
    let text = class.text;
    match member.kind {
        MemberKind::Method => {
            let head = without_public(&one_line(member.head.of(text)));
            signature(&head, text, member.ty, member.doc)
        }
        MemberKind::Property => {
            let modifiers = property_modifiers(member, text);
            let declared = one_line(member.ty.of(text));
            let ty = if declared.is_empty() {
                documented(text, member.doc, "var")
            } else {
                Some(declared)
            };
            let ty = ty.map_or_else(String::new, |ty| format!(" {ty}"));
            format!("{modifiers}{ty} ${};", member.name.of(text))
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
        MemberKind::Case => format!("{};", cut(&one_line(member.head.of(text)), SIGNATURE_CHARS)),
    }
}

/// A member that a doc comment states, as if it were declared; the rule of a trait that
/// gives a method another name, as a comment.
fn virtual_member(member: &VirtualMember<'_>) -> String {
    let VirtualMember {
        line,
        name,
        ty,
        is_static,
        ..
    } = *member;
    let fixed = if is_static { "static " } else { "" };
    match line.strip_prefix('@') {
        Some(tag) if tag.starts_with("method") => {
            let parameters = line
                .split_once(name)
                .map_or("", |(_, rest)| rest.trim_start());
            let parameters = &parameters[..closing(parameters)];
            // Without a type, the word before the name is the tag.
            let ty = if ty.is_empty() || ty.starts_with('@') || is_static && ty == "static" {
                String::new()
            } else {
                format!(": {ty}")
            };
            cut(
                &format!("{fixed}function {name}{parameters}{ty};"),
                SIGNATURE_CHARS,
            )
        }
        Some(_) if !ty.is_empty() => cut(&format!("public {ty} ${name};"), SIGNATURE_CHARS),
        Some(_) => format!("public ${name};"),
        None => format!("// {line}"),
    }
}

/// The byte behind the `)` that closes the `(` at the start of `text`, or the end of
/// the text.
fn closing(text: &str) -> usize {
    let mut depth = 0_usize;
    for (at, byte) in text.bytes().enumerate() {
        match byte {
            b'(' => depth += 1,
            b')' if depth <= 1 => return at + 1,
            b')' => depth -= 1,
            _ => {}
        }
    }
    text.len()
}

/// The one-line head of a method without the modifier `public`, which is what holds
/// where none is written. Promoted parameters keep theirs.
fn without_public(head: &str) -> String {
    let mut words = head.split(' ');
    let mut out = String::with_capacity(head.len());
    for word in words.by_ref() {
        let is_public = word.eq_ignore_ascii_case("public");
        if !is_public {
            out.push_str(word);
            out.push(' ');
        }
        // Only modifiers stand before the keyword.
        if is_public || word.eq_ignore_ascii_case("function") {
            break;
        }
    }
    for word in words {
        out.push_str(word);
        out.push(' ');
    }
    out.pop();
    out
}

/// The modifiers of a property: its visibility, whether or not it is written, then
/// the others as written, such as `private(set)` and `readonly`.
fn property_modifiers(member: &Member, text: &str) -> String {
    let visibility = match member.visibility {
        Visibility::Public => "public",
        Visibility::Protected => "protected",
        Visibility::Private => "private",
    };
    let mut modifiers = visibility.to_owned();
    let head = member.head.of(text);
    let written = &head[..head.find('$').unwrap_or(head.len())];
    for word in written.split_whitespace() {
        let lower = word.to_ascii_lowercase();
        if ["static", "readonly", "final", "abstract"].contains(&&*lower)
            || lower.ends_with("(set)")
        {
            modifiers.push(' ');
            modifiers.push_str(&lower);
        }
    }
    modifiers
}

/// A function without its body.
fn function(text: &str, facts: &FileFacts, item: usize) -> String {
    let function = &facts.functions[item];
    let head = one_line(function.head.of(text));
    signature(&head, text, function.ty, function.doc)
}

/// A constant, with its value if that is short.
fn constant(text: &str, facts: &FileFacts, item: usize) -> String {
    let constant = &facts.constants[item];
    let name = constant.name.of(text);
    let value = Span {
        start: constant.name.end,
        end: constant.head.end,
    };
    let value = value.of(text);
    if constant.is_define {
        let value = value
            .trim_start_matches(['\'', '"'])
            .trim_start()
            .trim_start_matches(',');
        let value = one_line(value.strip_suffix(')').unwrap_or(value));
        let value = if value.chars().count() > VALUE_CHARS {
            "…".to_owned()
        } else {
            value
        };
        format!("define('{name}', {value});")
    } else {
        format!("const {name}{};", value_of(value))
    }
}

/// ` = value`, or nothing if the value is long.
fn value_of(text: &str) -> String {
    let text = one_line(text);
    let most = VALUE_CHARS + "= ".len();
    if text.chars().count() > most || text.is_empty() {
        return String::new();
    }
    format!(" {text}")
}

/// A function or method without its body: `head`, and behind it the return type
/// of the doc comment if the code declares none.
fn signature(head: &str, text: &str, ty: Span, doc: Span) -> String {
    let mut head = head.to_owned();
    if head.chars().count() > SIGNATURE_CHARS {
        head = without_defaults(&head);
    }
    let mut head = cut(&head, SIGNATURE_CHARS);
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
    let found = doc_tags(doc.of(text)).find(|found| found.name == tag)?;
    let is_plain = |c: char| c.is_alphanumeric() || matches!(c, '_' | '\\' | '|' | '?');
    let ty = found.ty();
    let is_short = !ty.is_empty() && ty.len() <= DOCUMENTED_TYPE_BYTES;
    (is_short && ty.chars().all(is_plain)).then(|| ty.to_owned())
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

/// `text` with every run of white space as one blank, without blanks behind a
/// `(` and in front of a `)`.
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

/// At most `most` characters of `text`, with an ellipsis if it is longer.
fn cut(text: &str, most: usize) -> String {
    match text.char_indices().nth(most) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}
