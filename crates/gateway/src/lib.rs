//! The HTTP edge: limits, who is calling, which operation, dispatch, errors in each protocol's form.
//!
//! One port serves every service, as SDKs expect of a custom endpoint: the operation is named by `X-Amz-Target` or by the
//! form's `Action`, the service by the signature's scope. Beyond the APIs there are health answers and [`Front`]s, which
//! speak protocols of their own.

mod answer;
mod authenticate;
mod body;
mod dispatch;
mod front;
mod health;
mod last_used;
mod live_tail;
mod registry;
mod server;
mod tls;
mod web_identity;

pub use answer::{Answer, AnswerBody, plain, streamed};
pub use authenticate::{caller, signed_parts};
pub use dispatch::Gateway;
pub use front::{Answering, Front};
pub use landfall_registry::lend;
pub use registry::EcrRegistry;
pub use server::{Threads, answer_connection, serve};
pub use tls::{Secure, Tls, TlsError};
