//! Number kernels: exact sums, and the loops that feed them.
//!
//! In come plain slices, out go integers; nothing here knows what a record or a region is. Every kernel
//! is one readable loop, compiled once for each instruction set and chosen at run time ([`isa`]), and a
//! slow twin in its tests gives the same bits. This is the only crate with `unsafe`, each use with its
//! reason; standard library only.

pub mod components;
pub mod exact;
pub mod forest;
pub mod grid;
pub mod index;
pub mod isa;
pub mod logit;
pub mod mask;
pub mod moments;
pub mod pairs;
pub mod room;
pub mod sigmoid;
pub mod sliced;
pub mod table;
pub mod wide;

/// How much of a test is done: `all`, or so `few` where an interpreter watches every step (`make miri`).
#[cfg(test)]
pub(crate) const fn sized(all: usize, few: usize) -> usize {
    if cfg!(miri) { few } else { all }
}

/// Asks for the memory of an element that will be needed soon; one that is not there is nothing.
#[inline(always)]
pub fn prefetch<T>(values: &[T], at: usize) {
    #[cfg(target_arch = "x86_64")]
    if let Some(value) = values.get(at) {
        // SAFETY: prefetching reads nothing, and the address is that of an element.
        unsafe {
            use std::arch::x86_64::{_MM_HINT_T0, _mm_prefetch};
            _mm_prefetch::<_MM_HINT_T0>(std::ptr::from_ref(value).cast());
        }
    }
    let _ = (values, at);
}
