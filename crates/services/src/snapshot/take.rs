//! Taking a snapshot of an installation.

use std::collections::BTreeSet;

use landfall_base::AccountId;
use landfall_store::View;

use super::format::Writer;
use super::{Header, Origin, tables};
use crate::ecs::{self, machine};
use crate::iam::accounts;
use crate::pipe::{Failure, Installation};

/// A snapshot.
#[derive(Debug)]
pub struct Taken {
    /// The file.
    pub file: Vec<u8>,
    /// How much of what is in it.
    pub contents: Vec<(&'static str, u64)>,
    /// The accounts that are in it.
    pub accounts: Vec<AccountId>,
}

/// Where a snapshot is taken from.
pub(crate) struct Source<'a> {
    pub(crate) installation: &'a Installation,
    pub(crate) view: View,
    accounts: Option<BTreeSet<AccountId>>,
}

impl Source<'_> {
    /// Whether what an account has goes into the snapshot. What Lightsail runs for the accounts is its own.
    pub(crate) fn wants(&self, account: &AccountId) -> bool {
        let wanted = |accounts: &BTreeSet<AccountId>| accounts.contains(account);
        self.accounts.as_ref().is_none_or(wanted) || *account == *crate::lightsail::owner()
    }
}

/// Takes a snapshot: of all accounts, or of some. It blocks.
///
/// # Errors
/// A row cannot be read.
pub fn take(installation: &Installation, only: Option<&[AccountId]>) -> Result<Taken, Failure> {
    let view = installation.store.view();
    let source =
        Source { installation, view, accounts: only.map(|accounts| accounts.iter().cloned().collect()) };
    let header = header(&source)?;
    let mut writer = Writer::new(&header).map_err(Failure::internal)?;
    let mut contents = Vec::new();
    for part in tables::KEPT {
        let rows = (part.take)(&source, &mut writer)?;
        contents.extend(part.noun.filter(|_| rows > 0).map(|noun| (noun, rows)));
    }
    let file = writer.finish().map_err(Failure::internal)?;
    Ok(Taken { file, contents, accounts: header.accounts })
}

fn header(source: &Source<'_>) -> Result<Header, Failure> {
    let installation = source.installation;
    let accounts: Vec<AccountId> = accounts(&source.view)?.into_iter().map(|(account, _)| account).collect();
    let all = accounts.len();
    let mine = |account: &AccountId| source.accounts.as_ref().is_none_or(|wanted| wanted.contains(account));
    let accounts: Vec<_> = accounts.into_iter().filter(mine).collect();
    let origin = match &installation.origin {
        Some(origin) => origin.clone(),
        None => {
            Origin { machine: machine::this_machine(), taken: ecs::demands_on_this_machine(&source.view)? }
        }
    };
    Ok(Header {
        made_by: env!("CARGO_PKG_VERSION").to_owned(),
        created_at: installation.clock.now(),
        default_account: installation.default_account.clone(),
        default_region: installation.default_region.clone(),
        partial: accounts.len() < all,
        accounts,
        auth: installation.auth,
        aws_registry_names: installation.registry.is_aws(),
        registry: installation.registry.address().to_owned(),
        origin,
    })
}
