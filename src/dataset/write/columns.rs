//! The columns of a dataset: the fields of an [`Example`], as Parquet files and the
//! dataset card describe them.
//!
//! The columns are derived from the type [`Example`] through serde, so a new field of
//! the type becomes a column everywhere.

use std::io;

use serde_reflection::{
    ContainerFormat, Format, Registry, Samples, Tracer, TracerConfig, VariantFormat,
};

use crate::dataset::record::Example;

/// A column of a dataset.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::dataset) struct Column {
    /// The field's name.
    pub(in crate::dataset) name: String,
    /// The kind of its values, or of the items of its lists.
    pub(in crate::dataset) kind: ColumnKind,
    /// Whether each value is a list.
    pub(in crate::dataset) list: bool,
    /// Whether a value can be null.
    pub(in crate::dataset) optional: bool,
}

/// The kind of values in a column.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::dataset) enum ColumnKind {
    /// A text, or one of a few names.
    Text,
    /// A natural number of 64 bits.
    Natural,
    /// A floating-point number of 64 bits.
    Number,
    /// A truth value.
    Flag,
}

/// The columns of [`Example`], in the order of its fields.
///
/// # Errors
/// If no kind of column can hold the type of a field. A test checks that this does not
/// happen.
pub(in crate::dataset) fn columns() -> io::Result<Vec<Column>> {
    let mut tracer = Tracer::new(TracerConfig::default());
    let (root, _) = tracer
        .trace_type_once::<Example>(&Samples::new())
        .map_err(|error| io::Error::other(error.to_string()))?;
    // The unchecked registry need not know all variants of an enumeration: one tells
    // the kind of column.
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

fn kind(format: &Format, types: &Registry) -> Option<ColumnKind> {
    Some(match format {
        Format::Str | Format::Char => ColumnKind::Text,
        Format::U8 | Format::U16 | Format::U32 | Format::U64 => ColumnKind::Natural,
        Format::F32 | Format::F64 => ColumnKind::Number,
        Format::Bool => ColumnKind::Flag,
        Format::TypeName(name) => match types.get(name)? {
            ContainerFormat::NewTypeStruct(inner) => kind(inner, types)?,
            ContainerFormat::Enum(variants)
                if variants
                    .values()
                    .all(|variant| variant.value == VariantFormat::Unit) =>
            {
                ColumnKind::Text
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
        context_start: Natural
        format: Text
        tokens: Natural?
        markers_neutralised: Natural
        redacted: Natural
        buffer: Text?
        history_commit: Text?
        history_path: Text?
        history_places: Natural?
        repo: Text?
        commit: Text?
        license: Text?
        content_hash: Text?
        ");
    }
}
