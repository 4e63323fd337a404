//! Policies as texts: with a statement more or less, and the commands that write them.

use serde_json::{Value, json};

use super::text::{quote, role_name};
use crate::ecs::launch::SERVICE_PRINCIPAL;

/// A policy of one statement.
pub(super) fn document(statement: &Value) -> String {
    document_of(std::slice::from_ref(statement))
}

/// A policy of these statements.
pub(super) fn document_of(statements: &[Value]) -> String {
    json!({"Version": "2012-10-17", "Statement": statements}).to_string()
}

/// What allows actions on resources, each statement once.
pub(super) fn allowing(needs: &[(Vec<&'static str>, String)]) -> Vec<Value> {
    let mut statements: Vec<Value> = Vec::new();
    for (actions, resource) in needs {
        let statement = json!({"Effect": "Allow", "Action": actions, "Resource": resource});
        if !statements.contains(&statement) {
            statements.push(statement);
        }
    }
    statements
}

/// The statement of a trust policy that lets ECS tasks assume the role.
pub(super) fn trusting_tasks() -> Value {
    json!({"Effect": "Allow", "Principal": {"Service": SERVICE_PRINCIPAL}, "Action": "sts:AssumeRole"})
}

/// The command that makes a role, by its name or ARN.
pub(super) fn create_role(role: &str, trust: &str) -> String {
    format!(
        "aws iam create-role --role-name {} --assume-role-policy-document {}",
        quote(role_name(role)),
        quote(trust)
    )
}

/// What is left to say of a role that can be given no further policy.
pub(in crate::ecs::launch) const NO_ROOM: &str =
    "the role has as many policies as it may: put this statement into one that it has";

/// The command that writes a policy of a role's own.
pub(in crate::ecs::launch) fn put_role_policy(role: &str, name: &str, policy: &str) -> String {
    format!(
        "aws iam put-role-policy --role-name {} --policy-name {} --policy-document {}",
        quote(role_name(role)),
        quote(name),
        quote(policy)
    )
}

/// A policy with one more statement, unless it has it; what is there stays.
pub(super) fn merged(policy: Option<&str>, statement: &Value) -> String {
    let present = policy.and_then(|text| serde_json::from_str::<Value>(text).ok()).filter(Value::is_object);
    let Some(mut policy) = present else { return document(statement) };
    let mut statements = all_statements(policy["Statement"].take());
    if !statements.contains(statement) {
        statements.push(statement.clone());
    }
    policy["Statement"] = Value::Array(statements);
    policy.to_string()
}

/// Statements of a policy, by their places in it.
pub(super) fn statements(policy: &str, places: &[usize]) -> Vec<Value> {
    let policy: Value = serde_json::from_str(policy).unwrap_or_default();
    let all = all_statements(policy["Statement"].clone());
    let listed = all.into_iter().enumerate().filter(|(index, _)| places.contains(index));
    listed.map(|(_, statement)| statement).collect()
}

/// A policy without some of its statements; `None` if none is left.
pub(super) fn without(policy: &str, statements: &[Value]) -> Option<String> {
    let mut policy: Value = serde_json::from_str(policy).ok()?;
    let mut kept = all_statements(policy["Statement"].take());
    kept.retain(|statement| !statements.contains(statement));
    if kept.is_empty() {
        return None;
    }
    policy["Statement"] = Value::Array(kept);
    Some(policy.to_string())
}

fn all_statements(of: Value) -> Vec<Value> {
    match of {
        Value::Array(all) => all,
        Value::Null => Vec::new(),
        one => vec![one],
    }
}

/// The command that writes the policy of a resource, and in whose account that has to be. `None` for what has no such policy.
pub(super) fn write(resource: &str, region: &str, policy: &str) -> Option<(&'static str, String)> {
    let (whose, command) = of_resource(resource, region, Verb::Put)?;
    let option = match service(resource) {
        "ecr" => "--policy-text",
        "iam" => "--policy-document",
        "kms" | "s3" => "--policy",
        _ => "--resource-policy",
    };
    Some((whose, format!("{command} {option} {}", quote(policy))))
}

/// The command that takes the policy off a resource. Keys and roles always have one.
pub(super) fn delete(resource: &str, region: &str) -> Option<String> {
    of_resource(resource, region, Verb::Delete).map(|(_, command)| command)
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Verb {
    Put,
    Delete,
}

fn of_resource(resource: &str, region: &str, verb: Verb) -> Option<(&'static str, String)> {
    let put = verb == Verb::Put;
    let word = if put { "put" } else { "delete" };
    Some(match service(resource) {
        "iam" if put => {
            ("", format!("aws iam update-assume-role-policy --role-name {}", quote(role_name(resource))))
        }
        "kms" if put => (
            "in the policy of the key",
            format!(
                "aws kms put-key-policy --key-id {} --policy-name default --region {region}",
                quote(resource)
            ),
        ),
        "secretsmanager" => (
            "in the secret's account",
            format!(
                "aws secretsmanager {word}-resource-policy --secret-id {} --region {region}",
                quote(resource)
            ),
        ),
        "ecr" => {
            let repository = resource.rsplit(":repository/").next().unwrap_or_default();
            let word = if put { "set" } else { "delete" };
            let command = format!(
                "aws ecr {word}-repository-policy --repository-name {} --region {region}",
                quote(repository)
            );
            ("in the repository's account", command)
        }
        "s3" => {
            let name = resource.rsplit(':').next().unwrap_or_default();
            let bucket = name.split('/').next().unwrap_or(name);
            ("in the bucket's account", format!("aws s3api {word}-bucket-policy --bucket {}", quote(bucket)))
        }
        _ => return None,
    })
}

fn service(resource: &str) -> &str {
    resource.split(':').nth(2).unwrap_or_default()
}
