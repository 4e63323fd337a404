//! On which kind of capacity tasks run.

use landfall_acs::LaunchKind;
use landfall_api::ecs::{self as api, error};
use landfall_shape::ServiceError;

use super::{Verdict, ensure, refuse};

/// Where a task runs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Capacity {
    /// Kind of capacity.
    pub launch: LaunchKind,
    /// The provider, if a strategy chose it.
    pub provider: Option<String>,
    /// `platformVersion`, on Fargate.
    pub platform_version: Option<String>,
}

/// What `LATEST` stands for (Developer Guide, "Fargate platform versions").
const LATEST: &str = "1.4.0";

/// The capacity of each of `count` tasks: the launch type asked for, else the strategy asked for, else the cluster's
/// default strategy (provider, weight, base), else EC2.
///
/// # Errors
/// `InvalidParameterException` and `PlatformUnknownException`, in AWS's words.
pub fn capacities(
    request: &api::RunTaskRequest,
    definition: &api::TaskDefinition,
    providers: &[String],
    default_strategy: &[(String, i32, i32)],
    count: usize,
) -> Result<Vec<Capacity>, ServiceError> {
    let given = request.capacity_provider_strategy.as_deref().unwrap_or_default();
    if request.launch_type.is_some() && !given.is_empty() {
        return Err(refuse(
            "Specifying both a launch type and capacity provider strategy is not supported. Remove one and try again.",
        ));
    }
    let strategy: Vec<(String, i32, i32)> = match &request.launch_type {
        Some(_) => Vec::new(),
        None if given.is_empty() => default_strategy.to_vec(),
        None => given.iter().map(item).collect(),
    };
    let chosen: Vec<(LaunchKind, Option<String>)> = if strategy.is_empty() {
        vec![(launch_kind(request.launch_type.as_ref())?, None); count]
    } else {
        check_strategy(&strategy, providers)?;
        distribute(&strategy, count).into_iter().map(|name| (LaunchKind::Fargate, Some(name))).collect()
    };
    chosen.into_iter().map(|(launch, provider)| capacity(request, definition, launch, provider)).collect()
}

fn item(item: &api::CapacityProviderStrategyItem) -> (String, i32, i32) {
    (item.capacity_provider.clone(), item.weight.unwrap_or(0), item.base.unwrap_or(0))
}

fn launch_kind(launch_type: Option<&api::LaunchType>) -> Result<LaunchKind, ServiceError> {
    match launch_type {
        None | Some(api::LaunchType::Ec2) => Ok(LaunchKind::Ec2),
        Some(api::LaunchType::Fargate) => Ok(LaunchKind::Fargate),
        Some(api::LaunchType::External) => Ok(LaunchKind::External),
        Some(api::LaunchType::ManagedInstances) => Err(refuse(
            "Landfall does not support the launch type MANAGED_INSTANCES yet. Use FARGATE, EC2 or EXTERNAL.",
        )),
        Some(api::LaunchType::Unknown(other)) => Err(refuse(format!("Invalid launch type: {other}."))),
    }
}

/// `launchType` as the API writes it.
fn launch_name(launch: LaunchKind) -> &'static str {
    match launch {
        LaunchKind::Fargate => "FARGATE",
        LaunchKind::Ec2 => "EC2",
        LaunchKind::External => "EXTERNAL",
    }
}

fn capacity(
    request: &api::RunTaskRequest,
    definition: &api::TaskDefinition,
    launch: LaunchKind,
    provider: Option<String>,
) -> Result<Capacity, ServiceError> {
    let name = launch_name(launch);
    let supported = definition.compatibilities.iter().flatten().any(|it| it.as_str() == name);
    ensure(supported, || format!("Task definition does not support launch_type {name}."))?;
    let platform_version = platform_version(request.platform_version.as_deref(), launch)?;
    Ok(Capacity { launch, provider, platform_version })
}

fn platform_version(given: Option<&str>, launch: LaunchKind) -> Result<Option<String>, ServiceError> {
    match (launch, given) {
        (LaunchKind::Fargate, None | Some("LATEST" | LATEST)) => Ok(Some(LATEST.to_owned())),
        (LaunchKind::Fargate, Some(_)) => {
            Err(error::platform_unknown_exception("The specified platform does not exist."))
        }
        (_, None) => Ok(None),
        (_, Some(_)) => Err(refuse(format!(
            "The platform version must be null when specifying an {} launch type.",
            launch_name(launch)
        ))),
    }
}

/// Limits of the API reference, CapacityProviderStrategyItem.
fn check_strategy(strategy: &[(String, i32, i32)], providers: &[String]) -> Verdict {
    for (name, weight, base) in strategy {
        ensure(providers.contains(name), || {
            "The specified capacity provider strategy cannot contain a capacity provider that is not associated with \
             the cluster. Associate the capacity provider with the cluster and try again."
                .to_owned()
        })?;
        ensure((0..=1000).contains(weight), || {
            "The weight of a capacity provider must be between 0 and 1000.".to_owned()
        })?;
        ensure((0..=100_000).contains(base), || {
            "The base of a capacity provider must be between 0 and 100000.".to_owned()
        })?;
    }
    let weighted = strategy.iter().any(|(_, weight, _)| *weight > 0);
    ensure(weighted, || {
        "The specified capacity provider strategy must contain at least one capacity provider with a weight greater than 0."
            .to_owned()
    })?;
    let based = strategy.iter().filter(|(_, _, base)| *base > 0).count();
    ensure(based <= 1, || "Only one capacity provider in a strategy can have a base defined.".to_owned())
}

/// Bases first, then in proportion to the weights.
fn distribute(strategy: &[(String, i32, i32)], count: usize) -> Vec<String> {
    let mut out: Vec<String> = Vec::with_capacity(count);
    let mut beyond_base = vec![0i64; strategy.len()];
    while out.len() < count {
        let base = strategy.iter().find(|(name, _, base)| {
            let assigned = out.iter().filter(|it| *it == name).count();
            i64::try_from(assigned).is_ok_and(|assigned| assigned < i64::from(*base))
        });
        if let Some((name, ..)) = base {
            out.push(name.clone());
            continue;
        }
        let weighted = strategy.iter().zip(beyond_base.iter_mut()).filter(|((_, weight, _), _)| *weight > 0);
        // The lowest (assigned + 1) / weight is next; scaled, because weights are at most 1,000.
        let next = weighted
            .min_by_key(|((_, weight, _), assigned)| (**assigned + 1) * 1_000_000 / i64::from(*weight));
        let Some(((name, ..), assigned)) = next else { break };
        *assigned += 1;
        out.push(name.clone());
    }
    out
}
