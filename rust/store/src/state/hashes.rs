//! Hashes of rows: of what they say, and of that with what was made of it.
//!
//! In: rows, the names of columns that are made. Out: two numbers for each row. The first one settles which row of a key
//! counts, the second whether anything changed and the digest (law 1).

use arrow_array::RecordBatch;
use arrow_schema::DataType;
use creditcore::error::Result;
use creditcore::exec::in_order;
use creditcore::refresh::RecordHashes;

use super::lookup::STRETCH;
use super::said::{BINS, SAID};
use super::segment::DELETED;

/// The hashes of each row.
pub(super) struct Hashes {
    /// What the hash of what the row says is made of: what is made is added to it.
    pub(super) lanes: Vec<[u64; 2]>,
    /// Of what the row says.
    pub(super) told: Vec<u128>,
    /// Of that and what was made of it.
    pub(super) whole: Vec<u128>,
}

impl Hashes {
    /// The hashes of rows, of which some columns are made.
    pub(super) fn of(batch: &RecordBatch, made: &[String], threads: usize) -> Result<Self> {
        let parts = in_order(threads, batch.num_rows().div_ceil(STRETCH), |task| {
            let start = task * STRETCH;
            let stretch = batch.slice(start, STRETCH.min(batch.num_rows() - start));
            let mut told = RecordHashes::new(stretch.num_rows());
            add(&mut told, &stretch, |name| !made.contains(name))?;
            Self::of_stretch(&stretch, made, told)
        })?;
        Ok(Self::joined(&parts))
    }

    /// The hashes of rows of which it is known what those of what they say are made of, and what is made is there.
    pub(super) fn of_said(
        batch: &RecordBatch,
        lanes: &[[u64; 2]],
        made: &[String],
        threads: usize,
    ) -> Result<Self> {
        let parts = in_order(threads, batch.num_rows().div_ceil(STRETCH), |task| {
            let (start, length) = (task * STRETCH, STRETCH.min(batch.num_rows() - task * STRETCH));
            let told = RecordHashes::of_lanes(lanes[start..start + length].to_vec());
            Self::of_stretch(&batch.slice(start, length), made, told)
        })?;
        Ok(Self::joined(&parts))
    }

    fn joined(parts: &[Self]) -> Self {
        let all = |of: fn(&Self) -> &Vec<u128>| parts.iter().flat_map(of).copied().collect();
        let lanes = parts.iter().flat_map(|part| &part.lanes).copied().collect();
        Self { lanes, told: all(|part| &part.told), whole: all(|part| &part.whole) }
    }

    fn of_stretch(batch: &RecordBatch, made: &[String], mut hashes: RecordHashes) -> Result<Self> {
        let lanes = hashes.lanes().to_vec();
        if !batch.schema().fields().iter().any(|field| made.contains(field.name())) {
            let told = hashes.finish();
            return Ok(Self { lanes, whole: told.clone(), told });
        }
        let told = hashes.clone().finish();
        add(&mut hashes, batch, |name| made.contains(name))?;
        Ok(Self { lanes, told, whole: hashes.finish() })
    }
}

/// What is added to the sum of hashes where rows take the place of others that say the same: `given` are the columns in
/// which they differ. Where it is known what the hashes of what they say are made of, only what is `made` is looked at.
pub(super) fn difference(
    old: &RecordBatch,
    new: &RecordBatch,
    (given, made): (&[String], &[String]),
    lanes: Option<&[[u64; 2]]>,
    threads: usize,
) -> Result<u128> {
    let rows = new.num_rows();
    let parts = in_order(threads, rows.div_ceil(STRETCH), |task| {
        let (start, length) = (task * STRETCH, STRETCH.min(rows - task * STRETCH));
        let (old, new) = (old.slice(start, length), new.slice(start, length));
        let known = lanes.map(|lanes| RecordHashes::of_lanes(lanes[start..start + length].to_vec()));
        let says = |name: &String| known.is_none() || made.contains(name);
        let mut told = known.clone().unwrap_or_else(|| RecordHashes::new(length));
        add(&mut told, &new, |name| !given.contains(name) && says(name))?;
        let whole = |batch: &RecordBatch, mut hashes: RecordHashes| {
            add(&mut hashes, batch, |name| given.contains(name))?;
            Ok(hashes.finish())
        };
        let gone: Vec<u128> = whole(&old, told.clone())?;
        let come: Vec<u128> = whole(&new, told)?;
        let sum = come.into_iter().fold(0u128, u128::wrapping_add);
        Ok(gone.into_iter().fold(sum, u128::wrapping_sub))
    })?;
    Ok(parts.into_iter().fold(0u128, u128::wrapping_add))
}

/// Takes in some of the columns of a batch.
fn add(hashes: &mut RecordHashes, batch: &RecordBatch, wanted: impl Fn(&String) -> bool) -> Result<()> {
    let schema = batch.schema();
    let columns = schema.fields().iter().zip(batch.columns());
    columns
        .filter(|(field, _)| {
            ![DELETED, SAID, BINS].contains(&field.name().as_str()) && *field.data_type() != DataType::Null
        })
        .filter(|(field, _)| wanted(field.name()))
        .try_for_each(|(field, column)| hashes.add(field.name(), column))
}
