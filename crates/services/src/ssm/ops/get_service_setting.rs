//! `GetServiceSetting`: a setting of Parameter Store.

use landfall_api::ssm as api;
use landfall_store::View;

use crate::pipe::{Authorized, Checked, Context, Failure, ReadHandler, Resolve};
use crate::ssm::record::SETTINGS;
use crate::ssm::settings::Named;

impl Resolve for api::GetServiceSetting {
    type Request = Checked<Named>;

    fn resolve(cx: &Context<'_>, _: &View, input: Self::Input) -> Result<Self::Request, Failure> {
        let setting = Named::of(cx, &input.setting_id);
        let permission = setting.permission("ssm:GetServiceSetting");
        Ok(Checked::one(setting, permission))
    }
}

impl ReadHandler for api::GetServiceSetting {
    fn run(
        cx: &Context<'_>,
        view: &View,
        request: Authorized<Self::Request>,
    ) -> Result<Self::Output, Failure> {
        let setting = request.into_request();
        let known = setting.existing()?;
        let changed = view.get(&SETTINGS, &(cx.account(), cx.region(), known.id))?;
        Ok(api::GetServiceSettingResult {
            service_setting: Some(known.shown(&setting.arn, changed.as_deref())),
        })
    }
}
