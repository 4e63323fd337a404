//! Why a step failed and what to change: one headline, one kind of cause, one thing to paste. Pure.

use aws_lc_rs::digest::{SHA256, digest};
use landfall_acs::{Cause, Fix};
use landfall_iam::{Blocker, FixStep, Layer};
use serde_json::{Value, json};

use super::SERVICE_PRINCIPAL;
use super::credential::Mend;
use super::plan::{Step, Work};
use super::problem::{CredentialProblem, Problem};
use crate::pipe::CheckRecord;

/// What is known about a step that failed.
#[derive(Debug, Clone)]
pub struct Circumstances<'a> {
    /// The step.
    pub step: &'a Step,
    /// The execution role's ARN.
    pub role: Option<&'a str>,
    /// The policy that sits on the resource of the refused check, if there is one: a role's trust policy, a secret's policy.
    pub policy: Option<&'a str>,
    /// The check that was refused, if one was.
    pub denied: Option<&'a CheckRecord>,
    /// How a credential can be mended.
    pub mend: Option<Mend>,
}

/// What is to be told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Advice {
    /// The cause in a sentence.
    pub headline: String,
    /// Its kind.
    pub cause: Cause,
    /// What to change.
    pub fix: Option<Fix>,
}

impl Advice {
    fn new(cause: Cause, headline: impl Into<String>, fix: impl Into<Option<Fix>>) -> Self {
        Self { headline: headline.into(), cause, fix: fix.into() }
    }
}

/// What is to be told of a failure.
pub fn advise(of: Circumstances<'_>, problem: &Problem) -> Advice {
    match problem {
        Problem::NoRole => no_role(of.step),
        Problem::Refused(_)
            if matches!(of.step.work, Work::AssumeRole { .. } | Work::AssumeTaskRole { .. }) =>
        {
            trust(&of)
        }
        Problem::Refused(error) => match of.denied {
            Some(denied) => permission(&of, denied),
            None => refusal(of.step, error.code, &error.message),
        },
        Problem::Credential(problem) => credential(&of, *problem),
        Problem::NotJson(_) | Problem::NotObject(_) => Advice::new(
            Cause::Content,
            format!(
                "the secret `{}` is not a JSON object, and `valueFrom` names a key of it",
                short(secret_id(of.step))
            ),
            Fix::advice(
                "store the secret as a JSON object, or leave the JSON key out of `valueFrom` to get the whole value",
            ),
        ),
        Problem::MissingKey(key) => Advice::new(
            Cause::Content,
            format!("the secret `{}` has no key `{key}`", short(secret_id(of.step))),
            missing_key(of.step, key),
        ),
        Problem::InvalidParameters(names) => invalid_parameters(of.step, names),
        Problem::NoImage(_) => no_image(of.step),
        Problem::EnvFile(problem) => Advice::new(
            Cause::Content,
            format!("the environment file `{}` cannot be read: {problem}", of.step.resource),
            Fix::advice(
                "upload it again as UTF-8 text with lines `NAME=value` of less than 64 KiB, at most 8 MiB in all",
            ),
        ),
        Problem::LogOption(text) => Advice::new(
            Cause::Configuration,
            format!("a log option that comes from a secret is not one: {text}"),
            Fix::advice("mend the value that `secretOptions` of the container's `logConfiguration` names"),
        ),
        Problem::MalformedArn => Advice::new(
            Cause::Configuration,
            format!("`valueFrom` has the wrong number of parts: `{}`", of.step.resource),
            Fix::advice(
                "write `valueFrom` as `<secret ARN>` or `<secret ARN>:<json-key>:<version-stage>:<version-id>`; parts \
                 that are not needed stay empty, their colons stay",
            ),
        ),
    }
}

fn no_role(step: &Step) -> Advice {
    let what = match &step.work {
        Work::AssumeInstanceRole(role) => {
            let fix = "set `executionRoleArn` in the task definition, or create the role for this machine";
            let headline =
                format!("there is neither an execution role nor the machine's own role `{}`", role.arn);
            return Advice::new(Cause::Configuration, headline, Fix::advice(fix));
        }
        Work::LogStream { .. } | Work::LogGroup { .. } => "logs need it",
        Work::EcrToken { .. } | Work::EcrImage(_) => "images of Amazon ECR need it",
        Work::RegistryCredential { .. } => "`repositoryCredentials` need it",
        Work::BucketLocation { .. } | Work::EnvironmentFile { .. } => "environment files need it",
        _ => "secrets need it",
    };
    Advice::new(
        Cause::Configuration,
        format!("the task has no execution role, and {what}"),
        Fix::advice("set `executionRoleArn` in the task definition"),
    )
}

