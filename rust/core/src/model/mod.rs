//! Models: features to raw outputs, exactly as the training library gives them.
//!
//! In: the bytes of model files, and frames. Out: a [`Fleet`] that predicts, names leaves and explains. A reader
//! ([`formats`]) turns a file into one form in memory ([`ensemble`]); an engine ([`engine`]) evaluates it. The
//! golden engine is kept for ever: every other one must equal it, and it equals the training library (law 3).

mod about;
mod applies;
mod binding;
mod bins;
mod catboost;
mod choice;
pub mod compiled;
pub mod engine;
pub mod ensemble;
mod extra;
mod fault;
mod fleet;
pub mod formats;
mod golden;
mod input;
mod json;
mod lightgbm;
mod link;
mod numbers;
mod outputs;
mod packed;
mod record;
mod shap;
mod sliced;
#[cfg(test)]
mod tests;
mod tokens;
mod tree;
mod ubj;
mod xgboost;

pub use about::{About, AboutFeature, probes};
pub use binding::{Binned, Columns, Rows};
pub use bins::Bins;
pub use choice::Reason;
pub use engine::Precision;
pub use ensemble::{Ensemble, Library};
pub use fleet::{Fleet, Model, declare_categories};
pub use formats::{FORMATS, Options, read};
pub use link::Link;
pub use outputs::{Column, Layout, Matrix, Output};
pub use record::Value;
