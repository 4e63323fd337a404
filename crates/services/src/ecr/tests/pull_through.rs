//! The cache, before an upstream registry in memory.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use landfall_registry::Reference;
use landfall_shape::Shape;

use super::*;
use crate::ecr::pull_through::{
    Answering, ImportError, Missed, Refused, Upstream, UpstreamBlob, UpstreamCredential, UpstreamError,
    UpstreamImage, UpstreamManifest, Why, complete, for_task, import,
};
use crate::ecr::record::{IMPORT_QUEUE, REPOSITORIES};
use crate::testing::AuditLog;

const DAY: i64 = 24 * 3600;

/// What is asked for by a tag is what was said last.
#[derive(Default)]
struct Remote {
    tags: Mutex<HashMap<String, String>>,
    /// Contents that it does not give.
    broken: Mutex<Vec<String>>,
    /// It answers nobody who asks for a manifest.
    is_silent: AtomicBool,
    /// Layers begin to come, and go no further.
    stalls: AtomicBool,
    /// What it answers whoever asks for a manifest.
    refusal: Mutex<Option<UpstreamError>>,
    /// Done once, before a manifest is sent.
    meanwhile: Mutex<Option<Box<dyn FnOnce() + Send>>>,
    /// Done once, before a blob is sent.
    on_blob: Mutex<Option<Box<dyn FnOnce() + Send>>>,
}

struct Whole(Option<Bytes>);

impl UpstreamBlob for Whole {
    fn next(&mut self) -> Answering<'_, Option<Bytes>> {
        let bytes = self.0.take();
        Box::pin(async move { Ok(bytes) })
    }
}

/// The first byte of a blob, and then nothing.
struct Stalled(Option<Bytes>);

impl UpstreamBlob for Stalled {
    fn next(&mut self) -> Answering<'_, Option<Bytes>> {
        let first = self.0.take().map(|whole| whole.slice(..1));
        Box::pin(async move { if first.is_some() { Ok(first) } else { std::future::pending().await } })
    }
}

/// The manifest of `content`; of `index a b` an index of those two.
fn text_of(content: &str) -> String {
    let Some(children) = content.strip_prefix("index ") else { return manifest_text(content) };
    let child = |content: &str| {
        let it = parsed(content);
        serde_json::json!({"mediaType": it.media_type, "digest": it.digest.to_string(), "size": it.size})
    };
    let manifests: Vec<_> = children.split(' ').map(child).collect();
    let media_type = "application/vnd.oci.image.index.v1+json";
    serde_json::json!({"schemaVersion": 2, "mediaType": media_type, "manifests": manifests}).to_string()
}

fn parsed(content: &str) -> Manifest {
    Manifest::parse(text_of(content).as_bytes(), None).unwrap()
}

impl Remote {
    /// What is tagged, and what indexes among that name.
    fn contents(&self) -> Vec<String> {
        let tagged: Vec<String> = self.tags.lock().unwrap().values().cloned().collect();
        let children = tagged.iter().filter_map(|it| it.strip_prefix("index "));
        let children: Vec<String> = children.flat_map(|it| it.split(' ')).map(str::to_owned).collect();
        [tagged, children].concat()
    }

