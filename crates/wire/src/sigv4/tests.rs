//! Signatures against AWS's published example requests and against those of botocore 1.43.11.

use http::{HeaderMap, HeaderName, HeaderValue};
use landfall_base::{Sensitive, Timestamp};
use proptest::prelude::*;

mod cases;

use cases::{CASES, Case, EMPTY};

use super::{Claim, ClaimError, Credentials, Payload, RequestParts, SignatureError, Verifier, sign};

const SECRET: &str = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY";

impl Case {
    fn headers(&self) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for (name, value) in self.headers {
            headers.append(HeaderName::from_static(name), HeaderValue::from_static(value));
        }
        if let Some((service, signed, signature)) = self.authorization {
            let value = format!(
                "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/{service}/aws4_request, \
                 SignedHeaders={signed}, Signature={signature}"
            );
            headers.insert("authorization", value.parse().unwrap());
        }
        headers
    }

    fn parts<'a>(&self, headers: &'a HeaderMap) -> RequestParts<'a> {
        RequestParts { method: self.method, path: self.path, query: self.query, headers }
    }

    fn verify(&self, secret: &str, body: &[u8], now: Timestamp) -> Result<(), SignatureError> {
        let headers = self.headers();
        let parts = self.parts(&headers);
        let claim = Claim::read(&parts).unwrap();
        Verifier::new().verify(&claim, &Sensitive::from(secret), &parts, Payload::Bytes(body), now)
    }
}

fn at(text: &str) -> Timestamp {
    Timestamp::parse_sigv4(text).unwrap()
}

fn signed_at() -> Timestamp {
    at("20150830T123600Z")
}

#[test]
fn published_signatures_hold() {
    for (index, case) in CASES.iter().enumerate() {
        assert_eq!(case.verify(SECRET, case.body, signed_at()), Ok(()), "case {index}");
    }
}

#[test]
fn every_change_breaks_the_signature() {
    for (index, case) in CASES.iter().enumerate() {
        let wrong_key = case.verify("another", case.body, signed_at());
        assert!(matches!(wrong_key, Err(SignatureError::Mismatch { .. })), "case {index}");
        // A presigned request of S3 does not sign its body.
        if case.authorization.is_some() {
            assert!(case.verify(SECRET, b"another body", signed_at()).is_err(), "case {index}");
        }
        for (name, _) in case.headers {
            let mut headers = case.headers();
            let claim = Claim::read(&case.parts(&headers)).unwrap();
            headers.insert(HeaderName::from_static(name), HeaderValue::from_static("changed"));
            let (secret, body) = (Sensitive::from(SECRET), Payload::Bytes(case.body));
            let verified = Verifier::new().verify(&claim, &secret, &case.parts(&headers), body, signed_at());
            assert!(verified.is_err(), "case {index} {name}");
        }
    }
}

#[test]
fn signing_gives_the_published_signatures() {
    for (index, case) in CASES.iter().enumerate() {
        let Some((service, _, signature)) = case.authorization else { continue };
        let mut headers = case.headers();
        headers.remove("authorization");
        let token = headers.remove("x-amz-security-token");
        let credentials = Credentials {
            access_key_id: "AKIDEXAMPLE".to_owned(),
            secret_access_key: Sensitive::from(SECRET),
            session_token: token.map(|token| Sensitive::from(token.to_str().unwrap())),
        };
        let (method, path, query) = (case.method, case.path, case.query);
        sign(&credentials, "us-east-1", service, method, path, query, &mut headers, case.body, signed_at())
            .unwrap();
        let value = headers["authorization"].to_str().unwrap();
        assert!(value.ends_with(signature), "case {index}: {value}");
        assert_eq!(headers["authorization"], case.headers()["authorization"], "case {index}");
    }
}

