//! `AddUserToGroup`: puts a user into a group; one that is in it already stays.

use landfall_api::iam as api;
use landfall_api::iam::error::limit_exceeded_exception;
use landfall_store::{Tx, View};

use crate::iam::groups::{GROUPS_PER_USER, Membership};
use crate::iam::record::MEMBERSHIPS;
use crate::pipe::{Authorized, Checked, Context, Failure, Resolve, WriteHandler};

impl Resolve for api::AddUserToGroup {
    type Request = Checked<Membership>;

    fn resolve(cx: &Context<'_>, view: &View, input: Self::Input) -> Result<Self::Request, Failure> {
        Membership::resolve(cx, view, "iam:AddUserToGroup", &input.group_name, &input.user_name)
    }
}

impl WriteHandler for api::AddUserToGroup {
    fn run(
        _: &Context<'_>,
        tx: &mut Tx,
        request: Authorized<Self::Request>,
    ) -> Result<Self::Output, Failure> {
        let membership = request.into_request();
        let key = membership.key()?;
        if !tx.contains(&MEMBERSHIPS, &key)
            && tx.count(&MEMBERSHIPS, membership.user.key()) >= GROUPS_PER_USER
        {
            let text = format!("Cannot exceed quota for GroupsPerUser: {GROUPS_PER_USER}");
            return Err(limit_exceeded_exception(text).into());
        }
        tx.put(&MEMBERSHIPS, &key, ());
        Ok(api::AddUserToGroupResponse {})
    }
}
