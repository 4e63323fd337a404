//! Service-linked roles: each belongs to a service, which says what it is called and what it may do.

use landfall_api::iam::error::invalid_input_exception;
use landfall_base::{AccountId, Arn};
use landfall_shape::ServiceError;

use super::entity::arn_of;
use super::record::Role;

/// Service, role name, policy. A policy that AWS has and we do not is left out.
const ROLES: &[(&str, &str, Option<&str>)] = &[
    ("ecs.amazonaws.com", "AWSServiceRoleForECS", Some("AmazonECSServiceRolePolicy")),
    (
        "replication.ecr.amazonaws.com",
        "AWSServiceRoleForECRReplication",
        Some("ECRReplicationServiceRolePolicy"),
    ),
    (
        "pullthroughcache.ecr.amazonaws.com",
        "AWSServiceRoleForECRPullThroughCache",
        Some("AWSECRPullThroughCache_ServiceRolePolicy"),
    ),
    ("ecr.amazonaws.com", "AWSServiceRoleForECRTemplate", Some("ECRTemplateServiceRolePolicy")),
    ("lightsail.amazonaws.com", "AWSServiceRoleForLightsail", Some("LightsailExportAccess")),
    ("ssm.amazonaws.com", "AWSServiceRoleForAmazonSSM", None),
    ("ecs.application-autoscaling.amazonaws.com", "AWSServiceRoleForApplicationAutoScaling_ECSService", None),
];

/// A service's role.
#[derive(Debug, Clone, Copy)]
pub(super) struct ServiceLinked {
    pub(super) service: &'static str,
    pub(super) name: &'static str,
    policy: Option<&'static str>,
}

/// The role of a service.
///
/// # Errors
/// `InvalidInput` for a service that has none.
pub(super) fn of_service(service: &str) -> Result<ServiceLinked, ServiceError> {
    let found = ROLES.iter().find(|(known, ..)| *known == service);
    let role = found.map(|(service, name, policy)| ServiceLinked { service, name, policy: *policy });
    role.ok_or_else(|| {
        let text = format!("Service principal {service} has no service-linked role here.");
        invalid_input_exception(text)
    })
}

impl ServiceLinked {
    /// `/aws-service-role/<service>/`
    pub(super) fn path(&self) -> String {
        format!("/aws-service-role/{}/", self.service)
    }

    /// The role's ARN in an account.
    pub(super) fn arn(&self, account: &AccountId) -> Arn {
        arn_of::<Role>(account, &self.path(), self.name)
    }

    /// ARNs of its policies.
    pub(super) fn attached(&self) -> Vec<String> {
        let arn = |name: &str| format!("arn:aws:iam::aws:policy/aws-service-role/{name}");
        self.policy.map(arn).into_iter().collect()
    }

    /// The trust policy: the service, and nobody else.
    pub(super) fn trust(&self) -> String {
        format!(
            r#"{{"Version":"2012-10-17","Statement":[{{"Action":["sts:AssumeRole"],"Effect":"Allow","Principal":{{"Service":["{}"]}}}}]}}"#,
            self.service
        )
    }
}

/// The ARN of the role that a deletion task is about: `task/aws-service-role/<service>/<role>/<uuid>`.
pub(super) fn role_of_task(account: &AccountId, task: &str) -> Option<Arn> {
    let path = task.strip_prefix("task/")?.rsplit_once('/')?.0;
    path.starts_with("aws-service-role/")
        .then(|| Arn::global("iam", account.as_str(), &format!("role/{path}")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::iam::policies::aws_managed_policy;

    #[test]
    fn the_policies_are_there() {
        for (service, ..) in ROLES {
            for arn in of_service(service).unwrap().attached() {
                let known = aws_managed_policy(&arn).is_some();
                assert!(known, "{arn}");
            }
        }
    }

    #[test]
    fn tasks_name_their_role() {
        let account = "111122223333".parse().unwrap();
        let role = role_of_task(&account, "task/aws-service-role/ecs.amazonaws.com/AWSServiceRoleForECS/1-2");
        let arn = "arn:aws:iam::111122223333:role/aws-service-role/ecs.amazonaws.com/AWSServiceRoleForECS";
        assert_eq!(role.unwrap().as_str(), arn);
        assert!(role_of_task(&account, "task/x/y").is_none());
    }
}
