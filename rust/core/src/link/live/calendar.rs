//! Of which days people's latest rows are.
//!
//! In: people by number, with their times. Out: whose time lies before a limit. A person stands in the list of one day, at
//! a place that is known: who moves to another day leaves nothing behind that would have to be cleared some time.

use std::collections::BTreeMap;

use super::expires;
use crate::link::links::{DAY, NO_TIME};

/// People by day; those of an unknown time are in no list.
#[derive(Clone, Debug)]
pub(super) struct Calendar {
    days: BTreeMap<u32, Vec<u32>>,
    /// For each number its place in the list of its day.
    places: Vec<u32>,
}

impl Calendar {
    /// The calendar of some people, with room for so many numbers.
    pub(super) fn of(people: impl Iterator<Item = (u32, u32)>, room: usize) -> Self {
        let mut made = Self { days: BTreeMap::new(), places: Vec::with_capacity(room) };
        people.for_each(|(person, time)| made.put(person, time));
        made
    }

    /// Puts a person, who is in no list, into that of a day.
    pub(super) fn put(&mut self, person: u32, time: u32) {
        if time == NO_TIME {
            return;
        }
        let people = self.days.entry(time / DAY).or_default();
        if self.places.len() <= person as usize {
            self.places.resize(person as usize + 1, 0);
        }
        self.places[person as usize] = people.len() as u32;
        people.push(person);
    }

    /// Takes a person out of the list of a day.
    pub(super) fn take(&mut self, person: u32, time: u32) {
        let Some(people) = self.days.get_mut(&(time / DAY)).filter(|_| time != NO_TIME) else { return };
        let place = self.places[person as usize];
        people.swap_remove(place as usize);
        if let Some(&moved) = people.get(place as usize) {
            self.places[moved as usize] = place;
        } else if people.is_empty() {
            self.days.remove(&(time / DAY));
        }
    }

    /// Whose time lies before a limit, ascending.
    pub(super) fn expired(&self, limit: u32, time: impl Fn(u32) -> u32) -> Vec<u32> {
        let due = self.days.range(..=limit / DAY).flat_map(|(_, people)| people);
        let mut due: Vec<u32> = due.copied().filter(|&person| expires(time(person), Some(limit))).collect();
        due.sort_unstable();
        due
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn a_calendar_tells_whose_time_has_passed(
            steps in proptest::collection::vec((0..12_u32, 0..6_u32, 0..3_u32), 0..200),
        ) {
            let mut times: BTreeMap<u32, u32> = BTreeMap::new();
            let mut calendar = Calendar::of(std::iter::empty(), 0);
            for (person, day, part) in steps {
                if let Some(before) = times.remove(&person) {
                    calendar.take(person, before);
                }
                if part > 0 {
                    let time = if day == 0 { NO_TIME } else { day * DAY + part };
                    times.insert(person, time);
                    calendar.put(person, time);
                }
                for limit in [0, 2 * DAY, 3 * DAY + 2, 7 * DAY] {
                    let due = times.iter().filter(|&(_, &time)| expires(time, Some(limit)));
                    let due: Vec<u32> = due.map(|(&person, _)| person).collect();
                    prop_assert_eq!(calendar.expired(limit, |person| times[&person]), due);
                }
            }
            let again = Calendar::of(times.iter().map(|(&person, &time)| (person, time)), 12);
            let all = |calendar: &Calendar| calendar.expired(u32::MAX - 1, |person| times[&person]);
            prop_assert_eq!(all(&again), all(&calendar));
        }
    }
}
