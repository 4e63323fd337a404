//! A request body that comes back when nobody reads it to its end.
//!
//! A request may be refused before its body has been read. The rest must then be read, or the connection be closed in
//! so many words: a client that takes it for a good one loses its next request.

use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http::header::{CONNECTION, EXPECT};
use http::{HeaderMap, HeaderValue, Response};
use http_body_util::BodyExt as _;
use hyper::body::{Body, Frame, SizeHint};
use tokio::sync::oneshot;

/// The most that is read only to be thrown away. More costs more than a new connection.
const DISCARDED: usize = 256 << 10;
/// How long the rest may take.
const PATIENCE: Duration = Duration::from_secs(2);

/// A body on loan; dropped before its end, it goes back to its [`Lender`].
#[derive(Debug)]
pub struct Lent<B> {
    body: Option<B>,
    back: Option<oneshot::Sender<B>>,
}

/// Gets the body back, if there is something left of it.
#[derive(Debug)]
pub struct Lender<B> {
    back: oneshot::Receiver<B>,
    /// The client sends no body before it has leave to (RFC 9110 §10.1.1).
    waits: bool,
}

/// Lends the body of a request with these headers.
pub fn lend<B: Body>(headers: &HeaderMap, body: B) -> (Lent<B>, Lender<B>) {
    let (back, lender) = oneshot::channel();
    let waits = headers.contains_key(EXPECT);
    (Lent { body: Some(body), back: Some(back) }, Lender { back: lender, waits })
}

impl<B: Body<Data = Bytes> + Unpin> Lender<B> {
    /// Leaves the connection as the next request needs it, or has it closed after this answer.
    pub async fn settle<R>(mut self, response: &mut Response<R>) {
        let Ok(rest) = self.back.try_recv() else { return };
        // Reading would tell a client that waits for leave to send.
        let discarded = !self.waits
            && rest.size_hint().lower() <= DISCARDED as u64
            && tokio::time::timeout(PATIENCE, discard(rest)).await.unwrap_or(false);
        if !discarded {
            response.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
        }
    }
}

/// Whether the end was reached.
async fn discard<B: Body<Data = Bytes> + Unpin>(mut body: B) -> bool {
    let mut read = 0;
    while let Some(frame) = body.frame().await {
        let Ok(frame) = frame else { return false };
        read += frame.data_ref().map_or(0, Bytes::len);
        if read > DISCARDED {
            return false;
        }
    }
    true
}

impl<B: Body<Data = Bytes> + Unpin> Body for Lent<B> {
    type Data = Bytes;
    type Error = B::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, B::Error>>> {
        let Some(body) = &mut self.body else { return Poll::Ready(None) };
        let frame = Pin::new(body).poll_frame(context);
        if let Poll::Ready(None | Some(Err(_))) = frame {
            self.body = None;
        }
        frame
    }

    fn is_end_stream(&self) -> bool {
        self.body.as_ref().is_none_or(Body::is_end_stream)
    }

    fn size_hint(&self) -> SizeHint {
        self.body.as_ref().map_or_else(|| SizeHint::with_exact(0), Body::size_hint)
    }
}

impl<B> Drop for Lent<B> {
    fn drop(&mut self) {
        if let (Some(body), Some(back)) = (self.body.take(), self.back.take()) {
            // Nobody waits for it when the connection is gone.
            drop(back.send(body));
        }
    }
}
