//! The bare HTTP server: what hyper can do here when nothing is asked of it but to read a request and write an answer.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::time::Duration;

use anyhow::{Context as _, Result};
use bytes::Bytes;
use clap::Args;
use http::{HeaderValue, Request, Response, header};
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{TcpListener, TcpStream};

/// What the bare server is told.
#[derive(Args)]
pub(crate) struct BareServerArguments {
    /// Where it listens.
    listen: SocketAddr,
}

/// As many bytes as an answer of `GetSecretValue`.
const ANSWER_BYTES: usize = 300;

/// Serves until the process is stopped, with the settings of Landfall's own server.
pub(crate) fn serve(arguments: &BareServerArguments) -> Result<()> {
    let runtime =
        tokio::runtime::Builder::new_multi_thread().enable_all().build().context("cannot start threads")?;
    runtime.block_on(listen(arguments.listen))
}

async fn listen(address: SocketAddr) -> Result<()> {
    let listener = TcpListener::bind(address).await.with_context(|| format!("cannot listen on {address}"))?;
    let answer = answer();
    loop {
        let (stream, _) = listener.accept().await?;
        stream.set_nodelay(true)?;
        tokio::spawn(connection(stream, answer.clone()));
    }
}

async fn connection(stream: TcpStream, answer: Bytes) {
    let service = service_fn(move |request| respond(request, answer.clone()));
    let mut http = http1::Builder::new();
    http.timer(TokioTimer::new()).header_read_timeout(Duration::from_secs(75));
    // A client that went away is no concern of a server that only echoes.
    let _ = http.serve_connection(TokioIo::new(stream), service).await;
}

async fn respond(request: Request<Incoming>, answer: Bytes) -> Result<Response<Full<Bytes>>, Infallible> {
    // Every server has to read what it is sent.
    let _ = request.into_body().collect().await;
    let mut response = Response::new(Full::new(answer));
    response
        .headers_mut()
        .insert(header::CONTENT_TYPE, HeaderValue::from_static("application/x-amz-json-1.1"));
    Ok(response)
}

/// A JSON document of exactly [`ANSWER_BYTES`].
fn answer() -> Bytes {
    let (head, tail) = ("{\"SecretString\":\"", "\"}");
    let filling = "x".repeat(ANSWER_BYTES - head.len() - tail.len());
    Bytes::from(format!("{head}{filling}{tail}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_answer_is_json_of_the_stated_size() {
        let answer = answer();
        assert_eq!(answer.len(), ANSWER_BYTES);
        assert!(serde_json::from_slice::<serde_json::Value>(&answer).unwrap().is_object());
    }
}
