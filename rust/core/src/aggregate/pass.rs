//! One pass over a source: every grouping's sums, and what was left out, by cause.
//!
//! In: a source and a plan. Out: an [`Aggregate`]. A row is checked in a stated order (kind, measure,
//! weight, unit, group), so each row left out has one cause, and in = used + excluded.

use std::collections::BTreeMap;
use std::sync::Arc;

use arrow_array::UInt32Array;
use creditcore_kernels::isa::Isa;

use super::codes::Codes;
use super::column::Column;
use super::grids::Gridder;
use super::group::{Cause, Grouper, REFUSED, band_codes, band_names};
use super::plan::{By, Measure, Plan};
use super::result::{Aggregate, Grouping, count};
use super::roles::{Measured, Roles, take_rows};
use super::table::{CHUNK, GroupTable};
use super::unit::{UnitRow, UnitRows};
use crate::batch::{Batch, Source, find_column};
use crate::error::{Error, Place, Result, list_names};
use crate::exec::{Control, parallel};
use crate::region::Regions;

/// Aggregates a source.
///
/// # Errors
/// A plan that does not fit the source, whatever reading gives, a source of several kinds where the plan
/// names none, or a stop.
pub fn aggregate(
    source: &dyn Source,
    plan: &Plan,
    regions: Option<&Arc<Regions>>,
    threads: usize,
    control: &Control,
) -> Result<Aggregate> {
    plan.check()?;
    if plan.by.contains(&By::Region) && regions.is_none() {
        return Err(Error::argument("a region level needs a region table; give `regions`"));
    }
    let isa = Isa::active().map_err(Error::argument)?;
    let roles = Roles::new(plan);
    for wanted in roles.wanted() {
        find_column(source.column_names(), &wanted.name)?;
    }
    // The records of a unit meet in one place, so that which of them counts cannot depend on threads.
    let threads = if plan.units.is_some() { 1 } else { threads };
    let states = parallel(
        threads,
        source.tasks(),
        || Ok(State::new(plan, &roles, regions, isa)),
        |state, task| source.read(task, roles.wanted(), control, &mut |batch| state.add(batch)),
    )?;
    let mut whole = empty(plan, regions);
    let mut kinds = BTreeMap::new();
    for state in states {
        let (part, of_kind) = state.finish()?;
        of_kind.into_iter().for_each(|(kind, rows)| *kinds.entry(kind).or_insert(0) += rows);
        whole.merge(&part)?;
    }
    refuse_mixed_kinds(plan, &kinds)?;
    Ok(whole)
}

/// The aggregate of no rows.
fn empty(plan: &Plan, regions: Option<&Arc<Regions>>) -> Aggregate {
    let leaf_level = regions.map_or("", |regions| regions.leaf_level());
    Aggregate::new(plan.clone(), regions.map(|regions| regions.hash()), leaf_level)
}

/// Kinds are never mixed silently: several of them need a word from the user.
fn refuse_mixed_kinds(plan: &Plan, kinds: &BTreeMap<String, u64>) -> Result<()> {
    let Some(column) = plan.kind_column.as_deref().filter(|_| plan.kind.is_none() && kinds.len() > 1) else {
        return Ok(());
    };
    let names = list_names(kinds.keys().map(String::as_str), 5);
    let first = kinds.keys().next().map_or("", String::as_str);
    Err(Error::schema(
        Place::default(),
        format!(
            "column `{column}` holds several kinds ({names}), which are not averaged together; name one \
             (`kind=\"{first}\"`), or say `kind=\"all\"`"
        ),
    ))
}

/// What one thread has seen.
pub(super) struct State<'a> {
    pub(super) plan: &'a Plan,
    roles: &'a Roles,
    isa: Isa,
    pub(super) gridder: Gridder,
    /// For each grouping its codes; none where the codes are numbers of bands.
    pub(super) groupers: Vec<Option<Grouper>>,
    pub(super) tables: Vec<GroupTable>,
    kinds: Option<Grouper>,
    kind_rows: Vec<u64>,
    keys: Option<Grouper>,
    units: Option<UnitRows>,
    pub(super) part: Aggregate,
    /// The codes of the batch before: their memory is used again, as fresh memory costs more than the codes.
    codes: Vec<Codes>,
    /// Room for a chunk's codes of 16 and of 32 bits.
    pub(super) room: (Vec<u16>, Vec<u32>),
}

