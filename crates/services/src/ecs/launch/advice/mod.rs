//! Why a step failed and what to change: one headline, one kind of cause, one thing to paste. Pure.

mod denial;
mod fetched;
mod login;
mod logs;
mod names;
mod new_role;
mod permission;
#[cfg(test)]
pub(super) mod plain;
mod policy;
mod remedy;
mod secret;
mod text;
mod upstream;

use landfall_acs::{Cause, Fix};
use landfall_base::{AccountId, Arn};

pub use super::log_destination::LogWords;
use super::mend::Mend;
use super::plan::{Step, Work};
use super::problem::Problem;
use crate::pipe::CheckRecord;
use crate::ssm;
pub use denial::{Denying, Holder};
pub(super) use fetched::fetched;
pub use login::{Anonymous, login};
pub use new_role::NewRole;
pub(super) use policy::{NO_ROOM, put_role_policy};
pub use remedy::{Advised, Command, Place, Remedy, Rewrite, settle};
pub(super) use secret::{SecretName, example, is_same_secret, put_secret, secret_names};
use secret::{
    create_secret, credential, json_value, key_fault, malformed_arn, missing_key, secret_id, secret_refusal,
};
use text::{VALUE, short};
pub(super) use text::{quote, role_name};

/// What is known about a step that failed.
#[derive(Debug, Clone)]
pub struct Circumstances<'a> {
    /// The step.
    pub step: &'a Step,
    /// The task's account.
    pub account: &'a AccountId,
    /// Whose the bucket is that the step is about.
    pub bucket_owner: Option<&'a AccountId>,
    /// What was advised before: it counts as done.
    pub advised: &'a Advised,
    /// The execution role's ARN.
    pub role: Option<&'a str>,
    /// The policy that sits on the resource of the refused check, if there is one: a role's trust policy, a secret's policy.
    pub policy: Option<&'a str>,
    /// The check that was refused, if one was.
    pub denied: Option<&'a CheckRecord>,
    /// The policies whose statements refused it, where a command can change them.
    pub denying: &'a [Denying],
    /// The key that a value is under and that the caller may use, where it is a customer's.
    pub key: Option<&'a KeyInUse>,
    /// What was meant by names that were asked for in vain: the name as it was asked for, and a parameter's name or a
    /// secret's ARN.
    pub namesakes: &'a [(String, String)],
    /// The role's permissions boundary: ARN and document.
    pub boundary: Option<&'a (String, String)>,
    /// All that the task's steps need: actions and a resource.
    pub needs: &'a [(Vec<&'static str>, String)],
    /// The step is about a secret that is not there: patterns of the ARN that it will have.
    pub absent: &'a [String],
    /// What makes the secret hold what is wanted; empty if no replacement does.
    pub mends: &'a [Mend],
    /// The secret is to be written anew for another step.
    pub anew: bool,
    /// The current version of the secret, where the step names another.
    pub current: Option<&'a CurrentVersion>,
    /// What the secret has to look like for all of the task's steps.
    pub example: &'a str,
    /// The role that a task without one could have.
    pub new_role: &'a NewRole,
    /// The task's Region.
    pub home: &'a str,
    /// An account that there is not here, whose the resource of the refused check would be.
    pub stranger: Option<&'a str>,
    /// What commands have in place of names that secrets give to a log driver.
    pub log_words: &'a LogWords,
}

/// The version of a secret that everybody gets who names none.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CurrentVersion {
    /// It holds what is wanted.
    pub holds: bool,
    /// Otherwise what makes it do so; empty if no replacement does.
    pub mends: Vec<Mend>,
}

/// A customer's key that a step needs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyInUse {
    /// Its ARN.
    pub arn: String,
    /// What it is in.
    pub state: KeyState,
}

/// `KeyState` of KMS, as far as it matters here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeyState {
    /// It can be used.
    Enabled,
    /// Somebody switched it off.
    Disabled,
    /// It is going to be deleted.
    PendingDeletion,
    /// There is no such key.
    Gone,
}

/// What is to be told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Advice {
    /// The cause in a sentence.
    pub headline: String,
    /// Its kind.
    pub cause: Cause,
    /// What to change.
    pub remedy: Option<Remedy>,
}

