//! Region tables.

use std::path::PathBuf;
use std::sync::Arc;

use creditcore::region;
use pyo3::prelude::*;

use crate::gate;

/// A table of regions: levels, families, names and codes.
#[pyclass(frozen, module = "creditcore._core")]
pub(crate) struct Regions {
    pub(crate) inner: Arc<region::Regions>,
}

#[pymethods]
impl Regions {
    /// Reads a table from CSV files: the regions, and further codes and names for them.
    #[staticmethod]
    #[pyo3(signature = (path, aliases=None))]
    fn load(py: Python<'_>, path: PathBuf, aliases: Option<PathBuf>) -> PyResult<Self> {
        let regions =
            gate::run(py, None, move |_| creditcore_store::regions::load(&path, aliases.as_deref()))?;
        Ok(Self { inner: Arc::new(regions) })
    }

    /// The levels, coarse to fine.
    fn levels(&self) -> Vec<String> {
        self.inner.levels().to_vec()
    }

    /// The families: groupings of regions that are no level.
    fn families(&self) -> Vec<String> {
        self.inner.families().to_vec()
    }

    /// For each value that is resolved the units of a level or family that it counts in: (value, unit's code).
    fn members(&self, values: Vec<String>, level: &str) -> Vec<(String, String)> {
        let Some(units) = self.inner.units(level) else { return Vec::new() };
        let mut pairs = Vec::new();
        for value in values {
            if let region::Resolution::Leaf(leaf) = self.inner.resolve_text(&value) {
                let of_leaf = &units.members[leaf as usize];
                pairs.extend(
                    of_leaf.iter().map(|&unit| (value.clone(), units.entries[unit as usize].code.clone())),
                );
            }
        }
        pairs
    }
}
