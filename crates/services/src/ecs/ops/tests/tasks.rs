use landfall_acs::{TaskPhase, TaskReport};
use landfall_base::Timestamp;

use super::*;
use crate::ecs::rules::expiry::STOPPED_TASK_SECONDS;

#[test]
fn a_fargate_task_from_start_to_stop() {
    let world = World::new();
    world.register(fargate());
    let tasks = world.run(on_fargate());
    let task = &tasks[0];
    assert_eq!(task.last_status.as_deref(), Some("PROVISIONING"));
    assert_eq!(task.launch_type, Some(api::LaunchType::Fargate));
    assert_eq!(task.platform_version.as_deref(), Some("1.4.0"));
    assert_eq!(task.group.as_deref(), Some("family:app"));
    assert_eq!(task.container_instance_arn, None);
    assert_eq!(task.attachments.as_ref().unwrap()[0].status.as_deref(), Some("PRECREATED"));
    assert_eq!(world.describe(task).as_ref(), Some(task));

    let stopped = world.ok::<api::StopTask>(api::StopTaskRequest {
        task: task.task_arn.clone().unwrap(),
        reason: text("enough"),
        ..Default::default()
    });
    let stopped = stopped.task.unwrap();
    assert_eq!(stopped.desired_status.as_deref(), Some("STOPPED"));
    assert_eq!(stopped.stop_code, Some(api::TaskStopCode::UserInitiated));
    assert_eq!(stopped.stopped_reason.as_deref(), Some("enough"));
}

fn report(world: &World, task: &api::Task, phase: TaskPhase, now: Timestamp) {
    let report = TaskReport {
        task_arn: task.task_arn.clone().unwrap(),
        phase,
        reason: None,
        containers: Vec::new(),
        private_address: text("10.0.0.7"),
        mac_address: text("02:00:00:00:00:07"),
        pull_started_at: None,
        pull_stopped_at: None,
        execution_stopped_at: None,
    };
    let store = &world.0.call.installation().store;
    store.write("report", |tx| crate::ecs::report(tx, &report, now)).unwrap();
}

#[test]
fn reports_show_and_stopped_tasks_go_after_an_hour() {
    let world = World::new();
    world.register(fargate());
    let task = world.run(on_fargate()).remove(0);
    let now = crate::testing::START;
    report(&world, &task, TaskPhase::Running, now);
    let running = world.describe(&task).unwrap();
    assert_eq!(running.last_status.as_deref(), Some("RUNNING"));
    let details = running.attachments.unwrap()[0].details.clone().unwrap();
    let named = |name: &str| {
        details.iter().find(|it| it.name.as_deref() == Some(name)).and_then(|it| it.value.clone())
    };
    assert_eq!(named("privateIPv4Address"), text("10.0.0.7"));
    assert_eq!(named("privateDnsName"), text("ip-10-0-0-7.ec2.internal"));

    report(&world, &task, TaskPhase::Stopped, now);
    let store = &world.0.call.installation().store;
    let expire =
        |seconds| store.write("expire", |tx| crate::ecs::expire(tx, now.plus_seconds(seconds))).unwrap();
    assert_eq!(expire(STOPPED_TASK_SECONDS), 0);
    assert!(world.describe(&task).is_some());
    assert_eq!(expire(STOPPED_TASK_SECONDS + 1), 1);
    assert_eq!(world.describe(&task), None);
}

