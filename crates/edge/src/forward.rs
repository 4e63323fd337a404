//! From a visitor's request to a node's answer.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use bytes::Bytes;
use http::header::{CONNECTION, HOST, HeaderName, HeaderValue};
use http::request::Parts;
use http::uri::{PathAndQuery, Scheme, Uri};
use http::{HeaderMap, Method, Request, Response, StatusCode};
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt as _, Empty};
use hyper::body::{Body as _, Incoming};
use hyper::client::conn::http1;
use hyper::upgrade::OnUpgrade;
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::{TokioExecutor, TokioIo};
use landfall_gateway::{Answer, Answering, Front, Secure, streamed};
use landfall_services::lightsail::HealthBoard;
use landfall_services::lightsail::endpoint::{self, Endpoint, Target};
use landfall_services::pipe::Installation;
use tokio::net::TcpStream;

use crate::balance;
use crate::pages::page;
use crate::upgrade;
use crate::watched::{Companion, Progress, Watched};

/// How long a node may take to accept a connection.
const CONNECT_PATIENCE: Duration = Duration::from_secs(5);
/// How long a node may take to begin its answer from the moment it has the request (Lightsail User Guide: idle connections of the load balancer).
const ANSWER_PATIENCE: Duration = Duration::from_secs(60);

/// Headers that are between two neighbours only (RFC 9110 §7.6.1).
const HOP_BY_HOP: &[&str] =
    &["connection", "keep-alive", "proxy-connection", "te", "trailer", "transfer-encoding", "upgrade"];

type RequestBody = UnsyncBoxBody<Bytes, hyper::Error>;

/// Answers for every container service's host names.
pub struct Edge {
    installation: Arc<Installation>,
    board: Arc<HealthBoard>,
    client: Client<HttpConnector, RequestBody>,
    turn: AtomicUsize,
}

impl std::fmt::Debug for Edge {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Edge").finish_non_exhaustive()
    }
}

impl Front for Edge {
    fn claims(&self, parts: &Parts) -> bool {
        // Asked of every request: API calls mostly address the server by a number, which is no service's name.
        let host = host_of(parts).filter(|host| host.parse::<IpAddr>().is_err() && host != "localhost");
        host.is_some_and(|host| endpoint::is_known(&self.installation.store.view(), &host))
    }

    fn answer(&self, request: Request<Incoming>, peer: SocketAddr) -> Answering<'_> {
        Box::pin(self.forward(request, peer))
    }
}

impl Edge {
    /// An edge for the services of an installation.
    pub fn new(installation: Arc<Installation>, board: Arc<HealthBoard>) -> Self {
        let mut connector = HttpConnector::new();
        connector.set_connect_timeout(Some(CONNECT_PATIENCE));
        connector.set_nodelay(true);
        let client = Client::builder(TokioExecutor::new()).build(connector);
        Self { installation, board, client, turn: AtomicUsize::new(0) }
    }

    async fn forward(&self, mut request: Request<Incoming>, peer: SocketAddr) -> Answer {
        let upgrade = hyper::upgrade::on(&mut request);
        let (parts, body) = request.into_parts();
        let Some(host) = host_of(&parts) else {
            return page(StatusCode::BAD_REQUEST, "The request names no host.");
        };
        let targets = match endpoint::endpoint(&self.installation.store.view(), &host) {
            Ok(Some(Endpoint::Nodes(targets))) => targets,
            Ok(Some(Endpoint::Disabled)) => {
                return page(StatusCode::NOT_FOUND, "This container service is disabled.");
            }
            Ok(_) => {
                let text = "This container service has no deployment with a public endpoint yet.";
                return page(StatusCode::NOT_FOUND, text);
            }
            Err(error) => {
                tracing::error!(host, %error, "a container service cannot be read");
                return page(StatusCode::INTERNAL_SERVER_ERROR, "The server's log has the cause.");
            }
        };
        let turn = self.turn.fetch_add(1, Ordering::Relaxed);
        let order = balance::order(targets, &self.board, turn);
        self.first_answer(Visit { parts, peer, upgrade }, body, order).await
    }

