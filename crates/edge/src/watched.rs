//! Bodies that somebody takes part in: a request's on its way to a node, with how long ago anything of it went there (a
//! visitor with a slow line is no reason to give a node up), and an answer's, which is work of the node's until it is over.

use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use hyper::body::{Body, Frame, SizeHint};
use tokio::time::Instant;

/// When something was sent the last time.
#[derive(Debug, Clone)]
pub(crate) struct Progress(Arc<Mutex<Instant>>);

impl Progress {
    pub(crate) fn begin() -> Self {
        Self(Arc::new(Mutex::new(Instant::now())))
    }

    fn last(&self) -> Instant {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn note(&self) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Instant::now();
    }

    /// Waits for an answer; `None` if for `patience` there is none, and nothing was sent either.
    pub(crate) async fn patiently<T>(
        &self,
        patience: Duration,
        answer: impl Future<Output = T>,
    ) -> Option<T> {
        let mut answer = std::pin::pin!(answer);
        loop {
            let end = self.last() + patience;
            match tokio::time::timeout_at(end, &mut answer).await {
                Ok(answered) => return Some(answered),
                Err(_) if self.last() + patience <= Instant::now() => return None,
                Err(_) => {}
            }
        }
    }
}

/// Who takes part in a body, as long as it lasts.
pub(crate) trait Companion: Unpin {
    /// Something of the body has come, or its end.
    fn moved(&self) {}
}

impl Companion for Progress {
    fn moved(&self) {
        self.note();
    }
}

/// A body with its companion.
pub(crate) struct Watched<B, C> {
    pub(crate) body: B,
    pub(crate) companion: C,
}

impl<B: Body<Data = Bytes> + Unpin, C: Companion> Body for Watched<B, C> {
    type Data = Bytes;
    type Error = B::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, B::Error>>> {
        let polled = Pin::new(&mut self.body).poll_frame(cx);
        if polled.is_ready() {
            self.companion.moved();
        }
        polled
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn patience_begins_anew_with_everything_that_is_sent() {
        let progress = Progress::begin();
        let patience = Duration::from_secs(60);
        assert_eq!(progress.patiently(patience, std::future::pending::<()>()).await, None);
        progress.note();
        let sending = progress.clone();
        let slow = async move {
            for _ in 0..5 {
                tokio::time::sleep(Duration::from_secs(50)).await;
                sending.note();
            }
            "answered"
        };
        assert_eq!(progress.patiently(patience, slow).await, Some("answered"));
    }
}
