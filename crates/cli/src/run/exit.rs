//! The exit code that stands for a task.

use landfall_api::ecs::{Task, TaskDefinition, TaskStopCode};

use crate::error::{FAILURE, NOT_STARTED};

/// What a shell or ECS itself leaves behind when it stops a container: 128 + SIGKILL, 128 + SIGTERM.
const STOPPED_FROM_OUTSIDE: [i32; 2] = [137, 143];

/// How a stopped task ended, as an exit code: that of the essential container that ended it.
pub(super) fn of_task(definition: &TaskDefinition, task: &Task) -> u8 {
    if is_failed_start(task) {
        return NOT_STARTED;
    }
    let code = of_containers(&essential_codes(definition, task));
    // Codes are bytes on Linux; anything else would read as success once cut to one.
    code.map_or(FAILURE, |code| u8::try_from(code).unwrap_or(FAILURE))
}

/// Whether its containers could not be started.
pub(super) fn is_failed_start(task: &Task) -> bool {
    task.stop_code == Some(TaskStopCode::TaskFailedToStart)
}

/// Containers are essential unless their definition says otherwise.
pub(super) fn is_essential(definition: &TaskDefinition, name: &str) -> bool {
    let mut containers = definition.container_definitions.iter().flatten();
    containers
        .find(|container| container.name.as_deref() == Some(name))
        .is_none_or(|c| c.essential != Some(false))
}

fn essential_codes(definition: &TaskDefinition, task: &Task) -> Vec<i32> {
    let containers = task.containers.iter().flatten();
    let essential = containers.filter(|c| is_essential(definition, c.name.as_deref().unwrap_or_default()));
    essential.filter_map(|container| container.exit_code).collect()
}

/// Of several essential containers the one that ended by itself counts; the others were stopped because of it. A failure
/// counts before a success.
fn of_containers(codes: &[i32]) -> Option<i32> {
    let own = codes.iter().filter(|code| !STOPPED_FROM_OUTSIDE.contains(code));
    let failed = own.clone().find(|code| **code != 0);
    failed.or_else(|| own.clone().next()).or_else(|| codes.first()).copied()
}

#[cfg(test)]
mod tests {
    use landfall_api::ecs::{Container, ContainerDefinition};

    use super::*;

    #[test]
    fn the_container_that_ended_the_task_counts() {
        let cases: [(&[i32], Option<i32>); 8] = [
            (&[], None),
            (&[0], Some(0)),
            (&[7], Some(7)),
            (&[137], Some(137)),
            (&[0, 143], Some(0)),
            (&[143, 3], Some(3)),
            (&[0, 5], Some(5)),
            (&[137, 143], Some(137)),
        ];
        for (codes, expected) in cases {
            assert_eq!(of_containers(codes), expected, "{codes:?}");
        }
    }

    fn stopped(code: Option<i32>, stop_code: TaskStopCode) -> u8 {
        let container = |name: &str, exit_code| Container {
            name: Some(name.to_owned()),
            exit_code,
            ..Container::default()
        };
        let defined = |name: &str, essential| ContainerDefinition {
            name: Some(name.to_owned()),
            essential,
            ..ContainerDefinition::default()
        };
        let definition = TaskDefinition {
            container_definitions: Some(vec![defined("side", Some(false)), defined("main", None)]),
            ..TaskDefinition::default()
        };
        let task = Task {
            containers: Some(vec![container("side", Some(9)), container("main", code)]),
            stop_code: Some(stop_code),
            ..Task::default()
        };
        of_task(&definition, &task)
    }

    #[test]
    fn a_task_ends_as_its_essential_container_did() {
        assert_eq!(stopped(Some(3), TaskStopCode::EssentialContainerExited), 3);
        assert_eq!(stopped(Some(0), TaskStopCode::EssentialContainerExited), 0);
        assert_eq!(stopped(Some(256), TaskStopCode::EssentialContainerExited), FAILURE);
        assert_eq!(stopped(None, TaskStopCode::UserInitiated), FAILURE);
        assert_eq!(stopped(None, TaskStopCode::TaskFailedToStart), NOT_STARTED);
    }
}
