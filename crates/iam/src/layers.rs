//! The policies that have a say in one request.

use serde::{Deserialize, Serialize};

use crate::grant::Grant;
use crate::policy::Policy;

/// The kinds of policies, and the two ways to be allowed without one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Layer {
    /// Resource control policies.
    ResourceControl,
    /// Service control policies.
    ServiceControl,
    /// Policy of the VPC endpoint.
    Endpoint,
    /// Policy of the resource.
    Resource,
    /// Trust policy of the role.
    RoleTrust,
    /// A KMS grant.
    Grant,
    /// Policies of the caller: user, groups, role.
    Identity,
    /// Permissions boundary.
    Boundary,
    /// Session policies.
    Session,
    /// What needs no policy: the root user in its account, `sts:GetCallerIdentity`.
    Inherent,
}

/// All layers of a request. An absent layer is an empty slice or `None`, and limits nothing.
#[derive(Debug, Clone, Copy, Default)]
pub struct Layers<'a> {
    /// Of the user and its groups, or of the role.
    pub identity: &'a [Attached<'a>],
    /// The permissions boundary; AWS allows one.
    pub boundary: &'a [Attached<'a>],
    /// Inline and managed session policies; together they allow what any of them allows.
    pub session: &'a [Attached<'a>],
    /// The policy of the resource.
    pub resource: Option<ResourceLayer<'a>>,
    /// Service control policies of the caller's account by level: root, organizational units, account.
    pub scp: &'a [&'a [Attached<'a>]],
    /// Resource control policies of the resource's account by level.
    pub rcp: &'a [&'a [Attached<'a>]],
    /// Policy of the VPC endpoint that the request came through.
    pub endpoint: &'a [Attached<'a>],
}

/// The policies of a resource.
#[derive(Debug, Clone, Copy)]
pub struct ResourceLayer<'a> {
    /// Empty when the resource has none.
    pub policies: &'a [Attached<'a>],
    /// How much depends on them.
    pub kind: ResourceKind<'a>,
}

/// Whether a resource's policy is needed inside its account.
#[derive(Debug, Clone, Copy)]
pub enum ResourceKind<'a> {
    /// Either side suffices.
    Ordinary,
    /// The trust policy has to allow.
    RoleTrust,
    /// The key policy has to allow or to delegate; grants allow too.
    KmsKey {
        /// All grants on the key.
        grants: &'a [Grant],
        /// Resource control policies do not touch keys that AWS manages.
        aws_managed: bool,
    },
}

/// A policy and how it came to have a say.
#[derive(Debug, Clone, Copy)]
pub struct Attached<'a> {
    /// Name of the policy, for traces.
    pub name: &'a str,
    /// ARN of a managed policy; refusals by an explicit deny end in it.
    pub arn: Option<&'a str>,
    /// The policy.
    pub policy: &'a Policy,
    /// What it is attached to.
    pub origin: Origin<'a>,
}

/// What a policy is attached to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Origin<'a> {
    /// The caller's user, role or session.
    Principal,
    /// A group of the user.
    Group(&'a str),
    /// The resource, or the endpoint.
    Resource,
    /// A level of the organization: its root, a unit, an account.
    Organization(&'a str),
}

impl<'a> Attached<'a> {
    /// An inline policy of the caller.
    pub fn inline(name: &'a str, policy: &'a Policy) -> Self {
        Self { name, arn: None, policy, origin: Origin::Principal }
    }

    /// A managed policy of the caller.
    pub fn managed(name: &'a str, arn: &'a str, policy: &'a Policy) -> Self {
        Self { name, arn: Some(arn), policy, origin: Origin::Principal }
    }

    /// The policy of a resource.
    pub fn to_resource(name: &'a str, policy: &'a Policy) -> Self {
        Self { name, arn: None, policy, origin: Origin::Resource }
    }

    /// The same policy, attached to a group of the user.
    #[must_use]
    pub fn through_group(mut self, group: &'a str) -> Self {
        self.origin = Origin::Group(group);
        self
    }
}

impl<'a> ResourceLayer<'a> {
    /// A policy that adds to the identity policies.
    pub fn ordinary(policies: &'a [Attached<'a>]) -> Self {
        Self { policies, kind: ResourceKind::Ordinary }
    }

    /// The trust policy of a role.
    pub fn role_trust(policies: &'a [Attached<'a>]) -> Self {
        Self { policies, kind: ResourceKind::RoleTrust }
    }

    /// The policy of a customer's KMS key.
    pub fn kms_key(policies: &'a [Attached<'a>], grants: &'a [Grant]) -> Self {
        Self { policies, kind: ResourceKind::KmsKey { grants, aws_managed: false } }
    }

    pub(crate) fn layer(&self) -> Layer {
        match self.kind {
            ResourceKind::RoleTrust => Layer::RoleTrust,
            _ => Layer::Resource,
        }
    }

    /// Whether the account's own policies count only where this one says so.
    pub(crate) fn is_required(&self) -> bool {
        !matches!(self.kind, ResourceKind::Ordinary)
    }

    pub(crate) fn grants(&self) -> &'a [Grant] {
        match self.kind {
            ResourceKind::KmsKey { grants, .. } => grants,
            _ => &[],
        }
    }

    pub(crate) fn is_aws_managed_key(&self) -> bool {
        matches!(self.kind, ResourceKind::KmsKey { aws_managed: true, .. })
    }
}

impl<'a> Attached<'a> {
    /// What it is attached to, in words.
    pub(crate) fn origin_text(&self) -> String {
        match self.origin {
            Origin::Principal => "principal".to_owned(),
            Origin::Group(name) => format!("group {name}"),
            Origin::Resource => "resource".to_owned(),
            Origin::Organization(name) => format!("organization {name}"),
        }
    }
}
