//! From the SQL parser's tree to the language's own, by an allow-list.
//!
//! In: a tree of the whole of SQL. Out: a [`Node`] of what the language has; everything else (queries,
//! windows, dates in the session's zone, unknown functions) is refused by its name. Chains of AND and OR
//! become one node, so that a long condition is no deep tree.

use arrow_array::types::{Date32Type, TimestampMicrosecondType};
use arrow_cast::parse::Parser as _;
use sqlparser::ast::{
    BinaryOperator, CaseWhen, CastKind, CeilFloorKind, DataType, DateTimeField, Expr, Function as Call,
    FunctionArg, FunctionArgExpr, FunctionArguments, InTarget, Spanned, TimezoneInfo, UnaryOperator, Value,
};

use super::node::{Comparison, Function, Kind, Literal, Node, Operator, Span, Target, Test};
use super::parse::fault;
use crate::error::{Error, Result, nearest};

/// Converts a tree.
///
/// # Errors
/// `Tactic`: a form of SQL that the language has not.
pub(crate) fn convert(expression: Expr) -> Result<Node> {
    let span = span_of(&expression);
    let kind = match expression {
        Expr::Nested(inner) => return convert(*inner),
        Expr::Identifier(name) => Kind::Column(name.value),
        Expr::Value(value) => Kind::Literal(literal(value.value, span)?),
        Expr::TypedString(typed) => match (&typed.data_type, typed.value.value.into_string()) {
            (DataType::Date, Some(text)) => Kind::Literal(Literal::Date(parse_date(&text, span)?)),
            (DataType::Timestamp(..), Some(text)) => {
                Kind::Literal(Literal::Timestamp(parse_timestamp(&text, span)?))
            }
            (other, _) => return Err(refused(span, &format!("a literal of type `{other}`"))),
        },
        Expr::UnaryOp { op, expr } => unary(op, *expr, span)?,
        Expr::BinaryOp { left, op, right } => binary(*left, &op, *right, span)?,
        Expr::IsNull(value) => is(*value, Test::Null, false)?,
        Expr::IsNotNull(value) => is(*value, Test::Null, true)?,
        Expr::IsUnknown(value) => is(*value, Test::Null, false)?,
        Expr::IsNotUnknown(value) => is(*value, Test::Null, true)?,
        Expr::IsTrue(value) => is(*value, Test::True, false)?,
        Expr::IsNotTrue(value) => is(*value, Test::True, true)?,
        Expr::IsFalse(value) => is(*value, Test::False, false)?,
        Expr::IsNotFalse(value) => is(*value, Test::False, true)?,
        Expr::IsDistinctFrom(left, right) => {
            Kind::Compare(Comparison::Distinct, boxed(*left)?, boxed(*right)?)
        }
        Expr::IsNotDistinctFrom(left, right) => {
            Kind::Compare(Comparison::NotDistinct, boxed(*left)?, boxed(*right)?)
        }
        Expr::Between { expr, negated, low, high } => {
            Kind::Between { value: boxed(*expr)?, low: boxed(*low)?, high: boxed(*high)?, negated }
        }
        Expr::In { expr, target: InTarget::List(list), negated, global: false } => {
            Kind::In { value: boxed(*expr)?, list: all(list)?, negated }
        }
        Expr::Like { negated, any: false, expr, pattern, escape_char } => {
            let escape = escape_char.map(|escape| escape_of(*escape, span)).transpose()?;
            Kind::Like { value: boxed(*expr)?, pattern: boxed(*pattern)?, escape, negated }
        }
        Expr::Case { operand, conditions, else_result, .. } => {
            let arm = |arm: CaseWhen| Ok((convert(arm.condition)?, convert(arm.result)?));
            Kind::Case {
                operand: operand.map(|operand| boxed(*operand)).transpose()?,
                arms: conditions.into_iter().map(arm).collect::<Result<_>>()?,
                otherwise: else_result.map(|result| boxed(*result)).transpose()?,
            }
        }
        Expr::Cast { kind, expr, data_type, format: None, .. } => cast(&kind, *expr, &data_type, span)?,
        other => call(other, span)?,
    };
    Ok(Node { span, kind })
}

