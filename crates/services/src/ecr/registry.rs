//! What the data plane may call: synchronous functions over a snapshot or a transaction. Nothing here asks whether somebody
//! may; [`permissions`] says what to ask.

use std::collections::HashSet;
use std::sync::Arc;

use landfall_api::ecr::{ImageScanStatus, ImageStatusFilter, RCTAppliedFor, ScanStatus};
use landfall_base::{AccountId, Arn, Region};
use landfall_iam::Policy;
use landfall_registry::{Digest, Manifest, Reference, Tag};
use landfall_store::{StoreError, Tx, View};

pub use super::names::{
    RegistryName, aws_host, locate, namespace, parse_aws_host, parse_namespace, repository_arn,
};
pub use super::record::{CACHED_TAGS, Image, Repository, RepositoryKey};
pub use super::rules::wording::no_repository_text;
pub use super::token::{TokenError, token_caller, token_through};

use super::record::{
    ACCOUNT_SETTINGS, DigestKey, IMAGE_TAGS, IMAGES, IMPORT_QUEUE, LAYERS, Layer, NAMED_BY, PREVIEWS, PULLS,
    REFERRERS, REGISTRY_POLICIES, REPLICAS, REPOSITORIES, SCANS, TAGS, Tagged,
};
use super::{creation, pull_through, replication, rules, settings};
use crate::pipe::{Failure, Installation, Permission};
use landfall_base::Timestamp;

/// The account setting that says how far a registry policy reaches: `V1`, `V2`.
pub(super) const REGISTRY_POLICY_SCOPE: &str = "REGISTRY_POLICY_SCOPE";

/// What a registry policy has a say in, whatever its reach.
pub(super) const REGISTRY_ACTIONS: [&str; 3] =
    ["ecr:ReplicateImage", "ecr:CreateRepository", "ecr:BatchImportUpstreamImage"];

/// The account setting that says whether blobs may be mounted: `ENABLED`, `DISABLED`.
pub(super) const BLOB_MOUNTING: &str = "BLOB_MOUNTING";

/// Most tags of an image (Amazon ECR service quotas).
pub(super) const MOST_TAGS: usize = 1000;

/// How long a pull is not noted again, in seconds: tasks that start together write one row.
const NOTED_FOR: i64 = 60;

/// The repository, if there is one.
///
/// # Errors
/// A row cannot be read.
pub fn find_repository(view: &View, key: &RepositoryKey) -> Result<Option<Arc<Repository>>, StoreError> {
    view.get(&REPOSITORIES, key)
}

/// One check of `action` against a repository, whether it exists or not: with its policy, its tags, and the registry's policy
/// where that has a say. Good for callers of any account.
///
/// # Errors
/// A row cannot be read.
pub fn permission(view: &View, action: &'static str, key: &RepositoryKey) -> Result<Permission, StoreError> {
    let permission = Permission::on(action, &repository_arn(key));
    let repository = find_repository(view, key)?;
    let permission = match &repository {
        None => permission,
        Some(repository) => repository
            .tags()
            .fold(permission.with_resource_tags(repository.tags()), |permission, (tag, value)| {
                permission.with(format!("ecr:ResourceTag/{tag}"), value)
            })
            .guarded_by(repository.policy.clone()),
    };
    let (account, region, _) = key;
    Ok(permission.also_guarded_by(policy_for(view, action, account, region)?))
}

/// What a check on a resource knows of it, for questions that no call asks; `None` if there is no such resource.
///
/// # Errors
/// A row cannot be read.
pub(crate) fn permission_on(view: &View, arn: &Arn) -> Result<Option<Permission>, Failure> {
    let name = arn.resource().strip_prefix("repository/");
    let place = arn.account_id().zip(arn.region().parse().ok()).zip(name);
    let key = place.map(|((account, region), name)| (account, region, name.to_owned()));
    Ok(key.map(|key| permission(view, "ecr:ListImages", &key)).transpose()?)
}

