//! What is set for each type of identifier: its cap and its strength.
//!
//! In: the types of a plan, and what was declared or learned. Out: [`Settings`], a plain record that goes to
//! JSON and back. Law 1: nothing here is learned while a network is built or changed, only by
//! [`fit`](super::fit) when it is asked for.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::error::{Error, Result, list_names};

/// Types that a network may have.
pub const MOST_TYPES: usize = 200;

/// Types and roles, with the caps and strengths of the types.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// The types, in the order of the plan.
    pub types: Vec<TypeSettings>,
    /// As what a person shows an identifier; the first is the person's own.
    pub roles: Vec<String>,
    /// An identifier of more people than this is a placeholder, whatever its cap.
    #[serde(default)]
    pub most_people: Option<u32>,
}

/// One type of identifier.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TypeSettings {
    /// Its name.
    pub name: String,
    /// People up to which an identifier links them; beyond, it is a hub.
    pub cap: u32,
    /// How much a shared identifier says: -log2(share of people who share a non-hub identifier of the type).
    pub strength: f64,
    /// How much it says by how many people show it, by [`band`]; the last one goes on. Where there are none,
    /// `strength` says it of any number.
    #[serde(default)]
    pub rarities: Vec<f64>,
}

/// Bands that numbers of people fall into.
pub const BANDS: usize = 62;

/// The band of a number of people, two for each doubling: 2; 3; 4 and 5; 6 and 7; 8 to 11; 12 to 15; 16 to 22 ...
pub fn band(degree: u32) -> usize {
    let degree = u64::from(degree.max(2));
    (degree * degree).ilog2() as usize - 2
}

/// Caps and strengths that differ from the defaults, by type.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Overrides {
    /// Caps, 1 or more.
    pub caps: BTreeMap<String, u32>,
    /// Strengths, finite and zero or more.
    pub strengths: BTreeMap<String, f64>,
    /// Rarities by band, as strengths are.
    pub rarities: BTreeMap<String, Vec<f64>>,
}

impl Settings {
    /// For each type the people up to which an identifier links: its cap, or fewer where more make a placeholder.
    pub(super) fn effective_caps(&self) -> Vec<u32> {
        let most = self.most_people.unwrap_or(u32::MAX);
        self.types.iter().map(|kind| kind.cap.min(most)).collect()
    }

    /// The settings of types (name, default cap, default strength) and roles.
    ///
    /// # Errors
    /// Too many types, an override of a type that is not there, or one outside of what is allowed.
    pub fn new(types: &[(String, u32, f64)], roles: Vec<String>, overrides: &Overrides) -> Result<Self> {
        if types.len() > MOST_TYPES || roles.len() > MOST_TYPES {
            return Err(Error::argument(format!("more than {MOST_TYPES} types or roles of identifiers")));
        }
        let named = overrides.caps.keys().chain(overrides.strengths.keys()).chain(overrides.rarities.keys());
        for name in named {
            if !types.iter().any(|(known, ..)| known == name) {
                let known = list_names(types.iter().map(|(known, ..)| known.as_str()), 12);
                return Err(Error::argument(format!(
                    "the configuration names type `{name}`, which no identifier has (types: {known})"
                )));
            }
        }
        let setting = |(name, cap, strength): &(String, u32, f64)| {
            let cap = overrides.caps.get(name).copied().unwrap_or(*cap);
            let strength = overrides.strengths.get(name).copied().unwrap_or(*strength);
            if cap == 0 {
                return Err(Error::argument(format!("the cap of type `{name}` is `0`; caps are 1 or more")));
            }
            if !(strength.is_finite() && strength >= 0.0) {
                return Err(Error::argument(format!(
                    "the strength of type `{name}` is `{strength}`; strengths are finite and zero or more"
                )));
            }
            let rarities = overrides.rarities.get(name).cloned().unwrap_or_default();
            if rarities.len() > BANDS || !rarities.iter().all(|bits| bits.is_finite() && *bits >= 0.0) {
                return Err(Error::argument(format!(
                    "the rarities of type `{name}` are `{rarities:?}`; they are {BANDS} numbers at most, finite and \
                     zero or more"
                )));
            }
            Ok(TypeSettings { name: name.clone(), cap, strength, rarities })
        };
        Ok(Self { types: types.iter().map(setting).collect::<Result<_>>()?, roles, most_people: None })
    }
}