#[test]
fn what_run_task_refuses() {
    let world = World::new();
    world.register(fargate());
    world.register(api::RegisterTaskDefinitionRequest { family: "small".to_owned(), ..bridge(64) });
    let bridged = || api::RunTaskRequest { task_definition: "small".to_owned(), ..plain() };
    let table: Vec<(api::RunTaskRequest, &str, &str)> = vec![
        (
            api::RunTaskRequest { cluster: text("nope"), ..on_fargate() },
            "ClusterNotFoundException",
            "Cluster not found.",
        ),
        (
            api::RunTaskRequest { task_definition: "nope".to_owned(), ..on_fargate() },
            "ClientException",
            "TaskDefinition not found.",
        ),
        (
            api::RunTaskRequest { network_configuration: None, ..on_fargate() },
            "InvalidParameterException",
            "Network Configuration must be provided when networkMode 'awsvpc' is specified.",
        ),
        (
            api::RunTaskRequest { network_configuration: on_fargate().network_configuration, ..bridged() },
            "InvalidParameterException",
            "Network Configuration is not valid for the given networkMode of this task definition.",
        ),
        (
            api::RunTaskRequest { launch_type: Some(api::LaunchType::Fargate), ..bridged() },
            "InvalidParameterException",
            "Task definition does not support launch_type FARGATE.",
        ),
        (
            api::RunTaskRequest { platform_version: text("9"), ..on_fargate() },
            "PlatformUnknownException",
            "The specified platform does not exist.",
        ),
        (
            api::RunTaskRequest { platform_version: text("LATEST"), ..bridged() },
            "InvalidParameterException",
            "The platform version must be null when specifying an EC2 launch type.",
        ),
        (
            api::RunTaskRequest { overrides: Some(override_of("nope")), ..on_fargate() },
            "InvalidParameterException",
            "Override for container named nope is not a container in the TaskDefinition.",
        ),
        (
            api::RunTaskRequest {
                overrides: Some(api::TaskOverride { cpu: text("512"), ..Default::default() }),
                ..on_fargate()
            },
            "ClientException",
            "No Fargate configuration exists for given values.",
        ),
        (
            api::RunTaskRequest { enable_execute_command: Some(true), ..on_fargate() },
            "InvalidParameterException",
            "Landfall cannot honour `enableExecuteCommand` yet and does not ignore it. Remove it, or run the task elsewhere.",
        ),
    ];
    for (input, code, message) in table {
        assert_eq!(world.refused::<api::RunTask>(input), (code.to_owned(), message.to_owned()));
    }
}

fn override_of(name: &str) -> api::TaskOverride {
    let container = api::ContainerOverride { name: text(name), ..Default::default() };
    api::TaskOverride { container_overrides: Some(vec![container]), ..Default::default() }
}

#[test]
fn roles_that_ecs_cannot_become() {
    let world = World::new();
    world.role("other", &TRUST.replace("ecs-tasks", "ec2"));
    for role in ["missing", "other"] {
        world.register(api::RegisterTaskDefinitionRequest { execution_role_arn: text(role), ..fargate() });
        let (code, message) = world.refused::<api::RunTask>(on_fargate());
        assert_eq!(code, "ClientException");
        let start =
            format!("ECS was unable to assume the role 'arn:aws:iam::111122223333:role/{role}' that was");
        assert!(message.starts_with(&start), "{message}");
    }
}

#[test]
fn a_client_token_makes_a_request_once() {
    let world = World::new();
    world.register(fargate());
    let request = api::RunTaskRequest { client_token: text("once"), ..on_fargate() };
    let first = world.run(request.clone());
    assert_eq!(world.run(request.clone()), first);
    let other = api::RunTaskRequest { count: Some(2), ..request };
    let error = world.call::<api::RunTask>(&root(), other).unwrap_err();
    assert_eq!(error.code, "ConflictException");
    assert!(error.members.get("resourceIds").is_some());
}

#[test]
fn a_task_that_does_not_fit_is_a_failure() {
    let world = World::new();
    world.register(bridge(i32::MAX));
    let answer = world.ok::<api::RunTask>(plain());
    assert_eq!(answer.tasks, Some(Vec::new()));
    let failures = answer.failures.unwrap();
    assert_eq!(failures[0].reason.as_deref(), Some("RESOURCE:MEMORY"));
    assert!(failures[0].arn.as_deref().unwrap().contains("container-instance/default/"));
}

#[test]
fn lists_are_filtered_and_paged() {
    let world = World::new();
    world.register(fargate());
    let mine = api::RunTaskRequest { started_by: text("me"), count: Some(3), ..on_fargate() };
    let tasks = world.run(mine);
    world.run(on_fargate());
    let stop = api::StopTaskRequest { task: tasks[0].task_arn.clone().unwrap(), ..Default::default() };
    world.ok::<api::StopTask>(stop);
    let count = |input: api::ListTasksRequest| world.ok::<api::ListTasks>(input).task_arns.unwrap().len();
    let base = api::ListTasksRequest::default;
    assert_eq!(count(base()), 3);
    assert_eq!(count(api::ListTasksRequest { started_by: text("me"), ..base() }), 2);
    assert_eq!(
        count(api::ListTasksRequest { desired_status: Some(api::DesiredStatus::Stopped), ..base() }),
        1
    );
    assert_eq!(count(api::ListTasksRequest { family: text("other"), ..base() }), 0);
    assert_eq!(count(api::ListTasksRequest { launch_type: Some(api::LaunchType::Ec2), ..base() }), 0);

    let first = world.ok::<api::ListTasks>(api::ListTasksRequest { max_results: Some(2), ..base() });
    let rest = api::ListTasksRequest { next_token: first.next_token, ..base() };
    assert_eq!((first.task_arns.unwrap().len(), count(rest)), (2, 1));
}

