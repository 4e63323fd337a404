//! AWS wire protocols: awsJson and awsQuery codecs over schemas, constraint validation, routing, and SigV4.
//!
//! Every codec works in both directions, because the same schemas serve the server (decode input, encode output) and the
//! command line (encode input, decode output). Nothing here does I/O or knows an operation.

pub mod auth;
mod error;
pub mod json;
pub mod query;
pub mod route;
mod scalar;
pub mod sigv4;
pub mod validate;

pub use error::{DecodeError, RemoteError};
