use landfall_api::ecs as api;
use landfall_store::{Tx, View};

use super::put_account_setting::{permission, shown};
use crate::ecs::record::ACCOUNT_SETTINGS;
use crate::ecs::rules::account_setting;
use crate::pipe::{Authorized, Checked, Context, Failure, Resolve, WriteHandler};

/// Sets an account setting for all principals without one of their own.
impl Resolve for api::PutAccountSettingDefault {
    type Request = Checked<api::PutAccountSettingDefaultRequest>;

    fn resolve(_cx: &Context<'_>, _view: &View, input: Self::Input) -> Result<Self::Request, Failure> {
        let permission = permission("ecs:PutAccountSettingDefault", &input.name);
        Ok(Checked::one(input, permission))
    }
}

impl WriteHandler for api::PutAccountSettingDefault {
    fn run(
        cx: &Context<'_>,
        tx: &mut Tx,
        request: Authorized<Self::Request>,
    ) -> Result<Self::Output, Failure> {
        let input = request.into_request();
        account_setting::check(&input.name, &input.value)?;
        tx.put(&ACCOUNT_SETTINGS, &(cx.account(), cx.region(), "", input.name.as_str()), &input.value);
        let root = format!("arn:{}:iam::{}:root", cx.region().partition(), cx.account());
        Ok(api::PutAccountSettingDefaultResponse { setting: Some(shown(input.name, input.value, root)) })
    }
}
