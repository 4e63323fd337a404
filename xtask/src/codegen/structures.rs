//! Structures: their types, and how they become values and come from them.

use std::fmt::Write as _;

use anyhow::Result;

use super::names;
use super::service::Service;
use crate::model::{Reference, Shape};

/// A member as a field.
struct Field<'a> {
    member: &'a str,
    name: String,
    required: bool,
    /// The type without `Option`.
    inner: String,
    /// `Debug` of the type shows what must not be shown.
    hidden: bool,
}

/// Writes the structures of a service.
pub(super) fn generate(service: &Service) -> Result<String> {
    let mut body = String::new();
    for (name, shape) in service.structures() {
        let fields = fields(service, name, shape)?;
        body += &structure(&names::type_name(name), shape, &fields);
    }
    Ok(format!("//! Structures.\n\n{}{body}", imports(service, &body)))
}

fn imports(service: &Service, body: &str) -> String {
    let mentions = |word: &str| body.split(|c: char| !c.is_alphanumeric()).any(|it| it == word);
    let pick =
        |names: &[&'static str]| -> Vec<_> { names.iter().copied().filter(|it| mentions(it)).collect() };
    let mut imports = String::new();
    let base = pick(&["Sensitive", "Timestamp"]);
    if !base.is_empty() {
        let _ = writeln!(imports, "use landfall_base::{{{}}};", base.join(", "));
    }
    let shape = pick(&["Blob", "Entries", "Shape", "ShapeError", "Structure", "Value"]);
    let _ = writeln!(imports, "use landfall_shape::{{{}}};\n", shape.join(", "));
    let enums = service.enums().map(|(name, _)| names::type_name(name)).filter(|it| mentions(it));
    let enums = enums.collect::<Vec<_>>().join(", ");
    if !enums.is_empty() {
        let _ = writeln!(imports, "use super::enums::{{{enums}}};\n");
    }
    imports
}

fn fields<'a>(service: &Service, structure: &str, shape: &'a Shape) -> Result<Vec<Field<'a>>> {
    let field = |(member, reference): (&'a String, &Reference)| {
        let inner = rust_type(service, reference)?;
        let boxed = service.contains(&reference.shape, structure);
        Ok(Field {
            member,
            name: names::snake_name(member),
            required: shape.requires(member),
            inner: if boxed { format!("Box<{inner}>") } else { inner },
            hidden: hidden(service, reference)?,
        })
    };
    shape.members.iter().map(field).collect()
}

/// Whether a sensitive shape has a type that shows itself: those of lists and maps do.
fn hidden(service: &Service, reference: &Reference) -> Result<bool> {
    let shape = service.model.shape(&reference.shape)?;
    Ok(shape.sensitive && matches!(shape.kind.as_str(), "list" | "map"))
}

/// The Rust type of a shape.
fn rust_type(service: &Service, reference: &Reference) -> Result<String> {
    let shape = service.model.shape(&reference.shape)?;
    let inner = |inner: &Option<Reference>| match inner {
        Some(inner) => rust_type(service, inner),
        None => anyhow::bail!("`{}` does not say what it holds", reference.shape),
    };
    Ok(match (shape.kind.as_str(), shape.sensitive) {
        ("structure", _) => names::type_name(&reference.shape),
        ("list", _) => format!("Vec<{}>", inner(&shape.member)?),
        ("map", _) => format!("Entries<{}>", inner(&shape.value)?),
        ("string", true) => "Sensitive<String>".to_owned(),
        ("string", false) if !shape.values.is_empty() => names::type_name(&reference.shape),
        ("string", false) => "String".to_owned(),
        ("blob", true) => "Sensitive<Vec<u8>>".to_owned(),
        ("blob", false) => "Blob".to_owned(),
        ("boolean", _) => "bool".to_owned(),
        ("integer", _) => "i32".to_owned(),
        ("long", _) => "i64".to_owned(),
        ("float" | "double", _) => "f64".to_owned(),
        ("timestamp", _) => "Timestamp".to_owned(),
        (other, _) => anyhow::bail!("`{}` is a `{other}`, which has no type yet", reference.shape),
    })
}

