//! Paths, glob patterns and folders to files, in one order.

use std::collections::HashSet;
use std::fs;
use std::path::Path;

use creditcore::error::Place;
use creditcore::{Error, Result};

/// The value of a partition whose key was null.
const HIVE_NULL: &str = "__HIVE_DEFAULT_PARTITION__";

/// A file, and the columns that its path stands for.
#[derive(Clone, Debug)]
pub(crate) struct Found {
    pub(crate) path: String,
    pub(crate) keys: Vec<(String, Option<String>)>,
}

/// Finds the files of paths, patterns and folders.
pub(crate) fn expand(paths: &[String]) -> Result<Vec<Found>> {
    let mut files = Vec::new();
    for path in paths {
        if Path::new(path).exists() {
            add(path, path, &mut files)?;
            continue;
        }
        let pattern = glob::glob(path).map_err(|error| Error::argument(format!("the pattern `{path}`: {error}")))?;
        let mut matches: Vec<String> =
            pattern.filter_map(|found| found.ok()).map(|found| found.to_string_lossy().into_owned()).collect();
        if matches.is_empty() {
            return Err(Error::source(Place::file(path), "there is no such file, and no file matches it as a pattern"));
        }
        matches.sort();
        matches.iter().try_for_each(|found| add(found, found, &mut files))?;
    }
    let mut seen = HashSet::new();
    if let Some(twice) = files.iter().find(|file| !seen.insert(file.path.clone())) {
        return Err(Error::source(Place::file(&twice.path), "the file is named twice; its rows would count twice"));
    }
    if files.is_empty() {
        return Err(Error::argument("no files were given; name at least one"));
    }
    Ok(files)
}

fn add(path: &str, root: &str, files: &mut Vec<Found>) -> Result<()> {
    let metadata = fs::metadata(path).map_err(|error| crate::unreadable(path, &error))?;
    if !metadata.is_dir() {
        files.push(Found { path: path.to_owned(), keys: keys_of(path, root) });
        return Ok(());
    }
    let before = files.len();
    let entries = fs::read_dir(path).map_err(|error| crate::unreadable(path, &error))?;
    let mut names = Vec::new();
    for entry in entries {
        let entry = entry.map_err(|error| crate::unreadable(path, &error))?;
        let name = entry.file_name().to_string_lossy().into_owned();
        // `_SUCCESS`, `.crc` and the like are no data.
        if !name.starts_with(['_', '.']) {
            names.push(entry.path().to_string_lossy().into_owned());
        }
    }
    names.sort();
    names.iter().try_for_each(|name| add(name, root, files))?;
    if files.len() == before && path == root {
        return Err(Error::source(Place::file(path), "the folder holds no data files"));
    }
    Ok(())
}

/// The `key=value` parts of a path below the folder that was named.
fn keys_of(path: &str, root: &str) -> Vec<(String, Option<String>)> {
    let below = Path::new(path).strip_prefix(root).unwrap_or(Path::new(""));
    let parts = below.parent().into_iter().flat_map(Path::components);
    let pairs = parts.filter_map(|part| {
        let (key, value) = part.as_os_str().to_str()?.split_once('=')?;
        Some((decode(key), (value != HIVE_NULL).then(|| decode(value))))
    });
    pairs.collect()
}

/// Undoes `%41` for `A`.
fn decode(text: &str) -> String {
    let bytes = text.as_bytes();
    let mut decoded = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while at < bytes.len() {
        let hex = text.get(at + 1..at + 3).filter(|_| bytes[at] == b'%');
        match hex.and_then(|hex| u8::from_str_radix(hex, 16).ok()) {
            Some(byte) => {
                decoded.push(byte);
                at += 3;
            }
            None => {
                decoded.push(bytes[at]);
                at += 1;
            }
        }
    }
    String::from_utf8_lossy(&decoded).into_owned()
}
