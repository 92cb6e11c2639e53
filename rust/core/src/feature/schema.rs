//! What a schema says, and reading it strictly.
//!
//! In: the text of a schema as JSON (a file's YAML, or arguments). Out: a [`Schema`]: features in their
//! order, derived ones in an order in which each can be computed. Unknown keys, doubled names, wrong types
//! and cycles are errors that name the file, the feature and the key.

use std::collections::HashSet;

use serde_json::{Map, Value};

use super::order;
use crate::error::{Error, Place, Result, nearest};
use crate::expr::{Expression, NanMode};

/// The type of a feature's values.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A 64-bit float.
    Float64,
    /// A 32-bit float.
    Float32,
    /// A 64-bit integer.
    Int64,
    /// Text.
    Text,
    /// Text out of a few values, matched by value.
    Category,
    /// true or false.
    Boolean,
}

/// Names of the types, as a schema writes them.
const KINDS: [(&str, Kind); 6] = [
    ("float64", Kind::Float64),
    ("float32", Kind::Float32),
    ("int64", Kind::Int64),
    ("text", Kind::Text),
    ("category", Kind::Category),
    ("boolean", Kind::Boolean),
];

impl Kind {
    /// As a schema writes it.
    pub fn name(self) -> &'static str {
        KINDS.iter().find(|(_, kind)| *kind == self).map_or("", |(name, _)| name)
    }

    /// Whether values are numbers.
    pub fn is_number(self) -> bool {
        matches!(self, Self::Float64 | Self::Float32 | Self::Int64)
    }
}

/// Codes that stand for something other than their own value.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Codes {
    /// Codes that are numbers.
    pub numbers: Vec<f64>,
    /// Codes as text, those that are numbers too.
    pub texts: HashSet<String>,
}

impl Codes {
    /// Whether there is no code.
    pub fn is_empty(&self) -> bool {
        self.numbers.is_empty() && self.texts.is_empty()
    }

    /// Whether a number is a code.
    pub fn has_number(&self, value: f64) -> bool {
        self.numbers.contains(&value) || (value.is_nan() && self.texts.contains("NaN"))
    }
}

/// One input of models.
#[derive(Clone, Debug)]
pub struct Feature {
    /// Its name in the result.
    pub name: String,
    /// The column that it is read from, unless it is derived.
    pub source: String,
    /// How it is computed, where it is not read.
    pub derived: Option<Expression>,
    /// Its type.
    pub kind: Kind,
    /// Codes that are null.
    pub missing: Codes,
    /// Codes with a meaning of their own: kept as they are, not clipped, counted.
    pub special: Codes,
    /// The values of a category that are known; others are kept and counted.
    pub values: Option<HashSet<String>>,
    /// The least and the greatest value; what lies outside takes the nearer of them.
    pub clip: (Option<f64>, Option<f64>),
    /// Whether it is in the result, or serves derived features only.
    pub output: bool,
}

/// The inputs of a fleet: names, sources, types, codes.
#[derive(Clone, Debug)]
pub struct Schema {
    /// The features, in the order of the result.
    pub features: Vec<Feature>,
    /// Positions of features, in an order in which each can be computed.
    pub(super) order: Vec<usize>,
    /// What a NaN is for derived features.
    pub nan: NanMode,
    /// The file, or `schema`: the place of an error.
    pub place: String,
}

const TOP_KEYS: [&str; 3] = ["features", "missing", "nan"];
const KEYS: [&str; 14] = [
    "name",
    "source",
    "derived",
    "type",
    "unit",
    "missing",
    "special",
    "values",
    "clip",
    "known_at",
    "sensitive",
    "geographic",
    "output",
    "description",
];
/// The most features of a schema.
const MOST_FEATURES: usize = 10_000;

