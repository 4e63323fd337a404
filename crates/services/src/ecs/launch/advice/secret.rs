//! What is wrong with a secret, and the command that mends it.

use landfall_acs::{Cause, Fix};

use super::text::{quote, short};
use super::{Advice, Circumstances, KeyInUse, KeyState};
use crate::ecs::launch::credential::Mend;
use crate::ecs::launch::plan::{Step, Work};
use crate::ecs::launch::problem::CredentialProblem;

/// What to do about an answer of Secrets Manager that is no denial of a policy.
pub(super) fn secret_refusal(of: &Circumstances<'_>, code: &str, message: &str) -> Advice {
    let step = of.step;
    let (id, region) = (secret_id(step), step.region.as_str());
    let name = short(id);
    match code {
        "InvalidRequestException" if message.contains("marked for deletion") => Advice::new(
            Cause::Content,
            format!("the secret `{name}` is marked for deletion"),
            Fix::command(
                "",
                format!("aws secretsmanager restore-secret --secret-id {} --region {region}", quote(id)),
            ),
        ),
        "InvalidRequestException" if message.contains("different AWS account") => Advice::new(
            Cause::Configuration,
            format!("the secret `{name}` of another account is encrypted with a key that is not shared"),
            Fix::command(
                "encrypt the secret with a customer managed key that the role may use; in the secret's account",
                format!(
                    "aws secretsmanager update-secret --secret-id {} --region {region} --kms-key-id KEY",
                    quote(id)
                ),
            ),
        ),
        "ResourceNotFoundException" if message.contains("staging label") && label(step).is_some() => {
            Advice::new(
                Cause::Content,
                format!(
                    "the secret `{name}` has no version with the label `{}`",
                    label(step).unwrap_or_default()
                ),
                current_version(step),
            )
        }
        "ResourceNotFoundException" if message.contains("staging label") => Advice::new(
            Cause::Content,
            format!("the secret `{name}` has no value"),
            Fix::command("", put_secret(step)),
        ),
        "ResourceNotFoundException" if message.contains("VersionId") => Advice::new(
            Cause::Content,
            format!("the secret `{name}` has no such version"),
            current_version(step),
        ),
        "ResourceNotFoundException" => Advice::new(
            Cause::Content,
            format!("there is no secret `{name}` in {region}"),
            missing_secret(of),
        ),
        "AccessDeniedException" => key(step, "secret"),
        code => Advice::new(Cause::Content, format!("`{name}` cannot be read: {code}: {message}"), None),
    }
}

/// The staging label that was asked for, unless it is the one that every value has.
fn label(step: &Step) -> Option<&str> {
    let Work::Secret { reference: Some(reference), .. } = &step.work else { return None };
    reference.version_stage.as_deref().filter(|label| *label != "AWSCURRENT")
}

/// The current version can be had without saying so.
fn current_version(step: &Step) -> Fix {
    let text = "name a version that it has (`aws secretsmanager list-secret-version-ids` lists them), or none to get the \
                current one";
    Fix { document: Some(refer(step, secret_id(step), false)), ..Fix::advice(text) }
}

/// The secret that was meant, if another one has the name; else the command that creates it. An ARN ends in six characters
/// that are new each time: without them it stands for whatever secret has the name.
fn missing_secret(of: &Circumstances<'_>) -> Fix {
    let (step, id) = (of.step, secret_id(of.step));
    if let Some((_, arn)) = of.namesakes.first() {
        return Fix {
            document: Some(refer(step, arn, true)),
            ..Fix::advice(format!("there is a secret of that name: its ARN is `{arn}`"))
        };
    }
    let value = match &step.work {
        Work::Secret { reference: Some(reference), .. } => match &reference.json_key {
            Some(key) => serde_json::json!({ key: "VALUE" }).to_string(),
            None => example(step).to_owned(),
        },
        _ => example(step).to_owned(),
    };
    let create = create_secret(secret_name(id), &step.region, &value);
    let bare = id
        .strip_suffix(secret_name(id))
        .is_none()
        .then(|| id.get(..id.len().saturating_sub(7)).unwrap_or(id));
    match bare {
        Some(bare) => Fix {
            document: Some(refer(step, bare, true)),
            ..Fix::command(
                "create it, and name it without the six characters behind its name, which are new each time",
                create,
            )
        },
        None => Fix::command("", create),
    }
}

/// The command that creates a secret.
pub(super) fn create_secret(name: &str, region: &str, value: &str) -> String {
    format!(
        "aws secretsmanager create-secret --name {} --region {region} --secret-string {}",
        quote(name),
        quote(value)
    )
}

