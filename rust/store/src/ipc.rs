//! Arrow IPC files and streams, `.feather` included.
//!
//! In: a file. Out: its record batches, with only the wanted columns; a file in the random-access form is read
//! in order, as a stream is.

use std::fs::File;
use std::io::{BufReader, Read};
use std::sync::Arc;

use arrow_array::RecordBatch;
use arrow_ipc::reader::{FileReader, StreamReader};
use arrow_schema::ArrowError;
use creditcore::batch::{Batch, Sink, Wanted, find_column};
use creditcore::error::Place;
use creditcore::exec::Control;
use creditcore::{Error, Result};

/// The first bytes of the random-access form.
pub(crate) const MAGIC: &[u8] = b"ARROW1";
/// Rows of a batch that is handed on; larger ones are cut.
const BATCH_ROWS: usize = 1 << 16;

/// An Arrow IPC file.
pub(crate) struct IpcFile {
    path: Arc<str>,
    random_access: bool,
    pub(crate) names: Vec<String>,
}

impl IpcFile {
    /// Reads the schema.
    pub(crate) fn open(path: &str) -> Result<Self> {
        let mut head = [0; MAGIC.len()];
        let file = File::open(path).map_err(|error| crate::unreadable(path, &error))?;
        let random_access = (&file).read_exact(&mut head).is_ok() && head == *MAGIC;
        let schema = if random_access { file_reader(path)?.schema() } else { stream_reader(path)?.schema() };
        let names = schema.fields().iter().map(|field| field.name().clone()).collect();
        Ok(Self { path: path.into(), random_access, names })
    }

    pub(crate) fn read(&self, wanted: &[Wanted], control: &Control, sink: &mut Sink<'_>) -> Result<()> {
        let positions: Vec<usize> = wanted
            .iter()
            .map(|column| find_column(&self.names, &column.name).map_err(|error| crate::in_file(&self.path, error)))
            .collect::<Result<_>>()?;
        let mut first_row = 0;
        let hand_on = |batch: std::result::Result<RecordBatch, ArrowError>| -> Result<()> {
            let batch = batch.map_err(|error| damaged(&self.path, &error))?;
            for start in (0..batch.num_rows()).step_by(BATCH_ROWS) {
                control.check()?;
                let rows = BATCH_ROWS.min(batch.num_rows() - start);
                let columns = positions.iter().map(|&at| batch.column(at).slice(start, rows)).collect();
                sink(&Batch { columns, rows, source: self.path.clone(), first_row })?;
                first_row += rows as u64;
                control.advance(rows as u64);
            }
            Ok(())
        };
        if self.random_access {
            file_reader(&self.path)?.try_for_each(hand_on)
        } else {
            stream_reader(&self.path)?.try_for_each(hand_on)
        }
    }
}

fn file_reader(path: &str) -> Result<FileReader<BufReader<File>>> {
    let file = File::open(path).map_err(|error| crate::unreadable(path, &error))?;
    FileReader::try_new(BufReader::new(file), None).map_err(|error| damaged(path, &error))
}

fn stream_reader(path: &str) -> Result<StreamReader<BufReader<File>>> {
    let file = File::open(path).map_err(|error| crate::unreadable(path, &error))?;
    StreamReader::try_new(BufReader::new(file), None).map_err(|error| damaged(path, &error))
}

fn damaged(path: &str, error: &ArrowError) -> Error {
    Error::source(
        Place::file(path),
        format!("the Arrow file cannot be read: {error}; it may be cut short or damaged: copy or write it again"),
    )
}