fn trust(of: &Circumstances<'_>) -> Advice {
    let role = of.step.resource.as_str();
    let name = role_name(role);
    if let Some(denied) = of.denied.filter(|it| explicitly(it)) {
        return denial(denied);
    }
    let statement = json!({
        "Effect": "Allow", "Principal": {"Service": SERVICE_PRINCIPAL}, "Action": "sts:AssumeRole"
    });
    let verified = of.denied.is_some_and(is_verified);
    match of.policy {
        Some(policy) => {
            let policy = merged(Some(policy), &statement);
            let command = format!(
                "aws iam update-assume-role-policy --role-name {} --policy-document {}",
                quote(name),
                quote(&policy)
            );
            let fix = Fix {
                verified,
                document: Some(policy),
                ..Fix::command("let ECS tasks assume the role, beside those who may", command)
            };
            let headline = format!("the role `{name}` does not trust `{SERVICE_PRINCIPAL}`");
            Advice::new(Cause::Permission, headline, fix)
        }
        None => {
            let policy = document(&statement);
            let command = format!(
                "aws iam create-role --role-name {} --assume-role-policy-document {}",
                quote(name),
                quote(&policy)
            );
            let fix = Fix {
                document: Some(policy),
                ..Fix::command("create it, and give it what the task needs", command)
            };
            Advice::new(Cause::Configuration, format!("there is no role `{role}`"), fix)
        }
    }
}

fn permission(of: &Circumstances<'_>, denied: &CheckRecord) -> Advice {
    if explicitly(denied) {
        return denial(denied);
    }
    let who = role_name(of.role.unwrap_or(&denied.principal));
    if denied.layer == Layer::Identity
        && let Some(advice) = wrong_way(of, denied, who)
    {
        return advice;
    }
    let headline = format!("the role `{who}` may not `{}` on `{}`", denied.action, short(&denied.resource));
    let steps = denied.fix.as_ref().map_or(&[][..], |fix| &fix.steps);
    if let Some(blocker) = denied.fix.as_ref().and_then(|fix| fix.blocked.as_ref()) {
        return Advice::new(Cause::Permission, headline, Fix::advice(blocked(blocker, &denied.action)));
    }
    let parts: Vec<Fix> = steps.iter().map(|step| add(of, denied, step)).collect();
    let fix = (!parts.is_empty()).then(|| together(parts, is_verified(denied)));
    Advice::new(Cause::Permission, headline, fix)
}

/// A statement that would allow wants the call to come from a VPC, or through one of its endpoints, and it does not.
fn wrong_way(of: &Circumstances<'_>, denied: &CheckRecord, who: &str) -> Option<Advice> {
    let wanted = |hint: &String| hint.to_ascii_lowercase().contains("`aws:sourcevpc");
    denied.hints.iter().find(|hint| wanted(hint))?;
    let what = format!("`{}` on `{}`", denied.action, short(&denied.resource));
    if let (Some(vpc), Some(endpoint)) = (key_of(denied, "aws:SourceVpc"), key_of(denied, "aws:SourceVpce")) {
        let headline =
            format!("the role `{who}` may {what} only on another way than through `{endpoint}` of `{vpc}`");
        let fix = Fix::advice(format!(
            "name `{endpoint}` and `{vpc}` in the condition of the role's policy, or run the task in a subnet of the VPC \
             that it names"
        ));
        return Some(Advice::new(Cause::Permission, headline, fix));
    }
    let headline =
        format!("the role `{who}` may {what} only through a VPC endpoint, and the call came through none");
    Some(Advice::new(Cause::Permission, headline, another_way(of.step, denied)))
}

/// A token's call does not come from the task's network on Fargate, whatever endpoints there are.
fn another_way(step: &Step, denied: &CheckRecord) -> Fix {
    let service = match &step.work {
        Work::EcrToken { .. } => {
            return Fix::advice(
                "allow `ecr:GetAuthorizationToken` in a statement without the condition: on Fargate this call does not \
                 come from the task's network",
            );
        }
        Work::EcrImage(_) => "ecr.dkr",
        _ => denied.action.split(':').next().unwrap_or_default(),
    };
    let region = step.region.as_str();
    Fix::command(
        "give the VPC of the task's subnet an endpoint, and name it in the condition",
        format!(
            "aws ec2 create-vpc-endpoint --region {region} --vpc-endpoint-type Interface --vpc-id VPC --subnet-ids SUBNET \
             --service-name com.amazonaws.{region}.{service}"
        ),
    )
}

