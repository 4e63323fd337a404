//! This machine as the container instance that it is in every cluster.

use std::collections::BTreeSet;

use landfall_acs::Protocol;
use landfall_api::ecs as api;

use super::Counts;
use crate::ecs::machine;
use crate::ecs::names::Home;
use crate::ecs::record::Cluster;
use crate::ecs::rules::assignment::HOST_ARCHITECTURE;
use crate::ecs::rules::placement::{Demand, RESERVED_PORTS};

/// The container instance, with what tasks take from it.
pub(in crate::ecs) fn container_instance(
    cluster: &Cluster,
    home: Home<'_>,
    counts: Counts,
    there: &[Demand],
) -> api::ContainerInstance {
    let machine = machine::this_machine();
    let taken = |of: fn(&Demand) -> u32| there.iter().map(of).fold(0, u32::saturating_add);
    let left = |all: u32, taken: u32| all.saturating_sub(taken);
    let id = machine::instance_id(home, &cluster.name);
    api::ContainerInstance {
        container_instance_arn: Some(home.container_instance(&cluster.name, &id).to_string()),
        version: Some(1),
        version_info: Some(api::VersionInfo {
            agent_version: Some(env!("CARGO_PKG_VERSION").to_owned()),
            ..api::VersionInfo::default()
        }),
        remaining_resources: Some(resources(
            left(machine.cpu, taken(|it| it.cpu)),
            left(machine.memory, taken(|it| it.memory)),
            there,
        )),
        registered_resources: Some(resources(machine.cpu, machine.memory, &[])),
        status: Some("ACTIVE".to_owned()),
        agent_connected: Some(true),
        running_tasks_count: Some(counts.running),
        pending_tasks_count: Some(counts.pending),
        attributes: Some(attributes(home)),
        registered_at: Some(cluster.created_at),
        attachments: Some(Vec::new()),
        tags: Some(Vec::new()),
        ..api::ContainerInstance::default()
    }
}

fn resources(cpu: u32, memory: u32, there: &[Demand]) -> Vec<api::Resource> {
    vec![
        number("CPU", cpu),
        number("MEMORY", memory),
        ports("PORTS", there, Protocol::Tcp, &RESERVED_PORTS),
        ports("PORTS_UDP", there, Protocol::Udp, &[]),
    ]
}

fn number(name: &str, value: u32) -> api::Resource {
    api::Resource {
        name: Some(name.to_owned()),
        r#type: Some("INTEGER".to_owned()),
        double_value: Some(0.0),
        long_value: Some(0),
        integer_value: Some(i32::try_from(value).unwrap_or(i32::MAX)),
        ..api::Resource::default()
    }
}

fn ports(name: &str, there: &[Demand], protocol: Protocol, reserved: &[u16]) -> api::Resource {
    let used =
        there.iter().flat_map(|it| &it.ports).filter(|(kind, _)| *kind == protocol).map(|(_, port)| *port);
    let all: BTreeSet<u16> = reserved.iter().copied().chain(used).collect();
    api::Resource {
        name: Some(name.to_owned()),
        r#type: Some("STRINGSET".to_owned()),
        double_value: Some(0.0),
        long_value: Some(0),
        integer_value: Some(0),
        string_set_value: Some(all.iter().map(u16::to_string).collect()),
    }
}

fn attributes(home: Home<'_>) -> Vec<api::Attribute> {
    let architecture = if HOST_ARCHITECTURE == "arm64" { "arm64" } else { "x86_64" };
    let zone = format!("{}a", home.region);
    let pairs = [
        ("ecs.os-type", "linux"),
        ("ecs.os-family", "LINUX"),
        ("ecs.cpu-architecture", architecture),
        ("ecs.availability-zone", zone.as_str()),
    ];
    let attribute = |(name, value): (&str, &str)| api::Attribute {
        name: name.to_owned(),
        value: Some(value.to_owned()),
        ..api::Attribute::default()
    };
    pairs.into_iter().map(attribute).collect()
}
