//! Ranks of values among sorted keys.
//!
//! In: keys, and [`ROWS`] values. Out: how many keys each value exceeds, none for NaN. The portable form halves the keys;
//! the others go down a tree of nodes of eight keys and count in each, for a gather costs more than a comparison.

use super::form::Form;
use super::{Line, ROWS};

/// Values that are searched together, so that one need not wait for another's comparison.
const TOGETHER: usize = 8;
/// Keys of a node.
const FAN: usize = 8;

/// Sorted keys.
#[derive(Debug)]
#[cfg_attr(not(target_arch = "x86_64"), allow(dead_code, reason = "only x86-64 goes down trees"))]
pub(super) struct Keys {
    form: Form,
    /// The keys, filled up with infinity to one less than a power of two; for the portable form alone.
    sorted: Vec<f64>,
    /// The levels of the tree, the highest first. A node's keys are the last ones of its first eight children; the last
    /// level's are the keys themselves. Infinity stands where there are none.
    nodes: Vec<Line>,
    /// The first node of each level.
    levels: Vec<usize>,
}

impl Keys {
    /// Keys in increasing order.
    pub(super) fn new(form: Form, keys: &[f64]) -> Self {
        let (mut sorted, mut nodes, mut levels) = (Vec::new(), Vec::new(), Vec::new());
        if form == Form::Portable {
            sorted = keys.to_vec();
            sorted.resize((keys.len() + 1).next_power_of_two() - 1, f64::INFINITY);
            return Self { form, sorted, nodes, levels };
        }
        // The keys below one of a node, in the highest level: a value above all keys stays within the first node.
        let mut below = 1;
        while below * FAN <= keys.len() {
            below *= FAN;
        }
        while below > 0 {
            levels.push(nodes.len());
            for node in 0..=keys.len() / (below * FAN) {
                let key = |at: usize| keys.get((node * FAN + at + 1) * below - 1).copied();
                nodes.push(Line(std::array::from_fn(|at| key(at).unwrap_or(f64::INFINITY).to_bits())));
            }
            below /= FAN;
        }
        Self { form, sorted, nodes, levels }
    }

    /// Writes the rank of each value.
    pub(super) fn search(&self, values: &[f64; ROWS], ranks: &mut [u16; ROWS]) {
        match self.form {
            // SAFETY: a column is made for a form that is available.
            #[cfg(target_arch = "x86_64")]
            Form::Avx512 | Form::Vbmi => unsafe { self.descend_avx512(values, ranks) },
            // SAFETY: as above.
            #[cfg(target_arch = "x86_64")]
            Form::Avx2 => unsafe { self.descend_avx2(values, ranks) },
            _ => self.halve(values, ranks),
        }
    }

    /// The portable form.
    fn halve(&self, values: &[f64; ROWS], ranks: &mut [u16; ROWS]) {
        let half = self.sorted.len().div_ceil(2);
        for (values, ranks) in values.chunks_exact(TOGETHER).zip(ranks.chunks_exact_mut(TOGETHER)) {
            let mut found = [0usize; TOGETHER];
            let mut step = half;
            while step > 0 {
                for (found, value) in found.iter_mut().zip(values) {
                    // SAFETY: found is a multiple of 2 * step, and found + 2 * step <= sorted.len() + 1.
                    let key = unsafe { *self.sorted.get_unchecked(*found + step - 1) };
                    *found += if *value > key { step } else { 0 };
                }
                step /= 2;
            }
            ranks.iter_mut().zip(found).for_each(|(rank, found)| *rank = found as u16);
        }
    }

    /// Goes down the tree; `count` tells how many keys of a node a value exceeds.
    ///
    /// # Safety
    /// `count` gives at most as many as the node has keys that are not infinite, and the processor can run it.
    #[inline(always)]
    #[cfg_attr(not(target_arch = "x86_64"), allow(dead_code, reason = "only x86-64 goes down trees"))]
    unsafe fn descend(
        &self,
        values: &[f64; ROWS],
        ranks: &mut [u16; ROWS],
        count: impl Fn(*const Line, f64) -> usize,
    ) {
        for (values, ranks) in values.chunks_exact(TOGETHER).zip(ranks.chunks_exact_mut(TOGETHER)) {
            let mut found = [0usize; TOGETHER];
            for &level in &self.levels {
                // SAFETY: a node exceeded in `n` keys has a child `n`: levels have one node more than keys demand.
                let nodes = unsafe { self.nodes.as_ptr().add(level) };
                for (found, &value) in found.iter_mut().zip(values) {
                    // SAFETY: as above.
                    *found = *found * FAN + count(unsafe { nodes.add(*found) }, value);
                }
            }
            ranks.iter_mut().zip(found).for_each(|(rank, found)| *rank = found as u16);
        }
    }

    /// One comparison for each node.
    ///
    /// # Safety
    /// The processor has AVX-512.
    #[cfg(target_arch = "x86_64")]
    #[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,bmi2,popcnt")]
    unsafe fn descend_avx512(&self, values: &[f64; ROWS], ranks: &mut [u16; ROWS]) {
        use std::arch::x86_64::{_CMP_GT_OQ, _mm512_cmp_pd_mask, _mm512_load_pd, _mm512_set1_pd};
        let count = |node: *const Line, value: f64| {
            // SAFETY: a node is 64 bytes on a multiple of 64.
            let keys = unsafe { _mm512_load_pd(node.cast()) };
            _mm512_cmp_pd_mask::<_CMP_GT_OQ>(_mm512_set1_pd(value), keys).count_ones() as usize
        };
        // SAFETY: no value exceeds infinity.
        unsafe { self.descend(values, ranks, count) }
    }

    /// Two comparisons for each node.
    ///
    /// # Safety
    /// The processor has AVX2.
    #[cfg(target_arch = "x86_64")]
    #[target_feature(enable = "avx2,fma,bmi2,popcnt")]
    unsafe fn descend_avx2(&self, values: &[f64; ROWS], ranks: &mut [u16; ROWS]) {
        use std::arch::x86_64::{
            _CMP_GT_OQ, _mm256_cmp_pd, _mm256_load_pd, _mm256_movemask_pd, _mm256_set1_pd,
        };
        let count = |node: *const Line, value: f64| {
            let value = _mm256_set1_pd(value);
            // SAFETY: a node is two times 32 bytes on a multiple of 64.
            let halves = unsafe { [_mm256_load_pd(node.cast()), _mm256_load_pd(node.cast::<f64>().add(4))] };
            let above = halves.map(|keys| _mm256_movemask_pd(_mm256_cmp_pd::<_CMP_GT_OQ>(value, keys)));
            (above[0] | above[1] << 4).count_ones() as usize
        };
        // SAFETY: no value exceeds infinity.
        unsafe { self.descend(values, ranks, count) }
    }
}