    /// Tries one node after the other. A node is given up only before it can have seen the request, or where the request may
    /// be repeated. One that may not goes over a connection of its own: the node may close one that was kept at the very
    /// moment at which it is used again, and nobody could tell whether it took the request. For the same reason one that may
    /// be repeated is asked again over a new connection before nobody is said to answer: there may be one node only.
    async fn first_answer(&self, mut visit: Visit, body: Incoming, order: Vec<Target>) -> Answer {
        let repeatable = body.is_end_stream() && is_idempotent(&visit.parts.method);
        let mut body = Some(body);
        for (target, fresh) in attempts(&order, repeatable) {
            let connection = if fresh {
                let Some(connection) = connect(target.address).await else { continue };
                Some(connection)
            } else {
                None
            };
            let sent = if repeatable {
                empty()
            } else {
                // Taken once: whoever got it answers or fails for good.
                let Some(body) = body.take() else { break };
                body.boxed_unsync()
            };
            match self.ask(&mut visit, sent, target, connection).await {
                Ok(answer) => return answer,
                Err(Unanswered::Late) => {
                    return page(StatusCode::GATEWAY_TIMEOUT, "The container took too long to answer.");
                }
                Err(Unanswered::Broken) if repeatable => {}
                Err(Unanswered::Broken) => {
                    return page(StatusCode::BAD_GATEWAY, "The container closed the connection.");
                }
            }
        }
        page(StatusCode::SERVICE_UNAVAILABLE, "No healthy container can answer.")
    }

    async fn ask(
        &self,
        visit: &mut Visit,
        body: RequestBody,
        target: &Target,
        connection: Option<TcpStream>,
    ) -> Result<Answer, Unanswered> {
        let work = InFlight::begin(&self.board, &target.node);
        let progress = Progress::begin();
        let body = Watched { body, companion: progress.clone() }.boxed_unsync();
        let request = onward(&visit.parts, body, visit.peer, target.address).ok_or(Unanswered::Broken)?;
        let answered = async {
            match connection {
                Some(connection) => over(connection, request).await.map_err(|error| error.to_string()),
                None => self.client.request(request).await.map_err(|error| error.to_string()),
            }
        };
        match progress.patiently(ANSWER_PATIENCE, answered).await {
            Some(Ok(mut response)) => {
                let agreed = upgrade::agreed(&response);
                if agreed.is_some() && upgrade::wanted(&visit.parts).is_none() {
                    return Err(Unanswered::Broken);
                }
                strip(response.headers_mut());
                if let Some(protocol) = agreed {
                    upgrade::mark(response.headers_mut(), protocol);
                    let node = hyper::upgrade::on(&mut response);
                    let visitor = std::mem::replace(&mut visit.upgrade, hyper::upgrade::on(Request::new(())));
                    upgrade::join(visitor, node, work);
                    return Ok(streamed(response.map(|_| empty())));
                }
                Ok(streamed(response.map(|body| Watched { body, companion: work })))
            }
            Some(Err(error)) => {
                tracing::debug!(node = target.node, %error, "a node did not answer");
                Err(Unanswered::Broken)
            }
            None => Err(Unanswered::Late),
        }
    }
}

/// What is known of a request beside its body.
struct Visit {
    parts: Parts,
    peer: SocketAddr,
    /// The connection, once HTTP has ended on it.
    upgrade: OnUpgrade,
}

/// Why there is no answer.
enum Unanswered {
    Broken,
    Late,
}

/// The nodes in the order in which they are asked, and whether over a new connection.
fn attempts(order: &[Target], repeatable: bool) -> impl Iterator<Item = (&Target, bool)> {
    let kept = order.iter().filter(move |_| repeatable).map(|target| (target, false));
    kept.chain(order.iter().map(|target| (target, true)))
}

fn empty() -> RequestBody {
    Empty::new().map_err(|never| match never {}).boxed_unsync()
}

/// Methods that may be sent again (RFC 9110 §9.2.2).
fn is_idempotent(method: &Method) -> bool {
    matches!(
        *method,
        Method::GET | Method::HEAD | Method::OPTIONS | Method::PUT | Method::DELETE | Method::TRACE
    )
}

async fn connect(address: SocketAddr) -> Option<TcpStream> {
    let connected = tokio::time::timeout(CONNECT_PATIENCE, TcpStream::connect(address)).await.ok()?;
    connected.ok().filter(|stream| stream.set_nodelay(true).is_ok())
}

