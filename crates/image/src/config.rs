//! The part of the image config that running a container needs (OCI Image Specification, "Image Configuration").

use std::collections::BTreeMap;

use serde::{Deserialize, Deserializer, Serialize};

use crate::{Digest, Platform};

/// An image's config.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ImageConfig {
    /// Go's name of the architecture; empty if the builder left it out.
    #[serde(default, deserialize_with = "null_is_default")]
    pub architecture: String,
    /// Go's name of the operating system; empty if the builder left it out.
    #[serde(default, deserialize_with = "null_is_default")]
    pub os: String,
    /// The variant of the architecture.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub variant: Option<String>,
    /// How to run it.
    #[serde(default, deserialize_with = "null_is_default")]
    pub config: RunConfig,
    /// Digests of the layers before compression.
    #[serde(default, deserialize_with = "null_is_default")]
    pub rootfs: RootFs,
}

/// How to run an image, where the task definition does not say otherwise.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct RunConfig {
    /// `user[:group]`, names or numbers; empty is root.
    #[serde(deserialize_with = "null_is_default", skip_serializing_if = "String::is_empty")]
    pub user: String,
    /// Ports that the image says it listens on: `80/tcp`.
    #[serde(deserialize_with = "keys", serialize_with = "as_keys", skip_serializing_if = "Vec::is_empty")]
    pub exposed_ports: Vec<String>,
    /// `NAME=value`.
    #[serde(deserialize_with = "null_is_default", skip_serializing_if = "Vec::is_empty")]
    pub env: Vec<String>,
    /// The command's fixed beginning.
    #[serde(deserialize_with = "null_is_default", skip_serializing_if = "Vec::is_empty")]
    pub entrypoint: Vec<String>,
    /// The command's default rest.
    #[serde(deserialize_with = "null_is_default", skip_serializing_if = "Vec::is_empty")]
    pub cmd: Vec<String>,
    /// Paths that should be volumes.
    #[serde(deserialize_with = "keys", serialize_with = "as_keys", skip_serializing_if = "Vec::is_empty")]
    pub volumes: Vec<String>,
    /// Where the command starts; empty is `/`.
    #[serde(deserialize_with = "null_is_default", skip_serializing_if = "String::is_empty")]
    pub working_dir: String,
    /// Free labels.
    #[serde(deserialize_with = "null_is_default", skip_serializing_if = "BTreeMap::is_empty")]
    pub labels: BTreeMap<String, String>,
    /// What stops it: `SIGTERM`, `15`; absent is `SIGTERM`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stop_signal: Option<String>,
}

/// The layers' uncompressed digests.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RootFs {
    /// Always `layers`.
    #[serde(rename = "type", default)]
    pub kind: String,
    /// One for each layer, lowest first.
    #[serde(default, deserialize_with = "null_is_default")]
    pub diff_ids: Vec<Digest>,
}

impl ImageConfig {
    /// What the image says it runs on, if it says so.
    pub fn platform(&self) -> Option<Platform> {
        let stated = !self.os.is_empty() && !self.architecture.is_empty();
        stated.then(|| Platform {
            os: self.os.clone(),
            architecture: self.architecture.clone(),
            variant: self.variant.clone().filter(|variant| !variant.is_empty()),
        })
    }
}

/// Builders written in Go print empty lists and maps as `null`.
pub(crate) fn null_is_default<'de, D: Deserializer<'de>, T: Deserialize<'de> + Default>(
    source: D,
) -> Result<T, D::Error> {
    Ok(Option::<T>::deserialize(source)?.unwrap_or_default())
}

fn keys<'de, D: Deserializer<'de>>(source: D) -> Result<Vec<String>, D::Error> {
    let map = Option::<BTreeMap<String, serde::de::IgnoredAny>>::deserialize(source)?;
    Ok(map.unwrap_or_default().into_keys().collect())
}

fn as_keys<S: serde::Serializer>(names: &[String], target: S) -> Result<S::Ok, S::Error> {
    target.collect_map(names.iter().map(|name| (name, BTreeMap::<String, String>::new())))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nulls_and_missing_fields_are_empty() {
        let text = r#"{"architecture":"amd64","os":"linux","config":{"Cmd":null,"Env":["A=b"],"Labels":null,
            "ExposedPorts":{"80/tcp":{}},"Volumes":null,"Entrypoint":["/x"],"WorkingDir":"/w","User":"1:2","StopSignal":"SIGINT"},
            "rootfs":{"type":"layers","diff_ids":null}}"#;
        let config: ImageConfig = serde_json::from_str(text).unwrap();
        assert_eq!(config.config.exposed_ports, ["80/tcp"]);
        assert_eq!((config.config.cmd.len(), config.config.env.len()), (0, 1));
        assert_eq!(config.config.stop_signal.as_deref(), Some("SIGINT"));
        assert_eq!(config.platform(), Some(Platform::linux("amd64")));
        assert_eq!(serde_json::from_str::<ImageConfig>("{}").unwrap(), ImageConfig::default());
        assert_eq!(serde_json::from_str::<ImageConfig>(r#"{"config":null}"#).unwrap().platform(), None);
    }

    #[test]
    fn a_written_config_reads_back() {
        let mut config =
            ImageConfig { architecture: "arm64".into(), os: "linux".into(), ..Default::default() };
        config.config.volumes = vec!["/data".into()];
        config.config.cmd = vec!["sh".into()];
        let text = serde_json::to_string(&config).unwrap();
        assert_eq!(serde_json::from_str::<ImageConfig>(&text).unwrap(), config);
    }
}
