//! Hints, refusals and fixes as a user reads them.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use landfall_base::AccountId;
use landfall_iam::{
    Attached, Blocker, Context, Effect, Layer, Layers, MessageStyle, Policy, PolicyKind, Principal, Request,
    ResourceKind, ResourceLayer, ResourceService, evaluate, explain, suggest_fix, trace,
};
use serde_json::{Value, json};

const ROLE: &str = "arn:aws:iam::111122223333:role/service-role/exec";
const SECRET: &str = "arn:aws:secretsmanager:eu-central-1:111122223333:secret:prod/db-AbCdEf";
const KEY: &str = "arn:aws:kms:eu-central-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab";

fn account(text: &str) -> AccountId {
    text.parse().unwrap()
}

fn caller() -> Principal {
    Principal::role_session(ROLE.parse().unwrap(), &account("111122223333"), "AROAEXEC", "task")
}

fn document(statement: &Value) -> String {
    json!({"Version": "2012-10-17", "Statement": [statement]}).to_string()
}

fn identity(action: &str, resource: &str) -> Policy {
    let statement = json!({"Sid": "Pull", "Effect": "Allow", "Action": action, "Resource": resource});
    Policy::stored(&document(&statement), PolicyKind::Identity).unwrap()
}

fn request<'a>(
    principal: &'a Principal,
    action: &'a str,
    resource: &'a str,
    context: &'a Context,
) -> Request<'a> {
    Request { principal, action, resource, resource_account: None, context }
}

fn first_hint(action: &str, pattern: &str, resource: &str) -> String {
    let (principal, context, policy) = (caller(), Context::new(), identity(action, pattern));
    let attached = [Attached::inline("own", &policy)];
    let key = Policy::stored(
        &document(&json!({"Effect": "Allow", "Principal": {"AWS": "111122223333"}, "Action": "kms:*", "Resource": "*"})),
        PolicyKind::Resource(ResourceService::KmsKey),
    )
    .unwrap();
    let own = [Attached::to_resource("key", &key)];
    let resource_layer = action.starts_with("kms:").then(|| ResourceLayer::kms_key(&own, &[]));
    let layers = Layers { identity: &attached, resource: resource_layer, ..Layers::default() };
    explain(&trace(&request(&principal, action, resource, &context), &layers)).swap_remove(0)
}

#[test]
fn usual_mistakes_in_arns_are_recognized() {
    let secret = SECRET.trim_end_matches("-AbCdEf");
    let log_group = "arn:aws:logs:eu-central-1:111122223333:log-group:/ecs/app";
    let stream = format!("{log_group}:log-stream:web/1");
    let parameter = "arn:aws:ssm:eu-central-1:111122223333:parameter/prod/db";
    let definition = "arn:aws:ecs:eu-central-1:111122223333:task-definition/web:7";
    let table = [
        ("secretsmanager:GetSecretValue", secret, SECRET, "secret:prod/db-??????` instead"),
        ("logs:PutLogEvents", log_group, &stream, "log-group:/ecs/app:*` instead"),
        ("ssm:GetParameters", &parameter.replace("parameter/", "parameter//"), parameter, "leading slash"),
        ("ecs:RunTask", definition.trim_end_matches(":7"), definition, "revision"),
        ("kms:Decrypt", "arn:aws:kms:eu-central-1:111122223333:alias/app", KEY, "names an alias"),
        ("kms:Decrypt", &KEY.replace(":key/", ":key:"), KEY, "slash behind `key`"),
        ("s3:GetObject", "arn:aws:s3:::cfg", "arn:aws:s3:::cfg/app.env", "arn:aws:s3:::cfg/*"),
        ("ssm:GetParameters", &parameter.replace("eu-", "us-"), parameter, "Region were `eu-central-1`"),
        ("ssm:GetParameters", &parameter.replace("1111", "4444"), parameter, "account were `111122223333`"),
        ("ecr:GetAuthorizationToken", "arn:aws:ecr:*:*:*", "*", "Resource were `*`"),
        ("ssm:GetParameters", &parameter.to_uppercase(), parameter, "case-sensitive"),
        ("s3:GetObject", "arn:aws:s3:::home/${aws:username}/*", "arn:aws:s3:::home/a/b", "variable"),
    ];
    for (action, pattern, resource, expected) in table {
        let hint = first_hint(action, pattern, resource);
        assert!(hint.starts_with("statement 1 (`Pull`) of the identity-based policy `own`"), "{hint}");
        assert!(hint.contains(expected), "{hint} lacks {expected}");
    }
}