fn key_of<'a>(denied: &'a CheckRecord, key: &str) -> Option<&'a str> {
    let found = denied.context.iter().find(|(it, _)| it == key);
    found.and_then(|(_, values)| values.first()).map(String::as_str)
}

fn is_verified(denied: &CheckRecord) -> bool {
    denied.fix.as_ref().is_some_and(|fix| fix.verified)
}

/// Several changes as one: commands line by line.
fn together(parts: Vec<Fix>, verified: bool) -> Fix {
    let lines = |of: fn(&Fix) -> Option<&String>| {
        let lines: Vec<&str> = parts.iter().filter_map(of).map(String::as_str).collect();
        (!lines.is_empty()).then(|| lines.join("\n"))
    };
    let text: Vec<&str> = parts.iter().map(|it| it.text.as_str()).filter(|it| !it.is_empty()).collect();
    Fix {
        text: text.join("; "),
        command: lines(|it| it.command.as_ref()),
        document: lines(|it| it.document.as_ref()),
        verified,
    }
}

/// One statement, where it belongs.
fn add(of: &Circumstances<'_>, denied: &CheckRecord, step: &FixStep) -> Fix {
    match step.layer {
        Layer::Identity => grant(of, denied),
        Layer::RoleTrust => {
            let policy = merged(of.policy, &step.statement);
            let role = quote(role_name(&denied.resource)).into_owned();
            let command = format!(
                "aws iam update-assume-role-policy --role-name {role} --policy-document {}",
                quote(&policy)
            );
            Fix { document: Some(policy), ..Fix::command("", command) }
        }
        Layer::Endpoint => {
            let policy = merged(of.policy, &step.statement);
            let id = key_of(denied, "aws:SourceVpce").unwrap_or_default();
            let command = format!(
                "aws ec2 modify-vpc-endpoint --vpc-endpoint-id {id} --region {} --policy-document {}",
                of.step.region,
                quote(&policy)
            );
            Fix { document: Some(policy), ..Fix::command("in the policy of the VPC endpoint", command) }
        }
        Layer::Resource if denied.action.starts_with("secretsmanager:") => {
            let policy = merged(of.policy, &step.statement);
            let command = format!(
                "aws secretsmanager put-resource-policy --secret-id {} --region {} --resource-policy {}",
                quote(&denied.resource),
                of.step.region,
                quote(&policy)
            );
            Fix { document: Some(policy), ..Fix::command("in the secret's account", command) }
        }
        Layer::Resource if denied.action.starts_with("ecr:") => {
            let mut statement = step.statement.clone();
            statement["Action"] = json!(["ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer"]);
            let policy = merged(of.policy, &statement);
            let repository = denied.resource.rsplit(":repository/").next().unwrap_or_default();
            let command = format!(
                "aws ecr set-repository-policy --repository-name {} --region {} --policy-text {}",
                quote(repository),
                of.step.region,
                quote(&policy)
            );
            Fix { document: Some(policy), ..Fix::command("in the repository's account", command) }
        }
        Layer::Resource if denied.action.starts_with("s3:") => {
            let policy = merged(of.policy, &step.statement);
            let name = denied.resource.rsplit(':').next().unwrap_or_default();
            let bucket = name.split('/').next().unwrap_or(name);
            let command =
                format!("aws s3api put-bucket-policy --bucket {} --policy {}", quote(bucket), quote(&policy));
            Fix { document: Some(policy), ..Fix::command("in the bucket's account", command) }
        }
        _ => Fix {
            document: Some(step.statement.to_string()),
            ..Fix::advice(format!("add to {}: {}", step.place, step.statement))
        },
    }
}

/// A policy of the role's own. Its name tells policies for different resources apart: one must not replace another.
fn grant(of: &Circumstances<'_>, denied: &CheckRecord) -> Fix {
    let statement = statement(denied);
    let policy = document(&statement);
    let role = match &of.step.work {
        Work::EcrToken { .. } | Work::EcrImage(_) if of.role.is_none() => session_role(&denied.principal),
        _ => role_name(of.role.unwrap_or_default()),
    };
    let hash = hex::encode(digest(&SHA256, statement.to_string().as_bytes()).as_ref());
    let name = format!("{}-{}", denied.action.replace(':', "-"), hash.get(..8).unwrap_or_default());
    let command = format!(
        "aws iam put-role-policy --role-name {} --policy-name {name} --policy-document {}",
        quote(role),
        quote(&policy)
    );
    Fix { document: Some(policy), ..Fix::command("", command) }
}

