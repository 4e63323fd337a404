//! The rules: which constraints a schema sets, and which of them a value breaks.

use landfall_shape::{Kind, Member, Schema, Structure, Value};

use super::{PATTERN, Violation, pattern, print};

/// Violations in one answer.
const LIMIT: usize = 100;

/// Violations found so far.
#[derive(Default)]
pub(super) struct Found(Vec<Violation>);

impl Found {
    pub(super) fn into_violations(self) -> Vec<Violation> {
        self.0
    }

    fn full(&self) -> bool {
        self.0.len() >= LIMIT
    }

    fn push(&mut self, path: &str, value: Option<String>, constraint: String) {
        if !self.full() {
            self.0.push(Violation { path: path.to_owned(), value, constraint });
        }
    }
}

/// Checks a value and everything in it. `path` names the value; it is empty for an operation's input.
pub(super) fn check(schema: &'static Schema, value: &Value, path: &str, found: &mut Found) {
    if found.full() {
        return;
    }
    for constraint in constraints(schema) {
        if !constraint.holds(value) {
            found.push(path, print::quoted(schema, value), constraint.text());
        }
    }
    match (&schema.kind, value) {
        (Kind::Structure { members }, Value::Structure(structure)) => {
            check_members(members, structure, path, found);
        }
        (Kind::List { member, .. }, Value::List(values)) => {
            check_list(schema, member, value, values, path, found);
        }
        (Kind::Map { key, value: member, .. }, Value::Map(entries)) => {
            check_keys(schema, key, value, entries, path, found);
            check_values(schema, member, value, entries, path, found);
            if !is_scalar(member) {
                check_nested_values(key, member, entries, path, found);
            }
        }
        _ => {}
    }
}

fn check_members(members: &'static [Member], structure: &Structure, path: &str, found: &mut Found) {
    for member in members {
        match structure.get(member.name) {
            Some(value) => check(member.schema, value, &join(path, &member_name(member)), found),
            None if member.required => {
                found.push(&join(path, &member_name(member)), Some("null".to_owned()), NOT_NULL.to_owned());
            }
            None => {}
        }
    }
}

const NOT_NULL: &str = "Member must not be null";

/// AWS prints the names of its Java beans: `secretId` for `SecretId`, but `KMSKeyId` becomes `kMSKeyId`.
pub(super) fn member_name(member: &Member) -> String {
    let mut characters = member.wire_name.chars();
    let first = characters.next().map(|first| first.to_ascii_lowercase());
    first.into_iter().chain(characters).collect()
}

fn join(path: &str, name: &str) -> String {
    if path.is_empty() { name.to_owned() } else { format!("{path}.{name}") }
}

/// Scalars in a list are reported once, at the list, with all constraints of its element; structures each at their
/// place.
fn check_list(
    schema: &'static Schema,
    member: &'static Schema,
    list: &Value,
    values: &[Value],
    path: &str,
    found: &mut Found,
) {
    if is_scalar(member) {
        let rules = constraints(member);
        if values.iter().any(|value| rules.iter().any(|rule| !rule.holds(value))) {
            let text = format!("Member must satisfy constraint: [{}]", texts(&rules));
            found.push(path, print::quoted(schema, list), text);
        }
        return;
    }
    for (index, value) in (1..).zip(values) {
        check(member, value, &format!("{path}.{index}.member"), found);
    }
}

fn check_keys(
    schema: &'static Schema,
    key: &'static Schema,
    map: &Value,
    entries: &[(String, Value)],
    path: &str,
    found: &mut Found,
) {
    let rules = constraints(key);
    if entries.iter().any(|(key, _)| rules.iter().any(|rule| !rule.holds_text(key))) {
        let text = format!("Map keys must satisfy constraint: [{}]", texts(&rules));
        found.push(path, print::quoted(schema, map), text);
    }
}

fn check_values(
    schema: &'static Schema,
    member: &'static Schema,
    map: &Value,
    entries: &[(String, Value)],
    path: &str,
    found: &mut Found,
) {
    let rules = if is_scalar(member) { constraints(member) } else { Vec::new() };
    if entries.iter().any(|(_, value)| rules.iter().any(|rule| !rule.holds(value))) {
        let text = format!("Map value must satisfy constraint: [{}]", texts(&rules));
        found.push(path, print::quoted(schema, map), text);
    }
}

