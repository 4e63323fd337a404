//! The policies and the task definition of the story.

use serde_json::{Value, json};

pub(super) const SECRET: &str = "registry";
pub(super) const ROLE: &str = "demo-execution";
pub(super) const POLICY: &str = "read-registry-credential";
pub(super) const CLUSTER: &str = "demo";
pub(super) const GROUP: &str = "/ecs/hello";
pub(super) const FAMILY: &str = "hello";
pub(super) const CONTAINER: &str = "hello";
pub(super) const MANAGED_POLICY: &str =
    "arn:aws:iam::aws:policy/service-role/AmazonECSTaskExecutionRolePolicy";

/// Lets ECS tasks be started with the role.
pub(super) fn trust() -> Value {
    json!({
        "Version": "2012-10-17",
        "Statement": [{
            "Effect": "Allow",
            "Principal": {"Service": "ecs-tasks.amazonaws.com"},
            "Action": "sts:AssumeRole",
        }],
    })
}

/// Lets the role read one secret.
pub(super) fn read_secret(arn: &str) -> Value {
    json!({
        "Version": "2012-10-17",
        "Statement": [{
            "Sid": "ReadRegistryCredential",
            "Effect": "Allow",
            "Action": "secretsmanager:GetSecretValue",
            "Resource": arn,
        }],
    })
}

/// A Fargate task of one container with a private image.
pub(super) fn task_definition(image: &str, secret: &str, role: &str, region: &str) -> Value {
    json!({
        "family": FAMILY,
        "requiresCompatibilities": ["FARGATE"],
        "networkMode": "awsvpc",
        "cpu": "256",
        "memory": "512",
        "executionRoleArn": role,
        "containerDefinitions": [{
            "name": CONTAINER,
            "image": image,
            "repositoryCredentials": {"credentialsParameter": secret},
            "environment": [
                {"name": "GREETING", "value": "no AWS account, no Docker daemon"},
                {"name": "EXIT_CODE", "value": "0"},
            ],
            "logConfiguration": {
                "logDriver": "awslogs",
                "options": {
                    "awslogs-group": GROUP,
                    "awslogs-region": region,
                    "awslogs-stream-prefix": "demo",
                },
            },
        }],
    })
}
