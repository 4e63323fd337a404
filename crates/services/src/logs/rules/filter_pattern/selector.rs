//! Places in a JSON document: `$.a.b[0]`, `$.list[*].name`, `$['a key']`.

use serde_json::Value;

use super::InvalidPattern;
use super::expression::Check;
use super::scanner::Scanner;

#[derive(Debug)]
pub(super) struct Selector(Vec<Step>);

#[derive(Debug)]
enum Step {
    Key(String),
    Index(usize),
    Each,
}

impl Selector {
    pub(super) fn parse(scanner: &mut Scanner<'_>) -> Result<Self, InvalidPattern> {
        scanner.expect("$")?;
        let mut steps = Vec::new();
        loop {
            if scanner.take("[") || scanner.take(".[") {
                steps.push(bracket(scanner)?);
            } else if scanner.take(".") {
                steps.push(key(scanner)?);
            } else if steps.is_empty() {
                return Err(InvalidPattern);
            } else {
                return Ok(Self(steps));
            }
        }
    }

    /// Whether the document satisfies a check at this place; for several places, at one of them.
    pub(super) fn satisfies(&self, document: &Value, check: &Check) -> bool {
        let found = self.find(document);
        match check {
            Check::Missing => found.is_empty(),
            Check::Exists => !found.is_empty(),
            Check::Null => found.iter().any(|value| value.is_null()),
            Check::True => found.contains(&&Value::Bool(true)),
            Check::False => found.contains(&&Value::Bool(false)),
            Check::Compare(..) => {
                found.iter().filter_map(|value| text(value)).any(|text| check.passes(&text))
            }
        }
    }

    fn find<'v>(&self, document: &'v Value) -> Vec<&'v Value> {
        self.0.iter().fold(vec![document], |found, step| {
            found.into_iter().flat_map(|value| step.from(value)).collect()
        })
    }
}

impl Step {
    fn from<'v>(&self, value: &'v Value) -> Vec<&'v Value> {
        match self {
            Self::Key(key) => value.get(key).into_iter().collect(),
            Self::Index(index) => value.get(index).into_iter().collect(),
            Self::Each => value.as_array().into_iter().flatten().collect(),
        }
    }
}

fn key(scanner: &mut Scanner<'_>) -> Result<Step, InvalidPattern> {
    let key = scanner.run(|c| !c.is_whitespace() && !".[]{}()=!<>&|,\"'".contains(c));
    if key.is_empty() { Err(InvalidPattern) } else { Ok(Step::Key(key.to_owned())) }
}

fn bracket(scanner: &mut Scanner<'_>) -> Result<Step, InvalidPattern> {
    let step = if scanner.eat("*") {
        Step::Each
    } else if scanner.eat("\"") {
        Step::Key(scanner.quoted('"')?)
    } else if scanner.eat("'") {
        Step::Key(scanner.quoted('\'')?)
    } else {
        Step::Index(scanner.run(|c| c.is_ascii_digit()).parse().map_err(|_| InvalidPattern)?)
    };
    scanner.expect("]")?;
    Ok(step)
}

/// What a scalar is compared as. Objects, arrays and null equal nothing and differ from nothing.
fn text(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        Value::Bool(truth) => Some(truth.to_string()),
        Value::Null | Value::Array(_) | Value::Object(_) => None,
    }
}
