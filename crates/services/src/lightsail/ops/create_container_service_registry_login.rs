//! `CreateContainerServiceRegistryLogin`: a credential to push images with.

use landfall_api::lightsail::{self as api, error};
use landfall_store::{Tx, View};

use crate::lightsail::images;
use crate::lightsail::record::SERVICES;
use crate::pipe::{Authorized, Checked, Context, Failure, Permission, Resolve, WriteHandler};

/// Whether there is a service to push for.
#[derive(Debug)]
pub struct Request {
    has_service: bool,
}

impl Resolve for api::CreateContainerServiceRegistryLogin {
    type Request = Checked<Request>;

    fn resolve(cx: &Context<'_>, view: &View, _: Self::Input) -> Result<Self::Request, Failure> {
        let has_service = view.count(&SERVICES, (cx.account(), cx.region())) > 0;
        let permission = Permission::on_everything(cx, "lightsail:CreateContainerServiceRegistryLogin");
        Ok(Checked::one(Request { has_service }, permission))
    }
}

impl WriteHandler for api::CreateContainerServiceRegistryLogin {
    fn run(
        cx: &Context<'_>,
        tx: &mut Tx,
        request: Authorized<Self::Request>,
    ) -> Result<Self::Output, Failure> {
        if !request.into_request().has_service {
            let text =
                "You must create a container service before retrieving container registry login credentials.";
            return Err(error::invalid_input_exception(text).into());
        }
        let login = images::login(cx.installation, tx, cx.account(), cx.region())?;
        Ok(api::CreateContainerServiceRegistryLoginResult { registry_login: Some(login) })
    }
}
