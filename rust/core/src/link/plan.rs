//! The plan of a network: which columns hold keys, times and identifiers, and what each means.
//!
//! In: JSON as the Python package writes it. Out: a checked [`Plan`]. A name such as `phone` says how its
//! values are normalised and from how many people on it is a hub; each of these can be declared.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::normalise::{self, Normaliser};
use super::placeholder::Placeholders;
use super::settings::{MOST_TYPES, Overrides, Settings};
use super::values::Reader;
use crate::batch::{Role, Wanted};
use crate::error::{Error, Result};
use crate::id::HashKey;

/// The role of a person's own identifiers.
pub const OWN: &str = "own";
/// The role of a contact's phone.
pub const CONTACT: &str = "contact";

/// Columns and what they mean.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Plan {
    /// The column of keys.
    pub key: String,
    /// The column of times.
    #[serde(default)]
    pub time: Option<String>,
    /// The identifiers, in the order in which they were given.
    pub identifiers: Vec<Identifiers>,
    /// What is declared beyond the columns.
    #[serde(default)]
    pub config: Config,
}

/// Columns of one sort of identifier.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Identifiers {
    /// Its name, such as `phone` or `contact`.
    pub name: String,
    /// Its columns; a list column holds several values.
    pub columns: Vec<String>,
    /// The type, where it is not the name: a `contact` is a phone.
    #[serde(default, rename = "type")]
    pub kind: Option<String>,
    /// As what a person shows it; `own` by default, `contact` for contacts.
    #[serde(default)]
    pub role: Option<String>,
    /// The normal form, where the type's name does not say it.
    #[serde(default)]
    pub normaliser: Option<Normaliser>,
}

/// Caps, strengths and placeholders that differ from the defaults.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// Caps by type: people up to which an identifier links them.
    pub caps: BTreeMap<String, u32>,
    /// Strengths by type.
    pub strengths: BTreeMap<String, f64>,
    /// What an identifier says by how many people show it, by type; see [`TypeSettings`](super::TypeSettings).
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub rarities: BTreeMap<String, Vec<f64>>,
    /// Values that link nobody, by type, beyond those that are listed.
    pub placeholders: BTreeMap<String, Vec<String>>,
    /// An identifier of more people than this is a placeholder, also where no cap is asked for.
    pub most_people: Option<u32>,
}

/// How the values of one column are read.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct ColumnPlan {
    pub(super) column: String,
    /// The number of the type.
    pub(super) kind: u8,
    /// The number of the role.
    pub(super) role: u8,
}

/// What a plan says, settled.
#[derive(Clone, Debug)]
pub(super) struct Settled {
    pub(super) columns: Vec<ColumnPlan>,
    pub(super) normalisers: Vec<Normaliser>,
    pub(super) settings: Settings,
    /// The placeholders of each type: read once, asked for by every reader of every delta.
    placeholders: Vec<Arc<Placeholders>>,
}

impl Settled {
    /// A reader of one of the types; `kept` says whether its hashes outlive the process.
    pub(super) fn reader(&self, kind: usize, key: &HashKey, kept: bool) -> Reader {
        let name = &self.settings.types[kind].name;
        Reader::new(name, self.normalisers[kind], key, kept, self.placeholders[kind].clone())
    }
}

impl Identifiers {
    fn kind(&self) -> &str {
        match &self.kind {
            Some(kind) => kind,
            None if normalise::is_contact(&self.name) => "phone",
            None => &self.name,
        }
    }

    fn role(&self) -> &str {
        match &self.role {
            Some(role) => role,
            None if normalise::is_contact(&self.name) => CONTACT,
            None => OWN,
        }
    }
}

/// The position of a name, which is appended where it is new.
fn position(names: &mut Vec<String>, name: &str) -> u8 {
    let known = names.iter().position(|known| known == name).unwrap_or_else(|| {
        names.push(name.to_owned());
        names.len() - 1
    });
    known.min(MOST_TYPES) as u8
}

