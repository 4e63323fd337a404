//! Who makes a request, and what the condition keys about the caller hold.

use landfall_base::{AccountId, Arn};
use serde::{Deserialize, Serialize};

/// The caller. IAM User Guide, "AWS global condition context keys" and "IAM identifiers".
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Principal {
    pub(crate) kind: Kind,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    service_linked: bool,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Kind {
    User { arn: Arn, account: AccountId, unique_id: String },
    RoleSession { arn: Arn, role_arn: Arn, account: AccountId, role_id: String, user_id: String },
    FederatedUser { arn: Arn, account: AccountId, user_id: String, parent: Option<Parent> },
    Root { arn: Arn, account: AccountId },
    Service { name: String },
    WebIdentity { provider: String },
    Anonymous,
}

/// The IAM user who asked for a federated session.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Parent {
    pub(crate) arn: Arn,
    pub(crate) unique_id: String,
}

impl Principal {
    fn of(kind: Kind) -> Self {
        Self { kind, service_linked: false }
    }

    /// An IAM user; `unique_id` begins with `AIDA`.
    pub fn user(arn: Arn, account: &AccountId, unique_id: impl Into<String>) -> Self {
        Self::of(Kind::User { arn, account: account.clone(), unique_id: unique_id.into() })
    }

    /// A session of a role. `role_arn` has the role's path, the session's own ARN does not; `role_id` begins with
    /// `AROA`.
    pub fn role_session(
        role_arn: Arn,
        account: &AccountId,
        role_id: impl Into<String>,
        session_name: &str,
    ) -> Self {
        let name = last_segment(role_arn.resource());
        let arn = sts_arn(&role_arn, account, &format!("assumed-role/{name}/{session_name}"));
        let role_id = role_id.into();
        let user_id = format!("{role_id}:{session_name}");
        Self::of(Kind::RoleSession { arn, role_arn, account: account.clone(), role_id, user_id })
    }

    /// A `GetFederationToken` session `name` of the IAM user `user_arn`.
    pub fn federated_user(
        user_arn: Arn,
        account: &AccountId,
        user_id: impl Into<String>,
        name: &str,
    ) -> Self {
        let arn = sts_arn(&user_arn, account, &format!("federated-user/{name}"));
        Self::of(Kind::FederatedUser {
            arn,
            account: account.clone(),
            user_id: format!("{account}:{name}"),
            parent: Some(Parent { arn: user_arn, unique_id: user_id.into() }),
        })
    }

    /// The account's root user.
    pub fn root(account: &AccountId) -> Self {
        Self::of(Kind::Root { arn: Arn::global("iam", account.as_str(), "root"), account: account.clone() })
    }

    /// A service that calls in its own name, for example `ecs-tasks.amazonaws.com`.
    pub fn service(name: impl Into<String>) -> Self {
        Self::of(Kind::Service { name: name.into() })
    }

    /// Somebody who comes with a token of an identity provider, as `AssumeRoleWithWebIdentity` has it: the provider's
    /// host or the ARN of its IAM provider.
    pub fn web_identity(provider: impl Into<String>) -> Self {
        Self::of(Kind::WebIdentity { provider: provider.into() })
    }

    /// A request without credentials.
    pub fn anonymous() -> Self {
        Self::of(Kind::Anonymous)
    }

    /// Marks the session of a service-linked role, which SCPs and RCPs do not touch.
    #[must_use]
    pub fn service_linked(mut self) -> Self {
        self.service_linked = true;
        self
    }

    /// Whether nobody is known who calls.
    pub fn is_anonymous(&self) -> bool {
        matches!(self.kind, Kind::Anonymous)
    }

    /// The ARN that a refusal names: the session's for a role, the service's name for a service.
    pub fn display(&self) -> &str {
        match &self.kind {
            Kind::User { arn, .. }
            | Kind::RoleSession { arn, .. }
            | Kind::FederatedUser { arn, .. }
            | Kind::Root { arn, .. } => arn.as_str(),
            Kind::Service { name } => name,
            Kind::WebIdentity { provider } => provider,
            Kind::Anonymous => "anonymous",
        }
    }

    /// The caller's ARN, where it has one.
    pub fn arn(&self) -> Option<&Arn> {
        match &self.kind {
            Kind::User { arn, .. }
            | Kind::RoleSession { arn, .. }
            | Kind::FederatedUser { arn, .. }
            | Kind::Root { arn, .. } => Some(arn),
            _ => None,
        }
    }

    /// What a policy should name to mean this caller: the role rather than the session. `aws:PrincipalArn`.
    pub fn principal_arn(&self) -> Option<&Arn> {
        match &self.kind {
            Kind::RoleSession { role_arn, .. } => Some(role_arn),
            _ => self.arn(),
        }
    }

    /// Whose identity-based policies count: the role's for its session, for a federated session those of the user who asked
    /// for it.
    pub(crate) fn policy_holder(&self) -> Option<&Arn> {
        match &self.kind {
            Kind::FederatedUser { parent: Some(parent), .. } => Some(&parent.arn),
            _ => self.principal_arn(),
        }
    }

    /// The account the caller belongs to; services and anonymous callers have none.
    pub fn account(&self) -> Option<&AccountId> {
        match &self.kind {
            Kind::User { account, .. }
            | Kind::RoleSession { account, .. }
            | Kind::FederatedUser { account, .. }
            | Kind::Root { account, .. } => Some(account),
            _ => None,
        }
    }

