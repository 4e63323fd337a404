//! The registries.

use std::collections::HashMap;
use std::net::SocketAddr;

use anyhow::{Context as _, Result};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use super::Cargo;
use crate::bench::Bench;
use crate::bench::aws::{Account, ECR, REGION, text};
use crate::bench::landfall::Landfall;
use crate::bench::registry::{PASSWORD, Registry, USERNAME};
use crate::bench::zot::Zot;

/// A running registry, and what a client needs to be let in.
pub(super) struct Party {
    pub(super) address: SocketAddr,
    pub(super) authorization: String,
    /// Registry ids of Landfall's repositories.
    made: HashMap<String, String>,
    running: Running,
}

enum Running {
    Landfall(Box<Landfall>),
    DockerRegistry(Registry),
    Zot(Zot),
}

impl Party {
    pub(super) fn pid(&self) -> u32 {
        match &self.running {
            Running::Landfall(landfall) => landfall.server.pid(),
            Running::DockerRegistry(registry) => registry.pid(),
            Running::Zot(zot) => zot.pid(),
        }
    }

    /// The repository of a repetition: made at the push, found at the pull.
    pub(super) fn repository(&mut self, cargo: Cargo, repetition: usize) -> Result<String> {
        let name = format!("bench/{}-{repetition}", format!("{cargo:?}").to_lowercase());
        let Running::Landfall(landfall) = &mut self.running else { return Ok(name) };
        let registry_id = match self.made.get(&name) {
            Some(registry_id) => registry_id.clone(),
            None => {
                let made =
                    landfall.admin.json(ECR, "CreateRepository", &json!({ "repositoryName": name }))?;
                text(&made, "/repository/registryId")?.to_owned()
            }
        };
        self.made.insert(name.clone(), registry_id.clone());
        Ok(format!("{registry_id}/{REGION}/{name}"))
    }
}

/// Landfall with a user whom an inline policy allows to push and pull: each request is decided by IAM and noted in the audit log.
pub(super) fn landfall(bench: &Bench) -> Result<Party> {
    let mut landfall = Landfall::start(&bench.landfall, &bench.directory("traffic-landfall")?)?;
    let actions = [
        "ecr:GetAuthorizationToken",
        "ecr:BatchCheckLayerAvailability",
        "ecr:InitiateLayerUpload",
        "ecr:UploadLayerPart",
        "ecr:CompleteLayerUpload",
        "ecr:PutImage",
        "ecr:BatchGetImage",
        "ecr:GetDownloadUrlForLayer",
    ];
    let keys = landfall.user("bench", &actions)?;
    let address = landfall.address();
    let login: Value = Account::new(address, keys)?.json(ECR, "GetAuthorizationToken", &json!({}))?;
    let token = text(&login, "/authorizationData/0/authorizationToken")?;
    Ok(Party {
        address,
        authorization: format!("Basic {token}"),
        made: HashMap::new(),
        running: Running::Landfall(Box::new(landfall)),
    })
}

/// Debian's docker-registry with a password, its blobs on the same disk.
pub(super) fn docker_registry(bench: &Bench) -> Result<Party> {
    let registry =
        Registry::start(&bench.directory("traffic-registry")?).context("cannot start docker-registry")?;
    Ok(with_password(registry.address(), Running::DockerRegistry(registry)))
}

/// zot likewise.
pub(super) fn zot(bench: &Bench) -> Result<Party> {
    let zot = Zot::start(&bench.cache, &bench.directory("traffic-zot")?).context("cannot start zot")?;
    Ok(with_password(zot.address, Running::Zot(zot)))
}

fn with_password(address: SocketAddr, running: Running) -> Party {
    let token = STANDARD.encode(format!("{USERNAME}:{PASSWORD}"));
    Party { address, authorization: format!("Basic {token}"), made: HashMap::new(), running }
}