/// Functions, some of which the SQL parser has forms of their own for.
fn call(expression: Expr, span: Span) -> Result<Kind> {
    Ok(match expression {
        Expr::Function(call) => function(call, span)?,
        Expr::Ceil { expr, field: CeilFloorKind::DateTimeField(DateTimeField::NoDateTime) } => {
            Kind::Call(Function::Ceil, vec![convert(*expr)?])
        }
        Expr::Floor { expr, field: CeilFloorKind::DateTimeField(DateTimeField::NoDateTime) } => {
            Kind::Call(Function::Floor, vec![convert(*expr)?])
        }
        Expr::Substring { expr, substring_from: Some(from), substring_for, .. } => {
            let parts = [Some(expr), Some(from), substring_for].into_iter().flatten();
            Kind::Call(Function::Substring, parts.map(|part| convert(*part)).collect::<Result<_>>()?)
        }
        Expr::Trim { trim_where: None, trim_what: None, expr, trim_characters: None } => {
            Kind::Call(Function::Trim, vec![convert(*expr)?])
        }
        Expr::Extract { field, expr, .. } => {
            let function = match field {
                DateTimeField::Year => Function::Year,
                DateTimeField::Quarter => Function::Quarter,
                DateTimeField::Month => Function::Month,
                DateTimeField::Day => Function::Day,
                DateTimeField::Hour => Function::Hour,
                DateTimeField::Minute => Function::Minute,
                DateTimeField::Isodow => Function::IsoDayOfWeek,
                other => return Err(refused(span, &format!("`{other}` of a day"))),
            };
            Kind::Call(function, vec![convert(*expr)?])
        }
        Expr::CompoundIdentifier(names) => {
            let name = names.iter().map(|name| name.value.as_str()).collect::<Vec<_>>().join(".");
            let hint = format!("a name with a point stands in double quotes: `\"{name}\"`");
            return Err(fault(
                span,
                format!("`{name}` names a column of a table; there are no tables"),
                Some(hint),
            ));
        }
        Expr::ILike { .. } => {
            let hint = "compare `LOWER(...)` by LIKE".to_owned();
            return Err(fault(span, "ILIKE is not part of the language", Some(hint)));
        }
        Expr::Subquery(_) | Expr::Exists { .. } | Expr::In { .. } => {
            let hint = "an expression speaks of one row; give values as a list".to_owned();
            return Err(fault(span, "a query inside an expression is not part of the language", Some(hint)));
        }
        other => {
            let shown: String = other.to_string().chars().take(40).collect();
            return Err(refused(span, &format!("`{shown}`")));
        }
    })
}

fn span_of(expression: &Expr) -> Span {
    let start = expression.span().start;
    Span { line: start.line, column: start.column }
}

fn refused(span: Span, what: &str) -> Error {
    fault(span, format!("{what} is not part of the language"), None)
}

fn boxed(expression: Expr) -> Result<Box<Node>> {
    convert(expression).map(Box::new)
}

fn all(expressions: Vec<Expr>) -> Result<Vec<Node>> {
    expressions.into_iter().map(convert).collect()
}

fn is(value: Expr, test: Test, negated: bool) -> Result<Kind> {
    Ok(Kind::Is { value: boxed(value)?, test, negated })
}

fn literal(value: Value, span: Span) -> Result<Literal> {
    match value {
        Value::Null => Ok(Literal::Null),
        Value::Boolean(value) => Ok(Literal::Boolean(value)),
        Value::SingleQuotedString(text) => Ok(Literal::Text(text)),
        Value::Number(text, false) => number(&text, span),
        other => Err(refused(span, &format!("the literal `{other}`"))),
    }
}

/// A number with a point or an exponent is a double, any other an integer.
fn number(text: &str, span: Span) -> Result<Literal> {
    if text.contains(['.', 'e', 'E']) {
        let value: f64 = text.parse().map_err(|_| fault(span, format!("`{text}` is no number"), None))?;
        if value.is_finite() {
            return Ok(Literal::Double(value));
        }
        return Err(fault(span, format!("`{text}` is beyond the range of a double"), None));
    }
    text.parse().map(Literal::Integer).map_err(|_| {
        let hint = format!("write `{text}.0` for a double");
        fault(span, format!("`{text}` is beyond the range of a 64-bit integer"), Some(hint))
    })
}

