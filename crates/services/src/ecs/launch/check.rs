//! Whether a task definition would start: its rules, the machine's room, the launch plan taken dry, and its images asked
//! for. Everything that is wrong is told, not the first thing alone.

use landfall_acs::{
    Cause, ContainerSheet, Finding, Fix, ImageQuestion, LaunchKind, NOT_ASKED, Probed, Program,
    RegistryCredential, Seen, StepOutcome, StepRecord,
};
use landfall_api::ecs::{self as api, Compatibility, NetworkMode};
use landfall_base::Arn;
use landfall_shape::ServiceError;
use landfall_store::View;

use super::circumstances::logins;
use super::execute::look;
use super::in_image;
use super::plan::{InstanceRole, LaunchPlan, TaskFacts, Work, plan};
use crate::ecs::image_host::EcrImage;
use crate::ecs::lookup::{self, FoundCluster, FoundRole, home};
use crate::ecs::machine;
use crate::ecs::names::{DEFAULT_CLUSTER, is_resource_name};
use crate::ecs::ops::{demands_on_this_machine, passes};
use crate::ecs::rules::assignment::platform;
use crate::ecs::rules::placement::{Demand, Machine, Shortage, demand, place};
use crate::ecs::rules::run::check_supported;
use crate::ecs::rules::task_definition;
use crate::pipe::{Calls, Context, Failure, Permission};

/// The step that looks into an image.
const LOOK: &str = "look into image";
/// The id of a task that does not exist: in the names of sessions and log streams.
const TASK_ID: &str = "00000000000000000000000000000000";

/// What is to be checked.
#[derive(Debug)]
pub struct Question {
    definition: api::RegisterTaskDefinitionRequest,
    launch: LaunchKind,
    cluster: Option<FoundCluster>,
    roles: Vec<FoundRole>,
    /// Roles whose names are none.
    invalid: Vec<ServiceError>,
    images: bool,
    /// Where the tasks would run.
    subnets: Vec<String>,
    /// The execution role is none yet: what it may is not known, what it would fetch is.
    new_role: bool,
}

/// What was found.
#[derive(Debug)]
pub struct Answer {
    /// The launch type that was meant.
    pub launch: LaunchKind,
    /// Every step, with what is wrong.
    pub steps: Vec<StepRecord>,
}

impl Question {
    /// A question about a task definition. Its roles and the cluster are looked up.
    ///
    /// # Errors
    /// A row cannot be read.
    pub fn new(
        cx: &Context<'_>,
        view: &View,
        mut definition: api::RegisterTaskDefinitionRequest,
        launch: Option<LaunchKind>,
        cluster: Option<&str>,
        images: bool,
    ) -> Result<Self, Failure> {
        let launch = launch.unwrap_or_else(|| launch_of(&definition));
        let (mut roles, mut invalid) = (Vec::new(), Vec::new());
        for role in [&mut definition.execution_role_arn, &mut definition.task_role_arn] {
            let Some(given) = role.take().filter(|given| !given.is_empty()) else { continue };
            match task_definition::complete_role(&given, home(cx)) {
                Ok(arn) => {
                    let found = lookup::role(view, home(cx), arn)?;
                    *role = Some(found.arn.to_string());
                    roles.push(found);
                }
                Err(error) => invalid.push(error),
            }
        }
        let cluster = cluster.map(|name| lookup::cluster(cx, view, Some(name))).transpose()?;
        Ok(Self { definition, launch, cluster, roles, invalid, images, subnets: Vec::new(), new_role: false })
    }

    /// Asked about tasks in these subnets, not in the default VPC.
    #[must_use]
    pub fn in_subnets(self, subnets: Vec<String>) -> Self {
        Self { subnets, ..self }
    }

    /// Asked about tasks whose execution role is made with them. What it would fetch is looked at as the one who asks.
    #[must_use]
    pub fn with_new_execution_role(self, new: bool) -> Self {
        Self { new_role: new && self.definition.execution_role_arn.is_none(), ..self }
    }

    /// Whoever asks must be allowed to pass the roles: the answer shows what they may read.
    pub fn permissions(&self, cx: &Context<'_>) -> Vec<Permission> {
        let family = home(cx).task_definition(&self.definition.family, "*");
        passes(&self.roles.iter().cloned().map(Some).collect::<Vec<_>>(), family.as_str())
    }

