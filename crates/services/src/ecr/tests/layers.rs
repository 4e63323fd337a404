//! Layers by API.

use landfall_shape::{Blob, Value};

use super::*;
use crate::ecr::{AddressError, addressed_layer};

const MEBI: usize = 1024 * 1024;

fn begin(fixture: &Fixture) -> String {
    let input = api::InitiateLayerUploadRequest { repository_name: "app".to_owned(), ..Default::default() };
    let answer = fixture.root::<api::InitiateLayerUpload>(input);
    assert_eq!(answer.part_size, Some(10 * 1024 * 1024));
    answer.upload_id.unwrap()
}

fn part(upload: &str, first: usize, bytes: &[u8]) -> api::UploadLayerPartRequest {
    api::UploadLayerPartRequest {
        repository_name: "app".to_owned(),
        upload_id: upload.to_owned(),
        part_first_byte: first as i64,
        part_last_byte: (first + bytes.len()) as i64 - 1,
        layer_part_blob: Blob(bytes.to_vec()),
        ..Default::default()
    }
}

fn complete(upload: &str, content: &[u8]) -> api::CompleteLayerUploadRequest {
    api::CompleteLayerUploadRequest {
        repository_name: "app".to_owned(),
        upload_id: upload.to_owned(),
        layer_digests: vec![Digest::of(content).to_string()],
        ..Default::default()
    }
}

fn available(fixture: &Fixture, content: &[u8]) -> api::LayerAvailability {
    let input = api::BatchCheckLayerAvailabilityRequest {
        repository_name: "app".to_owned(),
        layer_digests: vec![Digest::of(content).to_string(), "sha256:x".to_owned()],
        ..Default::default()
    };
    let answer = fixture.root::<api::BatchCheckLayerAvailability>(input);
    assert_eq!(answer.failures.unwrap()[0].failure_code, Some(api::LayerFailureCode::InvalidLayerDigest));
    answer.layers.unwrap().remove(0).layer_availability.unwrap()
}

#[test]
fn a_layer_comes_in_parts() {
    let fixture = Fixture::new();
    fixture.repository("app");
    let content: Vec<u8> = (0..6 * MEBI).map(|at| (at % 251) as u8).collect();
    let upload = begin(&fixture);
    fixture.root::<api::UploadLayerPart>(part(&upload, 0, &content[..5 * MEBI]));
    let last = fixture.root::<api::UploadLayerPart>(part(&upload, 5 * MEBI, &content[5 * MEBI..]));
    assert_eq!(last.last_byte_received, Some(6 * MEBI as i64 - 1));
    assert_eq!(available(&fixture, &content), api::LayerAvailability::Unavailable);
    fixture.root::<api::CompleteLayerUpload>(complete(&upload, &content));
    assert_eq!(available(&fixture, &content), api::LayerAvailability::Available);
    assert_eq!(
        fixture.refused::<api::CompleteLayerUpload>(complete(&upload, b"")).0,
        "UploadNotFoundException"
    );
    let upload = begin(&fixture);
    fixture.root::<api::UploadLayerPart>(part(&upload, 0, &content[..5 * MEBI]));
    fixture.root::<api::UploadLayerPart>(part(&upload, 5 * MEBI, &content[5 * MEBI..]));
    let (code, message) = fixture.refused::<api::CompleteLayerUpload>(complete(&upload, &content));
    assert_eq!(code, "LayerAlreadyExistsException", "{message}");
}

#[test]
fn bad_uploads_are_refused() {
    let fixture = Fixture::new();
    fixture.repository("app");
    let empty = begin(&fixture);
    assert_eq!(fixture.refused::<api::CompleteLayerUpload>(complete(&empty, b"")).0, "EmptyUploadException");
    let upload = begin(&fixture);
    fixture.root::<api::UploadLayerPart>(part(&upload, 0, b"abc"));
    let input = part(&upload, 7, b"x");
    let error = fixture.call::<api::UploadLayerPart>(&root(), input).unwrap_err();
    assert_eq!(error.code, "InvalidLayerPartException");
    assert_eq!(error.members.get("lastValidByteReceived"), Some(&Value::Integer(2)));
    let lie = api::UploadLayerPartRequest { part_last_byte: 99, ..part(&upload, 3, b"x") };
    assert_eq!(fixture.refused::<api::UploadLayerPart>(lie).0, "InvalidLayerPartException");
    let huge = api::UploadLayerPartRequest {
        part_first_byte: i64::MIN,
        part_last_byte: i64::MAX,
        ..part(&upload, 3, b"x")
    };
    assert_eq!(fixture.refused::<api::UploadLayerPart>(huge).0, "InvalidLayerPartException");
    assert_eq!(
        fixture.refused::<api::CompleteLayerUpload>(complete(&upload, b"abcd")).0,
        "InvalidLayerException"
    );
    let upload = begin(&fixture);
    fixture.root::<api::UploadLayerPart>(part(&upload, 0, b"abc"));
    fixture.root::<api::UploadLayerPart>(part(&upload, 3, b"d"));
    assert_eq!(
        fixture.refused::<api::CompleteLayerUpload>(complete(&upload, b"abcd")).0,
        "LayerPartTooSmallException"
    );
    assert_eq!(fixture.refused::<api::UploadLayerPart>(part("no", 0, b"a")).0, "UploadNotFoundException");
    let abandoned = begin(&fixture);
    fixture.0.clock.advance_seconds(86_400);
    crate::ecr::reconcile(fixture.0.call.installation());
    assert_eq!(
        fixture.refused::<api::UploadLayerPart>(part(&abandoned, 0, b"a")).0,
        "UploadNotFoundException"
    );
}

