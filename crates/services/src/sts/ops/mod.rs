//! The operations of STS, one file each.

mod assume_role;
mod get_caller_identity;
mod get_session_token;
