//! Requests to one repository with one credential: authentication when asked for, retries, and answers sorted into good and bad.

use std::time::Duration;

use bytes::Bytes;
use reqwest::header::{HeaderMap, HeaderValue};
use reqwest::{Method, Response, StatusCode, Url};

use super::Client;
use super::challenge::{Challenge, challenges};
use super::failure::{is_html, refused};
use super::redirect::refusal;
use super::token::{BASIC_LIFE, Grant, GrantKey, basic, read_token};
use super::transport::{Answer, Exchange, is_public};
use crate::error::{Place, Stage};
use crate::{Credential, PullError, PullErrorKind, Reference};

/// Most of an error answer that is read.
const MAX_ERROR_BYTES: usize = 64 << 10;
/// Largest token answer.
const MAX_TOKEN_BYTES: usize = 256 << 10;
/// Longest wait between two tries.
const MAX_BACKOFF: Duration = Duration::from_secs(5);

/// One repository, one credential, one set of actions.
#[derive(Clone, Copy)]
pub(crate) struct Session<'a> {
    pub(crate) client: &'a Client,
    pub(crate) reference: &'a Reference,
    pub(crate) credential: Option<&'a Credential>,
    pub(crate) actions: &'static str,
}

/// One request below `/v2/<repository>/`, or to an absolute URL that the registry gave.
#[derive(Clone)]
pub(crate) struct Call {
    pub(crate) method: Method,
    pub(crate) url: Url,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
    pub(crate) stage: Stage,
}

impl Call {
    pub(crate) fn new(method: Method, url: Url, stage: Stage) -> Self {
        Self { method, url, headers: HeaderMap::new(), body: Bytes::new(), stage }
    }
}

