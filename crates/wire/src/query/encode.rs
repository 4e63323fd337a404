//! Values to forms.

use landfall_shape::{Kind, Member, OperationSchema, Schema, ServiceSchema, Structure, Value};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use super::Rules;
use crate::scalar;

const ENCODED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~');

pub(super) fn encode(service: &ServiceSchema, operation: &'static OperationSchema, input: &Value) -> Vec<u8> {
    let mut form = String::new();
    push(&mut form, "Action", operation.name);
    push(&mut form, "Version", service.api_version);
    if let (Value::Structure(structure), Kind::Structure { members }) = (input, &operation.input.kind) {
        push_members(Rules::of(service), &mut form, members, structure, "");
    }
    form.into_bytes()
}

fn push(form: &mut String, key: &str, text: &str) {
    if !form.is_empty() {
        form.push('&');
    }
    form.extend(utf8_percent_encode(key, ENCODED));
    form.push('=');
    form.extend(utf8_percent_encode(text, ENCODED));
}

fn push_members(
    rules: Rules,
    form: &mut String,
    members: &'static [Member],
    structure: &Structure,
    prefix: &str,
) {
    for member in members {
        if let Some(value) = structure.get(member.name) {
            let key = format!("{prefix}{}", rules.parameter_name(member));
            push_value(rules, form, member.schema, value, &key);
        }
    }
}

fn push_value(rules: Rules, form: &mut String, schema: &'static Schema, value: &Value, key: &str) {
    match (&schema.kind, value) {
        (Kind::Structure { members }, Value::Structure(structure)) => {
            push_members(rules, form, members, structure, &format!("{key}."));
        }
        // EC2's form has no way to write an empty list.
        (Kind::List { .. }, Value::List(values)) if values.is_empty() && rules == Rules::Ec2 => {}
        (Kind::List { .. }, Value::List(values)) if values.is_empty() => push(form, key, ""),
        (Kind::Map { .. }, Value::Map(entries)) if entries.is_empty() => push(form, key, ""),
        (Kind::List { member, member_name, flattened, .. }, Value::List(values)) => {
            let key =
                if rules.flattens(*flattened) { key.to_owned() } else { format!("{key}.{member_name}") };
            for (index, value) in (1..).zip(values) {
                push_value(rules, form, member, value, &format!("{key}.{index}"));
            }
        }
        (Kind::Map { value: schema, .. }, Value::Map(entries)) => {
            for (index, (name, value)) in (1..).zip(entries) {
                push(form, &format!("{key}.entry.{index}.key"), name);
                push_value(rules, form, schema, value, &format!("{key}.entry.{index}.value"));
            }
        }
        _ => {
            if let Some(text) = scalar::to_text(schema, value) {
                push(form, key, &text);
            }
        }
    }
}
