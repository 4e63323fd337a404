//! What an operation must be allowed before it may run.

use std::sync::Arc;

use landfall_base::{AccountId, Arn, Region};
use landfall_iam::{Attached, Grant, Policy, reference};

use super::{Caller, Context};

/// One check: may the caller do `action` to `resource`?
#[derive(Debug, Clone)]
pub struct Permission {
    /// `secretsmanager:GetSecretValue`
    pub action: &'static str,
    /// The resource's ARN; `*` for actions without resource types.
    pub resource: String,
    /// The resource as AWS's sentence of a refusal has it, where that is not what policies match.
    pub shown: Option<String>,
    /// The account that owns the resource; `None` for the caller's own.
    pub account: Option<AccountId>,
    /// Condition keys of the service, beside the global ones that the pipe fills in.
    pub context: Vec<(String, Vec<String>)>,
    /// The resource's own policy.
    pub guard: Option<ResourceGuard>,
    /// The policy of what the resource is in.
    pub outer: Option<OuterGuard>,
    /// The resource is a KMS key: its policy has to allow or to delegate.
    pub key: Option<KeyGuard>,
}

/// What belongs to a KMS key beside its policy.
#[derive(Debug, Clone, Default)]
pub struct KeyGuard {
    /// The grants on the key.
    pub grants: Vec<Grant>,
    /// AWS manages the key.
    pub aws_managed: bool,
    /// Only a ciphertext named the key: whom it does not let in learns nothing about it.
    pub by_ciphertext: bool,
}

/// A policy that sits on the resource.
#[derive(Debug, Clone)]
pub struct ResourceGuard {
    /// The policy.
    pub policy: Arc<Policy>,
    /// The resource is a role and the policy its trust policy: without its consent nothing is allowed.
    pub role_trust: bool,
}

/// What stands above the resource and has a policy of its own: the registry of a repository.
#[derive(Debug, Clone)]
pub struct OuterGuard(pub Arc<Policy>);

/// What AWS matches, and names in a refusal, where an action is on everything of its service in an account and Region; `None`
/// where that is `*`.
pub fn everything(action: &str, region: &Region, account: &AccountId) -> Option<Arn> {
    let (service, name) = action.split_once(':')?;
    let is = |known: &str| name.eq_ignore_ascii_case(known);
    let without_types = || reference::action_resources(action).is_some_and(<[String]>::is_empty);
    match service.to_ascii_lowercase().as_str() {
        "lightsail" if without_types() => Some(Arn::new("lightsail", region, account, "*")),
        // A group without a name, so that policies for `log-group:*` match as well as those for `*`.
        "logs" if is("DescribeLogGroups") => {
            Some(Arn::new("logs", region, account, "log-group::log-stream:"))
        }
        "ssm" if is("DescribeParameters") => Some(Arn::new("ssm", region, account, "*")),
        _ => None,
    }
}

impl Permission {
    /// A check against one resource, owned by the account in its ARN.
    pub fn on(action: &'static str, resource: &Arn) -> Self {
        Self {
            action,
            resource: resource.as_str().to_owned(),
            shown: None,
            account: resource.account_id(),
            context: Vec::new(),
            guard: None,
            outer: None,
            key: None,
        }
    }

    /// A check for an action without resource types.
    pub fn on_anything(action: &'static str) -> Self {
        Self {
            action,
            resource: "*".to_owned(),
            shown: None,
            account: None,
            context: Vec::new(),
            guard: None,
            outer: None,
            key: None,
        }
    }

    /// A check for an action on everything of its service in the caller's account and Region, as AWS names that.
    pub fn on_everything(cx: &Context<'_>, action: &'static str) -> Self {
        match everything(action, cx.region(), cx.account()) {
            Some(arn) => Self::on(action, &arn),
            None => Self::on_anything(action),
        }
    }

    /// Has a refusal name the resource so.
    #[must_use]
    pub fn shown_as(mut self, resource: impl Into<String>) -> Self {
        self.shown = Some(resource.into());
        self
    }

    /// The resource as a refusal names it; `None` where its service names none.
    pub(super) fn shown(&self) -> Option<&str> {
        // EC2, S3 and Secrets Manager leave the resource out where there is none; others write `*`.
        let silent = |service: &str| matches!(service, "ec2" | "s3" | "secretsmanager");
        match &self.shown {
            Some(shown) => Some(shown),
            None if self.resource == "*" && self.action.split(':').next().is_some_and(silent) => None,
            None => Some(&self.resource),
        }
    }

    /// Adds a condition key with one value.
    #[must_use]
    pub fn with(mut self, key: impl Into<String>, value: impl Into<String>) -> Self {
        self.context.push((key.into(), vec![value.into()]));
        self
    }

