//! What refusals name as the resource where a call leaves names out or asks for a list. AWS writes what the call named, not
//! always an ARN: the forms are those of refusals that people published.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a failing helper fails its test")]

use landfall_api::iam as api;
use landfall_services::testing::{TestInstallation, account, nobody, root};
use landfall_shape::Operation;

use crate::support::*;

/// Action and resource of the refusal of somebody without policies.
fn denied<O: Operation>(t: &TestInstallation, input: O::Input) -> String {
    let (code, message) = refused::<O>(t, &nobody(), input);
    assert_eq!(code, "AccessDenied");
    let start = format!("User: {} is not authorized to perform: iam:", nobody().arn());
    let rest = message.strip_prefix(&start).unwrap_or_else(|| panic!("{message}"));
    let (denied, _) = rest.split_once(" because no identity-based policy allows the iam:").unwrap();
    denied.to_owned()
}

#[test]
fn the_calling_user_needs_no_name() {
    let t = installation();
    let said = [
        denied::<api::GetUser>(&t, api::GetUserRequest { user_name: None }),
        denied::<api::CreateAccessKey>(&t, api::CreateAccessKeyRequest { user_name: None }),
        denied::<api::ListAccessKeys>(&t, api::ListAccessKeysRequest::default()),
        denied::<api::DeleteAccessKey>(&t, api::DeleteAccessKeyRequest::default()),
    ];
    let expected = [
        "GetUser on resource: user nobody",
        "CreateAccessKey on resource: user nullnobody",
        "ListAccessKeys on resource: user nullnobody",
        "DeleteAccessKey on resource: user nullnobody",
    ];
    assert_eq!(said, expected);
}

#[test]
fn lists_name_the_path() {
    let t = installation();
    let path_prefix = Some("/aws-service-role/".to_owned());
    let roles = api::ListRolesRequest { path_prefix: path_prefix.clone(), ..Default::default() };
    let policies = api::ListPoliciesRequest { path_prefix, ..Default::default() };
    let said = [denied::<api::ListRoles>(&t, roles), denied::<api::ListPolicies>(&t, policies)];
    let expected = [
        "ListRoles on resource: arn:aws:iam::111122223333:role/aws-service-role/",
        "ListPolicies on resource: policy path /aws-service-role/",
    ];
    assert_eq!(said, expected);
}

#[test]
fn an_access_key_does_not_tell_whose_it_is() {
    let t = installation();
    user_of(&t, &account(), "owner");
    let create = api::CreateAccessKeyRequest { user_name: Some("owner".into()) };
    let key = ok::<api::CreateAccessKey>(&t, &root(), create).access_key.access_key_id;
    for id in [key.as_str(), "AKIAIOSFODNN7EXAMPLE"] {
        let input = api::GetAccessKeyLastUsedRequest { access_key_id: id.to_owned() };
        let expected = format!("GetAccessKeyLastUsed on resource: access key {id}");
        assert_eq!(denied::<api::GetAccessKeyLastUsed>(&t, input), expected);
    }
}
