//! `DeleteRotationFunction`: takes a rotation function away. Secrets that name it can no longer be rotated.

use landfall_api::landfall as api;
use landfall_base::{AccountId, Region};
use landfall_store::{Tx, View};

use crate::pipe::{Authorized, Checked, Context, Failure, Permission, Resolve, WriteHandler};
use crate::secretsmanager::rotation::{FUNCTIONS, arn_of};

impl Resolve for api::DeleteRotationFunction {
    type Request = Checked<(AccountId, Region, String)>;

    fn resolve(cx: &Context<'_>, _: &View, input: Self::Input) -> Result<Self::Request, Failure> {
        let key = (cx.account().clone(), cx.region().clone(), input.name);
        let permission = Permission::on("landfall:DeleteRotationFunction", &arn_of(&key));
        Ok(Checked::one(key, permission))
    }
}

impl WriteHandler for api::DeleteRotationFunction {
    fn run(
        _: &Context<'_>,
        tx: &mut Tx,
        request: Authorized<Self::Request>,
    ) -> Result<Self::Output, Failure> {
        let key = request.into_request();
        if !tx.delete(&FUNCTIONS, &key) {
            let text = format!("there is no rotation function `{}` in {}", key.2, key.1);
            return Err(api::error::resource_not_found_exception(text).into());
        }
        Ok(api::DeleteRotationFunctionResponse {})
    }
}
