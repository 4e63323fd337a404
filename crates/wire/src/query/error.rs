//! Error answers of the query protocol, both ways.

use landfall_shape::{ServiceError, ServiceSchema, Value};

use super::xml::{self, Writer};
use crate::RemoteError;

/// Writes an error answer of EC2, which has a form of its own: a list of errors, and no namespace.
pub fn encode_ec2_error(error: &ServiceError, request_id: &str) -> Vec<u8> {
    let mut xml = Writer::default();
    xml.open("Response");
    xml.open("Errors");
    xml.open("Error");
    xml.leaf("Code", error.code);
    xml.leaf("Message", &error.message);
    xml.close("Error");
    xml.close("Errors");
    xml.leaf("RequestID", request_id);
    xml.close("Response");
    xml.finish()
}

/// Writes an error answer. `Type` follows the status: `Sender` below 500, `Receiver` from there.
pub fn encode_error(error: &ServiceError, service: Option<&ServiceSchema>, request_id: &str) -> Vec<u8> {
    let mut xml = Writer::default();
    match service {
        Some(service) => xml.open_with_namespace("ErrorResponse", service.xml_namespace),
        None => xml.open("ErrorResponse"),
    }
    xml.open("Error");
    xml.leaf("Type", if error.status < 500 { "Sender" } else { "Receiver" });
    xml.leaf("Code", error.code);
    if !error.message.is_empty() {
        xml.leaf("Message", &error.message);
    }
    for (name, value) in error.members.iter() {
        if let Value::String(text) = value
            && !["Type", "Code"].contains(&name)
            && !name.eq_ignore_ascii_case("message")
        {
            xml.leaf(name, text);
        }
    }
    xml.close("Error");
    xml.leaf("RequestId", request_id);
    xml.close("ErrorResponse");
    xml.finish()
}

/// Reads an error answer. Never fails: an answer that is not ours to understand becomes an error whose code is the
/// status.
pub fn decode_error(status: u16, body: &[u8]) -> RemoteError {
    let root = xml::parse(body).unwrap_or_default();
    let error = root.child("Error").or_else(|| root.child("Errors")?.child("Error"));
    let text = |name: &str| error.and_then(|error| error.child_text(name)).map(|text| text.trim().to_owned());
    let code = text("Code").filter(|code| !code.is_empty());
    RemoteError {
        status,
        code: code.unwrap_or_else(|| status.to_string()),
        message: text("Message").unwrap_or_default(),
        request_id: root.child_text("RequestId").or_else(|| root.child_text("RequestID")).map(str::to_owned),
    }
}
