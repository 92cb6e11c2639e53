//! creditcore: the domain. What a record, a region, a sum and a rank mean.
//!
//! In come batches of columns (from files through `creditcore-store`, from frames through the Python
//! module), out go aggregates and rankings. This crate knows no Python, opens no file, reads no clock and
//! no environment variable, and holds no `unsafe`.
//!
//! Ground floor: [`error`], [`exec`], [`batch`], [`id`], [`expr`], [`region`]. Stages, each of which may use those
//! before it and never those after it: [`link`], [`feature`], [`model`], [`tactic`], [`score`], [`aggregate`],
//! [`rank`], [`refresh`].
#![forbid(unsafe_code)]

pub mod aggregate;
pub mod batch;
pub mod error;
pub mod exec;
pub mod expr;
pub mod feature;
pub mod id;
pub mod link;
pub mod model;
pub mod rank;
pub mod refresh;
pub mod region;
pub mod score;
pub mod tactic;

pub use error::{Error, Result};
