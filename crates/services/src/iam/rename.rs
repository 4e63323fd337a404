//! New names and paths for users and groups. What belongs to one goes with it.

use landfall_api::iam::error::entity_already_exists_exception;
use landfall_base::Arn;
use landfall_store::{Tx, View};

use super::entity::{Entity, Target, arn_of};
use super::record::key_name;
use crate::pipe::{Checked, Context, Failure};

/// A user or group, and what it shall be called.
#[derive(Debug)]
pub struct Rename<E> {
    pub(super) target: Target<E>,
    pub(super) name: String,
    pub(super) path: String,
    pub(super) arn: Arn,
    taken: bool,
}

impl<E: Entity> Rename<E> {
    /// Resolves a call: it needs permission on the old name, and on the new one if there is one.
    pub(super) fn resolve(
        cx: &Context<'_>,
        view: &View,
        action: &'static str,
        name: &str,
        new_name: Option<String>,
        new_path: Option<String>,
    ) -> Result<Checked<Self>, Failure> {
        let target = Target::<E>::find(cx, view, name)?;
        let (old_name, old_path) = match target.existing() {
            Ok(entity) => (entity.name().to_owned(), entity.path().to_owned()),
            Err(_) => (name.to_owned(), "/".to_owned()),
        };
        let (name, path) = (new_name.unwrap_or(old_name), new_path.unwrap_or(old_path));
        let arn = arn_of::<E>(cx.account(), &path, &name);
        let same_key = key_name(&name) == key_name(&target.name);
        let taken = !same_key && Target::<E>::find(cx, view, &name)?.exists();
        let mut permissions = vec![target.permission(action)];
        if arn != *target.arn() {
            let shown = format!("{} {name}", E::KIND);
            permissions.push(crate::pipe::Permission::on(action, &arn).shown_as(shown));
        }
        Ok(Checked::all(Self { target, name, path, arn, taken }, permissions))
    }

    /// The row's new key, with the name free.
    ///
    /// # Errors
    /// `NoSuchEntity`; `EntityAlreadyExists`
    pub(super) fn check(&self) -> Result<&std::sync::Arc<E>, Failure> {
        let entity = self.target.existing()?;
        if self.taken {
            let (first, rest) = E::KIND.split_at(1);
            let kind = format!("{}{rest}", first.to_uppercase());
            let text = format!("{kind} with name {} already exists.", self.name);
            return Err(entity_already_exists_exception(text).into());
        }
        Ok(entity)
    }

    /// Whether rows have to move.
    pub(super) fn moves(&self) -> bool {
        self.target.key().1 != key_name(&self.name)
    }

    /// Puts the changed row where it belongs, and moves inline policies.
    pub(super) fn write(&self, tx: &mut Tx, changed: &E) -> Result<(), Failure> {
        let (account, _) = self.target.key();
        let key = key_name(&self.name);
        if self.moves() {
            for ((_, _, policy), row) in tx.list(&E::INLINE, self.target.key())? {
                tx.delete(&E::INLINE, &self.target.child_key(&policy));
                tx.put(&E::INLINE, &(account, key.as_str(), policy.as_str()), row.as_ref());
            }
            tx.delete(&E::TABLE, &self.target.key());
        }
        tx.put(&E::TABLE, &(account, key.as_str()), changed);
        Ok(())
    }
}
