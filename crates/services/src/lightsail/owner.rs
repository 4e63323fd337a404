//! The account that runs container services. On AWS it is Lightsail's own; users see it only in the ARN of the role that
//! pulls their images. Nodes are ECS tasks of this account, their output is in its log groups, images that are pushed to
//! Lightsail are in its repositories: one node, one runtime, one registry for all.

use std::sync::LazyLock;

use landfall_api::{ecr, ecs, iam, logs};
use landfall_base::{AccountId, Region};
use landfall_iam::Principal;
use landfall_shape::ServiceError;
use landfall_store::{Tx, View};
use serde_json::json;

use super::record::ServiceKey;
use crate::pipe::{Caller, Failure, Installation, ReadHandler, WriteHandler, read_in, write_in};
use crate::sts::{ServiceSession, assume_role_for_service};

/// The account's id. Not one that AWS gives out to customers' examples.
const ID: &str = "476164523456";

/// The cluster of all nodes.
pub(super) const CLUSTER: &str = "lightsail";

/// Days that output is kept (Lightsail User Guide, "View the container logs").
const LOG_DAYS: i32 = 3;

#[expect(clippy::expect_used, reason = "the text is twelve digits")]
static ACCOUNT: LazyLock<AccountId> = LazyLock::new(|| ID.parse().expect("an account id"));

/// The account that runs container services.
pub fn account() -> &'static AccountId {
    &ACCOUNT
}

/// Whoever acts for Lightsail in its own account.
pub(super) fn caller(region: &Region) -> Caller {
    Caller::internal(Principal::root(account()), account().clone(), region.clone())
}

/// Makes a reading call in the owner's account, in the same snapshot.
pub(super) fn read<O: ReadHandler>(
    installation: &Installation,
    view: &View,
    region: &Region,
    input: O::Input,
) -> Result<O::Output, Failure> {
    read_in::<O>(installation, view, &caller(region), input)
}

/// Makes a writing call in the owner's account, in the same transaction.
pub(super) fn write<O: WriteHandler>(
    installation: &Installation,
    tx: &mut Tx,
    region: &Region,
    input: O::Input,
) -> Result<O::Output, Failure> {
    write_in::<O>(installation, tx, &caller(region), input)
}

/// The log group of a service.
pub(super) fn log_group(key: &ServiceKey) -> String {
    format!("/lightsail/{}/{}", key.0, key.2)
}

/// What the streams of a container begin with.
pub(super) fn stream_prefix(container: &str) -> String {
    format!("node/{container}/")
}

/// The repository that an account's images are pushed to.
pub(super) fn repository(account: &AccountId) -> String {
    format!("{account}/sr")
}

/// Makes what the nodes of a service need: cluster, log group, role.
pub(super) fn prepare(installation: &Installation, tx: &mut Tx, key: &ServiceKey) -> Result<String, Failure> {
    let region = &key.1;
    let cluster = ecs::CreateClusterRequest { cluster_name: Some(CLUSTER.to_owned()), ..Default::default() };
    write::<ecs::CreateCluster>(installation, tx, region, cluster)?;
    ensure_log_group(installation, tx, key)?;
    let name = format!("lightsail-containers-{}", key.0);
    make_role(installation, tx, region, "/", &name, &base_policy(&key.0))
}

/// Makes the log group of a service, unless it is there.
pub(super) fn ensure_log_group(
    installation: &Installation,
    tx: &mut Tx,
    key: &ServiceKey,
) -> Result<(), Failure> {
    let region = &key.1;
    let group = logs::CreateLogGroupRequest { log_group_name: log_group(key), ..Default::default() };
    if existing_is_fine(
        write::<logs::CreateLogGroup>(installation, tx, region, group),
        "ResourceAlreadyExistsException",
    )? {
        let retention =
            logs::PutRetentionPolicyRequest { log_group_name: log_group(key), retention_in_days: LOG_DAYS };
        write::<logs::PutRetentionPolicy>(installation, tx, region, retention)?;
    }
    Ok(())
}

/// Says whether it was made now.
fn existing_is_fine<T>(result: Result<T, Failure>, code: &str) -> Result<bool, Failure> {
    match result {
        Ok(_) => Ok(true),
        Err(Failure::Service(ServiceError { code: there, .. })) if there == code => Ok(false),
        Err(failure) => Err(failure),
    }
}

/// Makes a role that tasks may become; its ARN.
pub(super) fn make_role(
    installation: &Installation,
    tx: &mut Tx,
    region: &Region,
    path: &str,
    name: &str,
    policy: &serde_json::Value,
) -> Result<String, Failure> {
    let trust = json!({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "sts:AssumeRole",
        "Principal": {"Service": ["lightsail.amazonaws.com", "ecs-tasks.amazonaws.com"]}}]});
    let role = iam::CreateRoleRequest {
        role_name: name.to_owned(),
        path: Some(path.to_owned()),
        assume_role_policy_document: trust.to_string(),
        ..Default::default()
    };
    existing_is_fine(write::<iam::CreateRole>(installation, tx, region, role), "EntityAlreadyExists")?;
    limit_role(installation, tx, region, name, policy)?;
    Ok(format!("arn:{}:iam::{ID}:role{path}{name}", region.partition()))
}

