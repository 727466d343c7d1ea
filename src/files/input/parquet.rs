//! RowIter of a Parquet file, a few at a time. The columns are read as bytes, not
//! through Arrow: a text that is not UTF-8 then costs one row, not a batch.

use std::collections::VecDeque;
use std::fs::File;
use std::path::Path;

use parquet::basic::Type;
use parquet::column::reader::{ColumnReader, ColumnReaderImpl};
use parquet::data_type::{ByteArray, ByteArrayType};
use parquet::errors::ParquetError;
use parquet::file::reader::{FileReader, SerializedFileReader};
use parquet::schema::types::SchemaDescriptor;

use super::row::{NumberedRow, Row, RowIter};
use crate::files::read::decode;
use crate::guard::{each_guarded, guarded};

/// The number of rows read at a time: enough to be quick, few enough that their
/// texts are small beside a repository.
const BATCH: usize = 64;

/// The columns in the order of a [`Row`]'s fields, and whether each is required.
const COLUMNS: [(&str, bool); 6] = [
    ("repo", true),
    ("path", true),
    ("content", true),
    ("license", false),
    ("commit", false),
    ("duplicate_of", false),
];

type TextCell = Option<ByteArray>;

pub(super) fn rows(path: &Path) -> Result<RowIter, String> {
    guarded(|| open(path))?.map(|rows| -> RowIter { Box::new(each_guarded(rows)) })
}

fn open(path: &Path) -> Result<impl Iterator<Item = Result<NumberedRow, String>> + use<>, String> {
    let file = super::open_file(path)?;
    let reader = SerializedFileReader::new(file).map_err(|error| error.to_string())?;
    let schema = reader.metadata().file_metadata().schema_descr_ptr();
    let mut places = [None; COLUMNS.len()];
    for (place, (name, is_needed)) in places.iter_mut().zip(COLUMNS) {
        *place = find(&schema, name, is_needed)?;
    }
    let mut table = ParquetTable {
        reader,
        places,
        groups_begun: 0,
        columns: Default::default(),
        batch: VecDeque::new(),
        number: 0,
    };
    Ok(std::iter::from_fn(move || {
        let row = table.next().transpose()?;
        Some(row.map_err(|error| format!("after row {}: {error}", table.number)))
    }))
}

/// The number of the column `name`; `None` if there is none and none is needed.
fn find(schema: &SchemaDescriptor, name: &str, is_needed: bool) -> Result<Option<usize>, String> {
    let mut columns = schema.columns().iter().enumerate();
    let Some((place, column)) = columns.find(|(_, column)| column.path().parts()[0] == name) else {
        return if is_needed {
            let root = schema.root_schema().get_fields().iter();
            let names: Vec<_> = root.map(|field| field.name()).collect();
            let names = names.join(", ");
            Err(format!("no column `{name}` among {names}; name it so"))
        } else {
            Ok(None)
        };
    };
    if column.path().parts().len() > 1 || column.max_rep_level() > 0 {
        return Err(format!("column `{name}` is nested; expected text"));
    }
    match column.physical_type() {
        Type::BYTE_ARRAY => Ok(Some(place)),
        other => Err(format!("column `{name}` is of type {other}; expected text")),
    }
}

struct ParquetTable {
    reader: SerializedFileReader<File>,
    places: [Option<usize>; COLUMNS.len()],
    groups_begun: usize,
    /// The columns of the current row group.
    columns: [Option<TextColumn>; COLUMNS.len()],
    batch: VecDeque<[TextCell; COLUMNS.len()]>,
    /// The number of the last row that was read.
    number: u64,
}

struct TextColumn {
    reader: ColumnReaderImpl<ByteArrayType>,
    /// The definition level of a cell with a value.
    level: i16,
}

impl ParquetTable {
    fn next(&mut self) -> Result<Option<NumberedRow>, ParquetError> {
        while self.batch.is_empty() {
            if !self.read_batch()? && !self.next_group()? {
                return Ok(None);
            }
        }
        self.number += 1;
        let row = self.batch.pop_front().map(row);
        Ok(row.map(|row| (self.number, row)))
    }

    /// Opens the columns of the next row group. Returns whether there is one.
    fn next_group(&mut self) -> Result<bool, ParquetError> {
        if self.groups_begun == self.reader.num_row_groups() {
            return Ok(false);
        }
        let group = self.reader.get_row_group(self.groups_begun)?;
        self.groups_begun += 1;
        for (column, place) in self.columns.iter_mut().zip(self.places) {
            *column = None;
            if let Some(place) = place
                && let ColumnReader::ByteArrayColumnReader(reader) =
                    group.get_column_reader(place)?
            {
                let level = group
                    .metadata()
                    .column(place)
                    .column_descr()
                    .max_def_level();
                *column = Some(TextColumn { reader, level });
            }
        }
        Ok(true)
    }

    /// Reads the next batch of the row group. Returns whether there was one.
    fn read_batch(&mut self) -> Result<bool, ParquetError> {
        let mut cells = Vec::new();
        for column in &mut self.columns {
            cells.push(column.as_mut().map(TextColumn::read).transpose()?);
        }
        let mut columns = cells.into_iter().map(|cells| cells.map(Vec::into_iter));
        let mut columns: [_; COLUMNS.len()] = std::array::from_fn(|_| columns.next().flatten());
        let rows = columns.iter().flatten().map(ExactSizeIterator::len);
        let (Some(most), Some(least)) = (rows.clone().max(), rows.min()) else {
            return Ok(false);
        };
        if most != least {
            let what = "the columns of a row group differ in length";
            return Err(ParquetError::General(what.into()));
        }
        self.batch.extend((0..most).map(|_| {
            columns
                .each_mut()
                .map(|column| column.as_mut().and_then(Iterator::next).flatten())
        }));
        Ok(most > 0)
    }
}

impl TextColumn {
    /// Reads up to [`BATCH`] cells.
    fn read(&mut self) -> Result<Vec<TextCell>, ParquetError> {
        let (mut levels, mut values) = (Vec::new(), Vec::new());
        let (rows, _, _) = self
            .reader
            .read_records(BATCH, Some(&mut levels), None, &mut values)?;
        if self.level == 0 {
            return Ok(values.into_iter().map(Some).collect());
        }
        let mut values = values.into_iter();
        let cell = |level: i16| (level == self.level).then(|| values.next()).flatten();
        Ok(levels.into_iter().take(rows).map(cell).collect())
    }
}

fn row(cells: [TextCell; COLUMNS.len()]) -> Result<Row, String> {
    let [repo, path, content, license, commit, duplicate_of] = cells;
    let text = |cell: ByteArray| decode(cell.data().to_vec());
    let needed = |column: &str, cell: TextCell| {
        let cell = cell.ok_or_else(|| format!("row without `{column}`"))?;
        Ok::<_, String>(text(cell))
    };
    let (content, lossy) = needed("content", content)?;
    Ok(Row {
        repo: needed("repo", repo)?.0,
        path: needed("path", path)?.0,
        content,
        lossy,
        license: license.map(|cell| text(cell).0),
        commit: commit.map(|cell| text(cell).0),
        duplicate_of: duplicate_of.map(|cell| text(cell).0),
    })
}
