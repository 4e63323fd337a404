//! `AttachGroupPolicy`: gives a managed policy to a group.

use landfall_api::iam as api;
use landfall_store::{Tx, View};

use crate::iam::attachments::{self, Attachment};
use crate::iam::record::Group;
use crate::pipe::{Authorized, Checked, Context, Failure, Resolve, WriteHandler};

impl Resolve for api::AttachGroupPolicy {
    type Request = Checked<Attachment<Group>>;

    fn resolve(cx: &Context<'_>, view: &View, input: Self::Input) -> Result<Self::Request, Failure> {
        attachments::resolve(cx, view, "iam:AttachGroupPolicy", &input.group_name, &input.policy_arn)
    }
}

impl WriteHandler for api::AttachGroupPolicy {
    fn run(
        cx: &Context<'_>,
        tx: &mut Tx,
        request: Authorized<Self::Request>,
    ) -> Result<Self::Output, Failure> {
        attachments::attach(cx, tx, request.into_request())?;
        Ok(api::AttachGroupPolicyResponse {})
    }
}
