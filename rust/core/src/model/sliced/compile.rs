//! Models to programs: which trees share planes, and how they are cut into segments.
//!
//! In: bound models. Out: [`Group`]s. A group has a layout of planes of its own and a program for each of its models.
//! Planes have numbers of 16 bits: models that ask for more are halved, a model by itself in two ranges of its trees.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::ops::Range;
use std::sync::Mutex;

use creditcore_kernels::sliced::{Fixed, Form, Run, Segment, SegmentParts, SetTests, Start, Sums};

use super::super::engine::Bound;
use super::super::ensemble::{Library, Tree};
use super::fixed::Units;
use super::layout::{Asked, Layout, Operands};
use super::network::{MOST_LEAVES, SCRATCH, network};
use super::question::{Column, Question, question};
use crate::error::Result;
use crate::exec::{Control, parallel};

/// Planes that columns may use: what 16 bits number, but for scratch planes and for the tests of the largest tree.
const MOST_COLUMN_PLANES: usize = (1 << 16) - SCRATCH - MOST_LEAVES;
/// Tests after which a segment takes no further tree: their planes should stay in the second-level cache.
const MOST_TESTS: usize = 3072;
/// Trees of a column's tests by set that one look-up makes.
const SETS_TOGETHER: usize = 64;

/// A model, and the trees of it that a group adds.
#[derive(Clone, Debug)]
struct Part {
    model: usize,
    /// Positions in the order of summation: by output, and then as in the file.
    trees: Range<usize>,
}

/// The program of a model within a group.
pub(super) struct Program {
    pub(super) model: usize,
    pub(super) segments: Vec<Segment>,
}

/// Models, or parts of one, that share planes.
pub(super) struct Group {
    pub(super) layout: Layout,
    pub(super) programs: Vec<Program>,
    /// The planes of the group.
    pub(super) planes: usize,
}

/// What the compiler knows of the fleet.
pub(super) struct Fleet<'a> {
    form: Form,
    models: &'a [Bound],
    /// For each model its trees in the order of summation.
    orders: Vec<Vec<u32>>,
    /// For each model and output the unit of its integers.
    units: Vec<Vec<Option<Units>>>,
    threads: usize,
    control: &'a Control,
}

/// Compiles models.
pub(super) fn compile(form: Form, models: &[Bound], threads: usize, control: &Control) -> Result<Vec<Group>> {
    let order = |model: &Bound| {
        let mut order: Vec<u32> = (0..model.ensemble.trees.len() as u32).collect();
        order.sort_by_key(|&tree| model.ensemble.trees[tree as usize].output);
        order
    };
    let units = |model: &Bound| {
        let trees = &model.ensemble.trees;
        let outputs = model.ensemble.base.iter().enumerate();
        let of = |(output, &base): (usize, &f64)| {
            Units::new(base, trees.iter().filter(|tree| tree.output as usize == output))
        };
        outputs.map(of).collect()
    };
    let orders = models.iter().map(order).collect();
    let units = models.iter().map(units).collect();
    let fleet = Fleet { form, models, orders, units, threads, control };
    let parts = (0..models.len()).map(|model| Part { model, trees: 0..fleet.orders[model].len() });
    let (mut groups, mut open) = (Vec::new(), vec![parts.collect::<Vec<_>>()]);
    while let Some(mut parts) = open.pop() {
        match fleet.layout(&parts)? {
            Some(layout) => groups.push(fleet.group(layout, &parts)?),
            None => {
                let second = halve(&mut parts);
                open.push(second);
                open.push(parts);
            }
        }
    }
    Ok(groups)
}

/// Takes away the second half of the models, or of the trees of a single one.
fn halve(parts: &mut Vec<Part>) -> Vec<Part> {
    if let [Part { model, trees }] = &mut parts[..] {
        let middle = trees.start + trees.len() / 2;
        let second = Part { model: *model, trees: middle..trees.end };
        trees.end = middle;
        return vec![second];
    }
    parts.split_off(parts.len() / 2)
}

