//! `GenerateDataKeyPair`: a new key pair for use outside KMS; its private half in plaintext and encrypted.

use landfall_api::kms as api;
use landfall_shape::Blob;
use landfall_store::View;

use crate::kms::data_key_pair::{Pair, Request};
use crate::kms::rules;
use crate::pipe::{Authorized, Checked, Context, Failure, ReadHandler, Resolve};

impl Resolve for api::GenerateDataKeyPair {
    type Request = Checked<Request>;

    fn resolve(cx: &Context<'_>, view: &View, input: Self::Input) -> Result<Self::Request, Failure> {
        rules::check_recipient(input.recipient.as_ref())?;
        let wanted = (input.key_id.as_str(), &input.key_pair_spec);
        let (context, dry_run) = (input.encryption_context, input.dry_run);
        Request::resolve((cx, view), "kms:GenerateDataKeyPair", wanted, context, dry_run)
    }
}

impl ReadHandler for api::GenerateDataKeyPair {
    fn run(cx: &Context<'_>, _: &View, request: Authorized<Self::Request>) -> Result<Self::Output, Failure> {
        let pair = request.into_request().make(cx, "GenerateDataKeyPair")?;
        let Pair { spec, private, public, encrypted, key_id, key_material_id } = pair;
        Ok(api::GenerateDataKeyPairResponse {
            private_key_ciphertext_blob: Some(Blob(encrypted)),
            private_key_plaintext: Some(private),
            public_key: Some(Blob(public)),
            key_id: Some(key_id),
            key_pair_spec: Some(spec.as_str().into()),
            ciphertext_for_recipient: None,
            key_material_id: Some(key_material_id),
        })
    }
}
