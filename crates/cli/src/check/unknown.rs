//! What a template or plan does not tell before it is deployed: values that come out of the deployment, and what it
//! creates itself. The server is asked about the rest, and a finding that is about what is not known is none.

use std::collections::BTreeSet;

use landfall_api::ecs::RegisterTaskDefinition;
use landfall_api::landfall::Finding;
use landfall_shape::{Kind, Operation as _, Schema};
use serde_json::{Map, Value, json};

use super::input::{Found, Place};

/// Stands for what is not known, in names that the server gets to see.
const UNKNOWN: &str = "landfall-unknown";
/// An image that is in no registry, and costs no question to one.
const UNKNOWN_IMAGE: &str = "127.0.0.1:1/landfall-unknown:1";
const EXECUTION_ROLE: &str = "executionRoleArn";
const CONTAINERS: &str = "containerDefinitions";
/// The step that looks at the definition alone.
const RULES: &str = "check task definition";

/// What a resource of the file is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Created {
    Role,
    Secret,
    Parameter,
    LogGroup,
    Repository,
    Bucket,
}

impl Created {
    /// By the type in a template and in a plan.
    pub(super) fn of_type(name: &str) -> Option<Self> {
        Some(match name {
            "AWS::IAM::Role" | "aws_iam_role" => Self::Role,
            "AWS::SecretsManager::Secret" | "aws_secretsmanager_secret" => Self::Secret,
            "AWS::SSM::Parameter" | "aws_ssm_parameter" => Self::Parameter,
            "AWS::Logs::LogGroup" | "aws_cloudwatch_log_group" => Self::LogGroup,
            "AWS::ECR::Repository" | "aws_ecr_repository" => Self::Repository,
            "AWS::S3::Bucket" | "aws_s3_bucket" => Self::Bucket,
            _ => return None,
        })
    }

    /// The property that names it in a template.
    pub(super) fn property(self) -> &'static str {
        match self {
            Self::Role => "RoleName",
            Self::Secret | Self::Parameter => "Name",
            Self::LogGroup => "LogGroupName",
            Self::Repository => "RepositoryName",
            Self::Bucket => "BucketName",
        }
    }

    fn word(self) -> &'static str {
        match self {
            Self::Role => "role",
            Self::Secret => "secret",
            Self::Parameter => "parameter",
            Self::LogGroup => "log group",
            Self::Repository => "repository",
            Self::Bucket => "bucket",
        }
    }

    /// Whether a value of a task definition means the resource of this name.
    pub(super) fn is_meant(self, name: &str, value: &str, place: &Place) -> bool {
        let behind = |marker: &str| value.split_once(marker).map(|(_, rest)| rest);
        let account = value.split(':').nth(4).filter(|it| value.starts_with("arn:") && !it.is_empty());
        if account.is_some_and(|it| it != place.account) {
            return false;
        }
        match self {
            Self::Role => {
                let path = behind(":role/").unwrap_or(value);
                path.rsplit('/').next() == Some(name)
            }
            Self::Secret => match behind(":secret:") {
                Some(rest) => rest.strip_prefix(name).is_some_and(is_secret_end),
                None => value == name,
            },
            Self::Parameter => {
                let found = behind(":parameter/").unwrap_or(value);
                !value.contains(":secret:") && found.trim_start_matches('/') == name.trim_start_matches('/')
            }
            Self::LogGroup => value == name,
            Self::Repository => {
                let repository = value.split_once(".dkr.ecr.").and_then(|(_, rest)| rest.split_once('/'));
                repository.and_then(|(_, rest)| rest.split([':', '@']).next()) == Some(name)
            }
            Self::Bucket => behind(":s3:::").and_then(|rest| rest.split('/').next()) == Some(name),
        }
    }
}

/// Behind the name of a secret: nothing, the six characters that the service adds, the parts of `valueFrom`.
fn is_secret_end(rest: &str) -> bool {
    let rest = rest.split(':').next().unwrap_or_default();
    rest.is_empty() || rest.strip_prefix('-').is_some_and(|it| it.len() == 6)
}

/// What the file creates.
#[derive(Debug)]
pub(super) struct Creates<'a> {
    /// `template` or `plan`.
    pub(super) file: &'static str,
    pub(super) resources: Vec<(Created, String)>,
    pub(super) place: &'a Place,
}