/// Gives a role this policy and no other.
pub(super) fn limit_role(
    installation: &Installation,
    tx: &mut Tx,
    region: &Region,
    name: &str,
    policy: &serde_json::Value,
) -> Result<(), Failure> {
    let policy = iam::PutRolePolicyRequest {
        role_name: name.to_owned(),
        policy_name: "containers".to_owned(),
        policy_document: policy.to_string(),
    };
    write::<iam::PutRolePolicy>(installation, tx, region, policy).map(drop)
}

/// Removes a role.
pub(super) fn remove_role(
    installation: &Installation,
    tx: &mut Tx,
    region: &Region,
    name: &str,
) -> Result<(), Failure> {
    let policy =
        iam::DeleteRolePolicyRequest { role_name: name.to_owned(), policy_name: "containers".to_owned() };
    existing_is_fine(write::<iam::DeleteRolePolicy>(installation, tx, region, policy), "NoSuchEntity")?;
    let role = iam::DeleteRoleRequest { role_name: name.to_owned() };
    existing_is_fine(write::<iam::DeleteRole>(installation, tx, region, role), "NoSuchEntity")?;
    Ok(())
}

fn logs_statement() -> serde_json::Value {
    json!({"Effect": "Allow", "Resource": format!("arn:*:logs:*:{ID}:log-group:/lightsail/*"),
        "Action": ["logs:CreateLogStream", "logs:PutLogEvents"]})
}

fn pushed_statement(account: &AccountId) -> serde_json::Value {
    json!({"Effect": "Allow", "Resource": format!("arn:*:ecr:*:{ID}:repository/{}", repository(account)),
        "Action": ["ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer"]})
}

fn token_statement() -> serde_json::Value {
    json!({"Effect": "Allow", "Resource": "*", "Action": "ecr:GetAuthorizationToken"})
}

/// What a node may do that pulls nothing from its user's repositories.
pub(super) fn base_policy(account: &AccountId) -> serde_json::Value {
    json!({"Version": "2012-10-17",
        "Statement": [logs_statement(), token_statement(), pushed_statement(account)]})
}

/// What the image puller may do from its own side. Whether a repository lets it in is up to the repository's policy: the
/// role is of another account.
pub(super) fn puller_policy(account: &AccountId, region: &Region) -> serde_json::Value {
    let pull = json!({"Effect": "Allow", "Resource": format!("arn:*:ecr:{region}:*:repository/*"),
        "Action": ["ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer"]});
    json!({"Version": "2012-10-17",
        "Statement": [logs_statement(), token_statement(), pushed_statement(account), pull]})
}

/// What a retired puller may still do: its nodes write their output.
pub(super) fn retired_policy() -> serde_json::Value {
    json!({"Version": "2012-10-17", "Statement": [logs_statement()]})
}

/// Makes the repository for an account's images, if it is not there.
pub(super) fn ensure_repository(
    installation: &Installation,
    tx: &mut Tx,
    account: &AccountId,
    region: &Region,
) -> Result<(), Failure> {
    let input = ecr::CreateRepositoryRequest { repository_name: repository(account), ..Default::default() };
    let made = write::<ecr::CreateRepository>(installation, tx, region, input);
    existing_is_fine(made, "RepositoryAlreadyExistsException").map(drop)
}

/// Whoever pushes images of an account: a session of a role that may do nothing else.
pub(super) fn pusher(
    installation: &Installation,
    tx: &mut Tx,
    account: &AccountId,
    region: &Region,
) -> Result<Caller, Failure> {
    let name = format!("lightsail-push-{account}");
    let push = json!({"Effect": "Allow", "Resource": format!("arn:*:ecr:*:{ID}:repository/{}", repository(account)),
        "Action": ["ecr:BatchCheckLayerAvailability", "ecr:InitiateLayerUpload", "ecr:UploadLayerPart",
            "ecr:CompleteLayerUpload", "ecr:PutImage"]});
    let policy = json!({"Version": "2012-10-17", "Statement": [token_statement(), push]});
    let role = make_role(installation, tx, region, "/", &name, &policy)?;
    let role_arn = role.parse().map_err(Failure::internal)?;
    let wanted = ServiceSession {
        service: "lightsail.amazonaws.com",
        role_arn: &role_arn,
        session_name: account.as_str(),
        source_arn: &role,
        region,
    };
    assume_role_for_service(installation, tx, &wanted).0
}

/// The registry that an account's images are pushed to, as clients name it: `<registry>/sr:<tag>`.
pub(super) fn registry(
    installation: &Installation,
    view: &View,
    account: &AccountId,
    region: &Region,
) -> Result<String, Failure> {
    let input = ecr::DescribeRepositoriesRequest {
        repository_names: Some(vec![repository(account)]),
        ..Default::default()
    };
    let found = read::<ecr::DescribeRepositories>(installation, view, region, input)?;
    let uri = found.repositories.and_then(|all| all.into_iter().next()?.repository_uri).unwrap_or_default();
    Ok(uri.strip_suffix("/sr").unwrap_or(&uri).to_owned())
}
