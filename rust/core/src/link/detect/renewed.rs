//! Features of surroundings that are kept and renewed where an update touched them.
//!
//! In: a live network, the people whose surroundings may have changed. Out: [`Renewed`], equal to the last bit to the
//! features of all (law 1), and who has other features than before. Feature by feature a change reaches one hop
//! farther: ties touch their two people, triangles and the mean strength of partners the partners of these,
//! the mean of means the partners of those.
//!
//! Memory: 4 bytes a feature, 29 and 4 for each strong tie a person.

use std::sync::{Mutex, PoisonError};

use super::ego::{BLOCK, Egos, LATER, blocks, cut, in_units, mean, row, strong_of, triangles, width};
use super::surroundings::{Surroundings, View};
use super::weights::Weights;
use crate::Result;
use crate::exec::{Control, in_order, parallel};
use crate::link::Settings;
use crate::link::gathering::taken;
use crate::link::live::{Block, Blocks, Live, unique};
use creditcore_kernels::prefetch;

/// The features of a live network's people, by their numbers.
#[derive(Clone, Debug)]
pub(in crate::link) struct Renewed {
    weights: Weights,
    tau: f64,
    width: usize,
    rows: Rows,
    people: Vec<Person>,
    ties: Blocks<u32>,
}

/// Rows of features; those of nobody are NaN, which no feature is. They stand in stretches, so that a new person
/// moves none of them.
#[derive(Clone, Debug, Default)]
struct Rows(Vec<Vec<f32>>);

/// Rows of a stretch.
const STRETCH: usize = if cfg!(test) { 4 } else { 1 << 12 };

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

/// Some people, and the stretches in which they stand.
struct Part<'a> {
    /// Where in the list the people begin.
    start: usize,
    some: &'a [u32],
    /// The first number of the stretches.
    first: u32,
    rows: &'a mut [Vec<f32>],
    people: &'a mut [Person],
    width: usize,
}

impl Rows {
    /// Cuts ascending people into parts that different threads may change.
    fn parts<'a>(
        &'a mut self,
        people: &'a mut [Person],
        some: &'a [u32],
        width: usize,
    ) -> Vec<Mutex<Part<'a>>> {
        let (mut rows, mut people) = (self.0.as_mut_slice(), people);
        let (mut start, mut first) = (0, 0);
        let mut parts = Vec::new();
        while start < some.len() {
            let last = some[(start + BLOCK).min(some.len()) - 1] as usize / STRETCH + 1;
            let count = some[start..].partition_point(|&person| (person as usize) < last * STRETCH);
            let stretches = last - first;
            let numbers = (stretches * STRETCH).min(people.len());
            parts.push(Mutex::new(Part {
                start,
                some: &some[start..start + count],
                first: (first * STRETCH) as u32,
                rows: taken(&mut rows, stretches),
                people: taken(&mut people, numbers),
                width,
            }));
            (start, first) = (start + count, last);
        }
        parts
    }
}

impl Part<'_> {
    fn person_and_row(&mut self, person: u32) -> (&mut Person, &mut [f32]) {
        let at = (person - self.first) as usize;
        let row = &mut self.rows[at / STRETCH][at % STRETCH * self.width..][..self.width];
        (&mut self.people[at], row)
    }
}

impl Renewed {
    /// The features of everybody.
    ///
    /// # Errors
    /// A `tau` that is not above 0, too many types, a request to stop.
    pub(in crate::link) fn new(
        live: &Live,
        settings: &Settings,
        tau: f64,
        threads: usize,
        control: &Control,
    ) -> Result<Self> {
        let weights = Weights::new(settings, tau)?;
        let width = width(settings.types.len());
        let (rows, people, ties) = (Rows::default(), Vec::new(), Blocks::default());
        let mut renewed = Self { weights, tau, width, rows, people, ties };
        let everybody: Vec<u32> = (0..live.numbers() as u32).filter(|&person| live.has(person)).collect();
        renewed.renew(live, &everybody, &[], threads, control)?;
        Ok(renewed)
    }

    /// Days in which ties fade by 1/e.
    pub(in crate::link) fn tau(&self) -> f64 {
        self.tau
    }