    /// Finds everything. It may block.
    ///
    /// # Errors
    /// A row cannot be read.
    pub fn answer(mut self, cx: &Context<'_>, view: &View) -> Result<Answer, Failure> {
        if self.new_role {
            self.definition.execution_role_arn = Some(new_role(cx));
        }
        let mut steps = Vec::new();
        let told = |message: String, cause, resource: &str| rule(cx, message, cause, resource);
        steps.extend(self.invalid.iter().map(|it| told(it.message.clone(), Cause::Configuration, "roles")));
        if let Some(cluster) = &self.cluster
            && let Err(error) = cluster.active()
        {
            let step = told(error.message, Cause::Configuration, cluster.reference.arn.as_str());
            steps.push(in_words(step, no_cluster(cluster.reference.name.as_deref())));
        }
        let rules = task_definition::check_all(&self.definition);
        let sound = rules.is_empty();
        let family = self.definition.family.clone();
        steps.extend(rules.into_iter().map(|it| told(it.message, Cause::Configuration, &family)));
        let launch = self.launch;
        let request = self.definition;
        let definition = match sound {
            true => task_definition::fill(request, cx.caller.arn(), cx.now)?,
            false => unfilled(request),
        };
        if sound && let Err(error) = check_supported(&api::RunTaskRequest::default(), &definition) {
            steps.push(told(error.message, Cause::Configuration, &family));
        }
        if sound && launch != LaunchKind::Fargate {
            let room = room(cx, view, &definition)?;
            if room.is_none() && cx.installation.origin.is_none() {
                steps.extend(of_this_machine(cx, &definition));
            }
            steps.extend(room);
        }
        let cluster =
            self.cluster.as_ref().and_then(|it| it.reference.name.as_deref()).unwrap_or(DEFAULT_CLUSTER);
        let arn = home(cx).task(cluster, TASK_ID).to_string();
        let instance = machine::instance_id(home(cx), cluster);
        let facts = TaskFacts {
            arn: &arn,
            id: TASK_ID,
            account: cx.account(),
            region: cx.region(),
            launch,
            execution_role: definition.execution_role_arn.as_deref(),
            task_role: definition.task_role_arn.as_deref(),
            instance: InstanceRole::of(launch, cx.account(), Some(&instance)),
            registry: Some(&cx.installation.registry),
            subnets: (definition.network_mode == Some(NetworkMode::Awsvpc))
                .then_some(self.subnets.as_slice()),
            overrides: None,
            container_ids: Vec::new(),
        };
        let calls = Calls::new(cx.installation, crate::TABLES);
        let mut plan = plan(&facts, &definition);
        if self.new_role {
            as_the_reader(cx, &mut plan);
        }
        let mut looked = look(calls, &plan, cx.caller);
        logins(view, &facts, &definition, &mut looked.sheets);
        steps.extend(looked.steps);
        let probed = if self.images { images(cx, &definition, launch, &looked.sheets) } else { Vec::new() };
        for container in definition.container_definitions.iter().flatten() {
            let seen = probed.iter().find(|(name, _)| Some(name) == container.name.as_ref());
            steps.extend(seen.into_iter().flat_map(|(_, probed)| probed.steps.iter().cloned()));
            steps.extend(in_image(cx, container, seen.map_or(Seen::Nothing, |(_, probed)| probed.seen)));
        }
        Ok(Answer { launch, steps })
    }
}

/// Stands for a role that is none yet.
fn new_role(cx: &Context<'_>) -> String {
    Arn::global("iam", cx.account().as_str(), "role/landfall-unknown").to_string()
}

/// Nobody can become a role that is none yet: who asks takes the steps himself.
fn as_the_reader(cx: &Context<'_>, plan: &mut LaunchPlan) {
    plan.steps.retain(|step| !matches!(step.work, Work::AssumeRole { .. }));
    for step in &mut plan.steps {
        if !matches!(step.work, Work::AssumeTaskRole { .. } | Work::AssumeInstanceRole(_)) {
            step.principal = cx.caller.arn();
        }
    }
}

/// The launch type that a definition is for: Fargate where it says so or looks like it.
fn launch_of(definition: &api::RegisterTaskDefinitionRequest) -> LaunchKind {
    let kinds: Vec<_> = definition.requires_compatibilities.iter().flatten().collect();
    let awsvpc = definition.network_mode == Some(NetworkMode::Awsvpc);
    if kinds.contains(&&Compatibility::Fargate) || (kinds.is_empty() && awsvpc && definition.cpu.is_some()) {
        LaunchKind::Fargate
    } else if kinds.first() == Some(&&Compatibility::External) {
        LaunchKind::External
    } else {
        LaunchKind::Ec2
    }
}

