//! `landfall image push`: from a file into a registry.

use std::io::{self, Read, Seek as _, Write as _};
use std::path::PathBuf;
use std::process::ExitCode;

use flate2::Compression;
use flate2::write::GzEncoder;
use landfall_image::{Client, Descriptor, Digest, Manifest, RawManifest, media};
use serde_json::{Value, json};

use super::copy::{client, media_type};
use super::graph::Named;
use super::place::{Place, Places};
use super::progress::Transfer;
use super::source::Source;
use crate::client::ConnectArgs;
use crate::error::CliError;
use crate::terminal;

/// Where OCI's index is.
const INDEX: &str = "index.json";
/// Where `docker save` says what is in the archive.
const DOCKER_INDEX: &str = "manifest.json";
/// Annotations that name an image.
const NAMES: [&str; 2] = ["org.opencontainers.image.ref.name", "io.containerd.image.name"];

/// Arguments of `push`.
#[derive(Debug, clap::Args)]
pub(crate) struct PushArgs {
    /// OCI archive or directory, or what `docker save` writes
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// Where to push it
    #[arg(value_name = "IMAGE")]
    image: String,
    /// Which image of the file, where it holds several: its name there
    #[arg(long, value_name = "NAME")]
    select: Option<String>,
    /// Registries that speak plain HTTP, beside those on this machine (`host` or `host:port`; may be given several times)
    #[arg(long, value_name = "HOST")]
    insecure_registry: Vec<String>,
    /// Print JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    connect: ConnectArgs,
}

pub(super) async fn run(args: PushArgs) -> Result<ExitCode, CliError> {
    let source = Source::open(&args.file)?;
    let to = Places::new(&args.connect)?.find(&args.image).await?;
    let client = client(args.insecure_registry)?;
    let progress = Transfer::begin("pushing");
    let push = Push { client: &client, source: &source, to: &to, progress: &progress };
    let pushed = if source.has(INDEX) {
        push.layout(args.select.as_deref()).await
    } else if source.has(DOCKER_INDEX) {
        push.docker(args.select.as_deref()).await
    } else {
        Err(CliError::new(format!("there is no image in `{}`", args.file.display()))
            .hint("expected an OCI archive or directory, or what `docker save` writes"))
    };
    progress.end();
    let digest = pushed?;
    if args.json {
        terminal::print_json(&json!({"image": to.reference.to_string(), "digest": digest.as_str()}))?;
    } else {
        terminal::print(&format!("{digest}\n"))?;
    }
    Ok(ExitCode::SUCCESS)
}

struct Push<'a> {
    client: &'a Client,
    source: &'a Source,
    to: &'a Place,
    progress: &'a Transfer,
}

impl Push<'_> {
    /// An image of an OCI layout, as it is.
    async fn layout(&self, select: Option<&str>) -> Result<Digest, CliError> {
        let index = Named::read(&self.source.bytes(INDEX)?)?;
        let top = chosen(&index.manifests, select)?;
        let mut open = vec![top.clone()];
        let mut order = Vec::new();
        while let Some(descriptor) = open.pop() {
            if order.len() > 1000 {
                return Err(CliError::new("the image names more than 1,000 manifests"));
            }
            let bytes = self.source.bytes(&blob_name(&descriptor.digest))?;
            if !descriptor.digest.matches(&bytes) {
                return Err(CliError::new(format!(
                    "the content of {} is not its digest's",
                    descriptor.digest
                )));
            }
            let named = Named::read(&bytes)?;
            open.extend(named.manifests.iter().cloned());
            let manifest = RawManifest {
                bytes: bytes.into(),
                digest: descriptor.digest,
                media_type: descriptor.media_type,
            };
            order.push((manifest, named));
        }
        for (manifest, named) in order.into_iter().rev() {
            self.progress.expect(named.blobs().map(|blob| blob.size).sum());
            for blob in named.blobs() {
                let (reader, _) = self.source.read(&blob_name(&blob.digest))?;
                self.blob(&blob.digest, blob.size, reader).await?;
            }
            let media_type = media_type(&manifest, &named);
            self.manifest(&manifest, &media_type, manifest.digest == top.digest).await?;
        }
        Ok(top.digest.clone())
    }

    /// An image of `docker save` before Docker 25: a list of names, configs and uncompressed layers.
    async fn docker(&self, select: Option<&str>) -> Result<Digest, CliError> {
        let list: Vec<Value> = serde_json::from_slice(&self.source.bytes(DOCKER_INDEX)?)
            .map_err(|error| CliError::new(format!("`{DOCKER_INDEX}` cannot be read: {error}")))?;
        let names = |entry: &Value| -> Vec<String> {
            let tags = entry["RepoTags"].as_array().into_iter().flatten();
            tags.filter_map(|tag| tag.as_str().map(str::to_owned)).collect()
        };
        let fits =
            |entry: &&Value| select.is_none_or(|wanted| names(entry).iter().any(|name| name == wanted));
        let found: Vec<&Value> = list.iter().filter(fits).collect();
        let [entry] = found.as_slice() else {
            return Err(several(list.iter().flat_map(names).collect(), select));
        };
        let config = self.source.bytes(entry["Config"].as_str().unwrap_or_default())?;
        let config_digest = Digest::of(&config);
        let mut layers = Vec::new();
        for layer in entry["Layers"].as_array().into_iter().flatten() {
            let (reader, _) = self.source.read(layer.as_str().unwrap_or_default())?;
            let (file, digest, size) = compressed(reader)?;
            self.progress.expect(size);
            self.blob(&digest, size, Box::new(file)).await?;
            layers.push(descriptor(media::OCI_LAYER_GZIP, digest, size));
        }
        let size = config.len() as u64;
        self.progress.expect(size);
        self.blob(&config_digest, size, Box::new(io::Cursor::new(config))).await?;
        let manifest = Manifest {
            schema_version: 2,
            media_type: Some(media::OCI_MANIFEST.to_owned()),
            config: descriptor(media::OCI_CONFIG, config_digest, size),
            layers,
        };
        let bytes = serde_json::to_vec(&manifest).map_err(|error| CliError::new(error.to_string()))?;
        let manifest =
            RawManifest { digest: Digest::of(&bytes), bytes: bytes.into(), media_type: String::new() };
        self.manifest(&manifest, media::OCI_MANIFEST, true).await?;
        Ok(manifest.digest)
    }

    async fn blob(&self, digest: &Digest, size: u64, mut reader: Box<dyn Read>) -> Result<(), CliError> {
        let credential = self.to.credential.as_ref();
        let upload = self.client.upload_blob(&self.to.reference, credential, digest, None).await?;
        let Some(mut upload) = upload else {
            self.progress.blob(digest, size, true);
            return Ok(());
        };
        let mut buffer = vec![0; 1 << 20];
        loop {
            let read =
                reader.read(&mut buffer).map_err(|error| CliError::new(format!("{digest}: {error}")))?;
            let Some(bytes) = buffer.get(..read).filter(|bytes| !bytes.is_empty()) else { break };
            upload.write(bytes).await?;
            self.progress.add(read as u64);
        }
        upload.finish().await?;
        self.progress.blob(digest, size, false);
        Ok(())
    }

    async fn manifest(&self, manifest: &RawManifest, media_type: &str, is_top: bool) -> Result<(), CliError> {
        let by_digest = self.to.reference.with_digest(manifest.digest.clone());
        let reference = if is_top { &self.to.reference } else { &by_digest };
        let credential = self.to.credential.as_ref();
        self.client.push_manifest(reference, credential, media_type, manifest.bytes.clone()).await?;
        Ok(())
    }
}

