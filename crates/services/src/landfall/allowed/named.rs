//! Whoever a resource's policies name beside the users and roles that the search walks through: services, sessions, identity
//! providers, accounts that are not of the installation, everybody.

use std::collections::BTreeSet;
use std::sync::Arc;

use landfall_base::{AccountId, Arn};
use landfall_iam::{NamedPrincipal, Policy, PolicyKind, Principal, ResourceKind};
use landfall_store::View;

use super::{Candidate, EVERYBODY, Search, Whose};
use crate::iam::record::{ROLES, key_name};
use crate::iam::{AttachedPolicy, PrincipalPolicies};
use crate::pipe::Failure;

const EVERYTHING: &str =
    r#"{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"*","Resource":"*"}}"#;
/// The name of somebody of whom no more is known than the account.
const ANY: &str = "any";
/// Of an account whose policies nobody here knows.
const OWN_POLICIES: &str = "as far as its own policies allow";

impl Search<'_> {
    /// Candidates that the policies on the resource name.
    ///
    /// # Errors
    /// A row cannot be read.
    pub(super) fn named(&self, view: &View) -> Result<Vec<Candidate>, Failure> {
        let policies = self.policy.iter().map(|it| &it.policy).chain(&self.registry);
        let mut names: BTreeSet<_> = policies.flat_map(|policy| policy.allowed_principals()).collect();
        names.extend(self.grantees());
        let mut candidates = Vec::new();
        for name in names {
            candidates.extend(self.candidates(view, name)?);
        }
        Ok(candidates)
    }

    /// Grants of a key name users and roles, which are asked anyway, sessions and services.
    fn grantees(&self) -> impl Iterator<Item = NamedPrincipal<'_>> {
        let grants = match self.policy.as_ref().map(|policy| policy.kind()) {
            Some(ResourceKind::KmsKey { grants, .. }) => grants,
            _ => &[],
        };
        grants.iter().map(|grant| grant.grantee.as_str()).map(|grantee| match grantee {
            arn if arn.starts_with("arn:") => NamedPrincipal::Arn(arn),
            id if id.starts_with("AIDA") || id.starts_with("AROA") => NamedPrincipal::UniqueId(id),
            service => NamedPrincipal::Service(service),
        })
    }

    fn candidates(&self, view: &View, name: NamedPrincipal<'_>) -> Result<Vec<Candidate>, Failure> {
        let with_token = self.comes_with_token();
        Ok(match name {
            NamedPrincipal::Federated(provider) if with_token => {
                let principal = Principal::web_identity(provider);
                vec![Candidate::new(
                    provider,
                    principal,
                    Whose::Nobodys,
                    Some("with a token of this provider"),
                )]
            }
            NamedPrincipal::Everyone if !with_token => self.everybody()?,
            NamedPrincipal::Service(name) if !with_token => {
                vec![Candidate::new(name, Principal::service(name), Whose::Nobodys, None)]
            }
            NamedPrincipal::Account(id) if !with_token => Vec::from_iter(self.account(id)?),
            NamedPrincipal::Arn(arn) | NamedPrincipal::UniqueId(arn) if !with_token => {
                Vec::from_iter(self.by_arn(view, arn)?)
            }
            _ => Vec::new(),
        })
    }

    /// An account that the search does not walk through.
    fn account(&self, id: &str) -> Result<Option<Candidate>, Failure> {
        let Ok(account) = id.parse::<AccountId>() else { return Ok(None) };
        if self.accounts.contains(&account) {
            return Ok(None);
        }
        let root = Arn::global("iam", id, "root");
        let somebody = somebody(&account);
        Ok(Some(Candidate::new(root.as_str(), somebody, Whose::Own(everything()?), Some(OWN_POLICIES))))
    }

    /// A session, or a user or role of an account that the search does not walk through.
    fn by_arn(&self, view: &View, text: &str) -> Result<Option<Candidate>, Failure> {
        let Ok(arn) = text.parse::<Arn>() else { return Ok(None) };
        let Some(account) = arn.account_id() else { return Ok(None) };
        let here = self.accounts.contains(&account);
        let Some(principal) = principal(view, &arn, &account, here)? else { return Ok(None) };
        let session = arn.service() == "sts";
        Ok(match (here, session) {
            (true, false) => None,
            // What a federated user may is known to whoever made the session.
            (true, true) if principal.is_role_session() => {
                Some(Candidate::new(text, principal, Whose::Stored, None))
            }
            (true, true) => {
                let none = PrincipalPolicies::default();
                Some(Candidate::new(text, principal, Whose::Own(none), None))
            }
            (false, _) => {
                Some(Candidate::new(text, principal, Whose::Own(everything()?), Some(OWN_POLICIES)))
            }
        })
    }

    /// An account that nobody here knows: none of those that are asked one by one, and not the resource's.
    fn stranger(&self) -> Result<AccountId, Failure> {
        let known =
            |account: &AccountId| self.accounts.contains(account) || self.owner.as_ref() == Some(account);
        let mut others =
            (0_u64..).map(|number| format!("{:012}", 999_999_999_999 - number).parse::<AccountId>());
        let found = others.find(|account| !account.as_ref().is_ok_and(known));
        found.unwrap_or_else(|| ANY.parse()).map_err(Failure::internal)
    }

    /// Callers without credentials, where they can call at all, or else callers of any account.
    fn everybody(&self) -> Result<Vec<Candidate>, Failure> {
        let stranger = self.stranger()?;
        let signed = Candidate::new(
            EVERYBODY,
            somebody(&stranger),
            Whose::Own(everything()?),
            Some("of any account, as far as their own policies allow"),
        );
        let unsigned = Candidate::new(
            EVERYBODY,
            Principal::anonymous(),
            Whose::Nobodys,
            Some("also without credentials"),
        );
        let takes_unsigned = self.service().eq_ignore_ascii_case("s3");
        Ok(if takes_unsigned { vec![unsigned, signed] } else { vec![signed] })
    }
}