impl Plan {
    /// The plan with the caps and strengths of every type.
    pub(super) fn complete(&self, settled: &Settled) -> Self {
        let mut plan = self.clone();
        for kind in &settled.settings.types {
            plan.config.caps.insert(kind.name.clone(), kind.cap);
            plan.config.strengths.insert(kind.name.clone(), kind.strength);
        }
        plan
    }

    /// The types, roles and normal forms of the plan's columns.
    ///
    /// # Errors
    /// No identifiers, names that are there twice, two normal forms of one type, or settings that are refused.
    pub(super) fn settle(&self) -> Result<Settled> {
        self.check()?;
        let (mut kinds, mut roles) = (Vec::new(), vec![OWN.to_owned()]);
        let mut columns = Vec::new();
        let mut declared: BTreeMap<u8, Normaliser> = BTreeMap::new();
        for identifiers in &self.identifiers {
            let kind = position(&mut kinds, identifiers.kind());
            let role = position(&mut roles, identifiers.role());
            if let Some(normaliser) = identifiers.normaliser {
                let known = *declared.entry(kind).or_insert(normaliser);
                if known != normaliser {
                    return Err(Error::argument(format!(
                        "type `{}` is declared with two normalisers; give one",
                        identifiers.kind()
                    )));
                }
            }
            let column = |column: &String| ColumnPlan { column: column.clone(), kind, role };
            columns.extend(identifiers.columns.iter().map(column));
        }
        let of_kind = |(at, name): (usize, &String)| {
            let (normaliser, cap, strength) = normalise::family(name);
            let normaliser = declared.get(&(at as u8)).copied().unwrap_or(normaliser);
            (normaliser, (name.clone(), cap, strength))
        };
        let (normalisers, types): (Vec<_>, Vec<_>) = kinds.iter().enumerate().map(of_kind).unzip();
        let Config { caps, strengths, rarities, placeholders, most_people } = &self.config;
        let (caps, strengths, rarities) = (caps.clone(), strengths.clone(), rarities.clone());
        let overrides = Overrides { caps, strengths, rarities };
        let mut settings = Settings::new(&types, roles, &overrides)?;
        settings.most_people = *most_people;
        if let Some(name) = placeholders.keys().find(|name| !kinds.contains(name)) {
            return Err(Error::argument(format!(
                "the configuration declares placeholders of type `{name}`, which no identifier has (types: {})",
                kinds.join(", ")
            )));
        }
        let of_type = |(kind, &normaliser): (&String, &Normaliser)| {
            let declared = placeholders.get(kind).map_or(&[][..], Vec::as_slice);
            Arc::new(Placeholders::new(normaliser, declared))
        };
        let placeholders = kinds.iter().zip(&normalisers).map(of_type).collect();
        Ok(Settled { columns, normalisers, settings, placeholders })
    }

    fn check(&self) -> Result<()> {
        if self.identifiers.is_empty() {
            return Err(Error::argument(
                "no identifiers; give a type and its column, such as device=device_id",
            ));
        }
        if self.config.most_people.is_some_and(|most| most == 0) {
            return Err(Error::argument("`most_people` is `0`; it is 1 or more"));
        }
        for (at, identifiers) in self.identifiers.iter().enumerate() {
            let name = &identifiers.name;
            if name.is_empty() || identifiers.kind().is_empty() || identifiers.role().is_empty() {
                return Err(Error::argument("an identifier, its type or its role has no name"));
            }
            if identifiers.columns.is_empty() {
                return Err(Error::argument(format!("identifier `{name}` has no column; name one")));
            }
            if self.identifiers[..at].iter().any(|other| other.name == *name) {
                return Err(Error::argument(format!("identifier `{name}` is declared twice")));
            }
        }
        Ok(())
    }

    /// The columns that are read: key, time, identifiers.
    pub(super) fn wanted(&self) -> Vec<Wanted> {
        let key = |name: &String| Wanted { name: name.clone(), role: Role::Key };
        let time = |name: &String| Wanted { name: name.clone(), role: Role::Time };
        let identifiers = self.identifiers.iter().flat_map(|identifiers| &identifiers.columns);
        [key(&self.key)].into_iter().chain(self.time.iter().map(time)).chain(identifiers.map(key)).collect()
    }
}
