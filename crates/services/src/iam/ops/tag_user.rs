//! `TagUser`: sets tags of a user.

use landfall_api::iam as api;
use landfall_store::{Tx, View};

use crate::iam::entity::Target;
use crate::iam::record::{Tags, User};
use crate::iam::tags;
use crate::pipe::{Authorized, Checked, Context, Failure, Resolve, WriteHandler};

impl Resolve for api::TagUser {
    type Request = Checked<(Target<User>, Tags)>;

    fn resolve(cx: &Context<'_>, view: &View, input: Self::Input) -> Result<Self::Request, Failure> {
        let target = Target::find(cx, view, &input.user_name)?;
        let tags = tags::pairs(Some(input.tags));
        let permission = tags::with_request_tags(target.permission("iam:TagUser"), &tags);
        Ok(Checked::one((target, tags), permission))
    }
}

impl WriteHandler for api::TagUser {
    fn run(
        _: &Context<'_>,
        tx: &mut Tx,
        request: Authorized<Self::Request>,
    ) -> Result<Self::Output, Failure> {
        let (target, new) = request.into_request();
        let merged = tags::merge(&target.existing()?.tags, &new)?;
        target.update(tx, |user| user.tags = merged)?;
        Ok(api::TagUserResponse {})
    }
}
