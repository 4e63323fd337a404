//! Forms to values, guided by a schema.

use landfall_shape::{Kind, Member, Schema, Structure, Value};

use super::Rules;
use super::form::{Form, Node};
use crate::DecodeError;
use crate::scalar::{self, MapBuilder};

pub(super) fn decode(rules: Rules, schema: &'static Schema, form: &Form) -> Result<Value, DecodeError> {
    match schema.kind {
        Kind::Structure { members } => structure(rules, members, form.root(), ""),
        _ => Err(DecodeError::new("the operation's input is not a structure")),
    }
}

/// `path` is for error texts: the key so far.
fn value(
    rules: Rules,
    schema: &'static Schema,
    node: &Node,
    path: &str,
) -> Result<Option<Value>, DecodeError> {
    match schema.kind {
        Kind::Structure { members } => structure(rules, members, node, path).map(Some),
        Kind::List { member, member_name, flattened, .. } => {
            let items = if rules.flattens(flattened) { Some(node) } else { node.child(member_name) };
            list(rules, member, node, items, path)
        }
        Kind::Map { key, value, .. } => map(rules, key, value, node, path),
        _ => leaf(schema, node, path),
    }
}

fn leaf(schema: &'static Schema, node: &Node, path: &str) -> Result<Option<Value>, DecodeError> {
    let Some(text) = &node.text else { return Ok(None) };
    match scalar::from_text(schema, text.clone()) {
        Some(value) => Ok(Some(value)),
        None => Err(DecodeError::new(format!("the value of `{path}` must be {}", expected(schema)))),
    }
}

fn expected(schema: &Schema) -> &'static str {
    match schema.kind {
        Kind::Boolean => "`true` or `false`",
        Kind::Integer { .. } => "a whole number of 32 bits",
        Kind::Long { .. } => "a whole number",
        Kind::Double { .. } => "a number",
        Kind::Blob { .. } => "base64",
        Kind::Timestamp { .. } => "a time in ISO 8601, for example `2026-11-23T02:30:41Z`",
        _ => "text",
    }
}

fn structure(
    rules: Rules,
    members: &'static [Member],
    node: &Node,
    path: &str,
) -> Result<Value, DecodeError> {
    let mut structure = Structure::new();
    for member in members {
        let name = rules.parameter_name(member);
        let Some(child) = node.child(&name) else { continue };
        let path = join(path, rules.shown_name(member, &name));
        structure.push_some(member.name, value(rules, member.schema, child, &path)?);
    }
    Ok(Value::Structure(structure))
}

/// A flattened list takes its element's name, where the model gives one, in place of the member's.
pub(super) fn parameter_name(member: &Member) -> &'static str {
    match member.schema.kind {
        Kind::List { flattened: true, member_name, .. } if member_name != "member" => member_name,
        _ => member.wire_name,
    }
}

fn list(
    rules: Rules,
    member: &'static Schema,
    node: &Node,
    items: Option<&Node>,
    path: &str,
) -> Result<Option<Value>, DecodeError> {
    let Some(items) = items.filter(|items| !items.is_leaf()) else {
        return Ok(empty(node).then(|| Value::List(Vec::new())));
    };
    let mut values = Vec::new();
    for item in items.numbered(path)? {
        values.extend(value(rules, member, item, path)?);
    }
    Ok(Some(Value::List(values)))
}

fn empty(node: &Node) -> bool {
    node.text.as_deref() == Some("") && node.is_leaf()
}

fn map(
    rules: Rules,
    key_schema: &'static Schema,
    value_schema: &'static Schema,
    node: &Node,
    path: &str,
) -> Result<Option<Value>, DecodeError> {
    let Some(entries) = node.child("entry") else {
        return Ok(empty(node).then(|| Value::Map(Vec::new())));
    };
    let mut builder = MapBuilder::default();
    for entry in entries.numbered(path)? {
        let key = entry.child("key").map(|key| leaf(key_schema, key, path)).transpose()?.flatten();
        let Some(Value::String(key)) = key else {
            return Err(DecodeError::new(format!("every entry of the map `{path}` needs a `key`")));
        };
        if let Some(found) =
            entry.child("value").map(|node| value(rules, value_schema, node, path)).transpose()?.flatten()
        {
            builder.insert(key, found);
        }
    }
    Ok(Some(builder.finish()))
}

fn join(path: &str, name: &str) -> String {
    if path.is_empty() { name.to_owned() } else { format!("{path}.{name}") }
}
