//! The binary form of CatBoost: a mark, a length, a FlatBuffer, and tables behind it.
//!
//! In: the bytes of a `.cbm` file. Out: an [`Ensemble`]. The numbers of fields are those of the library's schema; a
//! field with a number beyond them is unknown and refused. Whatever the file promises is compared with what is there.

use std::sync::Arc;

use super::ctr::{Counts, Formula, Kind};
use super::flat::Table;
use super::trees::Step;
use super::{
    Base, Category, Fault, Float, Forest, Model, OneHot, Statistic, Steps, objective_of, version_of,
};
use crate::error::{Error, Place, Result as CoreResult};
use crate::model::ensemble::Ensemble;
use crate::model::formats::{MOST_OUTPUTS, Options};
use crate::model::json::Json;
use crate::model::tokens::four;

const MARK: &[u8] = b"CBM1";
const FORMAT: &str = "FlabuffersModel_v1";
/// The part behind the core that holds the tables of computed features.
const CTR_PART: &str = "static_provider_v1";

/// Whether bytes begin like this form.
pub(in crate::model) fn recognise(bytes: &[u8]) -> bool {
    bytes.starts_with(MARK)
}

/// Reads a model.
///
/// # Errors
/// A file that is damaged (`Format`), or that uses what is not supported (`Model`); both name the field.
pub(in crate::model) fn read(source: &str, bytes: &[u8], options: &Options) -> CoreResult<Ensemble> {
    let (core, rest) = core(bytes).map_err(|text| Error::format(Place::file(source), text))?;
    model(core, rest)
        .and_then(|model| model.assemble("catboost cbm", options))
        .map_err(|fault| fault.of(source))
}

/// The FlatBuffer behind mark and length, and what stands behind it.
fn core(bytes: &[u8]) -> Result<(&[u8], &[u8]), String> {
    let rest = bytes.get(MARK.len()..).unwrap_or(&[]);
    let length = u32::from_le_bytes(rest.get(..4).map_or([0; 4], four)) as usize;
    rest.get(4..).and_then(|rest| rest.split_at_checked(length)).ok_or_else(|| {
        format!("the model should have {length} bytes, and {} are left; it was cut short", rest.len())
    })
}

fn model(bytes: &[u8], rest: &[u8]) -> Result<Model, Fault> {
    let root = Table::root(bytes, 4)?;
    let format = root.text(0)?;
    if format != FORMAT {
        return Err(Fault::Unsupported(format!(
            "field `FormatVersion` holds `{format}`; known is `{FORMAT}`"
        )));
    }
    let trees = root.table(1, 19)?.ok_or_else(|| "field `ModelTrees` is missing".to_owned())?;
    let wanted = trees.whole(0, 0)?;
    let outputs = usize::try_from(wanted).ok().filter(|outputs| (1..=MOST_OUTPUTS).contains(outputs));
    let outputs = outputs.ok_or_else(|| format!("field `ApproxDimension` holds `{wanted}`"))?;
    for (number, what) in [(12, "texts"), (13, "texts or embeddings"), (18, "embeddings")] {
        if !trees.tables(number, 16)?.is_empty() {
            let text = format!("the model has features made of {what}, which are not supported");
            return Err(Fault::Unsupported(text));
        }
    }
    let parts = root.tables_of_texts(3)?;
    if let Some(part) = parts.iter().find(|part| **part != CTR_PART) {
        return Err(Fault::Unsupported(format!("the model has an unknown part `{part}`")));
    }
    let mut budget = Budget(bytes.len());
    let (objective, version) = note(&root, &mut budget)?;
    let multiple = trees.doubles(16)?;
    let bias = if multiple.is_empty() { vec![trees.double(15, 0.0)?; outputs] } else { multiple };
    Ok(Model {
        floats: floats(&trees, &mut budget)?,
        categories: categories(&trees, &mut budget)?,
        one_hots: one_hots(&trees, &mut budget)?,
        computed: statistics(&trees, &mut budget)?,
        counts: if parts.is_empty() { Vec::new() } else { all_counts(rest)? },
        outputs,
        forest: forest(&trees, outputs)?,
        scale: trees.double(14, 1.0)?,
        bias,
        objective,
        version,
    })
}

