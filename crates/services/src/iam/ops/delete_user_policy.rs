//! `DeleteUserPolicy`: deletes an inline policy of a user.

use landfall_api::iam as api;
use landfall_store::{Tx, View};

use crate::iam::inline::{self, Inline};
use crate::iam::record::User;
use crate::pipe::{Authorized, Checked, Context, Failure, Resolve, WriteHandler};

impl Resolve for api::DeleteUserPolicy {
    type Request = Checked<Inline<User>>;

    fn resolve(cx: &Context<'_>, view: &View, input: Self::Input) -> Result<Self::Request, Failure> {
        inline::resolve(cx, view, "iam:DeleteUserPolicy", &input.user_name, input.policy_name)
    }
}

impl WriteHandler for api::DeleteUserPolicy {
    fn run(
        _: &Context<'_>,
        tx: &mut Tx,
        request: Authorized<Self::Request>,
    ) -> Result<Self::Output, Failure> {
        inline::delete(tx, &request.into_request())?;
        Ok(api::DeleteUserPolicyResponse {})
    }
}
