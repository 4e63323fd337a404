//! A refusal as IAM words it: who may not do what on what, and which policy says so. From that alone a statement can be
//! written that would allow it, and for the policies of the caller the command, too.

use landfall_api::landfall::{Cause, Finding, Fix};
use serde_json::{Value, json};

use super::reason::after;
use crate::env::shell::quote;

/// What a refusal says.
#[derive(Debug, Clone, Copy)]
struct Denial<'a> {
    principal: &'a str,
    action: &'a str,
    resource: &'a str,
    /// What follows, in small letters: why.
    because: &'a str,
}

/// What stands between caller and resource beside the policies of both.
const LIMITS: [(&str, &str); 6] = [
    ("permissions boundary", "the permissions boundary of the caller"),
    ("session policy", "the policy of the session"),
    ("service control policy", "the service control policy of the organization"),
    ("resource control policy", "the resource control policy of the organization"),
    ("vpc endpoint policy", "the policy of the VPC endpoint"),
    ("role trust policy", "the trust policy of the role"),
];

/// What a refusal means and what would end it; `None` for texts that are none.
pub(super) fn explain(text: &str) -> Option<Finding> {
    let action = after(text, "not authorized to perform: ")?;
    let lower = text.to_lowercase();
    let principal = after(text, "User: ").unwrap_or("the caller");
    let shown = text.split_once("on resource: ").map_or("*", |(_, rest)| rest);
    let resource = resource(principal, action, shown);
    let denial = Denial {
        principal,
        action,
        resource: &resource,
        because: lower.split_once("not authorized to perform: ").map_or("", |(_, rest)| rest),
    };
    let denied = denial.because.contains("explicit deny");
    let headline = match denied {
        true => format!("a statement denies `{action}` on `{}`", denial.resource),
        false => format!("`{}` may not `{action}` on `{}`", denial.principal, denial.resource),
    };
    Some(Finding {
        headline,
        cause: Cause::Permission,
        message: text.trim().to_owned(),
        fix: Some(if denied { denial.change() } else { denial.allow() }),
        action: Some(action.to_owned()),
        resource: Some(denial.resource.to_owned()),
        ..Finding::default()
    })
}

/// The resource as policies name it, of a text that begins with what the sentence names: IAM and Secrets Manager write
/// what the call named, S3 puts quotation marks around it.
fn resource(principal: &str, action: &str, shown: &str) -> String {
    let mut words = shown.split_whitespace().map(|word| word.trim_matches(['"', '.', ',', '\'', ')', ';']));
    let mut parts = principal.split(':');
    let (partition, account) = (parts.nth(1).unwrap_or("aws"), parts.nth(2).unwrap_or("*"));
    let of_iam = |kind: &str, name: Option<&str>| match name {
        Some(arn) if arn.starts_with("arn:") => arn.to_owned(),
        Some(name) => format!("arn:{partition}:iam::{account}:{kind}/{name}"),
        None => "*".to_owned(),
    };
    match words.next().unwrap_or("*") {
        kind @ ("user" | "group" | "role") => of_iam(kind, words.next()),
        "policy" => of_iam("policy", words.next().filter(|word| *word != "path")),
        "instance" => of_iam("instance-profile", words.nth(1)),
        "access" => "*".to_owned(),
        list if action.starts_with("iam:List") && list.ends_with('/') => "*".to_owned(),
        name if action.starts_with("secretsmanager:") && !name.starts_with("arn:") && name != "*" => {
            format!("arn:{partition}:secretsmanager:*:{account}:secret:{name}-??????")
        }
        arn => arn.trim_end_matches(':').to_owned(),
    }
}

