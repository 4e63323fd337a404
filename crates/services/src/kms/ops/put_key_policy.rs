//! `PutKeyPolicy`: another key policy.

use std::sync::Arc;

use landfall_api::kms as api;
use landfall_shape::ServiceError;
use landfall_store::{Tx, View};

use crate::kms::key_policy;
use crate::kms::keys;
use crate::kms::record::Key;
use crate::kms::target::Target;
use crate::pipe::{Authorized, Checked, Context, Failure, Resolve, WriteHandler};

/// The key.
#[derive(Debug)]
pub struct Request {
    target: Target,
    policy: String,
    bypass: Option<bool>,
}

impl Resolve for api::PutKeyPolicy {
    type Request = Checked<Request>;

    fn resolve(cx: &Context<'_>, view: &View, input: Self::Input) -> Result<Self::Request, Failure> {
        let target = Target::find_key(cx, view, &input.key_id)?;
        let permission = target.permission(cx, "kms:PutKeyPolicy")?;
        check_name(input.policy_name.as_deref())?;
        let (policy, bypass) = (input.policy, input.bypass_policy_lockout_safety_check);
        let permission =
            permission.with("kms:BypassPolicyLockoutSafetyCheck", bypass.unwrap_or_default().to_string());
        Ok(Checked::one(Request { target, policy, bypass }, permission))
    }
}

impl WriteHandler for api::PutKeyPolicy {
    fn run(
        cx: &Context<'_>,
        tx: &mut Tx,
        request: Authorized<Self::Request>,
    ) -> Result<Self::Output, Failure> {
        let Request { target, policy, bypass } = request.into_request();
        let mut key = Key::clone(Arc::as_ref(target.existing()?));
        key.policy = key_policy::parse(cx, tx, &target.arn, &policy, bypass)?;
        keys::put(tx, &target.place, &key)?;
        Ok(api::PutKeyPolicyResponse {})
    }
}

/// The one policy of a key is named `default`.
///
/// # Errors
/// `NotFoundException`
pub(super) fn check_name(name: Option<&str>) -> Result<(), ServiceError> {
    match name {
        None | Some("default") => Ok(()),
        Some(_) => Err(api::error::not_found_exception("No such policy exists")),
    }
}
