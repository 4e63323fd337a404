//! The launch plan: what has to be asked of other services before a task's containers start, in order, as data. Pure: it
//! is worked out from the task and its definition alone.

use std::borrow::Cow;

use landfall_acs::LaunchKind;
use landfall_api::ecs as api;
use landfall_base::{AccountId, Arn, Region};

use super::SERVICE_PRINCIPAL;
use super::environment::ContainerEnvironment;
use super::log_destination::{LogDestination, LogSource};
use super::problem::Purpose;
use super::value_from::{self, SecretReference, ValueFrom};
use crate::ec2::Service;
use crate::ecr::RegistryName;
use crate::ecs::image_host::EcrImage;
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
    /// The task role, override applied: an ARN.
    pub task_role: Option<&'a str>,
    /// The machine's own role, for pulls from Amazon ECR without an execution role: an ARN. Fargate has none.
    pub instance: Option<InstanceRole>,
    /// The name of this installation's registry: its images may be named by that too.
    pub registry: Option<&'a RegistryName>,
    /// The subnets that its calls come from; `None` for tasks without a network of their own.
    pub subnets: Option<&'a [String]>,
    /// Overrides as given.
    pub overrides: Option<&'a api::TaskOverride>,
    /// Log drivers without a `mode` drop lines: the account's setting.
    pub drops_log_lines: bool,
    /// Names and ids of the containers: streams without a prefix are named by id.
    pub container_ids: Vec<(&'a str, &'a str)>,
}

/// The role of a machine, as far as a launch needs it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InstanceRole {
    /// Its ARN.
    pub arn: String,
    /// The service that hands it to the machine.
    pub service: &'static str,
    /// The name of the machine's session: its id.
    pub session_name: String,
}

impl InstanceRole {
    /// The role that machines have who were set up as the Developer Guide tells: `ecsInstanceRole` on EC2,
    /// `ecsExternalInstanceRole` elsewhere. Landfall's machine has no profile to read another name from.
    pub fn of(launch: LaunchKind, account: &AccountId, instance: Option<&str>) -> Option<Self> {
        let (name, service) = match launch {
            LaunchKind::Fargate => return None,
            LaunchKind::Ec2 => ("ecsInstanceRole", "ec2.amazonaws.com"),
            LaunchKind::External => ("ecsExternalInstanceRole", "ssm.amazonaws.com"),
        };
        Some(Self {
            arn: Arn::global("iam", account.as_str(), &format!("role/{name}")).to_string(),
            service,
            session_name: instance.unwrap_or("landfall").to_owned(),
        })
    }
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
            task_role: task.task_role_arn.as_deref(),
            instance: InstanceRole::of(task.launch, &task.account, task.container_instance.as_deref()),
            registry: None,
            subnets: task.network.as_ref().map(|it| it.subnets.as_slice()),
            overrides: Some(&task.overrides.0),
            drops_log_lines: task.drops_log_lines,
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
    /// Whose networks it runs in.
    pub account: AccountId,
    /// The subnets that its calls come from.
    pub subnets: Option<Vec<String>>,
    /// Decides the wording of failures.
    pub launch: LaunchKind,
    /// The execution role.
    pub role: Option<String>,
    /// Names of the containers in definition order.
    pub containers: Vec<String>,
    /// The containers whose output goes to CloudWatch Logs.
    pub logs: Vec<LogSource>,
    /// Their drivers drop lines, where they have no `mode`.
    pub drops_log_lines: bool,
    /// The environment files of containers, for each in the order of their precedence.
    pub files: Vec<ContainerFiles>,
    /// What is known of the environment of containers that get more than the definition's own.
    pub environments: Vec<ContainerEnvironment>,
    /// The steps.
    pub steps: Vec<Step>,
}

/// The environment files of a container.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ContainerFiles {
    /// The container's name.
    pub container: String,
    /// Their objects: of a variable that is in several, the first counts.
    pub files: Vec<S3Object>,
}

/// An object of S3.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct S3Object {
    /// Bucket.
    pub bucket: String,
    /// Key.
    pub key: String,
}

