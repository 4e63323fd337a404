//! Repositories that are made on the way: by a push, a replication, or a pull through the cache.

use landfall_api::ecr::{RCTAppliedFor, RepositoryCreationTemplate, SERVICE};
use landfall_base::Timestamp;
use landfall_store::{StoreError, Tx, View};

use super::policy::{self, Kind};
use super::record::{Encryption, Lifecycle, REPOSITORIES, Repository, RepositoryKey, TEMPLATES};
use super::{lifecycle, registry, role, settings};
use crate::pipe::{CallName, Caller, Context, Failure, Installation, is_allowed};
use crate::root_of;

/// The template's prefix that fits every name.
pub(super) const ROOT: &str = "ROOT";

/// The template for a repository: that of the longest prefix, if it is meant for this way of being made.
///
/// # Errors
/// A row cannot be read.
pub(super) fn template(
    view: &View,
    (account, region, name): &RepositoryKey,
    way: &RCTAppliedFor,
) -> Result<Option<RepositoryCreationTemplate>, StoreError> {
    let mut prefix = Some(name.as_str());
    while let Some(text) = prefix {
        for key in [text.to_owned(), format!("{text}/")] {
            if let Some(row) = view.get(&TEMPLATES, &(account, region, key.as_str()))? {
                return Ok(Some(row.0.clone()).filter(|it| is_for(it, way)));
            }
        }
        prefix = text.rsplit_once('/').map(|(shorter, _)| shorter);
    }
    let root = view.get(&TEMPLATES, &(account, region, ROOT))?;
    Ok(root.map(|row| row.0.clone()).filter(|it| is_for(it, way)))
}

fn is_for(template: &RepositoryCreationTemplate, way: &RCTAppliedFor) -> bool {
    template.applied_for.as_deref().unwrap_or_default().contains(way)
}

/// What it is called in the audit log when a repository is made for a push, a pull or a replication.
const CREATION: CallName = CallName::of::<landfall_api::ecr::CreateRepository>();

/// Makes a repository as its template says, or with the usual settings.
///
/// # Errors
/// A row cannot be read, the template's role cannot be assumed or may not make it, the template's key cannot be used, or the
/// template names a principal that does not exist any more.
pub(super) fn create(
    installation: &Installation,
    tx: &mut Tx,
    key: &RepositoryKey,
    template: Option<&RepositoryCreationTemplate>,
    now: Timestamp,
) -> Result<Repository, Failure> {
    let template = template.cloned().unwrap_or_default();
    let filters = template.image_tag_mutability_exclusion_filters.as_deref();
    let mut encryption = match &template.encryption_configuration {
        Some(wanted) => settings::encryption(&wanted.encryption_type, wanted.kms_key.as_deref())?,
        None => Encryption::default(),
    };
    let maker = maker(installation, tx, key, &template)?;
    let cx = Context::new(installation, &maker, CREATION);
    if template.custom_role_arn.is_some() {
        check_maker(&cx, tx, key, &template, &encryption)?;
    }
    settings::fill_in_key(&cx, tx, key, &mut encryption)?;
    let policy = template.repository_policy.as_deref().filter(|text| !text.is_empty());
    let lifecycle = template.lifecycle_policy.filter(|text| !text.is_empty());
    if let Some(text) = &lifecycle {
        lifecycle::parse(text)?;
    }
    let tags = template.resource_tags.unwrap_or_default();
    let row = Repository {
        created_at: now,
        incarnation: Repository::new_incarnation(),
        mutability: settings::mutability(template.image_tag_mutability.as_ref(), filters)?,
        scan_on_push: false,
        encryption,
        tags: tags.into_iter().map(|tag| (tag.key, tag.value)).collect(),
        policy: policy
            .map(|text| policy::parse(tx, Kind::Repository, text))
            .transpose()?
            .map(std::sync::Arc::new),
        lifecycle: lifecycle.map(|text| Lifecycle { text, evaluated_at: None }),
    };
    tx.put(&REPOSITORIES, key, &row);
    Ok(row)
}

/// Who makes the repository: the template's role, or ECR itself.
fn maker(
    installation: &Installation,
    view: &View,
    key: &RepositoryKey,
    template: &RepositoryCreationTemplate,
) -> Result<Caller, Failure> {
    let (account, region, _) = key;
    let Some(role) = template.custom_role_arn.as_deref() else {
        return Ok(Caller::internal(root_of(account), account.clone(), region.clone()));
    };
    let wanted = role::Wanted { service: role::SERVICE, session_name: "ECRRepositoryCreation", role };
    role::assume(installation, view, (account, region), &wanted)
}

/// The template's role may do what making the repository takes (User Guide, "Create a custom policy for repository creation
/// templates").
fn check_maker(
    cx: &Context<'_>,
    view: &View,
    key: &RepositoryKey,
    template: &RepositoryCreationTemplate,
    encryption: &Encryption,
) -> Result<(), Failure> {
    let new = template.resource_tags.as_deref().unwrap_or_default();
    let tags = || new.iter().map(|tag| (tag.key.as_str(), tag.value.as_str()));
    let mut permissions = registry::creation_permissions(view, key, tags)?;
    permissions.extend(settings::key_permissions(cx, view, key, encryption)?);
    permissions.iter().try_for_each(|permission| is_allowed(cx, view, &SERVICE, permission))
}
