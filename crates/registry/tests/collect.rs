//! Collection removes what no manifest names, and nothing else, whatever is pushed meanwhile.

mod support;

use std::time::Duration;

use landfall_registry::{Collected, Digest};
use support::{OCI_MANIFEST, Server, image};

const HOUR: Duration = Duration::from_secs(3600);

#[tokio::test]
async fn keeps_what_is_reached_and_what_is_new() {
    let server = Server::start().await;
    server.push_image("app", "v1", "kept").await;
    let old = server.push_blob("app", b"old").await;
    let path = server.begin("app").await;
    server.send("PATCH", &path, &[], "half").await;
    server.clock.advance_seconds(3601);
    let new = server.push_blob("app", b"new").await;

    let collected = server.registry.collect(HOUR).await.unwrap();
    assert_eq!(collected, Collected { blobs: 1, bytes: 3, uploads: 1 });
    assert_eq!(server.get(&format!("/v2/app/blobs/{old}")).await.code(), "BLOB_UNKNOWN");
    assert_eq!(server.get(&format!("/v2/app/blobs/{new}")).await.status, 200);
    assert_eq!(server.get(&format!("/v2/app/blobs/{}", Digest::of(b"layer kept"))).await.status, 200);
    assert_eq!(server.get("/v2/app/manifests/v1").await.status, 200);
    assert_eq!(server.get(&path).await.code(), "BLOB_UPLOAD_UNKNOWN");
}

#[tokio::test]
async fn a_deleted_image_goes_unless_another_repository_has_it() {
    let server = Server::start().await;
    let (digest, _) = server.push_image("app", "v1", "shared").await;
    server.push_image("copy", "v1", "shared").await;
    server.send("DELETE", &format!("/v2/app/manifests/{digest}"), &[], "").await;
    assert_eq!(server.registry.collect(Duration::ZERO).await.unwrap().blobs, 0);
    // What stays for the other repository is no longer in this one.
    let layer = Digest::of(b"layer shared");
    assert_eq!(server.get(&format!("/v2/app/blobs/{layer}")).await.code(), "BLOB_UNKNOWN");
    assert_eq!(server.get(&format!("/v2/copy/blobs/{layer}")).await.status, 200);
    server.send("DELETE", &format!("/v2/copy/manifests/{digest}"), &[], "").await;
    assert_eq!(server.registry.collect(Duration::ZERO).await.unwrap().blobs, 3);
    assert!(server.registry.blobs().list().await.unwrap().is_empty());
}

#[tokio::test]
async fn asking_for_a_blob_keeps_it() {
    let server = Server::start().await;
    let digest = server.push_blob("app", b"asked for").await;
    server.clock.advance_seconds(7200);
    server.send("HEAD", &format!("/v2/app/blobs/{digest}"), &[], "").await;
    assert_eq!(server.registry.collect(HOUR).await.unwrap().blobs, 0);
    server.clock.advance_seconds(7200);
    assert_eq!(server.registry.collect(HOUR).await.unwrap().blobs, 1);
}

/// With no grace at all a push may be refused, but an image that was accepted is whole.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn pushes_during_collection_are_whole_or_refused() {
    let server = Server::start().await;
    let pushing = async {
        let mut stored = Vec::new();
        for round in 0..3000 {
            // On a busy machine it takes a while until one push is quick enough.
            if round >= 60 && !stored.is_empty() {
                break;
            }
            let (config, layer) = (format!("config {round}"), format!("layer {}", round % 7));
            for blob in [&config, &layer] {
                // In one request: between two, the collection without grace would end the upload.
                let path = format!("/v2/app/blobs/uploads/?digest={}", Digest::of(blob.as_bytes()));
                assert_eq!(server.send("POST", &path, &[], blob.clone()).await.status, 201);
            }
            let document = image(config.as_bytes(), &[layer.as_bytes()]);
            let reply = server.put_manifest("app", &format!("v{round}"), OCI_MANIFEST, &document).await;
            match reply.status.as_u16() {
                201 => stored.push((round, document)),
                _ => assert_eq!(reply.code(), "MANIFEST_BLOB_UNKNOWN"),
            }
        }
        stored
    };
    let registry = server.registry.clone();
    let collecting = tokio::spawn(async move {
        loop {
            registry.collect(Duration::ZERO).await.unwrap();
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    });
    let stored = pushing.await;
    collecting.abort();
    assert!(!stored.is_empty());
    for (round, document) in stored {
        let read = server.get(&format!("/v2/app/manifests/v{round}")).await;
        assert_eq!(read.body, document.to_string());
        for digest in [&document["config"]["digest"], &document["layers"][0]["digest"]] {
            let reply = server.get(&format!("/v2/app/blobs/{}", digest.as_str().unwrap())).await;
            assert_eq!(reply.status, 200, "{round} {digest}");
        }
    }
}
