//! Policy simulation.

use crate::support::*;
use landfall_api::iam as api;
use landfall_services::testing::{TestInstallation, root};

const BUCKET: &str = "arn:aws:s3:::b";

fn texts(texts: &[&str]) -> Vec<String> {
    texts.iter().map(|text| (*text).to_owned()).collect()
}

fn custom(policies: &[&str], action: &str, resource: &str) -> api::SimulateCustomPolicyRequest {
    api::SimulateCustomPolicyRequest {
        policy_input_list: texts(policies),
        action_names: texts(&[action]),
        resource_arns: Some(texts(&[resource])),
        ..Default::default()
    }
}

fn simulate(t: &TestInstallation, input: api::SimulateCustomPolicyRequest) -> api::EvaluationResult {
    let answer = ok::<api::SimulateCustomPolicy>(t, &root(), input);
    answer.evaluation_results.into_iter().flatten().next().unwrap_or_default()
}

/// What is decided for each resource.
fn decisions(result: &api::EvaluationResult) -> Vec<&str> {
    let specific = result.resource_specific_results.iter().flatten();
    specific.map(|it| it.eval_resource_decision.as_str()).collect()
}

fn entry(key: &str, value: &str) -> api::ContextEntry {
    api::ContextEntry {
        context_key_name: Some(key.into()),
        context_key_values: Some(texts(&[value])),
        context_key_type: Some(api::ContextKeyTypeEnum::String),
    }
}

#[test]
fn decisions_and_the_statements_that_made_them() {
    let t = installation();
    let allow = policy("Allow", "s3:ListBucket", BUCKET);
    let deny = "{\"Version\":\"2012-10-17\",\n\"Statement\":\n  {\"Effect\":\"Deny\",\"Action\":\"s3:*\",\"Resource\":\"*\"}}";
    let allowed = simulate(&t, custom(&[&allow], "s3:ListBucket", BUCKET));
    assert_eq!(allowed.eval_decision, api::PolicyEvaluationDecisionType::Allowed);
    assert_eq!(allowed.eval_resource_name.as_deref(), Some(BUCKET));
    let matched = allowed.matched_statements.unwrap();
    assert_eq!(matched[0].source_policy_id.as_deref(), Some("PolicyInputList.1"));

    let silent = simulate(&t, custom(&[&allow], "s3:ListBucket", "arn:aws:s3:::other"));
    assert_eq!(silent.eval_decision, api::PolicyEvaluationDecisionType::ImplicitDeny);
    assert_eq!(silent.matched_statements, Some(Vec::new()));

    let denied = simulate(&t, custom(&[&allow, deny], "s3:ListBucket", BUCKET));
    assert_eq!(denied.eval_decision, api::PolicyEvaluationDecisionType::ExplicitDeny);
    let matched = denied.matched_statements.unwrap();
    assert_eq!(matched.len(), 1, "only what denies");
    assert_eq!(matched[0].source_policy_id.as_deref(), Some("PolicyInputList.2"));
    let start = matched[0].start_position.clone().unwrap();
    assert_eq!((start.line, start.column), (Some(3), Some(3)));
}

#[test]
fn context_is_given_or_missing() {
    let t = installation();
    let conditional = r#"{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"s3:*","Resource":"*",
        "Condition":{"StringEquals":{"aws:SourceVpc":"vpc-1"}}}}"#;
    let without = simulate(&t, custom(&[conditional], "s3:ListBucket", BUCKET));
    assert_eq!(without.eval_decision, api::PolicyEvaluationDecisionType::ImplicitDeny);
    assert_eq!(without.missing_context_values, Some(Vec::new()), "told of each resource");
    let specific = without.resource_specific_results.unwrap();
    assert_eq!(specific[0].eval_resource_name, BUCKET);
    assert_eq!(specific[0].missing_context_values, Some(texts(&["aws:SourceVpc"])));
    assert_eq!(without.eval_decision_details.map(|it| it.0), Some(Vec::new()), "one account, one resource");
    let anything = simulate(&t, custom(&[conditional], "s3:ListBucket", "*"));
    assert_eq!(anything.missing_context_values, Some(texts(&["aws:SourceVpc"])));
    assert_eq!((anything.resource_specific_results, anything.eval_decision_details), (None, None));
    let mut input = custom(&[conditional], "s3:ListBucket", BUCKET);
    input.context_entries = Some(vec![entry("AWS:sourcevpc", "vpc-1")]);
    let given = simulate(&t, input);
    assert_eq!(given.eval_decision, api::PolicyEvaluationDecisionType::Allowed);
    assert_eq!(given.missing_context_values, Some(Vec::new()));

    let ask = api::GetContextKeysForCustomPolicyRequest { policy_input_list: texts(&[conditional]) };
    let keys = ok::<api::GetContextKeysForCustomPolicy>(&t, &root(), ask).context_key_names;
    assert_eq!(keys, Some(texts(&["aws:SourceVpc"])));
}

