//! What to change so that a step succeeds: a command to paste where there is one. Pure.

use landfall_iam::Layer;
use serde_json::{Value, json};

use super::SERVICE_PRINCIPAL;
use super::plan::{Step, Work};
use super::problem::{CredentialProblem, Problem};
use crate::pipe::CheckRecord;

/// What is known about a step that failed.
#[derive(Debug, Clone, Copy)]
pub struct Circumstances<'a> {
    /// The step.
    pub step: &'a Step,
    /// The execution role's ARN.
    pub role: Option<&'a str>,
    /// There is such a role.
    pub role_exists: bool,
    /// The check that was refused, if one was.
    pub denied: Option<&'a CheckRecord>,
}

/// What to change.
pub fn hint(of: Circumstances<'_>, problem: &Problem) -> Option<String> {
    match problem {
        Problem::NoRole => Some("set `executionRoleArn` in the task definition".to_owned()),
        Problem::Refused(_) if matches!(of.step.work, Work::AssumeRole { .. }) => trust(of),
        Problem::Refused(error) => match (of.denied, error.code) {
            (Some(denied), _) => Some(permission(of, denied)),
            (None, code) => refusal(of.step, code, &error.message),
        },
        Problem::Credential(problem) => Some(credential(of.step, *problem)),
        Problem::NotJson(_) | Problem::NotObject(_) => Some(
            "store the secret as a JSON object, or leave the JSON key out of `valueFrom` to get the whole value".to_owned(),
        ),
        Problem::MissingKey(key) => Some(format!(
            "add the key `{key}` to the secret's JSON object, or name one that it has in `valueFrom` (keys are \
             case-sensitive)"
        )),
        Problem::MalformedArn => Some(
            "write `valueFrom` as `<secret ARN>` or `<secret ARN>:<json-key>:<version-stage>:<version-id>`; parts that \
             are not needed stay empty, their colons stay"
                .to_owned(),
        ),
    }
}

fn trust(of: Circumstances<'_>) -> Option<String> {
    let role = of.step.resource.as_str();
    let name = role_name(role);
    if let Some(denied) = of.denied.filter(|it| explicitly(it)) {
        return Some(deny_first(denied));
    }
    let policy = document(json!({
        "Effect": "Allow", "Principal": {"Service": SERVICE_PRINCIPAL}, "Action": "sts:AssumeRole"
    }));
    Some(if of.role_exists {
        format!(
            "let ECS tasks assume the role (this replaces its trust policy): aws iam update-assume-role-policy \
             --role-name {} --policy-document {}",
            quote(name),
            quote(&policy)
        )
    } else {
        format!(
            "there is no role `{role}`: aws iam create-role --role-name {} --assume-role-policy-document {}",
            quote(name),
            quote(&policy)
        )
    })
}

fn permission(of: Circumstances<'_>, denied: &CheckRecord) -> String {
    if explicitly(denied) {
        return deny_first(denied);
    }
    let role = of.role.unwrap_or_default();
    match denied.layer {
        Layer::Resource if denied.action.starts_with("secretsmanager:") => {
            let policy = document(json!({
                "Effect": "Allow", "Principal": {"AWS": role}, "Action": denied.action, "Resource": "*"
            }));
            format!(
                "in the secret's account: aws secretsmanager put-resource-policy --secret-id {} --region {} \
                 --resource-policy {}",
                quote(&denied.resource),
                of.step.region,
                quote(&policy)
            )
        }
        Layer::Identity => {
            let policy = document(statement(denied));
            format!(
                "aws iam put-role-policy --role-name {} --policy-name {} --policy-document {}",
                quote(role_name(role)),
                denied.action.replace(':', "-"),
                quote(&policy)
            )
        }
        _ => format!("add to the policy that is missing it: {}", statement(denied)),
    }
}

/// The statement to add. Streams get new names with every task, so that the whole group is named; and who may create a
/// stream should be able to write to it.
fn statement(denied: &CheckRecord) -> Value {
    let group = denied.resource.split_once(":log-stream:").map(|(group, _)| format!("{group}:*"));
    let action = match denied.action.as_str() {
        "logs:CreateLogStream" => json!(["logs:CreateLogStream", "logs:PutLogEvents"]),
        action => json!(action),
    };
    let resource = group.as_deref().unwrap_or(&denied.resource);
    json!({"Effect": "Allow", "Action": action, "Resource": resource})
}

fn explicitly(denied: &CheckRecord) -> bool {
    denied.trace.as_ref().is_some_and(|trace| !trace.denials().is_empty())
}

