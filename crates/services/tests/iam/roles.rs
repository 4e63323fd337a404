//! Roles: their life as Terraform drives it, limits, look-up.

use landfall_api::iam as api;
use landfall_services::iam::find_role;
use landfall_services::iam::record::ROLES;
use landfall_services::testing::{account, root};

use crate::support::*;

#[test]
fn life_of_a_role() {
    let t = installation();
    let trust = trust(ECS_TASKS);
    let create = api::CreateRoleRequest {
        role_name: "exec".into(),
        path: Some("/team/".into()),
        assume_role_policy_document: trust.clone(),
        tags: Some(vec![tag("Team", "a")]),
        ..Default::default()
    };
    let created = ok::<api::CreateRole>(&t, &root(), create).role;
    assert_eq!(created.arn, "arn:aws:iam::111122223333:role/team/exec");
    assert!(created.role_id.starts_with("AROA") && created.role_id.len() == 21, "{}", created.role_id);
    assert_eq!((created.max_session_duration, created.role_last_used), (None, None));
    assert_eq!(decoded(created.assume_role_policy_document.as_deref().unwrap()), trust);

    let got = ok::<api::GetRole>(&t, &root(), get_role("exec")).role;
    assert_eq!(got.max_session_duration, Some(3600));
    assert_eq!(got.role_last_used, Some(api::RoleLastUsed::default()));
    assert_eq!(got.tags, Some(vec![tag("Team", "a")]));
    assert_eq!(got.assume_role_policy_document, created.assume_role_policy_document);

    let inline =
        policy("Allow", "s3:GetObject", "arn:aws:s3:::é/*").replace("{\"Version\"", "{\n \"Version\"");
    ok::<api::PutRolePolicy>(&t, &root(), put_role("exec", "env", &inline));
    let named = api::GetRolePolicyRequest { role_name: "EXEC".into(), policy_name: "env".into() };
    let policy = ok::<api::GetRolePolicy>(&t, &root(), named);
    assert_eq!((policy.role_name.as_str(), decoded(&policy.policy_document)), ("exec", inline));
    let names = api::ListRolePoliciesRequest { role_name: "exec".into(), ..Default::default() };
    assert_eq!(ok::<api::ListRolePolicies>(&t, &root(), names).policy_names, ["env"]);

    ok::<api::AttachRolePolicy>(&t, &root(), attach_role("exec", EXECUTION_POLICY));
    ok::<api::AttachRolePolicy>(&t, &root(), attach_role("exec", EXECUTION_POLICY));
    let list = api::ListAttachedRolePoliciesRequest { role_name: "exec".into(), ..Default::default() };
    let attached = ok::<api::ListAttachedRolePolicies>(&t, &root(), list).attached_policies.unwrap();
    assert_eq!(attached.len(), 1);
    assert_eq!(attached[0].policy_name.as_deref(), Some("AmazonECSTaskExecutionRolePolicy"));

    let named = || api::DeleteRoleRequest { role_name: "exec".into() };
    let conflict = |text: &str| ("DeleteConflict", format!("Cannot delete entity, must {text} first."));
    assert_eq!(refused::<api::DeleteRole>(&t, &root(), named()), conflict("detach all policies"));
    let detach =
        api::DetachRolePolicyRequest { role_name: "exec".into(), policy_arn: EXECUTION_POLICY.into() };
    ok::<api::DetachRolePolicy>(&t, &root(), detach);
    assert_eq!(refused::<api::DeleteRole>(&t, &root(), named()), conflict("delete policies"));
    let delete = api::DeleteRolePolicyRequest { role_name: "exec".into(), policy_name: "env".into() };
    ok::<api::DeleteRolePolicy>(&t, &root(), delete);
    ok::<api::DeleteRole>(&t, &root(), named());
    let gone = ("NoSuchEntity", "The role with name exec cannot be found.".to_owned());
    assert_eq!(refused::<api::GetRole>(&t, &root(), get_role("exec")), gone);
}

