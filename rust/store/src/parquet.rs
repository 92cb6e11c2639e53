//! Parquet: one task for each row group, only the wanted columns decoded.
//!
//! In: a file. Out: batches in the columns' own Arrow types; text keeps its dictionary, so that a value is
//! looked up once and not once for each row.

use std::fs::File;
use std::sync::Arc;

use arrow_schema::{DataType, Field, Schema, TimeUnit};
use creditcore::batch::{Batch, Role, Sink, Wanted};
use creditcore::error::Place;
use creditcore::exec::Control;
use creditcore::{Error, Result};
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::{
    ArrowReaderMetadata, ArrowReaderOptions, ParquetRecordBatchReader, ParquetRecordBatchReaderBuilder,
};
use parquet::basic::Type;
use parquet::file::metadata::ParquetMetaData;

use crate::guard;

/// The first bytes of a file.
pub(crate) const MAGIC: &[u8] = b"PAR1";
/// Rows of a batch.
const BATCH_ROWS: usize = 1 << 15;

/// An open Parquet file's footer.
pub(crate) struct ParquetFile {
    path: Arc<str>,
    metadata: ArrowReaderMetadata,
    pub(crate) names: Vec<String>,
}

impl ParquetFile {
    /// Reads the footer.
    pub(crate) fn open(path: &str) -> Result<Self> {
        let file = File::open(path).map_err(|error| crate::unreadable(path, &error))?;
        let size = file.metadata().map_err(|error| crate::unreadable(path, &error))?.len();
        if size == 0 {
            return Err(Error::source(
                Place::file(path),
                "the file is empty; a Parquet file has a footer at least",
            ));
        }
        // The Arrow schema that a writer may have left in the file is not needed, and could lie.
        let options = ArrowReaderOptions::new().with_skip_arrow_metadata(true);
        let metadata = guard::decode(|| ArrowReaderMetadata::load(&file, options))
            .map_err(|fault| damaged(path, &fault))?;
        check_places(metadata.metadata(), size).map_err(|fault| damaged(path, &fault))?;
        let names = metadata.schema().fields().iter().map(|field| field.name().clone()).collect();
        Ok(Self { path: path.into(), metadata, names })
    }

    /// One task at least, so that the columns of a file without rows are checked too.
    pub(crate) fn tasks(&self) -> usize {
        self.metadata.metadata().num_row_groups().max(1)
    }

    pub(crate) fn rows(&self) -> u64 {
        rows_of(self.metadata.metadata(), self.metadata.metadata().num_row_groups())
    }

    /// Reads one row group.
    pub(crate) fn read(
        &self,
        group: usize,
        wanted: &[Wanted],
        control: &Control,
        sink: &mut Sink<'_>,
    ) -> Result<()> {
        let schema = self.metadata.schema();
        let (positions, projected) = crate::projection(&self.path, schema, &self.names, wanted)?;
        let metadata = self.metadata.metadata();
        if metadata.num_row_groups() == 0 {
            return Ok(());
        }
        control.check()?;
        let refused = |fault: String| damaged(&self.path, &format!("{fault} (row group {})", group + 1));
        let mut reader = self.reader(group, wanted, &positions, &projected)?;
        let first = rows_of(metadata, group);
        let end = rows_of(metadata, group + 1);
        let mut first_row = first;
        while let Some(next) = guard::decode(|| reader.next().transpose()).transpose() {
            let batch = next.map_err(refused)?;
            control.check()?;
            let at = |position| projected.iter().position(|known| known == position).unwrap_or_default();
            let columns = positions.iter().map(|position| batch.column(at(position)).clone()).collect();
            let rows = batch.num_rows();
            sink(&Batch { columns, rows, source: self.path.clone(), first_row, kept: None })?;
            first_row += rows as u64;
            control.advance(rows as u64);
        }
        if first_row == end {
            Ok(())
        } else {
            Err(refused(format!("{} rows instead of {}", first_row - first, end - first)))
        }
    }

    /// A reader of one row group, with a handle of its own: handles of one file would share their position.
    fn reader(
        &self,
        group: usize,
        wanted: &[Wanted],
        positions: &[usize],
        projected: &[usize],
    ) -> Result<ParquetRecordBatchReader> {
        let file = File::open(&*self.path).map_err(|error| crate::unreadable(&self.path, &error))?;
        let options = ArrowReaderOptions::new().with_schema(self.schema_to_read(wanted, positions));
        let reader = guard::decode(|| {
            let metadata = ArrowReaderMetadata::try_new(self.metadata.metadata().clone(), options)?;
            let builder = ParquetRecordBatchReaderBuilder::new_with_metadata(file, metadata);
            let mask = ProjectionMask::roots(builder.parquet_schema(), projected.iter().copied());
            builder.with_projection(mask).with_row_groups(vec![group]).with_batch_size(BATCH_ROWS).build()
        });
        reader.map_err(|fault| damaged(&self.path, &fault))
    }

    /// The file's schema, with text keys as dictionaries and old timestamps in a unit that holds all of them.
    fn schema_to_read(&self, wanted: &[Wanted], positions: &[usize]) -> Arc<Schema> {
        let roots = self.metadata.parquet_schema().root_schema().get_fields();
        let is_key = |position| {
            wanted.iter().zip(positions).any(|(column, &at)| at == position && column.role == Role::Key)
        };
        let fields = self.metadata.schema().fields().iter().enumerate().map(|(position, field)| {
            let kind = match field.data_type() {
                DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View | DataType::Binary
                    if is_key(position) =>
                {
                    DataType::Dictionary(Box::new(DataType::Int32), Box::new(DataType::Utf8))
                }
                // Nanoseconds, which INT96 counts in, would wrap around in the year 2262.
                DataType::Timestamp(TimeUnit::Nanosecond, None)
                    if roots[position].is_primitive()
                        && roots[position].get_physical_type() == Type::INT96 =>
                {
                    DataType::Timestamp(TimeUnit::Microsecond, None)
                }
                kind => kind.clone(),
            };
            Field::new(field.name(), kind, field.is_nullable()).with_metadata(field.metadata().clone())
        });
        Arc::new(Schema::new(fields.collect::<Vec<_>>()))
    }
}

/// Rows of the first row groups. Their numbers were checked when the file was opened.
fn rows_of(metadata: &ParquetMetaData, groups: usize) -> u64 {
    metadata.row_groups()[..groups].iter().map(|group| group.num_rows().unsigned_abs()).sum()
}

/// Checks the numbers of a footer against each other and against the file's size.
fn check_places(metadata: &ParquetMetaData, size: u64) -> std::result::Result<(), String> {
    let mut rows = 0i64;
    for group in metadata.row_groups() {
        let count = group.num_rows();
        rows = rows
            .checked_add(count)
            .filter(|_| count >= 0)
            .ok_or("a row group of no possible number of rows")?;
        for column in group.columns() {
            let start = column.dictionary_page_offset().unwrap_or(column.data_page_offset());
            let end = start.checked_add(column.compressed_size()).filter(|&end| start >= 0 && end >= start);
            if end.is_none_or(|end| end.unsigned_abs() > size) {
                return Err(format!(
                    "column `{}` does not lie within the file",
                    column.column_path().string()
                ));
            }
        }
    }
    let said = metadata.file_metadata().num_rows();
    if rows == said { Ok(()) } else { Err(format!("{rows} rows in its row groups, {said} in its footer")) }
}

fn damaged(path: &str, fault: &str) -> Error {
    Error::source(
        Place::file(path),
        format!(
            "the Parquet file cannot be read: {fault}; it may be cut short or damaged: copy or write it again"
        ),
    )
}
