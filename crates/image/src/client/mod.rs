//! The client: how it is set up, and what belongs to all its requests.

mod blob;
mod challenge;
mod failure;
mod nearby;
mod proxy;
mod push;
mod redirect;
mod resolve;
mod session;
mod token;
mod transfer;
mod transport;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

pub use nearby::{BlobBytes, Nearby, NearbyBlob};
pub use resolve::Resolved;
pub(crate) use session::{Call, Session};
pub use transfer::{BlobDownload, BlobUpload, RawManifest};

use crate::{Credential, PullError, Reference};

/// How a [`Client`] behaves. The defaults suit registries on the internet.
#[derive(Debug, Clone)]
pub struct ClientOptions {
    /// Registries (`host` or `host:port`) that speak plain HTTP. `localhost`, `127.0.0.0/8` and `[::1]` do too,
    /// unless listed in `tls_registries`.
    pub insecure_registries: Vec<String>,
    /// Registries (`host` or `host:port`) that speak TLS although they are on loopback.
    pub tls_registries: Vec<String>,
    /// Certificate authorities (PEM) to trust besides the system's.
    pub extra_roots: Vec<Vec<u8>>,
    /// Longest wait for a TCP and TLS connection.
    pub connect_timeout: Duration,
    /// Longest wait for the next byte.
    pub inactivity_timeout: Duration,
    /// Longest wait for a manifest, token and retries included. The ECS agent's is one minute.
    pub manifest_timeout: Duration,
    /// Further tries after a 5xx answer, a 429 answer or a broken connection.
    pub retries: u32,
    /// Wait before the first further try; doubles each time, up to 5 s.
    pub backoff: Duration,
    /// Longest `Retry-After` that is waited for; a longer one is reported at once.
    pub max_retry_after: Duration,
    /// Largest manifest or index, in bytes.
    pub max_manifest_bytes: usize,
    /// Largest image config, in bytes.
    pub max_config_bytes: usize,
    /// What the client calls itself.
    pub user_agent: String,
    /// Who knows blobs on this machine, if anybody does.
    pub nearby: Option<Arc<dyn Nearby>>,
}

impl Default for ClientOptions {
    fn default() -> Self {
        Self {
            insecure_registries: Vec::new(),
            tls_registries: Vec::new(),
            extra_roots: Vec::new(),
            connect_timeout: Duration::from_secs(10),
            inactivity_timeout: Duration::from_secs(60),
            manifest_timeout: Duration::from_secs(60),
            retries: 3,
            backoff: Duration::from_millis(250),
            max_retry_after: Duration::from_secs(30),
            max_manifest_bytes: 4 << 20,
            max_config_bytes: 8 << 20,
            user_agent: concat!("landfall/", env!("CARGO_PKG_VERSION")).to_owned(),
            nearby: None,
        }
    }
}

/// Speaks to registries. Cheap to share behind a reference; holds connections and tokens, never a credential.
pub struct Client {
    options: ClientOptions,
    transport: transport::Transport,
    tokens: token::TokenCache,
}

impl Client {
    /// Sets up a client.
    ///
    /// # Errors
    /// If an extra certificate authority cannot be read, or the system's cannot be loaded.
    pub fn new(options: ClientOptions) -> Result<Self, PullError> {
        let transport = transport::Transport::new(&options)?;
        Ok(Self { options, transport, tokens: token::TokenCache::default() })
    }

    /// The options it was made with.
    pub fn options(&self) -> &ClientOptions {
        &self.options
    }

    pub(crate) fn pull_session<'a>(
        &'a self,
        reference: &'a Reference,
        credential: Option<&'a Credential>,
    ) -> Session<'a> {
        Session { client: self, reference, credential, actions: "pull" }
    }

    pub(crate) fn push_session<'a>(
        &'a self,
        reference: &'a Reference,
        credential: Option<&'a Credential>,
    ) -> Session<'a> {
        Session { client: self, reference, credential, actions: "pull,push" }
    }
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client").field("options", &self.options).finish_non_exhaustive()
    }
}