impl<'a> State<'a> {
    fn new(plan: &'a Plan, roles: &'a Roles, regions: Option<&Arc<Regions>>, isa: Isa) -> Self {
        let grouper = |by: &By| match by {
            By::Region => Some(Grouper::new(plan.region.as_deref().unwrap_or_default(), regions.cloned())),
            By::Column { name } => Some(Grouper::new(name, None)),
            By::Bands { .. } => None,
        };
        Self {
            plan,
            roles,
            isa,
            gridder: Gridder::new(isa),
            groupers: plan.by.iter().map(grouper).collect(),
            tables: plan.by.iter().map(|_| GroupTable::new(isa, plan.largest)).collect(),
            kinds: plan.kind_column.as_deref().map(|name| Grouper::new(name, None)),
            kind_rows: Vec::new(),
            keys: plan.units.as_ref().map(|units| Grouper::new(&units.key, None)),
            units: plan
                .units
                .as_ref()
                .map(|units| UnitRows::new(units.pick, plan.by.len(), plan.weight.is_some())),
            part: empty(plan, regions),
            codes: Vec::new(),
            room: (Vec::new(), Vec::new()),
        }
    }

    fn add(&mut self, batch: &Batch) -> Result<()> {
        self.part.rows += batch.rows as u64;
        let Some(batch) = self.of_kind(batch)? else { return Ok(()) };
        let measured = self.roles.measured(&batch)?;
        self.part.check_decimals(measured.decimals(&self.plan.measure), &batch.source)?;
        let codes = self.codes(&batch)?;
        if self.units.is_some() {
            self.collect_units(&batch, &measured, &codes)?;
        } else {
            for start in (0..batch.rows).step_by(CHUNK) {
                self.chunk(&batch, &measured, &codes, start, CHUNK.min(batch.rows - start))?;
            }
        }
        self.codes = codes;
        Ok(())
    }

    /// The rows of the kind that the plan keeps; counts kinds and what is left out.
    fn of_kind(&mut self, batch: &Batch) -> Result<Option<Batch>> {
        let (Some(position), Some(kinds)) = (self.roles.kind, &mut self.kinds) else {
            return Ok(Some(batch.clone()));
        };
        let mut codes = Vec::new();
        kinds.codes(&batch.columns[position], Place::file(&*batch.source), &mut codes)?;
        if self.plan.kind.as_deref() == Some("all") {
            return Ok(Some(batch.clone()));
        }
        self.kind_rows.resize(kinds.groups(), 0);
        let wanted = self.plan.kind.as_deref().map(|kind| kinds.code_of(kind));
        let mut kept = Vec::with_capacity(codes.len());
        for (row, &code) in codes.iter().enumerate() {
            if code >= REFUSED {
                count(&mut self.part.excluded, "null_kind", 1);
            } else if wanted.is_some_and(|wanted| wanted != Some(code)) {
                count(&mut self.part.excluded, "other_kind", 1);
            } else {
                self.kind_rows[code as usize] += 1;
                kept.push(row as u32);
            }
        }
        if kept.len() == batch.rows {
            return Ok(Some(batch.clone()));
        }
        let rows = UInt32Array::from(kept);
        let columns = batch.columns.iter().map(|column| take_rows(column, &rows)).collect::<Result<_>>()?;
        Ok(Some(batch.only(rows.values(), columns)))
    }

    /// Each grouping's code of each row.
    fn codes(&mut self, batch: &Batch) -> Result<Vec<Codes>> {
        let mut all = std::mem::take(&mut self.codes);
        all.resize(self.plan.by.len(), Codes::default());
        let groupings = self.plan.by.iter().zip(&mut self.groupers).zip(&self.roles.by);
        for (((by, grouper), &position), codes) in groupings.zip(&mut all) {
            let (array, place) = (&batch.columns[position], Place::file(&*batch.source));
            let isa = self.isa;
            if let Some(own) = grouper.as_mut().and_then(|grouper| grouper.own_codes(array, isa)) {
                *codes = Codes::Short(own);
                continue;
            }
            let mut wide = match std::mem::take(codes) {
                Codes::Wide(wide) => wide,
                Codes::Short(_) => Vec::new(),
            };
            wide.clear();
            match (by, grouper) {
                (By::Bands { name, edges }, _) => {
                    band_codes(&Column::new(name, array, place)?, edges, &mut wide);
                }
                (_, Some(grouper)) => grouper.codes(array, place, &mut wide)?,
                (_, None) => {}
            }
            *codes = Codes::Wide(wide);
        }
        for ((by, grouper), table) in self.plan.by.iter().zip(&self.groupers).zip(&mut self.tables) {
            match (by, grouper) {
                (By::Bands { edges, .. }, _) => table.grow(edges.len() + 1),
                (_, Some(grouper)) => table.grow(grouper.groups()),
                (_, None) => {}
            }
        }
        Ok(all)
    }