/// The policy of the registry that a repository is in, where it has a say in the action.
///
/// # Errors
/// A row cannot be read.
pub fn registry_policy(
    view: &View,
    action: &str,
    repository: &Arn,
) -> Result<Option<Arc<Policy>>, StoreError> {
    let place = repository.account_id().zip(repository.region().parse().ok());
    let Some((account, region)) = place.filter(|_| repository.service() == "ecr") else { return Ok(None) };
    policy_for(view, action, &account, &region)
}

fn policy_for(
    view: &View,
    action: &str,
    account: &AccountId,
    region: &Region,
) -> Result<Option<Arc<Policy>>, StoreError> {
    let applies = REGISTRY_ACTIONS.iter().any(|it| it.eq_ignore_ascii_case(action));
    if !applies && !has_wide_scope(view, account, region)? {
        return Ok(None);
    }
    let registry = view.get(&REGISTRY_POLICIES, &(account, region))?;
    Ok(registry.map(|policy| Arc::clone(policy.as_ref())))
}

/// Whether the registry policy has a say in every action on the registry's repositories.
pub(super) fn has_wide_scope(view: &View, account: &AccountId, region: &Region) -> Result<bool, StoreError> {
    let setting = view.get(&ACCOUNT_SETTINGS, &(account, region, REGISTRY_POLICY_SCOPE))?;
    Ok(setting.is_some_and(|value| *value == "V2"))
}

/// Size of a blob that the repository has.
///
/// # Errors
/// A row cannot be read.
pub fn layer_size(
    view: &View,
    (account, region, name): &RepositoryKey,
    digest: Digest,
) -> Result<Option<u64>, StoreError> {
    let key = (account, region, name.as_str(), digest.to_string());
    Ok(view.get(&LAYERS, &key)?.map(|layer| layer.size))
}

/// Whether an image of the repository names this blob or image.
pub fn is_named(view: &View, (account, region, name): &RepositoryKey, digest: Digest) -> bool {
    view.scan(&NAMED_BY, (account, region, name.as_str(), digest.to_string())).next().is_some()
}

/// The images of the repository that name this blob or image.
///
/// # Errors
/// A row cannot be read.
pub(super) fn named_by(
    view: &View,
    (account, region, name): &RepositoryKey,
    digest: Digest,
) -> Result<Vec<Digest>, StoreError> {
    let rows = view.scan(&NAMED_BY, (account, region, name.as_str(), digest.to_string()));
    rows.filter_map(|row| row.map(|((.., by), _)| by.parse().ok()).transpose()).collect()
}

/// Notes that the repository has a blob.
pub fn link_layer(tx: &mut Tx, (account, region, name): &RepositoryKey, digest: Digest, size: u64) {
    tx.put(&LAYERS, &(account, region, name.as_str(), digest.to_string()), Layer { size });
}

/// Takes a blob out of the repository; `false` if it was not in. The caller has asked [`is_named`].
pub fn unlink_layer(tx: &mut Tx, (account, region, name): &RepositoryKey, digest: Digest) -> bool {
    tx.delete(&LAYERS, &(account, region, name.as_str(), digest.to_string()))
}

/// The image that a tag is on.
///
/// # Errors
/// A row cannot be read.
pub fn tag_digest(
    view: &View,
    (account, region, name): &RepositoryKey,
    tag: &str,
) -> Result<Option<Digest>, StoreError> {
    let folded = tag.to_ascii_lowercase();
    Ok(view.get(&TAGS, &(account, region, name.as_str(), folded, tag))?.map(|tagged| tagged.digest))
}

/// An image by digest.
///
/// # Errors
/// A row cannot be read.
pub fn image(
    view: &View,
    (account, region, name): &RepositoryKey,
    digest: Digest,
) -> Result<Option<Arc<Image>>, StoreError> {
    view.get(&IMAGES, &(account, region, name.as_str(), digest.to_string()))
}

/// An image by tag or digest.
///
/// # Errors
/// A row cannot be read.
pub fn find_image(
    view: &View,
    key: &RepositoryKey,
    reference: &Reference,
) -> Result<Option<Arc<Image>>, StoreError> {
    let digest = match reference {
        Reference::Digest(digest) => Some(*digest),
        Reference::Tag(tag) => tag_digest(view, key, tag.as_str())?,
    };
    digest.map_or(Ok(None), |digest| image(view, key, digest))
}

