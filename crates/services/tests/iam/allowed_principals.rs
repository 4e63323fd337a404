//! `landfall:ListAllowedPrincipals` knows what a call on the resource would know.

use crate::support::*;
use landfall_api::{ecr, iam, kms, landfall as api, secretsmanager};
use landfall_base::AccountId;
use landfall_services::pipe::Caller;
use landfall_services::testing::{TestInstallation, account, root};

fn ask(action: &str, resource: &str, context: &[(&str, &str)]) -> api::ListAllowedPrincipalsRequest {
    let entry =
        |(key, value): &(&str, &str)| api::ContextEntry { key: (*key).into(), values: vec![(*value).into()] };
    api::ListAllowedPrincipalsRequest {
        action: action.into(),
        resource: resource.into(),
        context: Some(context.iter().map(entry).collect()),
    }
}

/// Whether a user is among those who may.
fn may(t: &TestInstallation, name: &str, input: api::ListAllowedPrincipalsRequest) -> bool {
    let arn = format!("arn:aws:iam::111122223333:user/{name}");
    let found = ok::<api::ListAllowedPrincipals>(t, &root(), input).principals;
    found.iter().any(|it| it.arn == arn)
}

fn allow_if(t: &TestInstallation, name: &str, action: &str, condition: &str) {
    let document = format!(
        r#"{{"Version":"2012-10-17","Statement":[{{"Effect":"Allow","Action":"{action}","Resource":"*","Condition":{condition}}}]}}"#
    );
    allow(t, &user(t, name), &document);
}

