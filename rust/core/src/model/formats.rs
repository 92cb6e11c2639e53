//! The formats of model files, as one list that can be read.
//!
//! In: the bytes of a file. Out: an [`Ensemble`]. A format is told by its first bytes, never by the file's name;
//! what is known and cannot be read is refused with the way to convert it.

use super::ensemble::Ensemble;
use super::{catboost, lightgbm, xgboost};
use crate::error::{Error, Place, Result};

/// Outputs that a model may have.
pub(super) const MOST_OUTPUTS: usize = 1 << 14;
/// Inputs that a model may have.
pub(super) const MOST_FEATURES: usize = 1 << 18;

/// How a model is read.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Options {
    /// Allows an objective that is unknown: the model then gives its raw output alone.
    pub margin_only: bool,
    /// Keeps the trees up to the best round of an early stop alone, where the file tells which it was.
    pub best_iteration: bool,
}

/// A format that can be read.
pub struct Format {
    /// What it is called.
    pub name: &'static str,
    /// Whether bytes begin like it.
    pub recognise: fn(&[u8]) -> bool,
    /// Reads it; the text is the file's name, for errors.
    pub read: fn(&str, &[u8], &Options) -> Result<Ensemble>,
}

/// Every format that can be read.
pub static FORMATS: [Format; 6] = [
    Format { name: "lightgbm text", recognise: lightgbm::recognise, read: lightgbm::read },
    Format { name: "catboost json", recognise: catboost::recognise_json, read: catboost::read_json },
    Format { name: "catboost cbm", recognise: catboost::recognise_binary, read: catboost::read_binary },
    Format { name: "xgboost json", recognise: xgboost::recognise, read: xgboost::read },
    Format { name: "xgboost ubj", recognise: xgboost::recognise_ubj, read: xgboost::read_ubj },
    Format { name: "xgboost binary", recognise: xgboost::recognise_binary, read: xgboost::read_binary },
];

/// A format that is known and refused.
struct Refused {
    recognise: fn(&[u8]) -> bool,
    what: &'static str,
    instead: &'static str,
}

const NEVER_PICKLES: &str = "loading a pickle runs what is in it, so none is ever loaded; from the program that \
                             made it save the booster itself: `model.booster_.save_model(\"model.txt\")` \
                             (LightGBM) or `model.get_booster().save_model(\"model.json\")` (XGBoost); a \
                             scikit-learn ensemble must be trained anew with one of these";

static REFUSED: [Refused; 5] = [
    Refused {
        recognise: |bytes| bytes.starts_with(b"CCFLEET\n"),
        what: "a compiled fleet",
        instead: "load it by itself, and put fleets together with `with_models`",
    },
    Refused {
        // Protocols 2 to 5 begin with 0x80; the older ones with an opcode and end with a full stop.
        recognise: |bytes| matches!(bytes, [0x80, 2..=5, ..]) || old_pickle(bytes),
        what: "a Python pickle",
        instead: NEVER_PICKLES,
    },
    Refused {
        recognise: |bytes| bytes.starts_with(b"\x78\x9c") || bytes.starts_with(b"\x78\x01"),
        what: "zlib-compressed, as joblib pickles are",
        instead: NEVER_PICKLES,
    },
    Refused {
        recognise: |bytes| {
            bytes.starts_with(b"\x08") && bytes.windows(4).take(256).any(|part| part == b"onnx")
        },
        what: "an ONNX model",
        instead: "give the model that it was made from",
    },
    Refused {
        recognise: |bytes| bytes.trim_ascii_start().starts_with(b"<"),
        what: "XML, perhaps PMML",
        instead: "give the model that it was made from",
    },
];

/// A pickle of protocol 0 or 1.
fn old_pickle(bytes: &[u8]) -> bool {
    let module = bytes.starts_with(b"ccopy_reg\n") || bytes.starts_with(b"(dp") || bytes.starts_with(b"(lp");
    module || (bytes.starts_with(b"c") && bytes.windows(8).take(64).any(|part| part == b"sklearn."))
}

/// Reads a model from the bytes of a file.
///
/// # Errors
/// `Format`: bytes of no known format, or of one that is refused, or damaged. `Model`: a model that uses what
/// is not supported. Every text names the file.
pub fn read(source: &str, bytes: &[u8], options: &Options) -> Result<Ensemble> {
    if let Some(format) = FORMATS.iter().find(|format| (format.recognise)(bytes)) {
        return (format.read)(source, bytes, options);
    }
    let place = Place::file(source);
    if let Some(refused) = REFUSED.iter().find(|refused| (refused.recognise)(bytes)) {
        return Err(Error::format(place, format!("this is {}; {}", refused.what, refused.instead)));
    }
    if bytes.trim_ascii().is_empty() {
        return Err(Error::format(place, "the file is empty"));
    }
    let known = FORMATS.iter().map(|format| format.name).collect::<Vec<_>>().join(", ");
    Err(Error::format(place, format!("the bytes are of no known format (known: {known})")))
}