impl Schema {
    /// Reads a schema.
    ///
    /// # Errors
    /// `Schema`, with the file, the feature and the key: an unknown key, a doubled name, a value of a wrong
    /// type, an expression that cannot be read, a cycle.
    pub fn from_json(text: &str, place: &str) -> Result<Self> {
        let told: Value = serde_json::from_str(text)
            .map_err(|error| Error::schema(Place::file(place), format!("not a schema: {error}")))?;
        let reader = Reader { place, feature: None };
        let top = reader.object(&told, "the schema", &TOP_KEYS)?;
        let nan = match top.get("nan") {
            None => NanMode::default(),
            Some(value) => NanMode::named(&reader.text(value, "nan")?)
                .map_err(|error| reader.fault(&error.to_string()))?,
        };
        let missing =
            top.get("missing").map_or(Ok(Codes::default()), |codes| reader.codes(codes, "missing"))?;
        let list = top.get("features").ok_or_else(|| reader.fault("no key `features`"))?;
        let list = list.as_array().ok_or_else(|| reader.fault("`features` is not a list"))?;
        if list.is_empty() || list.len() > MOST_FEATURES {
            return Err(
                reader.fault(&format!("`features` holds {}; 1 to {MOST_FEATURES} are allowed", list.len()))
            );
        }
        let features: Vec<Feature> = list
            .iter()
            .enumerate()
            .map(|(index, told)| read_feature(told, index, place, &missing))
            .collect::<Result<_>>()?;
        order::refuse_raw_codes(&features, !missing.is_empty(), place)?;
        let order = order::order(&features, place)?;
        Ok(Self { features, order, nan, place: place.to_owned() })
    }

    /// The columns that a source must have, each once.
    pub fn sources(&self) -> Vec<&str> {
        let names: HashSet<&str> = self.features.iter().map(|feature| feature.name.as_str()).collect();
        let mut sources = Vec::new();
        for feature in &self.features {
            match &feature.derived {
                None => sources.push(feature.source.as_str()),
                Some(derived) => {
                    sources.extend(derived.columns().into_iter().filter(|name| !names.contains(name)));
                }
            }
        }
        let mut seen = HashSet::new();
        sources.retain(|name| seen.insert(*name));
        sources
    }
}

/// Reads values, and knows where it is for the text of an error.
struct Reader<'a> {
    place: &'a str,
    feature: Option<String>,
}

impl Reader<'_> {
    fn fault(&self, text: &str) -> Error {
        let feature = self.feature.as_ref().map(|name| format!("feature {name}: ")).unwrap_or_default();
        Error::schema(Place::file(self.place), format!("{feature}{text}"))
    }

    fn object<'v>(&self, value: &'v Value, what: &str, keys: &[&str]) -> Result<&'v Map<String, Value>> {
        let object =
            value.as_object().ok_or_else(|| self.fault(&format!("{what} is not a mapping of keys")))?;
        match object.keys().find(|key| !keys.contains(&key.as_str())) {
            None => Ok(object),
            Some(key) => {
                let hint = nearest(key, keys.iter().copied());
                let hint = hint.map(|near| format!("; did you mean `{near}`?")).unwrap_or_default();
                Err(self.fault(&format!("unknown key `{key}`{hint} (keys: {})", keys.join(", "))))
            }
        }
    }

    fn text(&self, value: &Value, key: &str) -> Result<String> {
        match value.as_str() {
            Some(text) if !text.is_empty() => Ok(text.to_owned()),
            _ => Err(self.fault(&format!("`{key}` is `{value}`; it is a text, not an empty one"))),
        }
    }

    fn truth(&self, value: Option<&Value>, key: &str, default: bool) -> Result<bool> {
        match value {
            None => Ok(default),
            Some(Value::Bool(value)) => Ok(*value),
            Some(other) => Err(self.fault(&format!("`{key}` is `{other}`; it is true or false"))),
        }
    }

    fn code(&self, value: &Value, key: &str, codes: &mut Codes) -> Result<()> {
        match value {
            Value::String(text) => {
                codes.texts.insert(text.clone());
            }
            Value::Number(number) => {
                codes.numbers.extend(number.as_f64());
                codes.texts.insert(number.to_string());
            }
            other => return Err(self.fault(&format!("`{key}` holds `{other}`; codes are numbers and texts"))),
        }
        Ok(())
    }

    fn codes(&self, value: &Value, key: &str) -> Result<Codes> {
        let list = value.as_array().ok_or_else(|| self.fault(&format!("`{key}` is not a list of codes")))?;
        let mut codes = Codes::default();
        list.iter().try_for_each(|code| self.code(code, key, &mut codes))?;
        Ok(codes)
    }

    /// `{code: meaning}`; the keys of a mapping are text, so those that are numbers count as both.
    fn meanings(&self, value: &Value, key: &str) -> Result<Codes> {
        let told = "is not a mapping of codes to their meanings";
        let object = value.as_object().ok_or_else(|| self.fault(&format!("`{key}` {told}")))?;
        let mut codes = Codes::default();
        for (code, meaning) in object {
            self.text(meaning, key)?;
            codes.numbers.extend(code.parse::<f64>().ok().filter(|number| number.is_finite()));
            codes.texts.insert(code.clone());
        }
        Ok(codes)
    }

    fn clip(&self, value: &Value) -> Result<(Option<f64>, Option<f64>)> {
        let told = "`clip` is a list of the least and the greatest value, of which one may be null";
        let bounds = match value.as_array().map(Vec::as_slice) {
            Some([low, high]) => [low, high],
            _ => return Err(self.fault(told)),
        };
        let bound = |bound: &Value| match bound {
            Value::Null => Ok(None),
            Value::Number(number) => Ok(number.as_f64()),
            _ => Err(self.fault(told)),
        };
        match (bound(bounds[0])?, bound(bounds[1])?) {
            (Some(low), Some(high)) if low > high => {
                Err(self.fault(&format!("`clip` has the least value `{low}` above the greatest `{high}`")))
            }
            bounds => Ok(bounds),
        }
    }

    fn kind(&self, value: Option<&Value>) -> Result<Kind> {
        let known = || KINDS.iter().map(|(name, _)| *name);
        let allowed = format!("the types are {}", known().collect::<Vec<_>>().join(", "));
        let value = value.ok_or_else(|| self.fault(&format!("no key `type`; {allowed}")))?;
        let name = self.text(value, "type")?;
        KINDS.iter().find(|(known, _)| *known == name).map(|(_, kind)| *kind).ok_or_else(|| {
            let hint = nearest(&name, known()).map(|near| format!("; did you mean `{near}`?"));
            self.fault(&format!("no type `{name}`{} ({allowed})", hint.unwrap_or_default()))
        })
    }
}

