//! From text to tree: limits, SQL's own grammar, and errors with a place.
//!
//! In: the text of one condition or value. Out: a [`Node`], or an error that names line, column and what to
//! write instead. Texts come from files, so length, depth and the number of operators have limits: no text
//! makes the parser hang, allocate without bound or run out of stack.

use sqlparser::dialect::GenericDialect;
use sqlparser::parser::{Parser, ParserError};
use sqlparser::tokenizer::{Token, TokenWithSpan, Tokenizer};

use super::convert::convert;
use super::node::{Node, Span};
use crate::error::{Error, Result};

/// The longest text, in bytes.
pub const LONGEST_TEXT: usize = 1 << 20;
/// The most operators and words of SQL in one text; values in a list and names are not counted.
pub const MOST_OPERATORS: usize = 1_000;
/// How deep parentheses, calls, NOT, CASE and the right sides of operators may be nested in one another.
pub const DEEPEST_NESTING: usize = 64;
/// How many operators may follow each other in one chain, such as `a + b + c`; AND and OR have no such limit.
pub const LONGEST_CHAIN: usize = 128;
/// The stack of the thread that parses, in bytes: more than [`DEEPEST_NESTING`] levels of the SQL parser need
/// (measured: 32 MB without optimisation, 4 MB with it). Only what is used of it is ever made.
const STACK: usize = 64 << 20;

/// Makes an error at a place of a text.
pub(crate) fn fault(span: Span, text: impl Into<String>, hint: Option<String>) -> Error {
    Error::Tactic { line: span.line.max(1), column: span.column.max(1), text: text.into(), hint, rule: None }
}

/// Parses one expression.
///
/// # Errors
/// `Tactic`: text that is no expression, more than one, or one beyond the limits.
pub(crate) fn parse(text: &str) -> Result<Node> {
    let start = Span { line: 1, column: 1 };
    if text.len() > LONGEST_TEXT {
        let told = format!("the text has {} bytes; at most {LONGEST_TEXT} are read", text.len());
        return Err(fault(start, told, Some("split it into several".to_owned())));
    }
    let tokens = tokenize(text)?;
    check_limits(&tokens)?;
    if tokens.iter().all(|token| matches!(token.token, Token::Whitespace(_))) {
        return Err(fault(start, "the text is empty", Some("write a condition, such as `x > 5`".to_owned())));
    }
    // The parser's depth must not depend on the stack that a caller happens to have left.
    let parsed = std::thread::scope(|scope| {
        let thread = std::thread::Builder::new().stack_size(STACK);
        thread.spawn_scoped(scope, || parse_tokens(tokens, text)).map(std::thread::ScopedJoinHandle::join)
    });
    match parsed {
        Ok(Ok(parsed)) => parsed,
        Ok(Err(_)) => Err(fault(start, "the text cannot be parsed", None)),
        Err(error) => Err(Error::argument(format!("no thread can be started to parse with: {error}"))),
    }
}

fn parse_tokens(tokens: Vec<TokenWithSpan>, text: &str) -> Result<Node> {
    let dialect = GenericDialect {};
    let mut parser =
        Parser::new(&dialect).with_recursion_limit(DEEPEST_NESTING).with_tokens_with_locations(tokens);
    let expression = parser.parse_expr().map_err(|error| parser_fault(&error, text))?;
    let next = parser.peek_token();
    if next.token != Token::EOF {
        let place = Span { line: next.span.start.line, column: next.span.start.column };
        let hint = match &next.token {
            Token::SemiColon => "write one expression, without `;`",
            Token::Assignment | Token::Colon => "equality is written `=`",
            _ => "join conditions by AND or OR; a name with blanks or signs stands in double quotes",
        };
        let told = format!("`{}` stands after the end of the expression", next.token);
        return Err(fault(place, told, Some(hint.to_owned())));
    }
    let node = convert(expression)?;
    if node.depth() > LONGEST_CHAIN + DEEPEST_NESTING {
        let told = format!("more than {LONGEST_CHAIN} operators follow each other");
        let hint = "take a part out into a derived column".to_owned();
        return Err(fault(node.span, told, Some(hint)));
    }
    Ok(node)
}

fn tokenize(text: &str) -> Result<Vec<TokenWithSpan>> {
    Tokenizer::new(&GenericDialect {}, text).tokenize_with_location().map_err(|error| {
        let place = Span { line: error.location.line, column: error.location.column };
        let hint = error.message.contains("Unterminated").then(|| "close the quote".to_owned());
        fault(place, lower_first(&error.message), hint)
    })
}

/// Counts what can make a tree deep before the parser makes one.
fn check_limits(tokens: &[TokenWithSpan]) -> Result<()> {
    let (mut operators, mut depth) = (0, 0usize);
    let mut opens = false;
    for token in tokens.iter().filter(|token| !matches!(token.token, Token::Whitespace(_))) {
        let signed = opens;
        opens = matches!(token.token, Token::Comma | Token::LParen);
        match &token.token {
            Token::LParen => depth += 1,
            Token::RParen => depth = depth.saturating_sub(1),
            Token::Word(word) if word.keyword == sqlparser::keywords::Keyword::NoKeyword => {}
            Token::Comma | Token::Number(..) | Token::SingleQuotedString(_) => {}
            // The sign of a number in a list.
            Token::Minus | Token::Plus if signed => {}
            _ => operators += 1,
        }
        let place = Span { line: token.span.start.line, column: token.span.start.column };
        if depth > DEEPEST_NESTING {
            return Err(too_deep(place));
        }
        if operators > MOST_OPERATORS {
            let told = format!("the text has more than {MOST_OPERATORS} operators");
            return Err(fault(place, told, Some("compare with a list by IN, or split the text".to_owned())));
        }
    }
    Ok(())
}

fn too_deep(place: Span) -> Error {
    let told = format!("parentheses, calls and CASE are nested more than {DEEPEST_NESTING} deep");
    fault(place, told, Some("take a part out into a derived column".to_owned()))
}

/// The parser's own error, which carries its place at the end of its text.
fn parser_fault(error: &ParserError, text: &str) -> Error {
    let (ParserError::TokenizerError(told) | ParserError::ParserError(told)) = error else {
        return too_deep(Span { line: 1, column: 1 });
    };
    let (told, place) = match told.rsplit_once(" at Line: ") {
        Some((told, place)) => {
            let mut numbers = place.split(", Column: ").map(|number| number.trim().parse().unwrap_or(0));
            let (line, column) = (numbers.next().unwrap_or(0), numbers.next().unwrap_or(0));
            (told, Span { line, column })
        }
        // Without a place the end was reached.
        None => (told.as_str(), end_of(text)),
    };
    let hint = if told.contains("found: EOF") {
        Some("the text ends too early: close what was opened, or complete it".to_owned())
    } else {
        Some("names that are words of SQL stand in double quotes, text in single ones".to_owned())
    };
    fault(place, lower_first(told), hint)
}

fn end_of(text: &str) -> Span {
    let line = text.lines().count().max(1);
    let last = text.lines().last().unwrap_or_default();
    Span { line: line as u64, column: last.chars().count() as u64 + 1 }
}

fn lower_first(text: &str) -> String {
    let mut characters = text.chars();
    characters.next().map_or_else(String::new, |first| first.to_lowercase().chain(characters).collect())
}
