//! From a source's rows to records.
//!
//! In: a source and a plan. Out: [`Records`], and the placeholders met. Law 2: tasks are read on several
//! threads and joined in their order; a row's place matters to nothing.

use std::collections::BTreeMap;

use arrow_array::cast::AsArray;
use arrow_array::types::{Date32Type, Int64Type};
use arrow_array::{Array, ArrayRef};
use arrow_schema::{DataType, TimeUnit};

use super::components::add_met;
use super::gathering::{Gathering, records_of};
use super::key::Keys;
use super::links::{DAY, NO_TIME};
use super::nodes::key_error;
use super::plan::{Plan, Settled};
use super::records::{Entry, Records};
use super::values::{Linking, Met, Reader};
use crate::batch::{Batch, Role, Source, Wanted, find_column};
use crate::error::{Error, Place, Result};
use crate::exec::{Control, in_order};
use crate::id::HashKey;

/// One task's rows and the placeholders in them.
type Part = (Option<Gathering>, Met);

/// Reads the records of a source.
///
/// # Errors
/// A plan that does not fit the source, a refused value, or a request to stop.
pub(super) fn read(
    source: &dyn Source,
    plan: &Plan,
    settled: &Settled,
    key: &HashKey,
    threads: usize,
    control: &Control,
) -> Result<(Records, Met)> {
    let (parts, met) = gather(source, plan, settled, key, threads, control)?;
    Ok((records_of(parts, None, threads, control)?.0, met))
}

/// The rows of a source, in parts, in their order; none where it has no batch.
pub(super) fn gather(
    source: &dyn Source,
    plan: &Plan,
    settled: &Settled,
    key: &HashKey,
    threads: usize,
    control: &Control,
) -> Result<(Vec<Gathering>, Met)> {
    for wanted in plan.wanted() {
        find_column(source.column_names(), &wanted.name)?;
    }
    let read: Vec<Part> =
        in_order(threads, source.tasks(), |task| read_task(source, plan, settled, key, task, control))?;
    let mut met = Met::new();
    let mut parts = Vec::with_capacity(read.len());
    for (rows, counts) in read {
        add_met(&mut met, counts);
        parts.extend(rows);
    }
    Ok((parts, met))
}

fn read_task(
    source: &dyn Source,
    plan: &Plan,
    settled: &Settled,
    key: &HashKey,
    task: usize,
    control: &Control,
) -> Result<Part> {
    let mut readers: Vec<Reader> =
        (0..settled.settings.types.len()).map(|kind| settled.reader(kind, key, true)).collect();
    let mut gathering: Option<Gathering> = None;
    let first = 1 + usize::from(plan.time.is_some());
    let mut shown: Vec<Vec<(u32, Linking)>> = vec![Vec::new(); settled.columns.len()];
    source.read(task, &plan.wanted(), control, &mut |batch: &Batch| {
        let place = || Place::file(&*batch.source);
        if gathering.is_none() {
            let keys = Keys::of_type(batch.columns[0].data_type(), &plan.key, place())?;
            gathering = Some(Gathering::new(keys));
        }
        let Some(gathering) = &mut gathering else { return Ok(()) };
        gathering.keys_mut().extend(&batch.columns[0]).map_err(|fault| key_error(&plan.key, fault, batch))?;
        let times = match &plan.time {
            Some(name) => times(name, &batch.columns[1], batch)?,
            None => vec![NO_TIME; batch.rows],
        };
        for ((column, array), own) in settled.columns.iter().zip(&batch.columns[first..]).zip(&mut shown) {
            own.clear();
            let reader = &mut readers[usize::from(column.kind)];
            reader.values(&column.column, array, batch, &mut |row, linking| own.push((row, linking)))?;
        }
        let begins = gathering.rows() == 0;
        take_rows(gathering, &times, settled, &shown);
        if begins && let Some(rows) = source.rows() {
            // No task of a source in memory has more than twice the rows of the mean one.
            gathering.expect(2 * rows as usize / source.tasks().max(1));
        }
        Ok(())
    })?;
    let met = readers.into_iter().map(Reader::finish).filter(|(_, counts)| !counts.is_empty());
    Ok((gathering, met.collect::<BTreeMap<_, _>>()))
}

/// Takes the rows of a batch: of each column the values that link, in the order of their rows.
fn take_rows(gathering: &mut Gathering, times: &[u32], settled: &Settled, shown: &[Vec<(u32, Linking)>]) {
    let mut rest: Vec<&[(u32, Linking)]> = shown.iter().map(Vec::as_slice).collect();
    let mut own: Vec<Entry> = Vec::new();
    for (row, &time) in times.iter().enumerate() {
        for (column, rest) in settled.columns.iter().zip(&mut rest) {
            while let Some((&(of, linking), after)) = rest.split_first()
                && of as usize == row
            {
                let Linking { hash, order } = linking;
                own.push(Entry { kind: column.kind, order, hash, role: column.role });
                *rest = after;
            }
        }
        gathering.row(time, own.drain(..));
    }
}

