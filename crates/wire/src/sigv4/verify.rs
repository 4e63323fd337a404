//! The server's side: is the signature the one that the secret gives?

use std::borrow::Cow;

use aws_lc_rs::hmac;
use landfall_base::{Sensitive, Timestamp};

use super::key::{KeyCache, derive};
use super::{Claim, Payload, RequestParts, UNSIGNED_PAYLOAD, canonical, header, sha256_hex, signs_raw_path};

/// How far a signature's date may lie from now, in seconds.
const SKEW: i64 = 15 * 60;

/// Why a signature does not hold. The texts are AWS's.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SignatureError {
    /// The client signed something else, or with another secret.
    #[error(
        "The request signature we calculated does not match the signature you provided. Check your AWS Secret Access \
         Key and signing method. Consult the service documentation for details.\n\nThe Canonical String for this \
         request should have been\n'{canonical}'\n\nThe String-to-Sign should have been\n'{string_to_sign}'\n"
    )]
    Mismatch {
        /// The canonical request, session tokens hidden.
        canonical: String,
        /// What the signature should cover.
        string_to_sign: String,
    },
    /// Signed more than 15 minutes ago.
    #[error("Signature expired: {signed} is now earlier than {earliest} ({now} - 15 min.)")]
    Expired {
        /// When it was signed.
        signed: String,
        /// The earliest date that is good now.
        earliest: String,
        /// Now.
        now: String,
    },
    /// Signed more than 15 minutes in the future.
    #[error("Signature not yet current: {signed} is still later than {latest} ({now} + 15 min.)")]
    NotYetCurrent {
        /// When it was signed.
        signed: String,
        /// The latest date that is good now.
        latest: String,
        /// Now.
        now: String,
    },
    /// A presigned request after its time.
    #[error("Signature expired: {expiry} is now earlier than {now}")]
    PresignedExpired {
        /// When it ended.
        expiry: String,
        /// Now.
        now: String,
    },
    /// The day in the credential scope is not the day of the date.
    #[error(
        "Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date from HTTP: '{scope}' != \
         '{day}', from '{date}'."
    )]
    ScopeDate {
        /// The day in the scope.
        scope: String,
        /// The day of the date.
        day: String,
        /// The date.
        date: String,
    },
    /// Meant for another Region.
    #[error("Credential should be scoped to a valid region. ")]
    Region,
    /// Meant for another service.
    #[error("Credential should be scoped to correct service: '{0}'. ")]
    Service(String),
    /// The body is not the one that the header names.
    #[error("The provided 'x-amz-content-sha256' header does not match what was computed.")]
    Payload,
}

/// Verifies signatures, and remembers signing keys. One for the whole server.
#[derive(Debug)]
pub struct Verifier {
    keys: KeyCache,
}

impl Default for Verifier {
    fn default() -> Self {
        Self::new()
    }
}

impl Verifier {
    /// A verifier that knows no key yet.
    pub fn new() -> Self {
        Self { keys: KeyCache::new() }
    }

    /// Looks whether `secret` signed this request, and lately. Comparison takes the same time wherever signatures differ.
    ///
    /// # Errors
    /// It did not, or too long ago, or for a future moment.
    pub fn verify(
        &self,
        claim: &Claim,
        secret: &Sensitive<String>,
        parts: &RequestParts<'_>,
        payload: Payload<'_>,
        now: Timestamp,
    ) -> Result<(), SignatureError> {
        check_time(claim, now)?;
        check_scope_date(claim)?;
        let payload_hash = payload_hash(claim, parts, payload)?;
        let excluded = claim.expires.map(|_| "X-Amz-Signature");
        let raw = signs_raw_path(&claim.service);
        let canonical = canonical::request(parts, raw, excluded, &claim.signed_headers, &payload_hash);
        let text = canonical::string_to_sign(&claim.timestamp, &claim.scope(), &canonical);
        let signature = hex::decode(&claim.signature).unwrap_or_default();
        hmac::verify(&self.keys.get(claim, secret), text.as_bytes(), &signature)
            .map_err(|_| mismatch(&canonical, text))
    }

    #[cfg(test)]
    pub(super) fn cached_keys(&self) -> usize {
        self.keys.len()
    }
}

