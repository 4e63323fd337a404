//! `PutRegistryScanningConfiguration`: kept with the registry; nothing is scanned.

use landfall_api::ecr as api;
use landfall_store::{Tx, View};

use crate::ecr::record::SCANNING;
use crate::ecr::rules::wording;
use crate::pipe::{Authorized, Checked, Context, Failure, Permission, Resolve, WriteHandler};
use crate::stored::Stored;

impl Resolve for api::PutRegistryScanningConfiguration {
    type Request = Checked<api::RegistryScanningConfiguration>;

    fn resolve(_: &Context<'_>, _: &View, input: Self::Input) -> Result<Self::Request, Failure> {
        let configuration = api::RegistryScanningConfiguration {
            scan_type: Some(input.scan_type.unwrap_or(api::ScanType::Basic)),
            rules: Some(input.rules.unwrap_or_default()),
        };
        let permission = Permission::on_anything("ecr:PutRegistryScanningConfiguration");
        Ok(Checked::one(configuration, permission))
    }
}

impl WriteHandler for api::PutRegistryScanningConfiguration {
    fn run(
        cx: &Context<'_>,
        tx: &mut Tx,
        request: Authorized<Self::Request>,
    ) -> Result<Self::Output, Failure> {
        let configuration = request.into_request();
        let rules = configuration.rules.as_deref().unwrap_or_default();
        let basic = configuration.scan_type == Some(api::ScanType::Basic);
        if basic && rules.iter().any(|rule| rule.scan_frequency == api::ScanFrequency::ContinuousScan) {
            let text = "CONTINUOUS_SCAN can't be used with scanType BASIC";
            return Err(wording::invalid("scanFrequency", text).into());
        }
        tx.put(&SCANNING, &(cx.account(), cx.region()), Stored(configuration.clone()));
        Ok(api::PutRegistryScanningConfigurationResponse {
            registry_scanning_configuration: Some(configuration),
        })
    }
}
