//! The cache, before an upstream registry in memory.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use landfall_registry::Reference;

use super::*;
use crate::ecr::pull_through::{
    Answering, Upstream, UpstreamBlob, UpstreamCredential, UpstreamError, UpstreamImage, UpstreamManifest,
    import,
};

const DAY: i64 = 24 * 3600;

/// What is asked for by a tag is what was said last.
#[derive(Default)]
struct Remote {
    tags: Mutex<HashMap<String, String>>,
    /// Done once, before a manifest is sent.
    meanwhile: Mutex<Option<Box<dyn FnOnce() + Send>>>,
}

struct Whole(Option<Bytes>);

impl UpstreamBlob for Whole {
    fn next(&mut self) -> Answering<'_, Option<Bytes>> {
        let bytes = self.0.take();
        Box::pin(async move { Ok(bytes) })
    }
}

impl Remote {
    fn set(&self, tag: &str, content: &str) {
        self.tags.lock().unwrap().insert(tag.to_owned(), content.to_owned());
    }

    fn meanwhile(&self, work: impl FnOnce() + Send + 'static) {
        *self.meanwhile.lock().unwrap() = Some(Box::new(work));
    }
}

impl Upstream for Remote {
    fn manifest<'a>(
        &'a self,
        image: &'a UpstreamImage,
        _: Option<&'a UpstreamCredential>,
    ) -> Answering<'a, UpstreamManifest> {
        if let Some(work) = self.meanwhile.lock().unwrap().take() {
            work();
        }
        let content = self.tags.lock().unwrap().get(&image.reference).cloned();
        let answer = content.ok_or_else(|| UpstreamError::Failed("down".to_owned()));
        let media_type = "application/vnd.oci.image.manifest.v1+json".to_owned();
        let answer = answer.map(|it| UpstreamManifest { bytes: manifest_text(&it).into(), media_type });
        Box::pin(async move { answer })
    }

    fn blob<'a>(
        &'a self,
        _: &'a UpstreamImage,
        _: Option<&'a UpstreamCredential>,
        digest: &'a str,
        _: u64,
    ) -> Answering<'a, Box<dyn UpstreamBlob + 'a>> {
        let texts: Vec<String> = self.tags.lock().unwrap().values().cloned().collect();
        let all = texts.into_iter().flat_map(|text| [format!("config {text}"), text]);
        let found = all.into_iter().find(|text| Digest::of(text.as_bytes()).to_string() == digest);
        Box::pin(async move { Ok(Box::new(Whole(found.map(Bytes::from))) as Box<dyn UpstreamBlob>) })
    }
}

fn cache() -> (Fixture, Arc<Remote>) {
    let (fixture, remote) = (Fixture::new(), Arc::new(Remote::default()));
    fixture.0.call.installation().upstreams.set(Arc::clone(&remote) as Arc<dyn Upstream>);
    fixture.root::<api::CreatePullThroughCacheRule>(api::CreatePullThroughCacheRuleRequest {
        ecr_repository_prefix: "hub".to_owned(),
        upstream_registry_url: "registry.example".to_owned(),
        ..Default::default()
    });
    (fixture, remote)
}

async fn pull(fixture: &Fixture, tag: &str) -> Option<Digest> {
    let installation = fixture.0.call.installation();
    let reference = Reference::Tag(tag.parse().unwrap());
    import(installation, &key("hub/app"), &reference).await.unwrap();
    registry::tag_digest(&installation.store.view(), &key("hub/app"), tag).unwrap()
}

#[tokio::test]
async fn the_cache_moves_its_own_tags_and_nobody_elses() {
    let (fixture, remote) = cache();
    remote.set("cached", "one");
    remote.set("pushed", "one");
    let one = manifest("one").digest;
    assert_eq!((pull(&fixture, "cached").await, pull(&fixture, "pushed").await), (Some(one), Some(one)));
    let mine = fixture.image("hub/app", "mine", Some("pushed"));
    remote.set("cached", "two");
    remote.set("pushed", "two");
    assert_eq!(pull(&fixture, "cached").await, Some(one), "a day has not passed");
    fixture.0.clock.advance_seconds(DAY);
    let two = manifest("two").digest;
    assert_eq!((pull(&fixture, "cached").await, pull(&fixture, "pushed").await), (Some(two), Some(mine)));
    fixture.0.clock.advance_seconds(DAY);
    assert_eq!(pull(&fixture, "pushed").await, Some(mine));
}

/// A push through another thread, as it can come at any time.
fn push_meanwhile(fixture: &Fixture, remote: &Remote, content: &'static str, name: &'static str) {
    let installation = Arc::clone(fixture.0.call.installation());
    remote.meanwhile(move || {
        let (manifest, key, tag) = (manifest(content), key("hub/app"), name.parse::<Tag>().unwrap());
        let written = installation.store.write("push", |tx| {
            let repository = registry::find_repository(tx, &key)?.unwrap();
            registry::put_image(tx, &key, &repository, &manifest, Some(&tag), START)
        });
        written.unwrap();
    });
}

#[tokio::test]
async fn what_is_pushed_while_the_upstream_is_asked_stays() {
    let (fixture, remote) = cache();
    fixture.repository("hub/app");
    remote.set("v1", "theirs");
    push_meanwhile(&fixture, &remote, "mine", "v1");
    assert_eq!(pull(&fixture, "v1").await, Some(manifest("mine").digest));
    fixture.0.clock.advance_seconds(2 * DAY);
    assert_eq!(pull(&fixture, "v1").await, Some(manifest("mine").digest));
}

