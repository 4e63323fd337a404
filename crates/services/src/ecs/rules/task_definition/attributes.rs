//! `requiresAttributes`: what a container instance must be able to do (Developer Guide, "Container instance attributes").

use landfall_api::ecs::{
    Attribute, ContainerDefinition, LogDriver, NetworkMode, RegisterTaskDefinitionRequest, Secret,
};
use landfall_base::Arn;

use crate::ecs::image_host::is_ecr;

/// The attributes, in a fixed order and each once.
pub(super) fn required(request: &RegisterTaskDefinitionRequest) -> Vec<Attribute> {
    let mut names: Vec<String> = Vec::new();
    let mut add = |name: &str| {
        if !names.iter().any(|other| other == name) {
            names.push(name.to_owned());
        }
    };
    for container in &request.container_definitions {
        of_container(request, container, &mut add);
    }
    of_task(request, &mut add);
    names.into_iter().map(|name| Attribute { name, ..Attribute::default() }).collect()
}

fn of_container(
    request: &RegisterTaskDefinitionRequest,
    container: &ContainerDefinition,
    add: &mut impl FnMut(&str),
) {
    let role = request.execution_role_arn.is_some();
    if let Some(logging) = &container.log_configuration {
        add(&format!("com.amazonaws.ecs.capability.logging-driver.{}", logging.log_driver));
        add(&docker_api("1.19"));
        if logging.log_driver == LogDriver::Awslogs && role {
            add("ecs.capability.execution-role-awslogs");
        }
        if let Some(secret) = logging.secret_options.iter().flatten().next() {
            add(&format!("ecs.capability.secrets.{}.bootstrap.log-driver", provider(secret)));
        }
    }
    if container.image.as_deref().is_some_and(is_ecr) {
        add("com.amazonaws.ecs.capability.ecr-auth");
        add(&docker_api("1.19"));
        if role {
            add("ecs.capability.execution-role-ecr-pull");
        }
    }
    if container.repository_credentials.is_some() {
        add("ecs.capability.private-registry-authentication.secretsmanager");
    }
    for secret in container.secrets.iter().flatten() {
        add(&format!("ecs.capability.secrets.{}.environment-variables", provider(secret)));
    }
    of_features(container, add);
}

fn of_features(container: &ContainerDefinition, add: &mut impl FnMut(&str)) {
    if container.environment_files.iter().flatten().next().is_some() {
        add("ecs.capability.env-files.s3");
    }
    let ordered = container.depends_on.iter().flatten().next().is_some();
    if ordered || container.start_timeout.is_some() || container.stop_timeout.is_some() {
        add("ecs.capability.container-ordering");
    }
    if container.health_check.is_some() {
        add("ecs.capability.container-health-check");
        add(&docker_api("1.29"));
    }
    if container.restart_policy.is_some() {
        add("ecs.capability.container-restart-policy");
    }
    if let Some(firelens) = &container.firelens_configuration {
        add(&format!("ecs.capability.firelens.{}", firelens.r#type));
    }
    if container.privileged == Some(true) {
        add("com.amazonaws.ecs.capability.privileged-container");
    }
    let linux = container.linux_parameters.as_ref();
    if linux.is_some_and(|it| it.shared_memory_size.is_some() || it.tmpfs.is_some()) {
        add(&docker_api("1.22"));
    }
    if linux.is_some_and(|it| it.init_process_enabled == Some(true)) {
        add(&docker_api("1.25"));
    }
}

fn of_task(request: &RegisterTaskDefinitionRequest, add: &mut impl FnMut(&str)) {
    if request.task_role_arn.is_some() {
        add("com.amazonaws.ecs.capability.task-iam-role");
        if request.network_mode == Some(NetworkMode::Host) {
            add("com.amazonaws.ecs.capability.task-iam-role-network-host");
        }
    }
    for volume in request.volumes.iter().flatten() {
        if let Some(efs) = &volume.efs_volume_configuration {
            add("ecs.capability.efs");
            add(&docker_api("1.25"));
            if efs.authorization_config.is_some() {
                add("ecs.capability.efsAuth");
            }
        }
    }
    if request.pid_mode.is_some() || request.ipc_mode.is_some() {
        add("ecs.capability.pid-ipc-namespace-sharing");
    }
    add(&docker_api("1.18"));
    if request.network_mode == Some(NetworkMode::Awsvpc) {
        add("ecs.capability.task-eni");
    }
}

fn docker_api(version: &str) -> String {
    format!("com.amazonaws.ecs.capability.docker-remote-api.{version}")
}

fn provider(secret: &Secret) -> &'static str {
    let arn: Option<Arn> = secret.value_from.parse().ok();
    if arn.is_some_and(|arn| arn.service() == "secretsmanager") { "asm" } else { "ssm" }
}
