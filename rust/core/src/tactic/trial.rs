//! The tests that a rule brings along.
//!
//! In: `{given: {column: value}, hit: true}`. Out: whether the rule does what the test says, by the golden
//! evaluator. Columns that a test does not name are null.

use std::sync::Arc;

use arrow_array::{
    ArrayRef, BooleanArray, Date32Array, Float64Array, Int64Array, LargeStringArray, NullArray,
    TimestampMicrosecondArray,
};
use serde_json::Value;

use super::finding::Finding;
use super::golden::{Verdict, verdict};
use super::policy::Policy;
use crate::expr::{day, instant};

/// What a test expects of its rule.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Expected {
    Hit(bool),
    Error,
}

/// One test of a rule.
#[derive(Clone, Debug)]
pub struct Trial {
    /// The rule's position in the policy.
    pub rule: usize,
    /// Where it stands in the policy.
    pub path: String,
    given: Vec<(String, ArrayRef)>,
    expected: Expected,
}

impl Trial {
    /// Reads a test.
    ///
    /// # Errors
    /// A finding: no mapping, an unknown key, a value of no type.
    pub(super) fn read(told: &Value, rule: usize, path: String) -> Result<Self, Box<Finding>> {
        let at = path.clone();
        let refused = |text: String| Box::new(Finding::error("tests", at.clone(), text));
        let form = "a test is `{given: {column: value}, hit: true}`";
        let object = told.as_object().ok_or_else(|| refused(form.to_owned()))?;
        if let Some(key) = object.keys().find(|key| !["given", "hit"].contains(&key.as_str())) {
            return Err(refused(format!("unknown key `{key}`; {form}")));
        }
        let expected = match object.get("hit") {
            Some(Value::Bool(hit)) => Expected::Hit(*hit),
            Some(Value::String(text)) if text == "error" => Expected::Error,
            _ => return Err(refused(format!("`hit` is true, false or `error`; {form}"))),
        };
        let given = object.get("given").and_then(Value::as_object).ok_or_else(|| refused(form.to_owned()))?;
        let value = |(name, told): (&String, &Value)| -> Result<(String, ArrayRef), Box<Finding>> {
            let array = array(told).ok_or_else(|| {
                refused(format!("column `{name}` is {told}; give a number, a text, a truth, a date or null"))
            })?;
            Ok((name.clone(), array))
        };
        let given = given.iter().map(value).collect::<Result<Vec<_>, Box<Finding>>>()?;
        Ok(Self { rule, given, expected, path })
    }

    /// Runs the test; a finding where the rule does something else.
    pub fn run(&self, policy: &Policy) -> Option<Finding> {
        let rule = &policy.rules[self.rule];
        let failed = |text: String| {
            let found = Finding::error("tests", self.path.clone(), text);
            Some(found.about(&format!("rule `{}`", rule.id)))
        };
        let named = rule.when.columns();
        if let Some((name, _)) = self.given.iter().find(|(name, _)| !named.contains(&name.as_str())) {
            return failed(format!("the test gives `{name}`, which the condition does not name"));
        }
        let nothing: ArrayRef = Arc::new(NullArray::new(1));
        let columns: Vec<(&str, &ArrayRef)> = named
            .iter()
            .map(|name| {
                let given = self.given.iter().find(|(given, _)| given == name);
                (*name, given.map_or(&nothing, |(_, array)| array))
            })
            .collect();
        let found = match verdict(rule, &columns, policy.nan) {
            Ok(found) => found,
            Err(error) => return failed(format!("the test cannot be run: {error}")),
        };
        let Verdict { hit, errors, .. } = found;
        let met = match self.expected {
            Expected::Hit(expected) => hit == expected,
            Expected::Error => !errors.is_empty(),
        };
        if met {
            return None;
        }
        let does = match (hit, errors.first()) {
            (_, Some(error)) => format!("fails ({error})"),
            (true, None) => "hits".to_owned(),
            (false, None) => "does not hit".to_owned(),
        };
        let wanted = match self.expected {
            Expected::Hit(true) => "a hit",
            Expected::Hit(false) => "no hit",
            Expected::Error => "an error",
        };
        failed(format!("the test expects {wanted}, the rule {does}"))
    }
}

/// A value as a column of one row.
fn array(told: &Value) -> Option<ArrayRef> {
    Some(match told {
        Value::Null => Arc::new(NullArray::new(1)),
        Value::Bool(value) => Arc::new(BooleanArray::from(vec![*value])),
        Value::Number(number) => match number.as_i64() {
            Some(value) => Arc::new(Int64Array::from(vec![value])),
            None => Arc::new(Float64Array::from(vec![number.as_f64()?])),
        },
        Value::String(text) => Arc::new(LargeStringArray::from(vec![text.as_str()])),
        Value::Object(object) => {
            let text = |key: &str| object.get(key).and_then(Value::as_str);
            if let Some(text) = text("double") {
                Arc::new(Float64Array::from(vec![text.parse::<f64>().ok()?]))
            } else if let Some(text) = text("date") {
                Arc::new(Date32Array::from(vec![day(text)?]))
            } else {
                Arc::new(TimestampMicrosecondArray::from(vec![instant(text("timestamp")?)?]))
            }
        }
        Value::Array(_) => return None,
    })
}
