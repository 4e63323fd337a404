//! Writing an image into a tar archive that is OCI's layout and `docker save`'s at once, as Docker 25 writes it.

use std::fs::File;
use std::io::{self, Seek as _, SeekFrom, Write};

use landfall_image::Digest;
use serde_json::{Value, json};

/// An archive being written. Blobs come first, what names them last.
pub(super) struct Archive {
    builder: tar::Builder<File>,
}

impl Archive {
    pub(super) fn new(file: File) -> Self {
        Self { builder: tar::Builder::new(file) }
    }

    /// Adds a small file.
    pub(super) fn add(&mut self, name: &str, bytes: &[u8]) -> io::Result<()> {
        self.builder.append_data(&mut header(bytes.len() as u64), name, bytes)
    }

    /// Adds a blob that is at hand.
    pub(super) fn add_blob(&mut self, digest: &Digest, bytes: &[u8]) -> io::Result<()> {
        self.add(&name(digest), bytes)
    }

    /// Adds a blob from a file.
    pub(super) fn add_file(&mut self, digest: &Digest, mut file: File) -> io::Result<()> {
        let size = file.seek(SeekFrom::End(0))?;
        file.rewind()?;
        self.builder.append_data(&mut header(size), name(digest), file)
    }

    /// Writes what is in the archive: for OCI tools the index, for docker a list of images.
    pub(super) fn finish(mut self, index: &Value, docker: &Value) -> io::Result<()> {
        self.add("oci-layout", json!({"imageLayoutVersion": "1.0.0"}).to_string().as_bytes())?;
        self.add("index.json", index.to_string().as_bytes())?;
        self.add("manifest.json", docker.to_string().as_bytes())?;
        let mut file = self.builder.into_inner()?;
        file.flush()?;
        file.sync_all()
    }
}

/// Where a blob is in the archive.
pub(super) fn name(digest: &Digest) -> String {
    format!("blobs/{}/{}", digest.algorithm(), digest.hex())
}

fn header(size: u64) -> tar::Header {
    let mut header = tar::Header::new_gnu();
    header.set_entry_type(tar::EntryType::Regular);
    header.set_mode(0o644);
    header.set_size(size);
    header.set_mtime(0);
    header
}
