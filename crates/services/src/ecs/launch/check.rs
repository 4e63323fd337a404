//! Whether a task definition would start: its rules, the machine's room, the launch plan taken dry, and its images asked
//! for. Everything that is wrong is told, not the first thing alone.

use std::sync::Arc;

use landfall_acs::{
    Cause, ContainerSheet, Finding, Fix, ImageQuestion, LaunchKind, MountSource, NOT_ASKED, PlannedMount,
    Probed, Program, RegistryCredential, Seen, StepOutcome, StepRecord, TellPull, Tmpfs,
};
use landfall_api::ecs::{self as api, Compatibility, NetworkMode};
use landfall_api::landfall::PlannedPolicy as PolicyToBe;
use landfall_base::Arn;
use landfall_iam::{Policy, PolicyKind};
use landfall_shape::ServiceError;
use landfall_store::View;

use super::SERVICE_PRINCIPAL;
use super::circumstances::logins;
use super::execute::{RoleToBe, look};
use super::in_image;
use super::plan::{InstanceRole, LaunchPlan, TaskFacts, Work, plan};
use crate::ecs::agent::PullOfCheck;
use crate::ecs::image_host::EcrImage;
use crate::ecs::lookup::{self, FoundCluster, FoundRole, home};
use crate::ecs::machine;
use crate::ecs::names::{DEFAULT_CLUSTER, is_resource_name};
use crate::ecs::ops::{demands_on_this_machine, passes};
use crate::ecs::rules::assignment::{self, platform};
use crate::ecs::rules::placement::{Demand, Machine, Shortage, demand, place};
use crate::ecs::rules::run::check_supported;
use crate::ecs::rules::task_definition;
use crate::iam::managed_policy;
use crate::pipe::{Caller, Calls, Context, Failure, Permission, PlannedPolicy, would_allow};
use crate::sts::{ServiceSession, session_of_planned_role};

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
    images: ImageLook,
    /// Where the tasks would run.
    subnets: Vec<String>,
    /// The execution role is none yet: unless that is planned, what it may is not known, what it would fetch is.
    new_role: bool,
    planned: Option<PlannedRole>,
}

/// What the execution role is going to be.
#[derive(Debug)]
struct PlannedRole {
    arn: Arn,
    /// Policies that it will have, and will not have any more; `None` where one is no policy.
    policies: Option<Vec<PlannedPolicy>>,
}

/// What is to be done about the images.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ImageLook {
    /// Registries are not asked.
    Skip,
    /// They are asked as a start would ask them, and no layer is brought.
    Ask,
    /// What is missing is brought, too.
    Pull {
        /// Under which name the caller asks how far that is.
        token: Option<String>,
    },
}

/// What was found.
#[derive(Debug)]
pub struct Answer {
    /// The launch type that was meant.
    pub launch: LaunchKind,
    /// Every step, with what is wrong.
    pub steps: Vec<StepRecord>,
    /// What is planned for the execution role counts.
    pub planned_counts: bool,
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
        images: ImageLook,
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
        Ok(Self {
            definition,
            launch,
            cluster,
            roles,
            invalid,
            images,
            subnets: Vec::new(),
            new_role: false,
            planned: None,
        })
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

    /// Asked about tasks whose execution role will have these policies, and will not have those that are removed. A role that
    /// is none yet will have this name.
    #[must_use]
    pub fn with_planned_policies(
        self,
        cx: &Context<'_>,
        view: &View,
        name: Option<&str>,
        policies: Vec<PolicyToBe>,
    ) -> Self {
        let existing = self.definition.execution_role_arn.as_deref().and_then(|arn| arn.parse().ok());
        let new = name.filter(|_| self.new_role).map(|name| role_of(cx, name));
        let Some(arn) = existing.or(new) else { return self };
        let policies = policies.into_iter().map(|it| planned(view, it)).collect();
        Self { planned: Some(PlannedRole { arn, policies }), ..self }
    }