fn deny_first(denied: &CheckRecord) -> String {
    let place = denied.deciding.as_deref().unwrap_or("a statement");
    format!("{place} denies `{}`: change or remove it, no Allow can undo a Deny", denied.action)
}

fn document(statement: Value) -> String {
    json!({"Version": "2012-10-17", "Statement": [statement]}).to_string()
}

/// What to do about an answer that is no denial of a policy.
fn refusal(step: &Step, code: &str, message: &str) -> Option<String> {
    let region = step.region.as_str();
    let secret = || quote(secret_id(step));
    match (&step.work, code) {
        (Work::EcrToken, _) => Some(
            "this installation has no Amazon ECR: push the image to another registry and name it there"
                .to_owned(),
        ),
        (Work::Parameter { .. }, _) => {
            Some("this installation has no Parameter Store: keep the value in Secrets Manager".to_owned())
        }
        (Work::EnvironmentFile { .. }, _) => {
            Some("this installation has no Amazon S3: use `environment` and `secrets`".to_owned())
        }
        (_, "MissingEndpoint") => {
            Some(format!("`{region}` is not the name of a Region: correct it in the task definition"))
        }
        (Work::LogStream { group, .. }, "ResourceNotFoundException") => Some(format!(
            "aws logs create-log-group --log-group-name {} --region {region}, or set the log option \
             `awslogs-create-group` to `true`",
            quote(group)
        )),
        (Work::LogStream { .. } | Work::LogGroup { .. }, _) => None,
        (_, "InvalidRequestException") if message.contains("marked for deletion") => {
            Some(format!("aws secretsmanager restore-secret --secret-id {} --region {region}", secret()))
        }
        (_, "InvalidRequestException") if message.contains("different AWS account") => {
            Some("encrypt the secret with a customer managed key that the role may use".to_owned())
        }
        (_, "ResourceNotFoundException") if message.contains("staging label") => Some(put_secret(step)),
        (_, "ResourceNotFoundException") => Some(format!(
            "aws secretsmanager create-secret --name {} --region {region} --secret-string {}",
            quote(secret_name(secret_id(step))),
            quote(example(step))
        )),
        (_, "AccessDeniedException") if message.contains("KMS") => Some(
            "give the execution role `kms:Decrypt` on the secret's key, in its policy and in the key's"
                .to_owned(),
        ),
        _ => None,
    }
}

fn credential(step: &Step, problem: CredentialProblem) -> String {
    let wanted = match problem {
        CredentialProblem::Empty => "the secret needs a text value",
        CredentialProblem::Schema => {
            "the secret must be a JSON object whose `username` and `password` are strings"
        }
        CredentialProblem::Username => "the secret needs a `username` that is not empty",
        CredentialProblem::Password => "the secret needs a `password` that is not empty",
    };
    format!("{wanted}: {}", put_secret(step))
}

fn put_secret(step: &Step) -> String {
    format!(
        "aws secretsmanager put-secret-value --secret-id {} --region {} --secret-string {}",
        quote(secret_id(step)),
        step.region,
        quote(example(step))
    )
}

/// What a secret for the step looks like.
fn example(step: &Step) -> &'static str {
    match step.work {
        Work::RegistryCredential { .. } => r#"{"username":"USER","password":"PASSWORD"}"#,
        _ => "VALUE",
    }
}

fn secret_id(step: &Step) -> &str {
    match &step.work {
        Work::RegistryCredential { parameter } => parameter,
        Work::Secret { value_from, reference, .. } => {
            reference.as_ref().map_or(value_from.as_str(), |reference| &reference.secret_id)
        }
        _ => "",
    }
}

/// The name in a secret's ARN, without the suffix that Secrets Manager adds.
fn secret_name(secret_id: &str) -> &str {
    let name = secret_id.rsplit(":secret:").next().unwrap_or(secret_id);
    match name.rsplit_once('-') {
        Some((name, suffix))
            if secret_id.starts_with("arn:")
                && suffix.len() == 6
                && suffix.bytes().all(|byte| byte.is_ascii_alphanumeric()) =>
        {
            name
        }
        _ => name,
    }
}

fn role_name(role: &str) -> &str {
    role.rsplit('/').next().unwrap_or(role)
}

/// A word for a POSIX shell.
fn quote(text: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_./:=+@,".contains(&byte);
    if !text.is_empty() && text.bytes().all(plain) {
        return text.to_owned();
    }
    format!("'{}'", text.replace('\'', r"'\''"))
}

#[cfg(test)]
#[path = "hint_tests.rs"]
mod tests;
