//! Managed policies, AWS's and customers', looked up by ARN.

use std::collections::HashMap;
use std::sync::Arc;

use landfall_api::iam::error::{invalid_input_exception, no_such_entity_exception};
use landfall_base::{AccountId, Arn, Timestamp};
use landfall_shape::ServiceError;
use landfall_store::{StoreError, View};

use super::entity::{Entity, with_tags_of};
use super::policies::{AwsManagedPolicy, aws_managed_policy, customer_policy_key};
use super::record::{Group, ManagedPolicy, POLICIES, Role, User, key_name};
use crate::pipe::{Context, Failure, Permission};

/// A managed policy.
#[derive(Debug, Clone)]
pub(super) enum Managed {
    /// AWS keeps it.
    Aws(&'static AwsManagedPolicy),
    /// A customer's own.
    Customer(Arc<ManagedPolicy>),
}

impl Managed {
    /// Finds a policy by its exact ARN.
    pub(super) fn find(view: &View, arn: &str) -> Result<Option<Self>, StoreError> {
        if let Some(policy) = aws_managed_policy(arn) {
            return Ok(Some(Self::Aws(policy)));
        }
        let Some((account, name)) = customer_policy_key(arn) else { return Ok(None) };
        let row = view.get(&POLICIES, &(&account, name.as_str()))?;
        Ok(row.filter(|row| row.arn == arn).map(Self::Customer))
    }

    /// Finds a policy that a user or role of `account` may have.
    pub(super) fn attachable(
        view: &View,
        account: &AccountId,
        arn: &Arn,
    ) -> Result<Option<Self>, StoreError> {
        let reachable = arn.account() == "aws" || arn.account() == account.as_str();
        if reachable { Self::find(view, arn.as_str()) } else { Ok(None) }
    }

    pub(super) fn name(&self) -> &str {
        match self {
            Self::Aws(policy) => &policy.name,
            Self::Customer(policy) => &policy.name,
        }
    }

    pub(super) fn path(&self) -> &str {
        match self {
            Self::Aws(policy) => &policy.path,
            Self::Customer(policy) => &policy.path,
        }
    }

    pub(super) fn arn(&self) -> &str {
        match self {
            Self::Aws(policy) => &policy.arn,
            Self::Customer(policy) => &policy.arn,
        }
    }

    pub(super) fn id(&self) -> &str {
        match self {
            Self::Aws(policy) => &policy.id,
            Self::Customer(policy) => &policy.id,
        }
    }

    pub(super) fn default_version(&self) -> String {
        match self {
            Self::Aws(policy) => policy.default_version.clone(),
            Self::Customer(policy) => version_id(policy.default_version),
        }
    }

    /// When it was created, and when last changed.
    pub(super) fn times(&self) -> (Timestamp, Timestamp) {
        match self {
            Self::Aws(policy) => (policy.created_at, policy.updated_at),
            Self::Customer(policy) => (policy.created_at, policy.updated_at),
        }
    }

    pub(super) fn description(&self) -> Option<&str> {
        match self {
            Self::Aws(_) => None,
            Self::Customer(policy) => policy.description.as_deref(),
        }
    }

    pub(super) fn tags(&self) -> &[(String, String)] {
        match self {
            Self::Aws(_) => &[],
            Self::Customer(policy) => &policy.tags,
        }
    }
}

/// `v3`
pub(super) fn version_id(number: u32) -> String {
    format!("v{number}")
}

/// 3, of `v3`.
pub(super) fn version_number(id: &str) -> Option<u32> {
    id.strip_prefix('v')?.parse().ok()
}

/// The managed policy that a call is about, if there is one.
#[derive(Debug)]
pub struct PolicyTarget {
    pub(super) arn: Arn,
    policy: Option<Managed>,
}

impl PolicyTarget {
    /// Looks up an ARN.
    ///
    /// # Errors
    /// It is not the ARN of a policy.
    pub(super) fn find(view: &View, arn: &str) -> Result<Self, Failure> {
        let arn = policy_arn(arn)?;
        let policy = Managed::find(view, arn.as_str())?;
        Ok(Self { arn, policy })
    }

    /// A check on this policy.
    pub(super) fn permission(&self, action: &'static str) -> Permission {
        let tags = self.policy.as_ref().map(Managed::tags).unwrap_or_default();
        with_tags_of(Permission::on(action, &self.arn).shown_as(format!("policy {}", self.arn)), tags)
    }

    /// The policy.
    ///
    /// # Errors
    /// `NoSuchEntity`
    pub(super) fn existing(&self) -> Result<&Managed, Failure> {
        Ok(self.policy.as_ref().ok_or_else(|| not_found(&self.arn))?)
    }

