//! Where a container's output goes: the options of the `awslogs` driver, with their defaults. Pure.

use landfall_api::ecs as api;

use super::plan::{TaskFacts, name};

/// Where a container's output goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogDestination {
    /// `awslogs-region`
    pub region: String,
    /// `awslogs-group`
    pub group: String,
    /// The stream: `prefix/container/task`, or the container's id without a prefix.
    pub stream: String,
    /// `awslogs-create-group`
    pub create_group: bool,
}

/// Where the output of a container goes, if its driver is `awslogs` (Developer Guide, "awslogs log driver").
pub fn log_destination(task: &TaskFacts<'_>, container: &api::ContainerDefinition) -> Option<LogDestination> {
    let configuration = container.log_configuration.as_ref()?;
    if configuration.log_driver != api::LogDriver::Awslogs {
        return None;
    }
    let option =
        |name| configuration.options.as_ref().and_then(|it| it.get(name)).filter(|it| !it.is_empty());
    let name = name(container);
    let id = || task.container_ids.iter().find(|(other, _)| *other == name).map_or(name, |(_, id)| *id);
    Some(LogDestination {
        region: option("awslogs-region").map_or_else(|| task.region.to_string(), String::clone),
        group: option("awslogs-group").cloned().unwrap_or_default(),
        stream: match option("awslogs-stream-prefix") {
            Some(prefix) => format!("{prefix}/{name}/{}", task.id),
            None => id().to_owned(),
        },
        create_group: option("awslogs-create-group").is_some_and(|it| is_true(it)),
    })
}

/// The words that Go's `strconv.ParseBool` takes for true: the log driver reads its options with it.
fn is_true(text: &str) -> bool {
    matches!(text, "1" | "t" | "T" | "TRUE" | "true" | "True")
}
