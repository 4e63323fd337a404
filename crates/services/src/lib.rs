//! The AWS services: one folder a service, one file an operation, and the pipe that every call goes through.
//!
//! Inside a service the names are always the same: `mod.rs` says what the service is and lists its operations and the
//! façade that other services may call; `ops/` has one operation a file; `record.rs` has rows and tables; `names.rs` turns
//! ARNs into parts and back; `rules.rs` decides without I/O; `view.rs` turns rows into API types.

pub mod ec2;
pub mod ecr;
pub mod ecs;
pub mod iam;
pub mod kms;
pub mod landfall;
pub mod lightsail;
pub mod logs;
pub mod pipe;
mod principals;
pub mod s3;
pub mod secretsmanager;
pub mod snapshot;
pub mod ssm;
pub mod stored;
pub mod sts;
#[cfg(any(test, feature = "testing"))]
pub mod testing;

use landfall_base::AccountId;
use landfall_iam::Principal;

/// Every operation of every service.
pub static TABLES: &[&[pipe::Endpoint]] = &[
    ec2::OPERATIONS,
    ecr::OPERATIONS,
    ecs::OPERATIONS,
    iam::OPERATIONS,
    kms::OPERATIONS,
    landfall::OPERATIONS,
    lightsail::OPERATIONS,
    logs::OPERATIONS,
    secretsmanager::OPERATIONS,
    ssm::OPERATIONS,
    sts::OPERATIONS,
];

/// The root user of an account.
pub fn root_of(account: &AccountId) -> Principal {
    Principal::root(account)
}

/// Somebody who does not say who he is.
pub fn anonymous() -> Principal {
    Principal::anonymous()
}
