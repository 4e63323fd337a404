//! What a `stoppedReason` means: texts of AWS, of Fargate and of the container agent old and new, matched to causes. Works
//! without a server; what the text itself names goes into the answer.

use landfall_api::landfall::{Cause, Finding, Fix};

/// A text is known by all of these parts, in any case.
struct Known {
    parts: &'static [&'static str],
    cause: Cause,
    headline: &'static str,
    fix: &'static str,
}

const fn known(
    parts: &'static [&'static str],
    cause: Cause,
    headline: &'static str,
    fix: &'static str,
) -> Known {
    Known { parts, cause, headline, fix }
}

/// The first that matches counts: the special ones come first.
const TEXTS: &[Known] = &[
    known(
        &["unable to assume the role"],
        Cause::Permission,
        "ECS tasks may not assume the role `{role}`",
        "the role must exist and its trust policy must allow `sts:AssumeRole` to `ecs-tasks.amazonaws.com`",
    ),
    known(
        &["with an explicit deny"],
        Cause::Permission,
        "a statement denies `{action}` on `{resource}`",
        "find the statement with `Effect: Deny` and change it; no Allow can undo a Deny",
    ),
    known(
        &["is not authorized to perform"],
        Cause::Permission,
        "`{principal}` may not `{action}` on `{resource}`",
        "add this statement to the execution role: {\"Effect\":\"Allow\",\"Action\":\"{action}\",\"Resource\":\"{resource}\"}",
    ),
    known(
        &["access to kms is not allowed"],
        Cause::Permission,
        "the execution role may not use the key of the secret",
        "give the execution role `kms:Decrypt` on the key, in its policy and in the key's",
    ),
    known(
        &["did not contain json key"],
        Cause::Content,
        "the secret has no key `{key}`",
        "add the key to the secret's JSON object, or correct `valueFrom`; keys are case-sensitive",
    ),
    known(
        &["asm fetching username"],
        Cause::Content,
        "the registry credential has no `username`",
        "store {\"username\":\"USER\",\"password\":\"PASSWORD\"} in the secret",
    ),
    known(
        &["asm fetching password"],
        Cause::Content,
        "the registry credential has no `password`",
        "store {\"username\":\"USER\",\"password\":\"PASSWORD\"} in the secret",
    ),
    known(
        &["asm fetching authorization data"],
        Cause::Content,
        "the registry credential is not a JSON object of strings",
        "store {\"username\":\"USER\",\"password\":\"PASSWORD\"} in the secret",
    ),
    known(
        &["looking for beginning of value"],
        Cause::Content,
        "the secret is not JSON, and a key of it is wanted",
        "store a JSON object; shells of Windows leave their quotes in the value",
    ),
    known(
        &["marked for deletion"],
        Cause::Content,
        "the secret is marked for deletion",
        "aws secretsmanager restore-secret --secret-id {secret}",
    ),
    known(
        &["can't find the specified secret value"],
        Cause::Content,
        "the secret has no value of this version or stage",
        "store a value, or name a version that there is",
    ),
    known(
        &["can't find the specified secret"],
        Cause::Content,
        "there is no such secret in this Region",
        "create it, or correct the ARN; a secret of another Region or account needs its whole ARN",
    ),
    known(
        &["an invalid arn format for the aws secrets manager secret"],
        Cause::Configuration,
        "`valueFrom` has the wrong number of parts",
        "write `<secret ARN>` or `<secret ARN>:<json-key>:<version-stage>:<version-id>`; empty parts keep their colons",
    ),
    known(
        &["invalid parameters:"],
        Cause::Content,
        "there are no such parameters: `{parameters}`",
        "create them in the Region of the task, or correct `valueFrom`",
    ),
    known(
        &["unable to find execution role credentials"],
        Cause::Configuration,
        "the task has no execution role",
        "set `executionRoleArn` in the task definition",
    ),
    known(
        &["engine ecr credentials: not found"],
        Cause::Configuration,
        "there is no role to ask Amazon ECR with",
        "set `executionRoleArn`, or give the instance a role that may pull",
    ),
    known(
        &["missingendpoint"],
        Cause::Configuration,
        "`awslogs-region` is not the name of a Region",
        "correct the log options",
    ),
    known(
        &["the specified log group does not exist"],
        Cause::Configuration,
        "the log group does not exist",
        "create it, or set the log option `awslogs-create-group` to `true` and allow `logs:CreateLogGroup`",
    ),
    known(
        &["credentialsendpointerror"],
        Cause::Network,
        "the log driver cannot get credentials",
        "the instance must let Docker reach 169.254.170.2, and the agent must know the execution role",
    ),
    known(
        &["nocredentialproviders"],
        Cause::Configuration,
        "the log driver has no credentials",
        "set `executionRoleArn`",
    ),
    known(
        &["toomanyrequests"],
        Cause::Registry,
        "the registry limits requests",
        "log in with `repositoryCredentials`, or keep a copy of the image in a registry of your own",
    ),
    known(
        &["429 too many requests"],
        Cause::Registry,
        "the registry limits requests",
        "log in with `repositoryCredentials`, or keep a copy of the image in a registry of your own",
    ),
    known(
        &["does not contain descriptor matching platform"],
        Cause::Configuration,
        "the image was not built for this platform",
        "build it for the platform, or set `runtimePlatform`",
    ),
    known(
        &["no basic auth credentials"],
        Cause::Registry,
        "the registry wants a login",
        "add `repositoryCredentials` with a secret that holds `username` and `password`",
    ),
    known(
        &["401 unauthorized"],
        Cause::Registry,
        "the registry does not accept the user and password, or wants some",
        "put the right `username` and `password` into the secret of `repositoryCredentials`",
    ),
    known(
        &["error response from daemon: unauthorized"],
        Cause::Registry,
        "the registry does not accept the user and password",
        "put the right `username` and `password` into the secret of `repositoryCredentials`",
    ),
    known(
        &["403 forbidden"],
        Cause::Registry,
        "the registry does not let this principal pull the image",
        "for ECR: `ecr:BatchGetImage` and `ecr:GetDownloadUrlForLayer` for the execution role, and the repository policy of another account",
    ),
    known(
        &["pull access denied"],
        Cause::Registry,
        "there is no such repository, or the registry wants a login",
        "check the name; for a private image add `repositoryCredentials`",
    ),
    known(
        &["requested access to the resource is denied"],
        Cause::Registry,
        "there is no such repository, or the registry wants a login",
        "check the name; for a private image add `repositoryCredentials`",
    ),
    known(
        &["manifest unknown"],
        Cause::Registry,
        "the registry has no such tag",
        "check the tag, or push the image",
    ),
    known(
        &["name unknown"],
        Cause::Registry,
        "the registry has no such repository",
        "check the name, or create the repository",
    ),
    known(
        &["failed to resolve ref", "not found"],
        Cause::Registry,
        "the registry has no such image",
        "check name and tag, or push the image",
    ),
    known(
        &["no space left on device"],
        Cause::Capacity,
        "the disk is full",
        "free space, or raise `ephemeralStorage`",
    ),
    known(
        &["outofmemoryerror"],
        Cause::Capacity,
        "the container needs more memory than it has",
        "raise `memory`",
    ),
    known(
        &["signal: killed"],
        Cause::Network,
        "the start took too long: a service could not be reached in time",
        "the subnet needs a way to AWS: a public address, a NAT gateway, or VPC endpoints",
    ),
    known(
        &["i/o timeout"],
        Cause::Network,
        "a service cannot be reached from the task's subnet",
        "the subnet needs a way to it: a public address, a NAT gateway, or a VPC endpoint whose security group lets port 443 in",
    ),
    known(
        &["context deadline exceeded"],
        Cause::Network,
        "a service did not answer in time",
        "the subnet needs a way to it: a public address, a NAT gateway, or a VPC endpoint whose security group lets port 443 in",
    ),
    known(
        &["connection issue between the task and"],
        Cause::Network,
        "a service cannot be reached from the task's subnet",
        "the subnet needs a way to it: a public address, a NAT gateway, or a VPC endpoint whose security group lets port 443 in",
    ),
    known(
        &["request canceled while waiting for connection"],
        Cause::Network,
        "the registry cannot be reached",
        "check the network of the task",
    ),
    known(
        &["connection refused"],
        Cause::Network,
        "nothing listens where the registry should be",
        "check host and port of the image",
    ),
    known(
        &["no such host"],
        Cause::Network,
        "the registry's host name is not known",
        "check the host name, and the subnet's DNS",
    ),
    known(
        &["port is already allocated"],
        Cause::Capacity,
        "the port of the host is taken",
        "leave `hostPort` out, or stop what uses the port",
    ),
    known(
        &["no such file or directory"],
        Cause::Configuration,
        "the program is not in the image",
        "correct `entryPoint` and `command`",
    ),
    known(
        &["unable to download env file"],
        Cause::Content,
        "an environment file cannot be fetched",
        "check the object's ARN; the execution role needs `s3:GetObject` and `s3:GetBucketLocation`",
    ),
    known(
        &["failed to download env files"],
        Cause::Content,
        "an environment file cannot be fetched",
        "check the object's ARN; the execution role needs `s3:GetObject` and `s3:GetBucketLocation`",
    ),
    known(
        &["invalid reference format"],
        Cause::Configuration,
        "the image's name is not one",
        "correct `image`; repository names are lower case",
    ),
    known(
        &["essential container in task exited"],
        Cause::Configuration,
        "an essential container ended by itself",
        "look at its exit code and its log",
    ),
];

