use landfall_api::ecs::{self as api, error};
use landfall_base::Arn;
use landfall_store::{Tx, View};

use crate::ecs::record::ACCOUNT_SETTINGS;
use crate::ecs::rules::account_setting;
use crate::pipe::{Authorized, Checked, Context, Failure, Permission, Resolve, WriteHandler};

/// Sets an account setting for a principal: the caller, unless another of the account is named. For the account's root it
/// is the account's default.
impl Resolve for api::PutAccountSetting {
    type Request = Checked<api::PutAccountSettingRequest>;

    fn resolve(_cx: &Context<'_>, _view: &View, input: Self::Input) -> Result<Self::Request, Failure> {
        let permission = permission("ecs:PutAccountSetting", &input.name);
        Ok(Checked::one(input, permission))
    }
}

/// The check of an action on account settings.
pub(super) fn permission(action: &'static str, name: &api::SettingName) -> Permission {
    Permission::on_anything(action).with("ecs:account-setting", name.as_str())
}

impl WriteHandler for api::PutAccountSetting {
    fn run(
        cx: &Context<'_>,
        tx: &mut Tx,
        request: Authorized<Self::Request>,
    ) -> Result<Self::Output, Failure> {
        let input = request.into_request();
        account_setting::check(&input.name, &input.value)?;
        let principal = principal(cx, input.principal_arn.as_deref())?;
        let key = (cx.account(), cx.region(), row_key(cx, &principal), input.name.as_str());
        tx.put(&ACCOUNT_SETTINGS, &key, &input.value);
        Ok(api::PutAccountSettingResponse {
            setting: Some(shown(input.name, input.value, principal.clone())),
        })
    }
}

/// The principal that a call is about.
pub(super) fn principal(cx: &Context<'_>, given: Option<&str>) -> Result<String, Failure> {
    let Some(given) = given else { return Ok(own_arn(cx)) };
    let arn: Option<Arn> = given.parse().ok();
    let own = arn.filter(|arn| arn.service() == "iam" && arn.account() == cx.account().as_str());
    match own {
        Some(arn) => Ok(arn.to_string()),
        None => {
            Err(error::invalid_parameter_exception("The principalArn is not valid for this account.").into())
        }
    }
}

fn own_arn(cx: &Context<'_>) -> String {
    cx.caller.principal.principal_arn().map_or_else(|| cx.caller.arn(), Arn::to_string)
}

/// The key part of a principal: `""` for the root of the account.
pub(super) fn row_key<'a>(cx: &Context<'_>, principal: &'a str) -> &'a str {
    let root = format!("arn:{}:iam::{}:root", cx.region().partition(), cx.account());
    if principal == root { "" } else { principal }
}

/// A setting as the API shows it.
pub(super) fn shown(name: api::SettingName, value: String, principal: String) -> api::Setting {
    let managed = name == api::SettingName::GuardDutyActivate;
    api::Setting {
        name: Some(name),
        value: Some(value),
        principal_arn: Some(principal),
        r#type: Some(if managed { api::SettingType::AwsManaged } else { api::SettingType::User }),
    }
}
