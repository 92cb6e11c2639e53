//! Named lists of values, kept as keyed hashes.
//!
//! In: values (phone numbers, cards) and a key. Out: whether a value is in a list. Of a value only its keyed
//! 64-bit hash is kept (SipHash-2-4, Aumasson and Bernstein 2012), so a list of 10^8 values takes some 0.9 GB
//! and gives no value away without the key. That a value outside of such a list seems to be in it has a chance
//! of 10^8 / 2^64, one in 10^11.

use std::collections::HashMap;

use super::column::Column;

/// The key of the hashes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct HashKey(pub [u64; 2]);

impl HashKey {
    /// The key of sixteen bytes.
    pub fn from_bytes(bytes: [u8; 16]) -> Self {
        let half =
            |at: usize| (0..8).fold(0, |word, place| word | u64::from(bytes[at + place]) << (8 * place));
        Self([half(0), half(8)])
    }

    /// The keyed hash of some bytes: SipHash-2-4.
    pub fn hash(self, bytes: &[u8]) -> u64 {
        let Self([low, high]) = self;
        let mut state = [
            low ^ 0x736f_6d65_7073_6575,
            high ^ 0x646f_7261_6e64_6f6d,
            low ^ 0x6c79_6765_6e65_7261,
            high ^ 0x7465_6462_7974_6573,
        ];
        let mut chunks = bytes.chunks_exact(8);
        for chunk in &mut chunks {
            absorb(&mut state, word(chunk));
        }
        absorb(&mut state, word(chunks.remainder()) | (bytes.len() as u64) << 56);
        state[2] ^= 0xff;
        (0..4).for_each(|_| round(&mut state));
        state[0] ^ state[1] ^ state[2] ^ state[3]
    }
}

fn word(bytes: &[u8]) -> u64 {
    bytes.iter().enumerate().fold(0, |word, (place, byte)| word | u64::from(*byte) << (8 * place))
}

fn absorb(state: &mut [u64; 4], word: u64) {
    state[3] ^= word;
    round(state);
    round(state);
    state[0] ^= word;
}

fn round(v: &mut [u64; 4]) {
    v[0] = v[0].wrapping_add(v[1]);
    v[1] = v[1].rotate_left(13) ^ v[0];
    v[0] = v[0].rotate_left(32);
    v[2] = v[2].wrapping_add(v[3]);
    v[3] = v[3].rotate_left(16) ^ v[2];
    v[0] = v[0].wrapping_add(v[3]);
    v[3] = v[3].rotate_left(21) ^ v[0];
    v[2] = v[2].wrapping_add(v[1]);
    v[1] = v[1].rotate_left(17) ^ v[2];
    v[2] = v[2].rotate_left(32);
}

/// A list of values; immutable.
#[derive(Clone, Debug, Default)]
pub struct ValueList {
    key: HashKey,
    /// Sorted.
    hashes: Vec<u64>,
    /// Where the hashes with the same highest bits begin.
    starts: Vec<u32>,
    bits: u32,
}

impl ValueList {
    /// The most values of a list: places of hashes have 32 bits.
    pub const MOST_VALUES: usize = u32::MAX as usize;

    /// A list of hashes that were made with a key.
    pub fn new(key: HashKey, mut hashes: Vec<u64>) -> Self {
        hashes.sort_unstable();
        hashes.dedup();
        // Some eight hashes share a start.
        let bits = (hashes.len() / 8 + 1).ilog2().clamp(1, 28);
        let mut starts = vec![0u32; (1 << bits) + 1];
        for hash in &hashes {
            starts[(hash >> (64 - bits)) as usize + 1] += 1;
        }
        let mut sum = 0;
        for start in &mut starts {
            sum += *start;
            *start = sum;
        }
        Self { key, hashes, starts, bits }
    }

    /// Whether a value is in the list.
    pub fn contains(&self, value: &str) -> bool {
        let hash = self.key.hash(value.as_bytes());
        let bucket = (hash >> (64 - self.bits.max(1))) as usize;
        let Some([start, end]) = self.starts.get(bucket..bucket + 2) else { return false };
        self.hashes[*start as usize..*end as usize].binary_search(&hash).is_ok()
    }

    /// How many different values there are.
    pub fn len(&self) -> usize {
        self.hashes.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.hashes.is_empty()
    }
}

/// Lists by their names.
#[derive(Clone, Debug, Default)]
pub struct Lists(pub HashMap<String, ValueList>);

/// IN_LIST: whether each value is in a list; whole numbers by their digits.
pub(crate) fn listed<'a>(value: &Column<'_>, list: Option<&ValueList>) -> Column<'a> {
    let Some(list) = list else { return Column::Boolean(vec![None; value.len()]) };
    Column::Boolean(match value {
        Column::Text(values) => {
            values.iter().map(|text| text.as_deref().map(|text| list.contains(text))).collect()
        }
        Column::Integer(values) => {
            values.iter().map(|value| value.map(|value| list.contains(&value.to_string()))).collect()
        }
        other => vec![None; other.len()],
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hashes_are_those_of_the_paper() {
        let key = HashKey::from_bytes(std::array::from_fn(|place| place as u8));
        let message: Vec<u8> = (0..15).collect();
        assert_eq!(key.hash(&message), 0xa129_ca61_49be_45e5);
        assert_eq!(key.hash(&[]), 0x726f_db47_dd0e_0e31);
    }

    #[test]
    fn a_list_knows_its_values_and_no_others() {
        let key = HashKey([3, 5]);
        for count in [0usize, 1, 2, 7, 1000, 100_000] {
            let hashes = (0..count).map(|value| key.hash(format!("v{value}").as_bytes())).collect();
            let list = ValueList::new(key, hashes);
            assert_eq!(list.len(), count);
            for value in 0..count + 1000 {
                assert_eq!(list.contains(&format!("v{value}")), value < count);
            }
        }
    }
}
