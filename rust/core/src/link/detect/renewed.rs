//! Features of surroundings that are kept and renewed where an update touched them.
//!
//! In: a live network, the people whose surroundings may have changed. Out: [`Renewed`], equal to the last bit to the
//! features of all (law 1), and who has other features than before. What an update touched is noted, and renewed
//! when features are asked for; so updates may follow one another and be paid for once. Feature by feature a change
//! reaches one hop farther: ties touch their two people, triangles and the mean strength of partners the partners of
//! these, the mean of means the partners of those.
//!
//! Memory: 4 bytes a feature that is kept, 29 and 4 for each strong tie a person.

use std::sync::PoisonError;

use arrow_buffer::ScalarBuffer;

use super::ego::{BLOCK, Egos, LATER, blocks, cut, in_units, mean, row, strong_of, triangles};
use super::rows::Rows;
use super::surroundings::{Surroundings, View};
use super::weights::Weights;
use crate::Result;
use crate::exec::{Control, in_order, parallel};
use crate::link::Settings;
use crate::link::live::{Block, Blocks, Live, unique};
use creditcore_kernels::prefetch;

/// The features of a live network's people, by their numbers.
#[derive(Clone, Debug)]
pub(in crate::link) struct Renewed {
    weights: Weights,
    tau: f64,
    /// The features that are kept, by their place among all.
    wanted: Vec<usize>,
    rows: Rows,
    people: Vec<Person>,
    ties: Blocks<u32>,
    /// People whose surroundings may be others than their features say.
    dirty: Vec<u32>,
    /// People who are gone and still have features.
    gone: Vec<u32>,
    /// People whose features became others since this was last asked.
    changed: Vec<u32>,
}

#[derive(Clone, Copy, Debug, Default)]
struct Person {
    strength: u64,
    one_hop: u64,
    triangles: u32,
    strong: Block,
    /// Whether strong ties beyond the strongest were left out.
    cut: bool,
}

/// What was found of people whose ties may be others than before.
#[derive(Default)]
struct Looked {
    /// Those with other features.
    changed: Vec<u32>,
    /// Those with another strength.
    stronger: Vec<u32>,
    /// Those with other strong ties, where these end, and whether some were left out.
    tied: Vec<(u32, u32, bool)>,
    partners: Vec<u32>,
}

impl Renewed {
    /// The features of everybody, `wanted` of them by their place among all.
    ///
    /// # Errors
    /// A `tau` that is not above 0, too many types, a request to stop.
    pub(in crate::link) fn new(
        live: &Live,
        settings: &Settings,
        (tau, wanted): (f64, Vec<usize>),
        threads: usize,
        control: &Control,
    ) -> Result<Self> {
        let weights = Weights::new(settings, tau)?;
        let rows = Rows::new(wanted.len());
        let (people, ties, gone, changed) = (Vec::new(), Blocks::default(), Vec::new(), Vec::new());
        let dirty = (0..live.numbers() as u32).collect();
        let mut renewed = Self { weights, tau, wanted, rows, people, ties, dirty, gone, changed };
        renewed.renew(live, threads, control)?;
        // Ties that outgrow their room are all copied; lists that become longer leave rooms that few others take.
        renewed.ties.reserve_times(4);
        renewed.changed = Vec::new();
        Ok(renewed)
    }

    /// Whether these features of this decay are kept.
    pub(in crate::link) fn keeps(&self, tau: f64, wanted: impl Iterator<Item = usize>) -> bool {
        self.tau.to_bits() == tau.to_bits() && wanted.eq(self.wanted.iter().copied())
    }

    /// Where in a row one of the features stands that are computed later, if it is kept.
    fn place_of(&self, later: usize) -> Option<usize> {
        self.wanted.iter().position(|&at| at == LATER[later])
    }

    /// Notes what an update touched: whose surroundings may be others, and who is gone.
    pub(in crate::link) fn note(&mut self, dirty: &[u32], gone: &[u32], numbers: usize) {
        for (noted, more) in [(&mut self.dirty, dirty), (&mut self.gone, gone)] {
            noted.extend_from_slice(more);
            if noted.len() > numbers {
                // Touched again and again, and never asked for.
                unique(noted, numbers);
            }
        }
    }

