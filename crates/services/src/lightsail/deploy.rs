//! A deployment on its way to tasks: its row, its task definition, its nodes.

use landfall_api::{ecs, lightsail as api};
use landfall_base::Timestamp;
use landfall_shape::Entries;
use landfall_store::{Tx, View};

use super::record::{DEPLOYMENTS, Definition, Deployment, NODES, Node, Service, ServiceKey};
use super::rules::deployment::{self, ImageSource, shown_endpoint};
use super::{images, owner};
use crate::ecr::RegistryName;
use crate::ecs::node::task_by_arn;
use crate::pipe::{Context, Failure, Installation};
use crate::stored::Stored;

/// Most deployments that are kept (Lightsail User Guide, "Deployments").
const MOST: u32 = 50;

/// What a deployment is asked to be.
#[derive(Debug, Default)]
pub(super) struct Wanted {
    pub(super) containers: Option<Entries<api::Container>>,
    pub(super) endpoint: Option<api::EndpointRequest>,
}

/// Checks a deployment and makes its row, the next one of its service.
pub(super) fn add(
    cx: &Context<'_>,
    tx: &mut Tx,
    key: &ServiceKey,
    service: &mut Service,
    wanted: Wanted,
) -> Result<(), Failure> {
    let Wanted { containers, endpoint } = wanted;
    let registry = &cx.installation.registry;
    deployment::check(containers.as_ref(), endpoint.as_ref(), registry)?;
    for (_, container) in containers.iter().flat_map(Entries::iter) {
        let image = container.image.as_deref().unwrap_or_default();
        if let Some(ImageSource::Pushed { service, label, number }) = ImageSource::of(image, registry) {
            images::resolve(tx, key, &service, &label, number)?;
        }
    }
    let version = service.last_version + 1;
    let shown = api::ContainerServiceDeployment {
        version: i32::try_from(version).ok(),
        state: Some(api::ContainerServiceDeploymentState::Activating),
        containers,
        public_endpoint: endpoint.map(shown_endpoint),
        created_at: Some(cx.now),
    };
    let row = Deployment {
        shown: Stored(shown),
        pinned: Vec::new(),
        definition: None,
        failure: None,
        failed_node: None,
    };
    tx.put(&DEPLOYMENTS, &(&key.0, &key.1, key.2.as_str(), version), row);
    service.last_version = version;
    service.next = Some(version);
    forget_oldest(tx, key, service)
}

fn forget_oldest(tx: &mut Tx, key: &ServiceKey, service: &Service) -> Result<(), Failure> {
    let doomed = service.last_version.saturating_sub(MOST);
    for ((.., version), _) in tx.list(&DEPLOYMENTS, (&key.0, &key.1, key.2.as_str()))? {
        if version <= doomed && service.current != Some(version) {
            tx.delete(&DEPLOYMENTS, &(&key.0, &key.1, key.2.as_str(), version));
        }
    }
    Ok(())
}

/// Changes a deployment's row.
pub(super) fn change(
    tx: &mut Tx,
    key: &ServiceKey,
    version: u32,
    change: impl FnOnce(&mut Deployment),
) -> Result<(), Failure> {
    tx.update(&DEPLOYMENTS, &(&key.0, &key.1, key.2.as_str(), version), change)?;
    Ok(())
}

/// Names of a deployment's containers.
pub(super) fn containers(tx: &Tx, key: &ServiceKey, version: u32) -> Result<Vec<String>, Failure> {
    let row = tx.get(&DEPLOYMENTS, &(&key.0, &key.1, key.2.as_str(), version))?;
    let names = row.map(|row| {
        row.shown.containers.iter().flat_map(Entries::iter).map(|(name, _)| name.to_owned()).collect()
    });
    Ok(names.unwrap_or_default())
}

/// What the images of a deployment were resolved to, from a node that runs them.
pub(super) fn pin(tx: &mut Tx, key: &ServiceKey, version: u32, task_arn: &str) -> Result<(), Failure> {
    let Some(task) = task_by_arn(tx, task_arn)? else { return Ok(()) };
    let digests = task.containers.iter().filter_map(|it| {
        let name = it.image.split('@').next().unwrap_or_default();
        let repository = match name.rsplit_once(':') {
            // A colon before the last slash is a port's.
            Some((repository, tag)) if !tag.contains('/') => repository,
            _ => name,
        };
        Some((it.name.clone(), format!("{repository}@{}", it.image_digest.as_ref()?)))
    });
    let pinned = digests.collect();
    change(tx, key, version, |row| row.pinned = pinned)
}

/// Starts a node.
///
/// # Errors
/// What ECS says.
pub(super) fn start_node(
    installation: &Installation,
    tx: &mut Tx,
    key: &ServiceKey,
    service: &mut Service,
    version: u32,
    now: Timestamp,
) -> Result<(), Failure> {
    let base_role = owner::prepare(installation, tx, key)?;
    let role = service.puller.role.clone().filter(|_| service.puller.wanted).unwrap_or(base_role);
    let definition = definition(installation, tx, key, service, version, &role)?;
    let task = run(installation, tx, key, definition, &role)?;
    let id = task.rsplit('/').next().unwrap_or_default().to_owned();
    service.nodes_started += 1;
    let node = Node {
        task_arn: task,
        version,
        generation: service.generation,
        started_at: now,
        role,
        draining_since: None,
        stopping: false,
    };
    tx.put(&NODES, &(&key.0, &key.1, key.2.as_str(), id.as_str()), node);
    Ok(())
}

