use landfall_api::ecs::{self as api, error};
use landfall_store::View;

use crate::ecs::lookup::{self, FoundCluster, home};
use crate::ecs::names::DEFAULT_CLUSTER;
use crate::ecs::view;
use crate::pipe::{Authorized, Checked, Context, Failure, ReadHandler, Resolve};

#[derive(Debug)]
pub struct Request {
    clusters: Vec<FoundCluster>,
    include: Vec<api::ClusterField>,
}

/// Describes clusters; without names, the default one.
impl Resolve for api::DescribeClusters {
    type Request = Checked<Request>;

    fn resolve(cx: &Context<'_>, view: &View, input: Self::Input) -> Result<Self::Request, Failure> {
        let given = input.clusters.filter(|names| !names.is_empty());
        let names = given.unwrap_or_else(|| vec![DEFAULT_CLUSTER.to_owned()]);
        if names.len() > 100 {
            return Err(
                error::invalid_parameter_exception("Clusters cannot have more than 100 elements.").into()
            );
        }
        let found = names.iter().map(|name| lookup::cluster(cx, view, Some(name)));
        let clusters = found.collect::<Result<Vec<_>, _>>()?;
        let permissions = clusters.iter().map(|it| it.permission("ecs:DescribeClusters")).collect();
        Ok(Checked::all(Request { clusters, include: input.include.unwrap_or_default() }, permissions))
    }
}

impl ReadHandler for api::DescribeClusters {
    fn run(
        cx: &Context<'_>,
        view: &View,
        request: Authorized<Self::Request>,
    ) -> Result<Self::Output, Failure> {
        let (home, mut clusters, mut failures) = (home(cx), Vec::new(), Vec::new());
        for found in &request.request.clusters {
            let Some(row) = found.row() else {
                failures.push(missing(found.reference.arn.as_str()));
                continue;
            };
            let counts = view::counts(&lookup::tasks(view, home, &row.name)?);
            clusters.push(view::cluster(row, home, counts, &request.request.include));
        }
        Ok(api::DescribeClustersResponse { clusters: Some(clusters), failures: Some(failures) })
    }
}

/// What a describe call says of something that does not exist.
pub(super) fn missing(arn: &str) -> api::Failure {
    api::Failure { arn: Some(arn.to_owned()), reason: Some("MISSING".to_owned()), detail: None }
}
