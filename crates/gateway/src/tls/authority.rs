//! The installation's own certificate authority: made at the first start, trusted by whoever takes its certificate.

use std::fs;
use std::io::{self, Write as _};
use std::net::IpAddr;
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use landfall_base::Timestamp;
use landfall_vault::{Sealed, Vault, VaultError};
use rcgen::{
    BasicConstraints, CertificateParams, DistinguishedName, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer,
    KeyPair, KeyUsagePurpose, SanType,
};
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};
use time::{Duration, OffsetDateTime};

/// The certificate that clients are told to trust, in PEM.
const CERTIFICATE: &str = "ca.pem";
/// The key, sealed by the vault.
const KEY: &str = "ca.key.sealed";
/// What the key is bound to when sealed.
const CONTEXT: [(&str, &str); 1] = [("Purpose", "CertificateAuthority")];

/// How long a certificate of a name is valid, beginning a day ago for clocks that are late.
const LEAF_DAYS: i64 = 60;

/// Why there is no authority, or no certificate.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// The directory cannot be used.
    #[error("`{0}`: {1}")]
    Io(PathBuf, io::Error),
    /// The key cannot be sealed, or was not sealed by this installation.
    #[error("the certificate authority's key cannot be opened: {0}")]
    Vault(#[from] VaultError),
    /// The key is not a key, or a name cannot stand in a certificate.
    #[error("a certificate cannot be made: {0}")]
    Certificate(#[from] rcgen::Error),
    /// The TLS library does not take what was made.
    #[error("TLS cannot be set up: {0}")]
    Rustls(#[from] rustls::Error),
}

/// Whom a certificate is for.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) enum Subject {
    /// A host name.
    Name(String),
    /// The address that a client connected to.
    Address(IpAddr),
}

/// A certificate with its key.
pub(super) struct Leaf {
    pub(super) certificate: CertificateDer<'static>,
    pub(super) key: PrivateKeyDer<'static>,
}

/// Signs certificates.
pub(super) struct Authority {
    issuer: Issuer<'static, KeyPair>,
    certificate: PathBuf,
}

impl Authority {
    /// Opens the authority in `dir`, or makes it.
    pub(super) fn open(dir: &Path, vault: &Vault) -> Result<Self, TlsError> {
        let failed = |path: &Path| {
            let path = path.to_owned();
            move |error| TlsError::Io(path, error)
        };
        fs::DirBuilder::new().recursive(true).mode(0o700).create(dir).map_err(failed(dir))?;
        let (key_path, certificate) = (dir.join(KEY), dir.join(CERTIFICATE));
        let key = match fs::read(&key_path) {
            Ok(sealed) => {
                let plain = vault.unseal(&CONTEXT, &Sealed::from_bytes(sealed)?)?;
                KeyPair::try_from(plain.expose().as_slice())?
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                let key = KeyPair::generate()?;
                let sealed = vault.seal(&CONTEXT, key.serialized_der())?;
                write(&key_path, sealed.as_bytes(), 0o600).map_err(failed(&key_path))?;
                key
            }
            Err(error) => return Err(TlsError::Io(key_path, error)),
        };
        let params = authority_params();
        if !certificate.exists() {
            let pem = params.self_signed(&key)?.pem();
            write(&certificate, pem.as_bytes(), 0o600).map_err(failed(&certificate))?;
        }
        Ok(Self { issuer: Issuer::new(params, key), certificate })
    }

    /// Where the certificate is that clients should trust.
    pub(super) fn certificate(&self) -> &Path {
        &self.certificate
    }

    /// A certificate for `subject`.
    pub(super) fn issue(&self, subject: &Subject, now: Timestamp) -> Result<Leaf, TlsError> {
        let mut params = CertificateParams::default();
        params.subject_alt_names = vec![match subject {
            Subject::Name(name) => SanType::DnsName(name.clone().try_into()?),
            Subject::Address(address) => SanType::IpAddress(*address),
        }];
        params.distinguished_name = DistinguishedName::new();
        let now =
            OffsetDateTime::from_unix_timestamp(now.millis() / 1000).unwrap_or(OffsetDateTime::UNIX_EPOCH);
        params.not_before = now - Duration::days(1);
        params.not_after = now + Duration::days(LEAF_DAYS);
        params.use_authority_key_identifier_extension = true;
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        let key = KeyPair::generate()?;
        let certificate = params.signed_by(&key, &self.issuer)?.der().clone();
        let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der()));
        Ok(Leaf { certificate, key })
    }
}

/// The same every time, so that the key alone has to be kept.
fn authority_params() -> CertificateParams {
    let mut params = CertificateParams::default();
    let mut name = DistinguishedName::new();
    name.push(DnType::CommonName, "Landfall local certificate authority");
    params.distinguished_name = name;
    params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    params.not_before = rcgen::date_time_ymd(2026, 1, 1);
    params.not_after = rcgen::date_time_ymd(2046, 1, 1);
    params
}

/// Writes a file that is there wholly or not at all.
fn write(path: &Path, content: &[u8], mode: u32) -> io::Result<()> {
    let draft = path.with_extension("new");
    let mut file = fs::File::options().create(true).truncate(true).write(true).mode(mode).open(&draft)?;
    file.write_all(content)?;
    file.sync_all()?;
    fs::rename(draft, path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_authority_stays_the_same_and_its_key_is_sealed() {
        let dir = tempfile::tempdir().unwrap();
        let vault = Vault::open(&dir.path().join("vault")).unwrap();
        let tls = dir.path().join("tls");
        let first = Authority::open(&tls, &vault).unwrap();
        let pem = fs::read(first.certificate()).unwrap();
        assert!(pem.starts_with(b"-----BEGIN CERTIFICATE-----"));
        let again = Authority::open(&tls, &vault).unwrap();
        assert_eq!(fs::read(again.certificate()).unwrap(), pem);
        let plain = again.issuer.key().serialized_der();
        let kept = fs::read(tls.join(KEY)).unwrap();
        assert!(!kept.windows(32).any(|part| part == &plain[plain.len() - 32..]));
        let other = Vault::open(&dir.path().join("other")).unwrap();
        assert!(matches!(Authority::open(&tls, &other), Err(TlsError::Vault(_))));
    }
}
