//! Commands that IAM's quotas would refuse, written so that they are not: a policy with all the versions that it may have
//! loses its oldest, and what has no room among a role's own policies becomes a managed one.

use std::collections::BTreeMap;

use landfall_base::{AccountId, Arn};
use landfall_iam::policy_size;
use landfall_store::View;

use super::advice::{Command, NO_ROOM, Place, Remedy, Rewrite, put_role_policy, quote, role_name};
use crate::iam::{RoleRoom, managed_policy, role_policy, role_room, version_in_the_way};

/// What the quotas leave to the commands of one start.
pub(super) struct Quotas<'v> {
    view: &'v View,
    account: &'v AccountId,
    /// Room in roles behind the commands so far.
    rooms: BTreeMap<String, RoleRoom>,
}

impl<'v> Quotas<'v> {
    /// Nothing is given out yet.
    pub(super) fn of(view: &'v View, account: &'v AccountId) -> Self {
        Self { view, account, rooms: BTreeMap::new() }
    }

    /// Makes the commands of a remedy such that IAM takes them.
    pub(super) fn fit(&mut self, remedy: &mut Remedy) {
        for mut command in std::mem::take(&mut remedy.commands) {
            let Some((last, before)) = self.lines(&command) else {
                give_up(remedy, command);
                continue;
            };
            let account = &command.account;
            let before =
                before.into_iter().map(|line| Command { account: account.clone(), line, rewrites: None });
            remedy.commands.extend(before);
            command.line = last;
            remedy.commands.push(command);
        }
    }

    /// The command that does what another should do, and what has to be done before it; `None` if there is no room.
    fn lines(&mut self, command: &Command) -> Option<(String, Vec<String>)> {
        let plain = || Some((command.line.clone(), Vec::new()));
        let Some(Rewrite { place, document: Some(document) }) = &command.rewrites else { return plain() };
        match place {
            Place::Managed(arn) => {
                let oldest = version_in_the_way(self.view, arn).ok().flatten();
                Some((
                    command.line.clone(),
                    oldest.map(|version| delete_version(arn, &version)).into_iter().collect(),
                ))
            }
            Place::Role { role, policy } if !self.has(role, policy) => self.give(role, policy, document),
            _ => plain(),
        }
    }

    fn has(&self, role: &str, policy: &str) -> bool {
        role_policy(self.view, role, self.account, policy).is_ok_and(|it| it.is_some())
    }

    /// Gives a role another policy: one of its own, or a managed one; `None` if it can have neither.
    pub(super) fn give(&mut self, role: &str, policy: &str, document: &str) -> Option<(String, Vec<String>)> {
        let name = role_name(role);
        let there = role_room(self.view, name, self.account).ok().flatten();
        let Some(there) = there else { return Some((put_role_policy(name, policy, document), Vec::new())) };
        let room = self.rooms.entry(name.to_owned()).or_insert(there);
        if let Some(left) = room.inline.checked_sub(policy_size(document)) {
            room.inline = left;
            return Some((put_role_policy(name, policy, document), Vec::new()));
        }
        room.attached = room.attached.checked_sub(1)?;
        let (arn, there) = self.managed(policy, document)?;
        let create = format!(
            "aws iam create-policy --policy-name {} --policy-document {}",
            quote(role_name(&arn)),
            quote(document)
        );
        let attach =
            format!("aws iam attach-role-policy --role-name {} --policy-arn {}", quote(name), quote(&arn));
        Some((attach, (!there).then_some(create).into_iter().collect()))
    }

    /// A managed policy of this text, and whether it is there: its name may be taken by another.
    fn managed(&self, name: &str, document: &str) -> Option<(String, bool)> {
        let names = std::iter::once(name.to_owned()).chain((2..10).map(|number| format!("{name}-{number}")));
        let mut arns = names
            .map(|name| Arn::global("iam", self.account.as_str(), &format!("policy/{name}")).to_string());
        arns.find_map(|arn| match managed_policy(self.view, &arn).ok()? {
            None => Some((arn, false)),
            Some(there) => (there.text() == document).then_some((arn, true)),
        })
    }
}

fn delete_version(arn: &str, version: &str) -> String {
    format!("aws iam delete-policy-version --policy-arn {} --version-id {version}", quote(arn))
}

/// Neither among the role's own policies nor among those attached to it is room.
fn give_up(remedy: &mut Remedy, command: Command) {
    remedy.text = match remedy.text.as_str() {
        "" => NO_ROOM.to_owned(),
        before => format!("{before}; {NO_ROOM}"),
    };
    let document = command.rewrites.and_then(|it| it.document);
    remedy.document =
        remedy.document.take().into_iter().chain(document).reduce(|one, other| format!("{one}\n{other}"));
    remedy.verified = false;
}
