//! An index of keys: from 64-bit keys that are spread evenly (hashes) to rows.
//!
//! In come keys and rows, out go rows. A bucket is one cache line (`bucket.rs`). The table is cut into parts by the keys'
//! first bits; a part that fills up is copied into a larger one by itself, and one that has become large is cut in two,
//! so no insertion costs more than a part, however many keys there are. A directory leads the first bits to parts.
//! Look-ups are done 32 at a time, their lines asked for in advance: the limit is one miss of the caches for each key.
//!
//! Nothing is ever removed. The same key may be there more than once (keys may be hashes of something longer);
//! the caller says by row which one is meant.

mod bucket;
mod part;
mod shard;

pub use bucket::WORDS;
pub use part::Part;
pub use shard::Shard;

use crate::prefetch;
use bucket::{SLOTS, count, find_in, row};
use part::Place;

/// What stands for no row.
pub const ABSENT: u32 = u32::MAX;
/// A key, the row that it has now ([`ABSENT`]: none), and its new row.
pub type Change = (u64, u32, u32);
/// Look-ups under way at a time.
const LANES: usize = 32;
/// A part is made for about so many keys; one of twice as many is cut when it fills up.
const PART_KEYS: u64 = 1 << 15;
/// Most bits that choose a part.
const MOST_BITS: u32 = 20;

/// Memory that is there from the beginning: a vector, or a private map of a file.
pub trait Memory: AsRef<[u64]> + AsMut<[u64]> {
    /// Gives words back that nobody reads any more, as far as that can be done.
    fn give_back(&mut self, words: std::ops::Range<usize>);
    /// Has all words ready to be written, where the first writing costs more than those after it and so many `places` are
    /// about to be written that most words would be.
    fn prepare(&mut self, places: usize) {
        let _ = places;
    }
}

impl Memory for Vec<u64> {
    fn give_back(&mut self, _: std::ops::Range<usize>) {}
}

/// Keys to rows.
pub struct Index<M> {
    /// First bits of a key that lead to its part.
    bits: u32,
    /// For each of these bits the part.
    directory: Vec<u32>,
    base: M,
    places: Vec<Place>,
    keys: u64,
}

impl<M: Memory + Default> Index<M> {
    /// An index without keys that has room for `expected` of them.
    pub fn with_room(expected: u64) -> Self {
        let bits = expected.div_ceil(PART_KEYS).next_power_of_two().trailing_zeros().min(MOST_BITS);
        let parts = 1u64 << bits;
        let place = |part: u64| Place::with_room(room(expected.div_ceil(parts), part), bits);
        let places = (0..parts).map(place).collect();
        Self { bits, directory: (0..parts as u32).collect(), base: M::default(), places, keys: 0 }
    }
}

/// A number from 0 to 255 for each part, spread evenly, so that parts do not all do something at the same time.
fn stagger(part: u64) -> u64 {
    part.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 56
}

/// Buckets for `keys` of a part, 3.2 to 4 keys a bucket.
fn room(keys: u64, part: u64) -> u64 {
    (keys * 100 / (320 + stagger(part) * 80 / 256)).max(4) + 1
}

impl<M: Memory> Index<M> {
    /// The index that `parts` describe and `base` holds; `None` where they do not fit each other.
    pub fn over(base: M, parts: &[Part]) -> Option<Self> {
        if !parts.len().is_power_of_two() || parts.len() > 1 << MOST_BITS {
            return None;
        }
        let bits = parts.len().trailing_zeros();
        let mut places = Vec::with_capacity(parts.len());
        let (mut start, mut keys) = (0usize, 0u64);
        for part in parts {
            let words = usize::try_from(part.buckets).ok()?.checked_mul(WORDS)?;
            if part.buckets == 0 || part.keys > part.buckets.checked_mul(SLOTS as u64)? {
                return None;
            }
            places.push(Place { part: *part, depth: bits, start, words, own: None });
            start = start.checked_add(words)?;
            keys += part.keys;
        }
        let directory = (0..parts.len() as u32).collect();
        (start == base.as_ref().len()).then_some(Self { bits, directory, base, places, keys })
    }

