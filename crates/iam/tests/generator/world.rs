//! Who asks for what, and the facts of the request.

use serde_json::{Map, Value, json};

use super::{Random, Scope};

pub(crate) const OWN: &str = "111122223333";
pub(crate) const OTHER: &str = "444455556666";

/// Actions, and the ARNs they may be about; `A` stands for the account.
const ACTIONS: [(&str, &[&str]); 13] = [
    (
        "ecr:BatchGetImage",
        &["arn:aws:ecr:eu-central-1:A:repository/app", "arn:aws:ecr:eu-central-1:A:repository/team/app"],
    ),
    ("ecr:GetDownloadUrlForLayer", &["arn:aws:ecr:eu-central-1:A:repository/app"]),
    ("ecr:GetAuthorizationToken", &["*"]),
    (
        "s3:GetObject",
        &["arn:aws:s3:::bucket/home/blue/file", "arn:aws:s3:::bucket/home/*/file", "arn:aws:s3:::other/x"],
    ),
    ("s3:PutObject", &["arn:aws:s3:::bucket/home/red/a:b"]),
    ("secretsmanager:GetSecretValue", &["arn:aws:secretsmanager:eu-central-1:A:secret:prod/db-AbCdEf"]),
    ("ssm:GetParameters", &["arn:aws:ssm:eu-central-1:A:parameter/prod/db"]),
    ("ecs:RunTask", &["arn:aws:ecs:eu-central-1:A:task-definition/web:7"]),
    ("logs:PutLogEvents", &["arn:aws:logs:eu-central-1:A:log-group:/ecs/app:log-stream:web/1"]),
    ("iam:PassRole", &["arn:aws:iam::A:role/exec", "arn:aws:iam::A:role/other"]),
    ("kms:Decrypt", &["arn:aws:kms:eu-central-1:A:key/1234abcd-12ab-34cd-56ef-1234567890ab"]),
    ("kms:PutKeyPolicy", &["arn:aws:kms:eu-central-1:A:key/1234abcd-12ab-34cd-56ef-1234567890ab"]),
    ("sts:AssumeRole", &["arn:aws:iam::A:role/target", "arn:aws:iam::A:role/path/target"]),
];

pub(crate) struct World {
    pub(crate) scope: Scope,
    pub(crate) principal: Value,
    pub(crate) action: String,
    pub(crate) resource: String,
    pub(crate) account: String,
    context: Map<String, Value>,
}

impl World {
    pub(crate) fn new(random: &mut Random, scope: Scope) -> Self {
        let account = if random.chance(25) { OTHER } else { OWN };
        let (action, resources) = random.pick(&ACTIONS);
        let mut action = action.to_owned();
        if scope == Scope::Everything && action == "sts:AssumeRole" && random.chance(20) {
            action = random
                .pick(&["sts:TagSession", "sts:GetCallerIdentity", "sts:AssumeRoleWithWebIdentity"])
                .to_string();
        }
        let resources: Vec<_> = resources
            .iter()
            .filter(|it| scope == Scope::Everything || !(it.contains("/*/") || it.contains("path/")))
            .collect();
        // Operations that do not work across accounts are known to the inside judge only.
        let account =
            if scope == Scope::OutsideJudge && action == "kms:PutKeyPolicy" { OWN } else { account };
        let resource =
            random.pick(&resources).replace('A', account).replace(&format!("{account}bCd"), "AbCd");
        let principal = principal(random, scope);
        let mut world =
            Self { scope, principal, action, resource, account: account.to_owned(), context: Map::new() };
        world.fill_context(random);
        world
    }

    pub(crate) fn request(&self) -> Value {
        json!({
            "principal": self.principal, "action": self.action, "resource": self.resource,
            "resourceAccount": self.account, "context": self.context,
        })
    }

    fn fill_context(&mut self, random: &mut Random) {
        let table: [(&str, usize, &[&str]); 9] = [
            ("aws:PrincipalTag/team", 65, &["blue", "red", "Blue", "*", "b?ue", ""]),
            ("aws:SourceIp", 70, &["10.1.2.3", "203.0.113.9", "2001:db8::1"]),
            ("aws:CurrentTime", 80, &["2026-06-01T12:00:00Z", "2025-12-31T23:59:59Z"]),
            ("aws:MultiFactorAuthAge", 40, &["10", "300", "4000"]),
            ("aws:SecureTransport", 80, &["true", "false"]),
            ("aws:RequestedRegion", 80, &["eu-central-1", "us-east-1"]),
            ("aws:UserAgent", 60, &["curl/8", "Boto3/1.43"]),
            ("aws:SourceVpce", 20, &["vpce-1", "vpce-2"]),
            (
                "aws:SourceArn",
                30,
                &["arn:aws:ecs:eu-central-1:111122223333:cluster/prod", "arn:aws:s3:::bucket"],
            ),
        ];
        for (key, percent, values) in table {
            let value = random.pick(values);
            let unusual = value.is_empty() && self.scope == Scope::OutsideJudge && random.chance(50);
            if random.chance(percent) && !unusual {
                self.context.insert(key.into(), json!(value));
            }
        }
        let paths = ["o-a/r-1/ou-1/", "o-a/r-1/ou-2/", "o-b/r-1/"];
        let some: Vec<_> = paths.iter().filter(|_| random.chance(40)).collect();
        if !some.is_empty() {
            self.context.insert("aws:PrincipalOrgPaths".into(), json!(some));
        }
        match self.scope {
            Scope::OutsideJudge => self.spell_out_the_caller(),
            Scope::Everything => self.add_own_keys(random),
        }
    }

