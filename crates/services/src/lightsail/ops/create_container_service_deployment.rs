//! `CreateContainerServiceDeployment`

use landfall_api::lightsail::{self as api, error};
use landfall_store::{Tx, View};

use crate::lightsail::deploy::{self, Wanted};
use crate::lightsail::record::{SERVICES, Service};
use crate::lightsail::rules::state;
use crate::lightsail::target::Target;
use crate::lightsail::view;
use crate::pipe::{Authorized, Checked, Context, Failure, Resolve, WriteHandler};

/// A service and its next deployment.
#[derive(Debug)]
pub struct Request {
    target: Target,
    wanted: Wanted,
}

impl Resolve for api::CreateContainerServiceDeployment {
    type Request = Checked<Request>;

    fn resolve(cx: &Context<'_>, view: &View, input: Self::Input) -> Result<Self::Request, Failure> {
        let target = Target::find(cx, view, &input.service_name)?;
        let permission = target.permission("lightsail:CreateContainerServiceDeployment");
        let wanted = Wanted { containers: input.containers, endpoint: input.public_endpoint };
        Ok(Checked::one(Request { target, wanted }, permission))
    }
}

impl WriteHandler for api::CreateContainerServiceDeployment {
    fn run(
        cx: &Context<'_>,
        tx: &mut Tx,
        request: Authorized<Self::Request>,
    ) -> Result<Self::Output, Failure> {
        let Request { target, wanted } = request.into_request();
        let mut service = Service::clone(target.existing()?);
        state::settled(&service, "deployed")?;
        if service.disabled {
            let text = "The specified service is disabled. Enable it before you create a deployment.";
            return Err(error::invalid_input_exception(text).into());
        }
        deploy::add(cx, tx, &target.key, &mut service, wanted)?;
        tx.put(&SERVICES, &target.key, &service);
        let shown = view::service(tx, &target.key, &service)?;
        Ok(api::CreateContainerServiceDeploymentResult { container_service: Some(shown) })
    }
}
