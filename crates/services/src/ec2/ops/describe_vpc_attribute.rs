//! `DescribeVpcAttribute`: one attribute of a VPC.

use std::sync::Arc;

use landfall_api::ec2 as api;
use landfall_store::View;

use crate::ec2::errors::{Kind, invalid_value, not_found, unless_dry};
use crate::ec2::network::Network;
use crate::ec2::permissions::on;
use crate::ec2::record::Vpc;
use crate::pipe::{Authorized, Checked, Context, Failure, ReadHandler, Resolve};

/// Which attribute of which VPC.
#[derive(Debug)]
pub struct Request {
    input: api::DescribeVpcAttributeRequest,
    vpc: Option<Arc<Vpc>>,
}

impl Resolve for api::DescribeVpcAttribute {
    type Request = Checked<Request>;

    fn resolve(cx: &Context<'_>, view: &View, input: Self::Input) -> Result<Self::Request, Failure> {
        let network = Network::load(view, cx.account(), cx.region())?;
        let permission = on(cx, &network, "ec2:DescribeVpcAttribute", Kind::Vpc, &input.vpc_id)
            .with("ec2:Attribute", input.attribute.as_str());
        let vpc = network.vpcs.get(&input.vpc_id).cloned();
        Ok(Checked::one(Request { input, vpc }, permission))
    }
}

impl ReadHandler for api::DescribeVpcAttribute {
    fn run(_: &Context<'_>, _: &View, request: Authorized<Self::Request>) -> Result<Self::Output, Failure> {
        let Request { input, vpc } = request.into_request();
        let vpc = vpc.ok_or_else(|| not_found(Kind::Vpc, &input.vpc_id))?;
        unless_dry(input.dry_run)?;
        let value = |value| Some(api::AttributeBooleanValue { value: Some(value) });
        let mut answer = api::DescribeVpcAttributeResult { vpc_id: Some(input.vpc_id), ..Default::default() };
        match input.attribute {
            api::VpcAttributeName::EnableDnsHostnames => {
                answer.enable_dns_hostnames = value(vpc.dns_hostnames);
            }
            api::VpcAttributeName::EnableDnsSupport => answer.enable_dns_support = value(vpc.dns_support),
            api::VpcAttributeName::EnableNetworkAddressUsageMetrics => {
                answer.enable_network_address_usage_metrics = value(false);
            }
            api::VpcAttributeName::Unknown(name) => {
                let message =
                    format!("Value ({name}) for parameter attribute is invalid. Unknown attribute.");
                return Err(invalid_value(message).into());
            }
        }
        Ok(answer)
    }
}
