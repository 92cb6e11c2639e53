//! An index from hashes to numbers: open addressing with linear probing.
//!
//! In: a hash and a number; what tells equal ones apart is asked of the caller. Out: the number. Places keep half of
//! the hash, so that hardly any number is asked about in vain. Taking one out moves those behind it up, so no
//! place is lost. Memory: 8 bytes a place, 1.5 to 2.25 places a number.

/// A place that holds nothing.
const EMPTY: u64 = u64::MAX;

/// Numbers by hash.
#[derive(Clone, Debug, Default)]
pub(super) struct Index {
    /// The lower half of the hash above, the number below.
    places: Vec<u64>,
    used: usize,
}

impl Index {
    /// Makes room for so many numbers in all.
    pub(super) fn reserve(&mut self, numbers: usize, hash_of: impl Fn(u32) -> u64) {
        let wanted = numbers + numbers / 2 + 8;
        if wanted > self.places.len() {
            let old = std::mem::replace(&mut self.places, vec![EMPTY; wanted]);
            for place in old.into_iter().filter(|&place| place != EMPTY) {
                let at = self.open(hash_of(place as u32));
                self.places[at] = place;
            }
        }
    }

    #[inline(always)]
    fn home(&self, hash: u64) -> usize {
        ((u128::from(hash) * self.places.len() as u128) >> 64) as usize
    }

    #[inline(always)]
    fn after(&self, at: usize) -> usize {
        if at + 1 == self.places.len() { 0 } else { at + 1 }
    }

    /// The first empty place from a hash's home on.
    fn open(&self, hash: u64) -> usize {
        let mut at = self.home(hash);
        while self.places[at] != EMPTY {
            at = self.after(at);
        }
        at
    }

    /// Asks for the memory that finding a hash needs.
    #[inline(always)]
    pub(super) fn prefetch(&self, hash: u64) {
        creditcore_kernels::prefetch(&self.places, self.home(hash));
    }

    /// The number of a hash that `same` knows.
    #[inline]
    pub(super) fn find(&self, hash: u64, same: impl Fn(u32) -> bool) -> Option<u32> {
        if self.places.is_empty() {
            return None;
        }
        self.place(hash, same).map(|at| self.places[at] as u32)
    }

    #[inline(always)]
    fn place(&self, hash: u64, same: impl Fn(u32) -> bool) -> Option<usize> {
        let mut at = self.home(hash);
        while self.places[at] != EMPTY {
            let place = self.places[at];
            if place >> 32 == hash & 0xffff_ffff && same(place as u32) {
                return Some(at);
            }
            at = self.after(at);
        }
        None
    }

    /// Adds a number that is not there. `hash_of` gives the hash of any number that is.
    pub(super) fn add(&mut self, hash: u64, number: u32, hash_of: impl Fn(u32) -> u64) {
        if self.used + self.used / 2 + 1 >= self.places.len() {
            self.reserve(self.used + self.used / 2, hash_of);
        }
        let at = self.open(hash);
        self.places[at] = hash << 32 | u64::from(number);
        self.used += 1;
    }

    /// Takes a number out.
    pub(super) fn remove(&mut self, hash: u64, number: u32, hash_of: impl Fn(u32) -> u64) {
        let Some(mut gap) = self.place(hash, |known| known == number) else { return };
        self.used -= 1;
        let places = self.places.len();
        let distance = |from: usize, to: usize| if to >= from { to - from } else { to + places - from };
        let mut at = gap;
        loop {
            at = self.after(at);
            let place = self.places[at];
            if place == EMPTY {
                break;
            }
            // What stands behind the gap moves into it, unless its home lies after the gap.
            let home = self.home(hash_of(place as u32));
            if distance(home, at) >= distance(gap, at) {
                self.places[gap] = place;
                gap = at;
            }
        }
        self.places[gap] = EMPTY;
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn an_index_finds_what_a_map_finds(steps in proptest::collection::vec((0..60_u32, any::<bool>()), 0..600)) {
            // Few hashes, at the end of the places too, so that chains are long and wrap.
            let hash_of = |number: u32| u64::MAX - u64::from(number % 7) * (u64::MAX / 7) / 2;
            let mut index = Index::default();
            let mut twin = BTreeMap::new();
            for (number, adds) in steps {
                if adds && twin.insert(number, ()).is_none() {
                    index.add(hash_of(number), number, hash_of);
                } else if !adds && twin.remove(&number).is_some() {
                    index.remove(hash_of(number), number, hash_of);
                }
                for number in 0..60 {
                    let found = index.find(hash_of(number), |known| known == number);
                    prop_assert_eq!(found.is_some(), twin.contains_key(&number));
                }
            }
        }
    }
}
