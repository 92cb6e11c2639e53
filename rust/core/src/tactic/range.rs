//! Predicates as ranges of keys.
//!
//! In: a part of a condition that compares one column with literals, and the column's type. Out: ranges of
//! integer keys, whose order is that of the values; null where the column is null, so a range says all. Ranges
//! become tests of a block's keys. What has no such form is left to the golden evaluator.

use creditcore_kernels::isa::Isa;
use creditcore_kernels::mask::{Set, double_keys, single_keys};

use crate::expr::{self, Comparison, Kind, Literal, Node, Type, midnight};

/// Ranges of keys, ends included, ascending, apart.
pub(super) type Ranges = Vec<(i64, i64)>;

/// The most ranges of a predicate on many keys; more are left to the golden evaluator, which searches lists.
const MOST_RANGES: usize = 16;
/// The most keys that fit a byte.
const FEW_KEYS: usize = 256;

/// A predicate on one column.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Predicate {
    /// True where the key lies in one of these.
    Within(Ranges),
    /// True where the column is null.
    Null,
}

/// A predicate as it is asked of the keys of a block.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Test {
    /// True between two of the column's bounds, the first included, the second not; none is no end.
    Between(Vec<(Option<usize>, Option<usize>)>),
    /// True where the key is in the set; of columns with few keys.
    Among(Set),
    /// True where the column is null.
    Null,
}

/// A column as predicates see it.
#[derive(Clone, Debug, Default)]
pub(super) struct Space {
    /// The type of its values.
    pub(super) kind: Option<Type>,
    /// Of text: the literals that it is compared with, sorted. The key of a text is twice the number of
    /// literals below it, and one more where it equals the next.
    pub(super) texts: Vec<String>,
}

/// The key of a double.
pub(super) fn double_key(value: f64) -> i64 {
    let mut key = [0];
    double_keys(Isa::Scalar, &[value], &mut key);
    key[0]
}

/// The key of a 32-bit float.
pub(super) fn single_key(value: f32) -> i32 {
    let mut key = [0];
    single_keys(Isa::Scalar, &[value], &mut key);
    key[0]
}

impl Space {
    /// Whether every key fits a byte.
    pub(super) fn is_small(&self) -> bool {
        match self.kind {
            Some(Type::Boolean) => true,
            Some(Type::Text) => 2 * self.texts.len() < FEW_KEYS,
            _ => false,
        }
    }

    /// The bounds that predicates ask keys about, ascending, and the predicates as tests.
    pub(super) fn tests(&self, predicates: &[Predicate]) -> (Vec<i64>, Vec<Test>) {
        let ranges = predicates.iter().filter_map(|one| match one {
            Predicate::Within(ranges) if !self.is_small() => Some(ranges),
            _ => None,
        });
        let mut bounds: Vec<i64> = ranges.flatten().flat_map(|range| ends(*range)).flatten().collect();
        bounds.sort_unstable();
        bounds.dedup();
        let place = |bound: Option<i64>| bound.and_then(|bound| bounds.binary_search(&bound).ok());
        let tests = predicates.iter().map(|one| match one {
            Predicate::Null => Test::Null,
            Predicate::Within(ranges) if self.is_small() => {
                let mut set = Set::default();
                for key in 0..FEW_KEYS {
                    let number = key as i64;
                    let found = ranges.iter().any(|(low, high)| *low <= number && number <= *high);
                    set[key / 64] |= u64::from(found) << (key % 64);
                }
                Test::Among(set)
            }
            Predicate::Within(ranges) => {
                Test::Between(ranges.iter().map(|range| ends(*range).map(place).into()).collect())
            }
        });
        let tests = tests.collect();
        (bounds, tests)
    }

    /// The key of a text.
    pub(super) fn text_key(&self, text: &str) -> i32 {
        match self.texts.binary_search_by(|known| known.as_str().cmp(text)) {
            Ok(place) => 2 * place as i32 + 1,
            Err(place) => 2 * place as i32,
        }
    }

    /// The keys at most and at least: those of the greatest value that is not above a literal, and of the least
    /// that is not below it. Equal where the literal is a value of the column.
    fn keys(&self, literal: &Literal) -> Option<(i64, i64)> {
        let exactly = |key: i64| Some((key, key));
        match (self.kind?, literal) {
            (Type::Boolean, Literal::Boolean(value)) => exactly(i64::from(*value)),
            (Type::Integer, Literal::Integer(value)) => exactly(*value),
            (Type::Integer, Literal::Double(value)) if value.abs() < 9e18 => {
                Some((value.floor() as i64, value.ceil() as i64))
            }
            (Type::Double, Literal::Double(value)) => exactly(double_key(*value)),
            (Type::Double, Literal::Integer(value)) if value.unsigned_abs() <= 1 << 53 => {
                exactly(double_key(*value as f64))
            }
            (Type::Text, Literal::Text(text)) => exactly(i64::from(self.text_key(text))),
            (Type::Date, Literal::Date(day)) => exactly(i64::from(*day)),
            (Type::Timestamp, Literal::Timestamp(instant)) => exactly(*instant),
            (Type::Timestamp, Literal::Date(day)) => exactly(midnight(*day)),
            _ => None,
        }
    }

