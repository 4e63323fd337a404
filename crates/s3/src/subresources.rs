//! Parts of buckets and objects that a query names: `?acl`, `?tagging`.
//!
//! `s3s` takes a request whose query names a part that it does not know for one about the whole object or bucket: a `DELETE`
//! of some configuration would delete the bucket. So what names a part goes on only where `s3s` knows the operation.

use http::Method;
use landfall_services::s3::error;
use landfall_shape::ServiceError;

/// A part, and what can be done with it (Amazon S3 API Reference, "Actions").
struct Part {
    name: &'static str,
    of_buckets: &'static [Method],
    of_objects: &'static [Method],
}

const fn part(name: &'static str, of_buckets: &'static [Method], of_objects: &'static [Method]) -> Part {
    Part { name, of_buckets, of_objects }
}

const NONE: &[Method] = &[];
const READ: &[Method] = &[Method::GET];
const ADD: &[Method] = &[Method::POST];
const SET: &[Method] = &[Method::GET, Method::PUT];
const REMOVABLE: &[Method] = &[Method::GET, Method::PUT, Method::DELETE];
const TABLE: &[Method] = &[Method::GET, Method::POST, Method::DELETE];

/// Those for which `s3s` knows every operation.
const KNOWN: [Part; 32] = [
    part("accelerate", SET, NONE),
    part("acl", SET, SET),
    part("analytics", REMOVABLE, NONE),
    part("attributes", NONE, READ),
    part("cors", REMOVABLE, NONE),
    part("delete", ADD, NONE),
    part("encryption", REMOVABLE, NONE),
    part("intelligent-tiering", REMOVABLE, NONE),
    part("inventory", REMOVABLE, NONE),
    part("legal-hold", NONE, SET),
    part("lifecycle", REMOVABLE, NONE),
    part("location", READ, NONE),
    part("logging", SET, NONE),
    part("metadataTable", TABLE, NONE),
    part("metrics", REMOVABLE, NONE),
    part("notification", SET, NONE),
    part("object-lock", SET, NONE),
    part("ownershipControls", REMOVABLE, NONE),
    part("policy", REMOVABLE, NONE),
    part("policyStatus", READ, NONE),
    part("publicAccessBlock", REMOVABLE, NONE),
    part("replication", REMOVABLE, NONE),
    part("requestPayment", SET, NONE),
    part("restore", NONE, ADD),
    part("retention", NONE, SET),
    part("select", NONE, ADD),
    part("session", READ, NONE),
    part("tagging", REMOVABLE, REMOVABLE),
    part("torrent", NONE, READ),
    part("versioning", SET, NONE),
    part("versions", READ, NONE),
    part("website", REMOVABLE, NONE),
];

/// S3's operations that `s3s` does not know.
const UNKNOWN: [Part; 6] = [
    part("abac", SET, NONE),
    part("encryption", NONE, &[Method::PUT]),
    part("metadataConfiguration", TABLE, NONE),
    part("metadataInventoryTable", &[Method::PUT], NONE),
    part("metadataJournalTable", &[Method::PUT], NONE),
    part("renameObject", NONE, &[Method::PUT]),
];

/// Looks whether a request, with this path below the host and the bucket in it, is about a part that can be reached.
///
/// # Errors
/// `NotImplemented` for an operation that we do not have, `MethodNotAllowed` for one that S3 does not have.
pub(crate) fn check(method: &Method, path: &str, query: &str) -> Result<(), ServiceError> {
    let has_key = path.trim_start_matches('/').split_once('/').is_some_and(|(_, key)| !key.is_empty());
    let allows = |part: &Part| {
        let methods = if has_key { part.of_objects } else { part.of_buckets };
        methods.contains(method)
    };
    for named in query.split('&').map(|pair| pair.split_once('=').map_or(pair, |(name, _)| name)) {
        // A list of uploads, and the beginning of one.
        let is_upload = named == "uploads" && *method == if has_key { Method::POST } else { Method::GET };
        let mut parts = KNOWN.iter().chain(&UNKNOWN).filter(|part| part.name == named).peekable();
        if *method == Method::HEAD || is_upload || (parts.peek().is_none() && named != "uploads") {
            continue;
        }
        if UNKNOWN.iter().any(|part| part.name == named && allows(part)) {
            let text = "A header you provided implies functionality that is not implemented";
            return Err(error::not_implemented(text));
        }
        if !parts.any(allows) {
            return Err(error::about(error::method_not_allowed(), "Method", method.as_str()));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_part_is_never_taken_for_the_whole() {
        let cases = [
            (Method::PUT, "/b/k", "encryption", "NotImplemented"),
            (Method::PUT, "/b/k", "renameObject", "NotImplemented"),
            (Method::PUT, "/b/k", "renameObject=&x-id=RenameObject", "NotImplemented"),
            (Method::DELETE, "/b", "metadataConfiguration", "NotImplemented"),
            (Method::DELETE, "/b/", "x=y&metadataConfiguration=", "NotImplemented"),
            (Method::GET, "/b", "abac", "NotImplemented"),
            (Method::DELETE, "/b/k", "acl", "MethodNotAllowed"),
            (Method::DELETE, "/b", "acl", "MethodNotAllowed"),
            (Method::DELETE, "/b/k", "legal-hold", "MethodNotAllowed"),
            (Method::DELETE, "/b/k", "uploads", "MethodNotAllowed"),
            (Method::PUT, "/b/k", "versions", "MethodNotAllowed"),
            (Method::POST, "/b/k", "delete", "MethodNotAllowed"),
        ];
        for (method, path, query, code) in cases {
            assert_eq!(check(&method, path, query).unwrap_err().code, code, "{method} {path}?{query}");
        }
    }

    #[test]
    fn what_is_known_goes_on() {
        let cases = [
            (Method::GET, "/b", "list-type=2&prefix=acl&delimiter=%2F"),
            (Method::GET, "/b", "uploads&max-uploads=3"),
            (Method::POST, "/b/k", "uploads"),
            (Method::POST, "/b", "delete"),
            (Method::PUT, "/b/k", "partNumber=1&uploadId=x"),
            (Method::DELETE, "/b/k", "versionId=x"),
            (Method::DELETE, "/b/k", "tagging"),
            (Method::DELETE, "/b", "encryption"),
            (Method::GET, "/b/k", "response-content-type=text%2Fplain&whatever=1"),
            (Method::HEAD, "/b/k", "acl"),
            (Method::GET, "/", ""),
        ];
        for (method, path, query) in cases {
            assert!(check(&method, path, query).is_ok(), "{method} {path}?{query}");
        }
    }
}