fn read_feature(told: &Value, index: usize, place: &str, missing: &Codes) -> Result<Feature> {
    let mut reader = Reader { place, feature: Some(format!("{}", index + 1)) };
    if let Some(name) = told.get("name").and_then(Value::as_str) {
        reader.feature = Some(format!("`{name}`"));
    }
    let told = reader.object(told, "it", &KEYS)?;
    let name = told.get("name").ok_or_else(|| reader.fault("no key `name`"))?;
    let name = reader.text(name, "name")?;
    let kind = reader.kind(told.get("type"))?;
    for key in ["unit", "known_at", "description"] {
        told.get(key).map(|value| reader.text(value, key)).transpose()?;
    }
    for key in ["sensitive", "geographic"] {
        reader.truth(told.get(key), key, false)?;
    }
    let derived = match (told.get("derived"), told.get("source"), told.get("missing")) {
        (None, _, _) => None,
        (Some(_), Some(_), _) => return Err(reader.fault("`derived` and `source` exclude each other")),
        (Some(_), _, Some(_)) => {
            return Err(reader.fault("`missing` belongs to a feature that is read; use NULLIF in `derived`"));
        }
        (Some(text), _, _) => {
            let parsed = Expression::parse(&reader.text(text, "derived")?);
            Some(parsed.map_err(|error| reader.fault(&format!("`derived`, {error}")))?)
        }
    };
    let source = told.get("source").map_or(Ok(name.clone()), |source| reader.text(source, "source"))?;
    let own = told.get("missing").map(|codes| reader.codes(codes, "missing")).transpose()?;
    let special = told.get("special").map(|codes| reader.meanings(codes, "special")).transpose()?;
    let clip = told.get("clip").map_or(Ok((None, None)), |clip| reader.clip(clip))?;
    if clip != (None, None) && !kind.is_number() {
        return Err(reader.fault(&format!("`clip` belongs to numbers, not to `{}`", kind.name())));
    }
    let values = told.get("values").map(|values| reader.codes(values, "values")).transpose()?;
    if values.is_some() && kind != Kind::Category {
        return Err(reader.fault(&format!("`values` belongs to a category, not to `{}`", kind.name())));
    }
    let output = reader.truth(told.get("output"), "output", true)?;
    let is_derived = derived.is_some();
    Ok(Feature {
        name,
        source,
        derived,
        kind,
        missing: if is_derived { Codes::default() } else { own.unwrap_or_else(|| missing.clone()) },
        special: special.unwrap_or_default(),
        values: values.map(|values| values.texts),
        clip,
        output,
    })
}
