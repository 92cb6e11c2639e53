//! An index of keys: from 64-bit keys that are spread evenly (hashes) to rows.
//!
//! In come keys and rows, out go rows. A bucket is one cache line: five keys, five rows, how many there are, and
//! whether a key of the bucket had to go on to the next one. The table is cut into parts by the keys' first bits;
//! a part that fills up is copied into a larger one by itself, so no insertion costs more than a part. Look-ups
//! are done 32 at a time, their lines asked for in advance: the limit is one miss of the caches for each key.
//!
//! Nothing is ever removed. The same key may be there more than once (keys may be hashes of something longer);
//! the caller says by row which one is meant.

mod prefetch;

pub use prefetch::prefetch;

/// Words of a bucket: five keys, then five rows and the state, 32 bits each.
pub const WORDS: usize = 8;
/// Keys of a bucket.
const SLOTS: usize = 5;
/// What stands for no row.
pub const ABSENT: u32 = u32::MAX;
/// Bit of a bucket's state: a key went on to the next bucket.
const SPILLED: u32 = 1 << 8;
/// Look-ups under way at a time.
const LANES: usize = 32;
/// A part is made for about so many keys.
const PART_KEYS: u64 = 1 << 15;
/// Most bits that choose a part.
const MOST_BITS: u32 = 20;

/// Where a part of the table stands, and how full it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Part {
    /// Its buckets.
    pub buckets: u64,
    /// Its keys.
    pub keys: u64,
}

/// A part: in the common memory, or in its own since it grew.
struct Place {
    part: Part,
    /// Its first word in the common memory.
    start: usize,
    own: Option<Vec<u64>>,
}

/// Keys to rows. `M` is memory that is there from the beginning: a vector, or a private map of a file.
pub struct Index<M> {
    bits: u32,
    base: M,
    places: Vec<Place>,
    keys: u64,
}

impl Index<Vec<u64>> {
    /// An index without keys that has room for `expected` of them.
    pub fn with_room(expected: u64) -> Self {
        let bits = expected.div_ceil(PART_KEYS).next_power_of_two().trailing_zeros().min(MOST_BITS);
        let parts = 1u64 << bits;
        let sizes = (0..parts).map(|part| Part { buckets: room(expected.div_ceil(parts), part), keys: 0 });
        let sizes: Vec<Part> = sizes.collect();
        let words = sizes.iter().map(|part| part.buckets as usize * WORDS).sum();
        Self::over(vec![0; words], &sizes).unwrap_or_else(|| unreachable!("the sizes add up"))
    }
}

/// Buckets for `keys` of a part. Parts are filled to different degrees (3.2 to 4 keys a bucket), so that they do
/// not all grow at once.
fn room(keys: u64, part: u64) -> u64 {
    let stagger = (part.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 56) * 80 / 256;
    (keys * 100 / (320 + stagger)).max(4) + 1
}

impl<M: AsRef<[u64]> + AsMut<[u64]>> Index<M> {
    /// The index that `parts` describe and `base` holds; `None` where they do not fit each other.
    pub fn over(base: M, parts: &[Part]) -> Option<Self> {
        if !parts.len().is_power_of_two() || parts.len() > 1 << MOST_BITS {
            return None;
        }
        let mut places = Vec::with_capacity(parts.len());
        let (mut start, mut keys) = (0usize, 0u64);
        for part in parts {
            let words = usize::try_from(part.buckets).ok()?.checked_mul(WORDS)?;
            if part.buckets == 0 || part.keys > part.buckets * SLOTS as u64 {
                return None;
            }
            places.push(Place { part: *part, start, own: None });
            start = start.checked_add(words)?;
            keys += part.keys;
        }
        (start == base.as_ref().len()).then_some(Self {
            bits: parts.len().trailing_zeros(),
            base,
            places,
            keys,
        })
    }

    /// How many keys there are.
    pub fn keys(&self) -> u64 {
        self.keys
    }

    /// The parts as they are now.
    pub fn parts(&self) -> impl Iterator<Item = Part> {
        self.places.iter().map(|place| place.part)
    }

    /// The words of each part, in their order: with [`parts`](Self::parts) all that there is.
    pub fn words(&self) -> impl Iterator<Item = &[u64]> {
        (0..self.places.len()).map(|part| self.table(part))
    }

    /// Bytes of the parts that grew.
    pub fn own_bytes(&self) -> usize {
        self.places.iter().filter_map(|place| place.own.as_ref()).map(|own| own.len() * 8).sum()
    }

    /// Every row, in the order of the table.
    pub fn rows(&self) -> impl Iterator<Item = u32> {
        let buckets = (0..self.places.len()).flat_map(|part| self.table(part).chunks_exact(WORDS));
        buckets.flat_map(|bucket| (0..count(bucket)).map(|slot| row(bucket, slot)))
    }