impl Session<'_> {
    /// `scheme://host/v2/<repository>/<rest>`.
    pub(crate) fn url(&self, rest: &str) -> Result<Url, PullError> {
        let host = self.reference.api_host();
        let scheme = if self.client.speaks_plain_http(host) { "http" } else { "https" };
        let text = format!("{scheme}://{host}/v2/{}/{rest}", self.reference.repository());
        Url::parse(&text)
            .map_err(|_| PullError::local(PullErrorKind::InvalidReference, "invalid reference format"))
    }

    pub(crate) fn place(&self, url: &Url, stage: Stage) -> Place {
        Place { reference: self.reference.clone(), stage, url: super::redirect::without_query(url) }
    }

    fn scope(&self) -> String {
        format!("repository:{}:{}", self.reference.repository(), self.actions)
    }

    fn grant_key(&self) -> GrantKey {
        GrantKey::new(self.reference.api_host(), &self.scope(), self.credential)
    }

    /// Sends until there is an answer that counts: a success, or a refusal that trying again does not change.
    pub(crate) async fn send(&self, call: Call) -> Result<Response, PullError> {
        let options = self.client.options();
        let mut backoff = options.backoff;
        let mut attempt = 1;
        loop {
            let error = match self.send_authorized(&call).await {
                Ok(response) => return Ok(response),
                Err(error) => error.with_attempts(attempt),
            };
            let wait = match retry_wait(&error, backoff, options.max_retry_after) {
                Some(wait) if attempt <= retries_for(&error, options.retries) => wait,
                _ => return Err(error),
            };
            tracing::debug!(%error, attempt, "trying the registry again");
            tokio::time::sleep(wait).await;
            backoff = (backoff * 2).min(MAX_BACKOFF);
            attempt += 1;
        }
    }

    /// Sends once, and once more with what the registry's challenge asks for.
    async fn send_authorized(&self, call: &Call) -> Result<Response, PullError> {
        let place = self.place(&call.url, call.stage.clone());
        let key = self.grant_key();
        let kept = self.client.tokens.get(&key);
        let first = self.exchange(call, kept.as_ref(), &place).await?;
        if first.response.status() != StatusCode::UNAUTHORIZED || first.elsewhere {
            return self.accept(first, &place).await;
        }
        self.client.tokens.forget(&key);
        let grant = self.answer_challenge(first, &place).await?;
        let second = self.exchange(call, Some(&grant), &place).await?;
        if second.response.status() == StatusCode::UNAUTHORIZED {
            self.client.tokens.forget(&key);
        }
        self.accept(second, &place).await
    }

    async fn exchange(&self, call: &Call, grant: Option<&Grant>, place: &Place) -> Result<Answer, PullError> {
        let exchange = Exchange {
            method: call.method.clone(),
            url: call.url.clone(),
            headers: call.headers.clone(),
            body: call.body.clone(),
            authorization: grant.and_then(|grant| grant.header(self.credential)),
            outside_only: false,
            place,
        };
        self.client.transport.send(exchange).await
    }

    /// A success as it is; everything else as an error with the registry's words.
    async fn accept(&self, answer: Answer, place: &Place) -> Result<Response, PullError> {
        let mut response = answer.response;
        let status = response.status();
        if status.is_success() && !is_html(response.headers()) {
            return Ok(response);
        }
        let place = Place { url: answer.url, ..place.clone() };
        if status.is_success() {
            return Err(PullError::new(PullErrorKind::NotARegistry, &place, "").with_status(status.as_u16()));
        }
        let scope_error = bearer_error(response.headers());
        let body =
            self.client.transport.body(&mut response, MAX_ERROR_BYTES, &place).await.unwrap_or_default();
        let error = refused(status, response.headers(), &body, &place);
        Err(match scope_error {
            Some(code) if status == StatusCode::UNAUTHORIZED => error.with_registry_code(Some(code)),
            _ => error,
        })
    }

    async fn answer_challenge(&self, answer: Answer, place: &Place) -> Result<Grant, PullError> {
        let offered = challenges(answer.response.headers());
        let by_scheme = |scheme: &str| offered.iter().find(|challenge| challenge.scheme == scheme);
        if let Some(bearer) = by_scheme("bearer") {
            let public = is_public(&answer.response);
            return self.fetch_token(bearer, public, place).await;
        }
        if by_scheme("basic").is_none() {
            // A 401 that offers no way in: its own words are all there is.
            return match self.accept(answer, place).await {
                Err(error) => Err(error),
                Ok(_) => Err(PullError::new(PullErrorKind::Unauthorized, place, "")),
            };
        }
        if self.credential.is_none() {
            return Err(PullError::new(PullErrorKind::NoCredential, place, "no basic auth credentials")
                .with_status(401));
        }
        self.client.tokens.put(self.grant_key(), Grant::Basic, BASIC_LIFE);
        Ok(Grant::Basic)
    }

    async fn fetch_token(&self, bearer: &Challenge, public: bool, place: &Place) -> Result<Grant, PullError> {
        let url = self.token_url(bearer, public, place)?;
        let place = self.place(&url, Stage::Token { anonymous: self.credential.is_none() });
        let exchange = Exchange {
            method: Method::GET,
            url,
            headers: HeaderMap::from_iter([(
                reqwest::header::ACCEPT,
                HeaderValue::from_static("application/json"),
            )]),
            body: Bytes::new(),
            authorization: self.credential.and_then(basic),
            outside_only: public,
            place: &place,
        };
        let answer = self.client.transport.send(exchange).await?;
        let mut response = self.accept(answer, &place).await?;
        let body = self.client.transport.body(&mut response, MAX_TOKEN_BYTES, &place).await?;
        let (token, life) = read_token(&body).ok_or_else(|| {
            PullError::new(PullErrorKind::NotARegistry, &place, "the token server's answer holds no token")
        })?;
        let grant = Grant::Bearer(token);
        self.client.tokens.put(self.grant_key(), grant.clone(), life);
        Ok(grant)
    }

    /// The realm with service, scope and account. The scope is ours, whatever the challenge says: a registry cannot have
    /// this credential buy a token for something else.
    fn token_url(&self, bearer: &Challenge, public: bool, place: &Place) -> Result<Url, PullError> {
        let unusable = |why: String| PullError::new(PullErrorKind::Unauthorized, place, why).with_status(401);
        let realm = bearer.param("realm").and_then(|realm| Url::parse(realm).ok());
        let mut realm = realm
            .ok_or_else(|| unusable("the registry names no usable token server (`realm`)".to_owned()))?;
        let registry = Url::parse(&place.url).unwrap_or_else(|_| realm.clone());
        if let Some(why) = refusal(&registry, &realm, public) {
            return Err(PullError::new(
                PullErrorKind::RefusedRedirect,
                place,
                format!("the token server was not asked: {why}"),
            ));
        }
        {
            let mut query = realm.query_pairs_mut();
            if let Some(service) = bearer.param("service") {
                query.append_pair("service", service);
            }
            query.append_pair("scope", &self.scope());
            if let Some(credential) = self.credential {
                query.append_pair("account", &credential.username);
            }
        }
        Ok(realm)
    }
}

