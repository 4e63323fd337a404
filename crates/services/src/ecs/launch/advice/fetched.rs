//! Values of secrets, as a shell fetches them: a command can use one without showing it.

use serde_json::json;

use super::text::quote;
use crate::ecs::launch::value_from::{self, SecretReference, ValueFrom};

/// A word for a shell that is the value behind a `valueFrom`.
pub(in crate::ecs::launch) fn fetched(value_from: &str, region: &str) -> String {
    match value_from::parse(value_from) {
        ValueFrom::Secret(reference) => secret(&reference, region),
        ValueFrom::Parameter(own) => word(&format!(
            "aws ssm get-parameter --name {} --region {} --with-decryption --query Parameter.Value --output text",
            quote(value_from),
            own.as_deref().unwrap_or(region)
        )),
        ValueFrom::Malformed => "VALUE".to_owned(),
    }
}

fn secret(of: &SecretReference, region: &str) -> String {
    let option = |name: &str, value: &Option<String>| {
        value.as_ref().map(|value| format!(" {name} {}", quote(value))).unwrap_or_default()
    };
    let member = of.json_key.as_ref().map(|key| {
        let program = format!("import json, sys; print(json.load(sys.stdin)[{}])", json!(key));
        format!(" | python3 -c {}", quote(&program))
    });
    word(&format!(
        "aws secretsmanager get-secret-value --secret-id {}{}{} --region {} --query SecretString --output text{}",
        quote(&of.secret_id),
        option("--version-stage", &of.version_stage),
        option("--version-id", &of.version_id),
        of.region.as_deref().unwrap_or(region),
        member.unwrap_or_default()
    ))
}

fn word(command: &str) -> String {
    format!("\"$({command})\"")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_fetches_what_the_task_would() {
        const ARN: &str = "arn:aws:secretsmanager:eu-west-1:111122223333:secret:db-AbCdEf";
        let get = format!("\"$(aws secretsmanager get-secret-value --secret-id {ARN}");
        let tail = "--region eu-west-1 --query SecretString --output text";
        let parameter = |name: &str, region: &str| {
            format!(
                "\"$(aws ssm get-parameter --name {name} --region {region} --with-decryption --query \
                 Parameter.Value --output text)\""
            )
        };
        for (value_from, expected) in [
            (ARN.to_owned(), format!("{get} {tail})\"")),
            (format!("{ARN}::AWSPREVIOUS:"), format!("{get} --version-stage AWSPREVIOUS {tail})\"")),
            (
                format!("{ARN}:k::"),
                format!(
                    "{get} {tail} | python3 -c 'import json, sys; print(json.load(sys.stdin)[\"k\"])')\""
                ),
            ),
            ("/a/b".to_owned(), parameter("/a/b", "us-east-1")),
            (
                "arn:aws:ssm:eu-west-1:111122223333:parameter/a".to_owned(),
                parameter("arn:aws:ssm:eu-west-1:111122223333:parameter/a", "eu-west-1"),
            ),
        ] {
            assert_eq!(fetched(&value_from, "us-east-1"), expected);
        }
    }
}
