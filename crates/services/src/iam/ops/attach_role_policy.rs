//! `AttachRolePolicy`: gives a managed policy to a role.

use landfall_api::iam as api;
use landfall_store::{Tx, View};

use crate::iam::attachments::{self, Attachment};
use crate::iam::record::Role;
use crate::pipe::{Authorized, Checked, Context, Failure, Resolve, WriteHandler};

impl Resolve for api::AttachRolePolicy {
    type Request = Checked<Attachment<Role>>;

    fn resolve(cx: &Context<'_>, view: &View, input: Self::Input) -> Result<Self::Request, Failure> {
        attachments::resolve(cx, view, "iam:AttachRolePolicy", &input.role_name, &input.policy_arn)
    }
}

impl WriteHandler for api::AttachRolePolicy {
    fn run(
        cx: &Context<'_>,
        tx: &mut Tx,
        request: Authorized<Self::Request>,
    ) -> Result<Self::Output, Failure> {
        attachments::attach(cx, tx, request.into_request())?;
        Ok(api::AttachRolePolicyResponse {})
    }
}
