//! The audit log: one line for each call, and one for each decision that refused.

use std::fmt;

use landfall_shape::Operation;

use super::{Caller, CheckRecord};

/// What a call is, as the audit log names it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CallName {
    /// `s3`; `ecr-registry` for the protocol of registries.
    pub service: &'static str,
    /// As the service's API calls it.
    pub operation: &'static str,
}

impl CallName {
    /// An operation, by its names in the API or what a protocol beside the APIs calls it.
    pub const fn new(service: &'static str, operation: &'static str) -> Self {
        Self { service, operation }
    }

    /// An operation of a service's API.
    pub const fn of<O: Operation>() -> Self {
        Self::new(O::SERVICE.name, O::SCHEMA.name)
    }
}

impl fmt::Display for CallName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.service, self.operation)
    }
}

/// The target of lines about reads that were answered: they change nothing and refuse nothing, so they need not be in the
/// file before the answer is out.
pub const ALLOWED_READ: &str = "audit::read";

/// One line for each call: who, what, and how it ended; for a refusal the whole decision. No input: it may hold secrets.
pub fn audit(call: CallName, caller: &Caller, code: &str, checks: &[CheckRecord]) {
    let CallName { service, operation } = call;
    let (region, key) = (caller.unsaid.hide(caller.region.as_str()), &caller.access_key_id);
    tracing::info!(
        target: "audit", service, operation, code,
        principal = %caller.principal.display(), %region, %key
    );
    audit_refusals(call, checks);
}

/// As [`audit`], for a read that was answered.
pub(super) fn audit_read(CallName { service, operation }: CallName, caller: &Caller) {
    let (region, key) = (caller.unsaid.hide(caller.region.as_str()), &caller.access_key_id);
    tracing::info!(
        target: ALLOWED_READ, service, operation, code = "ok",
        principal = %caller.principal.display(), %region, %key
    );
}

/// The whole decision of each refusal, for checks that no line of a call has.
pub fn audit_refusals(CallName { service, operation }: CallName, checks: &[CheckRecord]) {
    for refused in checks.iter().filter(|check| !check.allowed) {
        let decision = serde_json::to_string(&with_whole_context(refused)).unwrap_or_default();
        tracing::info!(target: "audit", service, operation, refused = refused.action, decision);
    }
}

/// A refusal that is not enforced.
pub(super) fn audit_passed(CallName { service, operation }: CallName, denied: &str) {
    tracing::warn!(target: "audit", service, operation, denied, "would be refused");
}

/// A refusal with every condition key that it was decided by: the caller's and those of all calls, too.
fn with_whole_context(refused: &CheckRecord) -> CheckRecord {
    let mut record = refused.clone();
    if let Some(trace) = &record.trace {
        record.context.clone_from(&trace.context);
    }
    record
}

#[cfg(test)]
mod tests;
