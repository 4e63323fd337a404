//! Manifests, tags, referrers and repositories over HTTP.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on should stop")]

mod support;

use landfall_registry::{Catalog as _, Digest, ErrorCode, Manifest, Reference, Repository};
use serde_json::{Value, json};
use support::{OCI_INDEX, OCI_MANIFEST, Server, descriptor, image};

fn digest_of(document: &Value) -> Digest {
    Digest::of(document.to_string().as_bytes())
}

#[tokio::test]
async fn store_and_read_by_tag_and_digest() {
    let server = Server::start().await;
    let (digest, document) = server.push_image("team/app", "v1", "x").await;
    for reference in ["v1".to_owned(), digest.to_string()] {
        let path = format!("/v2/team/app/manifests/{reference}");
        let reply = server.get(&path).await;
        assert_eq!((reply.status.as_u16(), &reply.body[..]), (200, document.to_string().as_bytes()));
        assert_eq!(reply.header("content-type"), OCI_MANIFEST);
        assert_eq!(reply.header("docker-content-digest"), digest.to_string());
        let head = server.send("HEAD", &path, &[], "").await;
        assert_eq!((head.status.as_u16(), head.body.len()), (200, 0));
        assert_eq!(head.header("content-length"), document.to_string().len().to_string());
    }
    for reference in ["absent", ".bad", "sha256:bad", &Digest::of(b"").to_string()] {
        let reply = server.get(&format!("/v2/team/app/manifests/{reference}")).await;
        assert_eq!((reply.status.as_u16(), reply.code().as_str()), (404, "MANIFEST_UNKNOWN"), "{reference}");
    }
}

#[tokio::test]
async fn accept_is_honoured() {
    let server = Server::start().await;
    server.push_image("app", "v1", "x").await;
    let cases = [
        (OCI_MANIFEST, 200),
        ("*/*", 200),
        (OCI_INDEX, 404),
        (&format!("{OCI_INDEX}, {OCI_MANIFEST};q=0.1"), 200),
    ];
    for (accept, status) in cases {
        let reply = server.send("GET", "/v2/app/manifests/v1", &[("accept", accept)], "").await;
        assert_eq!(reply.status, status, "{accept}");
    }
}

#[tokio::test]
async fn refused_manifests() {
    let server = Server::start().await;
    server.push_blob("app", b"c").await;
    let good = image(b"c", &[]);
    let mut wrong_size = good.clone();
    wrong_size["config"]["size"] = json!(2);
    let other = Digest::of(b"other").to_string();
    let child = json!({ "schemaVersion": 2, "manifests": [descriptor(OCI_MANIFEST, b"absent")] });
    let (_, kept) = server.push_image("app", "kept", "x").await;
    let named = |media_type: &str, more: u64| {
        let mut child = descriptor(media_type, kept.to_string().as_bytes());
        child["size"] = json!(child["size"].as_u64().unwrap() + more);
        json!({ "schemaVersion": 2, "manifests": [child] })
    };
    let cases = [
        ("missing layer", "v1", OCI_MANIFEST, image(b"c", &[b"absent"]), 404, "MANIFEST_BLOB_UNKNOWN"),
        ("missing child", "v1", OCI_INDEX, child, 404, "MANIFEST_BLOB_UNKNOWN"),
        ("wrong size", "v1", OCI_MANIFEST, wrong_size, 400, "SIZE_INVALID"),
        ("wrong size of a child", "v1", OCI_INDEX, named(OCI_MANIFEST, 1), 400, "SIZE_INVALID"),
        ("wrong type of a child", "v1", OCI_INDEX, named(OCI_INDEX, 0), 400, "MANIFEST_INVALID"),
        ("not a manifest", "v1", OCI_MANIFEST, json!("x"), 400, "MANIFEST_INVALID"),
        ("wrong type", "v1", OCI_INDEX, good.clone(), 400, "MANIFEST_INVALID"),
        ("wrong digest", &other, OCI_MANIFEST, good.clone(), 400, "DIGEST_INVALID"),
        ("bad digest", "sha256:1", OCI_MANIFEST, good.clone(), 400, "DIGEST_INVALID"),
        ("bad tag", ".x", OCI_MANIFEST, good.clone(), 400, "TAG_INVALID"),
        ("too large", "v1", OCI_MANIFEST, json!("x".repeat(4 << 20)), 413, "SIZE_INVALID"),
    ];
    for (name, reference, media_type, document, status, code) in cases {
        let reply = server.put_manifest("app", reference, media_type, &document).await;
        assert_eq!((reply.status.as_u16(), reply.code().as_str()), (status, code), "{name}");
    }
    assert_eq!(server.get("/v2/app/tags/list").await.json()["tags"], json!(["kept"]));
    assert_eq!(server.put_manifest("app", "v1", OCI_INDEX, &named(OCI_MANIFEST, 0)).await.status, 201);
}

