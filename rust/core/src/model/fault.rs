//! Why a model was not read.
//!
//! In: what a reader found. Out: the error that names the file.

use crate::error::{Error, Place};

/// Why a model was not read.
pub(super) enum Fault {
    /// The file is damaged.
    Broken(String),
    /// The file is whole, but uses what is not supported.
    Unsupported(String),
}

impl From<String> for Fault {
    fn from(text: String) -> Self {
        Self::Broken(text)
    }
}

impl Fault {
    /// The error.
    pub(super) fn of(self, source: &str) -> Error {
        match self {
            Self::Broken(text) => Error::format(Place::file(source), text),
            Self::Unsupported(text) => Error::model(Place::file(source), text),
        }
    }
}
