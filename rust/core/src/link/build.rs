//! From records to links.
//!
//! In: [`Records`] and [`Settings`]. Out: [`Links`]. Links are dealt to parts by the first bits of their hash, so that
//! those of an identifier stand together, some parts at a time on the same memory; then identifiers are numbered by their
//! first link, and both directions are written where they belong. Law 2: which thread has a part, a person or an
//! identifier changes nothing.
//!
//! Memory beyond the links: 12 bytes for a link that waits, which are an eighth of many, and 8 for a kept one.

use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use super::components::bits;
use super::gathering::taken;
use super::links::{DAY, Hub, Kept, Links, NO_TIME, Rows};
use super::ranks::Ranks;
use super::records::Records;
use super::settings::{MOST_TYPES, Settings};
use crate::error::Result;
use crate::exec::{Control, parallel};
use creditcore_kernels::components::{Dealer, Table};

/// Links that one task deals, or people whose rows it writes.
const BLOCK: usize = if cfg!(test) { 4 } else { 1 << 14 };
/// Links that wait at a time, about.
const WAITING: usize = if cfg!(test) { 16 } else { 1 << 21 };
/// The most rounds, in which each hash is looked at once.
const MOST_ROUNDS: usize = 8;

/// What a thread found in its parts.
#[derive(Default)]
struct Found {
    /// The links of each kept identifier, ascending, one identifier after the other.
    kept: Vec<u32>,
    /// For each kept identifier its first link and where its links end.
    ends: Vec<(u32, u32)>,
    /// Each hub's links.
    hubs: Vec<Vec<u32>>,
    table: Table,
    pairs: Vec<u64>,
    own: Vec<u32>,
}

/// The links of identifiers that several show.
#[derive(Default)]
pub(super) struct SharedLinks {
    /// Those of each identifier ascending, one identifier after the other.
    pub(super) links: Vec<u32>,
    /// Where those of each end.
    pub(super) ends: Vec<u32>,
}

/// What building needs.
struct Work<'a> {
    records: &'a Records,
    caps: Vec<u32>,
    threads: usize,
    control: &'a Control,
}

impl Links {
    /// Makes links of records.
    ///
    /// # Errors
    /// Only a request to stop.
    pub fn build(
        records: &Arc<Records>,
        settings: &Settings,
        threads: usize,
        control: &Control,
    ) -> Result<Self> {
        let work = Work { records, caps: settings.effective_caps(), threads, control };
        let found = work.found()?;
        let firsts = || found.iter().flat_map(|part| part.ends.iter().map(|&(first, _)| first));
        let firsts = Ranks::of(records.len(), firsts());
        let kept = Ranks::of(records.len(), found.iter().flat_map(|part| part.kept.iter().copied()));
        let numbers = work.number(&found, &firsts, &kept)?;
        let people = work.rows_of_people(&kept, &numbers)?;
        drop((numbers, kept));
        let identifiers = work.rows_of_identifiers(&found, &firsts, &people)?;
        let (types, hashes) = work.types_and_hashes(&firsts)?;
        let hubs = hubs(&found, records);
        let kept = Arc::new(Kept { people, identifiers, types, hashes, hubs });
        Ok(Self { records: records.clone(), settings: settings.clone(), kept })
    }
}

/// Finds the links of every identifier that several show, in parts.
///
/// # Errors
/// Only a request to stop.
pub(super) fn shared_links(records: &Records, threads: usize, control: &Control) -> Result<Vec<SharedLinks>> {
    // Nobody is a hub here.
    let work = Work { records, caps: vec![u32::MAX; MOST_TYPES], threads, control };
    let of = |Found { kept, ends, .. }: Found| SharedLinks {
        links: kept,
        ends: ends.into_iter().map(|(_, end)| end).collect(),
    };
    Ok(work.found()?.into_iter().map(of).collect())
}

impl SharedLinks {
    /// The links of each identifier.
    pub(super) fn lists(&self) -> impl Iterator<Item = &[u32]> {
        let starts = std::iter::once(0).chain(self.ends.iter().copied());
        starts.zip(&self.ends).map(|(start, &end)| &self.links[start as usize..end as usize])
    }

    /// The links that are not the first of their identifier.
    pub(super) fn later(&self) -> impl Iterator<Item = u32> {
        self.lists().flat_map(|list| list[1..].iter().copied())
    }
}