/// The `error` of a bearer challenge, such as `insufficient_scope`.
fn bearer_error(headers: &HeaderMap) -> Option<String> {
    let offered = challenges(headers);
    offered.iter().find(|challenge| challenge.scheme == "bearer")?.param("error").map(str::to_owned)
}

/// How often trying again is reasonable: silence has cost a full time limit already, so it is given one more chance only.
fn retries_for(error: &PullError, retries: u32) -> u32 {
    if error.kind() == PullErrorKind::Timeout { retries.min(1) } else { retries }
}

/// How long to wait before trying again, or `None` if that is no use.
fn retry_wait(error: &PullError, backoff: Duration, max_retry_after: Duration) -> Option<Duration> {
    match error.kind() {
        PullErrorKind::TooManyRequests | PullErrorKind::Server(503) => {
            let wait = error.retry_after().unwrap_or(backoff);
            (wait <= max_retry_after).then_some(wait)
        }
        PullErrorKind::Server(500 | 502 | 504) | PullErrorKind::Connection | PullErrorKind::Timeout => {
            Some(backoff)
        }
        _ => None,
    }
}

impl Client {
    /// Whether a registry is spoken to without TLS.
    fn speaks_plain_http(&self, host: &str) -> bool {
        let name = match host.strip_prefix('[') {
            Some(rest) => rest.split(']').next().unwrap_or_default(),
            None => host.split(':').next().unwrap_or_default(),
        };
        let loopback = name == "localhost"
            || name.parse::<std::net::IpAddr>().is_ok_and(|address| address.to_canonical().is_loopback());
        let listed = |entries: &[String]| entries.iter().any(|entry| entry == host || entry == name);
        let options = self.options();
        listed(&options.insecure_registries) || (loopback && !listed(&options.tls_registries))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ClientOptions;

    #[test]
    fn only_loopback_and_listed_registries_go_without_tls() {
        let insecure_registries = vec!["r.corp:5000".to_owned(), "s.corp".to_owned()];
        let tls_registries = vec!["127.0.0.1:5443".to_owned()];
        let options = ClientOptions { insecure_registries, tls_registries, ..Default::default() };
        let client = Client::new(options).unwrap();
        let cases = [
            ("localhost", true),
            ("localhost:5000", true),
            ("127.0.0.1:5000", true),
            ("127.0.0.1:5443", false),
            ("127.9.9.9", true),
            ("[::1]:5000", true),
            ("r.corp:5000", true),
            ("r.corp:5001", false),
            ("s.corp:77", true),
            ("registry-1.docker.io", false),
            ("localhost.example", false),
            ("10.0.0.1:5000", false),
        ];
        for (host, expected) in cases {
            assert_eq!(client.speaks_plain_http(host), expected, "{host}");
        }
    }
}