    /// The outside judge does not derive these keys.
    fn spell_out_the_caller(&mut self) {
        let text = |name: &str| self.principal[name].as_str().unwrap_or_default().to_owned();
        let (kind, arn) = (text("type"), text("arn"));
        let mut keys = vec![
            ("aws:PrincipalType", kind.clone()),
            ("aws:PrincipalAccount", text("account")),
            ("aws:PrincipalIsAWSService", "false".into()),
            ("aws:ViaAWSService", "false".into()),
            ("aws:ResourceAccount", self.account.clone()),
        ];
        let name = arn.rsplit('/').next().unwrap_or_default().to_owned();
        match kind.as_str() {
            "User" => {
                keys.extend([
                    ("aws:PrincipalArn", arn),
                    ("aws:userid", text("uniqueId")),
                    ("aws:username", name),
                ]);
            }
            _ => {
                let id = format!("{}:{name}", text("uniqueId"));
                keys.extend([("aws:PrincipalArn", text("roleArn")), ("aws:userid", id)]);
            }
        }
        self.context.extend(keys.into_iter().map(|(key, value)| (key.to_owned(), json!(value))));
    }

    /// Keys that belong to no service, and those that only the inside judge reads as we do.
    fn add_own_keys(&mut self, random: &mut Random) {
        if random.chance(30) {
            self.context.insert("K:Bytes".into(), json!(random.pick(&["QUI=", "QUJD", "!"])));
        }
        if random.chance(20) {
            self.context.insert("aws:EpochTime".into(), json!(random.pick(&["1780315200", "soon"])));
        }
        if self.is_kms() && random.chance(60) {
            self.context.insert("kms:EncryptionContext:tenant".into(), json!(random.pick(&["a", "b"])));
        }
        if random.chance(10) {
            self.context.insert("aws:TagKeys".into(), json!([]));
        }
    }

    pub(crate) fn is_kms(&self) -> bool {
        self.action.starts_with("kms:")
    }

    pub(crate) fn needs_resource_policy(&self) -> bool {
        self.is_kms() || self.action.starts_with("sts:")
    }

    pub(crate) fn may_have_boundary(&self) -> bool {
        self.scope == Scope::Everything
            || matches!(self.principal["type"].as_str(), Some("User" | "AssumedRole"))
    }

    pub(crate) fn may_have_session(&self) -> bool {
        self.scope == Scope::Everything || self.principal["type"] == "AssumedRole"
    }

    /// The outside judge leaves it to its caller which services a resource control policy reaches.
    pub(crate) fn has_control_policies(&self, name: &str) -> bool {
        let services = ["ecr:", "kms:", "logs:", "s3:", "secretsmanager:", "sts:"];
        name == "scp" || services.iter().any(|service| self.action.starts_with(service))
    }

    /// Takes away the elements that policies of this resource do not have.
    pub(crate) fn fit_to_resource(&self, statement: &mut Value) {
        if self.action.starts_with("sts:") {
            let fields = statement.as_object_mut().unwrap();
            fields.remove("Resource");
            fields.remove("NotResource");
        }
    }

    /// What the outside judge takes for a resource control policy.
    pub(crate) fn fit_to_resource_control(&self, statement: &mut Value) {
        statement["Principal"] = json!("*");
        let service = self.action.split(':').next().unwrap_or_default();
        let fields = statement.as_object_mut().unwrap();
        if fields.remove("NotAction").is_some() || fields["Action"].to_string().contains("\"*\"") {
            statement["Action"] = json!(format!("{service}:*"));
        }
    }

    /// A name of the caller, or of somebody else.
    pub(crate) fn some_name(&self, random: &mut Random) -> String {
        let names = ["arn", "roleArn", "userArn", "uniqueId", "account"];
        let own = self.principal[random.pick(&names)].as_str();
        own.unwrap_or("arn:aws:iam::111122223333:role/nobody").to_owned()
    }
}

fn principal(random: &mut Random, scope: Scope) -> Value {
    let session = |role: &str, id: &str| {
        let name = role.rsplit('/').next().unwrap_or_default();
        json!({
            "type": "AssumedRole", "arn": format!("arn:aws:sts::{OWN}:assumed-role/{name}/s1"), "account": OWN,
            "roleArn": format!("arn:aws:iam::{OWN}:role/{role}"), "uniqueId": id,
        })
    };
    let user = |path: &str| {
        json!({
            "type": "User", "arn": format!("arn:aws:iam::{OWN}:user/{path}"), "account": OWN,
            "uniqueId": "AIDAALICE",
        })
    };
    let number = random.below(100);
    match (scope, number) {
        (_, 0..50) => session("exec", "AROAEXEC"),
        (Scope::OutsideJudge, _) => user("alice"),
        (_, 50..70) => user(random.pick(&["alice", "dev/alice"])),
        (_, 70..78) => session("service-role/exec", "AROAPATH"),
        (_, 78..84) => json!({
            "type": "FederatedUser", "arn": format!("arn:aws:sts::{OWN}:federated-user/fed"), "account": OWN,
            "userArn": format!("arn:aws:iam::{OWN}:user/alice"), "uniqueId": "AIDAALICE",
        }),
        (_, 84..88) => json!({"type": "Root", "arn": format!("arn:aws:iam::{OWN}:root"), "account": OWN}),
        (_, 88..92) => json!({"type": "Service", "arn": "ecs-tasks.amazonaws.com"}),
        (_, 92..95) => json!({"type": "WebIdentity", "arn": "token.example.com"}),
        (_, 95..98) => json!({"type": "Anonymous", "arn": "anonymous"}),
        _ => {
            let mut linked = session("aws-service-role/ecs", "AROALINKED");
            linked["serviceLinked"] = json!(true);
            linked
        }
    }
}
