//! The registry's protocol (OCI distribution specification 1.1), as a client speaks it.

use std::net::SocketAddr;
use std::time::Duration;

use anyhow::{Context as _, Result, anyhow};
use aws_lc_rs::digest::{SHA256, digest};
use bytes::Bytes;
use http::{HeaderMap, Method, Request, header};
use http_body_util::{BodyExt as _, Full};
use tokio::runtime::{Builder, Runtime};

use crate::bench::http::{Connection, connect, location};

/// How long an answer may take.
const PATIENCE: Duration = Duration::from_secs(60);

/// An answer.
pub(super) struct Answer {
    pub(super) status: u16,
    pub(super) headers: HeaderMap,
    pub(super) body: Bytes,
}

impl Answer {
    /// Status and text, for whoever has to find out what went wrong.
    pub(super) fn text(&self) -> String {
        format!("{} {}", self.status, String::from_utf8_lossy(&self.body))
    }
}

/// A client of the registry on one connection.
pub(super) struct Wire {
    runtime: Runtime,
    address: SocketAddr,
    authorization: String,
    connection: Option<Connection>,
}

/// `sha256:…` of some bytes.
pub(super) fn digest_of(bytes: &[u8]) -> String {
    format!("sha256:{}", hex::encode(digest(&SHA256, bytes)))
}

impl Wire {
    /// A client that logs in with a token of ECR.
    pub(super) fn new(address: SocketAddr, token: &str) -> Result<Self> {
        let runtime = Builder::new_current_thread().enable_all().build().context("cannot start a runtime")?;
        Ok(Self { runtime, address, authorization: format!("Basic {token}"), connection: None })
    }

    /// Sends; the error is one of the connection.
    pub(super) fn send(
        &mut self,
        method: Method,
        path: &str,
        headers: &[(header::HeaderName, String)],
        body: Bytes,
    ) -> Result<Answer> {
        let mut request = Request::builder().method(method).uri(path);
        request = request.header(header::HOST, self.address.to_string());
        request = request.header(header::AUTHORIZATION, &self.authorization);
        for (name, value) in headers {
            request = request.header(name, value);
        }
        let request = request.body(Full::new(body))?;
        let (address, connection) = (self.address, &mut self.connection);
        let answer = self.runtime.block_on(async {
            let exchange = async {
                let mut sender = match connection.take() {
                    Some(sender) if !sender.is_closed() => sender,
                    _ => connect(address).await?,
                };
                sender.ready().await?;
                let answer = sender.send_request(request).await?;
                let (parts, body) = answer.into_parts();
                let body = body.collect().await?.to_bytes();
                *connection = Some(sender);
                anyhow::Ok(Answer { status: parts.status.as_u16(), headers: parts.headers, body })
            };
            tokio::time::timeout(PATIENCE, exchange).await
        });
        answer.map_err(|_| anyhow!("no answer after {} s", PATIENCE.as_secs()))?
    }

    pub(super) fn get(&mut self, path: &str, accept: &str) -> Result<Answer> {
        self.send(Method::GET, path, &[(header::ACCEPT, accept.to_owned())], Bytes::new())
    }

    /// The bytes of a blob, wherever the registry says that they are.
    pub(super) fn blob(&mut self, path: &str) -> Result<Answer> {
        let answer = self.get(path, "*/*")?;
        if answer.status != 307 {
            return Ok(answer);
        }
        self.get(&location(&answer.headers)?, "*/*")
    }

    pub(super) fn head(&mut self, path: &str) -> Result<Answer> {
        self.send(Method::HEAD, path, &[], Bytes::new())
    }

    pub(super) fn post(&mut self, path: &str) -> Result<Answer> {
        self.send(Method::POST, path, &[], Bytes::new())
    }

    /// The part of an upload that begins at `from`.
    pub(super) fn patch(&mut self, path: &str, from: usize, part: &[u8]) -> Result<Answer> {
        let range = format!("{from}-{}", from + part.len().saturating_sub(1));
        let headers = [(header::CONTENT_RANGE, range), (header::CONTENT_TYPE, OCTETS.to_owned())];
        self.send(Method::PATCH, path, &headers, Bytes::copy_from_slice(part))
    }

    pub(super) fn put(&mut self, path: &str, media_type: &str, body: &[u8]) -> Result<Answer> {
        let headers = [(header::CONTENT_TYPE, media_type.to_owned())];
        self.send(Method::PUT, path, &headers, Bytes::copy_from_slice(body))
    }
}

/// The media type of a blob that is pushed.
pub(super) const OCTETS: &str = "application/octet-stream";
