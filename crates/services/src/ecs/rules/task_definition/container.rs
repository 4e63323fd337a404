//! Names, images and time-outs of containers, and how containers refer to each other.

use landfall_api::ecs::{ContainerDefinition, NetworkMode, RegisterTaskDefinitionRequest};

use super::{Verdict, ensure, name_of, refuse};
use crate::ecs::names::is_resource_name;

/// Longest time-out of a container in seconds (API reference, ContainerDefinition; Fargate allows less).
const SHORTEST_TIMEOUT: i32 = 2;

pub(super) fn check_names(containers: &[ContainerDefinition]) -> Verdict {
    for (at, container) in containers.iter().enumerate() {
        let name = name_of(container);
        ensure(!name.is_empty(), || "Container.name should not be null or empty.".to_owned())?;
        ensure(is_resource_name(name), || "Container.name contains invalid characters.".to_owned())?;
        let earlier = containers.iter().take(at).any(|other| name_of(other) == name);
        ensure(!earlier, || format!("Container.name must be unique. Duplicate name: '{name}'."))?;
    }
    Ok(())
}

pub(super) fn check(request: &RegisterTaskDefinitionRequest, container: &ContainerDefinition) -> Verdict {
    let image = container.image.as_deref().unwrap_or_default();
    ensure(!image.is_empty(), || "Container.image should not be null or empty.".to_owned())?;
    ensure(!image.chars().any(char::is_whitespace), || {
        "Container.image contains invalid characters.".to_owned()
    })?;
    check_environment(container)?;
    check_links(request, container)?;
    check_volumes_from(request, container)?;
    check_timeouts(container)?;
    check_restart_policy(container)?;
    check_awsvpc(request, container)
}

/// A variable whose name is empty or holds `=` would reach no program.
fn check_environment(container: &ContainerDefinition) -> Verdict {
    for variable in container.environment.iter().flatten() {
        let name = variable.name.as_deref().unwrap_or_default();
        ensure(!name.is_empty(), || "Container.environment.name should not be null or empty.".to_owned())?;
        ensure(!name.contains(['=', '\0']), || {
            "Container.environment.name contains invalid characters.".to_owned()
        })?;
    }
    Ok(())
}

fn exists(request: &RegisterTaskDefinitionRequest, name: &str) -> bool {
    request.container_definitions.iter().any(|it| name_of(it) == name)
}

fn check_links(request: &RegisterTaskDefinitionRequest, container: &ContainerDefinition) -> Verdict {
    let mode = request.network_mode.as_ref().filter(|mode| **mode != NetworkMode::Bridge);
    if let (Some(mode), true) = (mode, container.links.iter().flatten().next().is_some()) {
        return Err(refuse(format!("Links are not supported when networkMode={mode}.")));
    }
    for link in container.links.iter().flatten() {
        let target = link.split(':').next().unwrap_or_default();
        ensure(exists(request, target), || {
            format!(
                "Invalid link setting on container '{}': '{link}' is not a container.",
                name_of(container)
            )
        })?;
    }
    Ok(())
}

fn check_volumes_from(request: &RegisterTaskDefinitionRequest, container: &ContainerDefinition) -> Verdict {
    for source in container.volumes_from.iter().flatten() {
        let target = source.source_container.as_deref().unwrap_or_default();
        ensure(exists(request, target), || {
            format!(
                "Invalid 'volumesFrom' setting for container '{}': unknown container '{target}'.",
                name_of(container)
            )
        })?;
    }
    Ok(())
}

fn check_timeouts(container: &ContainerDefinition) -> Verdict {
    for (kind, seconds) in [("start", container.start_timeout), ("stop", container.stop_timeout)] {
        let long_enough = seconds.is_none_or(|seconds| seconds >= SHORTEST_TIMEOUT);
        ensure(long_enough, || {
            format!(
                "Granular {kind} timeout on container '{}' must be at least 2 seconds.",
                name_of(container)
            )
        })?;
    }
    Ok(())
}

/// `restartAttemptPeriod` is 60 to 1,800 seconds; at most 50 codes are ignored (API reference, ContainerRestartPolicy).
fn check_restart_policy(container: &ContainerDefinition) -> Verdict {
    let Some(policy) = &container.restart_policy else { return Ok(()) };
    let name = name_of(container);
    let period = policy.restart_attempt_period.unwrap_or(300);
    ensure((60..=1800).contains(&period), || {
        format!(
            "Invalid 'restartAttemptPeriod' setting for container '{name}'. It must be between 60 and 1800 seconds."
        )
    })?;
    let ignored = policy.ignored_exit_codes.as_ref().map_or(0, Vec::len);
    ensure(ignored <= 50, || {
        format!(
            "Invalid 'ignoredExitCodes' setting for container '{name}'. At most 50 exit codes can be specified."
        )
    })
}

fn check_awsvpc(request: &RegisterTaskDefinitionRequest, container: &ContainerDefinition) -> Verdict {
    if request.network_mode != Some(NetworkMode::Awsvpc) {
        return Ok(());
    }
    if container.hostname.is_some() {
        return Err(refuse("Hostname is not supported when networkMode=awsvpc."));
    }
    ensure(container.extra_hosts.iter().flatten().next().is_none(), || {
        "Extra hosts are not supported when networkMode=awsvpc.".to_owned()
    })
}
