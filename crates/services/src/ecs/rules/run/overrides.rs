//! `overrides`.

use landfall_acs::LaunchKind;
use landfall_api::ecs::{self as api, error};
use landfall_shape::{ServiceError, Shape as _};
use landfall_wire::json;

use super::{Verdict, ensure, refuse};
use crate::ecs::rules::task_definition::{is_fargate_size, shared_name, task_cpu, task_memory};

/// Longest overrides in characters of JSON (API reference, RunTask `overrides`).
const LONGEST: usize = 8192;

/// Sizes of a task, overrides applied.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Sizes {
    /// CPU units.
    pub cpu: Option<u32>,
    /// MiB.
    pub memory: Option<u32>,
    /// GiB; Fargate has 20 where nothing is said.
    pub ephemeral_storage: Option<i32>,
}

/// Checks overrides against the definition.
///
/// # Errors
/// `InvalidParameterException`, in AWS's words.
pub fn check_overrides(overrides: &api::TaskOverride, definition: &api::TaskDefinition) -> Verdict {
    let text = json::encode(&api::schema::TASK_OVERRIDE, &overrides.clone().into_value());
    ensure(text.len() <= LONGEST, || format!("Container Overrides length must be at most {LONGEST}"))?;
    let limit = overrides.memory.as_deref().or(definition.memory.as_deref()).map(task_memory).transpose()?;
    for over in overrides.container_overrides.iter().flatten() {
        let name = over.name.as_deref().unwrap_or_default();
        let known =
            definition.container_definitions.iter().flatten().any(|it| it.name.as_deref() == Some(name));
        ensure(known, || {
            format!("Override for container named {name} is not a container in the TaskDefinition.")
        })?;
        ensure(over.memory.is_none_or(|memory| memory >= 4), || {
            format!("Invalid 'memory' setting for container '{name}'.")
        })?;
        let within = |memory: i32| limit.is_none_or(|limit| i64::from(memory) <= i64::from(limit));
        ensure(over.memory.is_none_or(within), || {
            format!("The 'memory' setting for container '{name}' is greater than for the task.")
        })?;
        ensure(over.environment.iter().flatten().all(|it| is_variable(it.name.as_deref())), || {
            format!("Invalid 'environment' setting for container '{name}'.")
        })?;
        if let Some(shared) = shared_with_secrets(over, definition) {
            return Err(shared_name(shared));
        }
        ensure(over.memory_reservation.is_none_or(|memory| memory > 0), || {
            format!("Invalid 'memoryReservation' setting for container '{name}'.")
        })?;
        ensure(over.cpu.is_none_or(|cpu| cpu >= 0), || {
            format!("Invalid 'cpu' setting for container '{name}'.")
        })?;
    }
    Ok(())
}

/// A variable of an override that the container gets from a secret.
fn shared_with_secrets<'o>(
    over: &'o api::ContainerOverride,
    definition: &api::TaskDefinition,
) -> Option<&'o str> {
    let containers = definition.container_definitions.iter().flatten();
    let own = containers.filter(|it| it.name == over.name);
    let secrets: Vec<&str> =
        own.flat_map(|it| it.secrets.iter().flatten()).map(|it| it.name.as_str()).collect();
    let mut variables = over.environment.iter().flatten().filter_map(|it| it.name.as_deref());
    variables.find(|name| secrets.contains(name))
}

fn is_variable(name: Option<&str>) -> bool {
    name.is_some_and(|name| !name.is_empty() && !name.contains(['=', '\0']))
}

/// The task's sizes.
///
/// # Errors
/// `ClientException` and `InvalidParameterException` for sizes that make no sense or that Fargate does not have.
pub fn sizes(
    overrides: &api::TaskOverride,
    definition: &api::TaskDefinition,
    launch: LaunchKind,
) -> Result<Sizes, ServiceError> {
    let cpu = overrides.cpu.as_deref().or(definition.cpu.as_deref()).map(task_cpu).transpose()?;
    let memory = overrides.memory.as_deref().or(definition.memory.as_deref()).map(task_memory).transpose()?;
    let storage = overrides.ephemeral_storage.as_ref().or(definition.ephemeral_storage.as_ref());
    let storage = storage.map(|it| it.size_in_gib);
    if launch != LaunchKind::Fargate {
        return Ok(Sizes { cpu, memory, ephemeral_storage: None });
    }
    if !cpu.zip(memory).is_some_and(|(cpu, memory)| is_fargate_size(cpu, memory)) {
        return Err(error::client_exception("No Fargate configuration exists for given values."));
    }
    if storage.is_some_and(|size| !(21..=200).contains(&size)) {
        return Err(refuse(
            "Invalid setting for ephemeral storage. Size must be between 21 GiB and 200 GiB.",
        ));
    }
    Ok(Sizes { cpu, memory, ephemeral_storage: storage.or(Some(20)) })
}

/// Overrides as DescribeTasks shows them: with an entry for every container.
pub fn complete_overrides<'a>(
    overrides: &api::TaskOverride,
    containers: impl Iterator<Item = &'a str>,
) -> api::TaskOverride {
    let mut out = overrides.clone();
    let given = out.container_overrides.take().unwrap_or_default();
    let of = |name: &str| given.iter().find(|it| it.name.as_deref() == Some(name)).cloned();
    let all = containers.map(|name| {
        of(name)
            .unwrap_or_else(|| api::ContainerOverride { name: Some(name.to_owned()), ..Default::default() })
    });
    out.container_overrides = Some(all.collect());
    out.inference_accelerator_overrides.get_or_insert_default();
    out
}