    /// What is planned, if it is the caller's to give: whoever may give a role a policy may see what it gets by that.
    fn counted(&self, cx: &Context<'_>, view: &View) -> Result<Option<Vec<PlannedPolicy>>, Failure> {
        let Some(PlannedRole { arn, policies: Some(policies) }) = &self.planned else { return Ok(None) };
        let created = self.new_role.then_some("iam:CreateRole");
        for action in ["iam:PutRolePolicy"].into_iter().chain(created) {
            if !would_allow(cx, view, &landfall_api::iam::SERVICE, &Permission::on(action, arn))? {
                return Ok(None);
            }
        }
        Ok(Some(policies.clone()))
    }

    /// Whoever asks must be allowed to pass the roles: the answer shows what they may read.
    pub fn permissions(&self, cx: &Context<'_>) -> Vec<Permission> {
        let family = home(cx).task_definition(&self.definition.family, "*");
        passes(&self.roles.iter().cloned().map(Some).collect::<Vec<_>>(), family.as_str())
    }

    /// Whoever has images fetched must be allowed what fetches them otherwise.
    pub fn permission_to_pull(&self, cx: &Context<'_>) -> Option<Permission> {
        matches!(self.images, ImageLook::Pull { .. }).then(|| self.permission_to_run(cx))
    }

    fn permission_to_run(&self, cx: &Context<'_>) -> Permission {
        let cluster = self.cluster.as_ref().map(|it| it.reference.arn.to_string());
        let cluster = cluster.unwrap_or_else(|| home(cx).cluster(DEFAULT_CLUSTER).to_string());
        let definition = home(cx).task_definition(&self.definition.family, "*");
        Permission::on("ecs:RunTask", &definition).with("ecs:cluster", cluster)
    }

    /// Finds everything. It may block.
    ///
    /// # Errors
    /// A row cannot be read.
    pub fn answer(mut self, cx: &Context<'_>, view: &View) -> Result<Answer, Failure> {
        let planned = self.counted(cx, view)?;
        let planned_counts = planned.is_some();
        if self.new_role {
            let arn = self.planned.as_ref().map(|it| it.arn.to_string());
            self.definition.execution_role_arn = arn.or_else(|| Some(role_of(cx, UNKNOWN).to_string()));
        }
        // Whoever may run tasks sees by them what the machine has; others must not.
        let sees_host = would_allow(cx, view, &api::SERVICE, &self.permission_to_run(cx))?;
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
        steps.extend(tmpfs(cx, &definition, launch));
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
            drops_log_lines: lookup::drops_log_lines(cx, view)?,
            container_ids: Vec::new(),
        };
        let calls = Calls::new(cx.installation, crate::TABLES);
        let mut plan = plan(&facts, &definition);
        let mut role = RoleToBe { session: None, policies: planned.unwrap_or_default() };
        if self.new_role {
            let to_be = self.planned.as_ref().filter(|_| planned_counts);
            role.session = to_be.map(|to_be| session_to_be(cx, &facts, &to_be.arn, &role.policies));
            as_planned(cx, &mut plan, role.session.is_some());
        }
        let mut looked = look(calls, &plan, cx.caller, role);
        logins(view, &facts, &definition, &mut looked.sheets);
        steps.extend(looked.steps);
        let asked = Asked { cx, definition: &definition, launch, sheets: &looked.sheets, sees_host };
        let probed = match &self.images {
            ImageLook::Skip => Vec::new(),
            ImageLook::Ask => asked.images(None),
            ImageLook::Pull { token } => {
                let pull = PullOfCheck::begin(cx.account(), token.as_deref().unwrap_or_default());
                asked.images(Some(pull.teller()))
            }
        };
        // A snapshot pulls nothing.
        let may_pull = !matches!(self.images, ImageLook::Pull { .. }) && cx.installation.origin.is_none();
        for container in definition.container_definitions.iter().flatten() {
            let seen = probed.iter().find(|(name, _)| Some(name) == container.name.as_ref());
            steps.extend(seen.into_iter().flat_map(|(_, probed)| probed.steps.iter().cloned()));
            let seen = seen.map_or(Seen::Nothing, |(_, probed)| probed.seen);
            steps.extend(in_image(cx, container, seen, may_pull));
        }
        Ok(Answer { launch, steps, planned_counts })
    }
}

