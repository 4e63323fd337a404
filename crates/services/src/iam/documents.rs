//! Policy documents on their way in and out: what is accepted, how large, and how it is written into answers.

use std::sync::Arc;

use landfall_api::iam::error::{limit_exceeded_exception, malformed_policy_document_exception};
use landfall_iam::{Policy, PolicyError, PolicyKind, policy_size};
use landfall_shape::ServiceError;
use landfall_store::View;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use crate::pipe::Failure;
use crate::principals;

/// The most characters of a managed policy, without white space.
const MANAGED_QUOTA: usize = 6_144;

/// The most characters of a trust policy, without white space.
const TRUST_QUOTA: usize = 2_048;

/// Everything but the unreserved characters of RFC 3986, section 2.3.
const RESERVED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// A document as answers hold it: URL-encoded.
pub(super) fn encoded(document: &str) -> String {
    utf8_percent_encode(document, RESERVED).to_string()
}

/// Reads the document of an inline policy. Its size counts together with others.
pub(super) fn inline(document: &str) -> Result<Arc<Policy>, ServiceError> {
    Policy::parse(document, PolicyKind::Identity).map(Arc::new).map_err(|error| malformed(&error))
}

/// Reads the document of a managed policy.
pub(super) fn managed(document: &str) -> Result<Arc<Policy>, ServiceError> {
    let policy = inline(document)?;
    within(document, MANAGED_QUOTA, "PolicySize")?;
    Ok(policy)
}

/// Reads a trust policy, and binds the users and roles that it names to their unique ids.
///
/// # Errors
/// `MalformedPolicyDocument`, also for principals that do not exist.
pub(super) fn trust(view: &View, document: &str) -> Result<Arc<Policy>, Failure> {
    let policy = Policy::parse(document, PolicyKind::RoleTrust).map_err(|error| malformed(&error))?;
    within(document, TRUST_QUOTA, "ACLSizePerRole")?;
    let bound = principals::bind(view, &policy)?;
    Ok(Arc::new(bound.map_err(|error| malformed(&error))?))
}

fn within(document: &str, quota: usize, name: &str) -> Result<(), ServiceError> {
    if policy_size(document) <= quota {
        return Ok(());
    }
    Err(limit_exceeded_exception(format!("Cannot exceed quota for {name}: {quota}")))
}

fn malformed(error: &PolicyError) -> ServiceError {
    malformed_policy_document_exception(error.message())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unreserved_characters_stay() {
        assert_eq!(encoded("{\"A-b_c.d~\": 1}\n"), "%7B%22A-b_c.d~%22%3A%201%7D%0A");
        assert_eq!(encoded("é*+"), "%C3%A9%2A%2B");
    }

    #[test]
    fn white_space_does_not_count_against_the_quota() {
        let document = |filler: usize| {
            let sid = "a".repeat(filler);
            let space = " ".repeat(9_000);
            format!(
                r#"{{"Version":"2012-10-17",{space}"Statement":{{"Sid":"{sid}","Effect":"Allow","Action":"*","Resource":"*"}}}}"#
            )
        };
        let rest = policy_size(&document(0));
        assert!(managed(&document(MANAGED_QUOTA - rest)).is_ok());
        let error = managed(&document(MANAGED_QUOTA - rest + 1)).unwrap_err();
        assert_eq!(
            (error.code, error.message.as_str()),
            ("LimitExceeded", "Cannot exceed quota for PolicySize: 6144")
        );
    }
}
