//! `GetUser`: a user; the caller, if none is named.

use landfall_api::iam as api;
use landfall_store::View;

use crate::iam::access_keys::named_or_calling;
use crate::iam::entity::Target;
use crate::iam::record::{ACCOUNTS, User};
use crate::iam::view;
use crate::pipe::{Authorized, Checked, Context, Failure, Permission, ReadHandler, Resolve};

/// Whom to show.
#[derive(Debug)]
pub enum Request {
    /// A user.
    User(Box<Target<User>>),
    /// The account itself: its root user asks about itself.
    Root,
}

impl Resolve for api::GetUser {
    type Request = Checked<Request>;

    fn resolve(cx: &Context<'_>, view: &View, input: Self::Input) -> Result<Self::Request, Failure> {
        if let (None, true, Some(arn)) =
            (&input.user_name, cx.caller.principal.is_root(), cx.caller.principal.arn())
        {
            return Ok(Checked::one(Request::Root, Permission::on("iam:GetUser", arn)));
        }
        let target = named_or_calling(cx, view, input.user_name.as_deref())?;
        let permission = target.permission("iam:GetUser");
        Ok(Checked::one(Request::User(Box::new(target)), permission))
    }
}

impl ReadHandler for api::GetUser {
    fn run(
        cx: &Context<'_>,
        view: &View,
        request: Authorized<Self::Request>,
    ) -> Result<Self::Output, Failure> {
        let user = match request.into_request() {
            Request::User(target) => view::user(target.existing()?),
            Request::Root => {
                let account = view.get(&ACCOUNTS, cx.account())?;
                api::User {
                    path: "/".to_owned(),
                    user_name: "root".to_owned(),
                    user_id: cx.account().to_string(),
                    arn: cx.caller.arn(),
                    create_date: account.map_or(cx.now, |account| account.created_at),
                    ..api::User::default()
                }
            }
        };
        Ok(api::GetUserResponse { user })
    }
}
