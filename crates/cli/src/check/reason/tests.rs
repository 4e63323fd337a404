use super::*;

const SECRETS: &str = "ResourceInitializationError: unable to pull secrets or registry auth: execution resource retrieval failed: ";

const FORMAT: &str = "the program was not built for the platform of the task";
const CERTIFICATE: &str = "the registry's certificate is not trusted";

/// Texts that people met in real accounts, and what each means.
const MET: &[(&str, Cause, &str)] = &[
    (
        "ClientException: Private repository authentication requires that the task definition specify a value for executionRoleArn.",
        Cause::Configuration,
        "the task has no execution role, and the registry credential needs one",
    ),
    (
        "When you are specifying container secrets, you must also specify a value for 'executionRoleArn'.",
        Cause::Configuration,
        "the task has no execution role, and secrets and environment files need one",
    ),
    (
        "Fargate requires task definition to have execution role ARN to support ECR images.",
        Cause::Configuration,
        "the task has no execution role, and Fargate needs one for images of Amazon ECR and for `awslogs`",
    ),
    ("Role is not valid", Cause::Configuration, "a role's ARN is not one of a role"),
    (
        "The repository credentials parameter specified for container 'c' is invalid. Parameter names can include up to 255 (uppercase and lowercase), numbers, hyphens, and underscores are allowed. Spaces are not allowed.",
        Cause::Configuration,
        "`credentialsParameter` of container `c` is not the name or ARN of a secret",
    ),
    (
        "Invalid setting for container 'c'. At least one of 'memory' or 'memoryReservation' must be specified.",
        Cause::Configuration,
        "container `c` has no memory",
    ),
    (
        "When networkMode=awsvpc, the host ports and container ports in port mappings must match.",
        Cause::Configuration,
        "`hostPort` is another port than `containerPort`",
    ),
    (
        "Log driver awslogs requires options: awslogs-region, awslogs-group",
        Cause::Configuration,
        "the log driver lacks options: `awslogs-region, awslogs-group`",
    ),
    (
        "A dependency container with SUCCESS or COMPLETE condition cannot be an essential container",
        Cause::Configuration,
        "an essential container is waited for until it ends, and the task would end with it",
    ),
    (
        "Fargate requires that 'cpu' be defined at the task level.",
        Cause::Configuration,
        "the task has no `cpu`, and Fargate needs it",
    ),
    (
        "The sum of all container 'cpu' values cannot be greater than the value of the task 'cpu'.",
        Cause::Configuration,
        "the containers ask for more than the task has",
    ),
    (
        "InvalidParameterException: Network Configuration must be provided when networkMode 'awsvpc' is specified.",
        Cause::Configuration,
        "the task needs subnets, and none are given",
    ),
    (
        "Network Configuration is not valid for the given networkMode of this task definition.",
        Cause::Configuration,
        "subnets are given, and the network mode has no use for them",
    ),
    (
        "service X failed to launch a task with (error ECS was unable to assume the role 'arn:aws:iam::111122223333:role/x' that was provided for this task. Please verify that the role being passed has the proper trust relationship and permissions and that your IAM user has permissions to pass this role.).",
        Cause::Permission,
        "ECS tasks may not assume the role `arn:aws:iam::111122223333:role/x`",
    ),
    (
        "ResourceInitializationError: unable to pull secrets or registry auth: execution resource retrieval failed: unable to retrieve secret from asm: service call has been retried 1 time(s): failed to fetch secret arn:aws:secretsmanager:us-east-1:111122223333:secret:x from secrets manager: AccessDeniedException: User: arn:aws:sts::111122223333:assumed-role/r/s is not authorized to perform: secretsmanager:GetSecretValue on resource: arn:aws:secretsmanager:us-east-1:111122223333:secret:x because no identity-based policy allows the secretsmanager:GetSecretValue action",
        Cause::Permission,
        "`arn:aws:sts::111122223333:assumed-role/r/s` may not `secretsmanager:GetSecretValue` on `arn:aws:secretsmanager:us-east-1:111122223333:secret:x`",
    ),
    (
        "unable to retrieve secrets from ssm: service call has been retried 5 time(s): RequestCanceled: request context canceled caused by: context deadline exceeded",
        Cause::Network,
        "a service did not answer in time",
    ),
    (
        "unable to retrieve secret from asm: service call has been retried 1 time(s): invalid character '\\'' looking for beginning of value",
        Cause::Content,
        "the secret is not JSON, and a key of it is wanted",
    ),
    (
        "Fetching secret data from SSM Parameter Store in us-east-1: AccessDeniedException: User: arn:aws:sts::1:assumed-role/r/s is not authorized to perform: ssm:GetParameters on resource: arn:aws:ssm:us-east-1:1:parameter/x",
        Cause::Permission,
        "`arn:aws:sts::1:assumed-role/r/s` may not `ssm:GetParameters` on `arn:aws:ssm:us-east-1:1:parameter/x`",
    ),
    (
        "ResourceInitializationError: failed to validate logger args: create stream has been retried 1 times: failed to create Cloudwatch log stream: ResourceNotFoundException: The specified log group does not exist.",
        Cause::Configuration,
        "the log group does not exist",
    ),
    (
        "ResourceInitializationError: failed to validate logger args: create stream has been retried 1 times: failed to create Cloudwatch log stream: x",
        Cause::Configuration,
        "the log stream cannot be created",
    ),
    (
        "CannotPullContainerError: pull image manifest has been retried 1 time(s): failed to resolve ref h/app:1: pulling from host h failed with status code [manifests 1]: 403 Forbidden",
        Cause::Registry,
        "the registry does not let this principal pull the image",
    ),
    (
        "CannotPullContainerError: pull image manifest has been retried 1 time(s): failed to resolve ref app:1@sha256:aa: unexpected status from HEAD request to https://h/v2/app/blobs/sha256:aa: 403 Forbidden",
        Cause::Registry,
        "the registry does not let this principal pull the image",
    ),
    (
        "CannotPullContainerError: Error response from daemon: pull access denied for app, repository does not exist or may require 'docker login': denied: User: arn:aws:sts::1:assumed-role/r/s is not authorized to perform: ecr:BatchGetImage on resource: arn:aws:ecr:us-east-1:1:repository/app because no identity-based policy allows the ecr:BatchGetImage action",
        Cause::Permission,
        "`arn:aws:sts::1:assumed-role/r/s` may not `ecr:BatchGetImage` on `arn:aws:ecr:us-east-1:1:repository/app`",
    ),
    (
        "The task can’t pull the image. Check that the role has the permissions to pull images from the registry. ",
        Cause::Permission,
        "the role may not pull the image",
    ),
    (
        "The task can't pull the image. Check that the role has the permissions to pull images from the registry.",
        Cause::Permission,
        "the role may not pull the image",
    ),
    (
        "The task can’t pull the image. Check whether the image exists. ",
        Cause::Registry,
        "the registry has no such image",
    ),
    (
        "The task can't pull the image. Check whether the image exists.",
        Cause::Registry,
        "the registry has no such image",
    ),
    (
        "The task can’t pull the image. Check your network configuration. ",
        Cause::Network,
        "the registry cannot be reached from the task",
    ),
    (
        "The task can't pull the image. Check your network configuration.",
        Cause::Network,
        "the registry cannot be reached from the task",
    ),
    ("asm fetching secret from the service for x", Cause::Content, "the secret `x` cannot be fetched"),
    (
        "asm fetching authorization data: empty response",
        Cause::Content,
        "the registry credential is not a JSON object of strings",
    ),
    (
        "asm fetching authorization data: empty secrets value",
        Cause::Content,
        "the registry credential is not a JSON object of strings",
    ),
    (
        "asm fetching authorization data: unable to unmarshal secret value, invalid schema",
        Cause::Content,
        "the registry credential is not a JSON object of strings",
    ),
    (
        "asm fetching username: AuthorizationData is malformed, empty field",
        Cause::Content,
        "the registry credential has no `username`",
    ),
    (
        "asm fetching password: AuthorizationData is malformed, empty field",
        Cause::Content,
        "the registry credential has no `password`",
    ),
    (
        "ResourceNotFoundException: The task can't retrieve the secret with ARN 'arn:aws:secretsmanager:us-east-1:1:secret:x' from AWS Secrets Manager. Check whether the secret exists in the specified Region",
        Cause::Content,
        "there is no secret `arn:aws:secretsmanager:us-east-1:1:secret:x` in this Region",
    ),
    (
        "retrieved secret from Secrets Manager did not contain json key k",
        Cause::Content,
        "the secret has no key `k`",
    ),
    (
        "InvalidInputException: The specified service is in a transition state (\"UPDATING\") and cannot be deleted.",
        Cause::Configuration,
        "the Lightsail service is being changed",
    ),
    (
        "The Systems Manager parameter name specified for secret X is invalid.",
        Cause::Configuration,
        "`valueFrom` of `X` is read as the name of a parameter, and is none",
    ),
    (
        "The secret name must be unique and not shared with any new or existing environment variables set on the container, such as 'X'.",
        Cause::Configuration,
        "a variable is in `secrets` and in `environment`",
    ),
    (
        "Trying to retrieve secret with value foo resulted in error: arn: invalid prefix",
        Cause::Configuration,
        "`valueFrom` is not an ARN",
    ),
    (
        "Unable to initialize s3 client for bucket b, error: x",
        Cause::Content,
        "the Region of the bucket `b` cannot be found out",
    ),
    (
        "HostConfigError: No execution credentials set for the task",
        Cause::Configuration,
        "the log driver has no credentials",
    ),
    ("RESOURCE:MEMORY", Cause::Capacity, "no instance has enough free memory"),
    ("RESOURCE:CPU", Cause::Capacity, "no instance has enough free CPU units"),
    ("RESOURCE:PORTS", Cause::Capacity, "the port of the host is taken on every instance"),
    ("RESOURCE:ENI", Cause::Capacity, "no instance has a free network interface"),
    ("RESOURCE:GPU", Cause::Capacity, "no instance has enough free GPUs"),
    ("AGENT", Cause::Capacity, "the container agent of the instance is not connected"),
    ("ATTRIBUTE", Cause::Capacity, "no instance has an attribute that the task needs"),
    (
        "service call has been retried 1 time(s): unexpected end of JSON input",
        Cause::Content,
        "the secret is empty, or its JSON ends too early",
    ),
    (
        "CannotStartContainerError: Error response from daemon: unable to find user app: no matching entries in passwd file",
        Cause::Configuration,
        "the image has no user `app`",
    ),
    (
        "(service web) (task 1) failed container health checks.",
        Cause::Configuration,
        "the container's health check fails",
    ),
    (
        "Fargate requires task definition to have execution role ARN to support log driver awslogs.",
        Cause::Configuration,
        "the task has no execution role, and Fargate needs one for images of Amazon ECR and for `awslogs`",
    ),
];

