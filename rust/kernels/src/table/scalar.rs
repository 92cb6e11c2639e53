//! The portable form: what every processor runs, and the twin that the others must equal.

use super::NarrowLine;

/// Adds rows to their groups' lines. A group without a line would panic.
pub(super) fn narrow(lines: &mut [NarrowLine], groups: &[u16], x: &[u16], w: &[u8]) {
    for ((&group, &x), &w) in groups.iter().zip(x).zip(w) {
        let (x, w) = (u64::from(x), u64::from(w));
        let p = w * x;
        let line = &mut lines[usize::from(group)].0;
        for (lane, term) in line.iter_mut().zip([p * p, p * w, p * x, p, w * w, w, x, 1]) {
            *lane = lane.wrapping_add(term);
        }
    }
}
