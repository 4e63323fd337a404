//! Manifests: what kind, what they name, whether they are well-formed (OCI image specification 1.1; Docker image
//! manifest version 2, schema 2).

use std::collections::BTreeMap;
use std::fmt;
use std::marker::PhantomData;

use serde::de::value::MapAccessDeserializer;
use serde::de::{MapAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize};

use crate::{Digest, ErrorCode, OciError};

/// The media types that can be pushed: manifests, then indexes, OCI's and Docker's.
pub const MEDIA_TYPES: [(&str, ManifestKind); 4] = [
    ("application/vnd.oci.image.manifest.v1+json", ManifestKind::Image),
    ("application/vnd.docker.distribution.manifest.v2+json", ManifestKind::Image),
    ("application/vnd.oci.image.index.v1+json", ManifestKind::Index),
    ("application/vnd.docker.distribution.manifest.list.v2+json", ManifestKind::Index),
];

/// Docker image manifest version 2, schema 1, without and with signatures.
const SCHEMA_1: [&str; 2] = [
    "application/vnd.docker.distribution.manifest.v1+json",
    "application/vnd.docker.distribution.manifest.v1+prettyjws",
];

const NON_DISTRIBUTABLE: [&str; 4] = [
    "application/vnd.docker.image.rootfs.foreign.diff.tar.gzip",
    "application/vnd.oci.image.layer.nondistributable.v1.tar",
    "application/vnd.oci.image.layer.nondistributable.v1.tar+gzip",
    "application/vnd.oci.image.layer.nondistributable.v1.tar+zstd",
];

/// What a manifest names.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum ManifestKind {
    /// A configuration and layers.
    Image,
    /// Other manifests.
    Index,
}

/// A piece of content as a manifest names it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Descriptor {
    /// What it is.
    pub media_type: String,
    /// Its content's digest.
    pub digest: Digest,
    /// Its size in bytes.
    pub size: u64,
    /// Where else it can be had; such content need not be in the repository.
    #[serde(default, deserialize_with = "null_is_default", skip_serializing_if = "Vec::is_empty")]
    pub urls: Vec<String>,
    /// In a referrers list: the kind of the artifact.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub artifact_type: Option<String>,
    /// Free-form notes.
    #[serde(default, deserialize_with = "null_is_default", skip_serializing_if = "BTreeMap::is_empty")]
    pub annotations: BTreeMap<String, String>,
}

impl Descriptor {
    /// Whether the content must be in the repository before a manifest may name it.
    fn must_be_present(&self) -> bool {
        self.urls.is_empty() && !NON_DISTRIBUTABLE.contains(&self.media_type.as_str())
    }
}

/// A manifest's metadata; its bytes are a blob under its digest.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Manifest {
    /// Digest of the manifest's bytes.
    pub digest: Digest,
    /// The media type that it was pushed with.
    pub media_type: String,
    /// Number of the manifest's bytes.
    pub size: u64,
    /// What it names.
    pub kind: ManifestKind,
    /// The configuration of an image.
    pub config: Option<Descriptor>,
    /// The layers of an image, bottom first.
    pub layers: Vec<Descriptor>,
    /// The manifests of an index.
    pub manifests: Vec<Descriptor>,
    /// The manifest that this one is about.
    pub subject: Option<Digest>,
    /// `artifactType`, or else the configuration's media type.
    pub artifact_type: Option<String>,
    /// Free-form notes.
    pub annotations: BTreeMap<String, String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Document {
    schema_version: u32,
    media_type: Option<String>,
    artifact_type: Option<String>,
    config: Option<Object<Descriptor>>,
    #[serde(default, deserialize_with = "null_is_present")]
    layers: Option<Option<Vec<Object<Descriptor>>>>,
    #[serde(default, deserialize_with = "null_is_present")]
    manifests: Option<Option<Vec<Object<Descriptor>>>>,
    subject: Option<Object<Descriptor>>,
    #[serde(default, deserialize_with = "null_is_default")]
    annotations: BTreeMap<String, String>,
}

