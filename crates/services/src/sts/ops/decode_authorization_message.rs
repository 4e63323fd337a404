//! `DecodeAuthorizationMessage`: what was sealed into a refusal.

use landfall_api::sts as api;
use landfall_api::sts::error::invalid_authorization_message_exception;
use landfall_store::View;

use crate::pipe::{
    Authorized, Checked, Context, Failure, Permission, ReadHandler, Resolve, decode_authorization_message,
};

impl Resolve for api::DecodeAuthorizationMessage {
    type Request = Checked<String>;

    fn resolve(_: &Context<'_>, _: &View, input: Self::Input) -> Result<Self::Request, Failure> {
        let permission = Permission::on_anything("sts:DecodeAuthorizationMessage");
        Ok(Checked::one(input.encoded_message, permission))
    }
}

impl ReadHandler for api::DecodeAuthorizationMessage {
    fn run(cx: &Context<'_>, _: &View, request: Authorized<Self::Request>) -> Result<Self::Output, Failure> {
        let text = request.into_request();
        let decoded = decode_authorization_message(cx.vault(), cx.now, cx.account(), &text);
        let message =
            decoded.ok_or_else(|| invalid_authorization_message_exception("Message is not valid"))?;
        Ok(api::DecodeAuthorizationMessageResponse { decoded_message: Some(message) })
    }
}
