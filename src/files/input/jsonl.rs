//! Reads rows from JSON lines.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};
use std::path::Path;

use serde_json::{Map, Value};

use super::row::{NumberedRow, Row, RowIter};
use crate::files::read::decode;

/// The most bytes of JSON for one byte of text: an escape such as `\u0001`.
const ESCAPED: u64 = 6;

/// The most bytes of a line beside the text of the longest file.
const OTHER_COLUMNS: u64 = 1 << 20;

pub(super) fn plain(path: &Path, max_file_bytes: u64) -> Result<RowIter, String> {
    Ok(lines(open(path)?, max_file_bytes))
}

pub(super) fn compressed(path: &Path, max_file_bytes: u64) -> Result<RowIter, String> {
    let decoder = zstd::Decoder::with_buffer(open(path)?).map_err(|error| error.to_string())?;
    Ok(lines(BufReader::new(decoder), max_file_bytes))
}

fn open(path: &Path) -> Result<BufReader<File>, String> {
    Ok(BufReader::with_capacity(1 << 18, super::open_file(path)?))
}

fn lines(reader: impl BufRead + 'static, max_file_bytes: u64) -> RowIter {
    let mut lines = JsonLines {
        reader,
        number: 0,
        most: max_file_bytes
            .saturating_mul(ESCAPED)
            .saturating_add(OTHER_COLUMNS),
    };
    Box::new(std::iter::from_fn(move || {
        let row = lines.next().transpose()?;
        Some(row.map_err(|error| format!("after line {}: {error}", lines.number)))
    }))
}

struct JsonLines<R> {
    reader: R,
    /// The number of the last line that was read to its end.
    number: u64,
    /// The most bytes of a line. A longer line is skipped.
    most: u64,
}

impl<R: BufRead> JsonLines<R> {
    fn next(&mut self) -> io::Result<Option<NumberedRow>> {
        loop {
            let mut line = Vec::new();
            let mut limited = self.reader.by_ref().take(self.most);
            if limited.read_until(b'\n', &mut line)? == 0 {
                return Ok(None);
            }
            let is_whole = line.ends_with(b"\n") || limited.limit() > 0;
            if !is_whole {
                self.reader.skip_until(b'\n')?;
            }
            self.number += 1;
            let row = if is_whole {
                if line.trim_ascii().is_empty() {
                    continue;
                }
                parse(line)
            } else {
                Err(format!("row of more than {} bytes", self.most))
            };
            return Ok(Some((self.number, row)));
        }
    }
}

fn parse(line: Vec<u8>) -> Result<Row, String> {
    let (line, lossy) = decode(line);
    let mut columns: Map<String, Value> = serde_json::from_str(&line).map_err(|error| {
        let error = error.to_string();
        // The position in the line is cut off, so that rows share their reasons.
        let what = error.split(" at line ").next().unwrap_or(&error);
        format!("row is no JSON object: {what}")
    })?;
    let mut take = |column| (column, columns.remove(column).unwrap_or_default());
    Ok(Row {
        repo: text(take("repo"))?,
        path: text(take("path"))?,
        content: text(take("content"))?,
        lossy,
        license: texts(take("license"))?,
        commit: texts(take("commit"))?,
        duplicate_of: texts(take("duplicate_of"))?,
    })
}

fn text((column, value): (&str, Value)) -> Result<String, String> {
    match value {
        Value::String(text) => Ok(text),
        Value::Null => Err(format!("row without `{column}`")),
        _ => Err(format!("row whose `{column}` is no text")),
    }
}

fn texts((column, value): (&str, Value)) -> Result<Option<String>, String> {
    match value {
        Value::Null => Ok(None),
        Value::Array(values) => {
            let texts = values.into_iter().map(|value| text((column, value)));
            let texts = texts.collect::<Result<Vec<_>, _>>()?;
            Ok((!texts.is_empty()).then(|| texts.join(" OR ")))
        }
        value => text((column, value)).map(Some),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all(text: &[u8], max_file_bytes: u64) -> Vec<NumberedRow> {
        lines(io::Cursor::new(text.to_vec()), max_file_bytes)
            .collect::<Result<_, _>>()
            .unwrap()
    }

    #[test]
    fn a_bad_line_costs_no_other() {
        let long = format!("{{\"repo\":\"{}\"}}", "x".repeat(1 << 21));
        let text = [
            b"{\"repo\":\"a\",\"path\":\"a.php\",\"content\":\"1\",\"license\":[\"MIT\",\"ISC\"],\"size\":3}\n\n"
                .as_slice(),
            b"[]\n{\"repo\":\"a\",\"path\":\"b.php\"}\n{\"repo\":7}\n{\"repo\":\"a\",\"content\":\"\\ud800\"}\n",
            long.as_bytes(),
            b"\n{\"repo\":\"a\",\"path\":\"c.php\",\"content\":\"\xff\"}",
        ]
        .concat();
        let rows = all(&text, 10);
        let refused: Vec<_> = rows
            .iter()
            .filter_map(|(number, row)| Some((*number, row.as_ref().err()?.as_str())))
            .collect();
        assert_eq!(
            refused
                .iter()
                .map(|(number, _)| *number)
                .collect::<Vec<_>>(),
            [3, 4, 5, 6, 7]
        );
        for ((_, reason), part) in refused.iter().zip([
            "no JSON object",
            "without `content`",
            "`repo` is no text",
            "hex escape",
            "more than 1048636 bytes",
        ]) {
            assert!(reason.contains(part), "{reason}");
        }
        let first = rows[0].1.as_ref().unwrap();
        assert_eq!(first.license.as_deref(), Some("MIT OR ISC"));
        let last = rows[6].1.as_ref().unwrap();
        assert_eq!(
            (rows[6].0, &*last.content, last.lossy),
            (8, "\u{fffd}", true)
        );
    }
}
