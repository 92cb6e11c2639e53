//! Features of each person's surroundings.
//!
//! In: [`Links`], [`Weights`], a [`View`]. Out: [`Egos`], a column for each feature. Threads take blocks of people, and
//! each row is computed by one thread from integers (law 2).

use std::sync::{Arc, Mutex, PoisonError};

use arrow_array::{ArrayRef, Float32Array};
use arrow_buffer::ScalarBuffer;

use super::surroundings::{Partner, Surroundings, View};
use super::weights::{UNIT, Weights};
use crate::Result;
use crate::exec::{Control, parallel};
use crate::link::gathering::taken;
use crate::link::{Links, Settings};

/// Of a person's strong ties so many are kept, the strongest.
const MOST_STRONG: usize = 64;
/// Features that belong to no type.
pub const COMMON_FEATURES: [&str; 7] =
    ["partners", "strength", "strength_static", "strength_max", "triangles", "one_hop", "two_hop"];
/// Features of each type.
pub const TYPE_FEATURES: [&str; 4] = ["partners", "degree", "strength", "share"];
/// People of a block.
pub(super) const BLOCK: usize = if cfg!(test) { 4 } else { 1 << 12 };

/// The features of all people.
#[derive(Clone, Debug, Default)]
pub struct Egos {
    /// Features, one column after the other, in the order of [`names`].
    pub columns: Vec<ScalarBuffer<f32>>,
    /// The faded strength of each person's ties, in units.
    pub strength: Vec<u64>,
    /// Triangles of strong ties.
    pub triangles: Vec<u32>,
}

impl Egos {
    /// The features as arrays; nothing is copied.
    pub fn arrays(&self) -> impl Iterator<Item = ArrayRef> + '_ {
        self.columns.iter().map(array)
    }
}

/// A feature as an array.
pub(in crate::link) fn array(column: &ScalarBuffer<f32>) -> ArrayRef {
    Arc::new(Float32Array::new(column.clone(), None))
}

/// The names of the features, for a network's types.
pub fn names(settings: &Settings) -> Vec<String> {
    let types = settings.types.iter();
    let typed = types.flat_map(|kind| TYPE_FEATURES.map(|feature| format!("{}_{feature}", kind.name)));
    COMMON_FEATURES.iter().map(|&name| name.to_owned()).chain(typed).collect()
}

/// How many features a network of so many types has.
pub(in crate::link) fn width(types: usize) -> usize {
    COMMON_FEATURES.len() + TYPE_FEATURES.len() * types
}

/// Where among the features triangles and hops stand, which [`row`] leaves open.
pub(super) const LATER: [usize; 3] = [4, 5, 6];