/// The tags of an image, ordered by bytes.
///
/// # Errors
/// A row cannot be read.
pub fn tags_of(
    view: &View,
    (account, region, name): &RepositoryKey,
    digest: Digest,
) -> Result<Vec<String>, StoreError> {
    let rows = view.scan(&IMAGE_TAGS, (account, region, name.as_str(), digest.to_string()));
    rows.map(|row| row.map(|((_, _, _, _, tag), _)| tag)).collect()
}

/// At most `limit` tags behind `after`, in the order of the distribution specification.
///
/// # Errors
/// A row cannot be read.
pub fn tags(
    view: &View,
    (account, region, name): &RepositoryKey,
    after: Option<&Tag>,
    limit: usize,
) -> Result<Vec<Tag>, StoreError> {
    let prefix = (account, region, name.as_str());
    let rows = match after {
        None => view.scan(&TAGS, prefix),
        Some(tag) => {
            let folded = tag.as_str().to_ascii_lowercase();
            view.scan_after(&TAGS, prefix, &(account, region, name.as_str(), folded, tag.as_str()))
        }
    };
    let tags = rows.take(limit).map(|row| row.map(|((_, _, _, _, tag), _)| tag.parse().ok()));
    tags.filter_map(Result::transpose).collect()
}

/// At most `limit` of the images that are about `subject`, ordered by digest, behind `after`.
///
/// # Errors
/// A row cannot be read.
pub fn referrers(
    view: &View,
    (account, region, name): &RepositoryKey,
    subject: Digest,
    after: Option<Digest>,
    limit: usize,
) -> Result<Vec<Arc<Image>>, StoreError> {
    let mut images = Vec::new();
    let prefix = || (account, region, name.as_str(), subject.to_string());
    let rows = match after {
        None => view.scan(&REFERRERS, prefix()),
        Some(after) => {
            let key = (account, region, name.as_str(), subject.to_string(), after.to_string());
            view.scan_after(&REFERRERS, prefix(), &key)
        }
    };
    for row in rows.take(limit) {
        let ((_, _, _, _, digest), _) = row?;
        images.extend(view.get(&IMAGES, &(account, region, name.as_str(), digest))?);
    }
    Ok(images)
}

/// What became of an image that was put.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Put {
    /// It, or its tag, is new.
    Stored,
    /// It was there already, with this tag.
    Unchanged,
    /// The tag is on another image and cannot be moved.
    TagIsFixed,
    /// The image has as many tags as an image can have.
    TooManyTags,
}

/// Stores an image that was pushed, puts a tag on it, and queues it for replication. What the manifest names is in the
/// repository; its bytes are on disk.
///
/// # Errors
/// A row cannot be read.
pub fn put_image(
    tx: &mut Tx,
    key: &RepositoryKey,
    repository: &Repository,
    manifest: &Manifest,
    tag: Option<&Tag>,
    now: Timestamp,
) -> Result<Put, StoreError> {
    let put = store_image(tx, key, repository, manifest, tag, now)?;
    if put == Put::Stored {
        replication::enqueue(tx, key, manifest.digest)?;
    }
    Ok(put)
}

/// An image that an index names and the repository does not have, if there is one.
///
/// # Errors
/// A row cannot be read.
pub fn missing_child(
    view: &View,
    key: &RepositoryKey,
    manifest: &Manifest,
) -> Result<Option<Digest>, StoreError> {
    for child in &manifest.manifests {
        if image(view, key, child.digest)?.is_none() {
            return Ok(Some(child.digest));
        }
    }
    Ok(None)
}

