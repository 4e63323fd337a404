//! A client of the server, with no more powers than the AWS CLI has: signed calls in AWS's protocols.

mod error;
mod settings;
#[cfg(test)]
mod tests;

use std::path::Path;
use std::time::Duration;

use http::header::{CONTENT_TYPE, HOST};
use http::{HeaderMap, HeaderName, HeaderValue};
use landfall_base::{Clock, SystemClock, random};
use landfall_shape::{Kind, Operation, Protocol, Schema, Shape, ShapeError, Structure, Value};
use landfall_wire::sigv4;
use landfall_wire::{json, query};
use reqwest::Url;

pub(crate) use error::CallError;
pub(crate) use settings::{ConnectArgs, Settings};

use crate::error::CliError;

/// The certificate authorities of a file, as the AWS CLI takes it.
fn bundle(path: &Path) -> Result<Vec<reqwest::Certificate>, CliError> {
    let unusable = |error: &dyn std::fmt::Display| {
        CliError::new(format!("`AWS_CA_BUNDLE` ({}): {error}", path.display()))
    };
    let pem = std::fs::read(path).map_err(|error| unusable(&error))?;
    reqwest::Certificate::from_pem_bundle(&pem).map_err(|error| unusable(&error))
}

/// Longest wait for an answer. No operation takes longer than a registry's time limits, but for those that fetch images.
const TIMEOUT: Duration = Duration::from_secs(90);
/// Longest wait for a connection.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// Calls operations of one server as one principal.
#[derive(Debug, Clone)]
pub(crate) struct Client {
    http: reqwest::Client,
    endpoint: Url,
    settings: Settings,
    /// Longest wait for an answer.
    patience: Duration,
}

impl Client {
    /// A client for the server that arguments, environment or data directory name.
    pub(crate) fn connect(args: &ConnectArgs) -> Result<Self, CliError> {
        Self::new(args.settings()?)
    }

    /// A client with these settings.
    pub(crate) fn new(settings: Settings) -> Result<Self, CliError> {
        let endpoint = parse_endpoint(&settings.endpoint)?;
        let mut builder = reqwest::Client::builder()
            .connect_timeout(CONNECT_TIMEOUT)
            .redirect(reqwest::redirect::Policy::none());
        if is_local(&endpoint) {
            // A proxy in the environment cannot reach this machine's loopback interface.
            builder = builder.no_proxy();
        }
        if endpoint.scheme() == "http" {
            // Plain HTTP must work on a machine without any certificate authority.
            builder = builder.tls_certs_only([]);
        } else if let Some(path) = std::env::var_os("AWS_CA_BUNDLE").filter(|path| !path.is_empty()) {
            builder = builder.tls_certs_merge(bundle(Path::new(&path))?);
        }
        let http = builder.build().map_err(|error| CliError::new(format!("cannot set up HTTP: {error}")))?;
        Ok(Self { http, endpoint, settings, patience: TIMEOUT })
    }

    /// The same client in another Region.
    #[must_use]
    pub(crate) fn in_region(&self, region: &str) -> Self {
        let settings = Settings { region: region.to_owned(), ..self.settings.clone() };
        Self { settings, ..self.clone() }
    }

    /// The same client, that waits this long for an answer.
    #[must_use]
    pub(crate) fn with_patience(&self, patience: Duration) -> Self {
        Self { patience, ..self.clone() }
    }

    /// `127.0.0.1:4566`
    pub(crate) fn authority(&self) -> &str {
        self.endpoint.authority().rsplit('@').next().unwrap_or_default()
    }

    /// The Region that calls are for.
    pub(crate) fn region(&self) -> &str {
        &self.settings.region
    }

    /// Whether the server answers its health check.
    pub(crate) async fn is_ready(&self) -> bool {
        let Ok(url) = self.endpoint.join("/_landfall/health") else { return false };
        self.http
            .get(url)
            .timeout(self.patience)
            .send()
            .await
            .is_ok_and(|answer| answer.status().is_success())
    }