/// Computes the features of all people.
///
/// # Errors
/// Only a request to stop.
pub fn egos(
    links: &Links,
    weights: &Weights,
    view: View<'_>,
    threads: usize,
    control: &Control,
) -> Result<Egos> {
    let people = links.people();
    let width = width(links.settings().types.len());
    let mut columns: Vec<Vec<f32>> = (0..width).map(|_| vec![0.0; people]).collect();
    let mut strength = vec![0; people];
    let mut ties = Ties { rows: vec![0], partners: Vec::new() };
    {
        let places = cut(&mut columns, people);
        let mut rest = strength.as_mut_slice();
        let taken = |block: usize| Mutex::new(taken(&mut rest, BLOCK.min(people - block * BLOCK)));
        let strengths: Vec<_> = (0..places.len()).map(taken).collect();
        let found = blocks(
            people,
            threads,
            control,
            || (Surroundings::new(links, weights, view), Vec::new(), Vec::with_capacity(width)),
            |(surroundings, strong, own), range| {
                let block = range.start as usize / BLOCK;
                let mut columns = places[block].lock().unwrap_or_else(PoisonError::into_inner);
                let mut strength = strengths[block].lock().unwrap_or_else(PoisonError::into_inner);
                let (mut partners, mut ends) = (Vec::new(), Vec::with_capacity(range.len()));
                for (at, person) in range.enumerate() {
                    surroundings
                        .expect(|turns| Some(person + turns as u32).filter(|&next| (next as usize) < people));
                    surroundings.find(person);
                    own.clear();
                    strength[at] = row(surroundings, own);
                    columns.iter_mut().zip(own.iter()).for_each(|(column, &value)| column[at] = value);
                    strong_of(&surroundings.partners, weights.strong, strong);
                    partners.extend(strong.iter().map(|&(_, person)| person));
                    ends.push(partners.len() as u32);
                }
                (partners, ends)
            },
        )?;
        ties.rows.reserve_exact(people);
        ties.partners.reserve_exact(found.iter().map(|(partners, _)| partners.len()).sum());
        for (partners, ends) in found {
            let base = ties.partners.len() as u64;
            ties.rows.extend(ends.iter().map(|&end| base + u64::from(end)));
            ties.partners.extend(partners);
        }
    }
    let each = |figure: &(dyn Fn(u32) -> u64 + Sync)| each(people, threads, control, figure);
    let closed = each(&|person| triangles(ties.of(person), |other| ties.of(other)))?;
    let one_hop = each(&|person| mean(ties.of(person), |other| strength[other as usize]))?;
    let two_hop = each(&|person| mean(ties.of(person), |other| one_hop[other as usize]))?;
    columns[LATER[0]].iter_mut().zip(&closed).for_each(|(place, &count)| *place = count as f32);
    columns[LATER[1]].iter_mut().zip(&one_hop).for_each(|(place, &mean)| *place = in_units(mean));
    columns[LATER[2]].iter_mut().zip(&two_hop).for_each(|(place, &mean)| *place = in_units(mean));
    let triangles = closed.iter().map(|&count| count as u32).collect();
    Ok(Egos { columns: columns.into_iter().map(ScalarBuffer::from).collect(), strength, triangles })
}

/// Cuts columns into blocks of rows that different threads may write.
pub(super) fn cut(columns: &mut [Vec<f32>], rows: usize) -> Vec<Mutex<Vec<&mut [f32]>>> {
    let mut rest: Vec<&mut [f32]> = columns.iter_mut().map(Vec::as_mut_slice).collect();
    let mut block = |block: usize| {
        let rows = BLOCK.min(rows - block * BLOCK);
        Mutex::new(rest.iter_mut().map(|rest| taken(rest, rows)).collect())
    };
    (0..rows.div_ceil(BLOCK)).map(&mut block).collect()
}

/// A weight as a number.
pub(super) fn in_units(weight: u64) -> f32 {
    (weight as f64 / UNIT as f64) as f32
}

/// Appends the features of the person whose surroundings were found, and gives its faded strength.
pub(super) fn row<G>(found: &Surroundings<'_, G>, rows: &mut Vec<f32>) -> u64 {
    let (mut faded, mut fixed, mut greatest) = (0, 0, 0);
    for partner in &found.partners {
        faded += partner.faded;
        fixed += partner.weight;
        greatest = greatest.max(partner.faded);
    }
    rows.extend([found.partners.len() as f32, in_units(faded), in_units(fixed), in_units(greatest)]);
    rows.extend(LATER.map(|_| 0.0));
    for kind in 0..found.by_type.len() {
        let own = found.by_type[kind];
        let share = own as f64 / faded.max(1) as f64;
        let counts = [found.partners_by_type[kind] as f32, found.degrees[kind] as f32];
        rows.extend([counts[0], counts[1], in_units(own), share as f32]);
    }
    faded
}

/// The strong ties among all: weight and person, ascending by person; says whether some were left out.
pub(super) fn strong_of(partners: &[Partner], least: u64, strong: &mut Vec<(u64, u32)>) -> bool {
    strong.clear();
    let ties = partners.iter().filter(|partner| partner.faded >= least);
    strong.extend(ties.map(|partner| (partner.faded, partner.person)));
    // Of equal ties all are kept or none, so that no numbering matters.
    let cut = strong.len() > MOST_STRONG;
    if cut {
        strong.sort_unstable_by(|a, b| b.cmp(a));
        let bound = strong[MOST_STRONG].0;
        strong.retain(|&(weight, _)| weight > bound);
        strong.sort_unstable_by_key(|&(_, person)| person);
    }
    cut
}