impl Work<'_> {
    /// What each thread found.
    fn found(&self) -> Result<Vec<Found>> {
        let hashes = &self.records.links.hashes;
        let bits = bits(hashes.len() as u64);
        let rounds = (hashes.len() / WAITING).next_power_of_two().clamp(1, MOST_ROUNDS.min(1 << bits));
        let (mut dealers, mut found) = (Vec::new(), Vec::new());
        for round in 0..rounds {
            let parts = (round << bits) / rounds..((round + 1) << bits) / rounds;
            let waiting = Mutex::new(dealers);
            dealers = parallel(
                self.threads,
                hashes.len().div_ceil(BLOCK),
                || Ok(taken_up(&waiting).unwrap_or_else(|| Dealer::new(bits))),
                |dealer, task| {
                    self.control.check()?;
                    let links = task * BLOCK..((task + 1) * BLOCK).min(hashes.len());
                    for (link, &hash) in links.clone().zip(&hashes[links]) {
                        dealer.push(hash, link as u32, parts.contains(&((hash >> (64 - bits)) as usize)));
                    }
                    Ok(())
                },
            )?;
            dealers.append(&mut waiting.into_inner().unwrap_or_else(PoisonError::into_inner));
            dealers.iter_mut().for_each(Dealer::settle);
            let states = Mutex::new(found);
            found = parallel(
                self.threads,
                parts.len(),
                || Ok(taken_up(&states).unwrap_or_default()),
                |found: &mut Found, task| {
                    self.control.check()?;
                    found.add(&dealers, parts.start + task, &self.records.links.types, &self.caps);
                    Ok(())
                },
            )?;
            found.append(&mut states.into_inner().unwrap_or_else(PoisonError::into_inner));
            dealers.iter_mut().for_each(|dealer| dealer.forget(parts.clone()));
        }
        Ok(found)
    }

    /// For each kept link the number of its identifier.
    fn number(&self, found: &[Found], firsts: &Ranks, kept: &Ranks) -> Result<Vec<AtomicU32>> {
        let numbers: Vec<AtomicU32> = (0..kept.count()).map(|_| AtomicU32::new(0)).collect();
        parallel(
            self.threads,
            found.len(),
            || Ok(()),
            |(), at| {
                self.control.check()?;
                let mut start = 0;
                for &(first, end) in &found[at].ends {
                    let number = firsts.rank(first as usize) as u32;
                    let own = &found[at].kept[start..end as usize];
                    own.iter()
                        .for_each(|&link| numbers[kept.rank(link as usize)].store(number, Ordering::Relaxed));
                    start = end as usize;
                }
                Ok(())
            },
        )?;
        Ok(numbers)
    }

    /// The kept links of each person, by the identifiers' numbers.
    fn rows_of_people(&self, kept: &Ranks, numbers: &[AtomicU32]) -> Result<Rows> {
        let (people, links) = (self.records.people(), kept.count());
        let mut rows = Rows::zeroed(people, links);
        let starts = &self.records.starts;
        let (mut ends, mut targets) = (&mut rows.starts[1..], rows.targets.as_mut_slice());
        let (mut times, mut roles) = (rows.times.as_mut_slice(), rows.roles.as_mut_slice());
        let mut places = Vec::new();
        for first in (0..people).step_by(BLOCK) {
            let last = (first + BLOCK).min(people);
            let links = kept.rank(starts[last] as usize) - kept.rank(starts[first] as usize);
            let lists = (taken(&mut targets, links), taken(&mut times, links), taken(&mut roles, links));
            places.push(Mutex::new((taken(&mut ends, last - first), lists)));
        }
        let shown = &self.records.links;
        let write = |own: &mut Vec<(u32, usize)>, task: usize| {
            self.control.check()?;
            let mut places = places[task].lock().unwrap_or_else(PoisonError::into_inner);
            let (ends, (targets, times, roles)) = &mut *places;
            let first = kept.rank(starts[task * BLOCK] as usize);
            let mut end = 0;
            for (at, place) in ends.iter_mut().enumerate() {
                own.clear();
                for link in self.records.range(task * BLOCK + at).filter(|&link| kept.has(link)) {
                    own.push((numbers[first + end + own.len()].load(Ordering::Relaxed), link));
                }
                own.sort_unstable();
                for &(number, link) in own.iter() {
                    (targets[end], times[end], roles[end]) = (number, shown.times[link], shown.roles[link]);
                    end += 1;
                }
                *place = (first + end) as u32;
            }
            Ok(())
        };
        parallel(self.threads, people.div_ceil(BLOCK), || Ok(Vec::new()), write)?;
        drop(places);
        Ok(rows)
    }

    /// The other direction: the people of each kept identifier, ascending. Each task has a range of identifiers, and
    /// looks at all links for those of its own.
    fn rows_of_identifiers(&self, found: &[Found], firsts: &Ranks, people: &Rows) -> Result<Rows> {
        let (count, links) = (firsts.count(), people.targets.len());
        let mut rows = Rows::zeroed(count, links);
        for part in found {
            let mut start = 0;
            for &(first, end) in &part.ends {
                rows.starts[firsts.rank(first as usize) + 1] = end - start;
                start = end;
            }
        }
        for at in 0..count {
            rows.starts[at + 1] += rows.starts[at];
        }
        let starts = &rows.starts;
        let tasks = self.threads.clamp(1, count.max(1));
        let (mut targets, mut times) = (rows.targets.as_mut_slice(), rows.times.as_mut_slice());
        let mut roles = rows.roles.as_mut_slice();
        let mut places = Vec::new();
        let mut first = 0;
        for task in 1..=tasks {
            let bound = (links as u64 * task as u64 / tasks as u64) as u32;
            let last = if task == tasks { count } else { starts.partition_point(|&start| start < bound) };
            let last = last.clamp(first, count);
            let own = (starts[last] - starts[first]) as usize;
            let lists = (taken(&mut targets, own), taken(&mut times, own), taken(&mut roles, own));
            places.push(Mutex::new((first as u32..last as u32, lists)));
            first = last;
        }
        let write = |(): &mut (), task: usize| {
            let mut places = places[task].lock().unwrap_or_else(PoisonError::into_inner);
            let (own, (targets, times, roles)) = &mut *places;
            let base = starts[own.start as usize];
            let mut next: Vec<u32> = starts[own.start as usize..own.end as usize].to_vec();
            for person in 0..self.records.people() {
                if person % BLOCK == 0 {
                    self.control.check()?;
                }
                for link in people.starts[person] as usize..people.starts[person + 1] as usize {
                    let number = people.targets[link];
                    if !own.contains(&number) {
                        continue;
                    }
                    let place = &mut next[(number - own.start) as usize];
                    let at = (*place - base) as usize;
                    *place += 1;
                    (targets[at], times[at], roles[at]) =
                        (person as u32, people.times[link], people.roles[link]);
                }
            }
            Ok(())
        };
        parallel(self.threads, tasks, || Ok(()), write)?;
        drop(places);
        Ok(rows)
    }

    /// The types and the hashes of kept identifiers.
    fn types_and_hashes(&self, firsts: &Ranks) -> Result<(Vec<u8>, Vec<u64>)> {
        let shown = &self.records.links;
        let (mut types, mut hashes) = (vec![0; firsts.count()], vec![0; firsts.count()]);
        let (mut all_types, mut all_hashes) = (types.as_mut_slice(), hashes.as_mut_slice());
        let mut places = Vec::new();
        for start in (0..shown.hashes.len()).step_by(BLOCK) {
            let links = start..(start + BLOCK).min(shown.hashes.len());
            let own = firsts.rank(links.end) - firsts.rank(start);
            places.push(Mutex::new((links, taken(&mut all_types, own), taken(&mut all_hashes, own))));
        }
        let write = |(): &mut (), task: usize| {
            let mut places = places[task].lock().unwrap_or_else(PoisonError::into_inner);
            let (links, types, hashes) = &mut *places;
            for (at, link) in links.clone().filter(|&link| firsts.has(link)).enumerate() {
                (types[at], hashes[at]) = (shown.types[link], shown.hashes[link]);
            }
            self.control.check()
        };
        parallel(self.threads, places.len(), || Ok(()), write)?;
        drop(places);
        Ok((types, hashes))
    }
}

/// Takes one of what waits.
fn taken_up<T>(waiting: &Mutex<Vec<T>>) -> Option<T> {
    waiting.lock().unwrap_or_else(PoisonError::into_inner).pop()
}

impl Found {
    /// Takes the identifiers of a part that several show.
    fn add(&mut self, dealers: &[Dealer], part: usize, types: &[u8], caps: &[u32]) {
        let Self { kept, ends, hubs, table, pairs, own } = self;
        pairs.clear();
        let mut found = |link: u32, first: u32| pairs.push(u64::from(first) << 32 | u64::from(link));
        table.firsts(dealers, part, |_, _| true, &mut found);
        pairs.sort_unstable();
        for same in pairs.chunk_by(|a, b| a >> 32 == b >> 32) {
            own.clear();
            // Which link came first to the table depends on threads; the smallest one does not.
            own.push((same[0] >> 32) as u32);
            own.extend(same.iter().map(|&pair| pair as u32));
            own.sort_unstable();
            if own.len() > caps[usize::from(types[own[0] as usize])] as usize {
                hubs.push(own.clone());
            } else {
                kept.extend_from_slice(own);
                ends.push((own[0], kept.len() as u32));
            }
        }
    }
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
