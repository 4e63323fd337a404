//! `ModifyVpcAttribute`: DNS in a VPC, one attribute a call.

use landfall_api::ec2 as api;
use landfall_store::{Tx, View};

use crate::ec2::errors::{Kind, combination, invalid, missing, unsupported};
use crate::ec2::network::Network;
use crate::ec2::permissions::on;
use crate::ec2::record::{VPCS, Vpc};
use crate::pipe::{Authorized, Checked, Context, Failure, Resolve, WriteHandler};

/// What is changed of which VPC.
#[derive(Debug)]
pub struct Request {
    vpc: String,
    dns_support: Option<bool>,
    dns_hostnames: Option<bool>,
}

impl Resolve for api::ModifyVpcAttribute {
    type Request = Checked<Request>;

    fn resolve(cx: &Context<'_>, view: &View, input: Self::Input) -> Result<Self::Request, Failure> {
        let value = |it: Option<api::AttributeBooleanValue>| it.and_then(|it| it.value);
        let (dns_support, dns_hostnames) =
            (value(input.enable_dns_support), value(input.enable_dns_hostnames));
        let metrics = value(input.enable_network_address_usage_metrics);
        match [dns_support, dns_hostnames, metrics].iter().flatten().count() {
            0 => return Err(missing("The request must include an attribute to modify").into()),
            1 => {}
            _ => return Err(combination("Fields for multiple attribute types specified").into()),
        }
        if metrics == Some(true) {
            return Err(unsupported("network address usage metrics").into());
        }
        let network = Network::load(view, cx.account(), cx.region())?;
        let attribute = match (dns_support, dns_hostnames) {
            (Some(_), _) => "EnableDnsSupport",
            (_, Some(_)) => "EnableDnsHostnames",
            _ => "EnableNetworkAddressUsageMetrics",
        };
        let permission = on(cx, &network, "ec2:ModifyVpcAttribute", Kind::Vpc, &input.vpc_id)
            .with("ec2:Attribute", attribute);
        Ok(Checked::one(Request { vpc: input.vpc_id, dns_support, dns_hostnames }, permission))
    }
}

impl WriteHandler for api::ModifyVpcAttribute {
    fn run(
        cx: &Context<'_>,
        tx: &mut Tx,
        request: Authorized<Self::Request>,
    ) -> Result<Self::Output, Failure> {
        let Request { vpc, dns_support, dns_hostnames } = request.into_request();
        let network = Network::settle(tx, cx.account(), cx.region())?;
        let old = network.vpc(&vpc)?;
        let dns_support = dns_support.unwrap_or(old.dns_support);
        let dns_hostnames = dns_hostnames.unwrap_or(old.dns_hostnames);
        if dns_hostnames && !dns_support {
            let message = format!("DNS hostnames need DNS support, which the VPC {vpc} would not have.");
            return Err(invalid(message).into());
        }
        let new = Vpc { dns_support, dns_hostnames, ..old.as_ref().clone() };
        tx.put(&VPCS, &(cx.account(), cx.region(), vpc.as_str()), new);
        Ok(api::ModifyVpcAttributeResponse {})
    }
}
