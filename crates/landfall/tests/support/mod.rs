//! A server that follows a script, and the binary run against it.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on should stop")]

use std::convert::Infallible;
use std::net::SocketAddr;
use std::process::{Command, Output, Stdio};
use std::sync::Arc;

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use serde_json::Value;
use tokio::net::TcpListener;

/// Answers an operation (`ListClusters`) with its input: status and output.
pub(crate) type Script = dyn Fn(&str, &Value) -> (u16, Value) + Send + Sync;

/// A scripted server, for as long as it lives.
pub(crate) struct Fake {
    address: SocketAddr,
    _runtime: tokio::runtime::Runtime,
}

impl Fake {
    pub(crate) fn start(script: impl Fn(&str, &Value) -> (u16, Value) + Send + Sync + 'static) -> Self {
        let runtime =
            tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        let listener = runtime.block_on(TcpListener::bind("127.0.0.1:0")).unwrap();
        let address = listener.local_addr().unwrap();
        runtime.spawn(serve(listener, Arc::new(script)));
        Self { address, _runtime: runtime }
    }

    /// Runs the binary as a client of this server.
    pub(crate) fn landfall(&self, arguments: &[&str]) -> Output {
        landfall(
            arguments,
            &[
                ("AWS_ENDPOINT_URL", &format!("http://{}", self.address)),
                ("AWS_ACCESS_KEY_ID", "AKIAEXAMPLE"),
                ("AWS_SECRET_ACCESS_KEY", "secret"),
                ("AWS_REGION", "us-east-1"),
            ],
        )
    }
}

/// Runs the binary with nothing in its environment but these variables.
pub(crate) fn landfall(arguments: &[&str], variables: &[(&str, &str)]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_landfall"));
    command.args(arguments).env_clear().envs(variables.iter().copied()).stdin(Stdio::null()).output().unwrap()
}

/// What a user sees.
pub(crate) fn seen(output: &Output) -> String {
    format!(
        "exit code {}\n--- stdout\n{}--- stderr\n{}",
        output.status.code().unwrap(),
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr),
    )
}

async fn serve(listener: TcpListener, script: Arc<Script>) {
    while let Ok((stream, _)) = listener.accept().await {
        let script = Arc::clone(&script);
        let service = service_fn(move |request| answer(Arc::clone(&script), request));
        tokio::spawn(http1::Builder::new().serve_connection(TokioIo::new(stream), service));
    }
}

async fn answer(
    script: Arc<Script>,
    request: Request<Incoming>,
) -> Result<Response<Full<Bytes>>, Infallible> {
    let target = request.headers()["x-amz-target"].to_str().unwrap().to_owned();
    let operation = target.rsplit('.').next().unwrap();
    let body = request.into_body().collect().await.unwrap().to_bytes();
    let (status, output) = script(operation, &serde_json::from_slice(&body).unwrap());
    Ok(Response::builder().status(status).body(Full::new(Bytes::from(output.to_string()))).unwrap())
}
