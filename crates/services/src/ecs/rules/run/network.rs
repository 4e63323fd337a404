//! `networkConfiguration`.

use landfall_acs::LaunchKind;
use landfall_api::ecs as api;
use landfall_shape::ServiceError;

use super::{Verdict, ensure, refuse};
use crate::ecs::record::NetworkConfiguration;

/// Checks the network of a request against the definition's network mode. Ids of attachment and interface are the
/// caller's to set.
///
/// # Errors
/// `InvalidParameterException`, in AWS's words.
pub fn network(
    request: &api::RunTaskRequest,
    definition: &api::TaskDefinition,
    launch: LaunchKind,
) -> Result<Option<NetworkConfiguration>, ServiceError> {
    let given = request.network_configuration.as_ref().and_then(|it| it.awsvpc_configuration.as_ref());
    let awsvpc = definition.network_mode == Some(api::NetworkMode::Awsvpc);
    match given {
        None if awsvpc => {
            Err(refuse("Network Configuration must be provided when networkMode 'awsvpc' is specified."))
        }
        None => Ok(None),
        Some(_) if !awsvpc => Err(refuse(
            "Network Configuration is not valid for the given networkMode of this task definition.",
        )),
        Some(given) => awsvpc_network(given, launch).map(Some),
    }
}

fn awsvpc_network(
    given: &api::AwsVpcConfiguration,
    launch: LaunchKind,
) -> Result<NetworkConfiguration, ServiceError> {
    let groups = given.security_groups.as_deref().unwrap_or_default();
    ensure(!given.subnets.is_empty(), || "subnets can not be empty.".to_owned())?;
    ensure(given.subnets.len() <= 16, || "subnets can have at most 16 items.".to_owned())?;
    ensure(groups.len() <= 5, || "securityGroups can have at most 5 items.".to_owned())?;
    check_ids(&given.subnets, "subnet", "subnet-")?;
    check_ids(groups, "security group", "sg-")?;
    let public = given.assign_public_ip == Some(api::AssignPublicIp::Enabled);
    ensure(!public || launch == LaunchKind::Fargate, || {
        "Assign public IP is not supported for this launch type.".to_owned()
    })?;
    Ok(NetworkConfiguration {
        subnets: given.subnets.clone(),
        security_groups: groups.to_vec(),
        assign_public_ip: public,
        ..NetworkConfiguration::default()
    })
}

fn check_ids(ids: &[String], what: &str, prefix: &str) -> Verdict {
    let letters = |it: char| it.is_ascii_alphanumeric() || it == '-';
    let valid =
        |id: &str| id.strip_prefix(prefix).is_some_and(|rest| !rest.is_empty() && rest.chars().all(letters));
    ids.iter().try_for_each(|id| {
        ensure(valid(id), || {
            format!("Error retrieving {what} information for [{id}]: Invalid id: \"{id}\" (expecting \"{prefix}...\")")
        })
    })
}