    /// `aws:userid`: `AIDA…`, `AROA…:session`, `account:name`, the account for root, or `anonymous`.
    pub fn user_id(&self) -> Option<&str> {
        match &self.kind {
            Kind::User { unique_id, .. } => Some(unique_id),
            Kind::RoleSession { user_id, .. } | Kind::FederatedUser { user_id, .. } => Some(user_id),
            Kind::Root { account, .. } => Some(account.as_str()),
            Kind::Anonymous => Some("anonymous"),
            Kind::Service { .. } | Kind::WebIdentity { .. } => None,
        }
    }

    /// `aws:username`, which only IAM users have.
    pub fn user_name(&self) -> Option<&str> {
        match &self.kind {
            Kind::User { arn, .. } => Some(last_segment(arn.resource())),
            _ => None,
        }
    }

    /// The name of the service, if the caller is one.
    pub fn service_name(&self) -> Option<&str> {
        match &self.kind {
            Kind::Service { name } => Some(name),
            _ => None,
        }
    }

    /// Whose token somebody came with.
    pub fn web_identity_provider(&self) -> Option<&str> {
        match &self.kind {
            Kind::WebIdentity { provider } => Some(provider),
            _ => None,
        }
    }

    /// Whether the caller is an account's root user.
    pub fn is_root(&self) -> bool {
        matches!(self.kind, Kind::Root { .. })
    }

    /// Whether the caller is a session of a role.
    pub fn is_role_session(&self) -> bool {
        matches!(self.kind, Kind::RoleSession { .. })
    }

    /// Whether service control policies apply: not to services, anonymous callers and service-linked roles.
    pub(crate) fn under_scp(&self) -> bool {
        self.account().is_some() && !self.service_linked
    }

    pub(crate) fn under_rcp(&self) -> bool {
        !self.service_linked
    }

    fn type_name(&self) -> Option<&'static str> {
        match self.kind {
            Kind::User { .. } => Some("User"),
            Kind::RoleSession { .. } => Some("AssumedRole"),
            Kind::FederatedUser { .. } => Some("FederatedUser"),
            Kind::Root { .. } => Some("Account"),
            Kind::Anonymous => Some("Anonymous"),
            Kind::Service { .. } | Kind::WebIdentity { .. } => None,
        }
    }

    /// The condition keys that follow from the caller alone, with their values.
    pub fn condition_values(&self) -> impl Iterator<Item = (&'static str, &str)> {
        const KEYS: [&str; 8] = [
            "aws:PrincipalAccount",
            "aws:PrincipalArn",
            "aws:PrincipalIsAWSService",
            "aws:PrincipalServiceName",
            "aws:PrincipalServiceNamesList",
            "aws:PrincipalType",
            "aws:userid",
            "aws:username",
        ];
        KEYS.iter().filter_map(|key| Some((*key, self.condition_value(key)?)))
    }

    /// The value of a condition key that follows from the caller alone.
    pub fn condition_value(&self, key: &str) -> Option<&str> {
        let name = strip_prefix_ignore_case(key, "aws:")?;
        let is = |wanted: &str| name.eq_ignore_ascii_case(wanted);
        if is("PrincipalArn") {
            self.principal_arn().map(Arn::as_str)
        } else if is("PrincipalAccount") {
            self.account().map(AccountId::as_str)
        } else if is("PrincipalType") {
            self.type_name()
        } else if is("userid") {
            self.user_id()
        } else if is("username") {
            self.user_name()
        } else if is("PrincipalIsAWSService") {
            Some(if self.service_name().is_some() { "true" } else { "false" })
        } else if is("PrincipalServiceName") || is("PrincipalServiceNamesList") {
            self.service_name()
        } else {
            None
        }
    }
}

/// `text` without `prefix`, whatever the case of its letters.
pub(crate) fn strip_prefix_ignore_case<'a>(text: &'a str, prefix: &str) -> Option<&'a str> {
    let (head, tail) = text.split_at_checked(prefix.len())?;
    head.eq_ignore_ascii_case(prefix).then_some(tail)
}

fn last_segment(path: &str) -> &str {
    path.rsplit_once('/').map_or(path, |(_, name)| name)
}

fn sts_arn(like: &Arn, account: &AccountId, resource: &str) -> Arn {
    let text = format!("arn:{}:sts::{account}:{resource}", like.partition());
    text.parse().unwrap_or_else(|_| Arn::global("sts", account.as_str(), resource))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn account() -> AccountId {
        "111122223333".parse().unwrap()
    }

    #[test]
    fn a_role_session_keeps_the_path_only_in_the_role_arn() {
        let role = "arn:aws:iam::111122223333:role/service-role/exec".parse().unwrap();
        let principal = Principal::role_session(role, &account(), "AROAX", "s1");
        assert_eq!(principal.display(), "arn:aws:sts::111122223333:assumed-role/exec/s1");
        let value = |key| principal.condition_value(key);
        assert_eq!(value("AWS:principalarn"), Some("arn:aws:iam::111122223333:role/service-role/exec"));
        assert_eq!(value("aws:userid"), Some("AROAX:s1"));
        assert_eq!(value("aws:username"), None);
        assert_eq!(value("aws:PrincipalType"), Some("AssumedRole"));
    }

    #[test]
    fn derived_keys_of_the_other_kinds() {
        let user =
            Principal::user("arn:aws:iam::111122223333:user/dev/alice".parse().unwrap(), &account(), "AIDAX");
        assert_eq!(user.condition_value("aws:username"), Some("alice"));
        let service = Principal::service("ecs-tasks.amazonaws.com");
        assert_eq!(service.condition_value("aws:PrincipalIsAWSService"), Some("true"));
        assert_eq!(service.condition_value("aws:PrincipalArn"), None);
        assert_eq!(Principal::root(&account()).condition_value("aws:userid"), Some("111122223333"));
        assert_eq!(Principal::anonymous().condition_value("aws:PrincipalType"), Some("Anonymous"));
    }
}
