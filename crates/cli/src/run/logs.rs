//! Following what a task's containers write to CloudWatch Logs.

use landfall_api::ecs::{ContainerDefinition, LogDriver, Task, TaskDefinition};
use landfall_api::logs::{GetLogEvents, GetLogEventsRequest};

use super::start::Started;
use crate::client::{CallError, Client};
use crate::error::CliError;
use crate::terminal;

/// The log streams of a task's containers, each read as far as it has been printed.
#[derive(Debug)]
pub(super) struct Follower {
    streams: Vec<Follow>,
}

#[derive(Debug)]
struct Follow {
    client: Client,
    container: String,
    /// What stands before each line; empty if only one container writes.
    label: String,
    group: String,
    /// `None` until it is known: without `awslogs-stream-prefix` the stream bears the container's runtime id.
    stream: Option<String>,
    token: Option<String>,
}

impl Follower {
    /// Follows every container with the log driver `awslogs`; says which cannot be followed.
    pub(super) fn new(client: &Client, started: &Started) -> Self {
        let containers = started.definition.container_definitions.as_deref().unwrap_or_default();
        let mut streams: Vec<Follow> =
            containers.iter().filter_map(|container| Follow::new(client, container, started.id())).collect();
        label(&mut streams);
        for name in unfollowed(&started.definition) {
            terminal::note(&format!(
                "container `{name}` does not use the log driver `awslogs`: its output cannot be followed"
            ));
        }
        Self { streams }
    }

    /// Prints what is new. Whether there was anything.
    pub(super) async fn print_new(&mut self, task: &Task) -> Result<bool, CliError> {
        let mut any = false;
        for stream in &mut self.streams {
            stream.learn_name(task);
            while stream.print_page().await? {
                any = true;
            }
        }
        Ok(any)
    }
}

/// Lines of several containers say whose they are.
fn label(streams: &mut [Follow]) {
    if streams.len() < 2 {
        return;
    }
    let width = streams.iter().map(|stream| stream.container.len()).max().unwrap_or_default();
    for stream in streams {
        stream.label = format!("{:<width$} | ", stream.container);
    }
}

fn unfollowed(definition: &TaskDefinition) -> impl Iterator<Item = &str> {
    let containers = definition.container_definitions.iter().flatten();
    let silent = containers.filter(|container| option(container, "awslogs-group").is_none());
    silent.filter_map(|container| container.name.as_deref())
}

fn option<'a>(container: &'a ContainerDefinition, name: &str) -> Option<&'a str> {
    let configuration =
        container.log_configuration.as_ref().filter(|c| c.log_driver == LogDriver::Awslogs)?;
    configuration.options.as_ref()?.get(name).map(String::as_str)
}

impl Follow {
    fn new(client: &Client, container: &ContainerDefinition, task_id: &str) -> Option<Self> {
        let name = container.name.clone()?;
        let region = option(container, "awslogs-region");
        let prefix = option(container, "awslogs-stream-prefix");
        Some(Self {
            client: region.map_or_else(|| client.clone(), |region| client.in_region(region)),
            stream: prefix.map(|prefix| format!("{prefix}/{name}/{task_id}")),
            group: option(container, "awslogs-group")?.to_owned(),
            container: name,
            label: String::new(),
            token: None,
        })
    }

    fn learn_name(&mut self, task: &Task) {
        if self.stream.is_none() {
            let mut containers = task.containers.iter().flatten();
            let own = containers.find(|container| container.name.as_deref() == Some(&self.container));
            self.stream = own.and_then(|container| container.runtime_id.clone());
        }
    }