/// What the list of notes says of objective and version.
fn note(root: &Table<'_>, budget: &mut Budget) -> Result<(String, String), Fault> {
    let (mut objective, mut version) = (String::new(), String::new());
    for pair in root.tables(2, 2)? {
        budget.spend(pair.vector(0, 1)?)?;
        budget.spend(pair.vector(1, 1)?)?;
        match pair.text(0)? {
            "params" => {
                let params = Json::parse(pair.text(1)?).map_err(|text| format!("note `params`: {text}"))?;
                objective = objective_of(&params)?;
            }
            "catboost_version_info" => version = version_of(pair.text(1)?),
            _ => {}
        }
    }
    Ok((objective, version))
}

/// Bytes that may still be read: two tables may share a vector or a text, and neither time nor memory may outgrow the
/// file.
struct Budget(usize);

impl Budget {
    fn spend<T>(&mut self, items: &[T]) -> Result<(), String> {
        let left = self.0.checked_sub(std::mem::size_of_val(items));
        self.0 = left.ok_or_else(|| "features share their vectors or texts".to_owned())?;
        Ok(())
    }
}

fn floats(trees: &Table<'_>, budget: &mut Budget) -> Result<Vec<Float>, String> {
    let mut found = Vec::new();
    for table in trees.tables(5, 6)? {
        budget.spend(table.vector(3, 4)?)?;
        budget.spend(table.vector(4, 1)?)?;
        found.push(Float {
            index: table.whole(1, -1)?,
            flat: table.whole(2, -1)?,
            name: table.text(4)?.to_owned(),
            borders: table.singles(3)?,
            has_missing: table.byte(0)? != 0,
            treatment: table.byte(5)?,
        });
    }
    Ok(found)
}

fn categories(trees: &Table<'_>, budget: &mut Budget) -> Result<Vec<Category>, String> {
    let mut found = Vec::new();
    for table in trees.tables(4, 4)? {
        budget.spend(table.vector(2, 1)?)?;
        found.push(Category {
            index: table.whole(0, -1)?,
            flat: table.whole(1, -1)?,
            name: table.text(2)?.to_owned(),
        });
    }
    Ok(found)
}

fn one_hots(trees: &Table<'_>, budget: &mut Budget) -> Result<Vec<OneHot>, String> {
    let mut found = Vec::new();
    for table in trees.tables(6, 3)? {
        budget.spend(table.vector(1, 4)?)?;
        found.push(OneHot { index: table.whole(0, -1)?, values: table.wholes(1)? });
    }
    Ok(found)
}

/// Pairs of a place and four bytes.
fn pairs(bytes: &[u8]) -> impl Iterator<Item = (i32, [u8; 4])> + '_ {
    bytes.chunks_exact(8).map(|pair| (i32::from_le_bytes(four(pair)), four(&pair[4..])))
}

/// What a computed feature is computed from.
fn base(table: Option<Table<'_>>, budget: &mut Budget) -> Result<Base, String> {
    let table = table.ok_or_else(|| "field `Base` is missing".to_owned())?;
    let kind = table.byte(1)?;
    let combination = table.table(0, 3)?;
    let combination = combination.ok_or_else(|| "field `FeatureCombination` is missing".to_owned())?;
    let (above, is) = (combination.vector(1, 8)?, combination.vector(2, 8)?);
    budget.spend(combination.vector(0, 4)?)?;
    budget.spend(above)?;
    budget.spend(is)?;
    Ok(Base {
        kind,
        classifier: table.whole(2, 0)?,
        categories: combination.wholes(0)?,
        above: pairs(above).map(|(index, border)| (index, f32::from_le_bytes(border))).collect(),
        is: pairs(is).map(|(index, hash)| (index, i32::from_le_bytes(hash))).collect(),
    })
}

