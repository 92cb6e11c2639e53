//! Reading decision tables.
//!
//! In: a tactic that names a table, with the rows that were read of it. Out: a tactic whose rules are the rows.

use serde_json::Value;

use super::finding::Finding;
use super::policy::{Rule, Tactic};
use super::read::Reader;
use super::table::{self, HIT_POLICIES};

const TABLE_KEYS: [&str; 8] = ["id", "purpose", "owner", "table", "hit", "on_null", "mode", "rows"];
const ROW_KEYS: [&str; 4] = ["id", "action", "reason", "cells"];

impl Reader {
    /// A tactic whose rules are the rows of a table.
    pub(super) fn table(&mut self, told: &Value, path: &str, index: usize) -> Option<Tactic> {
        let told = self.object(told, path, "a tactic", &TABLE_KEYS)?;
        let id = self.id(told, path)?;
        let purpose = self.optional_text(told, path, "purpose");
        let owner = self.optional_text(told, path, "owner");
        let (on_null, shadow) = (self.on_null(told, path)?, self.mode(told, path));
        let name = told.get("hit").and_then(Value::as_str).unwrap_or_default();
        let Some((_, hit)) = HIT_POLICIES.iter().find(|(known, _)| *known == name) else {
            return self.refuse("value", &format!("{path}/hit"), "`hit` is unique, first or collect");
        };
        let rows = self.list(told, path, "rows")?;
        let first = self.rules.len();
        for (place, row) in rows.iter().enumerate() {
            let at = format!("{path}/table/{}", place + 1);
            self.subject = Some(format!("row {} of `{id}`", place + 1));
            let Some(row) = self.object(row, &at, "a row", &ROW_KEYS) else { continue };
            let Some(cells) = row.get("cells").and_then(Value::as_object) else {
                self.tell(Finding::error("structure", at, "`cells` is a mapping of columns to texts"));
                continue;
            };
            let cells = cells.iter().map(|(name, cell)| (name.as_str(), cell.as_str().unwrap_or_default()));
            let when = match table::condition(cells) {
                Ok(text) => self.parsed(&text, &at),
                Err(text) => self.refuse("table", &at, text),
            };
            let action = self.action(row, &at);
            let own =
                if row.contains_key("id") { self.id(row, &at) } else { Some(format!("{id}/{}", place + 1)) };
            let reason = self.reason(row, &at);
            let (Some(when), Some(action), Some(own)) = (when, action, own) else { continue };
            let reason = reason.map(|text| if text.is_empty() { own.clone() } else { text });
            let (owner, days) = (owner.clone(), (None, None));
            self.rules.push(Rule {
                id: own,
                tactic: index,
                when,
                action,
                reason,
                on_null,
                owner,
                shadow,
                days,
                path: at,
            });
        }
        self.subject = None;
        Some(Tactic { id, purpose, rules: first..self.rules.len(), table: Some(*hit), path: path.to_owned() })
    }
}
