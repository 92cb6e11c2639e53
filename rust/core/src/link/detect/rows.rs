//! Rows of features that are kept, by the numbers of people.
//!
//! In: how wide a row is, how many numbers there are. Out: [`Rows`], and parts of them that different threads may
//! change, with whatever else is kept of each person. Rows stand in stretches, so that a new person moves none of
//! them; those of nobody are NaN, which no feature is.

use std::sync::Mutex;

use super::ego::BLOCK;
use crate::link::gathering::taken;

/// Rows of a stretch.
const STRETCH: usize = if cfg!(test) { 4 } else { 1 << 12 };

/// Rows of features.
#[derive(Clone, Debug)]
pub(super) struct Rows {
    width: usize,
    stretches: Vec<Vec<f32>>,
}

/// Some people, and the stretches in which they stand.
pub(super) struct Part<'a, T> {
    /// Where in the list the people begin.
    pub(super) start: usize,
    pub(super) some: &'a [u32],
    /// The first number of the stretches.
    first: u32,
    stretches: &'a mut [Vec<f32>],
    people: &'a mut [T],
    width: usize,
}

impl Rows {
    /// No rows yet, so wide.
    pub(super) fn new(width: usize) -> Self {
        Self { width, stretches: Vec::new() }
    }

    /// Makes rows for so many numbers.
    pub(super) fn grow(&mut self, numbers: usize) {
        self.stretches.resize_with(numbers.div_ceil(STRETCH), || vec![f32::NAN; STRETCH * self.width]);
    }

    pub(super) fn row(&self, person: u32) -> &[f32] {
        let (stretch, at) = (person as usize / STRETCH, person as usize % STRETCH);
        &self.stretches[stretch][at * self.width..][..self.width]
    }

    /// Forgets the row of someone who is gone.
    pub(super) fn forget(&mut self, person: u32) {
        let (stretch, at) = (person as usize / STRETCH, person as usize % STRETCH);
        self.stretches[stretch][at * self.width..][..self.width].fill(f32::NAN);
    }

    /// Cuts ascending people into parts that different threads may change.
    pub(super) fn parts<'a, T>(
        &'a mut self,
        people: &'a mut [T],
        some: &'a [u32],
    ) -> Vec<Mutex<Part<'a, T>>> {
        let width = self.width;
        let (mut rest, mut people) = (self.stretches.as_mut_slice(), people);
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
                stretches: taken(&mut rest, stretches),
                people: taken(&mut people, numbers),
                width,
            }));
            (start, first) = (start + count, last);
        }
        parts
    }
}

impl<T> Part<'_, T> {
    /// What is kept of a person, and its row.
    pub(super) fn person_and_row(&mut self, person: u32) -> (&mut T, &mut [f32]) {
        let at = (person - self.first) as usize;
        let row = &mut self.stretches[at / STRETCH][at % STRETCH * self.width..][..self.width];
        (&mut self.people[at], row)
    }
}
