//! Functions of text.
//!
//! In: columns of text. Out: text, and numbers of characters (code points). Blanks are the space separators
//! of Unicode, the ideographic space among them; case is Unicode's own.

use std::borrow::Cow;

use super::column::Column;
use super::compute::map;
use super::evaluate::{Failure, Faults};
use super::node::Function;

/// A blank: a space separator (category Zs).
fn is_blank(character: char) -> bool {
    let rare = matches!(character, '\u{2000}'..='\u{200a}' | '\u{202f}' | '\u{205f}' | '\u{3000}');
    matches!(character, ' ' | '\u{a0}' | '\u{1680}') || rare
}

/// UPPER, LOWER, TRIM, LTRIM, RTRIM.
pub(crate) fn changed<'a>(function: Function, value: &Column<'a>) -> Column<'a> {
    let Column::Text(values) = value else { return Column::Text(vec![None; value.len()]) };
    let change = |text: &Cow<'a, str>| -> Cow<'a, str> {
        match function {
            Function::Upper => Cow::Owned(text.to_uppercase()),
            Function::Lower => Cow::Owned(text.to_lowercase()),
            Function::LTrim => Cow::Owned(text.trim_start_matches(is_blank).to_owned()),
            Function::RTrim => Cow::Owned(text.trim_end_matches(is_blank).to_owned()),
            _ => Cow::Owned(text.trim_matches(is_blank).to_owned()),
        }
    };
    Column::Text(values.iter().map(|text| text.as_ref().map(change)).collect())
}

/// LENGTH, in characters.
pub(crate) fn length<'a>(value: &Column<'_>) -> Column<'a> {
    let Column::Text(values) = value else { return Column::Integer(vec![None; value.len()]) };
    let count = |text: &Option<Cow<'_, str>>| text.as_ref().map(|text| text.chars().count() as i64);
    Column::Integer(values.iter().map(count).collect())
}

/// SUBSTRING from a character, counted from 1, for so many; places before the first count, but hold nothing.
pub(crate) fn substring<'a>(
    value: &Column<'_>,
    from: &Column<'_>,
    count: Option<&Column<'_>>,
    faults: &mut Faults<'_>,
) -> Column<'a> {
    let (Column::Text(values), Column::Integer(from)) = (value, from) else {
        return Column::Text(vec![None; value.len()]);
    };
    let of = |row: usize, from: i64| {
        let text = values[row].as_ref()?;
        let end = match count {
            Some(Column::Integer(counts)) => match counts[row]? {
                count @ 0.. => from.saturating_add(count),
                _ => return faults.null(row, Failure::NoValue),
            },
            Some(_) => return None,
            None => i64::MAX,
        };
        let skipped = from.max(1) - 1;
        let taken = end.max(1) - 1 - skipped;
        let wide = |number: i64| usize::try_from(number).unwrap_or(if number < 0 { 0 } else { usize::MAX });
        Some(Cow::Owned(text.chars().skip(wide(skipped)).take(wide(taken)).collect()))
    };
    Column::Text(map(from, of))
}

/// CONTAINS, STARTS_WITH, ENDS_WITH.
pub(crate) fn found<'a>(function: Function, value: &Column<'_>, part: &Column<'_>) -> Column<'a> {
    let (Column::Text(values), Column::Text(parts)) = (value, part) else {
        return Column::Boolean(vec![None; value.len()]);
    };
    let holds = |(text, part): (&Option<Cow<'_, str>>, &Option<Cow<'_, str>>)| {
        let (text, part) = (text.as_deref()?, part.as_deref()?);
        Some(match function {
            Function::StartsWith => text.starts_with(part),
            Function::EndsWith => text.ends_with(part),
            _ => text.contains(part),
        })
    };
    Column::Boolean(values.iter().zip(parts).map(holds).collect())
}

/// REPLACE: every place of a text by another; an empty text has no place.
pub(crate) fn replaced<'a>(value: &Column<'_>, from: &Column<'_>, to: &Column<'_>) -> Column<'a> {
    let (Column::Text(values), Column::Text(from), Column::Text(to)) = (value, from, to) else {
        return Column::Text(vec![None; value.len()]);
    };
    let of = |row: usize| {
        let (text, from, to) = (values[row].as_deref()?, from[row].as_deref()?, to[row].as_deref()?);
        Some(Cow::Owned(if from.is_empty() { text.to_owned() } else { text.replace(from, to) }))
    };
    Column::Text((0..values.len()).map(of).collect())
}

/// LEFT and RIGHT: so many characters of one end.
pub(crate) fn end<'a>(
    function: Function,
    value: &Column<'_>,
    count: &Column<'_>,
    faults: &mut Faults<'_>,
) -> Column<'a> {
    let (Column::Text(values), Column::Integer(counts)) = (value, count) else {
        return Column::Text(vec![None; value.len()]);
    };
    let of = |row: usize, count: i64| {
        let text = values[row].as_deref()?;
        let Ok(count) = usize::try_from(count) else { return faults.null(row, Failure::NoValue) };
        let skipped = match function {
            Function::Left => 0,
            _ => text.chars().count().saturating_sub(count),
        };
        Some(Cow::Owned(text.chars().skip(skipped).take(count).collect()))
    };
    Column::Text(map(counts, of))
}
