//! The services that VPC endpoints can lead to: those that Landfall answers for, and those that AWS's guides have people make
//! endpoints of for Fargate.

use landfall_base::Region;

use super::record::EndpointKind;

/// A service by the last part of its name: `ecr.dkr` of `com.amazonaws.us-east-1.ecr.dkr`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct EndpointService {
    /// The last part of its name.
    pub(super) suffix: &'static str,
    /// The host name that private DNS takes over, without Region and domain.
    host: &'static str,
    /// It has gateway endpoints beside the others.
    pub(super) gateway: bool,
}

const fn service(suffix: &'static str, host: &'static str) -> EndpointService {
    EndpointService { suffix, host, gateway: false }
}

/// Sorted by name.
const SERVICES: &[EndpointService] = &[
    service("ec2", "ec2"),
    service("ec2messages", "ec2messages"),
    service("ecr.api", "api.ecr"),
    service("ecr.dkr", "*.dkr.ecr"),
    service("ecs", "ecs"),
    service("ecs-agent", "ecs-a"),
    service("ecs-telemetry", "ecs-t"),
    service("kms", "kms"),
    service("logs", "logs"),
    EndpointService { suffix: "s3", host: "s3", gateway: true },
    service("secretsmanager", "secretsmanager"),
    service("ssm", "ssm"),
    service("ssmmessages", "ssmmessages"),
    service("sts", "sts"),
];

impl EndpointService {
    /// All of them.
    pub(super) fn all() -> impl Iterator<Item = Self> {
        SERVICES.iter().copied()
    }

    /// The service with this full name in the Region.
    pub(super) fn find(region: &Region, name: &str) -> Option<Self> {
        Self::all().find(|it| it.name(region) == name)
    }

    /// The full name: `com.amazonaws.us-east-1.ecr.dkr`.
    pub(super) fn name(self, region: &Region) -> String {
        full_name(region, self.suffix)
    }

    /// The name that private DNS takes over: `*.dkr.ecr.us-east-1.amazonaws.com`.
    pub(super) fn private_name(self, region: &Region) -> String {
        format!("{}.{region}.{}", self.host, domain(region))
    }

    /// What the names of endpoints of it end in: `dkr.ecr.us-east-1.vpce.amazonaws.com`.
    pub(super) fn endpoint_domain(self, region: &Region) -> String {
        format!("{}.{region}.vpce.{}", self.host.trim_start_matches("*."), domain(region))
    }

    /// The kinds of endpoints that lead to it.
    pub(super) fn kinds(self) -> &'static [EndpointKind] {
        if self.gateway {
            &[EndpointKind::Gateway, EndpointKind::Interface]
        } else {
            &[EndpointKind::Interface]
        }
    }
}

/// The full name of a service of AWS in a Region.
pub(super) fn full_name(region: &Region, suffix: &str) -> String {
    let prefix = if region.partition() == "aws-cn" { "cn.com" } else { "com" };
    format!("{prefix}.amazonaws.{region}.{suffix}")
}

fn domain(region: &Region) -> &'static str {
    if region.partition() == "aws-cn" { "amazonaws.com.cn" } else { "amazonaws.com" }
}
