//! `GetContainerServices`

use landfall_api::lightsail as api;
use landfall_store::View;

use crate::lightsail::record::SERVICES;
use crate::lightsail::target::Target;
use crate::lightsail::view;
use crate::pipe::{Authorized, Checked, Context, Failure, Permission, ReadHandler, Resolve};

/// One service, or all of the Region.
#[derive(Debug)]
pub struct Request(Option<Target>);

impl Resolve for api::GetContainerServices {
    type Request = Checked<Request>;

    fn resolve(cx: &Context<'_>, view: &View, input: Self::Input) -> Result<Self::Request, Failure> {
        let target = input.service_name.map(|name| Target::find(cx, view, &name)).transpose()?;
        Ok(Checked::one(Request(target), Permission::on_everything(cx, "lightsail:GetContainerServices")))
    }
}

impl ReadHandler for api::GetContainerServices {
    fn run(
        cx: &Context<'_>,
        view: &View,
        request: Authorized<Self::Request>,
    ) -> Result<Self::Output, Failure> {
        let mut shown = Vec::new();
        match request.into_request().0 {
            Some(target) => shown.push(view::service(view, &target.key, target.existing()?)?),
            None => {
                for (key, service) in view.list(&SERVICES, (cx.account(), cx.region()))? {
                    shown.push(view::service(view, &key, &service)?);
                }
            }
        }
        Ok(api::ContainerServicesListResult { container_services: Some(shown) })
    }
}
