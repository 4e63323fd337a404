//! `DescribeRegistry`: how the caller's registry is replicated.

use landfall_api::ecr as api;
use landfall_store::View;

use crate::ecr::record::REPLICATION;
use crate::pipe::{Authorized, Checked, Context, Failure, Permission, ReadHandler, Resolve};

impl Resolve for api::DescribeRegistry {
    type Request = Checked<()>;

    fn resolve(_: &Context<'_>, _: &View, _: Self::Input) -> Result<Self::Request, Failure> {
        Ok(Checked::one((), Permission::on_anything("ecr:DescribeRegistry")))
    }
}

impl ReadHandler for api::DescribeRegistry {
    fn run(cx: &Context<'_>, view: &View, _: Authorized<Self::Request>) -> Result<Self::Output, Failure> {
        let configuration = view.get(&REPLICATION, &(cx.account(), cx.region()))?;
        let configuration = configuration.map(|row| row.0.clone()).unwrap_or_default();
        Ok(api::DescribeRegistryResponse {
            registry_id: Some(cx.account().to_string()),
            replication_configuration: Some(configuration),
        })
    }
}
