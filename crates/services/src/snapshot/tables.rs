//! Which tables are in a snapshot, and how. A table that is in neither list fails a test, so that somebody decides.

use landfall_base::AccountId;
use landfall_store::{Key, Table, Value, key_bytes, read_key};
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::format::Writer;
use super::open::{Target, Unreadable, put_manifest};
use super::take::Source;
use crate::pipe::Failure;
use crate::{ec2, ecr, ecs, iam, kms, lightsail, logs, s3, secretsmanager, ssm};

/// A table, or something else that has rows in a snapshot.
pub(super) struct Part {
    pub(super) name: &'static str,
    /// What its rows are called in a summary, if they are worth telling.
    pub(super) noun: Option<&'static str>,
    /// Writes its rows and says how many.
    pub(super) take: fn(&Source<'_>, &mut Writer) -> Result<u64, Failure>,
    pub(super) put: fn(&mut Target<'_>, &[u8], &str) -> Result<(), Unreadable>,
}

/// Rows as they are. `$owner` says whose a row is by its key; `None` is everybody's.
macro_rules! as_it_is {
    ($table:path, $noun:expr, $owner:expr) => {
        Part {
            name: $table.name(),
            noun: $noun,
            take: |source, out| take_rows(source, out, &$table, $owner, |_, value| Ok(Some(value.clone()))),
            put: |target, key, row| {
                let (key, row) = read(&$table, key, row)?;
                target.tx.put(&$table, &key, row);
                Ok(())
            },
        }
    };
}

/// Rows in another form: `$way::hide` gives what is written of a row, or nothing; `$way::show` makes a row of that again.
macro_rules! changed {
    ($table:path, $noun:expr, $owner:expr, $($way:ident)::+) => {
        Part {
            name: $table.name(),
            noun: $noun,
            take: |source, out| {
                take_rows(source, out, &$table, $owner, |key, value| $($way)::+::hide(source, key, value))
            },
            put: |target, key, row| {
                let shown = value_of(row)?;
                let key = key_of(key)?;
                let row = $($way)::+::show(target, &key, shown).map_err(|failure| failure.to_string())?;
                target.tx.put(&$table, &key, row);
                Ok(())
            },
        }
    };
}

/// In an order in which each finds what it needs: keys first.
pub(super) const KEPT: &[Part] = &[
    as_it_is!(iam::record::ACCOUNTS, Some("accounts"), |key, _| Some(key.clone())),
    changed!(kms::record::KEYS, Some("KMS keys"), |key, _| Some(key.0.clone()), kms::snapshot),
    as_it_is!(kms::record::ALIASES, None, |key, _| Some(key.0.clone())),
    as_it_is!(kms::record::ALIASES_OF_KEY, None, |key, _| Some(key.0.clone())),
    as_it_is!(kms::record::GRANTS, Some("grants"), |key, _| Some(key.0.clone())),
    as_it_is!(iam::record::USERS, Some("users"), |key, _| Some(key.0.clone())),
    as_it_is!(iam::record::USER_POLICIES, None, |key, _| Some(key.0.clone())),
    as_it_is!(iam::record::GROUPS, None, |key, _| Some(key.0.clone())),
    as_it_is!(iam::record::GROUP_POLICIES, None, |key, _| Some(key.0.clone())),
    as_it_is!(iam::record::MEMBERSHIPS, None, |key, _| Some(key.0.clone())),
    as_it_is!(iam::record::ROLES, Some("roles"), |key, _| Some(key.0.clone())),
    as_it_is!(iam::record::ROLE_POLICIES, None, |key, _| Some(key.0.clone())),
    as_it_is!(iam::record::INSTANCE_PROFILES, None, |key, _| Some(key.0.clone())),
    as_it_is!(iam::record::POLICIES, Some("managed policies"), |key, _| Some(key.0.clone())),
    as_it_is!(iam::record::POLICY_VERSIONS, None, |key, _| Some(key.0.clone())),
    as_it_is!(iam::record::ORGANIZATION_POLICIES, Some("policies of the organization"), |key, _| key
        .1
        .parse()
        .ok()),
    as_it_is!(iam::record::WITHOUT_FULL_ACCESS, None, |key, _| key.parse().ok()),
    changed!(
        secretsmanager::record::SECRETS,
        Some("secrets, without their values"),
        |key, _| Some(key.0.clone()),
        secretsmanager::snapshot::secret
    ),
    changed!(
        secretsmanager::record::VERSIONS,
        None,
        |key, _| Some(key.0.clone()),
        secretsmanager::snapshot::version
    ),
    as_it_is!(ssm::record::PARAMETERS, Some("parameters, without their values"), |key, _| Some(
        key.0.clone()
    )),
    changed!(ssm::record::VERSIONS, None, |key, _| Some(key.0.clone()), ssm::snapshot),
    as_it_is!(ssm::record::SETTINGS, None, |key, _| Some(key.0.clone())),
    as_it_is!(s3::record::BUCKETS, Some("buckets"), |_, bucket| Some(bucket.owner.clone())),
    changed!(
        s3::record::CURRENT,
        Some("environment files, without their variables"),
        |_, _| None,
        s3::snapshot
    ),
    as_it_is!(logs::GROUPS, Some("log groups"), |key, _| Some(key.0.clone())),
    as_it_is!(logs::RESOURCE_POLICIES, None, |key, _| Some(key.0.clone())),
    as_it_is!(ecr::record::REPOSITORIES, Some("repositories"), |key, _| Some(key.0.clone())),
    as_it_is!(ecr::record::IMAGES, Some("images, without their layers"), |key, _| Some(key.0.clone())),
    as_it_is!(ecr::record::TAGS, None, |key, _| Some(key.0.clone())),
    as_it_is!(ecr::record::IMAGE_TAGS, None, |key, _| Some(key.0.clone())),
    as_it_is!(ecr::record::LAYERS, None, |key, _| Some(key.0.clone())),
    as_it_is!(ecr::record::NAMED_BY, None, |key, _| Some(key.0.clone())),
    Part { name: MANIFESTS, noun: None, take: take_manifests, put: put_manifest },
    as_it_is!(ecr::record::REGISTRY_POLICIES, None, |key, _| Some(key.0.clone())),
    as_it_is!(ecr::record::TEMPLATES, None, |key, _| Some(key.0.clone())),
    as_it_is!(ecr::record::PULL_THROUGH_RULES, None, |key, _| Some(key.0.clone())),
    as_it_is!(ecr::record::CACHED_TAGS, None, |key, _| Some(key.0.clone())),
    as_it_is!(ecr::record::ACCOUNT_SETTINGS, None, |key, _| Some(key.0.clone())),
    as_it_is!(ec2::record::VPCS, Some("VPCs"), |key, _| Some(key.0.clone())),
    as_it_is!(ec2::record::SUBNETS, None, |key, _| Some(key.0.clone())),
    as_it_is!(ec2::record::GROUPS, None, |key, _| Some(key.0.clone())),
    as_it_is!(ec2::record::ENDPOINTS, Some("VPC endpoints"), |key, _| Some(key.0.clone())),
    as_it_is!(ec2::record::SETTLED, None, |key, _| Some(key.0.clone())),
    as_it_is!(ecs::record::CLUSTERS, Some("clusters"), |key, _| Some(key.0.clone())),
    as_it_is!(lightsail::record::SERVICES, Some("container services"), |key, _| Some(key.0.clone())),
    as_it_is!(lightsail::record::IMAGES, None, |key, _| Some(key.0.clone())),
    as_it_is!(lightsail::record::LABELS, None, |key, _| Some(key.0.clone())),
];

/// Tables that are not in a snapshot, and why.
#[cfg(test)]
pub(super) const LEFT_OUT: &[(&str, &[&str])] = &[
    ("secrets", &["iam.access_key", "iam.user_access_key", "ecs.credentials_id", "ecs.secret_log_options"]),
    (
        "`check` looks at the definition in its file, and those that are registered have values of variables",
        &["ecs.task_definition", "ecs.family", "lightsail.deployment"],
    ),
    (
        "what ran here, and what it wrote",
        &[
            "ecs.task",
            "ecs.trace_step",
            "ecs.client_token",
            "ecs.delivered_lines",
            "ecs.delivered_events",
            "lightsail.node",
            "lightsail.operation",
            "lightsail.sample",
            "logs.stream",
            "logs.discarded",
            "ecr.pull",
        ],
    ),
    (
        "work that is to be done: nothing is done in a snapshot",
        &[
            "kms.due",
            "secretsmanager.deletion",
            "secretsmanager.replication_queue",
            "secretsmanager.rotation",
            "secretsmanager.rotation_due",
            "ssm.expiration",
            "s3.garbage",
            "s3.upload",
            "s3.part",
            "s3.completed_upload",
            "s3.completed_upload_by_age",
            "ecr.replica",
            "ecr.replication_queue",
            "ecr.import_queue",
            "ecr.lifecycle_preview",
            "iam.role_deletion",
        ],
    ),
    (
        "no launch looks at it",
        &[
            "iam.alias",
            "iam.oidc_provider",
            "ecs.account_setting",
            "ecr.referrer",
            "ecr.replication_configuration",
            "ecr.scan",
            "ecr.scanning_configuration",
            "lightsail.host",
            "lightsail.certificate",
            "logs.query_definition",
            "secretsmanager.rotation_function",
            "secretsmanager.secret_by_creation",
            "ssm.count",
            "s3.bucket_by_owner",
            "s3.lifecycle",
        ],
    ),
    (
        "of objects only environment files are looked at, and with those goes what is needed of their version",
        &["s3.version"],
    ),
];

/// Bytes of manifests, by digest. Not a table: they are blobs.
pub(super) const MANIFESTS: &str = "ecr.manifest";

fn take_rows<K: Key, V: Value, S: Serialize>(
    source: &Source<'_>,
    out: &mut Writer,
    table: &Table<K, V>,
    owner: fn(&K, &V) -> Option<AccountId>,
    change: impl Fn(&K, &V) -> Result<Option<S>, Failure>,
) -> Result<u64, Failure> {
    let mut rows = 0;
    for row in source.view.scan(table, ()) {
        let (key, value) = row?;
        if !owner(&key, &value).is_none_or(|owner| source.wants(&owner)) {
            continue;
        }
        let Some(shown) = change(&key, &value)? else { continue };
        out.row(table.name(), &key_bytes(&key), &shown).map_err(Failure::internal)?;
        rows += 1;
    }
    Ok(rows)
}

/// The bytes of the manifests of all images of wanted accounts.
fn take_manifests(source: &Source<'_>, out: &mut Writer) -> Result<u64, Failure> {
    let mut digests = std::collections::BTreeSet::new();
    for row in source.view.scan(&ecr::record::IMAGES, ()) {
        let ((account, ..), image) = row?;
        if source.wants(&account) {
            digests.insert(image.manifest.digest);
        }
    }
    let blobs = &source.installation.blobs;
    let write = async {
        for digest in &digests {
            let Some(reader) = blobs.read(*digest).await.map_err(Failure::internal)? else {
                // Then the image cannot be read there, and here it cannot, either.
                tracing::warn!(%digest, "the bytes of a manifest are gone");
                continue;
            };
            let bytes = reader.bytes().await.map_err(Failure::internal)?.to_vec();
            let text = String::from_utf8(bytes).map_err(Failure::internal)?;
            out.row(MANIFESTS, digest.to_string().as_bytes(), &text).map_err(Failure::internal)?;
        }
        Ok(digests.len() as u64)
    };
    super::wait_for(write).unwrap_or_else(|| Err(Failure::internal("manifests were not read")))
}

fn read<K: Key, V: Value>(_: &Table<K, V>, key: &[u8], row: &str) -> Result<(K, V), Unreadable> {
    Ok((key_of(key)?, value_of(row)?))
}

fn key_of<K: Key>(key: &[u8]) -> Result<K, Unreadable> {
    read_key(key).ok_or_else(|| "its key".to_owned())
}

/// The parser's words may quote what is in the row: only the place is told.
fn value_of<S: DeserializeOwned>(row: &str) -> Result<S, Unreadable> {
    serde_json::from_str(row).map_err(|error| format!("at column {}", error.column()))
}
