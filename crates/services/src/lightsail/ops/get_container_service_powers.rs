//! `GetContainerServicePowers`

use landfall_api::lightsail as api;
use landfall_store::View;

use crate::lightsail::rules::power;
use crate::pipe::{Authorized, Checked, Context, Failure, Permission, ReadHandler, Resolve};

impl Resolve for api::GetContainerServicePowers {
    type Request = Checked<()>;

    fn resolve(cx: &Context<'_>, _: &View, _: Self::Input) -> Result<Self::Request, Failure> {
        Ok(Checked::one((), Permission::on_everything(cx, "lightsail:GetContainerServicePowers")))
    }
}

impl ReadHandler for api::GetContainerServicePowers {
    fn run(_: &Context<'_>, _: &View, _: Authorized<Self::Request>) -> Result<Self::Output, Failure> {
        let powers = power::ALL.into_iter().map(power::Power::shown).collect();
        Ok(api::GetContainerServicePowersResult { powers: Some(powers) })
    }
}
