//! Comparisons: of two columns row by row, with lists and with patterns.
//!
//! In: columns whose types fit. Out: Booleans, null where SQL says unknown. Integers and doubles are
//! compared as the numbers that they are, without rounding one to the other; text by code point; NaN, where
//! it is a value, equals itself and is greater than every number.

use std::cmp::Ordering;
use std::sync::Arc;

use super::column::{Column, midnight};
use super::node::Comparison;

/// The order of two doubles; -0.0 equals 0.0.
pub(crate) fn doubles(left: f64, right: f64) -> Ordering {
    left.partial_cmp(&right).unwrap_or_else(|| left.is_nan().cmp(&right.is_nan()))
}

/// The order of an integer and a double, exactly.
pub(crate) fn integer_and_double(left: i64, right: f64) -> Ordering {
    const BEYOND: f64 = 9_223_372_036_854_775_808.0;
    if right.is_nan() || right >= BEYOND {
        Ordering::Less
    } else if right < -BEYOND {
        Ordering::Greater
    } else {
        let whole = right.trunc();
        left.cmp(&(whole as i64)).then_with(|| doubles(whole, right))
    }
}

/// The order of two values; none where one is null.
pub(crate) fn order(left: &Column<'_>, a: usize, right: &Column<'_>, b: usize) -> Option<Ordering> {
    match (left, right) {
        (Column::Boolean(left), Column::Boolean(right)) => Some(left[a]?.cmp(&right[b]?)),
        (Column::Integer(left), Column::Integer(right)) => Some(left[a]?.cmp(&right[b]?)),
        (Column::Double(left), Column::Double(right)) => Some(doubles(left[a]?, right[b]?)),
        (Column::Integer(left), Column::Double(right)) => Some(integer_and_double(left[a]?, right[b]?)),
        (Column::Double(left), Column::Integer(right)) => {
            Some(integer_and_double(right[b]?, left[a]?).reverse())
        }
        (Column::Text(left), Column::Text(right)) => Some(left[a].as_ref()?.cmp(right[b].as_ref()?)),
        (Column::Date(left), Column::Date(right)) => Some(left[a]?.cmp(&right[b]?)),
        (Column::Timestamp(left), Column::Timestamp(right)) => Some(left[a]?.cmp(&right[b]?)),
        (Column::Date(left), Column::Timestamp(right)) => Some(midnight(left[a]?).cmp(&right[b]?)),
        (Column::Timestamp(left), Column::Date(right)) => Some(left[a]?.cmp(&midnight(right[b]?))),
        _ => None,
    }
}

/// Whether two values are equal; none where one is null.
pub(crate) fn same(left: &Column<'_>, right: &Column<'_>, row: usize) -> Option<bool> {
    order(left, row, right, row).map(Ordering::is_eq)
}

/// One comparison, for every row.
pub(crate) fn compare<'a>(comparison: Comparison, left: &Column<'_>, right: &Column<'_>) -> Column<'a> {
    let holds = |row: usize| {
        let order = order(left, row, right, row);
        match comparison {
            Comparison::Equal => order.map(Ordering::is_eq),
            Comparison::NotEqual => order.map(Ordering::is_ne),
            Comparison::Less => order.map(Ordering::is_lt),
            Comparison::LessOrEqual => order.map(Ordering::is_le),
            Comparison::Greater => order.map(Ordering::is_gt),
            Comparison::GreaterOrEqual => order.map(Ordering::is_ge),
            Comparison::Distinct | Comparison::NotDistinct => {
                let same = order.map_or(left.is_null(row) && right.is_null(row), Ordering::is_eq);
                Some(same == (comparison == Comparison::NotDistinct))
            }
        }
    };
    Column::Boolean((0..left.len()).map(holds).collect())
}

/// Three-valued AND.
fn and(left: Option<bool>, right: Option<bool>) -> Option<bool> {
    match (left, right) {
        (Some(false), _) | (_, Some(false)) => Some(false),
        (Some(true), Some(true)) => Some(true),
        _ => None,
    }
}

