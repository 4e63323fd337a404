//! Service and resource control policies. There are two levels: `root`, which is the whole installation, and each
//! account. The account that the installation began with is the management account: no policy of the organization
//! limits its principals or reaches its resources (AWS Organizations User Guide, "Service control policies").

use std::sync::{Arc, LazyLock};

use landfall_base::AccountId;
use landfall_iam::{Attached, Origin, Policy, PolicyKind};
use landfall_store::{StoreError, View};

use super::record::{ORGANIZATION_POLICIES, WITHOUT_FULL_ACCESS};

/// The organization: an installation is one.
pub const ID: &str = "o-landfall";

/// Where accounts are in it (`aws:PrincipalOrgPaths`): directly below its root.
pub const PATH: &str = "o-landfall/r-root/";

/// The level above all accounts.
pub const ROOT: &str = "root";

/// The service control policy that every level begins with.
pub const FULL_ACCESS: &str = "FullAWSAccess";

/// Its ARN.
pub const FULL_ACCESS_ARN: &str = "arn:aws:organizations::aws:policy/service_control_policy/p-FullAWSAccess";

/// Its document.
pub const FULL_ACCESS_DOCUMENT: &str =
    r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]}"#;

static FULL_ACCESS_POLICY: LazyLock<Option<Arc<Policy>>> =
    LazyLock::new(|| Policy::parse(FULL_ACCESS_DOCUMENT, PolicyKind::ServiceControl).ok().map(Arc::new));

/// The kinds of policies of an organization.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ControlKind {
    /// Limits principals.
    Service,
    /// Limits access to resources.
    Resource,
}

impl ControlKind {
    /// As keys hold it.
    pub fn key(self) -> &'static str {
        match self {
            Self::Service => "service",
            Self::Resource => "resource",
        }
    }

    /// As the policy language has it.
    pub fn policy_kind(self) -> PolicyKind {
        match self {
            Self::Service => PolicyKind::ServiceControl,
            Self::Resource => PolicyKind::ResourceControl,
        }
    }
}

/// Policies of one kind by level; no levels where nothing was ever attached.
#[derive(Debug, Default)]
pub struct Levels(Vec<Level>);

#[derive(Debug)]
struct Level {
    name: String,
    /// Name, ARN and policy.
    policies: Vec<(String, String, Arc<Policy>)>,
}

impl Levels {
    /// As the evaluator takes them.
    pub fn attached(&self) -> Vec<Vec<Attached<'_>>> {
        self.0.iter().map(Level::attached).collect()
    }

    /// Whether no policy has a say.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl Level {
    fn attached(&self) -> Vec<Attached<'_>> {
        let origin = Origin::Organization(&self.name);
        let policies = self.policies.iter();
        policies
            .map(|(name, arn, policy)| Attached { origin, ..Attached::managed(name, arn, policy) })
            .collect()
    }
}

/// A policy by its ARN: what it is attached to, and its document.
///
/// # Errors
/// A row cannot be read.
pub fn attached_policy(
    view: &View,
    kind: ControlKind,
    arn: &str,
) -> Result<Option<(String, String)>, StoreError> {
    for row in view.scan(&ORGANIZATION_POLICIES, (kind.key(),)) {
        let ((_, target, _), row) = row?;
        if row.arn == arn {
            return Ok(Some((target, row.policy.text().to_owned())));
        }
    }
    Ok(None)
}

/// The policies of one kind that reach an account.
///
/// # Errors
/// A row cannot be read: it must not count as absent.
pub fn levels_of(
    view: &View,
    management: &AccountId,
    account: Option<&AccountId>,
    kind: ControlKind,
) -> Result<Levels, StoreError> {
    let Some(account) = account.filter(|account| *account != management) else {
        return Ok(Levels::default());
    };
    let mut levels = Vec::new();
    let mut limited = false;
    for name in [ROOT, account.as_str()] {
        let mut policies = Vec::new();
        for row in view.scan(&ORGANIZATION_POLICIES, (kind.key(), name)) {
            let ((_, _, policy), row) = row?;
            policies.push((policy, row.arn.clone(), Arc::clone(&row.policy)));
        }
        let full = kind == ControlKind::Resource || !view.contains(&WITHOUT_FULL_ACCESS, name);
        limited |= !policies.is_empty() || !full;
        if let Some(policy) = FULL_ACCESS_POLICY.as_ref().filter(|_| full && kind == ControlKind::Service) {
            policies.push((FULL_ACCESS.to_owned(), FULL_ACCESS_ARN.to_owned(), Arc::clone(policy)));
        }
        levels.push(Level { name: name.to_owned(), policies });
    }
    Ok(if limited { Levels(levels) } else { Levels::default() })
}
