//! `CreateGroup`: makes a group.

use landfall_api::iam as api;
use landfall_api::iam::error::entity_already_exists_exception;
use landfall_base::{Arn, random};
use landfall_store::{Tx, View};

use crate::iam::entity::{Target, arn_of};
use crate::iam::groups::shown;
use crate::iam::record::{GROUPS, Group};
use crate::pipe::{Authorized, Checked, Context, Failure, Permission, Resolve, WriteHandler};

/// A group to make.
#[derive(Debug)]
pub struct Request {
    target: Target<Group>,
    arn: Arn,
    path: String,
}

impl Resolve for api::CreateGroup {
    type Request = Checked<Request>;

    fn resolve(cx: &Context<'_>, view: &View, input: Self::Input) -> Result<Self::Request, Failure> {
        let target = Target::find(cx, view, &input.group_name)?;
        let path = input.path.unwrap_or_else(|| "/".to_owned());
        let arn = arn_of::<Group>(cx.account(), &path, &input.group_name);
        let permission = Permission::on("iam:CreateGroup", &arn);
        Ok(Checked::one(Request { target, arn, path }, permission))
    }
}

impl WriteHandler for api::CreateGroup {
    fn run(
        cx: &Context<'_>,
        tx: &mut Tx,
        request: Authorized<Self::Request>,
    ) -> Result<Self::Output, Failure> {
        let Request { target, arn, path } = request.into_request();
        if target.exists() {
            let text = format!("Group with name {} already exists.", target.name);
            return Err(entity_already_exists_exception(text).into());
        }
        let group = Group {
            name: target.name.clone(),
            path,
            id: format!("AGPA{}", random::base32(17)),
            arn: arn.to_string(),
            created_at: cx.now,
            attached: Vec::new(),
        };
        tx.put(&GROUPS, &target.key(), &group);
        Ok(api::CreateGroupResponse { group: shown(&group) })
    }
}