fn structure(name: &str, shape: &Shape, fields: &[Field<'_>]) -> String {
    let own_debug = shape.sensitive || fields.iter().any(|field| field.hidden);
    let own_default = fields.iter().any(Field::is_required_timestamp);
    let mut derives = vec!["Clone", "PartialEq"];
    derives.extend((!own_debug).then_some("Debug"));
    derives.extend((!own_default).then_some("Default"));
    derives.sort_unstable();
    let mut text = format!("/// `{name}`\n#[derive({})]\npub struct {name} {{\n", derives.join(", "));
    for field in fields {
        let _ = writeln!(text, "    pub {}: {},", field.name, field.rust_type());
    }
    text.push_str("}\n\n");
    if own_debug {
        text += &debug_impl(name, shape, fields);
    }
    if own_default {
        text += &default_impl(name, fields);
    }
    text + &shape_impl(name, fields)
}

fn debug_impl(name: &str, shape: &Shape, fields: &[Field<'_>]) -> String {
    let fields: String = fields
        .iter()
        .map(|field| {
            let text = &field.name;
            let shown =
                if shape.sensitive || field.hidden { "&\"***\"".to_owned() } else { format!("&self.{text}") };
            format!(".field({:?}, {shown})", text.trim_start_matches("r#"))
        })
        .collect();
    format!(
        "impl std::fmt::Debug for {name} {{
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {{
                f.debug_struct({name:?}){fields}.finish()
            }}
        }}\n\n"
    )
}

fn default_impl(name: &str, fields: &[Field<'_>]) -> String {
    let default = |field: &Field<'_>| {
        let epoch = field.is_required_timestamp();
        let value = if epoch { "Timestamp::from_millis(0)" } else { "Default::default()" };
        format!("{}: {value},", field.name)
    };
    let fields: String = fields.iter().map(default).collect();
    format!("impl Default for {name} {{ fn default() -> Self {{ Self {{ {fields} }} }} }}\n\n")
}

fn shape_impl(name: &str, fields: &[Field<'_>]) -> String {
    format!(
        "impl Shape for {name} {{
            fn from_value(value: Value) -> Result<Self, ShapeError> {{ {} }}
            fn into_value(self) -> Value {{ {} }}
        }}\n\n",
        from_value(fields),
        into_value(fields)
    )
}

fn from_value(fields: &[Field<'_>]) -> String {
    if fields.is_empty() {
        return "Structure::of(value).map(|_| Self {})".to_owned();
    }
    let read = |field: &Field<'_>| {
        let how = if field.required { "required" } else { "optional" };
        format!("{}: members.{how}({:?})?,", field.name, field.member)
    };
    let fields: String = fields.iter().map(read).collect();
    format!("let mut members = Structure::of(value)?; Ok(Self {{ {fields} }})")
}

fn into_value(fields: &[Field<'_>]) -> String {
    if fields.is_empty() {
        return "Value::Structure(Structure::new())".to_owned();
    }
    let put = |field: &Field<'_>| {
        let how = if field.required { "put" } else { "put_some" };
        format!("members.{how}({:?}, self.{});", field.member, field.name)
    };
    let count = fields.len();
    let fields: String = fields.iter().map(put).collect();
    format!("let mut members = Structure::with_capacity({count}); {fields} Value::Structure(members)")
}

impl Field<'_> {
    fn rust_type(&self) -> String {
        if self.required { self.inner.clone() } else { format!("Option<{}>", self.inner) }
    }

    /// `Timestamp` has no default, because no moment is a natural one.
    fn is_required_timestamp(&self) -> bool {
        self.required && self.inner == "Timestamp"
    }
}
