//! AWS wire protocols: awsJson and awsQuery codecs over schemas, constraint validation, routing, SigV4 and S3's SigV2.
//!
//! Every codec works in both directions, because the same schemas serve the server (decode input, encode output) and the
//! command line (encode input, decode output). Nothing here does I/O or knows an operation.

pub mod auth;
mod error;
pub mod json;
pub mod query;
pub mod route;
mod scalar;
pub mod sigv2;
pub mod sigv4;
pub mod validate;

pub use error::{DecodeError, RemoteError};
