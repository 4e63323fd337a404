use landfall_api::ecs as api;
use landfall_store::View;

use crate::ecs::lookup::{self, FoundCluster};
use crate::pipe::{Authorized, Checked, Context, Failure, Permission, ReadHandler, Resolve};

/// Lists the services of a cluster. None can be created yet, so there are none.
impl Resolve for api::ListServices {
    type Request = Checked<FoundCluster>;

    fn resolve(cx: &Context<'_>, view: &View, input: Self::Input) -> Result<Self::Request, Failure> {
        let cluster = lookup::cluster(cx, view, input.cluster.as_deref())?;
        let permission =
            Permission::on_anything("ecs:ListServices").with("ecs:cluster", cluster.reference.arn.as_str());
        Ok(Checked::one(cluster, permission))
    }
}

impl ReadHandler for api::ListServices {
    fn run(
        _cx: &Context<'_>,
        _view: &View,
        request: Authorized<Self::Request>,
    ) -> Result<Self::Output, Failure> {
        request.request.any()?;
        Ok(api::ListServicesResponse { service_arns: Some(Vec::new()), next_token: None })
    }
}
