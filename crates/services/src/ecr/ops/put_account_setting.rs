//! `PutAccountSetting`: changes a setting of the caller's registry.

use landfall_api::ecr as api;
use landfall_store::{Tx, View};

use crate::ecr::account_settings::Setting;
use crate::ecr::record::ACCOUNT_SETTINGS;
use crate::pipe::{Authorized, Checked, Context, Failure, Permission, Resolve, WriteHandler};

/// A setting to be changed.
#[derive(Debug)]
pub struct Request {
    setting: &'static Setting,
    value: String,
}

impl Resolve for api::PutAccountSetting {
    type Request = Checked<Request>;

    fn resolve(_: &Context<'_>, _: &View, input: Self::Input) -> Result<Self::Request, Failure> {
        let setting = Setting::named(&input.name)?;
        setting.check(&input.value)?;
        let permission =
            Permission::on_anything("ecr:PutAccountSetting").with("ecr:AccountSetting", setting.name);
        Ok(Checked::one(Request { setting, value: input.value }, permission))
    }
}

impl WriteHandler for api::PutAccountSetting {
    fn run(
        cx: &Context<'_>,
        tx: &mut Tx,
        request: Authorized<Self::Request>,
    ) -> Result<Self::Output, Failure> {
        let Request { setting, value } = request.into_request();
        tx.put(&ACCOUNT_SETTINGS, &(cx.account(), cx.region(), setting.name), &value);
        Ok(api::PutAccountSettingResponse { name: Some(setting.name.to_owned()), value: Some(value) })
    }
}