    /// The values that compare so with a literal.
    fn compared(&self, comparison: Comparison, literal: &Literal) -> Option<Ranges> {
        let (floor, ceiling) = self.keys(literal)?;
        let below = |key: i64| key.checked_sub(1).map(|key| (i64::MIN, key));
        let above = |key: i64| key.checked_add(1).map(|key| (key, i64::MAX));
        let ranges = match comparison {
            Comparison::Less => vec![below(ceiling)],
            Comparison::LessOrEqual => vec![Some((i64::MIN, floor))],
            Comparison::Greater => vec![above(floor)],
            Comparison::GreaterOrEqual => vec![Some((ceiling, i64::MAX))],
            Comparison::Equal if floor == ceiling => vec![Some((floor, floor))],
            Comparison::Equal => Vec::new(),
            Comparison::NotEqual if floor == ceiling => vec![below(floor), above(floor)],
            Comparison::NotEqual => vec![Some((i64::MIN, i64::MAX))],
            Comparison::Distinct | Comparison::NotDistinct => return None,
        };
        Some(ranges.into_iter().flatten().collect())
    }
}

/// The bounds of a range: keys are in it that are not below the first and below the second.
fn ends((low, high): (i64, i64)) -> [Option<i64>; 2] {
    [(low > i64::MIN).then_some(low), high.checked_add(1)]
}

/// The column that a part speaks of where it compares one with literals, and the part without its negation.
pub(super) fn column_of(node: &Node) -> Option<&str> {
    let literals = |parts: &[&Node]| parts.iter().all(|part| matches!(part.kind, Kind::Literal(_)));
    let column = match &node.kind {
        Kind::Column(name) => return Some(name),
        Kind::Compare(_, left, right) if literals(&[right]) => left,
        Kind::Compare(_, left, right) if literals(&[left]) => right,
        Kind::Between { value, low, high, .. } if literals(&[low, high]) => value,
        Kind::In { value, list, .. } if literals(&list.iter().collect::<Vec<_>>()) => value,
        Kind::Is { value, test: expr::Test::Null, .. } => value,
        _ => return None,
    };
    if let Kind::Column(name) = &column.kind { Some(name) } else { None }
}

/// The texts that a part compares its column with.
pub(super) fn texts_of(node: &Node) -> impl Iterator<Item = &str> {
    node.parts().into_iter().filter_map(|part| match &part.kind {
        Kind::Literal(Literal::Text(text)) => Some(text.as_str()),
        _ => None,
    })
}

/// The predicate of a part of which [`column_of`] named the column, and whether it is negated.
pub(super) fn predicate(node: &Node, space: &Space) -> Option<(Predicate, bool)> {
    let literal = |node: &Node| match &node.kind {
        Kind::Literal(literal) => Some(literal.clone()),
        _ => None,
    };
    let (ranges, negated) = match &node.kind {
        Kind::Column(_) if space.kind == Some(Type::Boolean) => (vec![(1, 1)], false),
        Kind::Compare(comparison, left, right) => match (literal(left), literal(right)) {
            (None, Some(literal)) => (space.compared(*comparison, &literal)?, false),
            (Some(literal), None) => (space.compared(turned(*comparison), &literal)?, false),
            _ => return None,
        },
        Kind::Between { low, high, negated, .. } => {
            let low = space.compared(Comparison::GreaterOrEqual, &literal(low)?)?;
            let high = space.compared(Comparison::LessOrEqual, &literal(high)?)?;
            (within(&low, &high), *negated)
        }
        Kind::In { list, negated, .. } => {
            let mut points = Ranges::new();
            for item in list {
                points.extend(space.compared(Comparison::Equal, &literal(item)?)?);
            }
            (merged(points), *negated)
        }
        Kind::Is { test: expr::Test::Null, negated, .. } => return Some((Predicate::Null, *negated)),
        _ => return None,
    };
    let most = if space.is_small() { FEW_KEYS } else { MOST_RANGES };
    (ranges.len() <= most).then_some((Predicate::Within(ranges), negated))
}

/// What a comparison is with its sides swapped.
fn turned(comparison: Comparison) -> Comparison {
    match comparison {
        Comparison::Less => Comparison::Greater,
        Comparison::LessOrEqual => Comparison::GreaterOrEqual,
        Comparison::Greater => Comparison::Less,
        Comparison::GreaterOrEqual => Comparison::LessOrEqual,
        other => other,
    }
}

/// The keys in both of two ranges.
fn within(low: &Ranges, high: &Ranges) -> Ranges {
    match (low.first(), high.first()) {
        (Some(low), Some(high)) if low.0 <= high.1 => vec![(low.0, high.1)],
        _ => Ranges::new(),
    }
}

/// Sorted, with neighbours joined.
fn merged(mut ranges: Ranges) -> Ranges {
    ranges.sort_unstable();
    let mut joined = Ranges::new();
    for (low, high) in ranges {
        match joined.last_mut() {
            Some(last) if low <= last.1.saturating_add(1) => last.1 = last.1.max(high),
            _ => joined.push((low, high)),
        }
    }
    joined
}
