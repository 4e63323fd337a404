//! `landfall image pull`: from a registry into a file.

use std::collections::HashSet;
use std::fs::File;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use landfall_image::{Client, Descriptor, Digest, Platform, RawManifest};
use serde_json::{Value, json};

use super::archive::{self, Archive};
use super::copy::{client, media_type};
use super::graph::Named;
use super::place::{Place, Places};
use super::progress::Transfer;
use crate::client::ConnectArgs;
use crate::error::CliError;
use crate::terminal;

/// Arguments of `pull`.
#[derive(Debug, clap::Args)]
pub(crate) struct PullArgs {
    /// Image to pull
    #[arg(value_name = "IMAGE")]
    image: String,
    /// Archive to write
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// Platform, `os/architecture[/variant]` [default: this machine's]
    #[arg(long, value_name = "PLATFORM", conflicts_with = "all")]
    platform: Option<String>,
    /// Every platform
    #[arg(long)]
    all: bool,
    /// Registries that speak plain HTTP, beside those on this machine (`host` or `host:port`; may be given several times)
    #[arg(long, value_name = "HOST")]
    insecure_registry: Vec<String>,
    /// Print JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    connect: ConnectArgs,
}

pub(super) async fn run(args: PullArgs) -> Result<ExitCode, CliError> {
    let from = Places::new(&args.connect)?.find(&args.image).await?;
    let client = client(args.insecure_registry)?;
    let platform = args.platform.as_deref().map(platform).transpose()?.unwrap_or_else(Platform::host);
    let top = match args.all {
        true => client.raw_manifest(&from.reference, from.credential.as_ref()).await?,
        false => {
            let found = client.resolve(&from.reference, from.credential.as_ref(), &platform).await?;
            RawManifest {
                bytes: found.manifest_bytes,
                digest: found.manifest_digest,
                media_type: found.media_type,
            }
        }
    };
    let progress = Transfer::begin("pulling");
    let draft = draft(&args.file)?;
    let file = draft.reopen().map_err(|error| unwritable(&args.file, &error))?;
    let mut pull = Pull { client: &client, from: &from, progress: &progress, seen: HashSet::new() };
    let written = tokio::select! {
        written = pull.run(&top, file, &args.image) => written,
        // Nothing else would take the draft away.
        _ = tokio::signal::ctrl_c() => Err(CliError::new("interrupted: nothing was written")),
    };
    progress.end();
    written?;
    draft.persist(&args.file).map_err(|error| unwritable(&args.file, &error.error))?;
    if args.json {
        let file = args.file.display().to_string();
        terminal::print_json(
            &json!({"image": from.reference.to_string(), "digest": top.digest.as_str(), "file": file}),
        )?;
    } else {
        terminal::print(&format!("{}\n", top.digest))?;
    }
    Ok(ExitCode::SUCCESS)
}

/// A file beside the one that is wanted, so that the one is there wholly or not at all.
fn draft(path: &Path) -> Result<tempfile::NamedTempFile, CliError> {
    let dir = path.parent().filter(|dir| !dir.as_os_str().is_empty()).unwrap_or_else(|| Path::new("."));
    tempfile::NamedTempFile::new_in(dir).map_err(|error| unwritable(path, &error))
}

fn unwritable(path: &Path, error: &io::Error) -> CliError {
    CliError::new(format!("`{}` cannot be written: {error}", path.display()))
}

fn platform(text: &str) -> Result<Platform, CliError> {
    let mut parts = text.split('/').map(str::to_owned);
    match (parts.next(), parts.next(), parts.next(), parts.next()) {
        (Some(os), Some(architecture), variant, None) => Ok(Platform { os, architecture, variant }),
        _ => Err(CliError::new(format!("`{text}` is no platform")).hint("such as `linux/arm64`")),
    }
}

struct Pull<'a> {
    client: &'a Client,
    from: &'a Place,
    progress: &'a Transfer,
    seen: HashSet<Digest>,
}

impl Pull<'_> {
    async fn run(&mut self, top: &RawManifest, file: File, name: &str) -> Result<(), CliError> {
        let mut archive = Archive::new(file);
        let mut open = vec![top.clone()];
        let mut docker = Vec::new();
        while let Some(manifest) = open.pop() {
            if !self.seen.insert(manifest.digest.clone()) {
                continue;
            }
            if self.seen.len() > 10_000 {
                return Err(CliError::new("the image names more than 10,000 manifests and blobs"));
            }
            let named = Named::read(&manifest.bytes)?;
            archive.add_blob(&manifest.digest, &manifest.bytes)?;
            for child in &named.manifests {
                let reference = self.from.reference.with_digest(child.digest.clone());
                open.push(self.client.raw_manifest(&reference, self.from.credential.as_ref()).await?);
            }
            self.progress.expect(named.blobs().map(|blob| blob.size).sum());
            for blob in named.blobs() {
                self.blob(&mut archive, blob).await?;
            }
            docker.extend(docker_entry(&named, name));
        }
        // Docker takes one image of a name: with several platforms the first one is as good as any other.
        docker.truncate(1);
        let named = Named::read(&top.bytes)?;
        let index = json!({"schemaVersion": 2, "mediaType": landfall_image::media::OCI_INDEX, "manifests": [{
            "mediaType": media_type(top, &named), "digest": top.digest.as_str(), "size": top.bytes.len(),
            "annotations": {
                "io.containerd.image.name": name,
                "org.opencontainers.image.ref.name": self.from.reference.tag().unwrap_or("latest"),
            },
        }]});
        archive.finish(&index, &Value::Array(docker)).map_err(CliError::from)
    }

    async fn blob(&mut self, archive: &mut Archive, blob: &Descriptor) -> Result<(), CliError> {
        if !self.seen.insert(blob.digest.clone()) {
            self.progress.blob(&blob.digest, blob.size, true);
            return Ok(());
        }
        let mut file = tempfile::tempfile()?;
        let credential = self.from.credential.as_ref();
        let mut download = self.client.download_blob(&self.from.reference, credential, blob).await?;
        while let Some(bytes) = download.next().await? {
            file.write_all(&bytes)?;
            self.progress.add(bytes.len() as u64);
        }
        archive.add_file(&blob.digest, file)?;
        self.progress.blob(&blob.digest, blob.size, false);
        Ok(())
    }
}

/// What `docker load` wants to know of an image.
fn docker_entry(named: &Named, name: &str) -> Option<Value> {
    let config = named.config.as_ref()?;
    let layers: Vec<String> = named.layers.iter().map(|layer| archive::name(&layer.digest)).collect();
    let tags = if name.contains('@') { Vec::new() } else { vec![name.to_owned()] };
    Some(json!({"Config": archive::name(&config.digest), "RepoTags": tags, "Layers": layers}))
}
