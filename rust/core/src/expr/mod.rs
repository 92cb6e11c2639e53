//! The language of conditions and values: SQL's expressions over the columns of one row.
//!
//! In: a text such as `x > 500 AND NOT (city IN ('a', 'b'))`, and Arrow columns. Out: an Arrow array, and
//! the faults of single rows. Three-valued logic, exact integers, no cast that is not written; what a NaN is
//! is said by [`NanMode`]. Derived columns, the rows that a model applies to, and rules use it.
//!
//! This is the golden evaluator: a faster one must give the same values and the same faults.

mod calendar;
mod cast;
mod check;
mod column;
mod compare;
mod compute;
mod convert;
mod dates;
mod evaluate;
mod list;
mod node;
mod parse;
mod print;
mod records;
mod text;

#[cfg(test)]
mod tests;

use std::collections::HashMap;
use std::sync::Arc;

use arrow_array::{Array, ArrayRef, BooleanArray, cast::AsArray};

pub use check::Columns;
pub(crate) use check::check;
pub use column::NanMode;
pub(crate) use column::{Column, midnight, plain, type_of};
pub(crate) use convert::{day, instant};
pub use evaluate::{Failure, Fault};
pub use list::{Lists, ValueList};
pub(crate) use node::{Comparison, Kind, Literal, Node, Test};
pub use node::{Span, Type};
pub use parse::{DEEPEST_NESTING, LONGEST_CHAIN, LONGEST_TEXT, MOST_OPERATORS};
pub use print::Dialect;
pub(crate) use print::{Printer, key, quoted};

pub use records::{RowFault, Truths, truths};

use crate::error::Result;

/// A parsed expression; immutable, and safe to use from many threads.
#[derive(Clone, Debug)]
pub struct Expression {
    text: Arc<str>,
    root: Arc<Node>,
    lists: Arc<Lists>,
}

/// What an expression gives for some rows.
#[derive(Clone, Debug)]
pub struct Outcome {
    /// One value for each row: Boolean, Int64, Float64, LargeUtf8, Date32, Timestamp or Null.
    pub values: ArrayRef,
    /// The rows whose value is null because something failed, by row and place.
    pub faults: Vec<Fault>,
}

impl Expression {
    /// Parses a text.
    ///
    /// # Errors
    /// `Tactic` with line, column and hint: no expression, an unknown function, or a text beyond the limits.
    pub fn parse(text: &str) -> Result<Self> {
        Ok(Self { text: Arc::from(text), root: Arc::new(parse::parse(text)?), lists: Arc::default() })
    }

    /// The same, with lists that it may name.
    #[must_use]
    pub fn with_lists(self, lists: Arc<Lists>) -> Self {
        Self { lists, ..self }
    }

    /// Whether every list that the expression names is there.
    ///
    /// # Errors
    /// `Tactic`: the first one that is not, and the nearest known name.
    pub fn require_lists(&self) -> Result<()> {
        check::require_lists(&self.root, &self.lists)
    }

    /// The text as it was written.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The tree.
    pub(crate) fn root(&self) -> &Node {
        &self.root
    }

    /// The columns that the expression names, each once, in the order of the text.
    pub fn columns(&self) -> Vec<&str> {
        let mut names = Vec::new();
        self.root.collect_columns(&mut names);
        names
    }

    /// Whether every column that the expression names is there.
    ///
    /// # Errors
    /// `Tactic`: the first one that is not, where it stands, and the nearest known name.
    pub fn require(&self, names: &[String]) -> Result<()> {
        check::require(&self.root, names)
    }

    /// A part of an expression for itself.
    pub(crate) fn part(&self, node: &Node) -> Self {
        Self { root: Arc::new(node.clone()), ..self.clone() }
    }

    /// The type of the values.
    ///
    /// # Errors
    /// `Tactic`: a column that is not there, or types that do not fit each other.
    pub fn check(&self, columns: &dyn Columns) -> Result<Type> {
        self.require_lists()?;
        check::check(&self.root, columns)
    }

    /// Like [`Self::check`], for a condition.
    ///
    /// # Errors
    /// As there, and for an expression that is not Boolean.
    pub fn check_condition(&self, columns: &dyn Columns) -> Result<()> {
        match self.check(columns)? {
            Type::Boolean | Type::Null => Ok(()),
            other => {
                let hint = "a condition compares: `x > 5`, `s = 'a'`, `b`".to_owned();
                Err(parse::fault(
                    self.root.span,
                    format!("the text gives `{other}`, not a truth"),
                    Some(hint),
                ))
            }
        }
    }

    /// Evaluates the expression over columns of equal length; those that it does not name are not read.
    ///
    /// # Errors
    /// `Tactic`: a column that is not there, or types that do not fit; `Schema`: a column of a type that the
    /// language cannot read, or with an integer beyond 64 signed bits.
    pub fn evaluate(&self, columns: &[(&str, &ArrayRef)], rows: usize, nan: NanMode) -> Result<Outcome> {
        let mut arrays = Vec::new();
        for name in self.columns() {
            if let Some((name, array)) = columns.iter().find(|(known, _)| *known == name) {
                arrays.push((*name, column::plain(name, array)?));
            }
        }
        self.check(&Named(columns))?;
        let inputs: HashMap<&str, _> =
            arrays.iter().map(|(name, array)| (*name, Arc::new(column::Column::read(array, nan)))).collect();
        let mut run = evaluate::Run { inputs, rows, nan, faults: Vec::new(), lists: &self.lists };
        let values = run.value(&self.root, &vec![true; rows]).to_arrow();
        let mut faults = run.faults;
        faults.sort_unstable();
        Ok(Outcome { values, faults })
    }

    /// Evaluates a condition: true, false, or null for unknown.
    ///
    /// # Errors
    /// As [`Self::evaluate`], and for an expression that is not Boolean.
    pub fn holds(
        &self,
        columns: &[(&str, &ArrayRef)],
        rows: usize,
        nan: NanMode,
    ) -> Result<(BooleanArray, Vec<Fault>)> {
        self.check_condition(&Named(columns))?;
        let Outcome { values, faults } = self.evaluate(columns, rows, nan)?;
        let holds = values.as_boolean_opt().cloned().unwrap_or_else(|| BooleanArray::new_null(values.len()));
        Ok((holds, faults))
    }
}

/// Arrays by name; a column of a type that the language cannot read is there, and fails when it is read.
struct Named<'a>(&'a [(&'a str, &'a ArrayRef)]);

impl Columns for Named<'_> {
    fn type_of(&self, name: &str) -> Option<Type> {
        let (_, array) = self.0.iter().find(|(known, _)| *known == name)?;
        column::type_of(array.data_type()).or(Some(Type::Null))
    }

    fn names(&self) -> Vec<&str> {
        self.0.iter().map(|(name, _)| *name).collect()
    }
}
