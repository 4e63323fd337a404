//! The execution role that a template or plan creates: whom it trusts and what it may, by what the file says of it. The server
//! does not know it yet.

use landfall_api::landfall::{Cause, Finding, Fix, PlannedPolicy, Step};
use landfall_base::{AccountId, Arn};
use landfall_iam::{Attached, Context, Layers, Policy, PolicyKind, Principal, Request, evaluate};
use landfall_services::ecs::names::Home;
use landfall_services::ecs::rules::trust::{SERVICE_PRINCIPAL, trusts_ecs};
use landfall_services::iam::aws_managed_policy;
use serde_json::{Value, json};

use super::input::Place;
use super::unknown::is_named_in;

/// A role of the file.
#[derive(Debug)]
pub(super) struct Role {
    /// The name that it will have.
    pub(super) name: String,
    /// Where it is written.
    pub(super) written: Written,
    /// `AssumeRolePolicyDocument`
    pub(super) trust: Value,
    /// Its policies; `None` where the file does not tell all of them.
    pub(super) policies: Option<Vec<String>>,
}

/// Where a role is written, and in which language what it lacks is to be written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Written {
    Template,
    /// As its module calls it.
    Plan {
        address: String,
    },
}

impl Written {
    fn file(&self) -> &'static str {
        match self {
            Self::Template => "template",
            Self::Plan { .. } => "plan",
        }
    }

    fn trust(&self, document: &Value) -> Fix {
        let document = match self {
            Self::Template => format!("\"AssumeRolePolicyDocument\": {document}"),
            Self::Plan { .. } => format!("assume_role_policy = jsonencode({document})"),
        };
        Fix { text: "let ECS tasks assume the role".to_owned(), document: Some(document), ..Fix::default() }
    }

    /// What gives the role one more policy; `number` tells those of one answer apart.
    fn policy(&self, number: usize, document: &Value) -> Fix {
        let (text, document) = match self {
            Self::Template => (
                "add a policy to the role's `Policies`",
                json!({"PolicyName": format!("task-start-{number}"), "PolicyDocument": document}).to_string(),
            ),
            Self::Plan { address } => (
                "add a policy beside the role",
                format!(
                    "resource \"aws_iam_role_policy\" \"task_start_{number}\" {{\n  role   = {address}.name\n  policy = \
                     jsonencode({document})\n}}"
                ),
            ),
        };
        Fix { text: text.to_owned(), document: Some(document), ..Fix::default() }
    }
}

/// Policies of a role, as far as a file tells them.
#[derive(Debug, Default)]
pub(super) struct Policies {
    /// Their documents.
    pub(super) documents: Vec<String>,
    /// There are some that it does not tell.
    pub(super) more: bool,
    /// It speaks of policies of the role at all: of a role without any it is not said where it gets them.
    pub(super) told: bool,
}

impl Policies {
    /// A document that the file holds, if it does.
    pub(super) fn add(&mut self, document: Option<String>) {
        self.told = true;
        match document.filter(|it| !it.contains("${")) {
            Some(document) => self.documents.push(document),
            None => self.more = true,
        }
    }

    /// A managed policy of AWS's; others are known to the account alone.
    pub(super) fn add_managed(&mut self, arn: Option<&str>) {
        self.add(arn.and_then(aws_managed_policy).map(|it| it.document().to_owned()));
    }

    pub(super) fn whole(self) -> Option<Vec<String>> {
        (self.told && !self.more).then_some(self.documents)
    }
}

impl Role {
    /// What is wrong with the trust policy, for tasks of this account and Region.
    pub(super) fn trust_finding(&self, place: &Place) -> Option<Finding> {
        let text = self.trust.to_string();
        if self.trust.is_null() || text.contains("${") {
            return None;
        }
        let (account, region) = (place.account.parse().ok()?, place.region.parse().ok()?);
        let home = Home { account: &account, region: &region };
        let policy = Policy::parse(&text, PolicyKind::RoleTrust);
        if policy.is_ok_and(|policy| trusts_ecs(&home.role(&self.name), &policy, home)) {
            return None;
        }
        let document = json!({"Version": "2012-10-17", "Statement": [
            {"Effect": "Allow", "Principal": {"Service": SERVICE_PRINCIPAL}, "Action": "sts:AssumeRole"}]});
        Some(self.finding(
            format!(
                "the role `{}` of the {} does not trust `{SERVICE_PRINCIPAL}`",
                self.name,
                self.written.file()
            ),
            ("sts:AssumeRole", &self.name),
            self.written.trust(&document),
        ))
    }

