//! The launch plan: what has to be asked of other services before a task's containers start, in order, as data. Pure: it
//! is worked out from the task and its definition alone.

use landfall_acs::LaunchKind;
use landfall_api::ecs as api;
use landfall_base::{AccountId, Arn, Region};

use super::SERVICE_PRINCIPAL;
use super::log_destination::{LogDestination, log_destination};
use super::problem::Purpose;
use super::value_from::{self, SecretReference, ValueFrom};
use crate::ecs::image_host::is_ecr;
use crate::ecs::record::Task;

/// What the plan needs to know of a task beside its definition. A task that does not exist yet has such facts too.
#[derive(Debug, Clone)]
pub struct TaskFacts<'a> {
    /// The task's ARN.
    pub arn: &'a str,
    /// Its id: the name of the role's session.
    pub id: &'a str,
    /// Its account.
    pub account: &'a AccountId,
    /// Its Region.
    pub region: &'a Region,
    /// Its kind of capacity.
    pub launch: LaunchKind,
    /// The execution role, override applied: an ARN.
    pub execution_role: Option<&'a str>,
    /// Overrides as given.
    pub overrides: Option<&'a api::TaskOverride>,
    /// Names and ids of the containers: streams without a prefix are named by id.
    pub container_ids: Vec<(&'a str, &'a str)>,
}

impl<'a> From<&'a Task> for TaskFacts<'a> {
    fn from(task: &'a Task) -> Self {
        Self {
            arn: &task.arn,
            id: &task.id,
            account: &task.account,
            region: &task.region,
            launch: task.launch,
            execution_role: task.execution_role_arn.as_deref(),
            overrides: Some(&task.overrides.0),
            container_ids: task.containers.iter().map(|it| (it.name.as_str(), it.id.as_str())).collect(),
        }
    }
}

/// Everything that has to happen before a task's containers start, in order.
#[derive(Debug, Clone, PartialEq)]
pub struct LaunchPlan {
    /// The task.
    pub task_arn: String,
    /// Name of the role's session.
    pub session_name: String,
    /// Where the task runs.
    pub region: Region,
    /// Decides the wording of failures.
    pub launch: LaunchKind,
    /// The execution role.
    pub role: Option<String>,
    /// Names of the containers in definition order.
    pub containers: Vec<String>,
    /// The steps.
    pub steps: Vec<Step>,
}

/// One step.
#[derive(Debug, Clone, PartialEq)]
pub struct Step {
    /// In a few words.
    pub name: &'static str,
    /// The containers it is for; empty if it is for the whole task.
    pub containers: Vec<String>,
    /// Who takes it.
    pub principal: String,
    /// The IAM action.
    pub action: &'static str,
    /// What it is done to. For a secret that is named in part, the ARN as far as it is known.
    pub resource: String,
    /// Where. Not always the name of a Region: it may come from a task definition.
    pub region: String,
    /// Condition keys that the call will have, beside the global ones.
    pub context: Vec<(&'static str, String)>,
    /// Whether the step is taken.
    pub when: When,
    /// What to do.
    pub work: Work,
}

/// Whether a step is taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum When {
    /// In any case.
    Always,
    /// Only if the log group turned out to be missing.
    LogGroupMissing,
}

/// What a step does.
#[derive(Debug, Clone, PartialEq)]
pub enum Work {
    /// Become the execution role.
    AssumeRole {
        /// Its ARN.
        role: String,
    },
    /// Fetch a registry credential and check its content.
    RegistryCredential {
        /// `credentialsParameter`, handed on as it is.
        parameter: String,
    },
    /// Fetch a token for Amazon ECR.
    EcrToken,
    /// Fetch a secret.
    Secret {
        /// `valueFrom`
        value_from: String,
        /// What it refers to; `None` if it makes no sense.
        reference: Option<SecretReference>,
        /// Container and variable that get the value.
        variables: Vec<(String, String)>,
    },
    /// Fetch a parameter.
    Parameter {
        /// `valueFrom`
        value_from: String,
    },
    /// Fetch an environment file.
    EnvironmentFile {
        /// Bucket.
        bucket: String,
        /// Key.
        key: String,
    },
    /// Create a log stream; one that exists is as good.
    LogStream {
        /// Log group.
        group: String,
        /// Log stream.
        stream: String,
        /// A missing group is created.
        create_group: bool,
    },
    /// Create a log group; one that exists is as good.
    LogGroup {
        /// Log group.
        group: String,
    },
}

