//! The log of decisions as a Parquet file.
//!
//! In: rows of the log, in batches. Out: a file that is on the disk when the call returns, its length and its checksum
//! (law 8). Every refresh writes one, so columns are encoded side by side, and those whose values hardly repeat get no
//! dictionary.

use std::io::{BufWriter, Write};
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use arrow_array::RecordBatch;
use arrow_schema::SchemaRef;
use creditcore::error::Result;
use creditcore::exec::in_order;
use parquet::arrow::ArrowSchemaConverter;
use parquet::arrow::arrow_writer::{ArrowColumnChunk, ArrowRowGroupWriterFactory, compute_leaves};
use parquet::basic::{Compression, ZstdLevel};
use parquet::errors::ParquetError;
use parquet::file::properties::{EnabledStatistics, WriterProperties};
use parquet::file::writer::SerializedFileWriter;
use parquet::schema::types::ColumnPath;

use super::disk::{fault, write_file};

/// Writes rows to a new file that its owner alone can read; gives its length and its CRC-32. Columns have one value a row;
/// those that are `plain` get no dictionary.
///
/// # Errors
/// `State`: a type that Parquet does not have, or the disk does not take the file.
pub fn write_log(
    path: &Path,
    schema: &SchemaRef,
    batches: &[RecordBatch],
    plain: &[String],
    threads: usize,
) -> Result<(u64, u32)> {
    // Nobody looks for a text or a score between two of them: each value would be compared twice.
    let mut properties = WriterProperties::builder()
        .set_compression(Compression::ZSTD(ZstdLevel::default()))
        .set_statistics_enabled(EnabledStatistics::None);
    for field in schema.fields().iter().filter(|field| field.data_type().is_integer()) {
        let column = ColumnPath::new(vec![field.name().clone()]);
        properties = properties.set_column_statistics_enabled(column, EnabledStatistics::Chunk);
    }
    for name in plain {
        properties = properties.set_column_dictionary_enabled(ColumnPath::new(vec![name.clone()]), false);
    }
    let unfit = |error: ParquetError| fault(path, format!("the log cannot be written: {error}"));
    let root = ArrowSchemaConverter::new().convert(schema).map_err(unfit)?.root_schema_ptr();
    let sum = write_file(path, |file| {
        let buffered = BufWriter::with_capacity(1 << 20, file);
        let mut writer =
            SerializedFileWriter::new(buffered, root, Arc::new(properties.build())).map_err(io_error)?;
        let chunks =
            encoded(&ArrowRowGroupWriterFactory::new(&writer, schema.clone()), schema, batches, threads)
                .map_err(io_error)?;
        let mut group = writer.next_row_group().map_err(io_error)?;
        for chunk in chunks {
            chunk.append_to_row_group(&mut group).map_err(io_error)?;
        }
        group.close().map_err(io_error)?;
        writer.into_inner().map_err(io_error)?.flush()
    })?;
    Ok((sum.bytes, sum.crc))
}

/// The columns of one row group, each encoded and compressed.
fn encoded(
    factory: &ArrowRowGroupWriterFactory,
    schema: &SchemaRef,
    batches: &[RecordBatch],
    threads: usize,
) -> std::result::Result<Vec<ArrowColumnChunk>, ParquetError> {
    let writers = factory.create_column_writers(0)?.into_iter().map(|writer| Mutex::new(Some(writer)));
    let writers: Vec<_> = writers.collect();
    let column = |at: usize| {
        let taken = writers[at].lock().unwrap_or_else(PoisonError::into_inner).take();
        let mut writer =
            taken.ok_or_else(|| ParquetError::General("a column is written twice".to_owned()))?;
        for batch in batches {
            for leaf in compute_leaves(schema.field(at), batch.column(at))? {
                writer.write(&leaf)?;
            }
        }
        writer.close()
    };
    let made = in_order(threads, writers.len(), |at| Ok(column(at)));
    made.map_or_else(|error| Err(ParquetError::General(error.to_string())), |made| made.into_iter().collect())
}

/// The system's own error, where there is one inside: it says what can be done.
fn io_error(error: ParquetError) -> std::io::Error {
    match error {
        ParquetError::External(inner) => match inner.downcast::<std::io::Error>() {
            Ok(inner) => *inner,
            Err(other) => std::io::Error::other(other),
        },
        other => std::io::Error::other(other),
    }
}