    fn table(&self, part: usize) -> &[u64] {
        let place = &self.places[part];
        match &place.own {
            Some(own) => own,
            None => &self.base.as_ref()[place.start..place.start + place.part.buckets as usize * WORDS],
        }
    }

    fn table_mut(&mut self, part: usize) -> &mut [u64] {
        let place = &mut self.places[part];
        match &mut place.own {
            Some(own) => own,
            None => {
                let words = place.part.buckets as usize * WORDS;
                &mut self.base.as_mut()[place.start..place.start + words]
            }
        }
    }

    fn part_of(&self, key: u64) -> usize {
        if self.bits == 0 { 0 } else { (key >> (64 - self.bits)) as usize }
    }

    /// The part of a key, and its bucket there: both grow with the key.
    fn place_of(&self, key: u64) -> (usize, usize) {
        let part = self.part_of(key);
        (part, bucket_of(key << self.bits, self.places[part].part.buckets))
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

    /// Puts keys in: for each its key, the row that it has now ([`ABSENT`]: none, a slot is added) and its new row.
    pub fn put(&mut self, changes: &[(u64, u32, u32)]) {
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

    fn replace(&mut self, key: u64, old: u32, new: u32) {
        let (part, mut bucket) = self.place_of(key);
        let table = self.table_mut(part);
        // Bounded, so that a damaged table does not hold on to the caller.
        for _ in 0..table.len() / WORDS {
            let words = &mut table[bucket * WORDS..][..WORDS];
            for slot in 0..count(words) {
                if words[slot] == key && row(words, slot) == old {
                    set_row(words, slot, new);
                    return;
                }
            }
            if !spilled(words) {
                return;
            }
            bucket = (bucket + 1) % (table.len() / WORDS);
        }
    }

    fn insert(&mut self, key: u64, new: u32) {
        let part = self.part_of(key);
        let Part { buckets, keys } = self.places[part].part;
        if keys >= buckets * 4 {
            self.grow(part);
        }
        let (_, bucket) = self.place_of(key);
        insert_in(self.table_mut(part), bucket, key, new);
        self.places[part].part.keys += 1;
        self.keys += 1;
    }

    /// Copies a part into a larger one.
    fn grow(&mut self, part: usize) {
        let buckets = self.places[part].part.buckets * 5 / 4 + 1;
        let mut table = vec![0; buckets as usize * WORDS];
        for words in self.table(part).chunks_exact(WORDS) {
            for slot in 0..count(words) {
                let bucket = bucket_of(words[slot] << self.bits, buckets);
                insert_in(&mut table, bucket, words[slot], row(words, slot));
            }
        }
        let place = &mut self.places[part];
        place.part.buckets = buckets;
        place.own = Some(table);
    }
}

fn bucket_of(key: u64, buckets: u64) -> usize {
    ((u128::from(key) * u128::from(buckets)) >> 64) as usize
}

fn state(bucket: &[u64]) -> u32 {
    (bucket[WORDS - 1] >> 32) as u32
}

fn count(bucket: &[u64]) -> usize {
    // A damaged count must not lead out of the bucket.
    ((state(bucket) & 0xff) as usize).min(SLOTS)
}

fn spilled(bucket: &[u64]) -> bool {
    state(bucket) & SPILLED != 0
}

fn row(bucket: &[u64], slot: usize) -> u32 {
    (bucket[SLOTS + slot / 2] >> (slot % 2 * 32)) as u32
}

fn set_row(bucket: &mut [u64], slot: usize, new: u32) {
    let (word, shift) = (SLOTS + slot / 2, slot % 2 * 32);
    bucket[word] = bucket[word] & !(0xffff_ffff << shift) | u64::from(new) << shift;
}

fn find_in(table: &[u64], mut bucket: usize, key: u64, mut accept: impl FnMut(u32) -> bool) -> Option<u32> {
    let buckets = table.len() / WORDS;
    for _ in 0..buckets {
        let words = &table[bucket * WORDS..][..WORDS];
        for slot in 0..count(words) {
            if words[slot] == key && accept(row(words, slot)) {
                return Some(row(words, slot));
            }
        }
        if !spilled(words) {
            return None;
        }
        bucket = if bucket + 1 == buckets { 0 } else { bucket + 1 };
    }
    None
}

/// Puts a key into the first bucket with room; a part always has some.
fn insert_in(table: &mut [u64], mut bucket: usize, key: u64, new: u32) {
    let buckets = table.len() / WORDS;
    for _ in 0..buckets {
        let words = &mut table[bucket * WORDS..][..WORDS];
        let slot = count(words);
        if slot < SLOTS {
            words[slot] = key;
            set_row(words, slot, new);
            words[WORDS - 1] += 1 << 32;
            return;
        }
        words[WORDS - 1] |= u64::from(SPILLED) << 32;
        bucket = if bucket + 1 == buckets { 0 } else { bucket + 1 };
    }
}

#[cfg(test)]
mod tests;
