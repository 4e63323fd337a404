//! The pull-through cache: repositories below a prefix stand for those of another registry, and an image is fetched from
//! there when somebody first asks for it.
//!
//! A client has the manifest as soon as the upstream registry has sent it, and layers while they come; a task's image is
//! fetched whole before the task's pull begins. What an image names is checked before the image is one of the repository's.
//! Of an index the other platforms' images follow by themselves.
//!
//! An upstream that is a registry of this installation is not asked over the network: [`own`] reads it as the rule's role.
//!
//! AWS knows a closed list of upstream registries; here every host may be one. A tag is looked up again upstream when a
//! day has passed. What is here goes on being served when the upstream cannot be reached.

mod arriving;
mod children;
mod credential;
mod import;
mod own;
mod task;
mod upstream;

use landfall_api::ecr as api;
use landfall_base::{AccountId, Region, Timestamp};
use landfall_registry::Reference;
use landfall_shape::ServiceError;
use landfall_store::{StoreError, View};

use super::record::{CACHED_TAGS, PULL_THROUGH_RULES, RepositoryKey};
use super::registry;
use super::target::registry_account;
use crate::pipe::{Context, Failure, Permission};

pub use arriving::{Arriving, Awaited};
#[cfg(test)]
pub(super) use children::complete;
pub use children::complete_indexes;
pub(super) use credential::check as check_credential;
pub use import::{Begun, ImportError, Said, begin, import, peek, ping};
pub use task::{Fetched, Missed, Refused, Why, for_task};
pub use upstream::{
    Answering, Upstream, UpstreamBlob, UpstreamCredential, UpstreamError, UpstreamImage, UpstreamManifest,
    Upstreams,
};

/// The prefix that fits every name.
const ROOT: &str = "ROOT";

/// What has to be done before an image can be served.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Need {
    /// Nothing: it is no cached image, or it was looked up not long ago.
    Nothing,
    /// It is here, and the upstream may have a newer one under its tag.
    Refresh,
    /// It is not here.
    Import,
}

/// The rule for a repository: that of the longest prefix.
///
/// # Errors
/// A row cannot be read.
pub fn rule(
    view: &View,
    (account, region, name): &RepositoryKey,
) -> Result<Option<api::PullThroughCacheRule>, StoreError> {
    let mut prefix = name.rsplit_once('/').map(|(prefix, _)| prefix);
    while let Some(text) = prefix {
        if let Some(row) = view.get(&PULL_THROUGH_RULES, &(account, region, text))? {
            return Ok(Some(row.0.clone()));
        }
        prefix = text.rsplit_once('/').map(|(shorter, _)| shorter);
    }
    Ok(view.get(&PULL_THROUGH_RULES, &(account, region, ROOT))?.map(|row| row.0.clone()))
}

/// What has to be done for an image.
///
/// # Errors
/// A row cannot be read.
pub fn need(
    view: &View,
    key: &RepositoryKey,
    reference: &Reference,
    now: Timestamp,
) -> Result<Need, StoreError> {
    if rule(view, key)?.is_none() {
        return Ok(Need::Nothing);
    }
    if registry::find_image(view, key, reference)?.is_none() {
        return Ok(Need::Import);
    }
    let Reference::Tag(tag) = reference else { return Ok(Need::Nothing) };
    let (account, region, name) = key;
    let due = view.get(&CACHED_TAGS, &(account, region, name.as_str(), tag.as_str()))?;
    // A tag that was pushed and not fetched is nobody else's.
    Ok(if due.is_some_and(|due| *due <= now) { Need::Refresh } else { Need::Nothing })
}

/// What fetching an image asks for, beside `ecr:BatchGetImage`.
///
/// # Errors
/// A row cannot be read.
pub fn permissions(view: &View, key: &RepositoryKey) -> Result<Vec<Permission>, StoreError> {
    let mut permissions = vec![registry::permission(view, "ecr:BatchImportUpstreamImage", key)?];
    if registry::find_repository(view, key)?.is_none() {
        permissions.push(registry::permission(view, "ecr:CreateRepository", key)?);
    }
    Ok(permissions)
}

/// The image of the upstream registry that an image stands for.
fn upstream_image(
    rule: &api::PullThroughCacheRule,
    (_, _, name): &RepositoryKey,
    reference: &Reference,
) -> UpstreamImage {
    let prefix = rule.ecr_repository_prefix.as_deref().unwrap_or_default();
    let rest = match prefix {
        ROOT => name.as_str(),
        prefix => name.strip_prefix(prefix).map_or(name.as_str(), |rest| rest.trim_start_matches('/')),
    };
    let repository = match rule.upstream_repository_prefix.as_deref() {
        None | Some("" | ROOT) => rest.to_owned(),
        Some(above) => format!("{above}/{rest}"),
    };
    let reference = match reference {
        Reference::Tag(tag) => tag.as_str().to_owned(),
        Reference::Digest(digest) => digest.to_string(),
    };
    UpstreamImage { registry: rule.upstream_registry_url.clone().unwrap_or_default(), repository, reference }
}

