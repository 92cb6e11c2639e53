//! What a state keeps of a record, and how records become that.
//!
//! In: a source with the columns of records, perhaps `op` and a version. Out: batches in the types that are stored:
//! keys as 64-bit integers or texts, texts with 64-bit offsets, everything else as it first came. A later delta is
//! brought to those types where that loses nothing, and refused where it would.

use std::ops::Range;
use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::types::Int64Type;
use arrow_array::{Array, ArrayRef, RecordBatch, RecordBatchOptions, new_null_array};
use arrow_cast::{CastOptions, cast_with_options};
use arrow_schema::{DataType, Field, Schema, SchemaRef};
use creditcore::batch::{Batch, Role, Source, Wanted};
use creditcore::error::{Error, Place, Result};
use creditcore::exec::Control;
use creditcore::refresh::KeyKind;
use serde::{Deserialize, Serialize};

/// The column that says what a row does.
const OP: &str = "op";

/// The columns of a state.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Layout {
    /// The column of keys.
    pub key: String,
    /// The column of versions; rows without one count by their arrival.
    pub version: String,
    /// Further columns that are kept, and whether they are numbers.
    pub columns: Vec<(String, bool)>,
    /// Of those the ones that are averaged or weigh: doubles, where that loses nothing.
    #[serde(default)]
    pub measures: Vec<String>,
    /// Of those the codes and names of regions, and kinds: texts, also where they came as integers.
    #[serde(default)]
    pub texts: Vec<String>,
    /// Of those the ones that are made of the others, of other records or of the day: which row of a key counts does
    /// not hang on them, and a row that differs in them alone takes the place of the one before.
    #[serde(default)]
    pub made: Vec<String>,
    /// Of those the ones that hang on what the row says alone: they stand beside it, also where the others are written apart.
    #[serde(default)]
    pub still: Vec<String>,
    /// The columns that are read of records near a change: they lie beside each other.
    #[serde(default)]
    pub near: Vec<String>,
    /// The columns that decisions go by, those that stand still and those that move without a row of their own, where what a
    /// row says is kept beside it.
    #[serde(default)]
    pub inputs: Option<(Vec<String>, Vec<String>)>,
    /// The columns that are summed: those of the plan.
    #[serde(skip)]
    pub summed: Vec<String>,
    /// Renewed records from which on what is made of them is written apart, without what they say.
    #[serde(default = "apart_from")]
    pub apart_from: usize,
    /// The column that may hold one value alone: kinds that are not averaged together.
    #[serde(default)]
    pub one_kind: Option<OneKind>,
}

/// By default so few that to write them beside what they say would cost more.
fn apart_from() -> usize {
    1 << 14
}

/// A column that may hold one value alone.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct OneKind {
    /// Its name.
    pub column: String,
    /// Among which rows: a column and its value; without it among all.
    pub among: Option<(String, String)>,
}

/// Rows as they came, in the types of the state.
pub(super) struct Delta {
    pub(super) batch: RecordBatch,
    pub(super) deletes: Vec<bool>,
    places: Vec<(Range<usize>, Batch)>,
}

impl Delta {
    /// Where a row came from.
    pub(super) fn place(&self, row: usize) -> Place {
        match self.places.iter().find(|(rows, _)| rows.contains(&row)) {
            Some((rows, batch)) => batch.place(row - rows.start),
            None => Place::default(),
        }
    }
}

impl Layout {
    /// The columns to read of a source: key, version and `op` where they are there, and what is kept.
    fn wanted(&self, names: &[String]) -> Vec<Wanted> {
        let ask = |name: &str, role| Wanted { name: name.to_owned(), role };
        let mut wanted = vec![ask(&self.key, Role::Key)];
        // Rows that delete need say no more than their key.
        let lenient = names.iter().any(|known| known == OP);
        for (name, number) in &self.columns {
            if lenient && !names.contains(name) {
                continue;
            }
            wanted.push(ask(name, if *number { Role::Number } else { Role::Key }));
        }
        for (name, role) in [(self.version.as_str(), Role::Number), (OP, Role::Key)] {
            if names.iter().any(|known| known == name) {
                wanted.push(ask(name, role));
            }
        }
        wanted
    }