impl S3Object {
    /// The object of an ARN.
    fn of(arn: &str) -> Self {
        let parsed = arn.parse::<Arn>().ok();
        let object = parsed.as_ref().map_or("", Arn::resource);
        let (bucket, key) = object.split_once('/').unwrap_or((object, ""));
        Self { bucket: bucket.to_owned(), key: key.to_owned() }
    }
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
    /// Become the task role: containers get credentials of it.
    AssumeTaskRole {
        /// Its ARN.
        role: String,
    },
    /// Become the machine's own role.
    AssumeInstanceRole(InstanceRole),
    /// Fetch a token for a registry of Amazon ECR.
    EcrToken {
        /// The account whose registry it is.
        registry: AccountId,
    },
    /// Ask Amazon ECR for an image: the role must be allowed to, the repository's policy too, and it must be there.
    EcrImage(EcrImage),
    /// Fetch a secret.
    Secret {
        /// `valueFrom`
        value_from: String,
        /// What it refers to; `None` if it makes no sense.
        reference: Option<SecretReference>,
        /// What gets the value.
        targets: Vec<Target>,
    },
    /// Fetch parameters, at most ten, all of one Region.
    Parameters(Vec<WantedParameter>),
    /// Ask where a bucket lies.
    BucketLocation {
        /// Bucket.
        bucket: String,
        /// The first file that is wanted of it.
        key: String,
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

/// A parameter and who gets its value.
#[derive(Debug, Clone, PartialEq)]
pub struct WantedParameter {
    /// `valueFrom`: a name or an ARN.
    pub value_from: String,
    /// What gets the value.
    pub targets: Vec<Target>,
}

/// What a value is for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Target {
    /// The container.
    pub container: String,
    /// The name of a variable, or of an option.
    pub name: String,
    /// Which of them.
    pub kind: TargetKind,
}

/// Kinds of [`Target`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TargetKind {
    /// A variable of the environment (`secrets`).
    Variable,
    /// An option of the log driver (`secretOptions`).
    LogOption,
}

impl Step {
    /// The step of a log driver whose options from secrets are known by now.
    pub fn with_destination(&self, to: LogDestination) -> Self {
        let LogDestination { region, group, stream, create_group } = to;
        let work = match &self.work {
            Work::LogStream { .. } => {
                let create_group = create_group && self.when == When::Always;
                Work::LogStream { group, stream, create_group }
            }
            Work::LogGroup { .. } => Work::LogGroup { group },
            other => other.clone(),
        };
        Self { region, work, ..self.clone() }
    }

    /// The service that the step calls from the task's network. On Fargate tokens of ECR are fetched over an interface of
    /// Fargate's own (Developer Guide, "task execution IAM role"); on machines everything is called from theirs.
    pub fn endpoint_service(&self, launch: LaunchKind) -> Option<Service> {
        match &self.work {
            Work::EcrToken { .. } if launch == LaunchKind::Fargate => None,
            Work::EcrToken { .. } => Some(Service::EcrApi),
            Work::EcrImage(_) => Some(Service::EcrRegistry),
            Work::RegistryCredential { .. } | Work::Secret { .. } => Some(Service::SecretsManager),
            Work::Parameters(_) => Some(Service::Ssm),
            Work::BucketLocation { .. } | Work::EnvironmentFile { .. } => Some(Service::S3),
            Work::LogStream { .. } | Work::LogGroup { .. } => Some(Service::Logs),
            Work::AssumeRole { .. } | Work::AssumeTaskRole { .. } | Work::AssumeInstanceRole(_) => None,
        }
    }

    /// What the step is for, as [`super::wording`] takes it.
    pub fn purpose(&self) -> Purpose {
        match &self.work {
            Work::AssumeRole { role } | Work::AssumeTaskRole { role } => Purpose::Role { arn: role.clone() },
            Work::RegistryCredential { parameter } => Purpose::Registry { parameter: parameter.clone() },
            Work::AssumeInstanceRole(_) | Work::EcrToken { .. } => Purpose::Ecr,
            Work::EcrImage(image) => Purpose::EcrImage(image.clone()),
            Work::Secret { value_from, reference, .. } => Purpose::Secret {
                value_from: value_from.clone(),
                secret_id: reference.as_ref().map_or_else(|| value_from.clone(), |it| it.secret_id.clone()),
            },
            Work::Parameters(_) => Purpose::Parameter { region: self.region.clone() },
            Work::BucketLocation { bucket, .. } => Purpose::Bucket { bucket: bucket.clone() },
            Work::EnvironmentFile { bucket, key } => {
                Purpose::EnvironmentFile { bucket: bucket.clone(), key: key.clone() }
            }
            Work::LogStream { .. } => Purpose::LogStream,
            Work::LogGroup { .. } => Purpose::LogGroup,
        }
    }
}

