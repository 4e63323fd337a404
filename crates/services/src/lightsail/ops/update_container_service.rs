//! `UpdateContainerService`

use landfall_api::lightsail::{self as api, error};
use landfall_store::{Tx, View};

use crate::lightsail::record::{Change, SERVICES, Service};
use crate::lightsail::rules::power::Power;
use crate::lightsail::rules::state;
use crate::lightsail::target::Target;
use crate::lightsail::{domains, view};
use crate::pipe::{Authorized, Checked, Context, Failure, Resolve, WriteHandler};

/// A service and what is to change.
#[derive(Debug)]
pub struct Request {
    target: Target,
    input: api::UpdateContainerServiceRequest,
}

impl Resolve for api::UpdateContainerService {
    type Request = Checked<Request>;

    fn resolve(cx: &Context<'_>, view: &View, input: Self::Input) -> Result<Self::Request, Failure> {
        let target = Target::find(cx, view, &input.service_name)?;
        let permission = target.permission("lightsail:UpdateContainerService");
        Ok(Checked::one(Request { target, input }, permission))
    }
}

impl WriteHandler for api::UpdateContainerService {
    fn run(
        cx: &Context<'_>,
        tx: &mut Tx,
        request: Authorized<Self::Request>,
    ) -> Result<Self::Output, Failure> {
        let Request { target, input } = request.into_request();
        let old = target.existing()?;
        state::settled(old, "updated")?;
        let mut new = Service::clone(old);
        apply(&mut new, &input)?;
        if let Some(names) = input.public_domain_names {
            new.domain_names = domains::checked(cx.installation, tx, &target.key, names)?;
        }
        new.change = Change::Updating { since: cx.now };
        domains::enter(tx, &target.key, Some(old), &new);
        tx.put(&SERVICES, &target.key, &new);
        let shown = view::service(tx, &target.key, &new)?;
        Ok(api::UpdateContainerServiceResult { container_service: Some(shown) })
    }
}

fn apply(service: &mut Service, input: &api::UpdateContainerServiceRequest) -> Result<(), Failure> {
    if let Some(name) = &input.power {
        let power = Power::named(name)
            .ok_or_else(|| error::invalid_input_exception(format!("`{}` is not a power.", name.as_str())))?;
        if power != service.power {
            service.power = power;
            service.generation += 1;
        }
    }
    if let Some(scale) = input.scale.and_then(|scale| u32::try_from(scale).ok()) {
        service.scale = scale;
    }
    if let Some(disabled) = input.is_disabled {
        service.disabled = disabled;
    }
    let role = input.private_registry_access.as_ref().and_then(|it| it.ecr_image_puller_role.as_ref());
    if let Some(active) = role.and_then(|role| role.is_active) {
        service.puller.wanted = active;
    }
    Ok(())
}
