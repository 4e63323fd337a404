//! Reads the golden cases into requests and layers.

use landfall_base::AccountId;
use landfall_iam::{
    Attached, Context, Grant, GrantConstraint, Layers, Policy, PolicyKind, Principal, Request, ResourceKind,
    ResourceLayer, ResourceService,
};
use serde_json::Value;

/// One request of a case, with the policies it meets.
pub(crate) struct Check {
    principal: Principal,
    action: String,
    resource: String,
    account: AccountId,
    context: Context,
    identity: Vec<Policy>,
    boundary: Vec<Policy>,
    session: Vec<Policy>,
    resource_policy: Option<Policy>,
    scp: Vec<Vec<Policy>>,
    rcp: Vec<Vec<Policy>>,
    endpoint: Vec<Policy>,
    grants: Vec<Grant>,
}

/// All requests of a case: `request`, or each of `request.checks` on top of it.
pub(crate) fn checks(case: &Value) -> Vec<Check> {
    let request = &case["request"];
    let Some(overrides) = request["checks"].as_array() else {
        return vec![Check::read(request, &Value::Null, &case["policies"])];
    };
    overrides.iter().map(|it| Check::read(request, it, &case["policies"])).collect()
}

impl Check {
    fn read(request: &Value, over: &Value, policies: &Value) -> Self {
        let field = |name: &str| over.get(name).unwrap_or(&request[name]);
        let text = |name: &str| field(name).as_str().unwrap().to_owned();
        let action = text("action");
        let layer = |name: &str| over["policies"].get(name).unwrap_or(&policies[name]);
        let attached = |name, kind| list(layer(name), kind);
        Self {
            principal: principal(field("principal")),
            resource: text("resource"),
            account: text("resourceAccount").parse().unwrap(),
            context: context(field("context")),
            identity: attached("identity", PolicyKind::Identity),
            boundary: attached("boundary", PolicyKind::Boundary),
            session: attached("session", PolicyKind::Session),
            resource_policy: list(layer("resource"), resource_kind(&action)).pop(),
            scp: levels(layer("scp"), PolicyKind::ServiceControl),
            rcp: levels(layer("rcp"), PolicyKind::ResourceControl),
            endpoint: attached("vpce", PolicyKind::Endpoint),
            grants: layer("grants")
                .as_array()
                .map_or(Vec::new(), |grants| grants.iter().map(grant).collect()),
            action,
        }
    }

    /// Hands the request and its layers to `test`.
    pub(crate) fn with<T>(&self, test: impl FnOnce(&Request<'_>, &Layers<'_>) -> T) -> T {
        let request = Request {
            principal: &self.principal,
            action: &self.action,
            resource: &self.resource,
            resource_account: Some(&self.account),
            context: &self.context,
        };
        let (identity, boundary, session, endpoint) =
            (attach(&self.identity), attach(&self.boundary), attach(&self.session), attach(&self.endpoint));
        let (scp, rcp): (Vec<_>, Vec<_>) =
            (self.scp.iter().map(|it| attach(it)).collect(), self.rcp.iter().map(|it| attach(it)).collect());
        let scp: Vec<&[Attached<'_>]> = scp.iter().map(Vec::as_slice).collect();
        let rcp: Vec<&[Attached<'_>]> = rcp.iter().map(Vec::as_slice).collect();
        let own: Vec<_> = self.resource_policy.iter().map(|it| Attached::to_resource("own", it)).collect();
        let kind = match resource_kind(&self.action) {
            PolicyKind::RoleTrust => ResourceKind::RoleTrust,
            PolicyKind::Resource(ResourceService::KmsKey) => {
                ResourceKind::KmsKey { grants: &self.grants, aws_managed: false }
            }
            _ => ResourceKind::Ordinary,
        };
        let resource = (!own.is_empty()).then_some(ResourceLayer { policies: &own, kind });
        test(
            &request,
            &Layers {
                identity: &identity,
                boundary: &boundary,
                session: &session,
                resource,
                scp: &scp,
                rcp: &rcp,
                endpoint: &endpoint,
            },
        )
    }
}

fn attach(policies: &[Policy]) -> Vec<Attached<'_>> {
    policies.iter().map(|policy| Attached::inline("policy", policy)).collect()
}

fn resource_kind(action: &str) -> PolicyKind {
    PolicyKind::Resource(match action.split_once(':').unwrap() {
        ("sts", _) => return PolicyKind::RoleTrust,
        ("ecr", _) => ResourceService::EcrRepository,
        ("kms", _) => ResourceService::KmsKey,
        ("secretsmanager", _) => ResourceService::Secret,
        ("s3", _) => ResourceService::Bucket,
        _ => ResourceService::Other,
    })
}

/// Cases hold documents that AWS would refuse today; they are read as policies stored earlier.
fn policy(document: &Value, kind: PolicyKind) -> Policy {
    Policy::stored(&document.to_string(), kind).unwrap()
}

fn list(value: &Value, kind: PolicyKind) -> Vec<Policy> {
    match value {
        Value::Null => Vec::new(),
        Value::Array(documents) => documents.iter().map(|it| policy(it, kind)).collect(),
        document => vec![policy(document, kind)],
    }
}

fn levels(value: &Value, kind: PolicyKind) -> Vec<Vec<Policy>> {
    value.as_array().map_or(Vec::new(), |levels| levels.iter().map(|level| list(level, kind)).collect())
}

fn context(value: &Value) -> Context {
    let mut context = Context::new();
    for (key, value) in value.as_object().unwrap() {
        match value {
            Value::Array(values) => context.set_all(key, values.iter().map(|it| it.as_str().unwrap())),
            value => context.set(key, value.as_str().unwrap()),
        };
    }
    context
}

fn grant(value: &Value) -> Grant {
    let constraint = value["constraints"].as_object().map(|constraint| {
        serde_json::from_value::<GrantConstraint>(Value::Object(constraint.clone())).unwrap()
    });
    Grant {
        grantee: value["grantee"].as_str().unwrap().to_owned(),
        operations: serde_json::from_value(value["operations"].clone()).unwrap(),
        constraint,
    }
}

fn principal(value: &Value) -> Principal {
    let text = |name: &str| value[name].as_str().unwrap_or_default();
    let account = || text("account").parse().unwrap();
    let principal = match text("type") {
        "User" => Principal::user(text("arn").parse().unwrap(), &account(), text("uniqueId")),
        "AssumedRole" => {
            let session = text("arn").rsplit('/').next().unwrap();
            Principal::role_session(text("roleArn").parse().unwrap(), &account(), text("uniqueId"), session)
        }
        "Root" => Principal::root(&account()),
        "Service" => Principal::service(text("arn")),
        "Anonymous" => Principal::anonymous(),
        other => panic!("unknown principal {other}"),
    };
    assert_eq!(principal.display(), text("arn"));
    principal
}
