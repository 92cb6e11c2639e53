//! Hits by rule turned into lists by row.
//!
//! In: the rows that each rule of a block hits. Out: for each row its rules, in file order: a counting sort,
//! so the work goes with the hits, not with the rules.

use creditcore_kernels::mask::{Mask, ROWS, each_row};

use super::decided::{Decided, Hits};
use super::engine::Sink;
use super::golden::{Decision, Hit, Trouble};

/// Collects the decisions of a batch.
#[derive(Default)]
pub(super) struct Lists {
    /// What was decided in the blocks before.
    pub(super) decided: Decided,
    hits: Vec<(u16, Hit)>,
    shadow: Vec<(u16, Hit)>,
}

impl Sink for Lists {
    fn hit(&mut self, rule: usize, shadow: bool, unknown: bool, rows: &Mask) {
        let hit = Hit::new(rule as u32, unknown);
        let list = if shadow { &mut self.shadow } else { &mut self.hits };
        each_row(rows, |row| list.push((row as u16, hit)));
    }

    fn trouble(&mut self, row: usize, rule: usize, trouble: Trouble) {
        self.decided.errors.push((row as u32, rule as u32, trouble));
    }

    fn decided(&mut self, rejected: &Mask, reviewed: &Mask, rows: usize) {
        let marked = |mask: &Mask, row: usize| mask[row / 64] >> (row % 64) & 1 == 1;
        self.decided.decisions.extend((0..rows).map(|row| match () {
            () if marked(rejected, row) => Decision::Reject,
            () if marked(reviewed, row) => Decision::Review,
            () => Decision::Pass,
        }));
        by_row(&mut self.hits, &mut self.decided.hits, rows);
        by_row(&mut self.shadow, &mut self.decided.shadow, rows);
    }
}

impl Lists {
    /// The decisions of the whole batch.
    pub(super) fn finish(mut self) -> Decided {
        // By row; within one the order of the rules stays.
        self.decided.errors.sort_by_key(|(row, ..)| *row);
        self.decided
    }
}

fn by_row(found: &mut Vec<(u16, Hit)>, lists: &mut Hits, rows: usize) {
    let mut places = [0u32; ROWS];
    found.iter().for_each(|(row, _)| places[usize::from(*row)] += 1);
    let first = lists.hits.len();
    let mut next = first as u32;
    for place in &mut places[..rows] {
        next += std::mem::replace(place, next);
        lists.ends.push(next);
    }
    lists.hits.resize(first + found.len(), Hit::new(0, false));
    for (row, hit) in found.drain(..) {
        let place = &mut places[usize::from(row)];
        lists.hits[*place as usize] = hit;
        *place += 1;
    }
}
