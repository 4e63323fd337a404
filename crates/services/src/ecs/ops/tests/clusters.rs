use super::*;

fn create(name: &str) -> api::CreateClusterRequest {
    api::CreateClusterRequest { cluster_name: text(name), ..Default::default() }
}

fn describe(world: &World, name: &str) -> api::Cluster {
    let input = api::DescribeClustersRequest { clusters: Some(vec![name.to_owned()]), ..Default::default() };
    world.ok::<api::DescribeClusters>(input).clusters.unwrap().remove(0)
}

#[test]
fn creating_twice_gives_the_same_cluster() {
    let world = World::new();
    let first = world.ok::<api::CreateCluster>(create("blue"));
    assert_eq!(world.ok::<api::CreateCluster>(create("blue")), first);
    let other =
        api::CreateClusterRequest { capacity_providers: Some(vec!["FARGATE".to_owned()]), ..create("blue") };
    assert_eq!(world.refused::<api::CreateCluster>(other).0, "InvalidParameterException");
    assert_eq!(world.refused::<api::CreateCluster>(create("no spaces")).0, "InvalidParameterException");
}

#[test]
fn a_deleted_cluster_is_inactive_and_can_be_made_again() {
    let world = World::new();
    world.ok::<api::CreateCluster>(create("blue"));
    world.ok::<api::DeleteCluster>(api::DeleteClusterRequest { cluster: "blue".to_owned() });
    assert_eq!(describe(&world, "blue").status.as_deref(), Some("INACTIVE"));
    let arns = world.ok::<api::ListClusters>(Default::default()).cluster_arns.unwrap();
    assert_eq!(arns, ["arn:aws:ecs:us-east-1:111122223333:cluster/default"]);
    world.register(fargate());
    let refused =
        world.refused::<api::RunTask>(api::RunTaskRequest { cluster: text("blue"), ..on_fargate() });
    let expected = ("ClusterNotFoundException".to_owned(), "The referenced cluster was inactive.".to_owned());
    assert_eq!(refused, expected);
    world.ok::<api::CreateCluster>(create("blue"));
    assert_eq!(describe(&world, "blue").status.as_deref(), Some("ACTIVE"));
}

#[test]
fn a_cluster_with_tasks_stays() {
    let world = World::new();
    world.register(fargate());
    world.run(on_fargate());
    let delete = api::DeleteClusterRequest { cluster: "default".to_owned() };
    assert_eq!(world.refused::<api::DeleteCluster>(delete).0, "ClusterContainsTasksException");
    assert_eq!(describe(&world, "default").pending_tasks_count, Some(1));
}

#[test]
fn missing_clusters_are_failures() {
    let world = World::new();
    let input =
        api::DescribeClustersRequest { clusters: Some(vec!["nope".to_owned()]), ..Default::default() };
    let failures = world.ok::<api::DescribeClusters>(input).failures.unwrap();
    assert_eq!(failures[0].reason.as_deref(), Some("MISSING"));
}

#[test]
fn tags_are_set_listed_and_removed() {
    let world = World::new();
    let arn = "arn:aws:ecs:us-east-1:111122223333:cluster/default".to_owned();
    let tags = vec![api::Tag { key: text("team"), value: text("blue") }];
    world.ok::<api::TagResource>(api::TagResourceRequest { resource_arn: arn.clone(), tags: tags.clone() });
    let list = || {
        let input = api::ListTagsForResourceRequest { resource_arn: arn.clone() };
        world.ok::<api::ListTagsForResource>(input).tags.unwrap()
    };
    assert_eq!(list(), tags);
    let keys = vec!["team".to_owned()];
    world.ok::<api::UntagResource>(api::UntagResourceRequest { resource_arn: arn.clone(), tag_keys: keys });
    assert_eq!(list(), []);
}

#[test]
fn settings_of_clusters_and_accounts() {
    let world = World::new();
    let setting = |value: &str| api::ClusterSetting {
        name: Some(api::ClusterSettingName::ContainerInsights),
        value: text(value),
    };
    let update = |value: &str| api::UpdateClusterSettingsRequest {
        cluster: "default".to_owned(),
        settings: vec![setting(value)],
    };
    let cluster = world.ok::<api::UpdateClusterSettings>(update("enabled")).cluster.unwrap();
    assert_eq!(cluster.settings, Some(vec![setting("enabled")]));
    assert_eq!(world.refused::<api::UpdateClusterSettings>(update("maybe")).0, "InvalidParameterException");

    let put = api::PutAccountSettingDefaultRequest {
        name: api::SettingName::ContainerInsights,
        value: "enhanced".to_owned(),
    };
    world.ok::<api::PutAccountSettingDefault>(put);
    let input = api::ListAccountSettingsRequest {
        effective_settings: Some(true),
        name: Some(api::SettingName::ContainerInsights),
        ..Default::default()
    };
    let listed = world.ok::<api::ListAccountSettings>(input).settings.unwrap();
    assert_eq!(listed[0].value.as_deref(), Some("enhanced"));
}
