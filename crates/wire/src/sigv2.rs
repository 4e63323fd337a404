//! AWS Signature Version 2 as Amazon S3 has it, the server's side (Amazon S3 User Guide, "Signing and authenticating REST
//! requests"): presigned queries, which SDKs and the AWS CLI still make by default for S3's older Regions, and headers.
//!
//! HMAC-SHA1 is what the protocol prescribes; nothing else here uses it.

use std::collections::BTreeMap;

use aws_lc_rs::hmac;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use landfall_base::{Sensitive, Timestamp};
use percent_encoding::percent_decode_str;

use crate::scalar::parse_http_date;
use crate::sigv4::RequestParts;

/// How far the date of a header may lie from now, in seconds.
const SKEW: i64 = 15 * 60;

/// Query parameters that belong to the resource.
const OF_RESOURCE: [&str; 41] = [
    "accelerate",
    "acl",
    "analytics",
    "cors",
    "defaultObjectAcl",
    "delete",
    "encryption",
    "inventory",
    "lifecycle",
    "location",
    "logging",
    "metrics",
    "notification",
    "object-lock",
    "ownershipControls",
    "partNumber",
    "policy",
    "policyStatus",
    "publicAccessBlock",
    "replication",
    "requestPayment",
    "response-cache-control",
    "response-content-disposition",
    "response-content-encoding",
    "response-content-language",
    "response-content-type",
    "response-expires",
    "restore",
    "select",
    "select-type",
    "storageClass",
    "tagging",
    "torrent",
    "uploadId",
    "uploads",
    "versionId",
    "versioning",
    "versions",
    "website",
    "legal-hold",
    "retention",
];

/// Parameters of the signature itself.
const OF_SIGNATURE: [&str; 3] = ["AWSAccessKeyId", "Expires", "Signature"];

/// Who a request says it is from, and its signature. Nothing of it is proven before [`Claim::verify`].
#[derive(Debug, Clone)]
pub struct Claim {
    /// `AKIA…` or `ASIA…`
    pub access_key_id: String,
    /// Of temporary credentials.
    pub session_token: Option<Sensitive<String>>,
    /// Until when a presigned request is good; `None` if the signature came in a header.
    pub expires: Option<Timestamp>,
    signature: String,
    /// What stands in the line of the date: seconds since 1970 of a query, the header's text otherwise.
    date: String,
    /// The date of a header.
    signed_at: Option<Timestamp>,
}

/// Why a request is not let in. The texts are S3's.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// Parameters that must be there are not.
    #[error("Query-string authentication requires the Signature, Expires and AWSAccessKeyId parameters")]
    Parameters,
    /// `Expires` is no number.
    #[error("Invalid date (should be seconds since epoch): {0}")]
    Date(String),
    /// A header without a date.
    #[error("AWS authentication requires a valid Date or x-amz-date header")]
    NoDate,
    /// `Authorization` has another form than `AWS id:signature`.
    #[error("AWS authorization header is invalid.  Expected AwsAccessKeyId:signature")]
    Header,
    /// After its time.
    #[error("Request has expired")]
    Expired {
        /// When it ended.
        expires: String,
        /// Now.
        now: String,
    },
    /// The date of a header is not near now.
    #[error("The difference between the request time and the current time is too large.")]
    Skewed,
    /// The client signed something else, or with another secret.
    #[error(
        "The request signature we calculated does not match the signature you provided. Check your key and signing method."
    )]
    Mismatch {
        /// What the signature should cover, session tokens hidden.
        string_to_sign: String,
        /// The signature that came.
        provided: String,
    },
}

/// Whether a request is signed in this way, or tries to be.
pub fn is_signed(parts: &RequestParts<'_>) -> bool {
    match authorization(parts) {
        Some(text) => text.starts_with("AWS "),
        None => names(parts.query).any(|name| name == "AWSAccessKeyId" || name == "Signature"),
    }
}

/// Whether a query parameter belongs to the signature and not to the request.
pub fn is_of_signature(name: &str) -> bool {
    OF_SIGNATURE.contains(&name)
}

impl Claim {
    /// Reads the claim.
    ///
    /// # Errors
    /// The request is not signed in a way that can be read.
    pub fn read(parts: &RequestParts<'_>) -> Result<Self, Refusal> {
        match authorization(parts) {
            Some(text) => Self::from_header(text, parts),
            None => Self::from_query(parts),
        }
    }

