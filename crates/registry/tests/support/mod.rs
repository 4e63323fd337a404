//! A registry on 127.0.0.1 and a small client for it.
#![allow(dead_code, reason = "each test binary uses a part of it")]
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on should stop")]

use std::sync::Arc;

use base64::Engine as _;
use bytes::Bytes;
use http::{HeaderMap, Method, Request, StatusCode};
use http_body_util::{BodyExt as _, Full};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use landfall_base::{ManualClock, Timestamp};
use landfall_registry::{
    BlobStore, Digest, Limits, MemoryAccess, MemoryCatalog, Permission, Registry, TokenService,
};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::net::TcpListener;

pub(crate) const OCI_MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";
pub(crate) const OCI_INDEX: &str = "application/vnd.oci.image.index.v1+json";

pub(crate) struct Server {
    pub(crate) host: String,
    pub(crate) clock: Arc<ManualClock>,
    pub(crate) registry: Registry<Arc<MemoryAccess>, MemoryCatalog>,
    pub(crate) dir: TempDir,
    client: Client<HttpConnector, Full<Bytes>>,
}

pub(crate) struct Reply {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

impl Reply {
    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers
            .get(name)
            .unwrap_or_else(|| panic!("no `{name}` in {:?}", self.headers))
            .to_str()
            .unwrap()
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|error| panic!("{error}: {:?}", self.body))
    }

    pub(crate) fn code(&self) -> String {
        self.json()["errors"][0]["code"].as_str().unwrap_or_default().to_owned()
    }
}

pub(crate) fn users() -> MemoryAccess {
    MemoryAccess::new()
        .user("alice", "secret", Permission::Everything)
        .user("reader", "secret", Permission::Pull)
        .user("nobody", "secret", Permission::Nothing)
}

impl Server {
    pub(crate) async fn start() -> Self {
        Self::with(users(), Limits::default()).await
    }

    pub(crate) async fn with_limits(limits: Limits) -> Self {
        Self::with(users(), limits).await
    }

    /// With a token endpoint of its own.
    pub(crate) async fn with_tokens() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let realm = format!("http://{}/token", listener.local_addr().unwrap());
        let server = Self::with(users().token_realm(realm), Limits::default()).await;
        tokio::spawn(TokenService::new(Arc::clone(server.registry.access())).serve(listener));
        server
    }

    async fn with(access: MemoryAccess, limits: Limits) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let clock = Arc::new(ManualClock::new(Timestamp::from_millis(1_000_000_000_000)));
        let blobs = BlobStore::open_with_clock(dir.path(), clock.clone()).unwrap();
        let registry = Registry::with_limits(Arc::new(access), MemoryCatalog::new(), blobs, limits);
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let host = listener.local_addr().unwrap().to_string();
        let serving = registry.clone();
        tokio::spawn(async move { serving.serve(listener).await });
        Self { host, clock, registry, dir, client: Client::builder(TokioExecutor::new()).build_http() }
    }

    pub(crate) async fn raw(
        &self,
        method: Method,
        path: &str,
        headers: &[(&str, &str)],
        body: impl Into<Bytes>,
    ) -> Reply {
        let mut request = Request::builder().method(method).uri(format!("http://{}{path}", self.host));
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let response = self.client.request(request.body(Full::new(body.into())).unwrap()).await.unwrap();
        let (parts, body) = response.into_parts();
        Reply { status: parts.status, headers: parts.headers, body: body.collect().await.unwrap().to_bytes() }
    }

    /// As alice, who may do everything.
    pub(crate) async fn send(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: impl Into<Bytes>,
    ) -> Reply {
        let basic = basic("alice", "secret");
        let mut all = vec![("authorization", basic.as_str())];
        all.extend_from_slice(headers);
        self.raw(method.parse().unwrap(), path, &all, body).await
    }

    pub(crate) async fn get(&self, path: &str) -> Reply {
        self.send("GET", path, &[], "").await
    }

    /// Starts an upload; returns its path.
    pub(crate) async fn begin(&self, name: &str) -> String {
        let reply = self.send("POST", &format!("/v2/{name}/blobs/uploads/"), &[], "").await;
        assert_eq!(reply.status, 202);
        reply.header("location").to_owned()
    }

    pub(crate) async fn push_blob(&self, name: &str, content: &[u8]) -> Digest {
        let digest = Digest::of(content);
        let path = self.begin(name).await;
        let reply = self.send("PUT", &format!("{path}?digest={digest}"), &[], content.to_vec()).await;
        assert_eq!(reply.status, 201, "{:?}", reply.body);
        digest
    }

    pub(crate) async fn put_manifest(
        &self,
        name: &str,
        reference: &str,
        media_type: &str,
        document: &Value,
    ) -> Reply {
        let headers = [("content-type", media_type)];
        self.send("PUT", &format!("/v2/{name}/manifests/{reference}"), &headers, document.to_string()).await
    }

    /// Pushes an image of one configuration and one layer; returns its digest and document.
    pub(crate) async fn push_image(&self, name: &str, tag: &str, text: &str) -> (Digest, Value) {
        let (config, layer) = (format!("config {text}"), format!("layer {text}"));
        self.push_blob(name, config.as_bytes()).await;
        self.push_blob(name, layer.as_bytes()).await;
        let document = image(config.as_bytes(), &[layer.as_bytes()]);
        let reply = self.put_manifest(name, tag, OCI_MANIFEST, &document).await;
        assert_eq!(reply.status, 201, "{:?}", reply.body);
        (Digest::of(document.to_string().as_bytes()), document)
    }
}

pub(crate) fn basic(user: &str, password: &str) -> String {
    let text = base64::engine::general_purpose::STANDARD.encode(format!("{user}:{password}"));
    format!("Basic {text}")
}

pub(crate) fn descriptor(media_type: &str, content: &[u8]) -> Value {
    json!({ "mediaType": media_type, "digest": Digest::of(content).to_string(), "size": content.len() })
}

pub(crate) fn image(config: &[u8], layers: &[&[u8]]) -> Value {
    let layer = |content: &&[u8]| descriptor("application/vnd.oci.image.layer.v1.tar", content);
    json!({
        "schemaVersion": 2,
        "mediaType": OCI_MANIFEST,
        "config": descriptor("application/vnd.oci.image.config.v1+json", config),
        "layers": layers.iter().map(layer).collect::<Vec<_>>(),
    })
}
