//! Repositories under a key of KMS.

use landfall_api::kms;
use landfall_shape::{Blob, Value};

use super::*;
use crate::ecr::record::Repository;
use crate::ecr::{AddressError, addressed_layer};

fn encrypted(key: Option<&str>) -> api::EncryptionConfiguration {
    api::EncryptionConfiguration {
        encryption_type: api::EncryptionType::Kms,
        kms_key: key.map(str::to_owned),
    }
}

#[test]
fn a_disabled_key_closes_its_repository() {
    let fixture = Fixture::new();
    let key_arn =
        fixture.root::<kms::CreateKey>(kms::CreateKeyRequest::default()).key_metadata.unwrap().arn.unwrap();
    fixture.root::<api::CreateRepository>(api::CreateRepositoryRequest {
        encryption_configuration: Some(encrypted(Some(&key_arn))),
        ..create("app")
    });
    fixture.image("app", "x", Some("v1"));
    let installation = fixture.0.call.installation();
    assert!(registry::check_key(&installation.store.view(), &key("app")).is_ok());
    let begin =
        || api::InitiateLayerUploadRequest { repository_name: "app".to_owned(), ..Default::default() };
    let upload = fixture.root::<api::InitiateLayerUpload>(begin()).upload_id.unwrap();
    let layer = || api::GetDownloadUrlForLayerRequest {
        repository_name: "app".to_owned(),
        layer_digest: Digest::of(b"x").to_string(),
        ..Default::default()
    };
    let url = fixture.root::<api::GetDownloadUrlForLayer>(layer()).download_url.unwrap();
    let token = url.rsplit_once('/').unwrap().1;
    assert_eq!(addressed_layer(installation, token), Ok(Digest::of(b"x")));
    fixture.root::<kms::DisableKey>(kms::DisableKeyRequest { key_id: key_arn.clone() });
    let disabled = AddressError::Key("DisabledException", format!("{key_arn} is disabled."));
    assert_eq!(addressed_layer(installation, token), Err(disabled), "an address that was given before");

    assert!(registry::check_key(&installation.store.view(), &key("app")).is_err());
    let refusal = ("KmsException".to_owned(), format!("{key_arn} is disabled."));
    let error = fixture.call::<api::InitiateLayerUpload>(&root(), begin()).unwrap_err();
    assert_eq!(error.members.get("kmsError"), Some(&Value::String("DisabledException".to_owned())));
    assert_eq!((error.code.to_owned(), error.message), refusal);
    let part = api::UploadLayerPartRequest {
        repository_name: "app".to_owned(),
        upload_id: upload.clone(),
        layer_part_blob: Blob(b"x".to_vec()),
        ..Default::default()
    };
    assert_eq!(fixture.refused::<api::UploadLayerPart>(part), refusal);
    let complete = api::CompleteLayerUploadRequest {
        repository_name: "app".to_owned(),
        upload_id: upload,
        layer_digests: vec![Digest::of(b"x").to_string()],
        ..Default::default()
    };
    assert_eq!(fixture.refused::<api::CompleteLayerUpload>(complete), refusal);
    let put = api::PutImageRequest {
        repository_name: "app".to_owned(),
        image_manifest: manifest_text("x"),
        image_tag: Some("v2".to_owned()),
        ..Default::default()
    };
    assert_eq!(fixture.refused::<api::PutImage>(put), refusal);
    assert_eq!(fixture.refused::<api::GetDownloadUrlForLayer>(layer()), refusal);
    let get = api::BatchGetImageRequest {
        repository_name: "app".to_owned(),
        image_ids: vec![id(None, Some("v1"))],
        ..Default::default()
    };
    let failure = fixture.root::<api::BatchGetImage>(get).failures.unwrap().remove(0);
    assert_eq!(failure.failure_code, Some(api::ImageFailureCode::KmsError));
    assert_eq!(failure.failure_reason, Some(refusal.1));
    // What is no content can be read.
    let list = api::ListImagesRequest { repository_name: "app".to_owned(), ..Default::default() };
    assert_eq!(fixture.root::<api::ListImages>(list).image_ids.unwrap().len(), 1);
}

#[test]
fn a_template_without_a_key_means_the_default_one() {
    let fixture = Fixture::new();
    template_under(&fixture, None);
    fixture.role("maker", "ecr.amazonaws.com");
    fixture.allow_role("maker", &["ecr:CreateRepository"]);
    let made = push(&fixture).unwrap();
    let arn = made.encryption.key.clone().unwrap();
    let input = kms::DescribeKeyRequest { key_id: "alias/aws/ecr".to_owned(), ..Default::default() };
    assert_eq!(fixture.root::<kms::DescribeKey>(input).key_metadata.unwrap().arn, Some(arn));
}

/// A template with a tag, and a key where one is named.
fn template_under(fixture: &Fixture, kms_key: Option<&str>) {
    let tag = api::Tag { key: "team".to_owned(), value: "a".to_owned() };
    fixture.root::<api::CreateRepositoryCreationTemplate>(api::CreateRepositoryCreationTemplateRequest {
        prefix: "team".to_owned(),
        applied_for: vec![api::RCTAppliedFor::CreateOnPush],
        encryption_configuration: Some(api::EncryptionConfigurationForRepositoryCreationTemplate {
            encryption_type: api::EncryptionType::Kms,
            kms_key: kms_key.map(str::to_owned),
        }),
        resource_tags: kms_key.map(|_| vec![tag]),
        custom_role_arn: Some("arn:aws:iam::111122223333:role/maker".to_owned()),
        ..Default::default()
    });
}

/// The repository that a push makes, or why it does not.
fn push(fixture: &Fixture) -> Result<std::sync::Arc<Repository>, String> {
    let installation = fixture.0.call.installation();
    let written = installation
        .store
        .write("push", |tx| registry::open_for_push(installation, tx, &key("team/app"), START));
    written.map(Option::unwrap).map_err(|error| format!("{error:?}"))
}

#[test]
fn a_repository_is_made_as_its_templates_role() {
    let fixture = Fixture::new();
    let key_arn =
        fixture.root::<kms::CreateKey>(kms::CreateKeyRequest::default()).key_metadata.unwrap().arn.unwrap();
    template_under(&fixture, Some(&key_arn));
    let refused = push(&fixture).unwrap_err();
    assert!(refused.contains("role/maker cannot be assumed by ecr.amazonaws.com"), "{refused}");
    fixture.role("maker", "ecr.amazonaws.com");
    let needed = ["ecr:CreateRepository", "ecr:TagResource", "kms:DescribeKey", "kms:CreateGrant"];
    for (at, missing) in needed.iter().enumerate() {
        let refused = push(&fixture).unwrap_err();
        let denied =
            format!("assumed-role/maker/ECRRepositoryCreation is not authorized to perform: {missing} on");
        assert!(refused.contains(&denied), "{missing}: {refused}");
        fixture.allow_role("maker", &needed[..=at]);
    }
    let made = push(&fixture).unwrap();
    assert_eq!(made.encryption.key, Some(key_arn));
    assert_eq!(made.tags, vec![("team".to_owned(), "a".to_owned())]);
}
