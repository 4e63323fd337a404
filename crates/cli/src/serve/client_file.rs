//! `client.json`: how the commands of the same user find the server and its administrator.

use std::fs::{self, File, OpenOptions};
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use serde::{Deserialize, Serialize};

/// Where the server keeps its certificate authority, below the data directory.
pub(super) const TLS_DIR: &str = "tls";

/// The certificate that clients should trust who speak TLS to the server of a data directory.
pub fn ca_certificate(data_dir: &Path) -> PathBuf {
    data_dir.join(TLS_DIR).join("ca.pem")
}

/// What the file holds.
#[derive(Clone, Serialize, Deserialize)]
pub struct ClientFile {
    /// `http://127.0.0.1:4566`
    pub endpoint: String,
    /// Region for clients that name none.
    pub region: String,
    /// The administrator's account.
    pub account: String,
    /// The administrator's access key.
    pub access_key_id: String,
    /// Its secret.
    pub secret_access_key: String,
}

impl std::fmt::Debug for ClientFile {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ClientFile").field("endpoint", &self.endpoint).finish_non_exhaustive()
    }
}

fn path(data_dir: &Path) -> PathBuf {
    data_dir.join("client.json")
}

/// Reads the file of a data directory.
///
/// # Errors
/// No server has used the directory, or the file is damaged.
pub fn read(data_dir: &Path) -> Result<ClientFile> {
    let path = path(data_dir);
    let text = fs::read_to_string(&path).with_context(|| {
        format!(
            "no server has used the data directory `{}`: start one with `landfall serve`",
            data_dir.display()
        )
    })?;
    serde_json::from_str(&text)
        .with_context(|| format!("`{}` is damaged: remove it and start the server", path.display()))
}

/// Writes the file, readable by its owner alone, as a whole or not at all. One that says the same stays, so that a server
/// starts again on a disk that is full.
pub(super) fn write(data_dir: &Path, file: &ClientFile) -> Result<()> {
    let (path, draft) = (path(data_dir), data_dir.join("client.json.new"));
    let put = || -> std::io::Result<()> {
        let text = serde_json::to_vec_pretty(file)?;
        if fs::read(&path).is_ok_and(|there| there == text) {
            return Ok(());
        }
        let mut out: File =
            OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&draft)?;
        out.write_all(&text)?;
        out.sync_all()?;
        fs::rename(&draft, &path)
    };
    put().with_context(|| format!("cannot write `{}`", path.display()))
}
