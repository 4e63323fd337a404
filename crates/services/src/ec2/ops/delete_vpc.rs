//! `DeleteVpc`: a VPC in which there is nothing any more.

use landfall_api::ec2 as api;
use landfall_store::{Tx, View};

use crate::ec2::errors::{Kind, dependency, unless_dry};
use crate::ec2::network::{DEFAULT_GROUP, Network};
use crate::ec2::permissions::on;
use crate::ec2::record::{GROUPS, VPCS};
use crate::pipe::{Authorized, Checked, Context, Failure, Resolve, WriteHandler};

impl Resolve for api::DeleteVpc {
    type Request = Checked<api::DeleteVpcRequest>;

    fn resolve(cx: &Context<'_>, view: &View, input: Self::Input) -> Result<Self::Request, Failure> {
        let network = Network::load(view, cx.account(), cx.region())?;
        let permission = on(cx, &network, "ec2:DeleteVpc", Kind::Vpc, &input.vpc_id);
        Ok(Checked::one(input, permission))
    }
}

impl WriteHandler for api::DeleteVpc {
    fn run(
        cx: &Context<'_>,
        tx: &mut Tx,
        request: Authorized<Self::Request>,
    ) -> Result<Self::Output, Failure> {
        let input = request.into_request();
        let id = input.vpc_id.as_str();
        let network = Network::settle(tx, cx.account(), cx.region())?;
        network.vpc(id)?;
        let in_use = network.subnets.values().any(|it| it.vpc == id)
            || network.endpoints.values().any(|it| it.vpc == id)
            || network.groups.values().any(|it| it.vpc == id && it.name != DEFAULT_GROUP);
        if in_use {
            return Err(dependency(Kind::Vpc, id).into());
        }
        unless_dry(input.dry_run)?;
        if let Some(group) = network.default_group(id) {
            tx.delete(&GROUPS, &(cx.account(), cx.region(), group));
        }
        tx.delete(&VPCS, &(cx.account(), cx.region(), id));
        Ok(api::DeleteVpcResponse {})
    }
}
