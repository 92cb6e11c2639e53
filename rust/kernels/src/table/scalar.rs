//! The portable form: what every processor runs, and the twin that the others must equal.

use super::{ROWS_AT, ShortLine, TOP_AT, WEIGHTS_AT};

/// Adds the rows of a block to their groups' lines. A group without a line would panic.
pub(super) fn short(lines: &mut [ShortLine], groups: &[u16], rows: &[[u32; 4]]) {
    for (&group, row) in groups.iter().zip(rows) {
        let [p, x, w, one] = row.map(u64::from);
        let (p, w) = (p | w >> TOP_AT << 32, w & ((1 << TOP_AT) - 1));
        let (low, high) = (p & 0xffff, p >> 16);
        let terms =
            [p * low, p * high, x * low, x * high, p * w, p, x | one << ROWS_AT, (w * w) | w << WEIGHTS_AT];
        for (lane, term) in lines[usize::from(group)].0.iter_mut().zip(terms) {
            *lane = lane.wrapping_add(term);
        }
    }
}
