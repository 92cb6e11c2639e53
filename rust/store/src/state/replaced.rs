//! Rows that others took the place of, as far as decisions were made by them.
//!
//! In: a state. Out: the numbers of such rows, in two lists: those that have to be kept as a whole, and those that differ
//! from a current record, or from one of the first list, in nothing but what moves without a row of the record's own; and
//! their columns, some at a time. Nothing of the state is changed. Law 8: a decision that was acknowledged can be made again.

use arrow_array::RecordBatch;
use arrow_array::cast::AsArray;
use creditcore::error::Result;
use creditcore::exec::Control;
use creditcore::refresh::{Half, Halves, Keys};

use super::changes::DEAD;
use super::lookup::Asked;
use super::portfolio::State;
use super::said::{SAID, Said};
use super::segment::{DELETED, Segment};

/// Rows that are looked at in one go.
const PART: usize = 1 << 16;

/// Rows that no key leads to any more, by number.
#[derive(Default)]
pub struct Replaced {
    /// Those to be kept as a whole.
    pub whole: Vec<u32>,
    /// Those of which only what moves is to be kept.
    pub moved: Vec<u32>,
}

impl State {
    /// The rows that others took the place of; or `every` row that was a record once, those that are among them.
    ///
    /// # Errors
    /// `State`: rows that cannot be gathered.
    pub fn replaced(&self, every: bool, control: &Control) -> Result<Replaced> {
        let live = if every { Vec::new() } else { self.led_to() };
        let counts = |row: u32| every || live[row as usize / 64] >> (row % 64) & 1 == 0;
        let moves = self.moving_halves().is_some();
        let mut found = Replaced::default();
        for (first, Segment { batch, told, .. }) in self.rows.each() {
            let deleted = batch.column_by_name(DELETED).map(|flags| flags.as_boolean());
            let records = (0..batch.num_rows()).filter(|&at| deleted.is_none_or(|flags| !flags.value(at)));
            let rows = records.map(|at| first + at as u32).filter(|&row| counts(row));
            if moves && told.is_some() { found.moved.extend(rows) } else { found.whole.extend(rows) }
        }
        if moves && !every {
            self.part_with(&mut found, control)?;
        }
        Ok(found)
    }

    /// Some columns of some of the rows, with the fingerprints of their inputs (`_inputs`) where these have two halves.
    ///
    /// # Errors
    /// `State`: rows that cannot be gathered.
    pub fn replaced_rows(&self, rows: &[u32], names: &[String]) -> Result<RecordBatch> {
        let halves = self.moving_halves();
        let mut wanted = names.to_vec();
        if let Some((_, moving)) = self.layout.inputs.as_ref().filter(|_| halves.is_some()) {
            wanted.extend(moving.iter().filter(|name| !names.contains(name)).cloned());
            wanted.push(SAID.to_owned());
        }
        let batch = self.rows.gather_shared(rows, Some(&wanted), self.threads)?;
        self.printed(&batch, names, halves.as_ref(), self.threads)
    }

    /// The columns of fingerprints in two halves; none where nothing moves without a row of its own.
    pub(super) fn moving_halves(&self) -> Option<Halves> {
        let moves = self.layout.inputs.as_ref().is_some_and(|(_, moving)| !moving.is_empty());
        if moves { self.layout.halves() } else { None }
    }

    /// A bit for each row: whether a key leads to it, and it does not delete.
    pub(super) fn led_to(&self) -> Vec<u64> {
        let mut live = vec![0u64; (self.rows.len() as usize).div_ceil(64)];
        for row in self.table.rows().filter(|row| row & DEAD == 0) {
            live[row as usize / 64] |= 1 << (row % 64);
        }
        live
    }

    /// Leaves one whole row of those that say the same of a key, and none where its current record says it too.
    fn part_with(&self, found: &mut Replaced, control: &Control) -> Result<()> {
        let mut said: Vec<(u64, Half, u32)> = Vec::new();
        for part in std::mem::take(&mut found.whole).chunks(PART) {
            control.check()?;
            let names = [self.layout.key.clone(), SAID.to_owned()];
            let batch = self.rows.gather_shared(part, Some(&names), self.threads)?;
            // Rows of an older version do not tell.
            let (Some(halves), Some(keys)) =
                (Said::of(&batch).map(|said| said.halves()), batch.column_by_name(&names[0]))
            else {
                found.whole.extend(part);
                continue;
            };
            let asked = Asked::new(Keys::new(&names[0], keys.clone())?, self.threads)?;
            let current = self.known().current(&asked)?;
            let (at, now): (Vec<usize>, Vec<u32>) =
                current.iter().copied().enumerate().filter(|(_, row)| row & DEAD == 0).unzip();
            let now = self.rows.gather_shared(&now, Some(&names), self.threads)?;
            let mut same = vec![false; part.len()];
            let known = Said::of(&now).map(|said| said.halves()).unwrap_or_default();
            at.into_iter().zip(known).for_each(|(at, half)| same[at] = half == halves[at]);
            for (at, (&row, half)) in part.iter().zip(halves).enumerate() {
                if same[at] { found.moved.push(row) } else { said.push((asked.spread[at], half, row)) }
            }
        }
        said.sort_unstable();
        for rows in said.chunk_by(|a, b| (a.0, a.1) == (b.0, b.1)) {
            found.whole.push(rows[0].2);
            found.moved.extend(rows[1..].iter().map(|&(.., row)| row));
        }
        found.whole.sort_unstable();
        found.moved.sort_unstable();
        Ok(())
    }
}
