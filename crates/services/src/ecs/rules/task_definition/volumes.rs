//! Volumes and where they are mounted.

use landfall_api::ecs::{
    EFSAuthorizationConfigIAM, EFSTransitEncryption, RegisterTaskDefinitionRequest, Scope, Volume,
};

use super::{Verdict, ensure, name_of, refuse};
use crate::ecs::names::is_resource_name;

pub(super) fn check(request: &RegisterTaskDefinitionRequest) -> Verdict {
    let volumes = request.volumes.as_deref().unwrap_or_default();
    for (at, volume) in volumes.iter().enumerate() {
        let name = volume.name.as_deref().unwrap_or_default();
        ensure(!name.is_empty(), || "Volume.name should not be null or empty.".to_owned())?;
        ensure(is_resource_name(name), || "Volume.name contains invalid characters.".to_owned())?;
        let earlier = volumes.iter().take(at).any(|other| other.name == volume.name);
        ensure(!earlier, || format!("Duplicate volume name '{name}'."))?;
        check_kind(name, volume)?;
    }
    check_mounts(request, volumes)
}

fn check_kind(name: &str, volume: &Volume) -> Verdict {
    let host = volume.host.as_ref().and_then(|it| it.source_path.as_deref());
    ensure(host.is_none_or(|path| !path.is_empty()), || "host.sourcePath should not be blank.".to_owned())?;
    let kinds = [
        host.is_some(),
        volume.docker_volume_configuration.is_some(),
        volume.efs_volume_configuration.is_some(),
        volume.s3files_volume_configuration.is_some(),
        volume.fsx_windows_file_server_volume_configuration.is_some(),
        volume.configured_at_launch == Some(true),
    ];
    ensure(kinds.into_iter().filter(|it| *it).count() <= 1, || {
        format!(
            "When the volume parameter is specified, only one volume configuration type should be used: '{name}'."
        )
    })?;
    check_docker(volume)?;
    check_efs(volume)
}

fn check_docker(volume: &Volume) -> Verdict {
    let Some(docker) = &volume.docker_volume_configuration else { return Ok(()) };
    let shared = docker.scope == Some(Scope::Shared);
    ensure(docker.autoprovision.is_none() || shared, || {
        "Autoprovision should not be specified when the scope of the volume is 'task'.".to_owned()
    })
}

fn check_efs(volume: &Volume) -> Verdict {
    let Some(efs) = &volume.efs_volume_configuration else { return Ok(()) };
    let encrypted = efs.transit_encryption == Some(EFSTransitEncryption::Enabled);
    let Some(authorization) = &efs.authorization_config else { return Ok(()) };
    if authorization.iam == Some(EFSAuthorizationConfigIAM::Enabled) && !encrypted {
        return Err(refuse("EFS IAM authorization requires TransitEncryption to be enabled"));
    }
    let root = efs.root_directory.as_deref().unwrap_or("/");
    ensure(authorization.access_point_id.is_none() || root == "/", || {
        "When using an EFS access point, the root directory must either be set to \"/\" or be omitted"
            .to_owned()
    })
}

fn check_mounts(request: &RegisterTaskDefinitionRequest, volumes: &[Volume]) -> Verdict {
    for container in &request.container_definitions {
        for mount in container.mount_points.iter().flatten() {
            let source = mount.source_volume.as_deref().unwrap_or_default();
            ensure(volumes.iter().any(|it| it.name.as_deref() == Some(source)), || {
                format!("Unknown volume '{source}'.")
            })?;
            let path = mount.container_path.as_deref().unwrap_or_default();
            ensure(path.starts_with('/'), || {
                format!("Invalid 'containerPath' setting for container '{}'.", name_of(container))
            })?;
        }
    }
    Ok(())
}
