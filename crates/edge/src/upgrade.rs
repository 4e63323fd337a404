//! Connections that go on as something else than HTTP, WebSockets above all (RFC 9110 §7.8, RFC 6455).

use http::header::{CONNECTION, UPGRADE};
use http::request::Parts;
use http::{HeaderMap, HeaderValue, Response, StatusCode, Version};
use hyper::body::Incoming;
use hyper::upgrade::OnUpgrade;
use hyper_util::rt::TokioIo;

use crate::forward::InFlight;

/// The protocol that a visitor asks to go on with.
pub(crate) fn wanted(parts: &Parts) -> Option<HeaderValue> {
    let asks = |value: &HeaderValue| {
        let text = value.to_str().unwrap_or_default();
        text.split(',').any(|name| name.trim().eq_ignore_ascii_case("upgrade"))
    };
    let named = parts.headers.get_all(CONNECTION).iter().any(asks);
    let protocol = parts.headers.get(UPGRADE).filter(|_| named && parts.version == Version::HTTP_11)?;
    Some(protocol.clone())
}

/// Puts back what is between two neighbours: the wish, or its fulfilment.
pub(crate) fn mark(headers: &mut HeaderMap, protocol: HeaderValue) {
    headers.insert(CONNECTION, HeaderValue::from_static("upgrade"));
    headers.insert(UPGRADE, protocol);
}

/// The protocol that a node has agreed to, if it has.
pub(crate) fn agreed(answer: &Response<Incoming>) -> Option<HeaderValue> {
    let agreed = answer.status() == StatusCode::SWITCHING_PROTOCOLS;
    answer.headers().get(UPGRADE).filter(|_| agreed).cloned()
}

/// Carries bytes both ways until both have ended. It counts as a request that the node is working on.
pub(crate) fn join(visitor: OnUpgrade, node: OnUpgrade, work: InFlight) {
    tokio::spawn(async move {
        let carried = async {
            let (visitor, node) = tokio::try_join!(visitor, node)?;
            let (mut visitor, mut node) = (TokioIo::new(visitor), TokioIo::new(node));
            tokio::io::copy_bidirectional(&mut visitor, &mut node).await?;
            Ok::<_, Box<dyn std::error::Error + Send + Sync>>(())
        };
        if let Err(error) = carried.await {
            tracing::debug!(%error, "an upgraded connection ended");
        }
        drop(work);
    });
}
