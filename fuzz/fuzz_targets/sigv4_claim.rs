//! SigV4 headers and presigned queries: no bytes make the parser fail otherwise than by an error, or are believed.
#![no_main]

use http::{HeaderMap, HeaderName, HeaderValue};
use landfall_base::Sensitive;
use landfall_wire::sigv4::{Claim, Payload, RequestParts, Verifier};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: (&[u8], &[u8], String, String)| {
    let (authorization, date, path, query) = input;
    let mut headers = HeaderMap::new();
    for (name, value) in [("authorization", authorization), ("x-amz-date", date)] {
        if let Ok(value) = HeaderValue::from_bytes(value) {
            headers.insert(HeaderName::from_static(name), value);
        }
    }
    check(&RequestParts { method: "POST", path: &path, query: &query, headers: &headers });
    headers.remove("authorization");
    check(&RequestParts { method: "GET", path: &path, query: &query, headers: &headers });
});

fn check(parts: &RequestParts<'_>) {
    let Ok(claim) = Claim::read(parts) else { return };
    let secret = Sensitive::from("a secret that no input holds");
    let verified = Verifier::new().verify(&claim, &secret, parts, Payload::Bytes(b""), claim.date);
    assert!(verified.is_err());
}
