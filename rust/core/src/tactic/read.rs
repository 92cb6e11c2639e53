//! Reading a policy strictly, and telling everything that is wrong with it at once.
//!
//! In: the text of a policy as JSON (a file's YAML). Out: a [`Policy`] and the tests of its rules, or findings:
//! unknown keys, doubled ids, a missing `on_null`, conditions that cannot be read.

use std::collections::HashMap;
use std::sync::Arc;

use serde_json::{Map, Value};

use super::finding::Finding;
use super::policy::{Action, ON_NULL, Policy, Rule, Tactic};
use super::trial::Trial;
use crate::error::{Error, nearest};
use crate::expr::{Expression, Lists, NanMode, day};

const TOP_KEYS: [&str; 8] =
    ["name", "version", "description", "nan", "time_zone", "key_file", "lists", "tactics"];
const TACTIC_KEYS: [&str; 4] = ["id", "purpose", "owner", "rules"];
const RULE_KEYS: [&str; 11] =
    ["id", "when", "action", "reason", "on_null", "owner", "mode", "from", "to", "tests", "description"];
/// The most rules of a policy.
pub const MOST_RULES: usize = 100_000;
/// The most characters of an id.
const LONGEST_ID: usize = 200;

/// What was read: a policy where no finding is an error, and the tests of its rules.
#[derive(Clone, Debug, Default)]
pub struct Read {
    /// The policy; none where something is wrong with it.
    pub policy: Option<Policy>,
    /// The tests, with the positions of their rules.
    pub trials: Vec<Trial>,
    /// Everything that is wrong.
    pub findings: Vec<Finding>,
}

/// Reads a policy.
///
/// # Errors
/// `Argument`: text that is no JSON. Whatever is wrong with the policy itself is a finding.
pub fn read(text: &str, lists: Arc<Lists>) -> crate::Result<Read> {
    let told: Value = serde_json::from_str(text)
        .map_err(|error| Error::argument(format!("the policy is no JSON: {error}")))?;
    let mut reader = Reader { lists, ..Reader::default() };
    let policy = reader.policy(&told);
    let Reader { findings, mut trials, .. } = reader;
    let policy = policy.filter(|_| findings.is_empty());
    if policy.is_none() {
        trials.clear();
    }
    Ok(Read { policy, trials, findings })
}

/// Reads parts, and collects what is wrong with them.
#[derive(Default)]
pub(super) struct Reader {
    pub(super) findings: Vec<Finding>,
    pub(super) subject: Option<String>,
    pub(super) rules: Vec<Rule>,
    trials: Vec<Trial>,
    lists: Arc<Lists>,
    /// Where each id was first seen.
    ids: HashMap<String, String>,
}

impl Reader {
    pub(super) fn tell(&mut self, finding: Finding) {
        self.findings.push(match &self.subject {
            Some(subject) => finding.about(subject),
            None => finding,
        });
    }

    /// Tells an error, and gives the nothing that stands for the value.
    pub(super) fn refuse<T>(&mut self, code: &'static str, path: &str, text: impl Into<String>) -> Option<T> {
        self.tell(Finding::error(code, path, text));
        None
    }

    fn policy(&mut self, told: &Value) -> Option<Policy> {
        let top = self.object(told, "", "the policy", &TOP_KEYS)?;
        let nan = match top.get("nan") {
            None => NanMode::default(),
            Some(value) => match NanMode::named(value.as_str().unwrap_or_default()) {
                Ok(nan) => nan,
                Err(_) => {
                    return self.refuse("value", "/nan", format!("`nan` is {value}; it is `null` or `sql`"));
                }
            },
        };
        let name = self.optional_text(top, "", "name");
        let version = self.optional_text(top, "", "version");
        let zone = self.zone(top);
        let tactics = self.list(top, "", "tactics")?;
        let tactics: Vec<Tactic> =
            (tactics.iter().enumerate()).filter_map(|(index, told)| self.tactic(told, index)).collect();
        if self.rules.len() > MOST_RULES {
            let told = format!("the policy has {} rules; at most {MOST_RULES} are read", self.rules.len());
            return self.refuse("value", "/tactics", told);
        }
        Some(Policy { name, version, nan, zone, tactics, rules: std::mem::take(&mut self.rules) })
    }

    fn tactic(&mut self, told: &Value, index: usize) -> Option<Tactic> {
        let path = format!("/tactics/{index}");
        self.subject = Some(match told.get("id").and_then(Value::as_str) {
            Some(id) => format!("tactic `{id}`"),
            None => format!("tactic {}", index + 1),
        });
        if told.get("table").is_some() {
            return self.table(told, &path, index);
        }
        let told = self.object(told, &path, "a tactic", &TACTIC_KEYS)?;
        let id = self.id(told, &path)?;
        let purpose = self.optional_text(told, &path, "purpose");
        let owner = self.optional_text(told, &path, "owner");
        let rules = self.list(told, &path, "rules")?;
        let first = self.rules.len();
        for (place, rule) in rules.iter().enumerate() {
            if let Some(rule) = self.rule(rule, &format!("{path}/rules/{place}"), index, place, &owner) {
                self.rules.push(rule);
            }
        }
        self.subject = None;
        Some(Tactic { id, purpose, rules: first..self.rules.len(), table: None, path })
    }

