//! A policy as masks: every distinct predicate once, rules as algebra over them.
//!
//! In: a policy and the types of its columns. Out: a [`Program`]. A condition has two masks, where it is true
//! and where it is false; in between it is unknown. NOT swaps them, AND joins the true by AND and the false by
//! OR, which is SQL's logic of three values.

use std::collections::HashMap;

use arrow_schema::DataType;

use super::policy::{OnNull, Policy};
use super::range::{Predicate, Space, Test, column_of, predicate, texts_of};
use super::records::rule_fault;
use crate::error::Result;
use crate::expr::{Expression, Kind, Node, Type, key, type_of};

/// A column that predicates are asked of.
#[derive(Clone, Debug)]
pub(super) struct Column {
    /// Its place among the columns that are read.
    pub(super) place: usize,
    pub(super) space: Space,
    /// What keys are compared with, ascending.
    pub(super) bounds: Vec<i64>,
    /// Its predicates, with the slots of where they are true.
    pub(super) tests: Vec<(Test, u32)>,
}

impl Column {
    fn new(place: usize, space: Space, predicates: Vec<(Predicate, u32)>) -> Self {
        let (predicates, slots): (Vec<_>, Vec<_>) = predicates.into_iter().unzip();
        let (bounds, tests) = space.tests(&predicates);
        Self { place, space, bounds, tests: tests.into_iter().zip(slots).collect() }
    }
}

/// How a mask comes about from others.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) enum Op {
    And(Vec<u32>),
    Or(Vec<u32>),
    /// Where the column of a predicate is known and the predicate is not true.
    Not {
        column: u32,
        slot: u32,
    },
}

/// A rule as masks; where it is true, the program's `truths` say.
#[derive(Clone, Debug)]
pub(super) struct MaskRule {
    /// Where it is false; none for a rule that need not know.
    pub(super) falsity: Option<u32>,
    /// The parts whose evaluation may fail, by their places among `parts`.
    pub(super) parts: Vec<u32>,
}

/// What has no ranges: a part that the golden evaluator is asked, with the slots of its two masks.
#[derive(Clone, Debug)]
pub(super) struct Part {
    pub(super) expression: Expression,
    pub(super) truth: u32,
    pub(super) falsity: u32,
}

/// A policy as masks.
#[derive(Clone, Debug, Default)]
pub(super) struct Program {
    /// The types that it was made for.
    pub(super) types: Vec<DataType>,
    pub(super) columns: Vec<Column>,
    pub(super) parts: Vec<Part>,
    /// Slots and how they are filled, in an order in which each can be.
    pub(super) ops: Vec<(u32, Op)>,
    pub(super) slots: usize,
    pub(super) rules: Vec<MaskRule>,
    /// Rule after rule the slots that are all true where it is, from one of `ends` to the next.
    pub(super) truths: Vec<u32>,
    pub(super) ends: Vec<u32>,
}

impl Program {
    /// Makes the program of a policy for columns (in the order that they are read in) of some types.
    ///
    /// # Errors
    /// `Tactic`: a condition that does not fit the types, with its rule.
    pub(super) fn new(policy: &Policy, names: &[&str], types: Vec<DataType>) -> Result<Self> {
        let kinds: Vec<Type> = types.iter().map(|kind| type_of(kind).unwrap_or(Type::Null)).collect();
        let named: Vec<(String, Type)> =
            names.iter().zip(&kinds).map(|(name, kind)| ((*name).to_owned(), *kind)).collect();
        for rule in &policy.rules {
            rule.when.check_condition(&named).map_err(|error| rule_fault(&rule.id, error))?;
        }
        let mut maker = Maker::new(policy, names, &kinds);
        let rules = policy.rules.iter().map(|rule| maker.rule(&rule.when, rule.on_null)).collect();
        let Maker { program, spaces, predicates, .. } = maker;
        let columns = spaces.into_iter().zip(predicates).enumerate();
        let columns = columns.filter(|(_, (_, predicates))| !predicates.is_empty());
        let columns = columns.map(|(place, (space, predicates))| Column::new(place, space, predicates));
        Ok(Self { types, rules, columns: columns.collect(), ..program })
    }

    /// The slots that are all true where a rule is.
    pub(super) fn truth(&self, rule: usize) -> &[u32] {
        &self.truths[self.ends[rule] as usize..self.ends[rule + 1] as usize]
    }
}

/// Makes a program, and knows what it has made already.
struct Maker<'a> {
    program: Program,
    /// By the places of columns.
    spaces: Vec<Space>,
    predicates: Vec<Vec<(Predicate, u32)>>,
    places: HashMap<&'a str, usize>,
    /// Predicates and parts by the key of their node: the true slot, and the false one or the column.
    leaves: HashMap<String, (u32, Falsity)>,
    made: HashMap<Op, u32>,
}

