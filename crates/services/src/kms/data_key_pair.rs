//! A key pair for use outside KMS: its private half is made here, and encrypted under a key before anybody has it.

use landfall_api::kms as api;
use landfall_base::Sensitive;
use landfall_shape::Entries;
use landfall_store::View;

use super::asymmetric;
use super::encryption_context::EncryptionContext;
use super::kind::Spec;
use super::material;
use super::ops::encrypt::{SYMMETRIC, algorithm};
use super::rules;
use super::target::Target;
use crate::pipe::{Checked, Context, Failure};

/// What is asked for.
#[derive(Debug)]
pub struct Request {
    target: Target,
    context: EncryptionContext,
    spec: Spec,
    dry_run: Option<bool>,
}

/// The pair.
pub(super) struct Pair {
    pub(super) spec: Spec,
    /// PKCS #8
    pub(super) private: Sensitive<Vec<u8>>,
    /// `SubjectPublicKeyInfo`
    pub(super) public: Vec<u8>,
    /// The private half under the key.
    pub(super) encrypted: Vec<u8>,
    /// The key's ARN.
    pub(super) key_id: String,
    pub(super) key_material_id: String,
}

impl Request {
    /// Finds the key, and what it takes to use it so.
    ///
    /// # Errors
    /// `UnsupportedOperationException` for kinds of pairs that are not available.
    pub(super) fn resolve(
        (cx, view): (&Context<'_>, &View),
        action: &'static str,
        (key_id, spec): (&str, &api::DataKeyPairSpec),
        context: Option<Entries<String>>,
        dry_run: Option<bool>,
    ) -> Result<Checked<Self>, Failure> {
        let spec = pair_spec(spec)?;
        let target = Target::find(cx, view, key_id)?;
        let context = EncryptionContext::of(context);
        let permission = context.add_to(algorithm(target.permission(cx, action)?, SYMMETRIC));
        let permission = permission.with("kms:DataKeyPairSpec", spec.as_str());
        Ok(Checked::one(Self { target, context, spec, dry_run }, permission))
    }

    /// Makes the pair. An RSA pair takes up to a second.
    ///
    /// # Errors
    /// The key cannot be used, or this was a dry run.
    pub(super) fn make(self, cx: &Context<'_>, operation: &'static str) -> Result<Pair, Failure> {
        let Self { target, context, spec, dry_run } = self;
        let key = target.symmetric(operation)?;
        rules::check_dry_run(dry_run)?;
        let private = asymmetric::new_secret(spec)?;
        let public = asymmetric::public_key(spec, &private)?;
        let made = material::encrypt(cx.vault(), &target.place, key, &context, private.expose())?;
        Ok(Pair {
            spec,
            private,
            public,
            encrypted: made.ciphertext,
            key_id: key.arn.to_string(),
            key_material_id: made.material_id,
        })
    }
}

fn pair_spec(spec: &api::DataKeyPairSpec) -> Result<Spec, Failure> {
    let name = spec.as_str();
    let spec = Spec::parse(name).filter(|spec| spec.is_asymmetric());
    spec.ok_or_else(|| rules::unavailable(&format!("KeyPairSpec {name}")).into())
}
