//! Enumerations.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use anyhow::{Result, ensure};

use super::names;
use super::rust;
use super::service::Service;

/// Writes the enumerations of a service, or nothing if it has none.
pub(super) fn generate(service: &Service) -> Result<Option<String>> {
    let mut declarations = String::new();
    for (name, shape) in service.enums() {
        let type_name = names::type_name(name);
        let variants: Vec<_> = shape.values.iter().map(|value| names::variant_name(value)).collect();
        let distinct: BTreeSet<_> = variants.iter().collect();
        ensure!(distinct.len() == variants.len(), "values of `{name}` share a variant name");
        let _ = writeln!(declarations, "{type_name} {{");
        for (variant, value) in variants.iter().zip(&shape.values) {
            let _ = writeln!(declarations, "        {variant} = {},", rust::literal(value));
        }
        declarations.push_str("    }\n    ");
    }
    let file = |declarations: &str| {
        format!("//! Enumerations.\n\nlandfall_shape::open_enum! {{\n    {}\n}}\n", declarations.trim_end())
    };
    Ok((!declarations.is_empty()).then(|| file(&declarations)))
}
