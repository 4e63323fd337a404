use landfall_acs::LaunchKind;

use super::*;

fn container() -> api::ContainerDefinition {
    api::ContainerDefinition { name: Some("web".to_owned()), ..Default::default() }
}

fn definition(containers: Vec<api::ContainerDefinition>) -> api::TaskDefinition {
    api::TaskDefinition {
        network_mode: Some(api::NetworkMode::Awsvpc),
        compatibilities: Some(vec![api::Compatibility::Ec2, api::Compatibility::Fargate]),
        container_definitions: Some(containers),
        ..Default::default()
    }
}

fn network_of(subnets: &[&str], public: bool) -> api::RunTaskRequest {
    let configuration = api::AwsVpcConfiguration {
        subnets: subnets.iter().map(|it| (*it).to_owned()).collect(),
        security_groups: None,
        assign_public_ip: public.then_some(api::AssignPublicIp::Enabled),
    };
    api::RunTaskRequest {
        network_configuration: Some(api::NetworkConfiguration { awsvpc_configuration: Some(configuration) }),
        ..Default::default()
    }
}

#[test]
fn networks() {
    let definition = definition(vec![container()]);
    let of = |request: &api::RunTaskRequest, launch| {
        network(request, &definition, launch).map_err(|it| it.message)
    };
    assert!(of(&network_of(&["subnet-1"], true), LaunchKind::Fargate).unwrap().unwrap().assign_public_ip);
    for (request, launch, text) in [
        (network_of(&[], false), LaunchKind::Fargate, "subnets can not be empty."),
        (network_of(&["subnet-1"; 17], false), LaunchKind::Fargate, "subnets can have at most 16 items."),
        (
            network_of(&["subnet-1"], true),
            LaunchKind::Ec2,
            "Assign public IP is not supported for this launch type.",
        ),
        (
            network_of(&["nope"], false),
            LaunchKind::Fargate,
            "Error retrieving subnet information for [nope]: Invalid id: \"nope\" (expecting \"subnet-...\")",
        ),
    ] {
        assert_eq!(of(&request, launch).unwrap_err(), text);
    }
}

#[test]
fn counts() {
    for (given, expected) in
        [(None, Some(1)), (Some(10), Some(10)), (Some(0), None), (Some(11), None), (Some(-1), None)]
    {
        let request = api::RunTaskRequest { count: given, ..Default::default() };
        assert_eq!(count(&request).ok(), expected, "{given:?}");
    }
}

fn launches(request: &api::RunTaskRequest, strategy: &[(String, i32, i32)]) -> Result<LaunchKind, String> {
    let providers = ["FARGATE".to_owned()];
    let chosen = capacities(request, &definition(vec![container()]), &providers, strategy, 1);
    chosen.map(|chosen| chosen[0].launch).map_err(|error| error.message)
}

#[test]
fn launch_types() {
    let of = |launch_type| api::RunTaskRequest { launch_type, ..Default::default() };
    let default = [("FARGATE".to_owned(), 1, 0)];
    assert_eq!(launches(&of(None), &[]), Ok(LaunchKind::Ec2));
    assert_eq!(launches(&of(None), &default), Ok(LaunchKind::Fargate));
    assert_eq!(launches(&of(Some(api::LaunchType::Ec2)), &default), Ok(LaunchKind::Ec2));
    assert_eq!(
        launches(&of(Some(api::LaunchType::External)), &[]),
        Err("Task definition does not support launch_type EXTERNAL.".to_owned())
    );
    let item =
        api::CapacityProviderStrategyItem { capacity_provider: "FARGATE".to_owned(), ..Default::default() };
    let both = api::RunTaskRequest {
        capacity_provider_strategy: Some(vec![item]),
        ..of(Some(api::LaunchType::Fargate))
    };
    assert_eq!(
        launches(&both, &[]).unwrap_err(),
        "Specifying both a launch type and capacity provider strategy is not supported. Remove one and try again."
    );
}

fn refused(definition: &api::TaskDefinition) -> Option<String> {
    check_supported(&api::RunTaskRequest::default(), definition).err().map(|error| error.message)
}

