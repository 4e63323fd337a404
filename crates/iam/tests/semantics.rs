//! Rules that the golden cases do not reach: kinds of principals, grants, resolved ids, limits of RCPs, documents of
//! resource policies.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::BTreeMap;

use landfall_base::AccountId;
use landfall_iam::{
    Attached, Context, Effect, Grant, GrantConstraint, Layer, Layers, Policy, PolicyKind, Principal, Reason,
    Request, ResourceKind, ResourceLayer, ResourceService, evaluate,
};
use serde_json::{Value, json};

const REPOSITORY: &str = "arn:aws:ecr:eu-central-1:111122223333:repository/app";
const KEY: &str = "arn:aws:kms:eu-central-1:111122223333:key/k";
const ROLE: &str = "arn:aws:iam::111122223333:role/exec";
const SESSION: &str = "arn:aws:sts::111122223333:assumed-role/exec/s";
const USER: &str = "arn:aws:iam::111122223333:user/alice";

fn account() -> AccountId {
    "111122223333".parse().unwrap()
}

fn session() -> Principal {
    Principal::role_session(ROLE.parse().unwrap(), &account(), "AROAEXEC", "s")
}

fn policy(statement: Value, kind: PolicyKind) -> Policy {
    Policy::stored(&json!({"Version": "2012-10-17", "Statement": statement}).to_string(), kind).unwrap()
}

fn repository_policy(statement: Value) -> Policy {
    policy(statement, PolicyKind::Resource(ResourceService::EcrRepository))
}

fn admin() -> Policy {
    policy(json!({"Effect": "Allow", "Action": "*", "Resource": "*"}), PolicyKind::Identity)
}

/// Decides `ecr:BatchGetImage` on the repository with one repository policy.
fn pull(principal: &Principal, own: &Policy, layers: Layers<'_>) -> Effect {
    let own = [Attached::to_resource("own", own)];
    let context = Context::new();
    let request = Request {
        principal,
        action: "ecr:BatchGetImage",
        resource: REPOSITORY,
        resource_account: None,
        context: &context,
    };
    evaluate(&request, &Layers { resource: Some(ResourceLayer::ordinary(&own)), ..layers }).effect
}

fn grant_to(principal: &str) -> Policy {
    repository_policy(json!({"Effect": "Allow", "Action": "ecr:*", "Principal": {"AWS": principal}}))
}

#[test]
fn deny_with_not_principal_spares_only_who_is_fully_listed() {
    let (all, identity) = (admin(), session());
    let attached = [Attached::inline("admin", &all)];
    let layers = Layers { identity: &attached, ..Layers::default() };
    let bounded = Layers { boundary: &attached, ..layers };
    let deny = |listed: Value| {
        repository_policy(json!({"Effect": "Deny", "Action": "*", "NotPrincipal": {"AWS": listed}}))
    };
    let table = [
        (json!([SESSION, ROLE, "111122223333"]), Effect::Allow),
        (json!([ROLE, "111122223333"]), Effect::ExplicitDeny),
        (json!([SESSION, ROLE]), Effect::ExplicitDeny),
        (json!("*"), Effect::Allow),
    ];
    for (listed, expected) in table {
        assert_eq!(pull(&identity, &deny(listed.clone()), layers), expected, "{listed}");
    }
    assert_eq!(
        pull(&identity, &deny(json!([SESSION, ROLE, "111122223333"])), bounded),
        Effect::ExplicitDeny,
        "a boundary is never spared"
    );
}

#[test]
fn allow_with_not_principal_is_for_everybody_else() {
    let allow = repository_policy(json!({"Effect": "Allow", "Action": "*", "NotPrincipal": {"AWS": ROLE}}));
    assert_eq!(pull(&session(), &allow, Layers::default()), Effect::ImplicitDeny);
    assert_eq!(pull(&Principal::anonymous(), &allow, Layers::default()), Effect::Allow);
}

