//! `CreateServiceLinkedRole`: makes the role of a service.

use landfall_api::iam as api;
use landfall_api::iam::error::invalid_input_exception;
use landfall_store::{Tx, View};

use crate::iam::entity::Target;
use crate::iam::record::{ROLES, Role};
use crate::iam::service_linked::{ServiceLinked, of_service};
use crate::iam::view;
use crate::pipe::{Authorized, Checked, Context, Failure, Permission, Resolve, WriteHandler};

/// A role to make.
#[derive(Debug)]
pub struct Request {
    linked: ServiceLinked,
    target: Target<Role>,
    input: api::CreateServiceLinkedRoleRequest,
}

impl Resolve for api::CreateServiceLinkedRole {
    type Request = Checked<Request>;

    fn resolve(cx: &Context<'_>, view: &View, input: Self::Input) -> Result<Self::Request, Failure> {
        let linked = of_service(&input.aws_service_name)?;
        let target = Target::find(cx, view, linked.name)?;
        let permission = Permission::on("iam:CreateServiceLinkedRole", &linked.arn(cx.account()))
            .with("iam:AWSServiceName", linked.service);
        Ok(Checked::one(Request { linked, target, input }, permission))
    }
}

impl WriteHandler for api::CreateServiceLinkedRole {
    fn run(
        cx: &Context<'_>,
        tx: &mut Tx,
        request: Authorized<Self::Request>,
    ) -> Result<Self::Output, Failure> {
        let Request { linked, target, input } = request.into_request();
        if input.custom_suffix.is_some_and(|suffix| !suffix.is_empty()) {
            let text = format!("Custom suffix is not allowed for {}", linked.service);
            return Err(invalid_input_exception(text).into());
        }
        if target.exists() {
            let text = format!(
                "Service role name {} has been taken in this account, please try a different suffix.",
                linked.name
            );
            return Err(invalid_input_exception(text).into());
        }
        let role = linked.role(tx, cx.account(), cx.now, input.description)?;
        tx.put(&ROLES, &target.key(), &role);
        Ok(api::CreateServiceLinkedRoleResponse { role: Some(view::created_role(tx, &role)?) })
    }
}
