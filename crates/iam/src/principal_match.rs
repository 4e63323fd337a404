//! The `Principal` and `NotPrincipal` elements, and how strong a grant to each kind of principal is.

use std::collections::BTreeMap;

use landfall_base::{AccountId, Arn};
use serde::{Deserialize, Serialize};

use crate::choices::Choice;
use crate::compile::{Selection, is_unique_id};
use crate::document::{PrincipalEntry, PrincipalKind};
use crate::principal::{Kind, Principal};
use crate::request::Target;

/// What a matching Allow of a resource policy is worth inside the account (IAM User Guide, "Policy evaluation logic",
/// table of resource-based policies). Ordered from weak to strong.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Strength {
    /// The account was named: its own policies still have to allow.
    Account,
    /// The role of the session was named: boundary and session policies still limit.
    Parent,
    /// The caller itself or everybody was named: nothing else is needed.
    Direct,
}

/// Somebody whom a policy names.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum NamedPrincipal<'a> {
    /// `*`.
    Everyone,
    /// An account's id.
    Account(&'a str),
    /// The ARN of a user, a role or a session.
    Arn(&'a str),
    /// A user or role by its unique id, as it was written: its ARN most often.
    UniqueId(&'a str),
    /// A service.
    Service(&'a str),
    /// An identity provider: its host or ARN.
    Federated(&'a str),
}

#[derive(Debug)]
pub(crate) struct Principals(pub(crate) Selection<PrincipalPattern>);

#[derive(Debug)]
pub(crate) enum PrincipalPattern {
    Everyone,
    Account(Box<str>),
    /// A session's ARN, or the ARN of a user or role whose id is not known.
    Arn(Box<str>),
    /// An id, with the ARN that it was written as.
    UniqueId {
        id: Box<str>,
        written: Box<str>,
    },
    Service(Box<str>),
    Federated(Box<str>),
    /// The canonical user id of nobody knows whom, or something that is no principal. Matches nobody.
    Nobody(Box<str>),
}

impl PrincipalPattern {
    pub(crate) fn compile(entry: &PrincipalEntry, ids: &BTreeMap<String, String>) -> Self {
        let value = entry.value.as_str();
        match entry.kind {
            PrincipalKind::Aws => Self::aws(value, ids),
            PrincipalKind::Service => Self::Service(value.into()),
            PrincipalKind::Federated => Self::Federated(value.into()),
            PrincipalKind::CanonicalUser => match ids.get(value) {
                Some(account) => Self::Account(account.as_str().into()),
                None => Self::Nobody(value.into()),
            },
        }
    }

    fn aws(value: &str, ids: &BTreeMap<String, String>) -> Self {
        if value == "*" {
            return Self::Everyone;
        }
        if let Some(id) = ids.get(value) {
            return Self::UniqueId { id: id.as_str().into(), written: value.into() };
        }
        if value.parse::<AccountId>().is_ok() {
            return Self::Account(value.into());
        }
        match value.parse::<Arn>() {
            Ok(arn) if arn.service() == "iam" && arn.resource() == "root" => {
                Self::Account(arn.account().into())
            }
            Ok(_) if value.contains(['*', '?']) => Self::Nobody(value.into()),
            Ok(_) => Self::Arn(value.into()),
            Err(_) if is_unique_id(value) => Self::UniqueId { id: value.into(), written: value.into() },
            Err(_) => Self::Nobody(value.into()),
        }
    }

    pub(crate) fn text(&self) -> &str {
        match self {
            Self::Everyone => "*",
            Self::UniqueId { written, .. } => written,
            Self::Account(text)
            | Self::Arn(text)
            | Self::Service(text)
            | Self::Federated(text)
            | Self::Nobody(text) => text,
        }
    }

    fn named(&self) -> Option<NamedPrincipal<'_>> {
        Some(match self {
            Self::Everyone => NamedPrincipal::Everyone,
            Self::Account(account) => NamedPrincipal::Account(account),
            Self::Arn(arn) => NamedPrincipal::Arn(arn),
            Self::UniqueId { written, .. } => NamedPrincipal::UniqueId(written),
            Self::Service(name) => NamedPrincipal::Service(name),
            Self::Federated(provider) => NamedPrincipal::Federated(provider),
            Self::Nobody(_) => return None,
        })
    }

    pub(crate) fn matches(&self, principal: &Principal) -> Option<Strength> {
        match self {
            Self::Everyone if Choice::EveryoneIsDirect.holds() => Some(Strength::Direct),
            Self::Everyone => Some(Strength::Parent),
            Self::Account(account) => {
                (principal.account()?.as_str() == account.as_ref()).then_some(Strength::Account)
            }
            Self::Arn(wanted) => by_arn(wanted, principal),
            Self::UniqueId { id, .. } => by_id(id, principal),
            Self::Service(name) => (principal.service_name()? == name.as_ref()).then_some(Strength::Direct),
            Self::Federated(wanted) => match &principal.kind {
                Kind::WebIdentity { provider } if is_provider(wanted, provider) => Some(Strength::Direct),
                _ => None,
            },
            Self::Nobody(_) => None,
        }
    }
}

/// A provider may be written as its host or as the ARN of its IAM provider; ARNs of two accounts are two providers.
fn is_provider(wanted: &str, provider: &str) -> bool {
    if wanted.starts_with("arn:") && provider.starts_with("arn:") {
        return wanted == provider;
    }
    wanted == "*" || wanted == provider || provider_host(wanted) == provider_host(provider)
}

fn provider_host(text: &str) -> &str {
    text.rsplit_once("oidc-provider/").map_or(text, |(_, host)| host)
}

fn by_arn(wanted: &str, principal: &Principal) -> Option<Strength> {
    if principal.arn().is_some_and(|arn| arn.as_str() == wanted) {
        return Some(Strength::Direct);
    }
    let parent = match &principal.kind {
        Kind::RoleSession { role_arn, .. } => Some(role_arn),
        Kind::FederatedUser { parent, .. } => parent.as_ref().map(|parent| &parent.arn),
        _ => None,
    };
    parent.is_some_and(|arn| arn.as_str() == wanted).then_some(Strength::Parent)
}

fn by_id(wanted: &str, principal: &Principal) -> Option<Strength> {
    let (id, strength) = match &principal.kind {
        Kind::User { unique_id, .. } => (unique_id, Strength::Direct),
        Kind::RoleSession { role_id, .. } => (role_id, Strength::Parent),
        Kind::FederatedUser { parent: Some(parent), .. } => (&parent.unique_id, Strength::Parent),
        _ => return None,
    };
    (id == wanted).then_some(strength)
}

/// Whether an ARN or unique id names the caller, or the role or user behind its session.
pub(crate) fn is_named(name: &str, principal: &Principal) -> bool {
    !name.is_empty() && by_arn(name, principal).or_else(|| by_id(name, principal)).is_some()
}

impl Principals {
    pub(crate) fn nobody() -> Self {
        Self(Selection { not: false, patterns: Box::new([]) })
    }

    /// Whom it names: everybody, where all but some are meant.
    pub(crate) fn named(&self) -> impl Iterator<Item = NamedPrincipal<'_>> {
        let everyone = self.0.not.then_some(NamedPrincipal::Everyone);
        let patterns = self.0.patterns.iter().filter(|_| !self.0.not);
        everyone.into_iter().chain(patterns.filter_map(PrincipalPattern::named))
    }

    pub(crate) fn matches(&self, target: &Target<'_>, denies: bool) -> Option<Strength> {
        let principal = target.request.principal;
        if !self.0.not {
            return self.0.patterns.iter().filter_map(|pattern| pattern.matches(principal)).max();
        }
        let spared = if denies {
            self.spares_from_denial(principal, target.has_boundary)
        } else {
            self.0.patterns.iter().any(|pattern| pattern.matches(principal).is_some())
        };
        (!spared).then_some(Strength::Direct)
    }

    /// Who listed a session must have listed the role and the account too (IAM User Guide, `NotPrincipal`).
    fn spares_from_denial(&self, principal: &Principal, has_boundary: bool) -> bool {
        let patterns = &self.0.patterns;
        if patterns.iter().any(|pattern| matches!(pattern, PrincipalPattern::Everyone)) {
            return true;
        }
        if has_boundary && Choice::NotPrincipalDeniesBounded.holds() {
            return false;
        }
        let listed = |strength| patterns.iter().any(|it| it.matches(principal) == Some(strength));
        let (account, parent, direct) =
            (listed(Strength::Account), listed(Strength::Parent), listed(Strength::Direct));
        if !Choice::NotPrincipalNeedsEveryFacet.holds() {
            return account || parent || direct;
        }
        match principal.kind {
            Kind::RoleSession { .. } | Kind::FederatedUser { .. } => account && parent && direct,
            Kind::User { .. } => account && direct,
            Kind::Root { .. } => account,
            Kind::Service { .. } | Kind::WebIdentity { .. } => direct,
            Kind::Anonymous => false,
        }
    }
}
