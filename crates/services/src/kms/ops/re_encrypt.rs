//! `ReEncrypt`: decrypts under one key and encrypts under another, without showing the plaintext.

use landfall_api::kms as api;
use landfall_shape::Blob;
use landfall_store::View;

use super::decrypt::{given, open, source};
use super::encrypt::{algorithm, algorithm_of, seal};
use crate::kms::encryption_context::EncryptionContext;
use crate::kms::kind::Usage;
use crate::kms::rules;
use crate::kms::target::Target;
use crate::pipe::{Authorized, Checked, Context, Failure, ReadHandler, Resolve};

/// What is asked for.
#[derive(Debug)]
pub struct Request {
    source: Target,
    source_context: EncryptionContext,
    source_algorithm: String,
    destination: Target,
    destination_context: EncryptionContext,
    destination_algorithm: String,
    ciphertext: Vec<u8>,
    dry_run: Option<bool>,
}

impl Resolve for api::ReEncrypt {
    type Request = Checked<Request>;

    fn resolve(cx: &Context<'_>, view: &View, input: Self::Input) -> Result<Self::Request, Failure> {
        let source_algorithm = algorithm_of(input.source_encryption_algorithm.as_ref());
        let destination_algorithm = algorithm_of(input.destination_encryption_algorithm.as_ref());
        let ciphertext = given(input.ciphertext_blob, input.dry_run_modifiers)?;
        let source = source(cx, view, "kms:ReEncryptFrom", (input.source_key_id.as_deref(), &ciphertext))?;
        let destination = Target::find(cx, view, &input.destination_key_id)?;
        let same = (source.arn == destination.arn).to_string();
        let source_context = EncryptionContext::of(input.source_encryption_context);
        let destination_context = EncryptionContext::of(input.destination_encryption_context);
        let from = algorithm(source.permission(cx, "kms:ReEncryptFrom")?, &source_algorithm);
        let to = algorithm(destination.permission(cx, "kms:ReEncryptTo")?, &destination_algorithm);
        let from = source_context.add_to(from).with("kms:ReEncryptOnSameKey", same.clone());
        let to = destination_context.add_to(to).with("kms:ReEncryptOnSameKey", same);
        let dry_run = input.dry_run;
        let request = Request {
            source,
            source_context,
            source_algorithm,
            destination,
            destination_context,
            destination_algorithm,
            ciphertext,
            dry_run,
        };
        Ok(Checked::all(request, vec![from, to]))
    }
}

impl ReadHandler for api::ReEncrypt {
    fn run(cx: &Context<'_>, _: &View, request: Authorized<Self::Request>) -> Result<Self::Output, Failure> {
        let request = request.into_request();
        let Request { source, destination, source_algorithm, destination_algorithm, .. } = &request;
        let from = (source, "ReEncrypt");
        let opened = open(cx, from, &request.source_context, source_algorithm, &request.ciphertext)?;
        let key = destination.fit_for((Usage::Encrypt, "ReEncrypt"), destination_algorithm)?;
        rules::check_context(key, &request.destination_context)?;
        rules::check_dry_run(request.dry_run)?;
        let context = &request.destination_context;
        let made = seal(cx, (destination, key), context, destination_algorithm, &opened.plaintext)?;
        Ok(api::ReEncryptResponse {
            ciphertext_blob: Some(Blob(made.ciphertext)),
            source_key_id: Some(source.arn.to_string()),
            key_id: Some(destination.arn.to_string()),
            source_encryption_algorithm: Some(source_algorithm.as_str().into()),
            destination_encryption_algorithm: Some(destination_algorithm.as_str().into()),
            source_key_material_id: opened.material_id,
            destination_key_material_id: made.material_id,
        })
    }
}