    /// What the role may not do of what a start would do; `None` where not all of its policies are known.
    pub(super) fn denials(&self, steps: &[Step], account: &str) -> Option<Vec<Finding>> {
        let policies = self.policies.as_ref()?;
        let compiled: Option<Vec<Policy>> =
            policies.iter().map(|text| Policy::parse(text, PolicyKind::Identity).ok()).collect();
        let compiled = compiled?;
        let attached: Vec<Attached<'_>> =
            compiled.iter().map(|it| Attached::inline("template", it)).collect();
        let account: AccountId = account.parse().ok()?;
        let arn = Arn::global("iam", account.as_str(), &format!("role/{}", self.name));
        let principal = Principal::role_session(arn, &account, "AROATEMPLATE", "check");
        let layers = Layers { identity: &attached, ..Layers::default() };
        let mut found: Vec<Finding> = Vec::new();
        for step in steps.iter().filter(|step| is_call(&step.action)) {
            let mut context = Context::new();
            for entry in step.context.iter().flatten() {
                context.set_all(entry.key.as_str(), entry.values.iter().map(String::as_str));
            }
            for resource in step.resource.split(", ").filter(|it| !is_named_in(it)) {
                for action in actions(&step.action) {
                    let request = Request {
                        principal: &principal,
                        action,
                        resource,
                        resource_account: None,
                        context: &context,
                    };
                    if !evaluate(&request, &layers).is_allowed() {
                        self.deny(&mut found, action, resource);
                    }
                }
            }
        }
        Some(found)
    }

    /// Its policies, as the server takes them.
    pub(super) fn planned(&self) -> Option<Vec<PlannedPolicy>> {
        let policies = self.policies.as_ref()?.iter().enumerate();
        let planned = policies.map(|(at, document)| PlannedPolicy {
            policy_name: format!("{}-{}", self.written.file(), at + 1),
            document: Some(document.clone()),
            removed: None,
        });
        Some(planned.collect())
    }

    /// What the server found with these policies: what the role lacks, in the words and the language of the file.
    pub(super) fn in_own_words(&self, findings: Vec<Finding>, steps: &[Step]) -> Vec<Finding> {
        let mut told = Vec::new();
        for found in findings {
            let (action, resource) = (found.action.as_deref(), found.resource.as_deref());
            let is_it =
                |it: &&Step| Some(it.action.as_str()) == action && Some(it.resource.as_str()) == resource;
            let lacks = found.cause == Cause::Permission && steps.iter().filter(is_it).any(is_lack_of_role);
            match (action, resource) {
                (Some(action), Some(resource)) if lacks => self.deny(&mut told, action, resource),
                _ => told.push(found),
            }
        }
        told
    }

    /// Tells it once.
    fn deny(&self, found: &mut Vec<Finding>, action: &str, resource: &str) {
        let resource = resource
            .split_once(":log-stream:")
            .map_or_else(|| resource.to_owned(), |(group, _)| format!("{group}:*"));
        let file = self.written.file();
        let headline = format!("the role `{}` of the {file} may not `{action}` on `{resource}`", self.name);
        if found.iter().any(|it| it.headline == headline) {
            return;
        }
        let document = json!({"Version": "2012-10-17", "Statement": [
            {"Effect": "Allow", "Action": action, "Resource": resource}]});
        let fix = self.written.policy(found.len() + 1, &document);
        found.push(self.finding(headline, (action, &resource), fix));
    }

    fn finding(&self, headline: String, (action, resource): (&str, &str), fix: Fix) -> Finding {
        Finding {
            message: headline.clone(),
            headline,
            cause: Cause::Permission,
            fix: Some(fix),
            step: Some(format!("read the role in the {}", self.written.file())),
            action: Some(action.to_owned()),
            resource: Some(resource.to_owned()),
            ..Finding::default()
        }
    }
}

/// Whether the policies of the role alone are short of it.
fn is_lack_of_role(step: &Step) -> bool {
    let decision = step.decision.as_deref().and_then(|text| serde_json::from_str::<Value>(text).ok());
    decision.is_some_and(|it| it["allowed"] == false && it["layer"] == "identity" && it["deciding"].is_null())
}

/// What the role would call.
pub(super) fn is_call(action: &str) -> bool {
    let by_role = ["secretsmanager:", "ssm:", "s3:", "logs:", "ecr:", "kms:"];
    by_role.iter().any(|service| action.starts_with(service))
}

