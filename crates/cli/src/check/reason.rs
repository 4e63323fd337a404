//! What a `stoppedReason` means: texts of AWS, of Fargate and of the container agent old and new, matched to causes. Works
//! without a server; what the text itself names goes into the answer.

use landfall_api::landfall::{Cause, Finding, Fix};
use serde_json::json;

use super::denial;
use crate::env::shell::quote;

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
        &["error parsing http 403 response body"],
        Cause::Permission,
        "the VPC endpoint for S3 does not let layers of Amazon ECR through",
        "let `s3:GetObject` on `arn:aws:s3:::prod-REGION-starport-layer-bucket/*` through in the endpoint's policy",
    ),
    known(
        &["starport-layer-bucket", "403 forbidden"],
        Cause::Permission,
        "the VPC endpoint for S3 does not let layers of Amazon ECR through",
        "let `s3:GetObject` on `arn:aws:s3:::prod-REGION-starport-layer-bucket/*` through in the endpoint's policy",
    ),
    known(
        &["server message: denied"],
        Cause::Permission,
        "the role may pull the manifest and not the layers",
        "it needs `ecr:GetDownloadUrlForLayer`, too",
    ),
    known(
        &["download failed after attempts", "denied"],
        Cause::Permission,
        "the role may pull the manifest and not the layers",
        "it needs `ecr:GetDownloadUrlForLayer`, too",
    ),
    known(
        &["unknown blob"],
        Cause::Registry,
        "the registry lost a layer of the image",
        "push the image again",
    ),
    known(
        &["/blobs/", "not found"],
        Cause::Registry,
        "the registry lost a layer of the image",
        "push the image again",
    ),
    known(
        &["can't access a secret from a different aws account"],
        Cause::Configuration,
        "the secret of another account is encrypted with a key that is not shared",
        "encrypt it with a customer managed key whose policy lets the execution role use it",
    ),
    known(
        &["decryptionfailure"],
        Cause::Configuration,
        "the key of the secret cannot be used",
        "enable the key, or cancel its deletion",
    ),
    known(
        &["can't decrypt the protected secret text"],
        Cause::Configuration,
        "the key of the secret cannot be used",
        "enable the key, or cancel its deletion",
    ),
    known(
        &["invalidkeyid"],
        Cause::Configuration,
        "the key of the parameters cannot be used",
        "enable the key, or cancel its deletion",
    ),
    known(
        &["is pending deletion"],
        Cause::Configuration,
        "the key is going to be deleted",
        "cancel its deletion and enable it",
    ),
    known(&["the key is disabled"], Cause::Configuration, "the key is disabled", "enable it"),
    known(&["key/", "is disabled"], Cause::Configuration, "the key is disabled", "enable it"),
    known(
        &["mount callback failed"],
        Cause::Configuration,
        "the image's list of users cannot be read, or has not the one that is wanted",
        "correct `user`, or the image's /etc/passwd and /etc/group",
    ),
    known(
        &["unknownoperationexception"],
        Cause::Configuration,
        "the service has no such operation here",
        "do without it in the task definition",
    ),
    known(
        &["upstream registry failed"],
        Cause::Registry,
        "the upstream registry of the pull-through cache does not accept the user and password",
        "put the right `username` and `accessToken` into the secret of the pull-through cache rule",
    ),
    known(
        &["502 bad gateway"],
        Cause::Network,
        "the registry, or the upstream registry of the pull-through cache, did not answer",
        "look at the registry; repeat the start later",
    ),
    known(
        &["error response from daemon: unavailable"],
        Cause::Network,
        "the upstream registry of the pull-through cache did not answer",
        "look at the registry; repeat the start later",
    ),
    known(
        &["unknown log opt"],
        Cause::Configuration,
        "the log driver does not take an option",
        "take it out of `options` and `secretOptions` of `logConfiguration`",
    ),
    known(
        &["error parsing option"],
        Cause::Configuration,
        "the log driver does not take the value of an option",
        "correct it in `logConfiguration`: a size is written `10m`",
    ),
    known(
        &["logging mode not supported"],
        Cause::Configuration,
        "the log driver has no such mode",
        "set `mode` to `blocking` or `non-blocking`",
    ),
    known(
        &["could not parse multiline pattern"],
        Cause::Configuration,
        "the log driver does not take the pattern",
        "correct `awslogs-multiline-pattern` or `awslogs-datetime-format`",
    ),
    known(
        &["task dependencies cannot be resolved"],
        Cause::Configuration,
        "containers wait for each other, or for one that there is not",
        "correct `dependsOn`",
    ),
    known(
        &["dependency graph: container ordering dependency"],
        Cause::Configuration,
        "a container waited for another one longer than that has",
        "give the other a longer `startTimeout`, or find out in its log what takes so long",
    ),
    known(
        &["timeout waiting for network interface provisioning"],
        Cause::Network,
        "the network interface was not ready in time",
        "repeat the start; if it stays, look at the limits of network interfaces of the account",
    ),
    known(
        &["network interface provisioning"],
        Cause::Network,
        "the network interface was not made",
        "look at subnet and security groups, and at the limits of network interfaces of the account",
    ),
    known(
        &["insufficientfreeaddressesinsubnet"],
        Cause::Capacity,
        "the subnet has no free address",
        "stop other tasks, or name a larger subnet",
    ),
    known(
        &["create network interface in subnet"],
        Cause::Network,
        "the network interface cannot be made in the subnet",
        "look at subnet and security groups; the text tells what EC2 said",
    ),
    known(
        &["capacity is unavailable at this time"],
        Cause::Capacity,
        "AWS has no room for the task at this time",
        "try again later, or in other availability zones",
    ),
    known(
        &["efs utils commands"],
        Cause::Network,
        "an EFS file system cannot be mounted",
        "it needs a mount target in the availability zone, port 2049 open in its security group, and DNS in the VPC; the role needs `elasticfilesystem:ClientMount`",
    ),
    known(
        &["cannotcreatevolumeerror"],
        Cause::Configuration,
        "a volume cannot be made",
        "correct the volume in the task definition: its path, its driver or its file system",
    ),
    known(
        &["failed to normalize image reference"],
        Cause::Configuration,
        "the image's name is not one",
        "correct `image`",
    ),
    known(
        &["execute command failed because execute command was not enabled"],
        Cause::Configuration,
        "ECS Exec is not turned on for the task, or its agent does not run",
        "start the task with `--enable-execute-command`, and give the task role `ssmmessages:*`",
    ),
    known(
        &["could not transition to"],
        Cause::Capacity,
        "the container did not get there in time",
        "the machine is overloaded, or its disk too slow: look at both, and at the Docker daemon's log",
    ),
    known(
        &["dockertimeouterror"],
        Cause::Capacity,
        "the Docker daemon did not answer in time",
        "the machine is overloaded, or its disk too slow: look at both, and at the Docker daemon's log",
    ),
    known(
        &["containerruntimetimeouterror"],
        Cause::Capacity,
        "the container runtime did not answer in time",
        "the machine is overloaded, or its disk too slow: look at both",
    ),
    known(
        &["cannotstopcontainererror"],
        Cause::Capacity,
        "a container could not be stopped",
        "the machine is overloaded: look at it, and at the Docker daemon's log",
    ),
    known(
        &["cannotinspectcontainererror"],
        Cause::Capacity,
        "the Docker daemon does not know the container",
        "the container was removed by hand, or the machine is overloaded: look at the Docker daemon's log",
    ),
    known(
        &["task failed elb health checks"],
        Cause::Configuration,
        "the load balancer's health check fails",
        "compare path, port and codes of the target group's health check with what the container answers",
    ),
    known(
        &["host ec2"],
        Cause::Capacity,
        "the instance of the task was stopped or terminated",
        "start the task again on another instance",
    ),
    known(&["task stopped by user"], Cause::Configuration, "somebody stopped the task", "nothing is wrong"),
    known(
        &["unable to assume the role"],
        Cause::Permission,
        "ECS tasks may not assume the role `{role}`",
        "the role must exist and its trust policy must allow `sts:AssumeRole` to `ecs-tasks.amazonaws.com`",
    ),
    known(
        &["requires that the task definition specify a value for executionrolearn"],
        Cause::Configuration,
        "the task has no execution role, and the registry credential needs one",
        "set `executionRoleArn` in the task definition",
    ),
    known(
        &["you must also specify a value for 'executionrolearn'"],
        Cause::Configuration,
        "the task has no execution role, and secrets and environment files need one",
        "set `executionRoleArn` in the task definition",
    ),
    known(
        &["execution role arn to support"],
        Cause::Configuration,
        "the task has no execution role, and Fargate needs one for images of Amazon ECR and for `awslogs`",
        "set `executionRoleArn` in the task definition",
    ),
    known(
        &["role is not valid"],
        Cause::Configuration,
        "a role's ARN is not one of a role",
        "write the role's name, or `arn:aws:iam::ACCOUNT:role/NAME`",
    ),
    known(
        &["repository credentials parameter specified for container"],
        Cause::Configuration,
        "`credentialsParameter` of container `{container}` is not the name or ARN of a secret",
        "write the secret's name or its whole ARN, without a JSON key behind it",
    ),
    known(
        &["at least one of 'memory' or 'memoryreservation' must be specified"],
        Cause::Configuration,
        "container `{container}` has no memory",
        "set `memory` or `memoryReservation` of the container, or `memory` of the task",
    ),
    known(
        &["host ports and container ports in port mappings must match"],
        Cause::Configuration,
        "`hostPort` is another port than `containerPort`",
        "leave `hostPort` out; with `awsvpc` each task has an address of its own",
    ),
    known(
        &["log driver awslogs requires options"],
        Cause::Configuration,
        "the log driver lacks options: `{options}`",
        "set them in `options` of `logConfiguration`",
    ),
    known(
        &["condition cannot be an essential container"],
        Cause::Configuration,
        "an essential container is waited for until it ends, and the task would end with it",
        "set `essential` of the container that is waited for to `false`",
    ),
    known(
        &["be defined at the task level"],
        Cause::Configuration,
        "the task has no `{member}`, and Fargate needs it",
        "set `cpu` and `memory` of the task, to one of Fargate's sizes",
    ),
    known(
        &["no fargate configuration exists"],
        Cause::Configuration,
        "`cpu` and `memory` of the task are no size that Fargate has",
        "take one of Fargate's sizes, as 256 and 512",
    ),
    known(
        &["sum of all container '"],
        Cause::Configuration,
        "the containers ask for more than the task has",
        "raise the size of the task, or lower that of its containers",
    ),
    known(
        &["network configuration must be provided when networkmode"],
        Cause::Configuration,
        "the task needs subnets, and none are given",
        "give RunTask or the service `--network-configuration 'awsvpcConfiguration={subnets=[SUBNET],securityGroups=[GROUP]}'`",
    ),
    known(
        &["network configuration is not valid for the given networkmode"],
        Cause::Configuration,
        "subnets are given, and the network mode has no use for them",
        "leave the network configuration out, or set `networkMode` to `awsvpc`",
    ),
    known(
        &["in a transition state"],
        Cause::Configuration,
        "the Lightsail service is being changed",
        "wait until `aws lightsail get-container-services` shows `READY` or `RUNNING`, and repeat the call",
    ),
    known(
        &["systems manager parameter name specified for secret"],
        Cause::Configuration,
        "`valueFrom` of `{name}` is read as the name of a parameter, and is none",
        "for a secret with a JSON key write its whole ARN: `<secret ARN>:<json-key>::`",
    ),
    known(
        &["secret name must be unique and not shared"],
        Cause::Configuration,
        "a variable is in `secrets` and in `environment`",
        "leave one of them out",
    ),
    known(
        &["arn: invalid prefix"],
        Cause::Configuration,
        "`valueFrom` is not an ARN",
        "write the secret's whole ARN, or a parameter's name",
    ),
    known(
        &["no execution credentials"],
        Cause::Configuration,
        "the log driver has no credentials",
        "set `executionRoleArn` in the task definition",
    ),
    known(
        &["unable to initialize s3 client for bucket"],
        Cause::Content,
        "the Region of the bucket `{bucket}` cannot be found out",
        "check the bucket's name; the execution role needs `s3:GetBucketLocation` on it",
    ),
    known(
        &["can't retrieve the secret with arn"],
        Cause::Content,
        "there is no secret `{arn}` in this Region",
        "create it, or correct `valueFrom`; a secret of another Region or account needs its whole ARN",
    ),
    known(
        &["unexpected end of json input"],
        Cause::Content,
        "the secret is empty, or its JSON ends too early",
        "store a whole JSON object in the secret",
    ),
    known(
        &["unable to find user"],
        Cause::Configuration,
        "the image has no user `{user}`",
        "correct `user`, or give its number",
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
        &["cannot unmarshal"],
        Cause::Content,
        "the secret is JSON, and not an object",
        "store a JSON object, or leave the JSON key out of `valueFrom`",
    ),
    known(
        &["invalid character"],
        Cause::Content,
        "the secret is not JSON, and a key of it is wanted",
        "store a JSON object; shells of Windows leave their quotes in the value",
    ),
    known(
        &["marked for deletion"],
        Cause::Content,
        "the secret is marked for deletion",
        "cancel the deletion",
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
        &[".dkr.ecr.", "403 forbidden"],
        Cause::Permission,
        "the role, or the repository's policy, does not allow pulling the image",
        "for the execution role `ecr:BatchGetImage` and `ecr:GetDownloadUrlForLayer`; for a repository of another account its policy must allow them, too",
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
    known(
        &["resource:memory"],
        Cause::Capacity,
        "no instance has enough free memory",
        "ask for less memory, stop other tasks, or add an instance",
    ),
    known(
        &["insufficient memory available"],
        Cause::Capacity,
        "no instance has enough free memory",
        "ask for less memory, stop other tasks, or add an instance",
    ),
    known(
        &["resource:cpu"],
        Cause::Capacity,
        "no instance has enough free CPU units",
        "ask for less CPU, stop other tasks, or add an instance",
    ),
    known(
        &["insufficient cpu units available"],
        Cause::Capacity,
        "no instance has enough free CPU units",
        "ask for less CPU, stop other tasks, or add an instance",
    ),
    known(
        &["resource:ports"],
        Cause::Capacity,
        "the port of the host is taken on every instance",
        "leave `hostPort` out, or stop what uses the port",
    ),
    known(
        &["already using a port required by your task"],
        Cause::Capacity,
        "the port of the host is taken on every instance",
        "leave `hostPort` out, or stop what uses the port",
    ),
    known(
        &["resource:eni"],
        Cause::Capacity,
        "no instance has a free network interface",
        "stop other tasks, add an instance, or turn on `awsvpcTrunking`",
    ),
    known(
        &["resource:gpu"],
        Cause::Capacity,
        "no instance has enough free GPUs",
        "stop other tasks, or add an instance with GPUs",
    ),
    known(
        &["encountered error \"agent\""],
        Cause::Capacity,
        "the container agent of the instance is not connected",
        "look at the agent on the instance: its log, and its way to Amazon ECS",
    ),
    known(
        &["no container instances were found in your cluster"],
        Cause::Capacity,
        "the cluster has no instances",
        "add one, or take launch type FARGATE",
    ),
    known(
        &["no container instance met all of its requirements"],
        Cause::Capacity,
        "no instance fits the task",
        "compare sizes, ports, attributes and launch type of the task with the cluster's instances",
    ),
    known(
        &["failed container health checks"],
        Cause::Configuration,
        "the container's health check fails",
        "run its command in the container; `startPeriod` gives a slow start time",
    ),
    known(
        &["spot task was interrupted"],
        Cause::Capacity,
        "AWS took the Spot capacity back",
        "nothing is wrong; for tasks that must stay use FARGATE",
    ),
    known(
        &["scaling activity initiated by"],
        Cause::Configuration,
        "the service stopped the task: it wants fewer, or another deployment",
        "nothing is wrong; look at the service's events",
    ),
    known(
        &["accessdenied"],
        Cause::Permission,
        "a policy does not allow what the text speaks of",
        "the whole message of AccessDenied names action and resource: allow these to the execution role",
    ),
    known(
        &["asm fetching secret from the service for"],
        Cause::Content,
        "the secret `{secret}` cannot be fetched",
        "check that it is in the task's Region and has a value, and that the execution role has `secretsmanager:GetSecretValue`",
    ),
    known(
        &["from secrets manager"],
        Cause::Content,
        "the secret `{secret}` cannot be fetched",
        "check that it is in the task's Region and has a value, and that the execution role has `secretsmanager:GetSecretValue`",
    ),
    known(
        &["failed to create cloudwatch log stream"],
        Cause::Configuration,
        "the log stream cannot be created",
        "check that the log group is there, and that the execution role has `logs:CreateLogStream`",
    ),
    known(
        &["failed to validate logger args"],
        Cause::Configuration,
        "the log driver cannot be set up with these options",
        "check the options of `logConfiguration`; for `awslogs` the group must be there, and the execution role must have `logs:CreateLogStream`",
    ),
    known(
        &["check that the role has the permissions to pull images"],
        Cause::Permission,
        "the role may not pull the image",
        "it needs `ecr:GetAuthorizationToken`, `ecr:BatchGetImage` and `ecr:GetDownloadUrlForLayer`; for a repository of another account its policy must allow them, too",
    ),
    known(
        &["check whether the image exists"],
        Cause::Registry,
        "the registry has no such image",
        "check name and tag, or push the image",
    ),
    known(
        &["check your network configuration"],
        Cause::Network,
        "the registry cannot be reached from the task",
        "the subnet needs a way to it: a public address, a NAT gateway, or VPC endpoints",
    ),
    known(
        &["check your task network configuration"],
        Cause::Network,
        "a service cannot be reached from the task's subnet",
        "the subnet needs a way to it: a public address, a NAT gateway, or a VPC endpoint whose security group lets port 443 in",
    ),
    known(
        &["is no room for"],
        Cause::Capacity,
        "there is no room for the image",
        "free space below the data directory",
    ),
    known(
        &["cannotpullcontainererror"],
        Cause::Registry,
        "the image cannot be pulled",
        "check its name, and that the registry gives it to this task",
    ),
    known(
        &["cannotpullimagemanifesterror"],
        Cause::Registry,
        "the image cannot be pulled",
        "check its name, and that the registry gives it to this task",
    ),
    known(
        &["containerruntimeerror"],
        Cause::Configuration,
        "the container runtime could not make the container",
        "look at `entryPoint`, `command`, mounts and limits in the task definition",
    ),
    known(
        &["failed to create new container runtime task"],
        Cause::Configuration,
        "the container runtime could not start the program",
        "look at `entryPoint`, `command` and `workingDirectory`, and at the image",
    ),
    known(
        &["oci runtime create failed"],
        Cause::Configuration,
        "the container runtime could not start the program",
        "look at `entryPoint`, `command` and `workingDirectory`, and at the image",
    ),
];

