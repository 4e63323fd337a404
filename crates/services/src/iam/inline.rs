//! Inline policies: they belong to one user or role and go with it.

use landfall_api::iam::error::{limit_exceeded_exception, no_such_entity_exception};
use landfall_iam::policy_size;
use landfall_store::{StoreError, Tx, View};

use super::documents;
use super::entity::{Entity, Target};
use super::page::{Page, Paging};
use super::record::InlinePolicy;
use crate::pipe::{Checked, Context, Failure};

/// One inline policy of a user or role.
#[derive(Debug)]
pub struct Inline<E> {
    /// Whose.
    pub(super) target: Target<E>,
    /// Its name.
    pub(super) policy: String,
}

/// Resolves a call about one inline policy.
pub(super) fn resolve<E: Entity>(
    cx: &Context<'_>,
    view: &View,
    action: &'static str,
    name: &str,
    policy: String,
) -> Result<Checked<Inline<E>>, Failure> {
    let target = Target::find(cx, view, name)?;
    let permission = target.permission(action);
    Ok(Checked::one(Inline { target, policy }, permission))
}

/// Sets a policy, in place of one that may be there.
pub(super) fn put<E: Entity>(tx: &mut Tx, at: &Inline<E>, document: &str) -> Result<(), Failure> {
    let entity = at.target.changeable()?;
    let policy = documents::inline(document)?;
    if others_size(tx, at)? + policy_size(document) > E::INLINE_QUOTA {
        let text = format!(
            "Maximum policy size of {} bytes exceeded for {} {}",
            E::INLINE_QUOTA,
            E::KIND,
            entity.name()
        );
        return Err(limit_exceeded_exception(text).into());
    }
    let row = InlinePolicy { name: at.policy.clone(), policy };
    tx.put(&E::INLINE, &at.target.child_key(&at.policy), row);
    Ok(())
}

/// The size of the inline policies that stay.
fn others_size<E: Entity>(view: &View, at: &Inline<E>) -> Result<usize, StoreError> {
    let mut size = 0;
    for row in view.scan(&E::INLINE, at.target.key()) {
        let ((_, _, name), row) = row?;
        if name != at.policy {
            size += policy_size(row.policy.text());
        }
    }
    Ok(size)
}

/// The document, URL-encoded.
pub(super) fn document<E: Entity>(view: &View, at: &Inline<E>) -> Result<String, Failure> {
    at.target.existing()?;
    let row = view.get(&E::INLINE, &at.target.child_key(&at.policy))?;
    let row = row.ok_or_else(|| missing(at))?;
    Ok(documents::encoded(row.policy.text()))
}

/// Deletes a policy.
pub(super) fn delete<E: Entity>(tx: &mut Tx, at: &Inline<E>) -> Result<(), Failure> {
    at.target.changeable()?;
    if tx.delete(&E::INLINE, &at.target.child_key(&at.policy)) {
        return Ok(());
    }
    Err(missing(at))
}

fn missing<E: Entity>(at: &Inline<E>) -> Failure {
    let text = format!("The {} policy with name {} cannot be found.", E::KIND, at.policy);
    no_such_entity_exception(text).into()
}

/// A page of the names of inline policies.
pub(super) fn names<E: Entity>(
    view: &View,
    target: &Target<E>,
    paging: &Paging,
) -> Result<Page<String>, Failure> {
    target.existing()?;
    let rows = view.scan_after(&E::INLINE, target.key(), &target.child_key(paging.after()));
    paging.take(rows.map(|row| row.map(|((_, _, name), _)| (name.clone(), name))))
}
