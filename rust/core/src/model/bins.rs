//! Bins: all that the models of a fleet can tell of the values of some columns, in two bytes each.
//!
//! In: a fleet, rows. Out: for each row a list of numbers, the bins of its values; and from that list values which every
//! model sends to the same leaves. A bin is the number of cuts, of all models that test the column, that a value
//! exceeds. The highest value of a bin stands for each of them, so no engine can tell the difference (law 3). A list
//! begins with a fingerprint of the columns and their cuts: what another fleet has written is never taken for its own.

use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::types::UInt16Type;
use arrow_array::{Array, ArrayRef, FixedSizeListArray, PrimitiveArray};
use arrow_schema::{DataType, Field};
use creditcore_kernels::sliced::{Keys, MISSING, MOST_KEYS};
use sha2::{Digest, Sha256};

use super::binding::{Columns, Rows};
use super::engine::{Block, UNUSED};
use super::ensemble::{LIGHTGBM_ZERO, Missing, Test};
use super::fleet::Fleet;
use super::input::{self, Reading};
use super::sliced;
use crate::batch::find_column;
use crate::error::{Error, Place, Result};
use crate::exec::{Control, in_order};

/// What the fingerprint is of, beside columns and cuts: another way of making bins has another number.
const FORM: &[u8] = b"bins 1";
/// Numbers of a fingerprint.
const STAMP: usize = 4;
/// Rows that are read together: some hundred numbers of each find room in the first cache.
const TILE: usize = 256;
/// Rows that a thread takes at a time.
const STRETCH: usize = 1 << 12;

/// The bins of some columns of a fleet. Immutable, and safe to use from many threads.
#[derive(Debug)]
pub struct Bins {
    columns: Vec<Binned>,
    /// For each input of the fleet its place in a list, where it has one.
    places: Vec<Option<usize>>,
    stamp: [u16; STAMP],
}

/// A column, read in one way.
#[derive(Debug)]
struct Binned {
    name: String,
    slot: usize,
    reading: Reading,
    cuts: Keys,
    /// For each bin the value that stands for it; NaN last.
    values: Vec<f64>,
}

impl Fleet {
    /// The bins of the columns that the models read as numbers alone, those of some names left out. None where there are
    /// no such columns, or a model takes its columns by position.
    pub fn bins(&self, apart: &[String]) -> Option<Bins> {
        if self.models.iter().any(|model| model.columns == Columns::Positions) {
            return None;
        }
        let conditions = self.models.iter().filter_map(|model| model.applies_to.as_ref());
        let named = conditions.flat_map(|condition| condition.columns()).map(str::to_owned);
        let mut refused: HashSet<String> = apart.iter().cloned().chain(named).collect();
        let cuts = self.cuts(&mut refused);
        let binned = |(slot, cuts): (usize, Vec<f64>)| {
            let (name, reading) = self.inputs.named(slot).filter(|(name, _)| !refused.contains(*name))?;
            Some(Binned::new(name, slot, reading.clone(), cuts))
        };
        let columns: Vec<Binned> = cuts.into_iter().filter_map(binned).collect();
        (!columns.is_empty()).then(|| Bins::new(columns, self.inputs.len()))
    }

    /// The cuts of each input, of all models, in increasing order. Columns that have no bins are added to `refused`.
    fn cuts(&self, refused: &mut HashSet<String>) -> BTreeMap<usize, Vec<f64>> {
        let mut cuts: BTreeMap<usize, Vec<f64>> = BTreeMap::new();
        for bound in self.engines.bound() {
            let ensemble = &bound.ensemble;
            // Such models look at more of a value than on which side of a cut it lies.
            if sliced::refuses(ensemble).is_some() || !ensemble.extra.computed.is_empty() {
                let used = bound.slots.iter().filter(|&&slot| slot != UNUSED);
                let names = used.filter_map(|&slot| self.inputs.named(slot as usize));
                refused.extend(names.map(|(name, _)| name.to_owned()));
                continue;
            }
            for node in ensemble.trees.iter().flat_map(|tree| &tree.nodes) {
                let Test::Number { cut, missing, .. } = node.test() else { continue };
                let own = cuts.entry(bound.slots[node.feature as usize] as usize).or_default();
                // Zero has one sign.
                own.push(cut + 0.0);
                if missing == Missing::Zero {
                    own.extend([(-LIGHTGBM_ZERO).next_down(), LIGHTGBM_ZERO]);
                }
            }
        }
        for own in cuts.values_mut() {
            own.sort_unstable_by(f64::total_cmp);
            own.dedup();
        }
        for (slot, (name, reading)) in
            (0..self.inputs.len()).filter_map(|slot| Some((slot, self.inputs.named(slot)?)))
        {
            let many = cuts.get(&slot).is_some_and(|own| own.len() > MOST_KEYS);
            if many || !matches!(reading, Reading::Number(_)) {
                refused.insert(name.to_owned());
            }
        }
        cuts
    }
}

impl Binned {
    fn new(name: &str, slot: usize, reading: Reading, cuts: Vec<f64>) -> Self {
        let keys = Keys::new(&cuts);
        let values = cuts.into_iter().chain([f64::INFINITY, f64::NAN]).collect();
        Self { name: name.to_owned(), slot, reading, cuts: keys, values }
    }
}

