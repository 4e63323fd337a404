//! Where a container's output goes: the options of the `awslogs` driver, with their defaults. Pure.

use std::borrow::Cow;

use landfall_api::ecs as api;
use landfall_base::Sensitive;
use landfall_shape::Entries;

use super::plan::TaskFacts;

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

/// Options of a log driver that came from secrets.
pub(super) type SecretOptions = [(String, Sensitive<String>)];

/// A container's `awslogs` driver before its secret options are known: from this and those follows where its output goes.
#[derive(Debug, Clone, PartialEq)]
pub struct LogSource {
    /// The container.
    pub container: String,
    /// As the task definition has it.
    pub configuration: api::LogConfiguration,
    region: String,
    task_id: String,
    container_id: String,
}

impl LogSource {
    /// The driver of the container of this name, if it is `awslogs` (Developer Guide, "awslogs log driver").
    pub fn of(
        task: &TaskFacts<'_>,
        name: &str,
        configuration: Cow<'_, api::LogConfiguration>,
    ) -> Option<Self> {
        if configuration.log_driver != api::LogDriver::Awslogs {
            return None;
        }
        let id = task.container_ids.iter().find(|(other, _)| *other == name).map_or(name, |(_, id)| *id);
        Some(Self {
            container: name.to_owned(),
            configuration: configuration.into_owned(),
            region: task.region.to_string(),
            task_id: task.id.to_owned(),
            container_id: id.to_owned(),
        })
    }

    /// Where the output goes. Options from secrets take the place of equal names, as the container agent puts them in.
    pub fn destination(&self, secret: &SecretOptions) -> LogDestination {
        let configuration = match secret {
            [] => Cow::Borrowed(&self.configuration),
            secret => Cow::Owned(with_secret_options(&self.configuration, secret)),
        };
        let option =
            |name| configuration.options.as_ref().and_then(|it| it.get(name)).filter(|it| !it.is_empty());
        LogDestination {
            region: option("awslogs-region").unwrap_or(&self.region).clone(),
            group: option("awslogs-group").cloned().unwrap_or_default(),
            stream: match option("awslogs-stream-prefix") {
                Some(prefix) => format!("{prefix}/{}/{}", self.container, self.task_id),
                None => self.container_id.clone(),
            },
            create_group: option("awslogs-create-group").is_some_and(|it| is_true(it)),
        }
    }

    /// Whether a missing group may have to be created, as far as that is known before the secrets are.
    pub fn may_create_group(&self) -> bool {
        let mut secret = self.configuration.secret_options.iter().flatten();
        self.destination(&[]).create_group || secret.any(|it| it.name == "awslogs-create-group")
    }
}

/// The options of a driver with those that came from secrets.
pub fn with_secret_options(
    configuration: &api::LogConfiguration,
    secret: &SecretOptions,
) -> api::LogConfiguration {
    let mut options = configuration.options.clone().unwrap_or_else(|| Entries(Vec::new()));
    for (name, value) in secret {
        options.0.retain(|(other, _)| other != name);
        options.0.push((name.clone(), value.expose().clone()));
    }
    api::LogConfiguration { options: Some(options), ..configuration.clone() }
}

/// The words that Go's `strconv.ParseBool` takes for true: the log driver reads its options with it.
fn is_true(text: &str) -> bool {
    matches!(text, "1" | "t" | "T" | "TRUE" | "true" | "True")
}
