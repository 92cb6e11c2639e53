//! Types: what an expression gives, and whether its parts fit each other.
//!
//! In: a tree, and the types of the columns that it names. Out: the type of its values, or an error with a
//! place. There are no casts between text and numbers but those that are written; integers become doubles
//! and days instants where the other side is one.

use super::dates::Unit;
use super::list::Lists;
use super::node::{Function, Kind, Literal, Node, Operator, Target, Type};
use super::parse::fault;
use crate::error::{Result, list_names, nearest};

/// The columns that an expression may name: names and types, in any order.
pub trait Columns {
    /// The type of a column; none if there is no column of that name.
    fn type_of(&self, name: &str) -> Option<Type>;
    /// The names of all columns, for the hint of an error.
    fn names(&self) -> Vec<&str>;
}

impl Columns for Vec<(String, Type)> {
    fn type_of(&self, name: &str) -> Option<Type> {
        self.iter().find(|(known, _)| known == name).map(|(_, kind)| *kind)
    }

    fn names(&self) -> Vec<&str> {
        self.iter().map(|(name, _)| name.as_str()).collect()
    }
}

/// The type of an expression's values.
///
/// # Errors
/// `Tactic`: a column that is not there, or types that do not fit.
pub(crate) fn check(node: &Node, columns: &dyn Columns) -> Result<Type> {
    let of = |part: &Node| check(part, columns);
    match &node.kind {
        Kind::Literal(literal) => Ok(type_of_literal(literal)),
        Kind::Column(name) => {
            columns.type_of(name).ok_or_else(|| unknown_column(node, name, &columns.names()))
        }
        Kind::Not(one) => expect(one, of(one)?, Type::Boolean, "NOT"),
        Kind::All(parts) | Kind::Any(parts) => {
            let word = if matches!(node.kind, Kind::All(_)) { "AND" } else { "OR" };
            for part in parts {
                expect(part, of(part)?, Type::Boolean, word)?;
            }
            Ok(Type::Boolean)
        }
        Kind::Negate(one) => number(one, of(one)?, "-"),
        Kind::Compare(_, left, right) => {
            comparable(node, of(left)?, of(right)?)?;
            Ok(Type::Boolean)
        }
        Kind::Arithmetic(operator, left, right) => arithmetic(node, *operator, of(left)?, of(right)?),
        Kind::Join(left, right) => {
            expect(left, of(left)?, Type::Text, "||")?;
            expect(right, of(right)?, Type::Text, "||")
        }
        Kind::Is { value, test, .. } => {
            let kind = of(value)?;
            if *test != super::node::Test::Null {
                expect(value, kind, Type::Boolean, "IS TRUE and IS FALSE")?;
            }
            Ok(Type::Boolean)
        }
        Kind::Between { value, low, high, .. } => {
            let kind = of(value)?;
            comparable(low, kind, of(low)?)?;
            comparable(high, kind, of(high)?)?;
            Ok(Type::Boolean)
        }
        Kind::In { value, list, .. } => {
            let kind = of(value)?;
            for part in list {
                comparable(part, kind, of(part)?)?;
            }
            Ok(Type::Boolean)
        }
        Kind::Like { value, pattern, .. } => {
            expect(value, of(value)?, Type::Text, "LIKE")?;
            expect(pattern, of(pattern)?, Type::Text, "LIKE")?;
            Ok(Type::Boolean)
        }
        Kind::Case { operand, arms, otherwise } => {
            case(operand.as_deref(), arms, otherwise.as_deref(), columns)
        }
        Kind::Cast(value, target) => cast(node, of(value)?, *target),
        Kind::Call(function, parts) => call(node, *function, parts, columns),
    }
}

/// Whether every column of a tree is among `names`.
///
/// # Errors
/// `Tactic`: the first one that is not.
pub(crate) fn require(node: &Node, names: &[String]) -> Result<()> {
    if let Kind::Column(name) = &node.kind
        && !names.contains(name)
    {
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        return Err(unknown_column(node, name, &names));
    }
    node.parts().into_iter().try_for_each(|part| require(part, names))
}

fn unknown_column(node: &Node, name: &str, names: &[&str]) -> crate::Error {
    let hint = nearest(name, names.iter().copied()).map_or_else(
        || format!("the columns are {}", list_names(names.iter().copied(), 12)),
        |near| format!("did you mean `{near}`?"),
    );
    fault(node.span, format!("unknown column `{name}`"), Some(hint))
}

fn type_of_literal(literal: &Literal) -> Type {
    match literal {
        Literal::Null => Type::Null,
        Literal::Boolean(_) => Type::Boolean,
        Literal::Integer(_) => Type::Integer,
        Literal::Double(_) => Type::Double,
        Literal::Text(_) => Type::Text,
        Literal::Date(_) => Type::Date,
        Literal::Timestamp(_) => Type::Timestamp,
    }
}

