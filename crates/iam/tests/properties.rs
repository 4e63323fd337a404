//! What must hold for all policies and requests.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use landfall_base::AccountId;
use landfall_iam::{
    Attached, Context, Effect, Layers, Policy, PolicyKind, Principal, Request, ResourceLayer,
    ResourceService, evaluate, explain, suggest_fix, trace,
};
use proptest::prelude::*;
use serde_json::{Value, json};

const ROLE: &str = "arn:aws:iam::111122223333:role/exec";

fn account() -> AccountId {
    "111122223333".parse().unwrap()
}

fn caller() -> Principal {
    Principal::role_session(ROLE.parse().unwrap(), &account(), "AROAEXEC", "s1")
}

fn policy(statements: &[Value], kind: PolicyKind) -> Policy {
    let document = json!({"Version": "2012-10-17", "Statement": statements});
    Policy::stored(&document.to_string(), kind).unwrap()
}

/// A request and its policies, as statements.
#[derive(Debug, Clone)]
struct World {
    action: String,
    resource: String,
    owner: AccountId,
    team: Option<String>,
    identity: Vec<Value>,
    boundary: Vec<Value>,
    session: Vec<Value>,
    resource_policy: Vec<Value>,
    scp: Vec<Value>,
}

impl World {
    fn with<T>(&self, test: impl FnOnce(&Request<'_>, &Layers<'_>) -> T) -> T {
        let principal = caller();
        let mut context = Context::new();
        if let Some(team) = &self.team {
            context.set_tag("aws:PrincipalTag", "team", team);
        }
        let request = Request {
            principal: &principal,
            action: &self.action,
            resource: &self.resource,
            resource_account: Some(&self.owner),
            context: &context,
        };
        let compiled = |statements: &[Value], kind| {
            (!statements.is_empty()).then(|| policy(statements, kind)).into_iter().collect::<Vec<_>>()
        };
        let identity = compiled(&self.identity, PolicyKind::Identity);
        let boundary = compiled(&self.boundary, PolicyKind::Boundary);
        let session = compiled(&self.session, PolicyKind::Session);
        let scp = compiled(&self.scp, PolicyKind::ServiceControl);
        let own = compiled(&self.resource_policy, PolicyKind::Resource(ResourceService::Other));
        let (identity, boundary, session, scp, own) =
            (attach(&identity), attach(&boundary), attach(&session), attach(&scp), attach(&own));
        let levels = [scp.as_slice()];
        let layers = Layers {
            identity: &identity,
            boundary: &boundary,
            session: &session,
            resource: (!own.is_empty()).then(|| ResourceLayer::ordinary(&own)),
            scp: if scp.is_empty() { &[] } else { &levels },
            ..Layers::default()
        };
        test(&request, &layers)
    }

    fn effect(&self) -> Effect {
        self.with(|request, layers| evaluate(request, layers).effect)
    }

    fn layers_mut(&mut self) -> [&mut Vec<Value>; 5] {
        [&mut self.identity, &mut self.boundary, &mut self.session, &mut self.resource_policy, &mut self.scp]
    }
}

fn attach(policies: &[Policy]) -> Vec<Attached<'_>> {
    policies.iter().map(|policy| Attached::inline("policy", policy)).collect()
}

fn action() -> impl Strategy<Value = String> {
    prop::sample::select(vec!["ecr:Get", "ecr:GetAll", "ecr:Put", "s3:Get"]).prop_map(str::to_owned)
}

fn resource() -> impl Strategy<Value = String> {
    let names =
        ["*", "arn:aws:ecr:r:111122223333:a", "arn:aws:ecr:r:111122223333:a/b", "arn:aws:s3:::a/blue"];
    prop::sample::select(names.to_vec()).prop_map(str::to_owned)
}

fn action_pattern() -> impl Strategy<Value = String> {
    prop_oneof![
        action(),
        prop::sample::select(vec!["*", "ecr:*", "ECR:g?t*", "s3:*t"]).prop_map(str::to_owned)
    ]
}

