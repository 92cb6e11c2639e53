//! From tree to text: in the language's own words, and in those of other engines.
//!
//! In: a tree. Out: a text. In [`Dialect::Own`] equal trees have equal texts, wherever they stood, so the text
//! is a key. In the others the text means there what the tree means here: what would be a fault is null.

use super::node::{Comparison, Function, Kind, Literal, Node, Operator, Target, Test, Type};

/// Whose words.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dialect {
    /// This language.
    Own,
    /// DuckDB.
    DuckDb,
    /// Spark SQL.
    Spark,
}

impl Dialect {
    /// The dialect by its name.
    ///
    /// # Errors
    /// `Argument`: a name other than `duckdb` and `spark`.
    pub fn named(name: &str) -> crate::Result<Self> {
        match name {
            "duckdb" => Ok(Self::DuckDb),
            "spark" => Ok(Self::Spark),
            other => {
                Err(crate::Error::argument(format!("`dialect` is `{other}`; it is `duckdb` or `spark`")))
            }
        }
    }
}

/// Writes trees; `column` gives the text of a column by its name, `kind` the type of a part, where it is known.
pub(crate) struct Printer<'a> {
    pub(crate) dialect: Dialect,
    pub(crate) column: &'a dyn Fn(&str) -> String,
    pub(crate) kind: &'a dyn Fn(&Node) -> Option<Type>,
}

/// A name in quotes.
pub(crate) fn quoted(name: &str, dialect: Dialect) -> String {
    match dialect {
        Dialect::Spark => format!("`{}`", name.replace('`', "``")),
        _ => format!("\"{}\"", name.replace('"', "\"\"")),
    }
}

/// The key of a tree: equal for equal trees, wherever they stand in a text.
pub(crate) fn key(node: &Node) -> String {
    Printer { dialect: Dialect::Own, column: &|name| quoted(name, Dialect::Own), kind: &|_| None }.text(node)
}