/// A JSON object. What serde derives would take an array of the members' values, too, which no client can read.
struct Object<T>(T);

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Object<T> {
    fn deserialize<D: Deserializer<'de>>(source: D) -> Result<Self, D::Error> {
        source.deserialize_map(ObjectVisitor(PhantomData))
    }
}

struct ObjectVisitor<T>(PhantomData<T>);

impl<'de, T: Deserialize<'de>> Visitor<'de> for ObjectVisitor<T> {
    type Value = Object<T>;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a JSON object")
    }

    fn visit_map<A: MapAccess<'de>>(self, members: A) -> Result<Self::Value, A::Error> {
        T::deserialize(MapAccessDeserializer::new(members)).map(Object)
    }
}

/// The descriptors of a list that may be absent or null.
fn listed(list: Option<Option<Vec<Object<Descriptor>>>>) -> Vec<Descriptor> {
    list.flatten().unwrap_or_default().into_iter().map(|Object(descriptor)| descriptor).collect()
}

/// Programs in Go write empty lists and maps as `null`.
fn null_is_default<'de, D: Deserializer<'de>, T: Deserialize<'de> + Default>(
    source: D,
) -> Result<T, D::Error> {
    Ok(Option::<T>::deserialize(source)?.unwrap_or_default())
}

/// Tells a member that is `null` from one that is not there.
fn null_is_present<'de, D: Deserializer<'de>, T: Deserialize<'de>>(
    source: D,
) -> Result<Option<Option<T>>, D::Error> {
    Option::<T>::deserialize(source).map(Some)
}

/// Levels of a manifest's JSON, at most: a real one has about six.
const DEEPEST: usize = 64;

/// Whether a JSON text is nested too deeply, also in members that are passed over.
fn is_deep(text: &str) -> bool {
    let (mut depth, mut quoted, mut escaped) = (0_usize, false, false);
    for byte in text.bytes() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if quoted => escaped = true,
            b'"' => quoted = !quoted,
            b'{' | b'[' if !quoted => depth += 1,
            b'}' | b']' if !quoted => depth = depth.saturating_sub(1),
            _ => {}
        }
        if depth > DEEPEST {
            return true;
        }
    }
    false
}

impl Manifest {
    /// Reads a manifest that was sent as `content_type`.
    ///
    /// # Errors
    /// `MANIFEST_INVALID` when it is malformed, of an unknown media type, or not what `content_type` says.
    pub fn parse(bytes: &[u8], content_type: Option<&str>) -> Result<Self, OciError> {
        Self::parse_as(bytes, content_type, "the request's content type")
    }

    /// As [`parse`](Self::parse), where the media type comes with the manifest in another way, which errors call `said_by`.
    ///
    /// # Errors
    /// As [`parse`](Self::parse).
    pub fn parse_as(bytes: &[u8], media_type: Option<&str>, said_by: &str) -> Result<Self, OciError> {
        let text = std::str::from_utf8(bytes)
            .map_err(|error| invalid(format!("the manifest is not UTF-8: {error}")))?;
        if is_deep(text) {
            return Err(invalid(format!("the manifest is nested more than {DEEPEST} levels deep")));
        }
        let Object(document): Object<Document> = serde_json::from_str(text)
            .map_err(|error| invalid(format!("the manifest cannot be read: {error}")))?;
        if document.schema_version == 1 {
            return Err(schema_1());
        }
        if document.schema_version != 2 {
            return Err(invalid(format!("`schemaVersion` is {}: expected 2", document.schema_version)));
        }
        let media_type = self::media_type(&document, media_type, said_by)?;
        let kind = kind_of(&media_type)?;
        check_members(&document, kind)?;
        let config = document.config.map(|Object(config)| config);
        let config_type = config.as_ref().map(|config| config.media_type.clone());
        Ok(Self {
            digest: Digest::of(bytes),
            size: bytes.len() as u64,
            kind,
            media_type,
            artifact_type: document.artifact_type.filter(|text| !text.is_empty()).or(config_type),
            config,
            layers: listed(document.layers),
            manifests: listed(document.manifests),
            subject: document.subject.map(|Object(subject)| subject.digest),
            annotations: document.annotations,
        })
    }

