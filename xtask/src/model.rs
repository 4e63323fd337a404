//! A service model reduced to facts. The field names are those of botocore's `service-2.json`, so that the same types
//! read the original (what they do not name, such as documentation, falls away) and `models/<service>.json`.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Context as _, Result};
use indexmap::IndexMap;
use serde::{Deserialize, Serialize};
use serde_json::Number;

/// Which operations of which service get generated types: `models/operations.json`.
pub(crate) type Selection = BTreeMap<String, Vec<String>>;

/// A service.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Model {
    pub(crate) metadata: Metadata,
    /// Every operation that the service has, selected or not.
    #[serde(default)]
    pub(crate) operation_names: Vec<String>,
    pub(crate) operations: BTreeMap<String, Operation>,
    pub(crate) shapes: BTreeMap<String, Shape>,
}

/// How to speak with the service.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Metadata {
    pub(crate) api_version: String,
    pub(crate) endpoint_prefix: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) json_version: Option<String>,
    pub(crate) protocol: String,
    pub(crate) service_full_name: String,
    pub(crate) service_id: String,
    pub(crate) signature_version: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) signing_name: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) target_prefix: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) xml_namespace: Option<String>,
}

/// An operation.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Operation {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) input: Option<Reference>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) output: Option<Reference>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) errors: Vec<Reference>,
    /// From `paginators-1.json`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) paginator: Option<Paginator>,
}

/// How an operation pages.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Paginator {
    pub(crate) input_token: Names,
    pub(crate) output_token: Names,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) limit_key: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) more_results: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) result_key: Option<Names>,
}

/// One name or several, as the paginators have it.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(untagged)]
pub(crate) enum Names {
    One(String),
    Several(Vec<String>),
}

/// `paginators-1.json`
#[derive(Debug, Deserialize)]
pub(crate) struct Pagination {
    pub(crate) pagination: BTreeMap<String, Paginator>,
}

/// A use of a shape.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Reference {
    pub(crate) shape: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) location_name: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) location: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) query_name: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) result_wrapper: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) timestamp_format: Option<String>,
    #[serde(default, rename = "box", skip_serializing_if = "is_false")]
    pub(crate) boxed: bool,
    #[serde(default, skip_serializing_if = "is_false")]
    pub(crate) flattened: bool,
    #[serde(default, skip_serializing_if = "is_false")]
    pub(crate) idempotency_token: bool,
    #[serde(default, skip_serializing_if = "is_false")]
    pub(crate) deprecated: bool,
}

/// A shape.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Shape {
    #[serde(rename = "type")]
    pub(crate) kind: String,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) required: Vec<String>,
    #[serde(default, skip_serializing_if = "IndexMap::is_empty")]
    pub(crate) members: IndexMap<String, Reference>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) member: Option<Reference>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) key: Option<Reference>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) value: Option<Reference>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) min: Option<Number>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) max: Option<Number>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) pattern: Option<String>,
    #[serde(default, rename = "enum", skip_serializing_if = "Vec::is_empty")]
    pub(crate) values: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) timestamp_format: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) location_name: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) error: Option<ErrorFacts>,
    #[serde(default, skip_serializing_if = "is_false")]
    pub(crate) exception: bool,
    #[serde(default, skip_serializing_if = "is_false")]
    pub(crate) fault: bool,
    #[serde(default, skip_serializing_if = "is_false")]
    pub(crate) sensitive: bool,
    #[serde(default, skip_serializing_if = "is_false")]
    pub(crate) flattened: bool,
    #[serde(default, rename = "box", skip_serializing_if = "is_false")]
    pub(crate) boxed: bool,
    #[serde(default, skip_serializing_if = "is_false")]
    pub(crate) document: bool,
    #[serde(default, skip_serializing_if = "is_false")]
    pub(crate) union: bool,
    #[serde(default, skip_serializing_if = "is_false")]
    pub(crate) eventstream: bool,
}

/// What the model says about an exception.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ErrorFacts {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) code: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) http_status_code: Option<u16>,
    #[serde(default, skip_serializing_if = "is_false")]
    pub(crate) sender_fault: bool,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes fields by reference")]
fn is_false(flag: &bool) -> bool {
    !flag
}

impl Model {
    /// The shape of that name.
    pub(crate) fn shape(&self, name: &str) -> Result<&Shape> {
        self.shapes.get(name).with_context(|| format!("the model has no shape `{name}`"))
    }

    /// Keeps only the operations named, and remembers the names of all.
    pub(crate) fn select(&mut self, selected: &[String]) -> Result<()> {
        self.operation_names = self.operations.keys().cloned().collect();
        for name in selected {
            anyhow::ensure!(self.operations.contains_key(name), "the model has no operation `{name}`");
        }
        self.operations.retain(|name, _| selected.contains(name));
        Ok(())
    }

    /// Drops shapes that no operation reaches.
    pub(crate) fn prune(&mut self) -> Result<()> {
        let reachable = self.reachable(self.operations.values().flat_map(Operation::shapes))?;
        self.shapes.retain(|name, _| reachable.contains(name));
        Ok(())
    }

    /// The shapes of inputs and outputs, without those that only errors use.
    pub(crate) fn data_shapes(&self) -> Result<BTreeSet<String>> {
        self.reachable(self.operations.values().flat_map(Operation::data_shapes))
    }

    /// The names of the errors that operations answer.
    pub(crate) fn exceptions(&self) -> BTreeSet<&str> {
        self.operations.values().flat_map(|it| &it.errors).map(|error| error.shape.as_str()).collect()
    }

    fn reachable<'a>(&'a self, roots: impl Iterator<Item = &'a str>) -> Result<BTreeSet<String>> {
        let mut waiting: Vec<&str> = roots.collect();
        let mut reachable = BTreeSet::new();
        while let Some(name) = waiting.pop() {
            if reachable.insert(name.to_owned()) {
                waiting.extend(self.shape(name)?.references().map(|reference| reference.shape.as_str()));
            }
        }
        Ok(reachable)
    }
}

impl Operation {
    fn data_shapes(&self) -> impl Iterator<Item = &str> {
        self.input.iter().chain(&self.output).map(|reference| reference.shape.as_str())
    }

    fn shapes(&self) -> impl Iterator<Item = &str> {
        self.data_shapes().chain(self.errors.iter().map(|error| error.shape.as_str()))
    }
}

impl Reference {
    /// A use of a shape with nothing else to say.
    pub(crate) fn to(shape: String) -> Self {
        Self { shape, ..Self::default() }
    }
}

impl Shape {
    /// A structure without members.
    pub(crate) fn empty_structure() -> Self {
        Self { kind: "structure".to_owned(), ..Self::default() }
    }

    /// The shapes that this one is made of.
    pub(crate) fn references(&self) -> impl Iterator<Item = &Reference> {
        self.members.values().chain(&self.member).chain(&self.key).chain(&self.value)
    }

    /// Whether a member must be present.
    pub(crate) fn requires(&self, member: &str) -> bool {
        self.required.iter().any(|name| name == member)
    }
}

impl Names {
    /// The name, if it is one.
    pub(crate) fn one(&self) -> Option<&str> {
        match self {
            Self::One(name) => Some(name),
            Self::Several(_) => None,
        }
    }
}
