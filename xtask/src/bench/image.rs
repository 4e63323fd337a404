//! Images as OCI image layouts: a small one to start, a large one to pull. Always the same bytes, so that runs can be compared.

use std::fs;
use std::io::Write as _;
use std::path::Path;

use anyhow::{Context as _, Result};
use aws_lc_rs::digest::{SHA256, digest};
use flate2::Compression;
use flate2::write::GzEncoder;
use serde_json::{Value, json};
use tar::{Builder, EntryType, Header};

/// A file system as an archive that is being written.
pub(super) struct Archive(Builder<Vec<u8>>);

impl Archive {
    /// An empty one.
    pub(super) fn new() -> Self {
        Self(Builder::new(Vec::new()))
    }

    /// A directory.
    pub(super) fn directory(&mut self, path: &str) -> Result<()> {
        self.0.append_data(&mut header(EntryType::Directory, 0o755, 0), path, std::io::empty())?;
        Ok(())
    }

    /// A file.
    pub(super) fn file(&mut self, path: &str, mode: u32, content: &[u8]) -> Result<()> {
        self.0.append_data(&mut header(EntryType::Regular, mode, content.len()), path, content)?;
        Ok(())
    }

    /// A symbolic link.
    pub(super) fn link(&mut self, path: &str, target: &str) -> Result<()> {
        self.0.append_link(&mut header(EntryType::Symlink, 0o777, 0), path, target)?;
        Ok(())
    }

    /// The bytes.
    pub(super) fn finish(self) -> Result<Vec<u8>> {
        Ok(self.0.into_inner()?)
    }
}

fn header(kind: EntryType, mode: u32, size: usize) -> Header {
    let mut header = Header::new_gnu();
    header.set_entry_type(kind);
    header.set_mode(mode);
    header.set_size(size as u64);
    header.set_mtime(1_700_000_000);
    header
}

/// busybox, two of its names, and what `more` adds.
pub(super) fn root_file_system(more: &[(&str, &[u8])]) -> Result<Vec<u8>> {
    let busybox =
        fs::read("/bin/busybox").context("cannot read `/bin/busybox` (Debian's `busybox-static`)")?;
    let mut archive = Archive::new();
    for directory in ["bin/", "dev/", "etc/", "proc/", "sys/", "tmp/"] {
        archive.directory(directory)?;
    }
    archive.file("bin/busybox", 0o755, &busybox)?;
    for name in ["bin/sh", "bin/true"] {
        archive.link(name, "busybox")?;
    }
    for (path, content) in more {
        archive.file(path, 0o755, content)?;
    }
    archive.finish()
}

/// Writes an image of these layers (uncompressed archives) as a directory that `skopeo` reads. Returns the size of its compressed
/// layers in bytes.
pub(super) fn write_layout(directory: &Path, layers: impl Iterator<Item = Result<Vec<u8>>>) -> Result<u64> {
    let (mut descriptors, mut diff_ids, mut size) = (Vec::new(), Vec::new(), 0);
    fs::create_dir_all(directory.join("blobs/sha256"))?;
    for layer in layers {
        let layer = layer?;
        diff_ids.push(digest_of(&layer));
        let compressed = gzip(&layer)?;
        size += compressed.len() as u64;
        descriptors.push(blob(directory, "application/vnd.oci.image.layer.v1.tar+gzip", &compressed)?);
    }
    let config = json!({
        "architecture": architecture(), "os": "linux",
        "config": { "Env": ["PATH=/bin"], "Cmd": ["/bin/true"] },
        "rootfs": { "type": "layers", "diff_ids": diff_ids },
    });
    let config = blob(directory, "application/vnd.oci.image.config.v1+json", config.to_string().as_bytes())?;
    let manifest = "application/vnd.oci.image.manifest.v1+json";
    let text = json!({ "schemaVersion": 2, "mediaType": manifest, "config": config, "layers": descriptors })
        .to_string();
    let index = json!({ "schemaVersion": 2, "manifests": [blob(directory, manifest, text.as_bytes())?] });
    fs::write(directory.join("index.json"), index.to_string())?;
    fs::write(directory.join("oci-layout"), json!({ "imageLayoutVersion": "1.0.0" }).to_string())?;
    Ok(size)
}

fn blob(directory: &Path, media_type: &str, content: &[u8]) -> Result<Value> {
    let digest = digest_of(content);
    let path = directory.join("blobs").join(digest.replace(':', "/"));
    fs::write(&path, content).with_context(|| format!("cannot write `{}`", path.display()))?;
    Ok(json!({ "mediaType": media_type, "digest": digest, "size": content.len() }))
}