impl Fleet<'_> {
    /// The trees of a part, in order.
    fn trees<'a>(&'a self, part: &'a Part) -> impl Iterator<Item = &'a Tree> {
        let trees = &self.models[part.model].ensemble.trees;
        self.orders[part.model][part.trees.clone()].iter().map(|&tree| &trees[tree as usize])
    }

    /// The planes of all columns that some parts ask about; none if there are too many.
    fn layout(&self, parts: &[Part]) -> Result<Option<Layout>> {
        let merged: Mutex<BTreeMap<Column, Asked>> = Mutex::default();
        let collect = |(): &mut (), task: usize| {
            self.control.check()?;
            let asked = self.asked(&parts[task]);
            let mut merged = merged.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
            for (column, asked) in asked {
                let all = merged.entry(column).or_default();
                all.or_missing |= asked.or_missing;
                all.cuts.extend(asked.cuts);
                all.codes.extend(asked.codes);
            }
            Ok(())
        };
        parallel(self.threads, parts.len(), || Ok(()), collect)?;
        let mut asked = merged.into_inner().unwrap_or_else(std::sync::PoisonError::into_inner);
        for asked in asked.values_mut() {
            sort(asked);
        }
        Ok(Layout::new(self.form, asked.into_iter().collect(), MOST_COLUMN_PLANES))
    }

    /// What a part asks about each column.
    fn asked(&self, part: &Part) -> HashMap<Column, Asked> {
        let model = &self.models[part.model];
        let mut all: HashMap<Column, Asked> = HashMap::new();
        for tree in self.trees(part) {
            for node in &tree.nodes {
                match question(model, tree, node) {
                    Question::Above { column, cut, or_missing } => {
                        let asked = all.entry(column).or_default();
                        asked.cuts.push(cut);
                        asked.or_missing |= or_missing;
                    }
                    Question::Among { column, members, .. } => {
                        all.entry(column).or_default().codes.extend(members);
                    }
                }
            }
        }
        all.values_mut().for_each(sort);
        all
    }

    /// Compiles parts that share a layout.
    fn group(&self, mut layout: Layout, parts: &[Part]) -> Result<Group> {
        let programs: Vec<Mutex<Option<Program>>> = parts.iter().map(|_| Mutex::default()).collect();
        let compile = |(): &mut (), task: usize| {
            self.control.check()?;
            let program = self.program(&layout, &parts[task])?;
            *programs[task].lock().unwrap_or_else(std::sync::PoisonError::into_inner) = Some(program);
            Ok(())
        };
        parallel(self.threads, parts.len(), || Ok(()), compile)?;
        let taken = |program: Mutex<Option<Program>>| {
            program.into_inner().unwrap_or_else(std::sync::PoisonError::into_inner)
        };
        let programs: Vec<Program> = programs.into_iter().filter_map(taken).collect();
        layout.seal();
        let segments = programs.iter().flat_map(|program| &program.segments);
        let planes = segments.map(Segment::planes).max().unwrap_or(0).max(usize::from(layout.end));
        Ok(Group { layout, programs, planes })
    }

    /// Compiles a part.
    fn program(&self, layout: &Layout, part: &Part) -> Result<Program> {
        let model = &self.models[part.model];
        let ensemble = &model.ensemble;
        let mut segments = Vec::new();
        let mut draft = Draft::new(layout);
        // Outputs that an earlier part of the model has begun.
        let mut seen = vec![false; ensemble.outputs()];
        for &tree in &self.orders[part.model][..part.trees.start] {
            seen[ensemble.trees[tree as usize].output as usize] = true;
        }
        for position in part.trees.clone() {
            self.control.check()?;
            let tree = &ensemble.trees[self.orders[part.model][position] as usize];
            let questions: Vec<Question> =
                tree.nodes.iter().map(|node| question(model, tree, node)).collect();
            if draft.tests.len() + draft.new_tests(&questions) > MOST_TESTS && !draft.trees.is_empty() {
                segments.push(draft.finish(self, part.model, &mut seen)?);
                draft = Draft::new(layout);
            }
            draft.add(position, &questions);
        }
        let last = part.trees.end == self.orders[part.model].len();
        segments.push(draft.finish(self, part.model, &mut seen)?);
        if last {
            segments.extend(self.bare(part.model, layout, &seen));
        }
        Ok(Program { model: part.model, segments })
    }

    /// A segment for the outputs without trees: their base.
    fn bare(&self, model: usize, layout: &Layout, seen: &[bool]) -> Option<Segment> {
        let base = &self.models[model].ensemble.base;
        let bare = (0..base.len()).filter(|&output| !seen[output]);
        let run = |output| Run {
            output,
            trees: 0..0,
            sums: Sums::F64,
            fixed: None,
            start: Start::Base(base[output]),
        };
        let runs: Vec<Run> = bare.map(run).collect();
        let parts = SegmentParts { first_test: layout.end, runs, ..SegmentParts::default() };
        (!parts.runs.is_empty()).then(|| Segment::new(self.form, parts))
    }
}

/// Brings cuts and codes into order, each once.
fn sort(asked: &mut Asked) {
    asked.cuts.sort_unstable();
    asked.cuts.dedup();
    asked.codes.sort_unstable();
    asked.codes.dedup();
}

/// A segment in the making.
struct Draft<'a> {
    layout: &'a Layout,
    /// The questions that need a plane of their own.
    tests: BTreeSet<Question>,
    /// The trees, by their position in the order of summation, with what their nodes ask.
    trees: Vec<(usize, Vec<Question>)>,
}

