//! From records to links.
//!
//! In: [`Records`] and [`Settings`]. Out: [`Links`]. Links are dealt to parts by the first bits of their hash
//! and sorted there, one part a task, so that the links of an identifier stand together; then identifiers are
//! numbered by their first link. Law 2: which thread sorts a part changes nothing.

use std::sync::{Mutex, PoisonError};

use super::links::{DAY, Hub, Links, NO_TIME, Rows};
use super::records::Records;
use super::settings::Settings;
use crate::error::Result;
use crate::exec::{Control, parallel};

/// Links that a part should have.
const PART_LINKS: usize = 1 << 16;
/// The number of a link whose identifier is not kept.
const NONE: u32 = u32::MAX;

/// A link on its way: the hash of its identifier and its number.
type Dealt = (u64, u32);

/// What the parts found.
#[derive(Default)]
struct Found {
    /// The links of each kept identifier, one after the other.
    kept: Vec<u32>,
    /// For each kept identifier its first link and where its links end.
    ends: Vec<(u32, u32)>,
    /// Each hub's links.
    hubs: Vec<Vec<u32>>,
}

impl Links {
    /// Makes links of records.
    ///
    /// # Errors
    /// Only a request to stop.
    pub fn build(records: &Records, settings: &Settings, threads: usize, control: &Control) -> Result<Self> {
        let parts = deal(&records.links.hashes);
        let caps = settings.effective_caps();
        let found = parallel(
            threads,
            parts.len(),
            || Ok(Found::default()),
            |found, task| {
                control.check()?;
                let mut part = parts[task].lock().unwrap_or_else(PoisonError::into_inner);
                part.sort_unstable();
                found.add(&part, &records.links.types, &caps);
                part.clear();
                part.shrink_to_fit();
                Ok(())
            },
        )?;
        drop(parts);
        let numbers = number(&found, records.len());
        let people = rows_of_people(records, &numbers);
        let identifiers = rows_of_identifiers(records, &people);
        let count = identifiers.starts.len() - 1;
        let (mut types, mut hashes) = (vec![0; count], vec![0; count]);
        for (link, &identifier) in numbers.iter().enumerate().filter(|&(_, &number)| number != NONE) {
            types[identifier as usize] = records.links.types[link];
            hashes[identifier as usize] = records.links.hashes[link];
        }
        Ok(Self {
            keys: records.keys.clone(),
            settings: settings.clone(),
            times: records.times.clone(),
            declared: records.starts.windows(2).map(|pair| pair[1] - pair[0]).collect(),
            people,
            identifiers,
            types,
            hashes,
            hubs: hubs(&found, records),
        })
    }
}

/// Deals links to parts by the first bits of their hash.
fn deal(hashes: &[u64]) -> Vec<Mutex<Vec<Dealt>>> {
    let bits = (hashes.len() / PART_LINKS).max(1).next_power_of_two().trailing_zeros().clamp(1, 14);
    let part = |hash: u64| (hash >> (64 - bits)) as usize;
    let mut sizes = vec![0; 1 << bits];
    hashes.iter().for_each(|&hash| sizes[part(hash)] += 1);
    let mut parts: Vec<Vec<Dealt>> = sizes.into_iter().map(Vec::with_capacity).collect();
    hashes.iter().enumerate().for_each(|(link, &hash)| parts[part(hash)].push((hash, link as u32)));
    parts.into_iter().map(Mutex::new).collect()
}

impl Found {
    /// Takes the identifiers of a sorted part.
    fn add(&mut self, part: &[Dealt], types: &[u8], caps: &[u32]) {
        for same in part.chunk_by(|a, b| a.0 == b.0).filter(|same| same.len() > 1) {
            let first = same[0].1;
            if same.len() > caps[usize::from(types[first as usize])] as usize {
                self.hubs.push(same.iter().map(|&(_, link)| link).collect());
            } else {
                self.kept.extend(same.iter().map(|&(_, link)| link));
                self.ends.push((first, self.kept.len() as u32));
            }
        }
    }
}

/// For each link the number of its identifier: kept ones are numbered by their first link.
fn number(found: &[Found], links: usize) -> Vec<u32> {
    let mut firsts: Vec<u32> =
        found.iter().flat_map(|part| part.ends.iter().map(|&(first, _)| first)).collect();
    firsts.sort_unstable();
    let mut numbers = vec![NONE; links];
    for (number, &first) in firsts.iter().enumerate() {
        numbers[first as usize] = number as u32;
    }
    for part in found {
        let mut start = 0;
        for &(first, end) in &part.ends {
            let number = numbers[first as usize];
            part.kept[start..end as usize].iter().for_each(|&link| numbers[link as usize] = number);
            start = end as usize;
        }
    }
    numbers
}

/// The links of each person whose identifier is kept, by the identifiers' numbers.
fn rows_of_people(records: &Records, numbers: &[u32]) -> Rows {
    let mut rows = Rows { starts: vec![0], ..Rows::default() };
    let mut own: Vec<(u32, usize)> = Vec::new();
    for person in 0..records.people() {
        own.clear();
        own.extend(
            records.range(person).filter(|&link| numbers[link] != NONE).map(|link| (numbers[link], link)),
        );
        own.sort_unstable();
        for &(number, link) in &own {
            rows.targets.push(number);
            rows.times.push(records.links.times[link]);
            rows.roles.push(records.links.roles[link]);
        }
        rows.starts.push(rows.targets.len() as u32);
    }
    rows
}

/// The other direction: the people of each kept identifier, ascending.
fn rows_of_identifiers(records: &Records, people: &Rows) -> Rows {
    let count = people.targets.iter().max().map_or(0, |&last| last as usize + 1);
    let mut starts = vec![0; count + 1];
    people.targets.iter().for_each(|&number| starts[number as usize + 1] += 1);
    for at in 0..count {
        starts[at + 1] += starts[at];
    }
    let mut next = starts.clone();
    let links = people.targets.len();
    let mut rows = Rows { starts, targets: vec![0; links], times: vec![0; links], roles: vec![0; links] };
    for person in 0..records.people() {
        for link in people.starts[person] as usize..people.starts[person + 1] as usize {
            let place = &mut next[people.targets[link] as usize];
            rows.targets[*place as usize] = person as u32;
            rows.times[*place as usize] = people.times[link];
            rows.roles[*place as usize] = people.roles[link];
            *place += 1;
        }
    }
    rows
}

/// The hubs, by type, then by falling degree, then by their first link.
fn hubs(found: &[Found], records: &Records) -> Vec<Hub> {
    let mut all: Vec<&Vec<u32>> = found.iter().flat_map(|part| &part.hubs).collect();
    let kind = |links: &[u32]| records.links.types[links[0] as usize];
    all.sort_unstable_by_key(|links| (kind(links), std::cmp::Reverse(links.len()), links[0]));
    let hub = |links: &Vec<u32>| {
        let mut days: Vec<u32> = links.iter().map(|&link| records.links.times[link as usize]).collect();
        days.retain(|&time| time != NO_TIME);
        days.iter_mut().for_each(|time| *time /= DAY);
        days.sort_unstable();
        Hub {
            kind: kind(links),
            hash: records.links.hashes[links[0] as usize],
            degree: links.len() as u32,
            days: days.chunk_by(|a, b| a == b).map(|same| (same[0], same.len() as u32)).collect(),
        }
    };
    all.into_iter().map(hub).collect()
}
