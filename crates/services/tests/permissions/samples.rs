//! Sample inputs, made from the schemas. Names are `sample`; what a schema does not tell is in a table.

use landfall_base::Timestamp;
use landfall_shape::{Kind, Member, Schema, Structure, Value};

/// A policy document.
pub(crate) const ANYTHING: &str =
    r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]}"#;

/// A trust policy.
pub(crate) const TRUST: &str = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow",
    "Principal":{"Service":"ecs-tasks.amazonaws.com"},"Action":"sts:AssumeRole"}]}"#;

/// A task definition that has a role.
const DEPLOYMENT: &str = r#"{"serviceName":"sample","containers":{"app":{"image":"x"}}}"#;
const DEFINITION: &str = r#"{"family":"sample","executionRoleArn":"sample",
    "containerDefinitions":[{"name":"app","image":"app","memory":64}]}"#;

const POLICY: &str = "arn:aws:iam::111122223333:policy/sample";
const ROLE: &str = "arn:aws:iam::111122223333:role/sample";
const CLUSTER: &str = "arn:aws:ecs:us-east-1:111122223333:cluster/sample";
const LOG_GROUP: &str = "arn:aws:logs:us-east-1:111122223333:log-group:sample";

const POINTER: &str = concat!(
    "eyJhY2NvdW50IjoiMTExMTIyMjIzMzMzIiwiZ3JvdXAiOiJzYW1wbGUiLCJzdHJlYW0iOiJz",
    "YW1wbGUiLCJzZXF1ZW5jZSI6MH0="
);

const DIGEST: &str = "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

/// An image manifest.
const MANIFEST: &str = r#"{"schemaVersion":2,"mediaType":"application/vnd.oci.image.manifest.v1+json",
    "config":{"mediaType":"application/vnd.oci.image.config.v1+json","size":0,
    "digest":"sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"},"layers":[]}"#;

/// Stands for the ARN of the world's KMS key.
pub(crate) const KEY: &str = "{key}";

/// Stands for the id of a grant on the key.
pub(crate) const GRANT: &str = "{grant}";

/// Stands for the ARN of a task, where the world has one.
pub(crate) const TASK: &str = "{task}";

/// Members that say something only together: operation, what is left out of the smallest input, what is added.
pub(crate) const TOGETHER: &[(&str, &[&str], &[&str])] = &[
    ("secretsmanager:BatchGetSecretValue", &["SecretIdList"], &["Filters"]),
    ("ssm:PutParameter", &[], &["Overwrite", "Type", "KeyId"]),
    ("ssm:PutParameter", &[], &["Overwrite", "Tier", "Policies"]),
    ("sts:AssumeRole", &[], &["Tags", "TransitiveTagKeys"]),
];

/// A policy of a parameter.
const EXPIRATION: &str =
    r#"[{"Type":"Expiration","Version":"1.0","Attributes":{"Timestamp":"2030-12-02T21:34:33.000Z"}}]"#;

/// A key policy.
const KEY_POLICY: &str = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow",
    "Principal":{"AWS":"arn:aws:iam::111122223333:root"},"Action":"kms:*","Resource":"*"}]}"#;

/// A policy of a VPC endpoint.
const ENDPOINT_POLICY: &str =
    r#"{"Statement":[{"Effect":"Allow","Principal":"*","Action":"*","Resource":"*"}]}"#;

