//! Replication between Regions and accounts, and repositories that are made on the way.

use landfall_registry::{Catalog, Repository};

use super::*;
use crate::ecr::EcrCatalog;

fn configure(fixture: &Fixture, destinations: &[(&str, &AccountId)], prefix: &str) {
    let destination = |(region, account): &(&str, &AccountId)| api::ReplicationDestination {
        region: (*region).to_owned(),
        registry_id: account.to_string(),
    };
    let filter = api::RepositoryFilter {
        filter: prefix.to_owned(),
        filter_type: api::RepositoryFilterType::PrefixMatch,
    };
    let rule = api::ReplicationRule {
        destinations: destinations.iter().map(destination).collect(),
        repository_filters: Some(vec![filter]),
    };
    let replication_configuration = api::ReplicationConfiguration { rules: vec![rule] };
    fixture.root::<api::PutReplicationConfiguration>(api::PutReplicationConfigurationRequest {
        replication_configuration,
    });
}

fn statuses(fixture: &Fixture, name: &str, tag: &str) -> Vec<(String, String)> {
    let input = api::DescribeImageReplicationStatusRequest {
        repository_name: name.to_owned(),
        image_id: id(None, Some(tag)),
        ..Default::default()
    };
    let answer = fixture.root::<api::DescribeImageReplicationStatus>(input).replication_statuses.unwrap();
    let pair = |it: api::ImageReplicationStatus| (it.region.unwrap(), it.status.unwrap().as_str().to_owned());
    answer.into_iter().map(pair).collect()
}

fn pair(region: &str, status: &str) -> (String, String) {
    (region.to_owned(), status.to_owned())
}

#[test]
fn images_go_to_another_region_and_not_further() {
    let fixture = Fixture::new();
    for name in ["prod/app", "dev/app"] {
        fixture.repository(name);
    }
    fixture.image("prod/app", "before", Some("before"));
    configure(&fixture, &[("eu-west-1", &account())], "prod/");
    for name in ["prod/app", "dev/app"] {
        fixture.image(name, "x", Some("v1"));
    }
    assert_eq!(statuses(&fixture, "prod/app", "v1"), [pair("eu-west-1", "IN_PROGRESS")]);
    crate::ecr::reconcile(fixture.0.call.installation());
    assert_eq!(statuses(&fixture, "prod/app", "v1"), [pair("eu-west-1", "COMPLETE")]);
    assert!(statuses(&fixture, "dev/app", "v1").is_empty());
    let there = root().in_region(&"eu-west-1".parse().unwrap());
    let all = |name: &str| api::ListImagesRequest { repository_name: name.to_owned(), ..Default::default() };
    let ids = fixture.call::<api::ListImages>(&there, all("prod/app")).unwrap().image_ids.unwrap();
    assert_eq!(ids, [id(Some(manifest("x").digest), Some("v1"))]);
    assert!(fixture.call::<api::ListImages>(&there, all("dev/app")).is_err());
}

/// An index as the cache has it: before the images that it names.
fn index(fixture: &Fixture, name: &str, children: &[Manifest], tag: Option<&str>) -> Manifest {
    let child = |it: &Manifest| serde_json::json!({"mediaType": it.media_type, "digest": it.digest.to_string(), "size": it.size});
    let document = serde_json::json!({
        "schemaVersion": 2,
        "mediaType": "application/vnd.oci.image.index.v1+json",
        "manifests": children.iter().map(child).collect::<Vec<_>>(),
    });
    let manifest = Manifest::parse(document.to_string().as_bytes(), None).unwrap();
    let (key, tag) = (key(name), tag.map(|tag| tag.parse::<Tag>().unwrap()));
    let written = fixture.0.call.installation().store.write("push", |tx| {
        let repository = registry::find_repository(tx, &key)?.unwrap();
        registry::put_image(tx, &key, &repository, &manifest, tag.as_ref(), START)
    });
    written.unwrap();
    manifest
}

