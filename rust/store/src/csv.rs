//! CSV: text with a header, its lines ended by CR, LF or CRLF, gzip or not, in any encoding of the web.
//!
//! In: a file. Out: batches with numbers as doubles and keys as text; only the wanted columns are parsed. A row
//! that is broken is an error with its row and line; nothing is skipped.

use std::io::{BufReader, Read};
use std::sync::Arc;

use arrow_array::builder::{Float64Builder, StringDictionaryBuilder};
use arrow_array::types::Int32Type;
use arrow_array::{ArrayRef, StringArray};
use creditcore::batch::{Batch, Role, Sink, Wanted};
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
const EXACT_INTEGER: f64 = 9_007_199_254_740_992.0;

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
            return Err(Error::source(
                Place::file(path),
                "the file is empty; a header with column names is needed",
            ));
        }
        let name = |field: &[u8]| {
            String::from_utf8(field.to_vec()).map_err(|_| {
                Error::source(
                    Place::file(path),
                    "the header is no UTF-8; name the file's encoding (such as `gb18030`)",
                )
            })
        };
        file.names = header.iter().map(name).collect::<Result<_>>()?;
        Ok(file)
    }

    fn reader(&self) -> Result<Reader<Limited>> {
        let bytes = Limited::new(text::open(&self.path, self.encoding)?);
        Ok(ReaderBuilder::new().delimiter(self.delimiter).buffer_capacity(1 << 16).from_reader(bytes))
    }

    /// Reads the file.
    pub(crate) fn read(&self, wanted: &[Wanted], control: &Control, sink: &mut Sink<'_>) -> Result<()> {
        let positions = crate::positions(&self.path, &self.names, wanted)?;
        let mut reader = self.reader()?;
        let mut record = ByteRecord::new();
        let mut first_row = 0u64;
        let mut last_is_open = false;
        loop {
            control.check()?;
            let mut builders: Vec<Builder> = wanted.iter().map(|column| Builder::new(column.role)).collect();
            let mut rows = 0;
            while rows < BATCH_ROWS {
                let row = first_row + rows as u64 + 1;
                reader.get_mut().left = MOST_RECORD_BYTES;
                if !reader.read_byte_record(&mut record).map_err(|error| self.broken(row, &error))? {
                    if last_is_open {
                        return Err(self.unclosed(row - 1));
                    }
                    break;
                }
                last_is_open = reader.get_ref().may_be_open(&record);
                for (builder, (&position, column)) in builders.iter_mut().zip(positions.iter().zip(wanted)) {
                    let field = record.get(position).unwrap_or_default();
                    builder
                        .push(field, &self.nulls)
                        .map_err(|fault| self.refused(row, &column.name, field, fault))?;
                }
                rows += 1;
            }
            if rows == 0 {
                return Ok(());
            }
            let columns = builders.into_iter().map(Builder::finish).collect();
            sink(&Batch { columns, rows, source: self.path.clone(), first_row, kept: None })?;
            first_row += rows as u64;
            control.advance(rows as u64);
        }
    }

    fn broken(&self, row: u64, error: &csv::Error) -> Error {
        let place = if row == 0 { Place::file(&*self.path) } else { Place::row(&*self.path, row) };
        let text = match error.kind() {
            csv::ErrorKind::UnequalLengths { pos, expected_len, len } => {
                // The line is counted only now: counting all along would cost every good file a pass.
                let line = pos.as_ref().and_then(|pos| self.line_at(pos.byte()).ok());
                let line = line.map(|line| format!("(line {line}) ")).unwrap_or_default();
                format!(
                    "{line}{len} fields where the header has {expected_len}; mend the row, quote a text that holds the \
                     separator, and close every quote"
                )
            }
            csv::ErrorKind::Io(error) => format!("cannot be read: {error}"),
            _ => error.to_string(),
        };
        Error::source(place, text)
    }

    fn unclosed(&self, row: u64) -> Error {
        let text = "a quote is opened and never closed, so that the rest of the file is one text; close it";
        Error::source(Place::row(&*self.path, row), text)
    }

    /// The number of the line, from 1, on which the first character at or after a byte stands that ends no line.
    fn line_at(&self, byte: u64) -> Result<u64> {
        let mut lines = 1;
        let mut before = 0;
        let bytes = BufReader::new(text::open(&self.path, self.encoding)?).bytes();
        for (at, found) in (0u64..).zip(bytes) {
            let found = found.map_err(|error| crate::unreadable(&self.path, &error))?;
            if at >= byte && !matches!(found, b'\r' | b'\n') {
                break;
            }
            // CR LF is one end of a line.
            lines += u64::from(found == b'\r' || found == b'\n' && before != b'\r');
            before = found;
        }
        Ok(lines)
    }

    fn refused(&self, row: u64, column: &str, field: &[u8], fault: Fault) -> Error {
        let value: String = String::from_utf8_lossy(field).chars().take(60).collect();
        Error::source(Place::row(&*self.path, row), fault.text(column, &value))
    }
}