/// Text by member: `service` or `service:Operation`, member, text. The first line that fits counts.
const TEXTS: &[(&str, &str, &str)] = &[
    ("ec2", "CidrBlock", "10.0.0.0/16"),
    ("ec2", "Resources", "vpc-sample"),
    ("ec2:CreateSecurityGroup", "ResourceType", "security-group"),
    ("ec2:CreateSubnet", "ResourceType", "subnet"),
    ("ec2:CreateVpc", "ResourceType", "vpc"),
    ("ec2:CreateVpcEndpoint", "ResourceType", "vpc-endpoint"),
    ("ec2:CreateVpcEndpoint", "VpcEndpointType", "Interface"),
    ("ec2", "PolicyDocument", ENDPOINT_POLICY),
    ("ec2:DescribeVpcAttribute", "Attribute", "enableDnsSupport"),
    ("ec2", "NextToken", ""),
    ("ec2:CreateSecurityGroup", "GroupName", "sample"),
    ("ecr", "resourceArn", "arn:aws:ecr:us-east-1:111122223333:repository/sample"),
    ("ecr", "registryId", "111122223333"),
    ("ecr", "registryIds", "111122223333"),
    ("ecr", "customRoleArn", ROLE),
    ("ecr", "layerDigest", DIGEST),
    ("ecr", "layerDigests", DIGEST),
    ("ecr", "imageDigest", DIGEST),
    ("ecr", "imageManifest", MANIFEST),
    ("ecr", "policyText", ANYTHING),
    ("ecr", "value", "AWS_NATIVE"),
    ("ecr", "name", "BASIC_SCAN_TYPE_VERSION"),
    ("ecr", "encryptionType", "KMS"),
    ("ecr", "kmsKey", KEY),
    ("ecs", "resourceArn", CLUSTER),
    ("ecs", "task", TASK),
    ("ecs", "tasks", TASK),
    ("ecs", "principalArn", ROLE),
    ("iam", "AWSServiceName", "ecs.amazonaws.com"),
    ("iam:CreateServiceLinkedRole", "CustomSuffix", ""),
    ("iam:DeleteServiceLinkedRole", "RoleName", "AWSServiceRoleForECS"),
    (
        "iam",
        "DeletionTaskId",
        "task/aws-service-role/ecs.amazonaws.com/AWSServiceRoleForECS/00000000-0000-0000-0000-000000000000",
    ),
    ("iam", "AssumeRolePolicyDocument", TRUST),
    ("iam", "Marker", ""),
    ("iam", "OpenIDConnectProviderArn", "arn:aws:iam::111122223333:oidc-provider/issuer.example.com"),
    ("iam", "ThumbprintList", "990f4193972f2becf12ddeda5237f9c952f20d9e"),
    ("iam", "Url", "https://issuer.example.com"),
    ("iam", "Path", "/"),
    ("iam", "NewPath", "/"),
    ("iam", "PathPrefix", "/"),
    ("iam", "PermissionsBoundary", POLICY),
    ("iam", "PolicyArn", POLICY),
    ("iam", "PolicyDocument", ANYTHING),
    ("iam", "PolicyInputList", ANYTHING),
    ("iam", "PolicySourceArn", ROLE),
    ("iam", "ResourcePolicy", ANYTHING),
    ("iam", "CallerArn", ROLE),
    ("iam", "ActionNames", "ecs:ListClusters"),
    ("ecr", "upstreamRegistryUrl", "registry.example.com"),
    ("kms", "AliasName", "alias/sample"),
    ("kms", "GrantId", GRANT),
    ("kms", "GranteePrincipal", ROLE),
    ("kms", "Policy", KEY_POLICY),
    ("kms", "PolicyName", "default"),
    ("kms", "RetiringPrincipal", ROLE),
    ("kms", "DestinationKeyId", KEY),
    ("kms", "KeyId", KEY),
    ("kms", "KeyPairSpec", "ECC_NIST_P256"),
    ("kms", "MacAlgorithm", "HMAC_SHA_256"),
    ("kms", "SigningAlgorithm", "ECDSA_SHA_256"),
    ("kms", "TargetKeyId", KEY),
    ("landfall", "accountId", "444455556666"),
    ("landfall", "action", "ecs:ListClusters"),
    ("landfall", "resource", "*"),
    ("landfall", "content", ANYTHING),
    ("landfall", "deployment", DEPLOYMENT),
    ("landfall", "taskDefinition", DEFINITION),
    ("landfall", "targetId", "root"),
    ("landfall", "roleArn", ROLE),
    ("landfall", "image", "registry.example.com/rotate"),
    ("landfall", "name", "sample"),
    ("logs", "resourceArn", LOG_GROUP),
    ("logs", "logGroupIdentifier", LOG_GROUP),
    ("logs", "policyDocument", ANYTHING),
    ("logs", "queryString", "limit 1"),
    // `@ptr` of the first event of the stream `sample` of the group `sample`.
    ("logs", "logRecordPointer", POINTER),
    ("secretsmanager", "ClientRequestToken", "00000000-0000-0000-0000-000000000000"),
    ("secretsmanager", "KmsKeyId", KEY),
    ("secretsmanager", "ResourcePolicy", ANYTHING),
    ("secretsmanager", "Region", "us-west-2"),
    ("secretsmanager", "RemoveReplicaRegions", "us-west-2"),
    ("ssm", "KeyId", KEY),
    ("ssm", "Path", "/sample"),
    ("ssm", "Policies", EXPIRATION),
    ("ssm:PutParameter", "Tier", "Advanced"),
    ("ssm:PutParameter", "Type", "SecureString"),
    ("ssm", "ResourceType", "Parameter"),
    ("ssm", "SettingId", "/ssm/parameter-store/default-parameter-tier"),
    ("sts", "Policy", ANYTHING),
    ("sts", "RoleArn", ROLE),
    ("sts", "arn", POLICY),
    ("sts", "AccessKeyId", "AKIAIOSFODNN7EXAMPLE"),
];

