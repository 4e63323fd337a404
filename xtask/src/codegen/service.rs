//! A service on its way to a Rust module.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::path::Path;

use anyhow::{Result, bail, ensure};

use super::{Files, enums, errors, names, operations, rust, schemas, structures};
use crate::model::{Model, Operation, Reference, Shape};

/// Names that generated code takes from elsewhere.
const TAKEN: &[&str] = &[
    "Blob",
    "Box",
    "Default",
    "Entries",
    "Err",
    "None",
    "Ok",
    "OperationSchema",
    "Option",
    "Paginator",
    "Result",
    "SERVICE",
    "Self",
    "Sensitive",
    "ServiceSchema",
    "Shape",
    "ShapeError",
    "Some",
    "String",
    "Structure",
    "Timestamp",
    "Value",
    "Vec",
];

/// A service with its corrected model, in which every operation has an input and an output.
pub(super) struct Service {
    name: String,
    pub(super) model: Model,
    /// Operations whose outputs the model does not have.
    pub(super) without_output: BTreeSet<String>,
    data: BTreeSet<String>,
}

impl Service {
    pub(super) fn new(name: &str, mut model: Model) -> Result<Self> {
        let without_output = model.operations.iter().filter(|(_, it)| it.output.is_none());
        let without_output = without_output.map(|(name, _)| name.clone()).collect();
        for (name, operation) in &mut model.operations {
            complete(&mut model.shapes, name, operation)?;
        }
        let data = model.data_shapes()?;
        let service = Self { name: name.to_owned(), model, without_output, data };
        service.check_names()?;
        Ok(service)
    }

    /// Shapes of inputs and outputs.
    pub(super) fn shapes(&self) -> impl Iterator<Item = (&str, &Shape)> {
        self.model
            .shapes
            .iter()
            .map(|(name, shape)| (name.as_str(), shape))
            .filter(|(name, _)| self.data.contains(*name))
    }

    /// Those that are structures.
    pub(super) fn structures(&self) -> impl Iterator<Item = (&str, &Shape)> {
        self.shapes().filter(|(_, shape)| shape.kind == "structure")
    }

    /// Those that are enumerations.
    pub(super) fn enums(&self) -> impl Iterator<Item = (&str, &Shape)> {
        self.shapes().filter(|(_, shape)| !shape.values.is_empty() && !shape.sensitive)
    }

    /// Whether `outer` holds `inner` without the indirection of a list or map, so that its size depends on it.
    pub(super) fn contains(&self, outer: &str, inner: &str) -> bool {
        let mut seen = BTreeSet::new();
        let mut waiting = vec![outer];
        while let Some(name) = waiting.pop() {
            if name == inner {
                return true;
            }
            if seen.insert(name) {
                let members =
                    self.model.shapes.get(name).into_iter().flat_map(|shape| shape.members.values());
                waiting.extend(members.map(|member| member.shape.as_str()));
            }
        }
        false
    }

    fn check_names(&self) -> Result<()> {
        let types = self.structures().chain(self.enums()).map(|(name, _)| names::type_name(name));
        distinct(
            types.chain(self.model.operations.keys().cloned()).chain(TAKEN.iter().map(|&it| it.to_owned())),
        )?;
        distinct(self.shapes().map(|(name, _)| names::static_name(name)))
    }

    /// Writes the service's module.
    pub(super) fn generate(&self, files: &mut Files) -> Result<()> {
        let enums = enums::generate(self)?;
        self.insert(files, "mod.rs", &self.module(enums.is_some())?);
        self.insert(files, "types.rs", &structures::generate(self)?);
        self.insert(files, "schema.rs", &schemas::generate(self)?);
        self.insert(files, "operations.rs", &operations::generate(self)?);
        self.insert(files, "error.rs", &errors::generate(self)?);
        if let Some(enums) = enums {
            self.insert(files, "enums.rs", &enums);
        }
        Ok(())
    }

    fn insert(&self, files: &mut Files, file: &str, content: &str) {
        let header = rust::header(&format!("`models/{}.json`", self.name));
        files.insert(Path::new(&self.name).join(file), header + content);
    }