    /// Calls an operation.
    pub(crate) async fn call<O: Operation>(&self, input: O::Input) -> Result<O::Output, CallError> {
        let (mut headers, body) = encode::<O>(input);
        self.sign(O::SERVICE.signing_name, &mut headers, &body)
            .map_err(|error| CallError::unsent(O::SCHEMA.name, error.to_string()))?;
        let request =
            self.http.post(self.endpoint.clone()).timeout(self.patience).headers(headers).body(body);
        let unreachable = |error| CallError::unreachable(O::SCHEMA.name, &self.settings.endpoint, &error);
        let answer = request.send().await.map_err(unreachable)?;
        let (status, headers) = (answer.status(), answer.headers().clone());
        let body = answer.bytes().await.map_err(unreachable)?;
        if status.is_success() {
            return decode::<O>(&body);
        }
        Err(CallError::refused(O::SCHEMA.name, remote_error::<O>(status.as_u16(), &headers, &body)))
    }

    fn sign(&self, service: &str, headers: &mut HeaderMap, body: &[u8]) -> Result<(), sigv4::SignError> {
        headers.insert(HOST, HeaderValue::from_str(self.authority()).map_err(|_| sigv4::SignError::NoHost)?);
        let Settings { region, credentials, .. } = &self.settings;
        let (path, query) = (self.endpoint.path(), self.endpoint.query().unwrap_or_default());
        sigv4::sign(credentials, region, service, "POST", path, query, headers, body, SystemClock.now())
    }
}

fn parse_endpoint(text: &str) -> Result<Url, CliError> {
    let url = Url::parse(text).ok().filter(|url| matches!(url.scheme(), "http" | "https") && url.has_host());
    url.ok_or_else(|| {
        CliError::new(format!("`{text}` is not an endpoint: expected a URL such as `http://127.0.0.1:4566`"))
            .hint("the endpoint comes from `AWS_ENDPOINT_URL`, a profile or the data directory")
    })
}

fn is_local(endpoint: &Url) -> bool {
    let host = endpoint.host_str().unwrap_or_default().trim_matches(['[', ']']);
    host == "localhost" || host.parse().is_ok_and(|address: std::net::IpAddr| address.is_loopback())
}

fn encode<O: Operation>(input: O::Input) -> (HeaderMap, Vec<u8>) {
    let mut headers = HeaderMap::new();
    let input = with_tokens(O::SCHEMA.input, input.into_value());
    let protocol = O::SERVICE.protocol;
    if protocol.is_query() {
        headers.insert(CONTENT_TYPE, HeaderValue::from_static(query::REQUEST_TYPE));
        return (headers, query::encode_input(O::SERVICE, O::SCHEMA, &input));
    }
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(json::content_type(protocol)));
    let target = format!("{}.{}", O::SERVICE.target_prefix, O::SCHEMA.name);
    if let Ok(target) = HeaderValue::from_str(&target) {
        headers.insert(HeaderName::from_static("x-amz-target"), target);
    }
    (headers, json::encode(O::SCHEMA.input, &input))
}

/// Fills absent idempotency tokens, as every AWS client does.
fn with_tokens(schema: &'static Schema, input: Value) -> Value {
    let (Kind::Structure { members }, Value::Structure(mut structure)) = (&schema.kind, input) else {
        return Value::Structure(Structure::new());
    };
    for member in members.iter().filter(|member| member.idempotency_token) {
        if structure.get(member.name).is_none() {
            structure.push(member.name, Value::String(random::uuid()));
        }
    }
    Value::Structure(structure)
}

fn decode<O: Operation>(body: &[u8]) -> Result<O::Output, CallError> {
    let value = match O::SERVICE.protocol {
        Protocol::AwsQuery => query::decode_output(O::SCHEMA, body),
        Protocol::Ec2Query => query::decode_ec2_output(O::SCHEMA, body),
        Protocol::AwsJson10 | Protocol::AwsJson11 => json::decode(O::SCHEMA.output, body),
    };
    let value = value.map_err(|error| CallError::garbled(O::SCHEMA.name, error.to_string()))?;
    O::Output::from_value(value)
        .map_err(|error: ShapeError| CallError::garbled(O::SCHEMA.name, error.to_string()))
}

fn remote_error<O: Operation>(status: u16, headers: &HeaderMap, body: &[u8]) -> landfall_wire::RemoteError {
    match O::SERVICE.protocol {
        Protocol::AwsQuery | Protocol::Ec2Query => query::decode_error(status, body),
        Protocol::AwsJson10 | Protocol::AwsJson11 => json::decode_error(status, headers, body),
    }
}
