//! `UpdateUser`: gives a user another name or path. Its unique id stays.

use landfall_api::iam as api;
use landfall_store::{Tx, View};

use crate::iam::access_keys;
use crate::iam::record::User;
use crate::iam::rename::Rename;
use crate::pipe::{Authorized, Checked, Context, Failure, Resolve, WriteHandler};

impl Resolve for api::UpdateUser {
    type Request = Checked<Rename<User>>;

    fn resolve(cx: &Context<'_>, view: &View, input: Self::Input) -> Result<Self::Request, Failure> {
        Rename::resolve(cx, view, "iam:UpdateUser", &input.user_name, input.new_user_name, input.new_path)
    }
}

impl WriteHandler for api::UpdateUser {
    fn run(
        _: &Context<'_>,
        tx: &mut Tx,
        request: Authorized<Self::Request>,
    ) -> Result<Self::Output, Failure> {
        let rename = request.into_request();
        let user = User::clone(rename.check()?);
        if rename.moves() {
            access_keys::rename(tx, &rename.target, &rename.name)?;
        }
        let (name, path, arn) = (rename.name.clone(), rename.path.clone(), rename.arn.to_string());
        rename.write(tx, &User { name, path, arn, ..user })?;
        Ok(api::UpdateUserResponse {})
    }
}
