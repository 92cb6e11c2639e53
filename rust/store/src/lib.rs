//! Everything of creditcore that touches a disk.
//!
//! In: paths. Out: a [`Source`](creditcore::batch::Source) over Parquet, CSV and Arrow IPC files, and region
//! tables. Files are read in batches, so a source may be larger than memory.
#![forbid(unsafe_code)]

mod csv;
mod ipc;
mod parquet;
mod paths;
pub mod regions;
mod text;

use std::collections::HashSet;
use std::fs::File;
use std::io::Read;
use std::sync::Arc;

use arrow_array::types::Int32Type;
use arrow_array::{ArrayRef, DictionaryArray, Int32Array, StringArray};
use creditcore::batch::{Batch, Sink, Source, Wanted, find_column};
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
        Self { format: None, encoding: None, delimiter: None, null_values: vec![String::new(), "\\N".to_owned()] }
    }
}

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
            Self::Csv(_) | Self::Ipc(_) => 1,
        }
    }

    fn read(&self, task: usize, wanted: &[Wanted], control: &Control, sink: &mut Sink<'_>) -> Result<()> {
        match self {
            Self::Parquet(file) => file.read(task, wanted, control, sink),
            Self::Csv(file) => file.read(wanted, control, sink),
            Self::Ipc(file) => file.read(wanted, control, sink),
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
        let rows = self.files.iter().map(|(_, opened)| match opened {
            Opened::Parquet(file) => Some(file.rows()),
            Opened::Csv(_) | Opened::Ipc(_) => None,
        });
        rows.sum()
    }

    fn read(&self, task: usize, wanted: &[Wanted], control: &Control, sink: &mut Sink<'_>) -> Result<()> {
        let (index, task) = self.tasks[task];
        let (found, opened) = &self.files[index];
        let of_path = |name: &str| {
            let own = opened.names().iter().any(|known| known == name);
            found.keys.iter().find(|(key, _)| !own && key == name).map(|(_, value)| value)
        };
        if wanted.iter().all(|column| of_path(&column.name).is_none()) {
            return opened.read(task, wanted, control, sink);
        }
        let inside: Vec<Wanted> = wanted.iter().filter(|column| of_path(&column.name).is_none()).cloned().collect();
        // A batch of no column of its own would not know how many rows it has.
        let read = if inside.is_empty() { first_column(opened)? } else { inside.clone() };
        opened.read(task, &read, control, &mut |batch| {
            let mut own = batch.columns.iter().take(inside.len());
            let columns = wanted.iter().map(|column| match of_path(&column.name) {
                Some(value) => Some(constant(value.as_deref(), batch.rows)),
                None => own.next().cloned(),
            });
            sink(&Batch { columns: columns.flatten().collect(), ..batch.clone() })
        })
    }
}

fn first_column(opened: &Opened) -> Result<Vec<Wanted>> {
    let name = opened.names().first().cloned().unwrap_or_default();
    find_column(opened.names(), &name)?;
    Ok(vec![Wanted { name, role: creditcore::batch::Role::Key }])
}

/// One text in every row.
fn constant(value: Option<&str>, rows: usize) -> ArrayRef {
    let keys: Int32Array = (0..rows).map(|_| value.map(|_| 0)).collect();
    let values = Arc::new(StringArray::from(vec![value.unwrap_or_default()]));
    Arc::new(DictionaryArray::<Int32Type>::new(keys, values))
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
    let mut head = [0; 6];
    let file = File::open(path).map_err(|error| unreadable(path, &error))?;
    let count = file.take(6).read(&mut head).map_err(|error| unreadable(path, &error))?;
    match &head[..count] {
        [b'P', b'A', b'R', b'1', ..] => Ok(Format::Parquet),
        head if head.starts_with(ipc::MAGIC) => Ok(Format::Ipc),
        _ => Err(Error::source(
            Place::file(path),
            "the format is not known; name the file .parquet, .csv (.gz), .tsv, .arrow or .feather",
        )),
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
