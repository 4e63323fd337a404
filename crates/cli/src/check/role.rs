//! The execution role that a template creates: whom it trusts and what it may, by what the template says of it. The server
//! does not know it yet.

use landfall_api::landfall::{Cause, Finding, Fix, Step};
use landfall_base::{AccountId, Arn};
use landfall_iam::{Attached, Context, Layers, Policy, PolicyKind, Principal, Request, evaluate};
use landfall_services::ecs::names::Home;
use landfall_services::ecs::rules::trust::{SERVICE_PRINCIPAL, trusts_ecs};
use landfall_services::iam::aws_managed_policy;
use serde_json::{Value, json};

use super::input::Place;
use super::unknown::is_named_in;

/// A role of the template.
#[derive(Debug)]
pub(super) struct Role {
    /// The name that it will have.
    pub(super) name: String,
    /// `AssumeRolePolicyDocument`
    pub(super) trust: Value,
    /// Its policies; `None` where the template does not tell all of them.
    pub(super) policies: Option<Vec<String>>,
}

impl Role {
    /// A role by its properties, with functions worked out.
    pub(super) fn new(name: String, properties: &Value) -> Self {
        let inline = properties["Policies"].as_array().into_iter().flatten();
        let mut policies: Vec<String> = inline.map(|it| it["PolicyDocument"].to_string()).collect();
        // Of a role without policies it is not said where it gets them.
        let told = ["Policies", "ManagedPolicyArns"].iter().any(|member| properties[*member].is_array());
        let mut whole = told && properties["PermissionsBoundary"].is_null();
        for arn in properties["ManagedPolicyArns"].as_array().into_iter().flatten() {
            match arn.as_str().and_then(aws_managed_policy) {
                Some(policy) => policies.push(policy.document().to_owned()),
                None => whole = false,
            }
        }
        whole &= policies.iter().all(|it| !it.contains("${"));
        Self {
            name,
            trust: properties["AssumeRolePolicyDocument"].clone(),
            policies: whole.then_some(policies),
        }
    }

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
            format!("the role `{}` of the template does not trust `{SERVICE_PRINCIPAL}`", self.name),
            ("sts:AssumeRole", &self.name),
            Fix {
                text: "let ECS tasks assume the role".to_owned(),
                document: Some(format!("\"AssumeRolePolicyDocument\": {document}")),
                ..Fix::default()
            },
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
        for step in steps.iter().filter(|step| is_call(step)) {
            let mut context = Context::new();
            for entry in step.context.iter().flatten() {
                context.set_all(entry.key.as_str(), entry.values.iter().map(String::as_str));
            }
            for resource in step.resource.split(", ").filter(|it| !is_named_in(it)) {
                let request = Request {
                    principal: &principal,
                    action: &step.action,
                    resource,
                    resource_account: None,
                    context: &context,
                };
                if !evaluate(&request, &layers).is_allowed() {
                    found.push(self.denial(&step.action, resource));
                }
            }
        }
        found.dedup_by(|one, other| one.headline == other.headline);
        Some(found)
    }

    fn denial(&self, action: &str, resource: &str) -> Finding {
        let resource = resource
            .split_once(":log-stream:")
            .map_or_else(|| resource.to_owned(), |(group, _)| format!("{group}:*"));
        let document = json!({"Version": "2012-10-17", "Statement": [
            {"Effect": "Allow", "Action": action, "Resource": resource}]});
        self.finding(
            format!("the role `{}` of the template may not `{action}` on `{resource}`", self.name),
            (action, &resource),
            Fix {
                text: "add a policy to the role's `Policies`".to_owned(),
                document: Some(json!({"PolicyName": "task-start", "PolicyDocument": document}).to_string()),
                ..Fix::default()
            },
        )
    }

    fn finding(&self, headline: String, (action, resource): (&str, &str), fix: Fix) -> Finding {
        Finding {
            message: headline.clone(),
            headline,
            cause: Cause::Permission,
            fix: Some(fix),
            step: Some("read the role in the template".to_owned()),
            action: Some(action.to_owned()),
            resource: Some(resource.to_owned()),
            ..Finding::default()
        }
    }
}

/// What the role would call.
fn is_call(step: &Step) -> bool {
    let by_role = ["secretsmanager:", "ssm:", "s3:", "logs:", "ecr:", "kms:"];
    by_role.iter().any(|service| step.action.starts_with(service))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place() -> Place {
        Place { account: "111122223333".to_owned(), region: "us-east-1".to_owned() }
    }

    fn role(trusted: &str, policies: Value, managed: Value) -> Role {
        let trust = json!({"Statement": [
            {"Effect": "Allow", "Principal": {"Service": [trusted]}, "Action": ["sts:AssumeRole"]}]});
        let properties =
            json!({"AssumeRolePolicyDocument": trust, "Policies": policies, "ManagedPolicyArns": managed});
        Role::new("exec".to_owned(), &properties)
    }

    #[test]
    fn a_role_must_trust_tasks() {
        assert!(role(SERVICE_PRINCIPAL, json!([]), json!([])).trust_finding(&place()).is_none());
        assert!(role("${Service}", json!([]), json!([])).trust_finding(&place()).is_none());
        let elsewhere = json!({"Statement": [{"Effect": "Allow", "Principal": {"Service": SERVICE_PRINCIPAL},
            "Action": "sts:AssumeRole", "Condition": {"StringEquals": {"aws:SourceAccount": "444455556666"}}}]});
        let of_other = Role { trust: elsewhere, ..role(SERVICE_PRINCIPAL, json!([]), json!([])) };
        assert!(of_other.trust_finding(&place()).is_some());
        let found = role("ecs.amazonaws.com", json!([]), json!([])).trust_finding(&place()).unwrap();
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
        let execution = json!(["arn:aws:iam::aws:policy/service-role/AmazonECSTaskExecutionRolePolicy"]);
        let read = json!([{"PolicyName": "p", "PolicyDocument": {"Version": "2012-10-17", "Statement":
            [{"Effect": "Allow", "Action": "ssm:GetParameters", "Resource": "arn:aws:ssm:*:*:parameter/a"}]}}]);
        let headlines = |role: Role| {
            let found = role.denials(&steps, "111122223333")?;
            Some(found.into_iter().map(|it| it.headline).collect::<Vec<_>>())
        };
        assert_eq!(
            headlines(role(SERVICE_PRINCIPAL, read.clone(), execution)),
            Some(vec!["the role `exec` of the template may not `ssm:GetParameters` on `arn:aws:ssm:us-east-1:111122223333:parameter/b`".to_owned()])
        );
        assert_eq!(headlines(role(SERVICE_PRINCIPAL, read.clone(), json!([]))).map(|it| it.len()), Some(2));
        assert_eq!(
            headlines(role(SERVICE_PRINCIPAL, read, json!(["arn:aws:iam::111122223333:policy/own"]))),
            None
        );
    }
}
