//! `DeleteSecurityGroup`: a security group that no endpoint has.

use landfall_api::ec2 as api;
use landfall_shape::ServiceError;
use landfall_store::{Tx, View};

use crate::ec2::errors::{Kind, dependency, missing, unless_dry};
use crate::ec2::network::{DEFAULT_GROUP, Network};
use crate::ec2::permissions::on;
use crate::ec2::record::GROUPS;
use crate::pipe::{Authorized, Checked, Context, Failure, Resolve, WriteHandler};

/// Which group.
#[derive(Debug)]
pub struct Request {
    id: String,
    dry_run: Option<bool>,
}

impl Resolve for api::DeleteSecurityGroup {
    type Request = Checked<Request>;

    fn resolve(cx: &Context<'_>, view: &View, input: Self::Input) -> Result<Self::Request, Failure> {
        let network = Network::load(view, cx.account(), cx.region())?;
        let id = match (input.group_id, input.group_name) {
            (Some(id), _) => id,
            (None, Some(name)) => by_name(&network, &name).unwrap_or(name),
            (None, None) => {
                return Err(missing("The request must contain the parameter groupName or groupId").into());
            }
        };
        let permission = on(cx, &network, "ec2:DeleteSecurityGroup", Kind::Group, &id);
        Ok(Checked::one(Request { id, dry_run: input.dry_run }, permission))
    }
}

/// Names are those of groups in the default VPC.
fn by_name(network: &Network, name: &str) -> Option<String> {
    let vpc = network.default_vpc()?;
    let found = network.groups.iter().find(|(_, group)| group.vpc == vpc && group.name == name);
    found.map(|(id, _)| id.clone())
}

impl WriteHandler for api::DeleteSecurityGroup {
    fn run(
        cx: &Context<'_>,
        tx: &mut Tx,
        request: Authorized<Self::Request>,
    ) -> Result<Self::Output, Failure> {
        let Request { id, dry_run } = request.into_request();
        let network = Network::settle(tx, cx.account(), cx.region())?;
        if network.group(&id)?.name == DEFAULT_GROUP {
            let message = format!(
                "the specified group: \"{id}\" name: \"{DEFAULT_GROUP}\" cannot be deleted by a user"
            );
            return Err(ServiceError::client("CannotDelete", message).into());
        }
        if network.endpoints.values().any(|it| it.groups.contains(&id)) {
            return Err(dependency(Kind::Group, &id).into());
        }
        unless_dry(dry_run)?;
        tx.delete(&GROUPS, &(cx.account(), cx.region(), id.as_str()));
        Ok(api::DeleteSecurityGroupResult { r#return: Some(true), group_id: Some(id) })
    }
}
