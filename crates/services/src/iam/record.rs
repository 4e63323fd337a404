//! Rows of IAM. Names are unique without regard to case, so keys hold them in lower case ([`key_name`]).

use std::sync::Arc;

use landfall_base::{AccountId, Timestamp};
use landfall_iam::Policy;
use landfall_store::Table;
use landfall_vault::Sealed;
use serde::{Deserialize, Serialize};

/// Tags in the order in which they were set.
pub type Tags = Vec<(String, String)>;

/// Accounts of the installation.
pub const ACCOUNTS: Table<AccountId, Account> = Table::new("iam.account");

/// Users by account and lower-case name.
pub const USERS: Table<(AccountId, String), User> = Table::new("iam.user");

/// Inline policies of users by account, lower-case user name and policy name.
pub const USER_POLICIES: Table<(AccountId, String, String), InlinePolicy> = Table::new("iam.user_policy");

/// Roles by account and lower-case name.
pub const ROLES: Table<(AccountId, String), Role> = Table::new("iam.role");

/// Inline policies of roles by account, lower-case role name and policy name.
pub const ROLE_POLICIES: Table<(AccountId, String, String), InlinePolicy> = Table::new("iam.role_policy");

/// Groups by account and lower-case name.
pub const GROUPS: Table<(AccountId, String), Group> = Table::new("iam.group");

/// Inline policies of groups by account, lower-case group name and policy name.
pub const GROUP_POLICIES: Table<(AccountId, String, String), InlinePolicy> = Table::new("iam.group_policy");

/// Which users are in which groups: account, lower-case user name, lower-case group name.
pub const MEMBERSHIPS: Table<(AccountId, String, String), ()> = Table::new("iam.membership");

/// Instance profiles by account and lower-case name.
pub const INSTANCE_PROFILES: Table<(AccountId, String), InstanceProfile> = Table::new("iam.instance_profile");

/// OpenID Connect providers by account and URL without scheme.
pub const OIDC_PROVIDERS: Table<(AccountId, String), OidcProvider> = Table::new("iam.oidc_provider");

/// Deletions of service-linked roles by account and task id.
pub const ROLE_DELETIONS: Table<(AccountId, String), RoleDeletion> = Table::new("iam.role_deletion");

/// Whose an account alias is.
pub const ALIASES: Table<String, AccountId> = Table::new("iam.alias");

/// Policies of the organization by kind (`service` or `resource`), target (`root` or an account) and name.
pub const ORGANIZATION_POLICIES: Table<(String, String, String), OrganizationPolicy> =
    Table::new("iam.organization_policy");

/// Targets from which `FullAWSAccess` was taken.
pub const WITHOUT_FULL_ACCESS: Table<String, ()> = Table::new("iam.without_full_access");

/// Customer managed policies by account and lower-case name.
pub const POLICIES: Table<(AccountId, String), ManagedPolicy> = Table::new("iam.policy");

/// Versions of customer managed policies by account, lower-case policy name and version number.
pub const POLICY_VERSIONS: Table<(AccountId, String, u32), PolicyVersion> = Table::new("iam.policy_version");

/// Access keys of users by access key id.
pub const ACCESS_KEYS: Table<String, AccessKey> = Table::new("iam.access_key");

/// The ids of a user's access keys, by account, lower-case user name and access key id.
pub const USER_ACCESS_KEYS: Table<(AccountId, String, String), ()> = Table::new("iam.user_access_key");

/// A name as keys hold it.
pub fn key_name(name: &str) -> String {
    name.to_lowercase()
}

/// An account.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Account {
    /// When it was created.
    pub created_at: Timestamp,
}

/// An issuer of tokens.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct OidcProvider {
    /// `https://…`
    pub url: String,
    /// For whom tokens are issued.
    pub client_ids: Vec<String>,
    /// SHA-1 digests of certificates.
    pub thumbprints: Vec<String>,
    /// When it was created.
    pub created_at: Timestamp,
    /// Tags.
    pub tags: Tags,
}

/// A user.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct User {
    /// As it was created.
    pub name: String,
    /// `/` or `/…/`.
    pub path: String,
    /// `AIDA…`
    pub id: String,
    /// `arn:aws:iam::…:user/…`
    pub arn: String,
    /// When it was created.
    pub created_at: Timestamp,
    /// ARNs of managed policies, in the order in which they were attached.
    #[serde(default)]
    pub attached: Vec<String>,
    /// ARN of the permissions boundary.
    #[serde(default)]
    pub boundary: Option<String>,
    /// Tags.
    #[serde(default)]
    pub tags: Tags,
}

