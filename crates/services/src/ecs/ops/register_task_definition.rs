use landfall_api::ecs as api;
use landfall_iam::choices::registered_resource;
use landfall_store::{Tx, View};

use crate::ecs::lookup::{self, FoundRole, home};
use crate::ecs::names::Home;
use crate::ecs::record::{FAMILIES, Family, TASK_DEFINITIONS, Tags, TaskDefinition};
use crate::ecs::rules::task_definition;
use crate::ecs::tags;
use crate::pipe::{Authorized, Checked, Context, Failure, Permission, Resolve, WriteHandler};
use crate::stored::Stored;

#[derive(Debug)]
pub struct Request {
    input: api::RegisterTaskDefinitionRequest,
    tags: Tags,
}

/// Registers a revision of a task definition.
impl Resolve for api::RegisterTaskDefinition {
    type Request = Checked<Request>;

    fn resolve(cx: &Context<'_>, view: &View, mut input: Self::Input) -> Result<Self::Request, Failure> {
        let home = home(cx);
        let tags = tags::from_request(input.tags.take())?;
        let execution = complete(view, home, &mut input.execution_role_arn)?;
        let task = complete(view, home, &mut input.task_role_arn)?;
        let mut permissions = vec![permission(home, &input, &tags)];
        let family = home.task_definition(&input.family, "*");
        permissions.extend(lookup::tag_on_create(cx, view, "RegisterTaskDefinition", &family, &tags)?);
        permissions.extend(passes(&[execution, task], family.as_str()));
        Ok(Checked::all(Request { input, tags }, permissions))
    }
}

/// Replaces a role's name by its ARN.
fn complete(view: &View, home: Home<'_>, role: &mut Option<String>) -> Result<Option<FoundRole>, Failure> {
    let Some(given) = role.take().filter(|role| !role.is_empty()) else { return Ok(None) };
    let found = lookup::role(view, home, task_definition::complete_role(&given, home)?)?;
    *role = Some(found.arn.to_string());
    Ok(Some(found))
}

/// The checks for passing roles to the tasks of a task definition, each role once.
pub(in crate::ecs) fn passes(roles: &[Option<FoundRole>], definition: &str) -> Vec<Permission> {
    let mut seen = Vec::new();
    let mut out = Vec::new();
    for role in roles.iter().flatten() {
        if !seen.contains(&&role.arn) {
            seen.push(&role.arn);
            out.push(role.pass(definition));
        }
    }
    out
}

fn permission(home: Home<'_>, input: &api::RegisterTaskDefinitionRequest, tags: &Tags) -> Permission {
    let kinds = input.requires_compatibilities.iter().flatten();
    let privileged = input.container_definitions.iter().any(|it| it.privileged == Some(true));
    let family = home.task_definition(&input.family, "*");
    let mut permission = Permission::on("ecs:RegisterTaskDefinition", &family);
    permission.resource = registered_resource(family.as_str()).to_owned();
    let permission = permission
        .with_request_tags(tags::pairs(tags))
        .with("ecs:privileged", if privileged { "enabled" } else { "disabled" })
        .with_some("ecs:task-cpu", input.cpu.as_deref())
        .with_some("ecs:task-memory", input.memory.as_deref());
    let kinds = kinds.map(|it| it.as_str().to_owned()).collect();
    lookup::with_any(permission, "ecs:compute-compatibility", kinds)
}

impl WriteHandler for api::RegisterTaskDefinition {
    fn run(
        cx: &Context<'_>,
        tx: &mut Tx,
        request: Authorized<Self::Request>,
    ) -> Result<Self::Output, Failure> {
        let Request { input, tags } = request.into_request();
        task_definition::check(&input)?;
        let home = home(cx);
        let family = input.family.clone();
        let revision = next_revision(tx, home, &family)?;
        let mut definition = task_definition::fill(input, cx.caller.arn(), cx.now)?;
        definition.task_definition_arn = Some(home.task_definition(&family, revision).to_string());
        definition.revision = i32::try_from(revision).ok();
        let row = TaskDefinition { definition: Stored(definition.clone()), tags };
        tx.put(&TASK_DEFINITIONS, &(home.account, home.region, family.as_str(), revision), &row);
        Ok(api::RegisterTaskDefinitionResponse {
            task_definition: Some(definition),
            tags: Some(tags::to_api(&row.tags)).filter(|tags| !tags.is_empty()),
        })
    }
}

fn next_revision(tx: &mut Tx, home: Home<'_>, family: &str) -> Result<u32, Failure> {
    let key = (home.account, home.region, family);
    let last_revision = tx.get(&FAMILIES, &key)?.map_or(0, |row| row.last_revision) + 1;
    tx.put(&FAMILIES, &key, Family { last_revision });
    Ok(last_revision)
}
