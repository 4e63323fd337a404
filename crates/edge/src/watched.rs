//! A request's body on its way to a node, and how long ago anything of it went there: a visitor with a slow line is no reason
//! to give a node up.

use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http_body_util::BodyExt as _;
use hyper::body::{Body, Frame, SizeHint};
use tokio::time::Instant;

use crate::forward::RequestBody;

/// When something was sent the last time.
#[derive(Debug, Clone)]
pub(crate) struct Progress(Arc<Mutex<Instant>>);

impl Progress {
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

/// A body that notes its progress.
pub(crate) struct Watched {
    body: RequestBody,
    progress: Progress,
}

impl Watched {
    pub(crate) fn over(body: RequestBody) -> (RequestBody, Progress) {
        let progress = Progress(Arc::new(Mutex::new(Instant::now())));
        (Self { body, progress: progress.clone() }.boxed_unsync(), progress)
    }
}

impl Body for Watched {
    type Data = Bytes;
    type Error = hyper::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, hyper::Error>>> {
        let polled = Pin::new(&mut self.body).poll_frame(cx);
        if polled.is_ready() {
            self.progress.note();
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
        let progress = Progress(Arc::new(Mutex::new(Instant::now())));
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
