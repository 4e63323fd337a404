//! `UpdateServiceSetting`: changes a setting of Parameter Store.

use landfall_api::ssm as api;
use landfall_store::{Tx, View};

use crate::pipe::{Authorized, Checked, Context, Failure, Resolve, WriteHandler};
use crate::ssm::record::{SETTINGS, Setting};
use crate::ssm::settings::Named;

/// A setting and its new value.
#[derive(Debug)]
pub struct Request {
    setting: Named,
    value: String,
}

impl Resolve for api::UpdateServiceSetting {
    type Request = Checked<Request>;

    fn resolve(cx: &Context<'_>, _: &View, input: Self::Input) -> Result<Self::Request, Failure> {
        let setting = Named::of(cx, &input.setting_id);
        let permission = setting.permission("ssm:UpdateServiceSetting");
        Ok(Checked::one(Request { setting, value: input.setting_value }, permission))
    }
}

impl WriteHandler for api::UpdateServiceSetting {
    fn run(
        cx: &Context<'_>,
        tx: &mut Tx,
        request: Authorized<Self::Request>,
    ) -> Result<Self::Output, Failure> {
        let Request { setting, value } = request.into_request();
        let known = setting.existing()?;
        known.check(&value)?;
        let row = Setting { value, modified_at: cx.now, modified_by: cx.caller.arn() };
        tx.put(&SETTINGS, &(cx.account(), cx.region(), known.id), row);
        Ok(api::UpdateServiceSettingResult {})
    }
}
