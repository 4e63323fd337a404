//! The calls that are measured.

use anyhow::Result;
use serde_json::json;

use super::target::{SECRET, Target, written};
use crate::bench::aws::{ECS, SECRETS, json_call};
use crate::bench::http::Prepared;
use crate::bench::landfall::CLUSTER;

/// An operation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Call {
    GetSecretValue,
    DescribeClusters,
    PutSecretValue,
    CreateSecret,
}

impl Call {
    /// All, in the order of the document.
    pub(super) const ALL: [Self; 4] =
        [Self::GetSecretValue, Self::DescribeClusters, Self::PutSecretValue, Self::CreateSecret];

    /// As AWS calls it.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::GetSecretValue => "GetSecretValue",
            Self::DescribeClusters => "DescribeClusters",
            Self::PutSecretValue => "PutSecretValue",
            Self::CreateSecret => "CreateSecret",
        }
    }

    /// May the same request be sent again? A write with the same token would do nothing the second time.
    pub(super) fn is_read(self) -> bool {
        matches!(self, Self::GetSecretValue | Self::DescribeClusters)
    }

    /// Signed requests; of a write `count` different ones, whose numbers begin with `first`.
    pub(super) fn requests(self, target: &Target, first: usize, count: usize) -> Result<Vec<Prepared>> {
        let count = if self.is_read() { 1 } else { count };
        (first..first + count).map(|number| self.request(target, number)).collect()
    }

    fn request(self, target: &Target, number: usize) -> Result<Prepared> {
        let token = format!("00000000-0000-4000-8000-{number:012x}");
        let value = format!("a value of ordinary length, number {number}");
        let (service, body) = match self {
            Self::GetSecretValue => (SECRETS, json!({ "SecretId": SECRET })),
            Self::DescribeClusters => (ECS, json!({ "clusters": [CLUSTER] })),
            Self::PutSecretValue => (
                SECRETS,
                json!({ "SecretId": written(number), "ClientRequestToken": token, "SecretString": value }),
            ),
            Self::CreateSecret => (
                SECRETS,
                json!({ "Name": format!("created/{number}"), "ClientRequestToken": token, "SecretString": value }),
            ),
        };
        json_call(&target.keys, target.address, service, self.name(), &body)
    }
}
