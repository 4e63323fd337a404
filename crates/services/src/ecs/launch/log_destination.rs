//! Where a container's output goes: the options of the `awslogs` driver, with their defaults. Pure.

use std::borrow::Cow;

use landfall_api::ecs as api;
use landfall_base::{Region, Sensitive};
use landfall_shape::Entries;

use super::advice::fetched;
use super::plan::TaskFacts;
use crate::pipe::Unsaid;

const REGION: &str = "awslogs-region";
const GROUP: &str = "awslogs-group";
const STREAM_PREFIX: &str = "awslogs-stream-prefix";

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
            region: option(REGION).unwrap_or(&self.region).clone(),
            group: option(GROUP).cloned().unwrap_or_default(),
            stream: match option(STREAM_PREFIX) {
                Some(prefix) => format!("{prefix}/{}/{}", self.container, self.task_id),
                None => self.container_id.clone(),
            },
            create_group: option("awslogs-create-group").is_some_and(|it| is_true(it)),
        }
    }

    /// What of the destination came from secrets, once those are known: it is not to be told.
    pub fn unsaid(&self) -> Unsaid {
        let secret: Vec<&str> =
            self.configuration.secret_options.iter().flatten().map(|it| it.name.as_str()).collect();
        let options = self.configuration.options.iter().flat_map(|it| it.0.iter());
        let named = options.filter(|(name, _)| is_name_option(name) && secret.contains(&name.as_str()));
        Unsaid::new(named.map(|(_, value)| Sensitive::new(value.clone())))
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

/// Whether an option names where the output goes, so that its value is in names and ARNs.
pub(super) fn is_name_option(name: &str) -> bool {
    matches!(name, REGION | GROUP | STREAM_PREFIX)
}

/// Options from secrets as they are told, and the values that are not.
pub(super) fn masked(secret: &SecretOptions) -> (Vec<(String, Sensitive<String>)>, Unsaid) {
    let mask = |(name, value): &(String, Sensitive<String>)| match is_name_option(name) {
        true => (name.clone(), Unsaid::MASK.into()),
        false => (name.clone(), value.clone()),
    };
    let values = secret.iter().filter(|(name, _)| is_name_option(name)).map(|(_, value)| value.clone());
    (secret.iter().map(mask).collect(), Unsaid::new(values))
}

/// What commands have in place of names that are secret: words for a shell.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LogWords {
    /// The log group.
    pub group: Option<String>,
    /// The Region.
    pub region: Option<String>,
    /// Names of options from secrets, with their `valueFrom`.
    pub sources: Vec<(String, String)>,
}

impl LogWords {
    pub(super) fn of(configuration: &api::LogConfiguration, region: &Region) -> Self {
        let secret = |name: &str| {
            let option = configuration.secret_options.iter().flatten().rfind(|it| it.name == name)?;
            Some(fetched(&option.value_from, region.as_str()))
        };
        let sources = configuration.secret_options.iter().flatten();
        let sources = sources.map(|it| (it.name.clone(), it.value_from.clone())).collect();
        Self { group: secret(GROUP), region: secret(REGION), sources }
    }
}

/// The words that Go's `strconv.ParseBool` takes for true: the log driver reads its options with it.
fn is_true(text: &str) -> bool {
    matches!(text, "1" | "t" | "T" | "TRUE" | "true" | "True")
}