/// Why a field is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    NoNumber,
    Inexact,
    NoText,
}

impl Fault {
    pub(crate) fn text(self, column: &str, value: &str) -> String {
        match self {
            Self::NoNumber => {
                format!("column `{column}` holds `{value}`; a number or an empty field is needed")
            }
            Self::Inexact => format!(
                "column `{column}` holds `{value}`, which a double cannot hold exactly; use Parquet for integers above \
                 2^53"
            ),
            Self::NoText => format!(
                "column `{column}` holds bytes that are no UTF-8; name the file's encoding (such as `gb18030`)"
            ),
        }
    }
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
pub(crate) fn number(text: &str) -> std::result::Result<f64, Fault> {
    let value: f64 = text.parse().map_err(|_| Fault::NoNumber)?;
    let digits = text.trim_start_matches(['-', '+']);
    // Up to 2^53 every integer is a double. Above it, the double's own digits show whether it is the same one.
    if value.abs() >= EXACT_INTEGER
        && digits.bytes().all(|byte| byte.is_ascii_digit())
        && format!("{:.0}", value.abs()) != digits.trim_start_matches('0')
    {
        return Err(Fault::Inexact);
    }
    Ok(value)
}

/// Stops a record that never ends, and ends the last line of a file.
struct Limited {
    bytes: Box<dyn Read>,
    left: usize,
    /// The last byte that ends no line.
    last: u8,
    ended: bool,
}

/// What follows the last byte of a file. Outside of quotes it is an empty line, which is no row; a text whose
/// quote was never closed ends with it.
const END: &[u8] = b"\r\n";

impl Limited {
    fn new(bytes: Box<dyn Read>) -> Self {
        Self { bytes, left: MOST_RECORD_BYTES, last: 0, ended: false }
    }

    /// Whether `record`, if it turns out to be the last one, ends in a text whose quote was never closed.
    fn may_be_open(&self, record: &ByteRecord) -> bool {
        self.ended && self.last != b'"' && record.iter().next_back().is_some_and(|field| field.ends_with(END))
    }
}

impl Read for Limited {
    fn read(&mut self, out: &mut [u8]) -> std::io::Result<usize> {
        if self.left == 0 {
            let text = "the row has more than 16 MiB; a quote may not be closed";
            return Err(std::io::Error::new(std::io::ErrorKind::InvalidData, text));
        }
        let count = self.bytes.read(out)?;
        self.left = self.left.saturating_sub(count);
        if let Some(last) = out[..count].iter().rev().find(|byte| !END.contains(byte)) {
            self.last = *last;
        }
        if count == 0 && !self.ended && out.len() >= END.len() {
            self.ended = true;
            out[..END.len()].copy_from_slice(END);
            return Ok(END.len());
        }
        Ok(count)
    }
}