/// What a text means.
pub(super) fn explain(text: &str) -> Option<Finding> {
    let lower = text.to_lowercase();
    let known = TEXTS.iter().find(|known| known.parts.iter().all(|part| lower.contains(part)))?;
    Some(Finding {
        headline: fill(known.headline, text),
        cause: known.cause.clone(),
        message: text.trim().to_owned(),
        fix: Some(Fix { text: fill(known.fix, text), ..Fix::default() }),
        ..Finding::default()
    })
}

/// Puts what the text names into a sentence.
fn fill(sentence: &str, text: &str) -> String {
    let action = after(text, "not authorized to perform: ");
    let part = |name: &str| match name {
        "{principal}" => after(text, "User: "),
        "{action}" => action,
        "{resource}" => after(text, "on resource: "),
        "{key}" => after(text, "did not contain json key "),
        "{role}" => after(text, "assume the role '"),
        "{secret}" => {
            after(text, "failed to fetch secret ").or_else(|| after(text, "secret from the service for "))
        }
        _ => after(text, "invalid parameters: "),
    };
    let mut out = sentence.to_owned();
    for name in ["{principal}", "{action}", "{resource}", "{key}", "{role}", "{secret}", "{parameters}"] {
        if out.contains(name) {
            let value = part(name).unwrap_or("…");
            out = out.replace(name, value);
        }
    }
    out
}

