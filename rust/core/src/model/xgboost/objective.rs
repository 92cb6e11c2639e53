//! XGBoost's objectives: what their outputs are turned into, and what their base score is as a margin.
//!
//! In: the objective's name and the version that wrote the file. Out: the [`Link`] and the margin of a base
//! score, in f32 as the library reckons it. An unknown name is refused by name.

use crate::model::link::Link;

/// How a base score becomes the first summand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Margin {
    /// As it stands.
    Same,
    /// The log-odds.
    Logit,
    /// The logarithm.
    Log,
}

/// The library keeps a base score this far from 0 and 1.
const NEAR: f32 = 1e-6;

impl Margin {
    /// The margin of a base score.
    pub(super) fn of(self, base: f32) -> Result<f32, String> {
        match self {
            Self::Same => Ok(base),
            Self::Logit if (0.0..=1.0).contains(&base) => {
                let inside = base.clamp(NEAR, 1.0 - NEAR);
                Ok(-(1.0 / inside - 1.0).ln())
            }
            Self::Log if base > 0.0 => Ok(base.ln()),
            Self::Logit => Err(format!("field `base_score` holds `{base}`; it is a probability here")),
            Self::Log => Err(format!("field `base_score` holds `{base}`; it is a number above zero here")),
        }
    }
}

/// Link and margin of an objective.
///
/// `is_margin` says that the file holds the base score as a margin already.
pub(super) fn links(
    name: &str,
    outputs: usize,
    version: (u32, u32),
    is_margin: bool,
) -> Result<(Link, Margin), String> {
    let several = "multi:softprob, multi:softmax and plain regressions have several";
    let found = match name {
        "reg:squarederror"
        | "reg:linear"
        | "reg:squaredlogerror"
        | "reg:pseudohubererror"
        | "reg:absoluteerror" => (Link::Identity, Margin::Same),
        // From 3.4 on predictions of several quantiles are sorted.
        "reg:quantileerror" if outputs == 1 || version < (3, 4) => (Link::Identity, Margin::Same),
        "rank:pairwise" | "rank:ndcg" | "rank:map" if outputs == 1 => (Link::Identity, Margin::Same),
        // Version 1.3.3 changed what its base score is, without a mark in the file.
        "binary:logitraw" if version < (1, 4) && !is_margin => {
            return Err(format!(
                "objective `{name}` of version {}.{} is not supported: its base score may be a probability or a margin",
                version.0, version.1
            ));
        }
        "binary:logitraw" => (Link::Identity, Margin::Same),
        "reg:logistic" | "binary:logistic" => (Link::SigmoidSingle, Margin::Logit),
        "count:poisson" | "reg:gamma" | "reg:tweedie" | "survival:cox" | "survival:aft" => {
            (Link::ExpSingle, Margin::Log)
        }
        "binary:hinge" => (Link::Hinge, Margin::Same),
        "multi:softprob" | "multi:softmax" if outputs > 1 => (Link::SoftmaxSingle, Margin::Same),
        "multi:softprob" | "multi:softmax" | "reg:quantileerror" | "rank:pairwise" | "rank:ndcg"
        | "rank:map" => {
            return Err(format!("objective `{name}` with {outputs} outputs is not supported ({several})"));
        }
        _ => return Err(format!("objective `{name}` is unknown")),
    };
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_base_score_becomes_a_margin() {
        assert_eq!(Margin::Logit.of(0.5), Ok(0.0));
        assert_eq!(Margin::Log.of(1.0), Ok(0.0));
        assert_eq!(Margin::Same.of(0.25), Ok(0.25));
        assert!(Margin::Logit.of(0.0).is_ok_and(|margin| (-14.0..-13.0).contains(&margin)));
        assert!(Margin::Logit.of(1.5).is_err());
        assert!(Margin::Log.of(0.0).is_err());
    }

    #[test]
    fn what_is_unknown_is_named() {
        assert!(links("reg:mystery", 1, (3, 2), false).is_err_and(|text| text.contains("`reg:mystery`")));
        assert!(links("multi:softprob", 1, (3, 2), false).is_err());
        assert!(links("reg:quantileerror", 3, (3, 4), false).is_err());
        assert_eq!(links("binary:logitraw", 1, (1, 7), false), Ok((Link::Identity, Margin::Same)));
        assert!(links("binary:logitraw", 1, (1, 3), false).is_err_and(|text| text.contains("version 1.3")));
    }
}