fn resource_pattern() -> impl Strategy<Value = String> {
    let patterns =
        ["*", "arn:aws:ecr", "arn:aws:ecr:*:a*", "arn:aws:*:::a/${aws:PrincipalTag/team}", "arn:aws:s3:::?*"];
    prop_oneof![resource(), prop::sample::select(patterns.to_vec()).prop_map(str::to_owned)]
}

fn condition() -> impl Strategy<Value = Option<Value>> {
    let operators =
        ["StringEquals", "StringNotLike", "StringEqualsIfExists", "ForAllValues:StringLike", "Null"];
    let values = prop::sample::select(vec!["blue", "b*", "${aws:PrincipalTag/team}", "true"]);
    let one = (prop::sample::select(operators.to_vec()), values)
        .prop_map(|(operator, value)| json!({operator: {"aws:PrincipalTag/team": value}}));
    prop::option::of(one)
}

fn statement(effect: &'static str, with_principal: bool) -> impl Strategy<Value = Value> {
    let principals = vec!["*", "111122223333", ROLE, "arn:aws:sts::111122223333:assumed-role/exec/s1"];
    let parts = (
        action_pattern(),
        resource_pattern(),
        condition(),
        any::<[bool; 2]>(),
        prop::sample::select(principals),
    );
    parts.prop_map(move |(action, resource, condition, [not_action, not_resource], principal)| {
        let mut statement = json!({"Effect": effect});
        statement[if not_action { "NotAction" } else { "Action" }] = json!(action);
        statement[if not_resource { "NotResource" } else { "Resource" }] = json!(resource);
        if let Some(condition) = condition {
            statement["Condition"] = condition;
        }
        if with_principal {
            statement["Principal"] = json!({"AWS": principal});
        }
        statement
    })
}

fn statements(with_principal: bool) -> impl Strategy<Value = Vec<Value>> {
    let one = prop_oneof![3 => statement("Allow", with_principal), 1 => statement("Deny", with_principal)];
    prop::collection::vec(one, 0..4)
}