impl Step {
    /// What the step is for, as [`super::wording`] takes it.
    pub fn purpose(&self) -> Purpose {
        match &self.work {
            Work::AssumeRole { role } => Purpose::Role { arn: role.clone() },
            Work::RegistryCredential { parameter } => Purpose::Registry { parameter: parameter.clone() },
            Work::EcrToken => Purpose::Ecr,
            Work::Secret { value_from, reference, .. } => Purpose::Secret {
                value_from: value_from.clone(),
                secret_id: reference.as_ref().map_or_else(|| value_from.clone(), |it| it.secret_id.clone()),
            },
            Work::Parameter { .. } => Purpose::Parameter { region: self.region.clone() },
            Work::EnvironmentFile { bucket, key } => {
                Purpose::EnvironmentFile { bucket: bucket.clone(), key: key.clone() }
            }
            Work::LogStream { .. } => Purpose::LogStream,
            Work::LogGroup { .. } => Purpose::LogGroup,
        }
    }
}

/// Works out what has to happen. The order is that of the container agent: role, registries, secrets, environment files,
/// logs.
pub fn plan(task: &TaskFacts<'_>, definition: &api::TaskDefinition) -> LaunchPlan {
    let containers: Vec<&api::ContainerDefinition> =
        definition.container_definitions.iter().flatten().collect();
    let planner = Planner { task, principal: session_arn(task) };
    let mut steps = Vec::new();
    steps.extend(task.execution_role.map(|role| planner.assume(role)));
    planner.registries(&containers, &mut steps);
    planner.secrets(&containers, &mut steps);
    for container in &containers {
        planner.environment_files(container, &mut steps);
    }
    for container in &containers {
        planner.logs(container, &mut steps);
    }
    LaunchPlan {
        task_arn: task.arn.to_owned(),
        session_name: task.id.to_owned(),
        region: task.region.clone(),
        launch: task.launch,
        role: task.execution_role.map(str::to_owned),
        containers: containers.iter().map(|it| name(it).to_owned()).collect(),
        steps,
    }
}

pub(super) fn name(container: &api::ContainerDefinition) -> &str {
    container.name.as_deref().unwrap_or_default()
}

/// The ARN that the execution role's session will have.
fn session_arn(task: &TaskFacts<'_>) -> String {
    let Some(role) = task.execution_role else { return "no execution role".to_owned() };
    let Ok(arn) = role.parse::<Arn>() else { return role.to_owned() };
    let role = arn.resource().rsplit('/').next().unwrap_or_default();
    format!("arn:{}:sts::{}:assumed-role/{role}/{}", arn.partition(), arn.account(), task.id)
}

struct Planner<'a> {
    task: &'a TaskFacts<'a>,
    principal: String,
}

