//! What can go wrong, as one enum with one text each.
//!
//! The style of a text: lower case, names in backticks, the offending value, what is allowed, what to do.
//! A place (file and row) stands in front of it. The Python module maps every variant to an exception of
//! the same name in one place.

use std::fmt;

/// The result of everything in this crate that can fail.
pub type Result<T> = std::result::Result<T, Error>;

/// Where in a source something was found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Place {
    /// The file as the user named it, or a name such as `frame` for data in memory.
    pub source: Option<String>,
    /// The row, counted from 1, a header line not counted.
    pub row: Option<u64>,
}

impl Place {
    /// A place that is a whole file.
    pub fn file(source: impl Into<String>) -> Self {
        Self { source: Some(source.into()), row: None }
    }

    /// A row (counted from 1) of a file.
    pub fn row(source: impl Into<String>, row: u64) -> Self {
        Self { source: Some(source.into()), row: Some(row) }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (&self.source, self.row) {
            (Some(source), Some(row)) => write!(f, "`{source}`, row {row}: "),
            (Some(source), None) => write!(f, "`{source}`: "),
            (None, Some(row)) => write!(f, "row {row}: "),
            (None, None) => Ok(()),
        }
    }
}

/// Everything that this crate refuses or cannot do.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// A source cannot be read, or one of its values is refused.
    #[error("{place}{text}")]
    Source {
        /// Where.
        place: Place,
        /// What, and what to do.
        text: String,
    },
    /// A column is missing, doubled or of a type that its role does not allow.
    #[error("{place}{text}")]
    Schema {
        /// Where.
        place: Place,
        /// What, and what to do.
        text: String,
    },
    /// Bytes or a table that follow none of the known formats.
    #[error("{place}{text}")]
    Format {
        /// Where.
        place: Place,
        /// What, and what to do.
        text: String,
    },
    /// A model that cannot be used: it needs what is not supported.
    #[error("{place}{text}")]
    Model {
        /// Where.
        place: Place,
        /// What, and what to do.
        text: String,
    },
    /// An argument outside of what is allowed.
    #[error("{text}")]
    Argument {
        /// What, and what to do.
        text: String,
    },
    /// A condition or a value in the tactics language that cannot be read, or does not fit its columns.
    #[error("line {line}, column {column}: {text}{}", hint.as_ref().map(|hint| format!("; {hint}")).unwrap_or_default())]
    Tactic {
        /// The line of the text, from 1.
        line: u64,
        /// The character in that line, from 1.
        column: u64,
        /// What is wrong.
        text: String,
        /// What to write instead, where that is known.
        hint: Option<String>,
        /// The id of the rule, where it is one of a policy's; the text names it too.
        rule: Option<String>,
    },
    /// A portfolio's state that is damaged, locked or of another version.
    #[error("{place}{text}")]
    State {
        /// Which file.
        place: Place,
        /// What, and what to do.
        text: String,
    },
    /// The caller asked for the work to stop (Ctrl-C).
    #[error("cancelled")]
    Cancelled,
}

impl Error {
    /// A source that cannot be read, or a value in it that is refused.
    pub fn source(place: Place, text: impl Into<String>) -> Self {
        Self::Source { place, text: text.into() }
    }

    /// A fault of columns: names and types.
    pub fn schema(place: Place, text: impl Into<String>) -> Self {
        Self::Schema { place, text: text.into() }
    }

    /// A fault of bytes or of a table's content.
    pub fn format(place: Place, text: impl Into<String>) -> Self {
        Self::Format { place, text: text.into() }
    }

    /// A model that cannot be used.
    pub fn model(place: Place, text: impl Into<String>) -> Self {
        Self::Model { place, text: text.into() }
    }

    /// A fault of a portfolio's state.
    pub fn state(place: Place, text: impl Into<String>) -> Self {
        Self::State { place, text: text.into() }
    }

    /// A fault of an argument.
    pub fn argument(text: impl Into<String>) -> Self {
        Self::Argument { text: text.into() }
    }
}

/// Joins names for a text: `` `a`, `b` and 3 more ``.
pub fn list_names<'a>(names: impl IntoIterator<Item = &'a str>, most: usize) -> String {
    let all: Vec<&str> = names.into_iter().collect();
    let mut text = all.iter().take(most).map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ");
    if all.len() > most {
        text.push_str(&format!(" and {} more", all.len() - most));
    }
    text
}

/// The name of `known` that is nearest to `name`, when it is near enough to be a slip of the keys.
pub fn nearest<'a>(name: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let allowed = ((name.chars().count() + 1) / 3).min(3);
    known
        .into_iter()
        .map(|candidate| (edit_distance(name, candidate), candidate))
        .filter(|&(distance, _)| distance <= allowed)
        .min_by_key(|&(distance, _)| distance)
        .map(|(_, candidate)| candidate)
}

/// Levenshtein's distance, without regard to case.
fn edit_distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.to_lowercase().chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, ca) in a.to_lowercase().chars().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, cb) in b.iter().enumerate() {
            let substituted = diagonal + usize::from(ca != *cb);
            diagonal = row[j + 1];
            row[j + 1] = substituted.min(row[j] + 1).min(diagonal + 1);
        }
    }
    row[b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_starts_with_its_place() {
        let error = Error::source(Place::row("a.csv", 3), "column `x` holds `abc`");
        assert_eq!(error.to_string(), "`a.csv`, row 3: column `x` holds `abc`");
    }

    #[test]
    fn a_slip_of_the_keys_is_found_and_a_stranger_is_not() {
        assert_eq!(nearest("scroe", ["score", "weight"]), Some("score"));
        assert_eq!(nearest("entirely", ["score", "weight"]), None);
    }

    #[test]
    fn long_lists_are_cut() {
        assert_eq!(list_names(["a", "b", "c"], 2), "`a`, `b` and 1 more");
    }
}
