use std::sync::Arc;

use landfall_acs::LaunchKind;
use landfall_api::ecs::{self as api, TaskDefinitionStatus, error};
use landfall_base::Arn;
use landfall_shape::{Operation as _, ServiceError, Shape as _};
use landfall_store::{StoreError, Tx, View};
use landfall_wire::json;

use super::new_task::{Plan, TaskShape, task};
use super::register_task_definition::passes;
use crate::ecs::lookup::{self, FoundCluster, FoundRole, home};
use crate::ecs::names::Home;
use crate::ecs::node::{definition_of, put_task};
use crate::ecs::record::{
    CLIENT_TOKENS, ClientToken, Cluster, TASKS, Tags, Task, TaskDefinition, TaskStatus,
};
use crate::ecs::rules::placement::{Demand, Shortage, demand, place};
use crate::ecs::rules::run;
use crate::ecs::rules::{expiry, task_definition, trust};
use crate::ecs::{machine, tags, view};
use crate::pipe::{AuthMode, Authorized, Checked, Context, Failure, Permission, Resolve, WriteHandler};

#[derive(Debug)]
pub struct Request {
    input: api::RunTaskRequest,
    /// Digest of the whole request, for `clientToken`.
    digest: String,
    tags: Tags,
    cluster: FoundCluster,
    definition: Option<Arc<TaskDefinition>>,
    execution_role: Option<FoundRole>,
    task_role: Option<FoundRole>,
}

/// Starts up to ten tasks from a task definition.
impl Resolve for api::RunTask {
    type Request = Checked<Request>;

    fn resolve(cx: &Context<'_>, view: &View, mut input: Self::Input) -> Result<Self::Request, Failure> {
        let home = home(cx);
        let digest = digest(&input);
        let cluster = lookup::cluster(cx, view, input.cluster.as_deref())?;
        let reference = home.task_definition_named(&input.task_definition);
        let found = reference.as_ref().map(|it| lookup::task_definition(view, home, it));
        let definition = found.transpose()?.flatten();
        let tags = tags::from_request(input.tags.take())?;
        let overrides = input.overrides.clone().unwrap_or_default();
        let of = |it: fn(&api::TaskDefinition) -> Option<String>| {
            definition.as_ref().and_then(|row| it(&row.definition))
        };
        let execution = overrides.execution_role_arn.or_else(|| of(|it| it.execution_role_arn.clone()));
        let task = overrides.task_role_arn.or_else(|| of(|it| it.task_role_arn.clone()));
        let execution_role = role(view, home, execution)?;
        let task_role = role(view, home, task)?;

        let resource = definition_arn(home, &input.task_definition, definition.as_deref());
        let mut permissions = vec![permission(&input, &resource, &cluster, definition.as_deref(), &tags)];
        let name = cluster.reference.name.as_deref().unwrap_or_default();
        permissions.extend(lookup::tag_on_create(cx, view, "RunTask", &home.task(name, "*"), &tags)?);
        permissions.extend(passes(&[execution_role.clone(), task_role.clone()], resource.as_str()));
        let request = Request { input, digest, tags, cluster, definition, execution_role, task_role };
        Ok(Checked::all(request, permissions))
    }
}

fn digest(input: &api::RunTaskRequest) -> String {
    let body = json::encode(api::RunTask::SCHEMA.input, &input.clone().into_value());
    hex::encode(aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, &body).as_ref())
}

fn role(view: &View, home: Home<'_>, given: Option<String>) -> Result<Option<FoundRole>, Failure> {
    let Some(given) = given.filter(|role| !role.is_empty()) else { return Ok(None) };
    let arn = task_definition::complete_role(&given, home)?;
    Ok(Some(lookup::role(view, home, arn)?))
}

/// The revision that would run; for one that does not exist, what its ARN would be.
fn definition_arn(home: Home<'_>, given: &str, found: Option<&TaskDefinition>) -> Arn {
    let found = found.and_then(|row| row.definition.task_definition_arn.as_ref()?.parse().ok());
    found.or_else(|| given.parse().ok()).unwrap_or_else(|| match given.split_once(':') {
        Some((family, revision)) => home.task_definition(family, revision),
        None => home.task_definition(given, "*"),
    })
}

