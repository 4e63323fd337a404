//! `GetAccountSetting`: a setting of the caller's registry.

use landfall_api::ecr as api;
use landfall_store::View;

use crate::ecr::account_settings::Setting;
use crate::ecr::record::ACCOUNT_SETTINGS;
use crate::pipe::{Authorized, Checked, Context, Failure, Permission, ReadHandler, Resolve};

impl Resolve for api::GetAccountSetting {
    type Request = Checked<&'static Setting>;

    fn resolve(_: &Context<'_>, _: &View, input: Self::Input) -> Result<Self::Request, Failure> {
        let setting = Setting::named(&input.name)?;
        let permission =
            Permission::on_anything("ecr:GetAccountSetting").with("ecr:AccountSetting", setting.name);
        Ok(Checked::one(setting, permission))
    }
}

impl ReadHandler for api::GetAccountSetting {
    fn run(
        cx: &Context<'_>,
        view: &View,
        request: Authorized<Self::Request>,
    ) -> Result<Self::Output, Failure> {
        let setting = request.into_request();
        let row = view.get(&ACCOUNT_SETTINGS, &(cx.account(), cx.region(), setting.name))?;
        let value = row.map_or_else(|| setting.default().to_owned(), |value| String::clone(&value));
        Ok(api::GetAccountSettingResponse { name: Some(setting.name.to_owned()), value: Some(value) })
    }
}
