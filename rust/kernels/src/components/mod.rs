//! Connected components of people over the identifiers that they share.
//!
//! In: pairs of an identifier's hash and the number of a person, dealt to parts by the first bits of the hash
//! ([`Dealer`]). Out: a [`Forest`] over people only: the first person seen with an identifier owns it, every
//! later one is joined with the owner. Whoever calls gives each part to one thread ([`Table::unite`]), so
//! tables are private and small; the forest is shared and lock-free. A tree's root is its smallest number, so
//! neither threads nor the order of pairs change what comes out.
//!
//! The union is Rem's algorithm with splicing (Dijkstra 1976; Patwary, Blair, Manne 2010), by compare-and-swap.
//! Memory: 12 bytes for a pair while it waits, in pages that are written again, 4 for a person, and a table for
//! each thread of 16 bytes a place, 1.5 to 3 places an identifier of the largest part.

mod deal;
mod forest;

pub use deal::Dealer;
pub use forest::Forest;

/// A place of a table: an identifier's hash and its owner.
#[derive(Clone, Copy, Debug)]
struct Place {
    hash: u64,
    owner: u32,
}

/// The owner of an empty place; no person has this number.
const NOBODY: u32 = u32::MAX;
const EMPTY: Place = Place { hash: 0, owner: NOBODY };
/// Joins that wait while the memory of their owners comes.
const WAITING: usize = 32;

/// An open-addressing table of the identifiers of one part; used again for the next.
#[derive(Debug, Default)]
pub struct Table {
    places: Vec<Place>,
}

impl Table {
    /// Joins in the forest the people who share an identifier of a part, and gives the number of different
    /// identifiers.
    ///
    /// # Panics
    /// If a person has no place in the forest, or the dealers deal to different numbers of parts.
    pub fn unite(&mut self, dealers: &[Dealer], part: usize, forest: &Forest) -> usize {
        let mut different = 0;
        let mut table = self.opened(dealers, part);
        let mut waiting = [(0, 0); WAITING];
        let mut count = 0;
        for (hashes, people) in dealers.iter().flat_map(|dealer| dealer.pages(part)) {
            for (&hash, &person) in hashes.iter().zip(people) {
                let Some(owner) = table.owner(hash, person) else {
                    different += 1;
                    continue;
                };
                forest.prefetch(owner);
                waiting[count % WAITING] = (owner, person);
                count += usize::from(owner != person);
                if count == WAITING {
                    waiting.iter().for_each(|&(owner, person)| forest.unite(owner, person));
                    count = 0;
                }
            }
        }
        waiting[..count].iter().for_each(|&(owner, person)| forest.unite(owner, person));
        different
    }

    /// Finds equal values: `found(number, first)` tells each number of a part whose value came before (their
    /// hashes are equal and `same` holds) and the number that came first with it.
    pub fn firsts(
        &mut self,
        dealers: &[Dealer],
        part: usize,
        same: impl Fn(u32, u32) -> bool,
        mut found: impl FnMut(u32, u32),
    ) {
        let mut table = self.opened(dealers, part);
        for (hashes, numbers) in dealers.iter().flat_map(|dealer| dealer.pages(part)) {
            for (&hash, &number) in hashes.iter().zip(numbers) {
                if let Some(first) = table.first(hash, number, &same) {
                    found(number, first);
                }
            }
        }
    }

    /// The emptied table, with places for the pairs of a part, or for [`MOST_AT_FIRST`].
    fn opened(&mut self, dealers: &[Dealer], part: usize) -> Opened<'_> {
        let bits = dealers.first().map_or(1, Dealer::bits);
        assert!(dealers.iter().all(|dealer| dealer.bits() == bits), "dealers deal to as many parts");
        let pairs: usize = dealers.iter().map(|dealer| dealer.len(part)).sum();
        let places = (pairs + pairs / 2).next_power_of_two().clamp(2, MOST_AT_FIRST);
        self.places.clear();
        self.places.resize(places, EMPTY);
        let (room, shift) = (places / 3 * 2, 64 - places.trailing_zeros());
        Opened { places: &mut self.places, room, bits, shift }
    }
}

/// Places with which a table begins at most; it grows with the identifiers, as a hub has many pairs and is one.
const MOST_AT_FIRST: usize = 1 << 17;

/// A table in use.
struct Opened<'a> {
    places: &'a mut Vec<Place>,
    /// How many more identifiers may come before it grows; a table of two places is never full.
    room: usize,
    bits: u32,
    shift: u32,
}

impl Opened<'_> {
    /// Where the search for a hash starts.
    #[inline(always)]
    fn start(&self, hash: u64) -> usize {
        ((hash << self.bits) >> self.shift) as usize & (self.places.len() - 1)
    }

    /// The owner of an identifier; none where the person becomes it.
    #[inline(always)]
    fn owner(&mut self, hash: u64, person: u32) -> Option<u32> {
        self.first(hash, person, |_, _| true)
    }

    /// The first number of a value; none where this one is it.
    #[inline(always)]
    fn first(&mut self, hash: u64, number: u32, same: impl Fn(u32, u32) -> bool) -> Option<u32> {
        let last = self.places.len() - 1;
        let mut at = self.start(hash);
        loop {
            let place = &mut self.places[at];
            if place.owner == NOBODY {
                *place = Place { hash, owner: number };
                self.room = self.room.saturating_sub(1);
                if self.room == 0 {
                    self.grow();
                }
                return None;
            }
            if place.hash == hash && same(place.owner, number) {
                return Some(place.owner);
            }
            at = (at + 1) & last;
        }
    }

    /// Doubles the places.
    #[cold]
    fn grow(&mut self) {
        let places = 2 * self.places.len();
        let old = std::mem::replace(self.places, vec![EMPTY; places]);
        self.shift -= 1;
        // As many came as two thirds of the old places; as many more fill two thirds of the new ones.
        self.room = old.len() / 3 * 2;
        for place in old.into_iter().filter(|place| place.owner != NOBODY) {
            let mut at = self.start(place.hash);
            while self.places[at].owner != NOBODY {
                at = (at + 1) & (places - 1);
            }
            self.places[at] = place;
        }
    }
}

#[cfg(test)]
mod tests;
