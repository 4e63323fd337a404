//! `CreateUser`: makes a user.

use landfall_api::iam as api;
use landfall_api::iam::error::entity_already_exists_exception;
use landfall_base::{Arn, random};
use landfall_store::{Tx, View};

use crate::iam::entity::{Target, arn_of};
use crate::iam::managed::check_boundary;
use crate::iam::record::{Tags, USERS, User};
use crate::iam::{tags, view};
use crate::pipe::{Authorized, Checked, Context, Failure, Permission, Resolve, WriteHandler};

/// A user to make.
#[derive(Debug)]
pub struct Request {
    target: Target<User>,
    arn: Arn,
    path: String,
    tags: Tags,
    boundary: Option<String>,
}

impl Resolve for api::CreateUser {
    type Request = Checked<Request>;

    fn resolve(cx: &Context<'_>, view: &View, input: Self::Input) -> Result<Self::Request, Failure> {
        let target = Target::find(cx, view, &input.user_name)?;
        let path = input.path.unwrap_or_else(|| "/".to_owned());
        let arn = arn_of::<User>(cx.account(), &path, &input.user_name);
        let tags = tags::pairs(input.tags);
        let boundary = input.permissions_boundary;
        let create =
            Permission::on("iam:CreateUser", &arn).with_some("iam:PermissionsBoundary", boundary.as_deref());
        let mut permissions = vec![tags::with_request_tags(create, &tags)];
        if !tags.is_empty() {
            permissions.push(tags::with_request_tags(Permission::on("iam:TagUser", &arn), &tags));
        }
        Ok(Checked::all(Request { target, arn, path, tags, boundary }, permissions))
    }
}

impl WriteHandler for api::CreateUser {
    fn run(
        cx: &Context<'_>,
        tx: &mut Tx,
        request: Authorized<Self::Request>,
    ) -> Result<Self::Output, Failure> {
        let Request { target, arn, path, tags, boundary } = request.into_request();
        if target.exists() {
            let text = format!("User with name {} already exists.", target.name);
            return Err(entity_already_exists_exception(text).into());
        }
        tags::check(&tags)?;
        check_boundary(tx, cx.account(), boundary.as_deref())?;
        let user = User {
            name: target.name.clone(),
            path,
            id: format!("AIDA{}", random::base32(17)),
            arn: arn.to_string(),
            created_at: cx.now,
            attached: Vec::new(),
            boundary,
            tags,
        };
        tx.put(&USERS, &target.key(), &user);
        Ok(api::CreateUserResponse { user: Some(view::user(&user)) })
    }
}
