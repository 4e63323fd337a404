//! `CreateInstanceProfile`: makes an instance profile without a role.

use landfall_api::iam as api;
use landfall_api::iam::error::entity_already_exists_exception;
use landfall_base::{Arn, random};
use landfall_store::{Tx, View};

use crate::iam::instance_profiles::{ProfileTarget, arn_of, shown};
use crate::iam::record::{INSTANCE_PROFILES, InstanceProfile, Tags};
use crate::iam::tags;
use crate::pipe::{Authorized, Checked, Context, Failure, Permission, Resolve, WriteHandler};

/// An instance profile to make.
#[derive(Debug)]
pub struct Request {
    target: ProfileTarget,
    arn: Arn,
    path: String,
    tags: Tags,
}

impl Resolve for api::CreateInstanceProfile {
    type Request = Checked<Request>;

    fn resolve(cx: &Context<'_>, view: &View, input: Self::Input) -> Result<Self::Request, Failure> {
        let target = ProfileTarget::find(cx, view, &input.instance_profile_name)?;
        let path = input.path.unwrap_or_else(|| "/".to_owned());
        let arn = arn_of(cx.account(), &path, &input.instance_profile_name);
        let tags = tags::pairs(input.tags);
        let on_profile = |action| tags::with_request_tags(Permission::on(action, &arn), &tags);
        let mut permissions = vec![on_profile("iam:CreateInstanceProfile")];
        if !tags.is_empty() {
            permissions.push(on_profile("iam:TagInstanceProfile"));
        }
        Ok(Checked::all(Request { target, arn, path, tags }, permissions))
    }
}

impl WriteHandler for api::CreateInstanceProfile {
    fn run(
        cx: &Context<'_>,
        tx: &mut Tx,
        request: Authorized<Self::Request>,
    ) -> Result<Self::Output, Failure> {
        let Request { target, arn, path, tags } = request.into_request();
        if target.exists() {
            let text = format!("Instance Profile {} already exists.", target.name);
            return Err(entity_already_exists_exception(text).into());
        }
        tags::check(&tags)?;
        let profile = InstanceProfile {
            name: target.name.clone(),
            path,
            id: format!("AIPA{}", random::base32(17)),
            arn: arn.to_string(),
            created_at: cx.now,
            role: None,
            tags,
        };
        tx.put(&INSTANCE_PROFILES, &target.key(), &profile);
        Ok(api::CreateInstanceProfileResponse { instance_profile: shown(tx, cx.account(), &profile, true)? })
    }
}
