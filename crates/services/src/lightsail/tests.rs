//! Through the whole pipe, on an installation in memory. No node runs: the tests play the agent's part.

use landfall_acs::{ContainerReport, ContainerState, TaskPhase, TaskReport};
use landfall_api::lightsail as api;
use landfall_shape::{Entries, Operation, ServiceError};
use landfall_store::WriteError;

use super::record::{NODES, Node, SERVICES};
use super::rules::reconcile::Health;
use super::{HealthBoard, reconcile};
use crate::ecs;
use crate::pipe::Installation;
use crate::testing::{TestInstallation, account, nobody, region, root};

struct World {
    it: TestInstallation,
    board: HealthBoard,
}

impl World {
    fn new() -> Self {
        Self { it: TestInstallation::new(crate::TABLES), board: HealthBoard::default() }
    }

    fn installation(&self) -> &Installation {
        self.it.call.installation()
    }

    fn call<O: Operation>(&self, input: O::Input) -> Result<O::Output, ServiceError> {
        self.it.call.call::<O>(&root(), input).result
    }

    fn refused<O: Operation>(&self, input: O::Input) -> (String, String) {
        match self.call::<O>(input) {
            Ok(_) => panic!("{} succeeded", O::SCHEMA.name),
            Err(error) => (error.code.to_owned(), error.message),
        }
    }

    /// A service that is READY.
    fn service(&self, scale: i32) {
        let input = api::CreateContainerServiceRequest {
            service_name: "web".to_owned(),
            power: api::ContainerServicePowerName::Nano,
            scale,
            ..Default::default()
        };
        self.call::<api::CreateContainerService>(input).unwrap();
        self.settle();
    }

    fn settle(&self) {
        self.it.clock.advance_seconds(3);
        reconcile(self.installation(), &self.board);
    }

    fn shown(&self) -> api::ContainerService {
        let input = api::GetContainerServicesRequest { service_name: Some("web".to_owned()) };
        let answer = self.call::<api::GetContainerServices>(input).unwrap();
        answer.container_services.unwrap().remove(0)
    }

    fn state(&self) -> String {
        self.shown().state.unwrap().as_str().to_owned()
    }

    fn deploy(&self, image: &str) -> Result<api::CreateContainerServiceDeploymentResult, ServiceError> {
        let container = api::Container {
            image: Some(image.to_owned()),
            ports: Some(Entries(vec![("80".to_owned(), api::ContainerServiceProtocol::Http)])),
            ..Default::default()
        };
        self.call::<api::CreateContainerServiceDeployment>(api::CreateContainerServiceDeploymentRequest {
            service_name: "web".to_owned(),
            containers: Some(Entries(vec![("app".to_owned(), container)])),
            public_endpoint: Some(api::EndpointRequest {
                container_name: "app".to_owned(),
                container_port: 80,
                health_check: None,
            }),
        })
    }

    fn update(&self, change: impl FnOnce(&mut api::UpdateContainerServiceRequest)) {
        let mut input =
            api::UpdateContainerServiceRequest { service_name: "web".to_owned(), ..Default::default() };
        change(&mut input);
        self.call::<api::UpdateContainerService>(input).unwrap();
    }

    fn nodes(&self, version: u32) -> Vec<Node> {
        let rows = self.installation().store.view().list(&NODES, (&account(), &region(), "web")).unwrap();
        rows.into_iter().map(|(_, node)| Node::clone(&node)).filter(|node| node.version == version).collect()
    }

    /// The agent says how a node's containers are.
    fn report(&self, node: &Node, phase: TaskPhase, exit_code: Option<i32>) {
        let state =
            if phase == TaskPhase::Running { ContainerState::Running } else { ContainerState::Stopped };
        let container = ContainerReport {
            name: "app".to_owned(),
            state,
            exit_code,
            reason: None,
            image: Some(landfall_acs::ImageReport { digest: format!("sha256:{}", "a".repeat(64)) }),
            runtime_id: None,
            health: None,
            network_bindings: Vec::new(),
        };
        let report = TaskReport {
            task_arn: node.task_arn.clone(),
            phase,
            reason: None,
            containers: vec![container],
            private_address: Some("10.0.0.2".to_owned()),
            mac_address: None,
            pull_started_at: None,
            pull_stopped_at: None,
            execution_stopped_at: None,
        };
        let now = self.installation().clock.now();
        let written = self.installation().store.write("test", |tx| ecs::node::report(tx, &report, now));
        written.map_err(WriteError::flatten).unwrap();
    }

    /// All nodes of a deployment run and are healthy.
    fn bring_up(&self, version: u32) {
        for node in self.nodes(version) {
            self.report(&node, TaskPhase::Running, None);
            self.board.set_health(node.task_arn.rsplit('/').next().unwrap(), Health::Healthy);
        }
        self.settle();
        // One step to be activated, one to serve.
        self.settle();
    }

