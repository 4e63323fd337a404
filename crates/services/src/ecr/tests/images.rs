//! Images by API.

use super::*;
use crate::ecr::record::{LAYERS, SCANS};

fn put(name: &str, content: &str, tag: Option<&str>) -> api::PutImageRequest {
    api::PutImageRequest {
        repository_name: name.to_owned(),
        image_manifest: manifest_text(content),
        image_tag: tag.map(str::to_owned),
        ..Default::default()
    }
}

fn get(name: &str, ids: Vec<api::ImageIdentifier>) -> api::BatchGetImageRequest {
    api::BatchGetImageRequest { repository_name: name.to_owned(), image_ids: ids, ..Default::default() }
}

fn delete(name: &str, ids: Vec<api::ImageIdentifier>) -> api::BatchDeleteImageRequest {
    api::BatchDeleteImageRequest { repository_name: name.to_owned(), image_ids: ids, ..Default::default() }
}

/// Makes the layers of an image known to a repository.
fn add_layers(fixture: &Fixture, name: &str, content: &str) {
    let (key, manifest) = (key(name), manifest(content));
    let written = fixture.0.call.installation().store.write("layers", |tx| {
        for blob in manifest.required_blobs() {
            registry::link_layer(tx, &key, blob.digest, blob.size);
        }
        Ok::<_, StoreError>(())
    });
    written.unwrap();
}

fn put_image(fixture: &Fixture, content: &str, tag: Option<&str>) -> Digest {
    add_layers(fixture, "app", content);
    fixture.root::<api::PutImage>(put("app", content, tag));
    manifest(content).digest
}

fn tags(fixture: &Fixture) -> Vec<(Option<String>, Option<String>)> {
    let input = api::ListImagesRequest { repository_name: "app".to_owned(), ..Default::default() };
    let ids = fixture.root::<api::ListImages>(input).image_ids.unwrap();
    ids.into_iter().map(|id| (id.image_digest, id.image_tag)).collect()
}

#[test]
fn an_image_goes_in_and_comes_out() {
    let fixture = Fixture::new();
    fixture.repository("app");
    let (code, message) = fixture.refused::<api::PutImage>(put("app", "x", Some("v1")));
    assert_eq!(code, "LayersNotFoundException");
    assert!(message.ends_with(
        "required for pushing image into repository with name 'app' in the registry with id '111122223333' do not exist"
    ));
    let digest = put_image(&fixture, "x", Some("v1"));
    let answer =
        fixture.root::<api::BatchGetImage>(get("app", vec![id(None, Some("v1")), id(None, Some("no"))]));
    let image = answer.images.unwrap().remove(0);
    assert_eq!(image.image_manifest.as_deref(), Some(manifest_text("x").as_str()));
    assert_eq!(image.image_id, Some(id(Some(digest), Some("v1"))));
    let failure = answer.failures.unwrap().remove(0);
    assert_eq!(failure.failure_code, Some(api::ImageFailureCode::ImageNotFound));
    assert_eq!(failure.failure_reason.as_deref(), Some("Requested image not found"));
    let input = api::DescribeImagesRequest { repository_name: "app".to_owned(), ..Default::default() };
    let detail = fixture.root::<api::DescribeImages>(input).image_details.unwrap().remove(0);
    assert_eq!(detail.image_size_in_bytes, Some(9));
    assert_eq!(detail.image_tags, Some(vec!["v1".to_owned()]));
    assert_eq!(detail.last_recorded_pull_time, Some(START));
}

