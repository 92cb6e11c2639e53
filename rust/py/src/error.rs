//! Errors of the core as exceptions of `creditcore.errors`, in one place.

use creditcore::Error;
use pyo3::exceptions::{PyKeyboardInterrupt, PyRuntimeError};
use pyo3::prelude::*;

/// The exception for an error: the class of the same name in `creditcore.errors`.
pub(crate) fn to_exception(py: Python<'_>, error: &Error) -> PyErr {
    let class = match error {
        Error::Source { .. } => "SourceError",
        Error::Schema { .. } => "SchemaError",
        Error::Format { .. } => "FormatError",
        Error::Model { .. } => "ModelError",
        Error::Argument { .. } => "ArgumentError",
        Error::Tactic { .. } => "TacticError",
        Error::State { .. } => "StateError",
        Error::Cancelled => return PyKeyboardInterrupt::new_err(()),
    };
    let text = error.to_string();
    let made = py
        .import("creditcore.errors")
        .and_then(|errors| errors.getattr(class))
        .and_then(|class| class.call1((text.as_str(),)));
    match made {
        Ok(exception) => {
            if let Error::Tactic { line, column, hint, rule, .. } = error {
                // Setting an attribute of a plain exception does not fail; without it the text still says all.
                let _ = exception.setattr("line", line);
                let _ = exception.setattr("column", column);
                let _ = exception.setattr("hint", hint.as_deref());
                let _ = exception.setattr("rule", rule.as_deref());
            }
            PyErr::from_value(exception)
        }
        Err(_) => PyRuntimeError::new_err(text),
    }
}