    /// The policy, to be changed by `action`, and its account and key.
    ///
    /// # Errors
    /// `NoSuchEntity`; `AccessDenied` for AWS's own, which nobody else may change.
    pub(super) fn changeable(
        &self,
        cx: &Context<'_>,
        action: &str,
    ) -> Result<(&Arc<ManagedPolicy>, (AccountId, String)), Failure> {
        let Managed::Customer(policy) = self.existing()? else {
            let caller = cx.caller.arn();
            let text = format!(
                "User: {caller} is not authorized to perform: {action} on resource: policy {}",
                self.arn
            );
            return Err(ServiceError::with_status("AccessDenied", 403, text).into());
        };
        let account = self.arn.account_id().ok_or_else(|| not_found(&self.arn))?;
        Ok((policy, (account, key_name(&policy.name))))
    }
}

fn not_found(arn: &Arn) -> ServiceError {
    no_such_entity_exception(format!("Policy {arn} was not found."))
}

/// Reads the ARN of a managed policy.
///
/// # Errors
/// `ValidationError` for what is no ARN, `InvalidInput` for what is not one of a policy.
pub(super) fn policy_arn(text: &str) -> Result<Arn, ServiceError> {
    let unreadable = |_| ServiceError::client("ValidationError", "Invalid ARN:  Could not be parsed!");
    let arn: Arn = text.parse().map_err(unreadable)?;
    let owned = arn.account() == "aws" || arn.account_id().is_some();
    if arn.service() == "iam" && owned && arn.resource().starts_with("policy/") {
        return Ok(arn);
    }
    Err(invalid_input_exception(format!("ARN {text} is not valid.")))
}

/// How often a policy is used.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(super) struct Usage {
    /// By how many users, groups and roles as a policy.
    pub(super) attached: i32,
    /// By how many as a permissions boundary.
    pub(super) boundary: i32,
}

/// How often each managed policy is used in an account, by ARN.
#[derive(Debug, Default)]
pub(super) struct Usages(HashMap<String, Usage>);

impl Usages {
    /// Counts in one walk over the account's users, groups and roles.
    pub(super) fn of(view: &View, account: &AccountId) -> Result<Self, StoreError> {
        let mut usages = Self::default();
        usages.add::<User>(view, account)?;
        usages.add::<Group>(view, account)?;
        usages.add::<Role>(view, account)?;
        Ok(usages)
    }

    fn add<E: Entity>(&mut self, view: &View, account: &AccountId) -> Result<(), StoreError> {
        for row in view.scan(&E::TABLE, (account,)) {
            let (_, entity) = row?;
            for arn in entity.attached() {
                self.0.entry(arn.clone()).or_default().attached += 1;
            }
            if let Some(arn) = entity.boundary() {
                self.0.entry(arn.to_owned()).or_default().boundary += 1;
            }
        }
        Ok(())
    }

    /// How often one policy is used.
    pub(super) fn get(&self, arn: &str) -> Usage {
        self.0.get(arn).copied().unwrap_or_default()
    }
}

/// Checks a permissions boundary that somebody wants to set.
///
/// # Errors
/// `NoSuchEntity` if there is no such policy.
pub(super) fn check_boundary(view: &View, account: &AccountId, arn: Option<&str>) -> Result<(), Failure> {
    let Some(arn) = arn else { return Ok(()) };
    if Managed::attachable(view, account, &policy_arn(arn)?)?.is_some() {
        return Ok(());
    }
    Err(no_such_entity_exception(format!("Scope ARN: {arn} does not exist or is not attachable.")).into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arns_of_policies() {
        for good in ["arn:aws:iam::111122223333:policy/p", "arn:aws:iam::aws:policy/service-role/p"] {
            assert!(policy_arn(good).is_ok(), "{good}");
        }
        for (bad, code) in [
            ("longpolicynamebutnoarn", "ValidationError"),
            ("arn:aws:iam::111122223333:role/p", "InvalidInput"),
            ("arn:aws:s3::111122223333:policy/p", "InvalidInput"),
            ("arn:aws:iam:::policy/p", "InvalidInput"),
        ] {
            assert_eq!(policy_arn(bad).unwrap_err().code, code, "{bad}");
        }
    }

    #[test]
    fn version_ids() {
        assert_eq!(version_number(&version_id(12)), Some(12));
        for bad in ["12", "v", "vx", "v1.a"] {
            assert_eq!(version_number(bad), None, "{bad}");
        }
    }
}