/// OCI's format and Docker's are made of each other for who asks by tag; by digest there is what was pushed.
#[test]
fn an_image_is_given_in_the_format_that_is_read() {
    let fixture = Fixture::new();
    fixture.repository("app");
    let oci = "application/vnd.oci.image.manifest.v1+json";
    let docker = "application/vnd.docker.distribution.manifest.v2+json";
    let blob = |media_type: &str, text: &str| serde_json::json!({ "mediaType": media_type, "digest": Digest::of(text.as_bytes()).to_string(), "size": text.len() });
    let text = serde_json::json!({
        "schemaVersion": 2,
        "mediaType": oci,
        "config": blob("application/vnd.oci.image.config.v1+json", "config x"),
        "layers": [blob("application/vnd.oci.image.layer.v1.tar+gzip", "x")],
    });
    let text = text.to_string();
    add_layers(&fixture, "app", "x");
    let input = api::PutImageRequest { image_manifest: text.clone(), ..put("app", "x", Some("v1")) };
    fixture.root::<api::PutImage>(input);
    put_image(&fixture, "other", Some("artifact"));
    let digest = Digest::of(text.as_bytes());
    let asked = |id: api::ImageIdentifier, accepted: &str| {
        let input = api::BatchGetImageRequest {
            accepted_media_types: Some(vec![accepted.to_owned()]),
            ..get("app", vec![id])
        };
        fixture.root::<api::BatchGetImage>(input)
    };
    let shown = |id: api::ImageIdentifier, accepted: &str| asked(id, accepted).images.unwrap().remove(0);

    let image = shown(id(None, Some("v1")), docker);
    assert_eq!(image.image_manifest_media_type.as_deref(), Some(docker));
    assert_eq!(image.image_id, Some(id(Some(digest), Some("v1"))), "the image is the one that is here");
    let made = Manifest::parse(image.image_manifest.unwrap().as_bytes(), None).unwrap();
    assert_eq!(made.media_type, docker);
    assert_eq!(made.layers[0].digest, Digest::of(b"x"));
    for id in [id(Some(digest), None), id(Some(digest), Some("v1"))] {
        assert_eq!(shown(id, docker).image_manifest.as_ref(), Some(&text));
    }
    let none = asked(id(None, Some("artifact")), docker).failures.unwrap().remove(0);
    assert_eq!(none.failure_code, Some(api::ImageFailureCode::ImageNotFound));
    assert_eq!(asked(id(Some(made.digest), None), docker).failures.unwrap().len(), 1);
}

#[test]
fn repeated_and_moved_tags() {
    let fixture = Fixture::new();
    fixture.repository("app");
    let a = put_image(&fixture, "a", Some("latest"));
    let (code, message) = fixture.refused::<api::PutImage>(put("app", "a", Some("latest")));
    assert_eq!(code, "ImageAlreadyExistsException");
    assert_eq!(
        message,
        format!(
            "Image with digest '{a}' and tag 'latest' already exists in the repository with name 'app' in registry with id \
             '111122223333'"
        )
    );
    fixture.root::<api::PutImage>(put("app", "a", Some("v1")));
    let b = put_image(&fixture, "b", Some("latest"));
    let mut expected =
        vec![(Some(a.to_string()), Some("v1".to_owned())), (Some(b.to_string()), Some("latest".to_owned()))];
    expected.sort();
    assert_eq!(tags(&fixture), expected);
    let fix = api::PutImageTagMutabilityRequest {
        repository_name: "app".to_owned(),
        image_tag_mutability: api::ImageTagMutability::Immutable,
        ..Default::default()
    };
    fixture.root::<api::PutImageTagMutability>(fix);
    let (code, message) = fixture.refused::<api::PutImage>(put("app", "a", Some("latest")));
    assert_eq!(code, "ImageTagAlreadyExistsException");
    assert_eq!(
        message,
        "The image tag 'latest' already exists in the 'app' repository and cannot be overwritten because the repository is \
         immutable."
    );
}

