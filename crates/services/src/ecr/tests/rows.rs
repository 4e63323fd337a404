//! What the data plane sees and changes.

use landfall_registry::{Catalog, ErrorCode, Incarnation, OciError, Reference, Repository, Unlink};

use super::*;
use crate::ecr::EcrCatalog;
use crate::ecr::record::{IMAGE_TAGS, IMAGES, LAYERS, Mutability, NAMED_BY, REFERRERS, REPOSITORIES, TAGS};

fn place(name: &str) -> Repository {
    Repository { namespace: "111122223333/us-east-1".into(), name: name.parse().unwrap() }
}

fn catalog(fixture: &Fixture) -> EcrCatalog {
    EcrCatalog::new(std::sync::Arc::clone(fixture.0.call.installation()))
}

fn tag(text: &str) -> Tag {
    text.parse().unwrap()
}

/// Layers first, then the manifest.
async fn push(
    catalog: &EcrCatalog,
    repository: &Repository,
    manifest: &Manifest,
    name: &str,
) -> Result<(), OciError> {
    let incarnation = catalog.open_for_push(repository).await?;
    for blob in manifest.required_blobs() {
        catalog.link_blob(repository, incarnation, blob.digest, blob.size).await?;
    }
    catalog.put_manifest(repository, incarnation, manifest.clone(), Some(&tag(name))).await
}

#[tokio::test]
async fn a_push_and_a_pull_through_the_catalog() {
    let fixture = Fixture::new();
    fixture.repository("app");
    let (catalog, app) = (catalog(&fixture), place("app"));
    let unknown = catalog.open_for_push(&place("no")).await.unwrap_err();
    assert_eq!(unknown.code, ErrorCode::NameUnknown);
    assert_eq!(
        unknown.message,
        "The repository with name 'no' does not exist in the registry with id '111122223333'"
    );
    let incarnation = catalog.open_for_push(&app).await.unwrap();
    let manifest = manifest("x");
    let layer = manifest.layers[0].digest;
    assert_eq!(catalog.blob(&app, layer).await.unwrap(), None);
    let other = Incarnation(incarnation.0.wrapping_add(1));
    assert_eq!(catalog.link_blob(&app, other, layer, 1).await.unwrap_err().code, ErrorCode::NameUnknown);
    assert_eq!(catalog.blob(&app, layer).await.unwrap(), None);
    catalog.link_blob(&app, incarnation, layer, 1).await.unwrap();
    assert_eq!(catalog.blob(&app, layer).await.unwrap(), Some(1));
    push(&catalog, &app, &manifest, "v1").await.unwrap();
    for reference in [Reference::Tag(tag("v1")), Reference::Digest(manifest.digest)] {
        assert_eq!(*catalog.manifest(&app, &reference).await.unwrap().unwrap(), manifest);
    }
    assert_eq!(catalog.unlink_blob(&app, layer).await.unwrap(), Unlink::InUse);
    assert!(catalog.reached().await.unwrap().contains(&layer));
    assert!(catalog.idle().await.unwrap().is_empty());
    assert!(catalog.forget_blobs(&[layer]).await.unwrap().is_empty());
    assert!(catalog.delete_manifest(&app, manifest.digest).await.unwrap());
    assert!(catalog.tags(&app, None, 10).await.unwrap().is_empty());
    assert!(catalog.idle().await.unwrap().contains(&layer));
    assert_eq!(catalog.unlink_blob(&app, layer).await.unwrap(), Unlink::Done);
    assert_eq!(
        catalog.repositories("111122223333/us-east-1", None, 9).await.unwrap(),
        ["app".parse().unwrap()]
    );
    assert!(catalog.repositories("111122223333/us-east-1", Some("app"), 9).await.unwrap().is_empty());
}

#[tokio::test]
async fn fixed_tags_stay_and_excluded_ones_move() {
    let fixture = Fixture::new();
    fixture.repository("app");
    let written = fixture.0.call.installation().store.write("fix", |tx| {
        tx.update(&REPOSITORIES, &key("app"), |row| {
            row.mutability = Mutability::Immutable(vec!["dev*".to_owned()]);
        })
    });
    written.unwrap();
    let (catalog, app) = (catalog(&fixture), place("app"));
    for name in ["v1", "dev"] {
        push(&catalog, &app, &manifest("a"), name).await.unwrap();
        push(&catalog, &app, &manifest("a"), name).await.unwrap();
    }
    push(&catalog, &app, &manifest("b"), "dev").await.unwrap();
    let error = push(&catalog, &app, &manifest("b"), "v1").await.unwrap_err();
    assert_eq!(error.code, ErrorCode::TagInvalid);
    assert_eq!(
        error.message,
        "The image tag 'v1' already exists in the 'app' repository and cannot be overwritten because the repository is \
         immutable."
    );
}