/// A policy that can be read: that of the file, or the managed one of that ARN.
fn planned(view: &View, policy: PolicyToBe) -> Option<PlannedPolicy> {
    let PolicyToBe { policy_name: name, document, removed } = policy;
    let policy = match document {
        _ if removed == Some(true) => return Some(PlannedPolicy { name, policy: None }),
        Some(text) => Policy::parse(&text, PolicyKind::Identity).ok().map(Arc::new),
        None => managed_policy(view, &name).ok().flatten(),
    };
    Some(PlannedPolicy { name, policy: Some(policy?) })
}

/// The name of a role of which that is not known.
const UNKNOWN: &str = "landfall-unknown";

fn role_of(cx: &Context<'_>, name: &str) -> Arn {
    Arn::global("iam", cx.account().as_str(), &format!("role/{name}"))
}

/// The session of a role that there will be.
fn session_to_be(cx: &Context<'_>, task: &TaskFacts<'_>, role: &Arn, policies: &[PlannedPolicy]) -> Caller {
    let wanted = ServiceSession {
        service: SERVICE_PRINCIPAL,
        role_arn: role,
        session_name: task.id,
        source_arn: task.arn,
        region: task.region,
    };
    Caller { planned: policies.to_vec(), ..session_of_planned_role(&wanted, task.account, cx.now) }
}

/// Nobody can become a role that is none yet: unless what it may is known, who asks takes the steps himself.
fn as_planned(cx: &Context<'_>, plan: &mut LaunchPlan, is_known: bool) {
    plan.steps.retain(|step| !matches!(step.work, Work::AssumeRole { .. }));
    if is_known {
        return;
    }
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

/// What this machine refuses of the file systems in memory.
fn tmpfs(cx: &Context<'_>, definition: &api::TaskDefinition, launch: LaunchKind) -> Vec<StepRecord> {
    let Some(probe) = cx.installation.images.get() else { return Vec::new() };
    let containers = definition.container_definitions.iter().flatten();
    let refused = containers.filter_map(|container| {
        let name = container.name.as_deref().unwrap_or_default();
        let finding = probe.refused_tmpfs(name, launch, &file_systems_in_memory(container))?;
        let step = rule(cx, finding.headline.clone(), finding.cause, "this machine");
        Some(StepRecord {
            name: "look at machine".to_owned(),
            container: Some(name.to_owned()),
            finding: Some(finding),
            ..step
        })
    });
    refused.collect()
}

fn file_systems_in_memory(container: &api::ContainerDefinition) -> Vec<Tmpfs> {
    let linux = container.linux_parameters.iter();
    linux.flat_map(|it| it.tmpfs.iter().flatten()).map(assignment::tmpfs).collect()
}

/// The images of a definition, and what is known for asking for them.
struct Asked<'a> {
    cx: &'a Context<'a>,
    definition: &'a api::TaskDefinition,
    launch: LaunchKind,
    sheets: &'a [ContainerSheet],
    /// Whoever asks may learn what the machine has.
    sees_host: bool,
}