fn check_nested_values(
    key: &Schema,
    member: &'static Schema,
    entries: &[(String, Value)],
    path: &str,
    found: &mut Found,
) {
    for (name, value) in entries {
        let name = if key.sensitive { "***" } else { name };
        check(member, value, &format!("{path}.{name}.member"), found);
    }
}

fn is_scalar(schema: &Schema) -> bool {
    !matches!(schema.kind, Kind::Structure { .. } | Kind::List { .. } | Kind::Map { .. })
}

fn texts(rules: &[Constraint]) -> String {
    let texts: Vec<String> = rules.iter().map(Constraint::text).collect();
    texts.join(", ")
}

/// One constraint of a schema.
#[derive(Clone, Copy)]
enum Constraint {
    MaxLength(u64),
    MinLength(u64),
    MaxInteger(i64),
    MinInteger(i64),
    MaxDouble(f64),
    MinDouble(f64),
    Pattern(&'static str),
    Values(&'static [&'static str]),
}

/// The constraints in the order in which AWS lists them.
fn constraints(schema: &'static Schema) -> Vec<Constraint> {
    use Constraint::{MaxDouble, MaxInteger, MaxLength, MinDouble, MinInteger, MinLength, Pattern, Values};
    match schema.kind {
        Kind::String { min, max, pattern, values } => {
            let values = (!values.is_empty()).then_some(Values(values));
            let rules = [max.map(MaxLength), min.map(MinLength), pattern.map(Pattern), values];
            rules.into_iter().flatten().collect()
        }
        Kind::Blob { min, max } | Kind::List { min, max, .. } | Kind::Map { min, max, .. } => {
            [max.map(MaxLength), min.map(MinLength)].into_iter().flatten().collect()
        }
        Kind::Integer { min, max } | Kind::Long { min, max } => {
            [max.map(MaxInteger), min.map(MinInteger)].into_iter().flatten().collect()
        }
        Kind::Double { min, max } => [max.map(MaxDouble), min.map(MinDouble)].into_iter().flatten().collect(),
        Kind::Structure { .. } | Kind::Boolean | Kind::Timestamp { .. } => Vec::new(),
    }
}

impl Constraint {
    fn text(&self) -> String {
        match self {
            Self::MaxLength(max) => format!("Member must have length less than or equal to {max}"),
            Self::MinLength(min) => format!("Member must have length greater than or equal to {min}"),
            Self::MaxInteger(max) => format!("Member must have value less than or equal to {max}"),
            Self::MinInteger(min) => format!("Member must have value greater than or equal to {min}"),
            Self::MaxDouble(max) => format!("Member must have value less than or equal to {max}"),
            Self::MinDouble(min) => format!("Member must have value greater than or equal to {min}"),
            Self::Pattern(pattern) => format!("{PATTERN}{pattern}"),
            Self::Values(values) => format!("Member must satisfy enum value set: [{}]", values.join(", ")),
        }
    }

    /// A value of another kind than the schema's breaks nothing here: codecs do not make one.
    fn holds(&self, value: &Value) -> bool {
        match value {
            Value::String(text) => self.holds_text(text),
            Value::SensitiveString(text) => self.holds_text(text.expose()),
            Value::Blob(bytes) => self.holds_length(bytes.len() as u64),
            Value::SensitiveBlob(bytes) => self.holds_length(bytes.expose().len() as u64),
            Value::List(values) => self.holds_length(values.len() as u64),
            Value::Map(entries) => self.holds_length(entries.len() as u64),
            Value::Integer(number) => self.holds_integer(*number),
            Value::Double(number) => self.holds_double(*number),
            Value::Boolean(_) | Value::Timestamp(_) | Value::Structure(_) => true,
        }
    }

    fn holds_text(&self, text: &str) -> bool {
        match self {
            Self::Pattern(pattern) => pattern::matches(pattern, text),
            Self::Values(values) => values.contains(&text),
            rule => rule.holds_length(text.chars().count() as u64),
        }
    }

    fn holds_length(&self, length: u64) -> bool {
        match self {
            Self::MaxLength(max) => length <= *max,
            Self::MinLength(min) => length >= *min,
            _ => true,
        }
    }

    fn holds_integer(&self, number: i64) -> bool {
        match self {
            Self::MaxInteger(max) => number <= *max,
            Self::MinInteger(min) => number >= *min,
            _ => true,
        }
    }

    fn holds_double(&self, number: f64) -> bool {
        match self {
            Self::MaxDouble(max) => number <= *max,
            Self::MinDouble(min) => number >= *min,
            _ => true,
        }
    }
}
