//! An index from hashes to numbers: open addressing with linear probing, in parts that grow one by one.
//!
//! In: a hash and a number; what tells equal ones apart is asked of the caller. Out: the number. A place keeps the lower
//! half of the hash, which says where it belongs, so that hardly any number is asked about in vain, and a part that grows
//! asks for nothing but itself: no addition costs more than a part, but for one in each doubling, which cuts all in two.
//! Taking one out moves those behind it up, so no place is lost. Memory: 8 bytes a place, 1.25 to 1.6 places a number.

use crate::error::Result;
use crate::exec::{Control, in_order, parallel};

/// A place that holds nothing.
const EMPTY: u64 = u64::MAX;
/// Numbers that a part is made for; with twice as many in the mean all parts are cut.
const PART: usize = 1 << 14;
/// Numbers that one task deals, that wait to be filled in about, and rounds at most, in which each is looked at.
const BLOCK: usize = if cfg!(test) { 64 } else { 1 << 14 };
const WAITING: usize = if cfg!(test) { 256 } else { 1 << 24 };
const MOST_ROUNDS: usize = 8;
/// The most bits by which parts are told apart; the others order the places of a part.
const MOST_BITS: u32 = 14;

/// Numbers by hash.
#[derive(Clone, Debug)]
pub(super) struct Index {
    /// First bits of the lower half of a hash that lead to its part.
    bits: u32,
    parts: Vec<Part>,
    used: usize,
}

/// Numbers whose hashes have the same first bits.
#[derive(Clone, Debug, Default)]
struct Part {
    /// The lower half of the hash above, the number below.
    places: Vec<u64>,
    used: usize,
}

impl Default for Index {
    fn default() -> Self {
        Self { bits: 0, parts: vec![Part::default()], used: 0 }
    }
}

/// Places of a part for so many numbers and a sixteenth more: of several rooms, so that parts that fill alike do not grow
/// in the same update.
fn places_for(numbers: usize, part: usize) -> usize {
    (numbers + numbers / 16 + 8) * 5 / 4 * (32 + part % 8) / 32
}

impl Part {
    #[inline(always)]
    fn home(&self, half: u32, bits: u32) -> usize {
        ((u64::from(half << bits) * self.places.len() as u64) >> 32) as usize
    }

    #[inline(always)]
    fn after(&self, at: usize) -> usize {
        if at + 1 == self.places.len() { 0 } else { at + 1 }
    }

    /// Puts a place where it belongs.
    fn put(&mut self, place: u64, bits: u32) {
        let mut at = self.home((place >> 32) as u32, bits);
        while self.places[at] != EMPTY {
            at = self.after(at);
        }
        self.places[at] = place;
        self.used += 1;
    }

    /// The part with so many places.
    fn sized(self, places: usize, bits: u32) -> Self {
        let mut sized = Self { places: vec![EMPTY; places], used: 0 };
        self.places.into_iter().filter(|&place| place != EMPTY).for_each(|place| sized.put(place, bits));
        sized
    }

    /// Whether another number needs more places: four of five are taken.
    #[inline(always)]
    fn full(&self) -> bool {
        self.used + self.used / 4 + 1 >= self.places.len()
    }

    /// The part with a fifth more places than it needs.
    #[cold]
    fn grown(self, bits: u32) -> Self {
        let places = self.used * 3 / 2 + 8;
        self.sized(places, bits)
    }

    #[inline(always)]
    fn find(&self, half: u32, bits: u32, same: impl Fn(u32) -> bool) -> Option<usize> {
        if self.places.is_empty() {
            return None;
        }
        let mut at = self.home(half, bits);
        while self.places[at] != EMPTY {
            let place = self.places[at];
            if (place >> 32) as u32 == half && same(place as u32) {
                return Some(at);
            }
            at = self.after(at);
        }
        None
    }
}

impl Index {
    /// The index of the numbers from 0 on, of which no two hashes are equal in all bits.
    ///
    /// # Errors
    /// Only a request to stop.
    pub(super) fn of(
        numbers: usize,
        hash_of: impl Fn(u32) -> u64 + Sync,
        threads: usize,
        control: &Control,
    ) -> Result<Self> {
        let mut index = Self { bits: 0, parts: Vec::new(), used: numbers };
        while numbers > PART << index.bits && index.bits < MOST_BITS {
            index.bits += 1;
        }
        let (bits, count) = (index.bits, 1 << index.bits);
        let rounds = (numbers / WAITING).next_power_of_two().clamp(1, MOST_ROUNDS.min(count));
        for round in 0..rounds {
            // Numbers are dealt to their parts first, so that a part is filled while it is near the processor.
            let own = round * count / rounds..(round + 1) * count / rounds;
            let dealt = parallel(
                threads,
                numbers.div_ceil(BLOCK),
                || Ok(vec![Vec::new(); own.len()]),
                |dealt: &mut Vec<Vec<u64>>, task| {
                    control.check()?;
                    for number in task * BLOCK..((task + 1) * BLOCK).min(numbers) {
                        let half = hash_of(number as u32) as u32;
                        let part = index.part(half);
                        if own.contains(&part) {
                            dealt[part - own.start].push(u64::from(half) << 32 | number as u64);
                        }
                    }
                    Ok(())
                },
            )?;
            let parts = in_order(threads, own.len(), |at| {
                let all: usize = dealt.iter().map(|dealt| dealt[at].len()).sum();
                let mut part = Part { places: vec![EMPTY; places_for(all, own.start + at)], used: 0 };
                dealt.iter().flat_map(|dealt| &dealt[at]).for_each(|&place| part.put(place, bits));
                Ok(part)
            })?;
            index.parts.extend(parts);
        }
        Ok(index)
    }

