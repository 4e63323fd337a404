//! Pulling layers over connections that break, from registries that lie, into stores that others use too.
#![allow(clippy::unwrap_used, clippy::panic, reason = "test helpers fail by panicking")]

mod support;

use std::io::Write as _;
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use landfall_image::{
    BuiltImage, Client, Credential, Digest, Image, ImageBuilder, LayerEvent, LayerStore, Limits, Manifest,
    NoProgress, Platform, Progress, PullError, PullErrorKind as Kind, StoreOptions,
};
use support::{Registry, Reply, Seen, hasty_client, layers_of, noise, ranged};

fn amd64() -> Platform {
    Platform::linux("amd64")
}

fn image() -> BuiltImage {
    let big = noise(300_000);
    ImageBuilder::new(&amd64())
        .configure(|run| run.cmd = vec!["/bin/hello".to_owned()])
        .layer([("bin/hello", 0o755, b"hello".as_slice()), ("big", 0o644, &big)])
        .unwrap()
        .layer([("etc/motd", 0o644, b"welcome".as_slice())])
        .unwrap()
        .build()
        .unwrap()
}

fn options() -> StoreOptions {
    StoreOptions { backoff: Duration::from_millis(5), ..StoreOptions::default() }
}

fn store(dir: &Path) -> LayerStore {
    LayerStore::with_options(dir, options()).unwrap()
}

async fn pull(store: &LayerStore, registry: &Registry, progress: &dyn Progress) -> Result<Image, PullError> {
    let client = hasty_client();
    let resolved = client.resolve(&registry.reference("team/app:v1"), None, &amd64()).await?;
    store.pull(&client, &resolved, None, progress, 3).await
}

fn assert_unpacked(image: &Image) {
    assert_eq!(std::fs::read(image.layer_dirs[0].join("bin/hello")).unwrap(), b"hello");
    assert_eq!(std::fs::read(image.layer_dirs[0].join("big")).unwrap(), noise(300_000));
    assert_eq!(std::fs::read(image.layer_dirs[1].join("etc/motd")).unwrap(), b"welcome");
    assert_eq!(image.config.config.cmd, ["/bin/hello"]);
}

/// Nothing half done: no layer and no work in progress.
fn assert_empty(store: &LayerStore, dir: &Path) {
    assert_eq!(store.layers().unwrap(), []);
    assert_eq!(std::fs::read_dir(dir.join("tmp")).unwrap().count(), 0);
}

#[tokio::test]
async fn a_preview_brings_no_layer_and_finds_what_a_pull_would() {
    let built = image();
    let [big, small] = <[Digest; 2]>::try_from(layers_of(&built)).unwrap();
    let refused = Arc::new(Mutex::new(None));
    let lost = Arc::clone(&refused);
    let registry = Registry::serving(&built, move |seen: &Seen| {
        let lost = lost.lock().unwrap().clone().filter(|it: &Digest| seen.path.ends_with(it.as_str()));
        lost.map(|_| Reply::error(404, "BLOB_UNKNOWN", "blob unknown"))
    })
    .await;
    let dir = tempfile::tempdir().unwrap();
    let store = store(dir.path());
    let client = hasty_client();
    let resolved = client.resolve(&registry.reference("team/app:v1"), None, &amd64()).await.unwrap();
    let config = store.preview(&client, &resolved, None, 3).await.unwrap();
    assert_eq!(config.config.cmd, ["/bin/hello"]);
    assert_empty(&store, dir.path());
    for layer in [&big, &small] {
        let seen = registry.seen();
        let asked: Vec<_> = seen.iter().filter(|it| it.path.ends_with(layer.as_str())).collect();
        assert!(matches!(asked.as_slice(), [one] if one.range.is_some()), "{asked:?}");
    }
    *refused.lock().unwrap() = Some(small.clone());
    let error = store.preview(&client, &resolved, None, 3).await.unwrap_err();
    let of_pull = store.pull(&client, &resolved, None, &NoProgress, 1).await.unwrap_err();
    assert_eq!((error.kind(), error.containerd_text()), (Kind::NotFound, of_pull.containerd_text()));
    // What is here is not asked for.
    *refused.lock().unwrap() = None;
    store.pull(&client, &resolved, None, &NoProgress, 1).await.unwrap();
    let before = registry.seen().len();
    store.preview(&client, &resolved, None, 3).await.unwrap();
    assert_eq!(registry.seen().len(), before);
}

