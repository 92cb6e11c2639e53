//! CatBoost's objectives: what their outputs are turned into by `predict`, or `predict_proba` where there are classes.
//!
//! In: the name of the loss function. Out: the [`Link`]. An unknown name is refused by name.

use crate::model::link::Link;

/// Losses whose outputs are their sums.
const PLAIN: [&str; 23] = [
    "RMSE",
    "MAE",
    "Quantile",
    "Expectile",
    "LogLinQuantile",
    "MAPE",
    "Huber",
    "Lq",
    "LogCosh",
    "GroupQuantile",
    "MultiRMSE",
    "MultiRMSEWithMissingValues",
    "MultiQuantile",
    "PairLogit",
    "PairLogitPairwise",
    "YetiRank",
    "YetiRankPairwise",
    "StochasticRank",
    "StochasticFilter",
    "LambdaMart",
    "QueryRMSE",
    "QuerySoftMax",
    "Cox",
];

/// The link of a loss for a number of outputs.
pub(super) fn link(name: &str, outputs: usize) -> Result<Link, String> {
    Ok(match name {
        "Logloss" | "CrossEntropy" | "Focal" | "QueryCrossEntropy" if outputs == 1 => {
            Link::Sigmoid { scale: 1.0 }
        }
        "MultiClassOneVsAll" | "MultiLogloss" | "MultiCrossEntropy" => Link::Sigmoid { scale: 1.0 },
        "MultiClass" if outputs > 1 => Link::Softmax,
        "Poisson" | "Tweedie" if outputs == 1 => Link::Exp,
        "" => return Err("the file names no objective (`loss_function`)".to_owned()),
        _ if PLAIN.contains(&name) => Link::Identity,
        _ => return Err(format!("objective `{name}` with {outputs} outputs is unknown")),
    })
}