/// Enough of a definition that is refused to look for what else is wrong.
fn unfilled(request: api::RegisterTaskDefinitionRequest) -> api::TaskDefinition {
    api::TaskDefinition {
        family: Some(request.family),
        container_definitions: Some(request.container_definitions),
        execution_role_arn: request.execution_role_arn,
        task_role_arn: request.task_role_arn,
        network_mode: request.network_mode,
        runtime_platform: request.runtime_platform,
        ..Default::default()
    }
}

/// A step that failed by a rule: the service's own words say what is wrong.
fn rule(cx: &Context<'_>, message: String, cause: Cause, resource: &str) -> StepRecord {
    StepRecord {
        name: "check task definition".to_owned(),
        container: None,
        principal: cx.caller.arn(),
        action: "ecs:RegisterTaskDefinition".to_owned(),
        resource: resource.to_owned(),
        started_at: cx.now,
        duration_ms: 0,
        outcome: StepOutcome::Failed(message.clone()),
        notes: Vec::new(),
        hint: None,
        finding: Some(Finding {
            headline: message.clone(),
            cause,
            message,
            fix: Some(Fix::advice("correct the task definition")),
        }),
        context: Vec::new(),
        decision: None,
    }
}

/// What is wrong and what to do, in words of ours; the service's own stay beside them.
fn in_words(step: StepRecord, (headline, fix): (String, Fix)) -> StepRecord {
    let finding = step.finding.map(|it| Finding { headline, fix: Some(fix), ..it });
    StepRecord { finding, ..step }
}

fn no_cluster(name: Option<&str>) -> (String, Fix) {
    let advice = "create it, or name one that there is";
    match name.filter(|name| is_resource_name(name)) {
        Some(name) => {
            let command = format!("aws ecs create-cluster --cluster-name {name}");
            (format!("there is no active cluster `{name}`"), Fix::command(advice, command))
        }
        None => ("there is no such active cluster".to_owned(), Fix::advice(advice)),
    }
}

fn shortage_of(shortage: Shortage, machine: Machine, wanted: &Demand) -> (String, Fix) {
    let (what, fix) = match shortage {
        Shortage::Cpu => (
            format!(
                "the task wants {} CPU units, and of the machine's {} not as many are free",
                wanted.cpu, machine.cpu
            ),
            "lower `cpu`, or stop other tasks",
        ),
        Shortage::Memory => (
            format!(
                "the task wants {} MiB of memory, and of the machine's {} not as many are free",
                wanted.memory, machine.memory
            ),
            "lower `memory` or `memoryReservation`, or stop other tasks",
        ),
        Shortage::Ports => (
            "a port of the host that the task wants is taken".to_owned(),
            "leave `hostPort` out, or stop the task that uses the port",
        ),
    };
    (what, Fix::advice(fix))
}

/// Whether the machine has room beside what runs there.
fn room(
    cx: &Context<'_>,
    view: &View,
    definition: &api::TaskDefinition,
) -> Result<Option<StepRecord>, Failure> {
    let size =
        |text: Option<&str>, read: fn(&str) -> Result<u32, ServiceError>| text.and_then(|it| read(it).ok());
    let cpu = size(definition.cpu.as_deref(), task_definition::task_cpu);
    let memory = size(definition.memory.as_deref(), task_definition::task_memory);
    let wanted = demand(definition, cpu, memory);
    let (machine, there) = match &cx.installation.origin {
        Some(origin) => (origin.machine, origin.taken.clone()),
        None => (machine::this_machine(), demands_on_this_machine(view)?),
    };
    let shortage = place(machine, &there, &wanted).err();
    Ok(shortage.map(|shortage| {
        let step = rule(cx, shortage.reason().to_owned(), Cause::Capacity, "this machine");
        StepRecord {
            name: "place task".to_owned(),
            action: "ecs:RunTask".to_owned(),
            ..in_words(step, shortage_of(shortage, machine, &wanted))
        }
    }))
}

/// What the machine says: ports that somebody else has, and kernel parameters that there are not.
fn of_this_machine(cx: &Context<'_>, definition: &api::TaskDefinition) -> Vec<StepRecord> {
    let containers = definition.container_definitions.iter().flatten();
    let found = containers.flat_map(|container| {
        let name = container.name.as_deref().unwrap_or_default();
        let port = machine::taken_port(container).map(|port| {
            let (headline, fix) = machine::another_port(container, port);
            (name, Cause::Capacity, headline, fix)
        });
        let parameter = machine::unknown_parameter(container).map(|parameter| {
            let (headline, fix) = machine::without_parameter(container, parameter);
            (name, Cause::Configuration, headline, fix)
        });
        port.into_iter().chain(parameter)
    });
    let steps = found.map(|(name, cause, headline, fix)| {
        let step = rule(cx, headline.clone(), cause, "this machine");
        let step =
            StepRecord { name: "look at machine".to_owned(), container: Some(name.to_owned()), ..step };
        in_words(step, (headline, fix))
    });
    steps.collect()
}

