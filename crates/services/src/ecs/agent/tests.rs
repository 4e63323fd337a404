use landfall_acs::{ContainerReport, ContainerState, Desired, LaunchKind, StepOutcome, TaskPhase};
use landfall_api::{landfall, logs};
use landfall_base::Timestamp;
use serde_json::json;

use super::*;
use crate::ecs::launch::stage::{self, Stage, TASK_ID};
use crate::ecs::record::{TRACE_STEPS, Task};
use crate::testing::START;

const STREAM: &str = "web/app/0123456789abcdef0123456789abcdef";

struct World {
    stage: Stage,
    plane: EcsControlPlane,
    task: Task,
    runtime: tokio::runtime::Runtime,
}

/// A task whose container writes to the log group `/app`, prepared.
fn world() -> World {
    let stage = Stage::new();
    stage.allow(&["logs:CreateLogStream", "logs:PutLogEvents"]);
    stage.log_group("/app");
    let definition = stage::definition(&json!([{"name": "app", "image": "x", "logConfiguration": {
        "logDriver": "awslogs", "options": {"awslogs-group": "/app", "awslogs-region": "us-east-1",
        "awslogs-stream-prefix": "web"}}}]));
    let task = stage.task(&definition, LaunchKind::Fargate);
    let plane = EcsControlPlane::new(stage.it.call.clone());
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let world = World { stage, plane, task, runtime };
    world.runtime.block_on(world.plane.prepare(&world.task.arn)).unwrap();
    world
}

impl World {
    fn deliver(&self, first: u64, lines: &[&str]) -> Result<(), String> {
        let event = |(at, line): (usize, &&str)| LogEvent {
            time: Timestamp::from_millis(
                START.millis() + i64::try_from(first).unwrap() + i64::try_from(at).unwrap(),
            ),
            message: (*line).to_owned(),
        };
        let events = lines.iter().enumerate().map(event).collect();
        self.runtime.block_on(self.plane.deliver_logs(&self.task.arn, "app", first, events))
    }

    fn lines(&self) -> u64 {
        self.runtime.block_on(self.plane.delivered_lines(&self.task.arn, "app"))
    }

    fn messages(&self) -> Vec<String> {
        self.stage.messages("/app", STREAM)
    }

    /// What a server that was killed and started again knows.
    fn restart(&mut self) {
        self.plane = EcsControlPlane::new(self.stage.it.call.clone());
    }

    fn row(&self) -> Option<Arc<Task>> {
        node::task_by_arn(&self.stage.it.call.installation().store.view(), &self.task.arn).unwrap()
    }

    fn report(&self, phase: TaskPhase, exit_code: Option<i32>) {
        let state = if exit_code.is_some() { ContainerState::Stopped } else { ContainerState::Running };
        let container = ContainerReport {
            name: "app".to_owned(),
            state,
            exit_code,
            reason: None,
            image: None,
            runtime_id: Some("r".to_owned()),
            health: None,
            network_bindings: Vec::new(),
        };
        let report = TaskReport {
            task_arn: self.task.arn.clone(),
            phase,
            reason: None,
            containers: vec![container],
            private_address: None,
            mac_address: None,
            pull_started_at: None,
            pull_stopped_at: None,
            execution_stopped_at: None,
        };
        self.runtime.block_on(self.plane.report(report));
    }
}

#[test]
fn lines_are_delivered_once() {
    let world = world();
    world.deliver(0, &["a", "b"]).unwrap();
    world.deliver(0, &["a", "b"]).unwrap();
    world.deliver(1, &["b", "", "c"]).unwrap();
    assert_eq!(world.messages(), ["a", "b", "c"]);
    assert_eq!(world.lines(), 4);
}

#[test]
fn lines_that_were_stored_but_not_noted_before_a_crash_are_not_stored_again() {
    let mut world = world();
    world.deliver(0, &["a"]).unwrap();
    // The events reach the stream, the rows do not: as if the server had died in between.
    let session = world.plane.inner.session(&world.task).unwrap();
    let put = |messages: &[&str]| {
        let event = |message: &&str| logs::InputLogEvent {
            timestamp: START.millis(),
            message: (*message).to_owned(),
        };
        let request = logs::PutLogEventsRequest {
            log_group_name: "/app".to_owned(),
            log_stream_name: STREAM.to_owned(),
            log_events: messages.iter().map(event).collect(),
            ..Default::default()
        };
        world.stage.call::<logs::PutLogEvents>(&session, request);
    };
    put(&["b", "c", "d"]);
    world.restart();
    assert_eq!(world.lines(), 1);
    world.deliver(1, &["b", "", "c"]).unwrap();
    world.deliver(4, &["d", "e"]).unwrap();
    world.deliver(6, &["f"]).unwrap();
    assert_eq!(world.messages(), ["a", "b", "c", "d", "e", "f"]);
    assert_eq!(world.lines(), 7);
}

