//! Instance profiles.

use crate::support::*;
use landfall_api::iam as api;
use landfall_services::testing::root;

#[test]
fn a_profile_holds_one_role() {
    let t = installation();
    role(&t, "r", &trust(ECS_TASKS));
    role(&t, "s", &trust(ECS_TASKS));
    let create = || api::CreateInstanceProfileRequest {
        instance_profile_name: "Machines".into(),
        path: Some("/x/".into()),
        tags: Some(vec![tag("team", "a")]),
    };
    let made = ok::<api::CreateInstanceProfile>(&t, &root(), create()).instance_profile;
    assert!(made.instance_profile_id.starts_with("AIPA"));
    assert_eq!(made.arn, "arn:aws:iam::111122223333:instance-profile/x/Machines");
    assert_eq!(
        refused::<api::CreateInstanceProfile>(&t, &root(), create()),
        ("EntityAlreadyExists", "Instance Profile Machines already exists.".to_owned())
    );
    let name = || "machines".to_owned();
    let add = |role: &str| api::AddRoleToInstanceProfileRequest {
        instance_profile_name: name(),
        role_name: role.into(),
    };
    ok::<api::AddRoleToInstanceProfile>(&t, &root(), add("r"));
    assert_eq!(
        refused::<api::AddRoleToInstanceProfile>(&t, &root(), add("s")),
        ("LimitExceeded", "Cannot exceed quota for InstanceSessionsPerInstanceProfile: 1".to_owned())
    );
    let get = || api::GetInstanceProfileRequest { instance_profile_name: name() };
    let shown = ok::<api::GetInstanceProfile>(&t, &root(), get()).instance_profile;
    assert_eq!(shown.roles[0].role_name, "r");
    assert_eq!(shown.tags, Some(vec![tag("team", "a")]));
    let of_role = api::ListInstanceProfilesForRoleRequest { role_name: "R".into(), ..Default::default() };
    let listed = ok::<api::ListInstanceProfilesForRole>(&t, &root(), of_role).instance_profiles;
    assert_eq!(listed[0].instance_profile_name, "Machines");

    let delete_role = || api::DeleteRoleRequest { role_name: "r".into() };
    let delete = || api::DeleteInstanceProfileRequest { instance_profile_name: name() };
    let text = "Cannot delete entity, must remove roles from instance profile first.".to_owned();
    assert_eq!(refused::<api::DeleteRole>(&t, &root(), delete_role()), ("DeleteConflict", text.clone()));
    assert_eq!(refused::<api::DeleteInstanceProfile>(&t, &root(), delete()), ("DeleteConflict", text));
    let remove = |role: &str| api::RemoveRoleFromInstanceProfileRequest {
        instance_profile_name: name(),
        role_name: role.into(),
    };
    assert_eq!(refused::<api::RemoveRoleFromInstanceProfile>(&t, &root(), remove("s")).0, "NoSuchEntity");
    ok::<api::RemoveRoleFromInstanceProfile>(&t, &root(), remove("r"));
    ok::<api::DeleteInstanceProfile>(&t, &root(), delete());
    ok::<api::DeleteRole>(&t, &root(), delete_role());
    assert_eq!(
        refused::<api::GetInstanceProfile>(&t, &root(), get()),
        ("NoSuchEntity", "Instance Profile machines cannot be found.".to_owned())
    );
}

#[test]
fn whoever_adds_a_role_must_be_allowed_to_pass_it() {
    let t = installation();
    role(&t, "r", &trust(ECS_TASKS));
    let create =
        api::CreateInstanceProfileRequest { instance_profile_name: "i".into(), ..Default::default() };
    ok::<api::CreateInstanceProfile>(&t, &root(), create);
    let alice = user(&t, "alice");
    allow(&t, &alice, &policy("Allow", "iam:AddRoleToInstanceProfile", "*"));
    let add =
        api::AddRoleToInstanceProfileRequest { instance_profile_name: "i".into(), role_name: "r".into() };
    let (_, message) = refused::<api::AddRoleToInstanceProfile>(&t, &alice, add);
    assert!(message.contains("iam:PassRole on resource: arn:aws:iam::111122223333:role/r"), "{message}");
}

#[test]
fn tags_of_profiles() {
    let t = installation();
    let name = || "i".to_owned();
    let create = api::CreateInstanceProfileRequest { instance_profile_name: name(), ..Default::default() };
    ok::<api::CreateInstanceProfile>(&t, &root(), create);
    let tags = vec![tag("a", "1"), tag("b", "2")];
    ok::<api::TagInstanceProfile>(
        &t,
        &root(),
        api::TagInstanceProfileRequest { instance_profile_name: name(), tags },
    );
    let tag_keys = vec!["A".to_owned()];
    let untag = api::UntagInstanceProfileRequest { instance_profile_name: name(), tag_keys };
    ok::<api::UntagInstanceProfile>(&t, &root(), untag);
    let list = api::ListInstanceProfileTagsRequest { instance_profile_name: name(), ..Default::default() };
    assert_eq!(ok::<api::ListInstanceProfileTags>(&t, &root(), list).tags, [tag("b", "2")]);
}
