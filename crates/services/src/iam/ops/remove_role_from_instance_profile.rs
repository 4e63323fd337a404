//! `RemoveRoleFromInstanceProfile`: takes a role out of an instance profile.

use landfall_api::iam as api;
use landfall_api::iam::error::no_such_entity_exception;
use landfall_store::{Tx, View};

use crate::iam::instance_profiles::ProfileTarget;
use crate::iam::record::{INSTANCE_PROFILES, key_name};
use crate::pipe::{Authorized, Checked, Context, Failure, Resolve, WriteHandler};

impl Resolve for api::RemoveRoleFromInstanceProfile {
    type Request = Checked<(ProfileTarget, String)>;

    fn resolve(cx: &Context<'_>, view: &View, input: Self::Input) -> Result<Self::Request, Failure> {
        let target = ProfileTarget::find(cx, view, &input.instance_profile_name)?;
        let permission = target.permission("iam:RemoveRoleFromInstanceProfile");
        Ok(Checked::one((target, input.role_name), permission))
    }
}

impl WriteHandler for api::RemoveRoleFromInstanceProfile {
    fn run(
        _: &Context<'_>,
        tx: &mut Tx,
        request: Authorized<Self::Request>,
    ) -> Result<Self::Output, Failure> {
        let (target, role) = request.into_request();
        let held = target.existing()?.role.as_deref().map(key_name);
        if held != Some(key_name(&role)) {
            let text = format!("Role with name {role} cannot be found.");
            return Err(no_such_entity_exception(text).into());
        }
        tx.update(&INSTANCE_PROFILES, &target.key(), |profile| profile.role = None)?;
        Ok(api::RemoveRoleFromInstanceProfileResponse {})
    }
}
