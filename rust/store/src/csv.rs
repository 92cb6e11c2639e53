//! CSV: text with a header, its lines ended by CR, LF or CRLF, gzip or not, in any encoding of the web.
//!
//! In: a file. Out: batches with numbers as doubles and keys as text; only the wanted columns are parsed. A row
//! that is broken is an error with its row and line; nothing is skipped.

use std::io::Read;
use std::sync::Arc;

use arrow_array::builder::{Float64Builder, StringDictionaryBuilder};
use arrow_array::types::Int32Type;
use arrow_array::{ArrayRef, StringArray};
use creditcore::batch::{Batch, Role, Sink, Wanted, find_column};
use creditcore::error::Place;
use creditcore::exec::Control;
use creditcore::{Error, Result};
use csv::{ByteRecord, Reader, ReaderBuilder};
use encoding_rs::Encoding;

use crate::{Options, text};

/// Rows of a batch.
const BATCH_ROWS: usize = 1 << 14;
/// Bytes of a record; a quote that is never closed would otherwise swallow the file.
const MOST_RECORD_BYTES: usize = 16 << 20;
/// Integers up to this magnitude are doubles.
const EXACT_INTEGER: u64 = 1 << 53;

/// A CSV file's header.
pub(crate) struct CsvFile {
    path: Arc<str>,
    encoding: &'static Encoding,
    delimiter: u8,
    nulls: Vec<String>,
    pub(crate) names: Vec<String>,
}

impl CsvFile {
    /// Reads the header.
    pub(crate) fn open(path: &str, options: &Options) -> Result<Self> {
        let tabs = path.ends_with(".tsv") || path.ends_with(".tsv.gz");
        let mut file = Self {
            path: path.into(),
            encoding: text::encoding(options.encoding.as_deref())?,
            delimiter: options.delimiter.unwrap_or(if tabs { b'\t' } else { b',' }),
            nulls: options.null_values.clone(),
            names: Vec::new(),
        };
        let mut reader = file.reader()?;
        let header = reader.byte_headers().map_err(|error| file.broken(0, &error))?;
        if header.is_empty() {
            return Err(Error::source(Place::file(path), "the file is empty; a header with column names is needed"));
        }
        let name = |field: &[u8]| {
            String::from_utf8(field.to_vec()).map_err(|_| {
                Error::source(Place::file(path), "the header is no UTF-8; name the file's encoding (such as `gb18030`)")
            })
        };
        file.names = header.iter().map(name).collect::<Result<_>>()?;
        Ok(file)
    }

    fn reader(&self) -> Result<Reader<Limited>> {
        let bytes = Limited { bytes: text::open(&self.path, self.encoding)?, left: MOST_RECORD_BYTES };
        Ok(ReaderBuilder::new().delimiter(self.delimiter).buffer_capacity(1 << 16).from_reader(bytes))
    }

    /// Reads the file.
    pub(crate) fn read(&self, wanted: &[Wanted], control: &Control, sink: &mut Sink<'_>) -> Result<()> {
        let positions: Vec<usize> = wanted
            .iter()
            .map(|column| find_column(&self.names, &column.name).map_err(|error| crate::in_file(&self.path, error)))
            .collect::<Result<_>>()?;
        let mut reader = self.reader()?;
        let mut record = ByteRecord::new();
        let mut first_row = 0u64;
        loop {
            control.check()?;
            let mut builders: Vec<Builder> = wanted.iter().map(|column| Builder::new(column.role)).collect();
            let mut rows = 0;
            while rows < BATCH_ROWS {
                let row = first_row + rows as u64 + 1;
                reader.get_mut().left = MOST_RECORD_BYTES;
                if !reader.read_byte_record(&mut record).map_err(|error| self.broken(row, &error))? {
                    break;
                }
                for (builder, (&position, column)) in builders.iter_mut().zip(positions.iter().zip(wanted)) {
                    let field = record.get(position).unwrap_or_default();
                    builder.push(field, &self.nulls).map_err(|fault| self.refused(row, &column.name, field, fault))?;
                }
                rows += 1;
            }
            if rows == 0 {
                return Ok(());
            }
            let columns = builders.into_iter().map(Builder::finish).collect();
            sink(&Batch { columns, rows, source: self.path.clone(), first_row })?;
            first_row += rows as u64;
            control.advance(rows as u64);
        }
    }