#[test]
fn a_resolved_principal_is_the_one_with_that_id() {
    let named = grant_to(ROLE);
    assert_eq!(pull(&session(), &named, Layers::default()), Effect::Allow);
    let recreated = named.resolve_principals(|_| Some("AROAOLD".into())).unwrap();
    assert_eq!(pull(&session(), &recreated, Layers::default()), Effect::ImplicitDeny);
    let current = named.resolve_principals(|_| Some("AROAEXEC".into())).unwrap();
    assert_eq!(pull(&session(), &current, Layers::default()), Effect::Allow);
}

#[test]
fn federated_users_have_the_grants_of_their_parent_within_limits() {
    let federated = Principal::federated_user(USER.parse().unwrap(), &account(), "AIDAX", "bob");
    let none = policy(json!({"Effect": "Allow", "Action": "s3:*", "Resource": "*"}), PolicyKind::Session);
    let session = [Attached::inline("session", &none)];
    let limited = Layers { session: &session, ..Layers::default() };
    assert_eq!(pull(&federated, &grant_to(USER), Layers::default()), Effect::Allow);
    assert_eq!(pull(&federated, &grant_to(USER), limited), Effect::ImplicitDeny);
    let own = "arn:aws:sts::111122223333:federated-user/bob";
    assert_eq!(pull(&federated, &grant_to(own), limited), Effect::Allow);
}