/// The name that a repository of a rule's upstream registry has here.
pub(super) fn local_name(prefix: &str, repository: &str) -> String {
    match prefix {
        ROOT => repository.to_owned(),
        prefix => format!("{prefix}/{repository}"),
    }
}

/// A rule's registry and prefix, whether there is such a rule or not.
pub(super) type RuleKey = (AccountId, Region, String);

/// What `registryId` and `ecrRepositoryPrefix` stand for; a slash at the prefix's end says nothing.
///
/// # Errors
/// `InvalidParameterException` for what is no account.
pub(super) fn rule_key(
    cx: &Context<'_>,
    registry_id: Option<&str>,
    prefix: &str,
) -> Result<RuleKey, ServiceError> {
    let account = registry_account(cx, registry_id)?;
    Ok((account, cx.region().clone(), prefix.trim_end_matches('/').to_owned()))
}

/// The check for an action on the rules of an account's registry.
pub(super) fn rule_permission(action: &'static str, account: &AccountId) -> Permission {
    let mut permission = Permission::on_anything(action);
    permission.account = Some(account.clone());
    permission
}

/// `PullThroughCacheRuleNotFoundException`
fn no_rule((account, _, prefix): &RuleKey) -> ServiceError {
    api::error::pull_through_cache_rule_not_found_exception(format!(
        "The pull through cache rule with ecrRepositoryPrefix '{prefix}' does not exist in the registry with id '{account}'"
    ))
}

/// The rule with a prefix.
///
/// # Errors
/// `PullThroughCacheRuleNotFoundException`, or a row cannot be read.
pub(super) fn existing(view: &View, key: &RuleKey) -> Result<api::PullThroughCacheRule, Failure> {
    let row = view.get(&PULL_THROUGH_RULES, key)?;
    Ok(row.map(|row| row.0.clone()).ok_or_else(|| no_rule(key))?)
}

/// A host with or without port, without scheme and path.
///
/// # Errors
/// `UnsupportedUpstreamRegistryException`
pub(super) fn host(url: &str) -> Result<String, ServiceError> {
    let text = url.strip_prefix("https://").unwrap_or(url).trim_end_matches('/');
    let (name, port) = text.split_once(':').map_or((text, None), |(name, port)| (name, Some(port)));
    let label =
        |label: &str| !label.is_empty() && label.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-');
    let is_host =
        !name.is_empty() && name.split('.').all(label) && (name.contains('.') || name == "localhost");
    if is_host && port.is_none_or(|port| port.parse::<u16>().is_ok()) {
        return Ok(text.to_ascii_lowercase());
    }
    Err(api::error::unsupported_upstream_registry_exception(format!(
        "The specified upstream registry isn't supported: `{url}` is no host name."
    )))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_are_taken_without_scheme() {
        for (url, expected) in [
            ("registry-1.docker.io", Some("registry-1.docker.io")),
            ("https://quay.io/", Some("quay.io")),
            ("127.0.0.1:5000", Some("127.0.0.1:5000")),
            ("Registry.Example.com:5443", Some("registry.example.com:5443")),
            ("", None),
            ("host", None),
            ("a.b/c", None),
            ("a.b:port", None),
            ("http://a.b", None),
        ] {
            assert_eq!(host(url).ok().as_deref(), expected, "{url}");
        }
    }

    #[test]
    fn an_image_stands_for_one_upstream() {
        let reference: Reference = "1.27".parse().unwrap();
        for (prefix, above, name, expected) in [
            ("hub", None, "hub/library/nginx", "library/nginx"),
            ("a/b", Some("team"), "a/b/app", "team/app"),
            ("ROOT", None, "library/nginx", "library/nginx"),
            ("hub", Some("ROOT"), "hub/x", "x"),
        ] {
            let rule = api::PullThroughCacheRule {
                ecr_repository_prefix: Some(prefix.to_owned()),
                upstream_repository_prefix: above.map(str::to_owned),
                upstream_registry_url: Some("r.example".to_owned()),
                ..Default::default()
            };
            let key = ("111122223333".parse().unwrap(), "us-east-1".parse().unwrap(), name.to_owned());
            assert_eq!(upstream_image(&rule, &key, &reference).repository, expected, "{prefix} {name}");
        }
    }

    #[test]
    fn a_repository_upstream_has_one_name_here() {
        for (prefix, name) in [("hub", "hub/library/nginx"), ("ROOT", "library/nginx")] {
            assert_eq!(local_name(prefix, "library/nginx"), name);
        }
    }
}
