//! `DeleteInstanceProfile`: deletes an instance profile that holds no role any more.

use landfall_api::iam as api;
use landfall_api::iam::error::delete_conflict_exception;
use landfall_store::{Tx, View};

use crate::iam::instance_profiles::ProfileTarget;
use crate::iam::record::INSTANCE_PROFILES;
use crate::pipe::{Authorized, Checked, Context, Failure, Resolve, WriteHandler};

impl Resolve for api::DeleteInstanceProfile {
    type Request = Checked<ProfileTarget>;

    fn resolve(cx: &Context<'_>, view: &View, input: Self::Input) -> Result<Self::Request, Failure> {
        let target = ProfileTarget::find(cx, view, &input.instance_profile_name)?;
        let permission = target.permission("iam:DeleteInstanceProfile");
        Ok(Checked::one(target, permission))
    }
}

impl WriteHandler for api::DeleteInstanceProfile {
    fn run(
        _: &Context<'_>,
        tx: &mut Tx,
        request: Authorized<Self::Request>,
    ) -> Result<Self::Output, Failure> {
        let target = request.into_request();
        if target.existing()?.role.is_some() {
            let text = "Cannot delete entity, must remove roles from instance profile first.";
            return Err(delete_conflict_exception(text).into());
        }
        tx.delete(&INSTANCE_PROFILES, &target.key());
        Ok(api::DeleteInstanceProfileResponse {})
    }
}
