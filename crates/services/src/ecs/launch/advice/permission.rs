//! What a policy does not allow: the statement that would, where it belongs, as a command.

use aws_lc_rs::digest::{SHA256, digest};
use landfall_acs::{Cause, Fix};
use landfall_iam::{Blocker, FixStep, Layer};
use serde_json::{Value, json};

use super::denial::{denial, explicitly};
use super::policy::{document, merged, write};
use super::text::{quote, role_name, session_role, short};
use super::{Advice, Circumstances};
use crate::ecs::launch::SERVICE_PRINCIPAL;
use crate::ecs::launch::plan::{Step, Work};
use crate::pipe::CheckRecord;

/// A role that does not let ECS tasks become it, or that is not there.
pub(super) fn trust(of: &Circumstances<'_>) -> Advice {
    let role = of.step.resource.as_str();
    let name = role_name(role);
    if let Some(denied) = of.denied.filter(|it| explicitly(it)) {
        return denial(of, denied);
    }
    let statement = json!({
        "Effect": "Allow", "Principal": {"Service": SERVICE_PRINCIPAL}, "Action": "sts:AssumeRole"
    });
    let verified = of.denied.is_some_and(is_verified);
    match of.policy {
        Some(policy) => {
            let policy = merged(Some(policy), &statement);
            let command = write(role, &of.step.region, &policy).map(|(_, command)| command);
            let fix = Fix {
                verified,
                command,
                document: Some(policy),
                ..Fix::advice("let ECS tasks assume the role, beside those who may")
            };
            let headline = format!("the role `{name}` does not trust `{SERVICE_PRINCIPAL}`");
            Advice::new(Cause::Permission, headline, fix)
        }
        None => {
            let policy = document(&statement);
            let mut command = format!(
                "aws iam create-role --role-name {} --assume-role-policy-document {}",
                quote(name),
                quote(&policy)
            );
            if let Some(grants) = granted(of) {
                command.push_str(&format!(
                    "\naws iam put-role-policy --role-name {} --policy-name task-start --policy-document {}",
                    quote(name),
                    quote(&grants)
                ));
            }
            let fix = Fix {
                document: Some(policy),
                ..Fix::command("create it, and give it what the task needs", command)
            };
            Advice::new(Cause::Configuration, format!("there is no role `{role}`"), fix)
        }
    }
}

/// A policy of all that the task's start needs.
fn granted(of: &Circumstances<'_>) -> Option<String> {
    let statement = |(actions, resource): &(Vec<&'static str>, String)| {
        json!({
            "Effect": "Allow", "Action": actions, "Resource": resource
        })
    };
    let mut statements: Vec<Value> = Vec::new();
    for need in of.needs.iter().map(statement) {
        if !statements.contains(&need) {
            statements.push(need);
        }
    }
    let document = json!({"Version": "2012-10-17", "Statement": statements});
    (!of.needs.is_empty()).then(|| document.to_string())
}

