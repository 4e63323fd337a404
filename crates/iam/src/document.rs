//! The JSON grammar of a policy (IAM User Guide, "Grammar of the IAM JSON policy language"), without judging what it
//! says. Duplicate keys and unknown elements are errors; a scalar may stand for a list of one.

use std::fmt;

use serde::de::{Deserialize, Deserializer, Error as _, MapAccess, SeqAccess, Visitor};

use crate::condition::Operator;
use crate::error::PolicyErrorReason as Reason;

/// The language version.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Version {
    /// Also when `Version` is missing. No variables.
    V2008,
    V2012,
}

impl Version {
    /// As it is written.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::V2008 => "2008-10-17",
            Self::V2012 => "2012-10-17",
        }
    }
}

#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Document {
    pub(crate) version: Version,
    pub(crate) statements: Vec<Statement>,
}

#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Statement {
    pub(crate) sid: Option<String>,
    /// `Allow`, `Deny`, or one of them in another case, which is refused later.
    pub(crate) effect: String,
    pub(crate) principal: Option<Selection<PrincipalEntry>>,
    pub(crate) action: Option<Selection<String>>,
    pub(crate) resource: Option<Selection<String>>,
    pub(crate) conditions: Vec<Condition>,
}

/// An element, or its `Not…` form.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Selection<T> {
    pub(crate) not: bool,
    pub(crate) entries: Vec<T>,
}

/// One principal: its type (`AWS`, `Service`, `Federated`, `CanonicalUser`) and its value. A bare `*` is `AWS` `*`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct PrincipalEntry {
    pub(crate) kind: PrincipalKind,
    pub(crate) value: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum PrincipalKind {
    Aws,
    Service,
    Federated,
    CanonicalUser,
}

impl PrincipalKind {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Aws => "AWS",
            Self::Service => "Service",
            Self::Federated => "Federated",
            Self::CanonicalUser => "CanonicalUser",
        }
    }
}

#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Condition {
    pub(crate) operator: Operator,
    pub(crate) key: String,
    pub(crate) values: Vec<String>,
}

/// JSON in which a repeated key is an error and numbers keep their spelling.
enum Node {
    Null,
    Scalar(String),
    /// A number or a boolean: a scalar only where conditions allow one without quotes.
    Unquoted(String),
    List(Vec<Node>),
    Object(Vec<(String, Node)>),
}

impl Document {
    pub(crate) fn parse(text: &str) -> Result<Self, Reason> {
        let node: Node = serde_json::from_str(text).map_err(|_| Reason::Syntax)?;
        let mut version = Version::V2008;
        let mut statements = Vec::new();
        for (name, value) in node.object()? {
            match name.as_str() {
                "Version" => version = parse_version(&value.string()?)?,
                "Id" => drop(value.string()?),
                "Statement" => statements = value.list(Statement::parse)?,
                _ => return Err(Reason::Syntax),
            }
        }
        if statements.is_empty() { Err(Reason::Syntax) } else { Ok(Self { version, statements }) }
    }
}

fn parse_version(text: &str) -> Result<Version, Reason> {
    match text {
        "2012-10-17" => Ok(Version::V2012),
        "2008-10-17" => Ok(Version::V2008),
        _ => Err(Reason::Syntax),
    }
}

impl Statement {
    fn parse(node: Node) -> Result<Self, Reason> {
        let (mut sid, mut effect, mut conditions) = (None, None, Vec::new());
        let (mut principal, mut action, mut resource) = (None, None, None);
        for (name, value) in node.object()? {
            match name.as_str() {
                "Sid" => sid = Some(value.string()?),
                "Effect" => effect = Some(parse_effect(value.string()?)?),
                "Principal" | "NotPrincipal" => choose(&mut principal, &name, parse_principals(value)?)?,
                "Action" | "NotAction" => choose(&mut action, &name, value.list(Node::string)?)?,
                "Resource" | "NotResource" => choose(&mut resource, &name, value.list(Node::string)?)?,
                "Condition" => conditions = parse_conditions(value)?,
                _ => return Err(Reason::Syntax),
            }
        }
        let effect = effect.ok_or(Reason::Syntax)?;
        Ok(Self { sid, effect, principal, action, resource, conditions })
    }
}

fn parse_effect(text: String) -> Result<String, Reason> {
    let known = text.eq_ignore_ascii_case("Allow") || text.eq_ignore_ascii_case("Deny");
    if known { Ok(text) } else { Err(Reason::Syntax) }
}

/// Sets an element that may be there once, in one of its two forms.
fn choose<T>(slot: &mut Option<Selection<T>>, name: &str, entries: Vec<T>) -> Result<(), Reason> {
    match slot.replace(Selection { not: name.starts_with("Not"), entries }) {
        Some(_) => Err(Reason::Syntax),
        None => Ok(()),
    }
}

