//! `GetContainerServiceDeployments`: the newest first.

use landfall_api::lightsail as api;
use landfall_store::View;

use crate::lightsail::record::DEPLOYMENTS;
use crate::lightsail::target::Target;
use crate::pipe::{Authorized, Checked, Context, Failure, Permission, ReadHandler, Resolve};

/// A service.
#[derive(Debug)]
pub struct Request(Target);

impl Resolve for api::GetContainerServiceDeployments {
    type Request = Checked<Request>;

    fn resolve(cx: &Context<'_>, view: &View, input: Self::Input) -> Result<Self::Request, Failure> {
        let target = Target::find(cx, view, &input.service_name)?;
        let permission = Permission::on_everything(cx, "lightsail:GetContainerServiceDeployments");
        Ok(Checked::one(Request(target), permission))
    }
}

impl ReadHandler for api::GetContainerServiceDeployments {
    fn run(
        _: &Context<'_>,
        view: &View,
        request: Authorized<Self::Request>,
    ) -> Result<Self::Output, Failure> {
        let Request(target) = request.into_request();
        target.existing()?;
        let (account, region, name) = &target.key;
        let rows = view.list(&DEPLOYMENTS, (account, region, name.as_str()))?;
        let shown = rows.into_iter().rev().map(|(_, row)| row.shown.0.clone()).collect();
        Ok(api::GetContainerServiceDeploymentsResult { deployments: Some(shown) })
    }
}
