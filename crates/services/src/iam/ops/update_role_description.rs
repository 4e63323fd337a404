//! `UpdateRoleDescription`: sets the description of a role.

use landfall_api::iam as api;
use landfall_store::{Tx, View};

use crate::iam::entity::Target;
use crate::iam::record::Role;
use crate::iam::view;
use crate::pipe::{Authorized, Checked, Context, Failure, Resolve, WriteHandler};

impl Resolve for api::UpdateRoleDescription {
    type Request = Checked<(Target<Role>, String)>;

    fn resolve(cx: &Context<'_>, view: &View, input: Self::Input) -> Result<Self::Request, Failure> {
        let target = Target::find(cx, view, &input.role_name)?;
        let permission = target.permission("iam:UpdateRoleDescription");
        Ok(Checked::one((target, input.description), permission))
    }
}

impl WriteHandler for api::UpdateRoleDescription {
    fn run(
        _: &Context<'_>,
        tx: &mut Tx,
        request: Authorized<Self::Request>,
    ) -> Result<Self::Output, Failure> {
        let (target, description) = request.into_request();
        let mut role = Role::clone(target.existing()?);
        role.description = Some(description).filter(|text| !text.is_empty());
        target.update(tx, |row| row.description.clone_from(&role.description))?;
        Ok(api::UpdateRoleDescriptionResponse { role: Some(view::role(tx, &role)?) })
    }
}