    fn log(&self) -> Vec<String> {
        let input = api::GetContainerLogRequest {
            service_name: "web".to_owned(),
            container_name: "app".to_owned(),
            ..Default::default()
        };
        let events = self.call::<api::GetContainerLog>(input).unwrap().log_events.unwrap();
        events.into_iter().filter_map(|event| event.message).collect()
    }
}

#[test]
fn a_service_goes_from_pending_to_running_and_rolls_on() {
    let world = World::new();
    world.service(1);
    assert_eq!(world.state(), "READY");
    world.deploy("nginx:1").unwrap();
    assert_eq!(world.state(), "DEPLOYING");
    world.settle();
    assert_eq!(world.nodes(1).len(), 1);
    world.bring_up(1);
    assert_eq!(world.state(), "RUNNING");
    world.deploy("nginx:2").unwrap();
    world.settle();
    world.bring_up(2);
    let shown = world.shown();
    assert_eq!(shown.current_deployment.unwrap().version, Some(2));
    assert!(shown.next_deployment.is_none());
    assert!(world.nodes(1)[0].draining_since.is_some());
    world.settle();
    assert!(world.nodes(1)[0].stopping);
    assert_eq!(world.log().first().map(String::as_str), Some("[deployment:1] Creating your deployment"));
}

#[test]
fn a_deployment_tells_how_far_it_is() {
    let world = World::new();
    world.service(1);
    let stage = || world.shown().state_detail.and_then(|it| it.code).map(|code| code.as_str().to_owned());
    assert_eq!(stage(), None);
    world.deploy("nginx:1").unwrap();
    world.settle();
    assert_eq!(stage().as_deref(), Some("CREATING_DEPLOYMENT"));
    let node = world.nodes(1).remove(0);
    world.report(&node, TaskPhase::Running, None);
    world.settle();
    assert_eq!(stage().as_deref(), Some("EVALUATING_HEALTH_CHECK"));
    world.board.set_health(node.task_arn.rsplit('/').next().unwrap(), Health::Healthy);
    world.settle();
    assert_eq!(stage().as_deref(), Some("ACTIVATING_DEPLOYMENT"));
    world.settle();
    assert_eq!((world.state().as_str(), stage()), ("RUNNING", None));
}

#[test]
fn an_update_whose_nodes_do_not_start_leaves_the_old_ones_and_takes_the_next_change() {
    let world = World::new();
    world.service(1);
    world.deploy("nginx:1").unwrap();
    world.settle();
    world.bring_up(1);
    world.update(|it| it.power = Some(api::ContainerServicePowerName::Micro));
    world.settle();
    assert_eq!((world.state().as_str(), world.nodes(1).len()), ("UPDATING", 2));
    let new = world.nodes(1).into_iter().find(|node| node.generation == 2).unwrap();
    world.report(&new, TaskPhase::Running, None);
    world.report(&new, TaskPhase::Stopped, Some(7));
    world.settle();
    assert_eq!(world.state(), "RUNNING");
    let old: Vec<_> = world.nodes(1).into_iter().filter(|node| node.generation == 1).collect();
    assert!(old.len() == 1 && old[0].draining_since.is_none(), "{old:?}");
    let log = world.log();
    assert!(log.contains(&"[deployment:1] Container `app` exited with code 7.".to_owned()), "{log:?}");
    world.update(|it| it.power = Some(api::ContainerServicePowerName::Nano));
}

#[test]
fn a_deployment_that_fails_leaves_the_serving_one_alone() {
    let world = World::new();
    world.service(1);
    world.deploy("nginx:1").unwrap();
    world.settle();
    world.bring_up(1);
    world.deploy("nginx:2").unwrap();
    world.settle();
    let node = world.nodes(2).remove(0);
    world.report(&node, TaskPhase::Running, None);
    world.report(&node, TaskPhase::Stopped, Some(3));
    world.settle();
    let shown = world.shown();
    assert_eq!(shown.state, Some(api::ContainerServiceState::Running));
    assert_eq!(shown.current_deployment.unwrap().version, Some(1));
    let input = api::GetContainerServiceDeploymentsRequest { service_name: "web".to_owned() };
    let all = world.call::<api::GetContainerServiceDeployments>(input).unwrap().deployments.unwrap();
    assert_eq!(all[0].state, Some(api::ContainerServiceDeploymentState::Failed));
    let log = world.log();
    assert!(log.contains(&"[deployment:2] Container `app` exited with code 3.".to_owned()), "{log:?}");
}

