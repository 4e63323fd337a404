//! `DeleteAlias`: removes a name of a key. The key stays.

use landfall_api::kms as api;
use landfall_store::{Tx, View};

use super::update_alias::alias_permissions;
use crate::kms::names::{check_alias, no_alias};
use crate::kms::record::{ALIASES, ALIASES_OF_KEY, KeyKey};
use crate::pipe::{Authorized, Checked, Context, Failure, Resolve, WriteHandler};

/// The alias, and the keys that it is about.
#[derive(Debug)]
pub struct Request {
    alias: KeyKey,
}

impl Resolve for api::DeleteAlias {
    type Request = Checked<Request>;

    fn resolve(cx: &Context<'_>, view: &View, input: Self::Input) -> Result<Self::Request, Failure> {
        check_alias(&input.alias_name)?;
        let alias = (cx.account().clone(), cx.region().clone(), input.alias_name);
        let permissions = alias_permissions(cx, view, "kms:DeleteAlias", &alias)?;
        Ok(Checked::all(Request { alias }, permissions))
    }
}

impl WriteHandler for api::DeleteAlias {
    fn run(
        _: &Context<'_>,
        tx: &mut Tx,
        request: Authorized<Self::Request>,
    ) -> Result<Self::Output, Failure> {
        let Request { alias } = request.into_request();
        let row = tx.get(&ALIASES, &alias)?.ok_or_else(|| no_alias(&alias))?;
        let (account, region, name) = &alias;
        tx.delete(&ALIASES_OF_KEY, &(account, region, row.key_id.as_str(), name.as_str()));
        tx.delete(&ALIASES, &alias);
        Ok(api::DeleteAliasResponse {})
    }
}