/// Between the look and the write the repository may be removed and made again, or a blob taken out of it.
#[tokio::test]
async fn a_manifest_is_stored_with_all_that_it_names_or_not_at_all() {
    let server = Server::start().await;
    server.push_blob("app", b"c").await;
    let catalog = server.registry.catalog();
    let app = Repository { namespace: "".into(), name: "app".parse().unwrap() };
    let manifest = Manifest::parse(image(b"c", &[]).to_string().as_bytes(), None).unwrap();
    let opened = catalog.open_for_push(&app).await.unwrap();
    catalog.check_manifest(&app, opened, &manifest).await.unwrap();

    assert!(catalog.remove_repository(&app));
    let gone = catalog.put_manifest(&app, opened, manifest.clone(), None).await.unwrap_err();
    server.push_blob("app", b"c").await;
    let another = catalog.put_manifest(&app, opened, manifest.clone(), None).await.unwrap_err();
    assert_eq!([gone.code, another.code], [ErrorCode::NameUnknown; 2]);

    let opened = catalog.open_for_push(&app).await.unwrap();
    catalog.check_manifest(&app, opened, &manifest).await.unwrap();
    catalog.unlink_blob(&app, Digest::of(b"c")).await.unwrap();
    let bare = catalog.put_manifest(&app, opened, manifest.clone(), None).await.unwrap_err();
    assert_eq!(bare.code, ErrorCode::ManifestBlobUnknown);
    let reference = Reference::Digest(manifest.digest);
    assert_eq!(catalog.manifest(&app, &reference).await.unwrap(), None);
}

/// Deeper than any stack, where nothing, where text and where an object is expected.
#[tokio::test]
async fn deeply_nested_documents() {
    let server = Server::start().await;
    server.push_blob("app", b"c").await;
    let deep = "[".repeat(500_000) + &"]".repeat(500_000);
    for (member, statuses) in [("unknown", [201, 400]), ("mediaType", [400, 400]), ("config", [400, 400])] {
        let mut document = image(b"c", &[]);
        document[member] = json!("@");
        let body = document.to_string().replace("\"@\"", &deep);
        let headers = [("content-type", OCI_MANIFEST)];
        let reply = server.send("PUT", "/v2/app/manifests/v1", &headers, body).await;
        assert!(statuses.contains(&reply.status.as_u16()), "{member} {:?}", reply.body);
    }
    assert_eq!(server.get("/v2/").await.status, 200);
}

#[tokio::test]
async fn ten_thousand_tags() {
    let server = Server::start().await;
    let (_, document) = server.push_image("app", "t00000", "x").await;
    for number in 1..10_000 {
        let reply = server.put_manifest("app", &format!("t{number:05}"), OCI_MANIFEST, &document).await;
        assert_eq!(reply.status, 201);
    }
    let (mut path, mut seen) = ("/v2/app/tags/list".to_owned(), Vec::new());
    loop {
        let page = server.get(&path).await;
        let tags = page.json()["tags"].as_array().unwrap().clone();
        assert!(tags.len() <= 1000);
        seen.extend(tags.iter().map(|tag| tag.as_str().unwrap().to_owned()));
        let Some(link) = page.headers.get("link") else { break };
        path = link.to_str().unwrap().trim_start_matches('<').split('>').next().unwrap().to_owned();
    }
    let expected: Vec<String> = (0..10_000).map(|number| format!("t{number:05}")).collect();
    assert_eq!(seen, expected);
}

#[tokio::test]
async fn an_index_and_its_images() {
    let server = Server::start().await;
    let (digest, document) = server.push_image("app", "one", "x").await;
    let index = json!({
        "schemaVersion": 2, "mediaType": OCI_INDEX,
        "manifests": [descriptor(OCI_MANIFEST, document.to_string().as_bytes())],
    });
    let reply = server.put_manifest("app", "all", OCI_INDEX, &index).await;
    assert_eq!(reply.status, 201, "{:?}", reply.body);
    assert_eq!(reply.header("location"), format!("/v2/app/manifests/{}", digest_of(&index)));
    let read = server.get("/v2/app/manifests/all").await;
    assert_eq!(read.json()["manifests"][0]["digest"], digest.to_string());
}