/// Asks the registries for the images, all at once: each container's name, and what came of it. Those of Amazon ECR were
/// asked for their token and manifest by the plan. Where a credential is wanted and could not be had, asking without it would
/// only add a second failure.
fn images(
    cx: &Context<'_>,
    definition: &api::TaskDefinition,
    launch: LaunchKind,
    sheets: &[ContainerSheet],
) -> Vec<(String, Probed)> {
    let mut asked = Vec::new();
    let mut probed = Vec::new();
    for container in definition.container_definitions.iter().flatten() {
        let image = container.image.clone().unwrap_or_default();
        let name = container.name.clone().unwrap_or_default();
        let sheet = sheets.iter().find(|it| it.name == name);
        let manifest = sheet.and_then(|it| it.manifest.clone());
        let ecr = EcrImage::parse_here(&image, Some(&cx.installation.registry)).is_some();
        let credential: Option<RegistryCredential> = sheet.and_then(|it| it.registry.clone());
        if image.is_empty() || (ecr && (manifest.is_none() || credential.is_none())) {
            continue;
        }
        if !ecr && container.repository_credentials.is_some() && credential.is_none() {
            probed.push((name.clone(), not_asked(cx, name, image)));
            continue;
        }
        let (Some(probe), Ok(runtime)) =
            (cx.installation.images.get(), tokio::runtime::Handle::try_current())
        else {
            let known = ecr || cx.installation.origin.is_none();
            probed.extend((!known).then(|| (name.clone(), not_asked(cx, name, image))));
            continue;
        };
        let platform = platform(definition.runtime_platform.as_ref());
        let question = ImageQuestion {
            login: sheet.and_then(|it| it.login.clone()),
            program: program(container),
            container: name.clone(),
            image,
            address: sheet.and_then(|it| it.image.clone()),
            platform,
            launch,
            credential,
            manifest,
        };
        let probe = std::sync::Arc::clone(probe);
        let answer = runtime.spawn(async move { probe.probe(question).await });
        asked.push((name, runtime, answer));
    }
    let answers =
        asked.into_iter().filter_map(|(name, runtime, answer)| Some((name, runtime.block_on(answer).ok()?)));
    probed.extend(answers);
    probed
}

/// What a container starts, as far as its definition says.
fn program(container: &api::ContainerDefinition) -> Program {
    let path = container.environment.iter().flatten().find(|it| it.name.as_deref() == Some("PATH"));
    Program {
        entry_point: container.entry_point.clone(),
        command: container.command.clone(),
        user: container.user.clone(),
        working_directory: container.working_directory.clone(),
        path: path.and_then(|it| it.value.clone()),
        mounts: container.mount_points.iter().flatten().filter_map(|it| it.container_path.clone()).collect(),
    }
}

/// A snapshot has neither registries nor passwords; and without its credential a registry is not asked.
fn not_asked(cx: &Context<'_>, container: String, image: String) -> Probed {
    let note = format!("{NOT_ASKED}whether the registry has `{image}` and gives it out");
    let step = StepRecord { notes: vec![note], ..skipped(cx, "ask for image", container, image) };
    Probed { steps: vec![step], ..Probed::default() }
}

/// What only the content of a container's image tells, beside what was seen of it.
fn in_image(cx: &Context<'_>, container: &api::ContainerDefinition, seen: Seen) -> Option<StepRecord> {
    let image = container.image.clone().filter(|image| !image.is_empty())?;
    let open = in_image::open(&image, container, seen);
    let notes: Vec<_> = open.into_iter().map(|what| format!("{NOT_ASKED}{what}")).collect();
    let name = container.name.clone().unwrap_or_default();
    (!notes.is_empty()).then(|| StepRecord { notes, ..skipped(cx, LOOK, name, image) })
}

fn skipped(cx: &Context<'_>, step: &str, container: String, image: String) -> StepRecord {
    StepRecord {
        name: step.to_owned(),
        container: Some(container),
        principal: cx.caller.arn(),
        action: "GET".to_owned(),
        notes: Vec::new(),
        resource: image,
        started_at: cx.now,
        duration_ms: 0,
        outcome: StepOutcome::Skipped,
        hint: None,
        finding: None,
        context: Vec::new(),
        decision: None,
    }
}