fn digest_of(content: &[u8]) -> String {
    format!("sha256:{}", hex::encode(digest(&SHA256, content)))
}

fn gzip(content: &[u8]) -> Result<Vec<u8>> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(content)?;
    Ok(encoder.finish()?)
}

/// As OCI images name it.
fn architecture() -> &'static str {
    match std::env::consts::ARCH {
        "aarch64" => "arm64",
        _ => "amd64",
    }
}

/// Layers of the large image.
pub(super) const LAYERS: u64 = 8;

/// Small files in each of them.
const SMALL_FILES: u64 = 2_000;

/// One of the layers: what does not compress (a binary's worth), what does (a library's), and many small files.
pub(super) fn large_layer(number: u64) -> Result<Vec<u8>> {
    let mut noise = Noise::new(number);
    let mut archive = Archive::new();
    if number == 0 {
        archive = base_archive()?;
    }
    archive.file(&format!("opt/{number}/model.bin"), 0o644, &noise.bytes(14 << 20))?;
    archive.file(&format!("opt/{number}/library.txt"), 0o644, &noise.text(26 << 20))?;
    for small in 0..SMALL_FILES {
        let length = 200 + noise.next() as usize % 3_800;
        let path = format!("usr/share/{number}/{:02}/file-{small}", small % 40);
        archive.file(&path, 0o644, &noise.text(length))?;
    }
    archive.finish()
}

fn base_archive() -> Result<Archive> {
    let mut archive = Archive::new();
    let busybox =
        fs::read("/bin/busybox").context("cannot read `/bin/busybox` (Debian's `busybox-static`)")?;
    archive.directory("bin/")?;
    archive.file("bin/busybox", 0o755, &busybox)?;
    archive.link("bin/true", "busybox")?;
    Ok(archive)
}

/// Numbers without pattern, the same in every run (xorshift64, Marsaglia 2003).
pub(super) struct Noise(u64);

impl Noise {
    /// One of its own for each seed.
    pub(super) fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1)
    }

    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    /// Bytes that do not compress.
    pub(super) fn bytes(&mut self, length: usize) -> Vec<u8> {
        let mut bytes: Vec<u8> = (0..length / 8 + 1).flat_map(|_| self.next().to_le_bytes()).collect();
        bytes.truncate(length);
        bytes
    }

    /// Compresses to about two fifths, as program text and libraries do.
    fn text(&mut self, length: usize) -> Vec<u8> {
        let mut text = Vec::with_capacity(length + 16);
        while text.len() < length {
            let word = self.next();
            text.extend_from_slice(
                format!("{:x}_{} ", word % 4_096, WORDS[(word >> 32) as usize % WORDS.len()]).as_bytes(),
            );
        }
        text.truncate(length);
        text
    }
}

const WORDS: [&str; 16] = [
    "return",
    "container",
    "function",
    "manifest",
    "static",
    "credential",
    "registry",
    "const",
    "layer",
    "struct",
    "task",
    "definition",
    "match",
    "resource",
    "policy",
    "cluster",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn noise_is_the_same_every_time() {
        assert_eq!(Noise(7).bytes(100), Noise(7).bytes(100));
        assert_ne!(Noise(7).bytes(100), Noise(9).bytes(100));
        assert_eq!((Noise(1).bytes(13).len(), Noise(1).text(1001).len()), (13, 1001));
    }

    #[test]
    fn a_layout_names_what_is_in_it() {
        let directory = tempfile::tempdir().unwrap();
        let mut archive = Archive::new();
        archive.file("a", 0o644, b"content").unwrap();
        let layer = archive.finish().unwrap();
        let size = write_layout(directory.path(), std::iter::once(Ok(layer.clone()))).unwrap();
        let read = |path: &str| -> Value {
            serde_json::from_slice(&fs::read(directory.path().join(path)).unwrap()).unwrap()
        };
        let index = read("index.json");
        let path = |digest: &Value| format!("blobs/{}", digest.as_str().unwrap().replace(':', "/"));
        let manifest = read(&path(&index["manifests"][0]["digest"]));
        let config = read(&path(&manifest["config"]["digest"]));
        assert_eq!(manifest["layers"][0]["size"], size);
        assert_eq!(config["rootfs"]["diff_ids"][0], digest_of(&layer));
    }
}
