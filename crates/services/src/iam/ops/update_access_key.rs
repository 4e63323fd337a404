//! `UpdateAccessKey`: switches an access key on or off.

use landfall_api::iam as api;
use landfall_api::iam::error::invalid_input_exception;
use landfall_store::{Tx, View};

use crate::iam::access_keys::KeyOfUser;
use crate::pipe::{Authorized, Checked, Context, Failure, Resolve, WriteHandler};

impl Resolve for api::UpdateAccessKey {
    type Request = Checked<(KeyOfUser, api::StatusType)>;

    fn resolve(cx: &Context<'_>, view: &View, input: Self::Input) -> Result<Self::Request, Failure> {
        let (user, id) = (input.user_name.as_deref(), input.access_key_id);
        let Checked { request, permissions } = KeyOfUser::resolve(cx, view, "iam:UpdateAccessKey", user, id)?;
        Ok(Checked::all((request, input.status), permissions))
    }
}

impl WriteHandler for api::UpdateAccessKey {
    fn run(
        _: &Context<'_>,
        tx: &mut Tx,
        request: Authorized<Self::Request>,
    ) -> Result<Self::Output, Failure> {
        let (key, status) = request.into_request();
        let active = match status {
            api::StatusType::Active => true,
            api::StatusType::Inactive => false,
            other => {
                let text = format!("Status {other} cannot be set: expected Active or Inactive.");
                return Err(invalid_input_exception(text).into());
            }
        };
        key.set_active(tx, active)?;
        Ok(api::UpdateAccessKeyResponse {})
    }
}
