//! Secrets in a snapshot: without their values, which stand-ins of the same shape take the place of.

/// Secrets.
pub(crate) mod secret {
    use crate::pipe::Failure;
    use crate::secretsmanager::record::{Secret, SecretKey};
    use crate::snapshot::{Source, Target};

    /// A secret without what people wrote about it. A new field of [`Secret`] does not compile here until somebody decides
    /// about it.
    pub(crate) fn hide(_: &Source<'_>, _: &SecretKey, secret: &Secret) -> Result<Option<Secret>, Failure> {
        let Secret {
            arn,
            name,
            description: _,
            kms_key_id,
            tags,
            policy,
            created_at,
            changed_at,
            accessed_on: _,
            deletion,
            stages,
            added,
            primary,
            replicas,
            rotation: _,
        } = secret.clone();
        let (description, accessed_on, rotation) = (None, None, None);
        Ok(Some(Secret {
            arn,
            name,
            description,
            kms_key_id,
            tags,
            policy,
            created_at,
            changed_at,
            accessed_on,
            deletion,
            stages,
            added,
            primary,
            replicas,
            rotation,
        }))
    }

    /// As it is.
    pub(crate) fn show(_: &mut Target<'_>, _: &SecretKey, secret: Secret) -> Result<Secret, Failure> {
        Ok(secret)
    }
}

/// Their versions.
pub(crate) mod version {
    use base64::Engine;
    use base64::engine::general_purpose::STANDARD;
    use landfall_base::{AccountId, Arn, Region, Sensitive, Timestamp, random};
    use serde::{Deserialize, Serialize};

    use crate::kms::{self, EncryptionContext, open_with, seal_with};
    use crate::pipe::Failure;
    use crate::secretsmanager::encryption::context;
    use crate::secretsmanager::record::{DataKey, Form, SECRETS, Version};
    use crate::snapshot::{Source, Target, shape};

    type Key = (AccountId, Region, String, String);

    /// What a snapshot has of a version.
    #[derive(Debug, Serialize, Deserialize)]
    pub(crate) struct Shown {
        form: Form,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        key_arn: Option<Arn>,
        created_at: Timestamp,
        /// A text of the same shape; `None` for a value that cannot be opened.
        value: Option<String>,
    }

    /// The version with a stand-in for its value.
    pub(crate) fn hide(source: &Source<'_>, key: &Key, version: &Version) -> Result<Option<Shown>, Failure> {
        let (account, region, name, id) = key;
        let Some(secret) = source.view.get(&SECRETS, &(account, region, name.as_str()))? else {
            return Ok(None);
        };
        let value = opened(source, &secret.arn, id, version)?;
        let value = value.and_then(|bytes| stand_in(version.form, bytes));
        let key_arn = version.data_key.as_ref().map(|data_key| data_key.key_arn.clone());
        Ok(Some(Shown { form: version.form, key_arn, created_at: version.created_at, value }))
    }

    fn stand_in(form: Form, bytes: Sensitive<Vec<u8>>) -> Option<String> {
        match form {
            Form::String => std::str::from_utf8(bytes.expose()).ok().map(shape::stand_in),
            Form::Binary if bytes.expose().is_empty() => Some(String::new()),
            Form::Binary => Some("x".to_owned()),
        }
    }

    /// `None` where the key is gone, or the value is damaged.
    fn opened(
        source: &Source<'_>,
        arn: &Arn,
        id: &str,
        version: &Version,
    ) -> Result<Option<Sensitive<Vec<u8>>>, Failure> {
        let (vault, context) = (&source.installation.vault, context(arn, id));
        let Ok(bytes) = vault.unseal(&context, &version.sealed) else { return Ok(None) };
        let Some(data_key) = &version.data_key else { return Ok(Some(bytes)) };
        let (Ok(ciphertext), Ok(region)) =
            (STANDARD.decode(&data_key.ciphertext), data_key.key_arn.region().parse())
        else {
            return Ok(None);
        };
        let context = EncryptionContext::from(context);
        let data_key = kms::snapshot::open(vault, &source.view, &region, &context, &ciphertext)?;
        Ok(data_key.and_then(|data_key| open_with(&data_key, bytes.expose()).ok()))
    }

    /// A version whose value is the stand-in.
    pub(crate) fn show(target: &mut Target<'_>, key: &Key, shown: Shown) -> Result<Version, Failure> {
        let (account, region, name, id) = key;
        let secret = target.tx.get(&SECRETS, &(account, region, name.as_str()))?;
        let secret = secret.ok_or_else(|| Failure::internal("a version has no secret"))?;
        // What could not be opened does not open here, either.
        let place = if shown.value.is_some() { id.as_str() } else { "" };
        let value = shown.value.unwrap_or_default();
        let (vault, bound) = (target.vault, context(&secret.arn, place));
        let Shown { form, key_arn, created_at, .. } = shown;
        let Some(key_arn) = key_arn else {
            let sealed = vault.seal(&bound, value.as_bytes())?;
            return Ok(Version { sealed, data_key: None, form, created_at, accessed_on: None });
        };
        let plain = Sensitive::new(random::bytes::<32>().to_vec());
        let sealed = vault.seal(&bound, &seal_with(&plain, value.as_bytes())?)?;
        let named = EncryptionContext::from(context(&secret.arn, id));
        let ciphertext = kms::snapshot::encrypt(vault, target.tx, &key_arn, &named, plain.expose())?;
        let data_key = Some(DataKey { key_arn, ciphertext: STANDARD.encode(ciphertext) });
        Ok(Version { sealed, data_key, form, created_at, accessed_on: None })
    }
}
