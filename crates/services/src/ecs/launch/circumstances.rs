//! What has to be looked up before anything can be advised: policies that deny, and the key that a value is under.

use landfall_base::Arn;
use landfall_iam::{Layer, PolicyTrace};
use landfall_store::View;

use super::advice::{Denying, Holder, KeyInUse, KeyState};
use crate::iam::{managed_policy, role_policy};
use crate::kms;
use crate::pipe::CheckRecord;

/// The policies whose statements refused a check, where all of them can be changed in the role's or the resource's account:
/// of a guardrail of the organization, say, nothing is answered. `resource` is the policy on the resource.
pub(super) fn denying(
    view: &View,
    denied: &CheckRecord,
    role: Option<&str>,
    resource: Option<&str>,
) -> Vec<Denying> {
    let mut found: Vec<(Layer, &PolicyTrace, Vec<usize>)> = Vec::new();
    for (layer, policy, statement) in denied.trace.iter().flat_map(|trace| trace.denials()) {
        match found.last_mut().filter(|(_, last, _)| std::ptr::eq(*last, policy)) {
            Some((_, _, statements)) => statements.push(statement.index),
            None => found.push((layer, policy, vec![statement.index])),
        }
    }
    let all = found.into_iter().map(|(layer, policy, statements)| {
        let name = policy.name.as_str();
        let (holder, policy) = match (layer, policy.arn.as_deref()) {
            (Layer::Identity, Some(arn)) => {
                let policy = managed_policy(view, arn).ok()??;
                (Holder::Managed(arn.to_owned()), policy.text().to_owned())
            }
            (Layer::Identity, None) => {
                let policy = role_policy(view, role?, name).ok()??;
                (Holder::Role { role: role?.to_owned(), policy: name.to_owned() }, policy.text().to_owned())
            }
            (Layer::Resource | Layer::RoleTrust, _) => (Holder::Resource, resource?.to_owned()),
            _ => return None,
        };
        Some(Denying { holder, policy, statements })
    });
    all.collect::<Option<_>>().unwrap_or_default()
}

/// The key that a step may use, by the check that was made for it.
pub(super) fn key_in_use(view: &View, checks: &[CheckRecord]) -> Option<KeyInUse> {
    let check = checks.iter().find(|check| check.action == "kms:Decrypt")?;
    let arn: Arn = check.resource.parse().ok()?;
    let state = match kms::state_of(view, &arn).ok()? {
        None => KeyState::Gone,
        Some("Disabled") => KeyState::Disabled,
        Some("PendingDeletion") => KeyState::PendingDeletion,
        Some(_) => KeyState::Enabled,
    };
    Some(KeyInUse { arn: check.resource.clone(), state })
}