#[test]
fn tags_and_other_keys_of_the_resource_are_known() {
    let t = with_account();
    let secret = secretsmanager::CreateSecretRequest {
        name: "s".into(),
        secret_string: Some("v".to_owned().into()),
        tags: Some(vec![secretsmanager::Tag { key: Some("team".into()), value: Some("red".into()) }]),
        client_request_token: Some("0123456789abcdef0123456789abcdef".into()),
        ..Default::default()
    };
    let secret = ok::<secretsmanager::CreateSecret>(&t, &root(), secret).arn.unwrap();
    let repository = ecr::CreateRepositoryRequest {
        repository_name: "app".into(),
        tags: Some(vec![ecr::Tag { key: "team".into(), value: "red".into() }]),
        ..Default::default()
    };
    let repository = ok::<ecr::CreateRepository>(&t, &root(), repository).repository.unwrap();
    let repository = repository.repository_arn.unwrap();
    let key = kms::CreateKeyRequest {
        tags: Some(vec![kms::Tag { tag_key: "team".into(), tag_value: "red".into() }]),
        ..Default::default()
    };
    let key = ok::<kms::CreateKey>(&t, &root(), key).key_metadata.unwrap().arn.unwrap();
    let tags = vec![tag("team", "red")];
    let input = iam::CreateUserRequest { user_name: "marked".into(), tags: Some(tags), ..Default::default() };
    ok::<iam::CreateUser>(&t, &root(), input);

    let value = "secretsmanager:GetSecretValue";
    let task = "arn:aws:ecs:us-east-1:111122223333:task/blue/0123456789abcdef0123456789abcdef";
    let cases = [
        (value, secret.as_str(), r#"{"StringEquals":{"aws:ResourceTag/team":"red"}}"#, true),
        (value, &secret, r#"{"StringEquals":{"aws:ResourceTag/team":"blue"}}"#, false),
        (value, &secret, r#"{"StringEquals":{"secretsmanager:ResourceTag/team":"red"}}"#, true),
        (value, &secret, r#"{"Bool":{"aws:SecureTransport":"false"}}"#, true),
        (value, &secret, r#"{"Bool":{"aws:SecureTransport":"true"}}"#, false),
        (value, &secret, r#"{"StringLike":{"secretsmanager:SecretId":"*:secret:s-*"}}"#, true),
        ("ecr:ListImages", &repository, r#"{"StringEquals":{"ecr:ResourceTag/team":"red"}}"#, true),
        ("kms:Decrypt", &key, r#"{"StringEquals":{"aws:ResourceTag/team":"red"}}"#, true),
        ("kms:Decrypt", &key, r#"{"StringEquals":{"kms:KeySpec":"SYMMETRIC_DEFAULT"}}"#, true),
        ("kms:Decrypt", &key, r#"{"StringEquals":{"kms:CallerAccount":"111122223333"}}"#, true),
        (
            "iam:GetUser",
            "arn:aws:iam::111122223333:user/marked",
            r#"{"StringEquals":{"iam:ResourceTag/team":"red"}}"#,
            true,
        ),
        ("ecs:StopTask", task, r#"{"ArnLike":{"ecs:cluster":"arn:aws:ecs:*:*:cluster/blue"}}"#, true),
    ];
    for (at, (action, resource, condition, allowed)) in cases.into_iter().enumerate() {
        let name = format!("user{at}");
        allow_if(&t, &name, action, condition);
        assert_eq!(may(&t, &name, ask(action, resource, &[])), allowed, "{action} {condition}");
    }
}

#[test]
fn what_is_given_counts_in_place_of_what_is_known() {
    let t = with_account();
    allow_if(&t, "alice", "ecs:*", r#"{"StringEquals":{"aws:SourceVpce":"vpce-1"}}"#);
    let cluster = "arn:aws:ecs:us-east-1:111122223333:cluster/blue";
    let asked = |context: &[(&str, &str)]| may(&t, "alice", ask("ecs:DescribeClusters", cluster, context));
    assert!(!asked(&[]) && asked(&[("aws:sourcevpce", "vpce-1")]) && !asked(&[("aws:SourceVpce", "vpce-2")]));
    allow_if(&t, "bob", "ecs:*", r#"{"Bool":{"aws:SecureTransport":"true"}}"#);
    assert!(may(&t, "bob", ask("ecs:DescribeClusters", cluster, &[("aws:SecureTransport", "true")])));
}

#[test]
fn session_tokens_are_for_every_user() {
    let t = with_account();
    allow(&t, &user(&t, "alice"), &policy("Deny", "sts:*", "*"));
    role(&t, "worker", &trust(ECS_TASKS));
    let found =
        ok::<api::ListAllowedPrincipals>(&t, &root(), ask("sts:GetSessionToken", "*", &[])).principals;
    let layers: Vec<_> = found.iter().map(|it| (it.arn.as_str(), it.layer.as_str())).collect();
    assert!(layers.contains(&("arn:aws:iam::111122223333:user/alice", "inherent")), "{layers:?}");
    assert!(layers.contains(&("arn:aws:iam::111122223333:root", "inherent")), "{layers:?}");
    assert!(!layers.iter().any(|(arn, _)| arn.contains(":role/")), "{layers:?}");
}

#[test]
fn actions_and_resources_that_do_not_go_together() {
    let t = with_account();
    let user = "arn:aws:iam::111122223333:user/alice";
    let cases = [
        (
            "sts:GetSessionToken",
            user,
            "`sts:GetSessionToken` is about no single resource: give `*` in place of an ARN",
        ),
        (
            "ecr:GetAuthorizationToken",
            user,
            "`ecr:GetAuthorizationToken` is about no single resource: give `*` in place of an ARN",
        ),
        ("ecr:Pull", "*", "`ecr:Pull` is no action of `ecr`"),
        (
            "sts:AssumeRole",
            user,
            "`sts:AssumeRole` cannot be about `arn:aws:iam::111122223333:user/alice`: it applies to role \
             (`arn:aws:iam::Account:role/RoleNameWithPath`)",
        ),
        (
            "s3:GetObject",
            "arn:aws:s3:::b",
            "`s3:GetObject` cannot be about `arn:aws:s3:::b`: it applies to accesspointobject \
             (`arn:aws:s3:Region:Account:accesspoint/AccessPointName/object/ObjectName`), object \
             (`arn:aws:s3:::BucketName/ObjectName`)",
        ),
        ("ListImages", "*", "action `ListImages` names no service: expected `service:Action`"),
    ];
    for (action, resource, text) in cases {
        let (code, message) = refused::<api::ListAllowedPrincipals>(&t, &root(), ask(action, resource, &[]));
        assert_eq!((code, message.as_str()), ("InvalidParameterException", text));
    }
}

/// Actions that are checked on everything of their service are asked about as a call is.
#[test]
fn everything_of_a_service_is_what_a_call_is_about() {
    let everything = |service: &str, end: &str| format!("arn:aws:{service}:us-east-1:111122223333:{end}");
    let cases = [
        ("lightsail:GetContainerServices", everything("lightsail", "*")),
        ("ssm:DescribeParameters", everything("ssm", "*")),
        ("logs:DescribeLogGroups", everything("logs", "log-group::log-stream:")),
    ];
    for (action, arn) in cases {
        let t = with_account();
        allow(&t, &user(&t, "alice"), &policy("Allow", action, &arn));
        let all_but = format!(
            r#"{{"Version":"2012-10-17","Statement":[{{"Effect":"Allow","Action":"*","Resource":"*"}},
                {{"Effect":"Deny","Action":"{action}","Resource":"{arn}"}}]}}"#
        );
        allow(&t, &user(&t, "bob"), &all_but);
        assert!(may(&t, "alice", ask(action, "*", &[])), "{action}");
        assert!(!may(&t, "bob", ask(action, "*", &[])), "{action}");
    }
    let t = with_account();
    allow(&t, &user(&t, "alice"), &policy("Allow", "lightsail:*", "*"));
    let named = ask("lightsail:GetContainerServices", &everything("lightsail", "*"), &[]);
    assert!(may(&t, "alice", named));
}

#[test]
fn a_secret_is_found_by_the_name_in_its_arn() {
    let t = with_account();
    allow(&t, &user(&t, "reader"), &policy("Allow", "secretsmanager:GetSecretValue", "*"));
    let secret = secretsmanager::CreateSecretRequest {
        name: "sealed".into(),
        secret_string: Some("v".to_owned().into()),
        client_request_token: Some("0123456789abcdef0123456789abcdef".into()),
        ..Default::default()
    };
    let secret = ok::<secretsmanager::CreateSecret>(&t, &root(), secret).arn.unwrap();
    let (without_suffix, _) = secret.rsplit_once('-').unwrap();
    let value = "secretsmanager:GetSecretValue";
    assert!(may(&t, "reader", ask(value, without_suffix, &[])));
    let deny = secretsmanager::PutResourcePolicyRequest {
        secret_id: secret.clone(),
        resource_policy: r#"{"Version":"2012-10-17","Statement":{"Effect":"Deny","Principal":"*",
            "Action":"secretsmanager:GetSecretValue","Resource":"*"}}"#
            .into(),
        ..Default::default()
    };
    ok::<secretsmanager::PutResourcePolicy>(&t, &root(), deny);
    assert_eq!(who(&t, value, &secret), []);
    assert_eq!(who(&t, value, without_suffix), []);
}

#[test]
fn of_what_does_not_exist_nobody_can_tell_who_may() {
    let t = with_account();
    let arn = |service: &str, name: &str| format!("arn:aws:{service}:111122223333:{name}");
    let absent = [
        ("secretsmanager:GetSecretValue", arn("secretsmanager:us-east-1", "secret:absent-AAAAAA")),
        ("secretsmanager:GetSecretValue", arn("secretsmanager:us-east-1", "secret:absent")),
        ("kms:Decrypt", arn("kms:us-east-1", "key/00000000-0000-0000-0000-000000000000")),
        ("sts:AssumeRole", arn("iam:", "role/absent")),
        ("ecr:BatchGetImage", arn("ecr:us-east-1", "repository/absent")),
    ];
    for (action, arn) in absent {
        let (code, message) = refused::<api::ListAllowedPrincipals>(&t, &root(), ask(action, &arn, &[]));
        let text = format!("`{arn}` does not exist, so that no policy of its own tells who can");
        assert_eq!((code, message), ("InvalidParameterException", text));
    }
    let (_, message) = refused::<api::ListAllowedPrincipals>(&t, &root(), ask("kms:Decrypt", "*", &[]));
    assert!(message.starts_with("`kms:Decrypt` is always about a resource"), "{message}");
    allow(&t, &user(&t, "maker"), &policy("Allow", "ecr:*", "*"));
    for action in ["ecr:CreateRepository", "ecr:BatchImportUpstreamImage"] {
        assert!(may(&t, "maker", ask(action, &arn("ecr:us-east-1", "repository/absent"), &[])));
    }
    assert!(may(&t, "maker", ask("ecr:BatchGetImage", &arn("ecr:us-east-1", "repository/team/*"), &[])));
}

/// Who may, with what must hold.
fn who(t: &TestInstallation, action: &str, resource: &str) -> Vec<(String, Option<String>)> {
    let found = ok::<api::ListAllowedPrincipals>(t, &root(), ask(action, resource, &[])).principals;
    found.into_iter().map(|it| (it.arn, it.provided)).collect()
}

fn named(arn: &str, provided: &str) -> (String, Option<String>) {
    (arn.to_owned(), (!provided.is_empty()).then(|| provided.to_owned()))
}

const OWN: &str = "as far as its own policies allow";

#[test]
fn whoever_a_trust_policy_names_is_asked() {
    let t = with_account();
    role(&t, "parent", &trust(ECS_TASKS));
    let statement = |principal: &str, action: &str, condition: &str| {
        format!(r#"{{"Effect":"Allow","Principal":{principal},"Action":"{action}"{condition}}}"#)
    };
    let document = |statements: &[String]| {
        format!(r#"{{"Version":"2012-10-17","Statement":[{}]}}"#, statements.join(","))
    };
    let source = r#","Condition":{"StringEquals":{"aws:SourceAccount":"111122223333"},"ArnLike":{"aws:SourceArn":"arn:aws:ecs:*:111122223333:*"}}"#;
    let manager =
        r#","Condition":{"ArnLike":{"aws:PrincipalArn":"arn:aws:iam::333333333333:role/deploy-*"}}"#;
    let subject = r#","Condition":{"StringLike":{"token.example.com:sub":"repo:a/*"}}"#;
    let statements = [
        statement(r#"{"Service":["ec2.amazonaws.com"]}"#, "sts:AssumeRole", ""),
        statement(r#"{"Service":["ecs-tasks.amazonaws.com"]}"#, "sts:AssumeRole", source),
        statement(r#"{"AWS":"222222222222"}"#, "sts:AssumeRole", ""),
        statement(r#"{"AWS":"333333333333"}"#, "sts:AssumeRole", manager),
        statement(r#"{"AWS":"arn:aws:sts::111122223333:assumed-role/parent/s"}"#, "sts:AssumeRole", ""),
        statement(r#"{"AWS":"arn:aws:sts::111122223333:assumed-role/missing/s"}"#, "sts:AssumeRole", ""),
        statement(r#"{"AWS":"arn:aws:sts::222222222222:federated-user/bob"}"#, "sts:AssumeRole", ""),
        statement(
            r#"{"Federated":"arn:aws:iam::111122223333:oidc-provider/token.example.com"}"#,
            "sts:AssumeRoleWithWebIdentity",
            subject,
        ),
    ];
    let r = role(&t, "r", &document(&statements)).arn;
    assert_eq!(
        who(&t, "sts:AssumeRole", &r),
        [
            named("arn:aws:iam::222222222222:root", OWN),
            named(
                "arn:aws:iam::333333333333:root",
                &format!("{OWN}, where `aws:PrincipalArn` is `arn:aws:iam::333333333333:role/deploy-*`")
            ),
            named("arn:aws:sts::111122223333:assumed-role/parent/s", ""),
            named("arn:aws:sts::222222222222:federated-user/bob", OWN),
            named("ec2.amazonaws.com", ""),
            named(
                "ecs-tasks.amazonaws.com",
                "where `aws:SourceAccount` is `111122223333` and `aws:SourceArn` is \
                 `arn:aws:ecs:*:111122223333:*`"
            ),
        ]
    );
    assert_eq!(
        who(&t, "sts:AssumeRoleWithWebIdentity", &r),
        [named(
            "arn:aws:iam::111122223333:oidc-provider/token.example.com",
            "with a token of this provider, where `token.example.com:sub` is `repo:a/*`"
        )]
    );
    let given =
        [("aws:SourceAccount", "111122223333"), ("aws:SourceArn", "arn:aws:ecs:us-east-1:111122223333:x")];
    let found = ok::<api::ListAllowedPrincipals>(&t, &root(), ask("sts:AssumeRole", &r, &given)).principals;
    let tasks = found.into_iter().find(|it| it.arn == "ecs-tasks.amazonaws.com").unwrap();
    assert_eq!(
        (tasks.provided, tasks.deciding.as_deref()),
        (None, Some("policy ResourcePolicy, statement 2"))
    );
}

#[test]
fn everybody_and_other_accounts_of_a_secret() {
    let t = with_account();
    let secret = secretsmanager::CreateSecretRequest {
        name: "s".into(),
        secret_string: Some("v".to_owned().into()),
        client_request_token: Some("0123456789abcdef0123456789abcdef".into()),
        ..Default::default()
    };
    let secret = ok::<secretsmanager::CreateSecret>(&t, &root(), secret).arn.unwrap();
    let set = |principal: &str, condition: &str| {
        let statement = format!(
            r#"{{"Effect":"Allow","Principal":{principal},"Action":"secretsmanager:GetSecretValue","Resource":"*"{condition}}}"#
        );
        let input = secretsmanager::PutResourcePolicyRequest {
            secret_id: secret.clone(),
            resource_policy: format!(r#"{{"Version":"2012-10-17","Statement":[{statement}]}}"#),
            ..Default::default()
        };
        ok::<secretsmanager::PutResourcePolicy>(&t, &root(), input);
        let mut found = who(&t, "secretsmanager:GetSecretValue", &secret);
        found.retain(|(arn, _)| !arn.starts_with("arn:aws:iam::111122223333:"));
        found
    };
    assert_eq!(set(r#"{"AWS":"222222222222"}"#, ""), [named("arn:aws:iam::222222222222:root", OWN)]);
    assert_eq!(set(r#""*""#, ""), [named("*", "of any account, as far as their own policies allow")]);
    assert_eq!(
        set(r#""*""#, r#","Condition":{"StringEquals":{"aws:SourceVpce":["vpce-1","vpce-2"]}}"#),
        [named(
            "*",
            "of any account, as far as their own policies allow, where `aws:SourceVpce` is `vpce-1` or `vpce-2`"
        )]
    );
    assert_eq!(set(r#""*""#, r#","Condition":{"StringEquals":{"aws:PrincipalOrgID":"o-landfall"}}"#), []);
    assert_eq!(set(r#"{"AWS":"111122223333"}"#, ""), []);
}

/// A user `admin` of an account, which may do everything.
fn administrator(t: &TestInstallation, of: &AccountId) -> Caller {
    if *of != account() {
        let input = api::CreateAccountRequest { account_id: of.to_string() };
        ok::<api::CreateAccount>(t, &root(), input);
    }
    let admin = user_of(t, of, "admin");
    allow(t, &admin, &policy("Allow", "*", "*"));
    admin
}

/// ARNs of buckets and objects tell no account: the bucket does.
#[test]
fn a_bucket_is_its_owners() {
    let t = with_account();
    let (own, other) = (administrator(&t, &account()), administrator(&t, &other_account()));
    bucket(&t, &account(), "own", None);
    bucket(&t, &other_account(), "theirs", None);
    let shared = format!(
        r#"{{"Version":"2012-10-17","Statement":[{{"Effect":"Allow","Principal":{{"AWS":"{OTHER}"}},"Action":"s3:GetObject","Resource":"arn:aws:s3:::shared/*"}}]}}"#
    );
    bucket(&t, &account(), "shared", Some(&shared));
    let everyone = |who: &Caller, action: &str, resource: &str| -> Vec<String> {
        let found = ok::<api::ListAllowedPrincipals>(&t, who, ask(action, resource, &[])).principals;
        found.into_iter().map(|it| it.arn).collect()
    };
    let of =
        |account: &str| ["root", "user/admin"].map(|name| format!("arn:aws:iam::{account}:{name}")).to_vec();
    let (ours, theirs) = (of("111122223333"), of(OTHER));
    let own_and_admins = |found: Vec<String>| -> Vec<String> {
        found.into_iter().filter(|arn| arn.ends_with(":root") || arn.ends_with("user/admin")).collect()
    };
    let both = [ours.clone(), theirs.clone()].concat();
    let cases = [
        (&own, "s3:ListBucket", "arn:aws:s3:::own", ours.clone()),
        (&own, "s3:GetObject", "arn:aws:s3:::own/a/key", ours.clone()),
        (&own, "s3:GetObject", "arn:aws:s3:::own/*", ours.clone()),
        (&own, "s3:ListBucket", "arn:aws:s3:::theirs", theirs.clone()),
        (&own, "s3:GetObject", "arn:aws:s3:::shared/key", both.clone()),
        (&own, "s3:PutObject", "arn:aws:s3:::shared/key", ours),
        // Another account's asker learns of its own principals alone.
        (&other, "s3:ListBucket", "arn:aws:s3:::own", Vec::new()),
        (&other, "s3:ListBucket", "arn:aws:s3:::theirs", theirs.clone()),
        (&other, "s3:GetObject", "arn:aws:s3:::shared/key", theirs),
        // Who makes a bucket makes it in the own account.
        (&own, "s3:CreateBucket", "arn:aws:s3:::new", both.clone()),
        (&own, "s3:ListAllMyBuckets", "*", both),
    ];
    for (who, action, resource, expected) in cases {
        let found = own_and_admins(everyone(who, action, resource));
        assert_eq!(found, expected, "{action} {resource}");
    }
}

#[test]
fn a_bucket_that_is_missing_is_said_to_be() {
    let t = with_account();
    for (action, resource) in
        [("s3:ListBucket", "arn:aws:s3:::missing"), ("s3:GetObject", "arn:aws:s3:::missing/key")]
    {
        let refusal = refused::<api::ListAllowedPrincipals>(&t, &root(), ask(action, resource, &[]));
        let text = format!(
            "bucket `missing` of `{resource}` does not exist, and only a bucket tells which account it is of"
        );
        assert_eq!(refusal, ("InvalidParameterException", text));
    }
}
