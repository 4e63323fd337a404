use landfall_api::ecs::{ContainerOverride, KeyValuePair, TaskOverride};

use super::*;
use crate::ecs::rules::fixture;
use crate::stored::Stored;

fn variable(name: &str, value: &str) -> KeyValuePair {
    KeyValuePair { name: Some(name.to_owned()), value: Some(value.to_owned()) }
}

fn words(text: &str) -> Option<Vec<String>> {
    Some(text.split(' ').map(str::to_owned).collect())
}

fn definition(container: api::ContainerDefinition) -> api::TaskDefinition {
    api::TaskDefinition { container_definitions: Some(vec![container]), ..Default::default() }
}

fn web() -> api::ContainerDefinition {
    api::ContainerDefinition {
        name: Some("web".to_owned()),
        image: Some("busybox".to_owned()),
        command: words("sleep 1"),
        environment: Some(vec![variable("A", "1"), variable("B", "2")]),
        cpu: Some(10),
        memory: Some(64),
        ..Default::default()
    }
}

#[test]
fn overrides_win() {
    let mut task = fixture::task(LaunchKind::Fargate, &["web"]);
    let over = ContainerOverride {
        name: Some("web".to_owned()),
        command: words("echo hello"),
        environment: Some(vec![variable("B", "3"), variable("C", "4")]),
        memory: Some(128),
        ..Default::default()
    };
    task.overrides = Stored(TaskOverride { container_overrides: Some(vec![over]), ..Default::default() });
    let assignment = assignment(&task, &definition(web()));
    let container = &assignment.containers[0];
    assert_eq!(container.command, words("echo hello"));
    assert_eq!((container.cpu, container.memory), (10, Some(128)));
    let pairs: Vec<_> =
        container.environment.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    assert_eq!(pairs, [("A", "1"), ("B", "3"), ("C", "4"), ("AWS_EXECUTION_ENV", "AWS_ECS_FARGATE")]);
    assert_eq!(assignment.cluster_arn, "arn:aws:ecs:us-east-1:111122223333:cluster/default");
}

#[test]
fn empty_words_leave_the_image_its_own() {
    let task = fixture::task(LaunchKind::Ec2, &["web"]);
    let container =
        api::ContainerDefinition { command: Some(Vec::new()), entry_point: Some(Vec::new()), ..web() };
    let assignment = assignment(&task, &definition(container));
    assert_eq!((&assignment.containers[0].command, &assignment.containers[0].entry_point), (&None, &None));
    assert_eq!(assignment.network_mode, NetworkMode::Bridge);
}

#[test]
fn host_port_zero_is_any_port() {
    let task = fixture::task(LaunchKind::Ec2, &["web"]);
    let ports = [(Some(0), None), (Some(8080), Some(8080)), (None, None)].map(|(host_port, expected)| {
        let mapping = api::PortMapping { container_port: Some(80), host_port, ..Default::default() };
        (mapping, PortMapping { container_port: 80, host_port: expected, protocol: Protocol::Tcp })
    });
    let (mappings, expected): (Vec<_>, Vec<_>) = ports.into_iter().unzip();
    let container = api::ContainerDefinition { port_mappings: Some(mappings), ..web() };
    assert_eq!(assignment(&task, &definition(container)).containers[0].port_mappings, expected);
}

#[test]
fn a_task_is_told_how_far_it_was() {
    for (status, phase) in [
        (TaskStatus::Provisioning, TaskPhase::Pending),
        (TaskStatus::Running, TaskPhase::Running),
        (TaskStatus::Deprovisioning, TaskPhase::Stopping),
        (TaskStatus::Stopped, TaskPhase::Stopped),
    ] {
        let mut task = fixture::task(LaunchKind::Ec2, &["web"]);
        task.last_status = status;
        assert_eq!(assignment(&task, &definition(web())).phase, phase);
    }
}

#[test]
fn platforms_in_the_words_of_oci() {
    let of =
        |architecture| api::RuntimePlatform { cpu_architecture: Some(architecture), ..Default::default() };
    assert_eq!(platform(Some(&of(api::CPUArchitecture::Arm64))), "linux/arm64");
    assert_eq!(platform(Some(&of(api::CPUArchitecture::X86_64))), "linux/amd64");
    assert_eq!(platform(None), format!("linux/{HOST_ARCHITECTURE}"));
}

#[test]
fn health_checks_have_the_defaults_of_the_reference() {
    let task = fixture::task(LaunchKind::Ec2, &["web"]);
    let of = |command: &str| {
        let check = api::HealthCheck { command: words(command).unwrap(), ..Default::default() };
        let container = api::ContainerDefinition { health_check: Some(check), ..web() };
        assignment(&task, &definition(container)).containers[0].health_check.clone()
    };
    let check = of("CMD true").unwrap();
    assert_eq!((check.interval, check.timeout, check.retries, check.start_period), (30, 5, 3, 0));
    assert_eq!(of("NONE"), None);
}
