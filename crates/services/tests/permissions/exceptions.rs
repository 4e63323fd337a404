//! What does not follow from AWS's tables, each with its reason. The lists may only change under review.

/// Operations that every caller with credentials may call, whatever policies say.
pub(crate) const ASKS_FOR_NOTHING: &[&str] = &["sts:GetCallerIdentity", "sts:GetSessionToken"];

/// Checks on resources that AWS's tables do not give for the action: action or all of a service, resource form, reason.
pub(crate) const OTHER_RESOURCES: &[(&str, &str, &str)] = &[
    ("iam:GetAccessKeyLastUsed", "*", "a key that does not exist has no user"),
    (
        "lightsail:*",
        "arn:${Partition}:lightsail:${Region}:${Account}:*",
        "refusals of AWS name everything of the service",
    ),
    (
        "logs:DescribeLogGroups",
        "arn:${Partition}:logs:${Region}:${Account}:log-group::log-stream:",
        "refusals of AWS name this, for lists as for single groups",
    ),
    (
        "logs:GetQueryResults",
        "arn:${Partition}:logs:${Region}:${Account}:log-group::log-stream:",
        "a query that is not there has searched no groups",
    ),
    (
        "sts:TagSession",
        "arn:${Partition}:sts::${Account}:federated-user/${FederatedUserName}",
        "`GetFederationToken` takes tags too; AWS's table only thinks of roles",
    ),
    (
        "ssm:DescribeParameters",
        "arn:${Partition}:ssm:${Region}:${Account}:*",
        "refusals of AWS name everything of the service",
    ),
    ("secretsmanager:ValidateResourcePolicy", "*", "a policy can be validated without a secret"),
];

/// Whether an exception is for an action.
pub(crate) fn is_for(exception: &str, action: &str) -> bool {
    exception == action || exception.strip_suffix('*').is_some_and(|service| action.starts_with(service))
}

/// Landfall's own actions and those of AWS services whose tables are not here, and on what.
pub(crate) const BEYOND_THE_TABLES: &[(&str, &str)] = &[
    (
        "landfall:CheckDeploymentStart",
        "arn:${Partition}:lightsail:${Region}:${Account}:ContainerService/${Id}",
    ),
    ("landfall:CheckTaskStart", "*"),
    ("landfall:CreateAccount", "*"),
    ("landfall:CreateSnapshot", "*"),
    ("landfall:DeleteOrganizationPolicy", "*"),
    (
        "landfall:DeleteRotationFunction",
        "arn:${Partition}:lambda:${Region}:${Account}:function:${FunctionName}",
    ),
    (
        "landfall:DescribeDeploymentStart",
        "arn:${Partition}:lightsail:${Region}:${Account}:ContainerService/${Id}",
    ),
    ("landfall:DescribePull", "*"),
    ("landfall:DescribeTaskStart", "arn:${Partition}:ecs:${Region}:${Account}:task/${ClusterName}/${TaskId}"),
    ("landfall:ListAccounts", "*"),
    ("landfall:ListAllowedPrincipals", "*"),
    ("landfall:ListOrganizationPolicies", "*"),
    ("landfall:ListRotations", "*"),
    ("landfall:PutOrganizationPolicy", "*"),
    ("landfall:PutRotationFunction", "arn:${Partition}:lambda:${Region}:${Account}:function:${FunctionName}"),
    ("lambda:InvokeFunction", "arn:${Partition}:lambda:${Region}:${Account}:function:${FunctionName}"),
];
