//! KMS grants (AWS KMS Developer Guide, "Grants in AWS KMS").

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::principal::strip_prefix_ignore_case;
use crate::principal_match::is_named;
use crate::request::Request;

const CONTEXT_PREFIX: &str = "kms:EncryptionContext:";

/// A permission on one KMS key for one principal. It can only allow.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Grant {
    /// ARN or unique id of the user, role or session; or the name of a service.
    pub grantee: String,
    /// Names of operations without `kms:`.
    pub operations: Vec<String>,
    /// When it holds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub constraint: Option<GrantConstraint>,
}

/// Demands on the encryption context. Keys and values are compared with their case.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum GrantConstraint {
    /// The context is exactly this.
    EncryptionContextEquals(BTreeMap<String, String>),
    /// The context holds at least this.
    EncryptionContextSubset(BTreeMap<String, String>),
}

impl Grant {
    /// Whether the grant allows the request, which is about the grant's key.
    pub(crate) fn covers(&self, request: &Request<'_>) -> bool {
        let Some(operation) = strip_prefix_ignore_case(request.action, "kms:") else { return false };
        let listed = self.operations.iter().any(|name| name.eq_ignore_ascii_case(operation));
        listed && self.is_for(request) && (ignores_constraints(operation) || self.constraint_holds(request))
    }

    /// A grant names one principal, never an account.
    fn is_for(&self, request: &Request<'_>) -> bool {
        let (principal, grantee) = (request.principal, self.grantee.as_str());
        principal.service_name() == Some(grantee) || (!principal.is_root() && is_named(grantee, principal))
    }

    fn constraint_holds(&self, request: &Request<'_>) -> bool {
        let (wanted, exact) = match &self.constraint {
            None => return true,
            Some(GrantConstraint::EncryptionContextEquals(wanted)) => (wanted, true),
            Some(GrantConstraint::EncryptionContextSubset(wanted)) => (wanted, false),
        };
        let pairs = || request.context.iter().filter_map(context_pair);
        let holds = |(key, value): (&String, &String)| pairs().any(|pair| pair == (key, value));
        wanted.iter().all(holds) && (!exact || pairs().count() == wanted.len())
    }
}

fn context_pair<'a>((key, values): (&'a str, &'a [String])) -> Option<(&'a str, &'a str)> {
    match values {
        [value] => Some((strip_prefix_ignore_case(key, CONTEXT_PREFIX)?, value)),
        _ => None,
    }
}

/// Neither operation takes an encryption context.
fn ignores_constraints(operation: &str) -> bool {
    operation.eq_ignore_ascii_case("DescribeKey") || operation.eq_ignore_ascii_case("RetireGrant")
}
