//! A small HTTP client: one connection, one call after the other.

use std::net::SocketAddr;

use anyhow::{Context as _, Result};
use bytes::Bytes;
use http::{HeaderMap, Method, Request, Response};
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use tokio::runtime::{Builder, Runtime};

/// A request to `/` that can be sent many times.
#[derive(Debug, Clone)]
pub(crate) struct Prepared {
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

impl Prepared {
    /// As hyper sends it.
    pub(crate) fn request(&self) -> Request<Full<Bytes>> {
        let mut request = Request::new(Full::new(self.body.clone()));
        *request.method_mut() = Method::POST;
        *request.headers_mut() = self.headers.clone();
        request
    }
}

/// A connection for requests that follow each other.
pub(crate) type Connection = SendRequest<Full<Bytes>>;

/// Opens a connection, served by the runtime that this is called on.
pub(crate) async fn connect(address: SocketAddr) -> Result<Connection> {
    let stream = TcpStream::connect(address).await.with_context(|| format!("cannot connect to {address}"))?;
    stream.set_nodelay(true)?;
    let (sender, connection) = handshake(TokioIo::new(stream)).await?;
    // Its errors reach whoever sends.
    tokio::spawn(connection);
    Ok(sender)
}

/// Status and body of an answer.
pub(crate) async fn read(response: Response<Incoming>) -> Result<(u16, Bytes)> {
    let status = response.status().as_u16();
    Ok((status, response.into_body().collect().await?.to_bytes()))
}

/// Where an upload to a registry goes on, as a path (OCI distribution specification, "Pushing blobs").
pub(crate) fn location(headers: &HeaderMap) -> Result<String> {
    let text =
        headers.get(http::header::LOCATION).and_then(|it| it.to_str().ok()).context("no `Location`")?;
    let path = text.split_once("://").and_then(|(_, rest)| rest.find('/').and_then(|at| rest.get(at..)));
    Ok(path.unwrap_or(text).to_owned())
}

/// The address at which an upload ends as the blob of this digest.
pub(crate) fn with_digest(location: &str, digest: &str) -> String {
    let mark = if location.contains('?') { '&' } else { '?' };
    format!("{location}{mark}digest={digest}")
}

/// Sends requests from ordinary code.
pub(crate) struct Client {
    runtime: Runtime,
    address: SocketAddr,
    connection: Option<Connection>,
}

impl Client {
    /// A client of one server; connects when first used.
    pub(crate) fn new(address: SocketAddr) -> Result<Self> {
        let runtime = Builder::new_current_thread().enable_all().build().context("cannot start a runtime")?;
        Ok(Self { runtime, address, connection: None })
    }

    /// Whom it talks to.
    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// Sends, and reads the whole answer.
    pub(crate) fn send(&mut self, request: Request<Full<Bytes>>) -> Result<(u16, Bytes)> {
        let (address, connection) = (self.address, &mut self.connection);
        self.runtime.block_on(async {
            let mut sender = match connection.take() {
                Some(sender) if !sender.is_closed() => sender,
                _ => connect(address).await?,
            };
            sender.ready().await?;
            let answer = read(sender.send_request(request).await?).await?;
            *connection = Some(sender);
            Ok(answer)
        })
    }

    /// Does `GET path` answer 200?
    pub(crate) fn is_well(&mut self, path: &str) -> bool {
        let request =
            Request::get(path).header(http::header::HOST, self.address.to_string()).body(Full::default());
        request.is_ok_and(|request| self.send(request).is_ok_and(|(status, _)| status == 200))
    }
}
