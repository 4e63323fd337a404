//! Keys as other services use them: for a caller, with the caller's permissions, through the service.

use landfall_base::{AccountId, Arn, Region, Sensitive};
use landfall_shape::ServiceError;
use landfall_store::{Tx, View};

use super::encryption_context::EncryptionContext;
use super::keys;
use super::material::{self, random_bytes};
use super::target::Target;
use crate::pipe::{Context, Failure, Permission};

const DATA_KEY: usize = 32;

/// A key that a service uses for its caller. The service declares the permissions among those of its own operation and
/// then does the work: so every check is made, and recorded, before anything is encrypted or decrypted.
#[derive(Debug, Clone)]
pub struct ServiceKey {
    target: Target,
    service: &'static str,
}

/// A data key: in plaintext, and encrypted under the key that made it.
#[derive(Debug)]
pub struct DataKey {
    /// 256 bits.
    pub plaintext: Sensitive<Vec<u8>>,
    /// What [`ServiceKey::decrypt`] takes.
    pub ciphertext: Vec<u8>,
}

impl ServiceKey {
    /// Looks up a key by what the owner of `account` calls it: id, ARN, alias or alias ARN. It need not exist: see
    /// [`existing`](Self::existing).
    ///
    /// # Errors
    /// KMS's `NotFoundException` for what can be no key.
    pub fn find(
        cx: &Context<'_>,
        view: &View,
        service: &'static str,
        account: &AccountId,
        key_id: &str,
    ) -> Result<Self, Failure> {
        Ok(Self { target: Target::find_in(cx, view, account, key_id)?, service })
    }

    /// Looks up the key of an ARN, for what was put under it before: nobody calls.
    ///
    /// # Errors
    /// KMS's `NotFoundException` for what can be no key.
    pub fn of_arn(view: &View, service: &'static str, arn: &Arn) -> Result<Self, Failure> {
        Ok(Self { target: Target::of_arn(view, arn)?, service })
    }

    /// Looks up the key that a ciphertext was made with.
    ///
    /// # Errors
    /// KMS's `InvalidCiphertextException`.
    pub fn of_ciphertext(
        cx: &Context<'_>,
        view: &View,
        service: &'static str,
        ciphertext: &[u8],
    ) -> Result<Self, Failure> {
        Ok(Self { target: Target::of_ciphertext(cx, view, "kms:Decrypt", ciphertext)?, service })
    }

    /// The key's ARN.
    pub fn arn(&self) -> &Arn {
        &self.target.arn
    }

    /// There is such a key.
    ///
    /// # Errors
    /// KMS's own, whose message names the key.
    pub fn existing(&self) -> Result<(), ServiceError> {
        self.target.existing().map(drop)
    }

    /// The key may be used as far as its state goes.
    ///
    /// # Errors
    /// KMS's `DisabledException`, `KMSInvalidStateException`, or that there is no such key.
    pub fn usable(&self) -> Result<(), ServiceError> {
        self.target.usable().map(drop)
    }

    /// Whether it is the service's own default key.
    pub fn is_default(&self) -> bool {
        self.target.existing().is_ok_and(|key| key.managed_for.as_deref() == Some(self.service))
    }

    /// The check for `action` as the caller, through the service (Developer Guide, `kms:ViaService`; IAM User Guide,
    /// "Forward access sessions").
    ///
    /// # Errors
    /// None that can happen.
    pub fn permission(
        &self,
        cx: &Context<'_>,
        action: &'static str,
        context: &EncryptionContext,
    ) -> Result<Permission, Failure> {
        let service = format!("{}.amazonaws.com", self.service);
        let permission = self
            .target
            .permission(cx, action)?
            .with("kms:ViaService", format!("{}.{}.amazonaws.com", self.service, cx.region()))
            .with("aws:ViaAWSService", "true")
            .with("aws:CalledVia", service.clone())
            .with("aws:CalledViaFirst", service.clone())
            .with("aws:CalledViaLast", service)
            // The service calls, not the caller's machine.
            .with_all("aws:SourceIp", []);
        let mut permission = context.add_to(permission);
        // S3 passes on what KMS says of a ciphertext; others have their own sentence, or name the key.
        let by_ciphertext = self.service == "s3" && action == "kms:Decrypt";
        permission.key.iter_mut().for_each(|key| key.by_ciphertext = by_ciphertext);
        Ok(permission)
    }

    /// The check for `action` in the service's own name: for what it keeps of its customers, whoever asks for it. `cx` is
    /// the service's call.
    ///
    /// # Errors
    /// None that can happen.
    pub fn own_permission(
        &self,
        cx: &Context<'_>,
        action: &'static str,
        context: &EncryptionContext,
    ) -> Result<Permission, Failure> {
        Ok(context.add_to(self.target.permission(cx, action)?))
    }

    /// Makes a data key.
    ///
    /// # Errors
    /// As [`usable`](Self::usable), and the vault's.
    pub fn generate_data_key(
        &self,
        cx: &Context<'_>,
        context: &EncryptionContext,
    ) -> Result<DataKey, Failure> {
        let key = self.target.symmetric("GenerateDataKey")?;
        let plaintext = random_bytes(DATA_KEY);
        let encrypted = material::encrypt(cx.vault(), &self.target.place, key, context, plaintext.expose())?;
        Ok(DataKey { plaintext, ciphertext: encrypted.ciphertext })
    }

    /// Encrypts a short text directly.
    ///
    /// # Errors
    /// As [`usable`](Self::usable), and the vault's.
    pub fn encrypt(
        &self,
        cx: &Context<'_>,
        context: &EncryptionContext,
        plaintext: &[u8],
    ) -> Result<Vec<u8>, Failure> {
        let key = self.target.symmetric("Encrypt")?;
        Ok(material::encrypt(cx.vault(), &self.target.place, key, context, plaintext)?.ciphertext)
    }

    /// Decrypts a data key, or what [`encrypt`](Self::encrypt) made.
    ///
    /// # Errors
    /// As [`usable`](Self::usable), and KMS's `InvalidCiphertextException`.
    pub fn decrypt(
        &self,
        cx: &Context<'_>,
        context: &EncryptionContext,
        ciphertext: &[u8],
    ) -> Result<Sensitive<Vec<u8>>, Failure> {
        let key = self.target.symmetric("Decrypt")?;
        Ok(material::decrypt(cx.vault(), key, context, ciphertext)?.plaintext)
    }
}

/// Makes a service's default key (`alias/aws/<service>`) in an account and Region, unless it is there.
///
/// # Errors
/// The vault's and the store's.
pub fn ensure_default_key(
    cx: &Context<'_>,
    tx: &mut Tx,
    place: (&AccountId, &Region),
    service: &'static str,
) -> Result<(), Failure> {
    keys::ensure_managed(cx, tx, place, service)
}