#[test]
fn a_refused_delivery_says_why_and_can_be_repeated() {
    let world = world();
    world.stage.allow(&["logs:CreateLogStream"]);
    let said = world.deliver(0, &["a"]).unwrap_err();
    assert!(said.contains("is not authorized to perform: logs:PutLogEvents"), "{said}");
    world.stage.allow(&["logs:PutLogEvents"]);
    world.deliver(0, &["a"]).unwrap();
    assert_eq!(world.messages(), ["a"]);
}

#[test]
fn sessions_are_renewed_before_they_end_and_only_while_the_role_trusts() {
    let world = world();
    let first = world.plane.inner.session(&world.task).unwrap();
    assert!(Arc::ptr_eq(&first, &world.plane.inner.session(&world.task).unwrap()));
    world.stage.it.clock.advance_seconds(6 * 3600 - 60);
    let second = world.plane.inner.session(&world.task).unwrap();
    assert!(second.session.as_ref().unwrap().expires_at > first.session.as_ref().unwrap().expires_at);
    world.stage.trust(&stage::TRUST.replace("ecs-tasks", "lambda"));
    world.stage.it.clock.advance_seconds(6 * 3600);
    assert!(world.plane.inner.session(&world.task).unwrap_err().contains("sts:AssumeRole"));
}

#[test]
fn lines_of_a_task_that_is_gone_do_not_keep_the_agent_busy() {
    let world = world();
    let arn = world.task.arn.replace(TASK_ID, "gone");
    let events = vec![LogEvent { time: START, message: "a".to_owned() }];
    assert_eq!(world.runtime.block_on(world.plane.deliver_logs(&arn, "app", 0, events)), Ok(()));
}

#[test]
fn reports_move_a_task_on_once() {
    let world = world();
    world.report(TaskPhase::Running, None);
    let running = world.row().unwrap();
    assert_eq!(running.last_status, TaskStatus::Running);
    world.report(TaskPhase::Running, None);
    assert_eq!(world.row().unwrap().version, running.version);
    world.report(TaskPhase::Stopped, Some(3));
    let stopped = world.row().unwrap();
    assert_eq!(
        (stopped.last_status, stopped.stop_code.as_deref(), stopped.containers[0].exit_code),
        (TaskStatus::Stopped, Some("EssentialContainerExited"), Some(3))
    );
    world.report(TaskPhase::Running, None);
    assert_eq!(*world.row().unwrap(), *stopped);
}

#[test]
fn assignments_are_the_tasks_that_are_not_over() {
    let world = world();
    let assigned = world.runtime.block_on(world.plane.assignments());
    assert_eq!(assigned.len(), 1);
    assert_eq!((assigned[0].task_id.as_str(), assigned[0].desired), (TASK_ID, Desired::Running));
    world.report(TaskPhase::Stopped, Some(0));
    assert!(world.runtime.block_on(world.plane.assignments()).is_empty());
}

#[test]
fn a_change_of_a_task_wakes_the_agent() {
    let world = world();
    world.runtime.block_on(async {
        let waiting = world.plane.changed();
        tokio::pin!(waiting);
        assert!(futures_pending(waiting.as_mut()).await);
    });
    world.report(TaskPhase::Running, None);
    world.runtime.block_on(world.plane.changed());
}

/// Whether a future waits.
async fn futures_pending(mut future: std::pin::Pin<&mut (impl Future<Output = ()> + ?Sized)>) -> bool {
    std::future::poll_fn(|cx| std::task::Poll::Ready(future.as_mut().poll(cx).is_pending())).await
}

#[test]
fn steps_of_control_plane_and_agent_make_one_trace() {
    let world = world();
    let installation = world.stage.it.call.installation();
    let steps = trace::read(&installation.store.view(), &world.task.arn).unwrap();
    let mut step = StepRecord::clone(&steps[0]);
    step.name = "resolve image".to_owned();
    step.outcome = StepOutcome::Failed("manifest unknown".to_owned());
    world.runtime.block_on(world.plane.record(&world.task.arn, step.clone()));
    world.runtime.block_on(world.plane.record(&world.task.arn.replace(TASK_ID, "gone"), step));
    assert_eq!(installation.store.view().count(&TRACE_STEPS, ()), 3);

    let progress = PullProgress { layers_done: 1, layers_total: 3, bytes_done: 10, bytes_total: 90 };
    world.plane.progress(&world.task.arn, progress);
    let describe = |task: &str| {
        let input = landfall::DescribeTaskStartRequest { cluster: None, task: task.to_owned() };
        world.stage.call::<landfall::DescribeTaskStart>(&crate::testing::root(), input)
    };
    for task in [TASK_ID, &world.task.arn] {
        let shown = describe(task);
        let names: Vec<_> = shown.steps.iter().map(|step| step.name.as_str()).collect();
        assert_eq!(names, ["assume execution role", "create log stream", "resolve image"]);
        assert_eq!(shown.steps[2].detail.as_deref(), Some("manifest unknown"));
        assert_eq!(shown.last_status, "PENDING");
    }
    assert_eq!(describe(TASK_ID).pull.unwrap().bytes_total, 90);
    world.report(TaskPhase::Running, None);
    assert!(describe(TASK_ID).pull.is_none());
}

