//! Versions of parameters in a snapshot: without their values. No check looks into one.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use landfall_base::{AccountId, Arn, Region, Sensitive, Timestamp, random};
use serde::{Deserialize, Serialize};

use super::encryption::{context, own};
use super::names::arn_of;
use super::record::{Content, Kind, Policy, Tier, Version};
use crate::kms::{self, seal_with};
use crate::pipe::Failure;
use crate::snapshot::{Source, Target};

type Key = (AccountId, Region, String, u64);

/// What stands for every value.
const STAND_IN: &str = "x";

/// How a value is kept, without the value.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Kept {
    Plain,
    Sealed,
    Encrypted { key_arn: Arn },
    Enveloped { key_arn: Arn },
}

/// What a snapshot has of a version.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Shown {
    kept: Kept,
    kind: Kind,
    #[serde(default)]
    key_id: Option<String>,
    data_type: String,
    tier: Tier,
    #[serde(default)]
    policies: Vec<Policy>,
    modified_at: Timestamp,
    modified_by: String,
}

/// The version without its value, and without the pattern that says how the value looks.
pub(crate) fn hide(_: &Source<'_>, _: &Key, version: &Version) -> Result<Option<Shown>, Failure> {
    let Version {
        content,
        kind,
        key_id,
        description: _,
        allowed_pattern: _,
        data_type,
        tier,
        policies,
        modified_at,
        modified_by,
    } = version.clone();
    let kept = match content {
        Content::Plain(_) => Kept::Plain,
        Content::Sealed(_) => Kept::Sealed,
        Content::Encrypted { key_arn, .. } => Kept::Encrypted { key_arn },
        Content::Enveloped { key_arn, .. } => Kept::Enveloped { key_arn },
    };
    Ok(Some(Shown { kept, kind, key_id, data_type, tier, policies, modified_at, modified_by }))
}

/// A version whose value is the stand-in.
pub(crate) fn show(target: &mut Target<'_>, key: &Key, shown: Shown) -> Result<Version, Failure> {
    let (account, region, name, number) = key;
    let arn = arn_of(&(account.clone(), region.clone(), name.clone()));
    let content = content(target, &arn, *number, shown.kept)?;
    let Shown { kind, key_id, data_type, tier, policies, modified_at, modified_by, .. } = shown;
    let (description, allowed_pattern) = (None, None);
    Ok(Version {
        content,
        kind,
        key_id,
        description,
        allowed_pattern,
        data_type,
        tier,
        policies,
        modified_at,
        modified_by,
    })
}

fn content(target: &Target<'_>, arn: &Arn, number: u64, kept: Kept) -> Result<Content, Failure> {
    let (vault, value) = (target.vault, STAND_IN.as_bytes());
    let encrypt = |key_arn: &Arn, plaintext: &[u8]| -> Result<String, Failure> {
        let bytes = kms::snapshot::encrypt(vault, target.tx, key_arn, &context(arn), plaintext)?;
        Ok(STANDARD.encode(bytes))
    };
    Ok(match kept {
        Kept::Plain => Content::Plain(STAND_IN.to_owned()),
        Kept::Sealed => Content::Sealed(vault.seal(&own(arn, &number.to_string()), value)?),
        Kept::Encrypted { key_arn } => {
            let ciphertext = encrypt(&key_arn, value)?;
            Content::Encrypted { key_arn, ciphertext }
        }
        Kept::Enveloped { key_arn } => {
            let plain = Sensitive::new(random::bytes::<32>().to_vec());
            let data_key = encrypt(&key_arn, plain.expose())?;
            Content::Enveloped { key_arn, data_key, ciphertext: STANDARD.encode(seal_with(&plain, value)?) }
        }
    })
}
