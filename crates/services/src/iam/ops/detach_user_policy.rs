//! `DetachUserPolicy`: takes a managed policy away from a user.

use landfall_api::iam as api;
use landfall_store::{Tx, View};

use crate::iam::attachments::{self, Attachment};
use crate::iam::record::User;
use crate::pipe::{Authorized, Checked, Context, Failure, Resolve, WriteHandler};

impl Resolve for api::DetachUserPolicy {
    type Request = Checked<Attachment<User>>;

    fn resolve(cx: &Context<'_>, view: &View, input: Self::Input) -> Result<Self::Request, Failure> {
        attachments::resolve(cx, view, "iam:DetachUserPolicy", &input.user_name, &input.policy_arn)
    }
}

impl WriteHandler for api::DetachUserPolicy {
    fn run(
        _: &Context<'_>,
        tx: &mut Tx,
        request: Authorized<Self::Request>,
    ) -> Result<Self::Output, Failure> {
        attachments::detach(tx, request.into_request())?;
        Ok(api::DetachUserPolicyResponse {})
    }
}
