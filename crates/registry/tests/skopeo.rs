//! Push and pull with skopeo, an unmodified client, under Basic and Bearer authentication.

#![expect(clippy::unwrap_used, clippy::expect_used, reason = "a test that cannot go on should stop")]

mod support;

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use landfall_registry::Digest;
use serde_json::json;
use support::{OCI_INDEX, OCI_MANIFEST, Server};

const LAYER: &str = "application/vnd.oci.image.layer.v1.tar+gzip";

fn layer(bytes: usize) -> (Vec<u8>, Digest) {
    let mut archive = tar::Builder::new(Vec::new());
    let content: Vec<u8> = (0..bytes).map(|n| (n * n % 251) as u8).collect();
    let mut header = tar::Header::new_gnu();
    header.set_size(content.len() as u64);
    header.set_mode(0o644);
    archive.append_data(&mut header, "data", content.as_slice()).unwrap();
    let plain = archive.into_inner().unwrap();
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    std::io::Write::write_all(&mut encoder, &plain).unwrap();
    (encoder.finish().unwrap(), Digest::of(&plain))
}

fn add_blob(dir: &Path, media_type: &str, content: &[u8]) -> serde_json::Value {
    fs::write(dir.join("blobs/sha256").join(Digest::of(content).hex()), content).unwrap();
    support::descriptor(media_type, content)
}

/// An OCI image layout of one image with one layer.
fn layout(dir: &Path, bytes: usize) {
    fs::create_dir_all(dir.join("blobs/sha256")).unwrap();
    let (compressed, diff) = layer(bytes);
    let config = json!({
        "architecture": "amd64", "os": "linux", "config": { "Cmd": ["/data"] },
        "rootfs": { "type": "layers", "diff_ids": [diff.to_string()] },
    });
    let manifest = json!({
        "schemaVersion": 2, "mediaType": OCI_MANIFEST,
        "config": add_blob(dir, "application/vnd.oci.image.config.v1+json", config.to_string().as_bytes()),
        "layers": [add_blob(dir, LAYER, &compressed)],
    });
    let mut entry = add_blob(dir, OCI_MANIFEST, manifest.to_string().as_bytes());
    entry["annotations"] = json!({ "org.opencontainers.image.ref.name": "v1" });
    let index = json!({ "schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": [entry] });
    fs::write(dir.join("index.json"), index.to_string()).unwrap();
    fs::write(dir.join("oci-layout"), r#"{"imageLayoutVersion":"1.0.0"}"#).unwrap();
}

async fn skopeo(arguments: Vec<String>) -> Output {
    let run = move || Command::new("skopeo").arg("--insecure-policy").args(arguments).output();
    tokio::task::spawn_blocking(run).await.unwrap().expect("skopeo is installed")
}

async fn copy(from: &str, to: &str, credentials: &str) -> Output {
    let local = |text: &str| !text.starts_with("docker://");
    let mut arguments = vec!["copy".to_owned(), from.to_owned(), to.to_owned()];
    for (side, reference) in [("src", from), ("dest", to)] {
        if !local(reference) {
            arguments.extend([format!("--{side}-tls-verify=false"), format!("--{side}-creds={credentials}")]);
        }
    }
    skopeo(arguments).await
}

fn succeeded(output: &Output) {
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

async fn round_trip(server: Server) {
    let dir = tempfile::tempdir().unwrap();
    let (source, back) = (dir.path().join("source"), dir.path().join("back"));
    layout(&source, 5_000_000);
    let remote = format!("docker://{}/team/app:v1", server.host);
    let source = format!("oci:{}:v1", source.display());
    succeeded(&copy(&source, &remote, "alice:secret").await);
    succeeded(&copy(&remote, &format!("oci:{}:v1", back.display()), "reader:secret").await);
    let read = |path: &Path| {
        fs::read_dir(path.join("blobs/sha256")).unwrap().map(|e| e.unwrap().file_name()).collect::<Vec<_>>()
    };
    let (mut sent, mut received) = (read(&dir.path().join("source")), read(&back));
    sent.sort();
    received.sort();
    assert_eq!(sent, received);

    // Docker's own format, and blobs that are mounted from the first repository.
    let other = format!("docker://{}/other/app:v2", server.host);
    let mut arguments = vec!["copy".to_owned(), "--format=v2s2".to_owned(), remote.clone(), other];
    arguments.extend(
        [
            "--src-tls-verify=false",
            "--dest-tls-verify=false",
            "--src-creds=alice:secret",
            "--dest-creds=alice:secret",
        ]
        .map(str::to_owned),
    );
    succeeded(&skopeo(arguments).await);
    let archive = format!("docker-archive:{}:team/app:v1", dir.path().join("app.tar").display());
    succeeded(&copy(&remote, &archive, "reader:secret").await);
    let from_archive = format!("docker-archive:{}", dir.path().join("app.tar").display());
    succeeded(&copy(&from_archive, &format!("docker://{}/archive:v1", server.host), "alice:secret").await);

    let wrong = copy(&remote, &format!("dir:{}", dir.path().join("wrong").display()), "alice:wrong").await;
    assert!(!wrong.status.success());
    let denied = copy(&source, &remote, "reader:secret").await;
    let message = String::from_utf8_lossy(&denied.stderr).into_owned();
    assert!(!denied.status.success() && message.contains("denied"), "{message}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn round_trip_with_a_password() {
    round_trip(Server::start().await).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn round_trip_with_a_token() {
    round_trip(Server::with_tokens().await).await;
}
