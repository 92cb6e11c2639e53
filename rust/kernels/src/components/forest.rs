//! Disjoint sets of numbers, joined from many threads without a lock.
//!
//! In: pairs of numbers that belong together. Out: for each number the smallest of its set.

use std::sync::atomic::{AtomicU32, Ordering::Relaxed};

/// Disjoint sets; a number's parent is never greater than the number.
#[derive(Debug)]
pub struct Forest {
    parents: Vec<AtomicU32>,
}

impl Forest {
    /// Each of the numbers below `count` alone.
    pub fn new(count: u32) -> Self {
        Self { parents: (0..count).map(AtomicU32::new).collect() }
    }

    /// Joins the sets of two numbers.
    ///
    /// # Panics
    /// If a number is not below the count.
    #[inline]
    pub fn unite(&self, mut a: u32, mut b: u32) {
        loop {
            let (above_a, above_b) = (self.parent(a), self.parent(b));
            if above_a == above_b {
                return;
            }
            // The one with the greater parent is hung below the smaller parent, and its old parent goes on.
            let (low, above_low, above_high) =
                if above_a > above_b { (a, above_a, above_b) } else { (b, above_b, above_a) };
            let hung =
                self.parents[low as usize].compare_exchange(above_low, above_high, Relaxed, Relaxed).is_ok();
            if low == above_low {
                if hung {
                    return;
                }
            } else if above_a > above_b {
                a = above_a;
            } else {
                b = above_b;
            }
        }
    }

    #[inline(always)]
    fn parent(&self, number: u32) -> u32 {
        self.parents[number as usize].load(Relaxed)
    }

    /// Asks for the memory of a number that will be needed soon.
    #[inline(always)]
    pub(super) fn prefetch(&self, number: u32) {
        crate::prefetch(&self.parents, number as usize);
    }

    /// For each number the smallest of its set.
    pub fn roots(self) -> Vec<u32> {
        let mut roots: Vec<u32> = self.parents.into_iter().map(AtomicU32::into_inner).collect();
        // Parents are smaller than their children, so they are settled before them.
        for number in 0..roots.len() {
            roots[number] = roots[roots[number] as usize];
        }
        roots
    }
}
