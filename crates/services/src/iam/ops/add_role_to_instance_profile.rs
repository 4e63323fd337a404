//! `AddRoleToInstanceProfile`: puts a role into an instance profile, which takes one. The caller must also be allowed
//! to pass the role to EC2.

use landfall_api::iam as api;
use landfall_api::iam::error::limit_exceeded_exception;
use landfall_store::{Tx, View};

use crate::iam::entity::Target;
use crate::iam::instance_profiles::ProfileTarget;
use crate::iam::record::{INSTANCE_PROFILES, Role};
use crate::pipe::{Authorized, Checked, Context, Failure, Permission, Resolve, WriteHandler};

impl Resolve for api::AddRoleToInstanceProfile {
    type Request = Checked<(ProfileTarget, Target<Role>)>;

    fn resolve(cx: &Context<'_>, view: &View, input: Self::Input) -> Result<Self::Request, Failure> {
        let profile = ProfileTarget::find(cx, view, &input.instance_profile_name)?;
        let role = Target::<Role>::find(cx, view, &input.role_name)?;
        // Which instances will have the profile is not known yet.
        let instances = format!("arn:aws:ec2:*:{}:instance/*", cx.account());
        let pass = Permission::on("iam:PassRole", role.arn())
            .with("iam:PassedToService", "ec2.amazonaws.com")
            .with("iam:AssociatedResourceArn", instances);
        let permissions = vec![profile.permission("iam:AddRoleToInstanceProfile"), pass];
        Ok(Checked::all((profile, role), permissions))
    }
}

impl WriteHandler for api::AddRoleToInstanceProfile {
    fn run(
        _: &Context<'_>,
        tx: &mut Tx,
        request: Authorized<Self::Request>,
    ) -> Result<Self::Output, Failure> {
        let (profile, role) = request.into_request();
        let held = profile.existing()?.role.is_some();
        let name = role.changeable()?.name.clone();
        if held {
            let text = "Cannot exceed quota for InstanceSessionsPerInstanceProfile: 1";
            return Err(limit_exceeded_exception(text).into());
        }
        tx.update(&INSTANCE_PROFILES, &profile.key(), |profile| profile.role = Some(name))?;
        Ok(api::AddRoleToInstanceProfileResponse {})
    }
}
