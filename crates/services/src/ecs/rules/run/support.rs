//! What AWS can run and this runtime cannot yet: refused by name when a task is to run, rather than ignored.

use landfall_api::ecs as api;

use super::{Verdict, refuse};
use crate::ecs::rules::assignment::{HOST_ARCHITECTURE, platform};

/// Checks a request and its definition for what would be ignored.
///
/// # Errors
/// `InvalidParameterException`, naming the first such member.
pub fn check_supported(request: &api::RunTaskRequest, definition: &api::TaskDefinition) -> Verdict {
    let member = of_request(request).or_else(|| of_definition(definition));
    if let Some(member) = member {
        return Err(refuse(format!(
            "Landfall cannot honour `{member}` yet and does not ignore it. Remove it, or run the task elsewhere."
        )));
    }
    check_platform(definition)
}

fn present<T>(list: Option<&Vec<T>>) -> bool {
    list.is_some_and(|list| !list.is_empty())
}

fn first(members: &[(bool, &'static str)]) -> Option<String> {
    members.iter().find(|(present, _)| *present).map(|(_, member)| (*member).to_owned())
}

fn of_request(request: &api::RunTaskRequest) -> Option<String> {
    let overrides = request.overrides.as_ref();
    let containers = overrides.and_then(|it| it.container_overrides.as_ref());
    let any =
        |test: fn(&api::ContainerOverride) -> bool| containers.is_some_and(|list| list.iter().any(test));
    first(&[
        (request.enable_execute_command == Some(true), "enableExecuteCommand"),
        (present(request.volume_configurations.as_ref()), "volumeConfigurations"),
        (
            present(overrides.and_then(|it| it.inference_accelerator_overrides.as_ref())),
            "inferenceAcceleratorOverrides",
        ),
        (any(|it| present(it.resource_requirements.as_ref())), "containerOverrides.resourceRequirements"),
    ])
}

fn of_definition(definition: &api::TaskDefinition) -> Option<String> {
    let task = first(&[
        (present(definition.inference_accelerators.as_ref()), "inferenceAccelerators"),
        (definition.proxy_configuration.is_some(), "proxyConfiguration"),
        (definition.pid_mode.is_some(), "pidMode"),
        (definition.ipc_mode.is_some(), "ipcMode"),
        (present(definition.placement_constraints.as_ref()), "placementConstraints"),
    ]);
    let volumes = || definition.volumes.iter().flatten().find_map(of_volume);
    let containers = definition.container_definitions.as_deref().unwrap_or_default();
    let container = || containers.iter().find_map(of_container);
    task.or_else(volumes).or_else(container)
}

fn of_volume(volume: &api::Volume) -> Option<String> {
    let docker = volume.docker_volume_configuration.as_ref();
    let plain = |it: &api::DockerVolumeConfiguration| {
        it.scope != Some(api::Scope::Shared)
            && it.driver.as_deref().is_none_or(|driver| driver == "local")
            && it.driver_opts.as_ref().is_none_or(|options| options.0.is_empty())
    };
    first(&[
        (docker.is_some_and(|it| !plain(it)), "volumes.dockerVolumeConfiguration"),
        (volume.efs_volume_configuration.is_some(), "volumes.efsVolumeConfiguration"),
        (volume.s3files_volume_configuration.is_some(), "volumes.s3filesVolumeConfiguration"),
        (
            volume.fsx_windows_file_server_volume_configuration.is_some(),
            "volumes.fsxWindowsFileServerVolumeConfiguration",
        ),
        (volume.configured_at_launch == Some(true), "volumes.configuredAtLaunch"),
    ])
}

fn of_container(container: &api::ContainerDefinition) -> Option<String> {
    let driver = container.log_configuration.as_ref().map(|it| &it.log_driver);
    let unknown_driver =
        driver.is_some_and(|it| !matches!(it, api::LogDriver::Awslogs | api::LogDriver::JsonFile));
    let log = container.log_configuration.as_ref();
    // `json-file` has no option that this runtime reads.
    let secret_log_options =
        log.is_some_and(|it| it.log_driver != api::LogDriver::Awslogs && present(it.secret_options.as_ref()));
    let ranges = container.port_mappings.iter().flatten().any(|it| it.container_port_range.is_some());
    let linux = container.linux_parameters.as_ref();
    let member = first(&[
        (present(container.resource_requirements.as_ref()), "resourceRequirements"),
        (container.firelens_configuration.is_some(), "firelensConfiguration"),
        (unknown_driver, "logConfiguration.logDriver"),
        (secret_log_options, "logConfiguration.secretOptions"),
        (present(container.links.as_ref()), "links"),
        (present(container.volumes_from.as_ref()), "volumesFrom"),
        (container.restart_policy.as_ref().is_some_and(|it| it.enabled), "restartPolicy"),
        (container.disable_networking == Some(true), "disableNetworking"),
        (container.interactive == Some(true), "interactive"),
        (container.pseudo_terminal == Some(true), "pseudoTerminal"),
        (present(container.dns_search_domains.as_ref()), "dnsSearchDomains"),
        (present(container.docker_security_options.as_ref()), "dockerSecurityOptions"),
        (present(container.credential_specs.as_ref()), "credentialSpecs"),
        (ranges, "portMappings.containerPortRange"),
        (linux.is_some_and(|it| present(it.devices.as_ref())), "linuxParameters.devices"),
        (linux.is_some_and(|it| it.max_swap.is_some()), "linuxParameters.maxSwap"),
        (linux.is_some_and(|it| it.swappiness.is_some()), "linuxParameters.swappiness"),
    ]);
    member.map(|member| format!("containerDefinitions.{member}"))
}

fn check_platform(definition: &api::TaskDefinition) -> Verdict {
    let runtime = definition.runtime_platform.as_ref();
    let family = runtime.and_then(|it| it.operating_system_family.as_ref());
    if let Some(family) = family.filter(|family| **family != api::OSFamily::Linux) {
        return Err(refuse(format!(
            "Landfall cannot run `runtimePlatform.operatingSystemFamily` {family}: this machine runs LINUX."
        )));
    }
    if !platform(runtime).ends_with(HOST_ARCHITECTURE) {
        return Err(refuse(format!(
            "Landfall cannot run this `runtimePlatform.cpuArchitecture`: this machine is linux/{HOST_ARCHITECTURE}."
        )));
    }
    Ok(())
}
