//! Whether ECS may become a role.

use landfall_api::ecs::error;
use landfall_base::Arn;
use landfall_iam::{Attached, Context, Layers, Policy, Principal, Request, ResourceLayer, evaluate};
use landfall_shape::ServiceError;

use crate::ecs::names::Home;

/// Who assumes the roles of tasks (Developer Guide, "Task execution role").
pub const SERVICE_PRINCIPAL: &str = "ecs-tasks.amazonaws.com";

/// Whether a role's trust policy lets ECS tasks of `home` assume it. `aws:SourceArn` is any ECS resource of the account in
/// the Region, as the Developer Guide tells to write it.
pub fn trusts_ecs(role: &Arn, trust: &Policy, home: Home<'_>) -> bool {
    let source = Arn::new("ecs", home.region, home.account, "*");
    let mut context = Context::new();
    context
        .set("aws:SourceAccount", home.account.as_str())
        .set("aws:SourceArn", source.as_str())
        .set("aws:RequestedRegion", home.region.as_str());
    let principal = Principal::service(SERVICE_PRINCIPAL);
    let request = Request {
        principal: &principal,
        action: "sts:AssumeRole",
        resource: role.as_str(),
        resource_account: Some(home.account),
        context: &context,
    };
    let policies = [Attached::to_resource("trust policy", trust)];
    let layers = Layers { resource: Some(ResourceLayer::role_trust(&policies)), ..Layers::default() };
    evaluate(&request, &layers).is_allowed()
}

/// What RunTask answers for a role that is missing or does not trust ECS (ecs error texts, "unable to assume the role").
pub fn cannot_assume(role: &str) -> ServiceError {
    error::client_exception(format!(
        "ECS was unable to assume the role '{role}' that was provided for this task. Please verify that the role being \
         passed has the proper trust relationship and permissions and that your IAM user has permissions to pass this \
         role."
    ))
}

#[cfg(test)]
mod tests {
    use landfall_iam::PolicyKind;

    use super::*;

    fn trusts(principal: &str, condition: &str) -> bool {
        let text = format!(
            r#"{{"Version":"2012-10-17","Statement":[{{"Effect":"Allow","Principal":{principal},
               "Action":"sts:AssumeRole"{condition}}}]}}"#
        );
        let policy = Policy::parse(&text, PolicyKind::RoleTrust).unwrap();
        let (account, region) = ("111122223333".parse().unwrap(), "eu-west-1".parse().unwrap());
        let home = Home { account: &account, region: &region };
        trusts_ecs(&home.role("exec"), &policy, home)
    }

    #[test]
    fn only_a_role_for_ecs_tasks_is_assumed() {
        let tasks = r#"{"Service":"ecs-tasks.amazonaws.com"}"#;
        for (principal, condition, expected) in [
            (tasks, "", true),
            (r#"{"Service":"ecs.amazonaws.com"}"#, "", false),
            (r#"{"Service":["ec2.amazonaws.com","ecs-tasks.amazonaws.com"]}"#, "", true),
            (r#"{"AWS":"arn:aws:iam::111122223333:root"}"#, "", false),
            (tasks, r#","Condition":{"StringEquals":{"aws:SourceAccount":"111122223333"}}"#, true),
            (tasks, r#","Condition":{"StringEquals":{"aws:SourceAccount":"444455556666"}}"#, false),
            (
                tasks,
                r#","Condition":{"ArnLike":{"aws:SourceArn":"arn:aws:ecs:eu-west-1:111122223333:*"}}"#,
                true,
            ),
        ] {
            assert_eq!(trusts(principal, condition), expected, "{principal} {condition}");
        }
    }
}