    fn from_header(text: &str, parts: &RequestParts<'_>) -> Result<Self, Refusal> {
        let pair = text.strip_prefix("AWS ").and_then(|text| text.split_once(':'));
        let (id, signature) = pair.ok_or(Refusal::Header)?;
        let sent = header(parts, "x-amz-date").or_else(|| header(parts, "date")).ok_or(Refusal::NoDate)?;
        let signed_at = parse_http_date(sent).or_else(|| Timestamp::parse_sigv4(sent));
        let own = header(parts, "x-amz-date").is_none();
        Ok(Self {
            access_key_id: id.trim().to_owned(),
            session_token: header(parts, "x-amz-security-token").map(Sensitive::from),
            expires: None,
            signature: signature.trim().to_owned(),
            date: if own { sent.to_owned() } else { String::new() },
            signed_at: Some(signed_at.ok_or(Refusal::NoDate)?),
        })
    }

    fn from_query(parts: &RequestParts<'_>) -> Result<Self, Refusal> {
        let get = |name: &str| parameter(parts.query, name);
        let (Some(access_key_id), Some(signature), Some(date)) =
            (get("AWSAccessKeyId"), get("Signature"), get("Expires"))
        else {
            return Err(Refusal::Parameters);
        };
        let seconds: i64 = date.parse().map_err(|_| Refusal::Date(date.chars().take(64).collect()))?;
        let token = header(parts, "x-amz-security-token").map(str::to_owned);
        let token = token.or_else(|| get("x-amz-security-token"));
        Ok(Self {
            access_key_id,
            session_token: token.map(Sensitive::new),
            expires: Some(Timestamp::from_millis(0).plus_seconds(seconds)),
            signature,
            date,
            signed_at: None,
        })
    }

    /// Looks whether `secret` signed this request, and that its time is not over. `bucket` is the one that the host names.
    ///
    /// # Errors
    /// It did not, or it is.
    pub fn verify(
        &self,
        secret: &Sensitive<String>,
        parts: &RequestParts<'_>,
        bucket: Option<&str>,
        now: Timestamp,
    ) -> Result<(), Refusal> {
        self.check_time(now)?;
        let text = string_to_sign(parts, &self.date, bucket);
        let key = hmac::Key::new(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, secret.expose().as_bytes());
        let signature = STANDARD.decode(&self.signature).unwrap_or_default();
        let holds = |text: &str| hmac::verify(&key, text.as_bytes(), &signature);
        // SDKs sign `/bucket/` where they send `/bucket`.
        let slashed = format!("{}/", parts.path);
        let slashed = RequestParts { path: &slashed, ..*parts };
        let of_bucket = !parts.path.trim_start_matches('/').contains('/') && !parts.path.ends_with('/');
        if of_bucket && holds(&string_to_sign(&slashed, &self.date, bucket)).is_ok() {
            return Ok(());
        }
        holds(&text).map_err(|_| Refusal::Mismatch {
            string_to_sign: text.split('\n').map(hide_token).collect::<Vec<_>>().join("\n"),
            provided: self.signature.chars().take(64).collect(),
        })
    }

    fn check_time(&self, now: Timestamp) -> Result<(), Refusal> {
        if let Some(expires) = self.expires.filter(|expires| now > *expires) {
            return Err(Refusal::Expired { expires: expires.iso8601(), now: now.iso8601() });
        }
        let skewed = |signed: Timestamp| (signed.whole_seconds() - now.whole_seconds()).abs() > SKEW;
        if self.signed_at.is_some_and(skewed) { Err(Refusal::Skewed) } else { Ok(()) }
    }
}

/// A session token is a secret, and answers end up in logs.
fn hide_token(line: &str) -> &str {
    if line.starts_with("x-amz-security-token:") { "x-amz-security-token:***" } else { line }
}

fn string_to_sign(parts: &RequestParts<'_>, date: &str, bucket: Option<&str>) -> String {
    let field = |name: &str| {
        let sent = header(parts, name).map(str::to_owned);
        sent.or_else(|| parameter(parts.query, name)).unwrap_or_default()
    };
    let (md5, kind) = (field("content-md5"), field("content-type"));
    let mut text = format!("{}\n{md5}\n{kind}\n{date}\n", parts.method);
    for (name, value) in amazon_headers(parts) {
        text.push_str(&format!("{name}:{value}\n"));
    }
    text.push_str(&resource(parts, bucket));
    text
}

