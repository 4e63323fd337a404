//! `ListAccountAliases`: the alias of the account, if it has one.

use landfall_api::iam as api;
use landfall_store::View;

use crate::iam::accounts::alias_of;
use crate::pipe::{Authorized, Checked, Context, Failure, Permission, ReadHandler, Resolve};

impl Resolve for api::ListAccountAliases {
    type Request = Checked<()>;

    fn resolve(_: &Context<'_>, _: &View, _: Self::Input) -> Result<Self::Request, Failure> {
        Ok(Checked::one((), Permission::on_anything("iam:ListAccountAliases")))
    }
}

impl ReadHandler for api::ListAccountAliases {
    fn run(cx: &Context<'_>, view: &View, _: Authorized<Self::Request>) -> Result<Self::Output, Failure> {
        Ok(api::ListAccountAliasesResponse {
            account_aliases: alias_of(view, cx.account())?.into_iter().collect(),
            is_truncated: Some(false),
            marker: None,
        })
    }
}
