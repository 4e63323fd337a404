//! Which policies a principal has.

use std::collections::BTreeMap;
use std::sync::{Arc, LazyLock, OnceLock};

use landfall_base::{AccountId, Arn, Timestamp};
use landfall_iam::{Attached, Policy, PolicyKind, Principal};
use landfall_store::{StoreError, View};
use serde::Deserialize;
use serde_json::value::RawValue;

use super::entity::Entity;
use super::record::{self, GROUPS, MEMBERSHIPS, POLICIES, POLICY_VERSIONS, ROLES, Tags, USERS, key_name};
use crate::pipe::Caller;

/// The identity side of an evaluation.
#[derive(Debug, Clone, Default)]
pub struct PrincipalPolicies {
    /// Inline and attached policies.
    pub identity: Vec<AttachedPolicy>,
    /// The permissions boundary, if one is set.
    pub boundary: Option<AttachedPolicy>,
    /// Tags of the user or role: `aws:PrincipalTag`, where a session has no tag of that key.
    pub tags: Tags,
}

/// A policy and how it is known.
#[derive(Debug, Clone)]
pub struct AttachedPolicy {
    /// Name of an inline policy, ARN of a managed one.
    pub name: String,
    /// It is a managed policy.
    pub managed: bool,
    /// The group through which the user has it.
    pub group: Option<String>,
    /// The document.
    pub policy: Arc<Policy>,
}

impl AttachedPolicy {
    fn inline(name: String, policy: &Arc<Policy>) -> Self {
        Self { name, managed: false, group: None, policy: Arc::clone(policy) }
    }

    /// As the evaluator takes it.
    pub fn attached(&self) -> Attached<'_> {
        let attached = if self.managed {
            Attached::managed(&self.name, &self.name, &self.policy)
        } else {
            Attached::inline(&self.name, &self.policy)
        };
        match &self.group {
            Some(group) => attached.through_group(group),
            None => attached,
        }
    }
}

/// The policies of a principal. A user or role that is gone, or was created again under its name, has none.
///
/// # Errors
/// A row cannot be read: it must not count as absent.
pub fn policies_of(view: &View, principal: &Principal) -> Result<PrincipalPolicies, StoreError> {
    let Some(account) = principal.account() else {
        return Ok(PrincipalPolicies::default());
    };
    if principal.is_root() {
        return root_policies(view);
    }
    if let Some(name) = principal.user_name() {
        return user_policies(view, account, name, principal.user_id());
    }
    let role = principal.principal_arn().and_then(|arn| arn.resource().strip_prefix("role/"));
    match role.map(|path| path.rsplit_once('/').map_or(path, |(_, name)| name)) {
        Some(name) => role_policies(view, account, name, principal.user_id()),
        None => Ok(PrincipalPolicies::default()),
    }
}

/// The policies of a caller, with those that it will have.
///
/// # Errors
/// As [`policies_of`].
pub fn policies_for(view: &View, caller: &Caller) -> Result<PrincipalPolicies, StoreError> {
    let mut policies = policies_of(view, caller.policy_holder())?;
    for planned in &caller.planned {
        policies.identity.retain(|it| it.name != planned.name);
        let managed = planned.name.starts_with("arn:");
        let policy = planned.policy.iter();
        policies.identity.extend(policy.map(|policy| AttachedPolicy {
            managed,
            ..AttachedPolicy::inline(planned.name.clone(), policy)
        }));
    }
    Ok(policies)
}

/// A root user may everything without any policy; a session that it hands on has to have it from somewhere.
fn root_policies(view: &View) -> Result<PrincipalPolicies, StoreError> {
    let everything = managed(view, "arn:aws:iam::aws:policy/AdministratorAccess")?;
    Ok(PrincipalPolicies { identity: Vec::from_iter(everything), ..PrincipalPolicies::default() })
}

fn user_policies(
    view: &View,
    account: &AccountId,
    name: &str,
    id: Option<&str>,
) -> Result<PrincipalPolicies, StoreError> {
    let key = key_name(name);
    let Some(user) = view.get(&USERS, &(account, key.as_str()))?.filter(|user| Some(user.id.as_str()) == id)
    else {
        return Ok(PrincipalPolicies::default());
    };
    let mut policies = entity_policies(view, account, user.as_ref())?;
    for row in view.scan(&MEMBERSHIPS, (account, key.as_str())) {
        let ((_, _, group), _) = row?;
        policies.identity.extend(group_policies(view, account, &group)?);
    }
    Ok(policies)
}

fn role_policies(
    view: &View,
    account: &AccountId,
    name: &str,
    user_id: Option<&str>,
) -> Result<PrincipalPolicies, StoreError> {
    let key = key_name(name);
    let id = user_id.and_then(|id| id.split(':').next());
    let Some(role) = view.get(&ROLES, &(account, key.as_str()))?.filter(|role| Some(role.id.as_str()) == id)
    else {
        return Ok(PrincipalPolicies::default());
    };
    entity_policies(view, account, role.as_ref())
}

/// What a group gives to its members.
fn group_policies(view: &View, account: &AccountId, key: &str) -> Result<Vec<AttachedPolicy>, StoreError> {
    let Some(group) = view.get(&GROUPS, &(account, key))? else { return Ok(Vec::new()) };
    let policies = entity_policies(view, account, group.as_ref())?.identity;
    let through = |policy| AttachedPolicy { group: Some(group.name.clone()), ..policy };
    Ok(policies.into_iter().map(through).collect())
}

