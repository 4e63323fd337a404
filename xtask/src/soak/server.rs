//! The server that is killed.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context as _, Result};
use serde_json::json;

use crate::bench::aws::{Account, ECR, text};
use crate::bench::http::Client;
use crate::bench::landfall::{HEALTH, administrator, serve};
use crate::bench::process::{Server, free_address};

/// How long layers stay that no image names, in seconds: collections follow each other as quickly.
pub(super) const UNUSED_LAYERS_FOR: u64 = 5;

/// A server on a data directory of its own.
pub(super) struct Victim {
    program: PathBuf,
    directory: PathBuf,
    pub(super) address: SocketAddr,
    server: Option<Server>,
    /// Starts so far.
    starts: usize,
}

impl Victim {
    pub(super) fn start(program: &Path, directory: &Path) -> Result<Self> {
        let mut victim = Self {
            program: program.to_owned(),
            directory: directory.to_owned(),
            address: free_address()?,
            server: None,
            starts: 0,
        };
        victim.revive()?;
        Ok(victim)
    }

    /// Starts it on what is there, and waits until it answers.
    pub(super) fn revive(&mut self) -> Result<()> {
        let mut command = serve(&self.program, &self.data(), self.address);
        command.args(["--unused-layers-for", &UNUSED_LAYERS_FOR.to_string()]);
        self.starts += 1;
        let log = self.directory.join(format!("log.{}", self.starts % 4));
        let mut server = Server::start("landfall serve", command, &log)?;
        let mut health = Client::new(self.address)?;
        server.wait(Duration::from_millis(5), || health.is_well(HEALTH))?;
        self.server = Some(server);
        Ok(())
    }

    /// `kill -9`
    pub(super) fn kill(&mut self) {
        if let Some(server) = self.server.take() {
            server.kill();
        }
    }

    fn data(&self) -> PathBuf {
        self.directory.join("data")
    }

    /// Where the registry keeps its blobs.
    pub(super) fn blobs(&self) -> PathBuf {
        self.data().join("registry/blobs/sha256")
    }

    /// Where the registry keeps what has not been checked yet.
    pub(super) fn uploads(&self) -> PathBuf {
        self.data().join("registry/uploads")
    }

    /// Calls of the administrator.
    pub(super) fn admin(&self) -> Result<Account> {
        Account::new(self.address, administrator(&self.program, &self.data())?)
    }
}

/// A token for the registry.
pub(super) fn token(admin: &mut Account) -> Result<String> {
    let answer = admin.json(ECR, "GetAuthorizationToken", &json!({}))?;
    Ok(text(&answer, "/authorizationData/0/authorizationToken")?.to_owned())
}

/// Lets blobs be mounted, which ECR does not do by itself.
pub(super) fn allow_mounts(admin: &mut Account) -> Result<()> {
    let setting = json!({ "name": "BLOB_MOUNTING", "value": "ENABLED" });
    admin.json(ECR, "PutAccountSetting", &setting).map(drop)
}

/// Removes a repository with all that is in it.
pub(super) fn remove_repository(admin: &mut Account, name: &str) -> Result<()> {
    admin.json(ECR, "DeleteRepository", &json!({ "repositoryName": name, "force": true })).map(drop)
}

/// Makes a repository; the path that it has in the registry.
pub(super) fn repository(admin: &mut Account, name: &str) -> Result<String> {
    let answer = admin.json(ECR, "CreateRepository", &json!({ "repositoryName": name }))?;
    let uri = text(&answer, "/repository/repositoryUri")?;
    let (_, path) = uri.split_once('/').with_context(|| format!("`{uri}` names no repository"))?;
    Ok(path.to_owned())
}