/// `low <= value AND value <= high`.
pub(crate) fn between<'a>(
    value: &Column<'_>,
    low: &Column<'_>,
    high: &Column<'_>,
    negated: bool,
) -> Column<'a> {
    let holds = |row| {
        let above = order(low, row, value, row).map(Ordering::is_le);
        let below = order(value, row, high, row).map(Ordering::is_le);
        and(above, below).map(|inside| inside != negated)
    };
    Column::Boolean((0..value.len()).map(holds).collect())
}

/// Whether a value equals one of a list, whose literals are columns of one row: unknown where it equals
/// none and the list has a null.
pub(crate) fn in_list<'a>(value: &Column<'_>, list: &[Arc<Column<'_>>], negated: bool) -> Column<'a> {
    let rows = value.len();
    let (mut literals, rest): (Vec<_>, Vec<_>) =
        list.iter().partition(|item| item.len() == 1 && item.kind() == value.kind());
    let has_null = literals.iter().any(|item| item.is_null(0));
    literals.retain(|item| !item.is_null(0));
    literals.sort_by(|a, b| order(a, 0, b, 0).unwrap_or(Ordering::Equal));
    let holds = |row: usize| {
        if value.is_null(row) && !list.is_empty() {
            return None;
        }
        let search = |item: &&Arc<Column<'_>>| order(item, 0, value, row).unwrap_or(Ordering::Equal);
        let mut result = if literals.binary_search_by(search).is_ok() {
            Some(true)
        } else if has_null {
            None
        } else {
            Some(false)
        };
        for item in &rest {
            let at = if item.len() == 1 { 0 } else { row };
            result = match (result, order(value, row, item, at).map(Ordering::is_eq)) {
                (Some(true), _) | (_, Some(true)) => Some(true),
                (None, _) | (_, None) => None,
                _ => Some(false),
            };
        }
        result.map(|found| found != negated)
    };
    Column::Boolean((0..rows).map(holds).collect())
}

/// LIKE: `%` is any text, `_` one character, and the escape takes the next sign as it is.
pub(crate) fn like<'a>(
    value: &Column<'_>,
    pattern: &Column<'_>,
    escape: Option<char>,
    negated: bool,
) -> Column<'a> {
    let (Column::Text(values), Column::Text(patterns)) = (value, pattern) else {
        return Column::Boolean(vec![None; value.len()]);
    };
    // Most patterns are one literal: it is read again only where it changes.
    let mut known: (&str, Vec<Sign>) = ("", Vec::new());
    let holds = values.iter().zip(patterns).map(|(value, pattern)| {
        let (value, pattern) = (value.as_deref()?, pattern.as_deref()?);
        if known.0 != pattern {
            known = (pattern, read_pattern(pattern, escape));
        }
        Some(match_signs(value, &known.1) != negated)
    });
    Column::Boolean(holds.collect())
}

/// A sign of a pattern.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Sign {
    Any,
    One,
    Exactly(char),
}

fn read_pattern(pattern: &str, escape: Option<char>) -> Vec<Sign> {
    let mut signs = Vec::new();
    let mut characters = pattern.chars();
    while let Some(character) = characters.next() {
        signs.push(match character {
            _ if Some(character) == escape => Sign::Exactly(characters.next().unwrap_or(character)),
            '%' => Sign::Any,
            '_' => Sign::One,
            other => Sign::Exactly(other),
        });
    }
    signs
}

/// Greedy with one way back, to the last `%`: no pattern takes more than length times length steps.
fn match_signs(text: &str, signs: &[Sign]) -> bool {
    let text: Vec<char> = text.chars().collect();
    let (mut at, mut sign) = (0, 0);
    let mut back: Option<(usize, usize)> = None;
    while at < text.len() {
        match signs.get(sign) {
            Some(Sign::Any) => {
                back = Some((at, sign + 1));
                sign += 1;
            }
            Some(Sign::One) => (at, sign) = (at + 1, sign + 1),
            Some(Sign::Exactly(wanted)) if *wanted == text[at] => (at, sign) = (at + 1, sign + 1),
            _ => match &mut back {
                Some((from, after)) => {
                    *from += 1;
                    (at, sign) = (*from, *after);
                }
                None => return false,
            },
        }
    }
    signs[sign..].iter().all(|sign| *sign == Sign::Any)
}
