//! `DeleteAccessKey`: deletes an access key.

use landfall_api::iam as api;
use landfall_store::{Tx, View};

use crate::iam::access_keys::KeyOfUser;
use crate::pipe::{Authorized, Checked, Context, Failure, Resolve, WriteHandler};

impl Resolve for api::DeleteAccessKey {
    type Request = Checked<KeyOfUser>;

    fn resolve(cx: &Context<'_>, view: &View, input: Self::Input) -> Result<Self::Request, Failure> {
        let (user, id) = (input.user_name.as_deref(), input.access_key_id);
        KeyOfUser::resolve(cx, view, "iam:DeleteAccessKey", user, id)
    }
}

impl WriteHandler for api::DeleteAccessKey {
    fn run(
        _: &Context<'_>,
        tx: &mut Tx,
        request: Authorized<Self::Request>,
    ) -> Result<Self::Output, Failure> {
        request.request.delete(tx)?;
        Ok(api::DeleteAccessKeyResponse {})
    }
}
