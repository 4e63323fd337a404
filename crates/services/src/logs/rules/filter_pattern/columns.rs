//! Space-separated columns: `[ip, user, ..., status = 4* || status = 5*, bytes > 1000]`.

use super::InvalidPattern;
use super::expression::Expression;
use super::scanner::Scanner;

#[derive(Debug)]
pub(super) struct Columns {
    /// Before `...`, or all of them.
    first: Vec<Column>,
    /// Behind `...`, if there is one.
    last: Option<Vec<Column>>,
}

/// A column's condition; `None`: it only has to be there.
type Column = Option<Expression<()>>;

impl Columns {
    pub(super) fn parse(scanner: &mut Scanner<'_>) -> Result<Self, InvalidPattern> {
        scanner.expect("[")?;
        let mut columns = Self { first: Vec::new(), last: None };
        loop {
            if scanner.eat("...") {
                columns.split()?;
            } else {
                let column = column(scanner)?;
                columns.last.as_mut().unwrap_or(&mut columns.first).push(column);
            }
            if scanner.eat("]") {
                return Ok(columns);
            }
            scanner.expect(",")?;
        }
    }

    fn split(&mut self) -> Result<(), InvalidPattern> {
        match self.last.replace(Vec::new()) {
            Some(_) => Err(InvalidPattern),
            None => Ok(()),
        }
    }

    pub(super) fn matches(&self, message: &str) -> bool {
        let fields = fields(message);
        let first = fields.get(..self.first.len());
        let Some(last) = &self.last else {
            return fields.len() == self.first.len() && first.is_some_and(|fields| fit(&self.first, fields));
        };
        let behind = fields.len().checked_sub(last.len()).filter(|start| *start >= self.first.len());
        let behind = behind.and_then(|start| fields.get(start..));
        first.zip(behind).is_some_and(|(start, end)| fit(&self.first, start) && fit(last, end))
    }
}

fn fit(columns: &[Column], fields: &[&str]) -> bool {
    let fits = |(column, field): (&Column, &&str)| {
        column.as_ref().is_none_or(|condition| condition.holds(&|(), check| check.passes(field)))
    };
    columns.iter().zip(fields).all(fits)
}

fn column(scanner: &mut Scanner<'_>) -> Result<Column, InvalidPattern> {
    scanner.skip_spaces();
    if !scanner.sees("(") {
        let mut ahead = scanner.clone();
        name(&mut ahead);
        ahead.skip_spaces();
        if ahead.sees(",") || ahead.sees("]") {
            *scanner = ahead;
            return Ok(None);
        }
    }
    Expression::parse(scanner, &named).map(Some)
}

fn named(scanner: &mut Scanner<'_>) -> Result<(), InvalidPattern> {
    scanner.skip_spaces();
    if name(scanner).is_empty() { Err(InvalidPattern) } else { Ok(()) }
}

/// Names only help the reader: a column is known by its place.
fn name<'a>(scanner: &mut Scanner<'a>) -> &'a str {
    scanner.run(|c| c.is_alphanumeric() || "_-.@$:/".contains(c))
}

/// A message's fields. What stands in quotes or square brackets is one.
fn fields(message: &str) -> Vec<&str> {
    let mut fields = Vec::new();
    let mut rest = message.trim_start();
    while let Some(first) = rest.chars().next() {
        let closing = match first {
            '"' => Some('"'),
            '[' => Some(']'),
            _ => None,
        };
        let inside = closing.and_then(|closing| rest.split_at(1).1.split_once(closing));
        let (field, behind) =
            inside.unwrap_or_else(|| rest.split_once(char::is_whitespace).unwrap_or((rest, "")));
        fields.push(field);
        rest = behind.trim_start();
    }
    fields
}