    fn rule(
        &mut self,
        told: &Value,
        path: &str,
        tactic: usize,
        place: usize,
        owner: &Option<String>,
    ) -> Option<Rule> {
        self.subject = Some(match told.get("id").and_then(Value::as_str) {
            Some(id) => format!("rule `{id}`"),
            None => format!("rule {} of tactic {}", place + 1, tactic + 1),
        });
        let told = self.object(told, path, "a rule", &RULE_KEYS)?;
        let id = self.id(told, path);
        let when = self.condition(told, path);
        let action = self.action(told, path);
        let on_null = self.on_null(told, path);
        let shadow = self.mode(told, path);
        let reason = self.reason(told, path);
        let own = self.optional_text(told, path, "owner");
        let days = (self.day(told, path, "from"), self.day(told, path, "to"));
        if let (Some(from), Some(to)) = days
            && from > to
        {
            self.tell(Finding::error("dates", format!("{path}/to"), "`to` is before `from`"));
        }
        let position = self.rules.len();
        self.trials(told, path, position);
        let id = id?;
        let reason = reason.map(|text| if text.is_empty() { id.clone() } else { text });
        Some(Rule {
            id,
            tactic,
            when: when?,
            action: action?,
            reason,
            on_null: on_null?,
            owner: own.or_else(|| owner.clone()),
            shadow,
            days,
            path: path.to_owned(),
        })
    }

