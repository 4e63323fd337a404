//! The secret behind a rule, read as the service's role.

use landfall_api::ecr::{self as api, error};
use landfall_api::secretsmanager::GetSecretValueRequest;
use landfall_base::{AccountId, Arn, Region, Sensitive};
use landfall_shape::ServiceError;
use landfall_store::View;
use serde::Deserialize;

use super::{UpstreamCredential, own};
use crate::ecr::role;
use crate::ecr::rules::wording;
use crate::iam;
use crate::pipe::{Caller, Failure, Installation, read_in};

/// The service that reads secrets of rules.
pub(super) const SERVICE: &str = "pullthroughcache.ecr.amazonaws.com";
/// The upstream registries of AWS's list that want a credential, beside Azure's.
const CLOSED: [&str; 4] = ["registry-1.docker.io", "ghcr.io", "registry.gitlab.com", "cgr.dev"];
/// Names of the secrets begin so.
const SECRET: &str = "ecr-pullthroughcache/";

/// What the secret holds.
#[derive(Deserialize)]
struct Document {
    username: String,
    #[serde(rename = "accessToken")]
    access_token: String,
}

/// Checks a rule's role and secret, and that the secret can be read.
///
/// # Errors
/// `InvalidParameterException`, `SecretNotFoundException`, `UnableToAccessSecretException`,
/// `UnableToDecryptSecretValueException`
pub(in crate::ecr) fn check(
    installation: &Installation,
    view: &View,
    account: &AccountId,
    region: &Region,
    rule: &api::PullThroughCacheRule,
) -> Result<(), Failure> {
    if let Some(role) = rule.custom_role_arn.as_deref().filter(|_| rule.credential_arn.is_none()) {
        check_openness(rule)?;
        return role::assume(installation, view, (account, region), &reading(role)).map(drop);
    }
    // The service-linked role is nobody in another account (API reference: a role is needed between accounts).
    if own::place(rule).is_some_and(|(upstream, _)| upstream != *account) && rule.custom_role_arn.is_none() {
        let text = "must be the role that reads the upstream registry, which is another account's";
        return Err(wording::invalid("customRoleArn", text).into());
    }
    let Some(arn) = rule.credential_arn.as_deref() else { return check_openness(rule) };
    let parsed: Option<Arn> = arn.parse().ok();
    let fits = |it: &Arn| {
        it.service() == "secretsmanager"
            && it.resource().starts_with(&format!("secret:{SECRET}"))
            && it.account_id().as_ref() == Some(account)
            && it.region() == region.as_str()
    };
    if !parsed.as_ref().is_some_and(fits) {
        let text = "must be the ARN of a secret of this account and Region whose name begins with ecr-pullthroughcache/";
        return Err(wording::invalid("credentialArn", text).into());
    }
    read(installation, view, account, region, rule).map(drop)
}

/// Registries that let nobody in without a credential.
fn check_openness(rule: &api::PullThroughCacheRule) -> Result<(), Failure> {
    use api::UpstreamRegistry::{
        AzureContainerRegistry, Chainguard, DockerHub, GithubContainerRegistry, GitlabContainerRegistry,
    };
    let host = rule.upstream_registry_url.as_deref().unwrap_or_default();
    let is_named = matches!(
        rule.upstream_registry,
        Some(
            DockerHub
                | GithubContainerRegistry
                | GitlabContainerRegistry
                | AzureContainerRegistry
                | Chainguard
        )
    );
    if is_named || CLOSED.contains(&host) || host.ends_with(".azurecr.io") {
        let text =
            "The specified upstream registry requires authentication. Specify a valid Secrets Manager ARN";
        return Err(error::unsupported_upstream_registry_exception(text).into());
    }
    Ok(())
}

/// The credential of a rule; `None` if it has none.
///
/// # Errors
/// The three exceptions about secrets.
pub(super) fn read(
    installation: &Installation,
    view: &View,
    account: &AccountId,
    region: &Region,
    rule: &api::PullThroughCacheRule,
) -> Result<Option<UpstreamCredential>, Failure> {
    let Some(arn) = rule.credential_arn.clone() else { return Ok(None) };
    let caller = reader(installation, view, account, region, rule)?;
    let input = GetSecretValueRequest { secret_id: arn, ..Default::default() };
    let answer = read_in::<landfall_api::secretsmanager::GetSecretValue>(installation, view, &caller, input);
    let answer = answer.map_err(|failure| match failure {
        Failure::Service(refused) => refusal(&refused).into(),
        failure => failure,
    })?;
    let text = answer.secret_string.ok_or_else(malformed)?;
    let document: Document = serde_json::from_str(text.expose()).map_err(|_| malformed())?;
    let access_token = Sensitive::from(document.access_token);
    Ok(Some(UpstreamCredential { username: document.username, access_token }))
}

/// Who asks on a rule's behalf: its role, or the service-linked one.
///
/// # Errors
/// The role does not let the service in, or a row cannot be read.
pub(super) fn reader(
    installation: &Installation,
    view: &View,
    account: &AccountId,
    region: &Region,
    rule: &api::PullThroughCacheRule,
) -> Result<Caller, Failure> {
    let service_linked = || iam::service_linked_role(view, SERVICE, account).map(|(arn, _)| arn.to_string());
    let role = rule.custom_role_arn.clone().map_or_else(service_linked, Ok)?;
    role::assume(installation, view, (account, region), &reading(&role)).map_err(|failure| match failure {
        Failure::Service(_) => unable().into(),
        failure => failure,
    })
}

fn reading(role: &str) -> role::Wanted<'_> {
    role::Wanted { service: SERVICE, session_name: "ECRPullThroughCache", role }
}

fn refusal(refused: &ServiceError) -> ServiceError {
    match refused.code {
        "ResourceNotFoundException" => error::secret_not_found_exception(
            "The ARN of the secret specified in the pull through cache rule was not found. Update the pull through cache rule \
             with a valid secret ARN and try again.",
        ),
        "DecryptionFailure" => undecryptable(),
        _ if refused.message.contains("kms:") || refused.message.contains("KMS") => undecryptable(),
        _ => unable(),
    }
}

fn unable() -> ServiceError {
    error::unable_to_access_secret_exception(
        "The secret is unable to be accessed. Verify the resource permissions for the secret and try again.",
    )
}

fn undecryptable() -> ServiceError {
    error::unable_to_decrypt_secret_value_exception(
        "The secret is accessible but is unable to be decrypted. Verify the resource permissions and try again.",
    )
}

fn malformed() -> ServiceError {
    error::unable_to_access_secret_exception(
        "The secret is unable to be accessed: it must be a JSON object with the keys `username` and `accessToken`.",
    )
}
