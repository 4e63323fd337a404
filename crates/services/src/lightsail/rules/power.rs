//! What a node of each power has (Lightsail pricing, "Container services"; `specs` of the models have the names only).

use landfall_api::lightsail::{ContainerServicePower, ContainerServicePowerName};
use serde::{Deserialize, Serialize};

/// `power` of a service.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Power {
    /// 0.25 vCPU, 0.5 GB.
    Nano,
    /// 0.25 vCPU, 1 GB.
    Micro,
    /// 0.5 vCPU, 1 GB.
    Small,
    /// 1 vCPU, 2 GB.
    Medium,
    /// 2 vCPU, 4 GB.
    Large,
    /// 4 vCPU, 8 GB.
    Xlarge,
}

/// Every power, the smallest first.
pub const ALL: [Power; 6] =
    [Power::Nano, Power::Micro, Power::Small, Power::Medium, Power::Large, Power::Xlarge];

impl Power {
    /// From the API's name.
    pub fn named(name: &ContainerServicePowerName) -> Option<Self> {
        ALL.into_iter().find(|power| power.name() == *name)
    }

    /// The API's name.
    pub fn name(self) -> ContainerServicePowerName {
        match self {
            Self::Nano => ContainerServicePowerName::Nano,
            Self::Micro => ContainerServicePowerName::Micro,
            Self::Small => ContainerServicePowerName::Small,
            Self::Medium => ContainerServicePowerName::Medium,
            Self::Large => ContainerServicePowerName::Large,
            Self::Xlarge => ContainerServicePowerName::Xlarge,
        }
    }

    /// `nano-1`
    pub fn id(self) -> String {
        format!("{}-1", self.name().as_str())
    }

    /// CPU units of a node; 1024 are one vCPU.
    pub fn cpu_units(self) -> u32 {
        match self {
            Self::Nano | Self::Micro => 256,
            Self::Small => 512,
            Self::Medium => 1024,
            Self::Large => 2048,
            Self::Xlarge => 4096,
        }
    }

    /// Memory of a node in MiB.
    pub fn memory_mib(self) -> u32 {
        match self {
            Self::Nano => 512,
            Self::Micro | Self::Small => 1024,
            Self::Medium => 2048,
            Self::Large => 4096,
            Self::Xlarge => 8192,
        }
    }

    /// US dollars a month for one node.
    fn price(self) -> f64 {
        match self {
            Self::Nano => 7.0,
            Self::Micro => 10.0,
            Self::Small => 15.0,
            Self::Medium => 40.0,
            Self::Large => 80.0,
            Self::Xlarge => 160.0,
        }
    }

    /// As `GetContainerServicePowers` answers it.
    pub fn shown(self) -> ContainerServicePower {
        ContainerServicePower {
            power_id: Some(self.id()),
            price: Some(self.price()),
            cpu_count: Some(f64::from(self.cpu_units()) / 1024.0),
            ram_size_in_gb: Some(f64::from(self.memory_mib()) / 1024.0),
            name: Some(self.name().as_str().to_owned()),
            is_active: Some(true),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_power_is_found_by_its_name() {
        for power in ALL {
            assert_eq!(Power::named(&power.name()), Some(power));
        }
        assert_eq!(Power::Micro.shown().ram_size_in_gb, Some(1.0));
    }
}