#[test]
fn the_window_is_fifteen_minutes_both_ways() {
    let case = &CASES[0];
    let verify = |now| case.verify(SECRET, b"", at(now)).map_err(|error| error.to_string());
    assert_eq!(verify("20150830T125100Z"), Ok(()));
    assert_eq!(verify("20150830T122100Z"), Ok(()));
    assert_eq!(
        verify("20150830T125101Z"),
        Err("Signature expired: 20150830T123600Z is now earlier than 20150830T123601Z (20150830T125101Z - 15 min.)".to_owned())
    );
    assert_eq!(
        verify("20150830T122059Z"),
        Err("Signature not yet current: 20150830T123600Z is still later than 20150830T123559Z (20150830T122059Z + 15 min.)".to_owned())
    );
}

#[test]
fn presigned_requests_end_when_they_say() {
    let presigned = CASES.iter().find(|case| case.authorization.is_none()).unwrap();
    assert_eq!(presigned.verify(SECRET, b"", at("20150830T123700Z")), Ok(()));
    let late = presigned.verify(SECRET, b"", at("20150830T123701Z"));
    assert!(matches!(late, Err(SignatureError::PresignedExpired { .. })));
}

#[test]
fn mismatches_show_what_was_hashed_but_no_token() {
    let case = CASES.iter().find(|case| case.headers.len() == 5 && case.method == "POST").unwrap();
    let text = case.verify("another", case.body, signed_at()).unwrap_err().to_string();
    assert!(text.starts_with("The request signature we calculated does not match the signature you provided. Check your AWS Secret Access Key and signing method. Consult the service documentation for details.\n\nThe Canonical String for this request should have been\n'POST\n/\n\ncontent-type:application/x-amz-json-1.1\nhost:secretsmanager"), "{text}");
    assert!(text.contains("The String-to-Sign should have been\n'AWS4-HMAC-SHA256\n20150830T123600Z\n20150830/us-east-1/secretsmanager/aws4_request\n"), "{text}");
    assert!(text.contains("x-amz-security-token:***") && !text.contains("session-token-value"), "{text}");
    let presigned = CASES.iter().find(|case| case.query.contains("Security-Token")).unwrap();
    let text = presigned.verify("another", b"", signed_at()).unwrap_err().to_string();
    assert!(
        text.contains("X-Amz-Security-Token=***&X-Amz-SignedHeaders") && !text.contains("session%2F"),
        "{text}"
    );
}

#[test]
fn scopes_are_checked() {
    let headers = CASES[6].headers();
    let mut claim = Claim::read(&CASES[6].parts(&headers)).unwrap();
    let check =
        |claim: &Claim, region, service| claim.check_scope(region, service).map_err(|e| e.to_string());
    assert_eq!(check(&claim, Some("us-east-1"), "ecs"), Ok(()));
    assert_eq!(check(&claim, None, "ecs"), Ok(()));
    assert_eq!(
        check(&claim, Some("eu-west-1"), "ecs"),
        Err("Credential should be scoped to a valid region. ".to_owned())
    );
    assert_eq!(
        check(&claim, None, "kms"),
        Err("Credential should be scoped to correct service: 'kms'. ".to_owned())
    );
    claim.scope_date = "20150829".to_owned();
    let (secret, body) = (Sensitive::from(SECRET), Payload::Bytes(CASES[6].body));
    let error =
        Verifier::new().verify(&claim, &secret, &CASES[6].parts(&headers), body, signed_at()).unwrap_err();
    assert_eq!(
        error.to_string(),
        "Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date from HTTP: '20150829' != '20150830', from '20150830T123600Z'."
    );
}

/// Reads a claim from an `Authorization` and an `X-Amz-Date` header.
fn claim(authorization: &str, date: Option<&str>) -> Result<Claim, ClaimError> {
    let mut headers = HeaderMap::new();
    headers.insert("authorization", HeaderValue::from_bytes(authorization.as_bytes()).unwrap());
    if let Some(date) = date {
        headers.insert("x-amz-date", date.parse().unwrap());
    }
    Claim::read(&RequestParts { method: "POST", path: "/", query: "", headers: &headers })
}

