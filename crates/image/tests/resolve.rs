//! Resolving references against registries that refuse, lie, stall or are none.
#![allow(clippy::unwrap_used, clippy::panic, reason = "test helpers fail by panicking")]

mod support;

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use landfall_image::{
    BuiltImage, Client, ClientOptions, Credential, Digest, ImageBuilder, Platform, PullError,
    PullErrorKind as Kind, media,
};
use support::{Registry, Reply, Seen, hasty_client};

fn amd64() -> Platform {
    Platform::linux("amd64")
}

fn image() -> BuiltImage {
    let files = [("hello", 0o644, b"hello".as_slice())];
    ImageBuilder::new(&amd64()).layer(files).unwrap().build().unwrap()
}

fn bob() -> Credential {
    Credential::new("bob", "hunter2-secret")
}

async fn resolve_error(registry: &Registry, credential: Option<&Credential>) -> PullError {
    let reference = registry.reference("team/app:v1");
    let error = hasty_client().resolve(&reference, credential, &amd64()).await.unwrap_err();
    for text in [error.to_string(), format!("{error:?}"), error.containerd_text(), error.docker_text()] {
        assert!(!text.contains("hunter2"), "{text}");
    }
    error
}

const BASIC_BOB: &str = "Basic Ym9iOmh1bnRlcjItc2VjcmV0";

#[tokio::test]
async fn each_refusal_has_its_kind_and_its_texts() {
    let html = || Reply::new(200, "text/html; charset=utf-8", "<html>hi</html>");
    let cases: [(Reply, Kind, &str, &str); 9] = [
        (
            Reply::error(401, "UNAUTHORIZED", "authentication required"),
            Kind::Unauthorized,
            "failed with status code [manifests v1]: 401 Unauthorized",
            "Error response from daemon: unauthorized",
        ),
        (
            Reply::error(401, "UNAUTHORIZED", "authentication required")
                .with("www-authenticate", "Basic realm=x"),
            Kind::NoCredential,
            "401 Unauthorized",
            "no basic auth credentials",
        ),
        (
            Reply::error(403, "DENIED", "User: u is not authorized"),
            Kind::Denied,
            "failed with status code [manifests v1]: 403 Forbidden",
            "denied: User: u is not authorized",
        ),
        (
            Reply::error(404, "MANIFEST_UNKNOWN", "manifest unknown"),
            Kind::NotFound,
            "/team/app:v1: not found",
            "manifest unknown: manifest unknown",
        ),
        (
            Reply::error(404, "NAME_UNKNOWN", "repository name not known to registry"),
            Kind::NotFound,
            "not found",
            "name unknown: repository name not known to registry",
        ),
        (
            Reply::error(429, "TOOMANYREQUESTS", "slow down").with("retry-after", "3600"),
            Kind::TooManyRequests,
            "429 Too Many Requests",
            "toomanyrequests: slow down",
        ),
        (
            Reply::new(500, "text/plain", "oops"),
            Kind::Server(500),
            "500 Internal Server Error",
            "500 Internal",
        ),
        (html(), Kind::NotARegistry, "unexpected status", ""),
        (Reply { status: 404, ..html() }, Kind::NotARegistry, "404 Not Found", ""),
    ];
    for (reply, kind, containerd, docker) in cases {
        let shown = format!("{reply:?}");
        let registry = Registry::start(move |_| reply.clone()).await;
        let error = resolve_error(&registry, None).await;
        assert_eq!(error.kind(), kind, "{shown}: {error}");
        assert!(error.containerd_text().contains(containerd), "{}", error.containerd_text());
        assert!(error.docker_text().contains(docker), "{}", error.docker_text());
    }
}

#[tokio::test]
async fn passing_trouble_passes() {
    for (status, header) in [(429, Some("0")), (500, None), (502, None), (503, Some("0"))] {
        let count = AtomicUsize::new(0);
        let registry = Registry::serving(&image(), move |_| {
            let reply = Reply::error(status, "X", "later");
            let reply = match header {
                Some(seconds) => reply.with("retry-after", seconds),
                None => reply,
            };
            (count.fetch_add(1, Ordering::SeqCst) < 2).then_some(reply)
        })
        .await;
        let resolved = hasty_client().resolve(&registry.reference("app"), None, &amd64()).await.unwrap();
        assert_eq!(resolved.digest, image().digest());
        assert_eq!(registry.seen().len(), 3, "{status}");
    }
}

#[tokio::test]
async fn a_closed_port_is_named_in_gos_words() {
    let registry = Registry::start(|_| Reply::hang()).await;
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    drop(listener);
    let reference = format!("127.0.0.1:{port}/app").parse().unwrap();
    let error = hasty_client().resolve(&reference, None, &amd64()).await.unwrap_err();
    assert_eq!((error.kind(), error.attempts()), (Kind::Connection, 4));
    assert_eq!(
        error.docker_text(),
        format!(
            "Error response from daemon: Get \"http://127.0.0.1:{port}/v2/\": dial tcp 127.0.0.1:{port}: connect: \
             connection refused"
        )
    );
    drop(registry);
}

