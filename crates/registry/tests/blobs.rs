//! Blobs and uploads over HTTP.

mod support;

use std::time::Duration;

use landfall_registry::{Digest, Limits, Repository};
use support::Server;
use tokio::io::AsyncWriteExt as _;

#[tokio::test]
async fn read_a_blob_and_its_ranges() {
    let server = Server::start().await;
    let digest = server.push_blob("app", b"0123456789").await;
    let path = format!("/v2/app/blobs/{digest}");
    let cases = [
        (None, 200, "0123456789", None),
        (Some("bytes=2-4"), 206, "234", Some("bytes 2-4/10")),
        (Some("bytes=8-"), 206, "89", Some("bytes 8-9/10")),
        (Some("bytes=-1"), 206, "9", Some("bytes 9-9/10")),
        (Some("bytes=0-1,4-5"), 200, "0123456789", None),
    ];
    for (range, status, body, content_range) in cases {
        let headers: Vec<(&str, &str)> = range.iter().map(|range| ("range", *range)).collect();
        let reply = server.send("GET", &path, &headers, "").await;
        assert_eq!((reply.status.as_u16(), &reply.body[..]), (status, body.as_bytes()), "{range:?}");
        assert_eq!(reply.header("docker-content-digest"), digest.to_string());
        assert_eq!(reply.headers.get("content-range").map(|value| value.to_str().unwrap()), content_range);
    }
    let past = server.send("GET", &path, &[("range", "bytes=10-")], "").await;
    assert_eq!((past.status.as_u16(), past.header("content-range")), (416, "bytes */10"));
    let head = server.send("HEAD", &path, &[], "").await;
    assert_eq!((head.status.as_u16(), head.header("content-length"), head.body.len()), (200, "10", 0));
}

#[tokio::test]
async fn a_blob_belongs_to_its_repository() {
    let server = Server::start().await;
    let digest = server.push_blob("mine", b"private").await;
    server.push_blob("other", b"else").await;
    for method in ["GET", "HEAD", "DELETE"] {
        assert_eq!(
            server.send(method, &format!("/v2/other/blobs/{digest}"), &[], "").await.status,
            404,
            "{method}"
        );
    }
    assert_eq!(server.get(&format!("/v2/other/blobs/{digest}")).await.code(), "BLOB_UNKNOWN");
}

#[tokio::test]
async fn upload_in_one_request() {
    let server = Server::start().await;
    let digest = Digest::of(b"hello");
    let reply = server.send("POST", &format!("/v2/app/blobs/uploads/?digest={digest}"), &[], "hello").await;
    assert_eq!(reply.status, 201);
    assert_eq!(reply.header("location"), format!("/v2/app/blobs/{digest}"));
    assert_eq!(server.get(reply.header("location")).await.body, "hello");
}

#[tokio::test]
async fn upload_in_chunks_and_resume() {
    let server = Server::start().await;
    let path = server.begin("app").await;
    let first = server.send("PATCH", &path, &[("content-range", "0-4")], "hello").await;
    assert_eq!((first.status.as_u16(), first.header("range")), (202, "0-4"));

    let again = server.send("PATCH", &path, &[("content-range", "0-4")], "hello").await;
    assert_eq!(
        (again.status.as_u16(), again.header("range"), again.code().as_str()),
        (416, "0-4", "BLOB_UPLOAD_INVALID")
    );
    let gap = server.send("PATCH", &path, &[("content-range", "7-8")], "xx").await;
    assert_eq!(gap.status, 416);
    let liar = server.send("PATCH", &path, &[("content-range", "5-6")], "xxx").await;
    assert_eq!((liar.status.as_u16(), liar.code().as_str()), (400, "SIZE_INVALID"));
    let garbled = server.send("PATCH", &path, &[("content-range", "5")], "xxx").await;
    assert_eq!(garbled.status, 400);

    let status = server.get(&path).await;
    assert_eq!((status.status.as_u16(), status.header("range")), (204, "0-4"));
    let second = server.send("PATCH", &path, &[("content-range", "5-6")], ", ").await;
    assert_eq!(second.header("range"), "0-6");

    let digest = Digest::of(b"hello, world");
    let done =
        server.send("PUT", &format!("{path}?digest={digest}"), &[("content-range", "7-11")], "world").await;
    assert_eq!(
        (done.status.as_u16(), done.header("docker-content-digest")),
        (201, digest.to_string().as_str())
    );
    assert_eq!(server.get(&format!("/v2/app/blobs/{digest}")).await.body, "hello, world");
    assert_eq!(server.get(&path).await.code(), "BLOB_UPLOAD_UNKNOWN");
}