/// The ties of some people.
#[derive(Clone, Debug, Default)]
pub struct StrongTies {
    /// The faded strength of each one's ties.
    pub strengths: Vec<f32>,
    /// Where each one's partners end.
    pub ends: Vec<u32>,
    /// Those with whom the tie is strong, as far as triangles are counted among them; each row ascending.
    pub partners: Vec<u32>,
}

/// The strengths and strong ties of some people, which need no more of a network than all who show an identifier
/// of theirs: triangles are counted where the rows of partners meet.
///
/// # Errors
/// Only a request to stop.
pub fn strong_ties(
    links: &Links,
    weights: &Weights,
    people: &[u32],
    control: &Control,
) -> Result<StrongTies> {
    let mut surroundings = Surroundings::new(links, weights, View::Now);
    let mut found = StrongTies::default();
    let mut strong = Vec::new();
    for (number, &person) in people.iter().enumerate() {
        if number % BLOCK == 0 {
            control.check()?;
        }
        surroundings.find(person);
        let strength = surroundings.partners.iter().map(|partner| partner.faded).sum();
        found.strengths.push(in_units(strength));
        strong_of(&surroundings.partners, weights.strong, &mut strong);
        found.partners.extend(strong.iter().map(|&(_, person)| person));
        found.ends.push(found.partners.len() as u32);
    }
    Ok(found)
}

/// Strong ties, in compressed rows; each row ascending.
struct Ties {
    rows: Vec<u64>,
    partners: Vec<u32>,
}

impl Ties {
    fn of(&self, person: u32) -> &[u32] {
        &self.partners[self.rows[person as usize] as usize..self.rows[person as usize + 1] as usize]
    }
}

/// Pairs of strong partners that are strong partners of one another.
pub(super) fn triangles<'a>(row: &'a [u32], of: impl Fn(u32) -> &'a [u32]) -> u64 {
    row.iter().map(|&partner| common(row, of(partner))).sum::<u64>() / 2
}

/// The mean of a figure over strong partners; 0 where there are none.
pub(super) fn mean(row: &[u32], figure: impl Fn(u32) -> u64) -> u64 {
    let sum: u128 = row.iter().map(|&partner| u128::from(figure(partner))).sum();
    (sum / row.len().max(1) as u128) as u64
}

/// How many numbers two ascending rows have in common.
fn common(one: &[u32], other: &[u32]) -> u64 {
    let (mut a, mut b, mut count) = (0, 0, 0);
    while a < one.len() && b < other.len() {
        let (left, right) = (one[a], other[b]);
        count += u64::from(left == right);
        a += usize::from(left <= right);
        b += usize::from(right <= left);
    }
    count
}

/// Runs a function over blocks of people, or of their places in a list, and gives the blocks' results in order.
pub(super) fn blocks<S: Send, T: Send>(
    people: usize,
    threads: usize,
    control: &Control,
    start: impl Fn() -> S + Sync,
    work: impl Fn(&mut S, std::ops::Range<u32>) -> T + Sync,
) -> Result<Vec<T>> {
    let states = parallel(
        threads,
        people.div_ceil(BLOCK),
        || Ok((start(), Vec::new())),
        |(state, done), task| {
            control.check()?;
            let range = (task * BLOCK) as u32..((task + 1) * BLOCK).min(people) as u32;
            done.push((task, work(state, range)));
            Ok(())
        },
    )?;
    let mut parts: Vec<(usize, T)> = states.into_iter().flat_map(|(_, done)| done).collect();
    parts.sort_by_key(|&(task, _)| task);
    Ok(parts.into_iter().map(|(_, part)| part).collect())
}

/// A figure of each person.
fn each(
    people: usize,
    threads: usize,
    control: &Control,
    figure: &(dyn Fn(u32) -> u64 + Sync),
) -> Result<Vec<u64>> {
    let parts = blocks(people, threads, control, || (), |(), range| range.map(figure).collect::<Vec<u64>>())?;
    Ok(parts.into_iter().flatten().collect())
}