/// The word behind a phrase, without the punctuation that ends it.
fn after<'a>(text: &'a str, phrase: &str) -> Option<&'a str> {
    let (_, rest) = text.split_once(phrase)?;
    let word = rest.split_whitespace().next()?.trim_end_matches([':', '.', ',', '\'', ')', ';']);
    (!word.is_empty()).then_some(word)
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECRETS: &str = "ResourceInitializationError: unable to pull secrets or registry auth: execution resource retrieval failed: ";

    #[test]
    fn texts_of_real_accounts() {
        for (text, cause, headline) in [
            (
                format!("{SECRETS}unable to retrieve secret from asm: service call has been retried 1 time(s): failed to fetch secret arn:aws:secretsmanager:us-east-1:111122223333:secret:db-AbCdEf from secrets manager: AccessDeniedException: User: arn:aws:sts::111122223333:assumed-role/exec/7f is not authorized to perform: secretsmanager:GetSecretValue on resource: arn:aws:secretsmanager:us-east-1:111122223333:secret:db-AbCdEf because no identity-based policy allows the secretsmanager:GetSecretValue action"),
                Cause::Permission,
                "`arn:aws:sts::111122223333:assumed-role/exec/7f` may not `secretsmanager:GetSecretValue` on `arn:aws:secretsmanager:us-east-1:111122223333:secret:db-AbCdEf`",
            ),
            (
                format!("{SECRETS}unable to retrieve secrets from ssm: service call has been retried 5 time(s): RequestCanceled: request context canceled caused by: context deadline exceeded"),
                Cause::Network,
                "a service did not answer in time",
            ),
            (
                format!("{SECRETS}service call has been retried 1 time(s): invalid character '\\'' looking for beginning of value"),
                Cause::Content,
                "the secret is not JSON, and a key of it is wanted",
            ),
            (
                "Fetching secret data from SSM Parameter Store in us-east-1: invalid parameters: a,/b".to_owned(),
                Cause::Content,
                "there are no such parameters: `a,/b`",
            ),
            (
                "Asm fetching username: AuthorizationData is malformed, empty field".to_owned(),
                Cause::Content,
                "the registry credential has no `username`",
            ),
            (
                "service web failed to launch a task with (error ECS was unable to assume the role 'arn:aws:iam::111122223333:role/exec' that was provided for this task. Please verify".to_owned(),
                Cause::Permission,
                "ECS tasks may not assume the role `arn:aws:iam::111122223333:role/exec`",
            ),
            (
                "CannotPullContainerError: pull image manifest has been retried 1 time(s): failed to resolve ref r.example.com/a:1: not found".to_owned(),
                Cause::Registry,
                "the registry has no such image",
            ),
            (
                "ResourceInitializationError: failed to validate logger args: create stream has been retried 1 times: failed to create Cloudwatch log stream: ResourceNotFoundException: The specified log group does not exist. : exit status 1".to_owned(),
                Cause::Configuration,
                "the log group does not exist",
            ),
            (
                "ResourceInitializationError: unable to pull secrets or registry auth: pull command failed: : signal: killed".to_owned(),
                Cause::Network,
                "the start took too long: a service could not be reached in time",
            ),
        ] {
            let found = explain(&text).unwrap();
            assert_eq!((found.cause, found.headline.as_str()), (cause, headline), "{text}");
            assert!(found.fix.is_some());
        }
        assert!(explain("the weather is nice").is_none());
    }
}
