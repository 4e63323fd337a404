//! Starting the task: the launch type, the network, the cluster.

use landfall_api::ecs::{
    AssignPublicIp, AwsVpcConfiguration, Compatibility, CreateCluster, CreateClusterRequest, Failure,
    LaunchType, NetworkConfiguration, NetworkMode, RunTask, RunTaskRequest, RunTaskResponse, Task,
    TaskDefinition,
};

use crate::client::{CallError, Client};
use crate::error::CliError;
use crate::explain::TaskName;
use crate::terminal;

/// The cluster that ECS means when none is named.
const DEFAULT_CLUSTER: &str = "default";

/// Landfall gives every task a network of its own on this host, whatever subnet is named.
const SUBNET: &str = "subnet-00000000";

/// A task that was accepted.
#[derive(Debug)]
pub(super) struct Started {
    pub(super) arn: String,
    /// The task as RunTask answered it.
    pub(super) task: Task,
    pub(super) definition: TaskDefinition,
    pub(super) cluster: String,
}

impl Started {
    /// The last part of the ARN, which log streams bear.
    pub(super) fn id(&self) -> &str {
        self.arn.rsplit('/').next().unwrap_or_default()
    }

    /// The task as other calls name it.
    pub(super) fn name(&self) -> TaskName {
        TaskName { cluster: Some(self.cluster.clone()), task: self.arn.clone() }
    }
}

/// Fargate where the task definition allows it.
pub(super) fn launch_type(definition: &TaskDefinition) -> LaunchType {
    let allows = |launch: &Compatibility| {
        let required = definition.requires_compatibilities.as_deref().unwrap_or_default();
        let compatible = definition.compatibilities.as_deref().unwrap_or_default();
        required.contains(launch) || (required.is_empty() && compatible.contains(launch))
    };
    if allows(&Compatibility::Fargate) {
        LaunchType::Fargate
    } else if !allows(&Compatibility::Ec2) && allows(&Compatibility::External) {
        LaunchType::External
    } else {
        LaunchType::Ec2
    }
}

/// Runs one task.
pub(super) async fn run_task(
    client: &Client,
    definition: TaskDefinition,
    cluster: &str,
    launch_type: LaunchType,
) -> Result<Started, CliError> {
    let input = request(&definition, cluster, launch_type);
    let answer = match client.call::<RunTask>(input.clone()).await {
        Err(error) if is_missing_default(&error, cluster) => {
            create_default(client).await?;
            client.call::<RunTask>(input).await
        }
        answer => answer,
    };
    let task = one_task(answer?)?;
    let arn =
        task.task_arn.clone().ok_or_else(|| CliError::new("the server answered without the task's ARN"))?;
    Ok(Started { arn, task, definition, cluster: cluster.to_owned() })
}

fn request(definition: &TaskDefinition, cluster: &str, launch_type: LaunchType) -> RunTaskRequest {
    let awsvpc = definition.network_mode == Some(NetworkMode::Awsvpc);
    let network = AwsVpcConfiguration {
        subnets: vec![SUBNET.to_owned()],
        security_groups: None,
        // Only Fargate has public addresses; ECS refuses the member elsewhere.
        assign_public_ip: (launch_type == LaunchType::Fargate).then_some(AssignPublicIp::Enabled),
    };
    RunTaskRequest {
        cluster: Some(cluster.to_owned()),
        task_definition: definition.task_definition_arn.clone().unwrap_or_default(),
        launch_type: Some(launch_type),
        network_configuration: awsvpc.then_some(NetworkConfiguration { awsvpc_configuration: Some(network) }),
        started_by: Some("landfall-run".to_owned()),
        ..RunTaskRequest::default()
    }
}

fn is_missing_default(error: &CallError, cluster: &str) -> bool {
    cluster == DEFAULT_CLUSTER && error.code() == Some("ClusterNotFoundException")
}

async fn create_default(client: &Client) -> Result<(), CliError> {
    let input = CreateClusterRequest { cluster_name: Some(DEFAULT_CLUSTER.to_owned()), ..Default::default() };
    client.call::<CreateCluster>(input).await?;
    terminal::note(&format!("created the cluster `{DEFAULT_CLUSTER}`"));
    Ok(())
}

fn one_task(answer: RunTaskResponse) -> Result<Task, CliError> {
    if let Some(task) = answer.tasks.unwrap_or_default().into_iter().next() {
        return Ok(task);
    }
    let failures: Vec<String> = answer.failures.unwrap_or_default().iter().map(failure).collect();
    Err(CliError::new(format!("the task was not started: {}", failures.join("; "))))
}

fn failure(failure: &Failure) -> String {
    let parts = [&failure.reason, &failure.detail, &failure.arn];
    parts.into_iter().flatten().map(String::as_str).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_definition_chooses_the_launch_type() {
        use Compatibility::{Ec2, External, Fargate};
        let cases: [(&[Compatibility], &[Compatibility], LaunchType); 6] = [
            (&[], &[], LaunchType::Ec2),
            (&[], &[Ec2, Fargate], LaunchType::Fargate),
            (&[Ec2], &[Ec2, Fargate], LaunchType::Ec2),
            (&[Ec2, Fargate], &[Ec2, Fargate], LaunchType::Fargate),
            (&[External], &[External, Ec2], LaunchType::External),
            (&[], &[External, Ec2], LaunchType::Ec2),
        ];
        for (required, compatible, expected) in cases {
            let definition = TaskDefinition {
                requires_compatibilities: Some(required.to_vec()),
                compatibilities: Some(compatible.to_vec()),
                ..TaskDefinition::default()
            };
            assert_eq!(launch_type(&definition), expected, "{required:?} {compatible:?}");
        }
    }

    #[test]
    fn only_awsvpc_names_a_network() {
        let definition = |mode| TaskDefinition { network_mode: Some(mode), ..TaskDefinition::default() };
        let network = |mode, launch| request(&definition(mode), "c", launch).network_configuration;
        assert_eq!(network(NetworkMode::Bridge, LaunchType::Ec2), None);
        let vpc = |launch| network(NetworkMode::Awsvpc, launch).unwrap().awsvpc_configuration.unwrap();
        assert_eq!(vpc(LaunchType::Fargate).assign_public_ip, Some(AssignPublicIp::Enabled));
        assert_eq!(vpc(LaunchType::Ec2).assign_public_ip, None);
    }

    #[test]
    fn failures_are_shown_with_their_reasons() {
        let failure =
            Failure { arn: Some("arn:x".to_owned()), reason: Some("RESOURCE:CPU".to_owned()), detail: None };
        let answer = RunTaskResponse { tasks: Some(vec![]), failures: Some(vec![failure]) };
        assert_eq!(
            one_task(answer).unwrap_err().to_string(),
            "the task was not started: RESOURCE:CPU, arn:x"
        );
    }
}
