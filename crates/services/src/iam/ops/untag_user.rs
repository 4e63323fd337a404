//! `UntagUser`: removes tags of a user.

use landfall_api::iam as api;
use landfall_store::{Tx, View};

use crate::iam::entity::Target;
use crate::iam::record::User;
use crate::iam::tags;
use crate::pipe::{Authorized, Checked, Context, Failure, Resolve, WriteHandler};

impl Resolve for api::UntagUser {
    type Request = Checked<(Target<User>, Vec<String>)>;

    fn resolve(cx: &Context<'_>, view: &View, input: Self::Input) -> Result<Self::Request, Failure> {
        let target = Target::find(cx, view, &input.user_name)?;
        let permission = target.permission("iam:UntagUser").with_all("aws:TagKeys", input.tag_keys.clone());
        Ok(Checked::one((target, input.tag_keys), permission))
    }
}

impl WriteHandler for api::UntagUser {
    fn run(
        _: &Context<'_>,
        tx: &mut Tx,
        request: Authorized<Self::Request>,
    ) -> Result<Self::Output, Failure> {
        let (target, keys) = request.into_request();
        target.update(tx, |user| tags::remove(&mut user.tags, &keys))?;
        Ok(api::UntagUserResponse {})
    }
}
