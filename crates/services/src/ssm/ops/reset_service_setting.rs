//! `ResetServiceSetting`: gives a setting of Parameter Store its default back.

use landfall_api::ssm as api;
use landfall_store::{Tx, View};

use crate::pipe::{Authorized, Checked, Context, Failure, Resolve, WriteHandler};
use crate::ssm::record::SETTINGS;
use crate::ssm::settings::Named;

impl Resolve for api::ResetServiceSetting {
    type Request = Checked<Named>;

    fn resolve(cx: &Context<'_>, _: &View, input: Self::Input) -> Result<Self::Request, Failure> {
        let setting = Named::of(cx, &input.setting_id);
        let permission = setting.permission("ssm:ResetServiceSetting");
        Ok(Checked::one(setting, permission))
    }
}

impl WriteHandler for api::ResetServiceSetting {
    fn run(
        cx: &Context<'_>,
        tx: &mut Tx,
        request: Authorized<Self::Request>,
    ) -> Result<Self::Output, Failure> {
        let setting = request.into_request();
        let known = setting.existing()?;
        tx.delete(&SETTINGS, &(cx.account(), cx.region(), known.id));
        Ok(api::ResetServiceSettingResult { service_setting: Some(known.shown(&setting.arn, None)) })
    }
}
