use std::sync::Arc;

use landfall_api::ecs::{self as api, error};
use landfall_store::View;

use crate::ecs::lookup::{self, home};
use crate::ecs::record::TaskDefinition;
use crate::ecs::tags;
use crate::pipe::{Authorized, Checked, Context, Failure, Permission, ReadHandler, Resolve};

#[derive(Debug)]
pub struct Request {
    found: Option<Arc<TaskDefinition>>,
    with_tags: bool,
}

/// Describes a revision, or the latest active one of a family.
impl Resolve for api::DescribeTaskDefinition {
    type Request = Checked<Request>;

    fn resolve(cx: &Context<'_>, view: &View, input: Self::Input) -> Result<Self::Request, Failure> {
        let found = find(cx, view, &input.task_definition)?;
        let with_tags = input.include.iter().flatten().any(|it| *it == api::TaskDefinitionField::Tags);
        let permission = Permission::on_anything("ecs:DescribeTaskDefinition");
        Ok(Checked::one(Request { found, with_tags }, permission))
    }
}

/// A task definition by what a caller wrote.
pub(super) fn find(
    cx: &Context<'_>,
    view: &View,
    text: &str,
) -> Result<Option<Arc<TaskDefinition>>, Failure> {
    let home = home(cx);
    match home.task_definition_named(text) {
        Some(reference) => Ok(lookup::task_definition(view, home, &reference)?),
        None => Ok(None),
    }
}

impl ReadHandler for api::DescribeTaskDefinition {
    fn run(
        _cx: &Context<'_>,
        _view: &View,
        request: Authorized<Self::Request>,
    ) -> Result<Self::Output, Failure> {
        let Request { found, with_tags } = &request.request;
        let row =
            found.as_ref().ok_or_else(|| error::client_exception("Unable to describe task definition."))?;
        Ok(api::DescribeTaskDefinitionResponse {
            task_definition: Some(row.definition.0.clone()),
            tags: with_tags.then(|| tags::to_api(&row.tags)),
        })
    }
}