/// The signature that this request would have to have, in hexadecimal digits, its body taken as claimed: for who changes a
/// verified request and hands it on.
pub fn signature_of(claim: &Claim, secret: &Sensitive<String>, parts: &RequestParts<'_>) -> String {
    let named = header(parts.headers, "x-amz-content-sha256").unwrap_or(UNSIGNED_PAYLOAD);
    let raw = signs_raw_path(&claim.service);
    let canonical = canonical::request(parts, raw, None, &claim.signed_headers, named);
    let text = canonical::string_to_sign(&claim.timestamp, &claim.scope(), &canonical);
    let key = derive(secret, &claim.scope_date, &claim.region, &claim.service);
    hex::encode(hmac::sign(&key, text.as_bytes()))
}

fn check_time(claim: &Claim, now: Timestamp) -> Result<(), SignatureError> {
    let (signed, latest) = (claim.date, now.plus_seconds(SKEW));
    if signed > latest {
        let (signed, latest, now) = (claim.timestamp.clone(), latest.sigv4(), now.sigv4());
        return Err(SignatureError::NotYetCurrent { signed, latest, now });
    }
    if let Some(expires) = claim.expires {
        let expiry = signed.plus_seconds(expires);
        let over = now > expiry;
        return if over {
            Err(SignatureError::PresignedExpired { expiry: expiry.sigv4(), now: now.sigv4() })
        } else {
            Ok(())
        };
    }
    let earliest = now.plus_seconds(-SKEW);
    // The date has whole seconds; so must the limit, or the last second of the window is cut short.
    if signed.whole_seconds() < earliest.whole_seconds() {
        let (signed, earliest, now) = (claim.timestamp.clone(), earliest.sigv4(), now.sigv4());
        return Err(SignatureError::Expired { signed, earliest, now });
    }
    Ok(())
}

fn check_scope_date(claim: &Claim) -> Result<(), SignatureError> {
    let day = claim.timestamp.get(..8).unwrap_or_default();
    if day == claim.scope_date {
        return Ok(());
    }
    Err(SignatureError::ScopeDate {
        scope: claim.scope_date.chars().take(32).collect(),
        day: day.to_owned(),
        date: claim.timestamp.clone(),
    })
}

fn payload_hash<'a>(
    claim: &Claim,
    parts: &RequestParts<'a>,
    payload: Payload<'a>,
) -> Result<Cow<'a, str>, SignatureError> {
    let s3 = signs_raw_path(&claim.service);
    let named = header(parts.headers, "x-amz-content-sha256").filter(|_| s3);
    let actual = match payload {
        Payload::Claimed => return Ok(Cow::Borrowed(named.unwrap_or(UNSIGNED_PAYLOAD))),
        Payload::Bytes(bytes) => named.is_none_or(is_digest).then(|| Cow::Owned(sha256_hex(bytes))),
        Payload::Digest(digest) => Some(Cow::Borrowed(digest)),
    };
    match (named, actual) {
        (None, _) if s3 && claim.expires.is_some() => Ok(Cow::Borrowed(UNSIGNED_PAYLOAD)),
        (None, actual) => Ok(actual.unwrap_or_default()),
        (Some(named), Some(actual)) if is_digest(named) && *named != *actual => Err(SignatureError::Payload),
        // Not a digest: `UNSIGNED-PAYLOAD` or `STREAMING-…`, signed as it stands.
        (Some(named), _) => Ok(Cow::Borrowed(named)),
    }
}

fn is_digest(text: &str) -> bool {
    text.len() == 64 && text.bytes().all(|byte| byte.is_ascii_hexdigit())
}

/// AWS shows what it hashed. The session token in it is a secret, and answers end up in logs.
fn mismatch(canonical: &[u8], string_to_sign: String) -> SignatureError {
    let text = String::from_utf8_lossy(canonical);
    let lines: Vec<Cow<'_, str>> = text.split('\n').map(hide_token).collect();
    SignatureError::Mismatch { canonical: lines.join("\n"), string_to_sign }
}

fn hide_token(line: &str) -> Cow<'_, str> {
    if line.starts_with("x-amz-security-token:") {
        return Cow::Borrowed("x-amz-security-token:***");
    }
    let Some((before, after)) = line.split_once("X-Amz-Security-Token=") else { return Cow::Borrowed(line) };
    let rest = after.find('&').and_then(|at| after.get(at..)).unwrap_or_default();
    Cow::Owned(format!("{before}X-Amz-Security-Token=***{rest}"))
}