#[test]
fn what_put_image_refuses() {
    let fixture = Fixture::new();
    fixture.repository("app");
    add_layers(&fixture, "app", "x");
    let with = |change: &dyn Fn(&mut api::PutImageRequest)| {
        let mut input = put("app", "x", None);
        change(&mut input);
        fixture.refused::<api::PutImage>(input).0
    };
    let other = Digest::of(b"other").to_string();
    let lie = manifest_text("x").replace("\"size\":1", "\"size\":7");
    let index = format!(
        r#"{{"schemaVersion":2,"mediaType":"application/vnd.oci.image.index.v1+json","manifests":[{{
            "mediaType":"application/vnd.oci.image.manifest.v1+json","digest":"{other}","size":3}}]}}"#
    );
    let deep = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
    let invalid = "InvalidParameterException";
    assert_eq!(with(&|it| it.image_manifest = "{".to_owned()), invalid);
    assert_eq!(with(&|it| it.image_manifest.clone_from(&deep)), invalid);
    assert_eq!(with(&|it| it.image_manifest.clone_from(&lie)), invalid);
    assert_eq!(with(&|it| it.image_tag = Some("../x".to_owned())), invalid);
    assert_eq!(with(&|it| it.image_manifest_media_type = Some("text/plain".to_owned())), invalid);
    assert_eq!(with(&|it| it.image_digest = Some(other.clone())), "ImageDigestDoesNotMatchException");
    assert_eq!(with(&|it| it.image_manifest.clone_from(&index)), "ReferencedImagesNotFoundException");
    assert_eq!(with(&|it| it.repository_name = "no".to_owned()), "RepositoryNotFoundException");
}

/// A caller of the API has parameters, not headers.
#[test]
fn put_image_says_where_a_media_type_belongs() {
    let fixture = Fixture::new();
    fixture.repository("app");
    let text =
        manifest_text("x").replace("\"mediaType\":\"application/vnd.oci.image.manifest.v1+json\",", "");
    let refused = |media_type: Option<&str>, text: &str| {
        let mut input = put("app", "x", None);
        input.image_manifest = text.to_owned();
        input.image_manifest_media_type = media_type.map(str::to_owned);
        fixture.refused::<api::PutImage>(input).1
    };
    let (none, two) = (refused(None, &text), refused(Some("text/plain"), &manifest_text("x")));
    assert!(none.contains("no `mediaType`: say with `imageManifestMediaType` which type it is"), "{none}");
    assert!(two.contains("but `imageManifestMediaType` is `text/plain`"), "{two}");
}

#[test]
fn deletion_by_tag_and_by_digest() {
    let fixture = Fixture::new();
    fixture.repository("app");
    let digest = fixture.image("app", "x", Some("a"));
    fixture.image("app", "x", Some("b"));
    let delete = |ids| fixture.root::<api::BatchDeleteImage>(delete("app", ids));
    assert_eq!(delete(vec![id(None, Some("a"))]).image_ids, Some(vec![id(Some(digest), Some("a"))]));
    assert_eq!(tags(&fixture).len(), 1);
    delete(vec![id(None, Some("b"))]);
    assert!(tags(&fixture).is_empty());
    let digest = fixture.image("app", "y", Some("a"));
    fixture.image("app", "y", Some("b"));
    let deleted = delete(vec![id(Some(digest), None)]).image_ids.unwrap();
    assert_eq!(deleted, [id(Some(digest), Some("a")), id(Some(digest), Some("b"))]);
    let codes: Vec<_> =
        delete(vec![id(None, None), id(Some(digest), None), id(None, Some("no"))]).failures.unwrap();
    let codes: Vec<_> = codes.into_iter().filter_map(|failure| failure.failure_code).collect();
    use api::ImageFailureCode::{ImageNotFound, MissingDigestAndTag};
    assert_eq!(codes, [MissingDigestAndTag, ImageNotFound, ImageNotFound]);
}

#[test]
fn an_index_says_of_its_images_what_they_are() {
    let fixture = Fixture::new();
    fixture.repository("app");
    let child = fixture.image("app", "x", None);
    let right = manifest_text("x").len();
    let oci = "application/vnd.oci.image.manifest.v1+json";
    let docker = "application/vnd.docker.distribution.manifest.v2+json";
    for (media_type, size, wrong) in [
        (docker, right, format!("is of type '{oci}', not '{docker}'")),
        (oci, right + 1, format!("has {right} bytes, not {}", right + 1)),
    ] {
        let text = format!(
            r#"{{"schemaVersion":2,"mediaType":"application/vnd.oci.image.index.v1+json","manifests":[{{
                "mediaType":"{media_type}","digest":"{child}","size":{size}}}]}}"#
        );
        let input = api::PutImageRequest { image_manifest: text, ..put("app", "x", Some("multi")) };
        let text = format!(
            "Invalid parameter at 'ImageManifest' failed to satisfy constraint: 'The image '{child}' {wrong}'"
        );
        assert_eq!(fixture.refused::<api::PutImage>(input), ("InvalidParameterException".to_owned(), text));
    }
}

