//! The demo's private registry, and the image in it.

use std::net::Ipv4Addr;
use std::path::Path;

use landfall_base::{Sensitive, random};
use landfall_image::{BuiltImage, ClientOptions, Credential, ImageBuilder, Platform, Reference};
use landfall_registry::{BlobStore, MemoryAccess, MemoryCatalog, Permission, Registry};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

use crate::error::CliError;

/// The program of the image, from `demo/hello.c`; empty on architectures it is not written for.
pub(super) static PROGRAM: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/hello"));

const USER: &str = "demo";

/// A registry on loopback that demands a password, with one image.
#[derive(Debug)]
pub(super) struct PrivateRegistry {
    /// `127.0.0.1:PORT/private/hello:1.0`
    pub(super) image: String,
    /// The image's digest.
    pub(super) digest: String,
    pub(super) user: &'static str,
    pub(super) password: Sensitive<String>,
    work: JoinHandle<()>,
}

impl Drop for PrivateRegistry {
    fn drop(&mut self) {
        self.work.abort();
    }
}

impl PrivateRegistry {
    /// Starts the registry and pushes the image.
    pub(super) async fn start(dir: &Path) -> Result<Self, CliError> {
        let password = Sensitive::new(random::alphanumeric(24));
        let access = MemoryAccess::new().user(USER, password.expose(), Permission::Everything);
        let blobs = BlobStore::open(dir).map_err(|error| failed("cannot make a directory", &error))?;
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await;
        let listener = listener.map_err(|error| failed("cannot listen", &error))?;
        let address = listener.local_addr().map_err(|error| failed("cannot listen", &error))?;
        let registry = Registry::new(access, MemoryCatalog::new(), blobs);
        let work = tokio::spawn(async move { registry.serve(listener).await });
        let image = format!("{address}/private/hello:1.0");
        let mut started = Self { image, digest: String::new(), user: USER, password, work };
        started.digest = started.push().await?;
        Ok(started)
    }

    async fn push(&self) -> Result<String, CliError> {
        let client = landfall_image::Client::new(ClientOptions::default());
        let client = client.map_err(|error| failed("cannot set up the client", &error))?;
        let reference: Reference =
            self.image.parse().map_err(|error| failed("cannot name the image", &error))?;
        let credential = Credential::new(self.user, self.password.clone());
        let built = build_image().map_err(|error| failed("cannot build the image", &error))?;
        let pushed = built.push(&client, &reference, Some(&credential)).await;
        pushed.map(|digest| digest.to_string()).map_err(|error| failed("cannot push the image", &error))
    }
}

/// One layer with one file.
fn build_image() -> std::io::Result<BuiltImage> {
    let builder = ImageBuilder::new(&Platform::host()).configure(|run| run.cmd = vec!["/hello".to_owned()]);
    builder.layer([("/hello", 0o755, PROGRAM)])?.build()
}

fn failed(what: &str, error: &dyn std::fmt::Display) -> CliError {
    CliError::new(format!("the demo's private registry {what}: {error}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn the_image_is_there_for_who_knows_the_password() {
        let dir = tempfile::tempdir().unwrap();
        let registry = PrivateRegistry::start(dir.path()).await.unwrap();
        let client = landfall_image::Client::new(ClientOptions::default()).unwrap();
        let reference: Reference = registry.image.parse().unwrap();
        let credential = Credential::new(registry.user, registry.password.clone());
        let platform = Platform::host();
        let resolved = client.resolve(&reference, Some(&credential), &platform).await.unwrap();
        assert_eq!(resolved.digest.to_string(), registry.digest);
        assert!(client.resolve(&reference, None, &platform).await.is_err());
    }
}