/// The statement to add. Streams get new names with every task, so that the whole group is named; who may create a stream
/// should be able to write to it; and who may ask for a manifest should get the layers.
fn statement(denied: &CheckRecord) -> Value {
    let group = denied.resource.split_once(":log-stream:").map(|(group, _)| format!("{group}:*"));
    let action = match denied.action.as_str() {
        "logs:CreateLogStream" => json!(["logs:CreateLogStream", "logs:PutLogEvents"]),
        "ecr:BatchGetImage" | "ecr:GetDownloadUrlForLayer" => {
            json!(["ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer"])
        }
        action => json!(action),
    };
    let resource = group.as_deref().unwrap_or(&denied.resource);
    json!({"Effect": "Allow", "Action": action, "Resource": resource})
}

fn explicitly(denied: &CheckRecord) -> bool {
    denied.trace.as_ref().is_some_and(|trace| !trace.denials().is_empty())
}

fn denial(denied: &CheckRecord) -> Advice {
    let place = denied.deciding.as_deref().unwrap_or("a statement");
    Advice::new(
        Cause::Permission,
        format!("{place} denies `{}` on `{}`", denied.action, short(&denied.resource)),
        Fix::advice(format!(
            "{place} denies `{}`: change or remove it, no Allow can undo a Deny",
            denied.action
        )),
    )
}

fn blocked(blocker: &Blocker, action: &str) -> String {
    match blocker {
        Blocker::Deny { policy, index, .. } => format!(
            "policy {policy}, statement {} denies `{action}`: change or remove it, no Allow can undo a Deny",
            index + 1
        ),
        Blocker::Impossible(why) => why.clone(),
    }
}

fn document(statement: &Value) -> String {
    json!({"Version": "2012-10-17", "Statement": [statement]}).to_string()
}

/// A policy with one more statement; what is there stays.
fn merged(policy: Option<&str>, statement: &Value) -> String {
    let present = policy.and_then(|text| serde_json::from_str::<Value>(text).ok()).filter(Value::is_object);
    let Some(mut policy) = present else { return document(statement) };
    let mut statements = match policy["Statement"].take() {
        Value::Array(statements) => statements,
        Value::Null => Vec::new(),
        one => vec![one],
    };
    statements.push(statement.clone());
    policy["Statement"] = Value::Array(statements);
    policy.to_string()
}

/// What to do about an answer that is no denial of a policy.
fn refusal(step: &Step, code: &str, message: &str) -> Advice {
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
        (Work::LogStream { group, .. }, "ResourceNotFoundException") => Advice::new(
            Cause::Configuration,
            format!("there is no log group `{group}` in {region}"),
            Fix::command(
                "create it, or set the log option `awslogs-create-group` to `true`",
                format!("aws logs create-log-group --log-group-name {} --region {region}", quote(group)),
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
        (Work::RegistryCredential { .. } | Work::Secret { .. }, code) => secret_refusal(step, code, message),
        (Work::Parameters(_), "AccessDeniedException") => key(step, "parameters"),
        (Work::BucketLocation { bucket, .. } | Work::EnvironmentFile { bucket, .. }, "NoSuchBucket") => {
            Advice::new(
                Cause::Content,
                format!("there is no bucket `{bucket}`"),
                Fix::command("create it and upload the file", format!("aws s3 mb s3://{bucket}")),
            )
        }
        // A denial that no check of the object gave: who may not list the bucket is not told that a key is missing.
        (Work::EnvironmentFile { bucket, key }, "NoSuchKey" | "AccessDenied") => Advice::new(
            Cause::Content,
            format!("there is no object `{key}` in the bucket `{bucket}`"),
            Fix::command(
                "upload the file",
                format!("aws s3 cp FILE {}", quote(&format!("s3://{bucket}/{key}"))),
            ),
        ),
        (_, code) => {
            Advice::new(Cause::Configuration, format!("`{}` answered `{code}`: {message}", step.action), None)
        }
    }
}

fn secret_refusal(step: &Step, code: &str, message: &str) -> Advice {
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
            Fix::advice("encrypt the secret with a customer managed key that the role may use"),
        ),
        "ResourceNotFoundException" if message.contains("staging label") => Advice::new(
            Cause::Content,
            format!("the secret `{name}` has no value"),
            Fix::command("", put_secret(step)),
        ),
        "ResourceNotFoundException" if message.contains("VersionId") => Advice::new(
            Cause::Content,
            format!("the secret `{name}` has no such version"),
            Fix::advice(
                "name a version that it has: `aws secretsmanager list-secret-version-ids` lists them",
            ),
        ),
        "ResourceNotFoundException" => Advice::new(
            Cause::Content,
            format!("there is no secret `{name}` in {region}"),
            Fix::command(
                "",
                format!(
                    "aws secretsmanager create-secret --name {} --region {region} --secret-string {}",
                    quote(secret_name(id)),
                    quote(example(step))
                ),
            ),
        ),
        "AccessDeniedException" => key(step, "secret"),
        code => Advice::new(Cause::Content, format!("`{name}` cannot be read: {code}: {message}"), None),
    }
}

