//! The columns of a region table and of its aliases.
//!
//! In: the names of the columns, then one row of text cells after the other. Out: [`RegionRow`] and
//! [`AliasRow`]. Law kept: a cell that is not understood is an error that names its line, never a guess.

use crate::error::{Error, Place, Result, list_names};

/// A table may have this many rows; more is taken for a mistake (records given as regions).
pub const MAX_ROWS: usize = 1_000_000;

/// What separates several values in one cell.
const SEPARATOR: char = '|';

/// One row of a region table.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RegionRow {
    /// The key of the region.
    pub code: String,
    /// Its name; empty: the code.
    pub name: String,
    /// Its level; `None` in every row where the table has no such column.
    pub level: Option<String>,
    /// The code of the region that it is a part of.
    pub parent: Option<String>,
    /// Names in further columns (`name_zh`): column and name.
    pub other_names: Vec<(String, String)>,
    /// Further names that resolve to it and are not shown.
    pub aliases: Vec<String>,
    /// For each family column the values in this row; an empty list inherits those of the parent.
    pub families: Vec<(String, Vec<String>)>,
    /// Facts about it (population, longitude ...): column and cell.
    pub attributes: Vec<(String, String)>,
    /// Its line in the file, the header being line 1.
    pub line: u64,
}

/// One row of further codes and names: parts that are no region of their own, and former codes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AliasRow {
    /// The further code; may be empty where there is a name.
    pub code: String,
    /// The further name; may be empty where there is a code.
    pub name: String,
    /// The code of the region that it stands for.
    pub target: String,
    /// What sort of alias it is (`county`, `historic`).
    pub kind: String,
    /// The year in which it went out of use. An alias in use goes before one that is not.
    pub year: Option<u16>,
    /// Its line in the file, the header being line 1.
    pub line: u64,
}

/// The aliases of a table, with the name of where they come from.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Aliases {
    /// The file as the user named it.
    pub source: String,
    /// Its rows.
    pub rows: Vec<AliasRow>,
}

/// A fault in a line of a table.
pub(super) fn fault(source: &str, line: u64, text: impl std::fmt::Display) -> Error {
    Error::format(Place::file(source), format!("line {line}: {text}"))
}

/// What a column of a region table is.
#[derive(Clone, Debug)]
enum Column {
    Code,
    Name,
    Level,
    Parent,
    Aliases,
    OtherName(String),
    Attribute(String),
    Family(String),
}

impl Column {
    fn of(name: &str) -> Self {
        match name.to_lowercase().as_str() {
            "code" | "adcode" => Self::Code,
            "name" => Self::Name,
            "level" => Self::Level,
            "parent" | "parent_code" => Self::Parent,
            "aliases" => Self::Aliases,
            "lon" | "lat" | "unit_type" => Self::Attribute(name.to_owned()),
            lower if lower.starts_with("name_") => Self::OtherName(name.to_owned()),
            lower if lower.starts_with("population") || lower.starts_with("tile_") => {
                Self::Attribute(name.to_owned())
            }
            _ => Self::Family(name.to_owned()),
        }
    }

    /// What the column is called in an error's text; two columns with one label are a fault.
    fn label(&self) -> &str {
        match self {
            Self::Code => "code",
            Self::Name => "name",
            Self::Level => "level",
            Self::Parent => "parent",
            Self::Aliases => "aliases",
            Self::OtherName(name) | Self::Attribute(name) | Self::Family(name) => name,
        }
    }
}

/// The columns of a region table, understood.
#[derive(Clone, Debug)]
pub struct Header {
    source: String,
    columns: Vec<Column>,
}

impl Header {
    /// Reads the names of the columns. Every name that is none of `code` (or `adcode`), `name`, `level`,
    /// `parent` (or `parent_code`), `name_*`, `aliases`, `population*`, `lon`, `lat`, `tile_*` and
    /// `unit_type` is a family.
    ///
    /// # Errors
    /// No column of codes, a column without a name, a column given twice.
    pub fn read(source: &str, names: &[&str]) -> Result<Self> {
        check_names(source, names)?;
        let columns: Vec<Column> = names.iter().map(|name| Column::of(name.trim())).collect();
        for (index, column) in columns.iter().enumerate() {
            if columns[..index].iter().any(|earlier| earlier.label() == column.label()) {
                let text = format!(
                    "column `{}` is given twice; keep one (`adcode` is `code`, `parent_code` is `parent`)",
                    column.label()
                );
                return Err(fault(source, 1, text));
            }
        }
        if !columns.iter().any(|column| matches!(column, Column::Code)) {
            let names = list_names(names.iter().copied(), 12);
            return Err(fault(
                source,
                1,
                format!("no column `code` (or `adcode`) among {names}; a region table needs one"),
            ));
        }
        Ok(Self { source: source.to_owned(), columns })
    }