fn blob_name(digest: &Digest) -> String {
    format!("blobs/{}/{}", digest.algorithm(), digest.hex())
}

fn descriptor(media_type: &str, digest: Digest, size: u64) -> Descriptor {
    Descriptor { media_type: media_type.to_owned(), digest, size, platform: None, annotations: None }
}

/// The image that is meant.
fn chosen<'a>(manifests: &'a [Descriptor], select: Option<&str>) -> Result<&'a Descriptor, CliError> {
    let names = |it: &Descriptor| -> Vec<String> {
        let annotations = it.annotations.as_ref();
        NAMES.iter().filter_map(|name| annotations?.get(*name).cloned()).collect()
    };
    let fits = |it: &&Descriptor| select.is_none_or(|wanted| names(it).iter().any(|name| name == wanted));
    let found: Vec<&Descriptor> = manifests.iter().filter(fits).collect();
    match found.as_slice() {
        [one] => Ok(one),
        [first, rest @ ..] if rest.iter().all(|it| it.digest == first.digest) => Ok(first),
        _ => Err(several(manifests.iter().flat_map(names).collect(), select)),
    }
}

fn several(names: Vec<String>, select: Option<&str>) -> CliError {
    let shown = if names.is_empty() { "without names".to_owned() } else { names.join(", ") };
    match select {
        Some(wanted) => CliError::new(format!("there is no image `{wanted}` in the file"))
            .hint(format!("it holds: {shown}")),
        None => CliError::new("the file holds not just one image")
            .hint(format!("choose one with `--select NAME`; it holds: {shown}")),
    }
}

/// A layer as registries keep it, in a temporary file.
fn compressed(mut reader: Box<dyn Read>) -> Result<(std::fs::File, Digest, u64), CliError> {
    let work = || -> io::Result<(std::fs::File, Digest, u64)> {
        let mut start = [0; 2];
        let mut head = Vec::new();
        if let Ok(()) = reader.read_exact(&mut start) {
            head.extend_from_slice(&start);
        }
        let mut out = tempfile::tempfile()?;
        let mut rest = io::Cursor::new(head).chain(reader);
        if start == [0x1f, 0x8b] {
            io::copy(&mut rest, &mut out)?;
        } else {
            let mut encoder = GzEncoder::new(io::BufWriter::new(&mut out), Compression::default());
            io::copy(&mut rest, &mut encoder)?;
            encoder.finish()?.flush()?;
        }
        let size = out.stream_position()?;
        out.rewind()?;
        let digest = Digest::of_reader(&mut out)?;
        out.rewind()?;
        Ok((out, digest, size))
    };
    work().map_err(|error| CliError::new(format!("a layer cannot be compressed: {error}")))
}
