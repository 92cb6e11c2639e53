//! Blends: models of one target joined to one probability.
//!
//! In: weights of models, what to do where an output is null, a calibration. Out: calibration(sum of weight x
//! log-odds / sum of weights). Fraud models and credit models are never joined: each target is a blend of
//! its own. There is no silent default for a null.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::calibration::Calibration;
use super::logodds::{MOST_MODELS, fixed_weight};
use crate::error::{Error, Result};

/// What happens where a model has no output.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum OnNull {
    /// The weights of the others are taken; without any output the result is null.
    Renormalise,
    /// The first model in the order of the declaration that has an output is taken alone.
    Fallback,
    /// An error that names row and model.
    #[default]
    Refuse,
}

/// What a blend's models say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Target {
    /// The record is a fraud.
    Fraud,
    /// The borrower will default.
    Credit,
}

/// The models of one target.
#[derive(Clone, Debug, PartialEq)]
pub struct Part {
    /// Name and weight in units, in the order of the declaration.
    pub models: Vec<(String, i64)>,
    /// From blended log-odds to a probability; without one the blend's own.
    pub calibration: Option<Calibration>,
}

/// The blends of both targets.
#[derive(Clone, Debug, PartialEq)]
pub struct Blend {
    /// Fraud models.
    pub fraud: Option<Part>,
    /// Credit models.
    pub credit: Option<Part>,
    /// What happens where an output is null.
    pub on_null: OnNull,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Told {
    fraud: Vec<(String, f64)>,
    credit: Vec<(String, f64)>,
    on_null: OnNull,
    calibration: BTreeMap<String, Calibration>,
}

impl Blend {
    /// Reads a blend from JSON, as the Python module gives it.
    ///
    /// # Errors
    /// `Argument`: no model at all, a model in both targets, a weight or a calibration outside of its range.
    pub fn from_json(text: &str) -> Result<Self> {
        let told: Told = serde_json::from_str(text)
            .map_err(|error| Error::argument(format!("the blend cannot be read: {error}")))?;
        if let Some((name, _)) =
            told.fraud.iter().find(|(name, _)| told.credit.iter().any(|(other, _)| other == name))
        {
            let text = format!("model `{name}` is in both blends; a model has one target");
            return Err(Error::argument(text));
        }
        let mut calibration = told.calibration;
        let mut part = |target: &str, models: Vec<(String, f64)>| -> Result<Option<Part>> {
            let calibration = calibration.remove(target).map(Calibration::checked).transpose()?;
            match (models.len(), calibration) {
                (0, None) => Ok(None),
                (0, Some(_)) => {
                    Err(Error::argument(format!("there is a calibration for `{target}`, but no model")))
                }
                (1..=MOST_MODELS, calibration) => {
                    let weigh =
                        |(name, weight): (String, f64)| Ok((name.clone(), fixed_weight(&name, weight)?));
                    let models = models.into_iter().map(weigh).collect::<Result<_>>()?;
                    Ok(Some(Part { models, calibration }))
                }
                (count, _) => Err(Error::argument(format!(
                    "{count} models in one blend; at most {MOST_MODELS} are allowed"
                ))),
            }
        };
        let (fraud, credit) = (part("fraud", told.fraud)?, part("credit", told.credit)?);
        if let Some(name) = calibration.keys().next() {
            let text = format!("a calibration is for `fraud` or `credit`, not for `{name}`");
            return Err(Error::argument(text));
        }
        if fraud.is_none() && credit.is_none() {
            return Err(Error::argument(
                "the blend has no model; give `fraud` or `credit` as {model: weight}",
            ));
        }
        Ok(Self { fraud, credit, on_null: told.on_null })
    }
}
