//! The nouns: policy, tactic, rule.
//!
//! In: what the reader found in a file. Out: an immutable [`Policy`]. A rule is one condition with one action;
//! a tactic is an ordered set of rules with one purpose; a policy is the tactics in force.

use std::fmt;

use super::zone::Zone;
use crate::expr::{Expression, NanMode};

/// What a rule does where it hits.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Action {
    /// Rejects, and ends the run: no later rule of any tactic is looked at.
    Reject,
    /// Asks for a person's look.
    Review,
    /// Tells, and changes nothing.
    Flag,
    /// Ends its own tactic.
    Pass,
    /// Adds points.
    Score(f64),
    /// Lets a record have at most these points.
    Cap(f64),
}

impl Action {
    /// What the rule does to points, as `cc.score` reads it.
    pub fn effect(self) -> Option<String> {
        match self {
            Self::Score(points) => Some(format!("score {points}")),
            Self::Cap(points) => Some(format!("cap {points}")),
            _ => None,
        }
    }

    /// The word without its number.
    pub fn word(self) -> &'static str {
        match self {
            Self::Reject => "reject",
            Self::Review => "review",
            Self::Flag => "flag",
            Self::Pass => "pass",
            Self::Score(_) => "score",
            Self::Cap(_) => "cap",
        }
    }
}

impl fmt::Display for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Score(points) => write!(f, "score({points:+})"),
            Self::Cap(points) => write!(f, "cap({points})"),
            other => f.write_str(other.word()),
        }
    }
}

/// What a rule does where its condition is unknown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OnNull {
    /// Nothing.
    NoHit,
    /// What it does where the condition is true.
    Hit,
    /// It hits, and asks for a person's look instead of its own action.
    Review,
    /// It does not hit, and an error of the record says so.
    Error,
}

/// Names of what a rule does with nulls.
pub(super) const ON_NULL: [(&str, OnNull); 4] =
    [("no_hit", OnNull::NoHit), ("hit", OnNull::Hit), ("review", OnNull::Review), ("error", OnNull::Error)];

impl OnNull {
    /// As a policy writes it.
    pub fn name(self) -> &'static str {
        ON_NULL.iter().find(|(_, known)| *known == self).map_or("", |(name, _)| name)
    }
}

/// One condition with one action.
#[derive(Clone, Debug)]
pub struct Rule {
    /// Its name, which stays when it moves.
    pub id: String,
    /// The tactic that it stands in.
    pub tactic: usize,
    /// Where it hits.
    pub when: Expression,
    /// What it does there.
    pub action: Action,
    /// What to tell, in English and in Chinese; the id where nothing is told.
    pub reason: [String; 2],
    /// Where its condition is unknown.
    pub on_null: OnNull,
    /// Who answers for it.
    pub owner: Option<String>,
    /// Whether it is only watched.
    pub shadow: bool,
    /// The first and the last day on which it is in force, in days since 1970.
    pub days: (Option<i32>, Option<i32>),
    /// Where it stands in the policy.
    pub path: String,
}

impl Rule {
    /// Whether it is in force on a day.
    pub fn is_in_force(&self, day: Option<i32>) -> bool {
        let (from, to) = self.days;
        day.is_none_or(|day| from.is_none_or(|from| from <= day) && to.is_none_or(|to| day <= to))
    }
}

/// How the rows of a decision table hit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HitPolicy {
    /// At most one row fits a record; two are an error of the record.
    Unique,
    /// The first row that fits.
    First,
    /// Every row that fits.
    Collect,
}

/// An ordered set of rules with one purpose.
#[derive(Clone, Debug)]
pub struct Tactic {
    /// Its name.
    pub id: String,
    /// What it is for.
    pub purpose: Option<String>,
    /// Its rules among those of the policy.
    pub rules: std::ops::Range<usize>,
    /// How rules hit where the tactic is a table; none where all are looked at in order.
    pub table: Option<HitPolicy>,
    /// Where it stands in the policy.
    pub path: String,
}

/// The tactics in force; immutable.
#[derive(Clone, Debug)]
pub struct Policy {
    /// Its name.
    pub name: Option<String>,
    /// Its version.
    pub version: Option<String>,
    /// What a NaN is.
    pub nan: NanMode,
    /// The zone of the clock that days and hours are read from; without one UTC.
    pub zone: Option<Zone>,
    /// The tactics, in file order.
    pub tactics: Vec<Tactic>,
    /// The rules of all tactics, in file order.
    pub rules: Vec<Rule>,
}

impl Policy {
    /// The columns that rules name, each once, in file order.
    pub fn columns(&self) -> Vec<&str> {
        let mut seen = std::collections::HashSet::new();
        let named = self.rules.iter().flat_map(|rule| rule.when.columns());
        named.filter(|name| seen.insert(*name)).collect()
    }

    /// Whether a rule is in force on some days only.
    pub fn has_days(&self) -> bool {
        self.rules.iter().any(|rule| rule.days != (None, None))
    }
}
