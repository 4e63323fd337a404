//! `DeleteUserPermissionsBoundary`: takes the permissions boundary from a user.

use landfall_api::iam as api;
use landfall_api::iam::error::no_such_entity_exception;
use landfall_store::{Tx, View};

use crate::iam::entity::Target;
use crate::iam::record::User;
use crate::pipe::{Authorized, Checked, Context, Failure, Resolve, WriteHandler};

impl Resolve for api::DeleteUserPermissionsBoundary {
    type Request = Checked<Target<User>>;

    fn resolve(cx: &Context<'_>, view: &View, input: Self::Input) -> Result<Self::Request, Failure> {
        let target = Target::find(cx, view, &input.user_name)?;
        let permission = target.permission("iam:DeleteUserPermissionsBoundary");
        Ok(Checked::one(target, permission))
    }
}

impl WriteHandler for api::DeleteUserPermissionsBoundary {
    fn run(
        _: &Context<'_>,
        tx: &mut Tx,
        request: Authorized<Self::Request>,
    ) -> Result<Self::Output, Failure> {
        let target = request.into_request();
        if target.changeable()?.boundary.is_none() {
            let text = format!("The user with name {} has no permissions boundary.", target.name);
            return Err(no_such_entity_exception(text).into());
        }
        target.update(tx, |user| user.boundary = None)?;
        Ok(api::DeleteUserPermissionsBoundaryResponse {})
    }
}
