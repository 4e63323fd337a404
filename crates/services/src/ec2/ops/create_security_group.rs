//! `CreateSecurityGroup`: a security group, which lets everything out and nothing in.

use landfall_api::ec2 as api;
use landfall_shape::ServiceError;
use landfall_store::{Tx, View};

use super::shown;
use crate::ec2::errors::{Kind, invalid_value, unless_dry};
use crate::ec2::names::{arn, fresh};
use crate::ec2::network::{DEFAULT_GROUP, Network};
use crate::ec2::permissions::{on, on_new, tag_new};
use crate::ec2::record::{GROUPS, Group, Tags};
use crate::ec2::tagging;
use crate::pipe::{Authorized, Checked, Context, Failure, Resolve, WriteHandler};

/// What is to be made.
#[derive(Debug)]
pub struct Request {
    vpc: Option<String>,
    name: String,
    description: String,
    tags: Tags,
    dry_run: Option<bool>,
}

impl Resolve for api::CreateSecurityGroup {
    type Request = Checked<Request>;

    fn resolve(cx: &Context<'_>, view: &View, input: Self::Input) -> Result<Self::Request, Failure> {
        const ACTION: &str = "ec2:CreateSecurityGroup";
        let tags = tagging::of_specifications(input.tag_specifications, Kind::Group)?;
        check_name(&input.group_name)?;
        check_description(&input.description)?;
        let network = Network::load(view, cx.account(), cx.region())?;
        let vpc = input.vpc_id.or_else(|| network.default_vpc().map(str::to_owned));
        let vpc_arn = vpc.as_ref().map(|id| arn("vpc", cx.account(), cx.region(), id).to_string());
        let mut permissions = vec![on_new(cx, ACTION, Kind::Group, &tags).with_some("ec2:Vpc", vpc_arn)];
        permissions.extend(vpc.as_ref().map(|id| on(cx, &network, ACTION, Kind::Vpc, id)));
        permissions.extend(tag_new(cx, ACTION, Kind::Group, &tags));
        let (name, description) = (input.group_name, input.description);
        let request = Request { vpc, name, description, tags, dry_run: input.dry_run };
        Ok(Checked::all(request, permissions))
    }
}

fn check_name(name: &str) -> Result<(), ServiceError> {
    if name == DEFAULT_GROUP {
        return Err(invalid_value(format!("Cannot use reserved security group name: {name}")));
    }
    if name.starts_with("sg-") {
        let message = format!(
            "Value ({name}) for parameter GroupName is invalid. Group names may not be in the format sg-*"
        );
        return Err(invalid_value(message));
    }
    check_text("GroupName", name)
}

fn check_description(description: &str) -> Result<(), ServiceError> {
    check_text("GroupDescription", description)
}

fn check_text(parameter: &str, text: &str) -> Result<(), ServiceError> {
    let allowed = |letter: char| letter.is_ascii_alphanumeric() || " ._-:/()#,@[]+=&;{}!$*".contains(letter);
    if text.is_empty() || text.len() > 255 || !text.chars().all(allowed) {
        return Err(invalid_value(format!(
            "Value ({text}) for parameter {parameter} is invalid. Character sets beyond ASCII are not supported."
        )));
    }
    Ok(())
}

impl WriteHandler for api::CreateSecurityGroup {
    fn run(
        cx: &Context<'_>,
        tx: &mut Tx,
        request: Authorized<Self::Request>,
    ) -> Result<Self::Output, Failure> {
        let Request { vpc, name, description, tags, dry_run } = request.into_request();
        let network = Network::settle(tx, cx.account(), cx.region())?;
        let vpc =
            vpc.ok_or_else(|| ServiceError::client("VPCIdNotSpecified", "No default VPC for this user"))?;
        network.vpc(&vpc)?;
        if network.groups.values().any(|it| it.vpc == vpc && it.name == name) {
            let message = format!("The security group '{name}' already exists for VPC '{vpc}'");
            return Err(ServiceError::client("InvalidGroup.Duplicate", message).into());
        }
        unless_dry(dry_run)?;
        let group = Group { vpc, name, description, tags };
        let id = fresh("sg");
        let shape = shown(cx).group(&id, &group);
        tx.put(&GROUPS, &(cx.account(), cx.region(), id), group);
        Ok(api::CreateSecurityGroupResult {
            group_id: shape.group_id,
            tags: shape.tags,
            security_group_arn: shape.security_group_arn,
        })
    }
}