#[derive(Default)]
struct Recorder(Mutex<Vec<(Digest, LayerEvent)>>);

impl Progress for Recorder {
    fn layer(&self, digest: &Digest, event: LayerEvent) {
        self.0.lock().unwrap().push((digest.clone(), event));
    }
}

impl Recorder {
    fn of(&self, digest: &Digest) -> Vec<LayerEvent> {
        self.0.lock().unwrap().iter().filter(|(d, _)| d == digest).map(|(_, event)| event.clone()).collect()
    }
}

#[tokio::test]
async fn a_pulled_image_is_there_again_without_asking_for_layers() {
    let dir = tempfile::tempdir().unwrap();
    let store = store(dir.path());
    let registry = Registry::serving(&image(), |_| None).await;
    let first = pull(&store, &registry, &NoProgress).await.unwrap();
    assert_unpacked(&first);
    assert_eq!((first.digest.clone(), first.layers.clone()), (image().digest(), layers_of(&image())));

    let before = registry.seen().len();
    let recorder = Recorder::default();
    pull(&store, &registry, &recorder).await.unwrap();
    let asked: Vec<String> = registry.seen()[before..].iter().map(|seen| seen.path.clone()).collect();
    assert_eq!(asked, ["/v2/team/app/manifests/v1"]);
    assert_eq!(recorder.of(&first.layers[0]), [LayerEvent::Exists]);
}

#[tokio::test]
async fn a_broken_transfer_is_taken_up_where_it_broke() {
    let layer = layers_of(&image())[0].to_string();
    for ranges_work in [true, false] {
        let dir = tempfile::tempdir().unwrap();
        let (count, blob, name) = (AtomicUsize::new(0), image().layers[0].clone(), layer.clone());
        let registry = Registry::serving(&image(), move |seen| {
            if !seen.path.ends_with(&name) {
                return None;
            }
            let seen = if ranges_work { seen.clone() } else { Seen { range: None, ..seen.clone() } };
            let reply = ranged(&seen, &blob);
            Some(match count.fetch_add(1, Ordering::SeqCst) {
                0 => reply.cut_after(100_000),
                1 => Reply::error(503, "X", "busy").with("retry-after", "0"),
                2 if ranges_work => reply.cut_after(50_000),
                2 => reply.cut_after(150_000),
                _ => reply,
            })
        })
        .await;
        let recorder = Recorder::default();
        let pulled = pull(&store(dir.path()), &registry, &recorder).await.unwrap();
        assert_unpacked(&pulled);
        let ranges: Vec<Option<String>> = registry
            .seen()
            .into_iter()
            .filter(|seen| seen.path.ends_with(&layer))
            .map(|seen| seen.range)
            .collect();
        let from = |at: usize| Some(format!("bytes={at}-"));
        assert_eq!(ranges, [None, from(100_000), from(100_000), from(150_000)]);
        let events = recorder.of(&pulled.layers[0]);
        assert_eq!(events.iter().filter(|event| matches!(event, LayerEvent::Retrying { .. })).count(), 2);
        assert_eq!(events.last(), Some(&LayerEvent::Done));
    }
}

/// A registry whose first layer is answered by `reply`.
async fn first_layer(reply: impl Fn(&Seen, Bytes) -> Reply + Send + Sync + 'static) -> Registry {
    let (name, blob) = (layers_of(&image())[0].to_string(), image().layers[0].clone());
    Registry::serving(&image(), move |seen| seen.path.ends_with(&name).then(|| reply(seen, blob.clone())))
        .await
}