    /// Whether features are those of the live network.
    pub(in crate::link) fn is_new(&self) -> bool {
        self.dirty.is_empty() && self.gone.is_empty()
    }

    /// Those whose features became others since they were last told, ascending.
    pub(in crate::link) fn tell(&mut self, live: &Live) -> Vec<u32> {
        let mut changed = std::mem::take(&mut self.changed);
        unique(&mut changed, live.numbers());
        changed.retain(|&person| live.has(person));
        changed
    }

    /// Renews the features of those whose surroundings may have changed, and forgets those who are gone.
    ///
    /// # Errors
    /// Only a request to stop; what is kept is then of no use.
    pub(in crate::link) fn renew(&mut self, live: &Live, threads: usize, control: &Control) -> Result<()> {
        let numbers = live.numbers().max(self.people.len());
        if numbers > self.people.capacity() {
            // Room that is not written costs nothing, and people that are copied hold an update up.
            self.people.reserve_exact(2 * numbers - self.people.len());
        }
        self.people.resize(numbers, Person::default());
        self.rows.grow(numbers);
        for person in std::mem::take(&mut self.gone) {
            self.ties.remove(std::mem::take(&mut self.people[person as usize]).strong);
            self.rows.forget(person);
        }
        // Who was touched may be gone since, and the number someone else's.
        let mut dirty = std::mem::take(&mut self.dirty);
        unique(&mut dirty, numbers);
        dirty.retain(|&person| live.has(person));
        let work = Work { live, numbers, threads, control };
        let mut changed = std::mem::take(&mut self.changed);
        let (mut stronger, mut tied) = (Vec::new(), Vec::new());
        for looked in self.look(&work, &dirty)? {
            changed.extend(looked.changed);
            stronger.extend(looked.stronger);
            let mut start = 0;
            for (person, end, cut) in looked.tied {
                let known = &mut self.people[person as usize];
                known.cut = cut;
                self.ties.remove(known.strong);
                known.strong = self.ties.add(&looked.partners[start..end as usize]);
                tied.push(person);
                start = end as usize;
            }
        }
        let [closed, one_hop, two_hop] = [0, 1, 2].map(|later| self.place_of(later));
        if closed.is_some() {
            self.count_triangles(&work, &tied, closed, &mut changed)?;
        }
        if one_hop.is_some() || two_hop.is_some() {
            let hops = self.mean_of_strengths(&work, (&tied, &stronger), one_hop, &mut changed)?;
            if two_hop.is_some() {
                self.mean_of_means(&work, (&tied, &hops), two_hop, &mut changed)?;
            }
        }
        unique(&mut changed, numbers);
        self.changed = changed;
        Ok(())
    }

    fn strong(&self, person: u32) -> &[u32] {
        self.ties.get(self.people[person as usize].strong)
    }

    /// Looks at ties anew, and writes the features that follow from them alone.
    fn look(&mut self, work: &Work<'_>, dirty: &[u32]) -> Result<Vec<Looked>> {
        let Self { weights, wanted, rows, people, ties, .. } = self;
        let (weights, wanted, ties) = (&*weights, &*wanted, &*ties);
        let parts = rows.parts(people, dirty);
        let start =
            || Ok((Surroundings::new(work.live, weights, View::Now), Vec::new(), Vec::new(), Vec::new()));
        let states =
            parallel(work.threads, parts.len(), start, |(surroundings, strong, fresh, done), task| {
                work.control.check()?;
                let mut part = parts[task].lock().unwrap_or_else(PoisonError::into_inner);
                let mut looked = Looked::default();
                for at in part.start..part.start + part.some.len() {
                    let person = dirty[at];
                    surroundings.expect(|turns| dirty.get(at + turns).copied());
                    surroundings.find(person);
                    fresh.clear();
                    let strength = row(surroundings, fresh);
                    let cut = strong_of(&surroundings.partners, weights.strong, strong);
                    let (known, own) = part.person_and_row(person);
                    if std::mem::replace(&mut known.strength, strength) != strength {
                        looked.stronger.push(person);
                    }
                    let partners = strong.iter().map(|&(_, other)| other);
                    if known.cut != cut || !partners.clone().eq(ties.get(known.strong).iter().copied()) {
                        looked.partners.extend(partners);
                        looked.tied.push((person, looked.partners.len() as u32, cut));
                    }
                    let mut differs = false;
                    for (own, &at) in own.iter_mut().zip(wanted) {
                        // What is computed later stays meanwhile.
                        let new = if LATER.contains(&at) && !own.is_nan() { *own } else { fresh[at] };
                        differs |= own.to_bits() != new.to_bits();
                        *own = new;
                    }
                    if differs {
                        looked.changed.push(person);
                    }
                }
                done.push((task, looked));
                Ok(())
            })?;
        let mut done: Vec<(usize, Looked)> = states.into_iter().flat_map(|(.., done)| done).collect();
        done.sort_unstable_by_key(|&(task, _)| task);
        Ok(done.into_iter().map(|(_, looked)| looked).collect())
    }

