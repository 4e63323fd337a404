//! The client's side: adds a signature to a request.

use aws_lc_rs::hmac;
use http::{HeaderMap, HeaderName, HeaderValue, header};
use landfall_base::{Sensitive, Timestamp};

use super::{ALGORITHM, RequestParts, TERMINATOR, canonical, key, sha256_hex, signs_raw_path};

/// What signs.
#[derive(Debug, Clone)]
pub struct Credentials {
    /// `AKIA…` or `ASIA…`
    pub access_key_id: String,
    /// Its secret.
    pub secret_access_key: Sensitive<String>,
    /// Of temporary credentials.
    pub session_token: Option<Sensitive<String>>,
}

/// A request that cannot be signed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SignError {
    /// No `host` header.
    #[error("the request has no `host` header: set it before signing")]
    NoHost,
    /// A credential with characters that a header cannot carry.
    #[error("`{0}` cannot be sent: the credential holds characters that no header may have")]
    Unprintable(&'static str),
}

/// Proxies and clients change these on the way.
const UNSIGNED: [HeaderName; 7] = [
    header::AUTHORIZATION,
    header::USER_AGENT,
    header::EXPECT,
    header::CONNECTION,
    header::CONTENT_LENGTH,
    header::TRANSFER_ENCODING,
    HeaderName::from_static("x-amzn-trace-id"),
];

/// Adds `x-amz-date`, `x-amz-security-token` where there is one, `x-amz-content-sha256` for S3, and `authorization`.
/// Every header that is there by then is signed, except those that change on the way.
///
/// # Errors
/// There is no `host`, or a credential cannot stand in a header.
#[expect(
    clippy::too_many_arguments,
    reason = "the parts of a request, which every HTTP client names differently"
)]
pub fn sign(
    credentials: &Credentials,
    region: &str,
    service: &str,
    method: &str,
    path: &str,
    query: &str,
    headers: &mut HeaderMap,
    body: &[u8],
    now: Timestamp,
) -> Result<(), SignError> {
    let timestamp = now.sigv4();
    let date = timestamp.get(..8).unwrap_or_default();
    let payload_hash = sha256_hex(body);
    add_headers(credentials, service, &timestamp, &payload_hash, headers)?;
    let names = signed_names(headers)?;
    let raw = signs_raw_path(service);
    let parts = RequestParts { method, path, query, headers };
    let canonical = canonical::request(&parts, raw, None, &names, &payload_hash);
    let scope = format!("{date}/{region}/{service}/{TERMINATOR}");
    let text = canonical::string_to_sign(&timestamp, &scope, &canonical);
    let key = key::derive(&credentials.secret_access_key, date, region, service);
    let signature = hex::encode(hmac::sign(&key, text.as_bytes()));
    let value = format!(
        "{ALGORITHM} Credential={}/{scope}, SignedHeaders={}, Signature={signature}",
        credentials.access_key_id,
        names.join(";"),
    );
    headers.insert(header::AUTHORIZATION, printable("access key id", &value)?);
    Ok(())
}

fn add_headers(
    credentials: &Credentials,
    service: &str,
    timestamp: &str,
    payload_hash: &str,
    headers: &mut HeaderMap,
) -> Result<(), SignError> {
    headers.insert("x-amz-date", printable("date", timestamp)?);
    if let Some(token) = &credentials.session_token {
        let mut value = printable("session token", token.expose())?;
        value.set_sensitive(true);
        headers.insert("x-amz-security-token", value);
    }
    if signs_raw_path(service) {
        headers.insert("x-amz-content-sha256", printable("digest", payload_hash)?);
    }
    Ok(())
}

fn signed_names(headers: &HeaderMap) -> Result<Vec<String>, SignError> {
    if !headers.contains_key(header::HOST) {
        return Err(SignError::NoHost);
    }
    let signed = headers.keys().filter(|name| !UNSIGNED.contains(name));
    let mut names: Vec<String> = signed.map(|name| name.as_str().to_owned()).collect();
    names.sort_unstable();
    Ok(names)
}

fn printable(what: &'static str, text: &str) -> Result<HeaderValue, SignError> {
    HeaderValue::from_str(text).map_err(|_| SignError::Unprintable(what))
}