#[tokio::test]
async fn layers_that_cannot_be_had_leave_nothing_behind() {
    let swapped = image().layers[1].clone();
    let other: Bytes = ImageBuilder::new(&amd64())
        .layer([("evil", 0o755, noise(299_000).as_slice())])
        .unwrap()
        .build()
        .unwrap()
        .layers[0]
        .clone();
    let octets = "application/octet-stream";
    type Answer = Box<dyn Fn(&Seen, Bytes) -> Reply + Send + Sync>;
    let cases: Vec<(Answer, Kind, &str)> = vec![
        (Box::new(|_, blob| Reply::new(200, octets, blob).cut_after(10)), Kind::Truncated, ""),
        (Box::new(|_, _| Reply::hang()), Kind::Timeout, ""),
        (Box::new(move |_, _| Reply::new(200, octets, swapped.clone())), Kind::Truncated, "unexpected EOF"),
        (
            Box::new(move |_, blob| {
                let mut bytes = other.to_vec();
                bytes.resize(blob.len(), 0);
                Reply::new(200, octets, bytes)
            }),
            Kind::DigestMismatch,
            "unexpected commit digest",
        ),
        (
            Box::new(|_, blob| Reply::new(200, octets, [blob.as_ref(), b"more"].concat())),
            Kind::DigestMismatch,
            "unexpected commit size",
        ),
        (Box::new(|_, _| Reply::error(404, "BLOB_UNKNOWN", "gone")), Kind::NotFound, "gone"),
        (Box::new(|_, _| Reply::error(403, "DENIED", "no")), Kind::Denied, "no"),
        (Box::new(|_, _| Reply::new(200, "text/html", "<html>")), Kind::NotARegistry, ""),
        (
            Box::new(|_, _| Reply::new(307, octets, "").with("location", "ftp://127.0.0.1/x")),
            Kind::RefusedRedirect,
            "`ftp`",
        ),
    ];
    for (at, (answer, kind, message)) in cases.into_iter().enumerate() {
        let dir = tempfile::tempdir().unwrap();
        let store = LayerStore::with_options(dir.path(), StoreOptions { tries: 3, ..options() }).unwrap();
        let registry = first_layer(answer).await;
        let client = hasty_client();
        let resolved = client.resolve(&registry.reference("app"), None, &amd64()).await.unwrap();
        let error = store.pull(&client, &resolved, None, &NoProgress, 1).await.unwrap_err();
        assert_eq!(error.kind(), kind, "case {at}: {error}");
        assert!(error.message().contains(message), "case {at}: {error}");
        assert!(error.to_string().contains(layers_of(&image())[0].as_str()), "{error}");
        assert_empty(&store, dir.path());
    }
}

#[tokio::test]
async fn a_redirect_to_another_host_does_not_carry_the_credential() {
    let blob = image().layers[0].clone();
    let storage = Registry::start(move |seen| ranged(seen, &blob)).await;
    let target = format!("http://localhost:{}/bucket/layer?X-Amz-Signature=sig", storage.address.port());
    let name = layers_of(&image())[0].to_string();
    let registry = Registry::serving(&image(), move |seen| match &seen.authorization {
        None => Some(Reply::error(401, "UNAUTHORIZED", "").with("www-authenticate", "Basic realm=x")),
        Some(_) if seen.path.ends_with(&name) => {
            Some(Reply::new(307, "text/plain", "").with("location", target.clone()))
        }
        Some(_) => None,
    })
    .await;
    let dir = tempfile::tempdir().unwrap();
    let (client, bob) = (hasty_client(), Credential::new("bob", "hunter2"));
    let resolved = client.resolve(&registry.reference("app"), Some(&bob), &amd64()).await.unwrap();
    let pulled = store(dir.path()).pull(&client, &resolved, Some(&bob), &NoProgress, 2).await.unwrap();
    assert_unpacked(&pulled);
    let seen = storage.seen();
    assert_eq!(seen.len(), 1);
    assert_eq!(seen[0].authorization, None);
}