#[test]
fn unreadable_claims_each_have_their_sentence() {
    let date = Some("20150830T123600Z");
    for (authorization, date, expected) in [
        ("Bearer hunter2", date, "Unsupported AWS 'algorithm': 'Bearer'"),
        ("hunter2", date, "Unsupported AWS 'algorithm': ''"),
        (
            "AWS4-ECDSA-P256-SHA256 Credential=a",
            date,
            "Unsupported AWS 'algorithm': 'AWS4-ECDSA-P256-SHA256'",
        ),
        (
            "AWS4-HMAC-SHA256",
            None,
            "Authorization header requires 'Credential' parameter. Authorization header requires 'Signature' parameter. Authorization header requires 'SignedHeaders' parameter. Authorization header requires existence of either a 'X-Amz-Date' or a 'Date' header.",
        ),
        (
            "AWS4-HMAC-SHA256 Credential=a/b/c/d/aws4_request, SignedHeaders=host",
            date,
            "Authorization header requires 'Signature' parameter.",
        ),
        (
            "AWS4-HMAC-SHA256 nonsense",
            date,
            "'nonsense' not a valid key=value pair (missing equal-sign) in Authorization header",
        ),
        (
            "AWS4-HMAC-SHA256 Credential=a/b, SignedHeaders=host, Signature=0",
            date,
            "Credential must have exactly 5 slash-delimited elements, e.g. keyid/date/region/service/term, got 'a/b'",
        ),
        (
            "AWS4-HMAC-SHA256 Credential=a/b/c/d/e, SignedHeaders=host, Signature=0",
            date,
            "Credential should be scoped with a valid terminator: 'aws4_request', not 'e'.",
        ),
        (
            "AWS4-HMAC-SHA256 Credential=a/b/c/d/aws4_request, SignedHeaders=x-amz-date, Signature=0",
            date,
            "'Host' or ':authority' must be a 'SignedHeader' in the AWS Authorization.",
        ),
        (
            "AWS4-HMAC-SHA256 Credential=a/b/c/d/aws4_request, SignedHeaders=host, Signature=0",
            Some("yesterday"),
            "Date must be in ISO-8601 'basic format'. Got 'yesterday'. See http://en.wikipedia.org/wiki/ISO_8601",
        ),
    ] {
        assert_eq!(claim(authorization, date).map_err(|error| error.to_string()), Err(expected.to_owned()));
    }
    let headers = HeaderMap::new();
    let parts = RequestParts { method: "POST", path: "/", query: "", headers: &headers };
    assert_eq!(Claim::read(&parts), Err(ClaimError::Missing));
    let query = "X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=a&X-Amz-SignedHeaders=host&X-Amz-Signature=0&X-Amz-Date=20150830T123600Z&X-Amz-Expires=604801";
    assert_eq!(Claim::read(&RequestParts { query, ..parts }), Err(ClaimError::Expires));
}

#[test]
fn the_date_header_may_stand_for_x_amz_date() {
    let mut headers = HeaderMap::new();
    let value = "AWS4-HMAC-SHA256 Credential=a/20150830/c/d/aws4_request,SignedHeaders=date;host,Signature=0";
    headers.insert("authorization", HeaderValue::from_static(value));
    headers.insert("date", HeaderValue::from_static("Sun, 30 Aug 2015 12:36:00 GMT"));
    let parts = RequestParts { method: "POST", path: "/", query: "", headers: &headers };
    let claim = Claim::read(&parts).unwrap();
    assert_eq!((claim.date, claim.timestamp.as_str()), (signed_at(), "20150830T123600Z"));
}