#[test]
fn an_index_is_replicated_when_all_of_it_is_there() {
    let fixture = Fixture::new();
    fixture.repository("app");
    configure(&fixture, &[("eu-west-1", &account())], "app");
    let inner = index(&fixture, "app", &[manifest("a"), manifest("b")], None);
    let outer = index(&fixture, "app", &[inner], Some("v1"));
    let there = root().in_region(&"eu-west-1".parse().unwrap());
    let digests = || {
        let input = api::ListImagesRequest { repository_name: "app".to_owned(), ..Default::default() };
        let ids = fixture.call::<api::ListImages>(&there, input).ok()?.image_ids.unwrap();
        let mut digests: Vec<String> = ids.into_iter().map(|id| id.image_digest.unwrap()).collect();
        digests.sort();
        Some(digests)
    };
    for (content, status) in [(None, "IN_PROGRESS"), (Some("a"), "IN_PROGRESS"), (Some("b"), "COMPLETE")] {
        if let Some(content) = content {
            fixture.image("app", content, None);
        }
        crate::ecr::reconcile(fixture.0.call.installation());
        assert_eq!(statuses(&fixture, "app", "v1"), [pair("eu-west-1", status)], "{content:?}");
        let has_index = digests().is_some_and(|digests| digests.contains(&outer.digest.to_string()));
        assert_eq!(has_index, status == "COMPLETE", "{content:?}");
    }
    let here = fixture.root::<api::ListImages>(api::ListImagesRequest {
        repository_name: "app".to_owned(),
        ..Default::default()
    });
    let mut all: Vec<String> =
        here.image_ids.unwrap().into_iter().map(|id| id.image_digest.unwrap()).collect();
    all.sort();
    assert_eq!(digests().unwrap(), all);
}

#[test]
fn another_account_has_to_consent() {
    let fixture = Fixture::new();
    fixture.repository("app");
    configure(&fixture, &[("us-east-1", &other_account())], "app");
    fixture.image("app", "x", Some("v1"));
    crate::ecr::reconcile(fixture.0.call.installation());
    assert_eq!(statuses(&fixture, "app", "v1"), [pair("us-east-1", "FAILED")]);
    let consent = document(
        r#"{"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::111122223333:root"},
            "Action":["ecr:ReplicateImage","ecr:CreateRepository"],
            "Resource":"arn:aws:ecr:us-east-1:444455556666:repository/*"}"#,
    );
    let other = caller(Principal::root(&other_account()));
    fixture
        .call::<api::PutRegistryPolicy>(&other, api::PutRegistryPolicyRequest { policy_text: consent })
        .unwrap();
    fixture.image("app", "y", Some("v2"));
    crate::ecr::reconcile(fixture.0.call.installation());
    assert_eq!(statuses(&fixture, "app", "v2"), [pair("us-east-1", "COMPLETE")]);
    let input = api::ListImagesRequest { repository_name: "app".to_owned(), ..Default::default() };
    assert_eq!(fixture.call::<api::ListImages>(&other, input).unwrap().image_ids.unwrap().len(), 1);
}

#[test]
fn a_registry_does_not_replicate_to_itself() {
    let fixture = Fixture::new();
    let rule = api::ReplicationRule {
        destinations: vec![api::ReplicationDestination {
            region: "us-east-1".to_owned(),
            registry_id: account().to_string(),
        }],
        repository_filters: None,
    };
    let input = api::PutReplicationConfigurationRequest {
        replication_configuration: api::ReplicationConfiguration { rules: vec![rule] },
    };
    assert_eq!(
        fixture.refused::<api::PutReplicationConfiguration>(input).1,
        "Invalid parameter at 'replicationConfiguration' failed to satisfy constraint: 'Replication destination cannot be \
         the same as the source registry'"
    );
}

fn template(prefix: &str, ways: Vec<api::RCTAppliedFor>) -> api::CreateRepositoryCreationTemplateRequest {
    api::CreateRepositoryCreationTemplateRequest {
        prefix: prefix.to_owned(),
        applied_for: ways,
        image_tag_mutability: Some(api::ImageTagMutability::Immutable),
        ..Default::default()
    }
}

