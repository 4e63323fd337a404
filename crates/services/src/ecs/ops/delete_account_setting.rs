use landfall_api::ecs as api;
use landfall_store::{Tx, View};

use super::put_account_setting::{permission, principal, row_key, shown};
use crate::ecs::record::ACCOUNT_SETTINGS;
use crate::ecs::rules::account_setting;
use crate::pipe::{Authorized, Checked, Context, Failure, Resolve, WriteHandler};

/// Takes a principal's own setting away, so that the account's counts again.
impl Resolve for api::DeleteAccountSetting {
    type Request = Checked<api::DeleteAccountSettingRequest>;

    fn resolve(_cx: &Context<'_>, _view: &View, input: Self::Input) -> Result<Self::Request, Failure> {
        let permission = permission("ecs:DeleteAccountSetting", &input.name);
        Ok(Checked::one(input, permission))
    }
}

impl WriteHandler for api::DeleteAccountSetting {
    fn run(
        cx: &Context<'_>,
        tx: &mut Tx,
        request: Authorized<Self::Request>,
    ) -> Result<Self::Output, Failure> {
        let input = request.into_request();
        let value = account_setting::default_value(&input.name).unwrap_or_default();
        account_setting::check(&input.name, value)?;
        let principal = principal(cx, input.principal_arn.as_deref())?;
        let (account, region) = (cx.account(), cx.region());
        tx.delete(&ACCOUNT_SETTINGS, &(account, region, row_key(cx, &principal), input.name.as_str()));
        let left = tx.get(&ACCOUNT_SETTINGS, &(account, region, "", input.name.as_str()))?;
        let value = left.map_or_else(|| value.to_owned(), |value| String::clone(&value));
        Ok(api::DeleteAccountSettingResponse { setting: Some(shown(input.name, value, principal)) })
    }
}