#[tokio::test]
async fn a_silent_registry_runs_into_the_time_limits() {
    let registry = Registry::start(|_| Reply::hang()).await;
    let error = resolve_error(&registry, None).await;
    assert_eq!((error.kind(), error.attempts()), (Kind::Timeout, 2));
    let client = Client::new(ClientOptions {
        manifest_timeout: Duration::from_millis(100),
        ..hasty_client().options().clone()
    })
    .unwrap();
    let error = client.resolve(&registry.reference("app"), None, &amd64()).await.unwrap_err();
    assert_eq!(error.kind(), Kind::Timeout);
    assert!(error.to_string().contains("no manifest within"), "{error}");
}

#[tokio::test]
async fn a_password_goes_only_where_it_is_asked_for() {
    let registry = Registry::serving(&image(), |seen| match seen.authorization.as_deref() {
        Some(BASIC_BOB) => None,
        _ => Some(
            Reply::error(401, "UNAUTHORIZED", "no").with("www-authenticate", "Negotiate, Basic realm=\"r\""),
        ),
    })
    .await;
    let (client, reference) = (hasty_client(), registry.reference("app"));
    client.resolve(&reference, Some(&bob()), &amd64()).await.unwrap();
    client.resolve(&reference, Some(&bob()), &amd64()).await.unwrap();
    let sent: Vec<bool> = registry.seen().iter().map(|seen| seen.authorization.is_some()).collect();
    assert_eq!(sent, [false, true, true]);
    // Another credential for the same registry gets nothing from the first one's.
    let mallory = Credential::new("mallory", "x");
    let error = client.resolve(&reference, Some(&mallory), &amd64()).await.unwrap_err();
    assert_eq!(error.kind(), Kind::Unauthorized);
    assert_eq!(client.resolve(&reference, None, &amd64()).await.unwrap_err().kind(), Kind::NoCredential);
}

