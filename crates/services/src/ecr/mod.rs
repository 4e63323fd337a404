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

mod account_settings;
mod address;
mod catalog;
mod creation;
mod deletion;
mod image_id;
pub mod layer_bucket;
mod lifecycle;
pub mod names;
mod ops;
mod paging;
mod policy;
pub mod pull_through;
mod reconcile;
pub mod record;
pub mod registry;
mod replication;
mod role;
pub mod rules;
mod settings;
mod target;
mod templates;
#[cfg(test)]
mod tests;
mod token;
mod uploads;
mod view;

use landfall_api::ecr as api;

pub use address::{ADDRESS_HEADER, AddressError, LAYER_PATH, addressed_layer, layer_address, layer_path};
pub use catalog::EcrCatalog;
pub use names::RegistryName;
pub use reconcile::reconcile;
pub(crate) use registry::permission_on;
pub use replication::reconcile as replicate;
pub(crate) use target::is_repository_name;
pub use uploads::LayerUploads;

use crate::pipe::{Endpoint, awaiting, awaiting_read, read, write};

/// Every operation.
pub const OPERATIONS: &[Endpoint] = &[
    awaiting_read::<api::BatchCheckLayerAvailability>(),
    write::<api::BatchDeleteImage>(),
    awaiting_read::<api::BatchGetImage>(),
    read::<api::BatchGetRepositoryScanningConfiguration>(),
    awaiting::<api::CompleteLayerUpload>(),
    write::<api::CreatePullThroughCacheRule>(),
    write::<api::CreateRepository>(),
    write::<api::CreateRepositoryCreationTemplate>(),
    write::<api::DeleteLifecyclePolicy>(),
    write::<api::DeletePullThroughCacheRule>(),
    write::<api::DeleteRegistryPolicy>(),
    write::<api::DeleteRepository>(),
    write::<api::DeleteRepositoryCreationTemplate>(),
    write::<api::DeleteRepositoryPolicy>(),
    read::<api::DescribeImageReplicationStatus>(),
    read::<api::DescribeImages>(),
    read::<api::DescribeImageScanFindings>(),
    read::<api::DescribePullThroughCacheRules>(),
    read::<api::DescribeRegistry>(),
    read::<api::DescribeRepositories>(),
    read::<api::DescribeRepositoryCreationTemplates>(),
    read::<api::GetAccountSetting>(),
    read::<api::GetAuthorizationToken>(),
    read::<api::GetDownloadUrlForLayer>(),
    read::<api::GetLifecyclePolicy>(),
    read::<api::GetLifecyclePolicyPreview>(),
    read::<api::GetRegistryPolicy>(),
    read::<api::GetRegistryScanningConfiguration>(),
    read::<api::GetRepositoryPolicy>(),
    awaiting::<api::InitiateLayerUpload>(),
    read::<api::ListImageReferrers>(),
    read::<api::ListImages>(),
    read::<api::ListTagsForResource>(),
    write::<api::PutAccountSetting>(),
    awaiting::<api::PutImage>(),
    write::<api::PutImageScanningConfiguration>(),
    write::<api::PutImageTagMutability>(),
    write::<api::PutLifecyclePolicy>(),
    write::<api::PutRegistryPolicy>(),
    write::<api::PutRegistryScanningConfiguration>(),
    write::<api::PutReplicationConfiguration>(),
    write::<api::SetRepositoryPolicy>(),
    write::<api::StartImageScan>(),
    write::<api::StartLifecyclePolicyPreview>(),
    write::<api::TagResource>(),
    write::<api::UntagResource>(),
    write::<api::UpdateRepositoryCreationTemplate>(),
    write::<api::UpdatePullThroughCacheRule>(),
    awaiting::<api::UploadLayerPart>(),
    awaiting::<api::ValidatePullThroughCacheRule>(),
];