#[test]
fn changes_of_a_role() {
    let t = installation();
    role(&t, "r", &trust(ECS_TASKS));
    let update = api::UpdateRoleRequest {
        role_name: "r".into(),
        description: Some("first".into()),
        max_session_duration: Some(7200),
    };
    ok::<api::UpdateRole>(&t, &root(), update);
    let describe = api::UpdateRoleDescriptionRequest { role_name: "r".into(), description: "second".into() };
    let described = ok::<api::UpdateRoleDescription>(&t, &root(), describe).role.unwrap();
    assert_eq!(described.description.as_deref(), Some("second"));
    assert_eq!(described.max_session_duration, Some(7200));
    let other = trust(r#"{"Service":["ecs.amazonaws.com"]}"#);
    let input = api::UpdateAssumeRolePolicyRequest { role_name: "r".into(), policy_document: other.clone() };
    ok::<api::UpdateAssumeRolePolicy>(&t, &root(), input);
    let tags = vec![tag("b", "1"), tag("A", "2")];
    ok::<api::TagRole>(&t, &root(), api::TagRoleRequest { role_name: "r".into(), tags });
    let untag = api::UntagRoleRequest { role_name: "r".into(), tag_keys: vec!["B".into()] };
    ok::<api::UntagRole>(&t, &root(), untag);
    let list = api::ListRoleTagsRequest { role_name: "r".into(), ..Default::default() };
    assert_eq!(ok::<api::ListRoleTags>(&t, &root(), list).tags, [tag("A", "2")]);
    let profiles = api::ListInstanceProfilesForRoleRequest { role_name: "r".into(), ..Default::default() };
    let profiles = ok::<api::ListInstanceProfilesForRole>(&t, &root(), profiles);
    assert_eq!((profiles.instance_profiles.len(), profiles.is_truncated), (0, Some(false)));

    let got = ok::<api::GetRole>(&t, &root(), get_role("r")).role;
    assert_eq!(decoded(&got.assume_role_policy_document.unwrap()), other);
    assert_eq!(got.description.as_deref(), Some("second"));
}

#[test]
fn what_is_missing_or_malformed() {
    let t = installation();
    role(&t, "r", &trust(ECS_TASKS));
    let get = |policy: &str| api::GetRolePolicyRequest { role_name: "r".into(), policy_name: policy.into() };
    let attach =
        |role: &str, arn: &str| refused::<api::AttachRolePolicy>(&t, &root(), attach_role(role, arn));
    let put = |document: &str| refused::<api::PutRolePolicy>(&t, &root(), put_role("r", "p", document));
    let bound = |arn: &str| {
        let input = api::CreateRoleRequest {
            role_name: "x".into(),
            assume_role_policy_document: trust(ECS_TASKS),
            permissions_boundary: Some(arn.into()),
            ..Default::default()
        };
        refused::<api::CreateRole>(&t, &root(), input)
    };
    let retrust = |document: &str| {
        let input =
            api::UpdateAssumeRolePolicyRequest { role_name: "r".into(), policy_document: document.into() };
        refused::<api::UpdateAssumeRolePolicy>(&t, &root(), input)
    };
    let unknown = "arn:aws:iam::111122223333:policy/none";
    let role_arn = "arn:aws:iam::111122223333:role/r";
    let stranger = "arn:aws:iam::111122223333:user/none";
    let with_resource = trust(ECS_TASKS).replace("\"Action\"", "\"Resource\":\"*\",\"Action\"");
    let long_id = format!("\"Id\":\"{}\",\"Version\"", "i".repeat(2048));
    let long_trust = trust(ECS_TASKS).replace("\"Version\"", &long_id);
    let long = policy("Allow", "s3:GetObject", &format!("arn:aws:s3:::b/{}", "k".repeat(10_240)));
    let missing = refused::<api::GetRolePolicy>(&t, &root(), get("none"));
    let cases = [
        (missing, "NoSuchEntity", "The role policy with name none cannot be found.".to_owned()),
        (attach("none", EXECUTION_POLICY), "NoSuchEntity", "The role with name none cannot be found.".into()),
        (
            attach("r", unknown),
            "NoSuchEntity",
            format!("Policy {unknown} does not exist or is not attachable."),
        ),
        (attach("r", "policynamebutnoarn"), "ValidationError", "Invalid ARN:  Could not be parsed!".into()),
        (attach("r", role_arn), "InvalidInput", format!("ARN {role_arn} is not valid.")),
        (put("{"), "MalformedPolicyDocument", "Syntax errors in policy.".into()),
        (put(&long), "LimitExceeded", "Maximum policy size of 10240 bytes exceeded for role r".into()),
        (
            bound(unknown),
            "NoSuchEntity",
            format!("Scope ARN: {unknown} does not exist or is not attachable."),
        ),
        (
            retrust(&trust_aws(stranger)),
            "MalformedPolicyDocument",
            format!(r#"Invalid principal in policy: "AWS":"{stranger}""#),
        ),
        (
            retrust(&trust(r#"{"Service":"ecs-task.amazonaws.com"}"#)),
            "MalformedPolicyDocument",
            r#"Invalid principal in policy: "SERVICE":"ecs-task.amazonaws.com""#.into(),
        ),
        (
            retrust(&trust(r#"{"Federated":"nonsense"}"#)),
            "MalformedPolicyDocument",
            "Federated principals must be valid domain names or SAML metadata ARNs".into(),
        ),
        (retrust("{"), "MalformedPolicyDocument", "This policy contains invalid Json".into()),
        (retrust("{}"), "MalformedPolicyDocument", "Syntax errors in policy.".into()),
        (retrust(&with_resource), "MalformedPolicyDocument", "Has prohibited field Resource.".into()),
        (retrust(&long_trust), "LimitExceeded", "Cannot exceed quota for ACLSizePerRole: 2048".into()),
    ];
    for ((code, message), wanted_code, wanted_message) in cases {
        assert_eq!((code, message), (wanted_code, wanted_message));
    }
}

#[test]
fn at_most_ten_policies_are_attached() {
    let t = installation();
    role(&t, "r", &trust(ECS_TASKS));
    for index in 0..11 {
        ok::<api::CreatePolicy>(&t, &root(), create_policy(&format!("p{index}"), ANYTHING));
    }
    for index in 0..10 {
        ok::<api::AttachRolePolicy>(&t, &root(), attach_role("r", &policy_arn(&format!("p{index}"))));
    }
    assert_eq!(
        refused::<api::AttachRolePolicy>(&t, &root(), attach_role("r", &policy_arn("p10"))),
        ("LimitExceeded", "Cannot exceed quota for PoliciesPerRole: 10".into())
    );
}

#[test]
fn roles_are_found_by_arn_or_name() {
    let t = installation();
    role(&t, "Exec", &trust(ECS_TASKS));
    let view = t.call.installation().store.view();
    let find = |text: &str| find_role(&view, text, &account()).unwrap().map(|role| role.name.clone());
    for found in ["Exec", "exec", "arn:aws:iam::111122223333:role/Exec"] {
        assert_eq!(find(found).as_deref(), Some("Exec"), "{found}");
    }
    let path = "arn:aws:iam::111122223333:role/path/Exec";
    for missing in ["other", path, "arn:aws:iam::444455556666:role/Exec", "arn:x"] {
        assert_eq!(find(missing), None, "{missing}");
    }
}

#[test]
fn service_linked_roles_belong_to_their_service() {
    let t = installation();
    let path = "/aws-service-role/ecs.amazonaws.com/";
    let create = api::CreateRoleRequest {
        role_name: "r".into(),
        path: Some(path.into()),
        assume_role_policy_document: trust(ECS_TASKS),
        ..Default::default()
    };
    assert_eq!(refused::<api::CreateRole>(&t, &root(), create).0, "InvalidInput");
    role(&t, "r", &trust(ECS_TASKS));
    let linked = "arn:aws:iam::aws:policy/aws-service-role/AmazonECSServiceRolePolicy";
    assert_eq!(
        refused::<api::AttachRolePolicy>(&t, &root(), attach_role("r", linked)).0,
        "PolicyNotAttachable"
    );
    write(&t, |tx| {
        tx.update(&ROLES, &(&account(), "r"), |role| role.path = path.into())?;
        Ok(())
    });
    let text = "Cannot perform the operation on the protected role 'r' - this role is only modifiable by AWS";
    let protected = ("UnmodifiableEntity", text.to_owned());
    let delete = api::DeleteRoleRequest { role_name: "r".into() };
    assert_eq!(refused::<api::DeleteRole>(&t, &root(), delete), protected);
    assert_eq!(refused::<api::PutRolePolicy>(&t, &root(), put_role("r", "p", ANYTHING)), protected);
    assert_eq!(refused::<api::AttachRolePolicy>(&t, &root(), attach_role("r", EXECUTION_POLICY)), protected);
    let update = |max_session_duration| api::UpdateRoleRequest {
        role_name: "r".into(),
        description: Some("mine".into()),
        max_session_duration,
    };
    assert_eq!(refused::<api::UpdateRole>(&t, &root(), update(Some(7200))), protected);
    ok::<api::UpdateRole>(&t, &root(), update(None));
    let read = ok::<api::GetRole>(&t, &root(), api::GetRoleRequest { role_name: "r".into() });
    assert_eq!(read.role.description.as_deref(), Some("mine"));
}
