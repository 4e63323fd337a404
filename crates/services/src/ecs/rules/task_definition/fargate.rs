//! What a task definition must be to run on Fargate (Developer Guide, "Fargate task definition differences").

use landfall_api::ecs::{
    ContainerDefinition, LinuxParameters, LogDriver, NetworkMode, OSFamily, PidMode,
    RegisterTaskDefinitionRequest, ResourceType, UlimitName,
};

use super::{Verdict, ensure, refuse, resources};
use crate::ecs::image_host::is_ecr;

pub(super) fn check(request: &RegisterTaskDefinitionRequest) -> Verdict {
    ensure(request.network_mode == Some(NetworkMode::Awsvpc), || {
        "Fargate only supports network mode ‘awsvpc’.".to_owned()
    })?;
    check_size(request)?;
    check_task(request)?;
    request.container_definitions.iter().try_for_each(|container| check_container(request, container))
}

fn check_size(request: &RegisterTaskDefinitionRequest) -> Verdict {
    let undefined =
        |member: &str| refuse(format!("Fargate requires that '{member}' be defined at the task level."));
    let cpu = resources::task_cpu(request.cpu.as_deref().ok_or_else(|| undefined("cpu"))?)?;
    let memory = resources::task_memory(request.memory.as_deref().ok_or_else(|| undefined("memory"))?)?;
    let windows = is_windows(request);
    ensure(is_size(cpu, memory) && !(windows && cpu < 1024), || {
        "No Fargate configuration exists for given values.".to_owned()
    })
}

/// Fargate's sizes: CPU units and MiB.
pub fn is_size(cpu: u32, memory: u32) -> bool {
    let steps = |from: u32, to: u32, step: u32| {
        (from * 1024..=to * 1024).contains(&memory) && memory.is_multiple_of(step * 1024)
    };
    match cpu {
        256 => matches!(memory, 512 | 1024 | 2048),
        512 => steps(1, 4, 1),
        1024 => steps(2, 8, 1),
        2048 => steps(4, 16, 1),
        4096 => steps(8, 30, 1),
        8192 => steps(16, 60, 4),
        16384 => steps(32, 120, 8),
        _ => false,
    }
}

fn is_windows(request: &RegisterTaskDefinitionRequest) -> bool {
    let family = request.runtime_platform.as_ref().and_then(|it| it.operating_system_family.as_ref());
    family.is_some_and(|family| *family != OSFamily::Linux)
}

fn unsupported(present: bool, member: &str) -> Verdict {
    ensure(!present, || format!("Fargate compatible task definitions do not support {member}"))
}

fn check_task(request: &RegisterTaskDefinitionRequest) -> Verdict {
    unsupported(request.placement_constraints.iter().flatten().next().is_some(), "constraints")?;
    unsupported(request.ipc_mode.is_some(), "ipcMode")?;
    unsupported(request.pid_mode == Some(PidMode::Host), "pidMode 'host'")?;
    unsupported(request.inference_accelerators.iter().flatten().next().is_some(), "inferenceAccelerators")?;
    for volume in request.volumes.iter().flatten() {
        unsupported(volume.host.as_ref().is_some_and(|it| it.source_path.is_some()), "sourcePath")?;
        unsupported(volume.docker_volume_configuration.is_some(), "dockerVolumeConfiguration")?;
        unsupported(
            volume.fsx_windows_file_server_volume_configuration.is_some(),
            "fsxWindowsFileServerVolumeConfiguration",
        )?;
    }
    Ok(())
}

fn check_container(request: &RegisterTaskDefinitionRequest, container: &ContainerDefinition) -> Verdict {
    let any = |list: Option<&Vec<String>>| list.is_some_and(|list| !list.is_empty());
    unsupported(container.privileged == Some(true), "privileged")?;
    unsupported(container.disable_networking == Some(true), "disableNetworking")?;
    unsupported(any(container.links.as_ref()), "links")?;
    unsupported(any(container.dns_servers.as_ref()), "dnsServers")?;
    unsupported(any(container.dns_search_domains.as_ref()), "dnsSearchDomains")?;
    unsupported(any(container.docker_security_options.as_ref()), "dockerSecurityOptions")?;
    let gpu = container.resource_requirements.iter().flatten().any(|it| it.r#type == ResourceType::Gpu);
    unsupported(gpu, "gpu")?;
    let mut limits = container.ulimits.iter().flatten();
    unsupported(limits.any(|it| it.name != UlimitName::Nofile), "ulimits other than nofile")?;
    container.linux_parameters.as_ref().map_or(Ok(()), check_linux)?;
    check_timeouts(container)?;
    check_logging(request, container)?;
    check_roles(request, container)
}

fn check_linux(linux: &LinuxParameters) -> Verdict {
    unsupported(linux.devices.iter().flatten().next().is_some(), "devices")?;
    unsupported(linux.shared_memory_size.is_some(), "sharedMemorySize")?;
    unsupported(linux.tmpfs.iter().flatten().next().is_some(), "tmpfs")?;
    unsupported(linux.max_swap.is_some(), "maxSwap")?;
    unsupported(linux.swappiness.is_some(), "swappiness")?;
    let added = linux.capabilities.iter().flat_map(|it| it.add.iter().flatten());
    unsupported(
        added.map(String::as_str).any(|it| it != "SYS_PTRACE"),
        "adding capabilities other than SYS_PTRACE",
    )
}

fn check_timeouts(container: &ContainerDefinition) -> Verdict {
    for (kind, seconds) in [("start", container.start_timeout), ("stop", container.stop_timeout)] {
        ensure(seconds.is_none_or(|seconds| seconds <= 120), || {
            format!(
                "Tasks using the Fargate launch type must have a container {kind} timeout of less than 120 seconds."
            )
        })?;
    }
    Ok(())
}

fn check_logging(request: &RegisterTaskDefinitionRequest, container: &ContainerDefinition) -> Verdict {
    let Some(configuration) = &container.log_configuration else { return Ok(()) };
    let driver = &configuration.log_driver;
    let supported = matches!(driver, LogDriver::Awslogs | LogDriver::Splunk | LogDriver::Awsfirelens);
    ensure(supported, || {
        format!("{driver} is not a valid log driver. Must be one of [awslogs,splunk,awsfirelens]")
    })?;
    if *driver != LogDriver::Awslogs {
        return Ok(());
    }
    let prefix = configuration.options.as_ref().and_then(|it| it.get("awslogs-stream-prefix"));
    ensure(prefix.is_some_and(|prefix| !prefix.is_empty()), || {
        "Log driver awslogs requires options: awslogs-stream-prefix".to_owned()
    })?;
    ensure(request.execution_role_arn.is_some(), || {
        "Fargate requires task definition to have execution role ARN to support log driver awslogs."
            .to_owned()
    })
}

fn check_roles(request: &RegisterTaskDefinitionRequest, container: &ContainerDefinition) -> Verdict {
    let ecr = container.image.as_deref().is_some_and(is_ecr);
    ensure(!ecr || request.execution_role_arn.is_some(), || {
        "Fargate requires task definition to have execution role ARN to support ECR images.".to_owned()
    })
}
