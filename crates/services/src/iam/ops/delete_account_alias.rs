//! `DeleteAccountAlias`: takes the account's alias away.

use landfall_api::iam as api;
use landfall_api::iam::error::no_such_entity_exception;
use landfall_store::{Tx, View};

use crate::iam::accounts::alias_of;
use crate::iam::record::ALIASES;
use crate::pipe::{Authorized, Checked, Context, Failure, Permission, Resolve, WriteHandler};

impl Resolve for api::DeleteAccountAlias {
    type Request = Checked<String>;

    fn resolve(_: &Context<'_>, _: &View, input: Self::Input) -> Result<Self::Request, Failure> {
        Ok(Checked::one(input.account_alias, Permission::on_anything("iam:DeleteAccountAlias")))
    }
}

impl WriteHandler for api::DeleteAccountAlias {
    fn run(
        cx: &Context<'_>,
        tx: &mut Tx,
        request: Authorized<Self::Request>,
    ) -> Result<Self::Output, Failure> {
        let alias = request.into_request();
        if alias_of(tx, cx.account())?.as_ref() != Some(&alias) {
            let text = format!("The account alias {alias} cannot be found.");
            return Err(no_such_entity_exception(text).into());
        }
        tx.delete(&ALIASES, alias.as_str());
        Ok(api::DeleteAccountAliasResponse {})
    }
}
