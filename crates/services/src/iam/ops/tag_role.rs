//! `TagRole`: sets tags of a role.

use landfall_api::iam as api;
use landfall_store::{Tx, View};

use crate::iam::entity::Target;
use crate::iam::record::{Role, Tags};
use crate::iam::tags;
use crate::pipe::{Authorized, Checked, Context, Failure, Resolve, WriteHandler};

impl Resolve for api::TagRole {
    type Request = Checked<(Target<Role>, Tags)>;

    fn resolve(cx: &Context<'_>, view: &View, input: Self::Input) -> Result<Self::Request, Failure> {
        let target = Target::find(cx, view, &input.role_name)?;
        let tags = tags::pairs(Some(input.tags));
        let permission = tags::with_request_tags(target.permission("iam:TagRole"), &tags);
        Ok(Checked::one((target, tags), permission))
    }
}

impl WriteHandler for api::TagRole {
    fn run(
        _: &Context<'_>,
        tx: &mut Tx,
        request: Authorized<Self::Request>,
    ) -> Result<Self::Output, Failure> {
        let (target, new) = request.into_request();
        let merged = tags::merge(&target.existing()?.tags, &new)?;
        target.update(tx, |role| role.tags = merged)?;
        Ok(api::TagRoleResponse {})
    }
}
