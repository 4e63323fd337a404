//! `ListAllowedPrincipals`: who may do something to a resource, as policies are now: users and roles, and whoever else the
//! resource's policies name. Sessions with policies or tags of their own may differ from their role.

use landfall_api::landfall as api;
use landfall_store::View;

use super::is_of_default_account;
use crate::iam::accounts;
use crate::landfall::allowed::Search;
use crate::pipe::{Authorized, Checked, Context, Failure, Permission, ReadHandler, Resolve};

impl Resolve for api::ListAllowedPrincipals {
    type Request = Checked<api::ListAllowedPrincipalsRequest>;

    fn resolve(_: &Context<'_>, _: &View, input: Self::Input) -> Result<Self::Request, Failure> {
        Ok(Checked::one(input, Permission::on_anything("landfall:ListAllowedPrincipals")))
    }
}

impl ReadHandler for api::ListAllowedPrincipals {
    fn run(
        cx: &Context<'_>,
        view: &View,
        request: Authorized<Self::Request>,
    ) -> Result<Self::Output, Failure> {
        let input = request.into_request();
        // Principals of other accounts are the business of those who look after the installation.
        let shown = |account: &_| account == cx.account() || is_of_default_account(cx);
        let accounts: Vec<_> =
            accounts(view)?.into_iter().map(|(account, _)| account).filter(shown).collect();
        let search = Search::new(cx, view, &input, accounts)?;
        Ok(api::ListAllowedPrincipalsResponse { principals: search.run(cx, view)? })
    }
}