impl Advice {
    fn new(cause: Cause, headline: impl Into<String>, fix: impl Into<Option<Fix>>) -> Self {
        let remedy = fix.into().map(Remedy::from);
        Self { headline: headline.into(), cause, remedy }
    }

    fn with(cause: Cause, headline: impl Into<String>, remedy: Remedy) -> Self {
        Self { headline: headline.into(), cause, remedy: Some(remedy) }
    }
}

/// What is to be told of a failure.
pub fn advise(of: Circumstances<'_>, problem: &Problem) -> Advice {
    let (own, owner) = (of.account, of.other_account(&of.step.resource));
    let advice = advise_here(of, problem);
    let remedy = advice.remedy.map(|remedy| remedy.in_account(owner.as_deref()).seen_from(own.as_str()));
    Advice { remedy, ..advice }
}

impl Circumstances<'_> {
    /// Whose a resource is, if it is not the task's account's.
    fn other_account(&self, resource: &str) -> Option<String> {
        let named = resource.parse::<Arn>().ok().and_then(|arn| arn.account_id());
        let owner =
            named.or_else(|| self.bucket_owner.filter(|_| resource.starts_with("arn:aws:s3:")).cloned());
        owner.filter(|owner| owner != self.account).map(|owner| owner.to_string())
    }
}

fn advise_here(of: Circumstances<'_>, problem: &Problem) -> Advice {
    match problem {
        Problem::NoRole => no_role(&of),
        Problem::Refused(_)
            if matches!(of.step.work, Work::AssumeRole { .. } | Work::AssumeTaskRole { .. }) =>
        {
            permission::trust(&of)
        }
        Problem::Refused(error) => match (of.denied, of.key) {
            (Some(denied), _) => permission::refused(&of, denied),
            (None, Some(key)) if key.state != KeyState::Enabled => key_fault(&of, key),
            (None, _) => refusal(&of, error.code, &error.message),
        },
        Problem::Credential(problem) => credential(&of, *problem),
        Problem::NotJson(_) | Problem::NotObject(_) => Advice::new(
            Cause::Content,
            format!(
                "the secret `{}` is not a JSON object, and `valueFrom` names a key of it",
                short(secret_id(of.step))
            ),
            json_value(&of),
        ),
        Problem::MissingKey { key, meant } => Advice::new(
            Cause::Content,
            format!("the secret `{}` has no key `{key}`", short(secret_id(of.step))),
            missing_key(&of, key, meant.as_deref()),
        ),
        Problem::InvalidParameters(names) => invalid_parameters(&of, names),
        Problem::NoImage(_) => no_image(of.step),
        Problem::Upstream(missed) => upstream::missed(of.step, missed),
        Problem::NoLayer { error, .. } => advise_here(of, &Problem::Refused(error.clone())),
        Problem::LayerAtS3 { .. } => permission::layers_at_s3(&of),
        Problem::EnvFile(problem) => Advice::new(
            Cause::Content,
            format!("the environment file `{}` cannot be read: {problem}", of.step.resource),
            env_file(of.step),
        ),
        Problem::LogOption { wrong, from_secret } => logs::option(&of, wrong, *from_secret),
        Problem::ZeroByte { variable } => Advice::new(
            Cause::Content,
            format!("the variable `{variable}` would contain a zero byte, which no program can be given"),
            without_zero_bytes(of.step),
        ),
        Problem::MalformedArn => Advice::new(
            Cause::Configuration,
            format!("`valueFrom` has the wrong number of parts: `{}`", of.step.resource),
            malformed_arn(&of.step.resource),
        ),
    }
}

fn no_role(of: &Circumstances<'_>) -> Advice {
    let fix = || of.new_role.fix(of.needs);
    let what = match &of.step.work {
        Work::AssumeInstanceRole(role) => {
            let headline =
                format!("there is neither an execution role nor the machine's own role `{}`", role.arn);
            return Advice::new(Cause::Configuration, headline, fix());
        }
        Work::LogStream { .. } | Work::LogGroup { .. } => "logs need it",
        Work::EcrToken { .. } | Work::EcrImage(_) => "images of Amazon ECR need it",
        Work::RegistryCredential { .. } => "`repositoryCredentials` need it",
        Work::BucketLocation { .. } | Work::EnvironmentFile { .. } => "environment files need it",
        _ => "secrets need it",
    };
    Advice::new(Cause::Configuration, format!("the task has no execution role, and {what}"), fix())
}