#[tokio::test]
async fn deletion_by_tag_and_digest() {
    let server = Server::start().await;
    let (digest, document) = server.push_image("app", "v1", "x").await;
    server.put_manifest("app", "v2", OCI_MANIFEST, &document).await;
    assert_eq!(server.send("DELETE", "/v2/app/manifests/v1", &[], "").await.status, 202);
    assert_eq!(server.get("/v2/app/manifests/v1").await.status, 404);
    assert_eq!(server.get("/v2/app/manifests/v2").await.status, 200);
    let path = format!("/v2/app/manifests/{digest}");
    assert_eq!(server.send("DELETE", &path, &[], "").await.status, 202);
    assert_eq!(server.send("DELETE", &path, &[], "").await.code(), "MANIFEST_UNKNOWN");
    assert_eq!(server.get("/v2/app/manifests/v2").await.status, 404);
}

#[tokio::test]
async fn tags_in_pages() {
    let server = Server::start().await;
    let (_, document) = server.push_image("app", "b", "x").await;
    for tag in ["C", "a", "D"] {
        server.put_manifest("app", tag, OCI_MANIFEST, &document).await;
    }
    assert_eq!(
        server.get("/v2/app/tags/list").await.json(),
        json!({ "name": "app", "tags": ["a", "b", "C", "D"] })
    );
    let first = server.get("/v2/app/tags/list?n=2").await;
    assert_eq!(first.json()["tags"], json!(["a", "b"]));
    assert_eq!(first.header("link"), "</v2/app/tags/list?n=2&last=b>; rel=\"next\"");
    let second = server.get("/v2/app/tags/list?n=2&last=b").await;
    assert_eq!(second.json()["tags"], json!(["C", "D"]));
    assert!(second.headers.get("link").is_none());
    let none = server.get("/v2/app/tags/list?n=0").await;
    assert_eq!((none.json()["tags"].clone(), none.headers.get("link")), (json!([]), None));
    assert_eq!(server.get("/v2/app/tags/list?n=x").await.code(), "PAGINATION_NUMBER_INVALID");
    assert_eq!(server.get("/v2/app/tags/list?last=/").await.code(), "TAG_INVALID");
}

#[tokio::test]
async fn referrers() {
    let server = Server::start().await;
    let (subject, document) = server.push_image("app", "v1", "x").await;
    server.push_blob("app", b"{}").await;
    let artifact = |kind: &str| {
        let mut artifact = image(b"{}", &[b"{}"]);
        artifact["artifactType"] = json!(kind);
        artifact["annotations"] = json!({ "by": kind });
        artifact["subject"] = descriptor(OCI_MANIFEST, document.to_string().as_bytes());
        artifact
    };
    for kind in ["a/signature", "a/sbom+json"] {
        let stored = artifact(kind);
        let reply = server.put_manifest("app", &digest_of(&stored).to_string(), OCI_MANIFEST, &stored).await;
        assert_eq!((reply.status.as_u16(), reply.header("oci-subject")), (201, subject.to_string().as_str()));
    }
    let all = server.get(&format!("/v2/app/referrers/{subject}")).await;
    assert_eq!(all.header("content-type"), OCI_INDEX);
    assert_eq!(all.json()["manifests"].as_array().unwrap().len(), 2);
    let some = server.get(&format!("/v2/app/referrers/{subject}?artifactType=a/sbom%2Bjson")).await;
    assert_eq!(some.header("oci-filters-applied"), "artifactType");
    let found = some.json()["manifests"].clone();
    assert_eq!(found.as_array().unwrap().len(), 1);
    assert_eq!(found[0]["artifactType"], "a/sbom+json");
    assert_eq!(found[0]["annotations"], json!({ "by": "a/sbom+json" }));
    for repository in ["app", "unknown"] {
        let none = server.get(&format!("/v2/{repository}/referrers/{}", Digest::of(b"none"))).await;
        assert_eq!(
            (none.status.as_u16(), none.json()["manifests"].clone()),
            (200, json!([])),
            "{repository}"
        );
    }
}

/// Pushes manifests about another one, with annotations of so many bytes; their digests, in order.
async fn push_referrers(server: &Server, subject: &Value, kinds: &[&str], bytes: usize) -> Vec<String> {
    let mut digests = Vec::new();
    for (number, kind) in kinds.iter().enumerate() {
        let mut artifact = image(b"{}", &[b"{}"]);
        artifact["artifactType"] = json!(kind);
        artifact["annotations"] = json!({ "number": number.to_string(), "text": "x".repeat(bytes) });
        artifact["subject"] = descriptor(OCI_MANIFEST, subject.to_string().as_bytes());
        let digest = digest_of(&artifact).to_string();
        let reply = server.put_manifest("app", &digest, OCI_MANIFEST, &artifact).await;
        assert_eq!(reply.status, 201, "{:?}", reply.body);
        digests.push(digest);
    }
    digests.sort();
    digests
}