#[test]
fn missing_tasks_are_failures() {
    let world = World::new();
    let input = api::DescribeTasksRequest { tasks: vec!["0123".to_owned()], ..Default::default() };
    let failures = world.ok::<api::DescribeTasks>(input).failures.unwrap();
    assert_eq!(failures[0].arn.as_deref(), Some("arn:aws:ecs:us-east-1:111122223333:task/default/0123"));
    assert_eq!(failures[0].reason.as_deref(), Some("MISSING"));
    let stop = api::StopTaskRequest { task: "0123".to_owned(), ..Default::default() };
    let expected = ("InvalidParameterException".to_owned(), "The referenced task was not found.".to_owned());
    assert_eq!(world.refused::<api::StopTask>(stop), expected);
}

#[test]
fn tags_come_from_request_definition_and_ecs() {
    let world = World::new();
    let tag = |key: &str, value: &str| api::Tag { key: text(key), value: text(value) };
    world.register(api::RegisterTaskDefinitionRequest {
        tags: Some(vec![tag("a", "1"), tag("b", "2")]),
        ..fargate()
    });
    let task = world.run(api::RunTaskRequest {
        tags: Some(vec![tag("b", "3")]),
        propagate_tags: Some(api::PropagateTags::TaskDefinition),
        enable_ecs_managed_tags: Some(true),
        ..on_fargate()
    });
    let expected = vec![tag("a", "1"), tag("b", "3"), tag("aws:ecs:clusterName", "default")];
    assert_eq!(task[0].tags, Some(expected));
}

#[test]
fn a_container_instance_shows_what_is_left_of_it() {
    let world = World::new();
    world.register(bridge(64));
    world.run(plain());
    let arns = world.ok::<api::ListContainerInstances>(Default::default()).container_instance_arns.unwrap();
    let input = api::DescribeContainerInstancesRequest { container_instances: arns, ..Default::default() };
    let instance = world.ok::<api::DescribeContainerInstances>(input).container_instances.unwrap().remove(0);
    assert_eq!(instance.pending_tasks_count, Some(1));
    let memory = |list: Option<Vec<api::Resource>>| {
        list.unwrap()
            .into_iter()
            .find(|it| it.name.as_deref() == Some("MEMORY"))
            .unwrap()
            .integer_value
            .unwrap()
    };
    assert_eq!(memory(instance.registered_resources) - memory(instance.remaining_resources), 64);
}

#[test]
fn a_strategy_chooses_fargate() {
    let world = World::new();
    world.register(fargate());
    let item = |name: &str, weight, base| api::CapacityProviderStrategyItem {
        capacity_provider: name.to_owned(),
        weight: Some(weight),
        base: Some(base),
    };
    let strategy = vec![item("FARGATE", 1, 1), item("FARGATE_SPOT", 3, 0)];
    let request = api::RunTaskRequest {
        launch_type: None,
        capacity_provider_strategy: Some(strategy.clone()),
        count: Some(5),
        ..on_fargate()
    };
    assert_eq!(world.refused::<api::RunTask>(request.clone()).0, "InvalidParameterException");
    world.ok::<api::PutClusterCapacityProviders>(api::PutClusterCapacityProvidersRequest {
        cluster: "default".to_owned(),
        capacity_providers: vec!["FARGATE".to_owned(), "FARGATE_SPOT".to_owned()],
        default_capacity_provider_strategy: strategy,
    });
    let spot = |tasks: Vec<api::Task>| {
        tasks.iter().filter(|it| it.capacity_provider_name.as_deref() == Some("FARGATE_SPOT")).count()
    };
    assert_eq!(spot(world.run(request.clone())), 3);
    assert_eq!(spot(world.run(api::RunTaskRequest { capacity_provider_strategy: None, ..request })), 3);
}

/// `defaultLogDriverMode` is asked when a task is made: what is set later is for later ones.
#[test]
fn the_accounts_mode_of_log_drivers() {
    let world = World::new();
    world.register(fargate());
    let drops = |world: &World| {
        let arn = world.run(on_fargate())[0].task_arn.clone().unwrap();
        let view = world.0.call.installation().store.view();
        crate::ecs::node::task_by_arn(&view, &arn).unwrap().unwrap().drops_log_lines
    };
    assert!(drops(&world), "the default is non-blocking");
    for (value, expected) in [("blocking", false), ("non-blocking", true)] {
        world.ok::<api::PutAccountSettingDefault>(api::PutAccountSettingDefaultRequest {
            name: api::SettingName::DefaultLogDriverMode,
            value: value.to_owned(),
        });
        assert_eq!(drops(&world), expected, "{value}");
    }
}