/// As [`put_image`], for an image that comes from another repository.
///
/// # Errors
/// A row cannot be read.
pub(super) fn store_image(
    tx: &mut Tx,
    key: &RepositoryKey,
    repository: &Repository,
    manifest: &Manifest,
    tag: Option<&Tag>,
    now: Timestamp,
) -> Result<Put, StoreError> {
    let present = image(tx, key, manifest.digest)?.is_some();
    let on = tag.map_or(Ok(None), |tag| tag_digest(tx, key, tag.as_str()))?;
    if present && (tag.is_none() || on == Some(manifest.digest)) {
        return Ok(Put::Unchanged);
    }
    if let (Some(tag), Some(_)) = (tag, on)
        && rules::is_fixed(&repository.mutability, tag.as_str())
    {
        return Ok(Put::TagIsFixed);
    }
    if tag.is_some() && has_all_tags(tx, key, manifest.digest) {
        return Ok(Put::TooManyTags);
    }
    if !present {
        add_image(tx, key, manifest, now)?;
    }
    if let Some(tag) = tag {
        remove_tag(tx, key, tag.as_str())?;
        add_tag(tx, key, tag.as_str(), manifest.digest);
    }
    Ok(Put::Stored)
}

/// Whether another tag would be one too many.
pub(super) fn has_all_tags(view: &View, (account, region, name): &RepositoryKey, digest: Digest) -> bool {
    let tags = view.scan(&IMAGE_TAGS, (account, region, name.as_str(), digest.to_string()));
    tags.take(MOST_TAGS).count() == MOST_TAGS
}

fn add_image(
    tx: &mut Tx,
    key: &RepositoryKey,
    manifest: &Manifest,
    now: Timestamp,
) -> Result<(), StoreError> {
    let (account, region, name) = key;
    let name = name.as_str();
    let digest = manifest.digest.to_string();
    for named in manifest.references() {
        tx.put(&NAMED_BY, &(account, region, name, named.to_string(), digest.as_str()), ());
    }
    if let Some(subject) = manifest.subject {
        tx.put(&REFERRERS, &(account, region, name, subject.to_string(), digest.as_str()), ());
    }
    let size = image_size(tx, key, manifest)?;
    let row = Image { manifest: manifest.clone(), pushed_at: now, size };
    tx.put(&IMAGES, &(account, region, name, digest), row);
    size_indexes(tx, key, manifest.digest)?;
    replication::enqueue_waiting(tx, key, manifest.digest)
}

/// An image has come: indexes that were here before, as the cache has them, learn its size.
fn size_indexes(tx: &mut Tx, key: &RepositoryKey, digest: Digest) -> Result<(), StoreError> {
    let (account, region, name) = key;
    let mut changed = vec![digest];
    while let Some(named) = changed.pop() {
        for index in named_by(tx, key, named)? {
            let Some(row) = image(tx, key, index)? else { continue };
            let size = image_size(tx, key, &row.manifest)?;
            if size != row.size {
                let row = Image { size, ..Image::clone(&row) };
                tx.put(&IMAGES, &(account, region, name.as_str(), index.to_string()), row);
                changed.push(index);
            }
        }
    }
    Ok(())
}

/// The compressed size of what a pull of one platform brings: configuration and layers; of a list that of its largest image.
fn image_size(view: &View, key: &RepositoryKey, manifest: &Manifest) -> Result<u64, StoreError> {
    let own: u64 =
        manifest.config.iter().chain(&manifest.layers).map(|it| it.size).fold(0, u64::saturating_add);
    let mut largest = 0;
    for child in &manifest.manifests {
        largest = image(view, key, child.digest)?.map_or(0, |image| image.size).max(largest);
    }
    Ok(own.saturating_add(largest))
}

fn add_tag(tx: &mut Tx, (account, region, name): &RepositoryKey, tag: &str, digest: Digest) {
    let name = name.as_str();
    tx.put(&TAGS, &(account, region, name, tag.to_ascii_lowercase(), tag), Tagged { digest });
    tx.put(&IMAGE_TAGS, &(account, region, name, digest.to_string(), tag), ());
}