#[derive(Clone, Copy)]
enum Falsity {
    Part(u32),
    Column(u32),
}

impl<'a> Maker<'a> {
    fn new(policy: &'a Policy, names: &[&'a str], kinds: &[Type]) -> Self {
        let places: HashMap<&str, usize> =
            names.iter().enumerate().map(|(place, name)| (*name, place)).collect();
        let mut texts: Vec<Vec<String>> = vec![Vec::new(); names.len()];
        for rule in &policy.rules {
            collect_texts(rule.when.root(), &places, &mut texts);
        }
        let space = |(kind, mut texts): (&Type, Vec<String>)| {
            texts.sort_unstable();
            texts.dedup();
            Space { kind: Some(*kind), texts }
        };
        let spaces = kinds.iter().zip(texts).map(space).collect();
        let predicates = vec![Vec::new(); names.len()];
        let (leaves, made) = (HashMap::new(), HashMap::new());
        let program = Program { ends: vec![0], ..Program::default() };
        Self { program, spaces, predicates, places, leaves, made }
    }

    fn rule(&mut self, when: &Expression, on_null: OnNull) -> MaskRule {
        let mut parts = Vec::new();
        let truth: Vec<u32> = match &when.root().kind {
            Kind::All(all) => all.iter().map(|part| self.mask(when, part, true, &mut parts)).collect(),
            _ => vec![self.mask(when, when.root(), true, &mut parts)],
        };
        self.program.truths.extend(truth);
        self.program.ends.push(self.program.truths.len() as u32);
        let needs = on_null != OnNull::NoHit;
        let falsity = needs.then(|| self.mask(when, when.root(), false, &mut parts));
        parts.sort_unstable();
        parts.dedup();
        MaskRule { falsity, parts }
    }

    fn slot(&mut self) -> u32 {
        self.program.slots += 1;
        self.program.slots as u32 - 1
    }

    fn op(&mut self, op: Op) -> u32 {
        if let Some(slot) = self.made.get(&op) {
            return *slot;
        }
        let slot = self.slot();
        self.program.ops.push((slot, op.clone()));
        self.made.insert(op, slot);
        slot
    }

    /// The slot of where a part of a condition is true, or false.
    fn mask(&mut self, when: &Expression, node: &Node, truth: bool, parts: &mut Vec<u32>) -> u32 {
        let (all, list) = match &node.kind {
            Kind::Not(one) => return self.mask(when, one, !truth, parts),
            Kind::All(list) => (truth, list),
            Kind::Any(list) => (!truth, list),
            _ => return self.leaf(when, node, truth, parts),
        };
        let mut slots: Vec<u32> = list.iter().map(|part| self.mask(when, part, truth, parts)).collect();
        slots.sort_unstable();
        slots.dedup();
        self.op(if all { Op::And(slots) } else { Op::Or(slots) })
    }

    fn leaf(&mut self, when: &Expression, node: &Node, truth: bool, parts: &mut Vec<u32>) -> u32 {
        let place = column_of(node).and_then(|name| self.places.get(name)).copied();
        let found = place.and_then(|place| Some((place, predicate(node, &self.spaces[place])?)));
        let Some((place, (predicate, negated))) = found else {
            return self.part(when, node, truth, parts);
        };
        let name = format!("{place} {predicate:?}");
        let (slot, falsity) = match self.leaves.get(&name) {
            Some(known) => *known,
            None => {
                let slot = self.slot();
                self.predicates[place].push((predicate, slot));
                *self.leaves.entry(name).or_insert((slot, Falsity::Column(place as u32)))
            }
        };
        match falsity {
            Falsity::Column(column) if truth == negated => self.op(Op::Not { column, slot }),
            _ => slot,
        }
    }

    fn part(&mut self, when: &Expression, node: &Node, truth: bool, parts: &mut Vec<u32>) -> u32 {
        let name = key(node);
        let index = match self.leaves.get(&name) {
            Some((_, Falsity::Part(index))) => *index,
            _ => {
                let index = self.program.parts.len() as u32;
                let (truth, falsity) = (self.slot(), self.slot());
                self.program.parts.push(Part { expression: when.part(node), truth, falsity });
                self.leaves.insert(name, (truth, Falsity::Part(index)));
                index
            }
        };
        parts.push(index);
        let part = &self.program.parts[index as usize];
        if truth { part.truth } else { part.falsity }
    }
}

/// The texts that columns are compared with, by their places.
fn collect_texts(node: &Node, places: &HashMap<&str, usize>, texts: &mut [Vec<String>]) {
    if let Some(place) = column_of(node).and_then(|name| places.get(name)) {
        texts[*place].extend(texts_of(node).map(str::to_owned));
    }
    node.parts().into_iter().for_each(|part| collect_texts(part, places, texts));
}
