//! What has to be looked up before anything can be advised: policies that deny, the key that a value is under, secrets of
//! the name that was meant, what a role needs.

use std::collections::BTreeSet;

use landfall_acs::ContainerSheet;
use landfall_api::ecs as api;
use landfall_base::{AccountId, Arn};
use landfall_iam::{Layer, PolicyTrace};
use landfall_store::View;

use super::advice::{
    Anonymous, Denying, Holder, KeyInUse, KeyState, NewRole, SecretName, is_same_secret, login, secret_names,
};
use super::plan::{LaunchPlan, Step, TaskFacts, When, Work};
use super::quotas::Quotas;
use crate::iam::organization::{ControlKind, attached_policy};
use crate::iam::record::ACCOUNTS;
use crate::iam::{find_role, managed_policy, role_policy};
use crate::kms;
use crate::pipe::CheckRecord;
use crate::{s3, secretsmanager, ssm};

/// The policies whose statements refused a check, where all of them can be changed in the role's or the resource's account:
/// of a boundary, say, nothing is answered. `resource` is the policy on the resource.
pub(super) fn denying(
    view: &View,
    account: &AccountId,
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
                let policy = role_policy(view, role?, account, name).ok()??;
                (Holder::Role { role: role?.to_owned(), policy: name.to_owned() }, policy.text().to_owned())
            }
            (Layer::ServiceControl | Layer::ResourceControl, Some(arn)) => {
                let (kind, word) = match layer {
                    Layer::ServiceControl => (ControlKind::Service, "scp"),
                    _ => (ControlKind::Resource, "rcp"),
                };
                let (target, text) = attached_policy(view, kind, arn).ok()??;
                (Holder::Organization { kind: word, name: name.to_owned(), target }, text)
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

/// What a step most likely meant that asked for a name in vain: the name, and how it is written. Parameters that differ in
/// the slash in front; secrets of the account, by their ARN, one in the step's Region before others.
pub(super) fn namesakes(view: &View, account: &AccountId, step: &Step) -> Vec<(String, String)> {
    let mut found = near_parameters(view, account, step);
    found.extend(secrets_of_name(view, account, step));
    found
}

fn near_parameters(view: &View, account: &AccountId, step: &Step) -> Vec<(String, String)> {
    let (Work::Parameters(wanted), Ok(region)) = (&step.work, step.region.parse()) else { return Vec::new() };
    let asked = wanted.iter().map(|it| &it.value_from);
    let near = asked.map(|asked| Some((asked.clone(), ssm::nearly_named(view, account, &region, asked)?)));
    near.flatten().collect()
}

fn secrets_of_name(view: &View, account: &AccountId, step: &Step) -> Vec<(String, String)> {
    let asked: Vec<&str> = match &step.work {
        Work::RegistryCredential { parameter } => vec![parameter],
        Work::Secret { reference: Some(reference), .. } => vec![&reference.secret_id],
        Work::Parameters(wanted) => wanted.iter().map(|it| it.value_from.as_str()).collect(),
        _ => return Vec::new(),
    };
    let arn_of = |asked: &str, name: &str| {
        let mut found = secretsmanager::named(view, account, name).ok()?;
        found.sort_by_key(|arn| arn.region() != step.region);
        Some((asked.to_owned(), found.first()?.to_string()))
    };
    let all = asked.into_iter().flat_map(|asked| {
        let SecretName { likely, other } = secret_names(asked);
        [Some(likely), other].into_iter().flatten().filter_map(move |name| arn_of(asked, name))
    });
    all.collect()
}

/// What a step's secret will be called, if it is not there: six characters end its ARN, which nobody knows yet. Empty if it
/// is there.
pub(super) fn absent_secret(view: &View, account: &AccountId, step: &Step) -> Vec<String> {
    let id = match &step.work {
        Work::RegistryCredential { parameter } => parameter,
        Work::Secret { reference: Some(reference), .. } => &reference.secret_id,
        _ => return Vec::new(),
    };
    let owner = id.parse::<Arn>().ok().and_then(|arn| arn.account_id()).unwrap_or_else(|| account.clone());
    let SecretName { likely, other } = secret_names(id);
    let named = |name: &str| secretsmanager::named(view, &owner, name).unwrap_or_default();
    let is_it = |arn: &Arn| {
        let by_name = step.resource.ends_with(&format!(":secret:{likely}")) && arn.region() == step.region;
        arn.as_str() == step.resource || by_name
    };
    if named(likely).iter().any(is_it)
        || other.is_some_and(|it| named(it).iter().any(|arn| arn.as_str() == step.resource))
    {
        return Vec::new();
    }
    // What is advised then is to name the one that there is.
    if let Some((_, arn)) =
        namesakes(view, account, step).into_iter().find(|(_, arn)| secret_names(arn).is(likely))
    {
        return vec![arn];
    }
    let place = step.resource.rsplit_once(":secret:").map_or("", |(place, _)| place);
    let whole = other.map(|_| step.resource.clone());
    whole.into_iter().chain([format!("{place}:secret:{likely}-??????")]).collect()
}

/// The JSON keys that the steps of a plan want of a step's secret.
pub(super) fn wanted_keys<'a>(plan: &'a LaunchPlan, step: &Step) -> Vec<&'a str> {
    let mut keys = if is_credential(plan, step) { vec!["username", "password"] } else { Vec::new() };
    keys.extend(json_keys(plan, step));
    without_repetition(keys)
}

