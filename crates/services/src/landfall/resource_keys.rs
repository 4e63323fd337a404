//! What a call on a resource would say of it: its tags under the names that its service gives them, and the other
//! condition keys that follow from it. The checks of the services' own operations are asked, so that both agree.

use landfall_base::{AccountId, Arn, Region};
use landfall_store::View;

use super::resource_policies::{has_repository, policy_of_resource};
use crate::pipe::{Caller, Context, Failure, Permission};
use crate::{ec2, ecr, ecs, iam, kms, lightsail, logs, s3, secretsmanager, ssm};

/// Condition keys and their values.
pub(super) type Keys = Vec<(String, Vec<String>)>;

/// The keys of a resource; none for one that does not exist or whose service has none.
///
/// # Errors
/// A row cannot be read.
pub(super) fn keys_of(cx: &Context<'_>, view: &View, arn: &Arn) -> Result<Keys, Failure> {
    if arn.service() == "s3" {
        return s3::permission_on(view, arn).map(keys);
    }
    let Some(owner) = arn.account_id() else { return Ok(Keys::new()) };
    let caller = at_home(cx, &owner, arn);
    let cx = &cx.as_caller(&caller);
    keys_there(cx, view, arn).map(keys)
}

/// The ARN that a resource has, of those whose own policy may have a say: secrets are found by the name in it. `None` for one
/// that does not exist; of others only the ARN is known.
///
/// # Errors
/// A row cannot be read.
pub(super) fn known_arn(cx: &Context<'_>, view: &View, arn: &Arn) -> Result<Option<Arn>, Failure> {
    let Some(owner) = arn.account_id() else { return Ok(Some(arn.clone())) };
    let exists = match (arn.service(), arn.resource()) {
        ("secretsmanager", _) => {
            let caller = at_home(cx, &owner, arn);
            let secret = secretsmanager::permission_on(&cx.as_caller(&caller), view, arn)?;
            return secret.map(|it| it.resource.parse().map_err(Failure::internal)).transpose();
        }
        // Keys and roles always have a policy.
        ("kms", name) if name.starts_with("key/") => policy_of_resource(view, arn)?.is_some(),
        ("iam", name) if name.starts_with("role/") => policy_of_resource(view, arn)?.is_some(),
        ("ecr", name) if name.starts_with("repository/") => has_repository(view, arn)?,
        _ => true,
    };
    Ok(exists.then(|| arn.clone()))
}

/// The asker, in account and Region of the resource: names are looked up there.
fn at_home(cx: &Context<'_>, owner: &AccountId, arn: &Arn) -> Caller {
    let region = arn.region().parse::<Region>().unwrap_or_else(|_| cx.region().clone());
    Caller { account: owner.clone(), region, ..cx.caller.clone() }
}

fn keys_there(cx: &Context<'_>, view: &View, arn: &Arn) -> Result<Option<Permission>, Failure> {
    match arn.service() {
        "ec2" => ec2::permission_on(cx, view, arn),
        "ecr" => ecr::permission_on(view, arn),
        "ecs" => ecs::permission_on(cx, view, arn),
        "iam" => iam::permission_on(cx, view, arn),
        "kms" => kms::permission_on(cx, view, arn),
        "lightsail" => lightsail::permission_on(cx, view, arn),
        "logs" => logs::permission_on(view, arn),
        "secretsmanager" => secretsmanager::permission_on(cx, view, arn),
        "ssm" => ssm::permission_on(cx, view, arn),
        _ => Ok(None),
    }
}

fn keys(permission: Option<Permission>) -> Keys {
    permission.map(|permission| permission.context).unwrap_or_default()
}
