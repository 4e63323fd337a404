//! Data keys of objects: sealed by the installation's vault (`AES256`), or under a key of KMS, which is then asked with the
//! caller's permissions (`aws:kms`; User Guide, "Using server-side encryption with AWS KMS keys").

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use landfall_base::{Arn, Sensitive, random};
use landfall_shape::ServiceError;
use landfall_store::{View, WriteError};

use super::files::DataKey;
use super::record::{Bucket, Encryption, SealedKey};
use super::{error, names};
use crate::kms::{EncryptionContext, ServiceKey, ensure_default_key};
use crate::pipe::{Context, Failure, Permission};

const SERVICE: &str = "s3";
const CONTEXT: &str = "aws:s3:arn";

/// The key that new bytes are under.
#[derive(Debug)]
pub struct WriteKey {
    kms: Option<(ServiceKey, bool)>,
    arn: Arn,
}

impl WriteKey {
    /// The key for an object: as the request says, otherwise as the bucket does.
    ///
    /// # Errors
    /// KMS's, in S3's codes.
    pub fn find(
        cx: &Context<'_>,
        bucket: &Bucket,
        key: &str,
        asked: Option<&Encryption>,
    ) -> Result<Self, Failure> {
        let encryption = asked.unwrap_or(&bucket.encryption);
        let arn = names::object_arn(&bucket.name, key);
        if !encryption.kms {
            return Ok(Self { kms: None, arn });
        }
        let name = match encryption.key.as_deref() {
            Some(name) => name,
            None => {
                let place = (&bucket.owner, &bucket.region);
                let store = &cx.installation.store;
                store
                    .write("make alias/aws/s3", |tx| ensure_default_key(cx, tx, place, SERVICE))
                    .map_err(WriteError::flatten)?;
                "alias/aws/s3"
            }
        };
        let view = cx.installation.store.view();
        let found = ServiceKey::find(cx, &view, SERVICE, &bucket.owner, name).map_err(of_kms)?;
        found.existing().map_err(|error| of_kms(error.into()))?;
        Ok(Self { kms: Some((found, encryption.bucket_key)), arn })
    }

    /// The checks for writing.
    ///
    /// # Errors
    /// None that can happen.
    pub fn permissions(&self, cx: &Context<'_>) -> Result<Vec<Permission>, Failure> {
        let Some((key, _)) = self.kms.as_ref().filter(|_| !cx.caller.principal.is_anonymous()) else {
            return Ok(Vec::new());
        };
        Ok(vec![key.permission(cx, "kms:GenerateDataKey", &self.context())?])
    }

    fn context(&self) -> EncryptionContext {
        EncryptionContext::from([(CONTEXT, self.arn.as_str())])
    }

    /// Makes a data key.
    ///
    /// # Errors
    /// The key's state, in S3's codes; the vault's.
    pub fn make(&self, cx: &Context<'_>) -> Result<(DataKey, SealedKey), Failure> {
        let Some((key, bucket_key)) = &self.kms else {
            let plaintext = Sensitive::new(random::bytes::<32>().to_vec());
            let sealed = cx.vault().seal(&[(CONTEXT, self.arn.as_str())], plaintext.expose())?;
            return Ok((plaintext, SealedKey::Vault(sealed)));
        };
        check_signed(cx)?;
        let made = key.generate_data_key(cx, &self.context()).map_err(of_kms)?;
        let sealed = SealedKey::Kms {
            key_arn: key.arn().clone(),
            ciphertext: STANDARD.encode(made.ciphertext),
            bucket_key: *bucket_key,
        };
        Ok((made.plaintext, sealed))
    }
}

/// What a data key is bound to.
pub(super) fn context(arn: &Arn) -> [(&'static str, &str); 1] {
    [(CONTEXT, arn.as_str())]
}

fn kms_key(cx: &Context<'_>, view: &View, key: &SealedKey) -> Result<Option<(ServiceKey, Vec<u8>)>, Failure> {
    let SealedKey::Kms { ciphertext, .. } = key else { return Ok(None) };
    let ciphertext = STANDARD.decode(ciphertext).map_err(Failure::internal)?;
    Ok(Some((ServiceKey::of_ciphertext(cx, view, SERVICE, &ciphertext).map_err(of_kms)?, ciphertext)))
}

/// Nobody reads what is under a key of KMS without saying who it is. Asked once the bucket lets the caller in: before, the
/// answer would tell what there is.
///
/// # Errors
/// `InvalidArgument`
pub(super) fn check_reader(cx: &Context<'_>, sealed: &SealedKey) -> Result<(), ServiceError> {
    if matches!(sealed, SealedKey::Kms { .. }) { check_signed(cx) } else { Ok(()) }
}

/// Nobody uses a key of KMS without saying who it is (User Guide, "Using server-side encryption with AWS KMS keys").
fn check_signed(cx: &Context<'_>) -> Result<(), ServiceError> {
    if !cx.caller.principal.is_anonymous() {
        return Ok(());
    }
    let text = "Requests specifying Server Side Encryption with AWS KMS managed keys require AWS Signature Version 4.";
    Err(error::bad_argument("Authorization", "null", text))
}

/// The checks for reading the bytes of an object: none for a caller without credentials, who gets no further than
/// [`check_reader`].
///
/// # Errors
/// A row cannot be read.
pub fn read_permissions(
    cx: &Context<'_>,
    view: &View,
    bucket: &str,
    key: &str,
    sealed: &SealedKey,
) -> Result<Vec<Permission>, Failure> {
    let key_of_caller = kms_key(cx, view, sealed)?.filter(|_| !cx.caller.principal.is_anonymous());
    let Some((service_key, _)) = key_of_caller else { return Ok(Vec::new()) };
    let arn = names::object_arn(bucket, key);
    let context = EncryptionContext::from([(CONTEXT, arn.as_str())]);
    Ok(vec![service_key.permission(cx, "kms:Decrypt", &context)?])
}

/// Opens the data key of an object.
///
/// # Errors
/// The key's state, in S3's codes; the vault's.
pub fn open(
    cx: &Context<'_>,
    view: &View,
    bucket: &str,
    key: &str,
    sealed: &SealedKey,
) -> Result<DataKey, Failure> {
    let arn = names::object_arn(bucket, key);
    if let SealedKey::Vault(sealed) = sealed {
        return Ok(cx.vault().unseal(&[(CONTEXT, arn.as_str())], sealed)?);
    }
    check_reader(cx, sealed)?;
    let Some((service_key, ciphertext)) = kms_key(cx, view, sealed)? else {
        return Err(Failure::internal("a data key that nothing opens"));
    };
    let context = EncryptionContext::from([(CONTEXT, arn.as_str())]);
    service_key.decrypt(cx, &context, &ciphertext).map_err(of_kms)
}

/// KMS's errors as S3 passes them on.
fn of_kms(failure: Failure) -> Failure {
    let Failure::Service(error) = failure else { return failure };
    let code = match error.code {
        "NotFoundException" => "KMS.NotFoundException",
        "DisabledException" => "KMS.DisabledException",
        "KMSInvalidStateException" => "KMS.KMSInvalidStateException",
        _ => "InvalidArgument",
    };
    ServiceError::client(code, error.message).into()
}
