//! What a request says about who signed it.

use landfall_base::{Sensitive, Timestamp};
use percent_encoding::percent_decode_str;

use super::{ALGORITHM, RequestParts, SignatureError, TERMINATOR, header};
use crate::scalar::parse_http_date;

/// Longest presigned validity: seven days, in seconds.
const MAX_EXPIRES: i64 = 604_800;

/// Who a request says it is from, for what its signature is meant, and the signature. Nothing of it is proven before
/// [`super::Verifier::verify`].
#[derive(Debug, Clone, PartialEq)]
pub struct Claim {
    /// `AKIA…` or `ASIA…`
    pub access_key_id: String,
    /// When it was signed.
    pub date: Timestamp,
    /// The Region in the credential scope.
    pub region: String,
    /// The service in the credential scope.
    pub service: String,
    /// Lower-case names in the order of the signature.
    pub signed_headers: Vec<String>,
    /// Hexadecimal digits.
    pub signature: String,
    /// Of temporary credentials.
    pub session_token: Option<Sensitive<String>>,
    /// Seconds for which a presigned request is good; `None` if the signature came in a header.
    pub expires: Option<i64>,
    /// The day in the credential scope, `20261123`.
    pub(super) scope_date: String,
    /// The date as signed.
    pub(super) timestamp: String,
}

/// Why no claim can be read from a request. The texts are AWS's.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ClaimError {
    /// Neither an `Authorization` header nor a presigned query.
    #[error("Missing Authentication Token")]
    Missing,
    /// Another scheme than SigV4 with HMAC-SHA256.
    #[error("Unsupported AWS 'algorithm': '{0}'")]
    Algorithm(String),
    /// A part without `=`.
    #[error("'{0}' not a valid key=value pair (missing equal-sign) in Authorization header")]
    Pair(String),
    /// Parts that must be there are not. One sentence for each, as AWS strings them together.
    #[error("{0}")]
    Parameters(String),
    /// The credential does not have five parts.
    #[error(
        "Credential must have exactly 5 slash-delimited elements, e.g. keyid/date/region/service/term, got '{0}'"
    )]
    Credential(String),
    /// The credential's last part.
    #[error("Credential should be scoped with a valid terminator: 'aws4_request', not '{0}'.")]
    Terminator(String),
    /// `host` is not signed.
    #[error("'Host' or ':authority' must be a 'SignedHeader' in the AWS Authorization.")]
    HostNotSigned,
    /// A date in another form.
    #[error("Date must be in ISO-8601 'basic format'. Got '{0}'. See http://en.wikipedia.org/wiki/ISO_8601")]
    Date(String),
    /// `X-Amz-Expires` is not a number of seconds up to a week.
    #[error("X-Amz-Expires must be a number between 1 and 604800 seconds")]
    Expires,
}

/// The parts of a signature, before they are looked into.
#[derive(Default)]
struct Parameters<'a> {
    credential: Option<&'a str>,
    signed_headers: Option<&'a str>,
    signature: Option<&'a str>,
}

impl Claim {
    /// Reads the claim from the `Authorization` header, or from the query of a presigned request.
    ///
    /// # Errors
    /// The request is not signed, or not in a way that can be read.
    pub fn read(parts: &RequestParts<'_>) -> Result<Self, ClaimError> {
        match parts.headers.get(http::header::AUTHORIZATION) {
            Some(value) => Self::from_header(value.to_str().unwrap_or_default(), parts),
            None => Self::from_query(parts),
        }
    }

    fn from_header(authorization: &str, parts: &RequestParts<'_>) -> Result<Self, ClaimError> {
        let (scheme, rest) = scheme_and_rest(authorization.trim());
        if scheme != ALGORITHM {
            return Err(ClaimError::Algorithm(scheme.chars().take(64).collect()));
        }
        let parameters = header_parameters(rest)?;
        let date = header(parts.headers, "x-amz-date").or_else(|| header(parts.headers, "date"));
        parameters.require(date.is_some())?;
        let token = header(parts.headers, "x-amz-security-token").map(Sensitive::from);
        let (date, timestamp) = read_date(date.unwrap_or_default())?;
        parameters.claim(date, timestamp, token, None)
    }

    fn from_query(parts: &RequestParts<'_>) -> Result<Self, ClaimError> {
        let get = |name: &str| query_parameter(parts.query, name);
        let algorithm = get("X-Amz-Algorithm").ok_or(ClaimError::Missing)?;
        if algorithm != ALGORITHM {
            return Err(ClaimError::Algorithm(algorithm.chars().take(64).collect()));
        }
        let (credential, headers, signature, date) =
            (get("X-Amz-Credential"), get("X-Amz-SignedHeaders"), get("X-Amz-Signature"), get("X-Amz-Date"));
        let parameters = Parameters {
            credential: credential.as_deref(),
            signed_headers: headers.as_deref(),
            signature: signature.as_deref(),
        };
        parameters.require(date.is_some())?;
        let expires = get("X-Amz-Expires").and_then(|text| text.parse().ok()).ok_or(ClaimError::Expires)?;
        if !(1..=MAX_EXPIRES).contains(&expires) {
            return Err(ClaimError::Expires);
        }
        let (date, timestamp) = read_date(&date.unwrap_or_default())?;
        parameters.claim(date, timestamp, get("X-Amz-Security-Token").map(Sensitive::new), Some(expires))
    }