#[test]
fn what_a_list_names_stays() {
    let fixture = Fixture::new();
    fixture.repository("app");
    let child = fixture.image("app", "x", Some("child"));
    fixture.image("app", "x", Some("too"));
    let size = manifest_text("x").len();
    let text = format!(
        r#"{{"schemaVersion":2,"mediaType":"application/vnd.oci.image.index.v1+json","manifests":[{{
            "mediaType":"application/vnd.oci.image.manifest.v1+json","digest":"{child}","size":{size}}}]}}"#
    );
    let input = api::PutImageRequest { image_manifest: text.clone(), ..put("app", "x", Some("multi")) };
    fixture.root::<api::PutImage>(input);
    let answer = fixture.root::<api::BatchDeleteImage>(delete("app", vec![id(None, Some("too"))]));
    assert_eq!(answer.failures.unwrap(), [], "it has another tag");
    for it in [id(Some(child), None), id(None, Some("child"))] {
        let failed = fixture.root::<api::BatchDeleteImage>(delete("app", vec![it]));
        let code = failed.failures.unwrap().remove(0).failure_code;
        assert_eq!(code, Some(api::ImageFailureCode::ImageReferencedByManifestList));
    }
    let both = vec![id(Some(child), None), id(Some(Digest::of(text.as_bytes())), None)];
    let answer = fixture.root::<api::BatchDeleteImage>(delete("app", both));
    assert_eq!((answer.image_ids.unwrap().len(), answer.failures.unwrap().len()), (2, 0));
}

#[test]
fn ten_thousand_tags_in_pages() {
    let fixture = Fixture::new();
    fixture.repository("app");
    let manifests = ["a", "b", "c", "d", "e", "f", "g", "h", "i", "j", "without"].map(manifest);
    let written = fixture.0.call.installation().store.write("push", |tx| {
        let repository = registry::find_repository(tx, &key("app"))?.unwrap();
        for number in 0..10_000 {
            let tag = format!("t{number:05}").parse::<Tag>().unwrap();
            registry::put_image(tx, &key("app"), &repository, &manifests[number % 10], Some(&tag), START)?;
        }
        registry::put_image(tx, &key("app"), &repository, &manifests[10], None, START)
    });
    written.unwrap();
    let list = |status, size| {
        let mut input = api::ListImagesRequest {
            repository_name: "app".to_owned(),
            max_results: Some(size),
            filter: Some(api::ListImagesFilter { tag_status: Some(status), image_status: None }),
            ..Default::default()
        };
        let mut seen = std::collections::BTreeSet::new();
        loop {
            let page = fixture.root::<api::ListImages>(input.clone());
            for id in page.image_ids.unwrap() {
                assert!(seen.insert((id.image_digest, id.image_tag)));
            }
            input.next_token = page.next_token;
            if input.next_token.is_none() {
                return seen.len();
            }
        }
    };
    assert_eq!(list(api::TagStatus::Any, 1000), 10_001);
    assert_eq!(list(api::TagStatus::Tagged, 999), 10_000);
    assert_eq!(list(api::TagStatus::Untagged, 1), 1);
    let view = fixture.0.call.installation().store.view();
    assert_eq!(view.count(&LAYERS, ()), 0);
}

