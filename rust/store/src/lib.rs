//! Everything of creditcore that touches a disk.
//!
//! In: paths. Out: a [`Source`](creditcore::batch::Source) over Parquet, CSV and Arrow IPC files, region tables,
//! and models. Files are read in batches, so a source may be larger than memory.
#![deny(unsafe_code)]

pub mod compiled;
mod csv;
mod guard;
mod ipc;
pub mod lists;
mod map;
pub mod models;
mod parquet;
mod paths;
pub mod regions;
pub mod state;
mod text;

use std::collections::HashSet;
use std::fs::File;
use std::io::Read;
use std::sync::Arc;

use arrow_array::types::Int32Type;
use arrow_array::{ArrayRef, DictionaryArray, Float64Array, Int32Array, StringArray};
use arrow_schema::{Field, Schema};
use creditcore::batch::{Batch, Role, Sink, Source, Wanted, find_column};
use creditcore::error::Place;
use creditcore::exec::Control;
use creditcore::{Error, Result};

use crate::paths::Found;

/// A file format.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// Apache Parquet.
    Parquet,
    /// Text with separated values, gzip or not.
    Csv,
    /// Arrow IPC, as a file or a stream.
    Ipc,
}

/// How files are read.
#[derive(Clone, Debug)]
pub struct Options {
    /// The format; by default told by each file's name, or by its first bytes.
    pub format: Option<Format>,
    /// The encoding of CSV text; UTF-8 by default.
    pub encoding: Option<String>,
    /// The byte between CSV fields; a comma by default, a tab in `.tsv` files.
    pub delimiter: Option<u8>,
    /// CSV fields that stand for null.
    pub null_values: Vec<String>,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            format: None,
            encoding: None,
            delimiter: None,
            null_values: vec![String::new(), "\\N".to_owned()],
        }
    }
}

/// Bytes that tell a format.
const MAGIC_BYTES: u64 = 6;

enum Opened {
    Parquet(parquet::ParquetFile),
    Csv(csv::CsvFile),
    Ipc(ipc::IpcFile),
}

impl Opened {
    fn names(&self) -> &[String] {
        match self {
            Self::Parquet(file) => &file.names,
            Self::Csv(file) => &file.names,
            Self::Ipc(file) => &file.names,
        }
    }

    fn tasks(&self) -> usize {
        match self {
            Self::Parquet(file) => file.tasks(),
            Self::Csv(_) => 1,
            Self::Ipc(file) => file.tasks(),
        }
    }

    fn rows(&self) -> Option<u64> {
        match self {
            Self::Parquet(file) => Some(file.rows()),
            Self::Csv(_) => None,
            Self::Ipc(file) => Some(file.rows()),
        }
    }

    fn format(&self) -> Format {
        match self {
            Self::Parquet(_) => Format::Parquet,
            Self::Csv(_) => Format::Csv,
            Self::Ipc(_) => Format::Ipc,
        }
    }

    fn read(&self, task: usize, wanted: &[Wanted], control: &Control, sink: &mut Sink<'_>) -> Result<()> {
        match self {
            Self::Parquet(file) => file.read(task, wanted, control, sink),
            Self::Csv(file) => file.read(wanted, control, sink),
            Self::Ipc(file) => file.read(task, wanted, control, sink),
        }
    }
}

/// Open files, read as one source.
pub struct Files {
    names: Vec<String>,
    files: Vec<(Found, Opened)>,
    /// For each task its file and the task there.
    tasks: Vec<(usize, usize)>,
}

/// Opens files, glob patterns and folders; in a folder `key=value` parts of a path are columns.
///
/// # Errors
/// Nothing there, a file that cannot be read, or one of an unknown format.
pub fn open(paths: &[String], options: &Options) -> Result<Files> {
    let mut files = Vec::new();
    let mut tasks = Vec::new();
    for found in paths::expand(paths)? {
        let format = options.format.map_or_else(|| format_of(&found.path), Ok)?;
        let opened = match format {
            Format::Parquet => Opened::Parquet(parquet::ParquetFile::open(&found.path)?),
            Format::Csv => Opened::Csv(csv::CsvFile::open(&found.path, options)?),
            Format::Ipc => Opened::Ipc(ipc::IpcFile::open(&found.path)?),
        };
        tasks.extend((0..opened.tasks()).map(|task| (files.len(), task)));
        files.push((found, opened));
    }
    let mut names = Vec::new();
    if let Some((found, opened)) = files.first() {
        names.extend_from_slice(opened.names());
        let own: HashSet<&String> = opened.names().iter().collect();
        names.extend(found.keys.iter().map(|(key, _)| key.clone()).filter(|key| !own.contains(key)));
    }
    Ok(Files { names, files, tasks })
}

impl Source for Files {
    fn column_names(&self) -> &[String] {
        &self.names
    }

    fn tasks(&self) -> usize {
        self.tasks.len()
    }

    fn rows(&self) -> Option<u64> {
        self.files.iter().map(|(_, opened)| opened.rows()).sum()
    }

