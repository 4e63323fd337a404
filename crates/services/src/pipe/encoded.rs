//! Authorization messages: EC2 ends a refusal in a sealed account of the decision, which
//! `sts:DecodeAuthorizationMessage` opens for those of the caller's account who may (STS API Reference,
//! "DecodeAuthorizationMessage").

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use landfall_base::{AccountId, Timestamp};
use landfall_iam::{Attached, Context, Decision, Effect, Layers, Principal, Request, StatementRef};
use landfall_vault::{Sealed, Vault};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::Failure;

/// The longest message that STS takes.
const LONGEST: usize = 10_240;

/// How long a message can be decoded. AWS says that messages expire, but not when.
const SECONDS: i64 = 24 * 60 * 60;

/// What is sealed.
#[derive(Serialize, Deserialize)]
struct Message {
    expires_at: Timestamp,
    decision: String,
}

/// Messages open in the account of their caller only.
fn context(account: &AccountId) -> [(&'static str, &str); 2] {
    [("Purpose", "AuthorizationMessage"), ("Account", account.as_str())]
}

/// The message about a refusal.
///
/// # Errors
/// It cannot be sealed.
pub(super) fn encode(
    vault: &Vault,
    now: Timestamp,
    account: &AccountId,
    (request, layers, decision): (&Request<'_>, &Layers<'_>, &Decision<'_>),
) -> Result<String, Failure> {
    let mut described = describe(request, layers, decision);
    loop {
        let message = Message { expires_at: now.plus_seconds(SECONDS), decision: described.to_string() };
        let plain = serde_json::to_vec(&message).map_err(Failure::internal)?;
        let text = URL_SAFE_NO_PAD.encode(vault.seal(&context(account), &plain)?.as_bytes());
        if text.len() <= LONGEST || !shorten(&mut described) {
            return Ok(text);
        }
    }
}

/// What a message of this account holds; `None` if it is none, or has expired.
pub(crate) fn decode(vault: &Vault, now: Timestamp, account: &AccountId, text: &str) -> Option<String> {
    let sealed = Sealed::from_bytes(URL_SAFE_NO_PAD.decode(text).ok()?).ok()?;
    let plain = vault.unseal(&context(account), &sealed).ok()?;
    let message: Message = serde_json::from_slice(plain.expose()).ok()?;
    (now < message.expires_at).then_some(message.decision)
}

/// Takes the last condition key away, or the statement; with neither there is nothing to take.
fn shorten(described: &mut Value) -> bool {
    let mut take = |place| described.pointer_mut(place).and_then(Value::as_array_mut)?.pop();
    take("/context/conditions/items").or_else(|| take("/matchedStatements/items")).is_some()
}

fn describe(request: &Request<'_>, layers: &Layers<'_>, decision: &Decision<'_>) -> Value {
    let denying = decision.deciding.as_ref().filter(|_| decision.effect == Effect::ExplicitDeny);
    let matched = denying.and_then(|it| statement(request.principal, layers, it));
    let mut principal = json!({"id": request.principal.user_id(), "arn": request.principal.display()});
    if let Some(name) = request.principal.user_name() {
        principal["name"] = json!(name);
    }
    json!({
        "allowed": false,
        "explicitDeny": denying.is_some(),
        "matchedStatements": {"items": Vec::from_iter(matched)},
        "failures": items(&[]),
        "context": {
            "principal": principal,
            "action": request.action,
            "resource": request.resource,
            "conditions": {"items": conditions(request.context)},
        },
    })
}

fn conditions(context: &Context) -> Vec<Value> {
    context.iter().map(|(key, values)| json!({"key": key, "values": items(values)})).collect()
}

/// The statement that denies, as it is written.
fn statement(principal: &Principal, layers: &Layers<'_>, denying: &StatementRef<'_>) -> Option<Value> {
    let attached = find(layers, denying)?;
    let document: Value = serde_json::from_str(attached.policy.text()).ok()?;
    let statement = match document.get("Statement")? {
        Value::Array(statements) => statements.get(denying.index)?,
        one => one,
    };
    let listed = |element: &str| items(&texts(statement.get(element)));
    Some(json!({
        "statementId": denying.sid.unwrap_or_default(),
        "effect": "DENY",
        "principals": items(&Vec::from_iter(principal.user_id().map(str::to_owned))),
        "principalGroups": items(&[]),
        "actions": listed(if statement.get("Action").is_some() { "Action" } else { "NotAction" }),
        "resources": listed(if statement.get("Resource").is_some() { "Resource" } else { "NotResource" }),
        "conditions": {"items": written_conditions(statement)},
    }))
}

fn find<'a>(layers: &Layers<'a>, denying: &StatementRef<'_>) -> Option<Attached<'a>> {
    let resource = layers.resource.map_or(&[][..], |resource| resource.policies);
    let single = [layers.identity, layers.boundary, layers.session, layers.endpoint, resource];
    let levels = layers.scp.iter().chain(layers.rcp).copied();
    let mut all = single.into_iter().chain(levels).flatten();
    all.find(|it| it.name == denying.policy && it.arn == denying.arn).copied()
}

fn written_conditions(statement: &Value) -> Vec<Value> {
    let operators = statement.get("Condition").and_then(Value::as_object);
    let keys = operators.into_iter().flatten().flat_map(|(operator, keys)| {
        keys.as_object().into_iter().flatten().map(move |(key, values)| (operator, key, values))
    });
    let shown = |(operator, key, values): (&String, &String, &Value)| json!({"operator": operator, "key": key, "values": items(&texts(Some(values)))});
    keys.map(shown).collect()
}

/// One text or several.
fn texts(element: Option<&Value>) -> Vec<String> {
    let text = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    match element {
        None => Vec::new(),
        Some(Value::Array(values)) => values.iter().map(text).collect(),
        Some(value) => vec![text(value)],
    }
}

fn items(values: &[String]) -> Value {
    let items: Vec<_> = values.iter().map(|value| json!({"value": value})).collect();
    json!({"items": items})
}

#[cfg(test)]
mod tests {
    use super::*;

    fn account() -> AccountId {
        "111122223333".parse().unwrap()
    }

    fn refused(context: &Context, deny: bool) -> (Vault, String) {
        let vault = Vault::in_memory().unwrap();
        let principal =
            Principal::user("arn:aws:iam::111122223333:user/alice".parse().unwrap(), &account(), "AIDAX");
        let text = r#"{"Version":"2012-10-17","Statement":{"Sid":"No","Effect":"Deny","Action":["ec2:Create*"],
            "Resource":"*","Condition":{"Bool":{"aws:SecureTransport":true}}}}"#;
        let policy = landfall_iam::Policy::parse(text, landfall_iam::PolicyKind::Identity).unwrap();
        let attached = [Attached::inline("no", &policy)];
        let layers = Layers { identity: if deny { &attached } else { &[] }, ..Layers::default() };
        let request = Request {
            principal: &principal,
            action: "ec2:CreateVpc",
            resource: "arn:aws:ec2:us-east-1:111122223333:vpc/*",
            resource_account: None,
            context,
        };
        let decision = landfall_iam::evaluate(&request, &layers);
        let text = encode(&vault, now(), &account(), (&request, &layers, &decision)).unwrap();
        (vault, text)
    }

    fn now() -> Timestamp {
        Timestamp::from_seconds(1.8e9)
    }

    #[test]
    fn a_message_tells_the_decision_to_its_account_for_a_day() {
        let context = Context::new().with("aws:SecureTransport", "true");
        let (vault, text) = refused(&context, true);
        let decoded = decode(&vault, now(), &account(), &text).unwrap();
        let decoded: Value = serde_json::from_str(&decoded).unwrap();
        let values = |value: &str| json!({"items": [{"value": value}]});
        assert_eq!(
            decoded,
            json!({
                "allowed": false,
                "explicitDeny": true,
                "matchedStatements": {"items": [{
                    "statementId": "No",
                    "effect": "DENY",
                    "principals": values("AIDAX"),
                    "principalGroups": {"items": []},
                    "actions": values("ec2:Create*"),
                    "resources": values("*"),
                    "conditions": {"items": [
                        {"operator": "Bool", "key": "aws:SecureTransport", "values": values("true")},
                    ]},
                }]},
                "failures": {"items": []},
                "context": {
                    "principal": {"id": "AIDAX", "arn": "arn:aws:iam::111122223333:user/alice", "name": "alice"},
                    "action": "ec2:CreateVpc",
                    "resource": "arn:aws:ec2:us-east-1:111122223333:vpc/*",
                    "conditions": {"items": [{"key": "aws:SecureTransport", "values": values("true")}]},
                },
            })
        );
        let other = "444455556666".parse().unwrap();
        assert_eq!(decode(&vault, now(), &other, &text), None);
        assert_eq!(decode(&vault, now().plus_seconds(SECONDS), &account(), &text), None);
        assert!(decode(&vault, now().plus_seconds(SECONDS - 1), &account(), &text).is_some());
        assert_eq!(decode(&vault, now(), &account(), &text[1..]), None);
        assert_eq!(decode(&vault, now(), &account(), "a\nb"), None);
    }

    #[test]
    fn a_message_is_never_longer_than_sts_takes() {
        let tags = (0..50).fold(Context::new(), |context, number| {
            context.with(format!("aws:RequestTag/{number:0>120}"), "v".repeat(256))
        });
        let (vault, text) = refused(&tags, false);
        assert!(text.len() <= LONGEST, "{}", text.len());
        let decoded: Value =
            serde_json::from_str(&decode(&vault, now(), &account(), &text).unwrap()).unwrap();
        assert_eq!(decoded["matchedStatements"], json!({"items": []}));
        assert!(decoded["context"]["conditions"]["items"].as_array().unwrap().len() > 10);
    }
}