/// What a step of a start asks for: an image is nothing without its layers.
fn actions(action: &str) -> Vec<&str> {
    match action {
        "ecr:BatchGetImage" => vec![action, "ecr:GetDownloadUrlForLayer"],
        _ => vec![action],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place() -> Place {
        Place { account: "111122223333".to_owned(), region: "us-east-1".to_owned() }
    }

    fn role(trusted: &str, policies: &[Value], managed: &[&str]) -> Role {
        let mut all = Policies::default();
        policies.iter().for_each(|it| all.add(Some(it.to_string())));
        managed.iter().for_each(|arn| all.add_managed(Some(arn)));
        Role {
            name: "exec".to_owned(),
            written: Written::Template,
            trust: json!({"Statement": [
                {"Effect": "Allow", "Principal": {"Service": [trusted]}, "Action": ["sts:AssumeRole"]}]}),
            policies: all.whole(),
        }
    }

    #[test]
    fn a_role_must_trust_tasks() {
        assert!(role(SERVICE_PRINCIPAL, &[], &[]).trust_finding(&place()).is_none());
        assert!(role("${Service}", &[], &[]).trust_finding(&place()).is_none());
        let elsewhere = json!({"Statement": [{"Effect": "Allow", "Principal": {"Service": SERVICE_PRINCIPAL},
            "Action": "sts:AssumeRole", "Condition": {"StringEquals": {"aws:SourceAccount": "444455556666"}}}]});
        let of_other = Role { trust: elsewhere, ..role(SERVICE_PRINCIPAL, &[], &[]) };
        assert!(of_other.trust_finding(&place()).is_some());
        let found = role("ecs.amazonaws.com", &[], &[]).trust_finding(&place()).unwrap();
        assert_eq!(
            found.headline,
            "the role `exec` of the template does not trust `ecs-tasks.amazonaws.com`"
        );
    }

    #[test]
    fn what_the_role_may_is_in_the_template() {
        let step = |action: &str, resource: &str| Step {
            action: action.to_owned(),
            resource: resource.to_owned(),
            ..Step::default()
        };
        let steps = [
            step("sts:AssumeRole", "x"),
            step("logs:CreateLogStream", "arn:aws:logs:us-east-1:111122223333:log-group:/a:log-stream:s"),
            step(
                "ssm:GetParameters",
                "arn:aws:ssm:us-east-1:111122223333:parameter/a, arn:aws:ssm:us-east-1:111122223333:parameter/b",
            ),
            step(
                "secretsmanager:GetSecretValue",
                "arn:aws:secretsmanager:us-east-1:111122223333:secret:landfall-unknown",
            ),
        ];
        let execution = "arn:aws:iam::aws:policy/service-role/AmazonECSTaskExecutionRolePolicy";
        let read = json!({"Version": "2012-10-17", "Statement":
            [{"Effect": "Allow", "Action": "ssm:GetParameters", "Resource": "arn:aws:ssm:*:*:parameter/a"}]});
        let headlines = |role: Role| {
            let found = role.denials(&steps, "111122223333")?;
            Some(found.into_iter().map(|it| it.headline).collect::<Vec<_>>())
        };
        let read = [read];
        assert_eq!(
            headlines(role(SERVICE_PRINCIPAL, &read, &[execution])),
            Some(vec!["the role `exec` of the template may not `ssm:GetParameters` on `arn:aws:ssm:us-east-1:111122223333:parameter/b`".to_owned()])
        );
        assert_eq!(headlines(role(SERVICE_PRINCIPAL, &read, &[])).map(|it| it.len()), Some(2));
        let own = "arn:aws:iam::111122223333:policy/own";
        assert_eq!(headlines(role(SERVICE_PRINCIPAL, &read, &[own])), None);
        assert_eq!(headlines(role(SERVICE_PRINCIPAL, &[], &[])), None);
    }

    #[test]
    fn what_a_role_lacks_is_written_in_the_files_language() {
        let step =
            |action: &str| Step { action: action.to_owned(), resource: "*".to_owned(), ..Step::default() };
        let steps = [step("ecr:GetAuthorizationToken"), step("ecr:BatchGetImage")];
        let other = json!({"Effect": "Allow", "Action": "sns:Publish", "Resource": "*"});
        let nothing = [json!({"Version": "2012-10-17", "Statement": [other]})];
        let address = "aws_iam_role.exec".to_owned();
        let of_plan = Role { written: Written::Plan { address }, ..role("x", &nothing, &[]) };
        let documents = |role: &Role| {
            let found = role.denials(&steps, "111122223333").unwrap();
            found.into_iter().filter_map(|it| it.fix?.document).collect::<Vec<_>>()
        };
        let of_template = documents(&role("x", &nothing, &[]));
        assert!(of_template[0].contains(r#""PolicyName":"task-start-1""#), "{of_template:?}");
        assert!(of_template[2].contains("ecr:GetDownloadUrlForLayer"), "{of_template:?}");
        assert_eq!(
            documents(&of_plan)[0],
            "resource \"aws_iam_role_policy\" \"task_start_1\" {\n  role   = aws_iam_role.exec.name\n  policy = \
             jsonencode({\"Version\":\"2012-10-17\",\"Statement\":[{\"Effect\":\"Allow\",\"Action\":\"ecr:GetAuthorizationToken\",\
             \"Resource\":\"*\"}]})\n}"
        );
        let trust = of_plan.trust_finding(&place()).and_then(|it| it.fix?.document).unwrap_or_default();
        assert!(trust.starts_with("assume_role_policy = jsonencode({"), "{trust}");
    }
}
