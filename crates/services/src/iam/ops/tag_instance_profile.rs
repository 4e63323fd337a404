//! `TagInstanceProfile`: sets tags of an instance profile.

use landfall_api::iam as api;
use landfall_store::{Tx, View};

use crate::iam::instance_profiles::ProfileTarget;
use crate::iam::record::{INSTANCE_PROFILES, Tags};
use crate::iam::tags;
use crate::pipe::{Authorized, Checked, Context, Failure, Resolve, WriteHandler};

impl Resolve for api::TagInstanceProfile {
    type Request = Checked<(ProfileTarget, Tags)>;

    fn resolve(cx: &Context<'_>, view: &View, input: Self::Input) -> Result<Self::Request, Failure> {
        let target = ProfileTarget::find(cx, view, &input.instance_profile_name)?;
        let tags = tags::pairs(Some(input.tags));
        let permission = tags::with_request_tags(target.permission("iam:TagInstanceProfile"), &tags);
        Ok(Checked::one((target, tags), permission))
    }
}

impl WriteHandler for api::TagInstanceProfile {
    fn run(
        _: &Context<'_>,
        tx: &mut Tx,
        request: Authorized<Self::Request>,
    ) -> Result<Self::Output, Failure> {
        let (target, new) = request.into_request();
        let merged = tags::merge(&target.existing()?.tags, &new)?;
        tx.update(&INSTANCE_PROFILES, &target.key(), |profile| profile.tags = merged)?;
        Ok(api::TagInstanceProfileResponse {})
    }
}