    fn collect_units(&mut self, batch: &Batch, measured: &Measured, codes: &[Codes]) -> Result<()> {
        let (Some(units), Some(grouper)) = (&mut self.units, &mut self.keys) else { return Ok(()) };
        let place = Place::file(&*batch.source);
        let mut keys = Vec::with_capacity(batch.rows);
        let column = |position: Option<usize>| position.map(|position| &batch.columns[position]);
        if let Some(array) = column(self.roles.key) {
            grouper.codes(array, place, &mut keys)?;
        }
        let times = super::unit::times(column(self.roles.time), self.roles, batch)?;
        let versions = super::unit::versions(column(self.roles.version), self.roles, batch)?;
        for row in 0..batch.rows {
            let values = match measured.row(row, &self.plan.measure, batch)? {
                Ok(values) => values,
                Err(fault) => {
                    count(&mut self.part.excluded, fault, 1);
                    continue;
                }
            };
            match (keys[row], times[row]) {
                (key, _) if key >= REFUSED => count(&mut self.part.excluded, "null_unit", 1),
                (_, None) => count(&mut self.part.excluded, "null_time", 1),
                (key, Some(time)) => {
                    let version = versions.get(row).copied().unwrap_or(0);
                    let groups = codes.iter().map(|codes| codes.of(row));
                    units.push(UnitRow { key, time, version, values }, groups);
                }
            }
        }
        Ok(())
    }

    /// Adds each unit's one record to the tables.
    fn settle_units(&mut self) -> Result<()> {
        let Some(units) = self.units.take() else { return Ok(()) };
        let picked =
            units.settle(|by, code| self.groupers[by].as_ref().map_or("", |grouper| grouper.key(code)));
        if picked.left > 0 {
            count(&mut self.part.excluded, picked.cause, picked.left);
        }
        for (row, codes) in picked.rows.iter().zip(picked.codes.chunks(self.plan.by.len())) {
            for (by, &code) in codes.iter().enumerate() {
                if self.part.admit(by, code, self.groupers[by].as_mut()) {
                    self.tables[by].add_row(code, row);
                }
            }
        }
        Ok(())
    }

    /// The thread's part of the whole, and its kinds.
    fn finish(mut self) -> Result<(Aggregate, BTreeMap<String, u64>)> {
        self.settle_units()?;
        for ((index, table), grouper) in self.tables.into_iter().enumerate().zip(self.groupers) {
            let (keys, refused) = match (&self.plan.by[index], grouper) {
                (By::Bands { edges, .. }, _) => (band_names(edges), Vec::new()),
                (_, Some(grouper)) => grouper.finish(),
                (_, None) => (Vec::new(), Vec::new()),
            };
            self.part.groupings[index] = Grouping::new(
                std::mem::take(&mut self.part.groupings[index].excluded),
                keys,
                table.finish(),
                refused,
                &self.part.leaf_level,
            );
        }
        let kinds = self.kinds.map_or_else(Vec::new, |kinds| kinds.finish().0);
        let kinds = kinds.into_iter().zip(self.kind_rows).filter(|&(_, rows)| rows > 0).collect();
        Ok((self.part, kinds))
    }
}

impl Cause {
    /// The cause's name among those of a grouping.
    pub(super) fn name(self, leaf_level: &str) -> String {
        match self {
            Self::Unresolved => "unresolved_region".to_owned(),
            Self::Ambiguous => "ambiguous_region".to_owned(),
            Self::AboveLeaf => format!("no_{leaf_level}"),
        }
    }
}

impl Measure {
    /// Whether the measure is a ratio of two columns.
    pub(super) fn is_ratio(&self) -> bool {
        matches!(self, Self::Ratio { .. })
    }
}
