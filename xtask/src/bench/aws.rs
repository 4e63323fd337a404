//! AWS calls, signed.

use std::net::SocketAddr;

use anyhow::{Context as _, Result, bail};
use bytes::Bytes;
use http::{HeaderMap, HeaderValue, header};
use landfall_base::{Clock as _, Sensitive, SystemClock};
use landfall_wire::sigv4::{Credentials, sign};
use serde_json::{Value, json};

use super::http::{Client, Prepared};

/// Where all calls go.
pub(crate) const REGION: &str = "us-east-1";

/// A service that speaks awsJson 1.1.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Service {
    name: &'static str,
    target: &'static str,
}

pub(crate) const SECRETS: Service = Service { name: "secretsmanager", target: "secretsmanager" };
pub(crate) const ECS: Service = Service { name: "ecs", target: "AmazonEC2ContainerServiceV20141113" };
pub(crate) const LOGS: Service = Service { name: "logs", target: "Logs_20140328" };
pub(crate) const ECR: Service = Service { name: "ecr", target: "AmazonEC2ContainerRegistry_V20150921" };

/// An access key.
pub(crate) fn credentials(access_key_id: &str, secret_access_key: &str) -> Credentials {
    Credentials {
        access_key_id: access_key_id.to_owned(),
        secret_access_key: Sensitive::new(secret_access_key.to_owned()),
        session_token: None,
    }
}

/// A signed call, good for 15 minutes.
pub(crate) fn json_call(
    keys: &Credentials,
    address: SocketAddr,
    service: Service,
    operation: &str,
    body: &Value,
) -> Result<Prepared> {
    let mut headers = HeaderMap::new();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/x-amz-json-1.1"));
    headers.insert("x-amz-target", HeaderValue::try_from(format!("{}.{operation}", service.target))?);
    signed(keys, address, service.name, headers, body.to_string())
}

fn query_call(keys: &Credentials, address: SocketAddr, service: &str, form: String) -> Result<Prepared> {
    let mut headers = HeaderMap::new();
    headers.insert(
        header::CONTENT_TYPE,
        HeaderValue::from_static("application/x-www-form-urlencoded; charset=utf-8"),
    );
    signed(keys, address, service, headers, form)
}

fn signed(
    keys: &Credentials,
    address: SocketAddr,
    service: &str,
    mut headers: HeaderMap,
    body: String,
) -> Result<Prepared> {
    headers.insert(header::HOST, HeaderValue::try_from(address.to_string())?);
    sign(keys, REGION, service, "POST", "/", "", &mut headers, body.as_bytes(), SystemClock.now())?;
    Ok(Prepared { headers, body: Bytes::from(body) })
}

/// Somebody who makes calls.
pub(crate) struct Account {
    client: Client,
    keys: Credentials,
}

impl Account {
    /// Calls of the holder of these keys to one server.
    pub(crate) fn new(address: SocketAddr, keys: Credentials) -> Result<Self> {
        Ok(Self { client: Client::new(address)?, keys })
    }

    /// The server.
    pub(crate) fn address(&self) -> SocketAddr {
        self.client.address()
    }

    /// A call in awsJson.
    pub(crate) fn json(&mut self, service: Service, operation: &str, body: &Value) -> Result<Value> {
        let call = json_call(&self.keys, self.address(), service, operation, body)?;
        let answer = self.send(operation, &call)?;
        if answer.is_empty() {
            return Ok(Value::Null);
        }
        serde_json::from_slice(&answer).with_context(|| format!("`{operation}` did not answer with JSON"))
    }

    /// A call to IAM, in awsQuery. Returns the document of the answer.
    pub(crate) fn iam(&mut self, action: &str, parameters: &[(&str, &str)]) -> Result<String> {
        let mut form = format!("Action={action}&Version=2010-05-08");
        for (name, value) in parameters {
            form.push_str(&format!("&{name}={}", percent_encoded(value)));
        }
        let call = query_call(&self.keys, self.address(), "iam", form)?;
        Ok(String::from_utf8_lossy(&self.send(action, &call)?).into_owned())
    }

    fn send(&mut self, operation: &str, call: &Prepared) -> Result<Bytes> {
        let sent = self.client.send(call.request());
        let (status, body) = sent.with_context(|| format!("`{operation}` was not answered"))?;
        if status != 200 {
            bail!("`{operation}` answered {status}: {}", String::from_utf8_lossy(&body));
        }
        Ok(body)
    }
}

/// A new secret. SDKs add such a token to the request themselves.
pub(crate) fn create_secret(account: &mut Account, name: &str, value: &str) -> Result<Value> {
    let token = landfall_base::random::uuid();
    let request = json!({ "Name": name, "SecretString": value, "ClientRequestToken": token });
    account.json(SECRETS, "CreateSecret", &request)
}

fn percent_encoded(text: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.~".contains(&byte);
    text.bytes()
        .map(|byte| if plain(byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") })
        .collect()
}

/// The text of the first element of this name.
pub(crate) fn element<'a>(document: &'a str, name: &str) -> Result<&'a str> {
    let inside = document
        .split_once(&format!("<{name}>"))
        .and_then(|(_, rest)| rest.split_once(&format!("</{name}>")));
    Ok(inside.with_context(|| format!("the answer has no `{name}`"))?.0)
}

/// A string in a JSON document, by pointer (RFC 6901).
pub(crate) fn text<'a>(document: &'a Value, pointer: &str) -> Result<&'a str> {
    document
        .pointer(pointer)
        .and_then(Value::as_str)
        .with_context(|| format!("the answer has no `{pointer}`: {document}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn forms_are_percent_encoded() {
        assert_eq!(percent_encoded("a b/{\"é\"}~"), "a%20b%2F%7B%22%C3%A9%22%7D~");
    }

    #[test]
    fn elements_are_found() {
        assert_eq!(element("<a><b>x</b><b>y</b></a>", "b").unwrap(), "x");
        assert!(element("<a/>", "b").is_err());
    }
}
