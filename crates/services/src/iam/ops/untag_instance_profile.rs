//! `UntagInstanceProfile`: removes tags of an instance profile.

use landfall_api::iam as api;
use landfall_store::{Tx, View};

use crate::iam::instance_profiles::ProfileTarget;
use crate::iam::record::INSTANCE_PROFILES;
use crate::iam::tags;
use crate::pipe::{Authorized, Checked, Context, Failure, Resolve, WriteHandler};

impl Resolve for api::UntagInstanceProfile {
    type Request = Checked<(ProfileTarget, Vec<String>)>;

    fn resolve(cx: &Context<'_>, view: &View, input: Self::Input) -> Result<Self::Request, Failure> {
        let target = ProfileTarget::find(cx, view, &input.instance_profile_name)?;
        let permission =
            target.permission("iam:UntagInstanceProfile").with_all("aws:TagKeys", input.tag_keys.clone());
        Ok(Checked::one((target, input.tag_keys), permission))
    }
}

impl WriteHandler for api::UntagInstanceProfile {
    fn run(
        _: &Context<'_>,
        tx: &mut Tx,
        request: Authorized<Self::Request>,
    ) -> Result<Self::Output, Failure> {
        let (target, keys) = request.into_request();
        target.existing()?;
        tx.update(&INSTANCE_PROFILES, &target.key(), |profile| tags::remove(&mut profile.tags, &keys))?;
        Ok(api::UntagInstanceProfileResponse {})
    }
}
