//! What is found wrong with a policy, by place.
//!
//! In: nothing. Out: the noun [`Finding`]. A place is a path into the policy's data (`/tactics/0/rules/2/when`)
//! and, inside a condition, line and column of its text; whoever read the file turns both into a line of it.

use crate::error::Error;
use crate::expr::Span;

/// How grave a finding is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// The policy cannot be used.
    Error,
    /// The policy does what it says, which is hardly what was meant.
    Warning,
}

impl Level {
    /// As it is told.
    pub fn name(self) -> &'static str {
        match self {
            Self::Error => "error",
            Self::Warning => "warning",
        }
    }
}

/// Something wrong with a policy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// How grave.
    pub level: Level,
    /// What kind, in one word: `syntax`, `unknown_column`, `unreachable`.
    pub code: &'static str,
    /// The rule or the tactic, as an error names it.
    pub subject: Option<String>,
    /// Where in the policy.
    pub path: String,
    /// Where in the text that stands there.
    pub span: Option<Span>,
    /// What.
    pub text: String,
    /// What to write instead.
    pub hint: Option<String>,
}

impl Finding {
    /// An error at a place of the policy.
    pub fn error(code: &'static str, path: impl Into<String>, text: impl Into<String>) -> Self {
        let (path, text) = (path.into(), text.into());
        Self { level: Level::Error, code, subject: None, path, span: None, text, hint: None }
    }

    /// A warning at a place of the policy.
    pub fn warning(code: &'static str, path: impl Into<String>, text: impl Into<String>) -> Self {
        Self { level: Level::Warning, ..Self::error(code, path, text) }
    }

    /// An error inside a condition.
    pub fn of(code: &'static str, path: impl Into<String>, error: &Error) -> Self {
        match error {
            Error::Tactic { line, column, text, hint, .. } => Self {
                span: Some(Span { line: *line, column: *column }),
                hint: hint.clone(),
                ..Self::error(code, path, text.clone())
            },
            other => Self::error(code, path, other.to_string()),
        }
    }

    /// The same, with a hint.
    #[must_use]
    pub fn hinted(self, hint: impl Into<String>) -> Self {
        Self { hint: Some(hint.into()), ..self }
    }

    /// The same, of a rule or a tactic.
    #[must_use]
    pub fn about(self, subject: &str) -> Self {
        Self { subject: Some(subject.to_owned()), ..self }
    }

    /// The finding as an error of the library.
    pub fn to_error(&self) -> Error {
        let of = self.subject.as_ref().map(|subject| format!("{subject}: ")).unwrap_or_default();
        let span = self.span.unwrap_or(Span { line: 1, column: 1 });
        Error::Tactic {
            line: span.line,
            column: span.column,
            text: format!("{of}{}", self.text),
            hint: self.hint.clone(),
            rule: None,
        }
    }
}