impl Printer<'_> {
    /// The text of a tree.
    pub(crate) fn text(&self, node: &Node) -> String {
        let of = |part: &Node| self.text(part);
        let not = |negated: bool| if negated { "NOT " } else { "" };
        match &node.kind {
            Kind::Literal(literal) => self.literal(literal),
            Kind::Column(name) => (self.column)(name),
            Kind::Not(one) => format!("(NOT {})", of(one)),
            Kind::Negate(one) => self.guarded(&format!("(- {})", of(one))),
            Kind::All(parts) => self.joined(parts, " AND "),
            Kind::Any(parts) => self.joined(parts, " OR "),
            Kind::Compare(comparison, left, right) => {
                format!("({} {} {})", of(left), symbol(*comparison), of(right))
            }
            Kind::Arithmetic(operator, left, right) => self.arithmetic(*operator, left, right),
            Kind::Join(left, right) => format!("({} || {})", of(left), of(right)),
            Kind::Is { value, test, negated } => {
                let test = match test {
                    Test::Null => "NULL",
                    Test::True => "TRUE",
                    Test::False => "FALSE",
                };
                format!("({} IS {}{test})", of(value), not(*negated))
            }
            Kind::Between { value, low, high, negated } => {
                format!("({} {}BETWEEN {} AND {})", of(value), not(*negated), of(low), of(high))
            }
            Kind::In { value, list, negated } => {
                let list: Vec<String> = list.iter().map(of).collect();
                format!("({} {}IN ({}))", of(value), not(*negated), list.join(", "))
            }
            Kind::Like { value, pattern, escape, negated } => {
                let escape = escape.map(|escape| format!(" ESCAPE {}", self.quote(&escape.to_string())));
                let escape = escape.unwrap_or_default();
                format!("({} {}LIKE {}{escape})", of(value), not(*negated), self.pattern(pattern, &escape))
            }
            Kind::Case { operand, arms, otherwise } => {
                let operand = operand.as_ref().map(|operand| format!(" {}", of(operand))).unwrap_or_default();
                let arms = arms.iter().map(|(when, then)| format!(" WHEN {} THEN {}", of(when), of(then)));
                let last = otherwise.as_ref().map(|last| format!(" ELSE {}", of(last))).unwrap_or_default();
                format!("(CASE{operand}{}{last} END)", arms.collect::<String>())
            }
            Kind::Cast(value, target) => {
                let cast = if self.dialect == Dialect::Own { "CAST" } else { "TRY_CAST" };
                // Spark cuts the fraction off, where halves are rounded away from zero here.
                let rounds = self.dialect == Dialect::Spark
                    && matches!(target, Target::Integer(_))
                    && (self.kind)(value) == Some(Type::Double);
                let text = if rounds { format!("ROUND({})", of(value)) } else { of(value) };
                format!("{cast}({text} AS {})", self.target(*target))
            }
            Kind::Call(function, parts) => self.call(*function, parts),
        }
    }

    fn joined(&self, parts: &[Node], word: &str) -> String {
        let parts: Vec<String> = parts.iter().map(|part| self.text(part)).collect();
        format!("({})", parts.join(word))
    }

    /// An expression whose failure is null.
    fn guarded(&self, text: &str) -> String {
        if self.dialect == Dialect::DuckDb { format!("TRY({text})") } else { text.to_owned() }
    }

    fn quote(&self, text: &str) -> String {
        match self.dialect {
            Dialect::Spark => format!("'{}'", text.replace('\\', "\\\\").replace('\'', "\\'")),
            _ => format!("'{}'", text.replace('\'', "''")),
        }
    }

    /// A pattern without an escape: Spark's own is a backslash, which is a sign like any other here.
    fn pattern(&self, pattern: &Node, escape: &str) -> String {
        match &pattern.kind {
            Kind::Literal(Literal::Text(text)) if self.dialect == Dialect::Spark && escape.is_empty() => {
                self.quote(&text.replace('\\', "\\\\"))
            }
            _ => self.text(pattern),
        }
    }

    fn literal(&self, literal: &Literal) -> String {
        match literal {
            Literal::Null => "NULL".to_owned(),
            Literal::Boolean(value) => value.to_string().to_uppercase(),
            // The smallest integer has no positive twin, which a minus before it would need.
            Literal::Integer(i64::MIN) if self.dialect != Dialect::Own => {
                "(-9223372036854775807 - 1)".to_owned()
            }
            Literal::Integer(value) if *value < 0 => format!("({value})"),
            Literal::Integer(value) if self.dialect == Dialect::Spark => format!("{value}L"),
            Literal::Integer(value) => value.to_string(),
            Literal::Double(value) => {
                let digits = format!("{value:e}");
                let digits = if self.dialect == Dialect::Spark { format!("{digits}D") } else { digits };
                if value.is_sign_negative() { format!("({digits})") } else { digits }
            }
            Literal::Text(text) => self.quote(text),
            Literal::Date(day) => format!("DATE '{}'", arrow_day(*day)),
            Literal::Timestamp(instant) => format!("TIMESTAMP '{}'", arrow_instant(*instant)),
        }
    }

    fn arithmetic(&self, operator: Operator, left: &Node, right: &Node) -> String {
        if self.dialect == Dialect::Spark
            && let Some(text) = self.days_of_spark(operator, left, right)
        {
            return text;
        }
        let (left, right) = (self.text(left), self.text(right));
        let symbol = operator.symbol();
        match (operator, self.dialect) {
            (_, Dialect::Own) => format!("({left} {symbol} {right})"),
            (Operator::Divide, _) => format!("(CAST({left} AS DOUBLE) / NULLIF({right}, 0))"),
            (Operator::Modulo, _) => format!("({left} % NULLIF({right}, 0))"),
            (_, Dialect::DuckDb) => format!("TRY(({left} {symbol} {right}))"),
            (Operator::Add, _) => format!("try_add({left}, {right})"),
            (Operator::Subtract, _) => format!("try_subtract({left}, {right})"),
            (Operator::Multiply, _) => format!("try_multiply({left}, {right})"),
        }
    }

    /// Sums and differences of days in Spark, which takes them by 32-bit integers alone.
    fn days_of_spark(&self, operator: Operator, left: &Node, right: &Node) -> Option<String> {
        let is_day = |node: &Node| (self.kind)(node) == Some(Type::Date);
        let (first, last) = (self.text(left), self.text(right));
        Some(match (operator, is_day(left), is_day(right)) {
            (Operator::Add, true, false) => format!("date_add({first}, TRY_CAST({last} AS INT))"),
            (Operator::Add, false, true) => format!("date_add({last}, TRY_CAST({first} AS INT))"),
            (Operator::Subtract, true, false) => format!("date_sub({first}, TRY_CAST({last} AS INT))"),
            (Operator::Subtract, true, true) => format!("CAST(datediff({first}, {last}) AS BIGINT)"),
            _ => return None,
        })
    }

    fn target(&self, target: Target) -> &'static str {
        match target {
            Target::Boolean => "BOOLEAN",
            Target::Integer(8) => "TINYINT",
            Target::Integer(16) => "SMALLINT",
            Target::Integer(32) => "INTEGER",
            Target::Integer(_) => "BIGINT",
            Target::Double => "DOUBLE",
            Target::Real => "REAL",
            Target::Text if self.dialect == Dialect::Spark => "STRING",
            Target::Text => "TEXT",
            Target::Date => "DATE",
            Target::Timestamp => "TIMESTAMP",
        }
    }

    fn call(&self, function: Function, parts: &[Node]) -> String {
        let name =
            Function::ALL.iter().find(|(_, known, ..)| *known == function).map_or("", |(name, ..)| *name);
        let texts: Vec<String> = parts.iter().map(|part| self.text(part)).collect();
        let call = format!("{name}({})", texts.join(", "));
        if self.dialect == Dialect::Own {
            return call;
        }
        let first = &texts[0];
        if let Some(text) = self.dated(function, &texts).or_else(|| self.found(function, &texts)) {
            return text;
        }
        match function {
            Function::Ln => format!("LN(CASE WHEN {first} > 0 THEN {first} END)"),
            Function::Sqrt => format!("SQRT(CASE WHEN {first} >= 0 THEN {first} END)"),
            Function::Abs | Function::Power => self.guarded(&call),
            // Spark gives integers, which a large double overflows; one from 2^52 on has no fraction.
            Function::Floor | Function::Ceil
                if self.dialect == Dialect::Spark && (self.kind)(&parts[0]) == Some(Type::Double) =>
            {
                format!(
                    "(CASE WHEN ABS({first}) < 4503599627370496D THEN CAST({call} AS DOUBLE) ELSE {first} END)"
                )
            }
            _ => call,
        }
    }
}

