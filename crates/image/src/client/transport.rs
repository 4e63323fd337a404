//! One HTTP exchange: pool, TLS, time limits, redirects.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use reqwest::header::{AUTHORIZATION, HeaderMap, HeaderValue, LOCATION};
use reqwest::{Certificate, Method, Response, StatusCode, Url};

use super::failure::network_failure;
use super::nearby::{self, Nearby};
use super::proxy::with_proxies;
use super::redirect::{MAX_REDIRECTS, is_inside, refusal, same_origin, without_query};
use crate::error::Place;
use crate::{ClientOptions, PullError, PullErrorKind};

/// Two clients with the same settings; `outside` finds no private address behind any name, whatever DNS says.
pub(super) struct Transport {
    anywhere: reqwest::Client,
    outside: reqwest::Client,
    inactivity: Duration,
    nearby: Option<Arc<dyn Nearby>>,
}

/// One request as the caller wants it sent.
pub(super) struct Exchange<'a> {
    pub(super) method: Method,
    pub(super) url: Url,
    pub(super) headers: HeaderMap,
    pub(super) body: Bytes,
    pub(super) authorization: Option<HeaderValue>,
    /// Set when the request goes to a host that a public registry named.
    pub(super) outside_only: bool,
    pub(super) place: &'a Place,
}

/// An answer, after redirects.
pub(super) struct Answer {
    pub(super) response: Response,
    /// Where it came from, without query.
    pub(super) url: String,
    /// Whether another host than the asked one gave it.
    pub(super) elsewhere: bool,
}

impl Transport {
    pub(super) fn new(options: &ClientOptions) -> Result<Self, PullError> {
        Ok(Self {
            anywhere: build(options, false)?,
            outside: build(options, true)?,
            inactivity: options.inactivity_timeout,
            nearby: options.nearby.clone(),
        })
    }

    /// Sends a request and follows its redirects. `Authorization` is for the first origin only.
    pub(super) async fn send(&self, mut exchange: Exchange<'_>) -> Result<Answer, PullError> {
        let origin = exchange.url.clone();
        for _ in 0..=MAX_REDIRECTS {
            let response = self.send_once(&exchange).await?;
            let Some(next) = next_hop(&exchange, &response)? else {
                let elsewhere = !same_origin(&origin, &exchange.url);
                return Ok(Answer { response, url: without_query(&exchange.url), elsewhere });
            };
            let public = exchange.outside_only || is_public(&response);
            if let Some(why) = refusal(&exchange.url, &next, public) {
                return Err(PullError::new(PullErrorKind::RefusedRedirect, exchange.place, why));
            }
            if !same_origin(&origin, &next) {
                exchange.authorization = None;
                exchange.outside_only = public;
            }
            exchange.url = next;
            if let Some(response) = self.at_hand(&exchange).await {
                let elsewhere = !same_origin(&origin, &exchange.url);
                return Ok(Answer { response, url: without_query(&exchange.url), elsewhere });
            }
        }
        let why = format!("more than {MAX_REDIRECTS} redirects");
        Err(PullError::new(PullErrorKind::RefusedRedirect, exchange.place, why))
    }

    /// What a redirect leads to, if it lies on this machine.
    async fn at_hand(&self, exchange: &Exchange<'_>) -> Option<Response> {
        let nearby = self.nearby.as_deref()?;
        nearby::read(nearby, &exchange.method, &exchange.url, &exchange.headers).await
    }

    async fn send_once(&self, exchange: &Exchange<'_>) -> Result<Response, PullError> {
        let client = if exchange.outside_only { &self.outside } else { &self.anywhere };
        let mut request = client
            .request(exchange.method.clone(), exchange.url.clone())
            .headers(exchange.headers.clone())
            .body(exchange.body.clone());
        let wish = self.nearby.as_deref().and_then(|nearby| nearby.header(&exchange.url));
        if let Some((name, value)) = wish.filter(|_| exchange.method == Method::GET) {
            request = request.header(name, value);
        }
        if let Some(value) = &exchange.authorization {
            request = request.header(AUTHORIZATION, value.clone());
        }
        match tokio::time::timeout(self.inactivity, request.send()).await {
            Ok(Ok(response)) => Ok(response),
            Ok(Err(error)) => Err(network_failure(&error, exchange.place, &exchange.url)),
            Err(_) => Err(PullError::new(
                PullErrorKind::Timeout,
                exchange.place,
                "net/http: timeout awaiting response headers",
            )),
        }
    }