    /// How many keys there are.
    pub fn keys(&self) -> u64 {
        self.keys
    }

    /// The parts in the order of their keys, and the words of each: all that there is. Parts that were cut less often
    /// than others are cut first, so that there is one for each choice of first bits.
    pub fn laid_out(&mut self) -> (Vec<Part>, impl Iterator<Item = &[u64]>) {
        let mut entry = 0;
        while entry < self.directory.len() {
            match self.places[self.directory[entry] as usize].depth < self.bits {
                true => self.split(entry),
                false => entry += 1,
            }
        }
        let parts = self.directory.iter().map(|&id| self.places[id as usize].part).collect();
        (parts, self.directory.iter().map(|&id| self.table(id as usize)))
    }

    /// Bytes of the parts that have memory of their own.
    pub fn own_bytes(&self) -> usize {
        self.places.iter().filter_map(|place| place.own.as_ref()).map(|own| own.len() * 8).sum()
    }

    /// Every row, in the order of the parts.
    pub fn rows(&self) -> impl Iterator<Item = u32> {
        let buckets = (0..self.places.len()).flat_map(|part| self.table(part).chunks_exact(WORDS));
        buckets.flat_map(|bucket| (0..count(bucket)).map(|slot| row(bucket, slot)))
    }

    fn table(&self, part: usize) -> &[u64] {
        self.places[part].table(self.base.as_ref())
    }

    /// The part of a key, and its bucket there: both grow with the key.
    fn place_of(&self, key: u64) -> (usize, usize) {
        let part = self.directory[self.entry_of(key)] as usize;
        (part, self.places[part].bucket_of(key))
    }

    fn entry_of(&self, key: u64) -> usize {
        if self.bits == 0 { 0 } else { (key >> (64 - self.bits)) as usize }
    }

    /// Finds the row of each key, [`ABSENT`] where there is none; of a key that is there more than once any one.
    /// Ascending keys are found quickest.
    pub fn find(&self, keys: &[u64], rows: &mut [u32]) {
        for (keys, rows) in keys.chunks(LANES).zip(rows.chunks_mut(LANES)) {
            let mut places = [(0, 0); LANES];
            for (place, &key) in places.iter_mut().zip(keys) {
                *place = self.place_of(key);
                prefetch(self.table(place.0), place.1 * WORDS);
            }
            for ((&(part, bucket), &key), found) in places.iter().zip(keys).zip(rows) {
                *found = find_in(self.table(part), bucket, key, |_| true).unwrap_or(ABSENT);
            }
        }
    }

    /// Finds the row of a key that `accept` takes.
    pub fn find_where(&self, key: u64, accept: impl FnMut(u32) -> bool) -> Option<u32> {
        let (part, bucket) = self.place_of(key);
        find_in(self.table(part), bucket, key, accept)
    }

    /// Puts keys in: a slot is added for a key that has no row now.
    pub fn put(&mut self, changes: &[Change]) {
        for changes in changes.chunks(LANES) {
            for &(key, ..) in changes {
                let (part, bucket) = self.place_of(key);
                prefetch(self.table(part), bucket * WORDS);
            }
            for &(key, old, new) in changes {
                if old == ABSENT { self.insert(key, new) } else { self.replace(key, old, new) }
            }
        }
    }

    /// Has the memory that was there from the beginning ready to be written in so many places.
    pub fn prepare(&mut self, places: usize) {
        self.base.prepare(places);
    }