#[test]
fn a_similar_action_is_named() {
    let table = [
        ("ssm:GetParameter", "ssm:GetParameters", "`ssm:GetParameter` is another action"),
        ("ecr:BatchGetImages", "ecr:BatchGetImage", "`ecr:BatchGetImages` is not an action"),
    ];
    for (written, asked, expected) in table {
        let (principal, context, policy) = (caller(), Context::new(), identity(written, "*"));
        let attached = [Attached::inline("own", &policy)];
        let layers = Layers { identity: &attached, ..Layers::default() };
        let hints =
            explain(&trace(&request(&principal, asked, "arn:aws:x:r:111122223333:a", &context), &layers));
        assert!(hints[0].contains(expected), "{hints:?}");
    }
}

#[test]
fn an_absent_condition_key_is_explained() {
    let statement = json!({"Effect": "Allow", "Action": "ecr:*", "Resource": "*",
        "Condition": {"StringEquals": {"aws:SourceVpce": "vpce-1"}}});
    let policy = Policy::parse(&document(&statement), PolicyKind::Identity).unwrap();
    let (principal, context) = (caller(), Context::new());
    let attached = [Attached::inline("own", &policy)];
    let layers = Layers { identity: &attached, ..Layers::default() };
    let hints = explain(&trace(&request(&principal, "ecr:GetAuthorizationToken", "*", &context), &layers));
    assert!(hints[0].contains("`aws:SourceVpce`") && hints[0].contains("VPC endpoint"), "{hints:?}");
}

