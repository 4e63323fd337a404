//! OCI's and Docker's format of an image's manifest (version 2, schema 2), each made of the other. Configuration and layers
//! are the same blobs in both; the manifest has other bytes, and so another digest.

use bytes::Bytes;
use serde::Serialize;

use crate::{Descriptor, Digest, Manifest};

/// An image's manifest in the format that it is not stored in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Converted {
    /// Its media type.
    pub media_type: &'static str,
    /// The digest of its bytes. Nothing is stored under it.
    pub digest: Digest,
    /// The manifest.
    pub bytes: Bytes,
}

/// A media type of either format.
#[derive(Clone, Copy)]
struct Names {
    oci: &'static str,
    docker: &'static str,
}

#[derive(Clone, Copy)]
enum Format {
    Oci,
    Docker,
}

const IMAGE: Names = Names {
    oci: "application/vnd.oci.image.manifest.v1+json",
    docker: "application/vnd.docker.distribution.manifest.v2+json",
};

const CONFIG: Names = Names {
    oci: "application/vnd.oci.image.config.v1+json",
    docker: "application/vnd.docker.container.image.v1+json",
};

/// Docker's format has no name for layers that are compressed by zstd.
const LAYERS: [Names; 3] = [
    Names {
        oci: "application/vnd.oci.image.layer.v1.tar+gzip",
        docker: "application/vnd.docker.image.rootfs.diff.tar.gzip",
    },
    Names {
        oci: "application/vnd.oci.image.layer.v1.tar",
        docker: "application/vnd.docker.image.rootfs.diff.tar",
    },
    Names {
        oci: "application/vnd.oci.image.layer.nondistributable.v1.tar+gzip",
        docker: "application/vnd.docker.image.rootfs.foreign.diff.tar.gzip",
    },
];

impl Names {
    fn of(self, format: Format) -> &'static str {
        match format {
            Format::Oci => self.oci,
            Format::Docker => self.docker,
        }
    }

    fn has(self, name: &str) -> bool {
        [self.oci, self.docker].contains(&name)
    }
}

/// As both formats write it.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Document<'a> {
    schema_version: u32,
    media_type: &'static str,
    config: Part<'a>,
    layers: Vec<Part<'a>>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Part<'a> {
    media_type: &'static str,
    digest: Digest,
    size: u64,
    #[serde(skip_serializing_if = "<[String]>::is_empty")]
    urls: &'a [String],
}

impl Manifest {
    /// The image in the other format, if `accepts` takes that and it can say what is run: configuration and layers have names
    /// in it, and the manifest is neither an artifact nor about another manifest. Annotations are left out; Docker's format
    /// has none.
    pub fn converted(&self, accepts: impl Fn(&str) -> bool) -> Option<Converted> {
        let format = match self.media_type.as_str() {
            name if name == IMAGE.oci => Format::Docker,
            name if name == IMAGE.docker => Format::Oci,
            _ => return None,
        };
        let media_type = IMAGE.of(format);
        let config = self.config.as_ref()?;
        let is_artifact = self.artifact_type.as_ref() != Some(&config.media_type);
        if !accepts(media_type) || is_artifact || self.subject.is_some() {
            return None;
        }
        let document = Document {
            schema_version: 2,
            media_type,
            config: part(&[CONFIG], config, format)?,
            layers: self.layers.iter().map(|it| part(&LAYERS, it, format)).collect::<Option<_>>()?,
        };
        let bytes = serde_json::to_vec(&document).ok()?;
        Some(Converted { media_type, digest: Digest::of(&bytes), bytes: bytes.into() })
    }
}

fn part<'a>(names: &[Names], of: &'a Descriptor, format: Format) -> Option<Part<'a>> {
    let media_type = names.iter().find(|names| names.has(&of.media_type))?.of(format);
    Some(Part { media_type, digest: of.digest, size: of.size, urls: &of.urls })
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn blob(media_type: &str) -> Value {
        json!({ "mediaType": media_type, "digest": Digest::of(media_type.as_bytes()).to_string(), "size": 7 })
    }

    fn image(format: Format) -> Value {
        json!({
            "schemaVersion": 2,
            "mediaType": IMAGE.of(format),
            "config": blob(CONFIG.of(format)),
            "layers": LAYERS.map(|names| blob(names.of(format))),
        })
    }

    fn converted(document: &Value) -> Option<(Value, Converted)> {
        let manifest = Manifest::parse(document.to_string().as_bytes(), None).unwrap();
        let converted = manifest.converted(|_| true)?;
        assert_eq!(converted.digest, Digest::of(&converted.bytes));
        Some((serde_json::from_slice(&converted.bytes).unwrap(), converted))
    }

    #[test]
    fn each_format_is_made_of_the_other() {
        for (from, into) in [(Format::Oci, Format::Docker), (Format::Docker, Format::Oci)] {
            let mut stored = image(from);
            stored["layers"][2]["urls"] = json!(["https://example.com/layer"]);
            let (made, converted) = converted(&stored).unwrap();
            assert_eq!(converted.media_type, IMAGE.of(into));
            let types = |it: &Value| -> Vec<String> {
                let parts = [&it["config"]].into_iter().chain(it["layers"].as_array().unwrap());
                parts.map(|part| part["mediaType"].as_str().unwrap().to_owned()).collect()
            };
            assert_eq!(types(&made), types(&image(into)));
            let same = |it: &Value, name: &str| [it["config"][name].clone(), it["layers"][2][name].clone()];
            for name in ["digest", "size", "urls"] {
                assert_eq!(same(&made, name), same(&stored, name), "{name}");
            }
            assert!(Manifest::parse(&converted.bytes, None).is_ok());
        }
    }

    #[test]
    fn what_the_other_format_cannot_say_stays_as_it_is() {
        let change = |name: &str, value: Value| {
            let mut document = image(Format::Oci);
            document[name] = value;
            document
        };
        let zstd = "application/vnd.oci.image.layer.v1.tar+zstd";
        let cases = [
            ("artifact", change("artifactType", json!("application/x"))),
            ("referrer", change("subject", blob("s"))),
            ("other configuration", change("config", blob("application/vnd.cncf.helm.config.v1+json"))),
            ("other layers", change("layers", json!([blob(zstd)]))),
            (
                "index",
                json!({ "schemaVersion": 2, "mediaType": "application/vnd.oci.image.index.v1+json", "manifests": [] }),
            ),
        ];
        for (name, document) in cases {
            assert!(converted(&document).is_none(), "{name}");
        }
        let manifest = Manifest::parse(image(Format::Oci).to_string().as_bytes(), None).unwrap();
        assert_eq!(manifest.converted(|name| name == IMAGE.oci), None, "nobody asked for it");
        assert!(converted(&change("annotations", json!({ "a": "b" }))).is_some());
    }
}
