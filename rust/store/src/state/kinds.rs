//! Kinds of records that are not averaged together.
//!
//! In: what a delta changes, all records. Out: nothing, or an error that names the kinds.

use std::collections::BTreeSet;

use arrow_array::cast::AsArray;
use arrow_array::{Array, RecordBatch};
use arrow_schema::DataType;
use creditcore::error::{Error, Place, Result};

use super::changes::{Changes, DEAD};
use super::layout::OneKind;
use super::portfolio::State;

impl State {
    /// Refuses records of another kind than those that are there, where kinds are not to be averaged together.
    pub(super) fn refuse_kinds<'a>(&self, changes: impl IntoIterator<Item = &'a Changes>) -> Result<()> {
        let Some(rule) = &self.layout.one_kind else { return Ok(()) };
        let mut came = BTreeSet::new();
        for one in changes {
            came.extend(kinds_of(&one.batch.slice(0, one.records), rule)?);
        }
        let mut all = came.clone();
        let mut live = self.table.rows().filter(|row| row & DEAD == 0);
        while !came.is_empty() && all.len() == came.len() {
            let rows: Vec<u32> = live.by_ref().take(64).collect();
            if rows.is_empty() {
                break;
            }
            all.extend(kinds_of(&self.rows.gather(&rows, None)?, rule)?);
        }
        if all.len() < 2 {
            return Ok(());
        }
        let names: Vec<String> = all.iter().map(|name| format!("`{name}`")).collect();
        let text = format!(
            "column `{}` holds several kinds ({}), which are not averaged together; name one in `[population] kind`, or \
             say `all` there",
            rule.column,
            names.join(", ")
        );
        Err(Error::schema(Place::default(), text))
    }
}

/// The kinds of some rows, of those that count.
fn kinds_of(batch: &RecordBatch, rule: &OneKind) -> Result<BTreeSet<String>> {
    let texts = |name: &str| {
        let column = batch.column_by_name(name);
        let cast = column.map(|column| arrow_cast::cast(column, &DataType::LargeUtf8)).transpose();
        cast.map_err(|error| Error::schema(Place::default(), format!("column `{name}`: {error}")))
    };
    let Some(kinds) = texts(&rule.column)? else { return Ok(BTreeSet::new()) };
    let among = rule.among.as_ref().map(|(name, value)| Ok((texts(name)?, value))).transpose()?;
    let counts = |row: usize| match &among {
        Some((Some(column), value)) => {
            let column = column.as_string::<i64>();
            column.is_valid(row) && column.value(row) == value.as_str()
        }
        _ => true,
    };
    let kinds = kinds.as_string::<i64>();
    let mut found: BTreeSet<String> = BTreeSet::new();
    for row in (0..kinds.len()).filter(|&row| kinds.is_valid(row) && counts(row)) {
        if !found.contains(kinds.value(row)) {
            found.insert(kinds.value(row).to_owned());
        }
    }
    Ok(found)
}