#[test]
fn a_boundary_is_told_apart() {
    let t = installation();
    let mut input = custom(&[ANYTHING], "s3:ListBucket", BUCKET);
    assert_eq!(simulate(&t, input.clone()).permissions_boundary_decision_detail, None);
    input.permissions_boundary_policy_input_list = Some(vec![policy("Allow", "ecs:*", "*")]);
    let result = simulate(&t, input);
    assert_eq!(result.eval_decision, api::PolicyEvaluationDecisionType::ImplicitDeny);
    let detail = result.permissions_boundary_decision_detail.unwrap();
    assert_eq!(detail.allowed_by_permissions_boundary, Some(false));
}

#[test]
fn a_resource_policy_of_another_account_needs_both_sides() {
    let t = installation();
    let alice = user(&t, "alice");
    let arn = alice.arn();
    let resource = "arn:aws:secretsmanager:us-east-1:444455556666:secret:s-aaaaaa";
    let resource_policy = format!(
        r#"{{"Version":"2012-10-17","Statement":{{"Effect":"Allow","Principal":{{"AWS":"{arn}"}},"Action":"*","Resource":"*"}}}}"#
    );
    let mut input = custom(&[&policy("Allow", "ecs:*", "*")], "secretsmanager:GetSecretValue", resource);
    input.resource_policy = Some(resource_policy);
    let (code, _) = refused::<api::SimulateCustomPolicy>(&t, &root(), input.clone());
    assert_eq!(code, "InvalidInput", "somebody must call");
    input.caller_arn = Some(arn);
    let result = simulate(&t, input.clone());
    assert_eq!(result.eval_decision, api::PolicyEvaluationDecisionType::ImplicitDeny);
    let details = result.eval_decision_details.unwrap();
    assert_eq!(details.get("IAM Policy"), Some(&api::PolicyEvaluationDecisionType::ImplicitDeny));
    assert_eq!(details.get("Resource Policy"), Some(&api::PolicyEvaluationDecisionType::Allowed));
    input.policy_input_list = texts(&[ANYTHING]);
    assert_eq!(simulate(&t, input).eval_decision, api::PolicyEvaluationDecisionType::Allowed);
}

const KEY: &str = "arn:aws:kms:us-east-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab";
const ROLE: &str = "arn:aws:iam::111122223333:role/deploy";

/// A resource policy of one statement.
fn for_principal(principal: &str, action: &str) -> String {
    format!(
        r#"{{"Version":"2012-10-17","Statement":{{"Effect":"Allow","Principal":{{"AWS":"{principal}"}},"Action":"{action}","Resource":"*"}}}}"#
    )
}

/// As long as no policy of theirs is given, keys and roles are like all other resources: the simulator knows what it is given.
#[test]
fn keys_and_roles_without_a_policy_go_by_identity() {
    let t = installation();
    let alice = user(&t, "alice");
    allow(&t, &alice, &policy("Allow", "*", "*"));
    let foreign = KEY.replace("111122223333", OTHER);
    for (action, resource, expected) in [
        ("kms:Decrypt", KEY, "allowed"),
        ("kms:CreateGrant", KEY, "allowed"),
        ("sts:AssumeRole", ROLE, "allowed"),
        ("sts:TagSession", ROLE, "allowed"),
        ("kms:Decrypt", foreign.as_str(), "implicitDeny"),
    ] {
        let input = api::SimulatePrincipalPolicyRequest {
            policy_source_arn: alice.arn(),
            action_names: texts(&[action]),
            resource_arns: Some(texts(&[resource])),
            ..Default::default()
        };
        let answer = ok::<api::SimulatePrincipalPolicy>(&t, &root(), input);
        let result = answer.evaluation_results.unwrap().remove(0);
        assert_eq!(result.eval_decision.as_str(), expected, "{action} {resource}");
        let silent = custom(&[&policy("Allow", "s3:ListBucket", "*")], action, resource);
        assert_eq!(simulate(&t, silent).eval_decision.as_str(), "implicitDeny", "{action}");
        let deny = policy("Deny", action, "*");
        let denied = custom(&[ANYTHING, &deny], action, resource);
        assert_eq!(simulate(&t, denied).eval_decision.as_str(), "explicitDeny", "{action}");
    }
}

