//! Examples, and signatures of files, as rows of Parquet.
//!
//! The columns of examples are those of [`columns`], in the order of an example's fields.
//! The bytes depend on the rows alone: no time is recorded, and the name of
//! the creator is fixed.

use std::fs::File;
use std::io::{self, BufWriter};
use std::path::Path;
use std::sync::Arc;

use arrow_json::LineDelimitedWriter;
use arrow_json::reader::{Decoder, ReaderBuilder};
use arrow_schema::{ArrowError, DataType, Field, Schema};
use parquet::arrow::ArrowWriter;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use parquet::basic::{Compression, ZstdLevel};
use parquet::file::properties::WriterProperties;

use crate::dataset::format::ZSTD_LEVEL;
use crate::dataset::record::Example;
use crate::dataset::write::columns::{Column, Kind, columns};
use crate::dataset::write::steady::Steady;

/// Most bytes of examples, as JSON lines, in a row group: what a reader that
/// streams holds at a time. Smaller groups compress worse and are slower to
/// start on; larger ones make every shuffle buffer and worker dearer.
const ROW_GROUP_BYTES: usize = 32 << 20;
/// Most rows that are turned into columns at a time, or read at a time.
const BATCH_ROWS: usize = 256;

/// Writes rows.
pub(super) struct Rows {
    decoder: Decoder,
    writer: ArrowWriter<BufWriter<Steady>>,
    /// Bytes of the row group that is open.
    bytes: usize,
}

impl Rows {
    /// Begins a file of examples.
    pub(super) fn new(file: BufWriter<Steady>) -> io::Result<Self> {
        let fields = columns()?.iter().map(field).collect();
        Self::with_fields(file, fields)
    }

    /// Begins a file of signatures, the fields of [`FileSignature`](crate::dataset::FileSignature).
    pub(super) fn of_signatures(file: BufWriter<Steady>) -> io::Result<Self> {
        let text = |name| Field::new(name, DataType::Utf8, false);
        let list = |name, of| Field::new(name, DataType::new_list(of, false), false);
        let fields = vec![
            text("repo"),
            text("path"),
            text("content_hash"),
            list("signature", DataType::UInt16),
            list("bands", DataType::Int64),
        ];
        Self::with_fields(file, fields)
    }

    fn with_fields(file: BufWriter<Steady>, fields: Vec<Field>) -> io::Result<Self> {
        let schema = Arc::new(Schema::new(fields));
        let level = ZstdLevel::try_new(ZSTD_LEVEL).map_err(io::Error::other)?;
        let properties = WriterProperties::builder()
            .set_compression(Compression::ZSTD(level))
            .set_created_by("fimd".into())
            .set_max_row_group_row_count(None)
            .build();
        let decoder = ReaderBuilder::new(Arc::clone(&schema))
            .with_batch_size(BATCH_ROWS)
            .with_strict_mode(true)
            .build_decoder()
            .map_err(io::Error::other)?;
        let writer =
            ArrowWriter::try_new(file, schema, Some(properties)).map_err(io::Error::other)?;
        Ok(Self {
            decoder,
            writer,
            bytes: 0,
        })
    }

    /// Adds a row, given as a JSON line.
    pub(super) fn push(&mut self, line: &[u8]) -> io::Result<()> {
        if self.bytes > 0 && self.bytes + line.len() > ROW_GROUP_BYTES {
            self.write_batch()?;
            self.writer.flush().map_err(io::Error::other)?;
            self.bytes = 0;
        }
        self.bytes += line.len();
        let mut rest = line;
        loop {
            let read = self.decoder.decode(rest).map_err(io::Error::other)?;
            rest = &rest[read..];
            if rest.is_empty() {
                return Ok(());
            }
            // The decoder stops where a batch is full.
            self.write_batch()?;
        }
    }

    /// Ends the file.
    pub(super) fn finish(mut self) -> io::Result<BufWriter<Steady>> {
        self.write_batch()?;
        self.writer.into_inner().map_err(io::Error::other)
    }

    fn write_batch(&mut self) -> io::Result<()> {
        match self.decoder.flush().map_err(io::Error::other)? {
            Some(batch) => self.writer.write(&batch).map_err(io::Error::other),
            None => Ok(()),
        }
    }
}

/// How many rows the file at `path` says that it has.
///
/// # Errors
/// If it is no Parquet file.
pub(super) fn count(path: &Path) -> io::Result<u64> {
    let file = ParquetRecordBatchReaderBuilder::try_new(File::open(path)?);
    let rows = file.map_err(io::Error::other)?;
    let rows = rows.metadata().file_metadata().num_rows();
    u64::try_from(rows).map_err(io::Error::other)
}

fn field(column: &Column) -> Field {
    let value = match column.kind {
        Kind::Text => DataType::Utf8,
        Kind::Natural => DataType::UInt64,
        Kind::Number => DataType::Float64,
        Kind::Flag => DataType::Boolean,
    };
    let data_type = if column.list {
        DataType::new_list(value, false)
    } else {
        value
    };
    Field::new(&column.name, data_type, column.optional)
}

/// The examples of a file, or for a row what is wrong with it; after an error
/// of the file itself there are no more.
///
/// # Errors
/// If it is no Parquet file.
pub(in crate::dataset) fn read(
    file: File,
) -> io::Result<impl Iterator<Item = Result<Example, String>> + use<>> {
    let batches = ParquetRecordBatchReaderBuilder::try_new(file)
        .and_then(|builder| builder.with_batch_size(BATCH_ROWS).build())
        .map_err(io::Error::other)?;
    let examples = |batch: Result<_, ArrowError>| -> Result<Vec<_>, ArrowError> {
        let mut lines = LineDelimitedWriter::new(Vec::new());
        lines.write(&batch?)?;
        lines.finish()?;
        let example = |line: &str| {
            serde_json::from_str(line).map_err(|error: serde_json::Error| error.to_string())
        };
        let lines = String::from_utf8(lines.into_inner())
            .map_err(|error| ArrowError::JsonError(error.to_string()))?;
        Ok(lines.lines().map(example).collect())
    };
    Ok(batches.flat_map(move |batch| {
        examples(batch).unwrap_or_else(|error| vec![Err(error.to_string())])
    }))
}