fn principal(view: &View, arn: &Arn, account: &AccountId, here: bool) -> Result<Option<Principal>, Failure> {
    let mut parts = arn.resource().splitn(2, '/');
    let (kind, rest) = (parts.next().unwrap_or_default(), parts.next().unwrap_or_default());
    Ok(match (arn.service(), kind) {
        ("iam", "user") => Some(Principal::user(arn.clone(), account, ANY)),
        ("iam", "role") => Some(Principal::role_session(arn.clone(), account, ANY, ANY)),
        ("sts", "federated-user") => {
            let nobody = Arn::global("iam", account.as_str(), "user/*");
            Some(Principal::federated_user(nobody, account, ANY, rest))
        }
        ("sts", "assumed-role") => {
            let (role, session) = rest.split_once('/').unwrap_or((rest, ANY));
            role_session(view, account, role, session, here)?
        }
        _ => None,
    })
}

/// A session of a role; of one that is not there, there is none.
fn role_session(
    view: &View,
    account: &AccountId,
    role: &str,
    session: &str,
    here: bool,
) -> Result<Option<Principal>, Failure> {
    if !here {
        let arn = Arn::global("iam", account.as_str(), &format!("role/{role}"));
        return Ok(Some(Principal::role_session(arn, account, ANY, session)));
    }
    let Some(row) = view.get(&ROLES, &(account, key_name(role).as_str()))? else { return Ok(None) };
    let arn = row.arn.parse().map_err(Failure::internal)?;
    Ok(Some(Principal::role_session(arn, account, &row.id, session)))
}

fn somebody(account: &AccountId) -> Principal {
    Principal::role_session(Arn::global("iam", account.as_str(), "role/any"), account, ANY, ANY)
}

/// What a caller has of whose policies nothing is known: they may allow it.
fn everything() -> Result<PrincipalPolicies, Failure> {
    let policy = Policy::stored(EVERYTHING, PolicyKind::Identity).map_err(Failure::internal)?;
    let policy =
        AttachedPolicy { name: ANY.to_owned(), managed: false, group: None, policy: Arc::new(policy) };
    Ok(PrincipalPolicies { identity: vec![policy], ..PrincipalPolicies::default() })
}
