//! KMS: keys that never leave, for encryption and decryption.
//!
//! A key is a row with its policy and all its material, which the installation's vault seals; [`kind`] says what kinds there
//! are. RSA and elliptic curve keys encrypt or sign, HMAC keys make authentication codes, and each has one material; of
//! symmetric keys, a ciphertext names the key and the material it was made with, so that rotation changes nothing for
//! what is encrypted already. The key policy is the root of trust: without its consent, or a grant, not even the
//! account's root user may use a key. [`reconcile`] deletes keys whose waiting period is over and rotates those whose
//! period is.
//!
//! Other services use keys through [`ServiceKey`]: with the permissions of their caller, as AWS's forward access
//! sessions do. Imported material, custom key stores, multi-Region keys, key agreement and the kinds SM2, ML-DSA and Ed25519
//! are refused.

mod asymmetric;
mod ciphertext;
mod data_key_pair;
mod encryption_context;
mod envelope;
mod grants;
mod key_policy;
mod keys;
mod kind;
mod material;
mod names;
mod ops;
mod paging;
mod reconcile;
pub mod record;
mod rules;
mod service_key;
pub(crate) mod snapshot;
mod target;
#[cfg(test)]
mod tests;
mod view;

use landfall_api::kms as api;

pub use encryption_context::EncryptionContext;
pub use envelope::{Cipher, open_with, seal_with};
pub(crate) use keys::state_of;
pub use reconcile::reconcile;
pub use service_key::{DataKey, ServiceKey, ensure_default_key};
pub(crate) use target::permission_on;

use crate::pipe::{Endpoint, awaiting, awaiting_read, blocking, read, write};

/// Every operation.
pub const OPERATIONS: &[Endpoint] = &[
    write::<api::CancelKeyDeletion>(),
    write::<api::CreateAlias>(),
    write::<api::CreateGrant>(),
    awaiting::<api::CreateKey>(),
    read::<api::Decrypt>(),
    write::<api::DeleteAlias>(),
    awaiting_read::<api::DescribeKey>(),
    write::<api::DisableKey>(),
    write::<api::DisableKeyRotation>(),
    write::<api::EnableKey>(),
    write::<api::EnableKeyRotation>(),
    read::<api::Encrypt>(),
    read::<api::GenerateDataKey>(),
    blocking::<api::GenerateDataKeyPair>(),
    blocking::<api::GenerateDataKeyPairWithoutPlaintext>(),
    read::<api::GenerateDataKeyWithoutPlaintext>(),
    read::<api::GenerateMac>(),
    read::<api::GenerateRandom>(),
    read::<api::GetKeyPolicy>(),
    read::<api::GetKeyRotationStatus>(),
    blocking::<api::GetPublicKey>(),
    read::<api::ListAliases>(),
    read::<api::ListGrants>(),
    read::<api::ListKeyPolicies>(),
    read::<api::ListKeyRotations>(),
    read::<api::ListKeys>(),
    read::<api::ListResourceTags>(),
    read::<api::ListRetirableGrants>(),
    write::<api::PutKeyPolicy>(),
    read::<api::ReEncrypt>(),
    write::<api::RetireGrant>(),
    write::<api::RevokeGrant>(),
    write::<api::RotateKeyOnDemand>(),
    write::<api::ScheduleKeyDeletion>(),
    blocking::<api::Sign>(),
    write::<api::TagResource>(),
    write::<api::UntagResource>(),
    write::<api::UpdateAlias>(),
    write::<api::UpdateKeyDescription>(),
    blocking::<api::Verify>(),
    read::<api::VerifyMac>(),
];
