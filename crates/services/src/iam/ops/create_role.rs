//! `CreateRole`: makes a role.

use landfall_api::iam as api;
use landfall_api::iam::error::{entity_already_exists_exception, invalid_input_exception};
use landfall_base::{Arn, random};
use landfall_store::{Tx, View};

use crate::iam::entity::{SERVICE_LINKED_PATH, Target, arn_of};
use crate::iam::managed::check_boundary;
use crate::iam::record::{ROLES, Role, Tags};
use crate::iam::{documents, tags, view};
use crate::pipe::{Authorized, Checked, Context, Failure, Permission, Resolve, WriteHandler};

/// One hour, in seconds.
const DEFAULT_SESSION: i32 = 3_600;

/// A role to make.
#[derive(Debug)]
pub struct Request {
    target: Target<Role>,
    arn: Arn,
    path: String,
    tags: Tags,
    input: api::CreateRoleRequest,
}

impl Resolve for api::CreateRole {
    type Request = Checked<Request>;

    fn resolve(cx: &Context<'_>, view: &View, input: Self::Input) -> Result<Self::Request, Failure> {
        let target = Target::find(cx, view, &input.role_name)?;
        let path = input.path.clone().unwrap_or_else(|| "/".to_owned());
        let arn = arn_of::<Role>(cx.account(), &path, &input.role_name);
        let tags = tags::pairs(input.tags.clone());
        let create = Permission::on("iam:CreateRole", &arn)
            .with_some("iam:PermissionsBoundary", input.permissions_boundary.as_deref());
        let mut permissions = vec![tags::with_request_tags(create, &tags)];
        if !tags.is_empty() {
            permissions.push(tags::with_request_tags(Permission::on("iam:TagRole", &arn), &tags));
        }
        Ok(Checked::all(Request { target, arn, path, tags, input }, permissions))
    }
}

impl WriteHandler for api::CreateRole {
    fn run(
        cx: &Context<'_>,
        tx: &mut Tx,
        request: Authorized<Self::Request>,
    ) -> Result<Self::Output, Failure> {
        let Request { target, arn, path, tags, input } = request.into_request();
        if target.exists() {
            let text = format!("Role with name {} already exists.", target.name);
            return Err(entity_already_exists_exception(text).into());
        }
        if path.starts_with(SERVICE_LINKED_PATH) {
            let text = format!("Path {path} is reserved for service-linked roles.");
            return Err(invalid_input_exception(text).into());
        }
        tags::check(&tags)?;
        check_boundary(tx, cx.account(), input.permissions_boundary.as_deref())?;
        let role = Role {
            name: input.role_name,
            path,
            id: format!("AROA{}", random::base32(17)),
            arn: arn.to_string(),
            created_at: cx.now,
            trust: documents::trust(tx, &input.assume_role_policy_document)?,
            description: input.description,
            max_session_duration: input.max_session_duration.unwrap_or(DEFAULT_SESSION),
            attached: Vec::new(),
            boundary: input.permissions_boundary,
            last_used: None,
            tags,
        };
        tx.put(&ROLES, &target.key(), &role);
        Ok(api::CreateRoleResponse { role: view::created_role(tx, &role)? })
    }
}
