//! What a policy does not allow: the statement that would, where it belongs, as a command.

use aws_lc_rs::digest::{SHA256, digest};
use landfall_acs::{Cause, Fix};
use landfall_iam::{Blocker, FixStep, Layer, policy_holder};
use serde_json::{Value, json};

use super::denial::{denial, explicitly};
use super::policy::{
    allowing, create_role, document, document_of, merged, put_role_policy, trusting_tasks, write,
};
use super::remedy::{Command, Place};
use super::text::{quote, role_name, session_role, short};
use super::{Advice, Circumstances, Remedy};
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
    let statement = trusting_tasks();
    let verified = of.denied.is_some_and(is_verified);
    let place = Place::on(role);
    match of.advised.text(&place, of.policy) {
        Some(policy) => {
            let policy = merged(Some(policy), &statement);
            let written = write(role, &of.step.region, &policy);
            let command = written.map(|(_, command)| Command::rewriting(command, place, Some(policy)));
            let remedy = Remedy {
                verified,
                commands: command.into_iter().collect(),
                ..Fix::advice("let ECS tasks assume the role, beside those who may").into()
            };
            let headline = format!("the role `{name}` does not trust `{SERVICE_PRINCIPAL}`");
            Advice::with(Cause::Permission, headline, remedy)
        }
        None => {
            let policy = document(&statement);
            let mut commands = vec![create_role(name, &policy)];
            // What containers get is not for them to start: a task role needs none of it.
            let starts = matches!(of.step.work, Work::AssumeRole { .. });
            if let Some(grants) = granted(of).filter(|_| starts) {
                commands.push(put_role_policy(name, "task-start", &grants));
            }
            let text = match starts {
                true => "create it, and give it what the task needs",
                false => "create it; what the containers may do is for you to add",
            };
            let fix = Fix { document: Some(policy), ..Fix::command(text, commands.join("\n")) };
            Advice::new(Cause::Configuration, format!("there is no role `{role}`"), fix)
        }
    }
}

/// A policy of all that the task's start needs.
fn granted(of: &Circumstances<'_>) -> Option<String> {
    (!of.needs.is_empty()).then(|| document_of(&allowing(of.needs)))
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
    let mut parts: Vec<Remedy> = Vec::new();
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
    let verified = is_verified(denied) && parts.iter().all(|part| !part.commands.is_empty());
    match parts.is_empty() {
        true => Advice::new(Cause::Permission, headline, None),
        false => Advice::with(Cause::Permission, headline, Remedy::together(parts, verified)),
    }
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
    let policy = merged(of.advised.text(&Place::Endpoint(id.to_owned()), of.policy), &statement);
    let remedy = endpoint_policy(of, id, policy).saying("in the policy of the VPC endpoint for S3");
    Advice::with(Cause::Permission, headline, remedy)
}

fn endpoint_policy(of: &Circumstances<'_>, id: &str, policy: String) -> Remedy {
    let command = format!(
        "aws ec2 modify-vpc-endpoint --vpc-endpoint-id {id} --region {} --policy-document {}",
        of.step.region,
        quote(&policy)
    );
    own(of, Command::rewriting(command, Place::Endpoint(id.to_owned()), Some(policy)))
}