/// Whether a step's secret is a registry credential, too.
pub(super) fn is_credential(plan: &LaunchPlan, step: &Step) -> bool {
    of_same_secret(plan, step).any(|it| matches!(it.work, Work::RegistryCredential { .. }))
}

/// Those of them that `valueFrom` names. What a registry credential is made of is another matter: there more is wrong than
/// that a key is missing.
pub(super) fn json_keys<'a>(plan: &'a LaunchPlan, step: &Step) -> Vec<&'a str> {
    let keys = of_same_secret(plan, step).filter_map(|it| match &it.work {
        Work::Secret { reference: Some(reference), .. } => reference.json_key.as_deref(),
        _ => None,
    });
    without_repetition(keys.collect())
}

fn of_same_secret<'a>(plan: &'a LaunchPlan, step: &Step) -> impl Iterator<Item = &'a Step> {
    let same = |it: &&Step| it.region == step.region && is_same_secret(&it.resource, &step.resource);
    plan.steps.iter().filter(same)
}

fn without_repetition(mut keys: Vec<&str>) -> Vec<&str> {
    let mut seen = BTreeSet::new();
    keys.retain(|key| seen.insert(*key));
    keys
}

/// The role's permissions boundary, if it is one that the account can change.
pub(super) fn boundary_of(view: &View, role: &str) -> Option<(String, String)> {
    let account = role.parse::<Arn>().ok()?.account_id()?;
    let boundary = find_role(view, role, &account).ok()??.boundary.clone()?;
    let text = managed_policy(view, &boundary).ok()??.text().to_owned();
    (!boundary.starts_with("arn:aws:iam::aws:")).then_some((boundary, text))
}

/// Says of containers that pull without a credential how they get one.
pub fn logins(
    view: &View,
    task: &TaskFacts<'_>,
    definition: &api::TaskDefinition,
    sheets: &mut [ContainerSheet],
) {
    let (new_role, mut quotas) = (new_role(view, task.account), Quotas::of(view, task.account));
    for sheet in sheets.iter_mut().filter(|it| it.registry.is_none()) {
        let mut containers = definition.container_definitions.iter().flatten();
        let Some(container) = containers.find(|it| it.name.as_deref() == Some(&sheet.name)) else { continue };
        if container.repository_credentials.is_some() {
            continue;
        }
        let of = Anonymous {
            container: &sheet.name,
            image: container.image.as_deref().unwrap_or_default(),
            account: task.account,
            region: task.region,
            role: task.execution_role,
        };
        let there =
            secretsmanager::named(view, task.account, &of.secret_name()).is_ok_and(|it| !it.is_empty());
        sheet.login = Some(login(of, &new_role, there, |role, name, policy| quotas.give(role, name, policy)));
    }
}

/// The account of a resource that was refused, if it is none here: its digits are mistyped.
pub(super) fn stranger(view: &View, own: &AccountId, denied: Option<&CheckRecord>) -> Option<AccountId> {
    let arn: Arn = denied?.resource.parse().ok()?;
    let account = arn.account_id()?;
    (account != *own && !view.contains(&ACCOUNTS, &account)).then_some(account)
}

/// The execution role that a task without one could have.
pub(super) fn new_role(view: &View, account: &AccountId) -> NewRole {
    let role = NewRole::of(account, false);
    let there = find_role(view, &role.arn, account).is_ok_and(|found| found.is_some());
    NewRole { there, ..role }
}

/// Whose the bucket of a step is.
pub(super) fn bucket_owner(view: &View, step: &Step) -> Option<AccountId> {
    match &step.work {
        Work::BucketLocation { bucket, .. } | Work::EnvironmentFile { bucket, .. } => {
            s3::buckets::owner_of(view, bucket)
        }
        _ => None,
    }
}

/// What the execution role has to be allowed for a step: actions and a resource.
pub(super) fn needs(view: &View, account: &AccountId, step: &Step) -> Vec<(Vec<&'static str>, String)> {
    let resource = step.resource.clone();
    match &step.work {
        Work::AssumeRole { .. } | Work::AssumeTaskRole { .. } | Work::AssumeInstanceRole(_) => Vec::new(),
        Work::RegistryCredential { .. } | Work::Secret { .. } => {
            let mut resources = absent_secret(view, account, step);
            if resources.is_empty() {
                resources.push(resource);
            }
            resources.into_iter().map(|resource| (vec![step.action], resource)).collect()
        }
        Work::Parameters(_) => {
            resource.split(", ").map(|resource| (vec![step.action], resource.to_owned())).collect()
        }
        Work::EcrImage(_) => vec![(vec!["ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer"], resource)],
        Work::LogStream { .. } if step.when == When::LogGroupMissing => Vec::new(),
        Work::LogStream { .. } => {
            let group = resource.split(":log-stream:").next().unwrap_or_default();
            vec![(vec!["logs:CreateLogStream", "logs:PutLogEvents"], format!("{group}:*"))]
        }
        Work::EcrToken { .. }
        | Work::BucketLocation { .. }
        | Work::EnvironmentFile { .. }
        | Work::LogGroup { .. } => vec![(vec![step.action], resource)],
    }
}
