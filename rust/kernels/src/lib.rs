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
pub mod mask;
pub mod moments;
pub mod pairs;
pub mod sliced;
pub mod table;
pub mod wide;
