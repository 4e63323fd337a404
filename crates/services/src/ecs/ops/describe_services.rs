use landfall_api::ecs::{self as api, error};
use landfall_base::Arn;
use landfall_store::View;

use super::describe_clusters::missing;
use crate::ecs::lookup::{self, FoundCluster, home};
use crate::pipe::{Authorized, Checked, Context, Failure, Permission, ReadHandler, Resolve};

#[derive(Debug)]
pub struct Request {
    cluster: FoundCluster,
    services: Vec<Arn>,
}

/// Describes services. None can be created yet, so all are missing.
impl Resolve for api::DescribeServices {
    type Request = Checked<Request>;

    fn resolve(cx: &Context<'_>, view: &View, input: Self::Input) -> Result<Self::Request, Failure> {
        if input.services.is_empty() || input.services.len() > 10 {
            return Err(
                error::invalid_parameter_exception("You must specify between 1 and 10 services.").into()
            );
        }
        let cluster = lookup::cluster(cx, view, input.cluster.as_deref())?;
        let name = cluster.reference.name.clone().unwrap_or_default();
        let arn = |text: &String| text.parse().unwrap_or_else(|_| home(cx).service(&name, text));
        let services: Vec<Arn> = input.services.iter().map(arn).collect();
        let permission = |arn: &Arn| {
            Permission::on("ecs:DescribeServices", arn).with("ecs:cluster", cluster.reference.arn.as_str())
        };
        let permissions = services.iter().map(permission).collect();
        Ok(Checked::all(Request { cluster, services }, permissions))
    }
}

impl ReadHandler for api::DescribeServices {
    fn run(
        _cx: &Context<'_>,
        _view: &View,
        request: Authorized<Self::Request>,
    ) -> Result<Self::Output, Failure> {
        let Request { cluster, services } = &request.request;
        cluster.any()?;
        Ok(api::DescribeServicesResponse {
            services: Some(Vec::new()),
            failures: Some(services.iter().map(|arn| missing(arn.as_str())).collect()),
        })
    }
}
