//! The tree of an expression: what the parser makes and the evaluator walks.
//!
//! In: nothing. Out: the nouns of the language. Every node knows where in the text it stands, so that a
//! fault found while types are checked, or in row 7 of a frame, names its place.

use std::fmt;

/// Where a part of a text starts: line and character in that line, both from 1.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Span {
    /// The line.
    pub line: u64,
    /// The character in that line.
    pub column: u64,
}

/// The type of a value. Nothing is cast between text and numbers unless `CAST` says so.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Type {
    /// The literal `NULL`, which fits every type.
    Null,
    /// true, false or unknown.
    Boolean,
    /// A 64-bit integer; what overflows is a row error.
    Integer,
    /// A 64-bit float.
    Double,
    /// Text, compared by code point, trailing blanks included.
    Text,
    /// A day.
    Date,
    /// An instant in microseconds; one without a zone is read as UTC.
    Timestamp,
}

impl fmt::Display for Type {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Null => "NULL",
            Self::Boolean => "BOOLEAN",
            Self::Integer => "BIGINT",
            Self::Double => "DOUBLE",
            Self::Text => "TEXT",
            Self::Date => "DATE",
            Self::Timestamp => "TIMESTAMP",
        })
    }
}

/// A value that stands in the text itself.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Literal {
    Null,
    Boolean(bool),
    Integer(i64),
    Double(f64),
    Text(String),
    Date(i32),
    Timestamp(i64),
}

/// How two values are compared. The last two never give null.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Comparison {
    Equal,
    NotEqual,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
    Distinct,
    NotDistinct,
}

/// Arithmetic of two numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Operator {
    Add,
    Subtract,
    Multiply,
    Divide,
    Modulo,
}

impl Operator {
    /// As it is written.
    pub(crate) fn symbol(self) -> &'static str {
        match self {
            Self::Add => "+",
            Self::Subtract => "-",
            Self::Multiply => "*",
            Self::Divide => "/",
            Self::Modulo => "%",
        }
    }
}

/// What `IS` asks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Test {
    Null,
    True,
    False,
}

/// What a value is cast to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Target {
    Boolean,
    /// An integer of this many bits, kept in 64.
    Integer(u32),
    Double,
    /// Rounded to a 32-bit float, kept in 64.
    Real,
    Text,
    Date,
    Timestamp,
}

impl Target {
    /// The type that it gives.
    pub(crate) fn kind(self) -> Type {
        match self {
            Self::Boolean => Type::Boolean,
            Self::Integer(_) => Type::Integer,
            Self::Double | Self::Real => Type::Double,
            Self::Text => Type::Text,
            Self::Date => Type::Date,
            Self::Timestamp => Type::Timestamp,
        }
    }
}

/// The functions, by the names that they are called by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Function {
    Abs,
    Ceil,
    Coalesce,
    Exp,
    Floor,
    Greatest,
    Least,
    Length,
    Ln,
    Lower,
    LTrim,
    NullIf,
    Power,
    Round,
    RTrim,
    Sqrt,
    Substring,
    Trim,
    Upper,
    AddMonths,
    Contains,
    DateDiff,
    DateTrunc,
    Day,
    EndsWith,
    Hour,
    InList,
    IsoDayOfWeek,
    LastDay,
    Left,
    Minute,
    Month,
    Quarter,
    Replace,
    Right,
    StartsWith,
    Year,
}

impl Function {
    /// Every name, its function, and how many arguments that takes at least and at most.
    pub(crate) const ALL: [(&'static str, Self, usize, usize); 41] = [
        ("ABS", Self::Abs, 1, 1),
        ("ADD_MONTHS", Self::AddMonths, 2, 2),
        ("CEIL", Self::Ceil, 1, 1),
        ("CEILING", Self::Ceil, 1, 1),
        ("CHAR_LENGTH", Self::Length, 1, 1),
        ("COALESCE", Self::Coalesce, 1, usize::MAX),
        ("CONTAINS", Self::Contains, 2, 2),
        ("DATE_DIFF", Self::DateDiff, 3, 3),
        ("DATE_TRUNC", Self::DateTrunc, 2, 2),
        ("DAY", Self::Day, 1, 1),
        ("ENDS_WITH", Self::EndsWith, 2, 2),
        ("EXP", Self::Exp, 1, 1),
        ("FLOOR", Self::Floor, 1, 1),
        ("GREATEST", Self::Greatest, 1, usize::MAX),
        ("HOUR", Self::Hour, 1, 1),
        ("IN_LIST", Self::InList, 2, 2),
        ("ISODOW", Self::IsoDayOfWeek, 1, 1),
        ("LAST_DAY", Self::LastDay, 1, 1),
        ("LEAST", Self::Least, 1, usize::MAX),
        ("LEFT", Self::Left, 2, 2),
        ("LENGTH", Self::Length, 1, 1),
        ("LN", Self::Ln, 1, 1),
        ("LOWER", Self::Lower, 1, 1),
        ("LTRIM", Self::LTrim, 1, 1),
        ("MINUTE", Self::Minute, 1, 1),
        ("MONTH", Self::Month, 1, 1),
        ("NULLIF", Self::NullIf, 2, 2),
        ("POW", Self::Power, 2, 2),
        ("POWER", Self::Power, 2, 2),
        ("QUARTER", Self::Quarter, 1, 1),
        ("REPLACE", Self::Replace, 3, 3),
        ("RIGHT", Self::Right, 2, 2),
        ("ROUND", Self::Round, 1, 2),
        ("RTRIM", Self::RTrim, 1, 1),
        ("SQRT", Self::Sqrt, 1, 1),
        ("STARTS_WITH", Self::StartsWith, 2, 2),
        ("SUBSTR", Self::Substring, 2, 3),
        ("SUBSTRING", Self::Substring, 2, 3),
        ("TRIM", Self::Trim, 1, 1),
        ("UPPER", Self::Upper, 1, 1),
        ("YEAR", Self::Year, 1, 1),
    ];
}

impl Function {
    /// The type of its values, where the function alone tells it.
    pub(crate) fn result(self) -> Option<Type> {
        match self {
            Self::Length
            | Self::DateDiff
            | Self::Day
            | Self::Hour
            | Self::IsoDayOfWeek
            | Self::Minute
            | Self::Month
            | Self::Quarter
            | Self::Year => Some(Type::Integer),
            Self::AddMonths | Self::LastDay => Some(Type::Date),
            Self::Contains | Self::EndsWith | Self::InList | Self::StartsWith => Some(Type::Boolean),
            Self::Abs
            | Self::Ceil
            | Self::Floor
            | Self::Round
            | Self::Exp
            | Self::Ln
            | Self::Power
            | Self::Sqrt => Some(Type::Double),
            Self::Left
            | Self::Lower
            | Self::LTrim
            | Self::Replace
            | Self::Right
            | Self::RTrim
            | Self::Substring
            | Self::Trim
            | Self::Upper => Some(Type::Text),
            Self::Coalesce | Self::DateTrunc | Self::Greatest | Self::Least | Self::NullIf => None,
        }
    }

