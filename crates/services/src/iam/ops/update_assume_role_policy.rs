//! `UpdateAssumeRolePolicy`: sets the trust policy of a role.

use landfall_api::iam as api;
use landfall_store::{Tx, View};

use crate::iam::documents;
use crate::iam::entity::Target;
use crate::iam::record::Role;
use crate::pipe::{Authorized, Checked, Context, Failure, Resolve, WriteHandler};

impl Resolve for api::UpdateAssumeRolePolicy {
    type Request = Checked<(Target<Role>, String)>;

    fn resolve(cx: &Context<'_>, view: &View, input: Self::Input) -> Result<Self::Request, Failure> {
        let target = Target::find(cx, view, &input.role_name)?;
        let permission = target.permission("iam:UpdateAssumeRolePolicy");
        Ok(Checked::one((target, input.policy_document), permission))
    }
}

impl WriteHandler for api::UpdateAssumeRolePolicy {
    fn run(
        _: &Context<'_>,
        tx: &mut Tx,
        request: Authorized<Self::Request>,
    ) -> Result<Self::Output, Failure> {
        let (target, document) = request.into_request();
        target.changeable()?;
        let trust = documents::trust(tx, &document)?;
        target.update(tx, |role| role.trust = trust)?;
        Ok(api::UpdateAssumeRolePolicyResponse {})
    }
}
