//! Parquet: one task for each row group, only the wanted columns decoded.
//!
//! In: a file. Out: batches in the columns' own Arrow types; text keeps its dictionary, so that a value is
//! looked up once and not once for each row.

use std::fs::File;
use std::sync::Arc;

use arrow_array::RecordBatchReader;
use arrow_schema::{DataType, Field, Schema};
use creditcore::batch::{Batch, Role, Sink, Wanted, find_column};
use creditcore::error::Place;
use creditcore::exec::Control;
use creditcore::{Error, Result};
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::{ArrowReaderMetadata, ArrowReaderOptions, ParquetRecordBatchReaderBuilder};

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
        // The Arrow schema that a writer may have left in the file is not needed, and could lie.
        let options = ArrowReaderOptions::new().with_skip_arrow_metadata(true);
        let metadata = ArrowReaderMetadata::load(&file, options).map_err(|error| damaged(path, &error))?;
        let names = metadata.schema().fields().iter().map(|field| field.name().clone()).collect();
        Ok(Self { path: path.into(), metadata, names })
    }

    pub(crate) fn tasks(&self) -> usize {
        self.metadata.metadata().num_row_groups()
    }

    pub(crate) fn rows(&self) -> u64 {
        self.metadata.metadata().file_metadata().num_rows().max(0).unsigned_abs()
    }

    /// Reads one row group.
    pub(crate) fn read(&self, group: usize, wanted: &[Wanted], control: &Control, sink: &mut Sink<'_>) -> Result<()> {
        let schema = self.metadata.schema();
        let mut positions = Vec::with_capacity(wanted.len());
        for column in wanted {
            let position = find_column(&self.names, &column.name).map_err(|error| crate::in_file(&self.path, error))?;
            if schema.field(position).data_type().is_nested() {
                return Err(Error::schema(
                    Place::file(&*self.path),
                    format!("column `{}` is nested; a flat column is needed", column.name),
                ));
            }
            positions.push(position);
        }
        let mut projected: Vec<usize> = positions.clone();
        projected.sort_unstable();
        projected.dedup();
        let groups = self.metadata.metadata().row_groups();
        let first_row: i64 = groups[..group].iter().map(|group| group.num_rows()).sum();
        let file = File::open(&*self.path).map_err(|error| crate::unreadable(&self.path, &error))?;
        let options = ArrowReaderOptions::new().with_schema(self.with_dictionaries(wanted, &positions));
        let metadata = ArrowReaderMetadata::try_new(self.metadata.metadata().clone(), options)
            .map_err(|error| damaged(&self.path, &error))?;
        let builder = ParquetRecordBatchReaderBuilder::new_with_metadata(file, metadata);
        let mask = ProjectionMask::roots(builder.parquet_schema(), projected.iter().copied());
        let reader = builder
            .with_projection(mask)
            .with_row_groups(vec![group])
            .with_batch_size(BATCH_ROWS)
            .build()
            .map_err(|error| damaged(&self.path, &error))?;
        debug_assert_eq!(reader.schema().fields().len(), projected.len());
        let mut first_row = first_row.max(0).unsigned_abs();
        for batch in reader {
            control.check()?;
            let batch = batch.map_err(|error| damaged(&self.path, &error))?;
            let column = |position: &usize| {
                let at = projected.iter().position(|known| known == position).unwrap_or_default();
                batch.column(at).clone()
            };
            let rows = batch.num_rows();
            let columns = positions.iter().map(column).collect();
            sink(&Batch { columns, rows, source: self.path.clone(), first_row })?;
            first_row += rows as u64;
            control.advance(rows as u64);
        }
        Ok(())
    }

    /// The file's schema with text keys as dictionaries.
    fn with_dictionaries(&self, wanted: &[Wanted], positions: &[usize]) -> Arc<Schema> {
        let keys: Vec<usize> = wanted
            .iter()
            .zip(positions)
            .filter(|(column, _)| column.role == Role::Key)
            .map(|(_, &position)| position)
            .collect();
        let fields = self.metadata.schema().fields().iter().enumerate().map(|(position, field)| {
            let text = matches!(field.data_type(), DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View);
            if text && keys.contains(&position) {
                let kind = DataType::Dictionary(Box::new(DataType::Int32), Box::new(DataType::Utf8));
                Field::new(field.name(), kind, field.is_nullable())
            } else {
                field.as_ref().clone()
            }
        });
        Arc::new(Schema::new(fields.collect::<Vec<_>>()))
    }
}

fn damaged(path: &str, error: &dyn std::fmt::Display) -> Error {
    Error::source(
        Place::file(path),
        format!("the Parquet file cannot be read: {error}; it may be cut short or damaged: copy or write it again"),
    )
}