impl Creates<'_> {
    /// Takes what is not known out of a task definition: what it was is remembered, and told.
    pub(super) fn settle(&self, found: &mut Found) {
        let Value::Object(members) = &mut found.definition else { return };
        let mut open = Vec::new();
        for role in [EXECUTION_ROLE, "taskRoleArn"] {
            let mut told = Vec::new();
            if members.get(role).is_some_and(|it| self.is_unknown(it, &[Created::Role], &mut told)) {
                members.remove(role);
                found.unknown.insert(role.to_owned());
            }
            match told.pop() {
                Some(made) if role == EXECUTION_ROLE => open.push(what_it_may(&made)),
                None if role == EXECUTION_ROLE && is_new_role(&found.unknown) => {
                    let made = found.role.as_ref().map(|role| self.creates(Created::Role, &role.name));
                    open.push(what_it_may(made.as_deref().unwrap_or("the execution role is not known yet")));
                }
                told => open.extend(told.map(not_looked_at)),
            }
        }
        if found.unknown.contains("family") {
            members.insert("family".to_owned(), UNKNOWN.into());
        }
        if found.unknown.contains(CONTAINERS) {
            let container = json!({"name": UNKNOWN, "image": UNKNOWN_IMAGE, "memory": 6});
            members.insert(CONTAINERS.to_owned(), json!([container]));
        }
        let containers = members.get_mut(CONTAINERS).and_then(Value::as_array_mut);
        let mut made = Vec::new();
        for container in containers.into_iter().flatten() {
            self.container(container, &mut made);
        }
        open.extend(made.into_iter().map(not_looked_at));
        for what in open {
            if !found.open.contains(&what) {
                found.open.push(what);
            }
        }
    }

    fn container(&self, container: &mut Value, open: &mut Vec<String>) {
        let Place { account, region } = self.place;
        let secret = format!("arn:aws:secretsmanager:{region}:{account}:secret:{UNKNOWN}-AAAAAA");
        let fetched = [Created::Secret, Created::Parameter];
        for list in ["/secrets", "/logConfiguration/secretOptions"] {
            for entry in container.pointer_mut(list).and_then(Value::as_array_mut).into_iter().flatten() {
                self.blank(entry, "/valueFrom", &fetched, &secret, open);
            }
        }
        let files = container.pointer_mut("/environmentFiles").and_then(Value::as_array_mut);
        for entry in files.into_iter().flatten() {
            let file = format!("arn:aws:s3:::{UNKNOWN}/file.env");
            self.blank(entry, "/value", &[Created::Bucket], &file, open);
        }
        let credential = "/repositoryCredentials/credentialsParameter";
        for (path, kinds, value) in [
            ("/image", &[Created::Repository][..], UNKNOWN_IMAGE),
            (credential, &fetched[..1], &secret),
            ("/logConfiguration/options/awslogs-group", &[Created::LogGroup], UNKNOWN),
            ("/logConfiguration/options/awslogs-region", &[], region),
        ] {
            self.blank(container, path, kinds, value, open);
        }
    }

    /// Puts `value` where something not known is.
    fn blank(&self, of: &mut Value, path: &str, kinds: &[Created], value: &str, open: &mut Vec<String>) {
        if let Some(place) = of.pointer_mut(path)
            && self.is_unknown(place, kinds, open)
        {
            *place = value.into();
        }
    }

    fn creates(&self, kind: Created, name: &str) -> String {
        format!("the {} `{name}` is created by this {}", kind.word(), self.file)
    }

    fn is_unknown(&self, value: &Value, kinds: &[Created], open: &mut Vec<String>) -> bool {
        let Some(text) = value.as_str() else { return false };
        let meant =
            |(kind, name): &&(Created, String)| kinds.contains(kind) && kind.is_meant(name, text, self.place);
        if let Some((kind, name)) = self.resources.iter().find(meant) {
            open.push(self.creates(*kind, name));
            return true;
        }
        text.contains(UNKNOWN)
    }
}

/// Whether the execution role is one that the server cannot know.
pub(super) fn is_new_role(unknown: &BTreeSet<String>) -> bool {
    unknown.contains(EXECUTION_ROLE)
}

/// What is not known of a role, in the words that begin it.
pub(super) const WHAT_IT_MAY: &str = "what the execution role may do: ";

