//! All rows of a state, by number.
//!
//! In: segments in the order in which they were written, and numbers of rows. Out: those rows, gathered. A row's number
//! is its place in that order, so it never changes until the state is compacted: segments that are merged keep all
//! their rows. Only the segments of the rows that are asked for are looked at.

use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::{
    Array, ArrayRef, BooleanArray, RecordBatch, RecordBatchOptions, UInt32Array, new_null_array,
};
use arrow_schema::{ArrowError, DataType, Field, Schema, SchemaRef};
use arrow_select::take::take;
use arrow_select::zip::zip;
use creditcore::error::{Error, Place, Result};
use creditcore::exec::in_order;

use crate::map;

use super::gather::{self, gathered, picked, picked_lists};
use super::segment::{DELETED, Segment, TOLD};
use super::unpacked::{Unpacked, ask_for};

/// Rows that a state can have: the highest bit of a number says that the row deletes.
pub(super) const MOST_ROWS: u64 = (1 << 31) - 1;

/// Columns are read into memory where they take one part in so many of what is left of it, or less.
const ROOM: u64 = 2;

/// Rows of one segment beside each other, on average, from which on their values are taken stretch by stretch.
const LONG: usize = 64;

#[derive(Default)]
pub(super) struct Rows {
    segments: Vec<Segment>,
    /// The number of each segment's first row.
    starts: Vec<u32>,
    rows: u64,
    schema: Option<SchemaRef>,
}

/// Places of rows: the segments that have some, and for each row which of these, and where there.
struct Places {
    used: Vec<usize>,
    at: Vec<(usize, usize)>,
    /// Stretches of rows of one segment.
    stretches: usize,
    /// Where each row stands in `at`, if not in its own place.
    back: Option<UInt32Array>,
}

impl Places {
    /// The same rows in the order in which they lie, where they are scattered: memory is read forwards then.
    fn forwards(self) -> Self {
        if self.stretches * LONG <= self.at.len() {
            return self;
        }
        let mut order: Vec<((usize, usize), u32)> = self.at.into_iter().zip(0..).collect();
        order.sort_unstable();
        let mut back = vec![0; order.len()];
        order.iter().zip(0..).for_each(|(&(_, row), place)| back[row as usize] = place);
        let at: Vec<(usize, usize)> = order.into_iter().map(|(at, _)| at).collect();
        Self { stretches: stretches(&at), at, back: Some(back.into()), used: self.used }
    }
}

/// How many stretches of rows of one segment there are.
fn stretches(at: &[(usize, usize)]) -> usize {
    at.chunk_by(|a, b| a.0 == b.0).count()
}

/// Places of rows, and those of their columns that a segment of what was made anew does not have.
struct Lying {
    own: Places,
    told: Option<Places>,
}

impl Lying {
    /// The places of one column.
    fn of(&self, told: bool) -> &Places {
        self.told.as_ref().filter(|_| told).unwrap_or(&self.own)
    }
}

impl Rows {
    /// How many rows there are, those that no key leads to among them.
    pub(super) fn len(&self) -> u64 {
        self.rows
    }

    /// The columns with their types, of all segments; none before the first.
    pub(super) fn schema(&self) -> Option<&SchemaRef> {
        self.schema.as_ref()
    }

    /// Adds a segment and gives the number of its first row.
    pub(super) fn push(&mut self, segment: Segment) -> Result<u32> {
        let rows = self.rows + segment.rows() as u64;
        self.room(segment.rows())?;
        let first = self.rows as u32;
        self.schema = Some(joined(self.schema.as_ref(), segment.fields()));
        self.starts.push(first);
        self.segments.push(segment);
        self.rows = rows;
        Ok(first)
    }

    /// Puts a segment in the place of the newest ones, whose rows are its first ones.
    pub(super) fn replace(&mut self, newest: usize, segment: Segment) -> Result<()> {
        let kept = self.segments.len() - newest;
        self.rows = self.starts.get(kept).map_or(self.rows, |&start| u64::from(start));
        self.segments.truncate(kept);
        self.starts.truncate(kept);
        self.push(segment).map(|_| ())
    }

    /// Whether so many rows can be added.
    pub(super) fn room(&self, rows: usize) -> Result<()> {
        if self.rows + rows as u64 <= MOST_ROWS {
            return Ok(());
        }
        let text =
            format!("the state would have more than {MOST_ROWS} rows, old ones included; compact it first");
        Err(Error::state(Place::default(), text))
    }

    /// The places of rows.
    fn locate(&self, rows: &[u32]) -> Result<Places> {
        const UNUSED: usize = usize::MAX;
        let mut used = Vec::new();
        let mut number = vec![UNUSED; self.segments.len()];
        let mut at = Vec::with_capacity(rows.len());
        for &row in rows {
            if u64::from(row) >= self.rows {
                let text = format!(
                    "the index leads to row {row} of {}: it is damaged; run `creditcore doctor`, which makes it again",
                    self.rows
                );
                return Err(Error::state(Place::default(), text));
            }
            let segment = self.starts.partition_point(|&start| start <= row) - 1;
            if number[segment] == UNUSED {
                number[segment] = used.len();
                used.push(segment);
            }
            at.push((number[segment], (row - self.starts[segment]) as usize));
        }
        Ok(Places { stretches: stretches(&at), used, at, back: None })
    }