fn permission(
    input: &api::RunTaskRequest,
    resource: &Arn,
    cluster: &FoundCluster,
    definition: Option<&TaskDefinition>,
    tags: &Tags,
) -> Permission {
    let providers = input.capacity_provider_strategy.iter().flatten().map(|it| it.capacity_provider.clone());
    let overrides = input.overrides.as_ref();
    let cpu = overrides.and_then(|it| it.cpu.as_deref()).or_else(|| definition?.definition.cpu.as_deref());
    let memory =
        overrides.and_then(|it| it.memory.as_deref()).or_else(|| definition?.definition.memory.as_deref());
    let mut permission = Permission::on("ecs:RunTask", resource)
        .with("ecs:cluster", cluster.reference.arn.as_str())
        .with("ecs:enable-execute-command", (input.enable_execute_command == Some(true)).to_string())
        .with_some("ecs:task-cpu", cpu)
        .with_some("ecs:task-memory", memory)
        .with_request_tags(tags::pairs(tags));
    if input.capacity_provider_strategy.is_some() {
        permission = permission.with_all("ecs:capacity-provider", providers);
    }
    match definition {
        Some(row) => lookup::with_tags(permission, &row.tags),
        None => permission,
    }
}

impl WriteHandler for api::RunTask {
    fn run(
        cx: &Context<'_>,
        tx: &mut Tx,
        request: Authorized<Self::Request>,
    ) -> Result<Self::Output, Failure> {
        let request = request.into_request();
        let cluster = Arc::clone(request.cluster.active()?);
        run::check_plain_members(&request.input)?;
        if let Some(tasks) = replay(cx, tx, &request, &cluster)? {
            return Ok(api::RunTaskResponse { tasks: Some(tasks), failures: Some(Vec::new()) });
        }
        let plan = Plan { drops_log_lines: lookup::drops_log_lines(cx, tx)?, ..plan(&request, &cluster)? };
        check_roles(cx, &request)?;
        let (tasks, failures) = start(cx, tx, &request, &cluster, &plan)?;
        remember(cx, tx, &request, &cluster, &tasks);
        let shown = tasks.iter().map(|task| view::task(task, true)).collect();
        Ok(api::RunTaskResponse { tasks: Some(shown), failures: Some(failures) })
    }
}

/// The tasks of an earlier request with the same `clientToken`.
fn replay(
    cx: &Context<'_>,
    view: &View,
    request: &Request,
    cluster: &Cluster,
) -> Result<Option<Vec<api::Task>>, Failure> {
    let home = home(cx);
    let Some(token) = &request.input.client_token else { return Ok(None) };
    let key = (home.account, home.region, cluster.name.as_str(), token.as_str());
    let Some(row) = view.get(&CLIENT_TOKENS, &key)?.filter(|row| !expiry::token_expired(row, cx.now)) else {
        return Ok(None);
    };
    if row.request != request.digest {
        return Err(conflict(home, cluster, &row).into());
    }
    let mut tasks = Vec::new();
    for id in &row.tasks {
        let task = view.get(&TASKS, &(home.account, home.region, cluster.name.as_str(), id.as_str()))?;
        tasks.extend(task.map(|task| view::task(&task, true)));
    }
    Ok(Some(tasks))
}

fn conflict(home: Home<'_>, cluster: &Cluster, row: &ClientToken) -> ServiceError {
    let mut error = error::conflict_exception(
        "The clientToken was used by an earlier RunTask request with different parameters. Use another clientToken.",
    );
    let arns: Vec<String> = row.tasks.iter().map(|id| home.task(&cluster.name, id).to_string()).collect();
    error.members.put("resourceIds", arns);
    error
}

fn remember(cx: &Context<'_>, tx: &mut Tx, request: &Request, cluster: &Cluster, tasks: &[Task]) {
    let Some(token) = &request.input.client_token else { return };
    let row = ClientToken {
        request: request.digest.clone(),
        tasks: tasks.iter().map(|task| task.id.clone()).collect(),
        used_at: cx.now,
    };
    tx.put(&CLIENT_TOKENS, &(cx.account(), cx.region(), cluster.name.as_str(), token.as_str()), &row);
}

fn plan(request: &Request, cluster: &Cluster) -> Result<Plan, Failure> {
    let input = &request.input;
    let count = run::count(input)?;
    let definition = usable(request.definition.as_ref())?;
    let overrides = input.overrides.clone().unwrap_or_default();
    let capacities = run::capacities(
        input,
        &definition.definition,
        &cluster.capacity_providers,
        &cluster.default_capacity_provider_strategy,
        count,
    )?;
    let fargate = capacities.iter().any(|it| it.launch == LaunchKind::Fargate);
    run::check_placement(input, fargate)?;
    run::check_overrides(&overrides, &definition.definition)?;
    let mut tasks = Vec::with_capacity(count);
    for capacity in capacities {
        let network = run::network(input, &definition.definition, capacity.launch)?;
        let sizes = run::sizes(&overrides, &definition.definition, capacity.launch)?;
        tasks.push(TaskShape { capacity, sizes, network });
    }
    run::check_supported(input, &definition.definition)?;
    let tags = task_tags(request, cluster, &definition)?;
    let arn = |role: &Option<FoundRole>| role.as_ref().map(|role| role.arn.to_string());
    let (execution_role, task_role) = (arn(&request.execution_role), arn(&request.task_role));
    Ok(Plan { definition, overrides, tasks, tags, execution_role, task_role, drops_log_lines: false })
}