/// Between the look and the write the repository may be removed and made again, and its layers are gone with it.
#[tokio::test]
async fn an_image_is_stored_with_all_that_it_names_or_not_at_all() {
    let fixture = Fixture::new();
    fixture.repository("app");
    let (catalog, app, manifest) = (catalog(&fixture), place("app"), manifest("x"));
    let opened = catalog.open_for_push(&app).await.unwrap();
    for blob in manifest.required_blobs() {
        catalog.link_blob(&app, opened, blob.digest, blob.size).await.unwrap();
    }
    catalog.check_manifest(&app, opened, &manifest).await.unwrap();
    fixture.root::<api::DeleteRepository>(api::DeleteRepositoryRequest {
        repository_name: "app".to_owned(),
        ..Default::default()
    });
    let gone = catalog.put_manifest(&app, opened, manifest.clone(), None).await.unwrap_err();
    fixture.repository("app");
    let another = catalog.put_manifest(&app, opened, manifest.clone(), None).await.unwrap_err();
    let opened = catalog.open_for_push(&app).await.unwrap();
    let bare = catalog.put_manifest(&app, opened, manifest.clone(), None).await.unwrap_err();
    let codes = [gone.code, another.code, bare.code];
    assert_eq!(codes, [ErrorCode::NameUnknown, ErrorCode::NameUnknown, ErrorCode::ManifestBlobUnknown]);
    assert_eq!(catalog.manifest(&app, &Reference::Digest(manifest.digest)).await.unwrap(), None);
}

#[tokio::test]
async fn tags_are_listed_without_regard_to_case() {
    let fixture = Fixture::new();
    fixture.repository("app");
    for name in ["b", "B", "a", "C", "A1"] {
        fixture.image("app", "x", Some(name));
    }
    let (catalog, app) = (catalog(&fixture), place("app"));
    let all = catalog.tags(&app, None, 10).await.unwrap();
    assert_eq!(all, ["a", "A1", "B", "b", "C"].map(tag));
    assert_eq!(catalog.tags(&app, Some(&tag("A1")), 2).await.unwrap(), ["B", "b"].map(tag));
    assert_eq!(catalog.tags(&app, Some(&tag("aa")), 9).await.unwrap(), ["B", "b", "C"].map(tag));
}

#[test]
fn a_removed_repository_leaves_no_row() {
    let fixture = Fixture::new();
    fixture.repository("app");
    for number in 0..20 {
        fixture.image("app", &format!("content {}", number % 7), Some(&format!("t{number}")));
    }
    fixture.root::<api::DeleteRepository>(api::DeleteRepositoryRequest {
        repository_name: "app".to_owned(),
        force: Some(true),
        ..Default::default()
    });
    let view = fixture.0.call.installation().store.view();
    let rows = [
        view.count(&REPOSITORIES, ()),
        view.count(&IMAGES, ()),
        view.count(&TAGS, ()),
        view.count(&IMAGE_TAGS, ()),
        view.count(&LAYERS, ()),
        view.count(&NAMED_BY, ()),
        view.count(&REFERRERS, ()),
    ];
    assert_eq!(rows, [0; 7]);
}

#[tokio::test]
async fn pulls_are_noted_once_a_minute() {
    let fixture = Fixture::new();
    fixture.repository("app");
    let digest = fixture.image("app", "x", None);
    let installation = fixture.0.call.installation();
    let noted = || registry::pulled_at(&installation.store.view(), &key("app"), digest).unwrap();
    registry::note_pull(installation, &key("app"), digest).await;
    assert_eq!(noted(), Some(START));
    for (seconds, expected) in [(59, START), (1, START.plus_seconds(60))] {
        fixture.0.clock.advance_seconds(seconds);
        registry::note_pull(installation, &key("app"), digest).await;
        assert_eq!(noted(), Some(expected));
    }
}