    /// Some rows, in the columns of all segments. A column that is `known` is not read again.
    pub(super) fn gather(&self, rows: &[u32], known: Option<(&str, &ArrayRef)>) -> Result<RecordBatch> {
        self.gather_of(rows, None, known, 1)
    }

    /// Some rows, in some of the columns, which threads share; those that there are not are left out.
    pub(super) fn gather_shared(
        &self,
        rows: &[u32],
        names: Option<&[String]>,
        threads: usize,
    ) -> Result<RecordBatch> {
        self.gather_of(rows, names, None, threads)
    }

    /// Some rows, in the columns of all segments, which threads share; one column is known.
    pub(super) fn gather_known(
        &self,
        rows: &[u32],
        known: (&str, &ArrayRef),
        threads: usize,
    ) -> Result<RecordBatch> {
        self.gather_of(rows, None, Some(known), threads)
    }

    fn gather_of(
        &self,
        rows: &[u32],
        names: Option<&[String]>,
        known: Option<(&str, &ArrayRef)>,
        threads: usize,
    ) -> Result<RecordBatch> {
        let Some(schema) = &self.schema else { return Ok(RecordBatch::new_empty(Arc::new(Schema::empty()))) };
        let schema = match names {
            None => schema.clone(),
            Some(names) => {
                let fields = names.iter().filter_map(|name| schema.field_with_name(name).ok());
                Arc::new(Schema::new(fields.cloned().collect::<Vec<Field>>()))
            }
        };
        let fields = schema.fields();
        let unknown = |field: &&Arc<Field>| known.is_none_or(|(name, _)| name != field.name());
        let places = self.lying(rows)?;
        let fetched = self.fetched(&places, &fields.iter().filter(unknown).collect::<Vec<_>>(), threads)?;
        let column = |at: usize| match known {
            Some((name, column)) if name == fields[at].name() => Ok(column.clone()),
            _ => self.column(&fields[at], &places, &fetched),
        };
        let columns = in_order(threads, fields.len(), column)?;
        let options = RecordBatchOptions::new().with_row_count(Some(rows.len()));
        RecordBatch::try_new_with_options(schema, columns, &options).map_err(|error| broken(&error))
    }

    /// One column of some rows.
    pub(super) fn column_of(&self, name: &str, rows: &[u32]) -> Result<Option<ArrayRef>> {
        let field = self.schema.as_ref().and_then(|schema| schema.field_with_name(name).ok());
        let Some(field) = field else { return Ok(None) };
        let places = self.lying(rows)?;
        let fetched = self.fetched(&places, &[&Arc::new(field.clone())], 1)?;
        self.column(field, &places, &fetched).map(Some)
    }

    /// The places of rows, whatever their segments have of them.
    fn lying(&self, rows: &[u32]) -> Result<Lying> {
        let own = self.locate(rows)?;
        let anew = own.used.iter().any(|&segment| self.segments[segment].told.is_some());
        let told = if anew { Some(self.locate(&self.told_of(rows, &own))?.forwards()) } else { None };
        Ok(Lying { own, told })
    }

    /// For each row the one that has the columns that are not made.
    fn told_of(&self, rows: &[u32], places: &Places) -> Vec<u32> {
        let told = |(&row, &(used, at)): (&u32, &(usize, usize))| {
            self.segments[places.used[used]].told.as_ref().map_or(row, |told| told.value(at))
        };
        rows.iter().zip(&places.at).map(told).collect()
    }

    /// For each row the one that has the columns that are not made.
    pub(super) fn told(&self, rows: &[u32]) -> Result<Vec<u32>> {
        Ok(self.told_of(rows, &self.locate(rows)?))
    }

    /// Whether a column is that of the rows which say what others were made of.
    fn is_told(&self, name: &str, lying: &Lying) -> bool {
        // Segments of what was made anew have all columns that are made, and none of the others.
        let lacking = |&segment: &usize| {
            let segment = &self.segments[segment];
            segment.told.is_some() && !segment.has(name)
        };
        lying.told.is_some() && lying.own.used.iter().any(lacking)
    }