fn usable(definition: Option<&Arc<TaskDefinition>>) -> Result<Arc<TaskDefinition>, ServiceError> {
    let row = definition.ok_or_else(|| error::client_exception("TaskDefinition not found."))?;
    if row.definition.status == Some(TaskDefinitionStatus::Active) {
        return Ok(Arc::clone(row));
    }
    Err(error::client_exception("TaskDefinition is inactive"))
}

/// The request's tags over those of the definition, where they are propagated, and the ones that ECS manages.
fn task_tags(
    request: &Request,
    cluster: &Cluster,
    definition: &TaskDefinition,
) -> Result<Tags, ServiceError> {
    let propagate = request.input.propagate_tags == Some(api::PropagateTags::TaskDefinition);
    let below = if propagate { definition.tags.clone() } else { Tags::new() };
    let mut tags = tags::merge(&below, request.tags.clone())?;
    if request.input.enable_ecs_managed_tags == Some(true) {
        tags.push(("aws:ecs:clusterName".to_owned(), cluster.name.clone()));
    }
    Ok(tags)
}

/// Both roles must be there and trust ECS: AWS finds out before it makes the tasks.
fn check_roles(cx: &Context<'_>, request: &Request) -> Result<(), ServiceError> {
    for role in [&request.execution_role, &request.task_role].into_iter().flatten() {
        let enforced = cx.installation.auth == AuthMode::Enforce;
        let trusts = |policy| !enforced || trust::trusts_ecs(&role.arn, policy, home(cx));
        let trusted = role.trust.as_deref().is_some_and(trusts);
        if !trusted {
            return Err(trust::cannot_assume(role.arn.as_str()));
        }
    }
    Ok(())
}

type Started = (Vec<Task>, Vec<api::Failure>);

fn start(
    cx: &Context<'_>,
    tx: &mut Tx,
    request: &Request,
    cluster: &Cluster,
    plan: &Plan,
) -> Result<Started, Failure> {
    let home = home(cx);
    let instance = machine::instance_id(home, &cluster.name);
    let on_machine = plan.tasks.iter().any(|it| it.capacity.launch != LaunchKind::Fargate);
    let mut there = if on_machine { demands_on_this_machine(tx)? } else { Vec::new() };
    let (mut tasks, mut failures) = (Vec::new(), Vec::new());
    for shape in &plan.tasks {
        let mut task = task(cx, &request.input, cluster, plan, shape);
        if task.launch != LaunchKind::Fargate {
            let wanted = demand(&plan.definition.definition, task.cpu, task.memory);
            let distinct = run::needs_distinct_instances(&request.input) && !tasks.is_empty();
            let fits = place(machine::this_machine(), &there, &wanted).map_err(Shortage::reason);
            if let Err(reason) =
                if distinct { Err("distinctInstance placement constraint unsatisfied.") } else { fits }
            {
                failures.push(failure(&home.container_instance(&cluster.name, &instance), reason));
                continue;
            }
            there.push(wanted);
            task.container_instance = Some(instance.clone());
        }
        put_task(tx, &task);
        tasks.push(task);
    }
    Ok((tasks, failures))
}

fn failure(arn: &Arn, reason: &str) -> api::Failure {
    api::Failure { arn: Some(arn.to_string()), reason: Some(reason.to_owned()), detail: None }
}

/// What EC2 and EXTERNAL tasks of all clusters and accounts take from this machine.
pub(crate) fn demands_on_this_machine(view: &View) -> Result<Vec<Demand>, StoreError> {
    let mut out = Vec::new();
    for row in view.scan(&TASKS, ()) {
        let (_, task) = row?;
        if task.launch == LaunchKind::Fargate || task.last_status == TaskStatus::Stopped {
            continue;
        }
        if let Some(row) = definition_of(view, &task)? {
            out.push(demand(&row.definition, task.cpu, task.memory));
        }
    }
    Ok(out)
}
