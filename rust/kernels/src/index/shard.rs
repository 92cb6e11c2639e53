//! A share of the table that one thread changes while others change theirs.
//!
//! In: changes of keys that begin with the same bits. Out: the parts of those keys, changed. Which thread changes which
//! share, and when, makes no difference: a key lies in one share (law 2).

use super::ABSENT;
use super::bucket::WORDS;
use super::part::Place;
use super::{Change, LANES};
use crate::prefetch;

/// Parts that lie beside each other.
pub struct Shard<'a> {
    /// First bits of a key that lead to its part, and the first of them here.
    pub(super) bits: u32,
    pub(super) first: usize,
    /// For each of these bits the part.
    pub(super) slots: Vec<u32>,
    /// Parts with their words of the common memory.
    pub(super) places: Vec<(&'a mut Place, &'a mut [u64])>,
}

impl Shard<'_> {
    fn slot_of(&self, key: u64) -> usize {
        let entry = if self.bits == 0 { 0 } else { (key >> (64 - self.bits)) as usize };
        self.slots[entry - self.first] as usize
    }

    /// Puts keys in, as [`Index::put`](super::Index::put); all of them belong to this share.
    pub fn put(&mut self, changes: &[Change]) {
        for changes in changes.chunks(LANES) {
            for &(key, ..) in changes {
                let (place, shared) = &self.places[self.slot_of(key)];
                prefetch(place.own.as_deref().unwrap_or(shared), place.bucket_of(key) * WORDS);
            }
            for &(key, old, new) in changes {
                let slot = self.slot_of(key);
                let (place, shared) = &mut self.places[slot];
                match old {
                    ABSENT => place.insert(shared, key, new),
                    _ => place.replace(shared, key, old, new),
                }
            }
        }
    }
}