#[test]
fn every_text_that_people_met_has_a_meaning() {
    for (text, cause, headline) in MET {
        let found = explain(text).unwrap_or_else(|| panic!("not known: {text}"));
        assert_eq!((&found.cause, found.headline.as_str()), (cause, *headline), "{text}");
        assert!(found.fix.is_some_and(|fix| !fix.text.is_empty()), "{text}");
    }
}

/// What a task of this server is told, and the kind of cause that `check` and `explain` give for it. A text may have
/// several: then one of them.
#[test]
fn texts_of_this_server_have_the_cause_that_check_gives() {
    let texts = include_str!("../../../../services/src/ecs/launch/wording/texts.tsv");
    let lines: Vec<(&str, &str)> = texts.lines().filter_map(|line| line.split_once('\t')).collect();
    assert!(lines.len() > 50);
    // Whatever image it is about.
    let form = |text: &str| {
        let of_image = |word: &&str| word.contains(".dkr.ecr.") || word.ends_with("]:");
        text.split(' ').filter(|word| !of_image(word)).map(str::to_owned).collect::<Vec<_>>()
    };
    let wrong: Vec<String> = lines
        .iter()
        .filter_map(|(_, text)| {
            let same = lines.iter().filter(|(_, other)| form(other) == form(text));
            let causes: Vec<&str> = same.map(|(cause, _)| *cause).collect();
            let found = explain(text).map(|found| found.cause.to_string());
            let fits = found.as_deref().is_some_and(|found| causes.contains(&found));
            (!fits).then(|| format!("{found:?}, not {causes:?}: {text}"))
        })
        .collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// AWS's own list (Developer Guide, "Stopped tasks error messages"), as far as causes here do not produce them.
#[test]
fn texts_of_the_developer_guide() {
    for (text, cause) in [
        (
            "Task dependencies cannot be resolved, taskArn: arn:aws:ecs:us-east-1:1:task/a",
            Cause::Configuration,
        ),
        ("Timeout waiting for network interface provisioning to complete.", Cause::Network),
        (
            "Capacity is unavailable at this time. Please try again later or in a different availability zone",
            Cause::Capacity,
        ),
        (
            "ResourceInitializationError: failed to invoke EFS utils commands to set up EFS volumes: stderr: Failed to \
             resolve \"fs-1.efs.us-east-1.amazonaws.com\"",
            Cause::Network,
        ),
        (
            "DockerTimeoutError: Could not transition to started; timed out after waiting 3m0s",
            Cause::Capacity,
        ),
        (
            "Unexpected EC2 error while attempting to Create Network Interface in subnet 'subnet-1': \
             InsufficientFreeAddressesInSubnet",
            Cause::Capacity,
        ),
        ("CannotCreateVolumeError: mount failed", Cause::Configuration),
        ("ContainerRuntimeError: failed to create new container runtime task", Cause::Configuration),
        ("ContainerRuntimeTimeoutError: Could not transition to running; timed out", Cause::Capacity),
        ("CannotStopContainerError: x", Cause::Capacity),
        ("CannotInspectContainerError: No such container", Cause::Capacity),
        (
            "CannotStartContainerError: ResourceInitializationError: unable to create new container: mount callback \
             failed on /tmp/containerd-mount: no users found",
            Cause::Configuration,
        ),
        (
            "InternalError: failed to create container model: failed to normalize image reference \":latest\"",
            Cause::Configuration,
        ),
        ("Task failed ELB health checks in (target-group arn:aws:x)", Cause::Configuration),
        ("Host EC2 (instance i-0a) terminated.", Cause::Capacity),
        ("Your Spot Task was interrupted.", Cause::Capacity),
        ("OutOfMemoryError: container killed due to memory usage", Cause::Capacity),
        ("CannotPullContainerError: something new", Cause::Registry),
    ] {
        let found = explain(text).unwrap_or_else(|| panic!("not known: {text}"));
        assert_eq!(found.cause, cause, "{text}");
        assert!(found.fix.is_some_and(|fix| !fix.text.is_empty()), "{text}");
    }
}

#[test]
fn what_a_text_names_makes_a_command() {
    let command = |text| explain(text).unwrap().fix.unwrap().command;
    let deleted = "failed to fetch secret arn:aws:secretsmanager:us-east-1:1:secret:x from secrets manager: InvalidRequestException: You can't perform this operation on the secret because it was marked for deletion.";
    let restore = "aws secretsmanager restore-secret --secret-id arn:aws:secretsmanager:us-east-1:1:secret:x";
    assert_eq!(command(deleted).as_deref(), Some(restore));
    let missing = "Fetching secret data from SSM Parameter Store in us-east-1: invalid parameters: a,/b";
    let put = "aws ssm put-parameter --name a --type SecureString --value='VALUE'\n\
         aws ssm put-parameter --name /b --type SecureString --value='VALUE'";
    assert_eq!(command(missing).as_deref(), Some(put));
    assert_eq!(command("Role is not valid"), None);
}

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
    for (text, cause, headline) in [
        (
            "Task failed to start",
            Cause::Configuration,
            "a container could not be started, and its own `reason` says why",
        ),
        (
            "CannotCreateContainerError: Error response from daemon: No such image: hub.example.com/a:1",
            Cause::Registry,
            "the image is not on the instance any more, or was never pulled",
        ),
        ("exec /entrypoint.sh: exec format error", Cause::Configuration, FORMAT),
        (
            "CannotStartContainerError: ResourceInitializationError: failed to create new container runtime task: failed to create shim task: OCI runtime create failed: runc create failed: unable to start container process: exec /app: exec format error: unknown",
            Cause::Configuration,
            FORMAT,
        ),
        (
            "CannotPullContainerError: pull image manifest has been retried 1 time(s): failed to resolve ref reg.example.com/a:b: failed to do request: Head \"https://reg.example.com/v2/a/manifests/b\": tls: failed to verify certificate: x509: certificate signed by unknown authority",
            Cause::Network,
            CERTIFICATE,
        ),
        (
            "CannotPullContainerError: Error response from daemon: Get \"https://reg.example.com/v2/\": x509: certificate has expired or is not yet valid",
            Cause::Network,
            CERTIFICATE,
        ),
        (
            "CannotStartContainerError: ResourceInitializationError: unable to start container process: exec /bin/sh: argument list too long: unknown",
            Cause::Configuration,
            "the environment and the arguments are larger than a program can be given",
        ),
    ] {
        let found = explain(text).unwrap_or_else(|| panic!("not known: {text}"));
        assert_eq!((found.cause, found.headline.as_str()), (cause, headline), "{text}");
    }
    assert!(explain("the weather is nice").is_none());
    assert!(explain("my task failed to start, and I do not know why").is_none());
}
