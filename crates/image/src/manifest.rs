//! Manifests and indexes (OCI Image Specification v1.1; Docker Image Manifest V2, Schema 2).

use std::collections::BTreeMap;

use serde::de::IgnoredAny;
use serde::{Deserialize, Deserializer, Serialize};

use crate::config::null_is_default;
use crate::{Digest, Platform, media};

/// Points at content: its type, digest and size.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Descriptor {
    /// What kind of content.
    pub media_type: String,
    /// Its digest.
    pub digest: Digest,
    /// Its length in bytes.
    pub size: u64,
    /// In an index: what the image runs on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub platform: Option<Platform>,
    /// Free annotations.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub annotations: Option<BTreeMap<String, String>>,
}

/// One image for one platform.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Manifest {
    /// Always 2.
    pub schema_version: u32,
    /// OCI or Docker manifest.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub media_type: Option<String>,
    /// The image config.
    pub config: Descriptor,
    /// The layers, lowest first.
    #[serde(deserialize_with = "null_is_default")]
    pub layers: Vec<Descriptor>,
}

/// Images for several platforms.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct Index {
    #[serde(deserialize_with = "null_is_default")]
    pub(crate) manifests: Vec<Descriptor>,
}

/// What a manifest's bytes turned out to be.
#[derive(Debug, Clone)]
pub(crate) enum Document {
    Image(Box<Manifest>),
    Index(Index),
}

/// Most layers an image may have; overlayfs takes 500.
const MAX_LAYERS: usize = 500;
/// Most entries an index may have.
const MAX_MANIFESTS: usize = 4096;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Outline {
    schema_version: Option<u32>,
    media_type: Option<String>,
    #[serde(default, deserialize_with = "list")]
    manifests: List,
    #[serde(default, deserialize_with = "list")]
    layers: List,
    fs_layers: Option<IgnoredAny>,
}

/// A list's place in a document. Builders written in Go print empty lists as `null`.
#[derive(Default, Clone, Copy, PartialEq, Eq)]
enum List {
    #[default]
    Absent,
    Null,
    There,
}

fn list<'de, D: Deserializer<'de>>(source: D) -> Result<List, D::Error> {
    let content = Option::<IgnoredAny>::deserialize(source)?;
    Ok(content.map_or(List::Null, |_| List::There))
}

impl Document {
    /// Reads manifest bytes; the error is a sentence for the user.
    ///
    /// The bytes decide what they are, not the `Content-Type`: a document that could be read as both an image and an
    /// index is refused (CVE-2021-41190).
    pub(crate) fn parse(bytes: &[u8], content_type: &str) -> Result<Self, String> {
        let outline: Outline = serde_json::from_slice(bytes)
            .map_err(|error| format!("the manifest is not valid JSON: {error}"))?;
        let stated = outline.media_type.as_deref().unwrap_or(content_type);
        if media::is_schema_1(stated) || outline.schema_version == Some(1) || outline.fs_layers.is_some() {
            return Err(
                "it is a schema 1 manifest, which registries stopped making in 2017: push the image again \
                        with a current client"
                    .to_owned(),
            );
        }
        match (outline.layers, outline.manifests) {
            (List::There, List::There) => Err("it claims to be both an image and an index".to_owned()),
            (List::Absent, List::Absent) => {
                Err(format!("it has neither `layers` nor `manifests` (media type `{stated}`)"))
            }
            (List::Absent, _) | (List::Null, List::There) => parse_index(bytes).map(Self::Index),
            _ => parse_image(bytes).map(|manifest| Self::Image(Box::new(manifest))),
        }
    }
}

fn parse_image(bytes: &[u8]) -> Result<Manifest, String> {
    let manifest: Manifest = serde_json::from_slice(bytes).map_err(|error| error.to_string())?;
    if !media::is_image_config(&manifest.config.media_type) {
        return Err(format!("it is not a container image: its config is `{}`", manifest.config.media_type));
    }
    if let Some(layer) = manifest.layers.iter().find(|layer| !media::is_layer(&layer.media_type)) {
        return Err(format!(
            "it is not a container image: layer `{}` is `{}`",
            layer.digest, layer.media_type
        ));
    }
    if manifest.layers.len() > MAX_LAYERS {
        return Err(format!("it has {} layers: the limit is {MAX_LAYERS}", manifest.layers.len()));
    }
    Ok(manifest)
}

fn parse_index(bytes: &[u8]) -> Result<Index, String> {
    let index: Index = serde_json::from_slice(bytes).map_err(|error| error.to_string())?;
    if index.manifests.len() > MAX_MANIFESTS {
        return Err(format!("it lists {} manifests: the limit is {MAX_MANIFESTS}", index.manifests.len()));
    }
    Ok(index)
}

impl Index {
    /// The entries that may run on `platform`, best first. Entries that name no platform come last: only their content
    /// can tell (and nested indexes are such).
    pub(crate) fn candidates(&self, platform: &Platform) -> Vec<&Descriptor> {
        let mut ranked: Vec<(u32, &Descriptor)> = self
            .manifests
            .iter()
            .filter_map(|entry| match &entry.platform {
                Some(offered) => Some((platform.rank(offered)?, entry)),
                None => Some((u32::MAX, entry)),
            })
            .collect();
        ranked.sort_by_key(|(rank, _)| *rank);
        ranked.into_iter().map(|(_, entry)| entry).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn descriptor(media_type: &str) -> String {
        format!(r#"{{"mediaType":"{media_type}","digest":"{}","size":1}}"#, Digest::of(b"x"))
    }

    #[test]
    fn only_documents_with_one_meaning_are_accepted() {
        let config = descriptor(media::OCI_CONFIG);
        let layer = descriptor(media::OCI_LAYER_GZIP);
        let chart = descriptor("application/vnd.cncf.helm.config.v1+json");
        let image = format!(r#"{{"schemaVersion":2,"config":{config},"layers":[{layer}]}}"#);
        let many = format!(
            r#"{{"schemaVersion":2,"config":{config},"layers":[{}]}}"#,
            vec![layer.clone(); 501].join(",")
        );
        let cases = [
            (image.as_str(), None),
            (r#"{"schemaVersion":2,"manifests":[]}"#, None),
            (r#"{"schemaVersion":2,"manifests":null}"#, None),
            (r#"{"schemaVersion":2,"manifests":[],"layers":null}"#, None),
            (&format!(r#"{{"schemaVersion":2,"config":{config},"layers":null,"manifests":null}}"#), None),
            (r#"{"schemaVersion":1,"fsLayers":[],"history":[]}"#, Some("schema 1")),
            (r#"{"schemaVersion":2,"layers":[],"manifests":[]}"#, Some("both an image and an index")),
            (r#"{"schemaVersion":2}"#, Some("neither")),
            ("[1,2]", Some("not valid JSON")),
            ("<html>", Some("not valid JSON")),
            (
                &format!(r#"{{"schemaVersion":2,"config":{chart},"layers":[]}}"#),
                Some("not a container image: its config"),
            ),
            (
                &format!(r#"{{"schemaVersion":2,"config":{config},"layers":[{chart}]}}"#),
                Some("not a container image: layer"),
            ),
            (&many, Some("501 layers")),
        ];
        for (text, expected) in cases {
            match (Document::parse(text.as_bytes(), ""), expected) {
                (Ok(_), None) => {}
                (Err(error), Some(expected)) => assert!(error.contains(expected), "{text}: {error}"),
                (outcome, _) => panic!("{text}: {outcome:?}"),
            }
        }
    }
}