/// What to do about an answer that is no denial of a policy.
fn refusal(of: &Circumstances<'_>, code: &str, message: &str) -> Advice {
    let missing = matches!(
        code,
        "ResourceNotFoundException"
            | "NoSuchBucket"
            | "RepositoryNotFoundException"
            | "InvalidParameterException"
    );
    if let Some(advice) = missing.then(|| names::impossible(of)).flatten() {
        return advice;
    }
    let step = of.step;
    let region = step.region.as_str();
    match (&step.work, code) {
        (_, "MissingEndpoint") => Advice::new(
            Cause::Configuration,
            format!("`{region}` is not the name of a Region"),
            Fix::advice(format!("`{region}` is not the name of a Region: correct it in the task definition")),
        ),
        (_, "UnknownOperationException") => Advice::new(
            Cause::Configuration,
            format!("this installation has no `{}`", step.action),
            Fix::advice(format!(
                "this installation has no `{}`: do without it in the task definition",
                step.action
            )),
        ),
        (Work::LogStream { group, .. }, "ResourceNotFoundException") => logs::no_group(of, group),
        (Work::EcrImage(image), "KmsException") => Advice::new(
            Cause::Configuration,
            format!("the key of the repository `{}` cannot be used: {message}", image.repository),
            Fix::advice(
                "enable the key that the repository was made with, or push the image to another repository",
            ),
        ),
        (Work::EcrImage(image), _) => Advice::new(
            Cause::Registry,
            format!("there is no repository `{}` in the registry of {}", image.repository, image.account),
            Fix::command(
                "create it and push the image",
                format!(
                    "aws ecr create-repository --repository-name {} --region {region}",
                    quote(&image.repository)
                ),
            ),
        ),
        (Work::RegistryCredential { .. } | Work::Secret { .. }, code) => secret_refusal(of, code, message),
        (Work::Parameters(_), "AccessDeniedException") => secret::key(step, "parameters"),
        (Work::BucketLocation { bucket, key } | Work::EnvironmentFile { bucket, key }, "NoSuchBucket") => {
            let commands = format!("aws s3 mb s3://{bucket} --region {region}\n{}", upload(bucket, key));
            Advice::new(
                Cause::Content,
                format!("there is no bucket `{bucket}`"),
                Fix::command("create it and upload the file", commands),
            )
        }
        (Work::EnvironmentFile { bucket, key }, "InvalidObjectState") => Advice::new(
            Cause::Content,
            format!(
                "the object `{key}` in the bucket `{bucket}` is archived: it cannot be read before it is restored"
            ),
            Fix::command(
                "upload the file again, to a storage class that is read at once",
                upload(bucket, key),
            ),
        ),
        // A denial that no check of the object gave: who may not list the bucket is not told that a key is missing.
        (Work::EnvironmentFile { bucket, key }, "NoSuchKey" | "AccessDenied") => Advice::new(
            Cause::Content,
            format!("there is no object `{key}` in the bucket `{bucket}`"),
            Fix::command("upload the file", upload(bucket, key)),
        ),
        (_, code) => {
            Advice::new(Cause::Configuration, format!("`{}` answered `{code}`: {message}", step.action), None)
        }
    }
}