    /// Renews the features of those whose surroundings may have changed, forgets those who are gone, and gives
    /// those whose features are others than before, ascending.
    ///
    /// # Errors
    /// Only a request to stop; what is kept is then of no use.
    pub(in crate::link) fn renew(
        &mut self,
        live: &Live,
        dirty: &[u32],
        gone: &[u32],
        threads: usize,
        control: &Control,
    ) -> Result<Vec<u32>> {
        let numbers = live.numbers().max(self.people.len());
        if numbers > self.people.capacity() {
            // Twice the room, which vectors take by themselves, would be copied and kept for few new people.
            self.people.reserve_exact(numbers + numbers / 8 - self.people.len());
        }
        self.people.resize(numbers, Person::default());
        self.rows.0.resize_with(numbers.div_ceil(STRETCH), || vec![f32::NAN; STRETCH * self.width]);
        for &person in gone {
            self.ties.remove(std::mem::take(&mut self.people[person as usize]).strong);
            self.row_mut(person).fill(f32::NAN);
        }
        let work = Work { live, numbers, threads, control };
        let (mut changed, mut stronger, mut tied) = (Vec::new(), Vec::new(), Vec::new());
        for looked in self.look(&work, dirty)? {
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
        self.count_triangles(&work, &tied, &mut changed)?;
        let hops = self.mean_of_strengths(&work, &tied, &stronger, &mut changed)?;
        self.mean_of_means(&work, &tied, &hops, &mut changed)?;
        unique(&mut changed, numbers);
        Ok(changed)
    }

    fn row(&self, person: u32) -> &[f32] {
        let (stretch, at) = (person as usize / STRETCH, person as usize % STRETCH);
        &self.rows.0[stretch][at * self.width..][..self.width]
    }

    fn row_mut(&mut self, person: u32) -> &mut [f32] {
        let (stretch, at) = (person as usize / STRETCH, person as usize % STRETCH);
        &mut self.rows.0[stretch][at * self.width..][..self.width]
    }

    fn strong(&self, person: u32) -> &[u32] {
        self.ties.get(self.people[person as usize].strong)
    }

    /// Looks at ties anew, and writes the features that follow from them alone.
    fn look(&mut self, work: &Work<'_>, dirty: &[u32]) -> Result<Vec<Looked>> {
        let Self { weights, width, rows, people, ties, .. } = self;
        let (weights, ties, width) = (&*weights, &*ties, *width);
        let parts = rows.parts(people, dirty, width);
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
                    LATER.iter().for_each(|&at| fresh[at] = if own[at].is_nan() { 0.0 } else { own[at] });
                    if !own.iter().zip(fresh.iter()).all(|(own, fresh)| own.to_bits() == fresh.to_bits()) {
                        own.copy_from_slice(fresh);
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

    /// Writes a feature of some ascending people, notes who has another than before, and gives those of whom `keep`
    /// says so.
    fn place(
        &mut self,
        work: &Work<'_>,
        (people, values): (&[u32], &[u64]),
        (feature, value): (usize, fn(u64) -> f32),
        keep: impl Fn(&mut Person, u64) -> bool + Sync,
        changed: &mut Vec<u32>,
    ) -> Result<Vec<u32>> {
        let parts = self.rows.parts(&mut self.people, people, self.width);
        let found = in_order(work.threads, parts.len(), |task| {
            let mut part = parts[task].lock().unwrap_or_else(PoisonError::into_inner);
            let (mut changed, mut others) = (Vec::new(), Vec::new());
            for (&person, &figure) in part.some.iter().zip(&values[part.start..]) {
                let (known, row) = part.person_and_row(person);
                if keep(known, figure) {
                    others.push(person);
                }
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

    fn count_triangles(&mut self, work: &Work<'_>, tied: &[u32], changed: &mut Vec<u32>) -> Result<()> {
        let people = self.with_partners(work, tied, tied)?;
        let closed = self.figures(work, &people, |strong| triangles(strong, |other| self.strong(other)))?;
        let keep = |person: &mut Person, count: u64| {
            person.triangles = count as u32;
            false
        };
        self.place(work, (&people, &closed), (LATER[0], |count| count as f32), keep, changed)?;
        Ok(())
    }

    /// Renews the mean strength of strong partners; gives those of whom it is another.
    fn mean_of_strengths(
        &mut self,
        work: &Work<'_>,
        tied: &[u32],
        stronger: &[u32],
        changed: &mut Vec<u32>,
    ) -> Result<Vec<u32>> {
        let people = self.with_partners(work, tied, stronger)?;
        let means =
            self.figures(work, &people, |strong| mean(strong, |other| self.people[other as usize].strength))?;
        let keep = |person: &mut Person, mean: u64| std::mem::replace(&mut person.one_hop, mean) != mean;
        self.place(work, (&people, &means), (LATER[1], in_units), keep, changed)
    }

    fn mean_of_means(
        &mut self,
        work: &Work<'_>,
        tied: &[u32],
        hops: &[u32],
        changed: &mut Vec<u32>,
    ) -> Result<()> {
        let people = self.with_partners(work, tied, hops)?;
        let means =
            self.figures(work, &people, |strong| mean(strong, |other| self.people[other as usize].one_hop))?;
        self.place(work, (&people, &means), (LATER[2], in_units), |_, _| false, changed)?;
        Ok(())
    }

    /// The features of some people, in their order.
    ///
    /// # Errors
    /// Only a request to stop.
    pub(in crate::link) fn egos(&self, some: &[u32], threads: usize, control: &Control) -> Result<Egos> {
        let mut columns: Vec<Vec<f32>> = (0..self.width).map(|_| vec![0.0; some.len()]).collect();
        let places = cut(&mut columns, some.len());
        let write = |(): &mut (), range: std::ops::Range<u32>| {
            let mut columns =
                places[range.start as usize / BLOCK].lock().unwrap_or_else(PoisonError::into_inner);
            for (place, at) in (range.start as usize..range.end as usize).enumerate() {
                if let Some(&soon) = some.get(at + 8) {
                    self.row(soon).chunks(16).for_each(|line| prefetch(line, 0));
                }
                let row = self.row(some[at]);
                columns.iter_mut().zip(row).for_each(|(column, &value)| column[place] = value);
            }
        };
        blocks(some.len(), threads, control, || (), write)?;
        drop(places);
        let of = |person: &u32| self.people[*person as usize];
        Ok(Egos {
            columns: columns.into_iter().map(Into::into).collect(),
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