/// A key that the role may not use, told without its name.
fn key(step: &Step, what: &str) -> Advice {
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

fn credential(of: &Circumstances<'_>, problem: CredentialProblem) -> Advice {
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
        Mend::Unquote => r"s/^[[:space:]]*'\(.*\)'[[:space:]]*$/\1/".to_owned(),
    };
    let (id, region) = (quote(secret_id(step)), step.region.as_str());
    format!(
        "aws secretsmanager put-secret-value --secret-id {id} --region {region} --secret-string \"$(aws secretsmanager \
         get-secret-value --secret-id {id} --region {region} --query SecretString --output text | sed {})\"",
        quote(&script)
    )
}

fn missing_key(step: &Step, key: &str) -> Fix {
    Fix::advice(format!(
        "add the key `{key}` to the JSON object in `{}`, or name one that it has in `valueFrom` (keys are \
         case-sensitive)",
        short(secret_id(step))
    ))
}

fn invalid_parameters(step: &Step, names: &[String]) -> Advice {
    let commands: Vec<String> = names
        .iter()
        .map(|name| {
            let plain = name.split_once(":parameter/").map_or(name.as_str(), |(_, name)| name);
            let plain = match name.starts_with("arn:") && plain.contains('/') {
                true => format!("/{plain}"),
                false => plain.to_owned(),
            };
            format!(
                "aws ssm put-parameter --name {} --region {} --type SecureString --value VALUE",
                quote(&plain),
                step.region
            )
        })
        .collect();
    let listed: Vec<String> = names.iter().map(|name| format!("`{name}`")).collect();
    let (subject, pronoun) = if names.len() == 1 { ("parameter", "it") } else { ("parameters", "them") };
    Advice::new(
        Cause::Content,
        format!("there is no {subject} {} in {}", listed.join(", "), step.region),
        Fix::command(format!("create {pronoun}"), commands.join("\n")),
    )
}

fn no_image(step: &Step) -> Advice {
    let Work::EcrImage(image) = &step.work else {
        return Advice::new(Cause::Registry, "there is no such image", None);
    };
    Advice::new(
        Cause::Registry,
        format!("the repository `{}` has no image `{}`", image.repository, image.reference()),
        Fix::command("push the image", format!("docker push {}", quote(&image.image))),
    )
}

/// A command that stores another value in the secret of a step.
pub(super) fn put_secret(step: &Step) -> String {
    format!(
        "aws secretsmanager put-secret-value --secret-id {} --region {} --secret-string {}",
        quote(secret_id(step)),
        step.region,
        quote(example(step))
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

fn secret_id(step: &Step) -> &str {
    match &step.work {
        Work::RegistryCredential { parameter } => parameter,
        Work::Secret { value_from, reference, .. } => {
            reference.as_ref().map_or(value_from, |reference| &reference.secret_id)
        }
        _ => "",
    }
}

/// A resource in a headline: the last part of an ARN says enough, and of a log stream its group: each task has another.
fn short(resource: &str) -> &str {
    if !resource.starts_with("arn:") {
        return resource;
    }
    let own = resource.splitn(6, ':').nth(5).unwrap_or(resource);
    let own = own.split(":log-stream:").next().unwrap_or(own);
    own.strip_prefix("secret:").unwrap_or(own)
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

/// The role of a session's ARN: `assumed-role/name/session`.
fn session_role(session: &str) -> &str {
    session.split('/').nth(1).unwrap_or(session)
}

/// A word for a POSIX shell.
fn quote(text: &str) -> std::borrow::Cow<'_, str> {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_./:=+@,".contains(&byte);
    if !text.is_empty() && text.bytes().all(plain) {
        return text.into();
    }
    format!("'{}'", text.replace('\'', r"'\''")).into()
}

#[cfg(test)]
#[path = "advice_tests.rs"]
mod tests;
