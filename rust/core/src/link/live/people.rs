//! People under numbers that stay: keys, times, their identifiers.
//!
//! In: people of records. Out: a number for each, its links, who has a key, who expires. The number of a person who
//! is gone is given to the next one who comes.

use super::blocks::{Block, Blocks};
use super::calendar::Calendar;
use super::index::Index;
use super::{NONE, Own};
use crate::error::Result;
use crate::exec::{Control, sorted};
use crate::id::{mixed, siphash};
use crate::link::key::{Keys, Texts};
use crate::link::records::Records;

/// The keys of people, by their number.
#[derive(Clone, Debug)]
pub(super) enum Names {
    Signed(Vec<i64>),
    Unsigned(Vec<u64>),
    Text(Vec<Box<[u8]>>),
}

/// A person without its key.
#[derive(Clone, Copy, Debug)]
struct Person {
    /// A length of [`NONE`] says that nobody has the number.
    links: Block,
    time: u32,
}

/// People.
#[derive(Clone, Debug)]
pub(super) struct People {
    pub(super) keys: Names,
    people: Vec<Person>,
    free: Vec<u32>,
    links: Blocks<Own>,
    index: Index,
    seed: u64,
    /// Made when it is first asked who expires: most networks let nobody go.
    calendar: Option<Calendar>,
    shown: usize,
}

impl Names {
    fn like(keys: &Keys) -> Self {
        match keys {
            Keys::Signed(_) => Self::Signed(Vec::new()),
            Keys::Unsigned(_) => Self::Unsigned(Vec::new()),
            Keys::Text(_) => Self::Text(Vec::new()),
        }
    }

    /// Takes all keys, with room for as many more.
    fn take_all(&mut self, keys: &Keys) {
        fn take<T>(all: &mut Vec<T>, keys: impl ExactSizeIterator<Item = T>) {
            all.reserve_exact(2 * keys.len());
            all.extend(keys);
        }
        match (self, keys) {
            (Self::Signed(mine), Keys::Signed(keys)) => take(mine, keys.iter().copied()),
            (Self::Unsigned(mine), Keys::Unsigned(keys)) => take(mine, keys.iter().copied()),
            (Self::Text(mine), Keys::Text(keys)) => {
                take(mine, (0..keys.len()).map(|at| keys.get(at).into()));
            }
            _ => {}
        }
    }

    /// No keys, of this type.
    pub(super) fn none(&self) -> Keys {
        match self {
            Self::Signed(_) => Keys::Signed(Vec::new()),
            Self::Unsigned(_) => Keys::Unsigned(Vec::new()),
            Self::Text(_) => Keys::Text(Texts::default()),
        }
    }

    /// Sets the key of a number, which is at most one beyond the others.
    fn set(&mut self, number: u32, keys: &Keys, at: usize) {
        fn put<T>(all: &mut Vec<T>, number: u32, value: T) {
            match all.get_mut(number as usize) {
                Some(place) => *place = value,
                None => all.push(value),
            }
        }
        match (self, keys) {
            (Self::Signed(mine), Keys::Signed(keys)) => put(mine, number, keys[at]),
            (Self::Unsigned(mine), Keys::Unsigned(keys)) => put(mine, number, keys[at]),
            (Self::Text(mine), Keys::Text(keys)) => put(mine, number, keys.get(at).into()),
            _ => {}
        }
    }

    /// Appends the key of a number.
    pub(super) fn push_to(&self, keys: &mut Keys, number: u32) {
        match (self, keys) {
            (Self::Signed(mine), Keys::Signed(keys)) => keys.push(mine[number as usize]),
            (Self::Unsigned(mine), Keys::Unsigned(keys)) => keys.push(mine[number as usize]),
            (Self::Text(mine), Keys::Text(keys)) => keys.push(&mine[number as usize]),
            _ => {}
        }
    }

    fn is(&self, number: u32, keys: &Keys, at: usize) -> bool {
        match (self, keys) {
            (Self::Signed(mine), Keys::Signed(keys)) => mine[number as usize] == keys[at],
            (Self::Unsigned(mine), Keys::Unsigned(keys)) => mine[number as usize] == keys[at],
            (Self::Text(mine), Keys::Text(keys)) => *mine[number as usize] == *keys.get(at),
            _ => false,
        }
    }

