//! `ListAccounts`: the accounts of the installation. Principals of other accounts than the first see their own.

use landfall_api::landfall as api;
use landfall_store::View;

use super::is_of_default_account;
use crate::iam::accounts;
use crate::pipe::{Authorized, Checked, Context, Failure, Permission, ReadHandler, Resolve};

impl Resolve for api::ListAccounts {
    type Request = Checked<()>;

    fn resolve(_: &Context<'_>, _: &View, _: Self::Input) -> Result<Self::Request, Failure> {
        Ok(Checked::one((), Permission::on_anything("landfall:ListAccounts")))
    }
}

impl ReadHandler for api::ListAccounts {
    fn run(cx: &Context<'_>, view: &View, _: Authorized<Self::Request>) -> Result<Self::Output, Failure> {
        let all = is_of_default_account(cx);
        let accounts = accounts(view)?.into_iter().filter(|(id, _)| all || id == cx.account());
        let account = |(id, row): (landfall_base::AccountId, std::sync::Arc<crate::iam::record::Account>)| {
            api::Account { account_id: id.to_string(), created_at: row.created_at }
        };
        Ok(api::ListAccountsResponse { accounts: accounts.map(account).collect() })
    }
}
