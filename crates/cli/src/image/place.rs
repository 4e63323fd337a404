//! What a name of an image means, and who is asking for it.

use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use landfall_api::sts::{GetCallerIdentity, GetCallerIdentityRequest};
use landfall_image::{Credential, PullError, Reference};
use landfall_services::ecs::image_host::EcrImage;
use serde_json::Value;

use crate::client::{Client, ConnectArgs};
use crate::ecr::login;
use crate::error::CliError;

/// Reads names.
pub(super) struct Places {
    client: Client,
    account: Option<String>,
    token: Option<Credential>,
}

/// An image's place in a registry, and with what it is asked for.
#[derive(Debug, Clone)]
pub(super) struct Place {
    pub(super) reference: Reference,
    pub(super) credential: Option<Credential>,
}

impl Places {
    pub(super) fn new(connect: &ConnectArgs) -> Result<Self, CliError> {
        Ok(Self { client: Client::connect(connect)?, account: None, token: None })
    }

    /// What a name means.
    pub(super) async fn find(&mut self, name: &str) -> Result<Place, CliError> {
        if let Some(image) = EcrImage::parse(name) {
            let EcrImage { account, region, repository, .. } = &image;
            let rest = match &image.digest {
                Some(digest) => format!("@{digest}"),
                None => format!(":{}", image.reference()),
            };
            return self.own(&format!("{account}/{region}/{repository}{rest}")).await;
        }
        let Some(first) = host(name) else {
            let account = self.account().await?;
            return self.own(&format!("{account}/{}/{name}", self.client.region().to_owned())).await;
        };
        let here = self.client.authority().to_owned();
        let port = here.rsplit_once(':').map(|(_, port)| format!("localhost:{port}"));
        if first.eq_ignore_ascii_case(&here) || port.is_some_and(|port| first.eq_ignore_ascii_case(&port)) {
            let (_, path) = name.split_once('/').unwrap_or_default();
            return self.own(path).await;
        }
        let reference = parse(name)?;
        let credential = stored(reference.registry());
        Ok(Place { reference, credential })
    }

    /// A place in the server's own registries.
    async fn own(&mut self, path: &str) -> Result<Place, CliError> {
        let reference = parse(&format!("{}/{path}", self.client.authority()))?;
        if self.token.is_none() {
            let login = login::token(&self.client, None).await?;
            self.token = Some(Credential::new(login.username, login.password));
        }
        Ok(Place { reference, credential: self.token.clone() })
    }

    async fn account(&mut self) -> Result<String, CliError> {
        if self.account.is_none() {
            let identity = self.client.call::<GetCallerIdentity>(GetCallerIdentityRequest {}).await?;
            self.account = identity.account;
        }
        Ok(self.account.clone().unwrap_or_default())
    }
}

/// The registry that a name begins with, as docker tells it from the first part of a repository's name.
pub(super) fn host(name: &str) -> Option<&str> {
    let (first, _) = name.split_once('/')?;
    (first.contains(['.', ':']) || first.eq_ignore_ascii_case("localhost")).then_some(first)
}

fn parse(name: &str) -> Result<Reference, CliError> {
    name.parse().map_err(|error| CliError::new(format!("`{name}`: {}", PullError::from(error))))
}

/// What docker or podman was given for a registry, if it is in one of their files in plain sight.
fn stored(registry: &str) -> Option<Credential> {
    files().iter().find_map(|path| credential_in(path, registry))
}

fn files() -> Vec<PathBuf> {
    let dir = |name: &str| std::env::var_os(name).map(PathBuf::from);
    let home = dir("HOME");
    let below = |base: Option<PathBuf>, rest: &str| base.map(|base| base.join(rest));
    let all = [
        dir("REGISTRY_AUTH_FILE"),
        below(dir("DOCKER_CONFIG"), "config.json"),
        below(dir("XDG_RUNTIME_DIR"), "containers/auth.json"),
        below(home.clone(), ".config/containers/auth.json"),
        below(home, ".docker/config.json"),
    ];
    all.into_iter().flatten().collect()
}

fn credential_in(path: &Path, registry: &str) -> Option<Credential> {
    let document: Value = serde_json::from_str(&std::fs::read_to_string(path).ok()?).ok()?;
    let hub = (registry == "docker.io").then_some("https://index.docker.io/v1/");
    let auths = document.get("auths")?;
    let entry = [Some(registry), hub].into_iter().flatten().find_map(|name| auths.get(name))?;
    let plain = String::from_utf8(STANDARD.decode(entry["auth"].as_str()?).ok()?).ok()?;
    let (username, password) = plain.split_once(':')?;
    Some(Credential::new(username, password.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn logins_of_other_tools_are_found() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("auth.json");
        let auth = STANDARD.encode("bob:pass:word");
        std::fs::write(&path, format!(r#"{{"auths": {{"r.example:5000": {{"auth": "{auth}"}}}}}}"#)).unwrap();
        let found = credential_in(&path, "r.example:5000").unwrap();
        assert_eq!((found.username.as_str(), found.password.expose().as_str()), ("bob", "pass:word"));
        assert!(credential_in(&path, "r.example").is_none());
        assert!(credential_in(&dir.path().join("none"), "r.example").is_none());
    }
}
