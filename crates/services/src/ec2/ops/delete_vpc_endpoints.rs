//! `DeleteVpcEndpoints`: several at once; each that is not there is told.

use landfall_api::ec2 as api;
use landfall_shape::ServiceError;
use landfall_store::{Tx, View};

use crate::ec2::errors::{Kind, missing, unless_dry};
use crate::ec2::network::Network;
use crate::ec2::permissions::on;
use crate::ec2::record::ENDPOINTS;
use crate::pipe::{Authorized, Checked, Context, Failure, Permission, Resolve, WriteHandler};

impl Resolve for api::DeleteVpcEndpoints {
    type Request = Checked<api::DeleteVpcEndpointsRequest>;

    fn resolve(cx: &Context<'_>, view: &View, input: Self::Input) -> Result<Self::Request, Failure> {
        if input.vpc_endpoint_ids.is_empty() {
            return Err(missing("The request must contain the parameter VpcEndpointId").into());
        }
        let network = Network::load(view, cx.account(), cx.region())?;
        let ask = |id: &String| -> Permission {
            let service = network.endpoints.get(id).map(|it| it.service.clone());
            on(cx, &network, "ec2:DeleteVpcEndpoints", Kind::Endpoint, id)
                .with_some("ec2:VpceServiceName", service)
        };
        let permissions = input.vpc_endpoint_ids.iter().map(ask).collect();
        Ok(Checked::all(input, permissions))
    }
}

impl WriteHandler for api::DeleteVpcEndpoints {
    fn run(
        cx: &Context<'_>,
        tx: &mut Tx,
        request: Authorized<Self::Request>,
    ) -> Result<Self::Output, Failure> {
        let input = request.into_request();
        let network = Network::settle(tx, cx.account(), cx.region())?;
        unless_dry(input.dry_run)?;
        let mut unsuccessful = Vec::new();
        for id in &input.vpc_endpoint_ids {
            match network.endpoint(id) {
                Ok(_) => {
                    tx.delete(&ENDPOINTS, &(cx.account(), cx.region(), id.as_str()));
                }
                Err(error) => unsuccessful.push(item(id, error)),
            }
        }
        Ok(api::DeleteVpcEndpointsResult { unsuccessful: Some(unsuccessful) })
    }
}

fn item(id: &str, error: ServiceError) -> api::UnsuccessfulItem {
    api::UnsuccessfulItem {
        error: Some(api::UnsuccessfulItemError {
            code: Some(error.code.to_owned()),
            message: Some(error.message),
        }),
        resource_id: Some(id.to_owned()),
    }
}