    /// Asks for the memory of the strong ties of those whose turn comes soon.
    fn expect(&self, some: &[u32], at: usize) {
        some.get(at + 16).iter().for_each(|&&person| prefetch(&self.people, person as usize));
        some.get(at + 8).iter().for_each(|&&person| self.ties.expect(self.people[person as usize].strong));
    }

    /// The people themselves, and those who have one of them among their strong ties.
    fn with_partners(&self, work: &Work<'_>, themselves: &[u32], of: &[u32]) -> Result<Vec<u32>> {
        let start = || Surroundings::new(work.live, &self.weights, View::Now);
        let found = blocks(of.len(), work.threads, work.control, start, |surroundings, range| {
            let mut people = Vec::new();
            for at in range.start as usize..range.end as usize {
                let person = of[at];
                self.expect(of, at);
                if self.people[person as usize].cut {
                    // Ties are mutual, but those that were left out stand in the other's row only.
                    surroundings.find(person);
                    people.extend(surroundings.partners.iter().map(|partner| partner.person));
                } else {
                    people.extend_from_slice(self.strong(person));
                }
            }
            people
        })?;
        let mut people = themselves.to_vec();
        found.iter().for_each(|found| people.extend_from_slice(found));
        unique(&mut people, work.numbers);
        Ok(people)
    }

    /// A figure of the strong ties of each of some people.
    fn figures(
        &self,
        work: &Work<'_>,
        people: &[u32],
        figure: impl Fn(&[u32]) -> u64 + Sync,
    ) -> Result<Vec<u64>> {
        let each = |(): &mut (), range: std::ops::Range<u32>| {
            let figure = |at: u32| {
                self.expect(people, at as usize);
                let soon = people.get(at as usize + 4).map_or(&[][..], |&person| self.strong(person));
                soon.iter().for_each(|&other| prefetch(&self.people, other as usize));
                figure(self.strong(people[at as usize]))
            };
            range.map(figure).collect::<Vec<u64>>()
        };
        let parts = blocks(people.len(), work.threads, work.control, || (), each)?;
        Ok(parts.into_iter().flatten().collect())
    }

    /// Writes a feature of some ascending people where it is kept, notes who has another than before, and gives
    /// those of whom `keep` says so.
    fn place(
        &mut self,
        work: &Work<'_>,
        (people, values): (&[u32], &[u64]),
        (feature, value): (Option<usize>, fn(u64) -> f32),
        keep: impl Fn(&mut Person, u64) -> bool + Sync,
        changed: &mut Vec<u32>,
    ) -> Result<Vec<u32>> {
        let parts = self.rows.parts(&mut self.people, people);
        let found = in_order(work.threads, parts.len(), |task| {
            let mut part = parts[task].lock().unwrap_or_else(PoisonError::into_inner);
            let (mut changed, mut others) = (Vec::new(), Vec::new());
            for (&person, &figure) in part.some.iter().zip(&values[part.start..]) {
                let (known, row) = part.person_and_row(person);
                if keep(known, figure) {
                    others.push(person);
                }
                let Some(feature) = feature else { continue };
                let new = value(figure);
                if std::mem::replace(&mut row[feature], new).to_bits() != new.to_bits() {
                    changed.push(person);
                }
            }
            Ok((changed, others))
        })?;
        let mut kept = Vec::new();
        for (more, others) in found {
            changed.extend(more);
            kept.extend(others);
        }
        Ok(kept)
    }

