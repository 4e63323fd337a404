//! Against Debian's `docker-registry` with a password file: our push, its storage, our pull, and `tar`'s opinion.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "test helpers fail by panicking")]

mod support;

use std::net::{SocketAddr, TcpListener};
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};
use std::time::Duration;

use landfall_image::{
    BuiltImage, Client, ClientOptions, Credential, Digest, ImageBuilder, LayerStore, NoProgress, Platform,
    PullErrorKind as Kind, Reference,
};
use support::hasty_client;

/// `alice` with `s3cret`, as `htpasswd -nbB alice s3cret` prints it.
const HTPASSWD: &str = "alice:$2y$04$mGaK182g1RjxdYRrRe3Vkuy2PfTeEo63SchrvLv2RPTfOD7T0OoXa";

/// A registry process on a free port, stopped when dropped.
struct DockerRegistry {
    process: Child,
    address: SocketAddr,
    _dir: tempfile::TempDir,
}

impl DockerRegistry {
    fn start() -> Self {
        Self::start_in(tempfile::tempdir().unwrap(), "")
    }

    /// Starts with more settings for `http`.
    fn start_in(dir: tempfile::TempDir, http: &str) -> Self {
        let address = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        let (root, passwords) = (dir.path().join("data"), dir.path().join("htpasswd"));
        std::fs::write(&passwords, HTPASSWD).unwrap();
        let config = format!(
            "version: 0.1\nlog: {{level: error, accesslog: {{disabled: true}}}}\nstorage: {{filesystem: \
             {{rootdirectory: {}}}}}\nhttp: {{addr: '{address}'{http}}}\nauth: {{htpasswd: {{realm: test, path: {}}}}}\n",
            root.display(),
            passwords.display()
        );
        let path = dir.path().join("config.yml");
        std::fs::write(&path, config).unwrap();
        let process = Command::new("docker-registry")
            .arg("serve")
            .arg(&path)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("this test needs Debian's `docker-registry`: apt-get install docker-registry");
        let registry = Self { process, address, _dir: dir };
        registry.wait_until_it_listens();
        registry
    }

