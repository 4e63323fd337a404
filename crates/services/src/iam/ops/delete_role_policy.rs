//! `DeleteRolePolicy`: deletes an inline policy of a role.

use landfall_api::iam as api;
use landfall_store::{Tx, View};

use crate::iam::inline::{self, Inline};
use crate::iam::record::Role;
use crate::pipe::{Authorized, Checked, Context, Failure, Resolve, WriteHandler};

impl Resolve for api::DeleteRolePolicy {
    type Request = Checked<Inline<Role>>;

    fn resolve(cx: &Context<'_>, view: &View, input: Self::Input) -> Result<Self::Request, Failure> {
        inline::resolve(cx, view, "iam:DeleteRolePolicy", &input.role_name, input.policy_name)
    }
}

impl WriteHandler for api::DeleteRolePolicy {
    fn run(
        _: &Context<'_>,
        tx: &mut Tx,
        request: Authorized<Self::Request>,
    ) -> Result<Self::Output, Failure> {
        inline::delete(tx, &request.into_request())?;
        Ok(api::DeleteRolePolicyResponse {})
    }
}