    /// Reads a source, in the order of its rows, and hands on parts of some `part_rows` rows.
    pub(super) fn read(
        &self,
        source: &dyn Source,
        part_rows: usize,
        control: &Control,
        mut take: impl FnMut(Delta, &Self) -> Result<()>,
        schema: impl Fn() -> Option<SchemaRef>,
    ) -> Result<()> {
        let wanted = self.wanted(source.column_names());
        let mut waiting: Vec<Batch> = Vec::new();
        let mut rows = 0;
        for task in 0..source.tasks() {
            let mut full: Vec<Vec<Batch>> = Vec::new();
            source.read(task, &wanted, control, &mut |batch| {
                waiting.push(batch.clone());
                rows += batch.rows;
                if rows >= part_rows {
                    full.push(std::mem::take(&mut waiting));
                    rows = 0;
                }
                Ok(())
            })?;
            for batches in full {
                take(self.delta(&wanted, &batches, schema().as_ref())?, self)?;
            }
        }
        take(self.delta(&wanted, &waiting, schema().as_ref())?, self)
    }

    fn delta(&self, wanted: &[Wanted], batches: &[Batch], known: Option<&SchemaRef>) -> Result<Delta> {
        let mut places = Vec::new();
        let mut row = 0;
        for batch in batches {
            places.push((row..row + batch.rows, Batch { columns: Vec::new(), ..batch.clone() }));
            row += batch.rows;
        }
        let (mut fields, mut columns, mut deletes) = (Vec::new(), Vec::new(), vec![false; row]);
        for (at, Wanted { name, .. }) in wanted.iter().enumerate() {
            let parts: Vec<ArrayRef> = batches.iter().map(|batch| batch.columns[at].clone()).collect();
            let whole = self.column(name, &parts, batches, known)?;
            if name == OP {
                deletes = ops(&whole, &places)?;
                continue;
            }
            fields.push(Field::new(name, whole.data_type().clone(), true));
            columns.push(whole);
        }
        let options = RecordBatchOptions::new().with_row_count(Some(row));
        let batch = RecordBatch::try_new_with_options(Arc::new(Schema::new(fields)), columns, &options)
            .map_err(|error| Error::schema(Place::default(), error.to_string()))?;
        let delta = Delta { batch, deletes, places };
        let absent = self.columns.iter().find(|(name, _)| !wanted.iter().any(|one| one.name == *name));
        if let (Some((name, _)), Some(row)) = (absent, delta.deletes.iter().position(|deletes| !deletes)) {
            let text = format!("there is no column `{name}`; rows that do not delete need it");
            return Err(Error::schema(delta.place(row), text));
        }
        let keys = delta.batch.column(0);
        match (0..keys.len()).find(|&row| keys.is_null(row)) {
            Some(row) => Err(Error::source(
                delta.place(row),
                format!("column `{}` is null; a record needs a key", self.key),
            )),
            None => Ok(delta),
        }
    }

    /// One column of all batches in the type that it is stored in.
    fn column(
        &self,
        name: &str,
        parts: &[ArrayRef],
        batches: &[Batch],
        known: Option<&SchemaRef>,
    ) -> Result<ArrayRef> {
        let known = known.and_then(|known| known.field_with_name(name).ok()).map(Field::data_type);
        let known = known.filter(|known| **known != DataType::Null);
        let Some(first) = parts.first() else {
            let kind =
                known.cloned().unwrap_or(if name == self.key { DataType::Int64 } else { DataType::Null });
            return Ok(arrow_array::new_empty_array(&kind));
        };
        let target = match known {
            Some(known) => known.clone(),
            // Nulls alone say nothing about the type: it is that of the first value.
            None if name != self.key && parts.iter().all(blank) => self.stored(name, &DataType::Null)?,
            None => self.stored(name, first.data_type())?,
        };
        let mut cast = Vec::with_capacity(parts.len());
        for (part, batch) in parts.iter().zip(batches) {
            cast.push(exactly(name, part, &target, batch)?);
        }
        if let [only] = cast.as_slice() {
            return Ok(only.clone());
        }
        let arrays: Vec<&dyn Array> = cast.iter().map(AsRef::as_ref).collect();
        arrow_select::concat::concat(&arrays)
            .map_err(|error| Error::schema(Place::default(), format!("column `{name}`: {error}")))
    }