    fn wait_until_it_listens(&self) {
        for _ in 0..500 {
            if std::net::TcpStream::connect(self.address).is_ok() {
                return;
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        panic!("`docker-registry` did not listen on {}", self.address);
    }

    fn reference(&self, rest: &str) -> Reference {
        format!("{}/{rest}", self.address).parse().unwrap()
    }
}

impl Drop for DockerRegistry {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn alice() -> Credential {
    Credential::new("alice", "s3cret")
}

fn run(command: &mut Command) -> Output {
    let output = command.output().unwrap_or_else(|error| panic!("{command:?}: {error}"));
    assert!(output.status.success(), "{command:?}: {}", String::from_utf8_lossy(&output.stderr));
    output
}

/// A busybox root with links, odd modes, times, owners, a FIFO and a file with holes, as an archive made by GNU tar.
fn busybox_archive(dir: &Path) -> Vec<u8> {
    let script = r#"set -e
        mkdir -p root/bin root/etc root/tmp root/var/empty root/deep/$(printf 'd%.0s' $(seq 120))/$(printf 'e%.0s' $(seq 120))
        cp /bin/busybox root/bin/busybox
        for name in sh ls cat echo; do ln root/bin/busybox root/bin/$name; done
        ln -s /bin/busybox root/bin/absolute; ln -s ../../../../etc/passwd root/etc/up
        echo root:x:0:0::/:/bin/sh > root/etc/passwd
        chmod 1777 root/tmp; chmod 0500 root/var/empty
        cp root/etc/passwd root/bin/suid; chown 1234:5678 root/bin/suid root/etc/up; chmod 6755 root/bin/suid
        mkfifo -m 0640 root/var/pipe
        dd if=/dev/zero of=root/var/holes bs=1 count=0 seek=3000000 2>/dev/null
        printf middle | dd of=root/var/holes bs=1 seek=1500000 conv=notrunc 2>/dev/null
        echo long > root/deep/$(printf 'd%.0s' $(seq 120))/$(printf 'e%.0s' $(seq 120))/$(printf 'f%.0s' $(seq 200))
        touch -d '2001-02-03 04:05:06.123456789' root/etc/passwd root/tmp; touch -h -d '1999-01-01' root/etc/up
        setfattr -n user.note -v kept root/etc/passwd 2>/dev/null || true"#;
    run(Command::new("sh").arg("-c").arg(script).current_dir(dir));
    let tar = ["--format=pax", "--sparse", "--numeric-owner", "-C", "root", "-cf", "-", "."];
    run(Command::new("tar").args(tar).current_dir(dir)).stdout
}

/// Everything `find` can say about a tree, sorted.
fn listing(root: &Path) -> Vec<String> {
    let format = "%P|%y|%m|%U|%G|%s|%T@|%l|%n\\n";
    let output = run(Command::new("find").arg(root).args(["-printf", format]));
    let mut lines: Vec<String> =
        String::from_utf8(output.stdout).unwrap().lines().map(directory_size_out).collect();
    lines.sort();
    lines
}

/// A directory's size is the file system's affair.
fn directory_size_out(line: &str) -> String {
    let mut fields: Vec<&str> = line.split('|').collect();
    if fields.get(1) == Some(&"d") {
        fields[5] = "";
    }
    fields.join("|")
}

fn image_from(archive: &[u8]) -> BuiltImage {
    ImageBuilder::new(&Platform::linux("amd64"))
        .configure(|run| run.entrypoint = vec!["/bin/sh".to_owned()])
        .layer_from_tar(archive)
        .unwrap()
        .build()
        .unwrap()
}

#[tokio::test]
async fn what_is_pulled_is_what_tar_would_unpack() {
    let registry = DockerRegistry::start();
    let dir = tempfile::tempdir().unwrap();
    let archive = busybox_archive(dir.path());
    let expected = dir.path().join("expected");
    std::fs::create_dir(&expected).unwrap();
    std::fs::write(dir.path().join("root.tar"), &archive).unwrap();
    let tar = ["--numeric-owner", "--xattrs", "-xpf", "root.tar", "-C", "expected"];
    run(Command::new("tar").args(tar).current_dir(dir.path()));

    let (client, reference) = (hasty_client(), registry.reference("team/busybox:v1"));
    let image = image_from(&archive);
    let pushed = image.push(&client, &reference, Some(&alice())).await.unwrap();
    let resolved = client.resolve(&reference, Some(&alice()), &Platform::linux("amd64")).await.unwrap();
    assert_eq!(resolved.digest, pushed);
    let store = LayerStore::open(dir.path().join("store")).unwrap();
    let pulled = store.pull(&client, &resolved, Some(&alice()), &NoProgress, 3).await.unwrap();

    let ours = &pulled.layer_dirs[0];
    assert_eq!(listing(ours), listing(&expected));
    run(Command::new("diff").arg("-r").arg("--no-dereference").args(["-x", "pipe"]).arg(ours).arg(&expected));
    let echoed = run(Command::new("chroot").arg(ours).args(["/bin/echo", "it runs"]));
    assert_eq!(echoed.stdout, b"it runs\n");
}

#[tokio::test]
async fn passwords_decide() {
    let registry = DockerRegistry::start();
    let (client, reference) = (hasty_client(), registry.reference("team/app:v1"));
    let platform = Platform::linux("amd64");
    let image = ImageBuilder::new(&platform).layer([("a", 0o644, b"a".as_slice())]).unwrap().build().unwrap();
    let denied = image.push(&client, &reference, None).await.unwrap_err();
    assert_eq!(denied.kind(), Kind::NoCredential);
    image.push(&client, &reference, Some(&alice())).await.unwrap();
    client.resolve(&reference, Some(&alice()), &platform).await.unwrap();

    let wrong = Credential::new("alice", "wrong");
    let error = client.resolve(&reference, Some(&wrong), &platform).await.unwrap_err();
    assert_eq!(error.kind(), Kind::Unauthorized);
    assert_eq!(error.docker_text(), "Error response from daemon: unauthorized");
    let host = registry.address;
    assert_eq!(
        error.containerd_text(),
        format!(
            "failed to resolve ref {reference}: pulling from host {host} failed with status code [manifests v1]: 401 \
             Unauthorized"
        )
    );
    let error = client.resolve(&reference, None, &platform).await.unwrap_err();
    assert_eq!(
        error.docker_text(),
        format!(
            "Error response from daemon: Head \"http://{host}/v2/team/app/manifests/v1\": no basic auth credentials"
        )
    );
    let missing = registry.reference("team/app:v2");
    let error = client.resolve(&missing, Some(&alice()), &platform).await.unwrap_err();
    assert_eq!(error.docker_text(), "Error response from daemon: manifest unknown: manifest unknown");
}

#[tokio::test]
async fn blobs_are_mounted_from_other_repositories() {
    let registry = DockerRegistry::start();
    let client = hasty_client();
    let (a, b) = (registry.reference("a:v1"), registry.reference("b:v1"));
    let first = client.push_blob(&a, Some(&alice()), b"blob".as_slice().into(), None).await.unwrap();
    let again = client.push_blob(&b, Some(&alice()), b"blob".as_slice().into(), Some("a")).await.unwrap();
    assert_eq!((first, again), (Digest::of(b"blob"), Digest::of(b"blob")));
}

#[tokio::test]
async fn what_skopeo_copied_in_docker_format_is_pulled() {
    let registry = DockerRegistry::start();
    let client = hasty_client();
    let platform = Platform::linux("amd64");
    let source = registry.reference("oci:v1");
    let image = ImageBuilder::new(&platform)
        .layer([("a", 0o644, b"from skopeo".as_slice())])
        .unwrap()
        .build()
        .unwrap();
    image.push(&client, &source, Some(&alice())).await.unwrap();
    let target = registry.reference("docker:v2");
    run(Command::new("skopeo").args([
        "--insecure-policy",
        "copy",
        "--format=v2s2",
        "--src-tls-verify=false",
        "--dest-tls-verify=false",
        "--src-creds=alice:s3cret",
        "--dest-creds=alice:s3cret",
        &format!("docker://{source}"),
        &format!("docker://{target}"),
    ]));
    let resolved = client.resolve(&target, Some(&alice()), &platform).await.unwrap();
    assert_eq!(resolved.media_type, landfall_image::media::DOCKER_MANIFEST);
    let dir = tempfile::tempdir().unwrap();
    let store = LayerStore::open(dir.path()).unwrap();
    let pulled = store.pull(&client, &resolved, Some(&alice()), &NoProgress, 3).await.unwrap();
    assert_eq!(std::fs::read(pulled.layer_dirs[0].join("a")).unwrap(), b"from skopeo");
}

#[tokio::test]
async fn tls_needs_a_trusted_authority() {
    let dir = tempfile::tempdir().unwrap();
    let script = r#"set -e; key="-newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes"
        openssl req -x509 $key -keyout ca.key -out ca.pem -days 2 -subj /CN=authority
        openssl req $key -keyout key.pem -out request.pem -subj /CN=registry
        printf 'subjectAltName=IP:127.0.0.1' > names
        openssl x509 -req -in request.pem -CA ca.pem -CAkey ca.key -CAcreateserial -days 2 -extfile names -out cert.pem"#;
    run(Command::new("sh").arg("-c").arg(script).current_dir(dir.path()));
    let root = std::fs::read(dir.path().join("ca.pem")).unwrap();
    let at = |name: &str| dir.path().join(name).display().to_string();
    let http = format!(", tls: {{certificate: {}, key: {}}}", at("cert.pem"), at("key.pem"));
    let registry = DockerRegistry::start_in(dir, &http);
    let client = |extra_roots: Vec<Vec<u8>>| {
        let tls_registries = vec!["127.0.0.1".to_owned()];
        Client::new(ClientOptions { tls_registries, extra_roots, ..hasty_client().options().clone() })
            .unwrap()
    };
    let (reference, platform) = (registry.reference("app:v1"), Platform::linux("amd64"));
    let image = ImageBuilder::new(&platform).layer([("a", 0o644, b"a".as_slice())]).unwrap().build().unwrap();
    let error = image.push(&client(vec![]), &reference, Some(&alice())).await.unwrap_err();
    assert_eq!(error.kind(), Kind::Tls, "{error}");
    let pushed = image.push(&client(vec![root.clone()]), &reference, Some(&alice())).await.unwrap();
    let resolved = client(vec![root]).resolve(&reference, Some(&alice()), &platform).await.unwrap();
    assert_eq!(resolved.digest, pushed);
}

#[tokio::test]
async fn a_registry_without_tls_is_told_from_one_with() {
    let registry = DockerRegistry::start();
    let tls_registries = vec!["127.0.0.1".to_owned()];
    let client = Client::new(ClientOptions { tls_registries, ..hasty_client().options().clone() }).unwrap();
    let reference = registry.reference("app:v1");
    let error = client.resolve(&reference, None, &Platform::linux("amd64")).await.unwrap_err();
    assert_eq!(
        error.docker_text(),
        format!(
            "Error response from daemon: Get \"https://{}/v2/\": http: server gave HTTP response to HTTPS client",
            registry.address
        )
    );
}
