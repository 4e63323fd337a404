//! What is in the file: a task definition as the AWS CLI takes or gives it, a CloudFormation template, or the output of
//! `terraform show -json`; JSON or YAML.

use std::collections::{BTreeMap, BTreeSet};

use landfall_api::ecs::RegisterTaskDefinition;
use landfall_api::lightsail::CreateContainerServiceDeployment;
use landfall_base::Arn;
use landfall_shape::Operation as _;
use serde_json::Value;

use super::planned::Planned;
use super::role::Role;
use super::shape::fit;
use super::unknown::is_named_in;
use super::{cloudformation, terraform, yaml};

/// Where the file would be deployed.
#[derive(Debug, Clone)]
pub(super) struct Place {
    pub(super) account: String,
    pub(super) region: String,
}

/// What something of the file is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Kind {
    /// A task definition.
    TaskDefinition,
    /// A deployment of the Lightsail container service of this name.
    Deployment(String),
}

/// A task definition or a deployment of the file.
#[derive(Debug)]
pub(super) struct Found {
    /// What it is.
    pub(super) kind: Kind,
    /// What it is called there.
    pub(super) name: String,
    /// As RegisterTaskDefinition or CreateContainerServiceDeployment takes it.
    pub(super) definition: Value,
    /// What is not known before deployment.
    pub(super) open: Vec<String>,
    /// Members that have a value only then.
    pub(super) unknown: BTreeSet<String>,
    /// The execution role, where the file creates it.
    pub(super) role: Option<Role>,
    /// What the file gives to an execution role that there is.
    pub(super) planned: Planned,
}

impl Found {
    /// The name of the execution role, where it is known and the file does not create it.
    pub(super) fn existing_role(&self, place: &Place) -> Option<&str> {
        let given = self.definition["executionRoleArn"].as_str().filter(|_| self.role.is_none())?;
        let name = match given.parse::<Arn>() {
            Ok(arn) if arn.account() != place.account => return None,
            Ok(_) => given.rsplit('/').next(),
            Err(_) => Some(given),
        };
        name.filter(|name| !name.is_empty() && !is_named_in(name) && !name.contains("${"))
    }
}

/// The task definitions in a text.
pub(super) fn read(
    text: &str,
    parameters: &BTreeMap<String, String>,
    place: &Place,
) -> Result<Vec<Found>, String> {
    let document = match serde_json::from_str::<Value>(text) {
        Ok(document) => document,
        Err(json) if text.trim_start().starts_with(['{', '[']) => return Err(format!("not JSON: {json}")),
        Err(_) => yaml::read(text).map_err(|error| format!("neither JSON nor YAML: {error}"))?,
    };
    let found = if document["Resources"].is_object() {
        cloudformation::task_definitions(&document, parameters, place)
    } else if document["planned_values"].is_object() || document["values"].is_object() {
        terraform::found(&document, place)
    } else {
        plain(document.clone()).into_iter().collect()
    };
    if found.is_empty() && !cloudformation::has_task_definitions(&document) {
        return Err("there is no task definition and no Lightsail deployment in it".to_owned());
    }
    Ok(found)
}

/// What the AWS CLI takes, or gives.
fn plain(document: Value) -> Option<Found> {
    if let Some(service) = document["serviceName"].as_str().filter(|_| document["containers"].is_object()) {
        let name = format!("deployment of {service}");
        let kind = Kind::Deployment(service.to_owned());
        let definition = fit(CreateContainerServiceDeployment::SCHEMA.input, document);
        return Some(Found {
            kind,
            name,
            definition,
            open: Vec::new(),
            unknown: BTreeSet::new(),
            role: None,
            planned: Planned::default(),
        });
    }
    let document = match document.get("taskDefinition") {
        Some(described) if described.is_object() => described.clone(),
        _ => document,
    };
    let definition = fit(RegisterTaskDefinition::SCHEMA.input, document);
    definition.get("containerDefinitions")?;
    let name = definition["family"].as_str().unwrap_or("task definition").to_owned();
    Some(Found {
        kind: Kind::TaskDefinition,
        name,
        definition,
        open: Vec::new(),
        unknown: BTreeSet::new(),
        role: None,
        planned: Planned::default(),
    })
}