#[tokio::test]
async fn storage_that_refuses_is_not_shown_with_its_signature() {
    let storage = Registry::start(|_| {
        Reply::new(401, "application/xml", "<Error/>").with("www-authenticate", "Basic realm=steal")
    })
    .await;
    let target = format!("http://localhost:{}/bucket?X-Amz-Signature=sig", storage.address.port());
    let registry =
        first_layer(move |_, _| Reply::new(307, "text/plain", "").with("location", target.clone())).await;
    let dir = tempfile::tempdir().unwrap();
    let error = pull(&store(dir.path()), &registry, &NoProgress).await.unwrap_err();
    assert_eq!(error.kind(), Kind::Unauthorized);
    for text in [error.containerd_text(), format!("{error:?}")] {
        assert!(text.contains("/bucket") && !text.contains("Signature"), "{text}");
    }
    assert_eq!(storage.seen().len(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn pulls_at_the_same_time_download_each_layer_once() {
    let dir = tempfile::tempdir().unwrap();
    let store = Arc::new(store(dir.path()));
    let registry = Arc::new(Registry::serving(&image(), |_| None).await);
    let pulls: Vec<_> = (0..4)
        .map(|_| {
            let (store, registry) = (Arc::clone(&store), Arc::clone(&registry));
            tokio::spawn(async move { pull(&store, &registry, &NoProgress).await })
        })
        .collect();
    for pulled in pulls {
        assert_unpacked(&pulled.await.unwrap().unwrap());
    }
    for layer in layers_of(&image()) {
        let count = registry.seen().iter().filter(|seen| seen.path.ends_with(layer.as_str())).count();
        assert_eq!(count, 1, "{layer}");
    }
}

#[tokio::test]
async fn an_abandoned_pull_leaves_nothing_and_blocks_nobody() {
    let dir = tempfile::tempdir().unwrap();
    let store = store(dir.path());
    let count = AtomicUsize::new(0);
    let registry = first_layer(move |seen, blob| match count.fetch_add(1, Ordering::SeqCst) {
        0 => Reply::hang(),
        _ => ranged(seen, &blob),
    })
    .await;
    let abandoned =
        tokio::time::timeout(Duration::from_millis(150), pull(&store, &registry, &NoProgress)).await;
    assert!(abandoned.is_err());
    assert_unpacked(&pull(&store, &registry, &NoProgress).await.unwrap());
}

#[tokio::test]
async fn an_image_for_another_machine_is_refused() {
    let arm = ImageBuilder::new(&Platform::linux("s390x")).build().unwrap();
    let registry = Registry::serving(&arm, |_| None).await;
    let dir = tempfile::tempdir().unwrap();
    let error = pull(&store(dir.path()), &registry, &NoProgress).await.unwrap_err();
    assert_eq!(error.kind(), Kind::PlatformMismatch);
    assert_eq!(
        error.containerd_text(),
        "image Manifest does not contain descriptor matching platform 'linux/amd64'"
    );
}

/// A layer of many zeros, small when compressed.
fn bomb(megabytes: usize) -> BuiltImage {
    let zeros = vec![0; megabytes << 20];
    ImageBuilder::new(&amd64()).layer([("zeros", 0o644, zeros.as_slice())]).unwrap().build().unwrap()
}

#[tokio::test]
async fn bombs_are_stopped_by_the_limit_that_the_error_names() {
    let registry = Registry::serving(&bomb(8), |_| None).await;
    let limits = Limits::default();
    let cases = [
        (Limits { layer_bytes: 1 << 20, ..limits.clone() }, Kind::LimitExceeded, "limit of 1048576 bytes"),
        (Limits { ratio: 2, ratio_from: 1 << 10, ..limits.clone() }, Kind::LimitExceeded, "the limit of"),
        (Limits { image_bytes: 2 << 20, ..limits.clone() }, Kind::LimitExceeded, "limit of 2097152 bytes"),
        (Limits { free_bytes: 1 << 60, ..limits.clone() }, Kind::NoSpace, "no space left on device"),
        (Limits { layer_entries: 0, ..limits }, Kind::LimitExceeded, "limit of 0"),
    ];
    for (limits, kind, message) in cases {
        let dir = tempfile::tempdir().unwrap();
        let store = LayerStore::with_options(dir.path(), StoreOptions { limits, ..options() }).unwrap();
        let error = pull(&store, &registry, &NoProgress).await.unwrap_err();
        assert_eq!(error.kind(), kind, "{error}");
        assert!(error.message().contains(message), "{error}");
        assert_empty(&store, dir.path());
    }
}

#[tokio::test]
async fn a_full_disk_is_called_a_full_disk() {
    let dir = tempfile::tempdir().unwrap();
    let disk = SmallDisk::mount(dir.path(), 4);
    let limits = Limits { free_bytes: 0, ..Limits::default() };
    let store = LayerStore::with_options(&disk.0, StoreOptions { limits, ..options() }).unwrap();
    let registry = Registry::serving(&bomb(16), |_| None).await;
    let error = pull(&store, &registry, &NoProgress).await.unwrap_err();
    assert_eq!(error.kind(), Kind::NoSpace, "{error}");
    assert!(error.containerd_text().ends_with("write zeros: no space left on device"), "{error}");
    assert_empty(&store, &disk.0);
}

/// A tmpfs of a few megabytes; needs root, as the product does.
struct SmallDisk(std::path::PathBuf);

impl SmallDisk {
    fn mount(at: &Path, megabytes: u32) -> Self {
        let size = std::ffi::CString::new(format!("size={megabytes}m")).unwrap();
        rustix::mount::mount("tmpfs", at, "tmpfs", rustix::mount::MountFlags::empty(), size.as_c_str())
            .unwrap();
        Self(at.to_owned())
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        let _ = rustix::mount::unmount(&self.0, rustix::mount::UnmountFlags::DETACH);
    }
}

#[tokio::test]
async fn unused_layers_go_and_used_ones_stay() {
    let dir = tempfile::tempdir().unwrap();
    let store = store(dir.path());
    let registry = Registry::serving(&image(), |_| None).await;
    let pulled = pull(&store, &registry, &NoProgress).await.unwrap();
    let layers = pulled.layers.clone();
    assert_eq!(store.remove_unused(&[]).unwrap(), []);
    drop(pulled);
    assert_eq!(store.remove_unused(&layers[..1]).unwrap(), layers[1..]);
    assert_eq!(store.layers().unwrap(), layers[..1]);
    assert_eq!(std::fs::read_dir(dir.path().join("configs/sha256")).unwrap().count(), 0);
    assert_unpacked(&pull(&store, &registry, &NoProgress).await.unwrap());
}

#[test]
fn opening_clears_what_a_crash_left_and_keeps_others_out() {
    let dir = tempfile::tempdir().unwrap();
    drop(store(dir.path()));
    let left = dir.path().join("tmp/crashed/fs");
    std::fs::create_dir_all(&left).unwrap();
    std::fs::File::create(left.join("half")).unwrap().write_all(b"x").unwrap();
    let store = store(dir.path());
    assert_empty(&store, dir.path());
    let error = LayerStore::open(dir.path()).unwrap_err();
    assert!(error.to_string().contains("in use by another process"), "{error}");
}

#[tokio::test]
async fn a_layer_listed_twice_is_mounted_once_where_it_is_highest() {
    let twice = {
        let built = image();
        let mut manifest: Manifest = serde_json::from_slice(&built.manifest).unwrap();
        manifest.layers.push(manifest.layers[0].clone());
        let mut config: landfall_image::ImageConfig = serde_json::from_slice(&built.config).unwrap();
        config.rootfs.diff_ids.push(config.rootfs.diff_ids[0].clone());
        let config = Bytes::from(serde_json::to_vec(&config).unwrap());
        manifest.config.digest = Digest::of(&config);
        manifest.config.size = config.len() as u64;
        BuiltImage { manifest: serde_json::to_vec(&manifest).unwrap().into(), config, layers: built.layers }
    };
    let dir = tempfile::tempdir().unwrap();
    let registry = Registry::serving(&twice, |_| None).await;
    let pulled = pull(&store(dir.path()), &registry, &NoProgress).await.unwrap();
    let layers = layers_of(&image());
    assert_eq!(pulled.layers, [layers[1].clone(), layers[0].clone()]);
}

#[tokio::test]
async fn a_push_goes_only_to_the_registry_itself() {
    let storage = Registry::start(|_| Reply::new(201, "text/plain", "")).await;
    let target = format!("http://localhost:{}/upload", storage.address.port());
    let registry = Registry::start(move |seen| match seen.method.as_str() {
        "HEAD" => Reply::new(404, "text/plain", ""),
        _ => Reply::new(202, "text/plain", "").with("location", target.clone()),
    })
    .await;
    let (client, reference): (Client, _) = (hasty_client(), registry.reference("app"));
    // On a task of its own, as servers do it: the future must be `Send`.
    let push = tokio::spawn(async move { image().push(&client, &reference, None).await });
    let error = push.await.unwrap().unwrap_err();
    assert_eq!(error.kind(), Kind::RefusedRedirect);
    assert_eq!(storage.seen().len(), 0);
}
