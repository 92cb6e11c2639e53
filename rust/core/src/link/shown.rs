//! The identifiers that rows show, as hashes, for whoever keeps records and no identifiers.
//!
//! In: a source, a plan, the key of the hashes. Out: for each column of identifiers, in the order of the plan, a column of
//! 64-bit hashes beside the rows: one for each row, null where nothing links, or of a list column a list. A network
//! over these columns is the network of the identifiers under other names (law 7), so each feature has the same bits.

use std::sync::Arc;

use arrow_array::builder::{LargeListBuilder, UInt64Builder};
use arrow_array::{ArrayRef, UInt64Array};
use arrow_schema::DataType;

use super::plan::Plan;
use super::values::Reader;
use crate::batch::{Batch, Role, Source, Wanted, find_column};
use crate::error::Result;
use crate::exec::Control;
use crate::id::HashKey;

/// The hashes of the identifiers of a source's rows, in their order: a column for each of the plan's, with its name.
///
/// # Errors
/// A plan that does not fit the source, a refused value, or a request to stop.
pub fn shown(
    source: &dyn Source,
    plan: &Plan,
    key: &HashKey,
    control: &Control,
) -> Result<Vec<(String, ArrayRef)>> {
    let settled = plan.settle()?;
    let mut wanted = Vec::with_capacity(settled.columns.len());
    for column in &settled.columns {
        find_column(source.column_names(), &column.column)?;
        wanted.push(Wanted { name: column.column.clone(), role: Role::Key });
    }
    let mut readers: Vec<Reader> =
        (0..settled.settings.types.len()).map(|kind| settled.reader(kind, key, true)).collect();
    let mut parts: Vec<Vec<ArrayRef>> = vec![Vec::new(); wanted.len()];
    for task in 0..source.tasks() {
        source.read(task, &wanted, control, &mut |batch: &Batch| {
            for (at, column) in settled.columns.iter().enumerate() {
                let reader = &mut readers[usize::from(column.kind)];
                parts[at].push(hashes(reader, &column.column, &batch.columns[at], batch)?);
            }
            Ok(())
        })?;
    }
    let joined = |parts: Vec<ArrayRef>| -> Result<ArrayRef> {
        let arrays: Vec<&dyn arrow_array::Array> = parts.iter().map(AsRef::as_ref).collect();
        match arrays.as_slice() {
            [] => Ok(Arc::new(UInt64Array::from(Vec::<u64>::new()))),
            _ => arrow_select::concat::concat(&arrays).map_err(|error| {
                crate::Error::schema(crate::error::Place::default(), format!("identifiers: {error}"))
            }),
        }
    };
    let names = settled.columns.iter().map(|column| column.column.clone());
    names.zip(parts).map(|(name, parts)| Ok((name, joined(parts)?))).collect()
}

/// The hashes of one column of a batch.
fn hashes(reader: &mut Reader, name: &str, array: &ArrayRef, batch: &Batch) -> Result<ArrayRef> {
    let mut found: Vec<(u32, u64)> = Vec::new();
    reader.values(name, array, batch, &mut |row, linking| found.push((row, linking.hash)))?;
    let listed =
        matches!(array.data_type(), DataType::List(_) | DataType::LargeList(_) | DataType::FixedSizeList(..));
    if !listed {
        let mut hashes: Vec<Option<u64>> = vec![None; batch.rows];
        found.into_iter().for_each(|(row, hash)| hashes[row as usize] = Some(hash));
        return Ok(Arc::new(UInt64Array::from(hashes)));
    }
    found.sort_unstable();
    found.dedup();
    let mut lists = LargeListBuilder::new(UInt64Builder::new());
    let mut rest = found.as_slice();
    for row in 0..batch.rows {
        let (own, after) = rest.split_at(rest.partition_point(|&(other, _)| other as usize <= row));
        own.iter().for_each(|&(_, hash)| lists.values().append_value(hash));
        lists.append(!own.is_empty());
        rest = after;
    }
    Ok(Arc::new(lists.finish()))
}