#[test]
fn the_image_puller_role_has_a_new_name_each_time() {
    let world = World::new();
    world.service(1);
    let role = |active| api::PrivateRegistryAccessRequest {
        ecr_image_puller_role: Some(api::ContainerServiceECRImagePullerRoleRequest {
            is_active: Some(active),
        }),
    };
    let arn = || {
        let access = world.shown().private_registry_access.unwrap();
        access.ecr_image_puller_role.unwrap().principal_arn.unwrap()
    };
    world.update(|it| it.private_registry_access = Some(role(true)));
    assert_eq!((world.state().as_str(), arn().as_str()), ("UPDATING", ""));
    world.settle();
    let first = arn();
    assert_eq!(world.state(), "READY");
    assert!(
        first.contains(":role/amazon/lightsail/us-east-1/containers/web/private-repo-access/"),
        "{first}"
    );
    world.update(|it| it.private_registry_access = Some(role(false)));
    world.settle();
    assert_eq!(arn(), "");
    world.update(|it| it.private_registry_access = Some(role(true)));
    world.settle();
    assert_ne!(arn(), first);
}

#[test]
fn a_service_in_transition_is_left_alone() {
    let world = World::new();
    world.service(1);
    world.update(|it| it.scale = Some(2));
    let (code, message) = world.refused::<api::DeleteContainerService>(api::DeleteContainerServiceRequest {
        service_name: "web".to_owned(),
    });
    assert_eq!(code, "InvalidInputException");
    assert_eq!(
        message,
        "The specified service is in a transition state (\"UPDATING\") and cannot be deleted."
    );
    assert_eq!(world.deploy("nginx").unwrap_err().code, "InvalidInputException");
}

#[test]
fn deletion_takes_everything_along() {
    let world = World::new();
    world.service(1);
    world.deploy("nginx").unwrap();
    world.settle();
    world.bring_up(1);
    world
        .call::<api::DeleteContainerService>(api::DeleteContainerServiceRequest {
            service_name: "web".to_owned(),
        })
        .unwrap();
    assert_eq!(world.state(), "DELETING");
    world.settle();
    world.report(&world.nodes(1)[0], TaskPhase::Stopped, Some(0));
    world.settle();
    let (code, _) = world.refused::<api::GetContainerServices>(api::GetContainerServicesRequest {
        service_name: Some("web".to_owned()),
    });
    assert_eq!(code, "NotFoundException");
    let view = world.installation().store.view();
    assert_eq!(view.count(&SERVICES, ()) + view.count(&NODES, ()), 0);
}

#[test]
fn whoever_has_no_permission_learns_nothing() {
    let world = World::new();
    let input = api::UpdateContainerServiceRequest { service_name: "web".to_owned(), ..Default::default() };
    let before = world.it.call.call::<api::UpdateContainerService>(&nobody(), input).result.unwrap_err();
    assert_eq!(before.code, "AccessDeniedException");
}

#[test]
fn nobody_can_have_the_account_that_runs_container_services() {
    let world = World::new();
    let input = landfall_api::landfall::CreateAccountRequest { account_id: super::owner().to_string() };
    let (code, message) = world.refused::<landfall_api::landfall::CreateAccount>(input);
    assert_eq!(code, "InvalidParameterException");
    assert!(message.contains("choose another id"), "{message}");
}

#[test]
fn an_operation_that_an_answer_names_is_found_again() {
    let world = World::new();
    world.service(1);
    let tag = |key: String| {
        let tag = api::Tag { key: Some(key), value: None };
        let input = api::TagResourceRequest {
            resource_name: "web".to_owned(),
            tags: vec![tag],
            ..Default::default()
        };
        world.call::<api::TagResource>(input).unwrap().operations.unwrap().remove(0)
    };
    let made = tag("first".to_owned());
    let id = made.id.clone().unwrap();
    let get = || api::GetOperationRequest { operation_id: id.clone() };
    assert_eq!(world.call::<api::GetOperation>(get()).unwrap().operation, Some(made.clone()));
    let of = |name: &str| api::GetOperationsForResourceRequest {
        resource_name: name.to_owned(),
        page_token: None,
    };
    let found = world.call::<api::GetOperationsForResource>(of("web")).unwrap().operations.unwrap();
    assert_eq!(found, [made]);
    assert_eq!(world.refused::<api::GetOperationsForResource>(of("other")).0, "NotFoundException");
    // Only so many are kept.
    for _ in 0..200 {
        world.it.clock.advance_seconds(1);
        tag("again".to_owned());
    }
    let all = world.call::<api::GetOperations>(Default::default()).unwrap().operations.unwrap();
    assert_eq!(all.len(), 200);
    let (code, message) = world.refused::<api::GetOperation>(get());
    assert_eq!(
        (code.as_str(), message),
        ("NotFoundException", format!("The operation `{id}` does not exist."))
    );
}
