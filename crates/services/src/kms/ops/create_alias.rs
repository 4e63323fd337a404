//! `CreateAlias`: a name for a key.

use landfall_api::kms as api;
use landfall_store::{Tx, View};

use crate::kms::keys;
use crate::kms::names::{alias_arn, check_alias, check_alias_target};
use crate::kms::record::{ALIASES, KeyKey};
use crate::kms::target::Target;
use crate::pipe::{Authorized, Checked, Context, Failure, Permission, Resolve, WriteHandler};

/// The alias, and the keys that it is about.
#[derive(Debug)]
pub struct Request {
    alias: KeyKey,
    target: Target,
}

impl Resolve for api::CreateAlias {
    type Request = Checked<Request>;

    fn resolve(cx: &Context<'_>, view: &View, input: Self::Input) -> Result<Self::Request, Failure> {
        check_alias(&input.alias_name)?;
        check_alias_target(&input.target_key_id)?;
        let alias = (cx.account().clone(), cx.region().clone(), input.alias_name);
        let target = Target::find_key(cx, view, &input.target_key_id)?;
        let on_alias = Permission::on("kms:CreateAlias", &alias_arn(&alias));
        let on_key = target.permission(cx, "kms:CreateAlias")?;
        Ok(Checked::all(Request { alias, target }, vec![on_alias, on_key]))
    }
}

impl WriteHandler for api::CreateAlias {
    fn run(
        cx: &Context<'_>,
        tx: &mut Tx,
        request: Authorized<Self::Request>,
    ) -> Result<Self::Output, Failure> {
        let Request { alias, target } = request.into_request();
        target.present()?;
        if tx.contains(&ALIASES, &alias) {
            let message = format!("An alias with the name {} already exists", alias_arn(&alias));
            return Err(api::error::already_exists_exception(message).into());
        }
        keys::point(tx, &alias, &target.place.2, cx.now)?;
        Ok(api::CreateAliasResponse {})
    }
}