fn parse_principals(node: Node) -> Result<Vec<PrincipalEntry>, Reason> {
    if let Node::Scalar(text) = node {
        let everyone = PrincipalEntry { kind: PrincipalKind::Aws, value: text };
        return if everyone.value == "*" { Ok(vec![everyone]) } else { Err(Reason::Syntax) };
    }
    let mut entries = Vec::new();
    for (name, values) in node.object()? {
        let kind = match name.as_str() {
            "AWS" => PrincipalKind::Aws,
            "Service" => PrincipalKind::Service,
            "Federated" => PrincipalKind::Federated,
            "CanonicalUser" => PrincipalKind::CanonicalUser,
            _ => return Err(Reason::Syntax),
        };
        let values = values.list(Node::string)?;
        entries.extend(values.into_iter().map(|value| PrincipalEntry { kind, value }));
    }
    Ok(entries)
}

fn parse_conditions(node: Node) -> Result<Vec<Condition>, Reason> {
    let mut conditions = Vec::new();
    for (name, keys) in node.object()? {
        let keys = keys.object()?;
        // IAM takes an operator that it does not know, as long as it compares nothing.
        if keys.is_empty() {
            continue;
        }
        let operator = Operator::parse(&name).ok_or(Reason::Syntax)?;
        for (key, values) in keys {
            let values = values.list(Node::scalar)?;
            conditions.push(Condition { operator: operator.clone(), key, values });
        }
    }
    Ok(conditions)
}

impl Node {
    fn string(self) -> Result<String, Reason> {
        match self {
            Self::Scalar(text) => Ok(text),
            _ => Err(Reason::Syntax),
        }
    }

    fn scalar(self) -> Result<String, Reason> {
        match self {
            Self::Scalar(text) | Self::Unquoted(text) => Ok(text),
            _ => Err(Reason::Syntax),
        }
    }

    fn object(self) -> Result<Vec<(String, Self)>, Reason> {
        match self {
            Self::Object(entries) => Ok(entries),
            _ => Err(Reason::Syntax),
        }
    }

    /// The entries of a list, or the one value that stands for it.
    fn list<T>(self, read: impl Fn(Self) -> Result<T, Reason>) -> Result<Vec<T>, Reason> {
        match self {
            Self::List(entries) => entries.into_iter().map(read).collect(),
            single => Ok(vec![read(single)?]),
        }
    }
}

impl<'de> Deserialize<'de> for Node {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(NodeVisitor)
    }
}

struct NodeVisitor;

impl<'de> Visitor<'de> for NodeVisitor {
    type Value = Node;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_unit<E>(self) -> Result<Node, E> {
        Ok(Node::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Node, E> {
        Ok(Node::Unquoted(value.to_string()))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Node, E> {
        Ok(Node::Unquoted(value.to_string()))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Node, E> {
        Ok(Node::Unquoted(value.to_string()))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Node, E> {
        Ok(Node::Unquoted(value.to_string()))
    }

    fn visit_str<E>(self, value: &str) -> Result<Node, E> {
        Ok(Node::Scalar(value.to_owned()))
    }

    fn visit_string<E>(self, value: String) -> Result<Node, E> {
        Ok(Node::Scalar(value))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut access: A) -> Result<Node, A::Error> {
        let mut entries = Vec::new();
        while let Some(entry) = access.next_element()? {
            entries.push(entry);
        }
        Ok(Node::List(entries))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut access: A) -> Result<Node, A::Error> {
        let mut entries = Vec::new();
        let mut names = std::collections::HashSet::new();
        while let Some((name, value)) = access.next_entry::<String, Node>()? {
            if !names.insert(name.clone()) {
                return Err(A::Error::custom("duplicate key"));
            }
            entries.push((name, value));
        }
        Ok(Node::Object(entries))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scalars_stand_for_lists_and_numbers_for_text() {
        let document = Document::parse(
            r#"{"Statement":{"Effect":"Deny","NotPrincipal":{"AWS":"1","Service":["a","b"]},"Action":"x:y",
                "Condition":{"NumericEquals":{"k":[5,"6",7.5]},"Bool":{"b":true}}}}"#,
        )
        .unwrap();
        let statement = &document.statements[0];
        assert_eq!(document.version, Version::V2008);
        assert_eq!(statement.principal.as_ref().map(|p| (p.not, p.entries.len())), Some((true, 3)));
        assert_eq!(statement.conditions[0].values, ["5", "6", "7.5"]);
        assert_eq!(statement.conditions[1].values, ["true"]);
    }

    #[test]
    fn broken_documents() {
        let valid = r#""Effect":"Allow","Action":"a:b""#;
        for statement in [
            format!("{{{valid},\"Effect\":\"Allow\"}}"),
            format!("{{{valid},\"Principal\":\"x\"}}"),
            format!("{{{valid},\"Principal\":{{\"Group\":\"x\"}}}}"),
            format!("{{{valid},\"Resource\":5}}"),
            format!("{{{valid},\"Condition\":{{\"Bool\":{{\"k\":null}}}}}}"),
            "[]".to_owned(),
            "1".to_owned(),
        ] {
            let text = format!("{{\"Statement\":{statement}}}");
            assert_eq!(Document::parse(&text), Err(Reason::Syntax), "{text}");
        }
        assert_eq!(Document::parse(&"[".repeat(100_000)), Err(Reason::Syntax));
    }
}
