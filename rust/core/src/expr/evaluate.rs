//! The golden evaluator: slow, readable, exact. What every faster one must equal.
//!
//! In: a checked tree and columns. Out: the column of its values, and the faults of single rows. Parts are
//! read from left to right, and a part that cannot change a row's result is not evaluated for that row:
//! the right side of AND where the left is false, the branches of CASE that are not taken, what follows
//! the first value in COALESCE. So `n <> 0 AND x / n > 2` divides by no zero. A fault (division by zero, an
//! overflow, a cast that fails) makes the value null in its row and is recorded (law 4: rows are alone).

use std::borrow::Cow;
use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;

use super::cast::cast;
use super::check::unified;
use super::column::{Column, NanMode};
use super::compare::{between, compare, in_list, like, same};
use super::compute::{arithmetic, extreme, join, negate, numeric, power, round};
use super::dates::{self, Unit};
use super::list::{Lists, listed};
use super::node::{Function, Kind, Literal, Node, Span, Test, Type};
use super::text;

/// What went wrong in one row.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Failure {
    /// A division, or a modulo, by zero.
    DivisionByZero,
    /// An integer, a day or a cast beyond its range.
    Overflow,
    /// A function at a place where it has no value, such as the root of -1.
    NoValue,
    /// Text that is not what it is cast to.
    BadCast,
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::DivisionByZero => "division by zero",
            Self::Overflow => "the value is beyond the range of its type",
            Self::NoValue => "the function has no value there",
            Self::BadCast => "the text cannot be cast",
        })
    }
}

/// A fault of one row: the value there is null.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Fault {
    /// The row, from 0.
    pub row: usize,
    /// Where in the text.
    pub span: Span,
    /// What.
    pub failure: Failure,
}

/// The values of columns by name, and what has happened so far.
pub(crate) struct Run<'a> {
    pub(crate) inputs: HashMap<&'a str, Arc<Column<'a>>>,
    pub(crate) rows: usize,
    pub(crate) nan: NanMode,
    pub(crate) faults: Vec<Fault>,
    pub(crate) lists: &'a Lists,
}

/// Collects the faults of the rows that a value is asked for.
pub(crate) struct Faults<'r> {
    active: &'r [bool],
    span: Span,
    list: &'r mut Vec<Fault>,
}

impl Faults<'_> {
    /// Records a fault, and gives the null that stands for the value.
    pub(crate) fn null<T>(&mut self, row: usize, failure: Failure) -> Option<T> {
        if self.active[row] {
            self.list.push(Fault { row, span: self.span, failure });
        }
        None
    }

    /// A value, or a fault and null.
    pub(crate) fn keep<T>(&mut self, row: usize, value: Option<T>, failure: Failure) -> Option<T> {
        if value.is_some() { value } else { self.null(row, failure) }
    }
}

