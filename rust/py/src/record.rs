//! Single records: a dict of values in, a dict of outputs out.

use creditcore::model::{Fleet, Output, Value};
use creditcore::{Error, error::Place};
use pyo3::prelude::*;
use pyo3::types::{PyBool, PyDict, PyFloat, PyInt, PyString};

use crate::error::to_exception;
use crate::gate;

/// The names that a fleet's records have, as the interpreter's own texts.
pub(crate) struct RecordNames {
    columns: Vec<Py<PyString>>,
    outputs: Vec<Py<PyString>>,
}

impl RecordNames {
    pub(crate) fn of(py: Python<'_>, fleet: &Fleet) -> PyResult<Self> {
        let columns = fleet.record_columns().map_err(|error| to_exception(py, &error))?;
        let text = |name: &str| PyString::intern(py, name).unbind();
        Ok(Self {
            columns: columns.iter().map(|name| text(name)).collect(),
            outputs: fleet.output_names().iter().map(|name| text(name)).collect(),
        })
    }
}

/// A value that outlives the call: texts stay the interpreter's.
enum Held<'py> {
    Plain(Value<'static>),
    Decimal(String),
    Text(Bound<'py, PyString>),
}

/// The outputs of one record.
pub(crate) fn predict_one<'py>(
    fleet: &Fleet,
    names: &RecordNames,
    record: &Bound<'py, PyDict>,
    output: Output,
) -> PyResult<Bound<'py, PyDict>> {
    let py = record.py();
    let mut held = Vec::with_capacity(names.columns.len());
    for name in &names.columns {
        let name = name.bind(py);
        let Some(value) = record.get_item(name)? else {
            let text = format!("the record has no `{name}`; give it, as None where it is missing");
            return Err(to_exception(py, &Error::schema(Place::default(), text)));
        };
        held.push(hold(name, value)?);
    }
    let values: Vec<Value<'_>> = held.iter().map(borrow).collect::<PyResult<_>>()?;
    let found = gate::brief(py, || fleet.predict_one(&values, output))?;
    let outputs = PyDict::new(py);
    for (name, value) in names.outputs.iter().zip(found) {
        outputs.set_item(name, value)?;
    }
    Ok(outputs)
}

fn hold<'py>(name: &Bound<'py, PyString>, value: Bound<'py, PyAny>) -> PyResult<Held<'py>> {
    if let Ok(number) = value.cast::<PyFloat>() {
        return Ok(Held::Plain(Value::Number(number.value())));
    }
    if value.is_none() {
        return Ok(Held::Plain(Value::Missing));
    }
    if let Ok(flag) = value.cast::<PyBool>() {
        return Ok(Held::Plain(Value::Flag(flag.is_true())));
    }
    let value = match value.cast_into::<PyString>() {
        Ok(text) => return Ok(Held::Text(text)),
        Err(other) => other.into_inner(),
    };
    if value.is_instance_of::<PyInt>() || value.hasattr("__index__")? {
        return match value.extract::<i64>() {
            Ok(number) => Ok(Held::Plain(Value::Integer(number.into()))),
            Err(_) => match value.extract::<u64>() {
                Ok(number) => Ok(Held::Plain(Value::Integer(number.into()))),
                Err(_) => Err(refused(name, &value, "an integer of 64 bits")),
            },
        };
    }
    if value.get_type().name()? == "Decimal" {
        let text: String = value.call_method1("__format__", ("f",))?.extract()?;
        return Ok(match text.parse::<f64>() {
            // NaN and infinities are no digits.
            Ok(number) if !number.is_finite() => Held::Plain(Value::Number(number)),
            _ => Held::Decimal(text),
        });
    }
    match value.extract::<f64>() {
        Ok(number) => Ok(Held::Plain(Value::Number(number))),
        Err(_) => Err(refused(name, &value, "a number, a flag, a decimal, a text or None")),
    }
}

fn borrow<'a>(held: &'a Held<'_>) -> PyResult<Value<'a>> {
    Ok(match held {
        Held::Plain(value) => *value,
        Held::Decimal(text) => Value::Decimal(text),
        Held::Text(text) => Value::Text(text.to_str()?),
    })
}

fn refused(name: &Bound<'_, PyString>, value: &Bound<'_, PyAny>, wanted: &str) -> PyErr {
    let kind = value.get_type();
    let kind = kind.name().map_or_else(|_| "object".to_owned(), |name| name.to_string());
    let text = format!("column `{name}` holds `{value}` of type `{kind}`; {wanted} is needed");
    to_exception(value.py(), &Error::schema(Place::default(), text))
}
