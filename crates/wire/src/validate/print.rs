//! Values as AWS prints them in validation sentences.

use landfall_shape::{Kind, Schema, Value};

/// Characters of a value in a sentence. AWS prints everything; an answer need not carry a megabyte back.
const LIMIT: usize = 4096;

/// The value in quotes; `None` if anything in it is sensitive.
pub(super) fn quoted(schema: &'static Schema, value: &Value) -> Option<String> {
    let mut out = String::new();
    push(&mut out, schema, value)?;
    if let Some((at, _)) = out.char_indices().nth(LIMIT) {
        out.truncate(at);
        out.push('…');
    }
    Some(format!("'{out}'"))
}

fn push(out: &mut String, schema: &'static Schema, value: &Value) -> Option<()> {
    if schema.sensitive {
        return None;
    }
    // What lies behind the limit is not printed, but still looked through for sensitive members.
    let mark = out.len();
    match (&schema.kind, value) {
        (Kind::List { member, .. }, Value::List(values)) => {
            push_all(out, ('[', ']'), values, |out, value| push(out, member, value))?;
        }
        (Kind::Map { key, .. }, Value::Map(_)) if key.sensitive => return None,
        (Kind::Map { value: schema, .. }, Value::Map(entries)) => {
            push_all(out, ('{', '}'), entries, |out, (key, value)| {
                out.push_str(key);
                out.push('=');
                push(out, schema, value)
            })?;
        }
        (Kind::Structure { members }, Value::Structure(structure)) => {
            let present: Vec<_> = structure.iter().collect();
            push_all(out, ('{', '}'), &present, |out, (name, value)| {
                let member = members.iter().find(|member| member.name == *name)?;
                out.push_str(&super::check::member_name(member));
                out.push('=');
                push(out, member.schema, value)
            })?;
        }
        _ => push_scalar(out, value)?,
    }
    if mark > LIMIT * 4 {
        out.truncate(mark);
    }
    Some(())
}

fn push_all<T>(
    out: &mut String,
    (open, close): (char, char),
    items: &[T],
    mut push: impl FnMut(&mut String, &T) -> Option<()>,
) -> Option<()> {
    out.push(open);
    for (index, item) in items.iter().enumerate() {
        if index > 0 {
            out.push_str(", ");
        }
        push(out, item)?;
    }
    out.push(close);
    Some(())
}

fn push_scalar(out: &mut String, value: &Value) -> Option<()> {
    match value {
        Value::Boolean(flag) => out.push_str(&flag.to_string()),
        Value::Integer(number) => out.push_str(&number.to_string()),
        Value::Double(number) => out.push_str(&number.to_string()),
        Value::String(text) => out.push_str(text),
        Value::Timestamp(moment) => out.push_str(&moment.iso8601()),
        // Java prints a buffer's position and capacity here: nothing that helps. Bytes may also be secret.
        _ => return None,
    }
    Some(())
}