    /// `date/region/service/aws4_request`
    pub(super) fn scope(&self) -> String {
        format!("{}/{}/{}/{TERMINATOR}", self.scope_date, self.region, self.service)
    }

    /// Looks whether the signature is meant for this Region and service. Pass `None` for the Region where any is served.
    ///
    /// # Errors
    /// It is meant for another, with AWS's sentence.
    pub fn check_scope(&self, region: Option<&str>, service: &str) -> Result<(), SignatureError> {
        if region.is_some_and(|region| region != self.region) {
            return Err(SignatureError::Region);
        }
        if service != self.service {
            return Err(SignatureError::Service(service.to_owned()));
        }
        Ok(())
    }
}

impl Parameters<'_> {
    fn require(&self, dated: bool) -> Result<(), ClaimError> {
        let mut missing = Vec::new();
        let named = [
            ("Credential", self.credential.is_some()),
            ("Signature", self.signature.is_some()),
            ("SignedHeaders", self.signed_headers.is_some()),
        ];
        for (name, _) in named.iter().filter(|(_, present)| !present) {
            missing.push(format!("Authorization header requires '{name}' parameter."));
        }
        if !dated {
            let text = "Authorization header requires existence of either a 'X-Amz-Date' or a 'Date' header.";
            missing.push(text.to_owned());
        }
        if missing.is_empty() { Ok(()) } else { Err(ClaimError::Parameters(missing.join(" "))) }
    }

    fn claim(
        self,
        date: Timestamp,
        timestamp: String,
        session_token: Option<Sensitive<String>>,
        expires: Option<i64>,
    ) -> Result<Claim, ClaimError> {
        let credential = self.credential.unwrap_or_default();
        let invalid = || ClaimError::Credential(credential.chars().take(256).collect());
        let parts: Vec<&str> = credential.split('/').collect();
        let [access_key_id, scope_date, region, service, terminator] = parts[..] else {
            return Err(invalid());
        };
        if access_key_id.is_empty() {
            return Err(invalid());
        }
        if terminator != TERMINATOR {
            return Err(ClaimError::Terminator(terminator.chars().take(64).collect()));
        }
        Ok(Claim {
            access_key_id: access_key_id.to_owned(),
            date,
            region: region.to_owned(),
            service: service.to_owned(),
            signed_headers: signed_headers(self.signed_headers.unwrap_or_default())?,
            signature: self.signature.unwrap_or_default().to_owned(),
            session_token,
            expires,
            scope_date: scope_date.to_owned(),
            timestamp,
        })
    }
}

/// A header without a space is a bare token, perhaps a secret: it is no scheme to be repeated in an answer.
fn scheme_and_rest(authorization: &str) -> (&str, &str) {
    match authorization.split_once(' ') {
        Some(parts) => parts,
        None if authorization == ALGORITHM => (ALGORITHM, ""),
        None => ("", ""),
    }
}

fn header_parameters(text: &str) -> Result<Parameters<'_>, ClaimError> {
    let mut parameters = Parameters::default();
    for part in text.split(',').map(str::trim).filter(|part| !part.is_empty()) {
        let pair = part.split_once('=').ok_or_else(|| ClaimError::Pair(part.chars().take(64).collect()))?;
        match pair {
            ("Credential", value) => parameters.credential = Some(value),
            ("SignedHeaders", value) => parameters.signed_headers = Some(value),
            ("Signature", value) => parameters.signature = Some(value),
            _ => {}
        }
    }
    Ok(parameters)
}

fn signed_headers(text: &str) -> Result<Vec<String>, ClaimError> {
    let names: Vec<String> = text.split(';').map(str::to_ascii_lowercase).collect();
    let host = names.iter().any(|name| name == "host" || name == ":authority");
    if host { Ok(names) } else { Err(ClaimError::HostNotSigned) }
}

/// The moment, and its text in basic ISO 8601 form as the string to sign has it.
fn read_date(text: &str) -> Result<(Timestamp, String), ClaimError> {
    if let Some(date) = Timestamp::parse_sigv4(text) {
        return Ok((date, text.to_owned()));
    }
    let date = parse_http_date(text).ok_or_else(|| ClaimError::Date(text.chars().take(64).collect()))?;
    Ok((date, date.sigv4()))
}

fn query_parameter(query: &str, name: &str) -> Option<String> {
    let (_, value) =
        query.split('&').filter_map(|pair| pair.split_once('=')).find(|(key, _)| *key == name)?;
    percent_decode_str(value).decode_utf8().ok().map(std::borrow::Cow::into_owned)
}
