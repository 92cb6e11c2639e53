//! What a policy says against the columns that it will meet, and against itself.
//!
//! In: a policy, the tests of its rules, columns with their types, a day. Out: findings, in the order of the
//! rules: unknown columns, types that do not fit, failing tests, days that are over.

use super::finding::Finding;
use super::policy::{Policy, Rule};
use super::sense::warnings;
use super::table;
use super::trial::Trial;
use crate::expr::Type;

/// What a policy is checked against.
#[derive(Clone, Debug, Default)]
pub struct Against {
    /// The columns and their types, `Null` for one of any type; none where they are not known.
    pub columns: Option<Vec<(String, Type)>>,
    /// The day, in days since 1970.
    pub day: Option<i32>,
}

impl Policy {
    /// The conditions that do not fit columns (`Null` for one of any type): unknown names, types.
    pub fn unfit(&self, columns: &[(String, Type)]) -> Vec<Finding> {
        let columns = columns.to_vec();
        let of = |rule: &Rule| {
            let error = rule.when.check_condition(&columns).err()?;
            let code = if error.to_string().contains("unknown column") { "unknown_column" } else { "types" };
            let found = Finding::of(code, format!("{}/when", rule.path), &error);
            Some(found.about(&format!("rule `{}`", rule.id)))
        };
        self.rules.iter().filter_map(of).collect()
    }

    /// Checks the policy.
    pub fn check(&self, trials: &[Trial], against: &Against) -> Vec<Finding> {
        let mut found: Vec<Finding> = trials.iter().filter_map(|trial| trial.run(self)).collect();
        found.extend(against.columns.iter().flat_map(|columns| self.unfit(columns)));
        for rule in &self.rules {
            let subject = format!("rule `{}`", rule.id);
            let at = |key: &str| format!("{}/{key}", rule.path);
            if let (Some(day), (_, Some(to))) = (against.day, rule.days)
                && to < day
            {
                let told = "its last day is over: the rule does nothing any more";
                found.push(Finding::warning("expired", at("to"), told).about(&subject));
            }
        }
        let mut kinds = self.kinds();
        for (name, kind) in against.columns.iter().flatten().filter(|(_, kind)| *kind != Type::Null) {
            kinds.insert(name.clone(), *kind);
        }
        found.extend(warnings(self, &kinds));
        found.extend(table::warnings(self, &kinds));
        // A table is told of where its first row stands.
        let place = |finding: &Finding| {
            self.rules
                .iter()
                .position(|rule| is_within(&finding.path, &rule.path) || is_within(&rule.path, &finding.path))
        };
        found.sort_by_key(place);
        found
    }
}

/// Whether a path of the file leads to what another leads to, or into it.
fn is_within(path: &str, outer: &str) -> bool {
    path.strip_prefix(outer).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}
