//! Repository and registry policies.

use super::*;

const PULL: &str = r#"{"Sid":"pull","Effect":"Allow","Principal":{"AWS":"444455556666"},"Action":["ecr:BatchGetImage","ecr:GetDownloadUrlForLayer"]}"#;

fn get(fixture: &Fixture) -> Result<String, ServiceError> {
    let input = api::GetRepositoryPolicyRequest { repository_name: "app".to_owned(), ..Default::default() };
    fixture.call::<api::GetRepositoryPolicy>(&root(), input).map(|answer| answer.policy_text.unwrap())
}

#[test]
fn a_policy_is_printed_as_ecr_prints_it() {
    let fixture = Fixture::new();
    fixture.repository("app");
    assert_eq!(get(&fixture).unwrap_err().code, "RepositoryPolicyNotFoundException");
    let input = api::SetRepositoryPolicyRequest {
        policy_text: format!(r#"{{"Version":"2008-10-17","Statement":[{PULL}]}}"#),
        ..set_policy("app", "")
    };
    let text = fixture.root::<api::SetRepositoryPolicy>(input).policy_text.unwrap();
    let expected = r#"{
  "Version" : "2008-10-17",
  "Statement" : [ {
    "Sid" : "pull",
    "Effect" : "Allow",
    "Principal" : {
      "AWS" : "arn:aws:iam::444455556666:root"
    },
    "Action" : [ "ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer" ]
  } ]
}"#;
    assert_eq!(text, expected);
    assert_eq!(get(&fixture).unwrap(), expected);
    let input =
        api::DeleteRepositoryPolicyRequest { repository_name: "app".to_owned(), ..Default::default() };
    assert_eq!(fixture.root::<api::DeleteRepositoryPolicy>(input).policy_text.unwrap(), expected);
    assert_eq!(get(&fixture).unwrap_err().code, "RepositoryPolicyNotFoundException");
}

