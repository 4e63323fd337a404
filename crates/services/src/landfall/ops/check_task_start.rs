//! `CheckTaskStart`: everything that would keep tasks of a definition from starting, before one is run.

use landfall_acs::LaunchKind;
use landfall_api::ecs::{RegisterTaskDefinitionRequest, schema};
use landfall_api::landfall::{self as api, error};
use landfall_shape::Shape as _;
use landfall_store::View;
use landfall_wire::json;

use super::image_look;
use crate::ecs::launch::check::Question;
use crate::landfall::steps;
use crate::pipe::{Authorized, Checked, Context, Failure, Permission, ReadHandler, Resolve};

impl Resolve for api::CheckTaskStart {
    type Request = Checked<Question>;

    fn resolve(cx: &Context<'_>, view: &View, input: Self::Input) -> Result<Self::Request, Failure> {
        let definition = definition(input.task_definition.expose())?;
        let launch = input.launch_type.as_ref().map(kind).transpose()?;
        let images = image_look(input.skip_images, input.pull_images, input.pull_token);
        let question = Question::new(cx, view, definition, launch, input.cluster.as_deref(), images)?
            .in_subnets(input.subnets.unwrap_or_default())
            .with_new_execution_role(input.execution_role_is_new == Some(true));
        let question = match input.execution_role_policies {
            Some(planned) => {
                question.with_planned_policies(cx, view, input.execution_role_name.as_deref(), planned)
            }
            None => question,
        };
        let mut permissions = vec![Permission::on_anything("landfall:CheckTaskStart")];
        permissions.extend(question.permissions(cx));
        permissions.extend(question.permission_to_pull(cx));
        Ok(Checked::all(question, permissions))
    }
}

fn definition(text: &str) -> Result<RegisterTaskDefinitionRequest, Failure> {
    // The cause may quote what is in the definition: only where it is wrong is told.
    let invalid =
        || error::invalid_parameter_exception("taskDefinition is not what RegisterTaskDefinition takes.");
    let value =
        json::decode(&schema::REGISTER_TASK_DEFINITION_REQUEST, text.as_bytes()).map_err(|_| invalid())?;
    RegisterTaskDefinitionRequest::from_value(value).map_err(|_| invalid().into())
}

fn kind(name: &api::LaunchTypeName) -> Result<LaunchKind, Failure> {
    match name {
        api::LaunchTypeName::Fargate => Ok(LaunchKind::Fargate),
        api::LaunchTypeName::Ec2 => Ok(LaunchKind::Ec2),
        api::LaunchTypeName::External => Ok(LaunchKind::External),
        api::LaunchTypeName::Unknown(other) => {
            let text = format!("There is no launch type {other}.");
            Err(error::invalid_parameter_exception(text).into())
        }
    }
}

impl ReadHandler for api::CheckTaskStart {
    fn run(
        cx: &Context<'_>,
        view: &View,
        request: Authorized<Self::Request>,
    ) -> Result<Self::Output, Failure> {
        let answer = request.into_request().answer(cx, view)?;
        let findings: Vec<_> = answer.steps.iter().filter_map(steps::finding).collect();
        Ok(api::CheckTaskStartResponse {
            would_start: findings.is_empty(),
            launch_type: match answer.launch {
                LaunchKind::Fargate => api::LaunchTypeName::Fargate,
                LaunchKind::Ec2 => api::LaunchTypeName::Ec2,
                LaunchKind::External => api::LaunchTypeName::External,
            },
            findings,
            execution_role_policies_count: answer.planned_counts.then_some(true),
            steps: answer.steps.iter().map(steps::step).collect(),
        })
    }
}