fn what_it_may(why: &str) -> String {
    format!("{WHAT_IT_MAY}{why}. What it would fetch was looked at with your own permissions")
}

fn not_looked_at(made: String) -> String {
    made + ": not looked at"
}

/// A definition of a template without the `${…}` that stands where nothing is known: in text it becomes a name, elsewhere
/// the member goes.
pub(super) fn without_holes(definition: Value, unknown: &mut BTreeSet<String>) -> Value {
    let mut definition = fill(RegisterTaskDefinition::SCHEMA.input, definition, unknown);
    if let Value::Object(members) = &mut definition {
        // Their schema is text; what the text must be is a number.
        for size in ["cpu", "memory"] {
            if members.get(size).and_then(Value::as_str).is_some_and(|it| it.contains(UNKNOWN)) {
                members.remove(size);
                unknown.insert(size.to_owned());
            }
        }
    }
    definition
}

fn fill(schema: &Schema, value: Value, unknown: &mut BTreeSet<String>) -> Value {
    match (&schema.kind, value) {
        (Kind::Structure { members }, Value::Object(object)) => {
            let mut out = Map::new();
            for (name, value) in object {
                let schema = members.iter().find(|it| it.wire_name == name).map(|it| it.schema);
                if schema.is_some_and(|it| is_hole(it, &value)) {
                    unknown.insert(name);
                    continue;
                }
                let value = match schema {
                    Some(schema) => fill(schema, value, unknown),
                    None => value,
                };
                out.insert(name, value);
            }
            out.into()
        }
        (Kind::List { member, .. }, Value::Array(items)) => {
            let known = items.into_iter().filter(|it| !is_hole(member, it)).collect::<Vec<_>>();
            known.into_iter().map(|it| fill(member, it, unknown)).collect::<Vec<_>>().into()
        }
        (Kind::Map { value: inner, .. }, Value::Object(object)) => {
            object.into_iter().map(|(key, it)| (key, fill(inner, it, unknown))).collect::<Map<_, _>>().into()
        }
        (Kind::String { .. }, Value::String(text)) => named(&text).into(),
        (_, value) => value,
    }
}

/// Text with `${…}` in it where no text can be.
fn is_hole(schema: &Schema, value: &Value) -> bool {
    let free = matches!(&schema.kind, Kind::String { values: [], .. });
    !free && value.as_str().is_some_and(|text| text.contains("${"))
}

fn named(text: &str) -> String {
    let mut out = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("${")
        && let Some((_, behind)) = after.split_once('}')
    {
        out.push_str(before);
        out.push_str(UNKNOWN);
        rest = behind;
    }
    out + rest
}

/// Whether a finding is about what is known.
pub(super) fn is_known(unknown: &BTreeSet<String>, finding: &Finding) -> bool {
    let step = finding.step.as_deref().unwrap_or_default();
    let names = [finding.resource.as_ref(), finding.container.as_ref()];
    let mut told = [&finding.headline, &finding.message].into_iter().chain(names.into_iter().flatten());
    let of_role = || {
        let about = [EXECUTION_ROLE, "execution role"];
        step == RULES && is_new_role(unknown) && about.iter().any(|it| finding.message.contains(it))
    };
    let message = finding.message.to_lowercase();
    let of_member = || {
        step == RULES && unknown.iter().any(|name| words(name).iter().any(|it| message.contains(it.as_str())))
    };
    !told.any(|it| is_named_in(it)) && !of_role() && !of_member()
}

/// Whether a text speaks of something that is not known.
pub(super) fn is_named_in(text: &str) -> bool {
    text.contains(UNKNOWN)
}