/// Sends a request as the only one of a connection.
async fn over(connection: TcpStream, mut request: Request<RequestBody>) -> hyper::Result<Response<Incoming>> {
    let host = request.uri().authority().and_then(|it| HeaderValue::from_str(it.as_str()).ok());
    if let (false, Some(host)) = (request.headers().contains_key(HOST), host) {
        request.headers_mut().insert(HOST, host);
    }
    let path = request.uri().path_and_query().cloned().unwrap_or_else(|| PathAndQuery::from_static("/"));
    *request.uri_mut() = Uri::from(path);
    request.headers_mut().entry(CONNECTION).or_insert(HeaderValue::from_static("close"));
    let (mut sender, driver) = http1::handshake(TokioIo::new(connection)).await?;
    tokio::spawn(async move {
        if let Err(error) = driver.with_upgrades().await {
            tracing::debug!(%error, "a connection to a node ended");
        }
    });
    sender.send_request(request).await
}

/// The host that a request is for, in lower case and without port.
pub(crate) fn host_of(parts: &Parts) -> Option<String> {
    let named = parts.uri.host().or_else(|| {
        let host = parts.headers.get(HOST)?.to_str().ok()?;
        Some(host.rsplit_once(':').map_or(host, |(name, port)| {
            if port.bytes().all(|byte| byte.is_ascii_digit()) { name } else { host }
        }))
    })?;
    Some(named.trim_end_matches('.').to_ascii_lowercase())
}

/// The request as the node gets it.
fn onward(
    parts: &Parts,
    body: RequestBody,
    peer: SocketAddr,
    to: SocketAddr,
) -> Option<Request<RequestBody>> {
    let path = parts.uri.path_and_query().cloned().unwrap_or_else(|| PathAndQuery::from_static("/"));
    let uri =
        Uri::builder().scheme(Scheme::HTTP).authority(to.to_string()).path_and_query(path).build().ok()?;
    let mut request = Request::new(body);
    *request.method_mut() = parts.method.clone();
    *request.uri_mut() = uri;
    *request.headers_mut() = parts.headers.clone();
    strip(request.headers_mut());
    // HTTP/2 names the host in `:authority`; without it the node would be told its own address.
    let host = parts.uri.authority().filter(|_| !parts.headers.contains_key(HOST));
    if let Some(host) = host.and_then(|host| HeaderValue::from_str(host.as_str()).ok()) {
        request.headers_mut().insert(HOST, host);
    }
    if let Some(protocol) = upgrade::wanted(parts) {
        upgrade::mark(request.headers_mut(), protocol);
    }
    let secure = parts.extensions.get::<Secure>().is_some();
    append(request.headers_mut(), "x-forwarded-for", &peer.ip().to_string());
    set(request.headers_mut(), "x-forwarded-proto", if secure { "https" } else { "http" });
    set(request.headers_mut(), "x-forwarded-port", if secure { "443" } else { "80" });
    Some(request)
}

fn append(headers: &mut HeaderMap, name: &'static str, value: &str) {
    let before = headers.get(name).and_then(|it| it.to_str().ok()).map(|it| format!("{it}, {value}"));
    set(headers, name, before.as_deref().unwrap_or(value));
}

fn set(headers: &mut HeaderMap, name: &'static str, value: &str) {
    if let Ok(value) = HeaderValue::from_str(value) {
        headers.insert(HeaderName::from_static(name), value);
    }
}

fn strip(headers: &mut HeaderMap) {
    let named: Vec<HeaderName> = headers
        .get_all(CONNECTION)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .filter_map(|name| name.trim().parse().ok())
        .collect();
    for name in named {
        headers.remove(name);
    }
    for name in HOP_BY_HOP {
        headers.remove(*name);
    }
}

/// A request that a node is working on, from the first byte to the last one of the answer.
pub(crate) struct InFlight {
    board: Arc<HealthBoard>,
    node: String,
}

impl InFlight {
    fn begin(board: &Arc<HealthBoard>, node: &str) -> Self {
        board.begin(node);
        Self { board: Arc::clone(board), node: node.to_owned() }
    }
}

impl Drop for InFlight {
    fn drop(&mut self) {
        self.board.end(&self.node);
    }
}

