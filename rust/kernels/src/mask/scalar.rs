//! The loops that every processor runs.

use super::{Mask, ROWS, Set};

/// Marks for each bound the rows whose key is not below it.
pub(super) fn at_least<T: Copy + PartialOrd>(keys: &[T; ROWS], bounds: &[T], masks: &mut [Mask]) {
    for (&bound, mask) in bounds.iter().zip(masks) {
        for (word, keys) in mask.iter_mut().zip(keys.chunks_exact(64)) {
            *word = 0;
            for (bit, &key) in keys.iter().enumerate() {
                *word |= u64::from(key >= bound) << bit;
            }
        }
    }
}

/// Marks the rows whose key is in a set.
pub(super) fn members(keys: &[u8; ROWS], set: &Set, mask: &mut Mask) {
    for (word, keys) in mask.iter_mut().zip(keys.chunks_exact(64)) {
        *word = 0;
        for (bit, &key) in keys.iter().enumerate() {
            *word |= (set[usize::from(key / 64)] >> (key % 64) & 1) << bit;
        }
    }
}