    /// Cuts every part in two.
    #[cold]
    fn cut(&mut self) {
        self.bits += 1;
        for part in std::mem::take(&mut self.parts) {
            let room = part.used * 3 / 4 + 8;
            let mut halves = [0, 1].map(|_| Part { places: vec![EMPTY; room], used: 0 });
            for place in part.places.into_iter().filter(|&place| place != EMPTY) {
                let half = &mut halves[(place >> (64 - self.bits) & 1) as usize];
                if half.full() {
                    *half = std::mem::take(half).grown(self.bits);
                }
                half.put(place, self.bits);
            }
            self.parts.extend(halves);
        }
    }

    #[inline(always)]
    fn part(&self, half: u32) -> usize {
        (u64::from(half) << self.bits >> 32) as usize
    }

    /// Asks for the memory that finding a hash needs.
    #[inline(always)]
    pub(super) fn prefetch(&self, hash: u64) {
        let half = hash as u32;
        let part = &self.parts[self.part(half)];
        creditcore_kernels::prefetch(&part.places, part.home(half, self.bits));
    }

    /// The number of a hash that `same` knows.
    #[inline]
    pub(super) fn find(&self, hash: u64, same: impl Fn(u32) -> bool) -> Option<u32> {
        let half = hash as u32;
        let part = &self.parts[self.part(half)];
        part.find(half, self.bits, same).map(|at| part.places[at] as u32)
    }

    /// Adds a number that is not there.
    pub(super) fn add(&mut self, hash: u64, number: u32) {
        if self.used >= (2 * PART) << self.bits && self.bits < MOST_BITS {
            self.cut();
        }
        let half = hash as u32;
        let (at, bits) = (self.part(half), self.bits);
        let part = &mut self.parts[at];
        if part.full() {
            *part = std::mem::take(part).grown(bits);
        }
        part.put(u64::from(half) << 32 | u64::from(number), bits);
        self.used += 1;
    }

    /// Takes a number out.
    pub(super) fn remove(&mut self, hash: u64, number: u32) {
        let half = hash as u32;
        let (at, bits) = (self.part(half), self.bits);
        let part = &mut self.parts[at];
        let Some(mut gap) = part.find(half, bits, |known| known == number) else { return };
        self.used -= 1;
        part.used -= 1;
        let places = part.places.len();
        let distance = |from: usize, to: usize| if to >= from { to - from } else { to + places - from };
        let mut at = gap;
        loop {
            at = part.after(at);
            let place = part.places[at];
            if place == EMPTY {
                break;
            }
            // What stands behind the gap moves into it, unless its home lies after the gap.
            let home = part.home((place >> 32) as u32, bits);
            if distance(home, at) >= distance(gap, at) {
                part.places[gap] = place;
                gap = at;
            }
        }
        part.places[gap] = EMPTY;
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use proptest::prelude::*;

    #[test]
    fn an_index_of_many_parts_finds_what_was_added_and_not_removed() {
        let hash_of = |number: u32| crate::id::mixed(u64::from(number) + 1);
        for known in [0, 1, 50_000] {
            let mut index = Index::of(known as usize, hash_of, 2, &Control::default()).expect("not stopped");
            (known..150_000).for_each(|number| index.add(hash_of(number), number));
            (0..150_000).step_by(3).for_each(|number| index.remove(hash_of(number), number));
            for number in 0..160_000 {
                let wanted = (number < 150_000 && number % 3 != 0).then_some(number);
                assert_eq!(index.find(hash_of(number), |known| known == number), wanted);
            }
        }
    }

    proptest! {
        #[test]
        fn an_index_finds_what_a_map_finds(steps in proptest::collection::vec((0..60_u32, any::<bool>()), 0..600)) {
            // Few hashes, at the end of the places too, so that chains are long and wrap.
            let hash_of = |number: u32| u64::MAX - u64::from(number % 7) * (u64::MAX / 7) / 2;
            let mut index = Index::default();
            let mut twin = BTreeMap::new();
            for (number, adds) in steps {
                if adds && twin.insert(number, ()).is_none() {
                    index.add(hash_of(number), number);
                } else if !adds && twin.remove(&number).is_some() {
                    index.remove(hash_of(number), number);
                }
                for number in 0..60 {
                    let found = index.find(hash_of(number), |known| known == number);
                    prop_assert_eq!(found.is_some(), twin.contains_key(&number));
                }
            }
        }
    }
}