/// The digests of each page, and the answers, by the links that a client follows.
async fn pages(server: &Server, path: String) -> (Vec<Vec<String>>, Vec<support::Reply>) {
    let (mut next, mut found, mut replies) = (Some(path), Vec::new(), Vec::new());
    while let Some(path) = next {
        let reply = server.get(&path).await;
        assert_eq!(reply.status, 200);
        let listed = reply.json()["manifests"].as_array().unwrap().clone();
        found.push(listed.iter().map(|it| it["digest"].as_str().unwrap().to_owned()).collect());
        let link = reply.headers.get("link").map(|link| link.to_str().unwrap());
        next = link
            .map(|link| link.strip_prefix('<').unwrap().strip_suffix(">; rel=\"next\"").unwrap().to_owned());
        replies.push(reply);
    }
    (found, replies)
}

#[tokio::test]
async fn referrers_in_pages() {
    let server = Server::start().await;
    let (subject, document) = server.push_image("app", "v1", "x").await;
    server.push_blob("app", b"{}").await;
    let kind = "a/sbom+json; v=\"1&2\"";
    let kinds: Vec<&str> = (0..130).map(|number| if number % 2 == 0 { kind } else { "b" }).collect();
    let digests = push_referrers(&server, &document, &kinds, 10).await;
    let path = format!("/v2/app/referrers/{subject}");

    let (all, _) = pages(&server, path.clone()).await;
    assert_eq!(all, std::slice::from_ref(&digests), "what fits is not cut");
    let (all, _) = pages(&server, format!("{path}?n=60")).await;
    assert_eq!(all.iter().map(Vec::len).collect::<Vec<_>>(), [60, 60, 10]);
    assert_eq!(all.concat(), digests);
    let (one, _) = pages(&server, format!("{path}?n=0&last={}", digests[127])).await;
    assert_eq!(one, [vec![digests[128].clone()], vec![digests[129].clone()]]);

    let filter = "a/sbom%2Bjson%3B%20v%3D%221%262%22";
    let (some, replies) = pages(&server, format!("{path}?n=60&artifactType={filter}")).await;
    assert_eq!(some.iter().map(Vec::len).collect::<Vec<_>>(), [60, 5]);
    for reply in &replies {
        assert_eq!(reply.header("oci-filters-applied"), "artifactType");
        let listed = reply.json()["manifests"].as_array().unwrap().clone();
        assert!(listed.iter().all(|it| it["artifactType"] == kind));
    }
    let last = some[0].last().unwrap();
    assert_eq!(
        replies[0].header("link"),
        format!("<{path}?last={last}&artifactType={filter}&n=60>; rel=\"next\"")
    );
    assert_eq!(server.get(&format!("{path}?last=x")).await.code(), "DIGEST_INVALID");
    assert_eq!(server.get(&format!("{path}?n=x")).await.code(), "PAGINATION_NUMBER_INVALID");
}

#[tokio::test]
async fn no_page_of_referrers_is_longer_than_clients_read() {
    let server = Server::start().await;
    let (subject, document) = server.push_image("app", "v1", "x").await;
    server.push_blob("app", b"{}").await;
    let mut digests = push_referrers(&server, &document, &["a"; 5], 900 << 10).await;
    digests.extend(push_referrers(&server, &document, &["b"; 2], 4_190_000).await);
    digests.sort();
    let (found, replies) = pages(&server, format!("/v2/app/referrers/{subject}")).await;
    assert_eq!(found.concat(), digests);
    assert!(found.len() >= 4, "{found:?}");
    assert!(replies.iter().all(|reply| reply.body.len() <= 4 << 20));
}

#[tokio::test]
async fn repositories_in_pages() {
    let server = Server::start().await;
    for name in ["b", "a/c", "a"] {
        server.push_blob(name, b"x").await;
    }
    let first = server.get("/v2/_catalog?n=2").await;
    assert_eq!(first.json(), json!({ "repositories": ["a", "a/c"] }));
    assert_eq!(first.header("link"), "</v2/_catalog?n=2&last=a/c>; rel=\"next\"");
    assert_eq!(server.get("/v2/_catalog?n=2&last=a/c").await.json(), json!({ "repositories": ["b"] }));
}
