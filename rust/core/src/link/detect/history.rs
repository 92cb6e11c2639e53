//! The people of each identifier in the order of time: what was known at an instant is a prefix.
//!
//! In: links of records without caps, so that an identifier that becomes a hub later is there. Out: [`History`].
//! What it says of an instant does not change when later records are added.

use crate::link::{Links, NO_TIME};

/// People by identifier, the earliest first.
#[derive(Clone, Debug)]
pub struct History {
    starts: Vec<usize>,
    people: Vec<u32>,
    times: Vec<u32>,
    caps: Vec<u32>,
}

impl History {
    /// Sorts the people of each identifier by when they first showed it. `caps` are those of the types.
    pub fn new(links: &Links, caps: Vec<u32>) -> Self {
        let mut history = Self { starts: vec![0], people: Vec::new(), times: Vec::new(), caps };
        let mut list: Vec<(u32, u32)> = Vec::new();
        for identifier in 0..links.identifiers() as u32 {
            list.clear();
            let people = links.people_of(identifier).iter();
            list.extend(links.times_of(identifier).iter().copied().zip(people.copied()));
            list.sort_unstable();
            history.times.extend(list.iter().map(|&(time, _)| time));
            history.people.extend(list.iter().map(|&(_, person)| person));
            history.starts.push(history.people.len());
        }
        history
    }

    /// Who showed an identifier not later than `now`; nobody where they were more than the type's cap.
    pub fn known(&self, identifier: u32, kind: usize, now: u32) -> Option<&[u32]> {
        let range = self.starts[identifier as usize]..self.starts[identifier as usize + 1];
        let times = &self.times[range.clone()];
        let count = if now == NO_TIME { times.len() } else { times.partition_point(|&time| time <= now) };
        (count <= self.caps[kind] as usize).then(|| &self.people[range][..count])
    }
}