impl<'a> Draft<'a> {
    fn new(layout: &'a Layout) -> Self {
        Self { layout, tests: BTreeSet::new(), trees: Vec::new() }
    }

    /// How many planes a tree adds.
    fn new_tests(&self, questions: &[Question]) -> usize {
        let is_new = |question: &&Question| {
            !matches!(self.layout.operands(question), Operands::Plane(_)) && !self.tests.contains(*question)
        };
        questions.iter().filter(is_new).count()
    }

    fn add(&mut self, position: usize, questions: &[Question]) {
        for question in questions {
            if !matches!(self.layout.operands(question), Operands::Plane(_)) {
                self.tests.insert(question.clone());
            }
        }
        self.trees.push((position, questions.to_vec()));
    }

    /// Makes the segment. `seen` tells, and learns, which outputs have begun.
    ///
    /// # Errors
    /// A request to stop.
    fn finish(self, fleet: &Fleet<'_>, model: usize, seen: &mut [bool]) -> Result<Segment> {
        let mut parts =
            SegmentParts { first_test: self.layout.end + SCRATCH as u16, ..SegmentParts::default() };
        let planes = self.tests(&mut parts);
        let (ensemble, order) = (&fleet.models[model].ensemble, &fleet.orders[model]);
        for (position, questions) in &self.trees {
            fleet.control.check()?;
            let tree = &ensemble.trees[order[*position] as usize];
            let plane = |question: &Question| match self.layout.operands(question) {
                Operands::Plane(plane) => plane,
                _ => planes[question],
            };
            let tests: Vec<u16> = questions.iter().map(plane).collect();
            let mut made = network(fleet.form, tree, &tests, self.layout.end);
            let output = tree.output as usize;
            let units = fleet.units[model][output];
            made.values = tree.values.clone();
            if let Some(units) = units {
                made.fixed = made.values.iter().map(|&value| units.of(value)).collect();
            }
            let number = parts.trees.len();
            parts.trees.push(made);
            match parts.runs.last_mut() {
                Some(run) if run.output == output => run.trees.end = number + 1,
                _ => {
                    let sums = match ensemble.library {
                        Library::LightGbm | Library::CatBoost => Sums::F64,
                        Library::XgBoost => Sums::F32,
                    };
                    let start = if seen[output] { Start::Output } else { Start::Base(ensemble.base[output]) };
                    seen[output] = true;
                    let fixed = units.map(|units| Fixed { unit: units.unit, base: units.base });
                    parts.runs.push(Run { output, trees: number..number + 1, sums, fixed, start });
                }
            }
        }
        Ok(Segment::new(fleet.form, parts))
    }

    /// Writes the tests of the segment; tells the plane of each.
    fn tests(&self, parts: &mut SegmentParts) -> HashMap<&Question, u16> {
        let (mut pairs, mut triples) = (Vec::new(), Vec::new());
        let mut sets: BTreeMap<u32, Vec<&Question>> = BTreeMap::new();
        for question in &self.tests {
            match self.layout.operands(question) {
                Operands::Plane(_) => {}
                Operands::Pair(planes) => {
                    pairs.push(question);
                    parts.pairs.push(planes);
                }
                Operands::Triple(planes) => {
                    triples.push(question);
                    parts.triples.push(planes);
                }
                Operands::Set(column) => sets.entry(column).or_default().push(question),
            }
        }
        let mut in_order: Vec<&Question> = pairs.into_iter().chain(triples).collect();
        for (column, questions) in sets {
            for questions in questions.chunks(SETS_TOGETHER) {
                parts.sets.push(set_tests(self.layout, column, questions));
                in_order.extend(questions);
            }
        }
        let first = usize::from(parts.first_test);
        in_order.into_iter().enumerate().map(|(at, question)| (question, (first + at) as u16)).collect()
    }
}

/// The table of some tests by set: a bit for each position and test.
fn set_tests(layout: &Layout, column: u32, questions: &[&Question]) -> SetTests {
    let codes = layout.codes(column);
    let mut right = vec![0u64; codes.positions()];
    let (_, missing) = creditcore_kernels::sliced::Codes::others();
    for (number, question) in questions.iter().enumerate() {
        let Question::Among { members, members_left, missing_left, .. } = question else { continue };
        let bit = 1u64 << number;
        if *members_left {
            right.iter_mut().for_each(|tests| *tests |= bit);
        }
        for at in members.iter().filter_map(|&member| codes.position(member)) {
            right[at] = if *members_left { right[at] & !bit } else { right[at] | bit };
        }
        right[missing] = if *missing_left { right[missing] & !bit } else { right[missing] | bit };
    }
    SetTests { column, count: questions.len() as u32, right }
}
