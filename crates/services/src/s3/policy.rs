//! Bucket policies: read, checked, bound to the principals they name; and whether one is public in S3's sense.

use landfall_iam::{Policy, PolicyKind, ResourceService, is_condition_operator};
use landfall_store::View;
use serde_json::Value;

use super::statement::texts;
use super::{error, statement};
use crate::pipe::Failure;
use crate::principals;

/// The longest policy, in bytes.
const LONGEST: usize = 20 * 1024;

/// Condition keys that tie a statement to fixed callers or networks (User Guide, "Blocking public access", "The meaning of
/// public").
const FIXING_KEYS: [&str; 14] = [
    "aws:principalaccount",
    "aws:principalarn",
    "aws:principalorgid",
    "aws:principalorgpaths",
    "aws:sourceaccount",
    "aws:sourcearn",
    "aws:sourceip",
    "aws:sourceowner",
    "aws:sourcevpc",
    "aws:sourcevpce",
    "aws:userid",
    "s3:dataaccesspointaccount",
    "s3:dataaccesspointarn",
    "s3:x-amz-server-side-encryption-aws-kms-key-id",
];

/// A policy that somebody wants to put on a bucket.
///
/// # Errors
/// `MalformedPolicy`
pub(super) fn parse(view: &View, bucket: &str, text: &str) -> Result<Policy, Failure> {
    if text.len() > LONGEST {
        return Err(error::malformed_policy("Policy exceeds the maximum allowed document size.").into());
    }
    check_form(text).map_err(error::malformed_policy)?;
    let policy = Policy::parse(text, PolicyKind::Resource(ResourceService::Bucket));
    let policy = policy.map_err(|error| error::malformed_policy(error.message()))?;
    for statement in statements(text) {
        statement::check(&statement, bucket).map_err(error::malformed_policy)?;
    }
    let bound = principals::bind(view, &policy)?;
    bound.map_err(|error| error::malformed_policy(error.message()).into())
}

/// What S3 says of a document that is none, where IAM has other words.
fn check_form(text: &str) -> Result<(), String> {
    if !text.starts_with('{') {
        return Err("Policies must be valid JSON and the first byte must be '{'".to_owned());
    }
    let document: Value = serde_json::from_str(text).map_err(|_| "This policy contains invalid Json")?;
    if document.get("Version").is_some_and(|version| version != "2012-10-17" && version != "2008-10-17") {
        return Err("The policy must contain a valid version string".to_owned());
    }
    if document.get("Statement").is_none() {
        return Err("Missing required field Statement".to_owned());
    }
    for statement in statements_of(&document) {
        match statement.get("Effect").map(Value::as_str) {
            None => return Err("Missing required field Effect".to_owned()),
            Some(Some("Allow" | "Deny") | None) => {}
            Some(Some(other)) => return Err(format!("Invalid effect: {other}")),
        }
        let mut operators = statement.get("Condition").and_then(Value::as_object).into_iter().flatten();
        if let Some((unknown, _)) = operators.find(|(name, _)| !is_condition_operator(name)) {
            return Err(format!("Invalid Condition type : {unknown}"));
        }
    }
    Ok(())
}

fn statements(text: &str) -> Vec<Value> {
    let document: Value = serde_json::from_str(text).unwrap_or_default();
    statements_of(&document).to_vec()
}

/// One, or a list.
fn statements_of(document: &Value) -> &[Value] {
    match document.get("Statement") {
        Some(Value::Array(statements)) => statements,
        Some(statement) => std::slice::from_ref(statement),
        None => &[],
    }
}

/// Whether a policy lets in more than fixed callers.
pub(super) fn is_public(policy: &Policy) -> bool {
    statements(policy.text()).iter().any(is_public_statement)
}

fn is_public_statement(statement: &Value) -> bool {
    let allows = statement.get("Effect").and_then(Value::as_str) == Some("Allow");
    allows && names_everybody(statement) && !is_fixed(statement)
}

fn names_everybody(statement: &Value) -> bool {
    let everybody = |value: Option<&Value>| texts(value).contains(&"*");
    let principal = statement.get("Principal");
    statement.get("NotPrincipal").is_some()
        || everybody(principal)
        || everybody(principal.and_then(|principal| principal.get("AWS")))
}

fn is_fixed(statement: &Value) -> bool {
    let Some(Value::Object(condition)) = statement.get("Condition") else { return false };
    condition.iter().any(|(operator, keys)| {
        let operator = operator.to_ascii_lowercase();
        let positive =
            ["stringequals", "stringlike", "arnequals", "arnlike", "ipaddress"].iter().any(|name| {
                operator == *name
                    || operator.strip_prefix("forallvalues:") == Some(*name)
                    || operator.strip_prefix("foranyvalue:") == Some(*name)
            });
        let Value::Object(keys) = keys else { return false };
        positive
            && keys.iter().any(|(key, values)| {
                let values = texts(Some(values));
                FIXING_KEYS.contains(&key.to_ascii_lowercase().as_str())
                    && !values.is_empty()
                    && values.into_iter().all(is_narrow)
            })
    })
}

/// `*`, `0.0.0.0/0` and other wide networks are no fixed values.
fn is_narrow(value: &str) -> bool {
    if let Some((network, bits)) = value.split_once('/')
        && let (Ok(network), Ok(bits)) = (network.parse::<std::net::IpAddr>(), bits.parse::<u8>())
    {
        return bits >= if network.is_ipv4() { 8 } else { 32 };
    }
    !value.contains(['*', '?']) && !value.contains("${")
        || value.starts_with("arn:") && value.split(':').nth(4).is_some_and(|account| account.len() == 12)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn public(rest: &str) -> bool {
        let text = format!(
            r#"{{"Version":"2012-10-17","Statement":[{{"Effect":"Allow","Action":"s3:GetObject","Resource":"arn:aws:s3:::b/*",{rest}}}]}}"#
        );
        is_public(&Policy::parse(&text, PolicyKind::Resource(ResourceService::Bucket)).unwrap())
    }

    #[test]
    fn what_is_public() {
        let cases = [
            (r#""Principal":"*""#, true),
            (r#""Principal":{"AWS":"*"}"#, true),
            (r#""Principal":{"AWS":["*"]}"#, true),
            (r#""Principal":{"AWS":"111122223333"}"#, false),
            (r#""Principal":{"Service":"logging.s3.amazonaws.com"}"#, false),
            (r#""Principal":"*","Condition":{"StringEquals":{"aws:SourceVpc":"vpc-1"}}"#, false),
            (r#""Principal":"*","Condition":{"StringLike":{"aws:SourceVpc":"vpc-*"}}"#, true),
            (r#""Principal":"*","Condition":{"StringNotEquals":{"aws:SourceVpc":"vpc-1"}}"#, true),
            (r#""Principal":"*","Condition":{"IpAddress":{"aws:SourceIp":"0.0.0.0/0"}}"#, true),
            (r#""Principal":"*","Condition":{"IpAddress":{"aws:SourceIp":"10.0.0.0/8"}}"#, false),
            (r#""Principal":"*","Condition":{"Bool":{"aws:SecureTransport":"true"}}"#, true),
        ];
        for (rest, expected) in cases {
            assert_eq!(public(rest), expected, "{rest}");
        }
    }
}