    /// Adds a condition key with several values.
    #[must_use]
    pub fn with_all(mut self, key: impl Into<String>, values: impl IntoIterator<Item = String>) -> Self {
        self.context.push((key.into(), values.into_iter().collect()));
        self
    }

    /// Adds a condition key if there is a value: absence is meaningful to policies.
    #[must_use]
    pub fn with_some(self, key: impl Into<String>, value: Option<impl Into<String>>) -> Self {
        match value {
            Some(value) => self.with(key, value),
            None => self,
        }
    }

    /// Adds `aws:ResourceTag/…` for each tag of the resource.
    #[must_use]
    pub fn with_resource_tags<'a>(mut self, tags: impl IntoIterator<Item = (&'a str, &'a str)>) -> Self {
        for (key, value) in tags {
            self.context.push((format!("aws:ResourceTag/{key}"), vec![value.to_owned()]));
        }
        self
    }

    /// Adds `aws:RequestTag/…` for each tag of the request and `aws:TagKeys` for all of them.
    #[must_use]
    pub fn with_request_tags<'a>(mut self, tags: impl IntoIterator<Item = (&'a str, &'a str)>) -> Self {
        let mut keys = Vec::new();
        for (key, value) in tags {
            self.context.push((format!("aws:RequestTag/{key}"), vec![value.to_owned()]));
            keys.push(key.to_owned());
        }
        if !keys.is_empty() {
            self.context.push(("aws:TagKeys".to_owned(), keys));
        }
        self
    }

    /// Sets the policy on the resource, if it has one.
    #[must_use]
    pub fn guarded_by(mut self, policy: Option<Arc<Policy>>) -> Self {
        self.guard = policy.map(|policy| ResourceGuard { policy, role_trust: false });
        self
    }

    /// Sets the policy of what the resource is in, if it has one. It counts as the resource's own does.
    #[must_use]
    pub fn also_guarded_by(mut self, policy: Option<Arc<Policy>>) -> Self {
        self.outer = policy.map(OuterGuard);
        self
    }

    /// Sets the policy and the grants of the KMS key that the check is about.
    #[must_use]
    pub fn guarded_by_key(mut self, policy: Arc<Policy>, key: KeyGuard) -> Self {
        self.guard = Some(ResourceGuard { policy, role_trust: false });
        self.key = Some(key);
        self
    }

    /// The policies that sit on the resource and on what it is in.
    pub(super) fn attached_guards(&self) -> impl Iterator<Item = Attached<'_>> {
        let outer =
            self.outer.as_ref().map(|OuterGuard(policy)| Attached::to_resource("registry policy", policy));
        self.attached_guard().into_iter().chain(outer)
    }

    fn attached_guard(&self) -> Option<Attached<'_>> {
        let guard = self.guard.as_ref()?;
        let name = match (&self.key, guard.role_trust) {
            (Some(_), _) => "key policy",
            (None, true) => "trust policy",
            (None, false) => "resource policy",
        };
        Some(Attached::to_resource(name, &guard.policy))
    }
}

/// A resolved request that knows which permissions it needs.
pub trait Guarded {
    /// Every check that AWS makes for this call, in AWS's order. Empty only for calls that AWS allows everybody.
    fn permissions(&self) -> &[Permission];

    /// What the same call will be asked for afterwards, apart from these checks. It is not decided here, but the fix of a
    /// refusal allows it, too; only then is it asked for.
    fn later(&self) -> Vec<Later> {
        Vec::new()
    }
}

/// A check that a call will make later on.
#[derive(Debug, Clone)]
pub struct Later {
    /// Who is asked about: the caller, in another Region perhaps.
    pub caller: Caller,
    /// What.
    pub permission: Permission,
}

/// A resolved request whose permissions were worked out while it was resolved.
#[derive(Debug)]
pub struct Checked<T> {
    /// What `run` needs.
    pub request: T,
    /// The checks.
    pub permissions: Vec<Permission>,
}

impl<T> Checked<T> {
    /// A request with one check.
    pub fn one(request: T, permission: Permission) -> Self {
        Self { request, permissions: vec![permission] }
    }

    /// A request with several checks.
    pub fn all(request: T, permissions: Vec<Permission>) -> Self {
        Self { request, permissions }
    }

    /// Another request with the same checks.
    pub fn map<U>(self, make: impl FnOnce(T) -> U) -> Checked<U> {
        Checked { request: make(self.request), permissions: self.permissions }
    }
}

impl<T> Guarded for Checked<T> {
    fn permissions(&self) -> &[Permission] {
        &self.permissions
    }
}

/// A request that every authenticated caller may make, whatever policies say (`sts:GetCallerIdentity`).
#[derive(Debug)]
pub struct Allowed<T>(pub T);

impl<T> Guarded for Allowed<T> {
    fn permissions(&self) -> &[Permission] {
        &[]
    }
}
