//! `landfall image cp`: from one registry to another.

use std::process::ExitCode;

use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use landfall_image::{Client, ClientOptions, Descriptor, RawManifest};
use serde_json::json;

use super::graph::Named;
use super::place::{Place, Places};
use super::progress::Transfer;
use crate::client::ConnectArgs;
use crate::error::CliError;
use crate::terminal;

/// Blobs at once.
const CONCURRENCY: usize = 4;
/// How deeply indexes may be nested.
const MAX_DEPTH: usize = 4;

/// Arguments of `cp`.
#[derive(Debug, clap::Args)]
pub(crate) struct CopyArgs {
    /// Image to copy
    #[arg(value_name = "FROM")]
    from: String,
    /// Where to copy it
    #[arg(value_name = "TO")]
    to: String,
    /// Registries that speak plain HTTP, beside those on this machine (`host` or `host:port`; may be given several times)
    #[arg(long, value_name = "HOST")]
    insecure_registry: Vec<String>,
    /// Print JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    connect: ConnectArgs,
}

pub(super) async fn run(args: CopyArgs) -> Result<ExitCode, CliError> {
    let mut places = Places::new(&args.connect)?;
    let (from, to) = (places.find(&args.from).await?, places.find(&args.to).await?);
    let client = client(args.insecure_registry)?;
    let progress = Transfer::begin("copying");
    let copied = Copy { client: &client, from: &from, to: &to, progress: &progress }.run().await;
    progress.end();
    let manifest = copied?;
    if args.json {
        terminal::print_json(&json!({
            "from": from.reference.to_string(), "to": to.reference.to_string(), "digest": manifest.digest.as_str(),
            "media_type": manifest.media_type,
        }))?;
    } else {
        terminal::print(&format!("{}\n", manifest.digest))?;
    }
    Ok(ExitCode::SUCCESS)
}

/// A client of registries.
pub(super) fn client(insecure_registries: Vec<String>) -> Result<Client, CliError> {
    Ok(Client::new(ClientOptions { insecure_registries, ..ClientOptions::default() })?)
}

struct Copy<'a> {
    client: &'a Client,
    from: &'a Place,
    to: &'a Place,
    progress: &'a Transfer,
}

impl Copy<'_> {
    async fn run(&self) -> Result<RawManifest, CliError> {
        let top = self.client.raw_manifest(&self.from.reference, self.from.credential.as_ref()).await?;
        // What is named comes before what names it: children first, the top under its tag last.
        let mut open = vec![(top.clone(), 0)];
        let mut order = Vec::new();
        while let Some((manifest, depth)) = open.pop() {
            let named = Named::read(&manifest.bytes)?;
            if depth > MAX_DEPTH {
                return Err(CliError::new(format!("indexes are nested more than {MAX_DEPTH} deep")));
            }
            for child in &named.manifests {
                let reference = self.from.reference.with_digest(child.digest.clone());
                let child = self.client.raw_manifest(&reference, self.from.credential.as_ref()).await?;
                open.push((child, depth + 1));
            }
            order.push((manifest, named));
        }
        for (manifest, named) in order.into_iter().rev() {
            self.blobs(&named).await?;
            let is_top = manifest.digest == top.digest;
            let by_digest = self.to.reference.with_digest(manifest.digest.clone());
            let reference = if is_top { &self.to.reference } else { &by_digest };
            let media_type = media_type(&manifest, &named);
            let credential = self.to.credential.as_ref();
            self.client.push_manifest(reference, credential, &media_type, manifest.bytes.clone()).await?;
        }
        Ok(top)
    }

    async fn blobs(&self, named: &Named) -> Result<(), CliError> {
        self.progress.expect(named.blobs().map(|blob| blob.size).sum());
        let mut jobs = Vec::new();
        for blob in named.blobs() {
            jobs.push(self.blob(blob));
        }
        stream::iter(jobs).buffer_unordered(CONCURRENCY).try_collect::<()>().await
    }

    async fn blob(&self, blob: &Descriptor) -> Result<(), CliError> {
        let (from, to) = (self.from, self.to);
        let same = from.reference.registry() == to.reference.registry();
        let mount = same.then(|| from.reference.repository());
        let upload =
            self.client.upload_blob(&to.reference, to.credential.as_ref(), &blob.digest, mount).await?;
        let Some(mut upload) = upload else {
            self.progress.blob(&blob.digest, blob.size, true);
            return Ok(());
        };
        let mut download = self.client.download_blob(&from.reference, from.credential.as_ref(), blob).await?;
        while let Some(bytes) = download.next().await? {
            upload.write(&bytes).await?;
            self.progress.add(bytes.len() as u64);
        }
        upload.finish().await?;
        self.progress.blob(&blob.digest, blob.size, false);
        Ok(())
    }
}

/// What a manifest is sent as: what the registry said, unless it said nothing of use.
pub(super) fn media_type(manifest: &RawManifest, named: &Named) -> String {
    let said = manifest.media_type.contains("manifest") || manifest.media_type.contains("index");
    if said {
        return manifest.media_type.clone();
    }
    let by_shape = if named.manifests.is_empty() {
        landfall_image::media::OCI_MANIFEST
    } else {
        landfall_image::media::OCI_INDEX
    };
    named.media_type.clone().unwrap_or_else(|| by_shape.to_owned())
}