#[test]
fn what_is_no_repository_policy() {
    let fixture = Fixture::new();
    fixture.repository("app");
    let invalid = "Invalid parameter at 'PolicyText' failed to satisfy constraint: 'Invalid repository policy provided'";
    let unknown = "Invalid parameter at 'PolicyText' failed to satisfy constraint: 'Principal not found'";
    let nested = format!(r#"{{"Version":"2012-10-17","Statement":[{PULL}]}}"#);
    let user = user_arn(&account(), "nobody-at-all");
    fixture.user(&account(), "alice", None);
    for (statement, expected) in [
        ("", invalid),
        (nested.as_str(), invalid),
        (r#"{"Effect":"Allow","Principal":"*","Action":"ecr:*","Resource":"*"}"#, invalid),
        (r#"{"Effect":"Allow","Principal":"*","Action":"s3:GetObject"}"#, invalid),
        (r#"{"Effect":"Allow","Principal":"*","Action":"ecr:Nope"}"#, invalid),
        (r#"{"Effect":"Deny","Principal":"*","NotAction":["ecr:BatchGetImage","ecr:nope"]}"#, invalid),
        (r#"{"Effect":"Allow","Principal":"*","Action":"ecr:GetAuthorizationToken"}"#, invalid),
        (r#"{"Effect":"Allow","Principal":"*","Action":"ecr:"}"#, invalid),
        (r#"{"Effect":"Allow","Principal":"*","Action":["ecr:BatchGetImage","ecs:RunTask"]}"#, invalid),
        (r#"{"Effect":"Allow","Action":"ecr:*"}"#, invalid),
        (&format!(r#"{{"Effect":"Allow","Principal":{{"AWS":"{user}"}},"Action":"ecr:*"}}"#), unknown),
        (r#"{"Effect":"Allow","Principal":{"AWS":["AIDAALICE","AROANOBODY"]},"Action":"ecr:*"}"#, unknown),
        (r#"{"Effect":"Deny","NotPrincipal":{"AWS":"AIDANOBODY"},"Action":"ecr:*"}"#, unknown),
        (r#"{"Effect":"Allow","Principal":{"Federated":"accounts.google.com"},"Action":"ecr:*"}"#, invalid),
        (
            r#"{"Effect":"Allow","Principal":{"AWS":"444455556666","CanonicalUser":"a"},"Action":"ecr:*"}"#,
            invalid,
        ),
    ] {
        let (code, message) = fixture.refused::<api::SetRepositoryPolicy>(set_policy("app", statement));
        assert_eq!((code.as_str(), message.as_str()), ("InvalidParameterException", expected), "{statement}");
    }
}

#[test]
fn a_principal_made_again_does_not_inherit() {
    let fixture = Fixture::new();
    fixture.repository("app");
    let alice = fixture.user(&account(), "alice", None);
    let arn = user_arn(&account(), "alice");
    let statement =
        format!(r#"{{"Effect":"Allow","Principal":{{"AWS":["{arn}"]}},"Action":"ecr:DescribeImages"}}"#);
    fixture.root::<api::SetRepositoryPolicy>(set_policy("app", &statement));
    let describe = || api::DescribeImagesRequest { repository_name: "app".to_owned(), ..Default::default() };
    assert!(fixture.call::<api::DescribeImages>(&alice, describe()).is_ok());
    assert!(get(&fixture).unwrap().contains(&arn));
    let written = fixture.0.call.installation().store.write("again", |tx| {
        tx.update(&USERS, &(account(), "alice"), |user| user.id = "AIDAANOTHER".to_owned())
    });
    written.unwrap();
    let again = caller(Principal::user(arn.parse().unwrap(), &account(), "AIDAANOTHER"));
    assert!(fixture.call::<api::DescribeImages>(&again, describe()).is_err());
    assert!(get(&fixture).unwrap().contains(r#""AWS" : [ "AIDAALICE" ]"#), "{}", get(&fixture).unwrap());
}

#[test]
fn whoever_would_lock_himself_out_needs_force() {
    let fixture = Fixture::new();
    fixture.repository("app");
    let deny = r#"{"Effect":"Deny","Principal":"*","Action":"ecr:SetRepositoryPolicy"}"#;
    assert_eq!(
        fixture.refused::<api::SetRepositoryPolicy>(set_policy("app", deny)).0,
        "InvalidParameterException"
    );
    let forced = api::SetRepositoryPolicyRequest { force: Some(true), ..set_policy("app", deny) };
    fixture.root::<api::SetRepositoryPolicy>(forced);
    assert_eq!(
        fixture.refused::<api::SetRepositoryPolicy>(set_policy("app", PULL)).0,
        "AccessDeniedException"
    );
}

#[test]
fn registry_policies_need_resources_and_reach_as_far_as_the_setting_says() {
    let fixture = Fixture::new();
    fixture.repository("app");
    let put = |text: String| {
        fixture.call::<api::PutRegistryPolicy>(&root(), api::PutRegistryPolicyRequest { policy_text: text })
    };
    let statement = |action: &str, resource: &str| {
        document(&format!(
            r#"{{"Effect":"Allow","Principal":{{"AWS":"444455556666"}},"Action":"{action}"{resource}}}"#
        ))
    };
    let all = r#","Resource":"arn:aws:ecr:us-east-1:111122223333:repository/*""#;
    let refused = put(statement("ecr:ReplicateImage", "")).unwrap_err();
    assert_eq!(
        refused.message,
        "Invalid parameter at 'PolicyText' failed to satisfy constraint: 'Invalid registry policy provided'"
    );
    assert_eq!(
        fixture.refused::<api::GetRegistryPolicy>(Default::default()).0,
        "RegistryPolicyNotFoundException"
    );
    let other =
        fixture.user(&other_account(), "o", Some(r#"{"Effect":"Allow","Action":"ecr:*","Resource":"*"}"#));
    let describe = || api::DescribeImagesRequest {
        registry_id: Some(account().to_string()),
        repository_name: "app".to_owned(),
        ..Default::default()
    };
    assert!(fixture.call::<api::DescribeImages>(&other, describe()).is_err());
    let setting =
        api::PutAccountSettingRequest { name: "REGISTRY_POLICY_SCOPE".to_owned(), value: "V2".to_owned() };
    fixture.root::<api::PutAccountSetting>(setting);
    put(statement("ecr:DescribeImages", all)).unwrap();
    assert!(fixture.call::<api::DescribeImages>(&other, describe()).is_ok());
}

#[test]
fn a_principal_by_its_unique_id() {
    let fixture = Fixture::new();
    fixture.repository("app");
    let alice = fixture.user(&account(), "alice", None);
    let statement = r#"{"Effect":"Allow","Principal":{"AWS":"AIDAALICE"},"Action":"ecr:DescribeImages"}"#;
    fixture.root::<api::SetRepositoryPolicy>(set_policy("app", statement));
    let describe = api::DescribeImagesRequest { repository_name: "app".to_owned(), ..Default::default() };
    assert!(fixture.call::<api::DescribeImages>(&alice, describe).is_ok());
    let shown = get(&fixture).unwrap();
    assert!(shown.contains(&user_arn(&account(), "alice")) && !shown.contains("AIDA"), "{shown}");
}

#[test]
fn actions_are_named_without_regard_to_case_and_by_patterns() {
    let fixture = Fixture::new();
    fixture.repository("app");
    for actions in ["\"ecr:batchgetimage\"", "[\"ECR:Batch*\",\"ecr:?ullThing\"]", "\"*\"", "\"ecr:*\""] {
        let statement = format!(r#"{{"Effect":"Allow","Principal":"*","Action":{actions}}}"#);
        fixture.root::<api::SetRepositoryPolicy>(set_policy("app", &statement));
    }
}

#[test]
fn a_registry_policy_has_the_actions_of_its_scope() {
    let fixture = Fixture::new();
    let put = |actions: &str| api::PutRegistryPolicyRequest {
        policy_text: document(&format!(
            r#"{{"Effect":"Allow","Principal":{{"AWS":"444455556666"}},"Action":{actions},"Resource":"arn:aws:ecr:us-east-1:111122223333:repository/*"}}"#
        )),
    };
    let refusal = (
        "InvalidParameterException".to_owned(),
        "Invalid parameter at 'PolicyText' failed to satisfy constraint: 'Invalid registry policy provided'"
            .to_owned(),
    );
    fixture.root::<api::PutRegistryPolicy>(put(r#"["ecr:ReplicateImage","ecr:createRepository"]"#));
    for wide in [r#""ecr:BatchGetImage""#, r#"["ecr:ReplicateImage","ecr:*"]"#] {
        assert_eq!(fixture.refused::<api::PutRegistryPolicy>(put(wide)), refusal, "{wide}");
    }
    let setting = |value: &str| api::PutAccountSettingRequest {
        name: "REGISTRY_POLICY_SCOPE".to_owned(),
        value: value.to_owned(),
    };
    fixture.repository("app");
    fixture.root::<api::PutAccountSetting>(setting("V2"));
    fixture.root::<api::PutRegistryPolicy>(put(r#""ecr:DescribeImages""#));
    assert_eq!(fixture.refused::<api::PutRegistryPolicy>(put(r#""ecr:Nope""#)), refusal);
    let statement = r#"{"Effect":"Allow","Action":"ecr:DescribeImages","Resource":"*"}"#;
    let stranger = fixture.user(&other_account(), "stranger", Some(statement));
    let describe = || api::DescribeImagesRequest {
        repository_name: "app".to_owned(),
        registry_id: Some(account().to_string()),
        ..Default::default()
    };
    assert!(fixture.call::<api::DescribeImages>(&stranger, describe()).is_ok());
    fixture.root::<api::PutAccountSetting>(setting("V1"));
    assert_eq!(
        fixture.denied::<api::DescribeImages>(&stranger, describe()).1,
        "User: arn:aws:iam::444455556666:user/stranger is not authorized to perform: ecr:DescribeImages on resource: \
         arn:aws:ecr:us-east-1:111122223333:repository/app because no resource-based policy allows the ecr:DescribeImages action"
    );
}
