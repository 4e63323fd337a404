//! Debian's `docker-registry` on loopback, with a password.

use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::json;

use super::process::{self, Server, free_address};

/// Who may pull.
pub(super) const USERNAME: &str = "bench";
/// The password, of a registry that lives for minutes and listens on loopback only.
pub(super) const PASSWORD: &str = "loopback-only";
/// The same as bcrypt keeps it, at the lowest cost, so that the registry's check does not fill the measurement.
const HASH: &str = "$2b$04$benchbenchbenchbenchbe96mreUkminDBwldgaOmUWQKwwohFv2S";

/// A file with the user and the password.
pub(super) fn passwords(directory: &Path) -> Result<PathBuf> {
    let file = directory.join("htpasswd");
    fs::write(&file, format!("{USERNAME}:{HASH}\n"))?;
    Ok(file)
}

/// A registry that runs until this value is dropped.
pub(super) struct Registry {
    address: SocketAddr,
    directory: PathBuf,
    server: Server,
}

impl Registry {
    /// Starts one on an empty directory.
    pub(super) fn start(directory: &Path) -> Result<Self> {
        let address = free_address()?;
        let passwords = passwords(directory)?;
        // JSON is YAML.
        let configuration = json!({
            "version": "0.1",
            "log": { "level": "error", "accesslog": { "disabled": true } },
            "storage": { "filesystem": { "rootdirectory": directory.join("registry") } },
            "http": { "addr": address.to_string(), "secret": "bench" },
            "auth": { "htpasswd": { "realm": "bench", "path": passwords } },
        });
        let file = directory.join("registry.yml");
        fs::write(&file, configuration.to_string())?;
        let mut command = Command::new("docker-registry");
        command.arg("serve").arg(&file);
        let mut server = Server::start("docker-registry", command, &directory.join("registry.log"))?;
        server.wait_listening(address)?;
        let registry = Self { address, directory: directory.to_owned(), server };
        registry.write_credentials()?;
        Ok(registry)
    }

    /// Where it listens.
    pub(super) fn address(&self) -> SocketAddr {
        self.address
    }

    /// Its process id.
    pub(super) fn pid(&self) -> u32 {
        self.server.pid()
    }

    /// The name of an image here.
    pub(super) fn reference(&self, repository: &str) -> String {
        format!("{}/{repository}:latest", self.address)
    }

    /// A file with the credential, as `docker login` writes it.
    pub(super) fn credentials(&self) -> PathBuf {
        self.directory.join("docker/config.json")
    }

    fn write_credentials(&self) -> Result<()> {
        let auth = json!({ "username": USERNAME, "password": PASSWORD, "auth": STANDARD.encode(format!("{USERNAME}:{PASSWORD}")) });
        let text = json!({ "auths": { self.address.to_string(): auth } }).to_string();
        crate::files::write(&self.credentials(), &text)
    }

    /// Pushes an image layout.
    pub(super) fn push(&self, layout: &Path, repository: &str) -> Result<()> {
        let mut command = Command::new("skopeo");
        command.args(["--insecure-policy", "copy", "--dest-tls-verify=false", "--dest-authfile"]);
        command.arg(self.credentials()).arg(format!("oci:{}", layout.display()));
        command.arg(format!("docker://{}", self.reference(repository)));
        process::output(command).context("cannot push with skopeo")?;
        Ok(())
    }
}
