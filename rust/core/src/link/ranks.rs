//! Marks on numbers, and the rank of each mark.
//!
//! In: numbers below a bound. Out: whether one is marked, and how many marks are below it. Memory: 1.5 bits a number of the
//! bound, so that what is asked at random stays near the processor.

/// Marked numbers.
#[derive(Debug)]
pub(super) struct Ranks {
    words: Vec<u64>,
    /// Marks before each word.
    before: Vec<u32>,
    count: u32,
}

impl Ranks {
    /// Marks numbers below a bound.
    pub(super) fn of(bound: usize, numbers: impl Iterator<Item = u32>) -> Self {
        let mut words = vec![0u64; bound / 64 + 1];
        numbers.for_each(|number| words[number as usize / 64] |= 1 << (number % 64));
        let mut count = 0;
        let mut before = Vec::with_capacity(words.len());
        for word in &words {
            before.push(count);
            count += word.count_ones();
        }
        Self { words, before, count }
    }

    /// How many are marked.
    pub(super) fn count(&self) -> usize {
        self.count as usize
    }

    /// Whether a number is marked.
    #[inline(always)]
    pub(super) fn has(&self, number: usize) -> bool {
        self.words[number / 64] >> (number % 64) & 1 == 1
    }

    /// How many below a number, which is at most the bound, are marked.
    #[inline(always)]
    pub(super) fn rank(&self, number: usize) -> usize {
        let below = self.words[number / 64] & ((1 << (number % 64)) - 1);
        (self.before[number / 64] + below.count_ones()) as usize
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranks_count_what_is_marked_below() {
        for bound in [0, 1, 63, 64, 65, 200] {
            let marked: Vec<u32> =
                (0..bound as u32).filter(|number| number % 3 == 1 || number % 64 == 63).collect();
            let ranks = Ranks::of(bound, marked.iter().rev().copied());
            assert_eq!(ranks.count(), marked.len());
            for number in 0..bound {
                assert_eq!(ranks.has(number), marked.contains(&(number as u32)));
            }
            for number in 0..=bound {
                assert_eq!(
                    ranks.rank(number),
                    marked.iter().filter(|&&mark| (mark as usize) < number).count()
                );
            }
        }
    }
}
