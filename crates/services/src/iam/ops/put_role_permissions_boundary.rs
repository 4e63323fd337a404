//! `PutRolePermissionsBoundary`: sets the permissions boundary of a role.

use landfall_api::iam as api;
use landfall_store::{Tx, View};

use crate::iam::entity::Target;
use crate::iam::managed::check_boundary;
use crate::iam::record::Role;
use crate::pipe::{Authorized, Checked, Context, Failure, Resolve, WriteHandler};

impl Resolve for api::PutRolePermissionsBoundary {
    type Request = Checked<(Target<Role>, String)>;

    fn resolve(cx: &Context<'_>, view: &View, input: Self::Input) -> Result<Self::Request, Failure> {
        let target = Target::find(cx, view, &input.role_name)?;
        let permission = target
            .permission("iam:PutRolePermissionsBoundary")
            .with("iam:PermissionsBoundary", input.permissions_boundary.as_str());
        Ok(Checked::one((target, input.permissions_boundary), permission))
    }
}

impl WriteHandler for api::PutRolePermissionsBoundary {
    fn run(
        cx: &Context<'_>,
        tx: &mut Tx,
        request: Authorized<Self::Request>,
    ) -> Result<Self::Output, Failure> {
        let (target, boundary) = request.into_request();
        target.changeable()?;
        check_boundary(tx, cx.account(), Some(&boundary))?;
        target.update(tx, |role| role.boundary = Some(boundary))?;
        Ok(api::PutRolePermissionsBoundaryResponse {})
    }
}
