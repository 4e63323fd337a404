//! `GetRegistryScanningConfiguration`: what was said about scanning in the caller's registry.

use landfall_api::ecr as api;
use landfall_store::View;

use crate::ecr::record::SCANNING;
use crate::pipe::{Authorized, Checked, Context, Failure, Permission, ReadHandler, Resolve};

impl Resolve for api::GetRegistryScanningConfiguration {
    type Request = Checked<()>;

    fn resolve(_: &Context<'_>, _: &View, _: Self::Input) -> Result<Self::Request, Failure> {
        Ok(Checked::one((), Permission::on_anything("ecr:GetRegistryScanningConfiguration")))
    }
}

impl ReadHandler for api::GetRegistryScanningConfiguration {
    fn run(cx: &Context<'_>, view: &View, _: Authorized<Self::Request>) -> Result<Self::Output, Failure> {
        let row = view.get(&SCANNING, &(cx.account(), cx.region()))?;
        let none = || api::RegistryScanningConfiguration {
            scan_type: Some(api::ScanType::Basic),
            rules: Some(Vec::new()),
        };
        Ok(api::GetRegistryScanningConfigurationResponse {
            registry_id: Some(cx.account().to_string()),
            scanning_configuration: Some(row.map_or_else(none, |row| row.0.clone())),
        })
    }
}