#[test]
fn keys_and_roles_need_their_own_policy_where_one_is_given() {
    let t = installation();
    let alice = user(&t, "alice");
    let root_arn = "arn:aws:iam::111122223333:root";
    for (action, resource) in [("kms:Decrypt", KEY), ("sts:AssumeRole", ROLE)] {
        let decide = |identity: &str, own: Option<String>| {
            let mut input = custom(&[identity], action, resource);
            input.caller_arn = Some(alice.arn());
            input.resource_policy = own;
            simulate(&t, input).eval_decision.as_str().to_owned()
        };
        let other = "s3:ListBucket";
        assert_eq!(
            decide(ANYTHING, Some(for_principal(root_arn, other))),
            "implicitDeny",
            "{action}: silent"
        );
        assert_eq!(decide(ANYTHING, Some(for_principal(root_arn, action))), "allowed", "{action}: delegated");
        let nothing = policy("Allow", other, "*");
        assert_eq!(decide(&nothing, Some(for_principal(root_arn, action))), "implicitDeny", "{action}");
        assert_eq!(decide(&nothing, Some(for_principal(&alice.arn(), action))), "allowed", "{action}: named");
    }
    let mut input = custom(&[ANYTHING], "sts:AssumeRole", ROLE);
    input.caller_arn = Some(alice.arn());
    input.resource_policy = Some(for_principal(&alice.arn(), "sts:AssumeRole"));
    let matched = simulate(&t, input).matched_statements.unwrap();
    let kinds: Vec<_> =
        matched.iter().filter_map(|it| it.source_policy_type.as_ref()?.as_str().into()).collect();
    assert!(kinds.contains(&"Resource Policy"), "{kinds:?}");
}

#[test]
fn a_principal_is_simulated_with_its_groups() {
    let t = installation();
    let alice = user(&t, "alice");
    allow(&t, &alice, &policy("Allow", "ecs:ListClusters", "*"));
    ok::<api::CreateGroup>(&t, &root(), api::CreateGroupRequest { group_name: "g".into(), path: None });
    let put = api::PutGroupPolicyRequest {
        group_name: "g".into(),
        policy_name: "q".into(),
        policy_document: policy("Allow", "s3:*", "arn:aws:s3:::b"),
    };
    ok::<api::PutGroupPolicy>(&t, &root(), put);
    let add = api::AddUserToGroupRequest { group_name: "g".into(), user_name: "alice".into() };
    ok::<api::AddUserToGroup>(&t, &root(), add);
    let input = |source: &str| api::SimulatePrincipalPolicyRequest {
        policy_source_arn: source.into(),
        action_names: texts(&["ecs:ListClusters", "s3:ListBucket", "iam:GetRole"]),
        resource_arns: Some(texts(&["*", BUCKET])),
        max_items: Some(2),
        ..Default::default()
    };
    let first = ok::<api::SimulatePrincipalPolicy>(&t, &root(), input(&alice.arn()));
    let rest = api::SimulatePrincipalPolicyRequest { marker: first.marker.clone(), ..input(&alice.arn()) };
    let rest = ok::<api::SimulatePrincipalPolicy>(&t, &root(), rest);
    assert_eq!((first.is_truncated, rest.is_truncated), (Some(true), Some(false)));
    let results = [first.evaluation_results.unwrap(), rest.evaluation_results.unwrap()].concat();
    assert_eq!(
        results.iter().map(|it| it.eval_action_name.as_str()).collect::<Vec<_>>(),
        ["ecs:ListClusters", "s3:ListBucket", "iam:GetRole"],
        "one result for each action"
    );
    let specific: Vec<_> =
        results.iter().flat_map(|it| it.resource_specific_results.clone().unwrap()).collect();
    let sources: Vec<_> = specific
        .iter()
        .map(|it| it.matched_statements.as_ref().unwrap().first().and_then(|it| it.source_policy_id.clone()))
        .collect();
    let own = || Some("user_alice_p".to_owned());
    assert_eq!(sources, [own(), own(), None, Some("group_g_q".to_owned()), None, None]);

    let group = ok::<api::SimulatePrincipalPolicy>(&t, &root(), input("arn:aws:iam::111122223333:group/g"));
    let groups = group.evaluation_results.unwrap();
    assert_eq!(decisions(&groups[1]), ["implicitDeny", "allowed"]);
    assert_eq!(groups[1].eval_decision.as_str(), "implicitDeny", "the most restrictive of both");
    let missing = input("arn:aws:iam::111122223333:user/none");
    assert_eq!(refused::<api::SimulatePrincipalPolicy>(&t, &root(), missing).0, "NoSuchEntity");
}

