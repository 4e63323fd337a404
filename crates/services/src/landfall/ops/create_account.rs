//! `CreateAccount`: makes an account with an administrator and answers the administrator's access key, once.

use landfall_api::landfall as api;
use landfall_base::AccountId;
use landfall_store::{Tx, View};

use super::{denied, is_of_default_account};
use crate::iam::create_account;
use crate::iam::record::ACCOUNTS;
use crate::pipe::{Authorized, Checked, Context, Failure, Permission, Resolve, WriteHandler};

const ACTION: &str = "landfall:CreateAccount";

impl Resolve for api::CreateAccount {
    type Request = Checked<AccountId>;

    fn resolve(cx: &Context<'_>, _: &View, input: Self::Input) -> Result<Self::Request, Failure> {
        if !is_of_default_account(cx) {
            return Err(denied(cx, ACTION).into());
        }
        let account = input.account_id.parse().map_err(|_| {
            let text = format!("`{}` is not an account id: expected twelve digits", input.account_id);
            api::error::invalid_parameter_exception(text)
        })?;
        Ok(Checked::one(account, Permission::on_anything(ACTION)))
    }
}

impl WriteHandler for api::CreateAccount {
    fn run(
        cx: &Context<'_>,
        tx: &mut Tx,
        request: Authorized<Self::Request>,
    ) -> Result<Self::Output, Failure> {
        let account = request.into_request();
        if account == *crate::lightsail::owner() {
            let text = format!("Account {account} runs Lightsail's container services: choose another id.");
            return Err(api::error::invalid_parameter_exception(text).into());
        }
        if tx.contains(&ACCOUNTS, &account) {
            let text = format!("Account {account} already exists.");
            return Err(api::error::account_already_exists_exception(text).into());
        }
        let administrator = create_account(tx, cx.vault(), cx.now, &account)?;
        Ok(api::CreateAccountResponse {
            account_id: account.to_string(),
            user_arn: administrator.user_arn,
            access_key_id: administrator.access_key_id,
            secret_access_key: administrator.secret_access_key,
        })
    }
}