    fn read(&self, task: usize, wanted: &[Wanted], control: &Control, sink: &mut Sink<'_>) -> Result<()> {
        let (index, task) = self.tasks[task];
        let (found, opened) = &self.files[index];
        let constants: Vec<Option<Constant>> = wanted
            .iter()
            .map(|column| {
                let own = opened.names().contains(&column.name);
                let value = found.keys.iter().find(|(key, _)| !own && *key == column.name);
                value.map(|(_, value)| Constant::new(&found.path, column, value.as_deref())).transpose()
            })
            .collect::<Result<_>>()?;
        if constants.iter().all(Option::is_none) {
            return opened.read(task, wanted, control, sink);
        }
        let inside: Vec<Wanted> = wanted
            .iter()
            .zip(&constants)
            .filter(|(_, constant)| constant.is_none())
            .map(|(column, _)| column.clone())
            .collect();
        opened.read(task, &inside, control, &mut |batch| {
            let mut own = batch.columns.iter();
            let columns = constants.iter().map(|constant| match constant {
                Some(constant) => Some(constant.array(batch.rows)),
                None => own.next().cloned(),
            });
            sink(&Batch { columns: columns.flatten().collect(), ..batch.clone() })
        })
    }
}

/// A file of a source.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FileEntry<'a> {
    /// Its path, as it was given or found.
    pub path: &'a str,
    /// How it is read.
    pub format: Format,
    /// How many rows it has, where that is known without reading them.
    pub rows: Option<u64>,
}

impl Files {
    /// The files, in the order in which they are read.
    pub fn files(&self) -> impl Iterator<Item = FileEntry<'_>> {
        self.files.iter().map(|(found, opened)| FileEntry {
            path: &found.path,
            format: opened.format(),
            rows: opened.rows(),
        })
    }
}

/// One value in every row of a file: a column that its path stands for.
enum Constant {
    Text { value: Arc<StringArray>, null: bool },
    Number(Option<f64>),
}

impl Constant {
    fn new(path: &str, column: &Wanted, value: Option<&str>) -> Result<Self> {
        if column.role != Role::Number {
            let text = StringArray::from(vec![value.unwrap_or_default()]);
            return Ok(Self::Text { value: Arc::new(text), null: value.is_none() });
        }
        let number =
            value.map(|text| csv::number(text.trim()).map_err(|fault| fault.text(&column.name, text)));
        let number = number.transpose().map_err(|text| Error::source(Place::file(path), text))?;
        Ok(Self::Number(number))
    }

    fn array(&self, rows: usize) -> ArrayRef {
        match self {
            Self::Number(Some(number)) => Arc::new(Float64Array::from(vec![*number; rows])),
            Self::Number(None) => Arc::new(Float64Array::new_null(rows)),
            Self::Text { value, null } => {
                let keys = if *null { Int32Array::new_null(rows) } else { Int32Array::from(vec![0; rows]) };
                Arc::new(DictionaryArray::<Int32Type>::new(keys, value.clone()))
            }
        }
    }
}

/// The positions of the wanted columns in a file.
fn positions(path: &str, names: &[String], wanted: &[Wanted]) -> Result<Vec<usize>> {
    let position = |column: &Wanted| find_column(names, &column.name).map_err(|error| in_file(path, error));
    wanted.iter().map(position).collect()
}

/// The positions of the wanted columns in a file whose columns have types, none of them nested, and each of these
/// positions once, in the file's order.
fn projection(
    path: &str,
    schema: &Schema,
    names: &[String],
    wanted: &[Wanted],
) -> Result<(Vec<usize>, Vec<usize>)> {
    let positions = positions(path, names, wanted)?;
    positions.iter().try_for_each(|&position| refuse_nested(path, schema.field(position)))?;
    let mut projected = positions.clone();
    projected.sort_unstable();
    projected.dedup();
    Ok((positions, projected))
}

/// Refuses a column of lists, maps or structs.
fn refuse_nested(path: &str, field: &Field) -> Result<()> {
    if !field.data_type().is_nested() {
        return Ok(());
    }
    Err(Error::schema(
        Place::file(path),
        format!(
            "column `{}` is nested ({}); a flat column is needed: take the part that you want into a column of its own",
            field.name(),
            field.data_type()
        ),
    ))
}

/// The format by a file's name, or by its first bytes.
fn format_of(path: &str) -> Result<Format> {
    let lower = path.to_lowercase();
    let ends = |endings: &[&str]| endings.iter().any(|ending| lower.ends_with(ending));
    if ends(&[".parquet", ".pq"]) {
        return Ok(Format::Parquet);
    }
    if ends(&[".csv", ".csv.gz", ".tsv", ".tsv.gz", ".txt", ".txt.gz"]) {
        return Ok(Format::Csv);
    }
    if ends(&[".arrow", ".arrows", ".feather", ".ipc"]) {
        return Ok(Format::Ipc);
    }
    let mut head = Vec::new();
    let file = File::open(path).map_err(|error| unreadable(path, &error))?;
    file.take(MAGIC_BYTES).read_to_end(&mut head).map_err(|error| unreadable(path, &error))?;
    if head.starts_with(parquet::MAGIC) {
        Ok(Format::Parquet)
    } else if head.starts_with(ipc::MAGIC) || head.starts_with(ipc::CONTINUATION) {
        Ok(Format::Ipc)
    } else if head.starts_with(&text::GZIP_MAGIC) {
        Ok(Format::Csv)
    } else {
        Err(Error::source(
            Place::file(path),
            "the format is not known by its name or first bytes; name the file .parquet, .csv (.gz), .tsv, .arrow or \
             .feather",
        ))
    }
}

/// The error for a file that the system does not give.
fn unreadable(path: &str, error: &std::io::Error) -> Error {
    Error::source(Place::file(path), format!("the file cannot be read: {error}"))
}

/// Puts a file's name in front of an error about its columns.
fn in_file(path: &str, error: Error) -> Error {
    match error {
        Error::Schema { text, .. } => Error::schema(Place::file(path), text),
        other => other,
    }
}
