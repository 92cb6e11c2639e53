//! Ranks of values among sorted keys.
//!
//! In: keys, and values. Out: how many keys each value exceeds, [`MISSING`] for NaN. A value's first bits, as it is in single
//! precision, say how many keys lie below for certain; a few halvings tell the rest. Rounding to single precision keeps
//! the order, so a key of another bucket lies on the side that its bucket says.

/// The rank of a value that is missing.
pub const MISSING: u16 = u16::MAX;
/// The most keys: the highest rank is another one than that of missing values.
pub const MOST_KEYS: usize = MISSING as usize - 1;

/// Values that are searched together, so that one need not wait for another's comparison.
const TOGETHER: usize = 8;
/// Buckets for each key; fewer where there are so many keys that the table would leave the caches.
const BUCKETS: usize = 4;
/// The most buckets.
const MOST_BUCKETS: usize = 1 << 15;

/// Sorted keys.
#[derive(Debug)]
pub struct Keys {
    /// The keys, and behind them as many times infinity as the last bucket's search may see.
    sorted: Vec<f64>,
    /// For each bucket how many keys lie in those before it.
    before: Vec<u16>,
    /// The first key's place in the order of numbers of single precision.
    first: u32,
    /// The bits of such a place that do not tell buckets apart.
    shift: u32,
    /// Halvings that tell the keys of a bucket apart.
    halvings: u32,
}

impl Keys {
    /// At least one and at most [`MOST_KEYS`] in increasing order.
    ///
    /// # Panics
    /// If there are none, or more than that.
    pub fn new(keys: &[f64]) -> Self {
        assert!((1..=MOST_KEYS).contains(&keys.len()), "{} keys", keys.len());
        // Zero has one sign here: of two the lower would have a place below that of a value of zero, which does not
        // exceed it.
        let keys: Vec<f64> = keys.iter().map(|key| key + 0.0).collect();
        let first = place(keys[0]);
        let range = place(keys[keys.len() - 1]) - first;
        let most = (BUCKETS * keys.len()).min(MOST_BUCKETS);
        let mut shift = 0;
        while (range >> shift) as usize >= most {
            shift += 1;
        }
        let mut counts = vec![0u16; (range >> shift) as usize + 1];
        keys.iter().for_each(|&key| counts[((place(key) - first) >> shift) as usize] += 1);
        let most = counts.iter().copied().max().map_or(0, usize::from);
        let mut sum = 0;
        let before = counts.into_iter().map(|count| {
            sum += count;
            sum - count
        });
        let before = before.collect();
        let window = (most + 1).next_power_of_two();
        let mut sorted = keys;
        sorted.resize(sorted.len() + window, f64::INFINITY);
        Self { sorted, before, first, shift, halvings: window.ilog2() }
    }

    /// Writes the rank of each value; values of at most `zero` in magnitude are missing too.
    pub fn search(&self, values: &[f64], zero: f64, ranks: &mut [u16]) {
        let (groups, rest) = values.as_chunks::<TOGETHER>();
        let (found, last) = ranks.as_chunks_mut::<TOGETHER>();
        groups.iter().zip(found).for_each(|(values, ranks)| self.ranks(values, zero, ranks));
        rest.iter()
            .zip(last)
            .for_each(|(&value, rank)| self.ranks(&[value], zero, std::array::from_mut(rank)));
    }

    /// Writes the ranks of a few values.
    #[inline(always)]
    fn ranks<const N: usize>(&self, values: &[f64; N], zero: f64, ranks: &mut [u16; N]) {
        let last = self.before.len() - 1;
        let mut found = [0; N];
        for (found, &value) in found.iter_mut().zip(values) {
            let bucket = place(value).saturating_sub(self.first) >> self.shift;
            *found = usize::from(self.before[last.min(bucket as usize)]);
        }
        for halving in (0..self.halvings).rev() {
            for (found, value) in found.iter_mut().zip(values) {
                // A shift, for a compiler makes a choice into a branch that nobody can predict.
                let key = self.sorted[*found + (1 << halving) - 1];
                *found += usize::from(*value > key) << halving;
            }
        }
        for ((rank, found), value) in ranks.iter_mut().zip(found).zip(values) {
            *rank = if value.abs() > zero { found as u16 } else { MISSING };
        }
    }
}

/// The place of a value in the order of numbers of single precision. NaN has some place.
#[inline(always)]
fn place(value: f64) -> u32 {
    let bits = (value as f32).to_bits();
    // Negative numbers count down from the middle, others up.
    bits ^ (((bits as i32 >> 31) as u32) | 1 << 31)
}
