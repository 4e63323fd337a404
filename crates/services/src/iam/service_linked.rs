//! Service-linked roles: each belongs to a service, which says what it is called and what it may do.

use landfall_api::iam::error::invalid_input_exception;
use landfall_base::{AccountId, Arn, Timestamp, random};
use landfall_shape::ServiceError;
use landfall_store::{Tx, View};

use super::documents;
use super::entity::arn_of;
use super::record::{self, Role, key_name};
use crate::pipe::Failure;

/// One hour, in seconds.
const SESSION: i32 = 3_600;

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

/// The ARN of a service's role in an account, and whether it is there.
///
/// # Errors
/// The service has none, or a row cannot be read.
pub fn service_linked_role(view: &View, service: &str, account: &AccountId) -> Result<(Arn, bool), Failure> {
    let linked = of_service(service)?;
    let there = view.get(&record::ROLES, &(account, key_name(linked.name).as_str()))?.is_some();
    Ok((linked.arn(account), there))
}

/// Makes a service's role in an account, unless it is there.
///
/// # Errors
/// The service has none, or a row cannot be read.
pub fn ensure_service_linked_role(
    tx: &mut Tx,
    service: &str,
    account: &AccountId,
    now: Timestamp,
) -> Result<(), Failure> {
    let linked = of_service(service)?;
    let name = key_name(linked.name);
    if tx.get(&record::ROLES, &(account, name.as_str()))?.is_none() {
        let role = linked.role(tx, account, now, None)?;
        tx.put(&record::ROLES, &(account, name.as_str()), role);
    }
    Ok(())
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

    /// A new row of the role.
    pub(super) fn role(
        &self,
        view: &View,
        account: &AccountId,
        now: Timestamp,
        description: Option<String>,
    ) -> Result<Role, Failure> {
        Ok(Role {
            name: self.name.to_owned(),
            path: self.path(),
            id: format!("AROA{}", random::base32(17)),
            arn: self.arn(account).to_string(),
            created_at: now,
            trust: documents::trust(view, &self.trust())?,
            description,
            max_session_duration: SESSION,
            attached: self.attached(),
            boundary: None,
            last_used: None,
            tags: Vec::new(),
        })
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