/// Takes a tag off its image, which stays; `None` if there is no such tag.
///
/// # Errors
/// A row cannot be read.
pub fn remove_tag(tx: &mut Tx, key: &RepositoryKey, tag: &str) -> Result<Option<Digest>, StoreError> {
    let Some(digest) = tag_digest(tx, key, tag)? else { return Ok(None) };
    let (account, region, name) = key;
    let name = name.as_str();
    tx.delete(&TAGS, &(account, region, name, tag.to_ascii_lowercase(), tag));
    tx.delete(&IMAGE_TAGS, &(account, region, name, digest.to_string(), tag));
    // Whoever moves a tag owns it from now on: the pull-through cache moves only what it has fetched.
    tx.delete(&CACHED_TAGS, &(account, region, name, tag));
    Ok(Some(digest))
}

/// Removes an image and its tags; the tags, or `None` if there is no such image.
///
/// # Errors
/// A row cannot be read.
pub fn remove_image(
    tx: &mut Tx,
    key: &RepositoryKey,
    digest: Digest,
) -> Result<Option<Vec<String>>, StoreError> {
    let Some(row) = image(tx, key, digest)? else { return Ok(None) };
    let tags = tags_of(tx, key, digest)?;
    for tag in &tags {
        remove_tag(tx, key, tag)?;
    }
    let (account, region, name) = key;
    let (name, text) = (name.as_str(), digest.to_string());
    for named in row.manifest.references() {
        tx.delete(&NAMED_BY, &(account, region, name, named.to_string(), text.as_str()));
    }
    if let Some(subject) = row.manifest.subject {
        tx.delete(&REFERRERS, &(account, region, name, subject.to_string(), text.as_str()));
    }
    for (job, _) in tx.list(&REPLICAS, (account, region, name, text.as_str()))? {
        tx.delete(&REPLICAS, &job);
    }
    tx.delete(&PULLS, &(account, region, name, text.as_str()));
    tx.delete(&SCANS, &(account, region, name, text.as_str()));
    tx.delete(&IMPORT_QUEUE, &(account, region, name, text.as_str()));
    tx.delete(&IMAGES, &(account, region, name, text.as_str()));
    Ok(Some(tags))
}

/// Removes a repository with everything in it.
///
/// # Errors
/// A row cannot be read.
pub fn remove_repository(tx: &mut Tx, key: &RepositoryKey) -> Result<(), StoreError> {
    let (account, region, name) = key;
    let name = name.as_str();
    for (row, _) in tx.list(&IMAGES, (account, region, name))? {
        if let Ok(digest) = row.3.parse() {
            remove_image(tx, key, digest)?;
        }
    }
    for (row, _) in tx.list(&LAYERS, (account, region, name))? {
        tx.delete(&LAYERS, &row);
    }
    tx.delete(&PREVIEWS, key);
    tx.delete(&REPOSITORIES, key);
    Ok(())
}

/// Every image's digest, and everything that images name.
///
/// # Errors
/// A row cannot be read.
pub fn reached(view: &View) -> Result<HashSet<Digest>, StoreError> {
    let mut reached = HashSet::new();
    for row in view.scan(&IMAGES, ()) {
        let (_, image) = row?;
        reached.extend(image.manifest.references().chain([image.manifest.digest]));
    }
    Ok(reached)
}

/// The blobs that a repository has although none of its images names them.
///
/// # Errors
/// A row cannot be read.
pub fn idle(view: &View) -> Result<HashSet<Digest>, StoreError> {
    idle_layers(view, |_| true)
        .filter_map(|row| row.map(|(_, _, _, digest)| digest.parse().ok()).transpose())
        .collect()
}

/// Takes each of the blobs out of the repositories of which no image names it.
///
/// # Errors
/// A row cannot be read.
pub fn forget_layers(tx: &mut Tx, digests: &[Digest]) -> Result<(), StoreError> {
    let gone: HashSet<String> = digests.iter().map(ToString::to_string).collect();
    let rows: Vec<_> = idle_layers(tx, |row| gone.contains(&row.3)).collect::<Result<_, _>>()?;
    for row in &rows {
        tx.delete(&LAYERS, row);
    }
    Ok(())
}