fn run(
    installation: &Installation,
    tx: &mut Tx,
    key: &ServiceKey,
    definition: String,
    role: &str,
) -> Result<String, Failure> {
    let network = ecs::AwsVpcConfiguration {
        subnets: vec!["subnet-0115a1c0ffee0000".to_owned()],
        security_groups: None,
        assign_public_ip: Some(ecs::AssignPublicIp::Disabled),
    };
    let input = ecs::RunTaskRequest {
        cluster: Some(owner::CLUSTER.to_owned()),
        task_definition: definition,
        launch_type: Some(ecs::LaunchType::Fargate),
        network_configuration: Some(ecs::NetworkConfiguration { awsvpc_configuration: Some(network) }),
        started_by: Some("lightsail".to_owned()),
        overrides: Some(ecs::TaskOverride {
            execution_role_arn: Some(role.to_owned()),
            ..Default::default()
        }),
        ..Default::default()
    };
    let answer = owner::write::<ecs::RunTask>(installation, tx, &key.1, input)?;
    let started = answer.tasks.and_then(|tasks| tasks.into_iter().next()?.task_arn);
    started.ok_or_else(|| {
        let failure = answer.failures.and_then(|failures| failures.into_iter().next());
        let reason = failure.and_then(|it| it.reason).unwrap_or_else(|| "no reason was given".to_owned());
        api::error::service_exception(format!("The node could not be started: {reason}.")).into()
    })
}

/// The task definition of a deployment's nodes, registered if need be.
fn definition(
    installation: &Installation,
    tx: &mut Tx,
    key: &ServiceKey,
    service: &Service,
    version: u32,
    role: &str,
) -> Result<String, Failure> {
    let row = tx.get(&DEPLOYMENTS, &(&key.0, &key.1, key.2.as_str(), version))?;
    let row = row.ok_or_else(|| Failure::internal(format!("deployment {version} of `{}` is gone", key.2)))?;
    let pinned = !row.pinned.is_empty();
    let fits = |it: &&Definition| it.generation == service.generation && it.pinned == pinned;
    if let Some(definition) = row.definition.as_ref().filter(fits) {
        return Ok(definition.arn.clone());
    }
    let mut containers = Vec::new();
    for (name, container) in row.shown.containers.iter().flat_map(Entries::iter) {
        let image = match row.pinned.iter().find(|(of, _)| of == name) {
            Some((_, image)) => image.clone(),
            None => image(tx, key, container, &installation.registry)?,
        };
        containers.push(container_definition(key, name, container, image));
    }
    let input = ecs::RegisterTaskDefinitionRequest {
        family: format!("{}-{}", key.0, key.2),
        execution_role_arn: Some(role.to_owned()),
        network_mode: Some(ecs::NetworkMode::Awsvpc),
        container_definitions: containers,
        requires_compatibilities: Some(vec![ecs::Compatibility::Fargate]),
        cpu: Some(service.power.cpu_units().to_string()),
        memory: Some(service.power.memory_mib().to_string()),
        ..Default::default()
    };
    let answer = owner::write::<ecs::RegisterTaskDefinition>(installation, tx, &key.1, input)?;
    let arn = answer.task_definition.and_then(|it| it.task_definition_arn).unwrap_or_default();
    let definition = Definition { arn: arn.clone(), generation: service.generation, pinned };
    change(tx, key, version, |row| row.definition = Some(definition))?;
    Ok(arn)
}

/// The image as the node pulls it.
fn image(
    view: &View,
    key: &ServiceKey,
    container: &api::Container,
    registry: &RegistryName,
) -> Result<String, Failure> {
    let image = container.image.clone().unwrap_or_default();
    match ImageSource::of(&image, registry) {
        Some(ImageSource::Pushed { service, label, number }) => {
            images::resolve(view, key, &service, &label, number)
        }
        Some(ImageSource::Ecr(found)) => match deployment::foreign(&found, &key.1) {
            Some(why) => Err(api::error::invalid_input_exception(why).into()),
            None => Ok(image),
        },
        _ => Ok(image),
    }
}

/// A container as ECS runs it.
pub(super) fn container_definition(
    key: &ServiceKey,
    name: &str,
    container: &api::Container,
    image: String,
) -> ecs::ContainerDefinition {
    let option = |name: &str, value: String| (name.to_owned(), value);
    let options = vec![
        option("awslogs-group", owner::log_group(key)),
        option("awslogs-region", key.1.to_string()),
        option("awslogs-stream-prefix", "node".to_owned()),
    ];
    let variables = container
        .environment
        .iter()
        .flat_map(Entries::iter)
        .map(|(name, value)| ecs::KeyValuePair { name: Some(name.to_owned()), value: Some(value.clone()) });
    let ports = container.ports.iter().flat_map(Entries::iter).filter_map(|(port, protocol)| {
        let protocol = match protocol {
            api::ContainerServiceProtocol::Udp => ecs::TransportProtocol::Udp,
            _ => ecs::TransportProtocol::Tcp,
        };
        Some(ecs::PortMapping {
            container_port: Some(port.parse().ok()?),
            protocol: Some(protocol),
            ..Default::default()
        })
    });
    ecs::ContainerDefinition {
        name: Some(name.to_owned()),
        image: Some(image),
        essential: Some(true),
        command: container.command.clone().filter(|words| !words.is_empty()),
        environment: Some(variables.collect()),
        port_mappings: Some(ports.collect()),
        log_configuration: Some(ecs::LogConfiguration {
            log_driver: ecs::LogDriver::Awslogs,
            options: Some(Entries(options)),
            secret_options: None,
        }),
        ..Default::default()
    }
}