#[test]
fn input_that_makes_no_sense() {
    let t = installation();
    for input in [custom(&["{"], "s3:ListBucket", "*"), custom(&[ANYTHING], "s3", "*")] {
        assert_eq!(refused::<api::SimulateCustomPolicy>(&t, &root(), input).0, "InvalidInput");
    }
}

#[test]
fn invented_actions_are_refused() {
    let t = installation();
    let alice = user(&t, "alice").arn();
    for name in
        ["s3:NoSuch", "s3:", ":GetObject", "GetObject", "s3:Get*", "*", "s3:Get?bject", "iam:Pass Role"]
    {
        let refusal = refused::<api::SimulateCustomPolicy>(&t, &root(), custom(&[ANYTHING], name, BUCKET));
        assert_eq!(refusal, ("InvalidInput", format!("Invalid action name: {name}")), "{name}");
        let input = api::SimulatePrincipalPolicyRequest {
            policy_source_arn: alice.clone(),
            action_names: texts(&[name]),
            ..Default::default()
        };
        assert_eq!(refused::<api::SimulatePrincipalPolicy>(&t, &root(), input).0, "InvalidInput", "{name}");
    }
    // What is not known here may be.
    for name in ["s3:getobject", "lambda:InvokeFunction", "execute-api:Invoke"] {
        simulate(&t, custom(&[ANYTHING], name, "*"));
    }
}

/// Of a resource that does not say whose it is, `ResourceOwner` does: by number or by an ARN.
#[test]
fn the_owner_of_a_resource_is_named() {
    let t = installation();
    let allow = policy("Allow", "*", "*");
    let shared = r#"{"Version":"2012-10-17","Statement":{"Effect":"Allow","Principal":"*","Action":"*","Resource":"*"}}"#;
    let queue = "arn:aws:sqs:us-east-1:111122223333:q";
    let across = |resource: &str, owner: Option<&str>| {
        let input = api::SimulateCustomPolicyRequest {
            resource_owner: owner.map(str::to_owned),
            resource_policy: Some(shared.to_owned()),
            caller_arn: Some("arn:aws:iam::111122223333:user/caller".to_owned()),
            ..custom(&[&allow], "sqs:SendMessage", resource)
        };
        let details = simulate(&t, input).resource_specific_results.unwrap().remove(0).eval_decision_details;
        !details.unwrap().0.is_empty()
    };
    user(&t, "caller");
    assert!(!across(BUCKET, None));
    assert!(across(BUCKET, Some(OTHER)));
    assert!(across(BUCKET, Some("arn:aws:iam::444455556666:root")));
    assert!(!across(queue, Some(OTHER)), "the ARN says it");
}

#[test]
fn what_can_be_no_input_is_refused() {
    let t = installation();
    let allow = policy("Allow", "*", "*");
    let refuse = |input| refused::<api::SimulateCustomPolicy>(&t, &root(), input);
    let nonsense = ("InvalidInput", "ARN nonsense is not valid.".to_owned());
    assert_eq!(refuse(custom(&[&allow], "s3:ListBucket", "nonsense")), nonsense);
    let mut owned = custom(&[&allow], "s3:ListBucket", BUCKET);
    owned.resource_owner = Some("nonsense".to_owned());
    assert_eq!(refuse(owned), nonsense);
    for (kind, good, bad) in
        [("numeric", "1.5", "abc"), ("booleanList", "true", "yes"), ("ip", "10.0.0.0/8", "here")]
    {
        let with = |value: &str| {
            let mut input = custom(&[&allow], "s3:ListBucket", BUCKET);
            let typed = api::ContextEntry { context_key_type: Some(kind.into()), ..entry("aws:x", value) };
            input.context_entries = Some(vec![typed]);
            input
        };
        simulate(&t, with(good));
        assert_eq!(refuse(with(bad)).0, "InvalidInput", "{kind} {bad}");
    }
}