impl<'a> Run<'a> {
    /// The values of a part, of which only those in `active` rows are looked at.
    pub(crate) fn value(&mut self, node: &Node, active: &[bool]) -> Arc<Column<'a>> {
        let column = match &node.kind {
            Kind::Column(name) => {
                let known = self.inputs.get(name.as_str()).cloned();
                return known.unwrap_or_else(|| Arc::new(Column::Null(self.rows)));
            }
            Kind::Literal(literal) => self.literal(literal),
            Kind::Not(one) => not(&self.value(one, active)),
            Kind::All(parts) => self.logic(parts, active, false),
            Kind::Any(parts) => self.logic(parts, active, true),
            Kind::Compare(comparison, left, right) => {
                let (left, right) = (self.value(left, active), self.value(right, active));
                compare(*comparison, &left, &right)
            }
            Kind::Between { value, low, high, negated } => {
                let value = self.value(value, active);
                let (low, high) = (self.value(low, active), self.value(high, active));
                between(&value, &low, &high, *negated)
            }
            Kind::In { value, list, negated } => {
                let value = self.value(value, active);
                let list: Vec<_> = list.iter().map(|part| self.item(part, active)).collect();
                in_list(&value, &list, *negated)
            }
            Kind::Like { value, pattern, escape, negated } => {
                let (value, pattern) = (self.value(value, active), self.value(pattern, active));
                like(&value, &pattern, *escape, *negated)
            }
            Kind::Is { value, test, negated } => is(&self.value(value, active), *test, *negated),
            Kind::Case { operand, arms, otherwise } => {
                self.case(operand.as_deref(), arms, otherwise.as_deref(), active)
            }
            Kind::Negate(one) => {
                let value = self.value(one, active);
                negate(&value, &mut self.faults_of(node, active))
            }
            Kind::Arithmetic(operator, left, right) => {
                let (left, right) = (self.value(left, active), self.value(right, active));
                let nan = self.nan;
                arithmetic(*operator, &left, &right, nan, &mut self.faults_of(node, active))
            }
            Kind::Join(left, right) => join(&self.value(left, active), &self.value(right, active)),
            Kind::Cast(one, target) => {
                let value = self.value(one, active);
                let nan = self.nan;
                cast(&value, *target, nan, &mut self.faults_of(node, active))
            }
            Kind::Call(function, parts) => self.call(node, *function, parts, active),
        };
        Arc::new(column)
    }

    fn faults_of<'r>(&'r mut self, node: &Node, active: &'r [bool]) -> Faults<'r> {
        Faults { active, span: node.span, list: &mut self.faults }
    }

    /// One element of a list: a literal stands once, whatever the number of rows.
    fn item(&mut self, node: &Node, active: &[bool]) -> Arc<Column<'a>> {
        match &node.kind {
            Kind::Literal(literal) => {
                let rows = std::mem::replace(&mut self.rows, 1);
                let one = self.literal(literal);
                self.rows = rows;
                Arc::new(one)
            }
            _ => self.value(node, active),
        }
    }

    fn literal(&self, literal: &Literal) -> Column<'a> {
        let rows = self.rows;
        match literal {
            Literal::Null => Column::Null(rows),
            Literal::Boolean(value) => Column::Boolean(vec![Some(*value); rows]),
            Literal::Integer(value) => Column::Integer(vec![Some(*value); rows]),
            Literal::Double(value) => Column::Double(vec![Some(*value); rows]),
            Literal::Text(value) => Column::Text(vec![Some(Cow::Owned(value.clone())); rows]),
            Literal::Date(value) => Column::Date(vec![Some(*value); rows]),
            Literal::Timestamp(value) => Column::Timestamp(vec![Some(*value); rows]),
        }
    }

    /// AND (`decisive` false) or OR (`decisive` true): once a part is decisive, the rest is not looked at.
    fn logic(&mut self, parts: &[Node], active: &[bool], decisive: bool) -> Column<'a> {
        let mut open = active.to_vec();
        let mut result = vec![Some(!decisive); self.rows];
        for part in parts {
            let column = self.value(part, &open);
            for row in 0..self.rows {
                match boolean(&column, row) {
                    _ if !open[row] => {}
                    Some(value) if value == decisive => {
                        result[row] = Some(decisive);
                        open[row] = false;
                    }
                    Some(_) => {}
                    None => result[row] = None,
                }
            }
        }
        Column::Boolean(result)
    }

    fn case(
        &mut self,
        operand: Option<&Node>,
        arms: &[(Node, Node)],
        otherwise: Option<&Node>,
        active: &[bool],
    ) -> Column<'a> {
        let operand = operand.map(|operand| self.value(operand, active));
        let mut open = active.to_vec();
        let mut taken = Vec::with_capacity(arms.len() + 1);
        for (when, then) in arms {
            let asked = self.value(when, &open);
            let holds: Vec<bool> = (0..self.rows)
                .map(|row| {
                    open[row]
                        && match &operand {
                            Some(operand) => same(operand, &asked, row) == Some(true),
                            None => boolean(&asked, row) == Some(true),
                        }
                })
                .collect();
            open.iter_mut().zip(&holds).for_each(|(open, holds)| *open &= !holds);
            taken.push((self.value(then, &holds), holds));
        }
        if let Some(otherwise) = otherwise {
            taken.push((self.value(otherwise, &open), open));
        }
        self.merge(taken)
    }

    /// One column of several, each of which gives the rows that it is taken in.
    fn merge(&self, taken: Vec<(Arc<Column<'a>>, Vec<bool>)>) -> Column<'a> {
        let kind =
            taken.iter().fold(Type::Null, |kind, (column, _)| unified(kind, column.kind()).unwrap_or(kind));
        let mut result = Column::nulls(kind, self.rows);
        for (column, rows) in taken {
            let column = Arc::unwrap_or_clone(column).widened(kind);
            (0..self.rows).filter(|&row| rows[row]).for_each(|row| result.take(row, &column));
        }
        result
    }

    fn coalesce(&mut self, parts: &[Node], active: &[bool]) -> Column<'a> {
        let mut open = active.to_vec();
        let mut taken = Vec::with_capacity(parts.len());
        for part in parts {
            let column = self.value(part, &open);
            let there: Vec<bool> = (0..self.rows).map(|row| open[row] && !column.is_null(row)).collect();
            open.iter_mut().zip(&there).for_each(|(open, there)| *open &= !there);
            taken.push((column, there));
        }
        self.merge(taken)
    }

    fn call(&mut self, node: &Node, function: Function, parts: &[Node], active: &[bool]) -> Column<'a> {
        if function == Function::Coalesce {
            return self.coalesce(parts, active);
        }
        let values: Vec<Arc<Column<'a>>> = parts.iter().map(|part| self.value(part, active)).collect();
        let (nan, rows) = (self.nan, self.rows);
        let lists = self.lists;
        let mut faults = self.faults_of(node, active);
        match function {
            Function::Greatest => extreme(&values, true),
            Function::Least => extreme(&values, false),
            Function::NullIf => {
                let differs = (0..rows).map(|row| same(&values[0], &values[1], row) != Some(true)).collect();
                self.merge(vec![(values[0].clone(), differs)])
            }
            Function::Round => {
                let places = match parts.get(1).map(|part| &part.kind) {
                    Some(Kind::Literal(Literal::Integer(places))) => *places,
                    _ => 0,
                };
                round(&values[0], places, &mut faults)
            }
            Function::Power => power(&values[0], &values[1], nan, &mut faults),
            Function::Abs
            | Function::Ceil
            | Function::Floor
            | Function::Exp
            | Function::Ln
            | Function::Sqrt => numeric(function, &values[0], nan, &mut faults),
            Function::Length => text::length(&values[0]),
            Function::Substring => {
                text::substring(&values[0], &values[1], values.get(2).map(|count| &**count), &mut faults)
            }
            Function::InList => {
                let list = match parts.get(1).map(|part| &part.kind) {
                    Some(Kind::Literal(Literal::Text(name))) => lists.0.get(name),
                    _ => None,
                };
                listed(&values[0], list)
            }
            Function::DateDiff | Function::DateTrunc => match Unit::of(&parts[0]) {
                Some(unit) if function == Function::DateDiff => {
                    dates::difference(unit, &values[1], &values[2])
                }
                Some(unit) => dates::truncated(unit, &values[1]),
                None => Column::Null(rows),
            },
            Function::AddMonths => dates::months_later(&values[0], &values[1], &mut faults),
            Function::LastDay => dates::last_day(&values[0]),
            Function::Contains | Function::EndsWith | Function::StartsWith => {
                text::found(function, &values[0], &values[1])
            }
            Function::Replace => text::replaced(&values[0], &values[1], &values[2]),
            Function::Left | Function::Right => text::end(function, &values[0], &values[1], &mut faults),
            Function::Lower | Function::LTrim | Function::RTrim | Function::Trim | Function::Upper => {
                text::changed(function, &values[0])
            }
            _ => dates::part(function, &values[0]),
        }
    }
}

/// The Boolean of a row; null in a column of nulls.
pub(crate) fn boolean(column: &Column<'_>, row: usize) -> Option<bool> {
    if let Column::Boolean(values) = column { values[row] } else { None }
}

fn not<'a>(column: &Column<'_>) -> Column<'a> {
    Column::Boolean((0..column.len()).map(|row| boolean(column, row).map(|value| !value)).collect())
}

fn is<'a>(column: &Column<'_>, test: Test, negated: bool) -> Column<'a> {
    let holds = |row| match test {
        Test::Null => column.is_null(row),
        Test::True => boolean(column, row) == Some(true),
        Test::False => boolean(column, row) == Some(false),
    };
    Column::Boolean((0..column.len()).map(|row| Some(holds(row) != negated)).collect())
}
