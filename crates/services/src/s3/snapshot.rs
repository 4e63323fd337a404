//! Environment files in a snapshot: how many variables one has, or why it cannot be read. Not even the names of the variables
//! stay: a line that is no variable at all may look like one, as the end of a key in Base64 does. Other objects are left out.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use landfall_base::{Arn, Sensitive, Timestamp, random};
use serde::{Deserialize, Serialize};

use super::encryption::context;
use super::facade::bytes_of;
use super::files::DataKey;
use super::names;
use super::record::{Attributes, BUCKETS, Content, Object, Piece, SealedKey, VERSIONS, Version};
use crate::ecs::launch::env_file::{self, EnvFileProblem};
use crate::kms;
use crate::pipe::Failure;
use crate::snapshot::{Source, Target};

type Key = (String, String);

/// What environment files are called: ECS takes no others.
const ENDING: &str = ".env";
/// A line that the container agent's scanner does not read.
const LONG_LINE: usize = 64 * 1024;

/// What a snapshot has of an object.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Shown {
    order: u64,
    id: String,
    modified_at: Timestamp,
    tags: Vec<(String, String)>,
    /// An archive, or another class.
    #[serde(default)]
    storage_class: Option<String>,
    #[serde(default)]
    restored_until: Option<Timestamp>,
    /// The KMS key that it is under.
    #[serde(default)]
    key_arn: Option<Arn>,
    file: File,
}

/// What a check can see of an environment file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum File {
    /// It has so many variables.
    Variables(u64),
    /// A line is too long.
    LongLine,
    /// It is no text.
    NotText,
    /// It is larger than any that is read: so many bytes.
    TooLarge(u64),
    /// It could not be read.
    Unreadable,
}

/// The newest version of an environment file.
pub(crate) fn hide(source: &Source<'_>, (bucket, key): &Key, order: &u64) -> Result<Option<Shown>, Failure> {
    let owner = source.view.get(&BUCKETS, bucket.as_str())?.map(|bucket| bucket.owner.clone());
    if !key.ends_with(ENDING) || !owner.is_some_and(|owner| source.wants(&owner)) {
        return Ok(None);
    }
    let version = source.view.get(&VERSIONS, &(bucket.as_str(), key.as_str(), *order))?;
    let Some(version) = version else { return Ok(None) };
    let Some(object) = &version.object else { return Ok(None) };
    Ok(Some(Shown {
        order: *order,
        id: version.id.clone(),
        modified_at: version.modified_at,
        tags: object.attributes.tags.clone(),
        storage_class: object.attributes.storage_class.clone(),
        restored_until: version.restored_until,
        key_arn: object.content.key.key_arn().cloned(),
        file: look(source, bucket, key, object)?,
    }))
}

fn look(source: &Source<'_>, bucket: &str, key: &str, object: &Object) -> Result<File, Failure> {
    if object.size > env_file::LARGEST {
        return Ok(File::TooLarge(object.size));
    }
    let Some(data_key) = data_key(source, bucket, key, &object.content.key)? else {
        return Ok(File::Unreadable);
    };
    let Ok(bytes) = bytes_of(source.installation, &data_key, object) else { return Ok(File::Unreadable) };
    Ok(match env_file::read(bytes.expose()) {
        Ok(variables) => File::Variables(variables.len() as u64),
        Err(EnvFileProblem::LongLine) => File::LongLine,
        Err(EnvFileProblem::NotText) => File::NotText,
        Err(EnvFileProblem::TooLarge) => File::TooLarge(object.size),
    })
}

/// `None` where the key is gone, or damaged.
fn data_key(
    source: &Source<'_>,
    bucket: &str,
    key: &str,
    sealed: &SealedKey,
) -> Result<Option<DataKey>, Failure> {
    let (vault, arn) = (&source.installation.vault, names::object_arn(bucket, key));
    match sealed {
        SealedKey::Vault(sealed) => Ok(vault.unseal(&context(&arn), sealed).ok()),
        SealedKey::Kms { key_arn, ciphertext, .. } => {
            let (Ok(ciphertext), Ok(region)) = (STANDARD.decode(ciphertext), key_arn.region().parse()) else {
                return Ok(None);
            };
            kms::snapshot::open(vault, &source.view, &region, &context(&arn).into(), &ciphertext)
        }
    }
}

/// Puts the version beside, too.
pub(crate) fn show(target: &mut Target<'_>, (bucket, key): &Key, shown: Shown) -> Result<u64, Failure> {
    let arn = names::object_arn(bucket, key);
    let data_key = Sensitive::new(random::bytes::<32>().to_vec());
    let sealed = match shown.key_arn {
        None => SealedKey::Vault(target.vault.seal(&context(&arn), data_key.expose())?),
        Some(key_arn) => {
            let context = context(&arn).into();
            let bytes =
                kms::snapshot::encrypt(target.vault, target.tx, &key_arn, &context, data_key.expose())?;
            SealedKey::Kms { key_arn, ciphertext: STANDARD.encode(bytes), bucket_key: false }
        }
    };
    let pieces = pieces(target, &data_key, shown.file)?;
    let size = match shown.file {
        File::TooLarge(size) => size,
        _ => pieces.iter().map(|piece| piece.size).sum(),
    };
    let object = Object {
        etag: String::new(),
        size,
        content: Content { key: sealed, pieces },
        attributes: Attributes {
            tags: shown.tags,
            storage_class: shown.storage_class,
            ..Attributes::default()
        },
        checksum: None,
    };
    let version = Version {
        id: shown.id,
        modified_at: shown.modified_at,
        object: Some(object),
        restored_until: shown.restored_until,
    };
    target.tx.put(&VERSIONS, &(bucket.as_str(), key.as_str(), shown.order), version);
    Ok(shown.order)
}

fn pieces(target: &Target<'_>, data_key: &DataKey, file: File) -> Result<Vec<Piece>, Failure> {
    let bytes = match file {
        File::Variables(count) => {
            // A file that is read has no more variables than bytes.
            (0..count.min(env_file::LARGEST))
                .map(|number| format!("V{number}=x\n"))
                .collect::<String>()
                .into_bytes()
        }
        File::LongLine => [b"V=".as_slice(), &[b'x'; LONG_LINE]].concat(),
        File::NotText => vec![0xff],
        File::TooLarge(_) => return Ok(Vec::new()),
        // A piece that there is not: reading fails as it did where the snapshot was taken.
        File::Unreadable => return Ok(vec![Piece { id: random::hex(32), size: 1, checksum: None }]),
    };
    let mut writer = target.objects.create(data_key).map_err(Failure::internal)?;
    writer.write(&bytes).map_err(Failure::internal)?;
    Ok(vec![writer.finish().map_err(Failure::internal)?])
}
