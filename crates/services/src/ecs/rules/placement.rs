//! Whether a task fits on this machine beside the tasks that are there.

use landfall_acs::{NetworkMode, Protocol};
use landfall_api::ecs as api;
use serde::{Deserialize, Serialize};

/// Ports that the container agent keeps for itself (`ECS_RESERVED_PORTS`).
pub const RESERVED_PORTS: [u16; 5] = [22, 2375, 2376, 51678, 51679];

/// What a container instance has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Machine {
    /// CPU units, 1024 a core.
    pub cpu: u32,
    /// Memory in MiB.
    pub memory: u32,
}

/// What a task takes.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Demand {
    /// CPU units.
    pub cpu: u32,
    /// Memory in MiB.
    pub memory: u32,
    /// Ports of the host.
    pub ports: Vec<(Protocol, u16)>,
}

/// Why a task does not fit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shortage {
    /// Not enough CPU units.
    Cpu,
    /// Not enough memory.
    Memory,
    /// A port is taken.
    Ports,
}

impl Shortage {
    /// As `failures[].reason` has it (Developer Guide, "API failure reasons").
    pub fn reason(self) -> &'static str {
        match self {
            Self::Cpu => "RESOURCE:CPU",
            Self::Memory => "RESOURCE:MEMORY",
            Self::Ports => "RESOURCE:PORTS",
        }
    }
}

/// Says what is missing for `wanted` on `machine` beside `there`.
///
/// # Errors
/// The first resource that does not suffice.
pub fn place(machine: Machine, there: &[Demand], wanted: &Demand) -> Result<(), Shortage> {
    let total = |of: fn(&Demand) -> u32| there.iter().map(of).fold(of(wanted), u32::saturating_add);
    if total(|it| it.cpu) > machine.cpu {
        return Err(Shortage::Cpu);
    }
    if total(|it| it.memory) > machine.memory {
        return Err(Shortage::Memory);
    }
    let taken = |port: &(Protocol, u16)| {
        (port.0 == Protocol::Tcp && RESERVED_PORTS.contains(&port.1))
            || there.iter().any(|it| it.ports.contains(port))
    };
    if wanted.ports.iter().any(taken) {
        return Err(Shortage::Ports);
    }
    Ok(())
}

/// What a task of this definition takes from its container instance. Sizes of the task count before those of its
/// containers; a soft limit counts before a hard one.
pub fn demand(definition: &api::TaskDefinition, cpu: Option<u32>, memory: Option<u32>) -> Demand {
    let containers = definition.container_definitions.as_deref().unwrap_or_default();
    let sum = |of: fn(&api::ContainerDefinition) -> Option<i32>| -> u32 {
        containers.iter().filter_map(of).filter_map(|it| u32::try_from(it).ok()).fold(0, u32::saturating_add)
    };
    Demand {
        cpu: cpu.unwrap_or_else(|| sum(|it| it.cpu)),
        memory: memory.unwrap_or_else(|| sum(|it| it.memory_reservation.or(it.memory))),
        ports: host_ports(containers, super::assignment::network_mode(definition)),
    }
}

fn host_ports(containers: &[api::ContainerDefinition], mode: NetworkMode) -> Vec<(Protocol, u16)> {
    if !matches!(mode, NetworkMode::Bridge | NetworkMode::Host) {
        return Vec::new();
    }
    let mappings = containers.iter().flat_map(|it| it.port_mappings.as_deref().unwrap_or_default());
    let fixed = mappings.filter_map(|it| {
        let port = it.host_port.and_then(|port| u16::try_from(port).ok()).filter(|port| *port != 0)?;
        Some((super::assignment::protocol(it.protocol.as_ref()), port))
    });
    fixed.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const MACHINE: Machine = Machine { cpu: 2048, memory: 4096 };

    fn takes(cpu: u32, memory: u32, ports: &[u16]) -> Demand {
        Demand { cpu, memory, ports: ports.iter().map(|port| (Protocol::Tcp, *port)).collect() }
    }

    #[test]
    fn what_fits_and_what_does_not() {
        let there = [takes(1024, 1024, &[80])];
        for (wanted, expected) in [
            (takes(1024, 3072, &[81]), Ok(())),
            (takes(1025, 0, &[]), Err(Shortage::Cpu)),
            (takes(0, 3073, &[]), Err(Shortage::Memory)),
            (takes(0, 0, &[80]), Err(Shortage::Ports)),
            (takes(0, 0, &[22]), Err(Shortage::Ports)),
            (takes(u32::MAX, u32::MAX, &[]), Err(Shortage::Cpu)),
        ] {
            assert_eq!(place(MACHINE, &there, &wanted), expected, "{wanted:?}");
        }
    }

    #[test]
    fn udp_and_tcp_ports_are_different_ports() {
        let wanted = Demand { ports: vec![(Protocol::Udp, 80)], ..Demand::default() };
        assert_eq!(place(MACHINE, &[takes(0, 0, &[80])], &wanted), Ok(()));
    }

    fn definition(mode: api::NetworkMode) -> api::TaskDefinition {
        let port = api::PortMapping { container_port: Some(80), host_port: Some(8080), ..Default::default() };
        let container = api::ContainerDefinition {
            cpu: Some(10),
            memory: Some(512),
            memory_reservation: Some(128),
            port_mappings: Some(vec![port]),
            ..Default::default()
        };
        api::TaskDefinition {
            network_mode: Some(mode),
            container_definitions: Some(vec![container]),
            ..Default::default()
        }
    }

    #[test]
    fn task_sizes_count_before_container_sizes() {
        let definition = definition(api::NetworkMode::Bridge);
        assert_eq!(demand(&definition, None, None), takes(10, 128, &[8080]));
        assert_eq!(demand(&definition, Some(256), Some(1024)), takes(256, 1024, &[8080]));
    }

    #[test]
    fn a_task_with_its_own_address_takes_no_port_of_the_host() {
        assert_eq!(demand(&definition(api::NetworkMode::Awsvpc), None, None).ports, []);
    }
}
