//! Paths, glob patterns and folders to files, in one order.
//!
//! In: what the user named. Out: files, sorted within each name, each once, with the columns that `key=value`
//! folders stand for. The same names give the same order on every machine (law 2).

use std::collections::HashSet;
use std::fs;
use std::path::{Path, PathBuf};

use creditcore::error::Place;
use creditcore::{Error, Result};
use glob::MatchOptions;

/// The value of a partition whose key was null.
const HIVE_NULL: &str = "__HIVE_DEFAULT_PARTITION__";

/// `*` matches within one folder, and no hidden files.
const MATCHING: MatchOptions =
    MatchOptions { case_sensitive: true, require_literal_separator: true, require_literal_leading_dot: true };

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
            add(path, true, &mut files)?;
            continue;
        }
        let matches = glob::glob_with(path, MATCHING).map_err(|error| {
            Error::argument(format!("the pattern `{path}` cannot be understood: {error}"))
        })?;
        let mut matches: Vec<String> = matches
            .map(|found| found.map(|path| path.to_string_lossy().into_owned()))
            .collect::<std::result::Result<_, _>>()
            .map_err(|error| crate::unreadable(&error.path().to_string_lossy(), error.error()))?;
        if matches.is_empty() {
            return Err(Error::source(
                Place::file(path),
                "there is no such file, and no file matches it as a pattern",
            ));
        }
        matches.sort();
        matches.iter().try_for_each(|found| add(found, true, &mut files))?;
    }
    // One file can be spelled in several ways (`a.csv`, `./a.csv`, a link).
    let mut seen = HashSet::new();
    let real = |file: &Found| fs::canonicalize(&file.path).unwrap_or_else(|_| PathBuf::from(&file.path));
    if let Some(twice) = files.iter().find(|file| !seen.insert(real(file))) {
        return Err(Error::source(
            Place::file(&twice.path),
            "the file is named twice; its rows would count twice",
        ));
    }
    if files.is_empty() {
        return Err(Error::argument("no files were given; name at least one"));
    }
    Ok(files)
}

/// Adds a file, or the files below a folder; one that the user `named` must hold some.
fn add(path: &str, named: bool, files: &mut Vec<Found>) -> Result<()> {
    let metadata = fs::metadata(path).map_err(|error| crate::unreadable(path, &error))?;
    if !metadata.is_dir() {
        files.push(Found { path: path.to_owned(), keys: keys_of(path) });
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
    names.iter().try_for_each(|name| add(name, false, files))?;
    if files.len() == before && named {
        return Err(Error::source(Place::file(path), "the folder holds no data files"));
    }
    Ok(())
}

/// The `key=value` folders of a path, however it was given: a folder, a pattern or one file.
fn keys_of(path: &str) -> Vec<(String, Option<String>)> {
    let parts = Path::new(path).parent().into_iter().flat_map(Path::components);
    let pairs = parts.filter_map(|part| {
        let (key, value) = part.as_os_str().to_str()?.split_once('=')?;
        let value = (value != HIVE_NULL).then(|| decode(value));
        (!key.is_empty()).then(|| (decode(key), value))
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
