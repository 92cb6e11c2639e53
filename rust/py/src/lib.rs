//! The extension module `creditcore._core`: borrow, gate, wrap.
//!
//! In come Arrow frames (by capsule) and paths, out go frozen objects. Nothing is computed here: each
//! function takes its arguments, runs the core behind the gate ([`gate`]) and wraps what comes back.

mod aggregate;
mod error;
mod expr;
mod feature;
mod gate;
mod groups;
mod link;
mod model;
mod parts;
mod portfolio;
mod record;
mod region;
mod score;
mod segment;
mod shards;
mod source;
mod table;
mod tactic;

use pyo3::prelude::*;

/// Decoding takes and gives back buffers of megabytes all the time; the system's allocator hands them back to
/// the kernel each time, and fresh pages cost more than what is decoded into them.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// The native core of creditcore.
#[pymodule]
mod _core {
    #[pymodule_export]
    use super::aggregate::{Aggregate, Ranking, aggregate, instruction_set};
    #[pymodule_export]
    use super::expr::evaluate;
    #[pymodule_export]
    use super::feature::{Applied, Schema};
    #[pymodule_export]
    use super::groups::{Detection, cut_of, suspicion};
    #[pymodule_export]
    use super::link::{Network, components, identifier_hashes};
    #[pymodule_export]
    use super::model::{Bins, Fleet, model_formats};
    #[pymodule_export]
    use super::parts::Parts;
    #[pymodule_export]
    use super::portfolio::{
        FolderLock, Found, Part, Replaced, State, check_files, fingerprint_halves, fingerprints, write_log,
    };
    #[pymodule_export]
    use super::region::Regions;
    #[pymodule_export]
    use super::score::{
        ScoreCounts, calibrate, check_blend, check_calibration, check_scaling, explain, fit_calibration,
        score, still_sums,
    };
    #[pymodule_export]
    use super::segment::SegmentFile;
    #[pymodule_export]
    use super::shards::{
        edge_totals, joined_keys, label_free_of, learned_rarities, learned_strength, network_of_shown,
        rings_of, shown, strong_ties, types_of,
    };
    #[pymodule_export]
    use super::source::Source;
    #[pymodule_export]
    use super::table::Table;
    #[pymodule_export]
    use super::tactic::{Policy, keyed_hashes, read_policy};

    #[pymodule_export]
    #[expect(non_upper_case_globals, reason = "the name that Python gives a version")]
    const __version__: &str = env!("CARGO_PKG_VERSION");
}