/// The times of a batch's rows in seconds since 1970 (UTC).
///
/// Dates and times of any unit; text in ISO 8601; integers are days since 1970. Null is [`NO_TIME`].
fn times(name: &str, array: &ArrayRef, batch: &Batch) -> Result<Vec<u32>> {
    let refused = || {
        Error::schema(
            Place::file(&*batch.source),
            format!(
                "time column `{name}` is of type {}; it holds times, dates, ISO 8601 text or integers (days since 1970)",
                array.data_type()
            ),
        )
    };
    let cast = |array: &ArrayRef, kind: &DataType| arrow_cast::cast(array, kind).map_err(|_| refused());
    let (values, per_second, seconds): (ArrayRef, i64, i64) = match array.data_type() {
        DataType::Timestamp(unit, _) => (cast(array, &DataType::Int64)?, per_second(*unit), 1),
        DataType::Date64 => (cast(array, &DataType::Int64)?, 1_000, 1),
        DataType::Date32 => {
            let days = array.as_primitive::<Date32Type>().iter().map(|day| day.map(i64::from));
            (std::sync::Arc::new(days.collect::<arrow_array::Int64Array>()), 1, i64::from(DAY))
        }
        kind if kind.is_integer() => (cast(array, &DataType::Int64)?, 1, i64::from(DAY)),
        DataType::Null => return Ok(vec![NO_TIME; batch.rows]),
        _ => {
            let texts = cast(array, &DataType::LargeUtf8)?;
            let parsed = cast(&texts, &DataType::Timestamp(TimeUnit::Second, None))?;
            (cast(&parsed, &DataType::Int64)?, 1, 1)
        }
    };
    let values = values.as_primitive::<Int64Type>();
    let shown = |row: usize| arrow_cast::display::array_value_to_string(array, row).unwrap_or_default();
    (0..batch.rows)
        .map(|row| {
            if array.is_null(row) {
                return Ok(NO_TIME);
            }
            let time = values.is_valid(row).then(|| values.value(row).div_euclid(per_second));
            let time = time.and_then(|time| time.checked_mul(seconds)).and_then(|time| u32::try_from(time).ok());
            time.filter(|&time| time != NO_TIME).ok_or_else(|| {
                Error::source(
                    batch.place(row),
                    format!(
                        "time column `{name}` holds `{}`; times lie between 1970 and 2106 and are dates, times, \
                         ISO 8601 text or integers (days since 1970)",
                        shown(row)
                    ),
                )
            })
        })
        .collect()
}

fn per_second(unit: TimeUnit) -> i64 {
    match unit {
        TimeUnit::Second => 1,
        TimeUnit::Millisecond => 1_000,
        TimeUnit::Microsecond => 1_000_000,
        TimeUnit::Nanosecond => 1_000_000_000,
    }
}

/// What a delta does to a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Operation {
    Upsert,
    Delete,
}

/// The operation and the version of each row of a delta, from its optional columns `op` and `version`; none where it has
/// neither.
///
/// # Errors
/// An operation that is not known, or a version that is no integer.
pub(super) fn operations(source: &dyn Source, control: &Control) -> Result<Option<Vec<(Operation, i64)>>> {
    let has = |name: &str| source.column_names().iter().any(|known| known == name);
    let names: Vec<&str> = ["op", "version"].into_iter().filter(|name| has(name)).collect();
    if names.is_empty() {
        return Ok(None);
    }
    let wanted: Vec<Wanted> =
        names.iter().map(|&name| Wanted { name: name.to_owned(), role: Role::Key }).collect();
    let mut found = Vec::new();
    for task in 0..source.tasks() {
        source.read(task, &wanted, control, &mut |batch: &Batch| {
            let mut rows = vec![(Operation::Upsert, 0); batch.rows];
            for (&name, array) in names.iter().zip(&batch.columns) {
                match name {
                    "op" => read_operations(array, batch, &mut rows)?,
                    "version" => read_versions(array, batch, &mut rows)?,
                    _ => {}
                }
            }
            found.append(&mut rows);
            Ok(())
        })?;
    }
    Ok(Some(found))
}

fn read_operations(array: &ArrayRef, batch: &Batch, rows: &mut [(Operation, i64)]) -> Result<()> {
    let texts = arrow_cast::cast(array, &DataType::LargeUtf8).map_err(|_| {
        Error::schema(Place::file(&*batch.source), "column `op` is no text; it says `upsert` or `delete`")
    })?;
    for (row, text) in texts.as_string::<i64>().iter().enumerate() {
        rows[row].0 = match text {
            None | Some("upsert") => Operation::Upsert,
            Some("delete") => Operation::Delete,
            Some(other) => {
                let told = format!("column `op` holds `{other}`; allowed are `upsert` and `delete`");
                return Err(Error::source(batch.place(row), told));
            }
        };
    }
    Ok(())
}

fn read_versions(array: &ArrayRef, batch: &Batch, rows: &mut [(Operation, i64)]) -> Result<()> {
    if !array.data_type().is_integer() {
        let told = format!("column `version` is of type {}; versions are integers", array.data_type());
        return Err(Error::schema(Place::file(&*batch.source), told));
    }
    let wide = arrow_cast::cast(array, &DataType::Int64)
        .map_err(|error| Error::schema(Place::file(&*batch.source), format!("column `version`: {error}")))?;
    for (row, version) in wide.as_primitive::<Int64Type>().iter().enumerate() {
        rows[row].1 = version.unwrap_or(i64::MIN);
    }
    Ok(())
}
