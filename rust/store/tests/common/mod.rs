//! A folder that goes when the test ends, small files in it, and a source read to the end.
#![allow(dead_code, reason = "each test file uses its own part")]

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use arrow_array::cast::AsArray;
use arrow_array::types::{Float64Type, Int32Type};
use arrow_array::{Array, ArrayRef, RecordBatch, StringArray};
use arrow_schema::DataType;
use creditcore::batch::{Role, Source, Wanted};
use creditcore::exec::Control;
use creditcore_store::{Options, open};
use parquet::arrow::ArrowWriter;
use parquet::file::properties::WriterProperties;

static FOLDERS: AtomicU32 = AtomicU32::new(0);

/// A folder of its own for a test.
pub(crate) struct Folder(PathBuf);

impl Folder {
    pub(crate) fn new() -> Self {
        let number = FOLDERS.fetch_add(1, Ordering::Relaxed);
        let path = std::env::temp_dir().join(format!("creditcore-store-{}-{number}", std::process::id()));
        std::fs::create_dir_all(&path).expect("the temporary folder can be written");
        Self(path)
    }

    pub(crate) fn path(&self, name: &str) -> String {
        self.0.join(name).to_string_lossy().into_owned()
    }

    /// Writes a file, and the folders above it; gives its path.
    pub(crate) fn write(&self, name: &str, bytes: impl AsRef<[u8]>) -> String {
        let path = self.0.join(name);
        std::fs::create_dir_all(path.parent().expect("a file has a folder")).expect("the folder can be made");
        std::fs::write(&path, bytes).expect("the file can be written");
        path.to_string_lossy().into_owned()
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        // A folder that stays behind is no fault of the code under test.
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

pub(crate) fn want(name: &str, role: Role) -> Wanted {
    Wanted { name: name.to_owned(), role }
}

pub(crate) fn key(name: &str) -> Wanted {
    want(name, Role::Key)
}

pub(crate) fn number(name: &str) -> Wanted {
    want(name, Role::Number)
}

/// A table as Parquet bytes, in row groups of `group` rows.
pub(crate) fn parquet_bytes(columns: Vec<(&str, ArrayRef)>, group: usize) -> Vec<u8> {
    let batch = RecordBatch::try_from_iter(columns).expect("the columns are of one length");
    let properties = WriterProperties::builder().set_max_row_group_row_count(Some(group)).build();
    let mut bytes = Vec::new();
    let mut writer = ArrowWriter::try_new(&mut bytes, batch.schema(), Some(properties))
        .expect("the schema can be written");
    writer.write(&batch).expect("the batch can be written");
    writer.close().expect("the footer can be written");
    bytes
}

/// All rows as text, in order of tasks; null is `-`.
pub(crate) fn rows(path: &str, wanted: &[Wanted]) -> creditcore::Result<Vec<Vec<String>>> {
    rows_with(&[path.to_owned()], &Options::default(), wanted)
}

pub(crate) fn rows_with(
    paths: &[String],
    options: &Options,
    wanted: &[Wanted],
) -> creditcore::Result<Vec<Vec<String>>> {
    let files = open(paths, options)?;
    let control = Control::default();
    let mut all = Vec::new();
    for task in 0..files.tasks() {
        let mut next: Option<(Arc<str>, u64)> = None;
        files.read(task, wanted, &control, &mut |batch| {
            assert_eq!(batch.columns.len(), wanted.len());
            assert!(batch.rows <= 1 << 16, "a batch has at most 65,536 rows");
            if let Some((source, row)) = &next {
                assert_eq!((source, *row), (&batch.source, batch.first_row), "batches follow each other");
            }
            next = Some((batch.source.clone(), batch.first_row + batch.rows as u64));
            let columns: Vec<Vec<String>> = batch.columns.iter().map(cells).collect();
            all.extend((0..batch.rows).map(|row| columns.iter().map(|column| column[row].clone()).collect()));
            Ok(())
        })?;
    }
    assert_eq!(control.done(), all.len() as u64, "the progress counts every row");
    Ok(all)
}

fn cells(array: &ArrayRef) -> Vec<String> {
    if let Some(dictionary) = array.as_any_dictionary_opt() {
        if dictionary.values().is_empty() {
            return vec!["-".to_owned(); array.len()];
        }
        let values = cells(dictionary.values());
        let cell = |(row, key): (usize, usize)| {
            if array.is_null(row) { "-".to_owned() } else { values[key].clone() }
        };
        return dictionary.normalized_keys().into_iter().enumerate().map(cell).collect();
    }
    let cell = |row: usize| match array.data_type() {
        _ if array.is_null(row) => "-".to_owned(),
        DataType::Utf8 => array.as_string::<i32>().value(row).to_owned(),
        DataType::Float64 => format!("{:?}", array.as_primitive::<Float64Type>().value(row)),
        DataType::Int32 => array.as_primitive::<Int32Type>().value(row).to_string(),
        // Only damaged files have columns of other types.
        other => other.to_string(),
    };
    (0..array.len()).map(cell).collect()
}

/// The text of the error that reading gives.
pub(crate) fn fault(path: &str, wanted: &[Wanted]) -> String {
    rows(path, wanted).expect_err("the file is refused").to_string()
}

pub(crate) fn texts(values: &[Option<&str>]) -> ArrayRef {
    Arc::new(StringArray::from(values.to_vec()))
}
