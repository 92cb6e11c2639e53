//! A bucket: one cache line of five keys, five rows, how many there are, and whether a key went on to the next one.
//!
//! In and out: the words of a part of the table.

/// Words of a bucket: five keys, then five rows and the state, 32 bits each.
pub const WORDS: usize = 8;
/// Keys of a bucket.
pub(super) const SLOTS: usize = 5;
/// Bit of a bucket's state: a key went on to the next bucket.
const SPILLED: u32 = 1 << 8;

pub(super) fn bucket_of(key: u64, buckets: u64) -> usize {
    ((u128::from(key) * u128::from(buckets)) >> 64) as usize
}

pub(super) fn state(bucket: &[u64]) -> u32 {
    (bucket[WORDS - 1] >> 32) as u32
}

pub(super) fn count(bucket: &[u64]) -> usize {
    // A damaged count must not lead out of the bucket.
    ((state(bucket) & 0xff) as usize).min(SLOTS)
}

pub(super) fn spilled(bucket: &[u64]) -> bool {
    state(bucket) & SPILLED != 0
}

pub(super) fn row(bucket: &[u64], slot: usize) -> u32 {
    (bucket[SLOTS + slot / 2] >> (slot % 2 * 32)) as u32
}

pub(super) fn set_row(bucket: &mut [u64], slot: usize, new: u32) {
    let (word, shift) = (SLOTS + slot / 2, slot % 2 * 32);
    bucket[word] = bucket[word] & !(0xffff_ffff << shift) | u64::from(new) << shift;
}

pub(super) fn find_in(
    table: &[u64],
    mut bucket: usize,
    key: u64,
    mut accept: impl FnMut(u32) -> bool,
) -> Option<u32> {
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
pub(super) fn insert_in(table: &mut [u64], mut bucket: usize, key: u64, new: u32) {
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

/// Puts `new` in the place of `old`; where there is no such key nothing happens.
pub(super) fn replace_in(table: &mut [u64], mut bucket: usize, key: u64, old: u32, new: u32) {
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
