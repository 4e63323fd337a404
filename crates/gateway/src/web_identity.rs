//! Callers who are known by the token of an OpenID Connect provider, and by no signature: of
//! `AssumeRoleWithWebIdentity`. The provider's keys are fetched each time, so that one that it has taken back opens nothing.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use http::request::Parts;
use landfall_api::sts as api;
use landfall_api::sts::error::idp_communication_error_exception;
use landfall_services::pipe::{Caller, Installation};
use landfall_services::sts::Credentials;
use landfall_services::sts::web_identity::{Token, no_key};
use landfall_shape::{OperationSchema, ServiceError, Shape, Value};
use serde_json::Value as Json;

use crate::authenticate::caller;

/// How long a provider may take for an answer.
const TIMEOUT: Duration = Duration::from_secs(5);

/// The most bytes of an answer.
const MOST: usize = 512 * 1024;

/// Fetches the keys of providers.
#[derive(Debug, Default)]
pub(crate) struct WebIdentities(tokio::sync::OnceCell<reqwest::Client>);

impl WebIdentities {
    /// Whether an operation is for such callers.
    pub(crate) fn are_for(operation: &OperationSchema) -> bool {
        operation.name == "AssumeRoleWithWebIdentity"
    }

    /// Who calls.
    ///
    /// # Errors
    /// AWS's refusal of the token.
    pub(crate) async fn caller(
        &self,
        installation: &Installation,
        input: &Value,
        parts: &Parts,
        peer: SocketAddr,
    ) -> Result<Arc<Caller>, ServiceError> {
        let internal = |error: landfall_services::pipe::Failure| error.into_service_error("sts");
        let input = api::AssumeRoleWithWebIdentityRequest::from_value(input.clone()).map_err(|_| no_key())?;
        let token =
            Token::read(&installation.store.view(), &input.role_arn, input.web_identity_token.expose())
                .map_err(internal)?;
        let keys = self.keys(token.provider_url()).await?;
        let verified = token.verify(&keys, installation.clock.now())?;
        let unknown = Credentials {
            secret: String::new().into(),
            principal: landfall_services::root_of(&installation.default_account),
            account: installation.default_account.clone(),
            session: None,
        };
        let region = installation.default_region.clone();
        let like = caller(unknown, region.clone(), String::new(), parts, peer);
        Ok(Arc::new(verified.caller(region, like)))
    }

    /// The key set of a provider, found as OpenID Connect Discovery says.
    async fn keys(&self, url: &str) -> Result<Vec<u8>, ServiceError> {
        let issuer = url.trim_end_matches('/');
        let about = self.get(&format!("{issuer}/.well-known/openid-configuration")).await?;
        let about: Json = serde_json::from_slice(&about).map_err(|_| no_key())?;
        let text = |name: &str| about.get(name).and_then(Json::as_str);
        let keys = text("jwks_uri").ok_or_else(no_key)?;
        let is_it = text("issuer").is_some_and(|it| it.trim_end_matches('/') == issuer);
        // Keys do not come over a way that is less safe than the provider's.
        if !is_it || !(keys.starts_with("https://") || issuer.starts_with("http://")) {
            return Err(no_key());
        }
        self.get(keys).await
    }

    async fn get(&self, url: &str) -> Result<Vec<u8>, ServiceError> {
        let client = self.0.get_or_try_init(|| async { client() }).await.map_err(|_| no_key())?;
        let unreachable = |error: reqwest::Error| {
            tracing::info!(url, %error, "an identity provider was not reached");
            idp_communication_error_exception("Could not connect to the identity provider.")
        };
        let mut answer = client.get(url).send().await.map_err(unreachable)?;
        if !answer.status().is_success() {
            return Err(no_key());
        }
        let mut body = Vec::new();
        while let Some(chunk) = answer.chunk().await.map_err(unreachable)? {
            body.extend_from_slice(&chunk);
            if body.len() > MOST {
                return Err(no_key());
            }
        }
        Ok(body)
    }
}

fn client() -> reqwest::Result<reqwest::Client> {
    reqwest::Client::builder().timeout(TIMEOUT).redirect(reqwest::redirect::Policy::none()).build()
}
