//! Addresses of layers that need no further permission: `GetDownloadUrlForLayer`, and where the data plane sends clients.
//!
//! `http://<registry>/_landfall/layers/<digest>?token=<token>`; the token is the digest and an end, sealed by the vault.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use landfall_base::Timestamp;
use landfall_registry::Digest;
use landfall_vault::Sealed;
use serde::{Deserialize, Serialize};

use crate::pipe::{Failure, Installation};

/// Where layers are, followed by the digest.
pub const LAYERS_PATH: &str = "/_landfall/layers/";

const CONTEXT: [(&str, &str); 1] = [("Purpose", "EcrLayerDownload")];

/// How long an address is good, in seconds.
const LIFETIME: i64 = 3600;

#[derive(Serialize, Deserialize)]
struct Pass {
    digest: Digest,
    expires_at: Timestamp,
}

/// Path and query of a layer's address, good for an hour.
///
/// # Errors
/// The vault's.
pub fn path(installation: &Installation, digest: Digest) -> Result<String, Failure> {
    let pass = Pass { digest, expires_at: installation.clock.now().plus_seconds(LIFETIME) };
    let sealed = installation.vault.seal(&CONTEXT, &serde_json::to_vec(&pass).map_err(Failure::internal)?)?;
    Ok(format!("{LAYERS_PATH}{digest}?token={}", URL_SAFE_NO_PAD.encode(sealed.as_bytes())))
}

/// A layer's address, good for an hour.
///
/// # Errors
/// The vault's.
pub(super) fn url(installation: &Installation, digest: Digest) -> Result<String, Failure> {
    Ok(format!("http://{}{}", installation.registry.address(), path(installation, digest)?))
}

/// Whether a token opens the layer now.
pub fn opens(installation: &Installation, digest: Digest, token: &str) -> bool {
    let open = || {
        let sealed = Sealed::from_bytes(URL_SAFE_NO_PAD.decode(token).ok()?).ok()?;
        let plain = installation.vault.unseal(&CONTEXT, &sealed).ok()?;
        serde_json::from_slice::<Pass>(plain.expose()).ok()
    };
    open().is_some_and(|pass| pass.digest == digest && installation.clock.now() < pass.expires_at)
}
