//! Which resources have policies of their own, as far as AWS's tables of actions are here (IAM User Guide, "AWS services
//! that work with IAM").

use crate::arn_match::ArnParts;
use crate::evaluate::required_policy;
use crate::reference::action_resources;

/// The resource that has the policy about a resource: the bucket of an object, otherwise itself.
pub fn policy_holder(resource: &str) -> &str {
    let of_s3 = ArnParts::split(resource).is_some_and(|arn| arn.head[2] == "s3" && arn.head[4].is_empty());
    match resource.split_once('/') {
        Some((bucket, _)) if of_s3 => bucket,
        _ => resource,
    }
}

/// Whether a policy of the resource can allow the action to callers of other accounts. That of a log group is for
/// services only (CloudWatch Logs API Reference, `PutResourcePolicy`), that of a role for becoming it. Of services
/// that are not known here the answer is yes.
pub(crate) fn has_policy(action: &str, resource: &str) -> bool {
    const HOLDERS: [(&str, &str); 4] =
        [("ecr", "repository/"), ("kms", "key/"), ("s3", ""), ("secretsmanager", "secret:")];
    if required_policy(action, resource).is_some() || action_resources(action).is_none() {
        return true;
    }
    let Some(arn) = ArnParts::split(resource) else { return false };
    let service = action.split(':').next().unwrap_or_default();
    let holder = HOLDERS.iter().find(|(name, _)| service.eq_ignore_ascii_case(name));
    // A star is a character in keys of S3, and elsewhere stands for many, each with a policy of its own.
    holder
        .is_some_and(|(name, kind)| arn.tail.starts_with(kind) && (*name == "s3" || !arn.tail.contains('*')))
}

/// Whether it is the policy of the registry that can let other accounts in: a repository that is to be made has none yet.
pub(crate) fn is_in_registry_policy(action: &str) -> bool {
    action.eq_ignore_ascii_case("ecr:CreateRepository")
}

#[cfg(test)]
mod tests {
    use super::has_policy;

    #[test]
    fn policies_let_other_accounts_in_where_there_are_any() {
        let cases = [
            ("s3:GetObject", "arn:aws:s3:::b/k", true),
            ("KMS:Decrypt", "arn:aws:kms:us-east-1:111122223333:key/1", true),
            ("kms:UpdateAlias", "arn:aws:kms:us-east-1:111122223333:alias/a", false),
            ("ecr:BatchGetImage", "arn:aws:ecr:us-east-1:111122223333:repository/app", true),
            ("ecr:CreateRepository", "arn:aws:ecr:us-east-1:111122223333:repository/new", true),
            ("ecr:DescribeRepositories", "arn:aws:ecr:us-east-1:111122223333:repository/*", false),
            ("ecr:GetAuthorizationToken", "*", false),
            ("s3:GetObject", "arn:aws:s3:::b/a*b", true),
            (
                "secretsmanager:GetSecretValue",
                "arn:aws:secretsmanager:us-east-1:111122223333:secret:s-a",
                true,
            ),
            ("sts:AssumeRole", "arn:aws:iam::111122223333:role/r", true),
            ("iam:PassRole", "arn:aws:iam::111122223333:role/r", false),
            ("ecs:RunTask", "arn:aws:ecs:us-east-1:111122223333:task-definition/t:1", false),
            ("logs:FilterLogEvents", "arn:aws:logs:us-east-1:111122223333:log-group:g:log-stream:", false),
            ("ssm:GetParameter", "arn:aws:ssm:us-east-1:111122223333:parameter/p", false),
            ("sqs:SendMessage", "arn:aws:sqs:us-east-1:111122223333:q", true),
        ];
        for (action, resource, expected) in cases {
            assert_eq!(has_policy(action, resource), expected, "{action} on {resource}");
        }
    }
}