#[test]
fn a_trust_policy_for_the_wrong_service_is_recognized() {
    let statement =
        json!({"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"Service": "ecs.amazonaws.com"}});
    let policy = Policy::parse(&document(&statement), PolicyKind::RoleTrust).unwrap();
    let own = [Attached::to_resource("trust", &policy)];
    let (principal, context) = (Principal::service("ecs-tasks.amazonaws.com"), Context::new());
    let request = request(&principal, "sts:AssumeRole", ROLE, &context);
    let layers = Layers { resource: Some(ResourceLayer::role_trust(&own)), ..Layers::default() };
    let hints = explain(&trace(&request, &layers));
    assert!(hints[0].contains("`ecs-tasks.amazonaws.com`"), "{hints:?}");
    let fix = suggest_fix(&request, &layers).unwrap();
    assert!(fix.verified);
    assert_eq!(fix.steps[0].statement["Principal"], json!({"Service": "ecs-tasks.amazonaws.com"}));
}

#[test]
fn across_accounts_both_sides_are_fixed() {
    let (principal, context, owner) = (caller(), Context::new(), account("444455556666"));
    let repository = "arn:aws:ecr:eu-central-1:444455556666:repository/app";
    let request = Request {
        resource_account: Some(&owner),
        ..request(&principal, "ecr:BatchGetImage", repository, &context)
    };
    let fix = suggest_fix(&request, &Layers::default()).unwrap();
    assert!(fix.verified);
    let layers: Vec<_> = fix.steps.iter().map(|step| step.layer).collect();
    assert_eq!(layers, [Layer::Resource, Layer::Identity]);
    assert_eq!(
        fix.steps[0].statement,
        json!({"Effect": "Allow", "Principal": {"AWS": ROLE}, "Action": "ecr:BatchGetImage"})
    );
}

#[test]
fn an_explicit_deny_is_named_with_its_policy() {
    let arn = "arn:aws:iam::111122223333:policy/guard";
    let statement = json!({"Sid": "No", "Effect": "Deny", "Action": "*", "Resource": "*"});
    let policy = Policy::parse(&document(&statement), PolicyKind::Identity).unwrap();
    let (principal, context) = (caller(), Context::new());
    let attached = [Attached::managed("guard", arn, &policy)];
    let layers = Layers { identity: &attached, ..Layers::default() };
    let request = request(&principal, "s3:GetObject", "arn:aws:s3:::b/k", &context);
    let decision = evaluate(&request, &layers);
    let sentence = "User: arn:aws:sts::111122223333:assumed-role/exec/task is not authorized to perform: \
                    s3:GetObject on resource: \"arn:aws:s3:::b/k\" with an explicit deny in an identity-based policy";
    assert_eq!(decision.denial(&request), format!("{sentence}: {arn}"));
    assert_eq!(decision.denial_with(&request, MessageStyle { policy_arn: false }), sentence);
    let fix = suggest_fix(&request, &layers).unwrap();
    let Some(Blocker::Deny { policy, index, sid, .. }) = fix.blocked else { panic!("{fix:?}") };
    assert_eq!((policy.as_str(), index, sid.as_deref(), fix.verified), ("guard", 0, Some("No"), false));
}

#[test]
fn required_policies_left_out_do_not_open_anything() {
    let (principal, context, policy) = (caller(), Context::new(), identity("*", "*"));
    let attached = [Attached::inline("admin", &policy)];
    let layers = Layers { identity: &attached, ..Layers::default() };
    for (action, resource) in [("sts:AssumeRole", ROLE), ("sts:TagSession", ROLE), ("kms:Decrypt", KEY)] {
        assert!(
            !evaluate(&request(&principal, action, resource, &context), &layers).is_allowed(),
            "{action}"
        );
    }
    for (action, resource) in [("kms:ListKeys", "*"), ("sts:GetCallerIdentity", "*")] {
        assert!(evaluate(&request(&principal, action, resource, &context), &layers).is_allowed(), "{action}");
    }
}

/// Inside an account the caller's own policies decide; the resource's is told of where it nearly let the caller in.
#[test]
fn a_resource_policy_that_nearly_matches_is_told_of_beside() {
    let hints = |principal: &str, condition: Value| {
        let own = json!({"Effect": "Allow", "Principal": {"AWS": principal}, "Action": "ecr:BatchGetImage",
            "Condition": condition});
        let own =
            Policy::stored(&document(&own), PolicyKind::Resource(ResourceService::EcrRepository)).unwrap();
        let (principal, context) = (caller(), Context::new());
        let (identity, own) = (identity("s3:*", "*"), [Attached::to_resource("own", &own)]);
        let identity = [Attached::inline("own", &identity)];
        let resource = Some(ResourceLayer::ordinary(&own));
        let layers = Layers { identity: &identity, resource, ..Layers::default() };
        let repository = "arn:aws:ecr:eu-central-1:111122223333:repository/app";
        explain(&trace(&request(&principal, "ecr:BatchGetImage", repository, &context), &layers))
    };
    let silent = "no identity-based policy mentions `ecr:BatchGetImage`";
    let near = |what: &str| {
        vec![
            silent.to_owned(),
            format!("statement 1 of the resource-based policy `own` would have matched if {what}"),
        ]
    };
    let deleted = format!(
        "it named `{ROLE}`: `AROAGONE` is the id of a deleted principal, or of another one of that name"
    );
    assert_eq!(hints("AROAGONE", json!({})), near(&deleted));
    let path = "arn:aws:iam::111122223333:role/exec";
    assert_eq!(
        hints(path, json!({})),
        near(&format!("it named `{ROLE}`: `{path}` has another path or account"))
    );
    let absent = hints(ROLE, json!({"StringEquals": {"aws:SourceVpc": "vpc-1"}}));
    assert!(absent[1].contains("`aws:SourceVpc`"), "{absent:?}");
    // Whom it is meant for says nothing about the caller.
    assert_eq!(hints("arn:aws:iam::111122223333:user/alice", json!({})), [silent]);
}

#[test]
fn an_empty_level_of_the_organization_is_told_of() {
    let everything = Policy::stored(
        &document(&json!({"Effect": "Allow", "Action": "*", "Resource": "*"})),
        PolicyKind::ServiceControl,
    )
    .unwrap();
    let all = [Attached::inline("all", &everything)];
    let (principal, context) = (caller(), Context::new());
    let levels: [&[Attached<'_>]; 2] = [&all, &[]];
    let layers = Layers { identity: &all, scp: &levels, ..Layers::default() };
    let trace = trace(&request(&principal, "s3:GetObject", "arn:aws:s3:::b/k", &context), &layers);
    let outcomes: Vec<_> = trace.layers.iter().map(|it| (it.layer, it.outcome)).collect();
    let expected = [
        (Layer::ServiceControl, Effect::Allow),
        (Layer::ServiceControl, Effect::ImplicitDeny),
        (Layer::Identity, Effect::Allow),
    ];
    assert_eq!((trace.layer, outcomes.as_slice()), (Layer::ServiceControl, &expected[..]));
    let hint = "a level of the organization has no service control policy at all: nothing passes it";
    assert_eq!(explain(&trace), [hint]);
}

/// A level that allows has no say in what the next one lacks.
#[test]
fn only_levels_that_are_silent_are_told_of() {
    let scp = |statement: Value| Policy::stored(&document(&statement), PolicyKind::ServiceControl).unwrap();
    let allow = scp(json!({"Effect": "Allow", "Action": "*", "Resource": "*"}));
    let (near, nearer) = (
        scp(json!({"Effect": "Allow", "Action": "s3:GetObject", "Resource": "arn:aws:s3:::b"})),
        scp(json!({"Effect": "Allow", "Action": "s3:GetObject", "Resource": "arn:aws:s3:::c/*"})),
    );
    let root = [Attached::inline("all", &allow), Attached::inline("idle", &near)];
    let own = [Attached::inline("narrow", &nearer)];
    let levels: [&[Attached<'_>]; 2] = [&root, &own];
    let (principal, context) = (caller(), Context::new());
    let layers = Layers { identity: &root[..1], scp: &levels, ..Layers::default() };
    let trace = trace(&request(&principal, "s3:GetObject", "arn:aws:s3:::b/k", &context), &layers);
    let hints = explain(&trace);
    assert_eq!(hints.len(), 1, "{hints:?}");
    assert!(hints[0].contains("`narrow`"), "{hints:?}");
}

/// The refusal names the resource's policy, which lets the account in; what is missing is the caller's own.
#[test]
fn an_account_that_is_let_in_has_to_allow_its_user() {
    let (principal, context, owner) = (caller(), Context::new(), account("444455556666"));
    let statement =
        json!({"Effect": "Allow", "Principal": {"AWS": "111122223333"}, "Action": "ecr:BatchGetImage"});
    let policy =
        Policy::parse(&document(&statement), PolicyKind::Resource(ResourceService::EcrRepository)).unwrap();
    let own = [Attached::to_resource("repository", &policy)];
    let layers = Layers { resource: Some(ResourceLayer::ordinary(&own)), ..Layers::default() };
    let request = Request {
        resource_account: Some(&owner),
        ..request(
            &principal,
            "ecr:BatchGetImage",
            "arn:aws:ecr:eu-central-1:444455556666:repository/app",
            &context,
        )
    };
    assert!(evaluate(&request, &layers).denial(&request).contains("no resource-based policy allows"));
    assert_eq!(explain(&trace(&request, &layers)), ["no identity-based policy mentions `ecr:BatchGetImage`"]);
    let fix = suggest_fix(&request, &layers).unwrap();
    assert!(fix.verified && fix.smallest);
    assert_eq!(fix.steps.iter().map(|step| step.layer).collect::<Vec<_>>(), [Layer::Identity]);
}

/// Policies that AWS keeps as they are have no fix.
#[test]
fn policies_that_nobody_can_change_are_no_fix() {
    let (principal, context, identity) = (caller(), Context::new(), identity("*", "*"));
    let identity = [Attached::inline("own", &identity)];
    let managed =
        ResourceLayer { policies: &[], kind: ResourceKind::KmsKey { grants: &[], aws_managed: true } };
    let linked = "arn:aws:iam::111122223333:role/aws-service-role/ecs.amazonaws.com/AWSServiceRoleForECS";
    for (action, resource, layer) in
        [("kms:Encrypt", KEY, managed), ("sts:AssumeRole", linked, ResourceLayer::role_trust(&[]))]
    {
        let layers = Layers { identity: &identity, resource: Some(layer), ..Layers::default() };
        let fix = suggest_fix(&request(&principal, action, resource, &context), &layers).unwrap();
        assert!(!fix.verified && fix.steps.is_empty(), "{fix:?}");
        assert!(matches!(fix.blocked, Some(Blocker::Impossible(_))), "{fix:?}");
    }
}

#[test]
fn what_no_policy_can_allow_is_told_as_that() {
    let root = Principal::root(&account("111122223333"));
    let trust = Policy::stored(
        &document(
            &json!({"Effect": "Allow", "Principal": {"AWS": "111122223333"}, "Action": "sts:AssumeRole"}),
        ),
        PolicyKind::RoleTrust,
    )
    .unwrap();
    let (context, own) = (Context::new(), [Attached::to_resource("trust policy", &trust)]);
    let layers = Layers { resource: Some(ResourceLayer::role_trust(&own)), ..Layers::default() };
    let hints = explain(&trace(&request(&root, "sts:AssumeRole", ROLE, &context), &layers));
    assert_eq!(hints, ["a root user becomes no role, whatever policies say: call as a user or a role"]);

    let (key, other) = (KEY.replace("111122223333", "444455556666"), account("444455556666"));
    let (principal, identity) = (caller(), identity("kms:*", "*"));
    let identity = [Attached::inline("own", &identity)];
    let layers =
        Layers { identity: &identity, resource: Some(ResourceLayer::kms_key(&[], &[])), ..Layers::default() };
    let foreign =
        Request { resource_account: Some(&other), ..request(&principal, "kms:PutKeyPolicy", &key, &context) };
    let hints = explain(&trace(&foreign, &layers));
    assert!(
        hints[0].starts_with("`kms:PutKeyPolicy` does not work on what is another account's"),
        "{hints:?}"
    );
    assert_eq!(hints.len(), 1);
}