/// The reference of a task definition to a secret, with its JSON key; with its version too, if `same_version`.
fn refer(step: &Step, secret_id: &str, same_version: bool) -> String {
    let Work::Secret { reference, .. } = &step.work else {
        return format!("\"credentialsParameter\": \"{secret_id}\"");
    };
    let part = |part: Option<&String>| part.cloned().unwrap_or_default();
    let reference = reference.as_ref();
    let key = part(reference.and_then(|it| it.json_key.as_ref()));
    let of_version = reference.filter(|_| same_version);
    let stage = part(of_version.and_then(|it| it.version_stage.as_ref()));
    let version = part(of_version.and_then(|it| it.version_id.as_ref()));
    if key.is_empty() && stage.is_empty() && version.is_empty() {
        return format!("\"valueFrom\": \"{secret_id}\"");
    }
    format!("\"valueFrom\": \"{secret_id}:{key}:{stage}:{version}\"")
}

/// A key that the role may not use, told without its name.
pub(super) fn key(step: &Step, what: &str) -> Advice {
    let whose = match step.work {
        Work::Parameters(_) => what.to_owned(),
        _ => format!("{what} `{}`", short(secret_id(step))),
    };
    Advice::new(
        Cause::Permission,
        format!("the role may not use the key of the {whose}"),
        Fix::advice(format!(
            "give the execution role `kms:Decrypt` on the key of the {what}, in its policy and in the key's"
        )),
    )
}

/// A credential of the wrong form.
pub(super) fn credential(of: &Circumstances<'_>, problem: CredentialProblem) -> Advice {
    let name = short(secret_id(of.step));
    let (headline, wanted) = match problem {
        CredentialProblem::Empty => {
            (format!("the registry credential `{name}` is empty or binary"), "the secret needs a text value")
        }
        CredentialProblem::Schema => (
            format!("the registry credential `{name}` is not a JSON object of strings"),
            "the secret must be a JSON object whose `username` and `password` are strings",
        ),
        CredentialProblem::Username => (
            format!("the registry credential `{name}` has no `username`"),
            "the secret needs a `username` that is not empty",
        ),
        CredentialProblem::Password => (
            format!("the registry credential `{name}` has no `password`"),
            "the secret needs a `password` that is not empty",
        ),
    };
    let fix = match &of.mend {
        Some(mend) => Fix::command(format!("{wanted}; {}", mend_words(mend)), mend_command(of.step, mend)),
        None => {
            Fix { document: Some(example(of.step).to_owned()), ..Fix::command(wanted, put_secret(of.step)) }
        }
    };
    Advice::new(Cause::Content, headline, fix)
}

fn mend_words(mend: &Mend) -> String {
    match mend {
        Mend::Rename { from, to } => format!("this calls its key `{from}` `{to}`"),
        Mend::Quote { key } => format!("this puts the number under `{key}` in quotes"),
        Mend::Add { key, .. } => format!("this adds the key `{key}`"),
        Mend::Unquote => "this takes the quotes off that a shell left around it".to_owned(),
    }
}