/// Members that a structure needs though the schema does not say so, by `service` or `service:Operation`.
const NEEDED: &[(&str, &str)] = &[
    ("ec2", "Key"),
    ("ec2", "ResourceType"),
    ("ec2", "Tags"),
    ("ec2", "Value"),
    ("ec2:CreateSubnet", "CidrBlock"),
    ("ec2:CreateVpc", "CidrBlock"),
    ("ec2:CreateVpcEndpoint", "ServiceName"),
    ("ec2:DeleteSecurityGroup", "GroupId"),
    ("ec2:ModifyVpcAttribute", "EnableDnsSupport"),
    ("ecr:BatchGetImage", "imageTag"),
    ("ecs", "key"),
    ("lightsail", "key"),
    ("logs:AssociateKmsKey", "logGroupName"),
    ("logs:DeleteResourcePolicy", "policyName"),
    ("logs:DisassociateKmsKey", "logGroupName"),
    ("logs:GetLogEvents", "logGroupName"),
    ("logs:PutResourcePolicy", "policyDocument"),
    ("logs:PutResourcePolicy", "policyName"),
    ("logs:FilterLogEvents", "logGroupName"),
    ("logs:DescribeLogStreams", "logGroupName"),
    ("logs:StartQuery", "logGroupName"),
    ("ecs:DescribeContainerInstances", "cluster"),
    ("ecr:CreateRepository", "kmsKey"),
    ("kms:CreateGrant", "EncryptionContextEquals"),
    ("kms:Decrypt", "CiphertextBlob"),
    ("kms:GenerateDataKey", "KeySpec"),
    ("kms:GenerateDataKeyWithoutPlaintext", "KeySpec"),
    ("kms:ReEncrypt", "CiphertextBlob"),
    ("kms:RetireGrant", "GrantId"),
    ("kms:RetireGrant", "KeyId"),
    ("secretsmanager", "ClientRequestToken"),
    ("secretsmanager", "Key"),
    ("secretsmanager", "Region"),
    ("secretsmanager:BatchGetSecretValue", "SecretIdList"),
    ("secretsmanager:BatchGetSecretValue", "Values"),
    ("secretsmanager:PutSecretValue", "SecretString"),
];

/// The members that have to be there.
pub(crate) fn smallest(service: &str, operation: &str, members: &[Member]) -> Structure {
    let name = format!("{service}:{operation}");
    let needed = |member: &Member| {
        let fits = |of: &str| of == service || of == name;
        member.required || NEEDED.iter().any(|(of, needed)| fits(of) && *needed == member.name)
    };
    let mut input = Structure::new();
    for member in members.iter().filter(|member| needed(member)) {
        input.push(member.name, member_value(service, operation, member));
    }
    input
}

/// A value of a member.
pub(crate) fn member_value(service: &str, operation: &str, member: &Member) -> Value {
    value(service, operation, member.name, member.schema)
}

fn value(service: &str, operation: &str, name: &str, schema: &Schema) -> Value {
    match &schema.kind {
        Kind::Structure { members } => Value::Structure(smallest(service, operation, members)),
        Kind::List { member, .. } => Value::List(vec![value(service, operation, name, member)]),
        Kind::Map { key, value: of, .. } => {
            let key = text(service, operation, "key", key);
            Value::Map(vec![(key, value(service, operation, name, of))])
        }
        Kind::String { .. } => string(schema, text(service, operation, name, schema)),
        Kind::Blob { .. } if schema.sensitive => Value::SensitiveBlob(b"sample".to_vec().into()),
        Kind::Blob { .. } => Value::Blob(b"sample".to_vec()),
        Kind::Boolean => Value::Boolean(true),
        Kind::Integer { min, .. } | Kind::Long { min, .. } => Value::Integer(min.unwrap_or(1)),
        Kind::Double { min, .. } => Value::Double(min.unwrap_or(1.0)),
        Kind::Timestamp { .. } => Value::Timestamp(Timestamp::from_millis(1_795_401_041_000)),
    }
}

fn string(schema: &Schema, text: String) -> Value {
    if schema.sensitive { Value::SensitiveString(text.into()) } else { Value::String(text) }
}

fn text(service: &str, operation: &str, name: &str, schema: &Schema) -> String {
    let Kind::String { min, values, .. } = &schema.kind else { return String::new() };
    let qualified = format!("{service}:{operation}");
    let fits = |of: &str| of == service || of == qualified;
    let known = TEXTS.iter().find(|(of, member, _)| fits(of) && *member == name);
    if let (None, Some(first)) = (known, values.first()) {
        return (*first).to_owned();
    }
    let text = known.map_or("sample", |(_, _, text)| text).to_owned();
    let least = usize::try_from(min.unwrap_or(0)).unwrap_or(0);
    if text.is_empty() { text } else { format!("{text}{}", "a".repeat(least.saturating_sub(text.len()))) }
}
