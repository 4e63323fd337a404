//! Making small images from files in memory, for demonstrations and tests. The same files always give the same digests.

use std::collections::BTreeSet;
use std::io::{self, Write as _};

use bytes::Bytes;
use flate2::Compression;
use flate2::write::GzEncoder;

use crate::{
    Client, Credential, Descriptor, Digest, ImageConfig, Manifest, Platform, PullError, Reference, media,
};

/// Collects layers and settings of an image for one platform.
#[derive(Debug, Clone)]
pub struct ImageBuilder {
    config: ImageConfig,
    layers: Vec<Bytes>,
}

/// An image ready to be pushed.
#[derive(Debug, Clone)]
pub struct BuiltImage {
    /// The manifest's bytes.
    pub manifest: Bytes,
    /// The config's bytes.
    pub config: Bytes,
    /// The compressed layers, lowest first.
    pub layers: Vec<Bytes>,
}

impl ImageBuilder {
    /// An image without layers.
    pub fn new(platform: &Platform) -> Self {
        let mut config = ImageConfig {
            architecture: platform.architecture.clone(),
            os: platform.os.clone(),
            variant: platform.variant.clone(),
            ..ImageConfig::default()
        };
        config.rootfs.kind = "layers".to_owned();
        Self { config, layers: Vec::new() }
    }

    /// Changes how the image is run.
    #[must_use]
    pub fn configure(mut self, change: impl FnOnce(&mut crate::RunConfig)) -> Self {
        change(&mut self.config.config);
        self
    }

    /// Adds a layer of files: path, permission bits, content. A path that ends in `/` is a directory; directories in
    /// between are made with mode 0755. Everything belongs to root and is from the epoch.
    ///
    /// # Errors
    /// If a path cannot stand in an archive.
    pub fn layer<'a>(self, files: impl IntoIterator<Item = (&'a str, u32, &'a [u8])>) -> io::Result<Self> {
        let mut archive = tar::Builder::new(Vec::new());
        let mut made = BTreeSet::new();
        for (path, mode, bytes) in files {
            let path = path.trim_start_matches('/');
            let directory = path.ends_with('/');
            for (at, _) in path.trim_end_matches('/').match_indices('/') {
                if made.insert(path[..at].to_owned()) {
                    add(&mut archive, &path[..at], tar::EntryType::Directory, 0o755, &[])?;
                }
            }
            let kind = if directory { tar::EntryType::Directory } else { tar::EntryType::Regular };
            made.insert(path.trim_end_matches('/').to_owned());
            add(&mut archive, path, kind, mode, bytes)?;
        }
        self.layer_from_tar(&archive.into_inner()?)
    }

    /// Adds a layer from an uncompressed archive.
    ///
    /// # Errors
    /// If compressing fails, which in memory it does not.
    pub fn layer_from_tar(mut self, archive: &[u8]) -> io::Result<Self> {
        self.config.rootfs.diff_ids.push(Digest::of(archive));
        let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
        encoder.write_all(archive)?;
        self.layers.push(encoder.finish()?.into());
        Ok(self)
    }

    /// Writes config and manifest.
    ///
    /// # Errors
    /// If JSON cannot be written, which does not happen.
    pub fn build(self) -> io::Result<BuiltImage> {
        let config = Bytes::from(serde_json::to_vec(&self.config)?);
        let manifest = Manifest {
            schema_version: 2,
            media_type: Some(media::OCI_MANIFEST.to_owned()),
            config: descriptor(media::OCI_CONFIG, &config),
            layers: self.layers.iter().map(|layer| descriptor(media::OCI_LAYER_GZIP, layer)).collect(),
        };
        Ok(BuiltImage { manifest: serde_json::to_vec(&manifest)?.into(), config, layers: self.layers })
    }
}

impl BuiltImage {
    /// The manifest's digest.
    pub fn digest(&self) -> Digest {
        Digest::of(&self.manifest)
    }

    /// Pushes the image under `reference`; its digest.
    ///
    /// # Errors
    /// Whatever the registry says.
    pub async fn push(
        &self,
        client: &Client,
        reference: &Reference,
        credential: Option<&Credential>,
    ) -> Result<Digest, PullError> {
        for blob in self.layers.iter().chain([&self.config]) {
            client.push_blob(reference, credential, blob.clone(), None).await?;
        }
        client.push_manifest(reference, credential, media::OCI_MANIFEST, self.manifest.clone()).await
    }
}

fn descriptor(media_type: &str, bytes: &[u8]) -> Descriptor {
    Descriptor {
        media_type: media_type.to_owned(),
        digest: Digest::of(bytes),
        size: bytes.len() as u64,
        platform: None,
        annotations: None,
    }
}

fn add(
    archive: &mut tar::Builder<Vec<u8>>,
    path: &str,
    kind: tar::EntryType,
    mode: u32,
    bytes: &[u8],
) -> io::Result<()> {
    let mut header = tar::Header::new_gnu();
    header.set_entry_type(kind);
    header.set_mode(mode);
    header.set_size(bytes.len() as u64);
    header.set_mtime(0);
    archive.append_data(&mut header, path, bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_files_give_the_same_image() {
        let build = || {
            let files = [("/bin/hello", 0o755, b"#!/bin/sh\n".as_slice()), ("tmp/", 0o1777, b"")];
            let builder = ImageBuilder::new(&Platform::linux("amd64")).configure(|run| {
                run.cmd = vec!["/bin/hello".to_owned()];
            });
            builder.layer(files).unwrap().build().unwrap()
        };
        assert_eq!(build().digest(), build().digest());
        let manifest: Manifest = serde_json::from_slice(&build().manifest).unwrap();
        assert!(manifest.config.digest.matches(&build().config));
        assert_eq!(manifest.layers.len(), 1);
    }
}