/// Headers of Amazon, those that a presigned query has instead among them.
fn amazon_headers(parts: &RequestParts<'_>) -> BTreeMap<String, String> {
    let mut all: BTreeMap<String, String> = BTreeMap::new();
    for (name, value) in parts.headers {
        if name.as_str().starts_with("x-amz-") {
            let value = String::from_utf8_lossy(value.as_bytes());
            let value = value.trim();
            all.entry(name.as_str().to_owned())
                .and_modify(|before| {
                    before.push(',');
                    before.push_str(value);
                })
                .or_insert_with(|| value.to_owned());
        }
    }
    for (name, value) in pairs(parts.query) {
        let name = name.to_ascii_lowercase();
        if name.starts_with("x-amz-") && !all.contains_key(&name) {
            all.insert(name, decoded(value.unwrap_or_default()));
        }
    }
    all
}

fn resource(parts: &RequestParts<'_>, bucket: Option<&str>) -> String {
    let mut text = bucket.map(|bucket| format!("/{bucket}")).unwrap_or_default();
    text.push_str(if parts.path.is_empty() { "/" } else { parts.path });
    let mut named: Vec<_> = pairs(parts.query).filter(|(name, _)| OF_RESOURCE.contains(name)).collect();
    named.sort_unstable_by_key(|(name, _)| *name);
    for (at, (name, value)) in named.into_iter().enumerate() {
        text.push(if at == 0 { '?' } else { '&' });
        text.push_str(name);
        if let Some(value) = value {
            text.push('=');
            text.push_str(&decoded(value));
        }
    }
    text
}

fn pairs(query: &str) -> impl Iterator<Item = (&str, Option<&str>)> {
    let pairs = query.split('&').filter(|pair| !pair.is_empty());
    pairs.map(|pair| pair.split_once('=').map_or((pair, None), |(name, value)| (name, Some(value))))
}

fn names(query: &str) -> impl Iterator<Item = &str> {
    pairs(query).map(|(name, _)| name)
}

fn parameter(query: &str, name: &str) -> Option<String> {
    let (_, value) = pairs(query).find(|(key, _)| *key == name)?;
    value.map(decoded)
}

fn decoded(value: &str) -> String {
    percent_decode_str(value).decode_utf8_lossy().into_owned()
}

fn header<'a>(parts: &RequestParts<'a>, name: &str) -> Option<&'a str> {
    parts.headers.get(name).and_then(|value| value.to_str().ok()).map(str::trim)
}

fn authorization<'a>(parts: &RequestParts<'a>) -> Option<&'a str> {
    header(parts, "authorization")
}

#[cfg(test)]
mod tests {
    use http::HeaderMap;

    use super::*;

    const ID: &str = "AKIAIOSFODNN7EXAMPLE";
    const SECRET: &str = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY";

    fn headers(pairs: &[(&'static str, &str)]) -> HeaderMap {
        pairs.iter().map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap())).collect()
    }

