//! The JSON of a case. Documents that AWS would refuse today are read as policies that were stored earlier.

use landfall_base::{AccountId, Arn};
use serde::Deserialize;
use serde_json::{Map, Value};

use super::case::{Check, resource_kind};
use crate::context::Context;
use crate::grant::{Grant, GrantConstraint};
use crate::policy::{Policy, PolicyKind};
use crate::principal::Principal;

#[derive(Deserialize)]
struct Written {
    #[serde(default)]
    id: String,
    request: Fields,
    #[serde(default)]
    policies: Map<String, Value>,
}

/// The layers that `policies` may hold.
const LAYERS: [&str; 8] = ["identity", "boundary", "session", "resource", "vpce", "scp", "rcp", "grants"];

/// A request, or what one of its checks replaces.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Fields {
    principal: Option<Caller>,
    action: Option<String>,
    resource: Option<String>,
    resource_account: Option<String>,
    context: Option<Map<String, Value>>,
    /// In a check only.
    policies: Option<Map<String, Value>>,
    /// In a request only.
    checks: Option<Vec<Fields>>,
    #[serde(flatten)]
    unknown: Map<String, Value>,
}

impl Fields {
    /// A field that nobody reads would be one that somebody believes in.
    fn check(&self, place: &str, further: &str) -> Result<(), String> {
        let misplaced = match further {
            "checks" => self.policies.as_ref().map(|_| "policies"),
            _ => self.checks.as_ref().map(|_| "checks"),
        };
        match self.unknown.keys().next().map(String::as_str).or(misplaced) {
            Some(name) => Err(format!(
                "`{place}.{name}` is no field: expected `principal`, `action`, `resource`, `resourceAccount`, \
                 `context`, `{further}`"
            )),
            None => Ok(()),
        }
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Caller {
    #[serde(rename = "type")]
    kind: String,
    arn: String,
    #[serde(default)]
    account: String,
    #[serde(default)]
    role_arn: String,
    #[serde(default)]
    user_arn: String,
    #[serde(default)]
    unique_id: String,
    #[serde(default)]
    service_linked: bool,
}

#[derive(Deserialize)]
struct WrittenGrant {
    grantee: String,
    operations: Vec<String>,
    #[serde(default)]
    constraints: Option<GrantConstraint>,
}

/// The id of a case and its checks.
pub(super) fn case(json: &str) -> Result<(String, Vec<Check>), String> {
    let written: Written = serde_json::from_str(json).map_err(|error| format!("not a case: {error}"))?;
    match checks(&written.request, &written.policies) {
        Ok(checks) => Ok((written.id, checks)),
        Err(error) => Err(format!("case `{}`: {error}", written.id)),
    }
}

fn checks(request: &Fields, policies: &Map<String, Value>) -> Result<Vec<Check>, String> {
    request.check("request", "checks")?;
    let checks = request.checks.as_deref().unwrap_or_default();
    if checks.is_empty() {
        return Ok(vec![check(request, request, policies)?]);
    }
    let one = |(at, over): (usize, &Fields)| {
        over.check(&format!("request.checks[{at}]"), "policies")?;
        check(request, over, policies)
    };
    checks.iter().enumerate().map(one).collect()
}

fn check(request: &Fields, over: &Fields, policies: &Map<String, Value>) -> Result<Check, String> {
    let none = Map::new();
    let own = over.policies.as_ref().unwrap_or(&none);
    check_layers(policies)?;
    check_layers(own)?;
    let missing = |name: &str| format!("`request.{name}` is missing");
    let text = |name: &str, pick: fn(&Fields) -> Option<&String>| {
        pick(over).or_else(|| pick(request)).cloned().ok_or_else(|| missing(name))
    };
    let action = text("action", |it| it.action.as_ref())?;
    let resource = text("resource", |it| it.resource.as_ref())?;
    let account = over.resource_account.as_ref().or(request.resource_account.as_ref());
    let account = account.map(|it| parse(it, "request.resourceAccount", "twelve digits")).transpose()?;
    let caller = over.principal.as_ref().or(request.principal.as_ref());
    let layer = |name: &str| own.get(name).or_else(|| policies.get(name)).unwrap_or(&Value::Null);
    let list = |name: &str, kind| documents(layer(name), name, kind);
    Ok(Check {
        principal: principal(caller.ok_or_else(|| missing("principal"))?)?,
        account: account.or_else(|| owner(&resource)),
        resource,
        context: context(over.context.as_ref().or(request.context.as_ref()))?,
        identity: list("identity", PolicyKind::Identity)?,
        boundary: list("boundary", PolicyKind::Boundary)?,
        session: list("session", PolicyKind::Session)?,
        resource_policies: list("resource", resource_kind(&action))?,
        scp: levels(layer("scp"), "scp", PolicyKind::ServiceControl)?,
        rcp: levels(layer("rcp"), "rcp", PolicyKind::ResourceControl)?,
        endpoint: list("vpce", PolicyKind::Endpoint)?,
        grants: grants(layer("grants"))?,
        action,
    })
}

/// Whose a resource is, where its ARN says so; otherwise it is taken for the principal's own.
fn owner(resource: &str) -> Option<AccountId> {
    resource.parse::<Arn>().ok()?.account_id()
}

/// A layer that nobody reads would be one that somebody believes in.
fn check_layers(policies: &Map<String, Value>) -> Result<(), String> {
    match policies.keys().find(|name| !LAYERS.contains(&name.as_str())) {
        Some(name) => Err(format!("`policies.{name}` is no layer: expected `{}`", LAYERS.join("`, `"))),
        None => Ok(()),
    }
}

fn parse<T: std::str::FromStr>(text: &str, place: &str, expected: &str) -> Result<T, String> {
    text.parse().map_err(|_| format!("`{place}` is `{text}`: expected {expected}"))
}

fn principal(caller: &Caller) -> Result<Principal, String> {
    let arn = |text: &str, name| parse(text, &format!("principal.{name}"), "an ARN");
    let account = || parse(&caller.account, "principal.account", "twelve digits");
    let name = || caller.arn.rsplit('/').next().unwrap_or_default();
    let (id, own) = (caller.unique_id.as_str(), caller.arn.as_str());
    let principal = match caller.kind.as_str() {
        "User" => Principal::user(arn(own, "arn")?, &account()?, id),
        "AssumedRole" => Principal::role_session(arn(&caller.role_arn, "roleArn")?, &account()?, id, name()),
        "FederatedUser" => {
            Principal::federated_user(arn(&caller.user_arn, "userArn")?, &account()?, id, name())
        }
        "Root" => Principal::root(&account()?),
        "Service" => Principal::service(own),
        "WebIdentity" => Principal::web_identity(own),
        "Anonymous" => Principal::anonymous(),
        other => {
            return Err(format!(
                "`principal.type` is `{other}`: expected `User`, `AssumedRole`, `FederatedUser`, `Root`, `Service`, \
                 `WebIdentity` or `Anonymous`"
            ));
        }
    };
    if principal.display() != own {
        return Err(format!("`principal.arn` is `{own}`: the other fields say `{}`", principal.display()));
    }
    let service_linked = caller.service_linked || caller.role_arn.contains(":role/aws-service-role/");
    Ok(if service_linked { principal.service_linked() } else { principal })
}

fn context(entries: Option<&Map<String, Value>>) -> Result<Context, String> {
    let mut context = Context::new();
    for (key, value) in entries.into_iter().flatten() {
        let wrong =
            || format!("`request.context` has `{value}` as `{key}`: expected text or a list of texts");
        let scalar = |value: &Value| match value {
            Value::String(text) => Ok(text.clone()),
            Value::Bool(_) | Value::Number(_) => Ok(value.to_string()),
            _ => Err(wrong()),
        };
        match value {
            Value::Array(values) => {
                context.add_all(key, values.iter().map(scalar).collect::<Result<Vec<_>, _>>()?);
            }
            value => {
                context.add_all(key, [scalar(value)?]);
            }
        }
    }
    Ok(context)
}

/// One document, or a list of them.
fn documents(value: &Value, name: &str, kind: PolicyKind) -> Result<Vec<Policy>, String> {
    let one = |document: &Value| {
        let stored = Policy::stored(&document.to_string(), kind);
        stored.map_err(|error| {
            format!("`policies.{name}` holds a document that is no policy: {}", error.reason())
        })
    };
    match value {
        Value::Null => Ok(Vec::new()),
        Value::Array(documents) => documents.iter().map(one).collect(),
        document => Ok(vec![one(document)?]),
    }
}

fn levels(value: &Value, name: &str, kind: PolicyKind) -> Result<Vec<Vec<Policy>>, String> {
    match value {
        Value::Null => Ok(Vec::new()),
        Value::Array(levels) => levels.iter().map(|level| documents(level, name, kind)).collect(),
        _ => Err(format!("`policies.{name}` is no list: expected one list of documents for each level")),
    }
}

fn grants(value: &Value) -> Result<Vec<Grant>, String> {
    if value.is_null() {
        return Ok(Vec::new());
    }
    let written: Vec<WrittenGrant> =
        Deserialize::deserialize(value).map_err(|error| format!("`policies.grants`: {error}"))?;
    let grant = |it: WrittenGrant| Grant {
        grantee: it.grantee,
        operations: it.operations,
        constraint: it.constraints,
    };
    Ok(written.into_iter().map(grant).collect())
}
