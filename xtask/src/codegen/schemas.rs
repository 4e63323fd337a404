//! Static schemas of shapes.

use std::fmt::Write as _;

use anyhow::{Context as _, Result, bail, ensure};
use serde_json::Number;

use super::service::Service;
use super::{names, pattern, rust};
use crate::model::{Reference, Shape};

/// Writes the schemas of a service's shapes.
pub(super) fn generate(service: &Service) -> Result<String> {
    let mut body = String::new();
    for (name, shape) in service.shapes() {
        let kind = kind(service, name, shape).with_context(|| format!("shape `{name}`"))?;
        let constructor = if shape.sensitive { "sensitive" } else { "new" };
        let constant = names::static_name(name);
        let _ = writeln!(body, "pub static {constant}: Schema = {};\n", schema(name, constructor, &kind));
    }
    let mut imports = vec!["Kind", "Schema"];
    imports.extend(["Member", "TimestampFormat"].iter().filter(|it| body.contains(&format!("{it}::"))));
    imports.sort_unstable();
    Ok(format!("//! Schemas of shapes.\n\nuse landfall_shape::{{{}}};\n\n{body}", imports.join(", ")))
}

fn schema(name: &str, constructor: &str, kind: &str) -> String {
    format!("Schema::{constructor}({name:?}, {kind})")
}

fn kind(service: &Service, name: &str, shape: &Shape) -> Result<String> {
    Ok(match shape.kind.as_str() {
        "structure" => structure(service, shape)?,
        "list" => list(service, shape)?,
        "map" => map(service, shape)?,
        "string" => string(name, shape)?,
        "blob" => format!("Kind::Blob {{ {} }}", bounds(shape, length)?),
        "boolean" => "Kind::Boolean".to_owned(),
        "integer" => number("Integer", shape, integer)?,
        "long" => number("Long", shape, integer)?,
        "float" | "double" => number("Double", shape, double)?,
        "timestamp" => timestamp(shape.timestamp_format.as_deref())?,
        other => bail!("a `{other}` has no schema yet"),
    })
}

fn structure(service: &Service, shape: &Shape) -> Result<String> {
    ensure!(!shape.document, "free-form JSON has no schema: remove the member that holds it in the overlay");
    // An event stream is one structure after the other, each with one member: what frames them is not the schema's.
    let member = |(name, reference): (&String, &Reference)| member(service, shape, name, reference);
    let members = shape.members.iter().map(member).collect::<Result<String>>()?;
    Ok(format!("Kind::Structure {{ members: &[{members}] }}"))
}

fn member(service: &Service, shape: &Shape, name: &str, reference: &Reference) -> Result<String> {
    ensure!(reference.location.is_none(), "`{name}` is outside the body, which has no schema yet");
    ensure!(
        reference.timestamp_format.is_none(),
        "`{name}` has a time format of its own: put it on its shape"
    );
    ensure!(
        reference.query_name.is_none(),
        "`{name}` has a name of its own in forms, which has no schema yet"
    );
    let how = if shape.requires(name) { "required" } else { "optional" };
    let mut text = format!("Member::{how}({name:?}, {})", static_of(service, reference)?);
    if let Some(wire_name) = reference.location_name.as_deref().filter(|it| *it != name) {
        let _ = write!(text, ".on_wire_as({wire_name:?})");
    }
    if reference.idempotency_token {
        text.push_str(".as_idempotency_token()");
    }
    Ok(text + ",")
}

fn static_of(service: &Service, reference: &Reference) -> Result<String> {
    let shape = service.model.shape(&reference.shape)?;
    ensure!(!reference.flattened || shape.flattened, "`{}` is flattened at its use", reference.shape);
    Ok(format!("&{}", names::static_name(&reference.shape)))
}

fn list(service: &Service, shape: &Shape) -> Result<String> {
    let member = shape.member.as_ref().context("a list without a member")?;
    let member_name = member.location_name.as_deref().unwrap_or("member");
    Ok(format!(
        "Kind::List {{ member: {}, member_name: {member_name:?}, flattened: {}, {} }}",
        static_of(service, member)?,
        shape.flattened,
        bounds(shape, length)?
    ))
}

fn map(service: &Service, shape: &Shape) -> Result<String> {
    let key = shape.key.as_ref().context("a map without a key")?;
    let value = shape.value.as_ref().context("a map without a value")?;
    let named = key.location_name.is_some() || value.location_name.is_some() || shape.flattened;
    ensure!(!named, "a map with names of its own on the wire has no schema yet");
    let (key, value) = (static_of(service, key)?, static_of(service, value)?);
    Ok(format!("Kind::Map {{ key: {key}, value: {value}, {} }}", bounds(shape, length)?))
}

fn string(name: &str, shape: &Shape) -> Result<String> {
    let plain = shape.min.is_none() && shape.max.is_none() && shape.pattern.is_none();
    let listed = !shape.values.is_empty();
    let values = match (listed, shape.sensitive) {
        (false, _) => "&[]".to_owned(),
        (true, false) => format!("super::enums::{}::VALUES", names::type_name(name)),
        (true, true) => bail!("a sensitive enumeration has no type"),
    };
    if plain {
        return Ok(if listed { format!("Kind::enumeration({values})") } else { "Kind::STRING".to_owned() });
    }
    let pattern = match &shape.pattern {
        Some(pattern) => {
            pattern::check(pattern)?;
            format!("Some({})", rust::literal(pattern))
        }
        None => "None".to_owned(),
    };
    Ok(format!("Kind::String {{ {}, pattern: {pattern}, values: {values} }}", bounds(shape, length)?))
}

fn number(variant: &str, shape: &Shape, write: fn(&Number) -> Result<String>) -> Result<String> {
    if shape.min.is_none() && shape.max.is_none() {
        return Ok(format!("Kind::{}", variant.to_uppercase()));
    }
    Ok(format!("Kind::{variant} {{ {} }}", bounds(shape, write)?))
}

fn timestamp(format: Option<&str>) -> Result<String> {
    let format = match format {
        None => return Ok("Kind::TIMESTAMP".to_owned()),
        Some("unixTimestamp") => "UnixTimestamp",
        Some("iso8601") => "Iso8601",
        Some("rfc822") => "Rfc822",
        Some(other) => bail!("unknown time format `{other}`"),
    };
    Ok(format!("Kind::Timestamp {{ format: Some(TimestampFormat::{format}) }}"))
}

fn bounds(shape: &Shape, write: fn(&Number) -> Result<String>) -> Result<String> {
    let bound = |bound: &Option<Number>| match bound {
        Some(number) => Ok::<_, anyhow::Error>(format!("Some({})", write(number)?)),
        None => Ok("None".to_owned()),
    };
    Ok(format!("min: {}, max: {}", bound(&shape.min)?, bound(&shape.max)?))
}

fn length(number: &Number) -> Result<String> {
    Ok(number.as_u64().with_context(|| format!("`{number}` is no length"))?.to_string())
}

fn integer(number: &Number) -> Result<String> {
    Ok(number.as_i64().with_context(|| format!("`{number}` is no whole number"))?.to_string())
}

fn double(number: &Number) -> Result<String> {
    Ok(format!("{:?}", number.as_f64().with_context(|| format!("`{number}` is no number"))?))
}
