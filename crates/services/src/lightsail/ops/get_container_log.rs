//! `GetContainerLog`: what a container has written, and what became of its deployments, over all nodes.

use landfall_api::lightsail::{self as api, error};
use landfall_api::logs;
use landfall_base::Timestamp;
use landfall_store::View;

use crate::lightsail::owner;
use crate::lightsail::record::DEPLOYMENTS;
use crate::lightsail::target::Target;
use crate::pipe::{Authorized, Checked, Context, Failure, Permission, ReadHandler, Resolve};

/// A container of a service, and what is asked of its log.
#[derive(Debug)]
pub struct Request {
    target: Target,
    input: api::GetContainerLogRequest,
}

impl Resolve for api::GetContainerLog {
    type Request = Checked<Request>;

    fn resolve(cx: &Context<'_>, view: &View, input: Self::Input) -> Result<Self::Request, Failure> {
        let target = Target::find(cx, view, &input.service_name)?;
        let permission = Permission::on_everything(cx, "lightsail:GetContainerLog");
        Ok(Checked::one(Request { target, input }, permission))
    }
}

impl ReadHandler for api::GetContainerLog {
    fn run(
        cx: &Context<'_>,
        view: &View,
        request: Authorized<Self::Request>,
    ) -> Result<Self::Output, Failure> {
        let Request { target, input } = request.into_request();
        target.existing()?;
        if !has_container(view, &target, &input.container_name)? {
            let text = format!(
                "The container service `{}` has no container with the name `{}`.",
                target.key.2, input.container_name
            );
            return Err(error::not_found_exception(text).into());
        }
        let wanted = logs::FilterLogEventsRequest {
            log_group_name: Some(owner::log_group(&target.key)),
            log_stream_name_prefix: Some(owner::stream_prefix(&input.container_name)),
            start_time: input.start_time.map(Timestamp::millis),
            end_time: input.end_time.map(Timestamp::millis),
            filter_pattern: input.filter_pattern,
            next_token: input.page_token,
            ..Default::default()
        };
        let found = owner::read::<logs::FilterLogEvents>(cx.installation, view, &target.key.1, wanted);
        let found = match found {
            // Nothing has been written yet.
            Err(Failure::Service(error)) if error.code == "ResourceNotFoundException" => Default::default(),
            Err(Failure::Service(error)) => return Err(error::invalid_input_exception(error.message).into()),
            found => found?,
        };
        let event = |event: logs::FilteredLogEvent| api::ContainerServiceLogEvent {
            created_at: event.timestamp.map(Timestamp::from_millis),
            message: event.message,
        };
        Ok(api::GetContainerLogResult {
            log_events: Some(found.events.unwrap_or_default().into_iter().map(event).collect()),
            next_page_token: found.next_token,
        })
    }
}

fn has_container(view: &View, target: &Target, container: &str) -> Result<bool, Failure> {
    let (account, region, name) = &target.key;
    for row in view.scan(&DEPLOYMENTS, (account, region, name.as_str())) {
        let (_, row) = row?;
        if row.shown.containers.as_ref().is_some_and(|it| it.get(container).is_some()) {
            return Ok(true);
        }
    }
    Ok(false)
}