#[tokio::test]
async fn what_is_pushed_while_the_upstream_fails_stays() {
    let (fixture, remote) = cache();
    remote.set("v1", "theirs");
    pull(&fixture, "v1").await;
    fixture.0.clock.advance_seconds(DAY);
    remote.tags.lock().unwrap().clear();
    push_meanwhile(&fixture, &remote, "mine", "v1");
    assert_eq!(pull(&fixture, "v1").await, Some(manifest("mine").digest));
    remote.set("v1", "theirs");
    fixture.0.clock.advance_seconds(DAY);
    assert_eq!(pull(&fixture, "v1").await, Some(manifest("mine").digest));
}

fn get(tag: &str) -> api::BatchGetImageRequest {
    api::BatchGetImageRequest {
        repository_name: "hub/app".to_owned(),
        image_ids: vec![id(None, Some(tag))],
        ..Default::default()
    }
}

#[test]
fn batch_get_image_fetches_what_the_cache_is_to_have() {
    let (fixture, remote) = cache();
    let reader = fixture.user(
        &account(),
        "reader",
        Some(r#"{"Effect":"Allow","Action":"ecr:BatchGetImage","Resource":"*"}"#),
    );
    let arn = "arn:aws:ecr:us-east-1:111122223333:repository/hub/app";
    assert_eq!(
        fixture.denied::<api::BatchGetImage>(&reader, get("v1")).1,
        format!(
            "User: arn:aws:iam::111122223333:user/reader is not authorized to perform: ecr:BatchImportUpstreamImage on resource: \
             {arn} because no identity-based policy allows the ecr:BatchImportUpstreamImage action"
        )
    );
    let (code, text) = fixture.refused::<api::BatchGetImage>(get("v1"));
    assert_eq!(code, "UnableToGetUpstreamImageException");
    assert!(text.contains("down"), "{text}");
    remote.set("v1", "one");
    let answer = fixture.root::<api::BatchGetImage>(get("v1"));
    assert_eq!(answer.failures.unwrap(), []);
    assert_eq!(answer.images.unwrap()[0].image_manifest.as_deref(), Some(manifest_text("one").as_str()));
    let missing = fixture.root::<api::BatchGetImage>(get("v2")).failures.unwrap().remove(0);
    assert_eq!(missing.failure_code, Some(api::ImageFailureCode::UpstreamUnavailable));
    // Who may not import reads what is here, however old.
    fixture.0.clock.advance_seconds(DAY);
    remote.set("v1", "two");
    let old = fixture.call::<api::BatchGetImage>(&reader, get("v1")).unwrap();
    assert_eq!(old.images.unwrap()[0].image_manifest.as_deref(), Some(manifest_text("one").as_str()));
    let new = fixture.root::<api::BatchGetImage>(get("v1"));
    assert_eq!(new.images.unwrap()[0].image_manifest.as_deref(), Some(manifest_text("two").as_str()));
}

fn rule(host: &str, upstream: Option<api::UpstreamRegistry>) -> api::CreatePullThroughCacheRuleRequest {
    api::CreatePullThroughCacheRuleRequest {
        ecr_repository_prefix: "p".to_owned(),
        upstream_registry_url: host.to_owned(),
        upstream_registry: upstream,
        ..Default::default()
    }
}

#[test]
fn registries_that_want_a_credential_need_one() {
    let fixture = Fixture::new();
    let refusal = (
        "UnsupportedUpstreamRegistryException".to_owned(),
        "The specified upstream registry requires authentication. Specify a valid Secrets Manager ARN"
            .to_owned(),
    );
    for host in ["registry-1.docker.io", "GHCR.io", "registry.gitlab.com", "x.azurecr.io", "cgr.dev"] {
        assert_eq!(fixture.refused::<api::CreatePullThroughCacheRule>(rule(host, None)), refusal, "{host}");
    }
    let named = rule("mirror.example", Some(api::UpstreamRegistry::DockerHub));
    assert_eq!(fixture.refused::<api::CreatePullThroughCacheRule>(named), refusal);
    fixture.root::<api::CreatePullThroughCacheRule>(rule("quay.io", None));
}

#[test]
fn a_rules_role_lets_the_service_in() {
    let fixture = Fixture::new();
    let role = "arn:aws:iam::111122223333:role/cache";
    let wanted = || api::CreatePullThroughCacheRuleRequest {
        custom_role_arn: Some(role.to_owned()),
        ..rule("quay.io", None)
    };
    let refusal = (
        "InvalidParameterException".to_owned(),
        format!(
            "Invalid parameter at 'customRoleArn' failed to satisfy constraint: 'the role {role} cannot be assumed by \
             pullthroughcache.ecr.amazonaws.com: check that it exists and its trust policy'"
        ),
    );
    assert_eq!(fixture.refused::<api::CreatePullThroughCacheRule>(wanted()), refusal);
    let role_for = |service: &str| landfall_api::iam::CreateRoleRequest {
        role_name: "cache".to_owned(),
        assume_role_policy_document: document(&format!(
            r#"{{"Effect":"Allow","Principal":{{"Service":"{service}"}},"Action":"sts:AssumeRole"}}"#
        )),
        ..Default::default()
    };
    fixture.root::<landfall_api::iam::CreateRole>(role_for("pullthroughcache.ecr.amazonaws.com"));
    fixture.root::<api::CreatePullThroughCacheRule>(wanted());
}