    /// The type that a column is stored in, by the type that it first came in.
    fn stored(&self, name: &str, kind: &DataType) -> Result<DataType> {
        if name == self.key {
            return KeyKind::of(kind).map(KeyKind::stored).ok_or_else(|| {
                let text = format!("column `{name}` is of type {kind}; keys are 64-bit integers or texts");
                Error::schema(Place::default(), text)
            });
        }
        if name == self.version {
            return Ok(DataType::Int64);
        }
        let named = |names: &[String]| names.iter().any(|one| one == name);
        Ok(match kind {
            DataType::Dictionary(_, values) => self.stored(name, values)?,
            DataType::Utf8 | DataType::Utf8View => DataType::LargeUtf8,
            kind if named(&self.texts) && (kind.is_integer() || kind.is_null()) => DataType::LargeUtf8,
            kind if named(&self.measures) && (kind.is_integer() || kind.is_floating() || kind.is_null()) => {
                DataType::Float64
            }
            DataType::UInt64 => DataType::UInt64,
            kind if kind.is_integer() => DataType::Int64,
            other => other.clone(),
        })
    }
}

/// Whether there is no value in it.
fn blank(part: &ArrayRef) -> bool {
    part.logical_null_count() == part.len()
}

/// A part of a column in another type, to the same values.
fn exactly(name: &str, part: &ArrayRef, target: &DataType, batch: &Batch) -> Result<ArrayRef> {
    if part.data_type() == target {
        return Ok(part.clone());
    }
    if blank(part) {
        return Ok(new_null_array(target, part.len()));
    }
    let options = CastOptions { safe: true, ..CastOptions::default() };
    let refused = |row: Option<usize>| {
        let place = row.map_or_else(|| Place::file(&*batch.source), |row| batch.place(row));
        let shown = row
            .and_then(|row| arrow_cast::display::array_value_to_string(part, row).ok())
            .map_or_else(String::new, |value| format!(" and holds `{value}`"));
        let text = format!(
            "column `{name}` is of type {}{shown}; the portfolio keeps it as {target}, which cannot hold that: give it \
             in the type of the records that came first",
            part.data_type()
        );
        Error::schema(place, text)
    };
    let flag = |kind: &DataType| *kind == DataType::Boolean;
    if flag(part.data_type()) != flag(target) {
        return Err(refused((0..part.len()).find(|&row| part.is_valid(row))));
    }
    let made = cast_with_options(part, target, &options).map_err(|_| refused(None))?;
    // Texts and dictionaries have another form, but no other value.
    let plain = |kind: &DataType| !kind.is_numeric() && !kind.is_temporal();
    if let Some(row) = (0..part.len()).find(|&row| part.is_valid(row) && made.is_null(row)) {
        return Err(refused(Some(row)));
    }
    if plain(part.data_type()) && plain(target) {
        return Ok(made);
    }
    let back = cast_with_options(&made, part.data_type(), &options).map_err(|_| refused(None))?;
    if part.to_data() == back.to_data() {
        return Ok(made);
    }
    match (0..part.len()).find(|&row| part.slice(row, 1).to_data() != back.slice(row, 1).to_data()) {
        Some(row) => Err(refused(Some(row))),
        None => Ok(made),
    }
}

/// Which rows delete.
fn ops(column: &ArrayRef, places: &[(Range<usize>, Batch)]) -> Result<Vec<bool>> {
    let place = |row: usize| {
        let found = places.iter().find(|(rows, _)| rows.contains(&row));
        found.map_or_else(Place::default, |(rows, batch)| batch.place(row - rows.start))
    };
    let Some(texts) = column.as_string_opt::<i64>() else {
        if blank(column) {
            return Ok(vec![false; column.len()]);
        }
        let text = format!(
            "column `{OP}` is of type {}; texts are needed: `upsert` or `delete`",
            column.data_type()
        );
        return Err(Error::schema(place(0), text));
    };
    let op = |(row, op): (usize, Option<&str>)| match op {
        None | Some("upsert") => Ok(false),
        Some("delete") => Ok(true),
        Some(other) => Err(Error::source(
            place(row),
            format!("column `{OP}` holds `{other}`; allowed are `upsert` and `delete`"),
        )),
    };
    texts.iter().enumerate().map(op).collect()
}

/// The versions of some rows; none where a row has none.
pub(super) fn versions(column: Option<&ArrayRef>, rows: usize) -> Result<Vec<Option<i64>>> {
    let Some(column) = column else { return Ok(vec![None; rows]) };
    let cast = arrow_cast::cast(column, &DataType::Int64)
        .map_err(|error| Error::schema(Place::default(), format!("versions are integers: {error}")))?;
    Ok(cast.as_primitive::<Int64Type>().iter().collect())
}