#[test]
fn findings_say_that_there_was_no_scan() {
    let fixture = Fixture::new();
    fixture.repository("app");
    fixture.image("app", "x", Some("v1"));
    let input = |tag: &str| api::DescribeImageScanFindingsRequest {
        repository_name: "app".to_owned(),
        image_id: id(None, Some(tag)),
        ..Default::default()
    };
    assert_eq!(fixture.refused::<api::DescribeImageScanFindings>(input("v1")).0, "ScanNotFoundException");
    assert_eq!(fixture.refused::<api::DescribeImageScanFindings>(input("no")).0, "ImageNotFoundException");
}

#[test]
fn a_scan_that_is_asked_for_fails_and_says_why() {
    let fixture = Fixture::new();
    fixture.repository("app");
    let digest = fixture.image("app", "x", Some("v1"));
    fixture.image("app", "y", Some("v2"));
    let start = |tag: &str| api::StartImageScanRequest {
        repository_name: "app".to_owned(),
        image_id: id(None, Some(tag)),
        ..Default::default()
    };
    let describe = |tag: &str| api::DescribeImageScanFindingsRequest {
        repository_name: "app".to_owned(),
        image_id: id(None, Some(tag)),
        ..Default::default()
    };
    let failed = Some(api::ImageScanStatus {
        status: Some(api::ScanStatus::Failed),
        description: Some("No scan was made: this server has no scanner.".to_owned()),
    });
    assert_eq!(fixture.refused::<api::StartImageScan>(start("no")).0, "ImageNotFoundException");
    let started = fixture.root::<api::StartImageScan>(start("v1"));
    assert_eq!(started.image_id, Some(id(Some(digest), Some("v1"))));
    assert_eq!(started.image_scan_status, failed);
    let found = fixture.root::<api::DescribeImageScanFindings>(describe("v1"));
    assert_eq!((found.image_scan_status, found.image_scan_findings), (failed.clone(), None));
    assert_eq!(fixture.refused::<api::DescribeImageScanFindings>(describe("v2")).0, "ScanNotFoundException");
    let images = api::DescribeImagesRequest { repository_name: "app".to_owned(), ..Default::default() };
    let details = fixture.root::<api::DescribeImages>(images).image_details.unwrap();
    for detail in details {
        let asked = detail.image_digest == Some(digest.to_string());
        assert_eq!(detail.image_scan_status, failed.clone().filter(|_| asked));
    }
    let deletion = api::DeleteRepositoryRequest {
        repository_name: "app".to_owned(),
        force: Some(true),
        ..Default::default()
    };
    fixture.root::<api::DeleteRepository>(deletion);
    assert_eq!(fixture.0.call.installation().store.view().count(&SCANS, ()), 0);
}

#[test]
fn an_image_has_a_thousand_tags() {
    let fixture = Fixture::new();
    fixture.repository("app");
    let digest = fixture.image("app", "x", None);
    let (installation, key) = (fixture.0.call.installation(), key("app"));
    let put = |tag: &str| {
        let tag: Tag = tag.parse().unwrap();
        let written = installation.store.write("tag", |tx| {
            let repository = registry::find_repository(tx, &key)?.unwrap();
            registry::put_image(tx, &key, &repository, &manifest("x"), Some(&tag), START)
        });
        written.unwrap()
    };
    for number in 0..registry::MOST_TAGS {
        assert_eq!(put(&format!("t{number}")), registry::Put::Stored);
    }
    assert_eq!(put("more"), registry::Put::TooManyTags);
    assert_eq!(put("t7"), registry::Put::Unchanged);
    let input = api::PutImageRequest {
        repository_name: "app".to_owned(),
        image_manifest: manifest_text("x"),
        image_tag: Some("more".to_owned()),
        ..Default::default()
    };
    assert_eq!(
        fixture.refused::<api::PutImage>(input),
        (
            "LimitExceededException".to_owned(),
            "Adding tag 'more' to an image in the repository with name 'app' in registry with id '111122223333' exceeds the \
             maximum allowed number of tags per image which is '1000'"
                .to_owned()
        )
    );
    let view = installation.store.view();
    assert_eq!(registry::tags_of(&view, &key, digest).unwrap().len(), registry::MOST_TAGS);
}
