//! `DescribeImageReplicationStatus`: what became of an image's copies.

use landfall_api::ecr as api;
use landfall_store::View;

use crate::ecr::image_id;
use crate::ecr::record::{REPLICAS, Replica};
use crate::ecr::target::Target;
use crate::pipe::{Authorized, Checked, Context, Failure, ReadHandler, Resolve};

/// An image.
#[derive(Debug)]
pub struct Request {
    target: Target,
    id: api::ImageIdentifier,
}

impl Resolve for api::DescribeImageReplicationStatus {
    type Request = Checked<Request>;

    fn resolve(cx: &Context<'_>, view: &View, input: Self::Input) -> Result<Self::Request, Failure> {
        let (id, name) = (input.registry_id.as_deref(), &input.repository_name);
        let checked = Target::checked(cx, view, id, name, "ecr:DescribeImageReplicationStatus")?;
        Ok(checked.map(|target| Request { target, id: input.image_id }))
    }
}

impl ReadHandler for api::DescribeImageReplicationStatus {
    fn run(
        _: &Context<'_>,
        view: &View,
        request: Authorized<Self::Request>,
    ) -> Result<Self::Output, Failure> {
        let Request { target, id } = request.into_request();
        target.existing()?;
        let image = image_id::existing(view, &target.key, &id)?;
        let (account, region, name) = &target.key;
        let rows = view.scan(&REPLICAS, (account, region, name.as_str(), image.manifest.digest.to_string()));
        let statuses = rows.map(|row| row.map(|((.., to), replica)| status(&to, &replica)));
        Ok(api::DescribeImageReplicationStatusResponse {
            repository_name: target.name(),
            image_id: Some(id),
            replication_statuses: Some(statuses.collect::<Result<_, _>>()?),
        })
    }
}

fn status(to: &str, replica: &Replica) -> api::ImageReplicationStatus {
    let (region, account) = to.split_once('/').unwrap_or((to, ""));
    api::ImageReplicationStatus {
        region: Some(region.to_owned()),
        registry_id: Some(account.to_owned()),
        status: Some(replica.status.as_str().into()),
        failure_code: replica.failure.clone(),
    }
}
