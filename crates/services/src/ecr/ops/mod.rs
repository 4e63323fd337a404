//! The operations, one a file.

mod create_repository;
mod delete_repository;
mod describe_repositories;
mod get_authorization_token;