    /// Configuration and layers that the repository must have.
    pub fn required_blobs(&self) -> impl Iterator<Item = &Descriptor> {
        self.config.iter().chain(&self.layers).filter(|descriptor| descriptor.must_be_present())
    }

    /// The digests of everything that it names and that is kept while it is; the subject is not.
    pub fn references(&self) -> impl Iterator<Item = Digest> {
        self.config.iter().chain(&self.layers).chain(&self.manifests).map(|descriptor| descriptor.digest)
    }

    /// How a referrers list shows it.
    pub(crate) fn descriptor(&self) -> Descriptor {
        Descriptor {
            media_type: self.media_type.clone(),
            digest: self.digest,
            size: self.size,
            urls: Vec::new(),
            artifact_type: self.artifact_type.clone(),
            annotations: self.annotations.clone(),
        }
    }
}

fn media_type(document: &Document, sent: Option<&str>, said_by: &str) -> Result<String, OciError> {
    let sent = sent.and_then(|text| text.split(';').next()).map(str::trim).filter(|text| !text.is_empty());
    match (sent, document.media_type.as_deref()) {
        (Some(sent), Some(inside)) if sent != inside => {
            Err(invalid(format!("`mediaType` is `{inside}`, but {said_by} is `{sent}`: send one of them")))
        }
        (Some(sent), _) => Ok(sent.to_owned()),
        (None, Some(inside)) => Ok(inside.to_owned()),
        (None, None) => {
            Err(invalid(format!("the manifest has no `mediaType`: say with {said_by} which type it is")))
        }
    }
}

fn schema_1() -> OciError {
    invalid("manifest schema v1 unsupported: push an OCI or Docker v2 schema 2 manifest".to_owned())
}

fn kind_of(media_type: &str) -> Result<ManifestKind, OciError> {
    if SCHEMA_1.contains(&media_type) {
        return Err(schema_1());
    }
    let known = MEDIA_TYPES.iter().find(|(name, _)| *name == media_type);
    known.map(|(_, kind)| *kind).ok_or_else(|| {
        invalid(format!("`{media_type}` is not a manifest type of this registry: expected an OCI or Docker v2 schema 2 manifest"))
    })
}

/// An index with layers, or an image with manifests, could be read as either by different clients (CVE-2021-41190). A `null` is
/// an empty list where a list belongs, and nothing where it does not.
fn check_members(document: &Document, kind: ManifestKind) -> Result<(), OciError> {
    let has = |list: &Option<Option<Vec<Object<Descriptor>>>>| list.as_ref().is_some_and(Option::is_some);
    let image = document.config.is_some() || has(&document.layers);
    match kind {
        ManifestKind::Image if document.config.is_none() => Err(missing("config")),
        ManifestKind::Image if document.layers.is_none() => Err(missing("layers")),
        ManifestKind::Index if document.manifests.is_none() => Err(missing("manifests")),
        ManifestKind::Image if has(&document.manifests) => Err(ambiguous()),
        ManifestKind::Index if image => Err(ambiguous()),
        ManifestKind::Image | ManifestKind::Index => Ok(()),
    }
}

fn missing(member: &str) -> OciError {
    invalid(format!("the manifest has no `{member}`"))
}

fn ambiguous() -> OciError {
    invalid(
        "the manifest has both `manifests` and `config` or `layers`: it must be an index or an image"
            .to_owned(),
    )
}

