//! `GenerateRandom`: random bytes.

use landfall_api::kms as api;
use landfall_store::View;

use crate::kms::material;
use crate::kms::rules;
use crate::kms::target::on_account;
use crate::pipe::{Authorized, Checked, Context, Failure, ReadHandler, Resolve};

/// How many bytes.
#[derive(Debug)]
pub struct Request(usize);

impl Resolve for api::GenerateRandom {
    type Request = Checked<Request>;

    fn resolve(cx: &Context<'_>, _: &View, input: Self::Input) -> Result<Self::Request, Failure> {
        rules::check_recipient(input.recipient.as_ref())?;
        if input.custom_key_store_id.is_some() {
            let message = "CustomKeyStoreId is not available in this installation.";
            return Err(api::error::unsupported_operation_exception(message).into());
        }
        let length = rules::byte_count(input.number_of_bytes.unwrap_or_default())?;
        Ok(Checked::one(Request(length), on_account(cx, "kms:GenerateRandom")))
    }
}

impl ReadHandler for api::GenerateRandom {
    fn run(_: &Context<'_>, _: &View, request: Authorized<Self::Request>) -> Result<Self::Output, Failure> {
        let Request(length) = request.into_request();
        Ok(api::GenerateRandomResponse {
            plaintext: Some(material::random_bytes(length)),
            ciphertext_for_recipient: None,
        })
    }
}
