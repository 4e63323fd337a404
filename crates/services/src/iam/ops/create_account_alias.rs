//! `CreateAccountAlias`: gives the account an alias, in place of the one that it has.

use landfall_api::iam as api;
use landfall_api::iam::error::entity_already_exists_exception;
use landfall_store::{Tx, View};

use crate::iam::accounts::alias_of;
use crate::iam::record::ALIASES;
use crate::pipe::{Authorized, Checked, Context, Failure, Permission, Resolve, WriteHandler};

impl Resolve for api::CreateAccountAlias {
    type Request = Checked<String>;

    fn resolve(_: &Context<'_>, _: &View, input: Self::Input) -> Result<Self::Request, Failure> {
        Ok(Checked::one(input.account_alias, Permission::on_anything("iam:CreateAccountAlias")))
    }
}

impl WriteHandler for api::CreateAccountAlias {
    fn run(
        cx: &Context<'_>,
        tx: &mut Tx,
        request: Authorized<Self::Request>,
    ) -> Result<Self::Output, Failure> {
        let alias = request.into_request();
        if tx.contains(&ALIASES, alias.as_str()) {
            let text = format!("The account alias {alias} already exists.");
            return Err(entity_already_exists_exception(text).into());
        }
        if let Some(old) = alias_of(tx, cx.account())? {
            tx.delete(&ALIASES, old.as_str());
        }
        tx.put(&ALIASES, alias.as_str(), cx.account());
        Ok(api::CreateAccountAliasResponse {})
    }
}