    fn hash(&self, number: u32, seed: u64) -> u64 {
        match self {
            Self::Signed(mine) => mixed(mine[number as usize] as u64 ^ seed),
            Self::Unsigned(mine) => mixed(mine[number as usize] ^ seed),
            Self::Text(mine) => siphash([seed, !seed], &mine[number as usize]),
        }
    }

    /// Asks for the memory of a number's key.
    pub(super) fn expect(&self, number: u32) {
        match self {
            Self::Signed(mine) => creditcore_kernels::prefetch(mine, number as usize),
            Self::Unsigned(mine) => creditcore_kernels::prefetch(mine, number as usize),
            Self::Text(mine) => creditcore_kernels::prefetch(mine, number as usize),
        }
    }

    /// Puts numbers in the order of their keys, and gives these.
    fn sort(&self, numbers: &mut [u32], threads: usize) -> Result<Keys> {
        /// Sorts by keys that are looked up once.
        fn by<K: Ord + Copy + Send>(
            numbers: &mut [u32],
            threads: usize,
            key: impl Fn(usize) -> K + Sync,
        ) -> Result<impl ExactSizeIterator<Item = K>> {
            let keyed = sorted(threads, numbers.len(), |range| {
                numbers[range].iter().map(|&number| (key(number as usize), number)).collect()
            })?;
            numbers.iter_mut().zip(&keyed).for_each(|(place, &(_, number))| *place = number);
            Ok(keyed.into_iter().map(|(key, _)| key))
        }
        Ok(match self {
            Self::Signed(mine) => Keys::Signed(by(numbers, threads, |number| mine[number])?.collect()),
            Self::Unsigned(mine) => Keys::Unsigned(by(numbers, threads, |number| mine[number])?.collect()),
            Self::Text(mine) => {
                let mut keys = Texts::default();
                by(numbers, threads, |number| &*mine[number])?.for_each(|key| keys.push(key));
                Keys::Text(keys)
            }
        })
    }
}

/// The hash of a key.
fn hash_of(keys: &Keys, at: usize, seed: u64) -> u64 {
    match keys {
        Keys::Signed(keys) => mixed(keys[at] as u64 ^ seed),
        Keys::Unsigned(keys) => mixed(keys[at] ^ seed),
        Keys::Text(keys) => siphash([seed, !seed], keys.get(at)),
    }
}

impl People {
    /// Nobody, with keys of some type.
    pub(super) fn new(keys: &Keys, seed: u64) -> Self {
        Self {
            keys: Names::like(keys),
            people: Vec::new(),
            free: Vec::new(),
            links: Blocks::default(),
            index: Index::default(),
            seed,
            calendar: None,
            shown: 0,
        }
    }

    /// The people of records, with their links. Memory that is not written costs nothing, and vectors that grow are
    /// copied; so there is room for as many more.
    ///
    /// # Errors
    /// Only a request to stop.
    pub(super) fn of(
        records: &Records,
        (links, blocks): (Blocks<Own>, Vec<Block>),
        seed: u64,
        threads: usize,
        control: &Control,
    ) -> Result<Self> {
        let mut all = Self { links, shown: records.len(), ..Self::new(&records.keys, seed) };
        all.keys.take_all(&records.keys);
        all.people.reserve_exact(2 * records.people());
        let person = |(links, &time): (Block, &u32)| Person { links, time };
        all.people.extend(blocks.into_iter().zip(&records.times).map(person));
        all.index = Index::of(records.people(), |number| all.keys.hash(number, seed), threads, control)?;
        Ok(all)
    }

    /// Lets the first keys say of which type all are.
    pub(super) fn take_type(&mut self, keys: &Keys) {
        if self.count() == 0 {
            *self = Self::new(keys, self.seed);
        }
    }

    /// How many people there are.
    pub(super) fn count(&self) -> usize {
        self.people.len() - self.free.len()
    }

    /// One more than the greatest number that a person ever had.
    pub(super) fn numbers(&self) -> usize {
        self.people.len()
    }

    /// How many links all people have.
    pub(super) fn shown(&self) -> usize {
        self.shown
    }

    /// Whether a number is a person's.
    pub(super) fn has(&self, person: u32) -> bool {
        self.people.get(person as usize).is_some_and(|person| person.links.length != NONE)
    }

