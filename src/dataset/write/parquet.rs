//! Writes and reads Parquet files of examples, and writes those of signatures.
//!
//! The columns of a file of examples are those of [`columns`], in the order of an
//! example's fields. The bytes of a file depend only on its rows: the file records no
//! time, and its creator is always `fimd`.

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
use crate::dataset::write::columns::{Column, ColumnKind, columns};
use crate::dataset::write::syncing_file::SyncingFile;
use crate::guard::{each_guarded, guarded};

/// The most bytes of examples, as JSON lines, in a row group. A reader that streams
/// holds a row group at a time. Smaller groups compress worse and cost more to open.
/// With larger groups, every shuffle buffer and worker needs more memory.
const ROW_GROUP_BYTES: usize = 32 << 20;
/// The most rows that are converted to columns at a time, or read at a time.
const BATCH_ROWS: usize = 256;

/// Writes the rows of a Parquet file.
pub(super) struct ParquetRows {
    decoder: Decoder,
    writer: ArrowWriter<BufWriter<SyncingFile>>,
    /// The bytes of JSON lines in the open row group.
    bytes: usize,
}

impl ParquetRows {
    /// Starts a file of examples.
    pub(super) fn of_examples(file: BufWriter<SyncingFile>) -> io::Result<Self> {
        let fields = columns()?.iter().map(field).collect();
        Self::with_fields(file, fields)
    }

    /// Starts a file of signatures. Its columns are the fields of
    /// [`FileSignature`](crate::dataset::FileSignature).
    pub(super) fn of_signatures(file: BufWriter<SyncingFile>) -> io::Result<Self> {
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

    fn with_fields(file: BufWriter<SyncingFile>, fields: Vec<Field>) -> io::Result<Self> {
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
            // The decoder stops when a batch is full.
            self.write_batch()?;
        }
    }

    /// Writes the rest of the rows and the footer.
    pub(super) fn finish(mut self) -> io::Result<BufWriter<SyncingFile>> {
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

/// The number of rows that the footer of the file at `path` tells.
///
/// # Errors
/// If the file is no Parquet file.
pub(super) fn count(path: &Path) -> io::Result<u64> {
    let file = File::open(path)?;
    let read = guarded(|| ParquetRecordBatchReaderBuilder::try_new(file));
    let rows = read.map_err(io::Error::other)?.map_err(io::Error::other)?;
    let rows = rows.metadata().file_metadata().num_rows();
    u64::try_from(rows).map_err(io::Error::other)
}

fn field(column: &Column) -> Field {
    let value = match column.kind {
        ColumnKind::Text => DataType::Utf8,
        ColumnKind::Natural => DataType::UInt64,
        ColumnKind::Number => DataType::Float64,
        ColumnKind::Flag => DataType::Boolean,
    };
    let data_type = if column.list {
        DataType::new_list(value, false)
    } else {
        value
    };
    Field::new(&column.name, data_type, column.optional)
}

/// The examples of a file. A row that is no example is an error. An error of the file
/// ends the examples.
///
/// # Errors
/// If the file is no Parquet file.
pub(in crate::dataset) fn read(
    file: File,
) -> io::Result<impl Iterator<Item = Result<Example, String>> + use<>> {
    let open = || {
        ParquetRecordBatchReaderBuilder::try_new(file)
            .and_then(|builder| builder.with_batch_size(BATCH_ROWS).build())
    };
    let batches = guarded(open)
        .map_err(io::Error::other)?
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
    Ok(each_guarded(batches.flat_map(move |batch| {
        examples(batch).unwrap_or_else(|error| vec![Err(error.to_string())])
    })))
}