/// The one type that both fit.
pub(crate) fn unified(left: Type, right: Type) -> Option<Type> {
    match (left, right) {
        (one, other) if one == other => Some(one),
        (Type::Null, kind) | (kind, Type::Null) => Some(kind),
        (Type::Integer, Type::Double) | (Type::Double, Type::Integer) => Some(Type::Double),
        (Type::Date, Type::Timestamp) | (Type::Timestamp, Type::Date) => Some(Type::Timestamp),
        _ => None,
    }
}

fn hint_for(left: Type, right: Type) -> Option<String> {
    let hint = match (left, right) {
        (Type::Text, Type::Integer | Type::Double) | (Type::Integer | Type::Double, Type::Text) => {
            "text is written in single quotes, numbers without; CAST turns one into the other"
        }
        (Type::Text, Type::Date | Type::Timestamp) | (Type::Date | Type::Timestamp, Type::Text) => {
            "a date is written `DATE '2026-01-31'`"
        }
        (Type::Boolean, _) | (_, Type::Boolean) => "a Boolean stands for itself: `b`, `NOT b`",
        _ => return None,
    };
    Some(hint.to_owned())
}

fn comparable(node: &Node, left: Type, right: Type) -> Result<Type> {
    unified(left, right).ok_or_else(|| {
        fault(node.span, format!("`{left}` and `{right}` cannot be compared"), hint_for(left, right))
    })
}

fn expect(node: &Node, kind: Type, wanted: Type, of: &str) -> Result<Type> {
    if kind == wanted || kind == Type::Null {
        return Ok(wanted);
    }
    let hint = match (wanted, kind) {
        (Type::Boolean, Type::Integer | Type::Double) => Some("compare it: `... <> 0`".to_owned()),
        _ => hint_for(kind, wanted),
    };
    Err(fault(node.span, format!("{of} takes `{wanted}`, here is `{kind}`"), hint))
}

fn number(node: &Node, kind: Type, of: &str) -> Result<Type> {
    match kind {
        Type::Integer | Type::Double | Type::Null => Ok(kind),
        _ => Err(fault(
            node.span,
            format!("`{of}` takes a number, here is `{kind}`"),
            hint_for(kind, Type::Double),
        )),
    }
}

fn arithmetic(node: &Node, operator: Operator, left: Type, right: Type) -> Result<Type> {
    let numbers = |kind| matches!(kind, Type::Integer | Type::Double | Type::Null);
    match (operator, left, right) {
        (Operator::Subtract, Type::Date, Type::Date) => Ok(Type::Integer),
        (Operator::Add | Operator::Subtract, Type::Date, Type::Integer) => Ok(Type::Date),
        (Operator::Divide, left, right) if numbers(left) && numbers(right) => Ok(Type::Double),
        (_, left, right) if numbers(left) && numbers(right) => {
            Ok(unified(left, right).unwrap_or(Type::Double))
        }
        _ => {
            let told = format!("`{}` takes numbers, here are `{left}` and `{right}`", operator.symbol());
            Err(fault(node.span, told, hint_for(left, right)))
        }
    }
}

fn case(
    operand: Option<&Node>,
    arms: &[(Node, Node)],
    otherwise: Option<&Node>,
    columns: &dyn Columns,
) -> Result<Type> {
    let operand = operand.map(|operand| check(operand, columns)).transpose()?;
    let mut result = Type::Null;
    for (when, then) in arms {
        let kind = check(when, columns)?;
        match operand {
            Some(operand) => comparable(when, operand, kind)?,
            None => expect(when, kind, Type::Boolean, "WHEN")?,
        };
        result = joined(then, result, check(then, columns)?)?;
    }
    match otherwise {
        Some(otherwise) => joined(otherwise, result, check(otherwise, columns)?),
        None => Ok(result),
    }
}

fn joined(node: &Node, so_far: Type, kind: Type) -> Result<Type> {
    unified(so_far, kind).ok_or_else(|| {
        let told = format!("a value of `{kind}` stands beside others of `{so_far}`");
        fault(node.span, told, hint_for(so_far, kind))
    })
}

fn cast(node: &Node, from: Type, target: Target) -> Result<Type> {
    use Type::{Boolean, Date, Double, Integer, Null, Text, Timestamp};
    let (to, allowed): (Type, &[Type]) = match target {
        Target::Boolean => (Boolean, &[Boolean, Integer, Text]),
        Target::Integer(_) => (Integer, &[Integer, Double, Boolean, Text]),
        Target::Double | Target::Real => (Double, &[Integer, Double, Boolean, Text]),
        Target::Text => (Text, &[Boolean, Integer, Double, Text]),
        Target::Date => (Date, &[Date, Timestamp, Text]),
        Target::Timestamp => (Timestamp, &[Date, Timestamp, Text]),
    };
    if from == Null || allowed.contains(&from) {
        return Ok(to);
    }
    Err(fault(node.span, format!("`{from}` cannot be cast to `{to}`"), None))
}