/// A call that the role's policies, or the resource's, do not allow.
pub(super) fn refused(of: &Circumstances<'_>, denied: &CheckRecord) -> Advice {
    if let Some(account) = of.stranger {
        let headline =
            format!("`{}` is of the account `{account}`, and there is none", short(&denied.resource));
        let fix = Fix::advice(format!("correct the account `{account}` in the task definition"));
        return Advice::new(Cause::Configuration, headline, fix);
    }
    if explicitly(denied) {
        return denial(of, denied);
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
    let mut parts: Vec<Fix> = Vec::new();
    for (at, step) in steps.iter().enumerate() {
        let same_place = |it: &FixStep| {
            step.layer != Layer::Identity && it.layer == step.layer && it.resource == step.resource
        };
        // A policy is written whole, with all that is to be added to it.
        if !steps.iter().take(at).any(same_place) {
            let together: Vec<_> = steps.iter().filter(|it| same_place(it)).collect();
            parts.push(add(of, denied, step, &together));
        }
    }
    // What no command does is not verified by doing the rest.
    let whole = parts.iter().all(|part| part.command.is_some());
    let fix = (!parts.is_empty()).then(|| together(parts, whole && is_verified(denied)));
    Advice::new(Cause::Permission, headline, fix)
}

/// Layers come from S3 on AWS, and the endpoint of the task's VPC for S3 keeps them off.
pub(super) fn layers_at_s3(of: &Circumstances<'_>) -> Advice {
    let Some(denied) = of.denied else {
        return Advice::new(Cause::Permission, "layers cannot be read", None);
    };
    let layers = denied.resource.as_str();
    let id = key_of(denied, "aws:SourceVpce").unwrap_or_default();
    let headline = format!(
        "the VPC endpoint `{id}` does not let layers of ECR through: they lie in `{}`",
        short(layers)
    );
    if explicitly(denied) {
        let fix = Fix::advice(format!("take `{layers}` out of what the endpoint's policy denies"));
        return Advice::new(Cause::Permission, headline, fix);
    }
    let statement =
        json!({"Effect": "Allow", "Principal": "*", "Action": "s3:GetObject", "Resource": layers});
    let policy = merged(of.policy, &statement);
    let command = format!(
        "aws ec2 modify-vpc-endpoint --vpc-endpoint-id {id} --region {} --policy-document {}",
        of.step.region,
        quote(&policy)
    );
    let fix =
        Fix { document: Some(policy), ..Fix::command("in the policy of the VPC endpoint for S3", command) };
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
pub(super) fn together(parts: Vec<Fix>, verified: bool) -> Fix {
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

/// A statement, where it belongs; `together` are all statements for that place.
fn add(of: &Circumstances<'_>, denied: &CheckRecord, step: &FixStep, together: &[&FixStep]) -> Fix {
    let with_all = |policy: Option<&str>| {
        let add = |policy: Option<String>, step: &&FixStep| Some(merged(policy.as_deref(), &step.statement));
        together.iter().fold(policy.map(str::to_owned), add).unwrap_or_default()
    };
    match step.layer {
        Layer::Identity => grant(of, denied, step),
        Layer::Boundary => match of.boundary {
            Some((arn, text)) => {
                let policy = with_all(Some(text));
                let command = format!(
                    "aws iam create-policy-version --policy-arn {} --set-as-default --policy-document {}",
                    quote(arn),
                    quote(&policy)
                );
                Fix { document: Some(policy), ..Fix::command("in the permissions boundary", command) }
            }
            None => elsewhere(together),
        },
        Layer::Endpoint => {
            let policy = with_all(of.policy);
            let id = key_of(denied, "aws:SourceVpce").unwrap_or_default();
            let command = format!(
                "aws ec2 modify-vpc-endpoint --vpc-endpoint-id {id} --region {} --policy-document {}",
                of.step.region,
                quote(&policy)
            );
            Fix { document: Some(policy), ..Fix::command("in the policy of the VPC endpoint", command) }
        }
        Layer::RoleTrust | Layer::Resource if step.resource.as_deref() == Some(&denied.resource) => {
            let mut statement = step.statement.clone();
            if denied.action.starts_with("ecr:") {
                statement["Action"] = json!(["ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer"]);
            }
            let policy = merged(of.policy, &statement);
            match write(&denied.resource, &of.step.region, &policy) {
                Some((whose, command)) => Fix { document: Some(policy), ..Fix::command(whose, command) },
                None => elsewhere(together),
            }
        }
        _ => elsewhere(together),
    }
}

fn elsewhere(steps: &[&FixStep]) -> Fix {
    let texts: Vec<_> = steps.iter().map(|it| format!("add to {}: {}", it.place, it.statement)).collect();
    let statements: Vec<_> = steps.iter().map(|it| it.statement.to_string()).collect();
    Fix { document: Some(statements.join("\n")), ..Fix::advice(texts.join("; ")) }
}

/// A policy of the role's own. Its name tells policies for different resources apart: one must not replace another.
fn grant(of: &Circumstances<'_>, denied: &CheckRecord, step: &FixStep) -> Fix {
    let action = step.statement["Action"].as_str().unwrap_or(&denied.action);
    let one = step.statement["Action"].is_string() && step.statement["Resource"].is_string();
    let own = action == denied.action && (one || matches!(of.step.work, Work::Parameters(_)));
    let statement = if own { statement(of, denied) } else { step.statement.clone() };
    let policy = document(&statement);
    let role = match &of.step.work {
        Work::EcrToken { .. } | Work::EcrImage(_) if of.role.is_none() => session_role(&denied.principal),
        _ => role_name(of.role.unwrap_or_default()),
    };
    let name = format!("{}-{}", action.replace(':', "-"), mark(&statement.to_string()));
    let command = format!(
        "aws iam put-role-policy --role-name {} --policy-name {name} --policy-document {}",
        quote(role),
        quote(&policy)
    );
    Fix { document: Some(policy), ..Fix::command("", command) }
}

/// Tells policies of one kind apart: one must not replace another.
pub(super) fn mark(text: &str) -> String {
    hex::encode(digest(&SHA256, text.as_bytes()).as_ref()).chars().take(8).collect()
}

/// The statement to add. Streams get new names with every task, so that the whole group is named; who may create a stream
/// should be able to write to it; and who may ask for a manifest should get the layers.
fn statement(of: &Circumstances<'_>, denied: &CheckRecord) -> Value {
    let group = denied.resource.split_once(":log-stream:").map(|(group, _)| format!("{group}:*"));
    let action = match denied.action.as_str() {
        "logs:CreateLogStream" => json!(["logs:CreateLogStream", "logs:PutLogEvents"]),
        "ecr:BatchGetImage" | "ecr:GetDownloadUrlForLayer" => {
            json!(["ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer"])
        }
        action => json!(action),
    };
    let resource = group.as_deref().unwrap_or(&denied.resource);
    let resource = match &of.step.work {
        Work::Parameters(wanted) if wanted.len() > 1 && denied.action == of.step.action => {
            json!(of.step.resource.split(", ").collect::<Vec<_>>())
        }
        // The secret that is made under the name has an ARN with six more characters.
        _ if of.absent => json!(format!("{resource}-??????")),
        _ => json!(resource),
    };
    json!({"Effect": "Allow", "Action": action, "Resource": resource})
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
