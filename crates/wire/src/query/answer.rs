//! Outputs as XML, both ways.

use landfall_shape::{Kind, Member, OperationSchema, Schema, ServiceSchema, Structure, Value};

use super::Rules;
use super::xml::{self, Element, Writer};
use crate::DecodeError;
use crate::scalar::{self, MapBuilder};

pub(super) fn encode(
    service: &ServiceSchema,
    operation: &'static OperationSchema,
    output: &Value,
    request_id: &str,
) -> Vec<u8> {
    let mut xml = Writer::default();
    let response = format!("{}Response", operation.name);
    xml.open_with_namespace(&response, service.xml_namespace);
    if Rules::of(service) == Rules::Ec2 {
        write_ec2(&mut xml, operation, output, request_id);
        xml.close(&response);
        return xml.finish();
    }
    if operation.has_output {
        let result = format!("{}Result", operation.name);
        xml.open(&result);
        write_content(&mut xml, operation.output, output);
        xml.close(&result);
    }
    xml.open("ResponseMetadata");
    xml.leaf("RequestId", request_id);
    xml.close("ResponseMetadata");
    xml.close(&response);
    xml.finish()
}

/// EC2 wraps nothing: the request's id and the members stand side by side. Operations without an output answer `return`.
fn write_ec2(xml: &mut Writer, operation: &'static OperationSchema, output: &Value, request_id: &str) {
    xml.leaf("requestId", request_id);
    if operation.has_output {
        write_content(xml, operation.output, output);
    } else {
        xml.leaf("return", "true");
    }
}

fn write_member(xml: &mut Writer, member: &'static Member, value: &Value) {
    match (&member.schema.kind, value) {
        (Kind::List { member: element, flattened: true, .. }, Value::List(values)) => {
            for value in values {
                write(xml, super::decode::parameter_name(member), element, value);
            }
        }
        _ => write(xml, member.wire_name, member.schema, value),
    }
}

fn write(xml: &mut Writer, name: &str, schema: &'static Schema, value: &Value) {
    if let Some(text) = scalar::to_text(schema, value) {
        return xml.leaf(name, &text);
    }
    xml.open(name);
    write_content(xml, schema, value);
    xml.close(name);
}

fn write_content(xml: &mut Writer, schema: &'static Schema, value: &Value) {
    match (&schema.kind, value) {
        (Kind::Structure { members }, Value::Structure(structure)) => {
            for member in *members {
                if let Some(value) = structure.get(member.name) {
                    write_member(xml, member, value);
                }
            }
        }
        (Kind::List { member, member_name, .. }, Value::List(values)) => {
            for value in values {
                write(xml, member_name, member, value);
            }
        }
        (Kind::Map { key, value: schema, .. }, Value::Map(entries)) => {
            for (name, value) in entries {
                xml.open("entry");
                write(xml, "key", key, &Value::String(name.clone()));
                write(xml, "value", schema, value);
                xml.close("entry");
            }
        }
        // A value of another kind than the schema's is a fault of ours; an empty element hides no other member.
        _ => {}
    }
}

pub(super) fn decode(
    rules: Rules,
    operation: &'static OperationSchema,
    body: &[u8],
) -> Result<Value, DecodeError> {
    let root = xml::parse(body)?;
    if root.name != format!("{}Response", operation.name) {
        return Err(DecodeError::new(format!("expected an answer to `{}`", operation.name)));
    }
    if rules == Rules::Ec2 {
        return read(operation.output, &root);
    }
    let none = Element::default();
    let result = root.child(&format!("{}Result", operation.name)).unwrap_or(&none);
    read(operation.output, result)
}

fn read(schema: &'static Schema, element: &Element) -> Result<Value, DecodeError> {
    match schema.kind {
        Kind::Structure { members } => read_structure(members, element),
        Kind::List { member, member_name, .. } => {
            let items = element.children.iter().filter(|child| child.name == member_name);
            items.map(|item| read(member, item)).collect::<Result<_, _>>().map(Value::List)
        }
        Kind::Map { value, .. } => read_map(value, element),
        _ => scalar::from_text(schema, element.text.clone()).ok_or_else(|| {
            DecodeError::new(format!("the element `{}` holds no fitting value", element.name))
        }),
    }
}

fn read_structure(members: &'static [Member], element: &Element) -> Result<Value, DecodeError> {
    let mut structure = Structure::new();
    for member in members {
        let name = super::decode::parameter_name(member);
        let mut found = element.children.iter().filter(|child| child.name == name);
        let Some(first) = found.next() else { continue };
        let value = match member.schema.kind {
            Kind::List { member: item, flattened: true, .. } => {
                let items = std::iter::once(first).chain(found);
                Value::List(items.map(|child| read(item, child)).collect::<Result<_, _>>()?)
            }
            _ => read(member.schema, first)?,
        };
        structure.push(member.name, value);
    }
    Ok(Value::Structure(structure))
}

fn read_map(schema: &'static Schema, element: &Element) -> Result<Value, DecodeError> {
    let mut builder = MapBuilder::default();
    for entry in element.children.iter().filter(|child| child.name == "entry") {
        if let (Some(key), Some(value)) = (entry.child_text("key"), entry.child("value")) {
            builder.insert(key.to_owned(), read(schema, value)?);
        }
    }
    Ok(builder.finish())
}