fn unary(op: UnaryOperator, operand: Expr, span: Span) -> Result<Kind> {
    // The smallest integer has no positive twin.
    if let (UnaryOperator::Minus, Expr::Value(value)) = (&op, &operand)
        && let Value::Number(text, false) = &value.value
    {
        return number(&format!("-{text}"), span).map(Kind::Literal);
    }
    match op {
        UnaryOperator::Minus => Ok(Kind::Negate(boxed(operand)?)),
        UnaryOperator::Not => Ok(Kind::Not(boxed(operand)?)),
        UnaryOperator::Plus => match convert(operand)? {
            Node { kind: Kind::Literal(number @ (Literal::Integer(_) | Literal::Double(_))), .. } => {
                Ok(Kind::Literal(number))
            }
            _ => Err(refused(span, "`+` before anything but a number")),
        },
        other => Err(refused(span, &format!("the operator `{other}`"))),
    }
}

fn binary(left: Expr, op: &BinaryOperator, right: Expr, span: Span) -> Result<Kind> {
    let comparison = match op {
        BinaryOperator::And | BinaryOperator::Or => return chain(left, op, right),
        BinaryOperator::Plus => return arithmetic(Operator::Add, left, right),
        BinaryOperator::Minus => return arithmetic(Operator::Subtract, left, right),
        BinaryOperator::Multiply => return arithmetic(Operator::Multiply, left, right),
        BinaryOperator::Divide => return arithmetic(Operator::Divide, left, right),
        BinaryOperator::Modulo => return arithmetic(Operator::Modulo, left, right),
        BinaryOperator::StringConcat => return Ok(Kind::Join(boxed(left)?, boxed(right)?)),
        BinaryOperator::Eq => Comparison::Equal,
        BinaryOperator::NotEq => Comparison::NotEqual,
        BinaryOperator::Lt => Comparison::Less,
        BinaryOperator::LtEq => Comparison::LessOrEqual,
        BinaryOperator::Gt => Comparison::Greater,
        BinaryOperator::GtEq => Comparison::GreaterOrEqual,
        other => return Err(refused(span, &format!("the operator `{other}`"))),
    };
    Ok(Kind::Compare(comparison, boxed(left)?, boxed(right)?))
}

fn arithmetic(operator: Operator, left: Expr, right: Expr) -> Result<Kind> {
    Ok(Kind::Arithmetic(operator, boxed(left)?, boxed(right)?))
}

/// `a AND b AND c`, which the parser nests to the left, as one list.
fn chain(left: Expr, op: &BinaryOperator, right: Expr) -> Result<Kind> {
    let (mut parts, mut rest) = (vec![right], left);
    loop {
        match rest {
            Expr::BinaryOp { left, op: inner, right } if inner == *op => {
                parts.push(*right);
                rest = *left;
            }
            first => {
                parts.push(first);
                break;
            }
        }
    }
    parts.reverse();
    let parts = all(parts)?;
    Ok(if *op == BinaryOperator::And { Kind::All(parts) } else { Kind::Any(parts) })
}

fn escape_of(escape: Expr, span: Span) -> Result<char> {
    let text = match escape {
        Expr::Value(value) => value.value.into_string(),
        _ => None,
    };
    let one = text.as_deref().and_then(|text| {
        let mut characters = text.chars();
        characters.next().filter(|_| characters.next().is_none())
    });
    one.ok_or_else(|| fault(span, "ESCAPE takes one character in single quotes", None))
}

