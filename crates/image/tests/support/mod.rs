//! A registry in this process that answers as badly as a test wants.
#![allow(dead_code, unreachable_pub, reason = "each test file uses its own part")]

use std::collections::HashMap;
use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use futures_util::stream;
use http_body_util::StreamBody;
use hyper::body::{Frame, Incoming};
use hyper::{Request, Response};
use landfall_image::{BuiltImage, Client, ClientOptions, Digest, Manifest, Reference, media};

/// One request as it came in.
#[derive(Debug, Clone)]
pub struct Seen {
    pub method: String,
    pub path: String,
    pub query: String,
    pub authorization: Option<String>,
    pub range: Option<String>,
}

/// What to answer.
#[derive(Debug, Clone)]
pub struct Reply {
    pub status: u16,
    pub headers: Vec<(&'static str, String)>,
    pub body: Bytes,
    /// Break the connection after this many bytes of the body.
    pub cut_after: Option<usize>,
    /// Answer never.
    pub hang: bool,
}

impl Reply {
    pub fn new(status: u16, content_type: &str, body: impl Into<Bytes>) -> Self {
        let headers = vec![("content-type", content_type.to_owned())];
        Self { status, headers, body: body.into(), cut_after: None, hang: false }
    }

    pub fn error(status: u16, code: &str, message: &str) -> Self {
        let body = format!(r#"{{"errors":[{{"code":"{code}","message":"{message}"}}]}}"#);
        Self::new(status, "application/json", body)
    }

    pub fn with(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.headers.push((name, value.into()));
        self
    }

    pub fn cut_after(mut self, bytes: usize) -> Self {
        self.cut_after = Some(bytes);
        self
    }

    pub fn hang() -> Self {
        Self { hang: true, ..Self::new(200, "text/plain", "") }
    }
}

type Handler = dyn Fn(&Seen) -> Reply + Send + Sync;

/// A server on a free port of 127.0.0.1; stops when dropped.
pub struct Registry {
    pub address: SocketAddr,
    log: Arc<Mutex<Vec<Seen>>>,
    task: tokio::task::JoinHandle<()>,
}

impl Registry {
    pub async fn start(handler: impl Fn(&Seen) -> Reply + Send + Sync + 'static) -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let log = Arc::new(Mutex::new(Vec::new()));
        let task = tokio::spawn(accept(listener, Arc::new(handler), Arc::clone(&log)));
        Self { address, log, task }
    }

    /// Serves `image` wherever `special` does not answer.
    pub async fn serving(
        image: &BuiltImage,
        special: impl Fn(&Seen) -> Option<Reply> + Send + Sync + 'static,
    ) -> Self {
        let site = Site::new(image);
        Self::start(move |seen| special(seen).unwrap_or_else(|| site.answer(seen))).await
    }

    pub fn reference(&self, rest: &str) -> Reference {
        format!("{}/{rest}", self.address).parse().unwrap()
    }

