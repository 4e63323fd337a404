use landfall_acs::ImageReport;

use super::*;
use crate::ecs::record::NetworkConfiguration;
use crate::ecs::rules::fixture;

const NOW: Timestamp = Timestamp::from_millis(1_000_000);
const LATER: Timestamp = Timestamp::from_millis(2_000_000);

fn task(launch: LaunchKind) -> Task {
    fixture::task(launch, &["web", "side"])
}

fn report(phase: TaskPhase) -> TaskReport {
    TaskReport {
        task_arn: String::new(),
        phase,
        reason: None,
        containers: Vec::new(),
        private_address: None,
        mac_address: None,
        pull_started_at: None,
        pull_stopped_at: None,
        execution_stopped_at: None,
    }
}

fn container(name: &str, state: ContainerState) -> ContainerReport {
    ContainerReport {
        name: name.to_owned(),
        state,
        exit_code: None,
        reason: None,
        image: None,
        runtime_id: None,
        health: None,
        network_bindings: Vec::new(),
    }
}

fn failed(name: &str, reason: &str) -> ContainerReport {
    ContainerReport { reason: Some(reason.to_owned()), ..container(name, ContainerState::Stopped) }
}

fn exited(name: &str, code: i32) -> ContainerReport {
    ContainerReport {
        exit_code: Some(code),
        runtime_id: Some("r".to_owned()),
        ..container(name, ContainerState::Stopped)
    }
}

fn end(task: &Task) -> (Option<&str>, Option<&str>) {
    (task.stop_code.as_deref(), task.stopped_reason.as_deref())
}

/// How a task ends that got these reports.
struct Case {
    name: &'static str,
    launch: LaunchKind,
    reports: Vec<TaskReport>,
    code: &'static str,
    reason: &'static str,
}

const PULL: &str = "CannotPullContainerError: pull image manifest has been retried 1 time(s): not found";
const ASM: &str = "ResourceInitializationError: unable to pull secrets or registry auth: no";

fn cases() -> Vec<Case> {
    let stopped = |containers| TaskReport { containers, ..report(TaskPhase::Stopped) };
    let told = |reason: &str| TaskReport { reason: Some(reason.to_owned()), ..report(TaskPhase::Stopped) };
    vec![
        Case {
            name: "a pull that fails on Fargate",
            launch: LaunchKind::Fargate,
            reports: vec![report(TaskPhase::Pending), stopped(vec![failed("web", PULL)])],
            code: FAILED_TO_START,
            reason: PULL,
        },
        Case {
            name: "a pull that fails on EC2",
            launch: LaunchKind::Ec2,
            reports: vec![report(TaskPhase::Pending), stopped(vec![failed("web", PULL)])],
            code: FAILED_TO_START,
            reason: "Task failed to start",
        },
        Case {
            name: "a secret that cannot be read",
            launch: LaunchKind::External,
            reports: vec![told(ASM)],
            code: FAILED_TO_START,
            reason: ASM,
        },
        Case {
            name: "the cause comes after stopping began",
            launch: LaunchKind::Fargate,
            reports: vec![report(TaskPhase::Stopping), stopped(vec![failed("web", PULL)])],
            code: FAILED_TO_START,
            reason: PULL,
        },
        Case {
            name: "an essential container ends",
            launch: LaunchKind::Fargate,
            reports: vec![report(TaskPhase::Running), stopped(vec![exited("web", 1)])],
            code: ESSENTIAL_EXITED,
            reason: "Essential container in task exited",
        },
        Case {
            name: "all ran while nobody was there to tell",
            launch: LaunchKind::Fargate,
            reports: vec![stopped(vec![exited("web", 0), exited("side", 0)])],
            code: ESSENTIAL_EXITED,
            reason: "Essential container in task exited",
        },
        Case {
            name: "an exit code alone does not prove that the task ran",
            launch: LaunchKind::Ec2,
            reports: vec![stopped(vec![ContainerReport { runtime_id: None, ..exited("web", 143) }])],
            code: FAILED_TO_START,
            reason: "Task failed to start",
        },
    ]
}

#[test]
fn how_tasks_end() {
    for case in cases() {
        let mut task = task(case.launch);
        for report in &case.reports {
            apply(report, &mut task, NOW);
        }
        assert_eq!(end(&task), (Some(case.code), Some(case.reason)), "{}", case.name);
        assert_eq!(
            (task.last_status, task.desired),
            (TaskStatus::Stopped, Desired::Stopped),
            "{}",
            case.name
        );
        assert!(task.containers.iter().all(|it| it.state == ContainerState::Stopped), "{}", case.name);
    }
}

