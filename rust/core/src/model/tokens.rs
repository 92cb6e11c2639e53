//! Numbers out of text and bytes, with nothing taken on trust.
//!
//! In: a text and how many numbers it should hold. Out: exactly that many, each rounded correctly, or what is
//! wrong. Nothing is reserved by a count that a file claims: memory follows the text's own length.

use std::str::FromStr;

/// Shortens a text for an error.
pub(super) fn shown(text: &str) -> String {
    let short: String = text.chars().take(40).collect();
    if short.len() < text.len() { format!("`{short}...`") } else { format!("`{short}`") }
}

/// The first four bytes; zeros where there are fewer.
pub(super) fn four(bytes: &[u8]) -> [u8; 4] {
    bytes.first_chunk().copied().unwrap_or_default()
}

/// One number.
pub(super) fn number<T: FromStr>(text: &str, field: &str) -> Result<T, String> {
    text.parse().map_err(|_| format!("field `{field}` holds {}; a number is needed there", shown(text)))
}

/// A count or an index that must lie below `limit`.
pub(super) fn count(text: &str, field: &str, limit: usize) -> Result<usize, String> {
    match text.parse() {
        Ok(value) if value <= limit => Ok(value),
        _ => {
            Err(format!("field `{field}` holds {}; a number from 0 to {limit} is needed there", shown(text)))
        }
    }
}

/// Exactly `wanted` numbers, split by `separator`.
pub(super) fn numbers<T: FromStr>(
    text: &str,
    separator: char,
    wanted: usize,
    field: &str,
) -> Result<Vec<T>, String> {
    let mut found = Vec::new();
    for part in text.split(separator).map(str::trim).filter(|part| !part.is_empty()) {
        if found.len() == wanted {
            return Err(format!("field `{field}` holds more than the {wanted} numbers that it should"));
        }
        found.push(number(part, field)?);
    }
    if found.len() < wanted {
        return Err(format!("field `{field}` holds {} numbers; it should hold {wanted}", found.len()));
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_are_kept() {
        assert_eq!(numbers::<i32>("1 -2", ' ', 2, "a"), Ok(vec![1, -2]));
        assert!(numbers::<i32>("1 2 3", ' ', 2, "a").is_err_and(|text| text.contains("more than the 2")));
        assert!(numbers::<i32>("1", ' ', usize::MAX, "a").is_err());
        assert!(numbers::<i32>("1 x", ' ', 2, "a").is_err_and(|text| text.contains("`x`")));
        assert!(count("70", "b", 69).is_err());
    }
}