/// An answer's body is work until it is over.
impl Companion for InFlight {}

#[cfg(test)]
mod tests {
    use super::*;

    fn parts(host: &str) -> Parts {
        Request::builder().uri("/").header(HOST, host).body(()).unwrap().into_parts().0
    }

    #[test]
    fn hosts_are_compared_without_port_and_case() {
        for (header, expected) in [
            ("Web.ABC.us-east-1.cs.localhost:4566", "web.abc.us-east-1.cs.localhost"),
            ("example.com", "example.com"),
            ("example.com.", "example.com"),
        ] {
            assert_eq!(host_of(&parts(header)).as_deref(), Some(expected), "{header}");
        }
    }

    #[tokio::test]
    async fn what_may_not_be_repeated_goes_over_one_connection_of_its_own() {
        use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
        let node = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = node.local_addr().unwrap();
        let request = Request::post("/a?b=c").header(HOST, "web").body(()).unwrap();
        let (parts, ()) = request.into_parts();
        let body = http_body_util::Full::new(Bytes::from_static(b"taken")).map_err(|never| match never {});
        let sent = onward(&parts, body.boxed_unsync(), "127.0.0.1:9".parse().unwrap(), address).unwrap();
        let asking = tokio::spawn(async move { over(connect(address).await.unwrap(), sent).await.unwrap() });
        let (mut connection, _) = node.accept().await.unwrap();
        let mut got = Vec::new();
        while !got.ends_with(b"taken") {
            assert_ne!(connection.read_buf(&mut got).await.unwrap(), 0);
        }
        let got = String::from_utf8(got).unwrap();
        assert!(got.starts_with("POST /a?b=c HTTP/1.1\r\nhost: web\r\n"), "{got}");
        assert!(got.contains("connection: close\r\n"), "{got}");
        connection.write_all(b"HTTP/1.1 201 Created\r\nContent-Length: 2\r\n\r\nok").await.unwrap();
        let answer = asking.await.unwrap();
        assert_eq!(answer.status(), StatusCode::CREATED);
        assert_eq!(answer.into_body().collect().await.unwrap().to_bytes(), "ok");
        // Nobody looked first whether the node is there.
        assert!(tokio::time::timeout(Duration::from_millis(100), node.accept()).await.is_err());
    }

    #[test]
    fn what_may_be_repeated_is_asked_again_over_new_connections() {
        let target = |node: &str| Target { node: node.to_owned(), address: "127.0.0.1:80".parse().unwrap() };
        let order = [target("a"), target("b")];
        let of = |repeatable| -> Vec<_> {
            attempts(&order, repeatable).map(|(target, fresh)| (target.node.as_str(), fresh)).collect()
        };
        assert_eq!(of(true), [("a", false), ("b", false), ("a", true), ("b", true)]);
        assert_eq!(of(false), [("a", true), ("b", true)]);
    }

    #[test]
    fn http_2_names_its_host_too() {
        let request = Request::get("http://web.example/a").version(http::Version::HTTP_2).body(()).unwrap();
        let (parts, ()) = request.into_parts();
        let sent =
            onward(&parts, empty(), "127.0.0.1:9".parse().unwrap(), "10.0.0.2:80".parse().unwrap()).unwrap();
        assert_eq!(sent.headers()[HOST], "web.example");
    }

    #[test]
    fn what_is_between_neighbours_stays_there() {
        let request = Request::builder()
            .uri("/a?b=c")
            .header(HOST, "web")
            .header("connection", "x-own, close")
            .header("x-own", "1")
            .header("x-forwarded-for", "192.0.2.1")
            .body(())
            .unwrap();
        let (parts, ()) = request.into_parts();
        let sent =
            onward(&parts, empty(), "127.0.0.1:9".parse().unwrap(), "10.0.0.2:80".parse().unwrap()).unwrap();
        assert_eq!(sent.uri().to_string(), "http://10.0.0.2:80/a?b=c");
        assert!(sent.headers().get("x-own").is_none() && sent.headers().get("connection").is_none());
        assert_eq!(sent.headers()["x-forwarded-for"], "192.0.2.1, 127.0.0.1");
        assert_eq!(sent.headers()[HOST], "web");
    }
}