fn statistics(trees: &Table<'_>, budget: &mut Budget) -> Result<Vec<Statistic>, String> {
    let mut found = Vec::new();
    for table in trees.tables(7, 2)? {
        let ctr = table.table(0, 6)?.ok_or_else(|| "field `Ctr` is missing".to_owned())?;
        let base = base(ctr.table(0, 3)?, budget)?;
        budget.spend(table.vector(1, 4)?)?;
        let kind = Kind::of_number(base.kind).ok_or_else(|| format!("`CtrType` holds `{}`", base.kind))?;
        let formula = Formula {
            kind,
            border: index(ctr.whole(1, 0)?, "TargetBorderIdx")?,
            prior: ctr.single(2, 0.0)?,
            prior_weight: ctr.single(3, 1.0)?,
            shift: ctr.single(4, 0.0)?,
            scale: ctr.single(5, 1.0)?,
        };
        found.push(Statistic { base, formula, borders: table.singles(1)? });
    }
    Ok(found)
}

/// The counts behind the core: how many tables, and each with its length.
fn all_counts(bytes: &[u8]) -> Result<Vec<(Base, Arc<Counts>)>, String> {
    let mut rest = bytes;
    let take = |rest: &mut &[u8]| {
        let (head, tail) = rest.split_at_checked(4).ok_or_else(|| "the tables were cut short".to_owned())?;
        *rest = tail;
        Ok::<usize, String>(u32::from_le_bytes(four(head)) as usize)
    };
    let (count, mut found) = (take(&mut rest)?, Vec::new());
    for number in 0..count {
        let length = take(&mut rest)?;
        let (own, tail) =
            rest.split_at_checked(length).ok_or_else(|| format!("table {number} was cut short"))?;
        rest = tail;
        found.push(counts(own).map_err(|text| format!("table {number}: {text}"))?);
    }
    if !rest.is_empty() {
        return Err(format!("{} bytes stand behind the tables", rest.len()));
    }
    Ok(found)
}

/// The bytes of a bucket of a table: a hash, and the place of its counts.
const BUCKET: usize = 12;

fn counts(bytes: &[u8]) -> Result<(Base, Arc<Counts>), String> {
    let table = Table::root(bytes, 5)?;
    let base = base(table.table(0, 3)?, &mut Budget(bytes.len()))?;
    let kind = Kind::of_number(base.kind).ok_or_else(|| format!("`CtrType` holds `{}`", base.kind))?;
    let (buckets, blob) = (table.vector(1, 1)?, table.vector(2, 1)?);
    if buckets.len() % BUCKET != 0 || blob.len() % 4 != 0 {
        return Err(format!("{} bytes of buckets and {} of counts", buckets.len(), blob.len()));
    }
    let bucket = |bytes: &[u8]| {
        let (low, high) = (u32::from_le_bytes(four(bytes)), u32::from_le_bytes(four(&bytes[4..])));
        let place = u32::from_le_bytes(four(&bytes[8..])) as usize;
        (u64::from(low) | u64::from(high) << 32, place)
    };
    let numbers = blob.chunks_exact(4).map(|bytes| i32::from_le_bytes(four(bytes))).collect();
    let width = match kind {
        Kind::Counter => 1,
        Kind::Mean => 2,
        Kind::Borders => index(table.whole(4, 0)?, "TargetClassesCount")?.max(2),
        Kind::Buckets => index(table.whole(4, 0)?, "TargetClassesCount")?,
    };
    let buckets = buckets.chunks_exact(BUCKET).map(bucket);
    Ok((base, Arc::new(Counts::new(buckets, numbers, width, table.whole(3, 0)?)?)))
}