    /// Shares of the table, 2 to the power of `most_bits` of them or fewer: the share of a key is told by its first bits.
    /// [`settle`](Self::settle) when they are done.
    pub fn shards(&mut self, most_bits: u32) -> Vec<Shard<'_>> {
        let cut = self.places.iter().map(|place| place.depth).fold(most_bits.min(self.bits), u32::min);
        let mut shared: Vec<&mut [u64]> = self.places.iter().map(|_| Default::default()).collect();
        let mut by_start: Vec<usize> =
            (0..self.places.len()).filter(|&id| self.places[id].words > 0).collect();
        by_start.sort_unstable_by_key(|&id| self.places[id].start);
        let (mut rest, mut at) = (self.base.as_mut(), 0);
        for id in by_start {
            let Place { start, words, .. } = self.places[id];
            let (mine, more) = rest.split_at_mut(start - at).1.split_at_mut(words);
            (shared[id], rest, at) = (mine, more, start + words);
        }
        let mut places: Vec<_> = self.places.iter_mut().zip(shared).map(Some).collect();
        let entries = self.directory.len() >> cut;
        let shard = |(first, ids): (usize, &[u32])| {
            let mut made = Shard {
                bits: self.bits,
                first: first * entries,
                slots: Vec::with_capacity(entries),
                places: Vec::new(),
            };
            for &id in ids {
                made.places.extend(places[id as usize].take());
                made.slots.push(made.places.len() as u32 - 1);
            }
            made
        };
        self.directory.chunks(entries).enumerate().map(shard).collect()
    }

    /// Takes note of what shares changed.
    pub fn settle(&mut self) {
        self.keys = self.places.iter().map(|place| place.part.keys).sum();
        let mut entry = 0;
        while entry < self.directory.len() {
            let id = self.directory[entry] as usize;
            self.tidy(id);
            let Place { depth, part, .. } = self.places[id];
            if part.keys > 2 * PART_KEYS && depth < MOST_BITS {
                let before = self.bits;
                self.split(entry);
                entry <<= self.bits - before;
            } else {
                entry += 1 << (self.bits - depth);
            }
        }
    }

    fn replace(&mut self, key: u64, old: u32, new: u32) {
        let id = self.directory[self.entry_of(key)] as usize;
        let place = &mut self.places[id];
        let shared = place.start..place.start + place.words;
        place.replace(&mut self.base.as_mut()[shared], key, old, new);
    }

    fn insert(&mut self, key: u64, new: u32) {
        self.cut(key);
        let id = self.directory[self.entry_of(key)] as usize;
        let place = &mut self.places[id];
        let shared = place.start..place.start + place.words;
        place.insert(&mut self.base.as_mut()[shared], key, new);
        self.keys += 1;
        self.tidy(id);
    }

    /// Cuts the part of a key while it is full and large.
    fn cut(&mut self, key: u64) {
        loop {
            let entry = self.entry_of(key);
            let place = &self.places[self.directory[entry] as usize];
            let limit = PART_KEYS + PART_KEYS * stagger((entry >> (self.bits - place.depth)) as u64) / 256;
            if !place.is_full() || place.part.keys < limit || place.depth >= MOST_BITS {
                return;
            }
            self.split(entry);
        }
    }

    /// Cuts the part of an entry of the directory in two.
    fn split(&mut self, mut entry: usize) {
        let id = self.directory[entry] as usize;
        let depth = self.places[id].depth;
        if depth == self.bits {
            self.directory = self.directory.iter().flat_map(|&id| [id, id]).collect();
            self.bits += 1;
            entry *= 2;
        }
        let halves = self.places[id].halves(self.table(id));
        let length = 1usize << (self.bits - depth);
        let first = entry / length * length;
        let more = self.places.len() as u32;
        self.directory[first + length / 2..first + length].fill(more);
        let [lower, upper] = halves;
        let old = std::mem::replace(&mut self.places[id], lower);
        self.places.push(upper);
        self.base.give_back(old.start..old.start + old.words);
    }

    /// Gives back the common memory of a part that has its own now.
    fn tidy(&mut self, id: usize) {
        let place = &mut self.places[id];
        if place.own.is_some() && place.words > 0 {
            let words = place.start..place.start + std::mem::take(&mut place.words);
            self.base.give_back(words);
        }
    }
}

#[cfg(test)]
mod tests;