#[test]
fn organizations_limit_neither_service_linked_roles_nor_unsupported_services() {
    let (all, deny) = (
        admin(),
        policy(
            json!({"Effect": "Deny", "Action": "*", "Resource": "*", "Principal": "*"}),
            PolicyKind::ResourceControl,
        ),
    );
    let (attached, denying) = ([Attached::inline("admin", &all)], [Attached::inline("deny", &deny)]);
    let level: [&[Attached<'_>]; 1] = [&denying];
    let context = Context::new();
    let decide = |principal: &Principal, action, scp: bool| {
        let layers = Layers { identity: &attached, ..Layers::default() };
        let layers = if scp { Layers { scp: &level, ..layers } } else { Layers { rcp: &level, ..layers } };
        let resource = "*";
        evaluate(&Request { principal, action, resource, resource_account: None, context: &context }, &layers)
            .effect
    };
    assert_eq!(decide(&session(), "ecr:DescribeRegistry", true), Effect::ExplicitDeny);
    assert_eq!(decide(&session().service_linked(), "ecr:DescribeRegistry", true), Effect::Allow);
    assert_eq!(decide(&session(), "ecr:DescribeRegistry", false), Effect::ExplicitDeny);
    assert_eq!(decide(&session(), "ecs:ListClusters", false), Effect::Allow);
    assert_eq!(decide(&session().service_linked(), "ecr:DescribeRegistry", false), Effect::Allow);
}

#[test]
fn grants_compare_the_encryption_context() {
    let pairs = |list: &[(&str, &str)]| -> BTreeMap<String, String> {
        list.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect()
    };
    let equals = |list| Some(GrantConstraint::EncryptionContextEquals(pairs(list)));
    let subset = |list| Some(GrantConstraint::EncryptionContextSubset(pairs(list)));
    let table = [
        (None, "kms:Decrypt", true),
        (equals(&[("a", "1"), ("b", "2")]), "kms:Decrypt", true),
        (equals(&[("a", "1")]), "kms:Decrypt", false),
        (subset(&[("a", "1")]), "kms:Decrypt", true),
        (subset(&[("A", "1")]), "kms:Decrypt", false),
        (subset(&[("a", "2")]), "kms:Decrypt", false),
        (subset(&[("a", "2")]), "kms:DescribeKey", true),
        (None, "kms:Encrypt", false),
    ];
    let context = Context::new().with("kms:EncryptionContext:a", "1").with("kms:EncryptionContext:b", "2");
    let principal = session();
    for (constraint, action, expected) in table {
        let operations = vec!["Decrypt".to_owned(), "DescribeKey".to_owned()];
        let grants = [Grant { grantee: ROLE.to_owned(), operations, constraint }];
        let layers = Layers { resource: Some(ResourceLayer::kms_key(&[], &grants)), ..Layers::default() };
        let request = Request {
            principal: &principal,
            action,
            resource: KEY,
            resource_account: None,
            context: &context,
        };
        let decision = evaluate(&request, &layers);
        assert_eq!(decision.is_allowed(), expected, "{action} {grants:?}");
        assert_eq!(decision.layer == Layer::Grant, expected);
    }
}

#[test]
fn keys_of_other_accounts_take_only_some_operations() {
    let (all, owner, principal, context) =
        (admin(), "444455556666".parse().unwrap(), session(), Context::new());
    let key = policy(
        json!({"Effect": "Allow", "Action": "kms:*", "Resource": "*", "Principal": {"AWS": ROLE}}),
        PolicyKind::Resource(ResourceService::KmsKey),
    );
    let (identity, own) = ([Attached::inline("admin", &all)], [Attached::to_resource("key", &key)]);
    let resource =
        ResourceLayer { policies: &own, kind: ResourceKind::KmsKey { grants: &[], aws_managed: false } };
    let layers = Layers { identity: &identity, resource: Some(resource), ..Layers::default() };
    for (action, reason) in [("kms:Decrypt", Reason::Policy), ("kms:PutKeyPolicy", Reason::NotAcrossAccounts)]
    {
        let request = Request {
            principal: &principal,
            action,
            resource: KEY,
            resource_account: Some(&owner),
            context: &context,
        };
        let decision = evaluate(&request, &layers);
        assert_eq!((decision.is_allowed(), decision.reason), (reason == Reason::Policy, reason), "{action}");
    }
}

#[test]
fn policies_of_buckets_are_their_accounts_alone() {
    let (all, owner, context) = (admin(), account(), Context::new());
    let everybody = |effect: &str| {
        let statement = json!({"Effect": effect, "Action": "s3:*", "Resource": ["arn:aws:s3:::b", "arn:aws:s3:::b/*"],
            "Principal": "*"});
        policy(statement, PolicyKind::Resource(ResourceService::Bucket))
    };
    let (allows, denies) = (everybody("Allow"), everybody("Deny"));
    let identity = [Attached::inline("admin", &all)];
    let decide = |principal: &Principal, action: &str, of_bucket: &Policy| {
        let own = [Attached::to_resource("bucket", of_bucket)];
        let layers = Layers {
            identity: &identity,
            resource: Some(ResourceLayer::ordinary(&own)),
            ..Layers::default()
        };
        let resource_account = Some(&owner);
        let request =
            Request { principal, action, resource: "arn:aws:s3:::b", resource_account, context: &context };
        let decision = evaluate(&request, &layers);
        (decision.effect, decision.reason)
    };
    let stranger = "444455556666".parse().unwrap();
    let foreign = Principal::user("arn:aws:iam::444455556666:user/u".parse().unwrap(), &stranger, "AIDAU");
    for action in ["s3:GetBucketPolicy", "s3:PutBucketPolicy", "s3:DeleteBucketPolicy"] {
        for principal in [&foreign, &Principal::anonymous()] {
            let refused = (Effect::ImplicitDeny, Reason::NotAcrossAccounts);
            assert_eq!(decide(principal, action, &allows), refused, "{action}");
        }
        assert_eq!(decide(&session(), action, &denies).0, Effect::ExplicitDeny, "{action}");
        assert_eq!(decide(&Principal::root(&owner), action, &denies).0, Effect::Allow, "{action}");
    }
    assert_eq!(decide(&foreign, "s3:ListBucket", &allows).0, Effect::Allow);
    assert_eq!(decide(&Principal::root(&owner), "s3:ListBucket", &denies).0, Effect::ExplicitDeny);
}

#[test]
fn the_root_user_needs_no_policy_but_a_key_policy() {
    let (root, context) = (Principal::root(&account()), Context::new());
    let decide = |action, resource, layers| {
        evaluate(
            &Request { principal: &root, action, resource, resource_account: None, context: &context },
            &layers,
        )
        .effect
    };
    assert_eq!(decide("ecr:BatchGetImage", REPOSITORY, Layers::default()), Effect::Allow);
    let key = policy(
        json!({"Effect": "Allow", "Action": "kms:*", "Resource": "*", "Principal": {"AWS": "111122223333"}}),
        PolicyKind::Resource(ResourceService::KmsKey),
    );
    let own = [Attached::to_resource("key", &key)];
    let layers =
        |policies| Layers { resource: Some(ResourceLayer::kms_key(policies, &[])), ..Layers::default() };
    assert_eq!(decide("kms:Decrypt", KEY, layers(&own)), Effect::Allow);
    assert_eq!(decide("kms:Decrypt", KEY, layers(&[])), Effect::ImplicitDeny);
}

#[test]
fn web_identities_match_their_provider() {
    let trust = policy(
        json!({"Effect": "Allow", "Action": "sts:AssumeRoleWithWebIdentity",
            "Principal": {"Federated": "arn:aws:iam::111122223333:oidc-provider/token.example.com"}}),
        PolicyKind::RoleTrust,
    );
    let own = [Attached::to_resource("trust", &trust)];
    let layers = Layers { resource: Some(ResourceLayer::role_trust(&own)), ..Layers::default() };
    for (provider, expected) in [("token.example.com", true), ("other.example.com", false)] {
        let (principal, context) = (Principal::web_identity(provider), Context::new());
        let action = "sts:AssumeRoleWithWebIdentity";
        let request = Request {
            principal: &principal,
            action,
            resource: ROLE,
            resource_account: None,
            context: &context,
        };
        assert_eq!(evaluate(&request, &layers).is_allowed(), expected, "{provider}");
    }
}

#[test]
fn refused_documents_of_resource_policies() {
    use ResourceService::{Bucket, EcrRepository, KmsKey, Secret};
    let principal = json!({"AWS": "arn:aws:iam::111122223333:role/*"});
    let wild = json!({"Effect": "Allow", "Action": "*", "Resource": "*", "Principal": principal});
    let nobody = json!({"Effect": "Allow", "Action": "*", "Resource": "*"});
    let ecr = "Invalid parameter at 'PolicyText' failed to satisfy constraint: ";
    let table = [
        (Bucket, &wild, "MalformedPolicy", "Invalid principal in policy".to_owned()),
        (Bucket, &nobody, "MalformedPolicy", "Missing required field Principal".to_owned()),
        (
            KmsKey,
            &wild,
            "MalformedPolicyDocumentException",
            "Policy contains a statement with one or more invalid principals.".to_owned(),
        ),
        (
            Secret,
            &nobody,
            "MalformedPolicyDocumentException",
            "This resource policy contains a syntax error.".to_owned(),
        ),
        (EcrRepository, &wild, "InvalidParameterException", format!("{ecr}'Principal not found'")),
        (
            EcrRepository,
            &nobody,
            "InvalidParameterException",
            format!("{ecr}'Invalid repository policy provided'"),
        ),
    ];
    for (service, statement, code, message) in table {
        let text = json!({"Version": "2008-10-17", "Statement": [statement]}).to_string();
        let error = Policy::parse(&text, PolicyKind::Resource(service)).unwrap_err();
        assert_eq!((error.code(), error.message()), (code, message));
    }
    let everyone = json!({"Version": "2008-10-17", "Statement":
        {"Effect": "Allow", "Action": "ecr:BatchGetImage", "Principal": "*"}});
    assert!(Policy::parse(&everyone.to_string(), PolicyKind::Resource(EcrRepository)).is_ok());
}

#[test]
fn a_stored_allow_without_principal_is_for_nobody() {
    let nobody = repository_policy(json!({"Effect": "Allow", "Action": "*"}));
    let refused = repository_policy(json!({"Effect": "Deny", "Action": "*"}));
    let all = admin();
    let attached = [Attached::inline("admin", &all)];
    let layers = Layers { identity: &attached, ..Layers::default() };
    assert_eq!(pull(&Principal::anonymous(), &nobody, Layers::default()), Effect::ImplicitDeny);
    assert_eq!(pull(&session(), &refused, layers), Effect::ExplicitDeny);
}
