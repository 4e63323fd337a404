//! Other protocols on the same port.

use std::net::SocketAddr;
use std::pin::Pin;

use http::Request;
use http::request::Parts;
use hyper::body::Incoming;

use crate::Answer;

/// An answer on its way.
pub type Answering<'a> = Pin<Box<dyn Future<Output = Answer> + Send + 'a>>;

/// A protocol of its own on the port that all services share: a container registry, an object store, a container
/// service's public endpoint. Fronts are asked before API calls are looked for, in their order.
pub trait Front: Send + Sync {
    /// Whether the request is this front's.
    fn claims(&self, parts: &Parts) -> bool;

    /// Answers a request that came from `peer`. Never fails: what goes wrong is an answer too.
    fn answer(&self, request: Request<Incoming>, peer: SocketAddr) -> Answering<'_>;
}