    fn broken(&self, row: u64, error: &csv::Error) -> Error {
        let place = if row == 0 { Place::file(&*self.path) } else { Place::row(&*self.path, row) };
        let text = match error.kind() {
            csv::ErrorKind::UnequalLengths { pos, expected_len, len } => {
                let line = pos.as_ref().map_or(0, csv::Position::line);
                format!("(line {line}) {len} fields where the header has {expected_len}; mend the row or quote its text")
            }
            csv::ErrorKind::Io(error) => format!("cannot be read: {error}"),
            _ => error.to_string(),
        };
        Error::source(place, text)
    }

    fn refused(&self, row: u64, column: &str, field: &[u8], fault: Fault) -> Error {
        let value: String = String::from_utf8_lossy(field).chars().take(60).collect();
        let text = match fault {
            Fault::NoNumber => format!("column `{column}` holds `{value}`; a number or an empty field is needed"),
            Fault::Inexact => format!(
                "column `{column}` holds `{value}`, which a double cannot hold exactly; use Parquet for integers above 2^53"
            ),
            Fault::NoText => format!(
                "column `{column}` holds bytes that are no UTF-8; name the file's encoding (such as `gb18030`)"
            ),
        };
        Error::source(Place::row(&*self.path, row), text)
    }
}

enum Fault {
    NoNumber,
    Inexact,
    NoText,
}

/// A column of a batch in the making.
enum Builder {
    Number(Float64Builder),
    Key(StringDictionaryBuilder<Int32Type>),
    Text(Vec<Option<String>>),
}

impl Builder {
    fn new(role: Role) -> Self {
        match role {
            Role::Number => Self::Number(Float64Builder::with_capacity(BATCH_ROWS)),
            Role::Key => Self::Key(StringDictionaryBuilder::new()),
            Role::Time => Self::Text(Vec::with_capacity(BATCH_ROWS)),
        }
    }

    fn push(&mut self, field: &[u8], nulls: &[String]) -> std::result::Result<(), Fault> {
        let text = std::str::from_utf8(field).map_err(|_| Fault::NoText)?;
        let null = nulls.iter().any(|null| null == text.trim());
        match self {
            Self::Number(numbers) if null => numbers.append_null(),
            Self::Number(numbers) => numbers.append_value(number(text.trim())?),
            Self::Key(keys) if null => keys.append_null(),
            Self::Key(keys) => keys.append_value(text),
            Self::Text(texts) => texts.push((!null).then(|| text.to_owned())),
        }
        Ok(())
    }

    fn finish(self) -> ArrayRef {
        match self {
            Self::Number(mut numbers) => Arc::new(numbers.finish()),
            Self::Key(mut keys) => Arc::new(keys.finish()),
            Self::Text(texts) => Arc::new(StringArray::from(texts)),
        }
    }
}

/// The nearest double to a decimal text; an integer must be a double itself.
fn number(text: &str) -> std::result::Result<f64, Fault> {
    let value: f64 = text.parse().map_err(|_| Fault::NoNumber)?;
    let digits = text.trim_start_matches(['-', '+']);
    if value.abs() > EXACT_INTEGER as f64
        && digits.bytes().all(|byte| byte.is_ascii_digit())
        && digits.parse::<u128>().is_ok_and(|integer| integer != value.abs() as u128)
    {
        return Err(Fault::Inexact);
    }
    Ok(value)
}

/// Stops a record that never ends.
struct Limited {
    bytes: Box<dyn Read>,
    left: usize,
}

impl Read for Limited {
    fn read(&mut self, out: &mut [u8]) -> std::io::Result<usize> {
        if self.left == 0 {
            let text = "the row has more than 16 MiB; a quote may not be closed";
            return Err(std::io::Error::new(std::io::ErrorKind::InvalidData, text));
        }
        let count = self.bytes.read(out)?;
        self.left = self.left.saturating_sub(count);
        Ok(count)
    }
}