#[test]
fn what_would_be_ignored_is_named() {
    let strings = || Some(vec!["x".to_owned()]);
    let containers: Vec<(api::ContainerDefinition, &str)> = vec![
        (api::ContainerDefinition { links: strings(), ..container() }, "containerDefinitions.links"),
        (
            api::ContainerDefinition { interactive: Some(true), ..container() },
            "containerDefinitions.interactive",
        ),
        (
            api::ContainerDefinition { dns_search_domains: strings(), ..container() },
            "containerDefinitions.dnsSearchDomains",
        ),
        (
            api::ContainerDefinition {
                log_configuration: Some(api::LogConfiguration {
                    log_driver: api::LogDriver::Splunk,
                    ..Default::default()
                }),
                ..container()
            },
            "containerDefinitions.logConfiguration.logDriver",
        ),
    ];
    for (container, member) in containers {
        let text = refused(&definition(vec![container])).expect(member);
        assert!(text.contains(&format!("`{member}`")), "{text}");
    }
    let efs = api::Volume { efs_volume_configuration: Some(Default::default()), ..Default::default() };
    let with_efs = api::TaskDefinition { volumes: Some(vec![efs]), ..definition(vec![container()]) };
    assert!(refused(&with_efs).unwrap().contains("`volumes.efsVolumeConfiguration`"));
    assert_eq!(refused(&definition(vec![container()])), None);
}

#[test]
fn secret_options_that_nothing_reads_are_refused_rather_than_ignored() {
    let secret = api::Secret { name: "awslogs-group".to_owned(), value_from: "/group".to_owned() };
    let log = api::LogConfiguration {
        log_driver: api::LogDriver::JsonFile,
        secret_options: Some(vec![secret]),
        ..Default::default()
    };
    let logged = |log| api::ContainerDefinition { log_configuration: Some(log), ..container() };
    let read = api::LogConfiguration { log_driver: api::LogDriver::Awslogs, ..log.clone() };
    assert_eq!(refused(&definition(vec![logged(read)])), None);
    assert_eq!(
        refused(&definition(vec![logged(log)])).unwrap(),
        "Landfall cannot honour `containerDefinitions.logConfiguration.secretOptions` yet and does not ignore it. Remove \
         it, or run the task elsewhere."
    );
}

#[test]
fn another_architecture_is_refused() {
    let other = if cfg!(target_arch = "aarch64") {
        api::CPUArchitecture::X86_64
    } else {
        api::CPUArchitecture::Arm64
    };
    let platform = api::RuntimePlatform { cpu_architecture: Some(other), ..Default::default() };
    let definition =
        api::TaskDefinition { runtime_platform: Some(platform), ..definition(vec![container()]) };
    assert!(refused(&definition).unwrap().contains("cpuArchitecture"));
}

#[test]
fn overrides_are_limited() {
    let definition = definition(vec![container()]);
    let over = api::ContainerOverride {
        name: Some("web".to_owned()),
        command: Some(vec!["x".repeat(9000)]),
        ..Default::default()
    };
    let overrides = api::TaskOverride { container_overrides: Some(vec![over]), ..Default::default() };
    let error = check_overrides(&overrides, &definition).unwrap_err();
    assert_eq!(error.message, "Container Overrides length must be at most 8192");
    let shown = complete_overrides(&api::TaskOverride::default(), ["web"].into_iter());
    assert_eq!(shown.container_overrides.unwrap()[0].name.as_deref(), Some("web"));
}

#[test]
fn overrides_that_no_container_can_have_are_refused() {
    let secret = api::Secret { name: "S".to_owned(), value_from: "p".to_owned() };
    let with_secret = api::ContainerDefinition { secrets: Some(vec![secret]), ..container() };
    let definition = api::TaskDefinition { memory: Some("512".to_owned()), ..definition(vec![with_secret]) };
    let variable = |name: &str| api::KeyValuePair { name: Some(name.to_owned()), value: None };
    let of = |memory, environment| {
        let over = api::ContainerOverride {
            name: Some("web".to_owned()),
            memory,
            environment,
            ..Default::default()
        };
        let overrides = api::TaskOverride { container_overrides: Some(vec![over]), ..Default::default() };
        check_overrides(&overrides, &definition).map_err(|error| error.message)
    };
    assert_eq!(of(Some(512), Some(vec![variable("A")])), Ok(()));
    let large = "The 'memory' setting for container 'web' is greater than for the task.";
    assert_eq!(of(Some(513), None), Err(large.to_owned()));
    let shared = "The secret name must be unique and not shared with any new or existing environment variables set on the \
                  container, such as 'S'.";
    assert_eq!(of(None, Some(vec![variable("A"), variable("S")])), Err(shared.to_owned()));
    for name in ["", "A=B"] {
        let text = "Invalid 'environment' setting for container 'web'.";
        assert_eq!(of(None, Some(vec![variable(name)])), Err(text.to_owned()));
    }
}