/// Works out what has to happen. The order is that of the container agent: roles, registries, secrets, environment files,
/// logs.
pub fn plan(task: &TaskFacts<'_>, definition: &api::TaskDefinition) -> LaunchPlan {
    let containers: Vec<&api::ContainerDefinition> =
        definition.container_definitions.iter().flatten().collect();
    let principal =
        task.execution_role.map_or_else(|| "no execution role".to_owned(), |role| session_arn(role, task.id));
    let planner = Planner { task, principal };
    let mut steps = Vec::new();
    steps.extend(task.execution_role.map(|role| planner.assume(role)));
    steps.extend(task.task_role.map(|role| planner.assume_task_role(role)));
    planner.registries(&containers, &mut steps);
    planner.secrets(&containers, &mut steps);
    planner.environment_files(&containers, &mut steps);
    let logs: Vec<_> = containers.iter().filter_map(|container| log_source(task, container)).collect();
    for source in &logs {
        planner.logs(source, &mut steps);
    }
    LaunchPlan {
        task_arn: task.arn.to_owned(),
        session_name: task.id.to_owned(),
        region: task.region.clone(),
        account: task.account.clone(),
        subnets: task.subnets.map(<[String]>::to_vec),
        launch: task.launch,
        role: task.execution_role.map(str::to_owned),
        containers: containers.iter().map(|it| name(it).to_owned()).collect(),
        logs,
        drops_log_lines: task.drops_log_lines,
        files: containers.iter().filter_map(|container| planner.files_of(container)).collect(),
        environments: containers.iter().filter_map(|container| planner.environment_of(container)).collect(),
        steps,
    }
}

/// Where the output of a container goes, if its driver is `awslogs`.
fn log_source(task: &TaskFacts<'_>, container: &api::ContainerDefinition) -> Option<LogSource> {
    LogSource::of(task, name(container), Cow::Borrowed(container.log_configuration.as_ref()?))
}

pub(super) fn name(container: &api::ContainerDefinition) -> &str {
    container.name.as_deref().unwrap_or_default()
}

