//! The columns of a dataset: what a typed format and the dataset card say of an
//! [`Example`]'s fields.
//!
//! They are read off the type itself, by asking serde what it would read, so a
//! field that is added there is a column everywhere.

use std::io;

use serde_reflection::{
    ContainerFormat, Format, Registry, Samples, Tracer, TracerConfig, VariantFormat,
};

use crate::dataset::record::Example;

/// A column.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::dataset) struct Column {
    /// The field's name.
    pub(in crate::dataset) name: String,
    /// What its values are, or those in its lists.
    pub(in crate::dataset) kind: Kind,
    /// Whether each value is a list.
    pub(in crate::dataset) list: bool,
    /// Whether a value can be missing.
    pub(in crate::dataset) optional: bool,
}

/// What the values of a column are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::dataset) enum Kind {
    /// Text, or one of a few names.
    Text,
    /// A natural number of 64 bits.
    Natural,
    /// A floating-point number of 64 bits.
    Number,
    /// True or false.
    Flag,
}

/// The columns of [`Example`], in the order of its fields.
///
/// # Errors
/// If a field has a type for which there is no kind of column; a test finds it.
pub(in crate::dataset) fn columns() -> io::Result<Vec<Column>> {
    let mut tracer = Tracer::new(TracerConfig::default());
    let (root, _) = tracer
        .trace_type_once::<Example>(&Samples::new())
        .map_err(|error| io::Error::other(error.to_string()))?;
    // Unchecked: one variant of an enumeration is enough to know it.
    let types = tracer.registry_unchecked();
    let Format::TypeName(name) = root else {
        return Err(unsupported("Example", &root));
    };
    let Some(ContainerFormat::Struct(fields)) = types.get(&name) else {
        return Err(unsupported("Example", &name));
    };
    fields
        .iter()
        .map(|field| {
            let (format, optional) = match &field.value {
                Format::Option(inner) => (&**inner, true),
                format => (format, false),
            };
            let (format, list) = match format {
                Format::Seq(inner) => (&**inner, true),
                format => (format, false),
            };
            let kind = kind(format, &types).ok_or_else(|| unsupported(&field.name, format))?;
            Ok(Column {
                name: field.name.clone(),
                kind,
                list,
                optional,
            })
        })
        .collect()
}

fn kind(format: &Format, types: &Registry) -> Option<Kind> {
    Some(match format {
        Format::Str | Format::Char => Kind::Text,
        Format::U8 | Format::U16 | Format::U32 | Format::U64 => Kind::Natural,
        Format::F32 | Format::F64 => Kind::Number,
        Format::Bool => Kind::Flag,
        Format::TypeName(name) => match types.get(name)? {
            ContainerFormat::NewTypeStruct(inner) => kind(inner, types)?,
            ContainerFormat::Enum(variants)
                if variants
                    .values()
                    .all(|variant| variant.value == VariantFormat::Unit) =>
            {
                Kind::Text
            }
            _ => return None,
        },
        _ => return None,
    })
}

fn unsupported(field: &str, found: &impl std::fmt::Debug) -> io::Error {
    io::Error::new(
        io::ErrorKind::Unsupported,
        format!("no column can hold the field {field}, a {found:?}"),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_columns_are_the_fields_of_an_example() {
        let columns: Vec<_> = columns()
            .unwrap()
            .iter()
            .map(|column| {
                let list = if column.list { "[]" } else { "" };
                let optional = if column.optional { "?" } else { "" };
                format!("{}: {:?}{list}{optional}", column.name, column.kind)
            })
            .collect();
        insta::assert_snapshot!(columns.join("\n"), @r"
        text: Text
        prefix: Text
        middle: Text
        suffix: Text
        context: Text
        filepath: Text
        span_kind: Text
        span_name: Text
        start_byte: Natural
        end_byte: Natural
        middle_lines: Natural
        complexity_score: Number
        file_complexity: Number
        context_max_chars: Natural
        format: Text
        tokens: Natural?
        markers_neutralised: Natural
        redacted: Natural
        repo: Text?
        commit: Text?
        license: Text?
        content_hash: Text?
        ");
    }
}