fn cast(kind: &CastKind, value: Expr, to: &DataType, span: Span) -> Result<Kind> {
    if matches!(kind, CastKind::TryCast | CastKind::SafeCast) {
        let hint = "a CAST that fails gives null and is recorded".to_owned();
        return Err(fault(span, "TRY_CAST is not part of the language", Some(hint)));
    }
    let target = match to {
        DataType::Boolean | DataType::Bool => Target::Boolean,
        DataType::TinyInt(None) => Target::Integer(8),
        DataType::SmallInt(None) => Target::Integer(16),
        DataType::Int(None) | DataType::Integer(None) => Target::Integer(32),
        DataType::BigInt(None) | DataType::Int64 => Target::Integer(64),
        DataType::Double(_) | DataType::DoublePrecision | DataType::Float64 => Target::Double,
        DataType::Real | DataType::Float(_) | DataType::Float32 => Target::Real,
        DataType::Text | DataType::String(None) | DataType::Varchar(None) => Target::Text,
        DataType::Date => Target::Date,
        DataType::Timestamp(None, TimezoneInfo::None) => Target::Timestamp,
        other => {
            let known = "BOOLEAN, TINYINT, SMALLINT, INTEGER, BIGINT, REAL, DOUBLE, TEXT, DATE and TIMESTAMP";
            return Err(fault(span, format!("no type `{other}`"), Some(format!("the types are {known}"))));
        }
    };
    Ok(Kind::Cast(boxed(value)?, target))
}

fn function(call: Call, span: Span) -> Result<Kind> {
    let name = call.name.to_string();
    if call.args == FunctionArguments::None {
        // `user`, `current_date`: to SQL a function without parentheses, here a name like any other.
        return Ok(Kind::Column(name));
    }
    let plain = call.over.is_none() && call.filter.is_none() && call.within_group.is_empty();
    let Some(&(known, function, least, most)) =
        Function::ALL.iter().find(|(known, ..)| known.eq_ignore_ascii_case(&name))
    else {
        let hint = nearest(&name, Function::ALL.iter().map(|(known, ..)| *known))
            .map(|near| format!("did you mean `{near}`?"))
            .or_else(|| Some(format!("the functions are {}", function_names())));
        return Err(fault(span, format!("no function `{name}`"), hint));
    };
    let arguments = match call.args {
        FunctionArguments::List(list)
            if plain && list.duplicate_treatment.is_none() && list.clauses.is_empty() =>
        {
            list.args
        }
        _ => return Err(refused(span, &format!("this form of `{known}`"))),
    };
    if arguments.len() < least || arguments.len() > most {
        let allowed = match (least, most) {
            (_, usize::MAX) => format!("{least} or more"),
            _ if least == most => least.to_string(),
            _ => format!("{least} or {most}"),
        };
        let told = format!("`{known}` takes {allowed} arguments, here are {}", arguments.len());
        return Err(fault(span, told, None));
    }
    let argument = |argument| match argument {
        FunctionArg::Unnamed(FunctionArgExpr::Expr(expression)) => convert(expression),
        other => Err(refused(span, &format!("the argument `{other}`"))),
    };
    Ok(Kind::Call(function, arguments.into_iter().map(argument).collect::<Result<_>>()?))
}

/// The names of all functions, and of the forms that look like one.
fn function_names() -> String {
    let mut names: Vec<&str> = Function::ALL.iter().map(|(name, ..)| *name).collect();
    names.push("CAST");
    names.sort_unstable();
    names.join(", ")
}

fn parse_date(text: &str, span: Span) -> Result<i32> {
    day(text).ok_or_else(|| {
        fault(span, format!("`{text}` is no date"), Some("write it as `DATE '2026-01-31'`".to_owned()))
    })
}

fn parse_timestamp(text: &str, span: Span) -> Result<i64> {
    instant(text).ok_or_else(|| {
        let hint = "write it as `TIMESTAMP '2026-01-31 12:00:00'`".to_owned();
        fault(span, format!("`{text}` is no instant"), Some(hint))
    })
}

/// Days since 1970 of a text such as `2026-01-31`.
pub(crate) fn day(text: &str) -> Option<i32> {
    (text.len() == 10).then(|| Date32Type::parse(text)).flatten()
}

/// Microseconds since 1970 of a text such as `2026-01-31 12:00:00`, in UTC where it names no zone.
pub(crate) fn instant(text: &str) -> Option<i64> {
    TimestampMicrosecondType::parse(text)
}
