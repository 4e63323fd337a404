//! ECR: repositories, images and who may use them.
//!
//! The registry has two doors. This service is one: it answers ECR's API. The other is the data plane, the OCI distribution
//! protocol under `/v2/` of the same port, which `landfall-registry` serves; it asks [`EcrCatalog`] what is there and
//! [`registry`] who may, over the same rows. Bytes are in one blob store, stored once by digest whatever the number of
//! repositories; rows say which repository has which of them.
//!
//! # Names
//!
//! `repositoryUri` and `proxyEndpoint` follow one setting, [`RegistryName`], so that logging in to the one lets docker push to
//! the other. By default they are the server's own address (`127.0.0.1:4566/<account>/<region>/<name>`), which docker, podman
//! and skopeo use without any configuration. `landfall serve --registry-name aws` gives AWS's host names, for tools that
//! recognise a registry by them; `--registry-name host:port` gives another host, for clients on other machines. Whatever
//! the setting, both forms are understood: in task definitions, by the data plane, by the command line ([`names`]).

mod catalog;
pub mod names;
mod ops;
mod paging;
pub mod record;
pub mod registry;
pub mod rules;
mod settings;
mod target;
#[cfg(test)]
mod tests;
mod token;
mod view;

use landfall_api::ecr as api;

pub use catalog::EcrCatalog;
pub use names::RegistryName;

use crate::pipe::{Endpoint, read, write};

/// Every operation.
pub const OPERATIONS: &[Endpoint] = &[
    write::<api::CreateRepository>(),
    write::<api::DeleteRepository>(),
    read::<api::DescribeRepositories>(),
    read::<api::GetAuthorizationToken>(),
];
