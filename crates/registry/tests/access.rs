//! Who may: challenges, refusals, permissions, tokens; and paths that are refused before anything else.

mod support;

use http::Method;
use support::{Server, basic};

#[tokio::test]
async fn ping() {
    let server = Server::start().await;
    let cases = [
        (None, 401),
        (Some(basic("alice", "wrong")), 401),
        (Some(basic("mallory", "secret")), 401),
        (Some("Basic !!!".to_owned()), 400),
        (Some("Bearer guessed".to_owned()), 401),
        (Some(basic("nobody", "secret")), 200),
        (Some(basic("alice", "secret")), 200),
    ];
    for (authorization, expected) in cases {
        let headers: Vec<(&str, &str)> =
            authorization.iter().map(|value| ("authorization", value.as_str())).collect();
        let reply = server.raw(Method::GET, "/v2/", &headers, "").await;
        assert_eq!(reply.status, expected, "{authorization:?}");
        assert_eq!(reply.header("docker-distribution-api-version"), "registry/2.0");
        if expected == 401 {
            assert_eq!(reply.header("www-authenticate"), "Basic realm=\"registry\"");
            assert_eq!(reply.code(), "UNAUTHORIZED");
        }
    }
}

#[tokio::test]
async fn permissions() {
    let server = Server::start().await;
    server.push_image("app", "v1", "x").await;
    let cases = [
        ("reader", "GET", "/v2/app/manifests/v1", 200),
        ("reader", "GET", "/v2/app/tags/list", 200),
        ("reader", "POST", "/v2/app/blobs/uploads/", 403),
        ("reader", "PUT", "/v2/app/manifests/v2", 403),
        ("reader", "DELETE", "/v2/app/manifests/v1", 403),
        ("nobody", "GET", "/v2/app/manifests/v1", 403),
        // Who may not read does not learn what exists.
        ("nobody", "GET", "/v2/absent/manifests/v1", 403),
    ];
    for (user, method, path, expected) in cases {
        let authorization = basic(user, "secret");
        let reply = server.raw(method.parse().unwrap(), path, &[("authorization", &authorization)], "").await;
        assert_eq!(reply.status, expected, "{user} {method} {path}");
        if expected == 403 {
            assert_eq!(reply.code(), "DENIED");
        }
    }
}

#[tokio::test]
async fn tokens_are_bound_to_their_scope() {
    let server = Server::with_tokens().await;
    let challenge = server.raw(Method::GET, "/v2/app/tags/list", &[], "").await;
    let header = challenge.header("www-authenticate").to_owned();
    assert!(header.starts_with("Bearer realm=\"http://127.0.0.1:"), "{header}");
    assert!(header.ends_with("service=\"registry\",scope=\"repository:app:pull\""), "{header}");

    let access = server.registry.access();
    let service = landfall_registry::TokenService::new(std::sync::Arc::clone(access));
    let ask = |password: &str, scope: &str| {
        let request = http::Request::get(format!("/token?scope={scope}"))
            .header("authorization", basic("alice", password));
        service.handle(&request.body(()).unwrap())
    };
    assert_eq!(ask("wrong", "repository:app:pull").status(), 401);
    let body = http_body_util::BodyExt::collect(ask("secret", "repository:app:pull,push").into_body())
        .await
        .unwrap();
    let answer: serde_json::Value = serde_json::from_slice(&body.to_bytes()).unwrap();
    let bearer = format!("Bearer {}", answer["token"].as_str().unwrap());
    for (method, path, expected) in [
        ("POST", "/v2/app/blobs/uploads/", 202),
        ("GET", "/v2/app/tags/list", 200),
        ("GET", "/v2/other/tags/list", 401),
    ] {
        let reply = server.raw(method.parse().unwrap(), path, &[("authorization", &bearer)], "").await;
        assert_eq!(reply.status, expected, "{method} {path}");
    }
}

#[tokio::test]
async fn paths_and_methods() {
    let server = Server::start().await;
    let digest = landfall_registry::Digest::of(b"");
    let cases = [
        ("GET", "/".to_owned(), 404, "UNSUPPORTED"),
        ("GET", "/v2/x/y".to_owned(), 404, "UNSUPPORTED"),
        ("POST", "/v2/".to_owned(), 405, "UNSUPPORTED"),
        ("PUT", format!("/v2/app/blobs/{digest}"), 405, "UNSUPPORTED"),
        ("GET", "/v2/app/blobs/uploads/".to_owned(), 405, "UNSUPPORTED"),
        ("GET", "/v2/App/tags/list".to_owned(), 400, "NAME_INVALID"),
        ("GET", "/v2/a/%2e%2e/b/tags/list".to_owned(), 400, "NAME_INVALID"),
        ("GET", "/v2/a%2fb/tags/list".to_owned(), 400, "NAME_INVALID"),
        ("GET", "/v2/app/blobs/sha256:1".to_owned(), 400, "DIGEST_INVALID"),
        ("GET", "/v2/app/referrers/latest".to_owned(), 400, "DIGEST_INVALID"),
        ("GET", "/v2/app/tags/list".to_owned(), 404, "NAME_UNKNOWN"),
        ("GET", format!("/v2/app/blobs/{digest}"), 404, "NAME_UNKNOWN"),
    ];
    for (method, path, status, code) in cases {
        let reply = server.send(method, &path, &[], "").await;
        assert_eq!((reply.status.as_u16(), reply.code().as_str()), (status, code), "{method} {path}");
    }
    for (method, path, allowed) in [
        ("POST", "/v2/".to_owned(), "GET, HEAD"),
        ("POST", format!("/v2/app/blobs/{digest}"), "GET, HEAD, DELETE"),
        ("POST", "/v2/app/manifests/v1".to_owned(), "GET, HEAD, PUT, DELETE"),
    ] {
        assert_eq!(server.send(method, &path, &[], "").await.header("allow"), allowed, "{method} {path}");
    }
}