fn world() -> impl Strategy<Value = World> {
    let owner = prop::sample::select(vec!["111122223333", "444455556666"]);
    let team = prop::option::of(prop::sample::select(vec!["blue", "red", "*", "?", "${*}", ""]));
    let facts = (action(), resource(), owner, team);
    let layers =
        (statements(false), statements(false), statements(false), statements(true), statements(false));
    (facts, layers).prop_map(|((action, resource, owner, team), layers)| World {
        action,
        resource,
        owner: owner.parse().unwrap(),
        team: team.map(str::to_owned),
        identity: layers.0,
        boundary: layers.1,
        session: layers.2,
        resource_policy: layers.3,
        scp: layers.4,
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    /// Adding to a layer that exists; a first boundary is a new limit.
    #[test]
    fn an_added_allow_never_refuses(world in world(), which in 0..5usize, added in statement("Allow", false)) {
        let mut more = world.clone();
        let layer = &mut more.layers_mut()[which];
        prop_assume!(which == 0 || !layer.is_empty());
        let mut added = added;
        if which == 3 {
            added["Principal"] = json!({"AWS": ROLE});
        }
        layer.push(added);
        prop_assert!(world.effect() != Effect::Allow || more.effect() == Effect::Allow);
    }

    #[test]
    fn an_added_deny_never_permits(world in world(), which in 0..5usize, added in statement("Deny", false)) {
        let mut more = world.clone();
        let mut added = added;
        if which == 3 {
            added["Principal"] = json!("*");
        }
        let layer = &mut more.layers_mut()[which];
        prop_assume!(!layer.is_empty());
        layer.push(added);
        prop_assert!(world.effect() == Effect::Allow || more.effect() != Effect::Allow);
    }

    #[test]
    fn the_order_of_statements_does_not_matter(world in world()) {
        let mut reversed = world.clone();
        for layer in reversed.layers_mut() {
            layer.reverse();
        }
        prop_assert_eq!(world.effect(), reversed.effect());
    }

    #[test]
    fn the_case_of_actions_does_not_matter(world in world()) {
        let mut shouted = world.clone();
        shouted.action = shouted.action.to_uppercase();
        prop_assert_eq!(world.effect(), shouted.effect());
        for layer in shouted.layers_mut() {
            for statement in layer {
                for name in ["Action", "NotAction"] {
                    if let Some(action) = statement[name].as_str() {
                        statement[name] = json!(action.to_lowercase());
                    } else if let Some(map) = statement.as_object_mut() {
                        map.remove(name);
                    }
                }
            }
        }
        prop_assert_eq!(world.effect(), shouted.effect());
    }

    /// A variable matches its value and nothing else, whatever characters that has.
    #[test]
    fn a_variable_never_widens(value in "[a-c*?${}:/]{1,6}", name in "[a-c*?${}:/]{0,6}") {
        let mut world = World {
            action: "s3:Get".into(),
            resource: format!("arn:aws:s3:::home/{name}/x"),
            owner: account(),
            team: Some(value.clone()),
            identity: vec![json!({
                "Effect": "Allow", "Action": "s3:Get", "Resource": "arn:aws:s3:::home/${aws:PrincipalTag/team}/x",
            })],
            boundary: Vec::new(),
            session: Vec::new(),
            resource_policy: Vec::new(),
            scp: Vec::new(),
        };
        prop_assert_eq!(world.effect() == Effect::Allow, value == name);
        world.resource = format!("arn:aws:s3:::home/{value}/x");
        prop_assert_eq!(world.effect(), Effect::Allow);
    }

    /// A trace says what the decision says, and a refusal has a fix that was proven or a named obstacle.
    #[test]
    fn traces_and_fixes_agree_with_decisions(world in world()) {
        world.with(|request, layers| {
            let decision = evaluate(request, layers);
            let trace = trace(request, layers);
            prop_assert_eq!(trace.effect, decision.effect);
            for statement in trace.layers.iter().flat_map(|it| &it.policies).flat_map(|it| &it.statements) {
                prop_assert_eq!(statement.matched.is_some(), statement.misses.is_empty());
            }
            prop_assert_eq!(explain(&trace).is_empty(), decision.is_allowed());
            match suggest_fix(request, layers) {
                None => prop_assert!(decision.is_allowed()),
                Some(fix) => {
                    prop_assert!(fix.verified != fix.blocked.is_some());
                    prop_assert_eq!(fix.blocked.is_some(), decision.effect == Effect::ExplicitDeny);
                }
            }
            Ok(())
        })?;
    }

    #[test]
    fn arbitrary_text_does_not_panic(text in ".{0,200}") {
        for kind in [PolicyKind::Identity, PolicyKind::RoleTrust, PolicyKind::Resource(ResourceService::Bucket)] {
            let _ = Policy::parse(&text, kind).map_err(|error| error.message());
            let _ = Policy::stored(&text, kind);
        }
    }

    /// Documents of the right form with strange contents: no panic, neither in the parser nor in the engine.
    #[test]
    fn strange_documents_do_not_panic(
        action in ".{0,12}", resource in "[a-z*?:${}, 'é]{0,24}", operator in "[A-Za-z:]{0,20}",
        key in ".{0,8}", value in ".{0,12}", principal in ".{0,16}", actual in ".{0,16}",
    ) {
        for operator in [operator.as_str(), "DateLessThan", "IpAddress", "BinaryEquals", "NumericEquals", "ArnLike"] {
            let document = json!({"Version": "2012-10-17", "Statement": {
                "Effect": "Allow", "Action": action, "Resource": resource, "Principal": {"AWS": principal},
                "Condition": {operator: {key.clone(): value}},
            }});
            let _ = Policy::parse(&document.to_string(), PolicyKind::Resource(ResourceService::Other));
            let Ok(policy) = Policy::stored(&document.to_string(), PolicyKind::Endpoint) else { continue };
            let (principal, context) = (caller(), Context::new().with(key.clone(), actual.clone()));
            let request = Request {
                principal: &principal,
                action: &action,
                resource: &resource,
                resource_account: None,
                context: &context,
            };
            let own = [Attached::to_resource("own", &policy)];
            let layers = Layers { resource: Some(ResourceLayer::ordinary(&own)), ..Layers::default() };
            let trace = trace(&request, &layers);
            let _ = (explain(&trace), suggest_fix(&request, &layers));
        }
    }
}