#[tokio::test]
async fn a_push_makes_a_repository_where_a_template_says_so() {
    let fixture = Fixture::new();
    let catalog = EcrCatalog::new(std::sync::Arc::clone(fixture.0.call.installation()));
    let place =
        |name: &str| Repository { namespace: "111122223333/us-east-1".into(), name: name.parse().unwrap() };
    let push = vec![api::RCTAppliedFor::CreateOnPush];
    fixture.root::<api::CreateRepositoryCreationTemplate>(template("team", push.clone()));
    fixture.root::<api::CreateRepositoryCreationTemplate>(template(
        "team/x",
        vec![api::RCTAppliedFor::Replication],
    ));
    for (name, made) in [("team/app", true), ("teams", false), ("team/x/app", false), ("other", false)] {
        assert_eq!(catalog.open_for_push(&place(name)).await.is_ok(), made, "{name}");
    }
    let row =
        registry::find_repository(&fixture.0.call.installation().store.view(), &key("team/app")).unwrap();
    assert_eq!(row.unwrap().mutability.setting(), api::ImageTagMutability::Immutable);
    let again = template("team", push);
    assert_eq!(
        fixture.refused::<api::CreateRepositoryCreationTemplate>(again).0,
        "TemplateAlreadyExistsException"
    );
    let delete = api::DeleteRepositoryCreationTemplateRequest { prefix: "no".to_owned() };
    assert_eq!(
        fixture.refused::<api::DeleteRepositoryCreationTemplate>(delete).0,
        "TemplateNotFoundException"
    );
}

/// Who pushes by API is asked for the same permissions as a client of the data plane.
#[test]
fn a_push_by_api_makes_a_repository_where_a_template_says_so() {
    let fixture = Fixture::new();
    let push = vec![api::RCTAppliedFor::CreateOnPush];
    fixture.root::<api::CreateRepositoryCreationTemplate>(template("team", push));
    let begin = |name: &str| api::InitiateLayerUploadRequest {
        repository_name: name.to_owned(),
        ..Default::default()
    };
    let pusher = fixture.user(
        &account(),
        "pusher",
        Some(r#"{"Effect":"Allow","Action":["ecr:InitiateLayerUpload","ecr:PutImage"],"Resource":"*"}"#),
    );
    let (code, message) = fixture.denied::<api::InitiateLayerUpload>(&pusher, begin("team/app"));
    assert_eq!(code, "AccessDeniedException");
    assert!(message.contains("ecr:CreateRepository"), "{message}");
    assert_eq!(fixture.refused::<api::InitiateLayerUpload>(begin("other")).0, "RepositoryNotFoundException");
    let is_there = |name: &str| {
        registry::find_repository(&fixture.0.call.installation().store.view(), &key(name)).unwrap().is_some()
    };
    assert!(!is_there("team/app") && !is_there("other"));
    assert!(fixture.root::<api::InitiateLayerUpload>(begin("team/app")).upload_id.is_some());
    assert!(is_there("team/app"));
    fixture.call::<api::InitiateLayerUpload>(&pusher, begin("team/app")).unwrap();

    let put = api::PutImageRequest {
        repository_name: "team/index".to_owned(),
        image_manifest:
            r#"{"schemaVersion":2,"mediaType":"application/vnd.oci.image.index.v1+json","manifests":[]}"#
                .to_owned(),
        ..Default::default()
    };
    fixture.root::<api::PutImage>(put);
    assert!(is_there("team/index"));
}

#[test]
fn images_go_to_regions_of_the_same_partition() {
    let fixture = Fixture::new();
    let put = |region: &str| api::PutReplicationConfigurationRequest {
        replication_configuration: api::ReplicationConfiguration {
            rules: vec![api::ReplicationRule {
                destinations: vec![api::ReplicationDestination {
                    region: region.to_owned(),
                    registry_id: account().to_string(),
                }],
                repository_filters: None,
            }],
        },
    };
    for good in ["eu-central-1", "ap-southeast-7", "mx-central-1"] {
        fixture.root::<api::PutReplicationConfiguration>(put(good));
    }
    for bad in ["mars-north-1", "eu-central", "eu-central-0", "eu-up-1", "cn-north-1", "us-gov-west-1"] {
        let text = format!(
            "Invalid parameter at 'replicationConfiguration' failed to satisfy constraint: 'Invalid region '{bad}''"
        );
        let refusal = ("InvalidParameterException".to_owned(), text);
        assert_eq!(fixture.refused::<api::PutReplicationConfiguration>(put(bad)), refusal);
    }
}