    /// Prints the next page of events. Whether there were any.
    async fn print_page(&mut self) -> Result<bool, CliError> {
        let Some(stream) = self.stream.clone() else { return Ok(false) };
        let input = GetLogEventsRequest {
            log_group_name: Some(self.group.clone()),
            log_stream_name: stream,
            start_from_head: Some(true),
            next_token: self.token.clone(),
            ..GetLogEventsRequest::default()
        };
        let page = match self.client.call::<GetLogEvents>(input).await {
            // The stream is made when the container starts.
            Err(error) if error.is_not_found() => return Ok(false),
            page => page.map_err(|error| self.unreadable(error))?,
        };
        self.token = page.next_forward_token.or(self.token.take());
        let events = page.events.unwrap_or_default();
        let lines = events.iter().map(|event| event.message.as_deref().unwrap_or_default());
        terminal::print(&lines.map(|line| format!("{}{line}\n", self.label)).collect::<String>())?;
        Ok(!events.is_empty())
    }

    fn unreadable(&self, error: CallError) -> CliError {
        CliError::from(error)
            .hint(format!("the output of container `{}` cannot be read; the task goes on", self.container))
    }
}

#[cfg(test)]
mod tests {
    use landfall_api::ecs::{Container, LogConfiguration};
    use landfall_base::Sensitive;
    use landfall_shape::Entries;
    use landfall_wire::sigv4::Credentials;

    use super::*;
    use crate::client::Settings;

    fn client() -> Client {
        let credentials = Credentials {
            access_key_id: "AKIA".to_owned(),
            secret_access_key: Sensitive::from("s"),
            session_token: None,
        };
        let settings =
            Settings { endpoint: "http://127.0.0.1:1".to_owned(), region: "r-1".to_owned(), credentials };
        Client::new(settings).unwrap()
    }

    fn container(name: &str, options: &[(&str, &str)]) -> ContainerDefinition {
        let entries = options.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect();
        ContainerDefinition {
            name: Some(name.to_owned()),
            log_configuration: Some(LogConfiguration {
                log_driver: LogDriver::Awslogs,
                options: Some(entries),
                secret_options: None,
            }),
            ..ContainerDefinition::default()
        }
    }

    #[test]
    fn streams_bear_ecs_s_names() {
        let with = container("app", &[("awslogs-group", "/g"), ("awslogs-stream-prefix", "p")]);
        assert_eq!(Follow::new(&client(), &with, "0123").unwrap().stream.as_deref(), Some("p/app/0123"));
        let without = container("app", &[("awslogs-group", "/g")]);
        let mut follow = Follow::new(&client(), &without, "0123").unwrap();
        assert_eq!(follow.stream, None);
        let running = Container {
            name: Some("app".to_owned()),
            runtime_id: Some("rid".to_owned()),
            ..Container::default()
        };
        follow.learn_name(&Task { containers: Some(vec![running]), ..Task::default() });
        assert_eq!(follow.stream.as_deref(), Some("rid"));
    }

    #[test]
    fn containers_without_awslogs_are_told() {
        let silent = ContainerDefinition { name: Some("b".to_owned()), ..ContainerDefinition::default() };
        let mut other = container("c", &[("awslogs-group", "/g")]);
        other.log_configuration = Some(LogConfiguration {
            log_driver: LogDriver::Fluentd,
            options: Some(Entries::default()),
            secret_options: None,
        });
        let definition = TaskDefinition {
            container_definitions: Some(vec![container("a", &[("awslogs-group", "/g")]), silent, other]),
            ..TaskDefinition::default()
        };
        assert_eq!(unfollowed(&definition).collect::<Vec<_>>(), ["b", "c"]);
    }

    #[test]
    fn several_containers_are_labelled() {
        let make = |name| Follow::new(&client(), &container(name, &[("awslogs-group", "/g")]), "0").unwrap();
        let mut streams = vec![make("web")];
        label(&mut streams);
        assert_eq!(streams[0].label, "");
        streams.push(make("sidecar"));
        label(&mut streams);
        assert_eq!(
            streams.iter().map(|s| s.label.as_str()).collect::<Vec<_>>(),
            ["web     | ", "sidecar | "]
        );
    }
}
