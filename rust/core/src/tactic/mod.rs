//! Tactics: rules over records.
//!
//! In: a policy (tactics of rules, each a condition with an action), and columns of features and scores. Out:
//! for each record a decision, the rules that hit, their reasons and effects, and what went wrong. A record is
//! decided alone (law 4). [`golden`] is the engine that every other one equals.

mod backtest;
mod check;
mod cover;
mod decided;
mod engine;
mod finding;
mod golden;
mod history;
mod keys;
mod kinds;
mod lists;
mod outcomes;
mod policy;
mod program;
mod range;
mod read;
mod records;
mod rows;
mod sense;
mod sql;
mod table;
mod tally;
mod trial;
mod zone;

#[cfg(test)]
mod tests;

pub use backtest::{AMOUNT_UNITS, Backtest, MOST_OVERLAPS, Outcomes, RuleCounts};
pub use check::Against;
pub use decided::{Decided, Hits, Language, schema};
pub use finding::{Finding, Level};
pub use golden::{Decision, Hit, Outcome, Trouble, Verdict, verdict};
pub use history::History;
pub use kinds::Kinds;
pub use outcomes::{Per, Words};
pub use policy::{Action, HitPolicy, OnNull, Policy, Rule, Tactic};
pub use read::{MOST_RULES, Read, read};
pub use records::Options;
pub use tally::Tally;
pub use trial::Trial;
pub use zone::Zone;