impl Bins {
    fn new(columns: Vec<Binned>, slots: usize) -> Self {
        let mut hash = Sha256::new();
        hash.update(FORM);
        let mut places = vec![None; slots];
        for (place, column) in columns.iter().enumerate() {
            places[column.slot] = Some(place);
            let told = format!("\0{}\0{:?}\0{}\0", column.name, column.reading, column.values.len());
            hash.update(told.as_bytes());
            column.values.iter().for_each(|value| hash.update(value.to_le_bytes()));
        }
        let hash = hash.finalize();
        let stamp = std::array::from_fn(|at| u16::from_le_bytes([hash[2 * at], hash[2 * at + 1]]));
        Self { columns, places, stamp }
    }

    /// The names of the columns, each once.
    pub fn columns(&self) -> Vec<&str> {
        let mut known = HashSet::new();
        self.columns.iter().map(|column| column.name.as_str()).filter(|name| known.insert(*name)).collect()
    }

    /// Numbers of a list.
    fn width(&self) -> usize {
        STAMP + self.columns.len()
    }

    /// The bins of some rows.
    ///
    /// # Errors
    /// A column that is missing or of a wrong type, a request to stop.
    pub fn of(&self, rows: &Rows, threads: usize, control: &Control) -> Result<FixedSizeListArray> {
        let at = |column: &Binned| find_column(&rows.names, &column.name);
        let at: Vec<usize> = self.columns.iter().map(at).collect::<Result<_>>()?;
        let (cuts, width) = (rows.cuts(STRETCH), self.width());
        let parts = in_order(threads, cuts.len(), |task| {
            control.check()?;
            let (batch, start, length) = cuts[task];
            let part = rows.batches[batch].slice(start, length);
            let mut lists = vec![0u16; length * width];
            lists.chunks_exact_mut(width).for_each(|list| list[..STAMP].copy_from_slice(&self.stamp));
            let (mut values, mut bins) = (Vec::new(), vec![0u16; length]);
            for (place, (column, &at)) in self.columns.iter().zip(&at).enumerate() {
                values.clear();
                input::read(part.column(at), &column.reading, &mut values, None).map_err(|text| {
                    Error::schema(Place::default(), format!("column `{}` {text}", column.name))
                })?;
                column.cuts.search(&values, NO_ZERO, &mut bins);
                let missing = (column.values.len() - 1) as u16;
                for (list, &bin) in lists.chunks_exact_mut(width).zip(&bins) {
                    list[STAMP + place] = if bin == MISSING { missing } else { bin };
                }
            }
            Ok(lists)
        })?;
        let field = Arc::new(Field::new("item", DataType::UInt16, true));
        let values = Arc::new(PrimitiveArray::<UInt16Type>::from(parts.concat()));
        FixedSizeListArray::try_new(field, width as i32, values, None)
            .map_err(|error| Error::schema(Place::default(), error.to_string()))
    }

    /// Whether each list of a column was made by these bins.
    pub fn fits(&self, column: &ArrayRef) -> bool {
        self.lists(column).is_some()
    }

    /// The lists of a column beside each other; none where one was not made by these bins.
    fn lists<'a>(&self, column: &'a ArrayRef) -> Option<&'a [u16]> {
        let lists = column.as_fixed_size_list_opt()?;
        let values = lists.values().as_primitive_opt::<UInt16Type>()?;
        if lists.value_length() != self.width() as i32 || lists.null_count() + values.null_count() > 0 {
            return None;
        }
        let own = |list: &[u16]| list[..STAMP] == self.stamp;
        values.values().chunks_exact(self.width()).all(own).then_some(values.values())
    }

    /// Whether an input is read from lists.
    pub(super) fn has(&self, slot: usize) -> bool {
        self.places.get(slot).is_some_and(Option::is_some)
    }

    /// The value that stands for each bin of an input, NaN last; none for one that has no bins.
    pub(super) fn values(&self, slot: usize) -> Option<&[f64]> {
        let place = self.places.get(slot).copied().flatten()?;
        Some(&self.columns[place].values)
    }

    /// Reads the bins of a column of lists into a block.
    pub(super) fn read(self: &Arc<Self>, column: &ArrayRef, block: &mut Block) -> Result<()> {
        let refused = |text: &str| Error::schema(Place::default(), format!("bins of values: {text}"));
        let lists = self.lists(column).ok_or_else(|| refused("they are of other cuts than the fleet's"))?;
        block.codes.resize(self.places.len(), Vec::new());
        for column in &self.columns {
            block.codes[column.slot].clear();
        }
        for tile in lists.chunks(TILE * self.width()) {
            for (place, column) in self.columns.iter().enumerate() {
                let lists = tile.chunks_exact(self.width());
                block.codes[column.slot].extend(lists.map(|list| list[STAMP + place]));
            }
        }
        // A damaged file may hold any number.
        let beyond = |column: &&Binned| {
            let most = (column.values.len() - 1) as u16;
            block.codes[column.slot].iter().any(|&code| code > most)
        };
        if let Some(column) = self.columns.iter().find(beyond) {
            return Err(refused(&format!("one of column `{}` is beyond the last", column.name)));
        }
        block.bins = Some(self.clone());
        Ok(())
    }
}

/// No value is nearer to zero.
const NO_ZERO: f64 = -1.0;