/// `failures[].reason` that are a single word.
static WORDS: [(&str, Known); 4] = [
    (
        "AGENT",
        known(
            &[],
            Cause::Capacity,
            "the container agent of the instance is not connected",
            "look at the agent on the instance: its log, and its way to Amazon ECS",
        ),
    ),
    (
        "ATTRIBUTE",
        known(
            &[],
            Cause::Capacity,
            "no instance has an attribute that the task needs",
            "compare `requiresAttributes` of the task definition with the attributes of the instances",
        ),
    ),
    (
        "MISSING",
        known(
            &[],
            Cause::Configuration,
            "what is named is not in this cluster and Region",
            "check name, cluster and Region",
        ),
    ),
    (
        "INACTIVE",
        known(
            &[],
            Cause::Configuration,
            "what is named was deleted",
            "create it again, or name one that is active",
        ),
    ),
];

/// What a text means.
pub(super) fn explain(text: &str) -> Option<Finding> {
    // AWS writes both kinds of apostrophe.
    let lower = text.to_lowercase().replace(['\u{2018}', '\u{2019}'], "'");
    if let Some(found) = missing_file(text, &lower).or_else(|| denial::explain(text)) {
        return Some(found);
    }
    let word = WORDS.iter().find(|(word, _)| *word == text.trim()).map(|(_, known)| known);
    let known = word.or_else(|| TEXTS.iter().find(|it| it.parts.iter().all(|part| lower.contains(part))))?;
    Some(Finding {
        headline: fill(known.headline, text),
        cause: known.cause.clone(),
        message: text.trim().to_owned(),
        fix: Some(fix(fill(known.fix, text), text)),
        ..Finding::default()
    })
}

