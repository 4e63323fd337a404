//! What has to be looked up before anything can be advised: policies that deny, the key that a value is under, secrets of
//! the name that was meant, what a role needs.

use landfall_acs::ContainerSheet;
use landfall_api::ecs as api;
use landfall_base::{AccountId, Arn};
use landfall_iam::{Layer, PolicyTrace};
use landfall_store::View;

use super::advice::{Anonymous, Denying, Holder, KeyInUse, KeyState, NewRole, login, secret_name};
use super::plan::{Step, TaskFacts, When, Work};
use crate::iam::organization::{ControlKind, attached_policy};
use crate::iam::record::ACCOUNTS;
use crate::iam::{find_role, managed_policy, role_policy};
use crate::kms;
use crate::pipe::CheckRecord;
use crate::secretsmanager;

/// The policies whose statements refused a check, where all of them can be changed in the role's or the resource's account:
/// of a boundary, say, nothing is answered. `resource` is the policy on the resource.
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

/// Secrets of the account that have a name which a step asked for in vain: the name, and their ARN. One in the step's Region
/// comes before others.
pub(super) fn namesakes(view: &View, account: &AccountId, step: &Step) -> Vec<(String, String)> {
    let asked: Vec<&str> = match &step.work {
        Work::RegistryCredential { parameter } => vec![parameter],
        Work::Secret { reference: Some(reference), .. } => vec![&reference.secret_id],
        Work::Parameters(wanted) => wanted.iter().map(|it| it.value_from.as_str()).collect(),
        _ => return Vec::new(),
    };
    let arn_of = |asked: &str| {
        let mut found = secretsmanager::named(view, account, secret_name(asked)).ok()?;
        found.sort_by_key(|arn| arn.region() != step.region);
        Some((asked.to_owned(), found.first()?.to_string()))
    };
    asked.into_iter().filter_map(arn_of).collect()
}

/// Whether a step is about a secret that is not there, named without the six characters that end its ARN once it is.
pub(super) fn is_absent_secret(view: &View, account: &AccountId, step: &Step) -> bool {
    let id = match &step.work {
        Work::RegistryCredential { parameter } => parameter,
        Work::Secret { reference: Some(reference), .. } => &reference.secret_id,
        _ => return false,
    };
    let owner = id.parse::<Arn>().ok().and_then(|arn| arn.account_id());
    let name = id.rsplit(":secret:").next().unwrap_or(id);
    let whole = id.starts_with("arn:") && secret_name(id) != name;
    !whole
        && secretsmanager::named(view, owner.as_ref().unwrap_or(account), name).is_ok_and(|it| it.is_empty())
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
    let new_role = new_role(view, task.account);
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
        sheet.login = Some(login(of, &new_role, there));
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

/// What the execution role has to be allowed for a step: actions and a resource.
pub(super) fn needs(view: &View, account: &AccountId, step: &Step) -> Vec<(Vec<&'static str>, String)> {
    let resource = step.resource.clone();
    match &step.work {
        Work::AssumeRole { .. } | Work::AssumeTaskRole { .. } | Work::AssumeInstanceRole(_) => Vec::new(),
        Work::RegistryCredential { .. } | Work::Secret { .. } => {
            let suffix = if is_absent_secret(view, account, step) { "-??????" } else { "" };
            vec![(vec![step.action], format!("{resource}{suffix}"))]
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
