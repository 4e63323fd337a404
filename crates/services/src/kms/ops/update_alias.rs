//! `UpdateAlias`: points an alias at another key.

use landfall_api::kms as api;
use landfall_shape::ServiceError;
use landfall_store::{Tx, View};

use crate::kms::keys;
use crate::kms::names::{alias_arn, check_alias, check_alias_target, no_alias};
use crate::kms::record::{ALIASES, KEYS, Key, KeyKey};
use crate::kms::rules;
use crate::kms::target::Target;
use crate::pipe::{Authorized, Checked, Context, Failure, Permission, Resolve, WriteHandler};

/// The alias, and the keys that it is about.
#[derive(Debug)]
pub struct Request {
    alias: KeyKey,
    target: Target,
}

impl Resolve for api::UpdateAlias {
    type Request = Checked<Request>;

    fn resolve(cx: &Context<'_>, view: &View, input: Self::Input) -> Result<Self::Request, Failure> {
        check_alias(&input.alias_name)?;
        check_alias_target(&input.target_key_id)?;
        let alias = (cx.account().clone(), cx.region().clone(), input.alias_name);
        let target = Target::find_key(cx, view, &input.target_key_id)?;
        let mut permissions = alias_permissions(cx, view, "kms:UpdateAlias", &alias)?;
        permissions.push(target.permission(cx, "kms:UpdateAlias")?);
        Ok(Checked::all(Request { alias, target }, permissions))
    }
}

/// The checks against an alias and the key it stands for.
///
/// # Errors
/// A row cannot be read.
pub(super) fn alias_permissions(
    cx: &Context<'_>,
    view: &View,
    action: &'static str,
    alias: &KeyKey,
) -> Result<Vec<Permission>, Failure> {
    let mut permissions = vec![Permission::on(action, &alias_arn(alias))];
    if let Some(row) = view.get(&ALIASES, alias)? {
        let (account, region, _) = alias;
        let current = Target::at(view, (account.clone(), region.clone(), row.key_id.clone()))?;
        permissions.push(current.permission(cx, action)?);
    }
    Ok(permissions)
}

impl WriteHandler for api::UpdateAlias {
    fn run(
        cx: &Context<'_>,
        tx: &mut Tx,
        request: Authorized<Self::Request>,
    ) -> Result<Self::Output, Failure> {
        let Request { alias, target } = request.into_request();
        let row = tx.get(&ALIASES, &alias)?.ok_or_else(|| no_alias(&alias))?;
        let new = target.present()?;
        let before = (alias.0.clone(), alias.1.clone(), row.key_id.clone());
        if let Some(before) = tx.get(&KEYS, &before)? {
            check_alike(&alias.2, &before, new)?;
        }
        keys::point(tx, &alias, &target.place.2, cx.now)?;
        Ok(api::UpdateAliasResponse {})
    }
}

/// An alias stays with one kind of keys, so that code which uses it does not fail.
fn check_alike(alias: &str, before: &Key, new: &Key) -> Result<(), ServiceError> {
    if before.usage == new.usage && before.spec.is_asymmetric() == new.spec.is_asymmetric() {
        return Ok(());
    }
    Err(rules::validation(format!(
        "{alias} cannot be moved from {} to {}: they differ in key type or key usage.",
        before.arn, new.arn
    )))
}