/// Who may not list a bucket is not told that a file is missing, but that: nobody needs the permission to start a task.
fn missing_file(text: &str, lower: &str) -> Option<Finding> {
    if !(lower.contains("env file") && lower.contains("not authorized to perform: s3:listbucket")) {
        return None;
    }
    let bucket = after(text, "from bucket ").or_else(|| after(text, "arn:aws:s3:::")).unwrap_or("BUCKET");
    let key = after(text, "env file with key ");
    let what = key.map_or_else(|| "no such object".to_owned(), |key| format!("no object `{key}`"));
    let address = format!("s3://{bucket}/{}", key.unwrap_or("KEY"));
    Some(Finding {
        headline: format!("there is {what} in the bucket `{bucket}`"),
        cause: Cause::Content,
        message: text.trim().to_owned(),
        fix: Some(Fix {
            text: "upload the file, or correct its ARN in `environmentFiles`".to_owned(),
            command: Some(format!("aws s3 cp FILE {}", quote(&address))),
            ..Fix::default()
        }),
        ..Finding::default()
    })
}

/// With the command, or the document, where the text names all that it needs.
fn fix(text: String, reason: &str) -> Fix {
    let put =
        |name| format!("aws ssm put-parameter --name {} --type SecureString --value VALUE", quote(name));
    let command = if reason.contains("marked for deletion") {
        value("{secret}", reason)
            .map(|it| format!("aws secretsmanager restore-secret --secret-id {}", quote(it)))
    } else {
        value("{parameters}", reason).map(|it| it.split(',').map(put).collect::<Vec<_>>().join("\n"))
    };
    let document = value("{role}", reason).map(|_| {
        let statement = json!({
            "Effect": "Allow", "Principal": {"Service": "ecs-tasks.amazonaws.com"}, "Action": "sts:AssumeRole"
        });
        json!({"Version": "2012-10-17", "Statement": [statement]}).to_string()
    });
    Fix { text, command, document, ..Fix::default() }
}

