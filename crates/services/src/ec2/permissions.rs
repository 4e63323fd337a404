//! What EC2's operations ask for.

use landfall_base::Arn;
use landfall_store::View;

use super::errors::Kind;
use super::names::arn;
use super::network::Network;
use crate::pipe::{Context, Failure, Permission};

/// A check on something that exists or not, with its tags.
pub(super) fn on(
    cx: &Context<'_>,
    network: &Network,
    action: &'static str,
    kind: Kind,
    id: &str,
) -> Permission {
    let permission = on_id(cx, action, kind, id);
    let id_key = match kind {
        Kind::Vpc => "ec2:VpcID",
        Kind::Subnet => "ec2:SubnetID",
        Kind::Group => "ec2:SecurityGroupID",
        Kind::RouteTable => "ec2:RouteTableID",
        Kind::Endpoint => return with_tags(permission, network, kind, id),
    };
    with_tags(permission.with(id_key, id), network, kind, id)
}

fn with_tags(permission: Permission, network: &Network, kind: Kind, id: &str) -> Permission {
    let tags = network.tags(kind, id).unwrap_or_default();
    let pairs = tags.iter().map(|(key, value)| (key.as_str(), value.as_str()));
    let permission = permission.with_resource_tags(pairs);
    tags.iter().fold(permission, |permission, (key, value)| {
        permission.with(format!("ec2:ResourceTag/{key}"), value.clone())
    })
}

/// A check on something that is to be made.
pub(super) fn on_new(
    cx: &Context<'_>,
    action: &'static str,
    kind: Kind,
    tags: &[(String, String)],
) -> Permission {
    let pairs = tags.iter().map(|(key, value)| (key.as_str(), value.as_str()));
    on_id(cx, action, kind, "*").with_request_tags(pairs)
}

/// What has to be allowed beside that if it is to have tags.
pub(super) fn tag_new(
    cx: &Context<'_>,
    create: &'static str,
    kind: Kind,
    tags: &[(String, String)],
) -> Option<Permission> {
    let operation = create.strip_prefix("ec2:").unwrap_or(create);
    (!tags.is_empty()).then(|| on_new(cx, "ec2:CreateTags", kind, tags).with("ec2:CreateAction", operation))
}

/// A check on everything, for lists.
pub(super) fn on_anything(cx: &Context<'_>, action: &'static str) -> Permission {
    Permission::on_anything(action).with("ec2:Region", cx.region().as_str())
}

fn on_id(cx: &Context<'_>, action: &'static str, kind: Kind, id: &str) -> Permission {
    let arn = arn(kind.name(), cx.account(), cx.region(), id);
    Permission::on(action, &arn).with("ec2:Region", cx.region().as_str())
}

/// What a check on a resource knows of it, for questions that no call asks; `None` if there is no such resource.
///
/// # Errors
/// A row cannot be read.
pub(crate) fn permission_on(cx: &Context<'_>, view: &View, arn: &Arn) -> Result<Option<Permission>, Failure> {
    let network = Network::load(view, cx.account(), cx.region())?;
    let id = arn.resource().rsplit('/').next().unwrap_or_default();
    let kind = Kind::of(id).filter(|kind| network.tags(*kind, id).is_some());
    Ok(kind.map(|kind| on(cx, &network, "ec2:DescribeTags", kind, id)))
}