impl Denial<'_> {
    fn limit(&self) -> Option<&'static str> {
        LIMITS.iter().find(|(name, _)| self.because.contains(name)).map(|(_, place)| *place)
    }

    /// A Deny has to go.
    fn change(&self) -> Fix {
        let of_resource = self.because.contains("resource-based policy");
        let place = match self.limit() {
            Some(place) => place.to_owned(),
            None if of_resource => format!("the policy of the resource `{}`", self.resource),
            None => format!("the policies of {}", self.who()),
        };
        Fix {
            text: format!(
                "find the statement with `Effect: Deny` in {place} and change it; no Allow can undo a Deny"
            ),
            ..Fix::default()
        }
    }

    /// An Allow has to come, where the text says that it lacks.
    fn allow(&self) -> Fix {
        if let Some(place) = self.limit() {
            let text = format!("add this statement to {place}: {}", self.statement(None));
            return Fix { text, document: Some(self.policy(None)), ..Fix::default() };
        }
        if self.because.contains("no resource-based policy") {
            return self.allow_on_resource();
        }
        let policy = self.policy(None);
        let name = format!("allow-{}", self.action.replace(':', "-"));
        let put = |kind: &str, of: &str| {
            let (of, name, policy) = (quote(of), quote(&name), quote(&policy));
            format!(
                "aws iam put-{kind}-policy --{kind}-name {of} --policy-name {name} --policy-document {policy}"
            )
        };
        let command = match self.caller() {
            Who::Role(role) => Some(put("role", role)),
            Who::User(user) => Some(put("user", user)),
            Who::Other => None,
        };
        let text = format!("let {} do it: {}", self.who(), self.statement(None));
        Fix { text, command, document: Some(policy), ..Fix::default() }
    }

    /// No command: it would write over what the policy says to others.
    fn allow_on_resource(&self) -> Fix {
        let grantee = self.grantee();
        let text = format!(
            "add this statement to the policy of the resource `{}`, beside those that it has: {}",
            self.resource,
            self.statement(Some(&grantee))
        );
        Fix { text, document: Some(self.policy(Some(&grantee))), ..Fix::default() }
    }

    fn caller(&self) -> Who<'_> {
        if let Some((_, rest)) = self.principal.split_once(":assumed-role/") {
            return Who::Role(rest.split('/').next().unwrap_or(rest));
        }
        let of = |kind| self.principal.split_once(kind).and_then(|(_, path)| path.rsplit('/').next());
        match (of(":role/"), of(":user/")) {
            (Some(role), _) => Who::Role(role),
            (None, Some(user)) => Who::User(user),
            (None, None) => Who::Other,
        }
    }

    fn who(&self) -> String {
        match self.caller() {
            Who::Role(role) => format!("the role `{role}`"),
            Who::User(user) => format!("the user `{user}`"),
            Who::Other => format!("`{}`", self.principal),
        }
    }

    /// As a resource's policy names the caller: sessions by their role.
    fn grantee(&self) -> String {
        let account = self.principal.split(':').nth(4).unwrap_or_default();
        match self.principal.split_once(":assumed-role/") {
            Some((_, rest)) => {
                format!("arn:aws:iam::{account}:role/{}", rest.split('/').next().unwrap_or_default())
            }
            None => self.principal.to_owned(),
        }
    }

    fn statement(&self, principal: Option<&str>) -> Value {
        let mut statement = json!({"Effect": "Allow"});
        if let Some(principal) = principal {
            statement["Principal"] = json!({"AWS": principal});
        }
        statement["Action"] = self.action.into();
        // The policies of repositories have no resource, and those of keys mean their key by `*`.
        match (principal, self.action.split(':').next()) {
            (Some(_), Some("ecr")) => {}
            (Some(_), Some("kms")) => statement["Resource"] = "*".into(),
            _ => statement["Resource"] = self.resource.into(),
        }
        statement
    }

    fn policy(&self, principal: Option<&str>) -> String {
        json!({"Version": "2012-10-17", "Statement": [self.statement(principal)]}).to_string()
    }
}

