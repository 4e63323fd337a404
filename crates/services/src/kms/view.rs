//! Rows as the API shows them.

use landfall_api::kms as api;
use landfall_iam::GrantConstraint;
use landfall_shape::Entries;
use landfall_store::{StoreError, View};

use super::grants::shown_principal;
use super::kind::Spec;
use super::names::{alias_arn, key_arn};
use super::record::{Alias, Grant, Key, KeyKey, Material, RotationKind};
use super::rules;

/// `KeyMetadata`
pub(super) fn metadata((account, _, id): &KeyKey, key: &Key) -> api::KeyMetadata {
    let manager = if key.managed_for.is_some() { "AWS" } else { "CUSTOMER" };
    let newest = key.materials.last().filter(|_| key.spec == Spec::Symmetric);
    api::KeyMetadata {
        aws_account_id: Some(account.to_string()),
        key_id: id.clone(),
        arn: Some(key.arn.to_string()),
        creation_date: Some(key.created_at),
        enabled: Some(key.enabled && key.deletion_at.is_none()),
        description: Some(key.description.clone()),
        key_usage: Some(key.usage.as_str().into()),
        key_state: Some(rules::state(key).into()),
        deletion_date: key.deletion_at,
        origin: Some("AWS_KMS".into()),
        key_manager: Some(manager.into()),
        customer_master_key_spec: Some(key.spec.as_str().into()),
        key_spec: Some(key.spec.as_str().into()),
        encryption_algorithms: names(key.kind().encryption_algorithms()),
        signing_algorithms: names(key.kind().signing_algorithms()),
        mac_algorithms: names(key.kind().mac_algorithms()),
        multi_region: Some(false),
        current_key_material_id: newest.map(|material| material.id.clone()),
        ..Default::default()
    }
}

/// Names of algorithms; nothing where there are none.
pub(super) fn names<T: From<&'static str>>(names: &[&'static str]) -> Option<Vec<T>> {
    (!names.is_empty()).then(|| names.iter().map(|name| T::from(name)).collect())
}

/// An alias in `ListAliases`.
pub(super) fn alias(place: &KeyKey, alias: &Alias) -> api::AliasListEntry {
    api::AliasListEntry {
        alias_name: Some(place.2.clone()),
        alias_arn: Some(alias_arn(place).to_string()),
        target_key_id: Some(alias.key_id.clone()),
        creation_date: Some(alias.created_at),
        last_updated_date: Some(alias.updated_at),
    }
}

/// An alias of a service whose key was not needed yet.
pub(super) fn alias_without_key(place: &KeyKey) -> api::AliasListEntry {
    api::AliasListEntry {
        alias_name: Some(place.2.clone()),
        alias_arn: Some(alias_arn(place).to_string()),
        ..Default::default()
    }
}

/// A grant in `ListGrants` and `ListRetirableGrants`.
pub(super) fn grant(
    view: &View,
    place: &KeyKey,
    id: &str,
    grant: &Grant,
) -> Result<api::GrantListEntry, StoreError> {
    let operations = grant.rule.operations.iter().map(|name| name.as_str().into());
    let retiring = grant.retiring_principal.as_deref();
    let retiring =
        retiring.map(|arn| shown_principal(view, arn, grant.retiring_id.as_deref())).transpose()?;
    Ok(api::GrantListEntry {
        key_id: Some(key_arn(place).to_string()),
        grant_id: Some(id.to_owned()),
        name: Some(grant.name.clone().unwrap_or_default()),
        creation_date: Some(grant.created_at),
        grantee_principal: Some(shown_principal(view, &grant.rule.grantee, grant.grantee_id.as_deref())?),
        retiring_principal: retiring,
        issuing_account: Some(format!("arn:aws:iam::{}:root", grant.issuing_account)),
        operations: Some(operations.collect()),
        constraints: grant.rule.constraint.as_ref().map(constraints),
    })
}

fn constraints(constraint: &GrantConstraint) -> api::GrantConstraints {
    let entries = |pairs: &std::collections::BTreeMap<String, String>| -> Entries<String> {
        pairs.iter().map(|(key, value)| (key.clone(), value.clone())).collect()
    };
    match constraint {
        GrantConstraint::EncryptionContextEquals(pairs) => api::GrantConstraints {
            encryption_context_equals: Some(entries(pairs)),
            encryption_context_subset: None,
        },
        GrantConstraint::EncryptionContextSubset(pairs) => api::GrantConstraints {
            encryption_context_subset: Some(entries(pairs)),
            encryption_context_equals: None,
        },
    }
}

/// A rotation in `ListKeyRotations`.
pub(super) fn rotation(key: &Key, material: &Material) -> api::RotationsListEntry {
    let current = key.materials.last().is_some_and(|last| last.id == material.id);
    let kind = material.rotation.map(|kind| match kind {
        RotationKind::Automatic => "AUTOMATIC",
        RotationKind::OnDemand => "ON_DEMAND",
    });
    api::RotationsListEntry {
        key_id: Some(key.arn.to_string()),
        key_material_id: Some(material.id.clone()),
        key_material_state: Some(if current { "CURRENT" } else { "NON_CURRENT" }.into()),
        rotation_date: material.rotation.map(|_| material.created_at),
        rotation_type: kind.map(Into::into),
        ..Default::default()
    }
}

/// Tags as the API shows them.
pub(super) fn tag((key, value): (&str, &str)) -> api::Tag {
    api::Tag { tag_key: key.to_owned(), tag_value: value.to_owned() }
}
