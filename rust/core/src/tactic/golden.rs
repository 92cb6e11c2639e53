//! The golden engine: one record after the other, one rule after the other.
//!
//! In: a policy and columns. Out: what each record's decision is, and why. Slow and readable; what every
//! faster engine must equal (law 4: a batch decision equals the same record decided alone).

use arrow_array::{Array, ArrayRef};

use super::policy::{Action, HitPolicy, OnNull, Policy, Rule};
use super::records::rule_fault;
use crate::error::Result;
use crate::expr::{Fault, NanMode};

/// A decision; the greater wins.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Decision {
    /// No rule asked for anything else.
    #[default]
    Pass,
    /// A person looks at it.
    Review,
    /// Rejected.
    Reject,
}

impl Decision {
    /// All, from the weakest.
    pub const ALL: [Self; 3] = [Self::Pass, Self::Review, Self::Reject];

    /// As it is told.
    pub fn name(self) -> &'static str {
        match self {
            Self::Pass => "pass",
            Self::Review => "review",
            Self::Reject => "reject",
        }
    }
}

/// What went wrong while a rule looked at a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trouble {
    /// A part of the condition failed.
    Failed(Fault),
    /// The condition is unknown, which the rule does not allow.
    Unknown,
    /// A second row of a table fits, which the table does not allow.
    Second,
}

impl Trouble {
    /// The text that stands in a record's errors.
    pub fn told(self, rule: &Rule) -> String {
        let id = &rule.id;
        match self {
            Self::Failed(Fault { span, failure, .. }) => {
                format!("rule `{id}`: line {}, column {}: {failure}", span.line, span.column)
            }
            Self::Unknown => format!("rule `{id}`: the condition is unknown"),
            Self::Second => format!("rule `{id}`: a second row of its table fits"),
        }
    }
}

/// A rule that hit, by its position in the policy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Hit(u32);

impl Hit {
    const UNKNOWN: u32 = 1 << 31;

    /// A hit of a rule; `unknown` where its condition is, and it asks for a person's look instead.
    pub fn new(rule: u32, unknown: bool) -> Self {
        Self(rule | if unknown { Self::UNKNOWN } else { 0 })
    }

    /// The rule's position.
    pub fn rule(self) -> usize {
        (self.0 & !Self::UNKNOWN) as usize
    }

    /// Whether its condition is unknown, and it asks for a person's look instead of its own action.
    pub fn is_unknown(self) -> bool {
        self.0 & Self::UNKNOWN != 0
    }

    /// What the rule does here.
    pub fn action(self, policy: &Policy) -> Action {
        if self.is_unknown() { Action::Review } else { policy.rules[self.rule()].action }
    }
}

/// What became of a record.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Outcome {
    /// The decision.
    pub decision: Decision,
    /// The live rules that hit, by position, in file order.
    pub hits: Vec<Hit>,
    /// The shadow rules that hit.
    pub shadow: Vec<Hit>,
    /// What went wrong, by rule.
    pub errors: Vec<(u32, Trouble)>,
}

/// What a rule says of one record.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Verdict {
    /// Whether the condition is true; none where it is unknown.
    pub truth: Option<bool>,
    /// Whether the rule hits.
    pub hit: bool,
    /// What went wrong, as a record's errors tell it.
    pub errors: Vec<String>,
    pub(super) troubles: Vec<Trouble>,
}

/// What a rule says of the only row of some columns.
///
/// # Errors
/// As [`crate::expr::Expression::holds`].
pub fn verdict(rule: &Rule, columns: &[(&str, &ArrayRef)], nan: NanMode) -> Result<Verdict> {
    let (values, faults) = rule.when.holds(columns, 1, nan)?;
    let truth = (!values.is_null(0)).then(|| values.value(0));
    let mut troubles: Vec<Trouble> = faults.into_iter().map(Trouble::Failed).collect();
    if truth.is_none() && rule.on_null == OnNull::Error {
        troubles.push(Trouble::Unknown);
    }
    let hit = truth.unwrap_or(matches!(rule.on_null, OnNull::Hit | OnNull::Review));
    let errors = troubles.iter().map(|trouble| trouble.told(rule)).collect();
    Ok(Verdict { truth, hit, errors, troubles })
}

impl Policy {
    /// Decides the only row of some columns, on a day.
    ///
    /// # Errors
    /// A column that is not there, or types that do not fit.
    pub fn decide_row(&self, columns: &[(&str, &ArrayRef)], day: Option<i32>) -> Result<Outcome> {
        let mut outcome = Outcome::default();
        'tactics: for tactic in &self.tactics {
            let mut fitting = false;
            for position in tactic.rules.clone() {
                let rule = &self.rules[position];
                if !rule.is_in_force(day) {
                    continue;
                }
                let said = verdict(rule, columns, self.nan).map_err(|error| rule_fault(&rule.id, error))?;
                let number = position as u32;
                outcome.errors.extend(said.troubles.iter().map(|trouble| (number, *trouble)));
                if !said.hit {
                    continue;
                }
                let hit = Hit::new(number, said.truth.is_none() && rule.on_null == OnNull::Review);
                if rule.shadow {
                    outcome.shadow.push(hit);
                    continue;
                }
                if fitting && tactic.table == Some(HitPolicy::Unique) {
                    outcome.errors.push((number, Trouble::Second));
                    continue;
                }
                fitting = true;
                outcome.hits.push(hit);
                match hit.action(self) {
                    Action::Reject => {
                        outcome.decision = Decision::Reject;
                        break 'tactics;
                    }
                    Action::Review => outcome.decision = outcome.decision.max(Decision::Review),
                    Action::Pass => break,
                    Action::Flag | Action::Score(_) | Action::Cap(_) => {}
                }
                if tactic.table == Some(HitPolicy::First) {
                    break;
                }
            }
        }
        Ok(outcome)
    }
}