    fn module(&self, has_enums: bool) -> Result<String> {
        let metadata = &self.model.metadata;
        let mut text =
            format!("//! {}, API version {}.\n\n", metadata.service_full_name, metadata.api_version);
        if has_enums {
            text.push_str("mod enums;\n");
        }
        text.push_str("pub mod error;\nmod operations;\npub mod schema;\nmod types;\n\n");
        text.push_str("use landfall_shape::{Protocol, ServiceSchema};\n\n");
        if has_enums {
            text.push_str("pub use enums::*;\n");
        }
        text.push_str("pub use operations::*;\npub use types::*;\n\n");
        text += &self.schema()?;
        let all = &self.model.operation_names;
        let _ = writeln!(
            text,
            "/// Every operation that the service's model has, with generated types or not, sorted.
            pub static ALL_OPERATION_NAMES: &[&str] = &{all:?};"
        );
        Ok(text)
    }

    fn schema(&self) -> Result<String> {
        let metadata = &self.model.metadata;
        let operations: String = self
            .model
            .operations
            .keys()
            .map(|name| format!("&operations::{},", names::static_name(name)))
            .collect();
        Ok(format!(
            "/// The service.
            pub static SERVICE: ServiceSchema = ServiceSchema {{
                name: {:?},
                signing_name: {:?},
                api_version: {:?},
                protocol: Protocol::{},
                target_prefix: {:?},
                xml_namespace: {:?},
                operations: &[{operations}],
            }};\n\n",
            self.name,
            metadata.signing_name.as_ref().unwrap_or(&metadata.endpoint_prefix),
            metadata.api_version,
            self.protocol()?,
            metadata.target_prefix.as_deref().unwrap_or_default(),
            metadata.xml_namespace.as_deref().unwrap_or_default(),
        ))
    }

    fn protocol(&self) -> Result<&'static str> {
        let metadata = &self.model.metadata;
        Ok(match (metadata.protocol.as_str(), metadata.json_version.as_deref()) {
            ("json", Some("1.0")) => "AwsJson10",
            ("json", Some("1.1")) => "AwsJson11",
            ("query", _) => "AwsQuery",
            ("ec2", _) => "Ec2Query",
            (other, _) => bail!("protocol `{other}` is not known"),
        })
    }
}

/// The crate's root.
pub(super) fn library(services: &[&str]) -> String {
    let modules: String = services.iter().map(|name| format!("pub mod {name};\n")).collect();
    let list: String = services.iter().map(|name| format!("&{name}::SERVICE,")).collect();
    let header = rust::header("`models/`");
    format!(
        "{header}//! One module per AWS service, with the types of the operations that Landfall answers.
//!
//! A module holds a type per operation ([`ecs::RunTask`]), its structures and enumerations by their model names
//! ([`ecs::RunTaskRequest`]), its errors ([`ecs::error`]) and the schemas that codecs and validation read
//! ([`ecs::SERVICE`]). What members mean is in the services' API references.

{modules}
/// Every service.
pub static SERVICES: &[&landfall_shape::ServiceSchema] = &[{list}];
"
    )
}

/// Gives an operation the empty structures that the model leaves out.
fn complete(shapes: &mut BTreeMap<String, Shape>, name: &str, operation: &mut Operation) -> Result<()> {
    for (slot, suffix) in [(&mut operation.input, "Request"), (&mut operation.output, "Response")] {
        if slot.is_none() {
            let shape = format!("{name}{suffix}");
            ensure!(!shapes.contains_key(&shape), "`{shape}` is in the model, but not used by `{name}`");
            shapes.insert(shape.clone(), Shape::empty_structure());
            *slot = Some(Reference::to(shape));
        }
    }
    Ok(())
}

fn distinct(names: impl Iterator<Item = String>) -> Result<()> {
    let mut seen = BTreeSet::new();
    for name in names {
        ensure!(seen.insert(name.clone()), "`{name}` would be declared twice");
    }
    Ok(())
}
