//! Named lists of values, kept as keyed hashes.
//!
//! In: values (phone numbers, cards) and a key. Out: whether a value is in a list. Of a value only its keyed
//! 64-bit hash is kept ([`crate::id`]), so a list of 10^8 values takes some 0.9 GB
//! and gives no value away without the key. That a value outside of such a list seems to be in it has a chance
//! of 10^8 / 2^64, one in 10^11.

use std::collections::HashMap;
use std::io::Write;

use super::column::Column;
use crate::id::HashKey;

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
        self.has(self.key.hash(value.as_bytes()))
    }

    /// Whether the digits of a whole number are.
    fn contains_number(&self, value: i64) -> bool {
        let mut digits = [0; 20];
        let mut rest = &mut digits[..];
        // Twenty bytes hold every number.
        let _ = write!(rest, "{value}");
        let length = 20 - rest.len();
        self.has(self.key.hash(&digits[..length]))
    }

    /// Whether a hash is. All of a bucket is looked at: it is short, and a processor that need not guess where the
    /// search ends goes on to the next value meanwhile.
    fn has(&self, hash: u64) -> bool {
        let bucket = (hash >> (64 - self.bits.max(1))) as usize;
        let Some([start, end]) = self.starts.get(bucket..bucket + 2) else { return false };
        self.hashes[*start as usize..*end as usize].iter().fold(false, |any, known| any | (*known == hash))
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
            values.iter().map(|value| value.map(|value| list.contains_number(value))).collect()
        }
        other => vec![None; other.len()],
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_knows_its_values_and_no_others() {
        let key = HashKey::new([3; 16]);
        for count in [0usize, 1, 2, 7, 1000, 100_000] {
            let hashes = (0..count).map(|value| key.hash(format!("v{value}").as_bytes())).collect();
            let list = ValueList::new(key, hashes);
            assert_eq!(list.len(), count);
            for value in 0..count + 1000 {
                assert_eq!(list.contains(&format!("v{value}")), value < count);
            }
        }
        let list = ValueList::new(
            key,
            [i64::MIN, -1, 0, i64::MAX].map(|one| key.hash(one.to_string().as_bytes())).into(),
        );
        assert_eq!(
            [i64::MIN, -1, 0, 1, i64::MAX].map(|one| list.contains_number(one)),
            [true, true, true, false, true]
        );
    }
}