    pub(super) fn object<'v>(
        &mut self,
        value: &'v Value,
        path: &str,
        what: &str,
        keys: &[&str],
    ) -> Option<&'v Map<String, Value>> {
        let Some(object) = value.as_object() else {
            return self.refuse("structure", path, format!("{what} is not a mapping of keys"));
        };
        for key in object.keys().filter(|key| !keys.contains(&key.as_str())) {
            let hint = match nearest(key, keys.iter().copied()) {
                Some(near) => format!("did you mean `{near}`?"),
                None => format!("the keys are {}", keys.join(", ")),
            };
            let found =
                Finding::error("unknown_key", format!("{path}/{key}"), format!("unknown key `{key}`"));
            self.tell(found.hinted(hint));
        }
        Some(object)
    }

    pub(super) fn list<'v>(
        &mut self,
        object: &'v Map<String, Value>,
        path: &str,
        key: &str,
    ) -> Option<&'v [Value]> {
        match object.get(key).map(Value::as_array) {
            Some(Some(list)) if !list.is_empty() => Some(list),
            Some(_) => self.refuse(
                "structure",
                &format!("{path}/{key}"),
                format!("`{key}` is a list of one or more"),
            ),
            None => self.refuse("missing", path, format!("no key `{key}`")),
        }
    }

    pub(super) fn optional_text(
        &mut self,
        object: &Map<String, Value>,
        path: &str,
        key: &str,
    ) -> Option<String> {
        match object.get(key)? {
            Value::String(text) if !text.trim().is_empty() => Some(text.clone()),
            Value::Number(number) if key == "version" => Some(number.to_string()),
            other => {
                self.refuse("value", &format!("{path}/{key}"), format!("`{key}` is {other}; it is a text"))
            }
        }
    }

    pub(super) fn id(&mut self, object: &Map<String, Value>, path: &str) -> Option<String> {
        let at = format!("{path}/id");
        let id = match object.get("id") {
            None => return self.refuse("missing", path, "no key `id`"),
            Some(Value::String(id)) => id,
            Some(other) => {
                return self.refuse("value", &at, format!("`id` is {other}; it is a text: quote it"));
            }
        };
        let plain = |character: char| character.is_alphanumeric() || "_-./:".contains(character);
        if id.is_empty() || id.chars().count() > LONGEST_ID || !id.chars().all(plain) {
            let told = format!("`id` is `{id}`; it has letters, digits and `_-./:`, {LONGEST_ID} at most");
            return self.refuse("value", &at, told);
        }
        let kind = if path.contains("/rules/") || path.contains("/table/") { "rule" } else { "tactic" };
        if let Some(first) = self.ids.insert(format!("{kind} {id}"), path.to_owned()) {
            let told = format!("`id` `{id}` is there twice; the first stands at `{first}`");
            return self.refuse("duplicate_id", &at, told);
        }
        Some(id.clone())
    }

    fn condition(&mut self, rule: &Map<String, Value>, path: &str) -> Option<Expression> {
        let at = format!("{path}/when");
        let text = match rule.get("when") {
            None => return self.refuse("missing", path, "no key `when`"),
            Some(Value::String(text)) => text.clone(),
            // YAML's own truth: `when: true` is the condition TRUE.
            Some(Value::Bool(value)) => value.to_string(),
            Some(other) => {
                let shown: String = other.to_string().chars().take(40).collect();
                return self.refuse("value", &at, format!("`when` is {shown}; it is a condition as text"));
            }
        };
        self.parsed(&text, &at)
    }

    pub(super) fn parsed(&mut self, text: &str, at: &str) -> Option<Expression> {
        let parsed = Expression::parse(text).map(|parsed| parsed.with_lists(self.lists.clone()));
        match parsed.and_then(|parsed| parsed.require_lists().map(|()| parsed)) {
            Ok(parsed) => Some(parsed),
            Err(error) => {
                self.tell(Finding::of("syntax", at, &error));
                None
            }
        }
    }

    pub(super) fn action(&mut self, rule: &Map<String, Value>, path: &str) -> Option<Action> {
        let at = format!("{path}/action");
        let Some(told) = rule.get("action") else {
            return self.refuse("missing", path, "no key `action`");
        };
        let text = told.as_str().unwrap_or_default();
        let action = read_action(text);
        if action.is_none() {
            let known = "reject, review, flag, pass, score(-20), cap(550)";
            let word = text.split('(').next().unwrap_or_default();
            let hint = nearest(word, ["reject", "review", "flag", "pass", "score", "cap"])
                .filter(|near| *near != word)
                .map_or_else(|| format!("the actions are {known}"), |near| format!("did you mean `{near}`?"));
            self.tell(Finding::error("action", at, format!("`action` is {told}")).hinted(hint));
        }
        action
    }

    pub(super) fn on_null(&mut self, rule: &Map<String, Value>, path: &str) -> Option<super::policy::OnNull> {
        let known = "no_hit, hit, review or error";
        let Some(told) = rule.get("on_null") else {
            let found = Finding::error("on_null", path, "no key `on_null`")
                .hinted(format!("say what the rule does where its condition is unknown: {known}"));
            self.tell(found);
            return None;
        };
        let name = told.as_str().unwrap_or_default();
        let found = ON_NULL.iter().find(|(known, _)| *known == name).map(|(_, on_null)| *on_null);
        if found.is_none() {
            let at = format!("{path}/on_null");
            return self.refuse("on_null", &at, format!("`on_null` is {told}; it is {known}"));
        }
        found
    }

    pub(super) fn mode(&mut self, rule: &Map<String, Value>, path: &str) -> bool {
        match rule.get("mode").map(|mode| mode.as_str().unwrap_or_default()) {
            None | Some("live") => false,
            Some("shadow") => true,
            Some(_) => {
                let told = format!("`mode` is {}; it is `live` or `shadow`", rule["mode"]);
                self.tell(Finding::error("value", format!("{path}/mode"), told));
                false
            }
        }
    }

    pub(super) fn reason(&mut self, rule: &Map<String, Value>, path: &str) -> [String; 2] {
        let at = format!("{path}/reason");
        let mut texts = [String::new(), String::new()];
        match rule.get("reason") {
            None => {}
            Some(Value::String(text)) => texts = [text.clone(), text.clone()],
            Some(told) => {
                let Some(object) = self.object(told, &at, "`reason`", &["en", "zh"]) else { return texts };
                for (language, text) in ["en", "zh"].into_iter().zip(&mut texts) {
                    *text = self.optional_text(object, &at, language).unwrap_or_default();
                }
                let [english, chinese] = &mut texts;
                if english.is_empty() {
                    english.clone_from(chinese);
                } else if chinese.is_empty() {
                    chinese.clone_from(english);
                }
            }
        }
        texts
    }

    fn day(&mut self, rule: &Map<String, Value>, path: &str, key: &str) -> Option<i32> {
        let told = rule.get(key)?;
        match told.as_str().and_then(day) {
            Some(day) => Some(day),
            None => {
                let at = format!("{path}/{key}");
                self.refuse("dates", &at, format!("`{key}` is {told}; it is a day such as 2026-01-31"))
            }
        }
    }

    fn trials(&mut self, rule: &Map<String, Value>, path: &str, position: usize) {
        let at = format!("{path}/tests");
        let Some(told) = rule.get("tests") else { return };
        let Some(list) = told.as_array() else {
            self.tell(Finding::error("structure", at, "`tests` is a list of tests"));
            return;
        };
        for (index, told) in list.iter().enumerate() {
            match Trial::read(told, position, format!("{at}/{index}")) {
                Ok(trial) => self.trials.push(trial),
                Err(finding) => self.tell(*finding),
            }
        }
    }
}

/// An action by its text: a word, or a word and a number in parentheses.
fn read_action(text: &str) -> Option<Action> {
    let text = text.trim();
    let (word, number) = match text.split_once('(') {
        Some((word, rest)) => (word.trim(), Some(rest.trim().strip_suffix(')')?.trim())),
        None => (text, None),
    };
    let number = match number {
        Some(number) => {
            let number = number.strip_prefix('+').unwrap_or(number);
            Some(number.parse::<f64>().ok().filter(|number| number.abs() <= 1e9)?)
        }
        None => None,
    };
    Some(match (word, number) {
        ("reject", None) => Action::Reject,
        ("review", None) => Action::Review,
        ("flag", None) => Action::Flag,
        ("pass", None) => Action::Pass,
        ("score", Some(points)) => Action::Score(points),
        ("cap", Some(points)) => Action::Cap(points),
        _ => return None,
    })
}
