//! `DeleteGroupPolicy`: deletes an inline policy of a group.

use landfall_api::iam as api;
use landfall_store::{Tx, View};

use crate::iam::inline::{self, Inline};
use crate::iam::record::Group;
use crate::pipe::{Authorized, Checked, Context, Failure, Resolve, WriteHandler};

impl Resolve for api::DeleteGroupPolicy {
    type Request = Checked<Inline<Group>>;

    fn resolve(cx: &Context<'_>, view: &View, input: Self::Input) -> Result<Self::Request, Failure> {
        inline::resolve(cx, view, "iam:DeleteGroupPolicy", &input.group_name, input.policy_name)
    }
}

impl WriteHandler for api::DeleteGroupPolicy {
    fn run(
        _: &Context<'_>,
        tx: &mut Tx,
        request: Authorized<Self::Request>,
    ) -> Result<Self::Output, Failure> {
        inline::delete(tx, &request.into_request())?;
        Ok(api::DeleteGroupPolicyResponse {})
    }
}
