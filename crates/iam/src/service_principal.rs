//! Names of services in `Principal`. AWS knows all of its own and refuses every other; new ones come all the time, so
//! here every name is taken that one of AWS's could have, but for slips of the pen in the best known.

/// What a service's name ends in, by partition.
const SUFFIXES: [&str; 7] = [
    ".amazonaws.com",
    ".amazonaws.com.cn",
    ".amazonaws.eu",
    ".aws.internal",
    ".amazon.com",
    ".c2s.ic.gov",
    ".sc2s.sgov.gov",
];

/// Names that people often write, without suffix; none so short that another service's might look like it.
const WELL_KNOWN: [&str; 32] = [
    "apigateway",
    "application-autoscaling",
    "apprunner",
    "appsync",
    "athena",
    "autoscaling",
    "backup",
    "batch",
    "bedrock",
    "cloudformation",
    "cloudfront",
    "cloudtrail",
    "codebuild",
    "codedeploy",
    "codepipeline",
    "dynamodb",
    "ecs-tasks",
    "eks-fargate-pods",
    "elasticbeanstalk",
    "elasticfilesystem",
    "elasticloadbalancing",
    "elasticmapreduce",
    "events",
    "firehose",
    "kinesis",
    "lambda",
    "lightsail",
    "redshift",
    "sagemaker",
    "scheduler",
    "secretsmanager",
    "states",
];

/// Whether a text can be the name of a service: `ecs-tasks.amazonaws.com`, `logs.eu-west-1.amazonaws.com`.
pub(crate) fn is_service(text: &str) -> bool {
    let Some(name) = SUFFIXES.iter().find_map(|suffix| text.strip_suffix(suffix)) else { return false };
    let legal = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
    let is_label = |label: &str| !label.is_empty() && label.bytes().all(legal);
    name.split('.').all(is_label) && !is_slip(name)
}

/// Whether a name is a well-known one with one letter too many, too few or wrong.
fn is_slip(name: &str) -> bool {
    !WELL_KNOWN.contains(&name) && WELL_KNOWN.iter().any(|known| is_one_off(name, known))
}

fn is_one_off(name: &str, known: &str) -> bool {
    let (short, long) = if name.len() <= known.len() { (name, known) } else { (known, name) };
    let same = short.bytes().zip(long.bytes()).take_while(|(left, right)| left == right).count();
    let (short, long, behind) = (short.as_bytes(), long.as_bytes(), same + 1);
    match long.len() - short.len() {
        0 => short.get(behind..) == long.get(behind..),
        1 => short.get(same..) == long.get(behind..),
        _ => false,
    }
}

/// Whether a text can be an identity provider: a domain name, or the ARN of a SAML or OpenID Connect provider.
pub(crate) fn is_identity_provider(text: &str) -> bool {
    let Ok(arn) = text.parse::<landfall_base::Arn>() else { return is_domain(text) };
    let of_provider =
        ["saml-provider/", "oidc-provider/"].iter().any(|kind| arn.resource().starts_with(kind));
    arn.service() == "iam" && arn.region().is_empty() && arn.account_id().is_some() && of_provider
}

fn is_domain(text: &str) -> bool {
    let legal = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-';
    let is_label = |label: &str| !label.is_empty() && label.bytes().all(legal);
    text.contains('.') && text.split('.').all(is_label)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_services() {
        let good = [
            "ecs-tasks.amazonaws.com",
            "ecs.amazonaws.com",
            "ecs-compute.amazonaws.com",
            "ecs.application-autoscaling.amazonaws.com",
            "ec2.amazonaws.com.cn",
            "s3.amazonaws.com",
            "s3.ap-east-1.amazonaws.com",
            "logs.eu-west-1.amazonaws.com",
            "delivery.logs.amazonaws.com",
            "pullthroughcache.ecr.amazonaws.com",
            "member.org.stacksets.cloudformation.amazonaws.com",
            "elasticmapreduce.aws.internal",
            "alexa-appkit.amazon.com",
            "what-comes-next.amazonaws.com",
        ];
        for name in good {
            assert!(is_service(name), "{name}");
        }
        let bad = [
            "foo",
            "foo.bar",
            "amazonaws.com",
            ".amazonaws.com",
            "ecs..amazonaws.com",
            "ecs tasks.amazonaws.com",
            "ecs-tasks.amazonaws.org",
            "https://ecs-tasks.amazonaws.com",
            "ecs-tasks.amazonaws.com/",
            // Slips of the pen, as they are reported.
            "ecs-task.amazonaws.com",
            "esc-tasks.amazonaws.co",
            "ecs-taskss.amazonaws.com",
            "ecs_tasks.amazonaws.com",
            "codepipeiine.amazonaws.com",
            "lamda.amazonaws.com",
        ];
        for name in bad {
            assert!(!is_service(name), "{name}");
        }
    }

    #[test]
    fn identity_providers() {
        let good = [
            "accounts.google.com",
            "cognito-identity.amazonaws.com",
            "arn:aws:iam::111122223333:saml-provider/corporate",
            "arn:aws:iam::111122223333:oidc-provider/token.actions.githubusercontent.com",
            "arn:aws:iam::111122223333:oidc-provider/oidc.eks.us-east-1.amazonaws.com/id/A",
        ];
        for name in good {
            assert!(is_identity_provider(name), "{name}");
        }
        let bad = [
            "nonsense",
            "https://accounts.google.com",
            "oidc.eks.us-east-1.amazonaws.com/id/A",
            "arn:aws:iam::111122223333:role/r",
            "arn:aws:iam:::oidc-provider/token.actions.githubusercontent.com",
            "arn:aws:iam//111122223333:oidc-provider/token.actions.githubusercontent.com",
        ];
        for name in bad {
            assert!(!is_identity_provider(name), "{name}");
        }
    }
}
