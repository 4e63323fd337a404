//! Short-lived addresses of layers, as `GetDownloadUrlForLayer` gives them: whoever has one may read one blob for a while,
//! without a token and without being asked again. Nothing is stored: the address says what it is good for, sealed. The key that
//! the repository is under has to be usable all the while.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use landfall_base::Timestamp;
use landfall_registry::Digest;
use landfall_vault::Sealed;
use serde::{Deserialize, Serialize};

use super::record::RepositoryKey;
use super::{registry, settings};
use crate::pipe::{Failure, Installation};

/// Paths of layers begin so; the sealed rest follows.
pub const LAYER_PATH: &str = "/_landfall/layers/";

/// A request for a layer that has this header is answered with the layer's address instead of its bytes: for the node of
/// this machine, which reads them where they lie.
pub const ADDRESS_HEADER: &str = "landfall-layer-address";

/// How long an address is good for, in seconds.
const LIFETIME: i64 = 3600;

/// What addresses are bound to when sealed.
const CONTEXT: [(&str, &str); 1] = [("Purpose", "EcrLayerAddress")];

/// What an address is good for.
#[derive(Serialize, Deserialize)]
struct Address {
    digest: Digest,
    expires_at: Timestamp,
    /// The key that the repository is under.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    key: Option<String>,
}

/// Why an address leads nowhere.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AddressError {
    /// It was not made here, or it was changed.
    Invalid,
    /// Its hour is over.
    Expired,
    /// The repository's key cannot be used: KMS's code and sentence.
    Key(&'static str, String),
    /// The server's own fault.
    Internal(String),
}

/// An address at which this layer of a repository can be read for an hour. Whether the caller may have it has been asked.
///
/// # Errors
/// It cannot be sealed, or a row cannot be read.
pub fn layer_address(
    installation: &Installation,
    repository: &RepositoryKey,
    digest: Digest,
) -> Result<String, Failure> {
    Ok(format!("http://{}{}", installation.registry.address(), layer_path(installation, repository, digest)?))
}

/// The address for who talks to this server already, by whatever name.
///
/// # Errors
/// It cannot be sealed, or a row cannot be read.
pub fn layer_path(
    installation: &Installation,
    repository: &RepositoryKey,
    digest: Digest,
) -> Result<String, Failure> {
    let expires_at = installation.clock.now().plus_seconds(LIFETIME);
    let row = registry::find_repository(&installation.store.view(), repository)?;
    let key = row.and_then(|row| row.encryption.key.clone());
    let plain = serde_json::to_vec(&Address { digest, expires_at, key }).map_err(Failure::internal)?;
    let sealed = installation.vault.seal(&CONTEXT, &plain)?;
    Ok(format!("{LAYER_PATH}{}", URL_SAFE_NO_PAD.encode(sealed.as_bytes())))
}

/// The layer that the sealed part of an address is good for.
///
/// # Errors
/// See [`AddressError`].
pub fn addressed_layer(installation: &Installation, token: &str) -> Result<Digest, AddressError> {
    let open = || {
        let sealed = Sealed::from_bytes(URL_SAFE_NO_PAD.decode(token).ok()?).ok()?;
        let plain = installation.vault.unseal(&CONTEXT, &sealed).ok()?;
        serde_json::from_slice::<Address>(plain.expose()).ok()
    };
    let address = open().ok_or(AddressError::Invalid)?;
    if address.expires_at <= installation.clock.now() {
        return Err(AddressError::Expired);
    }
    let usable = address.key.map_or(Ok(()), |key| settings::usable(&installation.store.view(), &key));
    match usable {
        Ok(()) => Ok(address.digest),
        Err(Failure::Service(error)) => Err(AddressError::Key(error.code, error.message)),
        Err(internal) => Err(AddressError::Internal(internal.to_string())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{TestInstallation, account, region};

    #[test]
    fn an_address_is_good_for_one_layer_and_an_hour() {
        let test = TestInstallation::new(crate::TABLES);
        let installation = test.call.installation();
        let digest = Digest::of(b"layer");
        let repository = (account(), region(), "app".to_owned());
        let address = layer_address(installation, &repository, digest).unwrap();
        let token = address.split(LAYER_PATH).nth(1).unwrap();
        assert_eq!(addressed_layer(installation, token), Ok(digest));
        for bad in ["", "x", &token[1..], &format!("{token}A"), "../../etc/passwd"] {
            assert_eq!(addressed_layer(installation, bad), Err(AddressError::Invalid), "{bad}");
        }
        test.clock.advance_seconds(LIFETIME);
        assert_eq!(addressed_layer(installation, token), Err(AddressError::Expired));
    }
}