    /// The next piece of a body, `None` at its end.
    pub(super) async fn chunk(
        &self,
        response: &mut Response,
        place: &Place,
    ) -> Result<Option<Bytes>, PullError> {
        match tokio::time::timeout(self.inactivity, response.chunk()).await {
            Ok(Ok(chunk)) => Ok(chunk),
            Ok(Err(error)) => Err(network_failure(&error, place, response.url())),
            Err(_) => {
                let waited = format!("i/o timeout (no byte arrived for {} s)", self.inactivity.as_secs_f32());
                Err(PullError::new(PullErrorKind::Timeout, place, waited))
            }
        }
    }

    /// A whole body of at most `limit` bytes.
    pub(super) async fn body(
        &self,
        response: &mut Response,
        limit: usize,
        place: &Place,
    ) -> Result<Bytes, PullError> {
        let mut body = Vec::new();
        while let Some(chunk) = self.chunk(response, place).await? {
            if body.len() + chunk.len() > limit {
                let why = format!("the answer is longer than {limit} bytes");
                return Err(PullError::new(PullErrorKind::LimitExceeded, place, why));
            }
            body.extend_from_slice(&chunk);
        }
        Ok(body.into())
    }
}

/// Whether the answer came from a public address. Behind a proxy the proxy's address counts.
pub(super) fn is_public(response: &Response) -> bool {
    response.remote_addr().is_some_and(|peer| !is_inside(peer.ip()))
}

fn next_hop(exchange: &Exchange<'_>, response: &Response) -> Result<Option<Url>, PullError> {
    let keeps_method =
        matches!(response.status(), StatusCode::TEMPORARY_REDIRECT | StatusCode::PERMANENT_REDIRECT);
    let moved = keeps_method
        || matches!(
            response.status(),
            StatusCode::MOVED_PERMANENTLY | StatusCode::FOUND | StatusCode::SEE_OTHER
        );
    let reads = matches!(exchange.method, Method::GET | Method::HEAD);
    if !(keeps_method || moved && reads) {
        return Ok(None);
    }
    let location = response.headers().get(LOCATION).and_then(|value| value.to_str().ok());
    let next = location.and_then(|location| exchange.url.join(location).ok());
    next.map(Some).ok_or_else(|| {
        PullError::new(
            PullErrorKind::RefusedRedirect,
            exchange.place,
            "a redirect without a usable `Location`",
        )
    })
}

fn build(options: &ClientOptions, outside: bool) -> Result<reqwest::Client, PullError> {
    let mut roots = Vec::new();
    for pem in &options.extra_roots {
        let bundle = Certificate::from_pem_bundle(pem)
            .map_err(|error| local("an extra certificate authority is not readable PEM", error))?;
        roots.extend(bundle);
    }
    // A machine without certificate authorities still reaches registries over plain HTTP, and those of the extra roots.
    let with_system = configure(options, outside).tls_certs_merge(roots.clone()).build();
    with_system
        .or_else(|_| configure(options, outside).tls_certs_only(roots).build())
        .map_err(|error| local("the HTTP client cannot be set up", error))
}

fn local(what: &str, error: reqwest::Error) -> PullError {
    PullError::local(PullErrorKind::Tls, format!("{what}: {}", error.without_url()))
}

fn configure(options: &ClientOptions, outside: bool) -> reqwest::ClientBuilder {
    let (builder, proxied) = with_proxies(reqwest::Client::builder(), |name| std::env::var(name).ok());
    let builder = builder
        .redirect(reqwest::redirect::Policy::none())
        .connect_timeout(options.connect_timeout)
        .user_agent(&options.user_agent)
        .referer(false);
    // With a proxy, names are resolved by the proxy, and only the proxy's own name is resolved here.
    if outside && !proxied { builder.dns_resolver(OutsideOnly) } else { builder }
}

/// Resolves names, and forgets private addresses.
#[derive(Debug)]
struct OutsideOnly;

impl Resolve for OutsideOnly {
    fn resolve(&self, name: Name) -> Resolving {
        Box::pin(async move {
            let found = tokio::net::lookup_host((name.as_str(), 0)).await?;
            let outside: Vec<SocketAddr> = found.filter(|address| !is_inside(address.ip())).collect();
            if outside.is_empty() {
                return Err("the name leads to a private address".into());
            }
            Ok(Box::new(outside.into_iter()) as Addrs)
        })
    }
}
