//! Features of surroundings that are kept and renewed where an update touched them.
//!
//! In: a live network, the people whose surroundings may have changed. Out: [`Renewed`], equal to the last bit to the
//! features of all (law 1), and who has other features than before. Feature by feature a change reaches one hop
//! farther: ties touch their two people, triangles and the mean strength of partners the partners of these,
//! the mean of means the partners of those.
//!
//! Memory: 4 bytes a feature, 29 and 4 for each strong tie a person.

use super::ego::{Egos, LATER, blocks, in_units, mean, row, strong_of, triangles, width};
use super::surroundings::{Surroundings, View};
use super::weights::Weights;
use crate::Result;
use crate::exec::Control;
use crate::link::Settings;
use crate::link::live::{Block, Blocks, Live, unique};

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
const STRETCH: usize = 1 << 12;

#[derive(Clone, Copy, Debug, Default)]
struct Person {
    strength: u64,
    one_hop: u64,
    triangles: u32,
    strong: Block,
    /// Whether strong ties beyond the strongest were left out.
    cut: bool,
}

/// What was found of a person whose ties are others than before.
struct Fresh {
    person: u32,
    strength: u64,
    strong: Option<(Vec<u32>, bool)>,
    row: Vec<f32>,
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
        let fresh = self.look(&work, dirty)?;
        let (mut changed, mut stronger, mut tied) = (Vec::new(), Vec::new(), Vec::new());
        for found in fresh {
            let person = found.person;
            let known = &mut self.people[person as usize];
            if known.strength != found.strength {
                known.strength = found.strength;
                stronger.push(person);
            }
            if let Some((strong, cut)) = found.strong {
                known.cut = cut;
                self.ties.remove(known.strong);
                known.strong = self.ties.add(&strong);
                tied.push(person);
            }
            if !found.row.is_empty() {
                changed.push(person);
                let own = self.row_mut(person);
                let later = LATER.map(|at| if own[at].is_nan() { 0.0 } else { own[at] });
                own.copy_from_slice(&found.row);
                LATER.into_iter().zip(later).for_each(|(at, value)| own[at] = value);
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

    /// Looks at ties anew; gives those of whom something is different, with no row where the row is the same.
    fn look(&self, work: &Work<'_>, dirty: &[u32]) -> Result<Vec<Fresh>> {
        let start = || (Surroundings::new(work.live, &self.weights, View::Now), Vec::new(), Vec::new());
        let found = blocks(
            dirty.len(),
            work.threads,
            work.control,
            start,
            |(surroundings, strong, fresh), range| {
                let mut found = Vec::new();
                for at in range.start as usize..range.end as usize {
                    let person = dirty[at];
                    surroundings.expect(|turns| dirty.get(at + turns).copied());
                    surroundings.find(person);
                    fresh.clear();
                    let strength = row(surroundings, fresh);
                    let cut = strong_of(&surroundings.partners, self.weights.strong, strong);
                    let known = &self.people[person as usize];
                    let own = self.row(person);
                    let same = (0..self.width)
                        .all(|at| LATER.contains(&at) || own[at].to_bits() == fresh[at].to_bits());
                    let ties = strong.iter().map(|&(_, other)| other);
                    let tied = known.cut == cut && ties.clone().eq(self.strong(person).iter().copied());
                    if !same || !tied || known.strength != strength {
                        let row = if same { Vec::new() } else { fresh.clone() };
                        let strong = (!tied).then(|| (ties.collect(), cut));
                        found.push(Fresh { person, strength, strong, row });
                    }
                }
                found
            },
        )?;
        Ok(found.into_iter().flatten().collect())
    }

    /// The people themselves, and those who have one of them among their strong ties.
    fn with_partners(&self, work: &Work<'_>, themselves: &[u32], of: &[u32]) -> Vec<u32> {
        let mut people = themselves.to_vec();
        let mut surroundings = Surroundings::new(work.live, &self.weights, View::Now);
        for &person in of {
            if self.people[person as usize].cut {
                // Ties are mutual, but those that were left out stand in the other's row only.
                surroundings.find(person);
                people.extend(surroundings.partners.iter().map(|partner| partner.person));
            } else {
                people.extend_from_slice(self.strong(person));
            }
        }
        unique(&mut people, work.numbers);
        people
    }

    /// A figure of each of some people.
    fn figures(work: &Work<'_>, people: &[u32], figure: impl Fn(u32) -> u64 + Sync) -> Result<Vec<u64>> {
        let each = |(): &mut (), range: std::ops::Range<u32>| {
            let some = &people[range.start as usize..range.end as usize];
            some.iter().map(|&person| figure(person)).collect::<Vec<u64>>()
        };
        let parts = blocks(people.len(), work.threads, work.control, || (), each)?;
        Ok(parts.into_iter().flatten().collect())
    }

    /// Sets a feature, and notes who has another than before.
    fn set(&mut self, person: u32, at: usize, value: f32, changed: &mut Vec<u32>) {
        let place = &mut self.row_mut(person)[at];
        if place.to_bits() != value.to_bits() {
            *place = value;
            changed.push(person);
        }
    }

    fn count_triangles(&mut self, work: &Work<'_>, tied: &[u32], changed: &mut Vec<u32>) -> Result<()> {
        let people = self.with_partners(work, tied, tied);
        let closed = Self::figures(work, &people, |person| {
            triangles(self.strong(person), |other| self.strong(other))
        })?;
        for (person, count) in people.into_iter().zip(closed) {
            self.people[person as usize].triangles = count as u32;
            self.set(person, LATER[0], count as f32, changed);
        }
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
        let people = self.with_partners(work, tied, stronger);
        let means = Self::figures(work, &people, |person| {
            mean(self.strong(person), |other| self.people[other as usize].strength)
        })?;
        let mut others = Vec::new();
        for (person, value) in people.into_iter().zip(means) {
            if std::mem::replace(&mut self.people[person as usize].one_hop, value) != value {
                others.push(person);
            }
            self.set(person, LATER[1], in_units(value), changed);
        }
        Ok(others)
    }

    fn mean_of_means(
        &mut self,
        work: &Work<'_>,
        tied: &[u32],
        hops: &[u32],
        changed: &mut Vec<u32>,
    ) -> Result<()> {
        let people = self.with_partners(work, tied, hops);
        let means = Self::figures(work, &people, |person| {
            mean(self.strong(person), |other| self.people[other as usize].one_hop)
        })?;
        for (person, value) in people.into_iter().zip(means) {
            self.set(person, LATER[2], in_units(value), changed);
        }
        Ok(())
    }

    /// The features of some people, in their order.
    pub(in crate::link) fn egos(&self, people: &[u32]) -> Egos {
        let mut columns = vec![Vec::with_capacity(people.len()); self.width];
        for &person in people {
            columns.iter_mut().zip(self.row(person)).for_each(|(column, &value)| column.push(value));
        }
        let of = |person: &u32| self.people[*person as usize];
        Egos {
            columns,
            strength: people.iter().map(|person| of(person).strength).collect(),
            triangles: people.iter().map(|person| of(person).triangles).collect(),
        }
    }
}

/// What renewing needs.
struct Work<'a> {
    live: &'a Live,
    numbers: usize,
    threads: usize,
    control: &'a Control,
}