#[test]
fn a_rotated_secret_finds_no_cached_key_and_the_cache_stays_small() {
    let case = &CASES[0];
    let headers = case.headers();
    let parts = case.parts(&headers);
    let claim = Claim::read(&parts).unwrap();
    let verifier = Verifier::new();
    let verify = |secret: &str| {
        verifier.verify(&claim, &Sensitive::from(secret), &parts, Payload::Bytes(b""), signed_at()).is_ok()
    };
    assert!(verify(SECRET) && verify(SECRET));
    assert_eq!(verifier.cached_keys(), 1);
    assert!(!verify("rotated"));
    for index in 0..3000 {
        assert!(!verify(&index.to_string()));
    }
    assert!(verifier.cached_keys() <= 1024, "{}", verifier.cached_keys());
    assert!(verify(SECRET));
}

#[test]
fn s3_bodies_must_be_what_their_header_says() {
    let case = CASES.iter().find(|case| case.method == "PUT").unwrap();
    assert_eq!(case.verify(SECRET, b"other", signed_at()), Err(SignatureError::Payload));
    let headers = case.headers();
    let parts = case.parts(&headers);
    let claim = Claim::read(&parts).unwrap();
    let verify =
        |payload| Verifier::new().verify(&claim, &Sensitive::from(SECRET), &parts, payload, signed_at());
    assert_eq!(verify(Payload::Claimed), Ok(()));
    assert_eq!(verify(Payload::Digest(EMPTY)), Err(SignatureError::Payload));
}

proptest! {
    #[test]
    fn what_is_signed_is_verified(
        path in "(/[a-z%~ +.]{0,6}){0,4}",
        query in "([a-z%+/]{0,3}=?[a-z%+/]{0,3}&?){0,3}",
        value in "[ -~]{0,12}",
        body in proptest::collection::vec(any::<u8>(), 0..64),
        service in prop_oneof![Just("s3"), Just("ecs")],
    ) {
        let mut headers = HeaderMap::new();
        headers.insert("host", HeaderValue::from_static("localhost"));
        headers.insert("x-any", HeaderValue::from_str(&value).unwrap());
        let credentials = Credentials {
            access_key_id: "AKIDEXAMPLE".to_owned(),
            secret_access_key: Sensitive::from(SECRET),
            session_token: Some(Sensitive::from("token")),
        };
        sign(&credentials, "eu-central-1", service, "PUT", &path, &query, &mut headers, &body, signed_at()).unwrap();
        let parts = RequestParts { method: "PUT", path: &path, query: &query, headers: &headers };
        let claim = Claim::read(&parts).unwrap();
        prop_assert_eq!(claim.session_token.as_ref(), Some(&Sensitive::from("token")));
        let (secret, payload) = (Sensitive::from(SECRET), Payload::Bytes(&body));
        prop_assert_eq!(Verifier::new().verify(&claim, &secret, &parts, payload, signed_at()), Ok(()));
    }

    #[test]
    fn no_bytes_make_it_panic(
        prefix in prop_oneof![Just("AWS4-HMAC-SHA256 "), Just("AWS4-HMAC-SHA256 Credential=a/b/c/d/aws4_request,SignedHeaders=host,Signature="), Just("")],
        authorization in proptest::collection::vec(any::<u8>(), 0..80),
        date in proptest::collection::vec(any::<u8>(), 0..20),
        query in ".{0,80}",
    ) {
        let mut headers = HeaderMap::new();
        let authorization = [prefix.as_bytes(), &authorization].concat();
        for (name, value) in [("authorization", authorization), ("x-amz-date", date)] {
            if let Ok(value) = HeaderValue::from_bytes(&value) {
                headers.insert(HeaderName::from_static(name), value);
            }
        }
        let parts = RequestParts { method: "GET", path: "", query: &query, headers: &headers };
        if let Ok(claim) = Claim::read(&parts) {
            let (secret, payload) = (Sensitive::from(SECRET), Payload::Bytes(b""));
            prop_assert!(Verifier::new().verify(&claim, &secret, &parts, payload, claim.date).is_err());
        }
        let presigned = format!("X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Expires=9&{query}");
        headers.remove("authorization");
        let _ = Claim::read(&RequestParts { method: "GET", path: "", query: &presigned, headers: &headers });
    }
}