#[test]
fn a_user_who_stops_a_task_has_the_last_word() {
    for (reason, expected) in [(None, "Task stopped by user"), (Some("enough"), "enough")] {
        let mut task = task(LaunchKind::Fargate);
        apply(&report(TaskPhase::Running), &mut task, NOW);
        assert!(stop(&mut task, reason, NOW));
        assert!(!stop(&mut task, Some("again"), LATER));
        assert_eq!(task.last_status, TaskStatus::Running);
        apply(&report(TaskPhase::Stopped), &mut task, LATER);
        assert_eq!(end(&task), (Some(USER_INITIATED), Some(expected)));
        assert_eq!((task.stopping_at, task.stopped_at), (Some(NOW), Some(LATER)));
    }
}

#[test]
fn a_task_that_is_ending_keeps_its_reason() {
    let mut task = task(LaunchKind::Fargate);
    apply(&report(TaskPhase::Running), &mut task, NOW);
    apply(&report(TaskPhase::Stopping), &mut task, NOW);
    assert!(!stop(&mut task, None, LATER));
    assert_eq!(end(&task).0, Some(ESSENTIAL_EXITED));
}

#[test]
fn the_same_report_twice_changes_nothing() {
    for phase in [TaskPhase::Pending, TaskPhase::Running, TaskPhase::Stopping, TaskPhase::Stopped] {
        let mut task = task(LaunchKind::Fargate);
        assert!(apply(&report(phase), &mut task, NOW), "{phase:?}");
        let once = task.clone();
        assert!(!apply(&report(phase), &mut task, LATER), "{phase:?}");
        assert_eq!(task, once, "{phase:?}");
        assert_eq!(task.version, 2, "{phase:?}");
    }
}

#[test]
fn a_late_report_does_not_lead_back() {
    let order = [TaskPhase::Pending, TaskPhase::Running, TaskPhase::Stopping, TaskPhase::Stopped];
    for (at, phase) in order.iter().enumerate() {
        let mut task = task(LaunchKind::Fargate);
        apply(&report(*phase), &mut task, NOW);
        let status = task.last_status;
        for earlier in order.iter().take(at) {
            apply(&report(*earlier), &mut task, LATER);
            assert_eq!(task.last_status, status, "{earlier:?} after {phase:?}");
        }
    }
}

#[test]
fn what_is_known_of_a_container_stays_known() {
    let mut task = task(LaunchKind::Fargate);
    let image = Some(ImageReport { digest: "sha256:00".to_owned() });
    let first = ContainerReport { image, reason: Some("first".to_owned()), ..exited("web", 3) };
    apply(&TaskReport { containers: vec![first], ..report(TaskPhase::Running) }, &mut task, NOW);
    let again = ContainerReport {
        exit_code: Some(4),
        reason: Some("second".to_owned()),
        ..container("web", ContainerState::Running)
    };
    apply(&TaskReport { containers: vec![again], ..report(TaskPhase::Running) }, &mut task, NOW);
    let web = &task.containers[0];
    assert_eq!(
        (web.state, web.exit_code, web.reason.as_deref()),
        (ContainerState::Stopped, Some(3), Some("first"))
    );
    assert_eq!(web.image_digest.as_deref(), Some("sha256:00"));
    assert_eq!(task.containers[1].state, ContainerState::Pending);
}

#[test]
fn the_address_reaches_the_network_of_the_task() {
    let mut task = task(LaunchKind::Fargate);
    task.network = Some(NetworkConfiguration::default());
    let told = TaskReport { private_address: Some("10.0.0.7".to_owned()), ..report(TaskPhase::Pending) };
    apply(&told, &mut task, NOW);
    apply(&report(TaskPhase::Running), &mut task, LATER);
    assert_eq!(task.network.unwrap().private_address.as_deref(), Some("10.0.0.7"));
    assert_eq!((task.connectivity_at, task.started_at), (Some(NOW), Some(LATER)));
}

#[test]
fn long_reasons_are_cut() {
    let mut task = task(LaunchKind::Fargate);
    apply(&TaskReport { reason: Some("x".repeat(5000)), ..report(TaskPhase::Stopped) }, &mut task, NOW);
    assert_eq!(task.stopped_reason.map(|reason| reason.len()), Some(1024));
}