fn invalid(message: String) -> OciError {
    OciError::new(ErrorCode::ManifestInvalid, message)
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    const OCI: &str = MEDIA_TYPES[0].0;
    const INDEX: &str = MEDIA_TYPES[2].0;

    fn blob(text: &str) -> Value {
        json!({ "mediaType": "application/x", "digest": Digest::of(text.as_bytes()).to_string(), "size": text.len() })
    }

    fn parse(document: &Value, content_type: Option<&str>) -> Result<Manifest, OciError> {
        Manifest::parse(document.to_string().as_bytes(), content_type)
    }

    #[test]
    fn reads_an_image() {
        let document =
            json!({ "schemaVersion": 2, "config": blob("c"), "layers": [blob("l")], "subject": blob("s") });
        let manifest = parse(&document, Some(&format!("{OCI}; charset=utf-8"))).unwrap();
        assert_eq!(manifest.references().collect::<Vec<_>>(), [Digest::of(b"c"), Digest::of(b"l")]);
        assert_eq!(manifest.artifact_type.as_deref(), Some("application/x"));
        assert_eq!(manifest.subject, Some(Digest::of(b"s")));
    }

    #[test]
    fn null_is_an_empty_list_or_map() {
        let mut config = blob("c");
        config["annotations"] = Value::Null;
        config["urls"] = Value::Null;
        let document = json!({ "schemaVersion": 2, "config": config, "layers": null, "manifests": null, "annotations": null });
        let manifest = parse(&document, Some(OCI)).unwrap();
        assert_eq!((manifest.kind, manifest.layers.len()), (ManifestKind::Image, 0));
        assert_eq!(manifest.required_blobs().count(), 1);
        let document = json!({ "schemaVersion": 2, "manifests": null, "config": null, "layers": null });
        assert_eq!(parse(&document, Some(INDEX)).unwrap().kind, ManifestKind::Index);
    }

    #[test]
    fn says_how_to_name_the_type() {
        let document = json!({ "schemaVersion": 2, "config": blob("c"), "layers": [] });
        let read = |said_by| Manifest::parse_as(document.to_string().as_bytes(), None, said_by).unwrap_err();
        let text = "the manifest has no `mediaType`: say with `that` which type it is";
        assert_eq!(read("`that`").message, text);
    }

    #[test]
    fn foreign_layers_need_not_be_present() {
        let mut foreign = blob("f");
        foreign["urls"] = json!(["https://example.com/f"]);
        let document = json!({ "schemaVersion": 2, "config": blob("c"), "layers": [foreign] });
        let manifest = parse(&document, Some(OCI)).unwrap();
        assert_eq!(manifest.required_blobs().count(), 1);
    }

    #[test]
    fn refuses_what_is_malformed() {
        let image = |extra: Value| {
            let mut document = json!({ "schemaVersion": 2, "config": blob("c"), "layers": [] });
            for (name, value) in extra.as_object().unwrap() {
                document[name] = value.clone();
            }
            document
        };
        let cases = [
            ("wrong schema", image(json!({ "schemaVersion": 1 })), Some(OCI)),
            (
                "signed schema 1",
                json!({ "schemaVersion": 1, "fsLayers": [], "signatures": [] }),
                Some(SCHEMA_1[1]),
            ),
            ("no type", image(json!({})), None),
            ("unknown type", image(json!({})), Some("application/json")),
            ("two types", image(json!({ "mediaType": MEDIA_TYPES[1].0 })), Some(OCI)),
            ("both kinds", image(json!({ "manifests": [] })), Some(OCI)),
            ("index with layers", image(json!({ "manifests": [] })), Some(INDEX)),
            ("index without manifests", json!({ "schemaVersion": 2 }), Some(INDEX)),
            ("image without layers", json!({ "schemaVersion": 2, "config": blob("c") }), Some(OCI)),
            (
                "bad digest",
                image(json!({ "layers": [{ "mediaType": "x", "digest": "sha256:1", "size": 1 }] })),
                Some(OCI),
            ),
            (
                "negative size",
                image(
                    json!({ "config": { "mediaType": "x", "digest": Digest::of(b"").to_string(), "size": -1 } }),
                ),
                Some(OCI),
            ),
            ("not an object", json!([]), Some(OCI)),
            (
                "members without names",
                json!([2, OCI, null, blob("c"), [blob("l")], null, null, {}]),
                Some(OCI),
            ),
            (
                "a descriptor without names",
                image(json!({ "config": ["x", Digest::of(b"").to_string(), 0] })),
                Some(OCI),
            ),
        ];
        for (name, document, content_type) in cases {
            let error = parse(&document, content_type).expect_err(name);
            assert_eq!(error.code, ErrorCode::ManifestInvalid, "{name}");
        }
    }
}
