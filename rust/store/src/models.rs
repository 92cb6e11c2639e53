//! Model files.
//!
//! In: declarations of models with the paths of their files (gzip is told by its first bytes). Out: models, read.
//! Law kept: a file that is not understood as a whole is refused, with its name; a compressed one is unpacked no
//! further than the limit.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::Read;
use std::sync::{Arc, Mutex, PoisonError};

use creditcore::error::{Error, Place, Result};
use creditcore::exec::{Control, parallel};
use creditcore::expr::Expression;
use creditcore::model::{self, Columns, Model};
use serde::Deserialize;

use crate::text::GZIP_MAGIC;

/// Bytes that a model file may have, unpacked.
const MOST_BYTES: u64 = 1 << 30;
/// How many times its packed size a file may have unpacked; small ones may always reach [`SMALL_BYTES`].
const MOST_TIMES: u64 = 200;
const SMALL_BYTES: u64 = 1 << 24;

/// A model as it is declared.
#[derive(Clone, Debug, Default, Deserialize)]
pub struct Declared {
    /// Its name in the fleet.
    pub name: String,
    /// Its file.
    pub path: String,
    /// The columns of its features, in the file's order; by default the features' own names.
    pub names: Option<Vec<String>>,
    /// Columns that are called otherwise than their features.
    pub mapping: BTreeMap<String, String>,
    /// Takes the features by position where the file has no names for them.
    pub by_position: bool,
    /// Takes a model of an unknown objective, for its raw output.
    pub margin_only: bool,
    /// Keeps the trees up to the best round of an early stop alone.
    pub best_iteration: bool,
    /// The condition under which it applies.
    pub applies_to: Option<String>,
    /// Category values of features, in the order of their codes.
    pub categories: BTreeMap<String, Vec<String>>,
}

/// Reads models, on several threads.
///
/// # Errors
/// The first that cannot be read, by name.
pub fn load(declared: &[Declared], threads: usize, control: &Control) -> Result<Vec<Model>> {
    let found: Vec<Mutex<Option<Model>>> = declared.iter().map(|_| Mutex::new(None)).collect();
    parallel(
        threads,
        declared.len(),
        || Ok(()),
        |(), task| {
            control.check()?;
            let model = load_one(&declared[task])?;
            *found[task].lock().unwrap_or_else(PoisonError::into_inner) = Some(model);
            Ok(())
        },
    )?;
    let taken =
        found.into_iter().filter_map(|model| model.into_inner().unwrap_or_else(PoisonError::into_inner));
    Ok(taken.collect())
}

fn load_one(declared: &Declared) -> Result<Model> {
    let options =
        model::Options { margin_only: declared.margin_only, best_iteration: declared.best_iteration };
    let mut ensemble = model::read(&declared.path, &bytes(&declared.path)?, &options)?;
    let refused = |text: String| Error::model(Place::file(&*declared.path), text);
    model::declare_categories(&mut ensemble, &declared.categories).map_err(refused)?;
    let columns = if declared.names.is_none() && declared.by_position && !ensemble.real_names {
        Columns::Positions
    } else {
        let own = || ensemble.features.iter().map(|feature| feature.name.clone()).collect();
        let mut names = declared.names.clone().unwrap_or_else(own);
        for (feature, column) in &declared.mapping {
            let place = ensemble.features.iter().position(|known| known.name == *feature);
            let place = place.filter(|&place| place < names.len());
            let place =
                place.ok_or_else(|| refused(format!("`mapping` names `{feature}`, which is no feature")))?;
            names[place].clone_from(column);
        }
        Columns::Names(names)
    };
    let condition = |text: &String| {
        Expression::parse(text)
            .map_err(|error| refused(format!("model `{}`, `applies_to`: {error}", declared.name)))
    };
    let applies_to = declared.applies_to.as_ref().map(condition).transpose()?;
    Ok(Model { name: declared.name.clone(), ensemble: Arc::new(ensemble), columns, applies_to })
}

/// The bytes of a file, unpacked.
fn bytes(path: &str) -> Result<Vec<u8>> {
    let unreadable = |error: std::io::Error| crate::unreadable(path, &error);
    let mut bytes = Vec::new();
    File::open(path).map_err(unreadable)?.take(MOST_BYTES + 1).read_to_end(&mut bytes).map_err(unreadable)?;
    let mut most = MOST_BYTES;
    if bytes.starts_with(&GZIP_MAGIC) {
        let packed = std::mem::take(&mut bytes);
        most = most.min(SMALL_BYTES.max(packed.len() as u64 * MOST_TIMES));
        let unpacked = flate2::read::MultiGzDecoder::new(&*packed);
        unpacked.take(most + 1).read_to_end(&mut bytes).map_err(|error| {
            Error::format(Place::file(path), format!("the file cannot be unpacked: {error}; it is damaged"))
        })?;
    }
    if bytes.len() as u64 > most {
        let text = format!("the model has more than {most} bytes; larger ones of its kind are not read");
        return Err(Error::format(Place::file(path), text));
    }
    Ok(bytes)
}
