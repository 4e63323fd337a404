//! Operations: their schemas, and the types that stand for them.

use std::fmt::Write as _;

use anyhow::{Context as _, Result};

use super::names;
use super::service::Service;
use crate::model::{Operation, Paginator, Reference};

/// Writes the operations of a service.
pub(super) fn generate(service: &Service) -> Result<String> {
    let mut body = String::new();
    for (name, operation) in &service.model.operations {
        body += &generate_one(service, name, operation).with_context(|| format!("operation `{name}`"))?;
    }
    let paginator = if body.contains("Paginator {") { ", Paginator" } else { "" };
    Ok(format!(
        "//! Operations.\n\nuse landfall_shape::{{OperationSchema{paginator}, ServiceSchema}};\n\n\
         use super::{{SERVICE, schema, types}};\n\n{body}"
    ))
}

fn generate_one(service: &Service, name: &str, operation: &Operation) -> Result<String> {
    let input = reference(&operation.input)?;
    let output = reference(&operation.output)?;
    let constant = names::static_name(name);
    Ok(format!(
        "/// `{name}`{errors}
        #[derive(Debug, Clone, Copy)]
        pub struct {name};

        impl landfall_shape::Operation for {name} {{
            const SERVICE: &'static ServiceSchema = &SERVICE;
            const SCHEMA: &'static OperationSchema = &{constant};
            type Input = types::{input_type};
            type Output = types::{output_type};
        }}

        pub(super) static {constant}: OperationSchema = OperationSchema {{
            name: {name:?},
            input: &schema::{input_schema},
            output: &schema::{output_schema},
            has_output: {has_output},
            paginator: {paginator},
        }};\n\n",
        errors = errors(operation),
        input_type = names::type_name(input),
        output_type = names::type_name(output),
        input_schema = names::static_name(input),
        output_schema = names::static_name(output),
        has_output = !service.without_output.contains(name),
        paginator = operation.paginator.as_ref().and_then(paginator).unwrap_or_else(|| "None".to_owned()),
    ))
}

fn reference(reference: &Option<Reference>) -> Result<&str> {
    Ok(&reference.as_ref().context("an operation without structures")?.shape)
}

fn errors(operation: &Operation) -> String {
    let mut text = String::new();
    if !operation.errors.is_empty() {
        text.push_str("\n///\n/// # Errors\n");
        for error in &operation.errors {
            let function = names::snake_name(&error.shape);
            let _ = writeln!(text, "/// - [`{}`](super::error::{function})", error.shape);
        }
        text.pop();
    }
    text
}

/// `None` for an operation that pages by several tokens at once: none of those here does.
fn paginator(paginator: &Paginator) -> Option<String> {
    let (input, output) = (paginator.input_token.one()?, paginator.output_token.one()?);
    let limit = &paginator.limit_key;
    Some(format!(
        "Some(Paginator {{ input_token: {input:?}, output_token: {output:?}, limit_key: {limit:?} }})"
    ))
}