fn index(number: i32, field: &str) -> Result<usize, String> {
    usize::try_from(number).map_err(|_| format!("field `{field}` holds `{number}`"))
}

fn forest(trees: &Table<'_>, outputs: usize) -> Result<Forest, String> {
    let splits = trees.wholes(1)?;
    let sizes = trees.wholes(2)?;
    let (values, weights) = (trees.doubles(8)?, trees.doubles(9)?);
    let steps = trees.vector(10, 4)?;
    let mut rest = &splits[..];
    let mut lists = Vec::new();
    for size in sizes {
        let size = index(size, "TreeSizes")?;
        let (own, left) = rest
            .split_at_checked(size)
            .ok_or_else(|| format!("tree {} has {size} tests, and {} are left", lists.len(), rest.len()))?;
        rest = left;
        lists.push(own.iter().map(|&number| index(number, "TreeSplits")).collect::<Result<Vec<usize>, _>>()?);
    }
    if !rest.is_empty() {
        return Err(format!("{} tests belong to no tree", rest.len()));
    }
    if steps.is_empty() {
        return Ok(Forest::Symmetric { splits: lists, values, weights });
    }
    let leaves = trees.wholes(11)?;
    if steps.len() / 4 != splits.len() || leaves.len() != splits.len() {
        return Err(format!("{} tests, but {} steps and {}", splits.len(), steps.len() / 4, leaves.len()));
    }
    let all = All { values: &values, weights: &weights, outputs };
    let mut start = 0;
    let mut found = Vec::new();
    for list in lists {
        let size = list.len();
        let steps = &steps[start * 4..][..size * 4];
        let tree = all.tree(&list, steps, &leaves[start..][..size]);
        found.push(tree.map_err(|text| format!("tree {}: {text}", found.len()))?);
        start += size;
    }
    Ok(Forest::Steps(found))
}

/// The leaves of all trees.
struct All<'a> {
    values: &'a [f64],
    weights: &'a [f64],
    outputs: usize,
}

impl All<'_> {
    /// A tree of steps: distances to both children, and for a step where a way ends the place of its leaf's values.
    fn tree(&self, tests: &[usize], steps: &[u8], leaves: &[i32]) -> Result<Steps, String> {
        let distances = |step: &[u8]| {
            let pair = [u16::from_le_bytes([step[0], step[1]]), u16::from_le_bytes([step[2], step[3]])];
            pair.map(usize::from)
        };
        let steps: Vec<[usize; 2]> = steps.chunks_exact(4).map(distances).collect();
        let ends = || steps.iter().zip(leaves).filter(|(step, _)| step.contains(&0)).map(|(_, leaf)| *leaf);
        let bounds = ends().min().zip(ends().max());
        let (first, last) = bounds.ok_or_else(|| "no way ends".to_owned())?;
        let (first, last) =
            (index(first, "NonSymmetricNodeIdToLeafId")?, index(last, "NonSymmetricNodeIdToLeafId")?);
        let values = self.values.get(first..last.saturating_add(self.outputs));
        let values = values
            .ok_or_else(|| format!("its leaves end at {last}, and there are {} values", self.values.len()))?;
        let count = values.len() / self.outputs;
        if count != ends().count() || values.len() % self.outputs != 0 {
            return Err(format!("{} values for {} leaves", values.len(), ends().count()));
        }
        let weights = self.weights.get(first / self.outputs..).and_then(|weights| weights.get(..count));
        let step = |((step, &leaf), &test): (([usize; 2], &i32), &usize)| {
            let leaf = usize::try_from(leaf).unwrap_or(usize::MAX).wrapping_sub(first) / self.outputs;
            (Step { left: step[0], right: step[1], leaf, split: None }, test)
        };
        Ok(Steps {
            steps: steps.iter().copied().zip(leaves).zip(tests).map(step).collect(),
            values: values.to_vec(),
            weights: weights.unwrap_or(&[]).to_vec(),
        })
    }
}