    /// Fetches what lies beside each other of some columns: of the rows themselves, and of those that these were made of.
    fn fetched(
        &self,
        lying: &Lying,
        fields: &[&Arc<Field>],
        threads: usize,
    ) -> Result<[Option<Unpacked<'_>>; 2]> {
        let asked = [false, true].map(|told| {
            let places = lying.of(told);
            let mine = fields.iter().filter(|field| self.is_told(field.name(), lying) == told);
            let names: Vec<&str> = mine.map(|field| field.name().as_str()).collect();
            let packed: Vec<_> =
                places.used.iter().map(|&segment| self.segments[segment].packed.as_ref()).collect();
            let some =
                packed.iter().flatten().any(|packed| names.iter().any(|name| packed.slot(name).is_some()));
            some.then(|| {
                ask_for(&packed, &places.at);
                (places, names, packed)
            })
        });
        let fetch = |asked: Option<(&Places, Vec<&str>, Vec<_>)>| {
            let Some((places, names, packed)) = asked else { return Ok(None) };
            let wanted = |name: &str| names.contains(&name);
            Unpacked::fetch(&packed, &places.at, places.back.as_ref(), &wanted, threads).map(Some)
        };
        let [own, told] = asked;
        Ok([fetch(own)?, fetch(told)?])
    }

    fn column(&self, field: &Field, lying: &Lying, fetched: &[Option<Unpacked<'_>>; 2]) -> Result<ArrayRef> {
        let told = self.is_told(field.name(), lying);
        let places = lying.of(told);
        if places.at.is_empty() || *field.data_type() == DataType::Null {
            return Ok(new_null_array(field.data_type(), places.at.len()));
        }
        let packs = |segment: usize| self.segments[segment].packs(field.name());
        let fetched =
            fetched[usize::from(told)].as_ref().filter(|_| places.used.iter().any(|&one| packs(one)));
        let Some(fetched) = fetched else { return self.plain_column(field, places) };
        let found = fetched.column(field.name(), field.data_type()).map_err(|error| broken(&error))?;
        let plain = |&segment: &usize| !packs(segment) && self.segments[segment].has(field.name());
        if !places.used.iter().any(plain) {
            return Ok(found);
        }
        // Some segments have it by itself: what they lack of the one is null in the other.
        let other = self.plain_column(field, places)?;
        let from = places.at.iter().map(|&(used, _)| packs(places.used[used]));
        let mut mask: ArrayRef = Arc::new(from.map(Some).collect::<BooleanArray>());
        if let Some(back) = &places.back {
            mask = take(&mask, back, None).map_err(|error| broken(&error))?;
        }
        zip(mask.as_boolean(), &found, &other).map_err(|error| broken(&error))
    }

    fn plain_column(&self, field: &Field, places: &Places) -> Result<ArrayRef> {
        let filled = |&segment: &usize| {
            let column = self.segments[segment].batch.column_by_name(field.name());
            // A column of nulls alone has no type yet.
            column.filter(|column| *column.data_type() != DataType::Null)
        };
        let columns: Vec<Option<&ArrayRef>> = places.used.iter().map(filled).collect();
        gather::ask_for(&columns, &places.at);
        if let Some(found) = picked_lists(&columns, &places.at, places.back.as_ref(), field.data_type()) {
            return Ok(found);
        }
        let long = places.stretches * LONG <= places.at.len();
        let found = match long.then(|| picked(&columns, &places.at, field.data_type())).flatten() {
            Some(picked) => Ok(picked),
            None => gathered(&columns, &places.at, field.data_type()),
        };
        match (found, &places.back) {
            (Ok(found), Some(back)) => take(&found, back, None),
            (found, _) => found,
        }
        .map_err(|error| broken(&error))
    }

    /// Has packed columns mapped, and read where there is room in memory for them; else those pages that are there already.
    pub(super) fn make_ready(&self, threads: usize) -> Result<()> {
        let packed: Vec<&[u8]> =
            self.segments.iter().filter_map(|segment| Some(segment.packed.as_ref()?.bytes().0)).collect();
        let bytes: u64 = packed.iter().map(|bytes| bytes.len() as u64).sum();
        let room = bytes < map::memory_left() / ROOM;
        in_order(threads, packed.len(), |at| {
            map::map_pages(packed[at], room);
            Ok(())
        })
        .map(|_| ())
    }

    /// How many segments there are.
    pub(super) fn segments(&self) -> usize {
        self.segments.len()
    }

    /// The segments with the numbers of their first rows.
    pub(super) fn each(&self) -> impl Iterator<Item = (u32, &Segment)> {
        self.starts.iter().copied().zip(&self.segments)
    }

    /// The newest segments, the last one first.
    pub(super) fn newest(&self) -> impl Iterator<Item = &Segment> {
        self.segments.iter().rev()
    }
}

/// The columns of two schemas in the types of the state, marks of deletion left out.
fn joined(known: Option<&SchemaRef>, more: Vec<Field>) -> SchemaRef {
    let mut fields: Vec<Arc<Field>> = known.map_or_else(Vec::new, |known| known.fields().to_vec());
    for field in more.into_iter().filter(|field| field.name() != DELETED && field.name() != TOLD) {
        match fields.iter_mut().find(|known| known.name() == field.name()) {
            Some(known) if *known.data_type() != DataType::Null => {}
            Some(known) => *known = Arc::new(field),
            None => fields.push(Arc::new(field)),
        }
    }
    Arc::new(Schema::new(fields))
}

fn broken(error: &ArrowError) -> Error {
    Error::state(Place::default(), format!("rows cannot be gathered: {error}; open the portfolio again"))
}
