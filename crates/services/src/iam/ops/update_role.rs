//! `UpdateRole`: sets description and longest session of a role.

use landfall_api::iam as api;
use landfall_store::{Tx, View};

use crate::iam::entity::Target;
use crate::iam::record::Role;
use crate::pipe::{Authorized, Checked, Context, Failure, Resolve, WriteHandler};

impl Resolve for api::UpdateRole {
    type Request = Checked<(Target<Role>, api::UpdateRoleRequest)>;

    fn resolve(cx: &Context<'_>, view: &View, input: Self::Input) -> Result<Self::Request, Failure> {
        let target = Target::find(cx, view, &input.role_name)?;
        let permission = target.permission("iam:UpdateRole");
        Ok(Checked::one((target, input), permission))
    }
}

impl WriteHandler for api::UpdateRole {
    fn run(
        _: &Context<'_>,
        tx: &mut Tx,
        request: Authorized<Self::Request>,
    ) -> Result<Self::Output, Failure> {
        let (target, input) = request.into_request();
        // Of a role that belongs to a service the description is for whoever owns the account (IAM User Guide, "Update a
        // service-linked role").
        match input.max_session_duration {
            Some(_) => target.changeable()?,
            None => target.existing()?,
        };
        target.update(tx, |role| {
            if let Some(description) = input.description {
                role.description = Some(description).filter(|text| !text.is_empty());
            }
            role.max_session_duration = input.max_session_duration.unwrap_or(role.max_session_duration);
        })?;
        Ok(api::UpdateRoleResponse {})
    }
}
