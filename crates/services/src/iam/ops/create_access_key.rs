//! `CreateAccessKey`: makes an access key for a user, the calling one if none is named.

use landfall_api::iam as api;
use landfall_store::{Tx, View};

use crate::iam::access_keys;
use crate::iam::entity::Target;
use crate::iam::record::User;
use crate::pipe::{Authorized, Checked, Context, Failure, Resolve, WriteHandler};

impl Resolve for api::CreateAccessKey {
    type Request = Checked<Target<User>>;

    fn resolve(cx: &Context<'_>, view: &View, input: Self::Input) -> Result<Self::Request, Failure> {
        let name = input.user_name.as_deref();
        let target = access_keys::named_or_calling(cx, view, name)?;
        let permission = access_keys::permission(&target, "iam:CreateAccessKey", name);
        Ok(Checked::one(target, permission))
    }
}

impl WriteHandler for api::CreateAccessKey {
    fn run(
        cx: &Context<'_>,
        tx: &mut Tx,
        request: Authorized<Self::Request>,
    ) -> Result<Self::Output, Failure> {
        let target = request.into_request();
        let user = target.existing()?;
        let key = access_keys::create(tx, cx.vault(), cx.now, cx.account(), user)?;
        let access_key = api::AccessKey {
            user_name: user.name.clone(),
            access_key_id: key.id,
            status: api::StatusType::Active,
            secret_access_key: key.secret,
            create_date: Some(cx.now),
        };
        Ok(api::CreateAccessKeyResponse { access_key })
    }
}