    /// Method, path, query, headers, signature.
    type Example =
        (&'static str, &'static str, &'static str, &'static [(&'static str, &'static str)], &'static str);

    /// The examples of the User Guide, "Authentication examples".
    #[test]
    fn headers_of_the_guide() {
        let cases: [Example; 4] = [
            (
                "GET",
                "/photos/puppy.jpg",
                "",
                &[("date", "Tue, 27 Mar 2007 19:36:42 +0000")],
                "qgk2+6Sv9/oM7G3qLEjTH1a1l1g=",
            ),
            (
                "PUT",
                "/photos/puppy.jpg",
                "",
                &[("date", "Tue, 27 Mar 2007 21:15:45 +0000"), ("content-type", "image/jpeg")],
                "iqRzw+ileNPu1fhspnRs8nOjjIA=",
            ),
            (
                "GET",
                "/",
                "prefix=photos&max-keys=50&marker=puppy",
                &[("date", "Tue, 27 Mar 2007 19:42:41 +0000")],
                "m0WP8eCtspQl5Ahe6L1SozdX9YA=",
            ),
            (
                "GET",
                "/",
                "acl",
                &[("date", "Tue, 27 Mar 2007 19:44:46 +0000")],
                "82ZHiFIjc+WbcwFKGUVEQspPn+0=",
            ),
        ];
        for (method, path, query, sent, signature) in cases {
            let mut map = headers(sent);
            map.insert("authorization", format!("AWS {ID}:{signature}").parse().unwrap());
            let parts = RequestParts { method, path, query, headers: &map };
            assert!(is_signed(&parts));
            let claim = Claim::read(&parts).unwrap();
            assert_eq!(claim.access_key_id, ID);
            let now = claim.signed_at.unwrap();
            let verify =
                |secret: &str, now| claim.verify(&secret.into(), &parts, Some("awsexamplebucket1"), now);
            assert_eq!(verify(SECRET, now), Ok(()), "{method} {path}?{query}");
            assert!(matches!(verify("other", now), Err(Refusal::Mismatch { .. })));
            assert_eq!(verify(SECRET, now.plus_seconds(901)), Err(Refusal::Skewed));
        }
    }

    fn signed(text: &str) -> String {
        let key = hmac::Key::new(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, SECRET.as_bytes());
        STANDARD.encode(hmac::sign(&key, text.as_bytes()).as_ref()).replace('+', "%2B").replace('/', "%2F")
    }

    #[test]
    fn presigned_queries() {
        let now = Timestamp::from_millis(0).plus_seconds(1_000);
        let good = signed(
            "GET\n\n\n1175139620\nx-amz-security-token:to/ken\n/b/k?response-content-type=a/b&versionId=1",
        );
        let query = |signature: &str, expires: &str| {
            format!(
                "versionId=1&response-content-type=a%2Fb&x-id=GetObject&AWSAccessKeyId={ID}&Signature={signature}\
                 &x-amz-security-token=to%2Fken&Expires={expires}"
            )
        };
        let map = HeaderMap::new();
        let verify = |query: &str, now| {
            let parts = RequestParts { method: "GET", path: "/b/k", query, headers: &map };
            assert!(is_signed(&parts));
            Claim::read(&parts)?.verify(&SECRET.into(), &parts, None, now)
        };
        assert_eq!(verify(&query(&good, "1175139620"), now), Ok(()));
        let late = Timestamp::from_millis(0).plus_seconds(1_175_139_621);
        let expired = Refusal::Expired {
            expires: "2007-03-29T03:40:20Z".to_owned(),
            now: "2007-03-29T03:40:21Z".to_owned(),
        };
        assert_eq!(verify(&query(&good, "1175139620"), late), Err(expired));
        let Err(Refusal::Mismatch { string_to_sign, .. }) = verify(&query(&good, "1175139621"), now) else {
            panic!("another time was signed")
        };
        assert_eq!(
            string_to_sign,
            "GET\n\n\n1175139621\nx-amz-security-token:***\n/b/k?response-content-type=a/b&versionId=1"
        );
        assert_eq!(verify(&query(&good, "soon"), now), Err(Refusal::Date("soon".to_owned())));
        assert_eq!(verify(&format!("AWSAccessKeyId={ID}"), now), Err(Refusal::Parameters));
    }

    #[test]
    fn a_bucket_is_signed_with_a_slash_or_without() {
        let map = HeaderMap::new();
        for signed_path in ["/bucket", "/bucket/"] {
            let signature = signed(&format!("GET\n\n\n60\n{signed_path}"));
            let query = format!("AWSAccessKeyId={ID}&Signature={signature}&Expires=60");
            let parts = RequestParts { method: "GET", path: "/bucket", query: &query, headers: &map };
            let claim = Claim::read(&parts).unwrap();
            assert_eq!(claim.verify(&SECRET.into(), &parts, None, Timestamp::from_millis(0)), Ok(()));
            let other = RequestParts { path: "/bucket/k", ..parts };
            assert!(claim.verify(&SECRET.into(), &other, None, Timestamp::from_millis(0)).is_err());
        }
    }

    #[test]
    fn headers_in_the_query_count_as_headers() {
        let now = Timestamp::from_millis(0);
        let signature = signed("PUT\n\ntext/plain\n60\nx-amz-meta-a:b c\n/k");
        let query = format!(
            "x-amz-meta-a=b%20c&content-type=text%2Fplain&AWSAccessKeyId={ID}&Signature={signature}&Expires=60"
        );
        let verify = |sent: &[(&'static str, &str)]| {
            let map = headers(sent);
            let parts = RequestParts { method: "PUT", path: "/k", query: &query, headers: &map };
            Claim::read(&parts).unwrap().verify(&SECRET.into(), &parts, None, now)
        };
        assert_eq!(verify(&[]), Ok(()));
        assert_eq!(verify(&[("content-type", "text/plain"), ("x-amz-meta-a", "b c")]), Ok(()));
        assert!(verify(&[("content-type", "text/html")]).is_err());
        assert!(verify(&[("x-amz-meta-b", "c")]).is_err());
    }
}