/// A token server that sells `good` to bob and `anonymous` to everybody.
async fn token_server() -> Registry {
    Registry::start(|seen| match seen.authorization.as_deref() {
        Some(BASIC_BOB) => Reply::new(200, "application/json", r#"{"token":"good","expires_in":300}"#),
        Some(_) => Reply::new(401, "application/json", r#"{"details":"incorrect username or password"}"#),
        None => Reply::new(200, "application/json", r#"{"access_token":"anonymous"}"#),
    })
    .await
}

async fn bearer_registry(tokens: &Registry) -> Registry {
    let challenge = format!(
        "Bearer realm=\"http://{}/token\",service=\"reg\",scope=\"repository:somebody/else:pull\"",
        tokens.address
    );
    Registry::serving(&image(), move |seen| match seen.authorization.as_deref() {
        Some("Bearer good") => None,
        Some("Bearer anonymous") => Some(
            Reply::error(401, "UNAUTHORIZED", "authentication required")
                .with("www-authenticate", format!("{challenge},error=\"insufficient_scope\"")),
        ),
        _ => Some(Reply::error(401, "UNAUTHORIZED", "").with("www-authenticate", challenge.clone())),
    })
    .await
}

#[tokio::test]
async fn tokens_are_bought_with_the_credential_for_our_scope_and_kept() {
    let tokens = token_server().await;
    let registry = bearer_registry(&tokens).await;
    let (client, reference) = (hasty_client(), registry.reference("team/app"));
    for _ in 0..3 {
        client.resolve(&reference, Some(&bob()), &amd64()).await.unwrap();
    }
    let bought = tokens.seen();
    assert_eq!(bought.len(), 1);
    assert_eq!(bought[0].query, "service=reg&scope=repository%3Ateam%2Fapp%3Apull&account=bob");
    // The password never went to the registry itself.
    let sent: Vec<Option<String>> = registry.seen().into_iter().map(|seen| seen.authorization).collect();
    let good = || Some("Bearer good".to_owned());
    assert_eq!(sent, [None, good(), good(), good()]);
}

#[tokio::test]
async fn tokens_that_are_refused_or_not_enough() {
    let tokens = token_server().await;
    let registry = bearer_registry(&tokens).await;
    let error = resolve_error(&registry, None).await;
    assert_eq!((error.kind(), error.registry_code()), (Kind::Unauthorized, Some("insufficient_scope")));
    assert!(error.containerd_text().ends_with(
        "pull access denied, repository does not exist or may require authorization: server message: \
         insufficient_scope: authorization failed"
    ));
    let error = resolve_error(&registry, Some(&Credential::new("bob", "wrong"))).await;
    assert_eq!((error.kind(), error.message()), (Kind::Unauthorized, "incorrect username or password"));
    assert_eq!(
        error.docker_text(),
        "Error response from daemon: unauthorized: incorrect username or password"
    );
    assert!(error.containerd_text().contains("failed to authorize: failed to fetch oauth token"));
}

#[tokio::test]
async fn manifests_that_lie_loop_or_are_too_long() {
    let other = Digest::of(b"other");
    let index = format!(
        r#"{{"schemaVersion":2,"manifests":[{{"mediaType":"{}","digest":"{other}","size":1}}]}}"#,
        media::OCI_INDEX
    );
    let cases = [
        (
            Reply::new(200, media::OCI_MANIFEST, image().manifest)
                .with("docker-content-digest", other.as_str()),
            Kind::DigestMismatch,
            "unexpected manifest digest",
        ),
        (Reply::new(200, media::OCI_INDEX, index), Kind::DigestMismatch, "unexpected manifest digest"),
        (
            Reply::new(200, media::OCI_MANIFEST, vec![b' '; (4 << 20) + 1]),
            Kind::LimitExceeded,
            "longer than 4194304 bytes",
        ),
        (Reply::new(200, "application/json", r#"{"schemaVersion":1}"#), Kind::InvalidManifest, "schema 1"),
        (Reply::new(200, "application/json", "{"), Kind::InvalidManifest, "not valid JSON"),
        (Reply::new(302, "text/plain", ""), Kind::RefusedRedirect, "without a usable `Location`"),
        (Reply::new(302, "text/plain", "").with("location", "/again"), Kind::RefusedRedirect, "5 redirects"),
    ];
    for (reply, kind, message) in cases {
        let registry = Registry::start(move |_| reply.clone()).await;
        let error = resolve_error(&registry, None).await;
        assert_eq!(error.kind(), kind, "{error}");
        assert!(error.message().contains(message), "{error}");
    }
}

#[tokio::test]
async fn a_pinned_digest_is_checked_whatever_the_registry_says() {
    let registry = Registry::serving(&image(), |_| None).await;
    let reference = registry.reference(&format!("app@{}", Digest::of(b"wanted")));
    let error = hasty_client().resolve(&reference, None, &amd64()).await.unwrap_err();
    assert_eq!(error.kind(), Kind::DigestMismatch);
    let reference = registry.reference(&format!("app@{}", image().digest()));
    assert_eq!(
        hasty_client().resolve(&reference, None, &amd64()).await.unwrap().manifest_digest,
        image().digest()
    );
    assert_eq!(hasty_client().head_manifest(&reference, None).await.unwrap(), Some(image().digest()));
}

fn index_of(entries: &[(&[u8], &str, Option<&str>)]) -> String {
    let entries = entries.iter().map(|(bytes, media_type, architecture)| {
        let platform = architecture
            .map(|name| format!(r#","platform":{{"os":"linux","architecture":"{name}"}}"#))
            .unwrap_or_default();
        let (digest, size) = (Digest::of(bytes), bytes.len());
        format!(r#"{{"mediaType":"{media_type}","digest":"{digest}","size":{size}{platform}}}"#)
    });
    let entries: Vec<String> = entries.collect();
    format!(r#"{{"schemaVersion":2,"mediaType":"{}","manifests":[{}]}}"#, media::OCI_INDEX, entries.join(","))
}

/// Serves documents by digest, and the last one under every other name.
async fn documents(texts: Vec<String>) -> Registry {
    let documents: Vec<(String, String)> =
        texts.into_iter().map(|text| (Digest::of(text.as_bytes()).to_string(), text)).collect();
    Registry::start(move |seen: &Seen| {
        let name = seen.path.rsplit('/').next().unwrap_or_default();
        let named = documents.iter().find(|(digest, _)| digest == name).or(documents.last());
        Reply::new(200, "application/octet-stream", named.map(|(_, text)| text.clone()).unwrap_or_default())
    })
    .await
}

#[tokio::test]
async fn the_platform_is_found_through_nested_indexes() {
    let manifest = String::from_utf8(image().manifest.to_vec()).unwrap();
    let inner = index_of(&[(manifest.as_bytes(), media::OCI_MANIFEST, Some("amd64"))]);
    let empty = index_of(&[]);
    let outer =
        index_of(&[(empty.as_bytes(), media::OCI_INDEX, None), (inner.as_bytes(), media::OCI_INDEX, None)]);
    let registry = documents(vec![manifest, inner, empty, outer.clone()]).await;
    let resolved = hasty_client().resolve(&registry.reference("app"), None, &amd64()).await.unwrap();
    assert_eq!(resolved.manifest_digest, image().digest());
    assert_eq!(resolved.digest, Digest::of(outer.as_bytes()));

    let arm = Platform::linux("s390x");
    let error = hasty_client().resolve(&registry.reference("app"), None, &arm).await.unwrap_err();
    assert_eq!(error.kind(), Kind::PlatformMismatch);
    assert_eq!(
        error.containerd_text(),
        "image Manifest does not contain descriptor matching platform 'linux/s390x'"
    );
}

#[tokio::test]
async fn nesting_is_bounded() {
    let mut texts = vec![String::from_utf8(image().manifest.to_vec()).unwrap()];
    for _ in 0..6 {
        let below = texts.last().unwrap().clone();
        texts.push(index_of(&[(below.as_bytes(), media::OCI_INDEX, None)]));
    }
    let registry = documents(texts).await;
    let error = resolve_error(&registry, None).await;
    assert_eq!(error.kind(), Kind::InvalidManifest);
    assert!(error.message().contains("nested"), "{error}");
}
