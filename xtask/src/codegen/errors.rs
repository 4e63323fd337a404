//! Errors that the model lists, as functions.

use std::fmt::Write as _;

use anyhow::Result;

use super::names;
use super::service::Service;
use crate::model::Shape;

/// Writes the errors of a service's operations.
pub(super) fn generate(service: &Service) -> Result<String> {
    let mut body = String::new();
    for name in service.model.exceptions() {
        let shape = service.model.shape(name)?;
        let code = code(service, name, shape);
        let status = status(shape);
        let _ = writeln!(
            body,
            "/// `{code}`, HTTP {status}.{members}
            pub fn {function}(message: impl Into<String>) -> ServiceError {{
                ServiceError::with_status({code:?}, {status}, message)
            }}\n",
            members = further_members(shape),
            function = names::snake_name(name),
        );
    }
    if body.is_empty() {
        // EC2's model lists none.
        return Ok("//! Errors of the operations: the model lists none.\n".to_owned());
    }
    Ok(format!("//! Errors of the operations.\n\nuse landfall_shape::ServiceError;\n\n{body}"))
}

/// What the answer carries as the error's code: JSON services name the shape, query services what the model says.
fn code<'a>(service: &Service, name: &'a str, shape: &'a Shape) -> &'a str {
    let modelled = shape.error.as_ref().and_then(|error| error.code.as_deref());
    modelled.filter(|_| service.model.metadata.protocol == "query").unwrap_or(name)
}

fn status(shape: &Shape) -> u16 {
    let modelled = shape.error.as_ref().and_then(|error| error.http_status_code);
    modelled.unwrap_or(if shape.fault { 500 } else { 400 })
}

fn further_members(shape: &Shape) -> String {
    let further = shape.members.keys().filter(|member| !member.eq_ignore_ascii_case("message"));
    let further: Vec<_> = further.map(|member| format!("`{member}`")).collect();
    if further.is_empty() { String::new() } else { format!(" May carry {}.", further.join(", ")) }
}