/// In the task's own account, whosever the resource is.
fn own(of: &Circumstances<'_>, command: Command) -> Remedy {
    Remedy::from(command).in_account(Some(of.account.as_str()))
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

/// A statement, where it belongs; `together` are all statements for that place.
fn add(of: &Circumstances<'_>, denied: &CheckRecord, step: &FixStep, together: &[&FixStep]) -> Remedy {
    let with_all = |place: &Place, policy: Option<&str>| {
        let add = |policy: Option<String>, step: &&FixStep| {
            Some(merged(policy.as_deref(), &lasting(of, denied, &step.statement)))
        };
        let policy = of.advised.text(place, policy);
        together.iter().fold(policy.map(str::to_owned), add).unwrap_or_default()
    };
    match step.layer {
        Layer::Identity => grant(of, denied, step),
        Layer::Boundary => match of.boundary {
            Some((arn, text)) => {
                let place = Place::Managed(arn.clone());
                let policy = with_all(&place, Some(text));
                let command = format!(
                    "aws iam create-policy-version --policy-arn {} --set-as-default --policy-document {}",
                    quote(arn),
                    quote(&policy)
                );
                own(of, Command::rewriting(command, place, Some(policy)))
                    .saying("in the permissions boundary")
            }
            None => elsewhere(together),
        },
        Layer::Endpoint => {
            let id = key_of(denied, "aws:SourceVpce").unwrap_or_default();
            let policy = with_all(&Place::Endpoint(id.to_owned()), of.policy);
            endpoint_policy(of, id, policy).saying("in the policy of the VPC endpoint")
        }
        Layer::RoleTrust | Layer::Resource
            if step.resource.as_deref() == Some(policy_holder(&denied.resource)) =>
        {
            let place = Place::on(&denied.resource);
            let policy = with_all(&place, of.policy);
            match write(&denied.resource, &of.step.region, &policy) {
                Some((whose, command)) => Remedy::from(Command::rewriting(command, place, Some(policy)))
                    .in_account(of.other_account(&denied.resource).as_deref())
                    .saying(whose),
                None => elsewhere(together),
            }
        }
        _ => elsewhere(together),
    }
}

fn elsewhere(steps: &[&FixStep]) -> Remedy {
    let texts: Vec<_> = steps.iter().map(|it| format!("add to {}: {}", it.place, it.statement)).collect();
    let statements: Vec<_> = steps.iter().map(|it| it.statement.to_string()).collect();
    Fix { document: Some(statements.join("\n")), ..Fix::advice(texts.join("; ")) }.into()
}

/// A policy of the role's own. Its name tells policies for different resources apart: one must not replace another.
fn grant(of: &Circumstances<'_>, denied: &CheckRecord, step: &FixStep) -> Remedy {
    let action = step.statement["Action"].as_str().unwrap_or(&denied.action);
    let one = step.statement["Action"].is_string() && step.statement["Resource"].is_string();
    let simple = action == denied.action && (one || matches!(of.step.work, Work::Parameters(_)));
    let statement = if simple { statement(of, denied) } else { step.statement.clone() };
    let policy = document(&statement);
    let role = match &of.step.work {
        Work::EcrToken { .. } | Work::EcrImage(_) if of.role.is_none() => session_role(&denied.principal),
        _ => role_name(of.role.unwrap_or_default()),
    };
    let name = format!("{}-{}", action.replace(':', "-"), mark(&statement.to_string()));
    let command = put_role_policy(role, &name, &policy);
    own(of, Command::rewriting(command, Place::Role { role: role.to_owned(), policy: name }, Some(policy)))
}

/// Tells policies of one kind apart: one must not replace another.
pub(super) fn mark(text: &str) -> String {
    hex::encode(digest(&SHA256, text.as_bytes()).as_ref()).chars().take(8).collect()
}

/// A statement as it has to be for the next task, too. Streams get new names with every task, so that the whole group is
/// named; who may create a stream should be able to write to it; and who may ask for a manifest should get the layers.
fn lasting(of: &Circumstances<'_>, denied: &CheckRecord, statement: &Value) -> Value {
    let mut statement = statement.clone();
    if statement["Action"].as_str() == Some(&denied.action) {
        statement["Action"] = match denied.action.as_str() {
            "logs:CreateLogStream" => json!(["logs:CreateLogStream", "logs:PutLogEvents"]),
            "ecr:BatchGetImage" | "ecr:GetDownloadUrlForLayer" => {
                json!(["ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer"])
            }
            action => json!(action),
        };
    }
    if statement["Resource"].as_str() == Some(&denied.resource) {
        statement["Resource"] = resource(of, denied);
    }
    statement
}

fn resource(of: &Circumstances<'_>, denied: &CheckRecord) -> Value {
    if let Some((group, _)) = denied.resource.split_once(":log-stream:") {
        return json!(format!("{group}:*"));
    }
    match of.absent {
        // The secret that is made under the name has an ARN with six more characters.
        [one] if denied.action == of.step.action => json!(one),
        [_, ..] if denied.action == of.step.action => json!(of.absent),
        _ => json!(denied.resource),
    }
}

/// The statement to add to a role.
fn statement(of: &Circumstances<'_>, denied: &CheckRecord) -> Value {
    let resource = match &of.step.work {
        Work::Parameters(wanted) if wanted.len() > 1 && denied.action == of.step.action => {
            json!(of.step.resource.split(", ").collect::<Vec<_>>())
        }
        _ => json!(denied.resource),
    };
    lasting(of, denied, &json!({"Effect": "Allow", "Action": denied.action, "Resource": resource}))
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
