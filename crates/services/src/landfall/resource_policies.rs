//! The policies that sit on resources, by ARN: trust policies of roles, policies of secrets, buckets, repositories and
//! functions, policies and grants of KMS keys.

use std::sync::Arc;

use landfall_base::{AccountId, Arn, Region};
use landfall_iam::{Grant, Policy, ResourceKind};
use landfall_store::{StoreError, View};

use crate::ecr::record::Repository;
use crate::ecr::registry::find_repository;
use crate::iam::find_role;
use crate::kms::record::{GRANTS, KEYS};
use crate::s3::is_restricted;
use crate::s3::record::BUCKETS;
use crate::secretsmanager::record::{SECRETS, Secret};
use crate::secretsmanager::rotation::FUNCTIONS;

/// A resource's policy.
#[derive(Debug)]
pub(crate) struct ResourcePolicy {
    pub(crate) policy: Arc<Policy>,
    kind: Kind,
    /// It counts for the owner's account only.
    restricted: bool,
}

#[derive(Debug)]
enum Kind {
    RoleTrust,
    Ordinary,
    Key { grants: Vec<Grant>, aws_managed: bool },
}

impl ResourcePolicy {
    fn new(policy: Arc<Policy>, kind: Kind) -> Self {
        Self { policy, kind, restricted: false }
    }

    /// Whether callers of other accounts are as if there was no policy: S3's `RestrictPublicBuckets`.
    pub(super) fn is_restricted(&self) -> bool {
        self.restricted
    }

    /// Whether it is a role's trust policy.
    pub(super) fn is_role_trust(&self) -> bool {
        matches!(self.kind, Kind::RoleTrust)
    }

    /// How much depends on it.
    pub(super) fn kind(&self) -> ResourceKind<'_> {
        match &self.kind {
            Kind::RoleTrust => ResourceKind::RoleTrust,
            Kind::Ordinary => ResourceKind::Ordinary,
            Kind::Key { grants, aws_managed } => ResourceKind::KmsKey { grants, aws_managed: *aws_managed },
        }
    }
}

/// The policy of a resource, if there is the resource and it has one.
///
/// # Errors
/// A row cannot be read.
pub(crate) fn policy_of_resource(view: &View, arn: &Arn) -> Result<Option<ResourcePolicy>, StoreError> {
    if arn.service() == "s3" {
        return bucket(view, arn);
    }
    let Some(owner) = arn.account_id() else { return Ok(None) };
    match arn.service() {
        "iam" => {
            let role = find_role(view, arn.as_str(), &owner)?;
            Ok(role.map(|role| ResourcePolicy::new(Arc::clone(&role.trust), Kind::RoleTrust)))
        }
        "secretsmanager" => {
            let policy = secret(view, arn, &owner)?.and_then(|secret| secret.policy.clone());
            Ok(policy.map(|policy| ResourcePolicy::new(policy, Kind::Ordinary)))
        }
        "ecr" => {
            let policy = repository(view, arn, &owner)?.and_then(|repository| repository.policy.clone());
            Ok(policy.map(|policy| ResourcePolicy::new(policy, Kind::Ordinary)))
        }
        "kms" => key(view, arn, &owner),
        "lambda" => {
            let policy = function(view, arn, &owner)?;
            Ok(policy.map(|policy| ResourcePolicy::new(policy, Kind::Ordinary)))
        }
        _ => Ok(None),
    }
}

fn bucket(view: &View, arn: &Arn) -> Result<Option<ResourcePolicy>, StoreError> {
    let name = arn.resource().split('/').next().unwrap_or_default();
    let Some(bucket) = view.get(&BUCKETS, name)? else { return Ok(None) };
    let restricted = is_restricted(&bucket);
    Ok(bucket.policy.clone().map(|policy| ResourcePolicy { policy, kind: Kind::Ordinary, restricted }))
}

fn key(view: &View, arn: &Arn, owner: &AccountId) -> Result<Option<ResourcePolicy>, StoreError> {
    let id = arn.resource().strip_prefix("key/");
    let Some((id, region)) = id.zip(arn.region().parse().ok()) else { return Ok(None) };
    let region: Region = region;
    let Some(key) = view.get(&KEYS, &(owner, &region, id))? else { return Ok(None) };
    let mut grants = Vec::new();
    for row in view.scan(&GRANTS, (owner, &region, id)) {
        grants.push(row?.1.effective());
    }
    let kind = Kind::Key { grants, aws_managed: key.managed_for.is_some() };
    Ok(Some(ResourcePolicy::new(Arc::clone(&key.policy), kind)))
}

/// Functions that rotate secrets.
fn function(view: &View, arn: &Arn, owner: &AccountId) -> Result<Option<Arc<Policy>>, StoreError> {
    let name = arn.resource().strip_prefix("function:").and_then(|rest| rest.split(':').next());
    let Some((name, region)) = name.zip(arn.region().parse().ok()) else { return Ok(None) };
    let region: Region = region;
    let function = view.get(&FUNCTIONS, &(owner, &region, name))?;
    Ok(function.map(|function| Arc::clone(&function.policy)))
}

/// Whether there is the repository of an ARN.
///
/// # Errors
/// A row cannot be read.
pub(super) fn has_repository(view: &View, arn: &Arn) -> Result<bool, StoreError> {
    let Some(owner) = arn.account_id() else { return Ok(false) };
    Ok(repository(view, arn, &owner)?.is_some())
}

fn repository(view: &View, arn: &Arn, owner: &AccountId) -> Result<Option<Arc<Repository>>, StoreError> {
    let name = arn.resource().strip_prefix("repository/");
    let Some((name, region)) = name.zip(arn.region().parse().ok()) else { return Ok(None) };
    find_repository(view, &(owner.clone(), region, name.to_owned()))
}

fn secret(view: &View, arn: &Arn, owner: &AccountId) -> Result<Option<Arc<Secret>>, StoreError> {
    // The name, without the six characters that make the ARN unique.
    let name = arn.resource().strip_prefix("secret:").and_then(|name| name.rsplit_once('-'));
    let Some(((name, _), region)) = name.zip(arn.region().parse().ok()) else { return Ok(None) };
    let region: Region = region;
    let secret = view.get(&SECRETS, &(owner, &region, name))?;
    Ok(secret.filter(|secret| secret.arn == *arn))
}
