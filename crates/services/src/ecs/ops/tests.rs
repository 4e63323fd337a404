//! The operations through the pipe.

use landfall_api::ecs as api;
use landfall_api::iam as iam_api;
use landfall_shape::{Operation, ServiceError};

use crate::pipe::{Caller, Endpoint};
use crate::testing::{TestInstallation, nobody, root};

const TABLES: &[&[Endpoint]] = &[crate::ecs::OPERATIONS, crate::iam::OPERATIONS];
const TRUST: &str = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow",
    "Principal":{"Service":"ecs-tasks.amazonaws.com"},"Action":"sts:AssumeRole"}]}"#;

struct World(TestInstallation);

impl World {
    fn new() -> Self {
        let world = Self(TestInstallation::new(TABLES));
        world.ok::<api::CreateCluster>(api::CreateClusterRequest::default());
        world.role("exec", TRUST);
        world
    }

    fn role(&self, name: &str, trust: &str) {
        self.ok::<iam_api::CreateRole>(iam_api::CreateRoleRequest {
            role_name: name.to_owned(),
            assume_role_policy_document: trust.to_owned(),
            ..Default::default()
        });
    }

    fn call<O: Operation>(&self, caller: &Caller, input: O::Input) -> Result<O::Output, ServiceError> {
        self.0.call.call::<O>(caller, input).result
    }

    fn ok<O: Operation>(&self, input: O::Input) -> O::Output {
        self.call::<O>(&root(), input).unwrap_or_else(|error| panic!("{}: {error}", O::SCHEMA.name))
    }

    fn refused<O: Operation>(&self, input: O::Input) -> (String, String)
    where
        O::Output: std::fmt::Debug,
    {
        let error = self.call::<O>(&root(), input).expect_err(O::SCHEMA.name);
        (error.code.to_owned(), error.message)
    }

    fn register(&self, input: api::RegisterTaskDefinitionRequest) -> api::TaskDefinition {
        self.ok::<api::RegisterTaskDefinition>(input).task_definition.unwrap()
    }

    fn run(&self, input: api::RunTaskRequest) -> Vec<api::Task> {
        let answer = self.ok::<api::RunTask>(input);
        assert_eq!(answer.failures, Some(Vec::new()));
        answer.tasks.unwrap()
    }

    fn describe(&self, task: &api::Task) -> Option<api::Task> {
        let input =
            api::DescribeTasksRequest { tasks: vec![task.task_arn.clone().unwrap()], ..Default::default() };
        self.ok::<api::DescribeTasks>(input).tasks.unwrap().pop()
    }
}

fn text(text: &str) -> Option<String> {
    Some(text.to_owned())
}

fn container(name: &str) -> api::ContainerDefinition {
    api::ContainerDefinition {
        name: text(name),
        image: text("registry.example.com/app:1"),
        ..Default::default()
    }
}

fn fargate() -> api::RegisterTaskDefinitionRequest {
    api::RegisterTaskDefinitionRequest {
        family: "app".to_owned(),
        network_mode: Some(api::NetworkMode::Awsvpc),
        requires_compatibilities: Some(vec![api::Compatibility::Fargate]),
        cpu: text("256"),
        memory: text("512"),
        execution_role_arn: text("exec"),
        container_definitions: vec![container("web")],
        ..Default::default()
    }
}

fn bridge(memory: i32) -> api::RegisterTaskDefinitionRequest {
    api::RegisterTaskDefinitionRequest {
        family: "app".to_owned(),
        container_definitions: vec![api::ContainerDefinition { memory: Some(memory), ..container("web") }],
        ..Default::default()
    }
}

fn on_fargate() -> api::RunTaskRequest {
    let network = api::AwsVpcConfiguration { subnets: vec!["subnet-1".to_owned()], ..Default::default() };
    api::RunTaskRequest {
        task_definition: "app".to_owned(),
        launch_type: Some(api::LaunchType::Fargate),
        network_configuration: Some(api::NetworkConfiguration { awsvpc_configuration: Some(network) }),
        ..Default::default()
    }
}

fn plain() -> api::RunTaskRequest {
    api::RunTaskRequest { task_definition: "app".to_owned(), ..Default::default() }
}

#[test]
fn every_generated_operation_is_there() {
    for schema in api::SERVICE.operations {
        let found = crate::ecs::OPERATIONS.iter().any(|endpoint| endpoint.schema.name == schema.name);
        assert!(found, "{}", schema.name);
    }
}

mod clusters;
mod permissions;
mod task_definitions;
mod tasks;
