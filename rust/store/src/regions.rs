//! Region tables from CSV files.
//!
//! In: the path of a table of regions and perhaps of a table of aliases (UTF-8, with or without a byte
//! order mark, any line ends). Out: [`Regions`]. Law kept: a file that is not understood to its last line
//! is refused, with the line.

use std::fs::File;
use std::io::{BufReader, Read};
use std::path::Path;

use creditcore::error::{Error, Place, Result};
use creditcore::region::{AliasHeader, Aliases, Header, MAX_ROWS, Regions};

/// Reads a region table, and the aliases that go with it.
///
/// # Errors
/// A file that cannot be opened or is no CSV, and whatever [`Regions::build`] refuses.
/// x
pub fn load(regions: &Path, aliases: Option<&Path>) -> Result<Regions> {
    let source = regions.display().to_string();
    let rows = read(regions, &source, |names| Header::read(&source, names), Header::row)?;
    let aliases = match aliases {
        None => Aliases::default(),
        Some(path) => {
            let source = path.display().to_string();
            let rows = read(path, &source, |names| AliasHeader::read(&source, names), AliasHeader::row)?;
            Aliases { source, rows }
        }
    };
    Regions::build(&source, rows, &aliases)
}

/// Reads the rows of a CSV file, one more than allowed at most: the table's own check names the excess.
fn read<H, R>(
    path: &Path,
    source: &str,
    header: impl Fn(&[&str]) -> Result<H>,
    row: impl Fn(&H, u64, &[&str]) -> Result<R>,
) -> Result<Vec<R>> {
    let file = File::open(path).map_err(|error| {
        Error::source(Place::file(source), format!("cannot be opened: {error}; check the path"))
    })?;
    let unreadable = |error: ::csv::Error| {
        let line =
            error.position().map_or_else(String::new, |position| format!("line {}: ", position.line()));
        Error::format(Place::file(source), format!("{line}{}", reason(&error)))
    };
    let mut reader = ::csv::ReaderBuilder::new()
        .has_headers(false)
        .flexible(true)
        .from_reader(without_mark(BufReader::new(file), source)?);
    let mut record = ::csv::StringRecord::new();
    if !reader.read_record(&mut record).map_err(unreadable)? {
        return Err(Error::format(Place::file(source), "the file is empty; a header line is needed"));
    }
    let header = header(&record.iter().collect::<Vec<_>>())?;
    let mut rows = Vec::new();
    while rows.len() <= MAX_ROWS && reader.read_record(&mut record).map_err(unreadable)? {
        let line = record.position().map_or(0, ::csv::Position::line);
        rows.push(row(&header, line, &record.iter().collect::<Vec<_>>())?);
    }
    Ok(rows)
}

/// The file's bytes after the byte order mark that spreadsheets put in front.
fn without_mark(mut file: impl Read, source: &str) -> Result<impl Read> {
    let mut start = Vec::with_capacity(3);
    file.by_ref()
        .take(3)
        .read_to_end(&mut start)
        .map_err(|error| Error::source(Place::file(source), format!("cannot be read: {error}")))?;
    if start == [0xef, 0xbb, 0xbf] {
        start.clear();
    }
    Ok(std::io::Cursor::new(start).chain(file))
}

fn reason(error: &::csv::Error) -> String {
    match error.kind() {
        ::csv::ErrorKind::Utf8 { .. } => "not UTF-8; save the table as UTF-8".to_owned(),
        other => format!("cannot be read as CSV: {other:?}"),
    }
}