impl Asked<'_> {
    /// Asks the registries for the images, all at once: each container's name, and what came of it. Those of Amazon ECR were
    /// asked for their token and manifest by the plan. Where a credential is wanted and could not be had, asking without it
    /// would only add a second failure.
    fn images(&self, pull: Option<TellPull>) -> Vec<(String, Probed)> {
        let Self { cx, definition, sheets, .. } = *self;
        let mut questions = Vec::new();
        let mut probed = Vec::new();
        for container in definition.container_definitions.iter().flatten() {
            let image = container.image.clone().unwrap_or_default();
            let name = container.name.clone().unwrap_or_default();
            let sheet = sheets.iter().find(|it| it.name == name);
            let ecr = EcrImage::parse_here(&image, Some(&cx.installation.registry)).is_some();
            let has_credential = sheet.is_some_and(|it| it.registry.is_some());
            let has_manifest = sheet.is_some_and(|it| it.manifest.is_some());
            if image.is_empty() || (ecr && !(has_manifest && has_credential)) {
                continue;
            }
            if !ecr && container.repository_credentials.is_some() && !has_credential {
                probed.push((name.clone(), not_asked(cx, name, image)));
            } else if cx.installation.images.get().is_some() {
                questions.push(self.question(container, sheet));
            } else if !ecr && cx.installation.origin.is_some() {
                probed.push((name.clone(), not_asked(cx, name, image)));
            }
        }
        probed.extend(self.answers(questions, pull));
        probed
    }

    fn question(
        &self,
        container: &api::ContainerDefinition,
        sheet: Option<&ContainerSheet>,
    ) -> ImageQuestion {
        let credential: Option<RegistryCredential> = sheet.and_then(|it| it.registry.clone());
        ImageQuestion {
            login: sheet.and_then(|it| it.login.clone()),
            program: self.program(container),
            container: container.name.clone().unwrap_or_default(),
            image: container.image.clone().unwrap_or_default(),
            address: sheet.and_then(|it| it.image.clone()),
            platform: platform(self.definition.runtime_platform.as_ref()),
            launch: self.launch,
            credential,
            manifest: sheet.and_then(|it| it.manifest.clone()),
        }
    }

    fn answers(&self, questions: Vec<ImageQuestion>, pull: Option<TellPull>) -> Vec<(String, Probed)> {
        let probe = self.cx.installation.images.get().map(Arc::clone);
        let (Some(probe), Ok(runtime)) = (probe, tokio::runtime::Handle::try_current()) else {
            return Vec::new();
        };
        let names: Vec<_> = questions.iter().map(|it| it.container.clone()).collect();
        let answers = runtime.spawn(async move { probe.probe(questions, pull).await });
        names.into_iter().zip(runtime.block_on(answers).unwrap_or_default()).collect()
    }

    /// What a container starts, as far as its definition says.
    fn program(&self, container: &api::ContainerDefinition) -> Program {
        let path = container.environment.iter().flatten().find(|it| it.name.as_deref() == Some("PATH"));
        Program {
            entry_point: container.entry_point.clone(),
            command: container.command.clone(),
            user: container.user.clone(),
            working_directory: container.working_directory.clone(),
            path: path.and_then(|it| it.value.clone()),
            mounts: container.mount_points.iter().flatten().filter_map(|it| self.mount(it)).collect(),
            tmpfs: file_systems_in_memory(container),
        }
    }

    /// A mount of a volume that the definition has.
    fn mount(&self, point: &api::MountPoint) -> Option<PlannedMount> {
        let point = assignment::mount_point(point)?;
        let mut volumes = self.definition.volumes.iter().flatten().filter_map(assignment::volume);
        let source = match volumes.find(|it| it.name == point.source_volume)?.host_path {
            Some(path) if self.sees_host => MountSource::Host(path),
            Some(_) => MountSource::Unseen,
            None => MountSource::Task,
        };
        Some(PlannedMount { point, source })
    }
}

/// A snapshot has neither registries nor passwords; and without its credential a registry is not asked.
fn not_asked(cx: &Context<'_>, container: String, image: String) -> Probed {
    let note = format!("{NOT_ASKED}whether the registry has `{image}` and gives it out");
    let step = StepRecord { notes: vec![note], ..skipped(cx, "ask for image", container, image) };
    Probed { steps: vec![step], ..Probed::default() }
}

/// What only the content of a container's image tells, beside what was seen of it.
fn in_image(
    cx: &Context<'_>,
    container: &api::ContainerDefinition,
    seen: Seen,
    may_pull: bool,
) -> Option<StepRecord> {
    let image = container.image.clone().filter(|image| !image.is_empty())?;
    let open = in_image::open(&image, container, seen);
    let how = if may_pull { in_image::PULL_TELLS } else { "" };
    let notes: Vec<_> = open.into_iter().map(|what| format!("{NOT_ASKED}{what}{how}")).collect();
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
