//! Which kinds of capacity a task definition can run on.

use landfall_api::ecs::{Compatibility, NetworkMode, OSFamily, RegisterTaskDefinitionRequest};

use super::{Verdict, ensure, fargate};

/// What the request itself demands.
pub(super) fn check(request: &RegisterTaskDefinitionRequest) -> Verdict {
    let demanded = request.requires_compatibilities.as_deref().unwrap_or_default();
    if demanded.contains(&Compatibility::Fargate) {
        fargate::check(request)?;
    }
    let external = demanded.contains(&Compatibility::External);
    ensure(!external || request.network_mode != Some(NetworkMode::Awsvpc), || {
        "Task definitions that require EXTERNAL compatibility do not support network mode ‘awsvpc’."
            .to_owned()
    })?;
    check_ephemeral_storage(request)
}

/// 21 to 200 GiB (API reference, EphemeralStorage).
fn check_ephemeral_storage(request: &RegisterTaskDefinitionRequest) -> Verdict {
    let size = request.ephemeral_storage.as_ref().map(|it| it.size_in_gib);
    ensure(size.is_none_or(|size| (21..=200).contains(&size)), || {
        "Invalid setting for ephemeral storage. Size must be between 21 GiB and 200 GiB.".to_owned()
    })
}

/// `compatibilities`: every kind of capacity that the definition validated against, in AWS's order.
pub(super) fn compatibilities(request: &RegisterTaskDefinitionRequest) -> Vec<Compatibility> {
    let mode = request.network_mode.as_ref();
    let family = request.runtime_platform.as_ref().and_then(|it| it.operating_system_family.as_ref());
    let linux = family.is_none_or(|family| *family == OSFamily::Linux);
    let mut out = Vec::new();
    if mode != Some(&NetworkMode::Awsvpc) {
        out.push(Compatibility::External);
    }
    out.push(Compatibility::Ec2);
    if linux && matches!(mode, Some(NetworkMode::Awsvpc | NetworkMode::Host)) {
        out.push(Compatibility::ManagedInstances);
    }
    if fargate::check(request).is_ok() {
        out.push(Compatibility::Fargate);
    }
    out
}