/// Of the layers that `wanted` takes, those that no image of their repository names. `wanted` comes first: pushes wait while
/// layers are forgotten.
fn idle_layers<'a>(
    view: &'a View,
    wanted: impl Fn(&DigestKey) -> bool + 'a,
) -> impl Iterator<Item = Result<DigestKey, StoreError>> + 'a {
    let rows = view.scan(&LAYERS, ()).map(|row| row.map(|(row, _)| row));
    let named = |(account, region, name, digest): &DigestKey| {
        view.scan(&NAMED_BY, (account, region, name.as_str(), digest.as_str())).next().is_some()
    };
    rows.filter(move |row| row.as_ref().map_or(true, |row| wanted(row) && !named(row)))
}

/// Notes that an image was pulled, at most once a minute for each image. It may be lost in a crash.
pub async fn note_pull(installation: &Installation, key: &RepositoryKey, digest: Digest) {
    let now = installation.clock.now();
    if noted(&installation.store.view(), key, digest, now) {
        return;
    }
    let written = installation.store.write_async("note a pull", |tx| {
        if image(tx, key, digest)?.is_some() && !noted(tx, key, digest, now) {
            write_pull(tx, key, digest, now);
        }
        Ok::<_, Failure>(())
    });
    if let Err(error) = written.await.map_err(landfall_store::WriteError::flatten) {
        tracing::warn!(%error, "a pull was not noted");
    }
}

/// Notes in one's own transaction that an image was pulled.
pub(super) fn write_pull(
    tx: &mut Tx,
    (account, region, name): &RepositoryKey,
    digest: Digest,
    now: Timestamp,
) {
    tx.put(&PULLS, &(account, region, name.as_str(), digest.to_string()), now);
}

fn noted(view: &View, (account, region, name): &RepositoryKey, digest: Digest, now: Timestamp) -> bool {
    let row = view.get(&PULLS, &(account, region, name.as_str(), digest.to_string()));
    row.ok().flatten().is_some_and(|at| now < at.plus_seconds(NOTED_FOR))
}

/// When an image was last pulled, as far as it was noted.
///
/// # Errors
/// A row cannot be read.
pub fn pulled_at(
    view: &View,
    (account, region, name): &RepositoryKey,
    digest: Digest,
) -> Result<Option<Timestamp>, StoreError> {
    Ok(view.get(&PULLS, &(account, region, name.as_str(), digest.to_string()))?.map(|at| *at))
}

/// What became of the scan of an image, if one was asked for: it failed, as there is no scanner.
pub(super) fn scan_status(
    view: &View,
    (account, region, name): &RepositoryKey,
    digest: Digest,
) -> Option<ImageScanStatus> {
    let asked = view.contains(&SCANS, &(account, region, name.as_str(), digest.to_string()));
    asked.then(|| ImageScanStatus {
        status: Some(ScanStatus::Failed),
        description: Some(rules::wording::NO_SCANNER.to_owned()),
    })
}

/// Whether an image has a tag.
pub fn has_tags(view: &View, (account, region, name): &RepositoryKey, digest: Digest) -> bool {
    view.scan(&IMAGE_TAGS, (account, region, name.as_str(), digest.to_string())).next().is_some()
}

/// Whether images of this status are asked for that there can be: nothing is archived here.
pub(super) fn is_shown(status: &ImageStatusFilter) -> bool {
    matches!(status, ImageStatusFilter::Active | ImageStatusFilter::Any)
}

/// The check for a new repository: neither policy nor tags of one that may be there already have a say.
///
/// # Errors
/// A row cannot be read.
pub fn creation_permission(view: &View, key: &RepositoryKey) -> Result<Permission, StoreError> {
    let (account, region, _) = key;
    let registry = view.get(&REGISTRY_POLICIES, &(account, region))?;
    let permission = Permission::on("ecr:CreateRepository", &repository_arn(key));
    Ok(permission.also_guarded_by(registry.map(|policy| Arc::clone(policy.as_ref()))))
}