/// What the text names.
fn value<'a>(name: &str, text: &'a str) -> Option<&'a str> {
    match name {
        "{key}" => after(text, "did not contain json key "),
        "{role}" => after(text, "assume the role '"),
        "{secret}" => {
            let phrases = ["failed to fetch secret ", "secret from the service for "];
            phrases.into_iter().find_map(|it| after(text, it))
        }
        "{arn}" => after(text, "the secret with ARN '"),
        "{container}" => after(text, "container '"),
        "{options}" => {
            text.split_once("requires options: ").map(|(_, rest)| rest.trim().trim_end_matches('.'))
        }
        "{member}" => after(text, "requires that '"),
        "{name}" => after(text, "specified for secret "),
        "{bucket}" => after(text, "client for bucket "),
        "{user}" => after(text, "unable to find user "),
        "{parameters}" => after(text, "invalid parameters: "),
        _ => None,
    }
}

/// Puts what the text names into a sentence.
fn fill(sentence: &str, text: &str) -> String {
    const NAMES: [&str; 11] = [
        "{key}",
        "{role}",
        "{secret}",
        "{arn}",
        "{container}",
        "{options}",
        "{member}",
        "{name}",
        "{bucket}",
        "{user}",
        "{parameters}",
    ];
    let mut out = sentence.to_owned();
    for name in NAMES {
        if out.contains(name) {
            out = out.replace(name, value(name, text).unwrap_or("…"));
        }
    }
    out
}

/// The word behind a phrase, without the punctuation that ends it.
pub(super) fn after<'a>(text: &'a str, phrase: &str) -> Option<&'a str> {
    let (_, rest) = text.split_once(phrase)?;
    let word = rest.split_whitespace().next()?.trim_end_matches([':', '.', ',', '\'', ')', ';']);
    (!word.is_empty()).then_some(word)
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECRETS: &str = "ResourceInitializationError: unable to pull secrets or registry auth: execution resource retrieval failed: ";

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
        let texts = include_str!("../../../services/src/ecs/launch/wording/texts.tsv");
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
        let restore =
            "aws secretsmanager restore-secret --secret-id arn:aws:secretsmanager:us-east-1:1:secret:x";
        assert_eq!(command(deleted).as_deref(), Some(restore));
        let missing = "Fetching secret data from SSM Parameter Store in us-east-1: invalid parameters: a,/b";
        let put = "aws ssm put-parameter --name a --type SecureString --value VALUE\n\
             aws ssm put-parameter --name /b --type SecureString --value VALUE";
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
        assert!(explain("the weather is nice").is_none());
    }
}
