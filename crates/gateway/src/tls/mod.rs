//! TLS on the same port as plain HTTP: which of the two a client speaks is told by its first byte.
//!
//! Every name has a certificate of its own, made when somebody first asks for it, by an authority that belongs to the
//! installation alone ([`authority`]). Names that are nobody's here get none.

mod authority;

use std::collections::HashMap;
use std::io;
use std::net::IpAddr;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use landfall_base::{Clock, Timestamp};
use landfall_vault::Vault;
use rustls::ServerConfig;
use tokio::net::TcpStream;
use tokio_rustls::LazyConfigAcceptor;
use tokio_rustls::server::TlsStream;

pub use authority::TlsError;
use authority::{Authority, Subject};

/// The first byte of a TLS connection: a handshake record (RFC 8446 §5.1).
const HANDSHAKE: u8 = 22;
/// How long a client may take for the handshake.
const PATIENCE: Duration = Duration::from_secs(10);
/// A certificate is made anew after this many seconds; it is valid for twice as long.
const RENEW_AFTER: i64 = 30 * 86_400;
/// Names that are kept.
const KEPT: usize = 4096;

/// Marks requests that came over TLS.
#[derive(Debug, Clone, Copy)]
pub struct Secure;

type Known = dyn Fn(&str) -> bool + Send + Sync;

/// Certificates for the names of an installation.
pub struct Tls {
    authority: Authority,
    clock: Arc<dyn Clock>,
    known: Box<Known>,
    kept: Mutex<HashMap<Subject, Kept>>,
}

#[derive(Clone)]
struct Kept {
    made: Timestamp,
    config: Arc<ServerConfig>,
}

impl std::fmt::Debug for Tls {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Tls").field("certificate", &self.certificate()).finish_non_exhaustive()
    }
}

impl Tls {
    /// Opens the authority in `dir`, or makes it. `known` tells which host names (in lower case) may have a certificate.
    ///
    /// # Errors
    /// See [`TlsError`].
    pub fn open(
        dir: &Path,
        vault: &Vault,
        clock: Arc<dyn Clock>,
        known: impl Fn(&str) -> bool + Send + Sync + 'static,
    ) -> Result<Self, TlsError> {
        let authority = Authority::open(dir, vault)?;
        Ok(Self { authority, clock, known: Box::new(known), kept: Mutex::default() })
    }

    /// Where the certificate is that clients should trust, in PEM.
    pub fn certificate(&self) -> &Path {
        self.authority.certificate()
    }

    /// Makes a connection secure.
    pub(crate) async fn accept(&self, stream: TcpStream) -> io::Result<TlsStream<TcpStream>> {
        let local = stream.local_addr()?.ip().to_canonical();
        let handshake = async {
            let start = LazyConfigAcceptor::new(rustls::server::Acceptor::default(), stream).await?;
            let name = start.client_hello().server_name().map(str::to_ascii_lowercase);
            start.into_stream(self.config(name, local)?).await
        };
        tokio::time::timeout(PATIENCE, handshake).await?
    }

    fn config(&self, name: Option<String>, local: IpAddr) -> io::Result<Arc<ServerConfig>> {
        let subject = match name {
            None => Subject::Address(local),
            Some(name) if (self.known)(&name) => Subject::Name(name),
            Some(name) => return Err(io::Error::other(format!("there is no `{name}` here"))),
        };
        let now = self.clock.now();
        if let Some(kept) = self.lock().get(&subject).filter(|kept| now < kept.made.plus_seconds(RENEW_AFTER))
        {
            return Ok(Arc::clone(&kept.config));
        }
        let config = self.make(&subject, now).map_err(io::Error::other)?;
        let mut kept = self.lock();
        if kept.len() >= KEPT {
            kept.clear();
        }
        kept.insert(subject, Kept { made: now, config: Arc::clone(&config) });
        Ok(config)
    }

    fn make(&self, subject: &Subject, now: Timestamp) -> Result<Arc<ServerConfig>, TlsError> {
        let leaf = self.authority.issue(subject, now)?;
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let builder = ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions()?;
        let mut config = builder.with_no_client_auth().with_single_cert(vec![leaf.certificate], leaf.key)?;
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        Ok(Arc::new(config))
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<Subject, Kept>> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Whether a client begins a TLS handshake. Waits for its first byte.
pub(crate) async fn is_handshake(stream: &TcpStream) -> io::Result<bool> {
    let mut first = [0];
    Ok(stream.peek(&mut first).await? == 1 && first[0] == HANDSHAKE)
}
