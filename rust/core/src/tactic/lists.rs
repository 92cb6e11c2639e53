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
    hits: Found,
    shadow: Found,
}

/// Hits of a block: the rows of one rule after the other.
#[derive(Default)]
struct Found {
    rows: Vec<u16>,
    rules: Vec<(Hit, u32)>,
}

impl Sink for Lists {
    fn hit(&mut self, rule: usize, shadow: bool, unknown: bool, rows: &Mask, count: u32) {
        let found = if shadow { &mut self.shadow } else { &mut self.hits };
        found.rules.push((Hit::new(rule as u32, unknown), count));
        found.rows.reserve(count as usize);
        each_row(rows, |row| found.rows.push(row as u16));
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

fn by_row(found: &mut Found, lists: &mut Hits, rows: usize) {
    let mut places = [0u32; ROWS];
    found.rows.iter().for_each(|row| places[usize::from(*row) % ROWS] += 1);
    let first = lists.hits.len();
    let mut next = first as u32;
    for place in &mut places[..rows] {
        next += std::mem::replace(place, next);
        lists.ends.push(next);
    }
    lists.hits.resize(first + found.rows.len(), Hit::new(0, false));
    let mut rest = found.rows.as_slice();
    for (hit, count) in found.rules.drain(..) {
        let (these, others) = rest.split_at(count as usize);
        for row in these {
            let place = &mut places[usize::from(*row) % ROWS];
            lists.hits[*place as usize] = hit;
            *place += 1;
        }
        rest = others;
    }
    found.rows.clear();
}