#[tokio::test]
async fn a_broken_connection_can_be_resumed() {
    let server = Server::start().await;
    let path = server.begin("app").await;
    let mut stream = tokio::net::TcpStream::connect(&server.host).await.unwrap();
    let head = format!(
        "PATCH {path} HTTP/1.1\r\nhost: x\r\nauthorization: {}\r\ncontent-length: 100\r\n\r\nhello",
        support::basic("alice", "secret")
    );
    stream.write_all(head.as_bytes()).await.unwrap();
    stream.shutdown().await.unwrap();
    drop(stream);
    let digest = Digest::of(b"hello, world");
    // The server notices the end of the connection when it does; until then the upload is busy.
    let mut range = "0-0".to_owned();
    for _ in 0..2000 {
        range = server.get(&path).await.header("range").to_owned();
        if range != "0-0" {
            break;
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    assert_eq!(range, "0-4");
    let done = server.send("PUT", &format!("{path}?digest={digest}"), &[], ", world").await;
    assert_eq!(done.status, 201, "{:?}", done.body);
}

#[tokio::test]
async fn completion_is_checked() {
    let server = Server::start().await;
    let path = server.begin("app").await;
    for (query, code) in
        [("", "DIGEST_INVALID"), ("?digest=sha256:1", "DIGEST_INVALID"), ("?digest=md5:00", "DIGEST_INVALID")]
    {
        let reply = server.send("PUT", &format!("{path}{query}"), &[], "x").await;
        assert_eq!((reply.status.as_u16(), reply.code().as_str()), (400, code), "{query}");
    }
    let lie = server.send("PUT", &format!("{path}?digest={}", Digest::of(b"truth")), &[], "lie").await;
    assert_eq!((lie.status.as_u16(), lie.code().as_str()), (400, "DIGEST_INVALID"));
    assert_eq!(server.get(&path).await.status, 404);
    assert_eq!(server.get(&format!("/v2/app/blobs/{}", Digest::of(b"lie"))).await.code(), "BLOB_UNKNOWN");
}

#[tokio::test]
async fn uploads_are_bound_to_repository_and_can_be_cancelled() {
    let server = Server::start().await;
    let path = server.begin("app").await;
    server.begin("other").await;
    let foreign = path.replace("/app/", "/other/");
    assert_eq!(server.send("PATCH", &foreign, &[], "x").await.code(), "BLOB_UPLOAD_UNKNOWN");
    assert_eq!(server.send("DELETE", &path, &[], "").await.status, 204);
    assert_eq!(server.send("PATCH", &path, &[], "x").await.status, 404);
    assert_eq!(server.send("PATCH", "/v2/app/blobs/uploads/..%2f..%2fx", &[], "x").await.status, 404);
}

#[tokio::test]
async fn an_upload_ends_with_its_repository() {
    let server = Server::start().await;
    let (kept, path, swept) =
        (server.begin("other").await, server.begin("app").await, server.begin("app").await);
    assert_eq!(server.send("PATCH", &path, &[], "old").await.status, 202);
    let app = Repository { namespace: "".into(), name: "app".parse().unwrap() };
    assert!(server.registry.catalog().remove_repository(&app));
    assert_eq!(server.get(&path).await.code(), "BLOB_UPLOAD_UNKNOWN");
    let fresh = server.begin("app").await;
    let digest = Digest::of(b"old");
    for path in [&path, &swept] {
        for (method, query) in
            [("GET", ""), ("PATCH", ""), ("PUT", &*format!("?digest={digest}")), ("DELETE", "")]
        {
            let reply = server.send(method, &format!("{path}{query}"), &[], "").await;
            assert_eq!(reply.status, 404, "{method}");
            assert_eq!(reply.code(), "BLOB_UPLOAD_UNKNOWN", "{method}");
        }
    }
    assert_eq!(server.get(&format!("/v2/app/blobs/{digest}")).await.status, 404);
    assert!(server.registry.catalog().remove_repository(&app));
    assert_eq!(server.registry.close_orphaned_uploads().await.unwrap(), 1);
    assert_eq!(std::fs::read_dir(server.dir.path().join("uploads")).unwrap().count(), 1);
    assert_eq!(server.get(&fresh).await.status, 404);
    assert_eq!(server.get(&kept).await.status, 204);
}

#[tokio::test]
async fn limits() {
    let server = Server::with_limits(Limits { blob_bytes: 4, uploads: 2, ..Limits::default() }).await;
    let path = server.begin("app").await;
    let large = server.send("PATCH", &path, &[], "12345").await;
    assert_eq!((large.status.as_u16(), large.code().as_str()), (413, "SIZE_INVALID"));
    server.begin("app").await;
    let many = server.send("POST", "/v2/app/blobs/uploads/", &[], "").await;
    assert_eq!((many.status.as_u16(), many.code().as_str()), (429, "TOOMANYREQUESTS"));
    assert_eq!(many.header("retry-after"), "60");
}

#[tokio::test]
async fn mount() {
    let server = Server::start().await;
    let digest = server.push_blob("source", b"shared").await;
    let mounted =
        server.send("POST", &format!("/v2/target/blobs/uploads/?mount={digest}&from=source"), &[], "").await;
    assert_eq!(
        (mounted.status.as_u16(), mounted.header("location")),
        (201, format!("/v2/target/blobs/{digest}").as_str())
    );
    assert_eq!(server.get(&format!("/v2/target/blobs/{digest}")).await.body, "shared");
    let absent = Digest::of(b"absent");
    for query in [
        format!("mount={absent}&from=source"),
        format!("mount={digest}&from=unknown"),
        format!("mount={digest}"),
    ] {
        let reply = server.send("POST", &format!("/v2/third/blobs/uploads/?{query}"), &[], "").await;
        assert_eq!(reply.status, 202, "{query}");
    }
    assert_eq!(server.get(&format!("/v2/third/blobs/{digest}")).await.status, 404);
}

#[tokio::test]
async fn concurrent_uploads_of_the_same_content() {
    let server = Server::start().await;
    let content: Vec<u8> = (0..3_000_000u32).flat_map(u32::to_le_bytes).collect();
    let pushes = (0..8).map(|n| {
        let (server, content) = (&server, &content);
        async move { server.push_blob(&format!("app{n}"), content).await }
    });
    let digests = futures_util::future::join_all(pushes).await;
    assert_eq!(server.registry.blobs().list().await.unwrap().len(), 1);
    for (n, digest) in digests.iter().enumerate() {
        assert_eq!(server.get(&format!("/v2/app{n}/blobs/{digest}")).await.body, content);
    }
    assert_eq!(std::fs::read_dir(server.dir.path().join("uploads")).unwrap().count(), 0);
}

#[tokio::test]
async fn deletion() {
    let server = Server::start().await;
    server.push_image("app", "v1", "x").await;
    let named = Digest::of(b"layer x");
    let reply = server.send("DELETE", &format!("/v2/app/blobs/{named}"), &[], "").await;
    assert_eq!((reply.status.as_u16(), reply.code().as_str()), (405, "UNSUPPORTED"));
    assert_eq!(reply.header("allow"), "GET, HEAD");
    let free = server.push_blob("app", b"free").await;
    let path = format!("/v2/app/blobs/{free}");
    assert_eq!(server.send("DELETE", &path, &[], "").await.status, 202);
    assert_eq!(server.send("DELETE", &path, &[], "").await.status, 404);
    assert_eq!(server.get(&path).await.status, 404);
}

#[tokio::test]
async fn what_the_client_has_is_not_sent_again() {
    let server = Server::start().await;
    let (image, _) = server.push_image("app", "v1", "x").await;
    let layer = Digest::of(b"layer x");
    for (path, digest) in [
        (format!("/v2/app/blobs/{layer}"), layer),
        ("/v2/app/manifests/v1".to_owned(), image),
        (format!("/v2/app/manifests/{image}"), image),
    ] {
        for method in ["GET", "HEAD"] {
            let known = format!("\"{digest}\"");
            let reply = server.send(method, &path, &[("if-none-match", &known)], "").await;
            assert_eq!((reply.status.as_u16(), reply.body.len()), (304, 0), "{method} {path}");
            assert_eq!(reply.header("etag"), known);
            assert_eq!(reply.header("docker-content-digest"), digest.to_string());
            assert!(reply.headers.get("content-length").is_none());
            let other = server.send(method, &path, &[("if-none-match", "\"sha256:0\"")], "").await;
            assert_eq!(other.status, 200, "{method} {path}");
        }
    }
}