/// Whose own policies the command can name.
enum Who<'a> {
    Role(&'a str),
    User(&'a str),
    Other,
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECRET: &str = "arn:aws:secretsmanager:us-east-1:111122223333:secret:db-AbCdEf";
    const ROLE: &str = "arn:aws:sts::111122223333:assumed-role/exec/7f";

    fn fix(principal: &str, action: &str, resource: &str, because: &str) -> Fix {
        let text = format!(
            "AccessDeniedException: User: {principal} is not authorized to perform: {action} on resource: {resource} {because}"
        );
        explain(&text).unwrap().fix.unwrap()
    }

    #[test]
    fn the_callers_policy_is_a_command() {
        let action = "secretsmanager:GetSecretValue";
        let because = "because no identity-based policy allows the secretsmanager:GetSecretValue action";
        let found = fix(ROLE, action, SECRET, because);
        let document = serde_json::from_str::<Value>(found.document.as_deref().unwrap()).unwrap();
        let statement = json!({"Effect": "Allow", "Action": action, "Resource": SECRET});
        assert_eq!(document, json!({"Version": "2012-10-17", "Statement": [statement]}));
        let start =
            "aws iam put-role-policy --role-name exec --policy-name allow-secretsmanager-GetSecretValue ";
        let command = found.command.unwrap();
        assert!(command.starts_with(start), "{command}");
        let user = "arn:aws:iam::111122223333:user/team/alice";
        let because = "because no identity-based policy allows the iam:PassRole action";
        let found = fix(user, "iam:PassRole", "arn:aws:iam::111122223333:role/exec", because);
        assert!(found.text.starts_with("let the user `alice` do it: "), "{}", found.text);
        let start = "aws iam put-user-policy --user-name alice --policy-name allow-iam-PassRole ";
        assert!(found.command.unwrap().starts_with(start));
    }

    #[test]
    fn other_policies_are_named() {
        let action = "secretsmanager:GetSecretValue";
        let because = "because no resource-based policy allows the secretsmanager:GetSecretValue action";
        let found = fix(ROLE, action, SECRET, because);
        let place = format!("add this statement to the policy of the resource `{SECRET}`");
        assert!(found.text.starts_with(&place), "{}", found.text);
        let principal = r#""Principal":{"AWS":"arn:aws:iam::111122223333:role/exec"}"#;
        assert!(found.document.unwrap().contains(principal));
        assert_eq!(found.command, None);
        let deny = "find the statement with `Effect: Deny` in";
        for (because, place) in [
            (
                "because no permissions boundary allows the x action",
                "add this statement to the permissions boundary of the caller".to_owned(),
            ),
            (
                "because no VPC endpoint policy allows the x action",
                "add this statement to the policy of the VPC endpoint".to_owned(),
            ),
            (
                "with an explicit deny in a resource-based policy",
                format!("{deny} the policy of the resource `{SECRET}`"),
            ),
            (
                "with an explicit deny in an identity-based policy",
                format!("{deny} the policies of the role `exec`"),
            ),
            (
                "with an explicit deny in a service control policy",
                format!("{deny} the service control policy of the organization"),
            ),
        ] {
            let found = fix(ROLE, action, SECRET, because);
            assert!(found.text.starts_with(&place), "{}", found.text);
            assert_eq!(found.command, None);
        }
    }

    #[test]
    fn the_resource_is_one_that_policies_can_name() {
        let iam = |rest: &str| format!("arn:aws:iam::111122223333:{rest}");
        let cases = [
            ("iam:GetRole", "role exec", iam("role/exec")),
            ("iam:GetUser", "user alice.", iam("user/alice")),
            ("iam:GetInstanceProfile", "instance profile node", iam("instance-profile/node")),
            ("iam:CreatePolicy", "policy p", iam("policy/p")),
            ("iam:GetPolicy", "policy arn:aws:iam::aws:policy/p", "arn:aws:iam::aws:policy/p".to_owned()),
            ("iam:ListPolicies", "policy path /", "*".to_owned()),
            ("iam:ListUsers", "arn:aws:iam::111122223333:user/", "*".to_owned()),
            ("s3:GetObject", "\"arn:aws:s3:::b/k\"", "arn:aws:s3:::b/k".to_owned()),
            ("secretsmanager:GetSecretValue", SECRET, SECRET.to_owned()),
            (
                "secretsmanager:GetSecretValue",
                "prod/db",
                "arn:aws:secretsmanager:*:111122223333:secret:prod/db-??????".to_owned(),
            ),
        ];
        for (action, shown, expected) in cases {
            let because = format!("because no identity-based policy allows the {action} action");
            let document = fix(ROLE, action, shown, &because).document.unwrap();
            let document = serde_json::from_str::<Value>(&document).unwrap();
            assert_eq!(document["Statement"][0]["Resource"], expected, "{action} {shown}");
        }
        let silent = "User: x is not authorized to perform: s3:ListAllMyBuckets because no identity-based policy allows it";
        assert_eq!(explain(silent).unwrap().resource.as_deref(), Some("*"));
    }

    #[test]
    fn what_a_text_names_is_quoted_for_the_shell() {
        let found = fix("arn:aws:sts::1:assumed-role/$(id)/s", "ssm:GetParameters", "*", "");
        let command = found.command.unwrap();
        assert!(command.contains("--role-name '$(id)' "), "{command}");
    }
}