fn invalid_parameters(of: &Circumstances<'_>, names: &[String]) -> Advice {
    let region = &of.step.region;
    let namesake = |name: &&String| of.namesakes.iter().find(|(asked, _)| asked == *name);
    let meant: Vec<&(String, String)> = names.iter().filter_map(|name| namesake(&name)).collect();
    let missing = names.iter().filter(|name| namesake(name).is_none());
    let (missing, impossible): (Vec<_>, Vec<_>) =
        missing.partition(|name| ssm::can_be_made(&plain_parameter(name)));
    let commands: Vec<String> = missing.iter().map(|name| create_parameter(name, region)).collect();
    let listed: Vec<String> = names.iter().map(|name| format!("`{name}`")).collect();
    let (subject, pronoun) =
        if names.len() == 1 { ("is no parameter", "it") } else { ("are no parameters", "them") };
    let corrected: Vec<String> = meant.iter().map(|(_, arn)| format!("\"valueFrom\": \"{arn}\"")).collect();
    let text = match (named_right(&meant), commands.is_empty()) {
        (None, _) => format!("create {pronoun}"),
        (Some(text), true) => text.to_owned(),
        (Some(text), false) => format!("{text}; create the others"),
    };
    let text = match impossible.as_slice() {
        [] => text,
        names => {
            let names: Vec<String> = names.iter().map(|name| format!("`{name}`")).collect();
            format!("correct {} in `valueFrom`: no parameter of yours can have the name", names.join(", "))
        }
    };
    let fix = Fix {
        command: (!commands.is_empty()).then(|| commands.join("\n")),
        document: (!corrected.is_empty()).then(|| corrected.join("\n")),
        ..Fix::advice(text)
    };
    Advice::new(Cause::Content, format!("there {subject} {} in {region}", listed.join(", ")), fix)
}

/// How those are named that were meant.
fn named_right(meant: &[&(String, String)]) -> Option<&'static str> {
    let is_secret = |(_, it): &&&(String, String)| it.starts_with("arn:");
    match meant.iter().filter(is_secret).count() {
        _ if meant.is_empty() => None,
        0 => Some("a parameter is named with the slash in front of its name if it has one, and only then"),
        secrets if secrets == meant.len() => Some("a secret of Secrets Manager is named by its ARN"),
        _ => {
            Some("name secrets of Secrets Manager by their ARN, and parameters with the slash that they have")
        }
    }
}

/// The name of a parameter that is named by its ARN.
fn plain_parameter(name: &str) -> String {
    let plain = name.split_once(":parameter/").map_or(name, |(_, name)| name);
    match name.starts_with("arn:") && plain.contains('/') {
        true => format!("/{plain}"),
        false => plain.to_owned(),
    }
}

/// Names below `/aws/reference/secretsmanager/` are secrets.
fn create_parameter(name: &str, region: &str) -> String {
    let plain = plain_parameter(name);
    match plain.strip_prefix("/aws/reference/secretsmanager/") {
        Some(secret) => create_secret(secret, region, VALUE),
        None => format!(
            "aws ssm put-parameter --name {} --region {region} --type SecureString --value={}",
            quote(&plain),
            quote(VALUE)
        ),
    }
}

fn no_image(step: &Step) -> Advice {
    let Work::EcrImage(image) = &step.work else {
        return Advice::new(Cause::Registry, "there is no such image", None);
    };
    Advice::new(
        Cause::Registry,
        format!("the repository `{}` has no image `{}`", image.repository, image.reference()),
        Fix::instead_of_digest(&image.image).unwrap_or_else(|| {
            Fix::command("push the image", format!("docker push {}", quote(&image.image)))
        }),
    )
}

fn env_file(step: &Step) -> Fix {
    let wanted =
        "upload it again as UTF-8 text with lines `NAME=value` of less than 64 KiB, at most 8 MiB in all";
    match &step.work {
        Work::EnvironmentFile { bucket, key } => Fix::command(wanted, upload(bucket, key)),
        _ => Fix::advice(wanted),
    }
}

/// Takes the zero bytes out of where a value comes from; nobody has to know it for that. In JSON they are written as escapes.
fn without_zero_bytes(step: &Step) -> Fix {
    const DROP: &str = r"tr -d '\000'";
    let command = match &step.work {
        Work::Secret { reference: Some(reference), .. } => {
            let drop = if reference.json_key.is_some() { r"sed 's/\\u0000//g'" } else { DROP };
            Some(secret::rewritten(step, drop))
        }
        Work::EnvironmentFile { bucket, key } => {
            let address = format!("s3://{bucket}/{key}");
            let address = quote(&address);
            Some(format!("aws s3 cp {address} - | {DROP} | aws s3 cp - {address}"))
        }
        _ => None,
    };
    Fix { command, ..Fix::advice("take the zero bytes out of the value, or store it anew") }
}

fn upload(bucket: &str, key: &str) -> String {
    format!("aws s3 cp FILE {}", quote(&format!("s3://{bucket}/{key}")))
}

#[cfg(test)]
mod tests;
