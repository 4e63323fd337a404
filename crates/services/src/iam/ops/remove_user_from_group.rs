//! `RemoveUserFromGroup`: takes a user out of a group; one that is not in it is no error.

use landfall_api::iam as api;
use landfall_store::{Tx, View};

use crate::iam::groups::Membership;
use crate::iam::record::MEMBERSHIPS;
use crate::pipe::{Authorized, Checked, Context, Failure, Resolve, WriteHandler};

impl Resolve for api::RemoveUserFromGroup {
    type Request = Checked<Membership>;

    fn resolve(cx: &Context<'_>, view: &View, input: Self::Input) -> Result<Self::Request, Failure> {
        Membership::resolve(cx, view, "iam:RemoveUserFromGroup", &input.group_name, &input.user_name)
    }
}

impl WriteHandler for api::RemoveUserFromGroup {
    fn run(
        _: &Context<'_>,
        tx: &mut Tx,
        request: Authorized<Self::Request>,
    ) -> Result<Self::Output, Failure> {
        let membership = request.into_request();
        tx.delete(&MEMBERSHIPS, &membership.key()?);
        Ok(api::RemoveUserFromGroupResponse {})
    }
}