    fn count_triangles(
        &mut self,
        work: &Work<'_>,
        tied: &[u32],
        place: Option<usize>,
        changed: &mut Vec<u32>,
    ) -> Result<()> {
        let people = self.with_partners(work, tied, tied)?;
        let closed = self.figures(work, &people, |strong| triangles(strong, |other| self.strong(other)))?;
        let keep = |person: &mut Person, count: u64| {
            person.triangles = count as u32;
            false
        };
        self.place(work, (&people, &closed), (place, |count| count as f32), keep, changed)?;
        Ok(())
    }

    /// Renews the mean strength of strong partners; gives those of whom it is another.
    fn mean_of_strengths(
        &mut self,
        work: &Work<'_>,
        (tied, stronger): (&[u32], &[u32]),
        place: Option<usize>,
        changed: &mut Vec<u32>,
    ) -> Result<Vec<u32>> {
        let people = self.with_partners(work, tied, stronger)?;
        let means =
            self.figures(work, &people, |strong| mean(strong, |other| self.people[other as usize].strength))?;
        let keep = |person: &mut Person, mean: u64| std::mem::replace(&mut person.one_hop, mean) != mean;
        self.place(work, (&people, &means), (place, in_units), keep, changed)
    }

    fn mean_of_means(
        &mut self,
        work: &Work<'_>,
        (tied, hops): (&[u32], &[u32]),
        place: Option<usize>,
        changed: &mut Vec<u32>,
    ) -> Result<()> {
        let people = self.with_partners(work, tied, hops)?;
        let means =
            self.figures(work, &people, |strong| mean(strong, |other| self.people[other as usize].one_hop))?;
        self.place(work, (&people, &means), (place, in_units), |_, _| false, changed)?;
        Ok(())
    }

    /// The features that are kept of some people, in their order, one column after the other.
    ///
    /// # Errors
    /// Only a request to stop.
    pub(in crate::link) fn columns(
        &self,
        some: &[u32],
        threads: usize,
        control: &Control,
    ) -> Result<Vec<ScalarBuffer<f32>>> {
        let mut columns: Vec<Vec<f32>> = (0..self.wanted.len()).map(|_| vec![0.0; some.len()]).collect();
        let places = cut(&mut columns, some.len());
        let write = |(): &mut (), range: std::ops::Range<u32>| {
            let mut columns =
                places[range.start as usize / BLOCK].lock().unwrap_or_else(PoisonError::into_inner);
            for (place, at) in (range.start as usize..range.end as usize).enumerate() {
                let soon = some.get(at + 8).map_or(&[][..], |&soon| self.rows.row(soon));
                soon.chunks(16).for_each(|line| prefetch(line, 0));
                let row = self.rows.row(some[at]);
                columns.iter_mut().zip(row).for_each(|(column, &value)| column[place] = value);
            }
        };
        blocks(some.len(), threads, control, || (), write)?;
        drop(places);
        Ok(columns.into_iter().map(Into::into).collect())
    }

    /// The same as [`columns`](Self::columns), and what rings are found by.
    pub(in crate::link) fn egos(&self, some: &[u32], threads: usize, control: &Control) -> Result<Egos> {
        let of = |person: &u32| self.people[*person as usize];
        Ok(Egos {
            columns: self.columns(some, threads, control)?,
            strength: some.iter().map(|person| of(person).strength).collect(),
            triangles: some.iter().map(|person| of(person).triangles).collect(),
        })
    }
}

/// What renewing needs.
struct Work<'a> {
    live: &'a Live,
    numbers: usize,
    threads: usize,
    control: &'a Control,
}
