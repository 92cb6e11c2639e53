//! Which records a condition can hit at all, exactly.
//!
//! In: conditions that compare columns with literals. Out: where they are true, on a grid that stands for every
//! possible record: for each column each literal, what lies just beside it, the ends of its type, and null.
//! Between two neighbours of the grid no comparison changes, so what holds on it holds everywhere.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use arrow_array::{
    Array, ArrayRef, BooleanArray, Date32Array, Float64Array, Int64Array, LargeStringArray,
    TimestampMicrosecondArray,
};

use super::kinds::Kinds;
use super::policy::{OnNull, Rule};
use super::range::{column_of, double_key};
use crate::expr::{Expression, Kind, Literal, NanMode, Node, Type};

/// The most records of a grid.
const LARGEST_GRID: usize = 4_096;

/// The literals that each column is compared with.
pub(super) type Literals = BTreeMap<String, Vec<Literal>>;

/// The columns of a condition with their literals; none where a part of it is no comparison with literals.
pub(super) fn literals(when: &Expression) -> Option<Literals> {
    let mut found = Literals::new();
    walk(when.root(), &mut found).then_some(found)
}

fn walk(node: &Node, found: &mut Literals) -> bool {
    match &node.kind {
        Kind::Not(one) => walk(one, found),
        Kind::All(parts) | Kind::Any(parts) => parts.iter().all(|part| walk(part, found)),
        Kind::Literal(Literal::Boolean(_)) => true,
        _ => {
            let Some(name) = column_of(node) else { return false };
            let list = found.entry(name.to_owned()).or_default();
            list.extend(node.parts().into_iter().filter_map(|part| match &part.kind {
                Kind::Literal(literal) => Some(literal.clone()),
                _ => None,
            }));
            true
        }
    }
}

/// Records that stand for every possible one.
pub(super) struct Grid {
    columns: Vec<(String, ArrayRef)>,
    rows: usize,
}

impl Grid {
    /// The grid of some columns; none where it would be too large, or where the type of a column is not known.
    pub(super) fn new(literals: &Literals, kinds: &Kinds) -> Option<Self> {
        let values: Vec<(&String, ArrayRef)> = literals
            .iter()
            .map(|(name, list)| Some((name, values(*kinds.get(name)?, list)?)))
            .collect::<Option<_>>()?;
        let rows = values.iter().try_fold(1usize, |rows, (_, array)| rows.checked_mul(array.len()))?;
        if rows > LARGEST_GRID {
            return None;
        }
        let mut repeat = 1;
        let mut columns = Vec::new();
        for (name, array) in values {
            let places = (0..rows as u64).map(|row| row / repeat % array.len() as u64);
            let places = arrow_array::UInt64Array::from_iter_values(places);
            let column = arrow_select::take::take(&array, &places, None).ok()?;
            repeat *= array.len() as u64;
            columns.push((name.clone(), column));
        }
        Some(Self { columns, rows })
    }

    /// How many records there are.
    pub(super) fn rows(&self) -> usize {
        self.rows
    }

    /// Whether no value of a record is null.
    pub(super) fn is_known(&self, row: usize) -> bool {
        self.columns.iter().all(|(_, array)| array.is_valid(row))
    }

    /// A record as a person reads it.
    pub(super) fn told(&self, row: usize) -> String {
        let value = |(name, array): &(String, ArrayRef)| {
            let text = arrow_cast::display::array_value_to_string(array, row).unwrap_or_default();
            format!("`{name}` {text}")
        };
        self.columns.iter().map(value).collect::<Vec<_>>().join(", ")
    }

    /// Where a rule's condition is true, false and unknown.
    pub(super) fn truths(&self, rule: &Rule, nan: NanMode) -> Option<Vec<Option<bool>>> {
        let columns: Vec<(&str, &ArrayRef)> =
            self.columns.iter().map(|(name, array)| (name.as_str(), array)).collect();
        let (values, _) = rule.when.holds(&columns, self.rows, nan).ok()?;
        Some(values.iter().collect())
    }

    /// Where a rule hits.
    pub(super) fn hits(&self, rule: &Rule, nan: NanMode) -> Option<Vec<bool>> {
        let unknown = matches!(rule.on_null, OnNull::Hit | OnNull::Review);
        Some(self.truths(rule, nan)?.into_iter().map(|truth| truth.unwrap_or(unknown)).collect())
    }
}

/// The values of a column that stand for all.
fn values(kind: Type, literals: &[Literal]) -> Option<ArrayRef> {
    let beside = |value: i64| [value.saturating_sub(1), value, value.saturating_add(1)];
    let whole = |ends: [i64; 2], of: &dyn Fn(&Literal) -> Vec<i64>| {
        let list: BTreeSet<i64> = literals.iter().flat_map(of).flat_map(beside).chain(ends).collect();
        list.into_iter().filter(move |value| (ends[0]..=ends[1]).contains(value)).map(Some).chain([None])
    };
    Some(match kind {
        Type::Integer => {
            let of = |literal: &Literal| match literal {
                Literal::Integer(value) => vec![*value],
                Literal::Double(value) => vec![value.floor() as i64, value.ceil() as i64],
                _ => Vec::new(),
            };
            Arc::new(Int64Array::from_iter(whole([i64::MIN, i64::MAX], &of)))
        }
        Type::Double => doubles(literals),
        Type::Date => {
            let of = |literal: &Literal| match literal {
                Literal::Date(day) => vec![i64::from(*day)],
                _ => Vec::new(),
            };
            let days = whole([i32::MIN.into(), i32::MAX.into()], &of);
            Arc::new(Date32Array::from_iter(days.map(|day| day.map(|day| day as i32))))
        }
        Type::Timestamp => {
            let of = |literal: &Literal| match literal {
                Literal::Timestamp(instant) => vec![*instant],
                Literal::Date(day) => vec![crate::expr::midnight(*day)],
                _ => Vec::new(),
            };
            Arc::new(TimestampMicrosecondArray::from_iter(whole([i64::MIN, i64::MAX], &of)))
        }
        Type::Boolean => Arc::new(BooleanArray::from(vec![Some(true), Some(false), None])),
        Type::Text => {
            let mut list = BTreeSet::from([String::new()]);
            for literal in literals {
                if let Literal::Text(text) = literal {
                    // The least text above this one.
                    list.insert(format!("{text}\0"));
                    list.insert(text.clone());
                }
            }
            Arc::new(LargeStringArray::from_iter(list.into_iter().map(Some).chain([None])))
        }
        Type::Null => return None,
    })
}

fn doubles(literals: &[Literal]) -> ArrayRef {
    let mut list: Vec<f64> = vec![f64::NEG_INFINITY, f64::INFINITY];
    for literal in literals {
        let value = match literal {
            Literal::Double(value) => *value,
            Literal::Integer(value) => *value as f64,
            _ => continue,
        };
        list.extend([value.next_down(), value, value.next_up()]);
    }
    list.sort_by_key(|value| double_key(*value));
    list.dedup();
    Arc::new(Float64Array::from_iter(list.into_iter().map(Some).chain([None])))
}

/// The literals of two conditions together.
pub(super) fn together(one: &Literals, other: &Literals) -> Literals {
    let mut all = one.clone();
    for (name, list) in other {
        all.entry(name.clone()).or_default().extend(list.iter().cloned());
    }
    all
}
