//! API structures as parts of rows: kept as awsJson, so that a row reads like the API's own documents.

use landfall_shape::{Schema, Shape, Value};
use landfall_wire::json;
use serde::de::Error as _;
use serde::ser::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::value::RawValue;

/// A structure that names its own schema.
pub trait Described: Shape + Clone {
    /// The schema to read and write it with.
    const SCHEMA: &'static Schema;
}

/// An API structure in a row.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Stored<T>(pub T);

impl<T> std::ops::Deref for Stored<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.0
    }
}

impl<T: Described> Serialize for Stored<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let body = json::encode(T::SCHEMA, &self.0.clone().into_value());
        let text = String::from_utf8(body).map_err(S::Error::custom)?;
        RawValue::from_string(text).map_err(S::Error::custom)?.serialize(serializer)
    }
}

impl<'de, T: Described> Deserialize<'de> for Stored<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let raw = Box::<RawValue>::deserialize(deserializer)?;
        let value: Value = json::decode(T::SCHEMA, raw.get().as_bytes()).map_err(D::Error::custom)?;
        T::from_value(value).map(Self).map_err(D::Error::custom)
    }
}

macro_rules! described {
    ($($type:ty => $schema:path),* $(,)?) => {
        $(impl Described for $type {
            const SCHEMA: &'static Schema = &$schema;
        })*
    };
}

described! {
    landfall_api::ecr::PullThroughCacheRule => landfall_api::ecr::schema::PULL_THROUGH_CACHE_RULE,
    landfall_api::ecr::RegistryScanningConfiguration => landfall_api::ecr::schema::REGISTRY_SCANNING_CONFIGURATION,
    landfall_api::ecr::ReplicationConfiguration => landfall_api::ecr::schema::REPLICATION_CONFIGURATION,
    landfall_api::ecr::RepositoryCreationTemplate => landfall_api::ecr::schema::REPOSITORY_CREATION_TEMPLATE,
    landfall_api::ecs::TaskDefinition => landfall_api::ecs::schema::TASK_DEFINITION,
    landfall_api::ecs::TaskOverride => landfall_api::ecs::schema::TASK_OVERRIDE,
    landfall_api::lightsail::ContainerServiceDeployment =>
        landfall_api::lightsail::schema::CONTAINER_SERVICE_DEPLOYMENT,
    landfall_api::lightsail::Operation => landfall_api::lightsail::schema::OPERATION,
}