/// The policies that a user, group or role has itself.
pub(super) fn entity_policies<E: Entity>(
    view: &View,
    account: &AccountId,
    entity: &E,
) -> Result<PrincipalPolicies, StoreError> {
    let inline = view.list(&E::INLINE, (account, key_name(entity.name()).as_str()))?;
    let inline = inline.into_iter().map(|((_, _, name), row)| AttachedPolicy::inline(name, &row.policy));
    let mut identity: Vec<_> = inline.collect();
    for arn in entity.attached() {
        identity.extend(managed(view, arn)?);
    }
    let boundary = entity.boundary().map(|arn| managed(view, arn)).transpose()?.flatten();
    Ok(PrincipalPolicies { identity, boundary, tags: entity.tags().to_vec() })
}

fn managed(view: &View, arn: &str) -> Result<Option<AttachedPolicy>, StoreError> {
    let policy = managed_policy(view, arn)?;
    Ok(policy.map(|policy| AttachedPolicy { name: arn.to_owned(), managed: true, group: None, policy }))
}

/// The default version of a managed policy, AWS's or a customer's.
///
/// # Errors
/// A row cannot be read.
pub fn managed_policy(view: &View, arn: &str) -> Result<Option<Arc<Policy>>, StoreError> {
    if let Some(policy) = aws_managed_policy(arn) {
        return Ok(policy.policy().cloned());
    }
    let Some((account, name)) = customer_policy_key(arn) else { return Ok(None) };
    let Some(row) = view.get(&POLICIES, &(&account, name.as_str()))?.filter(|row| row.arn == arn) else {
        return Ok(None);
    };
    let version = view.get(&POLICY_VERSIONS, &(&account, name.as_str(), row.default_version))?;
    Ok(version.map(|version| Arc::clone(&version.policy)))
}

/// Account and lower-case name in the ARN of a customer managed policy.
pub(super) fn customer_policy_key(arn: &str) -> Option<(AccountId, String)> {
    let arn: Arn = arn.parse().ok()?;
    let path = arn.resource().strip_prefix("policy/")?;
    let name = path.rsplit_once('/').map_or(path, |(_, name)| name);
    Some((arn.account_id()?, record::key_name(name)))
}

/// A policy that AWS manages.
#[derive(Debug)]
pub struct AwsManagedPolicy {
    /// Its name.
    pub name: String,
    /// `/` or `/…/`.
    pub path: String,
    /// `arn:aws:iam::aws:policy/…`
    pub arn: String,
    /// `ANPA…`
    pub id: String,
    /// `v1`, `v2`, …
    pub default_version: String,
    /// When AWS created it.
    pub created_at: Timestamp,
    /// When AWS last changed it.
    pub updated_at: Timestamp,
    document: String,
    policy: OnceLock<Option<Arc<Policy>>>,
}

impl AwsManagedPolicy {
    /// The document, compiled when it is first asked for: some are long and most are never used.
    pub fn policy(&self) -> Option<&Arc<Policy>> {
        let compile = || Policy::parse(&self.document, PolicyKind::Identity).ok().map(Arc::new);
        self.policy.get_or_init(compile).as_ref()
    }

    /// The document's text.
    pub fn document(&self) -> &str {
        &self.document
    }
}

/// The policies that AWS manages, by ARN.
pub fn aws_managed_policies() -> &'static BTreeMap<String, AwsManagedPolicy> {
    static POLICIES: LazyLock<BTreeMap<String, AwsManagedPolicy>> = LazyLock::new(load_aws_managed_policies);
    &POLICIES
}

#[derive(Deserialize)]
struct DataFileEntry {
    name: String,
    path: String,
    arn: String,
    id: String,
    default_version: String,
    created_at: String,
    updated_at: String,
    document: Box<RawValue>,
}

fn load_aws_managed_policies() -> BTreeMap<String, AwsManagedPolicy> {
    let entries: Vec<DataFileEntry> =
        serde_json::from_str(include_str!("aws_managed_policies.json")).unwrap_or_default();
    entries.into_iter().filter_map(|entry| Some((entry.arn.clone(), entry.parse()?))).collect()
}

impl DataFileEntry {
    fn parse(self) -> Option<AwsManagedPolicy> {
        Some(AwsManagedPolicy {
            created_at: Timestamp::parse_iso8601(&self.created_at)?,
            updated_at: Timestamp::parse_iso8601(&self.updated_at)?,
            document: self.document.get().to_owned(),
            policy: OnceLock::new(),
            name: self.name,
            path: self.path,
            arn: self.arn,
            id: self.id,
            default_version: self.default_version,
        })
    }
}

/// Finds a policy that AWS manages by its ARN.
pub fn aws_managed_policy(arn: &str) -> Option<&'static AwsManagedPolicy> {
    aws_managed_policies().get(arn)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_entry_of_the_data_file_is_a_policy() {
        let entries: Vec<serde_json::Value> =
            serde_json::from_str(include_str!("aws_managed_policies.json")).unwrap();
        let compiled = aws_managed_policies().values().filter(|policy| policy.policy().is_some()).count();
        assert_eq!(compiled, entries.len());
        let execution = "arn:aws:iam::aws:policy/service-role/AmazonECSTaskExecutionRolePolicy";
        assert_eq!(aws_managed_policy(execution).unwrap().path, "/service-role/");
    }
}
