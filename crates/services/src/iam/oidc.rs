//! OpenID Connect providers: whose tokens `AssumeRoleWithWebIdentity` takes in an account.

use std::sync::Arc;

use landfall_api::iam as api;
use landfall_api::iam::error::{invalid_input_exception, limit_exceeded_exception, no_such_entity_exception};
use landfall_base::{AccountId, Arn};
use landfall_shape::ServiceError;
use landfall_store::{StoreError, View};

use super::entity::with_tags_of;
use super::record::{OIDC_PROVIDERS, OidcProvider};
use super::tags;
use crate::pipe::{Context, Failure, Permission};

/// The most client ids of one provider (IAM User Guide, "IAM and AWS STS quotas").
const MOST_CLIENTS: usize = 100;

/// The most thumbprints of one provider.
const MOST_THUMBPRINTS: usize = 5;

/// What stands before the host in an ARN.
const PREFIX: &str = "oidc-provider/";

/// The provider that a call is about, if there is one.
#[derive(Debug)]
pub struct ProviderTarget {
    pub(super) arn: Arn,
    account: AccountId,
    key: String,
    provider: Option<Arc<OidcProvider>>,
}

impl ProviderTarget {
    /// Looks up an ARN.
    ///
    /// # Errors
    /// `InvalidInput` for what is no ARN of a provider.
    pub(super) fn find(cx: &Context<'_>, view: &View, arn: &str) -> Result<Self, Failure> {
        let invalid = || invalid_input_exception(format!("Invalid ARN: {arn}"));
        let parsed: Arn = arn.parse().map_err(|_| invalid())?;
        let key = parsed.resource().strip_prefix(PREFIX).filter(|_| parsed.service() == "iam");
        Self::at(cx, view, key.ok_or_else(invalid)?, &parsed)
    }

    /// Looks up a URL.
    ///
    /// # Errors
    /// A row cannot be read.
    pub(super) fn of_url(cx: &Context<'_>, view: &View, url: &str) -> Result<Self, Failure> {
        let key = host_and_path(url);
        Self::at(cx, view, key, &arn_of(cx.account(), key))
    }

    fn at(cx: &Context<'_>, view: &View, key: &str, arn: &Arn) -> Result<Self, Failure> {
        let own = arn.account_id().as_ref() == Some(cx.account());
        let provider = if own { view.get(&OIDC_PROVIDERS, &(cx.account(), key))? } else { None };
        Ok(Self { arn: arn.clone(), account: cx.account().clone(), key: key.to_owned(), provider })
    }

    /// A check on this provider.
    pub(super) fn permission(&self, action: &'static str) -> Permission {
        let tags = self.provider.as_ref().map(|provider| provider.tags.as_slice()).unwrap_or_default();
        with_tags_of(Permission::on(action, &self.arn), tags)
    }

    /// The row.
    ///
    /// # Errors
    /// `NoSuchEntity`
    pub(super) fn existing(&self) -> Result<&Arc<OidcProvider>, Failure> {
        let missing = || format!("OpenIDConnect Provider not found for arn {}", self.arn);
        Ok(self.provider.as_ref().ok_or_else(|| no_such_entity_exception(missing()))?)
    }

    pub(super) fn exists(&self) -> bool {
        self.provider.is_some()
    }

    /// The row's key.
    pub(super) fn key(&self) -> (&AccountId, &str) {
        (&self.account, &self.key)
    }
}

/// The ARN of a provider by its URL without the scheme.
pub(super) fn arn_of(account: &AccountId, host_and_path: &str) -> Arn {
    Arn::global("iam", account.as_str(), &format!("{PREFIX}{host_and_path}"))
}

/// A URL as ARNs and condition keys have it.
pub fn host_and_path(url: &str) -> &str {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    rest.trim_end_matches('/')
}

/// The provider of an account that issues tokens under this URL.
///
/// # Errors
/// A row cannot be read.
pub fn oidc_provider(
    view: &View,
    account: &AccountId,
    issuer: &str,
) -> Result<Option<(Arn, Arc<OidcProvider>)>, StoreError> {
    let key = host_and_path(issuer);
    let provider = view.get(&OIDC_PROVIDERS, &(account, key))?;
    let provider = provider.filter(|it| it.url.trim_end_matches('/') == issuer.trim_end_matches('/'));
    Ok(provider.map(|provider| (arn_of(account, key), provider)))
}

/// Accepts what AWS does, and plain HTTP from this machine.
///
/// # Errors
/// `InvalidInput`
pub(super) fn check_url(url: &str) -> Result<(), ServiceError> {
    let refuse = || Err(invalid_input_exception("Invalid Open ID Connect Provider URL"));
    let Some((scheme, rest)) = url.split_once("://") else { return refuse() };
    let host = rest.split('/').next().unwrap_or_default();
    let name = host.split(':').next().unwrap_or_default();
    let is_here = matches!(name, "localhost" | "127.0.0.1");
    let legal = |byte: u8| byte.is_ascii_alphanumeric() || b"-._:/~%".contains(&byte);
    let is_url = !name.is_empty() && rest.bytes().all(legal);
    if is_url && (scheme == "https" || (scheme == "http" && is_here)) { Ok(()) } else { refuse() }
}

/// # Errors
/// `LimitExceeded`
pub(super) fn check_clients(clients: &[String]) -> Result<(), ServiceError> {
    if clients.len() <= MOST_CLIENTS {
        return Ok(());
    }
    let text = format!("Cannot exceed quota for ClientIdsPerOpenIdConnectProvider: {MOST_CLIENTS}");
    Err(limit_exceeded_exception(text))
}

/// # Errors
/// `InvalidInput`
pub(super) fn check_thumbprints(thumbprints: &[String]) -> Result<(), ServiceError> {
    if thumbprints.len() > MOST_THUMBPRINTS {
        return Err(invalid_input_exception("Thumbprint list must contain fewer than 5 entries."));
    }
    if thumbprints.iter().all(|it| it.bytes().all(|byte| byte.is_ascii_hexdigit())) {
        return Ok(());
    }
    Err(invalid_input_exception("Thumbprints must be hexadecimal SHA-1 digests."))
}

/// A provider as the API shows it: its URL has no scheme.
pub(super) fn shown(provider: &OidcProvider) -> api::GetOpenIDConnectProviderResponse {
    api::GetOpenIDConnectProviderResponse {
        url: Some(host_and_path(&provider.url).to_owned()),
        client_id_list: Some(provider.client_ids.clone()),
        thumbprint_list: Some(provider.thumbprints.clone()),
        create_date: Some(provider.created_at),
        tags: tags::shown(&provider.tags),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urls() {
        for url in [
            "https://token.actions.githubusercontent.com",
            "https://h.example/realms/a",
            "http://127.0.0.1:9000",
        ] {
            assert_eq!(check_url(url), Ok(()), "{url}");
        }
        for url in [
            "",
            "h.example",
            "http://h.example",
            "ftp://127.0.0.1",
            "https://",
            "https://h?x=1",
            "http://localhost.example",
        ] {
            assert!(check_url(url).is_err(), "{url}");
        }
        assert_eq!(host_and_path("https://h.example/realms/a/"), "h.example/realms/a");
    }
}
