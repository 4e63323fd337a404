//! Rows of Lightsail container services.

use landfall_api::lightsail as api;
use landfall_base::{AccountId, Arn, Region, Timestamp};
use landfall_store::Table;
use serde::{Deserialize, Serialize};

use super::rules::power::Power;
use crate::stored::Stored;

/// Account, Region and name of a service.
pub type ServiceKey = (AccountId, Region, String);

/// Services by account, Region and name.
pub const SERVICES: Table<ServiceKey, Service> = Table::new("lightsail.service");

/// Deployments by account, Region, service and version.
pub const DEPLOYMENTS: Table<(AccountId, Region, String, u32), Deployment> =
    Table::new("lightsail.deployment");

/// Nodes by account, Region, service and id: the id of the task that runs their containers.
pub const NODES: Table<(AccountId, Region, String, String), Node> = Table::new("lightsail.node");

/// Images that were pushed, by account, Region, service, label and number.
pub const IMAGES: Table<(AccountId, Region, String, String, u32), Image> = Table::new("lightsail.image");

/// The last number that a label of a service was given: account, Region, service, label.
pub const LABELS: Table<(AccountId, Region, String, String), u32> = Table::new("lightsail.label");

/// Host names of public endpoints, in lower case, and whose they are.
pub const HOSTS: Table<String, ServiceKey> = Table::new("lightsail.host");

/// Certificates by account, Region and name.
pub const CERTIFICATES: Table<(AccountId, Region, String), Certificate> = Table::new("lightsail.certificate");

/// Operations that are over, by account, Region, time and id.
pub const PAST: Table<(AccountId, Region, Timestamp, String), Stored<api::Operation>> =
    Table::new("lightsail.operation");

/// What nodes used, by account, Region, service, hour and node.
pub const SAMPLES: Table<(AccountId, Region, String, Timestamp, String), Vec<Sample>> =
    Table::new("lightsail.sample");

/// A container service.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Service {
    /// `arn:aws:lightsail:…:ContainerService/<uuid>`
    pub arn: Arn,
    /// When it was created.
    pub created_at: Timestamp,
    /// Size of each node.
    pub power: Power,
    /// Number of nodes.
    pub scale: u32,
    /// Containers are stopped, and the address answers nothing.
    #[serde(default)]
    pub disabled: bool,
    /// Tags in the order in which they were set.
    #[serde(default)]
    pub tags: Vec<(String, String)>,
    /// Domain names by certificate.
    #[serde(default)]
    pub domain_names: Vec<(String, Vec<String>)>,
    /// First labels of the host name: `<name>.<random>`.
    pub host: String,
    /// The service's own principal.
    pub principal_arn: String,
    /// The role that pulls images from Amazon ECR.
    #[serde(default)]
    pub puller: Puller,
    /// What is under way.
    pub change: Change,
    /// The newest deployment ever made. Numbers are not used twice.
    pub last_version: u32,
    /// The deployment that serves.
    #[serde(default)]
    pub current: Option<u32>,
    /// The deployment that is to serve.
    #[serde(default)]
    pub next: Option<u32>,
    /// Grows when nodes have to be made anew: with a change of power.
    pub generation: u32,
    /// Nodes ever started: names the next one, so that a start that is tried again starts nothing twice.
    pub nodes_started: u64,
    /// When a node last ended by itself: another one waits a little.
    #[serde(default)]
    pub node_ended_at: Option<Timestamp>,
    /// Since when all nodes of the deployment that is to serve are ready.
    #[serde(default)]
    pub activating_since: Option<Timestamp>,
}

/// The role that pulls images from Amazon ECR, and those that did before.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Puller {
    /// It should be there.
    pub wanted: bool,
    /// Its ARN, once it is there.
    #[serde(default)]
    pub role: Option<String>,
    /// Roles that may do nothing any more, but whose nodes still write logs.
    #[serde(default)]
    pub retired: Vec<String>,
}

/// What is under way.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "kind")]
pub enum Change {
    /// Nothing, or a deployment.
    None,
    /// It is being created.
    Creating {
        /// Since when.
        since: Timestamp,
    },
    /// Its settings are being changed.
    Updating {
        /// Since when.
        since: Timestamp,
    },
    /// It is being deleted.
    Deleting,
}

/// A deployment.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Deployment {
    /// As the API shows it.
    pub shown: Stored<api::ContainerServiceDeployment>,
    /// Images by container, with their digests once the deployment has been active: a tag that moves changes nothing.
    #[serde(default)]
    pub pinned: Vec<(String, String)>,
    /// The task definition of its nodes, and for which generation and pins it was registered.
    #[serde(default)]
    pub definition: Option<Definition>,
    /// Why it failed.
    #[serde(default)]
    pub failure: Option<String>,
    /// The node that failed first: its start can be explained.
    #[serde(default)]
    pub failed_node: Option<String>,
}

/// A task definition that stands for a deployment.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Definition {
    /// Its ARN.
    pub arn: String,
    /// The generation of nodes.
    pub generation: u32,
    /// With pinned images.
    pub pinned: bool,
}

/// A node: a set of containers that share a network namespace.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Node {
    /// The task's ARN.
    pub task_arn: String,
    /// The deployment.
    pub version: u32,
    /// The generation.
    pub generation: u32,
    /// When it was started.
    pub started_at: Timestamp,
    /// The role that pulls its images and writes its logs.
    pub role: String,
    /// Set while it takes no new requests: since when.
    #[serde(default)]
    pub draining_since: Option<Timestamp>,
    /// Its task was told to stop.
    #[serde(default)]
    pub stopping: bool,
}

/// An image that was pushed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Image {
    /// `sha256:…`
    pub digest: String,
    /// When it was registered.
    pub created_at: Timestamp,
}

/// A certificate.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Certificate {
    /// `arn:aws:lightsail:…:Certificate/<uuid>`
    pub arn: Arn,
    /// The first name.
    pub domain_name: String,
    /// Further names.
    #[serde(default)]
    pub alternative_names: Vec<String>,
    /// When it was asked for.
    pub created_at: Timestamp,
    /// Tags.
    #[serde(default)]
    pub tags: Vec<(String, String)>,
}

/// What a node used at a moment, and since the one before.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Sample {
    /// When.
    pub at: Timestamp,
    /// Percent of the node's CPU.
    pub cpu: f64,
    /// Percent of the node's memory.
    pub memory: f64,
}

impl Service {
    /// The tags as the authorizer takes them.
    pub fn tags(&self) -> impl Iterator<Item = (&str, &str)> {
        self.tags.iter().map(|(key, value)| (key.as_str(), value.as_str()))
    }

    /// Every domain name that it was given.
    pub fn domains(&self) -> impl Iterator<Item = &String> {
        self.domain_names.iter().flat_map(|(_, names)| names)
    }
}