    /// The type of its first argument, where the function alone tells it.
    pub(crate) fn argument(self) -> Option<Type> {
        match self {
            Self::Length | Self::Contains | Self::EndsWith | Self::InList | Self::StartsWith => {
                Some(Type::Text)
            }
            Self::Day | Self::IsoDayOfWeek | Self::Month | Self::Quarter | Self::Year => Some(Type::Date),
            Self::Hour | Self::Minute => Some(Type::Timestamp),
            Self::DateDiff => None,
            _ => self.result(),
        }
    }
}

/// One part of an expression, and where it starts.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Node {
    pub(crate) span: Span,
    pub(crate) kind: Kind,
}

/// What a part of an expression is.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Kind {
    Literal(Literal),
    Column(String),
    Not(Box<Node>),
    Negate(Box<Node>),
    /// Joined by AND.
    All(Vec<Node>),
    /// Joined by OR.
    Any(Vec<Node>),
    Compare(Comparison, Box<Node>, Box<Node>),
    Arithmetic(Operator, Box<Node>, Box<Node>),
    /// Text by `||`.
    Join(Box<Node>, Box<Node>),
    Is {
        value: Box<Node>,
        test: Test,
        negated: bool,
    },
    Between {
        value: Box<Node>,
        low: Box<Node>,
        high: Box<Node>,
        negated: bool,
    },
    In {
        value: Box<Node>,
        list: Vec<Node>,
        negated: bool,
    },
    Like {
        value: Box<Node>,
        pattern: Box<Node>,
        escape: Option<char>,
        negated: bool,
    },
    Case {
        operand: Option<Box<Node>>,
        arms: Vec<(Node, Node)>,
        otherwise: Option<Box<Node>>,
    },
    Cast(Box<Node>, Target),
    Call(Function, Vec<Node>),
}

impl Node {
    /// The parts directly below, in the order of the text.
    pub(crate) fn parts(&self) -> Vec<&Self> {
        match &self.kind {
            Kind::Literal(_) | Kind::Column(_) => Vec::new(),
            Kind::Not(one) | Kind::Negate(one) | Kind::Cast(one, _) | Kind::Is { value: one, .. } => {
                vec![one]
            }
            Kind::All(parts) | Kind::Any(parts) | Kind::Call(_, parts) => parts.iter().collect(),
            Kind::Compare(_, left, right) | Kind::Arithmetic(_, left, right) | Kind::Join(left, right) => {
                vec![left, right]
            }
            Kind::Between { value, low, high, .. } => vec![value, low, high],
            Kind::In { value, list, .. } => std::iter::once(&**value).chain(list).collect(),
            Kind::Like { value, pattern, .. } => vec![value, pattern],
            Kind::Case { operand, arms, otherwise } => {
                let arms = arms.iter().flat_map(|(when, then)| [when, then]);
                operand.as_deref().into_iter().chain(arms).chain(otherwise.as_deref()).collect()
            }
        }
    }

    /// How many parts stand below each other.
    pub(crate) fn depth(&self) -> usize {
        self.parts().into_iter().map(Self::depth).max().unwrap_or(0) + 1
    }

    /// Adds the columns that are named here or below, each once, in the order of the text.
    pub(crate) fn collect_columns<'a>(&'a self, names: &mut Vec<&'a str>) {
        if let Kind::Column(name) = &self.kind
            && !names.contains(&name.as_str())
        {
            names.push(name);
        }
        for part in self.parts() {
            part.collect_columns(names);
        }
    }
}