#[test]
fn an_upload_ends_with_its_repository() {
    let fixture = Fixture::new();
    fixture.repository("app");
    let installation = fixture.0.call.installation();
    let (upload, swept) = (begin(&fixture), begin(&fixture));
    fixture.root::<api::UploadLayerPart>(part(&upload, 0, b"old"));
    delete(&fixture);
    assert_eq!(
        fixture.refused::<api::UploadLayerPart>(part(&upload, 3, b"er")).0,
        "RepositoryNotFoundException"
    );
    fixture.repository("app");
    let fresh = begin(&fixture);
    for upload in [&upload, &swept] {
        let (code, message) = fixture.refused::<api::UploadLayerPart>(part(upload, 0, b"er"));
        assert_eq!(code, "UploadNotFoundException");
        assert_eq!(
            message,
            format!(
                "The upload with id '{upload}' does not exist in the repository with name 'app' in registry with id '111122223333'"
            )
        );
    }
    let refused = fixture.refused::<api::CompleteLayerUpload>(complete(&upload, b"old")).0;
    assert_eq!(refused, "UploadNotFoundException");
    crate::ecr::reconcile(installation);
    assert_eq!(upload_files(&fixture), 1, "only the new repository has an upload");
    fixture.root::<api::UploadLayerPart>(part(&fresh, 0, b"new"));
    fixture.root::<api::CompleteLayerUpload>(complete(&fresh, b"new"));
    assert_eq!(available(&fixture, b"old"), api::LayerAvailability::Unavailable);
}

fn upload_files(fixture: &Fixture) -> usize {
    std::fs::read_dir(fixture.0.directory().join("registry/uploads")).unwrap().count()
}

fn delete(fixture: &Fixture) {
    let input = api::DeleteRepositoryRequest { repository_name: "app".to_owned(), ..Default::default() };
    fixture.root::<api::DeleteRepository>(input);
}

#[test]
fn addresses_are_good_for_an_hour_and_for_one_layer() {
    let fixture = Fixture::new();
    fixture.repository("app");
    fixture.image("app", "x", None);
    let input = |content: &[u8]| api::GetDownloadUrlForLayerRequest {
        repository_name: "app".to_owned(),
        layer_digest: Digest::of(content).to_string(),
        ..Default::default()
    };
    let url = fixture.root::<api::GetDownloadUrlForLayer>(input(b"x")).download_url.unwrap();
    let token = url.strip_prefix("http://127.0.0.1:4566/_landfall/layers/").unwrap();
    let installation = fixture.0.call.installation();
    assert_eq!(addressed_layer(installation, token), Ok(Digest::of(b"x")));
    fixture.0.clock.advance_seconds(3600);
    assert_eq!(addressed_layer(installation, token), Err(AddressError::Expired));
    assert_eq!(fixture.refused::<api::GetDownloadUrlForLayer>(input(b"y")).0, "LayersNotFoundException");
    let written = installation.store.write("link", |tx| {
        registry::link_layer(tx, &key("app"), Digest::of(b"y"), 1);
        Ok::<_, StoreError>(())
    });
    written.unwrap();
    assert_eq!(fixture.refused::<api::GetDownloadUrlForLayer>(input(b"y")).0, "LayerInaccessibleException");
}

#[tokio::test]
async fn a_layer_that_is_asked_for_is_wanted() {
    let fixture = Fixture::new();
    fixture.repository("app");
    let installation = fixture.0.call.installation();
    let digest = installation.blobs.put(b"x".to_vec().into()).await.unwrap();
    let written = installation.store.write("link", |tx| {
        registry::link_layer(tx, &key("app"), digest, 1);
        registry::link_layer(tx, &key("app"), Digest::of(b"gone"), 4);
        Ok::<_, StoreError>(())
    });
    written.unwrap();
    fixture.0.clock.advance_seconds(1000);
    assert_eq!(available(&fixture, b"x"), api::LayerAvailability::Available);
    let listed = installation.blobs.list().await.unwrap();
    assert_eq!(listed, [(digest, START.plus_seconds(1000))]);
    // Its bytes were collected: it has to be pushed again.
    assert_eq!(available(&fixture, b"gone"), api::LayerAvailability::Unavailable);
}
