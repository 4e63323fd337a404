use super::*;

fn describe(name: &str) -> api::DescribeTaskDefinitionRequest {
    api::DescribeTaskDefinitionRequest { task_definition: name.to_owned(), include: None }
}

#[test]
fn a_revision_is_described_as_it_was_registered() {
    let world = World::new();
    let registered = world.register(fargate());
    assert_eq!(registered.revision, Some(1));
    assert_eq!(registered.registered_by.as_deref(), Some("arn:aws:iam::111122223333:root"));
    assert_eq!(registered.execution_role_arn.as_deref(), Some("arn:aws:iam::111122223333:role/exec"));
    let latest = world.register(fargate());
    assert_eq!(world.ok::<api::DescribeTaskDefinition>(describe("app:1")).task_definition, Some(registered));
    assert_eq!(world.ok::<api::DescribeTaskDefinition>(describe("app")).task_definition, Some(latest));
    let expected = ("ClientException".to_owned(), "Unable to describe task definition.".to_owned());
    assert_eq!(world.refused::<api::DescribeTaskDefinition>(describe("app:3")), expected);
}

#[test]
fn the_path_of_a_role_is_found() {
    let world = World::new();
    world.ok::<iam_api::CreateRole>(iam_api::CreateRoleRequest {
        role_name: "deep".to_owned(),
        path: text("/a/b/"),
        assume_role_policy_document: TRUST.to_owned(),
        ..Default::default()
    });
    let registered =
        world.register(api::RegisterTaskDefinitionRequest { execution_role_arn: text("deep"), ..fargate() });
    assert_eq!(registered.execution_role_arn.as_deref(), Some("arn:aws:iam::111122223333:role/a/b/deep"));
    world.run(on_fargate());
}

#[test]
fn inactive_revisions_do_not_run() {
    let world = World::new();
    world.register(fargate());
    let input = api::DeregisterTaskDefinitionRequest { task_definition: "app:1".to_owned() };
    let gone = world.ok::<api::DeregisterTaskDefinition>(input).task_definition.unwrap();
    assert_eq!(gone.status, Some(api::TaskDefinitionStatus::Inactive));
    let run = |name: &str| api::RunTaskRequest { task_definition: name.to_owned(), ..on_fargate() };
    assert_eq!(world.refused::<api::RunTask>(run("app:1")).1, "TaskDefinition is inactive");
    assert_eq!(world.refused::<api::RunTask>(run("app")).1, "TaskDefinition not found.");
    let next = world.register(fargate());
    assert_eq!(next.revision, Some(2));
}

#[test]
fn deleting_needs_deregistering_first_and_waits_for_tasks() {
    let world = World::new();
    world.register(fargate());
    let task = world.run(on_fargate()).remove(0);
    let delete = || api::DeleteTaskDefinitionsRequest { task_definitions: vec!["app:1".to_owned()] };
    assert_eq!(world.ok::<api::DeleteTaskDefinitions>(delete()).failures.unwrap().len(), 1);
    let input = api::DeregisterTaskDefinitionRequest { task_definition: "app:1".to_owned() };
    world.ok::<api::DeregisterTaskDefinition>(input);
    let deleted = world.ok::<api::DeleteTaskDefinitions>(delete()).task_definitions.unwrap();
    assert_eq!(deleted[0].status, Some(api::TaskDefinitionStatus::DeleteInProgress));

    let store = &world.0.call.installation().store;
    let now = crate::testing::START;
    assert_eq!(store.write("expire", |tx| crate::ecs::expire(tx, now)).unwrap(), 0);
    let view = store.view();
    let row = crate::ecs::node::task_by_arn(&view, task.task_arn.as_deref().unwrap()).unwrap().unwrap();
    assert!(crate::ecs::node::definition_of(&view, &row).unwrap().is_some());
}

#[test]
fn lists_of_revisions_and_families() {
    let world = World::new();
    for family in ["b", "a", "a"] {
        world.register(api::RegisterTaskDefinitionRequest { family: family.to_owned(), ..fargate() });
    }
    let names = |input: api::ListTaskDefinitionsRequest| -> Vec<String> {
        let arns = world.ok::<api::ListTaskDefinitions>(input).task_definition_arns.unwrap();
        arns.iter().map(|arn| arn.rsplit('/').next().unwrap().to_owned()).collect()
    };
    assert_eq!(names(Default::default()), ["a:1", "a:2", "b:1"]);
    let newest = api::ListTaskDefinitionsRequest {
        family_prefix: text("a"),
        sort: Some(api::SortOrder::Desc),
        ..Default::default()
    };
    assert_eq!(names(newest), ["a:2", "a:1"]);
    let families = world.ok::<api::ListTaskDefinitionFamilies>(Default::default()).families.unwrap();
    assert_eq!(families, ["a", "b"]);
}

#[test]
fn a_role_that_is_none_is_refused() {
    let world = World::new();
    for role in ["not a role", "arn:aws:iam::111122223333:user/x", "arn:aws:s3:::bucket"] {
        let input = api::RegisterTaskDefinitionRequest { task_role_arn: text(role), ..fargate() };
        let expected = ("ClientException".to_owned(), "Role is not valid".to_owned());
        assert_eq!(world.refused::<api::RegisterTaskDefinition>(input), expected, "{role}");
    }
}
