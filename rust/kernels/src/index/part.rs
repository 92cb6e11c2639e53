//! A part of the table: the keys whose first bits are the same.
//!
//! In: keys and rows. Out: the part with them, copied into a larger one where it fills up, or cut in two.

use super::bucket::{WORDS, bucket_of, count, insert_in, replace_in, row};

/// How large a part is, and how full.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Part {
    /// Its buckets.
    pub buckets: u64,
    /// Its keys.
    pub keys: u64,
}

/// A part: in the common memory, or in its own since it changed its size.
pub(super) struct Place {
    pub(super) part: Part,
    /// How many first bits its keys have in common.
    pub(super) depth: u32,
    /// Its words in the common memory; none since they were given back.
    pub(super) start: usize,
    pub(super) words: usize,
    pub(super) own: Option<Vec<u64>>,
}

impl Place {
    /// A part with memory of its own, for keys with so many common bits.
    pub(super) fn with_room(buckets: u64, depth: u32) -> Self {
        let own = Some(vec![0; buckets as usize * WORDS]);
        Self { part: Part { buckets, keys: 0 }, depth, start: 0, words: 0, own }
    }

    pub(super) fn bucket_of(&self, key: u64) -> usize {
        bucket_of(key << self.depth, self.part.buckets)
    }

    /// Whether one more key would crowd it.
    pub(super) fn is_full(&self) -> bool {
        self.part.keys >= self.part.buckets * 4
    }

    /// Its words: its own, or those of `base`, the common memory.
    pub(super) fn table<'a>(&'a self, base: &'a [u64]) -> &'a [u64] {
        match &self.own {
            Some(own) => own,
            None => &base[self.start..self.start + self.words],
        }
    }

    /// Its words: its own, or `shared`, its share of the common memory.
    fn table_mut<'a>(&'a mut self, shared: &'a mut [u64]) -> &'a mut [u64] {
        match &mut self.own {
            Some(own) => own,
            None => shared,
        }
    }

    pub(super) fn replace(&mut self, shared: &mut [u64], key: u64, old: u32, new: u32) {
        let bucket = self.bucket_of(key);
        replace_in(self.table_mut(shared), bucket, key, old, new);
    }

    /// Adds a key; a part that is full grows by a quarter.
    pub(super) fn insert(&mut self, shared: &mut [u64], key: u64, new: u32) {
        if self.is_full() {
            let buckets = self.part.buckets * 5 / 4 + 1;
            let mut grown = Self::with_room(buckets, self.depth);
            grown.take_all(self.table_mut(shared));
            self.part.buckets = buckets;
            self.own = grown.own;
        }
        let bucket = self.bucket_of(key);
        insert_in(self.table_mut(shared), bucket, key, new);
        self.part.keys += 1;
    }

    fn take_all(&mut self, table: &[u64]) {
        for words in table.chunks_exact(WORDS) {
            for slot in 0..count(words) {
                self.insert(&mut [], words[slot], row(words, slot));
            }
        }
    }

    /// Cuts it in two by the next bit of its keys; `table` are its words.
    pub(super) fn halves(&self, table: &[u64]) -> [Self; 2] {
        let upper = |key: u64| (key << self.depth) >> 63 == 1;
        let keys = || table.chunks_exact(WORDS).flat_map(|words| words[..count(words)].iter().copied());
        let above = keys().filter(|&key| upper(key)).count() as u64;
        let room = |keys: u64| Self::with_room((keys * 10 / 32).max(4) + 1, self.depth + 1);
        let mut halves = [room(self.part.keys - above.min(self.part.keys)), room(above)];
        for words in table.chunks_exact(WORDS) {
            for slot in 0..count(words) {
                halves[usize::from(upper(words[slot]))].insert(&mut [], words[slot], row(words, slot));
            }
        }
        halves
    }
}