    pub(super) fn time(&self, person: u32) -> u32 {
        self.people[person as usize].time
    }

    /// The links of a person, in the order of records.
    #[inline(always)]
    pub(super) fn links(&self, person: u32) -> &[Own] {
        self.links.get(self.people[person as usize].links)
    }

    /// Who has a key.
    pub(super) fn find(&self, keys: &Keys, at: usize) -> Option<u32> {
        self.index.find(hash_of(keys, at, self.seed), |number| self.keys.is(number, keys, at))
    }

    /// Asks for the memory that finding a key needs.
    pub(super) fn prefetch(&self, keys: &Keys, at: usize) {
        self.index.prefetch(hash_of(keys, at, self.seed));
    }

    /// Asks for the memory of a person.
    #[inline]
    pub(super) fn expect(&self, person: u32) {
        creditcore_kernels::prefetch(&self.people, person as usize);
    }

    /// Asks for the memory that taking a person out needs.
    pub(super) fn expect_removal(&self, person: u32) {
        self.index.prefetch(self.keys.hash(person, self.seed));
    }

    /// Asks for the memory of a person's links.
    pub(super) fn expect_links(&self, person: u32) {
        self.links.expect(self.people[person as usize].links);
    }

    /// Adds a person without links.
    pub(super) fn add(&mut self, keys: &Keys, at: usize, time: u32) -> u32 {
        let person = Person { links: Block::default(), time };
        let number = match self.free.pop() {
            Some(number) => {
                self.people[number as usize] = person;
                number
            }
            None => {
                self.people.push(person);
                self.people.len() as u32 - 1
            }
        };
        self.keys.set(number, keys, at);
        let (names, seed) = (&self.keys, self.seed);
        self.index.add(names.hash(number, seed), number);
        self.calendar.iter_mut().for_each(|calendar| calendar.put(number, time));
        number
    }

    /// Takes out a person without links; its number is free after [`release`](Self::release).
    pub(super) fn remove(&mut self, person: u32) {
        let (names, seed) = (&self.keys, self.seed);
        self.index.remove(names.hash(person, seed), person);
        let time = self.people[person as usize].time;
        self.calendar.iter_mut().for_each(|calendar| calendar.take(person, time));
        self.people[person as usize].links.length = NONE;
    }

    /// Lets the numbers of people who were taken out be used again.
    pub(super) fn release(&mut self, people: &[u32]) {
        self.free.extend_from_slice(people);
    }

    /// Gives links to a person without any.
    pub(super) fn set_links(&mut self, person: u32, own: &[Own]) {
        self.shown += own.len();
        self.people[person as usize].links = self.links.add(own);
    }

    /// Takes a person's links.
    pub(super) fn take_links(&mut self, person: u32) -> Vec<Own> {
        let block = std::mem::take(&mut self.people[person as usize].links);
        let own = self.links.get(block).to_vec();
        self.shown -= own.len();
        self.links.remove(block);
        own
    }

    /// Sets the time of a person.
    pub(super) fn set_time(&mut self, person: u32, time: u32) {
        let before = std::mem::replace(&mut self.people[person as usize].time, time);
        if let Some(calendar) = self.calendar.as_mut().filter(|_| before != time) {
            calendar.take(person, before);
            calendar.put(person, time);
        }
    }

    /// Whose time lies before a limit, ascending.
    pub(super) fn expired(&mut self, limit: u32) -> Vec<u32> {
        let times = |person: &Person| (person.links.length != NONE).then_some(person.time);
        let known = (0..).zip(&self.people).filter_map(|(number, person)| Some((number, times(person)?)));
        let room = self.people.capacity();
        let calendar = self.calendar.get_or_insert_with(|| Calendar::of(known, room));
        calendar.expired(limit, |person| self.people[person as usize].time)
    }

    /// Everybody, in the order of keys.
    pub(super) fn sorted(&self, threads: usize) -> Result<Vec<u32>> {
        let mut all: Vec<u32> = (0..self.people.len() as u32).filter(|&number| self.has(number)).collect();
        self.sort(&mut all, threads)?;
        Ok(all)
    }

    /// Puts people in the order of their keys, and gives these.
    pub(super) fn sort(&self, people: &mut [u32], threads: usize) -> Result<Keys> {
        self.keys.sort(people, threads)
    }
}