    /// Reads one row.
    ///
    /// # Errors
    /// A row of another width, an empty `code`, an empty `level`.
    pub fn row(&self, line: u64, cells: &[&str]) -> Result<RegionRow> {
        check_width(&self.source, line, cells.len(), self.columns.len())?;
        let mut row = RegionRow { line, ..RegionRow::default() };
        for (column, cell) in self.columns.iter().zip(cells) {
            let cell = cell.trim();
            match column {
                Column::Code if cell.is_empty() => {
                    return Err(fault(
                        &self.source,
                        line,
                        "`code` is empty; every region needs a code of its own",
                    ));
                }
                Column::Code => row.code = cell.to_owned(),
                Column::Name => row.name = cell.to_owned(),
                Column::Level => row.level = Some(cell.to_owned()),
                Column::Parent => row.parent = (!cell.is_empty()).then(|| cell.to_owned()),
                Column::Aliases => row.aliases = split(cell),
                Column::OtherName(name) => row.other_names.push((name.clone(), cell.to_owned())),
                Column::Attribute(name) => row.attributes.push((name.clone(), cell.to_owned())),
                Column::Family(name) => row.families.push((name.clone(), split(cell))),
            }
        }
        Ok(row)
    }
}

/// The values of a cell, without blanks, empty ones and repetitions.
fn split(cell: &str) -> Vec<String> {
    let mut values: Vec<String> = Vec::new();
    for value in cell.split(SEPARATOR).map(str::trim).filter(|value| !value.is_empty()) {
        if !values.iter().any(|known| known == value) {
            values.push(value.to_owned());
        }
    }
    values
}

/// The columns of a table of aliases, understood.
#[derive(Clone, Debug)]
pub struct AliasHeader {
    source: String,
    width: usize,
    code: Option<usize>,
    name: Option<usize>,
    target: usize,
    kind: Option<usize>,
    year: Option<usize>,
}

impl AliasHeader {
    /// Reads the names of the columns: `target`, at least one of `code` and `name`, perhaps `kind` and
    /// `year`; others are not looked at.
    ///
    /// # Errors
    /// A column that is needed is not there, or one is given twice.
    pub fn read(source: &str, names: &[&str]) -> Result<Self> {
        check_names(source, names)?;
        let find = |wanted: &str| -> Result<Option<usize>> {
            let mut found =
                names.iter().enumerate().filter(|(_, name)| name.trim() == wanted).map(|(index, _)| index);
            match (found.next(), found.next()) {
                (_, Some(_)) => Err(fault(source, 1, format!("column `{wanted}` is given twice; keep one"))),
                (first, None) => Ok(first),
            }
        };
        let (code, name, target) = (find("code")?, find("name")?, find("target")?);
        match target {
            Some(target) if code.is_some() || name.is_some() => {
                let (kind, year) = (find("kind")?, find("year")?);
                Ok(Self { source: source.to_owned(), width: names.len(), code, name, target, kind, year })
            }
            _ => Err(fault(
                source,
                1,
                format!(
                    "a table of aliases needs `target` and one of `code` and `name`; it has {}",
                    list_names(names.iter().copied(), 12)
                ),
            )),
        }
    }

    /// Reads one row.
    ///
    /// # Errors
    /// A row of another width, neither a code nor a name, a year that is none.
    pub fn row(&self, line: u64, cells: &[&str]) -> Result<AliasRow> {
        check_width(&self.source, line, cells.len(), self.width)?;
        let cell = |column: Option<usize>| column.map_or("", |column| cells[column].trim()).to_owned();
        let (code, name, year) = (cell(self.code), cell(self.name), cell(self.year));
        if code.is_empty() && name.is_empty() {
            return Err(fault(
                &self.source,
                line,
                "`code` and `name` are both empty; an alias needs one of them",
            ));
        }
        let year = match year.as_str() {
            "" => None,
            text => Some(text.parse().map_err(|_| {
                fault(
                    &self.source,
                    line,
                    format!("`year` holds `{text}`; a year such as 2015, or nothing, is allowed"),
                )
            })?),
        };
        Ok(AliasRow { code, name, target: cell(Some(self.target)), kind: cell(self.kind), year, line })
    }
}

fn check_names(source: &str, names: &[&str]) -> Result<()> {
    match names.iter().position(|name| name.trim().is_empty()) {
        Some(index) => {
            Err(fault(source, 1, format!("column {} has no name; name it or take it out", index + 1)))
        }
        None => Ok(()),
    }
}

fn check_width(source: &str, line: u64, cells: usize, columns: usize) -> Result<()> {
    if cells == columns {
        return Ok(());
    }
    Err(fault(
        source,
        line,
        format!("{cells} cells where the header has {columns}; a cell with a comma needs quotes"),
    ))
}
