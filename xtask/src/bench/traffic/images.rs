//! What is pushed and pulled: bytes without pattern, because a registry does not look into layers.

use aws_lc_rs::digest::{SHA256, digest};
use bytes::Bytes;
use serde_json::json;

use super::Cargo;
use crate::bench::image::Noise;

/// Layers of the large image.
pub(super) const LAYERS: usize = 8;
/// Bytes of the large image.
pub(super) const LARGE_BYTES: usize = 200_000_000;
/// How many small images there are.
pub(super) const SMALL: usize = 2_000;
/// Bytes of the one layer of a small image.
pub(super) const SMALL_BYTES: usize = 8_192;

/// Content with its digest.
pub(super) struct Blob {
    pub(super) digest: String,
    pub(super) content: Bytes,
}

/// A manifest, and what it names.
pub(super) struct Image {
    pub(super) tag: String,
    pub(super) manifest: Bytes,
    /// Configuration last.
    pub(super) blobs: Vec<Blob>,
}

pub(super) const MEDIA_TYPE: &str = "application/vnd.oci.image.manifest.v1+json";

/// The images of one repetition; no other repetition has any blob of them.
pub(super) fn make(cargo: Cargo, repetition: usize) -> Vec<Image> {
    let (count, layers, bytes) = match cargo {
        Cargo::Large => (1, LAYERS, LARGE_BYTES / LAYERS),
        Cargo::Small => (SMALL, 1, SMALL_BYTES),
    };
    let mut noise = Noise::new((repetition as u64) << 8 | cargo as u64);
    (0..count).map(|number| image(&mut noise, number, layers, bytes)).collect()
}

fn image(noise: &mut Noise, number: usize, layers: usize, bytes: usize) -> Image {
    let mut blobs: Vec<Blob> = (0..layers).map(|_| blob(noise.bytes(bytes))).collect();
    let named = |blob: &Blob, kind: &str| {
        let media_type = format!("application/vnd.oci.image.{kind}");
        json!({ "mediaType": media_type, "digest": blob.digest, "size": blob.content.len() })
    };
    let descriptors: Vec<_> = blobs.iter().map(|blob| named(blob, "layer.v1.tar")).collect();
    let diff_ids: Vec<_> = blobs.iter().map(|blob| &blob.digest).collect();
    let config = json!({ "architecture": "amd64", "os": "linux", "rootfs": { "type": "layers", "diff_ids": diff_ids } });
    let config = blob(config.to_string().into_bytes());
    let manifest = json!({
        "schemaVersion": 2, "mediaType": MEDIA_TYPE, "config": named(&config, "config.v1+json"), "layers": descriptors,
    });
    blobs.push(config);
    Image { tag: format!("t{number}"), manifest: manifest.to_string().into(), blobs }
}

fn blob(content: Vec<u8>) -> Blob {
    Blob { digest: format!("sha256:{}", hex::encode(digest(&SHA256, &content))), content: content.into() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn repetitions_have_nothing_in_common() {
        let digests = |repetition| {
            let images = make(Cargo::Small, repetition);
            images
                .iter()
                .flat_map(|image| image.blobs.iter().map(|blob| blob.digest.clone()))
                .collect::<Vec<_>>()
        };
        let (first, second) = (digests(0), digests(1));
        assert_eq!((first.len(), second.len()), (2 * SMALL, 2 * SMALL));
        assert!(first.iter().all(|digest| !second.contains(digest)));
        assert_eq!(first, digests(0));
    }
}