#[test]
fn a_task_without_a_row_cannot_be_prepared() {
    let world = world();
    let failure = world.runtime.block_on(world.plane.prepare(&world.task.arn.replace(TASK_ID, "gone")));
    assert_eq!(failure.unwrap_err().reason, BROKEN);
}

#[test]
fn old_tasks_go_with_everything_that_belongs_to_them() {
    let world = world();
    world.deliver(0, &["a"]).unwrap();
    world.report(TaskPhase::Stopped, Some(0));
    let installation = world.stage.it.call.installation();
    reconcile(installation);
    assert!(world.row().is_some());
    world.stage.it.clock.advance_seconds(2 * 24 * 3600);
    reconcile(installation);
    let view = installation.store.view();
    assert!(world.row().is_none());
    assert_eq!(view.count(&TRACE_STEPS, ()), 0);
    assert_eq!(view.count(&DELIVERED_LINES, ()), 0);
    assert_eq!(view.count(&super::super::record::DELIVERED_EVENTS, ()), 0);
}

fn with_task_role() -> World {
    let stage = Stage::new();
    stage.role("app", stage::TRUST);
    let definition = stage::definition(&json!([{"name": "app", "image": "x"}]));
    let definition = landfall_api::ecs::TaskDefinition {
        task_role_arn: Some("arn:aws:iam::111122223333:role/app".to_owned()),
        ..definition
    };
    let task = stage.task(&definition, LaunchKind::Fargate);
    let plane = EcsControlPlane::new(stage.it.call.clone());
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    World { stage, plane, task, runtime }
}

#[test]
fn credentials_of_the_task_role_outlive_the_server_and_are_renewed_before_they_end() {
    let mut world = with_task_role();
    let sheet = world.runtime.block_on(world.plane.prepare(&world.task.arn)).unwrap();
    let id = sheet.credentials_id.unwrap();
    let ask =
        |world: &World, id: &str| world.runtime.block_on(world.plane.role_credentials(&world.task.arn, id));
    let first = ask(&world, id.expose()).unwrap();
    assert_eq!(first.role_arn, "arn:aws:iam::111122223333:role/app");
    assert_eq!(first.expires_at, START.plus_seconds(6 * 3600));
    assert_eq!(ask(&world, id.expose()).unwrap().access_key_id, first.access_key_id, "kept");
    assert_eq!(ask(&world, "another").unwrap_err(), NoCredentials::Unknown);
    assert_eq!(ask(&world, "").unwrap_err(), NoCredentials::Unknown);

    let installation = world.stage.it.call.installation();
    let who = crate::sts::find_credentials(
        installation,
        &installation.store.view(),
        &first.access_key_id,
        Some(&first.session_token),
    )
    .unwrap();
    let session = format!("arn:aws:sts::111122223333:assumed-role/app/{TASK_ID}");
    assert_eq!(who.principal.display(), session);
    assert_eq!(who.secret, first.secret_access_key);

    world.restart();
    let again = world.runtime.block_on(world.plane.prepare(&world.task.arn)).unwrap();
    assert_eq!(again.credentials_id.unwrap(), id, "a start that is tried again gives no other id");
    assert!(ask(&world, id.expose()).is_ok());

    world.stage.it.clock.advance_seconds(5 * 3600 + 60);
    let renewed = ask(&world, id.expose()).unwrap();
    assert_ne!(renewed.access_key_id, first.access_key_id);
    let debug = format!("{renewed:?}");
    assert!(!debug.contains(renewed.secret_access_key.expose()), "{debug}");
    assert!(!debug.contains(renewed.session_token.expose()), "{debug}");
}

#[test]
fn a_role_that_trusts_nobody_any_more_gives_what_it_gave_until_that_ends() {
    let world = with_task_role();
    let sheet = world.runtime.block_on(world.plane.prepare(&world.task.arn)).unwrap();
    let id = sheet.credentials_id.unwrap();
    let ask = || world.runtime.block_on(world.plane.role_credentials(&world.task.arn, id.expose()));
    let first = ask().unwrap();
    world.stage.trust_of("app", &stage::TRUST.replace("ecs-tasks", "ec2"));
    world.stage.it.clock.advance_seconds(5 * 3600 + 60);
    assert_eq!(ask().unwrap().access_key_id, first.access_key_id);
    world.stage.it.clock.advance_seconds(3600);
    assert_eq!(ask().unwrap_err(), NoCredentials::Unavailable);
}

#[test]
fn a_task_without_a_role_has_no_credentials() {
    let world = world();
    let sheet = world.runtime.block_on(world.plane.prepare(&world.task.arn)).unwrap();
    assert_eq!(sheet.credentials_id, None);
    let asked = world.runtime.block_on(world.plane.role_credentials(&world.task.arn, ""));
    assert_eq!(asked.unwrap_err(), NoCredentials::Unknown);
}
