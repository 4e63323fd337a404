//! `DescribeDeploymentStart`: what became of a deployment of a Lightsail container service, how the node that decided it
//! was started, and what to change.

use landfall_api::landfall as api;
use landfall_store::View;

use super::describe_task_start::start_of;
use crate::ecs::node::task_by_arn;
use crate::lightsail::{self, DeploymentStory};
use crate::pipe::{Authorized, Checked, Context, Failure, Permission, ReadHandler, Resolve};

/// A deployment that may be there.
#[derive(Debug)]
pub struct Request(Option<DeploymentStory>);

impl Resolve for api::DescribeDeploymentStart {
    type Request = Checked<Request>;

    fn resolve(cx: &Context<'_>, view: &View, input: Self::Input) -> Result<Self::Request, Failure> {
        let version = input.version.and_then(|version| u32::try_from(version).ok());
        let place = (cx.account().clone(), cx.region().clone(), input.service_name);
        let (arn, story) = lightsail::deployment_story(view, &place, version, &cx.installation.registry)?;
        Ok(Checked::one(Request(story), Permission::on("landfall:DescribeDeploymentStart", &arn)))
    }
}

impl ReadHandler for api::DescribeDeploymentStart {
    fn run(
        _: &Context<'_>,
        view: &View,
        request: Authorized<Self::Request>,
    ) -> Result<Self::Output, Failure> {
        let Request(story) = request.into_request();
        let story = story.ok_or_else(|| {
            api::error::resource_not_found_exception(
                "There is no such container service, or no such deployment.",
            )
        })?;
        let task = match &story.node {
            Some(arn) => task_by_arn(view, arn)?,
            None => None,
        };
        Ok(api::DescribeDeploymentStartResponse {
            service_name: story.service,
            version: i64::from(story.version),
            state: story.state,
            failure: story.failure,
            advice: story.advice,
            node: task.map(|task| start_of(view, &task)).transpose()?,
        })
    }
}