impl Printer<'_> {
    /// Functions of days whose names or meanings differ.
    fn dated(&self, function: Function, texts: &[String]) -> Option<String> {
        let spark = self.dialect == Dialect::Spark;
        let (first, last) = (texts.first()?, texts.last()?);
        Some(match function {
            Function::IsoDayOfWeek if spark => format!("(weekday({first}) + 1)"),
            Function::AddMonths if !spark => {
                format!("CAST(TRY({first} + to_months(CAST({last} AS INTEGER))) AS DATE)")
            }
            Function::DateTrunc if spark => format!("date_trunc({}, {last})", first.to_lowercase()),
            Function::DateDiff if spark => {
                let from = &texts[1];
                let months = |at: &str| format!("(year({at}) * 12 + month({at}))");
                match first.to_lowercase().trim_matches('\'') {
                    "year" => format!("(year({last}) - year({from}))"),
                    "quarter" => format!(
                        "((year({last}) * 4 + quarter({last})) - (year({from}) * 4 + quarter({from})))"
                    ),
                    "month" => format!("({} - {})", months(last), months(from)),
                    "day" => format!("datediff({last}, {from})"),
                    _ => format!(
                        "(floor(unix_micros({last}) / 3600000000) - floor(unix_micros({from}) / 3600000000))"
                    ),
                }
            }
            _ => return None,
        })
    }

    /// Functions of text whose names or meanings differ.
    fn found(&self, function: Function, texts: &[String]) -> Option<String> {
        let spark = self.dialect == Dialect::Spark;
        let (first, last) = (texts.first()?, texts.last()?);
        Some(match function {
            Function::StartsWith if spark => format!("startswith({first}, {last})"),
            Function::EndsWith if spark => format!("endswith({first}, {last})"),
            Function::Left | Function::Right => {
                let name = if function == Function::Left { "LEFT" } else { "RIGHT" };
                format!("{name}({first}, CASE WHEN {last} >= 0 THEN {last} END)")
            }
            Function::InList => {
                let list = quoted(last.trim_matches('\''), self.dialect);
                format!("({first} IN (SELECT value FROM {list}))")
            }
            _ => return None,
        })
    }
}

fn symbol(comparison: Comparison) -> &'static str {
    match comparison {
        Comparison::Equal => "=",
        Comparison::NotEqual => "<>",
        Comparison::Less => "<",
        Comparison::LessOrEqual => "<=",
        Comparison::Greater => ">",
        Comparison::GreaterOrEqual => ">=",
        Comparison::Distinct => "IS DISTINCT FROM",
        Comparison::NotDistinct => "IS NOT DISTINCT FROM",
    }
}

/// A day as text: year, month, day of the proleptic Gregorian calendar.
fn arrow_day(day: i32) -> String {
    let (year, month, day) = super::calendar::civil(day);
    format!("{year:04}-{month:02}-{day:02}")
}

fn arrow_instant(instant: i64) -> String {
    let day = instant.div_euclid(86_400_000_000);
    let rest = instant.rem_euclid(86_400_000_000);
    let (seconds, micros) = (rest / 1_000_000, rest % 1_000_000);
    let time = format!("{:02}:{:02}:{:02}.{micros:06}", seconds / 3600, seconds / 60 % 60, seconds % 60);
    format!("{} {time}", arrow_day(day as i32))
}
