//! LightGBM's objectives: what their outputs are turned into.
//!
//! In: the text behind `objective=`. Out: the [`Link`]. An unknown name, or an unknown word behind it, is
//! refused by name.

use crate::model::link::Link;

/// Objectives whose outputs are their sums.
const PLAIN: [&str; 12] = [
    "regression",
    "regression_l1",
    "huber",
    "fair",
    "quantile",
    "mape",
    "lambdarank",
    "rank_xendcg",
    "custom",
    "none",
    "null",
    "na",
];
/// Objectives of the logarithm of a mean.
const LOGARITHMIC: [&str; 3] = ["poisson", "gamma", "tweedie"];

/// The link of an objective for a number of outputs.
pub(super) fn link(objective: &str, outputs: usize) -> Result<Link, String> {
    let mut words = objective.split_ascii_whitespace();
    let name = words.next().unwrap_or("custom");
    let (mut sigmoid, mut square, mut classes) = (None, false, None);
    for word in words {
        match word.split_once(':') {
            Some(("sigmoid", text)) => sigmoid = Some(short_number(text)?),
            Some(("num_class", text)) => classes = text.parse::<usize>().ok(),
            None if word == "sqrt" => square = true,
            // Parameters of the training alone.
            Some(("alpha" | "c" | "fair_c" | "tweedie_variance_power" | "max_position", _)) => {}
            _ => return Err(format!("objective `{objective}` has the unknown word `{word}`")),
        }
    }
    let scale = || match sigmoid {
        Some(scale) if scale > 0.0 => Ok(Link::Sigmoid { scale }),
        _ => Err(format!("objective `{objective}` needs `sigmoid:` and a number above zero")),
    };
    let of_classes = |link: Link| match classes {
        Some(classes) if classes == outputs => Ok(link),
        _ => Err(format!("objective `{objective}` does not fit {outputs} outputs")),
    };
    match name {
        "multiclass" | "softmax" => of_classes(Link::Softmax),
        "multiclassova" | "multiclass_ova" | "ova" | "ovr" => scale().and_then(of_classes),
        _ if outputs > 1 && !PLAIN[8..].contains(&name) => {
            Err(format!("objective `{objective}` does not fit {outputs} outputs"))
        }
        "binary" => scale(),
        "cross_entropy" | "xentropy" => Ok(Link::Sigmoid { scale: 1.0 }),
        "cross_entropy_lambda" | "xentlambda" => Ok(Link::Log1pExp),
        "regression" if square => Ok(Link::SignedSquare),
        // These take after the plain regression, and with it its square root.
        "fair" | "mape" | "regression_l1" | "quantile" if square => Ok(Link::SignedSquare),
        _ if PLAIN.contains(&name) => Ok(Link::Identity),
        _ if LOGARITHMIC.contains(&name) => Ok(Link::Exp),
        _ => Err(format!("objective `{name}` is unknown")),
    }
}

/// A number as LightGBM reads the words of an objective: digits before and behind the point apart, which for
/// some texts is one place off the nearest double.
fn short_number(text: &str) -> Result<f64, String> {
    let refused = || format!("the objective holds `{text}`, which is no plain number");
    let (whole, rest) = text.split_once('.').unwrap_or((text, ""));
    let digits = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
    if text.is_empty() || text.len() > 24 {
        return Err(refused());
    }
    if !digits(whole) || !digits(rest) {
        return text.parse().map_err(|_| refused());
    }
    let value = |part: &str| part.bytes().fold(0.0, |sum, digit| sum * 10.0 + f64::from(digit - b'0'));
    Ok(value(whole) + value(rest) / 10f64.powi(rest.len() as i32))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn objectives_have_their_links() {
        assert_eq!(link("binary sigmoid:0.7", 1), Ok(Link::Sigmoid { scale: 0.7 }));
        assert_eq!(link("regression sqrt", 1), Ok(Link::SignedSquare));
        assert_eq!(link("multiclass num_class:3", 3), Ok(Link::Softmax));
        assert_eq!(link("poisson", 1), Ok(Link::Exp));
        assert_eq!(link("custom", 4), Ok(Link::Identity));
    }

    #[test]
    fn what_is_unknown_is_named() {
        for (text, outputs, part) in [
            ("binary", 1, "sigmoid"),
            ("binary sigmoid:-1", 1, "sigmoid"),
            ("binary sigmoid:1 twist:2", 1, "`twist:2`"),
            ("quantum", 1, "`quantum`"),
            ("multiclass num_class:3", 4, "4 outputs"),
            ("poisson", 2, "2 outputs"),
        ] {
            assert!(link(text, outputs).is_err_and(|error| error.contains(part)), "{text}");
        }
    }
}
