//! Service-linked roles.

use crate::support::*;
use landfall_api::iam as api;
use landfall_services::testing::root;

fn create(service: &str) -> api::CreateServiceLinkedRoleRequest {
    api::CreateServiceLinkedRoleRequest { aws_service_name: service.into(), ..Default::default() }
}

#[test]
fn a_service_linked_role_comes_and_goes() {
    let t = installation();
    let role = ok::<api::CreateServiceLinkedRole>(&t, &root(), create("ecs.amazonaws.com")).role.unwrap();
    assert_eq!(role.role_name, "AWSServiceRoleForECS");
    assert_eq!(role.path, "/aws-service-role/ecs.amazonaws.com/");
    assert!(decoded(&role.assume_role_policy_document.unwrap()).contains("ecs.amazonaws.com"));
    let text = "Service role name AWSServiceRoleForECS has been taken in this account, please try a different suffix.";
    assert_eq!(
        refused::<api::CreateServiceLinkedRole>(&t, &root(), create("ecs.amazonaws.com")),
        ("InvalidInput", text.to_owned())
    );
    let name = || "AWSServiceRoleForECS".to_owned();
    let delete = api::DeleteRoleRequest { role_name: name() };
    assert_eq!(refused::<api::DeleteRole>(&t, &root(), delete).0, "UnmodifiableEntity");
    let delete = || api::DeleteServiceLinkedRoleRequest { role_name: name() };
    let task = ok::<api::DeleteServiceLinkedRole>(&t, &root(), delete()).deletion_task_id;
    assert!(task.starts_with("task/aws-service-role/ecs.amazonaws.com/AWSServiceRoleForECS/"), "{task}");
    let status = |id: &str| api::GetServiceLinkedRoleDeletionStatusRequest { deletion_task_id: id.into() };
    let answer = ok::<api::GetServiceLinkedRoleDeletionStatus>(&t, &root(), status(&task));
    assert_eq!(answer.status, api::DeletionTaskStatusType::Succeeded);
    let (code, _) = refused::<api::GetServiceLinkedRoleDeletionStatus>(&t, &root(), status("task/x"));
    assert_eq!(code, "NoSuchEntity");
    assert_eq!(refused::<api::DeleteServiceLinkedRole>(&t, &root(), delete()).0, "NoSuchEntity");
}

#[test]
fn what_is_refused() {
    let t = installation();
    assert_eq!(
        refused::<api::CreateServiceLinkedRole>(&t, &root(), create("x.amazonaws.com")).0,
        "InvalidInput"
    );
    let suffix = api::CreateServiceLinkedRoleRequest {
        custom_suffix: Some("mine".into()),
        ..create("ecs.amazonaws.com")
    };
    assert_eq!(
        refused::<api::CreateServiceLinkedRole>(&t, &root(), suffix),
        ("InvalidInput", "Custom suffix is not allowed for ecs.amazonaws.com".to_owned())
    );
    role(&t, "r", &trust(ECS_TASKS));
    let delete = api::DeleteServiceLinkedRoleRequest { role_name: "r".into() };
    assert_eq!(refused::<api::DeleteServiceLinkedRole>(&t, &root(), delete).0, "InvalidInput");
}