    fn break_off(&self, contents: &[&str]) {
        *self.broken.lock().unwrap() = contents.iter().map(|&it| it.to_owned()).collect();
    }

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
        let tagged = self.tags.lock().unwrap().get(&image.reference).cloned();
        let is_it = |it: &String| parsed(it).digest.to_string() == image.reference;
        let content = tagged.or_else(|| self.contents().into_iter().find(is_it));
        let content = content.filter(|it| !self.broken.lock().unwrap().contains(it));
        let refusal = self.refusal.lock().unwrap().clone();
        let answer = content.ok_or_else(|| UpstreamError::Failed("down".to_owned()));
        let answer = refusal.map_or(answer, Err);
        let answer = answer
            .map(|it| UpstreamManifest { bytes: text_of(&it).into(), media_type: parsed(&it).media_type });
        let is_silent = self.is_silent.load(Ordering::Relaxed);
        Box::pin(async move { if is_silent { std::future::pending().await } else { answer } })
    }

    fn blob<'a>(
        &'a self,
        _: &'a UpstreamImage,
        _: Option<&'a UpstreamCredential>,
        digest: &'a str,
        _: u64,
    ) -> Answering<'a, Box<dyn UpstreamBlob + 'a>> {
        if let Some(work) = self.on_blob.lock().unwrap().take() {
            work();
        }
        let all = self.contents().into_iter().flat_map(|text| [format!("config {text}"), text]);
        let found = all.into_iter().find(|text| Digest::of(text.as_bytes()).to_string() == digest);
        let found = found.map(Bytes::from);
        let blob: Box<dyn UpstreamBlob> = match self.stalls.load(Ordering::Relaxed) {
            true => Box::new(Stalled(found)),
            false => Box::new(Whole(found)),
        };
        Box::pin(async move { Ok(blob) })
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
async fn a_repository_that_is_deleted_while_its_image_comes_stays_deleted() {
    let (fixture, remote) = cache();
    remote.set("v1", "theirs");
    let installation = Arc::clone(fixture.0.call.installation());
    let deletes = move || {
        let deleted = installation.store.write("delete", |tx| -> Result<(), StoreError> {
            tx.delete(&REPOSITORIES, &key("hub/app"));
            Ok(())
        });
        deleted.unwrap();
    };
    *remote.on_blob.lock().unwrap() = Some(Box::new(deletes));
    let installation = fixture.0.call.installation();
    let reference = Reference::Tag("v1".parse().unwrap());
    assert!(import(installation, &key("hub/app"), &reference).await.is_err());
    assert!(registry::find_repository(&installation.store.view(), &key("hub/app")).unwrap().is_none());
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

#[tokio::test]
async fn nobody_waits_long_for_a_silent_upstream_when_the_image_is_here() {
    let (fixture, remote) = cache();
    remote.set("v1", "one");
    let one = manifest("one").digest;
    assert_eq!(pull(&fixture, "v1").await, Some(one));
    fixture.0.clock.advance_seconds(DAY);
    remote.set("v1", "two");
    remote.is_silent.store(true, Ordering::Relaxed);
    assert_eq!(pull(&fixture, "v1").await, Some(one), "served as it is");
    remote.is_silent.store(false, Ordering::Relaxed);
    assert_eq!(pull(&fixture, "v1").await, Some(one), "left alone for a while");
    fixture.0.clock.advance_seconds(DAY);
    assert_eq!(pull(&fixture, "v1").await, Some(manifest("two").digest));
}

#[tokio::test]
async fn nobody_waits_long_for_layers_that_stand_still_when_an_older_image_is_here() {
    let (fixture, remote) = cache();
    remote.set("v1", "one");
    let (one, two) = (manifest("one").digest, manifest("two").digest);
    assert_eq!(pull(&fixture, "v1").await, Some(one));
    fixture.0.clock.advance_seconds(DAY);
    remote.set("v1", "two");
    remote.stalls.store(true, Ordering::Relaxed);
    assert_eq!(pull(&fixture, "v1").await, Some(one), "served as it is");
    remote.stalls.store(false, Ordering::Relaxed);
    fixture.0.clock.advance_seconds(DAY);
    assert_eq!(pull(&fixture, "v1").await, Some(two));
}

/// What a task's start is told of an image that does not come.
async fn missed(fixture: &Fixture, refusal: UpstreamError) -> Missed {
    let installation = Arc::clone(fixture.0.call.installation());
    let asked = tokio::task::spawn_blocking(move || {
        for_task(&installation, &root(), &key("hub/app"), "v1", false, &mut Vec::new())
    });
    match asked.await.unwrap() {
        Err(Refused::ByUpstream(missed)) => *missed,
        other => panic!("{refusal:?}: {other:?}"),
    }
}

#[tokio::test]
async fn a_tasks_start_learns_why_the_upstream_gives_nothing() {
    let (fixture, remote) = cache();
    let unauthorized = "The authentication to the upstream registry failed. Verify that the credentials provided in the pull through \
                        cache rule are correct, and try again.";
    for (refusal, why, message) in [
        (UpstreamError::Unauthorized("401".to_owned()), Why::Refused, unauthorized),
        (UpstreamError::TooManyRequests("429".to_owned()), Why::TooManyRequests, "Rate exceeded"),
        (
            UpstreamError::Failed("no connection".to_owned()),
            Why::Failed,
            "The upstream registry did not give the image: no connection",
        ),
        (UpstreamError::NotFound("404".to_owned()), Why::NotFound, "Requested image not found"),
    ] {
        *remote.refusal.lock().unwrap() = Some(refusal.clone());
        let told = missed(&fixture, refusal).await;
        assert_eq!((told.why, told.said.message.as_str()), (why, message));
        assert_eq!((told.upstream.as_str(), told.prefix.as_str()), ("registry.example", "hub"));
    }
}

#[test]
fn an_upstream_that_limits_requests_is_told_apart() {
    let (fixture, remote) = cache();
    fixture.repository("hub/app");
    *remote.refusal.lock().unwrap() = Some(UpstreamError::TooManyRequests("too many".to_owned()));
    let failure = fixture.root::<api::BatchGetImage>(get("v1")).failures.unwrap().remove(0);
    assert_eq!(failure.failure_code, Some(api::ImageFailureCode::UpstreamTooManyRequests));
    assert_eq!(failure.failure_reason.as_deref(), Some("Rate exceeded"));
}

/// What the queue has: contents, and how often their images were not to be had.
fn queued(fixture: &Fixture) -> Vec<(String, u32)> {
    let view = fixture.0.call.installation().store.view();
    let rows = view.scan(&IMPORT_QUEUE, ()).map(Result::unwrap);
    rows.map(|((.., digest), row)| (digest, row.failures)).collect()
}

async fn complete_queued(fixture: &Fixture) {
    let installation = fixture.0.call.installation();
    for (digest, _) in queued(fixture) {
        complete(installation, &(account(), region(), "hub/app".to_owned(), digest)).await;
    }
}

fn has(fixture: &Fixture, content: &str) -> bool {
    let view = fixture.0.call.installation().store.view();
    registry::image(&view, &key("hub/app"), parsed(content).digest).unwrap().is_some()
}

fn size(fixture: &Fixture, content: &str) -> u64 {
    let view = fixture.0.call.installation().store.view();
    registry::image(&view, &key("hub/app"), parsed(content).digest).unwrap().unwrap().size
}

#[tokio::test]
async fn the_images_of_an_index_follow_it() {
    let (fixture, remote) = cache();
    remote.set("all", "index one three");
    remote.break_off(&["one"]);
    pull(&fixture, "all").await;
    let index = parsed("index one three").digest.to_string();
    assert_eq!(queued(&fixture), [(index.clone(), 0)]);
    assert_eq!((has(&fixture, "one"), size(&fixture, "index one three")), (false, 0));
    // One that is not to be had keeps no other away.
    complete_queued(&fixture).await;
    assert_eq!((has(&fixture, "one"), has(&fixture, "three")), (false, true));
    assert_eq!(size(&fixture, "index one three"), size(&fixture, "three"));
    assert_eq!(queued(&fixture), [(index.clone(), 1)]);
    complete_queued(&fixture).await;
    assert_eq!(queued(&fixture), [(index, 2)]);
    remote.break_off(&[]);
    complete_queued(&fixture).await;
    assert!(has(&fixture, "one") && queued(&fixture).is_empty());
    assert_eq!(size(&fixture, "index one three"), size(&fixture, "three"), "the largest image's");
}

#[tokio::test]
async fn an_image_that_comes_hurries_the_others_on() {
    let (fixture, remote) = cache();
    remote.set("all", "index one two");
    remote.break_off(&["one", "two"]);
    pull(&fixture, "all").await;
    complete_queued(&fixture).await;
    assert_eq!(queued(&fixture)[0].1, 1);
    remote.break_off(&[]);
    let one = Reference::Digest(parsed("one").digest);
    import(fixture.0.call.installation(), &key("hub/app"), &one).await.unwrap();
    let view = fixture.0.call.installation().store.view();
    let (_, row) = view.scan(&IMPORT_QUEUE, ()).next().unwrap().unwrap();
    assert_eq!((row.due, row.failures), (START, 0));
}

#[tokio::test]
async fn indexes_of_indexes_are_completed_and_measured_too() {
    let (fixture, remote) = cache();
    // As `index` splits at blanks, the inner one is asked for first.
    remote.set("inner", "index one");
    pull(&fixture, "inner").await;
    let inner = parsed("index one");
    let outer = serde_json::json!({"schemaVersion": 2, "mediaType": inner.media_type, "manifests": [
        {"mediaType": inner.media_type, "digest": inner.digest.to_string(), "size": inner.size}
    ]});
    let outer = Manifest::parse(outer.to_string().as_bytes(), None).unwrap();
    let installation = fixture.0.call.installation();
    let written = installation.store.write("push", |tx| {
        let repository = registry::find_repository(tx, &key("hub/app"))?.unwrap();
        registry::put_image(tx, &key("hub/app"), &repository, &outer, None, START)
    });
    written.unwrap();
    complete_queued(&fixture).await;
    let row = registry::image(&installation.store.view(), &key("hub/app"), outer.digest).unwrap().unwrap();
    assert_eq!(row.size, size(&fixture, "one"));
}

#[tokio::test]
async fn nothing_follows_an_index_that_is_gone() {
    let (fixture, remote) = cache();
    remote.set("all", "index one");
    pull(&fixture, "all").await;
    let digest = Some(parsed("index one").digest);
    fixture.root::<api::BatchDeleteImage>(api::BatchDeleteImageRequest {
        repository_name: "hub/app".to_owned(),
        image_ids: vec![id(digest, None)],
        ..Default::default()
    });
    assert!(queued(&fixture).is_empty());
    pull(&fixture, "all").await;
    let rule = api::DeletePullThroughCacheRuleRequest {
        ecr_repository_prefix: "hub".to_owned(),
        ..Default::default()
    };
    fixture.root::<api::DeletePullThroughCacheRule>(rule);
    complete_queued(&fixture).await;
    assert!(queued(&fixture).is_empty() && !has(&fixture, "one"));
}

#[tokio::test]
async fn the_worker_takes_up_what_is_queued_and_what_comes() {
    let (fixture, remote) = cache();
    remote.set("first", "index one");
    remote.set("second", "index two three");
    pull(&fixture, "first").await;
    let installation = fixture.0.call.installation();
    let worker = tokio::spawn(crate::ecr::pull_through::complete_indexes(
        Arc::clone(installation),
        std::time::Duration::from_secs(3600),
    ));
    pull(&fixture, "second").await;
    while !(has(&fixture, "one")
        && has(&fixture, "two")
        && has(&fixture, "three")
        && queued(&fixture).is_empty())
    {
        tokio::time::sleep(std::time::Duration::from_millis(5)).await;
    }
    worker.abort();
}

#[tokio::test]
async fn a_pull_while_the_image_comes_is_noted_with_it() {
    let (fixture, remote) = cache();
    remote.set("v1", "one");
    let installation = fixture.0.call.installation();
    let reference = Reference::Tag("v1".parse().unwrap());
    let pulled = || {
        let view = installation.store.view();
        registry::pulled_at(&view, &key("hub/app"), parsed("one").digest).unwrap()
    };
    pull(&fixture, "v1").await;
    assert_eq!(pulled(), None, "an import is no pull");
    remote.set("v1", "two");
    fixture.0.clock.advance_seconds(DAY);
    let waiting = Arc::clone(installation);
    let place = reference.clone();
    *remote.on_blob.lock().unwrap() = Some(Box::new(move || {
        waiting.upstreams.image(&key("hub/app"), &place).unwrap().pulled();
    }));
    import(installation, &key("hub/app"), &reference).await.unwrap();
    let view = installation.store.view();
    let noted = registry::pulled_at(&view, &key("hub/app"), parsed("two").digest).unwrap();
    assert_eq!(noted, Some(START.plus_seconds(DAY)));
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

#[tokio::test]
async fn an_image_that_may_not_be_fetched_again_is_in_the_audit_log() {
    let (fixture, remote) = cache();
    remote.set("v1", "one");
    pull(&fixture, "v1").await;
    fixture.0.clock.advance_seconds(DAY);
    let statement = r#"{"Effect":"Allow","Action":"ecr:BatchGetImage","Resource":"*"}"#;
    let reader = Arc::new(fixture.user(&account(), "reader", Some(statement)));
    let log = AuditLog::start();
    let endpoint = fixture.0.call.endpoint("ecr", "BatchGetImage").unwrap();
    fixture.0.call.run(endpoint, &reader, get("v1").into_value()).await.result.unwrap();
    let lines = log.lines();
    let refused = lines.iter().find(|line| line.contains_key("refused")).unwrap();
    assert_eq!(
        (&*refused["service"], &*refused["operation"], &*refused["refused"]),
        ("ecr", "BatchGetImage", "ecr:BatchImportUpstreamImage")
    );
    assert!(refused["decision"].contains(r#""principal":"arn:aws:iam::111122223333:user/reader""#));
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

type RuleCall = fn(&Fixture, Option<&str>, &str) -> Result<(), ServiceError>;

/// The operations on a rule that is there, in an order in which it stays to the end.
const RULE_CALLS: [(&str, RuleCall); 4] = [
    ("Describe", |fixture, registry_id, prefix| {
        let input = api::DescribePullThroughCacheRulesRequest {
            registry_id: registry_id.map(str::to_owned),
            ecr_repository_prefixes: Some(vec![prefix.to_owned()]),
            ..Default::default()
        };
        fixture.call::<api::DescribePullThroughCacheRules>(&root(), input).map(drop)
    }),
    ("Update", |fixture, registry_id, prefix| {
        let input = api::UpdatePullThroughCacheRuleRequest {
            registry_id: registry_id.map(str::to_owned),
            ecr_repository_prefix: prefix.to_owned(),
            ..Default::default()
        };
        fixture.call::<api::UpdatePullThroughCacheRule>(&root(), input).map(drop)
    }),
    ("Validate", |fixture, registry_id, prefix| {
        let input = api::ValidatePullThroughCacheRuleRequest {
            registry_id: registry_id.map(str::to_owned),
            ecr_repository_prefix: prefix.to_owned(),
        };
        fixture.call::<api::ValidatePullThroughCacheRule>(&root(), input).map(drop)
    }),
    ("Delete", |fixture, registry_id, prefix| {
        let input = api::DeletePullThroughCacheRuleRequest {
            registry_id: registry_id.map(str::to_owned),
            ecr_repository_prefix: prefix.to_owned(),
        };
        fixture.call::<api::DeletePullThroughCacheRule>(&root(), input).map(drop)
    }),
];

/// The rules of another account's registry are not one's own under the same prefix.
#[test]
fn a_rule_belongs_to_the_registry_that_is_named() {
    let fixture = Fixture::new();
    fixture.root::<api::CreatePullThroughCacheRule>(rule("quay.io", None));
    let theirs = other_account().to_string();
    for (name, call) in RULE_CALLS {
        let refused = call(&fixture, Some(&theirs), "p").unwrap_err();
        assert_eq!(refused.code, "AccessDeniedException", "{name}");
    }
    for (name, call) in RULE_CALLS {
        call(&fixture, Some(account().as_str()), "p").expect(name);
    }
}

#[test]
fn a_rule_is_found_by_the_prefix_that_it_was_made_with() {
    let fixture = Fixture::new();
    let rule = api::CreatePullThroughCacheRuleRequest {
        ecr_repository_prefix: "team/".to_owned(),
        ..rule("quay.io", None)
    };
    fixture.root::<api::CreatePullThroughCacheRule>(rule);
    for (name, call) in RULE_CALLS {
        call(&fixture, None, "team/").expect(name);
    }
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
    fixture.role("cache", "pullthroughcache.ecr.amazonaws.com");
    fixture.root::<api::CreatePullThroughCacheRule>(wanted());
}

/// A caller who may do everything in the other account.
fn other_root() -> Caller {
    caller(Principal::root(&other_account()))
}

fn upstream_key(account: &AccountId, region: &str) -> RepositoryKey {
    (account.clone(), region.parse().unwrap(), "team/app".to_owned())
}

/// An image in a registry of this installation, bytes and all, as a push leaves it.
async fn push_upstream(fixture: &Fixture, owner: &Caller, region: &str, content: &str) {
    let installation = fixture.0.call.installation();
    let owner = owner.in_region(&region.parse().unwrap());
    // It is there already for a second image.
    let _ = fixture.call::<api::CreateRepository>(&owner, create("team/app"));
    let manifest = manifest(content);
    for bytes in [format!("config {content}"), content.to_owned(), manifest_text(content)] {
        installation.blobs.put(bytes.into()).await.unwrap();
    }
    let key = upstream_key(&owner.account, region);
    let written = installation.store.write("push", |tx| {
        let repository = registry::find_repository(tx, &key)?.unwrap();
        for blob in manifest.required_blobs() {
            registry::link_layer(tx, &key, blob.digest, blob.size);
        }
        registry::put_image(tx, &key, &repository, &manifest, Some(&content.parse().unwrap()), START)
    });
    written.unwrap();
}

/// Digest of what a pull through the rule `mirror` gives, or why there is nothing: what upstream says.
async fn mirrored(fixture: &Fixture, tag: &str) -> Result<Option<Digest>, String> {
    let installation = fixture.0.call.installation();
    let (key, reference) = (key("mirror/team/app"), Reference::Tag(tag.parse().unwrap()));
    match import(installation, &key, &reference).await {
        Ok(()) => Ok(registry::tag_digest(&installation.store.view(), &key, tag).unwrap()),
        Err(ImportError::Refused(said) | ImportError::NotFound(said)) => Err(said.detail),
        Err(other) => panic!("{other}"),
    }
}

fn mirror(account: &AccountId, region: &str, role: Option<&str>) -> api::CreatePullThroughCacheRuleRequest {
    api::CreatePullThroughCacheRuleRequest {
        ecr_repository_prefix: "mirror".to_owned(),
        upstream_registry_url: format!("{account}.dkr.ecr.{region}.amazonaws.com"),
        custom_role_arn: role.map(str::to_owned),
        ..Default::default()
    }
}

const MIRROR_ACTIONS: [&str; 4] = [
    "ecr:GetAuthorizationToken",
    "ecr:BatchGetImage",
    "ecr:BatchImportUpstreamImage",
    "ecr:GetDownloadUrlForLayer",
];

fn allow_upstream(fixture: &Fixture, actions: &[&str]) {
    let principal = format!("arn:aws:iam::{}:root", account());
    let statement =
        serde_json::json!({"Effect": "Allow", "Principal": {"AWS": principal}, "Action": actions});
    fixture
        .call::<api::SetRepositoryPolicy>(&other_root(), set_policy("team/app", &statement.to_string()))
        .unwrap();
}

#[tokio::test]
async fn a_registry_of_another_account_is_read_as_the_rules_role() {
    let fixture = Fixture::new();
    let role = "arn:aws:iam::111122223333:role/cache";
    push_upstream(&fixture, &other_root(), "us-east-1", "one").await;
    let (code, text) =
        fixture.refused::<api::CreatePullThroughCacheRule>(mirror(&other_account(), "us-east-1", None));
    assert_eq!(code, "InvalidParameterException");
    assert!(text.contains("'customRoleArn'"), "{text}");
    fixture.role("cache", "pullthroughcache.ecr.amazonaws.com");
    fixture.root::<api::CreatePullThroughCacheRule>(mirror(&other_account(), "us-east-1", Some(role)));

    let session = "User: arn:aws:sts::111122223333:assumed-role/cache/ECRPullThroughCache is not authorized to perform:";
    let refused = mirrored(&fixture, "one").await.unwrap_err();
    assert!(refused.starts_with(&format!("{session} ecr:GetAuthorizationToken")), "{refused}");
    fixture.allow_role("cache", &MIRROR_ACTIONS);
    let refused = mirrored(&fixture, "one").await.unwrap_err();
    assert!(
        refused.starts_with(&format!("{session} ecr:BatchGetImage"))
            && refused.contains("no resource-based policy allows"),
        "{refused}"
    );
    allow_upstream(&fixture, &MIRROR_ACTIONS[1..3]);
    let refused = mirrored(&fixture, "one").await.unwrap_err();
    assert!(refused.starts_with(&format!("{session} ecr:GetDownloadUrlForLayer")), "{refused}");
    allow_upstream(&fixture, &MIRROR_ACTIONS[1..]);
    assert_eq!(mirrored(&fixture, "none").await.unwrap_err(), "`team/app` has no such image");
    let one = manifest("one").digest;
    assert_eq!(mirrored(&fixture, "one").await, Ok(Some(one)));
    let view = fixture.0.call.installation().store.view();
    let upstream = upstream_key(&other_account(), "us-east-1");
    assert!(registry::pulled_at(&view, &upstream, one).unwrap().is_some(), "a pull like any other");

    // What the cache has stays when the role may no more.
    fixture.allow_role("cache", &MIRROR_ACTIONS[1..]);
    fixture.0.clock.advance_seconds(DAY);
    assert_eq!(mirrored(&fixture, "one").await, Ok(Some(one)));
}

#[tokio::test]
async fn another_region_of_the_same_account_is_read_as_the_service() {
    let fixture = Fixture::new();
    push_upstream(&fixture, &root(), "eu-west-1", "one").await;
    fixture.root::<api::CreatePullThroughCacheRule>(mirror(&account(), "eu-west-1", None));
    assert_eq!(mirrored(&fixture, "one").await, Ok(Some(manifest("one").digest)));
}