    pub fn seen(&self) -> Vec<Seen> {
        self.log.lock().unwrap().clone()
    }
}

impl Drop for Registry {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn accept(listener: tokio::net::TcpListener, handler: Arc<Handler>, log: Arc<Mutex<Vec<Seen>>>) {
    loop {
        let Ok((socket, _)) = listener.accept().await else { return };
        let (handler, log) = (Arc::clone(&handler), Arc::clone(&log));
        tokio::spawn(async move {
            let service = hyper::service::service_fn(move |request| {
                let seen = look(&request);
                log.lock().unwrap().push(seen.clone());
                respond(handler(&seen))
            });
            let socket = hyper_util::rt::TokioIo::new(socket);
            let _ = hyper::server::conn::http1::Builder::new().serve_connection(socket, service).await;
        });
    }
}

fn look(request: &Request<Incoming>) -> Seen {
    let header = |name: &str| request.headers().get(name).and_then(|v| v.to_str().ok()).map(str::to_owned);
    Seen {
        method: request.method().to_string(),
        path: request.uri().path().to_owned(),
        query: request.uri().query().unwrap_or_default().to_owned(),
        authorization: header("authorization"),
        range: header("range"),
    }
}

type Body = StreamBody<
    std::pin::Pin<Box<dyn futures_util::Stream<Item = Result<Frame<Bytes>, std::io::Error>> + Send>>,
>;

async fn respond(reply: Reply) -> Result<Response<Body>, Infallible> {
    if reply.hang {
        tokio::time::sleep(Duration::from_secs(3600)).await;
    }
    let mut builder = Response::builder().status(reply.status).header("content-length", reply.body.len());
    for (name, value) in &reply.headers {
        builder = builder.header(*name, value);
    }
    let mut frames = Vec::new();
    match reply.cut_after {
        Some(after) => {
            frames.push(Ok(Frame::data(reply.body.slice(..after))));
            frames.push(Err(std::io::Error::other("cut")));
        }
        None => frames.push(Ok(Frame::data(reply.body))),
    }
    // The pause lets the bytes before a cut leave.
    let paced = stream::unfold(frames.into_iter(), |mut frames| async move {
        let frame = frames.next()?;
        if frame.is_err() {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        Some((frame, frames))
    });
    Ok(builder.body(StreamBody::new(Box::pin(paced) as _)).unwrap())
}

/// The honest part: an image under every name, with ranges.
pub struct Site {
    manifest: Bytes,
    digest: Digest,
    blobs: HashMap<String, Bytes>,
}

impl Site {
    pub fn new(image: &BuiltImage) -> Self {
        let blobs = image.layers.iter().chain([&image.config]);
        Self {
            manifest: image.manifest.clone(),
            digest: image.digest(),
            blobs: blobs.map(|blob| (Digest::of(blob).to_string(), blob.clone())).collect(),
        }
    }

    pub fn answer(&self, seen: &Seen) -> Reply {
        let name = seen.path.rsplit('/').next().unwrap_or_default();
        if seen.path.contains("/manifests/") {
            return Reply::new(200, media::OCI_MANIFEST, self.manifest.clone())
                .with("docker-content-digest", self.digest.as_str());
        }
        match self.blobs.get(name) {
            Some(blob) => ranged(seen, blob),
            None => Reply::error(404, "BLOB_UNKNOWN", "blob unknown to registry"),
        }
    }
}

pub fn ranged(seen: &Seen, blob: &Bytes) -> Reply {
    let start = seen
        .range
        .as_ref()
        .and_then(|range| range.strip_prefix("bytes=")?.strip_suffix('-')?.parse::<usize>().ok());
    let kind = "application/octet-stream";
    match start {
        Some(start) => Reply::new(206, kind, blob.slice(start..))
            .with("content-range", format!("bytes {start}-{}/{}", blob.len() - 1, blob.len())),
        None => Reply::new(200, kind, blob.clone()),
    }
}

/// A client that does not make tests wait.
pub fn hasty_client() -> Client {
    Client::new(ClientOptions {
        connect_timeout: Duration::from_secs(2),
        inactivity_timeout: Duration::from_millis(400),
        manifest_timeout: Duration::from_secs(20),
        backoff: Duration::from_millis(5),
        ..ClientOptions::default()
    })
    .unwrap()
}

pub fn layers_of(image: &BuiltImage) -> Vec<Digest> {
    let manifest: Manifest = serde_json::from_slice(&image.manifest).unwrap();
    manifest.layers.into_iter().map(|layer| layer.digest).collect()
}

/// Bytes that gzip cannot make small.
pub fn noise(length: usize) -> Vec<u8> {
    let mut state = 0x9e37_79b9_7f4a_7c15u64;
    let step = std::iter::repeat_with(move || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state.to_le_bytes()
    });
    step.flatten().take(length).collect()
}