impl Planner<'_> {
    fn step(&self, name: &'static str, action: &'static str, work: Work) -> Step {
        Step {
            name,
            containers: Vec::new(),
            principal: self.principal.clone(),
            action,
            resource: "*".to_owned(),
            region: self.task.region.to_string(),
            context: Vec::new(),
            when: When::Always,
            work,
        }
    }

    fn assume(&self, role: &str) -> Step {
        let account = role.parse::<Arn>().map_or_else(|_| String::new(), |arn| arn.account().to_owned());
        Step {
            principal: SERVICE_PRINCIPAL.to_owned(),
            resource: role.to_owned(),
            context: vec![
                ("aws:SourceArn", self.task.arn.to_owned()),
                ("aws:SourceAccount", account),
                ("sts:RoleSessionName", self.task.id.to_owned()),
            ],
            ..self.step("assume execution role", "sts:AssumeRole", Work::AssumeRole { role: role.to_owned() })
        }
    }

    /// Images of ECR need a token, once for all of them; `repositoryCredentials` do not apply to them (Developer Guide,
    /// "Using non-AWS container images"). Of the others, containers that name the same secret share it.
    fn registries(&self, containers: &[&api::ContainerDefinition], steps: &mut Vec<Step>) {
        for container in containers {
            let ecr = container.image.as_deref().is_some_and(is_ecr);
            let work = match &container.repository_credentials {
                _ if ecr => Work::EcrToken,
                Some(credentials) => {
                    Work::RegistryCredential { parameter: credentials.credentials_parameter.clone() }
                }
                None => continue,
            };
            match steps.iter_mut().find(|step| step.work == work) {
                Some(step) => step.containers.push(name(container).to_owned()),
                None => {
                    steps.push(Step { containers: vec![name(container).to_owned()], ..self.registry(work) });
                }
            }
        }
    }

    fn registry(&self, work: Work) -> Step {
        let Work::RegistryCredential { parameter } = &work else {
            return self.step("fetch ECR token", "ecr:GetAuthorizationToken", work);
        };
        let region =
            parameter.parse::<Arn>().ok().map(|arn| arn.region().to_owned()).filter(|it| !it.is_empty());
        let parameter = parameter.clone();
        let step = self.step("fetch registry credential", "secretsmanager:GetSecretValue", work);
        self.of_secret(step, &parameter, region)
    }

    fn of_secret(&self, step: Step, secret_id: &str, region: Option<String>) -> Step {
        let resource = match secret_id.parse::<Arn>() {
            Ok(_) => secret_id.to_owned(),
            Err(_) => {
                let resource = format!("secret:{secret_id}");
                Arn::new("secretsmanager", self.task.region, self.task.account, &resource).to_string()
            }
        };
        Step {
            context: vec![("secretsmanager:SecretId", resource.clone())],
            resource,
            region: region.unwrap_or_else(|| self.task.region.to_string()),
            ..step
        }
    }

    /// One step for each distinct `valueFrom`; options of log drivers are fetched too and fail like variables.
    fn secrets(&self, containers: &[&api::ContainerDefinition], steps: &mut Vec<Step>) {
        for container in containers {
            let variables = container.secrets.iter().flatten().map(|secret| (secret, true));
            let options =
                container.log_configuration.iter().flat_map(|it| it.secret_options.iter().flatten());
            for (secret, variable) in variables.chain(options.map(|secret| (secret, false))) {
                let target = variable.then(|| (name(container).to_owned(), secret.name.clone()));
                let known = steps.iter().position(|step| is_from(step, &secret.value_from));
                let at = known.unwrap_or(steps.len());
                if known.is_none() {
                    steps.push(self.secret(&secret.value_from));
                }
                let Some(step) = steps.get_mut(at) else { continue };
                if !step.containers.iter().any(|it| it == name(container)) {
                    step.containers.push(name(container).to_owned());
                }
                if let Work::Secret { variables, .. } = &mut step.work {
                    variables.extend(target);
                }
            }
        }
    }

    fn secret(&self, value_from: &str) -> Step {
        let owned = value_from.to_owned();
        let reference = match value_from::parse(value_from) {
            ValueFrom::Parameter(region) => return self.parameter(value_from, region),
            ValueFrom::Malformed => None,
            ValueFrom::Secret(reference) => Some(reference),
        };
        let work = Work::Secret { value_from: owned, reference: reference.clone(), variables: Vec::new() };
        let step = self.step("fetch secret", "secretsmanager:GetSecretValue", work);
        let Some(reference) = reference else { return Step { resource: value_from.to_owned(), ..step } };
        let mut step = self.of_secret(step, &reference.secret_id, reference.region);
        step.context.extend(reference.version_stage.map(|it| ("secretsmanager:VersionStage", it)));
        step.context.extend(reference.version_id.map(|it| ("secretsmanager:VersionId", it)));
        step
    }

    fn parameter(&self, value_from: &str, region: Option<String>) -> Step {
        let resource = match value_from.parse::<Arn>() {
            Ok(_) => value_from.to_owned(),
            Err(_) => {
                let resource = format!("parameter/{}", value_from.trim_start_matches('/'));
                Arn::new("ssm", self.task.region, self.task.account, &resource).to_string()
            }
        };
        let work = Work::Parameter { value_from: value_from.to_owned() };
        let region = region.unwrap_or_else(|| self.task.region.to_string());
        Step { resource, region, ..self.step("fetch parameter", "ssm:GetParameters", work) }
    }

    /// An override replaces the definition's list (Developer Guide, "Environment files").
    fn environment_files(&self, container: &api::ContainerDefinition, steps: &mut Vec<Step>) {
        let overrides = self.task.overrides.iter().flat_map(|it| it.container_overrides.iter().flatten());
        let over = overrides.filter(|it| it.name.as_deref() == Some(name(container)));
        let files = over.filter_map(|it| it.environment_files.as_ref()).next_back();
        for file in files.or(container.environment_files.as_ref()).into_iter().flatten() {
            let object =
                file.value.parse::<Arn>().map_or_else(|_| file.value.clone(), |it| it.resource().to_owned());
            let (bucket, key) = object.split_once('/').unwrap_or((&object, ""));
            let work = Work::EnvironmentFile { bucket: bucket.to_owned(), key: key.to_owned() };
            steps.push(Step {
                containers: vec![name(container).to_owned()],
                resource: file.value.clone(),
                ..self.step("fetch environment file", "s3:GetObject", work)
            });
        }
    }

    /// As the log driver does it: the stream first; the group only if it is missing and may be created, and then the
    /// stream again. So a role that may not create groups can use one that exists.
    fn logs(&self, container: &api::ContainerDefinition, steps: &mut Vec<Step>) {
        let Some(destination) = log_destination(self.task, container) else { return };
        let LogDestination { region, group, stream, create_group } = destination;
        let group_arn = self.log_group_arn(&region, &group);
        let stream_arn = format!("{group_arn}:log-stream:{stream}");
        let for_container = |step: Step, resource: &str, when| Step {
            containers: vec![name(container).to_owned()],
            resource: resource.to_owned(),
            region: region.clone(),
            when,
            ..step
        };
        let create = |create_group| {
            let work = Work::LogStream { group: group.clone(), stream: stream.clone(), create_group };
            self.step("create log stream", "logs:CreateLogStream", work)
        };
        steps.push(for_container(create(create_group), &stream_arn, When::Always));
        if create_group {
            let work = Work::LogGroup { group: group.clone() };
            let step = self.step("create log group", "logs:CreateLogGroup", work);
            steps.push(for_container(step, &group_arn, When::LogGroupMissing));
            steps.push(for_container(create(false), &stream_arn, When::LogGroupMissing));
        }
    }

    /// Log groups lie in the account of the role that writes to them.
    fn log_group_arn(&self, region: &str, group: &str) -> String {
        let role = self.task.execution_role.and_then(|role| role.parse::<Arn>().ok());
        let account = role.and_then(|arn| arn.account_id()).unwrap_or_else(|| self.task.account.clone());
        let partition = self.task.region.partition();
        format!("arn:{partition}:logs:{region}:{account}:log-group:{group}")
    }
}

/// Whether a step fetches this `valueFrom`.
fn is_from(step: &Step, wanted: &str) -> bool {
    match &step.work {
        Work::Secret { value_from, .. } | Work::Parameter { value_from } => value_from == wanted,
        _ => false,
    }
}

#[cfg(test)]
#[path = "plan_tests.rs"]
mod tests;
