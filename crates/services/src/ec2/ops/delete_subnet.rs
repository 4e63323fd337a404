//! `DeleteSubnet`: a subnet that no endpoint has addresses in.

use landfall_api::ec2 as api;
use landfall_store::{Tx, View};

use crate::ec2::errors::{Kind, dependency, unless_dry};
use crate::ec2::network::Network;
use crate::ec2::permissions::on;
use crate::ec2::record::SUBNETS;
use crate::pipe::{Authorized, Checked, Context, Failure, Resolve, WriteHandler};

impl Resolve for api::DeleteSubnet {
    type Request = Checked<api::DeleteSubnetRequest>;

    fn resolve(cx: &Context<'_>, view: &View, input: Self::Input) -> Result<Self::Request, Failure> {
        let network = Network::load(view, cx.account(), cx.region())?;
        let permission = on(cx, &network, "ec2:DeleteSubnet", Kind::Subnet, &input.subnet_id);
        Ok(Checked::one(input, permission))
    }
}

impl WriteHandler for api::DeleteSubnet {
    fn run(
        cx: &Context<'_>,
        tx: &mut Tx,
        request: Authorized<Self::Request>,
    ) -> Result<Self::Output, Failure> {
        let input = request.into_request();
        let network = Network::settle(tx, cx.account(), cx.region())?;
        network.subnet(&input.subnet_id)?;
        if network.endpoints.values().any(|it| it.subnets.contains(&input.subnet_id)) {
            return Err(dependency(Kind::Subnet, &input.subnet_id).into());
        }
        unless_dry(input.dry_run)?;
        tx.delete(&SUBNETS, &(cx.account(), cx.region(), input.subnet_id.as_str()));
        Ok(api::DeleteSubnetResponse {})
    }
}
