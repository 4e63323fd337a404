//! `DeleteRolePermissionsBoundary`: takes the permissions boundary from a role.

use landfall_api::iam as api;
use landfall_api::iam::error::no_such_entity_exception;
use landfall_store::{Tx, View};

use crate::iam::entity::Target;
use crate::iam::record::Role;
use crate::pipe::{Authorized, Checked, Context, Failure, Resolve, WriteHandler};

impl Resolve for api::DeleteRolePermissionsBoundary {
    type Request = Checked<Target<Role>>;

    fn resolve(cx: &Context<'_>, view: &View, input: Self::Input) -> Result<Self::Request, Failure> {
        let target = Target::find(cx, view, &input.role_name)?;
        let permission = target.permission("iam:DeleteRolePermissionsBoundary");
        Ok(Checked::one(target, permission))
    }
}

impl WriteHandler for api::DeleteRolePermissionsBoundary {
    fn run(
        _: &Context<'_>,
        tx: &mut Tx,
        request: Authorized<Self::Request>,
    ) -> Result<Self::Output, Failure> {
        let target = request.into_request();
        if target.changeable()?.boundary.is_none() {
            let text = format!("The role with name {} has no permissions boundary.", target.name);
            return Err(no_such_entity_exception(text).into());
        }
        target.update(tx, |role| role.boundary = None)?;
        Ok(api::DeleteRolePermissionsBoundaryResponse {})
    }
}