/// Changes the text of a secret in passing: no value has to be known, and none is shown.
fn mend_command(step: &Step, mend: &Mend) -> String {
    let script = match mend {
        Mend::Rename { from, to } => format!(r#"s/"{from}"\([[:space:]]*:\)/"{to}"\1/"#),
        Mend::Quote { key } => {
            format!(r#"s/\("{key}"[[:space:]]*:[[:space:]]*\)\([-+.0-9eE]*\)/\1"\2"/"#)
        }
        Mend::Add { key, first } => {
            let comma = if *first { "" } else { "," };
            format!(r#"s/}}[[:space:]]*$/{comma}"{key}":"VALUE"}}/"#)
        }
        Mend::Unquote => r"s/^[[:space:]]*'\(.*\)'[[:space:]]*$/\1/".to_owned(),
    };
    // The brace that closes the object is to be the end of the line that `sed` sees; strings of JSON have no newlines.
    let lines = if matches!(mend, Mend::Add { .. }) { "tr -d '\\n' | " } else { "" };
    let (id, region) = (quote(secret_id(step)), step.region.as_str());
    format!(
        "aws secretsmanager put-secret-value --secret-id {id} --region {region} --secret-string \"$(aws secretsmanager \
         get-secret-value --secret-id {id} --region {region} --query SecretString --output text | {lines}sed {})\"",
        quote(&script)
    )
}

/// A key that the JSON object does not have: the key that was meant, or the command that adds it.
pub(super) fn missing_key(step: &Step, key: &str, meant: Option<&str>, mend: Option<&Mend>) -> Fix {
    if let (Some(meant), Work::Secret { value_from, .. }) = (meant, &step.work) {
        let corrected = value_from.replacen(&format!(":{key}:"), &format!(":{meant}:"), 1);
        return Fix {
            document: Some(format!("\"valueFrom\": \"{corrected}\"")),
            ..Fix::advice(format!("keys are case-sensitive: name `{meant}` in `valueFrom`"))
        };
    }
    let text = format!(
        "add the key `{key}` to the JSON object in `{}`, or name one that it has in `valueFrom` (keys are \
         case-sensitive)",
        short(secret_id(step))
    );
    match mend {
        Some(mend) => Fix::command(text, mend_command(step, mend)),
        None => Fix::advice(text),
    }
}

/// A secret that should be a JSON object and is none.
pub(super) fn json_value(step: &Step) -> Fix {
    let key = match &step.work {
        Work::Secret { reference: Some(reference), .. } => reference.json_key.as_deref(),
        _ => None,
    };
    let value = serde_json::json!({ key.unwrap_or("KEY"): "VALUE" }).to_string();
    let text =
        "store the secret as a JSON object, or leave the JSON key out of `valueFrom` to get the whole value";
    Fix { document: Some(value.clone()), ..Fix::command(text, put_value(step, &value)) }
}

/// An ARN with parts behind it that are too few: their colons are missing.
pub(super) fn malformed_arn(value_from: &str) -> Fix {
    let text = "write `valueFrom` as `<secret ARN>` or `<secret ARN>:<json-key>:<version-stage>:<version-id>`; parts \
                that are not needed stay empty, their colons stay";
    let missing =
        10_usize.checked_sub(value_from.split(':').count()).filter(|missing| (1..=2).contains(missing));
    match missing {
        Some(missing) => Fix {
            document: Some(format!("\"valueFrom\": \"{value_from}{}\"", ":".repeat(missing))),
            ..Fix::advice(text)
        },
        None => Fix::advice(text),
    }
}

/// The key that a value is under cannot be used by anybody.
pub(super) fn key_fault(step: &Step, key: &KeyInUse) -> Advice {
    let (arn, region) = (quote(&key.arn), step.region.as_str());
    let (what, command) = match key.state {
        KeyState::Gone => ("does not exist any more", None),
        KeyState::PendingDeletion => (
            "is going to be deleted",
            Some(format!(
                "aws kms cancel-key-deletion --key-id {arn} --region {region}\naws kms enable-key --key-id {arn} --region {region}"
            )),
        ),
        _ => ("is disabled", Some(format!("aws kms enable-key --key-id {arn} --region {region}"))),
    };
    let headline = format!("the key `{}` of {} {what}", short(&key.arn), whose(step));
    let fix = match command {
        Some(command) => Fix::command("", command),
        None => Fix::advice("nothing can decrypt the value any more: store it anew, under another key"),
    };
    Advice::new(Cause::Configuration, headline, fix)
}

fn whose(step: &Step) -> String {
    match &step.work {
        Work::Parameters(_) => "the parameters".to_owned(),
        Work::EnvironmentFile { key, .. } => format!("the environment file `{key}`"),
        Work::EcrImage(image) => format!("the repository `{}`", image.repository),
        _ => format!("the secret `{}`", short(secret_id(step))),
    }
}

/// A command that stores another value in the secret of a step.
pub(in crate::ecs::launch) fn put_secret(step: &Step) -> String {
    put_value(step, example(step))
}

fn put_value(step: &Step, value: &str) -> String {
    format!(
        "aws secretsmanager put-secret-value --secret-id {} --region {} --secret-string {}",
        quote(secret_id(step)),
        step.region,
        quote(value)
    )
}

/// What a secret for the step looks like.
fn example(step: &Step) -> &'static str {
    match &step.work {
        Work::RegistryCredential { .. } => r#"{"username":"USER","password":"PASSWORD"}"#,
        Work::Secret { reference: Some(reference), .. } if reference.json_key.is_some() => {
            r#"{"KEY":"VALUE"}"#
        }
        _ => "VALUE",
    }
}

/// `SecretId` of the step's call.
pub(super) fn secret_id(step: &Step) -> &str {
    match &step.work {
        Work::RegistryCredential { parameter } => parameter,
        Work::Secret { value_from, reference, .. } => {
            reference.as_ref().map_or(value_from, |reference| &reference.secret_id)
        }
        _ => "",
    }
}

/// The name in a secret's ARN, without the suffix that Secrets Manager adds.
pub(in crate::ecs::launch) fn secret_name(secret_id: &str) -> &str {
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
