//! A server of several registries: whose a name is, how it begins for the client, and what may cross from one repository
//! to another.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on should stop")]

use std::sync::{Arc, Mutex};

use bytes::Bytes;
use http::{HeaderMap, Request};
use http_body_util::{BodyExt as _, Full};
use landfall_registry::{
    Access, Attempt, BlobStore, Digest, Grant, MemoryCatalog, Operation, Refusal, Registry,
};
use tempfile::TempDir;

/// The first component says which registry; nothing may be taken from `…/closed`. Notes what it was asked.
#[derive(Default)]
struct ByPrefix(Mutex<Vec<(Operation, Option<String>)>>);

impl Access for ByPrefix {
    async fn authorize(&self, attempt: Attempt<'_>) -> Result<Grant, Refusal> {
        let name = attempt.repository.map(|name| name.as_str().to_owned());
        self.0.lock().unwrap().push((attempt.operation.clone(), name.clone()));
        let name = name.unwrap_or_else(|| "one/".to_owned());
        if attempt.operation == Operation::MountFrom && name.ends_with("/closed") {
            return Err(Refusal::Denied { message: "closed".to_owned() });
        }
        let Some((registry, _)) = name.split_once('/') else {
            return Err(Refusal::Unknown { message: "whose is it".to_owned() });
        };
        let prefix = format!("{registry}/").into();
        Ok(Grant { principal: "somebody".into(), namespace: registry.into(), prefix, ..Grant::default() })
    }
}

struct Server {
    registry: Registry<Arc<ByPrefix>, MemoryCatalog>,
    _dir: TempDir,
}

impl Server {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let blobs = BlobStore::open(dir.path()).unwrap();
        Self { registry: Registry::new(Arc::default(), MemoryCatalog::new(), blobs), _dir: dir }
    }

    async fn send(&self, method: &str, path: &str, body: &'static str) -> (u16, HeaderMap, Bytes) {
        let request = Request::builder().method(method).uri(path);
        let response = self.registry.handle(request.body(Full::new(body.into())).unwrap()).await;
        let (parts, body) = response.into_parts();
        (parts.status.as_u16(), parts.headers, body.collect().await.unwrap().to_bytes())
    }

    async fn push(&self, name: &str, content: &'static str) -> Digest {
        let digest = Digest::of(content.as_bytes());
        let path = format!("/v2/{name}/blobs/uploads/?digest={digest}");
        let (status, headers, _) = self.send("POST", &path, content).await;
        assert_eq!(
            (status, headers["location"].to_str().unwrap()),
            (201, &*format!("/v2/{name}/blobs/{digest}"))
        );
        digest
    }
}

#[tokio::test]
async fn clients_see_whole_names_and_the_catalog_short_ones() {
    let server = Server::new();
    let digest = server.push("one/app", "x").await;
    server.push("two/app/part", "y").await;
    assert_eq!(server.send("GET", &format!("/v2/one/app/blobs/{digest}"), "").await.0, 200);
    assert_eq!(server.send("GET", &format!("/v2/two/app/blobs/{digest}"), "").await.0, 404);
    let (status, headers, _) = server.send("POST", "/v2/two/app/part/blobs/uploads/", "").await;
    let location = headers["location"].to_str().unwrap();
    assert!(status == 202 && location.starts_with("/v2/two/app/part/blobs/uploads/"), "{location}");
    assert_eq!(server.send("PATCH", location, "z").await.0, 202);
    let (_, _, names) = server.send("GET", "/v2/_catalog", "").await;
    assert_eq!(names, r#"{"repositories":["one/app"]}"#);
    assert_eq!(server.send("GET", "/v2/app/tags/list", "").await.0, 404);
}

#[tokio::test]
async fn a_mount_asks_about_both_repositories_of_one_registry() {
    let server = Server::new();
    let cases = [("one/open", 201), ("one/closed", 202), ("two/open", 202), ("app", 202)];
    let digest = Digest::of(b"x");
    for (from, expected) in cases {
        if from.contains('/') {
            server.push(from, "x").await;
        }
        server.registry.access().0.lock().unwrap().clear();
        let path = format!("/v2/one/target/blobs/uploads/?mount={digest}&from={from}");
        assert_eq!(server.send("POST", &path, "").await.0, expected, "{from}");
        let asked = server.registry.access().0.lock().unwrap().clone();
        let expected = [
            (Operation::StartUpload, Some("one/target".to_owned())),
            (Operation::MountFrom, Some(from.to_owned())),
        ];
        assert_eq!(asked, expected);
    }
}
