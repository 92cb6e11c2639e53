//! Taking records up on all threads.
//!
//! In: [`Records`]. Out: a [`Live`] network of them. People are numbered by their keys, identifiers by their first link;
//! which thread has a block changes the order of people in lists alone, and nothing that is given out goes by it
//! (laws 2 and 7).
//!
//! Memory beyond what is made: 4 bytes a link, 8 for one of an identifier that others showed before, and 8 for some
//! millions of numbers at a time.

use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Mutex, PoisonError};

use super::blocks::Blocks;
use super::people::People;
use super::shared::{Identifier, Lists, Shared};
use super::{Live, Own, check_room};
use crate::error::Result;
use crate::exec::{Control, in_order};
use crate::link::build::{SharedLinks, shared_links};
use crate::link::gathering::taken;
use crate::link::plan::Settled;
use crate::link::ranks::Ranks;
use crate::link::records::Records;

/// People that one task takes up.
const BLOCK: usize = if cfg!(test) { 4 } else { 1 << 13 };

/// What taking up needs.
struct Work<'a> {
    records: &'a Records,
    threads: usize,
    control: &'a Control,
    /// Links of an identifier that an earlier link showed.
    later: Ranks,
    /// For each of them the number of its identifier.
    numbers: Vec<AtomicU32>,
}

/// People of a task, with what it writes.
struct Part<'a> {
    first: usize,
    own: &'a mut [Own],
    identifiers: &'a mut [Identifier],
    people: &'a mut [u32],
}

impl Live {
    /// Takes up records.
    ///
    /// # Errors
    /// More links than find room; a request to stop.
    pub(in crate::link) fn new(
        records: &Records,
        settled: &Settled,
        seed: u64,
        threads: usize,
        control: &Control,
    ) -> Result<Self> {
        check_room(records.len())?;
        let found = shared_links(records, threads, control)?;
        let later = Ranks::of(records.len(), found.iter().flat_map(SharedLinks::later));
        let numbers = (0..later.count()).map(|_| AtomicU32::new(0)).collect();
        let work = Work { records, threads, control, later, numbers };
        work.number(&found)?;
        let lengths = (0..records.people()).map(|person| records.range(person).len() as u32);
        let (mut links, blocks) = Blocks::laid(lengths, 2 * records.len());
        // Room that is not written costs nothing; that of a gigabyte takes a second to be copied, in some update.
        let mut identifiers = Vec::with_capacity(2 * records.len());
        identifiers.resize(records.len() - work.later.count(), Identifier::default());
        let mut shown_by = vec![0; records.len()];
        work.fill(&mut links, &mut identifiers, &mut shown_by)?;
        let lists = work.lists(found, &shown_by)?;
        drop((shown_by, work));
        let shared = Shared::of(identifiers, lists, records.len(), threads, control)?;
        let people = People::of(records, (links, blocks), seed, threads, control)?;
        Ok(Self { people, shared, caps: settled.settings.effective_caps() })
    }
}

impl Work<'_> {
    /// The number of an identifier, by its first link.
    fn number_of(&self, first: usize) -> u32 {
        (first - self.later.rank(first)) as u32
    }

    /// Numbers the identifiers of later links.
    fn number(&self, found: &[SharedLinks]) -> Result<()> {
        let number = |at: usize| {
            self.control.check()?;
            for list in found[at].lists() {
                let number = self.number_of(list[0] as usize);
                for &link in &list[1..] {
                    self.numbers[self.later.rank(link as usize)].store(number, Ordering::Relaxed);
                }
            }
            Ok(())
        };
        in_order(self.threads, found.len(), number).map(|_| ())
    }

    /// Writes the links of people, each identifier as if its first person alone showed it, and who shows each link.
    fn fill(
        &self,
        links: &mut Blocks<Own>,
        identifiers: &mut [Identifier],
        shown_by: &mut [u32],
    ) -> Result<()> {
        let Self { records, later, .. } = self;
        let (mut items, mut identifiers, mut shown_by) = (links.items_mut(), identifiers, shown_by);
        let mut parts = Vec::new();
        for first in (0..records.people()).step_by(BLOCK) {
            let people = first..(first + BLOCK).min(records.people());
            let shown = records.range(first).start..records.range(people.end - 1).end;
            let room = people.map(|person| Blocks::<Own>::room_of(records.range(person).len()));
            let later = later.rank(shown.end) - later.rank(shown.start);
            parts.push(Mutex::new(Part {
                first,
                own: taken(&mut items, room.sum()),
                identifiers: taken(&mut identifiers, shown.len() - later),
                people: taken(&mut shown_by, shown.len()),
            }));
        }
        let fill = |task: usize| {
            self.control.check()?;
            self.fill_part(&mut parts[task].lock().unwrap_or_else(PoisonError::into_inner));
            Ok(())
        };
        in_order(self.threads, parts.len(), fill).map(|_| ())
    }

    fn fill_part(&self, part: &mut Part<'_>) {
        let Self { records, later, numbers, .. } = self;
        let shown = &records.links;
        let (mut start, mut fresh) = (0, 0);
        let base = records.range(part.first).start;
        for person in part.first..(part.first + BLOCK).min(records.people()) {
            let links = records.range(person);
            let room = Blocks::<Own>::room_of(links.len());
            for (own, link) in part.own[start..].iter_mut().zip(links) {
                let (time, role) = (shown.times[link], shown.roles[link]);
                let identifier = if later.has(link) {
                    numbers[later.rank(link)].load(Ordering::Relaxed)
                } else {
                    part.identifiers[fresh] =
                        Identifier::of_one(shown.hashes[link], shown.types[link], person as u32);
                    fresh += 1;
                    self.number_of(link)
                };
                *own = Own { identifier, time, role };
                part.people[link - base] = person as u32;
            }
            start += room;
        }
    }

    /// Who shows each identifier that several show.
    fn lists(&self, found: Vec<SharedLinks>, shown_by: &[u32]) -> Result<Vec<Lists>> {
        let found: Vec<Mutex<SharedLinks>> = found.into_iter().map(Mutex::new).collect();
        in_order(self.threads, found.len(), |at| {
            self.control.check()?;
            let part = std::mem::take(&mut *found[at].lock().unwrap_or_else(PoisonError::into_inner));
            let identifiers = part.lists().map(|list| self.number_of(list[0] as usize)).collect();
            let SharedLinks { links: mut people, ends } = part;
            people.iter_mut().for_each(|place| *place = shown_by[*place as usize]);
            Ok(Lists::new(identifiers, people, ends))
        })
    }
}
