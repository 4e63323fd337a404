//! Roles that ECR assumes: that of a rule of the pull-through cache, that of a creation template.

use landfall_base::{AccountId, Arn, Region};
use landfall_store::View;

use super::rules::wording;
use crate::pipe::{Caller, Failure, Installation};
use crate::sts::{ServiceSession, assume_role_for_service};

/// Who assumes the role of a creation template.
pub(super) const SERVICE: &str = "ecr.amazonaws.com";

/// A role, and who wants to be it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Wanted<'a> {
    pub(super) service: &'a str,
    pub(super) session_name: &'a str,
    pub(super) role: &'a str,
}

/// The caller that a role makes of a part of ECR.
///
/// # Errors
/// `InvalidParameterException` for a role that is not there or does not let the service in.
pub(super) fn assume(
    installation: &Installation,
    view: &View,
    (account, region): (&AccountId, &Region),
    wanted: &Wanted<'_>,
) -> Result<Caller, Failure> {
    let role_arn: Arn =
        wanted.role.parse().map_err(|_| wording::invalid("customRoleArn", "must be the ARN of a role"))?;
    let source_arn = &format!("arn:{}:ecr:{region}:{account}:*", region.partition());
    let Wanted { service, session_name, role } = *wanted;
    let session = ServiceSession { service, role_arn: &role_arn, session_name, source_arn, region };
    assume_role_for_service(installation, view, &session).0.map_err(|failure| match failure {
        Failure::Service(_) => {
            let text = format!(
                "the role {role} cannot be assumed by {service}: check that it exists and its trust policy"
            );
            wording::invalid("customRoleArn", &text).into()
        }
        failure => failure,
    })
}