fn call(node: &Node, function: Function, parts: &[Node], columns: &dyn Columns) -> Result<Type> {
    let kinds: Vec<Type> = parts.iter().map(|part| check(part, columns)).collect::<Result<_>>()?;
    match function {
        Function::Abs | Function::Ceil | Function::Floor => number(&parts[0], kinds[0], "the function"),
        Function::Round => {
            if let Some(places) = parts.get(1) {
                whole_number(places)?;
            }
            number(&parts[0], kinds[0], "ROUND")
        }
        Function::Exp | Function::Ln | Function::Sqrt | Function::Power => {
            for (part, kind) in parts.iter().zip(&kinds) {
                number(part, *kind, "the function")?;
            }
            Ok(Type::Double)
        }
        Function::Coalesce | Function::Greatest | Function::Least => {
            let mut result = Type::Null;
            for (part, kind) in parts.iter().zip(kinds) {
                result = joined(part, result, kind)?;
            }
            Ok(result)
        }
        Function::NullIf => {
            comparable(node, kinds[0], kinds[1])?;
            Ok(kinds[0])
        }
        Function::Length => {
            expect(&parts[0], kinds[0], Type::Text, "LENGTH")?;
            Ok(Type::Integer)
        }
        Function::Contains | Function::EndsWith | Function::StartsWith => {
            texts(parts, &kinds)?;
            Ok(Type::Boolean)
        }
        Function::Replace => texts(parts, &kinds),
        Function::Left | Function::Right => {
            expect(&parts[1], kinds[1], Type::Integer, "the function")?;
            expect(&parts[0], kinds[0], Type::Text, "the function")
        }
        Function::InList => match (kinds[0], &parts[1].kind) {
            (Type::Text | Type::Integer | Type::Null, Kind::Literal(Literal::Text(_))) => Ok(Type::Boolean),
            _ => Err(fault(
                node.span,
                "IN_LIST takes a text or an integer, and the name of a list in quotes",
                None,
            )),
        },
        Function::Lower | Function::Upper | Function::Trim | Function::LTrim | Function::RTrim => {
            expect(&parts[0], kinds[0], Type::Text, "the function")
        }
        Function::Substring => {
            for (part, kind) in parts.iter().zip(&kinds).skip(1) {
                expect(part, *kind, Type::Integer, "SUBSTRING")?;
            }
            expect(&parts[0], kinds[0], Type::Text, "SUBSTRING")
        }
        _ => dated(node, function, parts, &kinds),
    }
}

/// Functions of days and instants.
fn dated(node: &Node, function: Function, parts: &[Node], kinds: &[Type]) -> Result<Type> {
    let day = |part: &Node, kind: Type| match kind {
        Type::Date | Type::Timestamp | Type::Null => Ok(kind),
        _ => Err(fault(
            part.span,
            format!("the function takes a day or an instant, here is `{kind}`"),
            hint_for(kind, Type::Date),
        )),
    };
    match function {
        Function::DateDiff | Function::DateTrunc => {
            if Unit::of(&parts[0]).is_none() {
                let known = list_names(Unit::ALL.iter().map(|(name, _)| *name), 9);
                return Err(fault(
                    node.span,
                    format!("the first argument is a part in quotes: {known}"),
                    None,
                ));
            }
            let mut result = Type::Integer;
            for (part, kind) in parts.iter().zip(kinds).skip(1) {
                result = day(part, *kind)?;
            }
            Ok(if function == Function::DateDiff { Type::Integer } else { result })
        }
        Function::AddMonths => {
            expect(&parts[1], kinds[1], Type::Integer, "ADD_MONTHS")?;
            expect(&parts[0], kinds[0], Type::Date, "ADD_MONTHS")
        }
        Function::LastDay => day(&parts[0], kinds[0]).map(|_| Type::Date),
        _ => day(&parts[0], kinds[0]).map(|_| Type::Integer),
    }
}

fn texts(parts: &[Node], kinds: &[Type]) -> Result<Type> {
    for (part, kind) in parts.iter().zip(kinds) {
        expect(part, *kind, Type::Text, "the function")?;
    }
    Ok(Type::Text)
}

/// Whether every list that a tree names is there.
///
/// # Errors
/// `Tactic`: the first one that is not.
pub(crate) fn require_lists(node: &Node, lists: &Lists) -> Result<()> {
    if let Kind::Call(Function::InList, parts) = &node.kind
        && let Some(Kind::Literal(Literal::Text(name))) = parts.get(1).map(|part| &part.kind)
        && !lists.0.contains_key(name)
    {
        let known = || lists.0.keys().map(String::as_str);
        let hint = nearest(name, known()).map_or_else(
            || {
                format!(
                    "the lists are {}",
                    if lists.0.is_empty() { "none".to_owned() } else { list_names(known(), 12) }
                )
            },
            |near| format!("did you mean `{near}`?"),
        );
        return Err(fault(node.span, format!("unknown list `{name}`"), Some(hint)));
    }
    node.parts().into_iter().try_for_each(|part| require_lists(part, lists))
}

/// The places of ROUND: written out, and few enough for a power of ten to be exact.
fn whole_number(node: &Node) -> Result<()> {
    match &node.kind {
        Kind::Literal(Literal::Integer(-15..=15)) => Ok(()),
        _ => Err(fault(node.span, "ROUND takes a whole number of places from -15 to 15", None)),
    }
}