/// A role.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Role {
    /// As it was created.
    pub name: String,
    /// `/` or `/…/`.
    pub path: String,
    /// `AROA…`
    pub id: String,
    /// `arn:aws:iam::…:role/…`
    pub arn: String,
    /// When it was created.
    pub created_at: Timestamp,
    /// Who may become the role.
    pub trust: Arc<Policy>,
    /// Description.
    #[serde(default)]
    pub description: Option<String>,
    /// Seconds, 3,600 to 43,200.
    pub max_session_duration: i32,
    /// ARNs of managed policies, in the order in which they were attached.
    #[serde(default)]
    pub attached: Vec<String>,
    /// ARN of the permissions boundary.
    #[serde(default)]
    pub boundary: Option<String>,
    /// When and in which Region it was last used.
    #[serde(default)]
    pub last_used: Option<(Timestamp, String)>,
    /// Tags.
    #[serde(default)]
    pub tags: Tags,
}

/// A group of users.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Group {
    /// As it was created.
    pub name: String,
    /// `/` or `/…/`.
    pub path: String,
    /// `AGPA…`
    pub id: String,
    /// `arn:aws:iam::…:group/…`
    pub arn: String,
    /// When it was created.
    pub created_at: Timestamp,
    /// ARNs of managed policies, in the order in which they were attached.
    #[serde(default)]
    pub attached: Vec<String>,
}

/// An instance profile: how a machine gets a role.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct InstanceProfile {
    /// As it was created.
    pub name: String,
    /// `/` or `/…/`.
    pub path: String,
    /// `AIPA…`
    pub id: String,
    /// `arn:aws:iam::…:instance-profile/…`
    pub arn: String,
    /// When it was created.
    pub created_at: Timestamp,
    /// The name of its role.
    #[serde(default)]
    pub role: Option<String>,
    /// Tags.
    #[serde(default)]
    pub tags: Tags,
}

/// The deletion of a service-linked role. There is no more to tell: it is done when the call is answered.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct RoleDeletion {
    /// ARN of the role.
    pub role_arn: String,
}

/// A service or resource control policy.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct OrganizationPolicy {
    /// `arn:aws:organizations::…`
    pub arn: String,
    /// The document.
    pub policy: Arc<Policy>,
    /// When it was last set.
    pub updated_at: Timestamp,
}

/// A policy that belongs to one user, group or role.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct InlinePolicy {
    /// Its name.
    pub name: String,
    /// The document.
    pub policy: Arc<Policy>,
}

/// A customer managed policy.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct ManagedPolicy {
    /// As it was created.
    pub name: String,
    /// `/` or `/…/`.
    pub path: String,
    /// `ANPA…`
    pub id: String,
    /// `arn:aws:iam::…:policy/…`
    pub arn: String,
    /// Description.
    #[serde(default)]
    pub description: Option<String>,
    /// When it was created.
    pub created_at: Timestamp,
    /// When its default version last changed.
    pub updated_at: Timestamp,
    /// The version that counts.
    pub default_version: u32,
    /// The number of the newest version. Numbers are not used twice.
    pub last_version: u32,
    /// Tags.
    #[serde(default)]
    pub tags: Tags,
}

/// A version of a customer managed policy.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct PolicyVersion {
    /// The document.
    pub policy: Arc<Policy>,
    /// When it was created.
    pub created_at: Timestamp,
}

/// An access key of a user.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct AccessKey {
    /// The user's account.
    pub account: AccountId,
    /// The user's name.
    pub user: String,
    /// The user's unique id, so that a user created again under the name does not inherit the key.
    pub user_id: String,
    /// The secret access key, sealed with the context of [`secret_context`].
    pub secret: Sealed,
    /// `Active` rather than `Inactive`.
    pub active: bool,
    /// When it was created.
    pub created_at: Timestamp,
    /// When it was last used, to the day, with service and Region.
    #[serde(default)]
    pub last_used: Option<(Timestamp, String, String)>,
}

/// What a sealed secret access key is bound to.
pub fn secret_context(access_key_id: &str) -> [(&'static str, &str); 1] {
    [("AccessKeyId", access_key_id)]
}