/// The checks for a new repository with tags.
///
/// # Errors
/// A row cannot be read.
pub(super) fn creation_permissions<'a, I: Iterator<Item = (&'a str, &'a str)>>(
    view: &View,
    key: &RepositoryKey,
    tags: impl Fn() -> I,
) -> Result<Vec<Permission>, StoreError> {
    let mut permissions = vec![creation_permission(view, key)?.with_request_tags(tags())];
    if tags().next().is_some() {
        permissions.push(permission(view, "ecr:TagResource", key)?.with_request_tags(tags()));
    }
    Ok(permissions)
}

/// The media type that an image of the repository gives a blob.
///
/// # Errors
/// A row cannot be read.
pub fn layer_media_type(
    view: &View,
    key: &RepositoryKey,
    digest: Digest,
) -> Result<Option<String>, StoreError> {
    let (account, region, name) = key;
    let first =
        view.scan(&NAMED_BY, (account, region, name.as_str(), digest.to_string())).next().transpose()?;
    let Some(((.., by), ())) = first.map(|(key, _)| (key, ())) else { return Ok(None) };
    let image = view.get(&IMAGES, &(account, region, name.as_str(), by))?;
    Ok(image.and_then(|image| {
        let mut named = image.manifest.config.iter().chain(&image.manifest.layers);
        named.find(|it| it.digest == digest).map(|it| it.media_type.clone())
    }))
}

/// What begins a push, by data plane or API; what it must be allowed beside `action` where the repository is missing and a
/// template lets a push make it.
///
/// # Errors
/// A row cannot be read.
pub fn push_permissions(
    view: &View,
    action: &'static str,
    key: &RepositoryKey,
) -> Result<Vec<Permission>, StoreError> {
    let mut permissions = vec![permission(view, action, key)?];
    let makes = find_repository(view, key)?.is_none()
        && creation::template(view, key, &RCTAppliedFor::CreateOnPush)?.is_some();
    if makes {
        permissions.push(creation_permission(view, key)?);
    }
    Ok(permissions)
}

/// The repository; made, where it is missing and a template says that a push may make it.
///
/// # Errors
/// A row cannot be read.
pub fn open_for_push(
    installation: &Installation,
    tx: &mut Tx,
    key: &RepositoryKey,
    now: Timestamp,
) -> Result<Option<Arc<Repository>>, Failure> {
    if let Some(repository) = find_repository(tx, key)? {
        return Ok(Some(repository));
    }
    let Some(template) = creation::template(tx, key, &RCTAppliedFor::CreateOnPush)? else { return Ok(None) };
    creation::create(installation, tx, key, Some(&template), now).map(|row| Some(Arc::new(row)))
}

/// The key that a repository is under can be used, if there is such a repository.
///
/// # Errors
/// `KmsException`, or a row cannot be read.
pub fn check_key(view: &View, key: &RepositoryKey) -> Result<(), Failure> {
    match find_repository(view, key)? {
        Some(repository) => settings::check_key(view, &repository.encryption),
        None => Ok(()),
    }
}

/// Whether blobs may be mounted from one repository into another of the registry: not before somebody has said so.
///
/// # Errors
/// A row cannot be read.
pub fn may_mount(view: &View, account: &AccountId, region: &Region) -> Result<bool, StoreError> {
    let setting = view.get(&ACCOUNT_SETTINGS, &(account, region, BLOB_MOUNTING))?;
    Ok(setting.is_some_and(|value| *value == "ENABLED"))
}

/// Whether a blob may be mounted from one repository into another, where that is allowed at all: an image of the one names it,
/// both are encrypted alike, and neither stands for another registry's.
///
/// # Errors
/// A row cannot be read.
pub fn may_mount_from(
    view: &View,
    from: &RepositoryKey,
    into: &RepositoryKey,
    digest: Digest,
) -> Result<bool, StoreError> {
    let (source, target) = (find_repository(view, from)?, find_repository(view, into)?);
    let alike = source.zip(target).is_some_and(|(source, target)| source.encryption == target.encryption);
    let cached = pull_through::rule(view, from)?.is_some() || pull_through::rule(view, into)?.is_some();
    Ok(alike && !cached && is_named(view, from, digest))
}
