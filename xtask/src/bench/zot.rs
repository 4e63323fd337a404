//! zot, built from the Go module proxy, on loopback with a password.

use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result};
use serde_json::{Value, json};

use super::process::{self, Server, free_address};
use super::registry::passwords;

/// The last version under this name. Newer ones are under a host of their own, which not every module proxy serves.
const MODULE: &str = "github.com/project-zot/zot@v1.4.3";

/// A registry that runs until this value is dropped.
pub(super) struct Zot {
    pub(super) address: SocketAddr,
    server: Server,
}

impl Zot {
    /// Starts one on an empty directory; builds it first, unless `cache` has it.
    pub(super) fn start(cache: &Path, directory: &Path) -> Result<Self> {
        let program = program(cache)?;
        let address = free_address()?;
        let configuration = json!({
            "distSpecVersion": "1.0.1-dev",
            "storage": { "rootDirectory": directory.join("registry") },
            "http": {
                "address": address.ip().to_string(),
                "port": address.port().to_string(),
                "auth": { "htpasswd": { "path": passwords(directory)? } },
            },
            "log": { "level": "error" },
        });
        let file = directory.join("zot.json");
        fs::write(&file, configuration.to_string())?;
        let mut command = Command::new(program);
        command.arg("serve").arg(&file);
        let mut server = Server::start("zot", command, &directory.join("zot.log"))?;
        server.wait_listening(address)?;
        Ok(Self { address, server })
    }

    /// Its process id.
    pub(super) fn pid(&self) -> u32 {
        self.server.pid()
    }
}

/// Without its extensions: what a registry is, as docker-registry is.
fn program(cache: &Path) -> Result<PathBuf> {
    let program = cache.join("zot");
    if !program.is_file() {
        eprintln!("building {MODULE} from the Go module proxy: some minutes, once");
        let mut build = Command::new("go");
        build.args(["build", "-buildvcs=false", "-tags", "containers_image_openpgp", "-o"]);
        build.arg(&program).arg("./cmd/zot").current_dir(source()?);
        process::output(build).context("cannot build zot")?;
    }
    Ok(program)
}

/// Its source, in Go's module cache.
fn source() -> Result<PathBuf> {
    let mut download = Command::new("go");
    // Outside of a module: the machine's directory for temporary files is in none.
    download.args(["mod", "download", "-json", MODULE]).current_dir(std::env::temp_dir());
    let told: Value = serde_json::from_str(&process::output(download).context("cannot download zot")?)?;
    let directory =
        told.get("Dir").and_then(Value::as_str).context("`go mod download` names no directory")?;
    Ok(PathBuf::from(directory))
}
