//! The loop that every processor runs.

use super::{Mask, ROWS};

/// Marks the rows whose key lies within bounds.
pub(super) fn within<T: Copy + PartialOrd>(keys: &[T; ROWS], low: T, high: T, mask: &mut Mask) {
    for (word, keys) in mask.iter_mut().zip(keys.chunks_exact(64)) {
        *word = 0;
        for (bit, &key) in keys.iter().enumerate() {
            *word |= u64::from(low <= key && key <= high) << bit;
        }
    }
}
