//! What is wrong with a secret, and the command that mends it.

use landfall_acs::{Cause, Fix};
use serde_json::Value;

use super::text::{like, quote, short};
use super::{Advice, Circumstances, CurrentVersion, KeyInUse, KeyState, Remedy};
use crate::ecs::launch::mend::Mend;
use crate::ecs::launch::plan::{Step, Work};
use crate::ecs::launch::problem::CredentialProblem;
use crate::ecs::launch::value_from::SecretReference;

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
                current_version(of),
            )
        }
        "ResourceNotFoundException" if message.contains("staging label") => Advice::new(
            Cause::Content,
            format!("the secret `{name}` has no value"),
            Fix::command("", put_secret(step, of.example)),
        ),
        "ResourceNotFoundException" if message.contains("VersionId") => Advice::new(
            Cause::Content,
            format!("the secret `{name}` has no such version"),
            current_version(of),
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

/// The current version can be had without saying so, if it holds what is wanted.
fn current_version(of: &Circumstances<'_>) -> Fix {
    let text = "name a version that it has (`aws secretsmanager list-secret-version-ids` lists them), or none to get the \
                current one";
    let command = of.current.filter(|it| !it.holds).map(|current| new_version(of, current));
    Fix { document: Some(refer_to_current(of.step)), command, ..Fix::advice(text) }
}

/// The reference without a version. A version never gets another value.
fn refer_to_current(step: &Step) -> String {
    match &step.work {
        Work::Secret { reference: Some(reference), .. } => {
            format!("\"valueFrom\": \"{}\"", reference.current())
        }
        _ => refer(step, secret_id(step)),
    }
}

/// The command that makes a current version which holds what is wanted.
fn new_version(of: &Circumstances<'_>, current: &CurrentVersion) -> String {
    match current.mends.as_slice() {
        [] => put_secret(of.step, of.example),
        mends => mend_command(of.step, mends),
    }
}

/// What mends the version that a step reads; where it names another one than the current, that one stays as it is.
fn mended(of: &Circumstances<'_>, fix: Fix) -> Fix {
    let Some(current) = of.current else { return fix };
    let document = Some(refer_to_current(of.step));
    if current.holds {
        let text = "a version keeps its value, and the current one holds what is wanted: name no version in `valueFrom`";
        return Fix { document, ..Fix::advice(text) };
    }
    let text = format!("{}; a version keeps its value: name no version in `valueFrom`", fix.text);
    Fix { document, command: fix.command.map(|_| new_version(of, current)), ..Fix::advice(text) }
}

/// The secret that was meant, if another one has the name; else the command that creates it. An ARN ends in six characters
/// that are new each time: without them it stands for whatever secret has the name.
fn missing_secret(of: &Circumstances<'_>) -> Fix {
    let (step, id) = (of.step, secret_id(of.step));
    let SecretName { likely, other } = secret_names(id);
    let namesake = |name: &str| {
        let same = |arn: &str| secret_names(arn).is(name);
        of.namesakes.iter().find(|(asked, arn)| asked == id && same(arn)).map(|(_, arn)| arn)
    };
    if let Some(arn) = namesake(likely) {
        return Fix {
            document: Some(refer(step, arn)),
            ..Fix::advice(format!("there is a secret of that name: its ARN is `{arn}`"))
        };
    }
    let create = create_secret(likely, &step.region, of.example);
    if id.strip_suffix(likely).is_none() {
        let bare = id.get(..id.len().saturating_sub(7)).unwrap_or(id);
        let text =
            "create it, and name it without the six characters behind its name, which are new each time";
        return Fix { document: Some(refer(step, bare)), ..Fix::command(text, create) };
    }
    let text = match other.map(|other| (other, namesake(other))) {
        Some((other, Some(arn))) => {
            format!(
                "create it; or, if the secret `{other}` is meant, name that by its ARN: `{}`",
                refer(step, arn)
            )
        }
        Some((other, None)) => format!(
            "create it; or, if the ARN ends in the six characters of a secret `{other}`, create that one and leave them out"
        ),
        None => String::new(),
    };
    Fix::command(text, create)
}

/// The command that creates a secret.
pub(super) fn create_secret(name: &str, region: &str, value: &str) -> String {
    format!(
        "aws secretsmanager create-secret --name {} --region {region} --secret-string {}",
        quote(name),
        quote(value)
    )
}

/// The reference of a task definition to a secret, with its JSON key and its version.
fn refer(step: &Step, secret_id: &str) -> String {
    let Work::Secret { reference, .. } = &step.work else {
        return format!("\"credentialsParameter\": \"{secret_id}\"");
    };
    match reference {
        Some(reference) => {
            let reference = SecretReference { secret_id: secret_id.to_owned(), ..reference.clone() };
            format!("\"valueFrom\": \"{reference}\"")
        }
        None => format!("\"valueFrom\": \"{secret_id}\""),
    }
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
    let fix = match of.mends {
        [] => Fix {
            document: Some(of.example.to_owned()),
            ..Fix::command(wanted, put_secret(of.step, of.example))
        },
        mends => Fix::command(format!("{wanted}; this {}", mend_words(mends)), mend_command(of.step, mends)),
    };
    Advice::new(Cause::Content, headline, fix)
}

fn mend_words(mends: &[Mend]) -> String {
    let words: Vec<_> = mends.iter().map(Mend::words).collect();
    words.join(", and ")
}

/// Changes the text of a secret in passing: no value has to be known, and none is shown.
fn mend_command(step: &Step, mends: &[Mend]) -> String {
    let script = match mends {
        [one] => quote(&one.script()).into_owned(),
        several => {
            let each: Vec<_> = several.iter().map(|mend| format!("-e {}", quote(&mend.script()))).collect();
            each.join(" ")
        }
    };
    let (values, members) = mends.iter().find_map(added).unwrap_or_default();
    // The brace that closes the object is to be the end of the line that `sed` sees; strings of JSON have no newlines.
    let lines = if members.is_empty() { "" } else { "tr -d '\\n' | " };
    format!("{values}{}{members}", rewritten(step, &format!("{lines}sed {script}")))
}

/// The command that stores the text of a step's secret again as it comes out of a pipe.
pub(super) fn rewritten(step: &Step, pipe: &str) -> String {
    let (id, region) = (quote(secret_id(step)), step.region.as_str());
    format!(
        "aws secretsmanager put-secret-value --secret-id {id} --region {region} --secret-string \"$(aws secretsmanager \
         get-secret-value --secret-id {id} --region {region} --query SecretString --output text | {pipe})\""
    )
}

/// What reads the values of new keys into variables, and the words of the shell that are the end of an object with them.
/// A value stands between single quotes and goes through no other replacement than that of JSON's escapes, whatever is in
/// it; and not in double quotes, where a shell that is typed into takes `!` for its own.
fn added(mend: &Mend) -> Option<(String, String)> {
    let Mend::Add { keys, first } = mend else { return None };
    let (mut values, mut members) = (String::new(), String::new());
    let mut before = if *first { "" } else { "," };
    for (at, key) in keys.iter().enumerate() {
        let member = format!("{before}{}:\"", Value::from(key.as_str()));
        values.push_str(&format!("v{at}=$({JSON_TEXT}) && "));
        members.push_str(&format!("{}\"$v{at}\"", quote(&member)));
        before = "\",";
    }
    members.push_str(&quote("\"}"));
    Some((values, members))
}

/// A value as it is written in a string of JSON, a line behind the other.
const JSON_TEXT: &str = r#"printf '%s\n' 'VALUE' | sed 's/[\\"]/\\&/g;2,$s/^/\\n/' | tr -d '\n'"#;

/// A key that the JSON object does not have: the key that was meant, or the command that adds it.
pub(super) fn missing_key(of: &Circumstances<'_>, key: &str, meant: Option<&str>) -> Fix {
    let step = of.step;
    if let (Some(meant), Work::Secret { reference: Some(reference), .. }) = (meant, &step.work) {
        let corrected = SecretReference { json_key: Some(meant.to_owned()), ..reference.clone() };
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
    let fix = match of.mends {
        [] if of.anew => Fix::command(text, put_secret(step, of.example)),
        [] => Fix::advice(text),
        mends => Fix::command(text, mend_command(step, mends)),
    };
    mended(of, fix)
}

/// A secret that should be a JSON object and is none.
pub(super) fn json_value(of: &Circumstances<'_>) -> Fix {
    let text =
        "store the secret as a JSON object, or leave the JSON key out of `valueFrom` to get the whole value";
    let command = match of.mends {
        [] => put_secret(of.step, of.example),
        mends => mend_command(of.step, mends),
    };
    mended(of, Fix { document: Some(of.example.to_owned()), ..Fix::command(text, command) })
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
pub(super) fn key_fault(of: &Circumstances<'_>, key: &KeyInUse) -> Advice {
    let step = of.step;
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
    let remedy = Remedy::from(fix).in_account(of.other_account(&key.arn).as_deref());
    Advice::with(Cause::Configuration, headline, remedy)
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
pub(in crate::ecs::launch) fn put_secret(step: &Step, value: &str) -> String {
    format!(
        "aws secretsmanager put-secret-value --secret-id {} --region {} --secret-string {}",
        quote(secret_id(step)),
        step.region,
        quote(value)
    )
}

/// What a secret has to look like that has these JSON keys, with words to be filled in for their values; without any, a
/// text.
pub(in crate::ecs::launch) fn example(keys: &[&str]) -> String {
    let word = |key: &str| match key {
        "username" => "USER",
        "password" => "PASSWORD",
        _ => "VALUE",
    };
    if keys.is_empty() {
        return "VALUE".to_owned();
    }
    let members = keys.iter().map(|&key| (key.to_owned(), Value::from(word(key))));
    Value::Object(members.collect()).to_string()
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

/// A text as it can be in the name of a secret.
pub(super) fn in_name(text: &str) -> String {
    like(text, |it| it.is_ascii_alphanumeric() || "/_+=.@-".contains(it))
}

/// The name in what a secret is called by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::ecs::launch) struct SecretName<'a> {
    /// The name, as far as one can tell.
    pub(in crate::ecs::launch) likely: &'a str,
    /// The name if the end, which looks like a word, are the six characters of an ARN after all.
    pub(in crate::ecs::launch) other: Option<&'a str>,
}

impl SecretName<'_> {
    pub(in crate::ecs::launch) fn is(self, name: &str) -> bool {
        self.likely == name || self.other == Some(name)
    }
}

/// Reads an ARN, with or without the six characters that Secrets Manager adds, or a name. Of an ARN that ends in something
/// like `-secret` nobody can say whether that belongs to the name.
pub(in crate::ecs::launch) fn secret_names(secret_id: &str) -> SecretName<'_> {
    let whole = secret_id.rsplit(":secret:").next().unwrap_or(secret_id);
    let plain = SecretName { likely: whole, other: None };
    if !secret_id.starts_with("arn:") {
        return plain;
    }
    match whole.rsplit_once('-').filter(|(_, end)| is_suffix(end)) {
        None => plain,
        Some((name, end)) if is_word(end) => SecretName { other: Some(name), ..plain },
        Some((name, _)) => SecretName { likely: name, other: None },
    }
}

/// The name of a secret that there is, by its ARN.
pub(super) fn name_of(arn: &str) -> &str {
    let SecretName { likely, other } = secret_names(arn);
    other.unwrap_or(likely)
}

/// Whether two ARNs can be of one secret, one of them without the six characters.
pub(in crate::ecs::launch) fn is_same_secret(one: &str, other: &str) -> bool {
    let behind = |long: &str, short: &str| {
        long.strip_prefix(short).and_then(|end| end.strip_prefix('-')).is_some_and(is_suffix)
    };
    one == other || behind(one, other) || behind(other, one)
}

fn is_suffix(end: &str) -> bool {
    end.len() == 6 && end.bytes().all(|byte| byte.is_ascii_alphanumeric())
}

/// Six characters that somebody wrote, and not chance, which mixes small letters and capitals.
fn is_word(end: &str) -> bool {
    let small = |text: &str| !text.bytes().any(|byte| byte.is_ascii_uppercase());
    let capitals = !end.bytes().any(|byte| byte.is_ascii_lowercase());
    capitals || small(end.get(1..).unwrap_or_default())
}