/// The ARN that the session of a role will have.
fn session_arn(role: &str, session_name: &str) -> String {
    let Ok(arn) = role.parse::<Arn>() else { return role.to_owned() };
    let role = arn.resource().rsplit('/').next().unwrap_or_default();
    format!("arn:{}:sts::{}:assumed-role/{role}/{session_name}", arn.partition(), arn.account())
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

    fn assume_task_role(&self, role: &str) -> Step {
        let work = Work::AssumeTaskRole { role: role.to_owned() };
        Step { name: "assume task role", work, ..self.assume(role) }
    }

    /// Images of ECR need a token, once for each registry; `repositoryCredentials` do not apply to them (Developer Guide,
    /// "Using non-AWS container images"). Of the others, containers that name the same secret share it.
    fn registries(&self, containers: &[&api::ContainerDefinition], steps: &mut Vec<Step>) {
        for container in containers {
            if let Some(image) = self.ecr_image(container) {
                self.ecr(container, image, steps);
            } else if let Some(credentials) = &container.repository_credentials {
                let parameter = credentials.credentials_parameter.clone();
                share(self.registry_credential(&parameter), name(container), steps);
            }
        }
    }

    fn ecr_image(&self, container: &api::ContainerDefinition) -> Option<EcrImage> {
        EcrImage::parse_here(container.image.as_deref()?, self.task.registry)
    }

    /// Token and image, as the execution role; without one, on machines that have a role of their own, as that.
    fn ecr(&self, container: &api::ContainerDefinition, image: EcrImage, steps: &mut Vec<Step>) {
        let mut principal = self.principal.clone();
        if let (None, Some(role)) = (self.task.execution_role, &self.task.instance) {
            principal = session_arn(&role.arn, &role.session_name);
            let step =
                self.step("assume instance role", "sts:AssumeRole", Work::AssumeInstanceRole(role.clone()));
            let step = Step { principal: role.service.to_owned(), resource: role.arn.clone(), ..step };
            share(step, name(container), steps);
        }
        let work = Work::EcrToken { registry: image.account.clone() };
        let token = Step {
            principal: principal.clone(),
            region: image.region.to_string(),
            ..self.step("fetch ECR token", "ecr:GetAuthorizationToken", work)
        };
        share(token, name(container), steps);
        let grant = Step {
            principal,
            region: image.region.to_string(),
            resource: image.repository_arn(),
            ..self.step("find image in ECR", "ecr:BatchGetImage", Work::EcrImage(image))
        };
        share(grant, name(container), steps);
    }

    fn registry_credential(&self, parameter: &str) -> Step {
        let region =
            parameter.parse::<Arn>().ok().map(|arn| arn.region().to_owned()).filter(|it| !it.is_empty());
        let work = Work::RegistryCredential { parameter: parameter.to_owned() };
        let step = self.step("fetch registry credential", "secretsmanager:GetSecretValue", work);
        self.of_secret(step, parameter, region)
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

    /// One step for each distinct secret, and one for up to ten parameters of a Region; options of log drivers are fetched
    /// and fail like variables.
    fn secrets(&self, containers: &[&api::ContainerDefinition], steps: &mut Vec<Step>) {
        for container in containers {
            let variables = container.secrets.iter().flatten().map(|secret| (secret, TargetKind::Variable));
            let options =
                container.log_configuration.iter().flat_map(|it| it.secret_options.iter().flatten());
            let options = options.map(|secret| (secret, TargetKind::LogOption));
            for (secret, kind) in variables.chain(options) {
                let at = self.source(&secret.value_from, steps);
                let Some(step) = steps.get_mut(at) else { continue };
                if !step.containers.iter().any(|it| it == name(container)) {
                    step.containers.push(name(container).to_owned());
                }
                let target =
                    Target { container: name(container).to_owned(), name: secret.name.clone(), kind };
                add_target(step, &secret.value_from, target);
            }
        }
    }

    /// Where the step is that fetches this `valueFrom`; it is added if there is none.
    fn source(&self, value_from: &str, steps: &mut Vec<Step>) -> usize {
        if let Some(at) = steps.iter().position(|step| is_from(step, value_from)) {
            return at;
        }
        let region = match value_from::parse(value_from) {
            ValueFrom::Parameter(region) => region.unwrap_or_else(|| self.task.region.to_string()),
            _ => {
                steps.push(self.secret(value_from));
                return steps.len() - 1;
            }
        };
        let room = |step: &Step| {
            step.region == region
                && matches!(&step.work, Work::Parameters(wanted) if wanted.len() < MOST_PARAMETERS)
        };
        let arn = self.parameter_arn(value_from);
        let wanted = WantedParameter { value_from: value_from.to_owned(), targets: Vec::new() };
        if let Some(at) = steps.iter().position(room)
            && let Some(step) = steps.get_mut(at)
            && let Work::Parameters(all) = &mut step.work
        {
            all.push(wanted);
            step.resource = format!("{}, {arn}", step.resource);
            return at;
        }
        let step = self.step("fetch parameters", "ssm:GetParameters", Work::Parameters(vec![wanted]));
        steps.push(Step { resource: arn, region, ..step });
        steps.len() - 1
    }

    fn secret(&self, value_from: &str) -> Step {
        let owned = value_from.to_owned();
        let reference = match value_from::parse(value_from) {
            ValueFrom::Parameter(_) | ValueFrom::Malformed => None,
            ValueFrom::Secret(reference) => Some(reference),
        };
        let work = Work::Secret { value_from: owned, reference: reference.clone(), targets: Vec::new() };
        let step = self.step("fetch secret", "secretsmanager:GetSecretValue", work);
        let Some(reference) = reference else { return Step { resource: value_from.to_owned(), ..step } };
        let mut step = self.of_secret(step, &reference.secret_id, reference.region);
        step.context.extend(reference.version_stage.map(|it| ("secretsmanager:VersionStage", it)));
        step.context.extend(reference.version_id.map(|it| ("secretsmanager:VersionId", it)));
        step
    }

    fn parameter_arn(&self, value_from: &str) -> String {
        match value_from.parse::<Arn>() {
            Ok(_) => value_from.to_owned(),
            Err(_) => {
                let resource = format!("parameter/{}", value_from.trim_start_matches('/'));
                Arn::new("ssm", self.task.region, self.task.account, &resource).to_string()
            }
        }
    }

    /// Each file is asked for once, and where its bucket lies before that.
    fn environment_files(&self, containers: &[&api::ContainerDefinition], steps: &mut Vec<Step>) {
        for container in containers {
            for file in self.listed_files(container) {
                self.environment_file(name(container), &file.value, steps);
            }
        }
    }

    fn files_of(&self, container: &api::ContainerDefinition) -> Option<ContainerFiles> {
        let files: Vec<_> =
            self.listed_files(container).iter().map(|file| S3Object::of(&file.value)).collect();
        (!files.is_empty()).then(|| ContainerFiles { container: name(container).to_owned(), files })
    }

    fn environment_of(&self, container: &api::ContainerDefinition) -> Option<ContainerEnvironment> {
        let has_files = !self.listed_files(container).is_empty();
        let more = has_files || container.secrets.as_ref().is_some_and(|it| !it.is_empty());
        more.then(|| ContainerEnvironment::of(container, self.task.overrides, has_files))
    }

    /// An override replaces the definition's list (Developer Guide, "Environment files").
    fn listed_files<'c>(&'c self, container: &'c api::ContainerDefinition) -> &'c [api::EnvironmentFile] {
        let overrides = self.task.overrides.iter().flat_map(|it| it.container_overrides.iter().flatten());
        let over = overrides.filter(|it| it.name.as_deref() == Some(name(container)));
        let files = over.filter_map(|it| it.environment_files.as_ref()).next_back();
        files.or(container.environment_files.as_ref()).map_or(&[], Vec::as_slice)
    }

    fn environment_file(&self, container: &str, arn: &str, steps: &mut Vec<Step>) {
        let S3Object { bucket, key } = S3Object::of(arn);
        let of_bucket =
            |it: &Step| matches!(&it.work, Work::BucketLocation { bucket: other, .. } if *other == bucket);
        if !steps.iter().any(of_bucket) {
            let work = Work::BucketLocation { bucket: bucket.clone(), key: key.clone() };
            let step = self.step("locate bucket", "s3:GetBucketLocation", work);
            let resource = arn.split('/').next().unwrap_or(arn).to_owned();
            steps.push(Step { containers: vec![container.to_owned()], resource, ..step });
        }
        let work = Work::EnvironmentFile { bucket, key };
        let step = self.step("fetch environment file", "s3:GetObject", work);
        share(Step { resource: arn.to_owned(), ..step }, container, steps);
    }

    /// As the log driver does it: the stream first; the group only if it is missing and may be created, and then the
    /// stream again. So a role that may not create groups can use one that exists.
    fn logs(&self, source: &LogSource, steps: &mut Vec<Step>) {
        let LogDestination { region, group, stream, create_group } = source.destination(&[]);
        let group_arn = self.log_group_arn(&region, &group);
        let stream_arn = format!("{group_arn}:log-stream:{stream}");
        let for_container = |step: Step, resource: &str, when| Step {
            containers: vec![source.container.clone()],
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
        if source.may_create_group() {
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

/// Most names of one GetParameters.
const MOST_PARAMETERS: usize = 10;

/// Whether a step fetches this `valueFrom`.
fn is_from(step: &Step, wanted: &str) -> bool {
    match &step.work {
        Work::Secret { value_from, .. } => value_from == wanted,
        Work::Parameters(all) => all.iter().any(|it| it.value_from == wanted),
        _ => false,
    }
}

/// Adds who gets what a step fetches from there.
fn add_target(step: &mut Step, wanted: &str, target: Target) {
    match &mut step.work {
        Work::Secret { targets, .. } => targets.push(target),
        Work::Parameters(all) => {
            all.iter_mut()
                .filter(|it| it.value_from == wanted)
                .for_each(|it| it.targets.push(target.clone()));
        }
        _ => {}
    }
}

/// Adds a step for a container, or the container to the same step if it is there.
fn share(step: Step, container: &str, steps: &mut Vec<Step>) {
    match steps.iter_mut().find(|it| it.work == step.work) {
        Some(step) if step.containers.iter().any(|it| it == container) => {}
        Some(step) => step.containers.push(container.to_owned()),
        None => steps.push(Step { containers: vec![container.to_owned()], ..step }),
    }
}

#[cfg(test)]
#[path = "plan_tests.rs"]
mod tests;
