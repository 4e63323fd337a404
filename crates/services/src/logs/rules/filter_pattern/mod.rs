//! Filter patterns: which events FilterLogEvents finds (CloudWatch Logs user guide, "Filter pattern syntax").
//!
//! A pattern is of one of three kinds: terms (`ERROR -"timed out"`), a condition on a JSON message (`{ $.level = "error" }`),
//! or a description of a message's space-separated columns (`[ip, user, ..., status = 5*]`).

mod columns;
mod expression;
mod operand;
mod scanner;
mod selector;
mod terms;
#[cfg(test)]
mod tests;

use columns::Columns;
use expression::Expression;
use scanner::Scanner;
use selector::Selector;
use terms::Terms;

/// A parsed pattern.
#[derive(Debug)]
pub(in crate::logs) struct FilterPattern(Kind);

#[derive(Debug)]
enum Kind {
    Terms(Terms),
    Json(Expression<Selector>),
    Columns(Columns),
}

/// A text that is no pattern.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::logs) struct InvalidPattern;

impl FilterPattern {
    /// Reads a pattern. The empty one matches everything.
    pub(in crate::logs) fn parse(text: &str) -> Result<Self, InvalidPattern> {
        let text = text.trim();
        let mut scanner = Scanner::new(text);
        let kind = match text.chars().next() {
            Some('{') => Kind::Json(json(&mut scanner)?),
            Some('[') => Kind::Columns(Columns::parse(&mut scanner)?),
            _ => Kind::Terms(Terms::parse(&mut scanner)?),
        };
        if scanner.is_at_end() { Ok(Self(kind)) } else { Err(InvalidPattern) }
    }

    /// Whether an event's message matches.
    pub(in crate::logs) fn matches(&self, message: &str) -> bool {
        match &self.0 {
            Kind::Terms(terms) => terms.matches(message),
            Kind::Columns(columns) => columns.matches(message),
            Kind::Json(expression) => {
                is_json(message)
                    && serde_json::from_str(message).is_ok_and(|message| {
                        expression.holds(&|selector, check| selector.satisfies(&message, check))
                    })
            }
        }
    }
}

/// Most messages that are not JSON can be told by their first character.
fn is_json(message: &str) -> bool {
    message.trim_start().starts_with(['{', '['])
}

fn json(scanner: &mut Scanner<'_>) -> Result<Expression<Selector>, InvalidPattern> {
    scanner.expect("{")?;
    let expression = Expression::parse(scanner, &Selector::parse)?;
    scanner.expect("}")?;
    Ok(expression)
}
