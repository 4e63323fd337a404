//! CPU and memory of tasks and containers.

use landfall_api::ecs::{Compatibility, ContainerDefinition, RegisterTaskDefinitionRequest, error};
use landfall_shape::ServiceError;

use super::{Verdict, ensure, name_of, refuse};

/// Smallest hard limit in MiB (API reference, ContainerDefinition `memory`: Docker needs 6, ECS accepts 4).
const LEAST_MEMORY: i32 = 4;

/// CPU units from `1024`, `1 vCPU` or `.5 vcpu`.
///
/// # Errors
/// `ClientException` for anything else.
pub fn task_cpu(text: &str) -> Result<u32, ServiceError> {
    units(text, &[("vcpus", 1024.0), ("vcpu", 1024.0)])
        .ok_or_else(|| error::client_exception("Invalid 'cpu' setting for task."))
}

/// MiB from `2048`, `2 GB` or `2gb`.
///
/// # Errors
/// `ClientException` for anything else.
pub fn task_memory(text: &str) -> Result<u32, ServiceError> {
    units(text, &[("gib", 1024.0), ("gb", 1024.0), ("mib", 1.0), ("mb", 1.0)])
        .ok_or_else(|| error::client_exception("Invalid 'memory' setting for task."))
}

fn units(text: &str, suffixes: &[(&str, f64)]) -> Option<u32> {
    let lower = text.trim().to_ascii_lowercase();
    let suffix = suffixes.iter().find_map(|(suffix, scale)| Some((lower.strip_suffix(suffix)?, *scale)));
    let Some((number, scale)) = suffix else {
        return lower.parse().ok().filter(|units| *units > 0 && i32::try_from(*units).is_ok());
    };
    let units = number.trim().parse::<f64>().ok()? * scale;
    let whole = units.is_finite() && units.fract() == 0.0 && (1.0..=f64::from(i32::MAX)).contains(&units);
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "checked to be a whole number in range"
    )]
    whole.then_some(units as u32)
}

pub(super) fn check(request: &RegisterTaskDefinitionRequest) -> Verdict {
    let cpu = request.cpu.as_deref().map(task_cpu).transpose()?;
    let memory = request.memory.as_deref().map(task_memory).transpose()?;
    if cpu.is_some_and(|cpu| !(128..=196_608).contains(&cpu)) {
        return Err(refuse("Invalid 'cpu' setting for task."));
    }
    let containers = &request.container_definitions;
    let sum = |of: fn(&ContainerDefinition) -> Option<i32>| -> i64 {
        containers.iter().filter_map(of).map(i64::from).sum()
    };
    let fits = |total: i64, limit: Option<u32>| limit.is_none_or(|limit| total <= i64::from(limit));
    ensure(fits(sum(|it| it.cpu), cpu), || {
        "The sum of all container 'cpu' values cannot be greater than the value of the task 'cpu'.".to_owned()
    })?;
    ensure(fits(sum(|it| it.memory_reservation), memory), || {
        "The sum of all container 'memoryReservation' values cannot be greater than the value of the task 'memory'."
            .to_owned()
    })
}

pub(super) fn check_container(
    request: &RegisterTaskDefinitionRequest,
    container: &ContainerDefinition,
) -> Verdict {
    let name = name_of(container);
    let (hard, soft) = (container.memory, container.memory_reservation);
    ensure(container.cpu.is_none_or(|cpu| cpu >= 0), || {
        format!("Invalid 'cpu' setting for container '{name}'.")
    })?;
    ensure(hard.is_none_or(|hard| hard >= LEAST_MEMORY), || {
        format!("Invalid 'memory' setting for container '{name}'.")
    })?;
    ensure(soft.is_none_or(|soft| soft > 0), || {
        format!("Invalid 'memoryReservation' setting for container '{name}'.")
    })?;
    // Fargate demands the task's memory, and says so itself.
    let fargate = request.requires_compatibilities.iter().flatten().any(|it| *it == Compatibility::Fargate);
    ensure(hard.or(soft).is_some() || request.memory.is_some() || fargate, || {
        format!(
            "Invalid setting for container '{name}'. At least one of 'memory' or 'memoryReservation' must be specified."
        )
    })?;
    let ordered = hard.zip(soft).is_none_or(|(hard, soft)| hard >= soft);
    ensure(ordered, || {
        format!(
            "Invalid setting for container '{name}'. The 'memory' setting must be greater than or equal to the \
             'memoryReservation' setting."
        )
    })?;
    check_within_task(request, name, hard)
}

fn check_within_task(request: &RegisterTaskDefinitionRequest, name: &str, hard: Option<i32>) -> Verdict {
    let Some(task) = request.memory.as_deref().map(task_memory).transpose()? else { return Ok(()) };
    let fits = hard.and_then(|hard| u32::try_from(hard).ok()).is_none_or(|hard| hard <= task);
    ensure(fits, || format!("The 'memory' setting for container '{name}' is greater than for the task."))
}