/// What a rule about a member says of it, in small letters.
fn words(member: &str) -> Vec<String> {
    let words: &[&str] = match member {
        "cpu" => &["'cpu'", "fargate configuration"],
        "memory" => &["'memory", "fargate configuration"],
        "networkMode" => &["networkmode", "network mode", "awsvpc"],
        "requiresCompatibilities" => &["compatib"],
        "portMappings" | "hostPort" | "containerPort" => &["host port", "container port", "port mapping"],
        CONTAINERS => &["container list", "essential container"],
        _ => return vec![member.to_lowercase()],
    };
    words.iter().map(|it| (*it).to_owned()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place() -> Place {
        Place { account: "111122223333".to_owned(), region: "eu-west-1".to_owned() }
    }

    #[test]
    fn what_a_value_means() {
        for (kind, name, value, meant) in [
            (Created::Role, "exec", "arn:aws:iam::111122223333:role/path/exec", true),
            (Created::Role, "exec", "exec", true),
            (Created::Role, "exec", "arn:aws:iam::111122223333:role/exec2", false),
            (Created::Role, "exec", "arn:aws:iam::444455556666:role/exec", false),
            (Created::Secret, "db", "arn:aws:secretsmanager:eu-west-1:111122223333:secret:db", true),
            (Created::Secret, "db", "arn:aws:secretsmanager:eu-west-1:111122223333:secret:db:key::", true),
            (
                Created::Secret,
                "db",
                "arn:aws:secretsmanager:eu-west-1:111122223333:secret:db-AbCdEf:key::",
                true,
            ),
            (Created::Secret, "db", "arn:aws:secretsmanager:eu-west-1:111122223333:secret:db-other", false),
            (Created::Secret, "db", "db", true),
            (Created::Parameter, "/a/b", "arn:aws:ssm:eu-west-1:111122223333:parameter/a/b", true),
            (Created::Parameter, "/a/b", "/a/b", true),
            (Created::Parameter, "/a/b", "/a/b/c", false),
            (Created::LogGroup, "/cf", "/cf", true),
            (Created::LogGroup, "/cf", "/cf/2", false),
            (Created::Repository, "app", "111122223333.dkr.ecr.eu-west-1.amazonaws.com/app:1", true),
            (Created::Repository, "app", "111122223333.dkr.ecr.eu-west-1.amazonaws.com/app/x:1", false),
            (Created::Repository, "app", "docker.io/app:1", false),
            (Created::Bucket, "files", "arn:aws:s3:::files/a.env", true),
            (Created::Bucket, "files", "arn:aws:s3:::files2/a.env", false),
        ] {
            assert_eq!(kind.is_meant(name, value, &place()), meant, "{kind:?} {name} {value}");
        }
    }

    #[test]
    fn findings_about_what_is_not_known_are_none() {
        let finding = |step: &str, message: &str| Finding {
            step: Some(step.to_owned()),
            message: message.to_owned(),
            ..Finding::default()
        };
        let rule = "check task definition";
        for (unknown, found, known) in [
            (EXECUTION_ROLE, finding(rule, "you must also specify a value for 'executionRoleArn'."), false),
            (
                EXECUTION_ROLE,
                finding(
                    rule,
                    "Fargate requires task definition to have execution role ARN to support ECR images.",
                ),
                false,
            ),
            // The server took the step as the one who asks.
            (EXECUTION_ROLE, finding("fetch parameters", "x"), true),
            (EXECUTION_ROLE, finding(rule, "Container.image contains invalid characters."), true),
            (EXECUTION_ROLE, finding("ask for image", "x"), true),
            ("cpu", finding(rule, "Fargate requires that 'cpu' be defined at the task level."), false),
            ("cpu", finding(rule, "Fargate requires that 'memory' be defined at the task level."), true),
            (
                "memory",
                finding(rule, "At least one of 'memory' or 'memoryReservation' must be specified."),
                false,
            ),
            ("networkMode", finding(rule, "Fargate only supports network mode ‘awsvpc’."), false),
            ("family", finding("fetch secret", "no secret `landfall-unknown`"), false),
            ("family", finding("fetch secret", "no secret `x`"), true),
        ] {
            let unknown = BTreeSet::from([unknown.to_owned()]);
            assert_eq!(is_known(&unknown, &found), known, "{unknown:?} {found:?}");
        }
    }

    #[test]
    fn holes_are_names_in_text_and_nothing_elsewhere() {
        let mut unknown = BTreeSet::new();
        let definition = json!({"cpu": "${Size}", "networkMode": "${Mode}", "family": "a-${X}", "containerDefinitions": [
            {"name": "a", "memory": "${M}", "image": "r/${Y}:1", "essential": "${E}", "command": ["${"]}]});
        let expected = json!({"family": "a-landfall-unknown", "containerDefinitions": [
            {"name": "a", "image": "r/landfall-unknown:1", "command": ["${"]}]});
        assert_eq!(without_holes(definition, &mut unknown), expected);
        assert_eq!(unknown.into_iter().collect::<Vec<_>>(), ["cpu", "essential", "memory", "networkMode"]);
    }
}
