//! The S3 protocol on the port that all services share: `s3s` reads and writes it, the object store of
//! `landfall-services` is behind it.
//!
//! [`S3Front`] says which requests are S3's and who makes them (with the server's own verifier, so that session tokens
//! and refusals are as everywhere); `s3s` then checks what only it sees, the hashes and signatures of chunks of a body.

mod arguments;
mod convert;
mod cors;
mod finish;
mod front;
mod host;
mod ops;
mod receive;
mod refusals;
mod send;
mod subresources;

pub use front::S3Front;
