//! Rules as queries of other engines.
//!
//! In: a policy, a dialect, the types of columns as far as they are known. Out: for each rule the query of the
//! records that it hits when it is asked alone. What would be a fault here is null there.

use super::kinds::Kinds;
use super::policy::{OnNull, Policy};
use crate::expr::{Dialect, NanMode, Node, Printer, Type, check, quoted};

impl Policy {
    /// The query of every rule, by its id, over a table (written as the dialect wants it).
    ///
    /// Types that are not given are those that conditions ask for. Days, modes and the order of rules are not
    /// part of a query.
    pub fn to_sql(&self, dialect: Dialect, table: &str, types: &[(String, Type)]) -> Vec<(String, String)> {
        let mut kinds: Kinds = self.kinds();
        // An integer that is only asked for may be a double with NaN; one that is told is not. Those that are
        // told are widened, as they are here: engines overflow, and round, in the type of a column.
        let told: Vec<&str> = types.iter().map(|(name, _)| name.as_str()).collect();
        kinds.extend(types.iter().cloned());
        let column = |name: &str| {
            let plain = quoted(name, dialect);
            let wide = match kinds.get(name) {
                Some(Type::Double) => format!("CAST({plain} AS DOUBLE)"),
                Some(Type::Integer) if told.contains(&name) => return format!("CAST({plain} AS BIGINT)"),
                Some(Type::Integer) => plain.clone(),
                _ => return plain,
            };
            if self.nan == NanMode::Null {
                format!("(CASE WHEN isnan(CAST({plain} AS DOUBLE)) THEN NULL ELSE {wide} END)")
            } else {
                wide
            }
        };
        let columns: Vec<(String, Type)> = (self.columns().into_iter())
            .map(|name| (name.to_owned(), kinds.get(name).copied().unwrap_or(Type::Null)))
            .collect();
        let kind = |node: &Node| check(node, &columns).ok();
        let printer = Printer { dialect, column: &column, kind: &kind };
        let query = |rule: &super::policy::Rule| {
            let condition = printer.text(rule.when.root());
            let unknown = matches!(rule.on_null, OnNull::Hit | OnNull::Review);
            let unknown = if unknown { "TRUE" } else { "FALSE" };
            (rule.id.clone(), format!("SELECT * FROM {table} WHERE COALESCE({condition}, {unknown})"))
        };
        self.rules.iter().map(query).collect()
    }
}
