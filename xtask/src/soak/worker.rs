//! A client that pushes, pulls, mounts and deletes at random, and knows what must come of it.
//!
//! Layers come from a pool that all workers share, so that mounts, deletions and collections of one meet the pushes of
//! another; tags and manifests are each worker's own. What a worker asked for when the server was killed may have
//! happened or not: it looks, and accepts either, but nothing in between.

use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail, ensure};
use bytes::Bytes;
use serde_json::{Value, json};

use super::model::{Image, Model, Tag};
use super::random::Random;
use super::server::{self, UNUSED_LAYERS_FOR};
use super::wire::{Answer, OCTETS, Wire, digest_of};
use super::{REPOSITORIES, Shared};
use crate::bench::aws::{Account, ECR};
use crate::bench::http::{Client, location, with_digest};
use crate::bench::landfall::HEALTH;

const IMAGE: &str = "application/vnd.oci.image.manifest.v1+json";
const INDEX: &str = "application/vnd.oci.image.index.v1+json";

/// Different layers in the shared pool.
const POOL: usize = 48;

/// Images that a worker has at most before it deletes rather than pushes.
const MOST_IMAGES: usize = 40;

/// Names of tags of each worker in each repository.
const TAGS: usize = 5;

/// How long a server that was killed may stay away.
const AWAY: Duration = Duration::from_secs(60);

pub(super) struct Worker<'a> {
    number: usize,
    shared: &'a Shared,
    random: Random,
    wire: Wire,
    /// For another connection.
    token: String,
    admin: Account,
    pub(super) model: Model,
    /// Manifests made, so that each is another.
    made: usize,
}

/// Why an operation did not come to its end.
enum Stop {
    /// The connection broke: the server was killed perhaps.
    Broken(anyhow::Error),
    /// What must not be.
    Violated(anyhow::Error),
}

type Step<T> = std::result::Result<T, Stop>;

fn broken<T>(result: Result<T>) -> Step<T> {
    result.map_err(Stop::Broken)
}

fn violated<T>(result: Result<T>) -> Step<T> {
    result.map_err(Stop::Violated)
}

/// Some layer of the pool: the same for whoever asks for its number.
fn pooled(number: usize) -> Vec<u8> {
    let mut random = Random::new(0x5eed + number as u64);
    let length = match number % 12 {
        0 => 2_000_000 + random.below(1_000_000),
        1..=3 => 200_000 + random.below(100_000),
        _ => 1_000 + random.below(60_000),
    };
    random.bytes(length)
}

impl<'a> Worker<'a> {
    pub(super) fn new(
        number: usize,
        seed: u64,
        shared: &'a Shared,
        admin: Account,
        token: &str,
    ) -> Result<Self> {
        let random = Random::new(seed.wrapping_mul(31).wrapping_add(number as u64 + 1));
        let wire = Wire::new(shared.address, token)?;
        let token = token.to_owned();
        Ok(Self { number, shared, random, wire, token, admin, model: Model::default(), made: 0 })
    }

    /// Works until told to stop. The error is a violation.
    pub(super) fn work(&mut self) -> Result<()> {
        let mut epoch = self.shared.epoch.load(Ordering::SeqCst);
        while !self.shared.stop.load(Ordering::SeqCst) {
            match self.one() {
                Ok(()) => {}
                Err(Stop::Violated(error)) => return Err(error.context(format!("worker {}", self.number))),
                Err(Stop::Broken(error)) => {
                    self.shared.count("interrupted");
                    self.wait_for_server().with_context(|| format!("after: {error:#}"))?;
                }
            }
            let now = self.shared.epoch.load(Ordering::SeqCst);
            if now != epoch && self.verify_all()? {
                epoch = now;
            }
            std::thread::sleep(self.shared.pause);
        }
        Ok(())
    }

    /// Everything that was acknowledged is there, and what was deleted is not. Not when the server is killed meanwhile:
    /// then `false`.
    pub(super) fn verify_all(&mut self) -> Result<bool> {
        for image in self.model.images.clone() {
            match self.pull(&image, false) {
                Ok(()) => {}
                Err(Stop::Broken(_)) => return self.wait_for_server().map(|()| false),
                Err(Stop::Violated(error)) => return Err(error.context("an acknowledged image is lost")),
            }
        }
        let tags: Vec<_> =
            self.model.tags.iter().map(|(tag, digest)| (tag.clone(), digest.clone())).collect();
        for (tag, digest) in tags {
            match self.tagged(&tag) {
                Ok(found) if found.as_ref() == Some(&digest) => {}
                Ok(found) => bail!("tag {tag:?} is {found:?}, not {digest}"),
                Err(Stop::Broken(_)) => return self.wait_for_server().map(|()| false),
                Err(Stop::Violated(error)) => return Err(error),
            }
        }
        for image in self.model.deleted.clone() {
            match self.is_there(image.repository, &image.digest) {
                Ok(there) => ensure!(!there, "{} was deleted and is there again", image.digest),
                Err(Stop::Broken(_)) => return self.wait_for_server().map(|()| false),
                Err(Stop::Violated(error)) => return Err(error),
            }
        }
        self.shared.count("verified whole");
        Ok(true)
    }

    fn wait_for_server(&mut self) -> Result<()> {
        let began = Instant::now();
        let mut health = Client::new(self.shared.address)?;
        while !health.is_well(HEALTH) {
            ensure!(began.elapsed() < AWAY, "the server did not come back");
            std::thread::sleep(Duration::from_millis(20));
        }
        Ok(())
    }

    fn one(&mut self) -> Step<()> {
        let full = self.model.images.len() >= MOST_IMAGES;
        match self.random.below(100) {
            0..40 if !full => self.push(),
            40..46 if !full => self.push_index(),
            46..49 => self.abandon(),
            49..51 => self.push_into_removed(),
            51..54 => self.tag_again(),
            54..78 => self.pull_some(),
            78..86 => self.delete_tag(),
            _ => self.delete_image(),
        }
    }

    fn path(&self, repository: usize) -> &str {
        self.shared.repositories.get(repository).map_or("", String::as_str)
    }

    fn some_tag(&mut self, repository: usize) -> Tag {
        (repository, format!("w{}-t{}", self.number, self.random.below(TAGS)))
    }

    fn some_image(&mut self) -> Option<Image> {
        let at = self.random.below(self.model.images.len());
        self.model.images.get(at).cloned()
    }

    // --- push ---

    /// An image that nobody else has, and its blobs.
    fn make_image(&mut self, repository: usize) -> (Image, Vec<Vec<u8>>) {
        let mut layers = Vec::new();
        for _ in 0..=self.random.below(3) {
            let layer = if self.random.percent(80) {
                pooled(self.random.below(POOL))
            } else {
                let length = 1 + self.random.below(30_000);
                self.random.bytes(length)
            };
            layers.push(layer);
        }
        self.made += 1;
        let made = format!("worker {} image {}", self.number, self.made);
        let config = json!({ "architecture": "amd64", "os": "linux", "author": made,
            "rootfs": { "type": "layers", "diff_ids": [] } });
        let config = config.to_string().into_bytes();
        let described = |media_type: &str, blob: &[u8]| json!({ "mediaType": media_type, "digest": digest_of(blob), "size": blob.len() });
        let manifest = json!({ "schemaVersion": 2, "mediaType": IMAGE,
            "config": described("application/vnd.oci.image.config.v1+json", &config),
            "layers": layers.iter().map(|it| described("application/vnd.oci.image.layer.v1.tar+gzip", it)).collect::<Vec<_>>() });
        let blobs: Vec<Vec<u8>> = layers.into_iter().chain([config]).collect();
        let manifest = manifest.to_string().into_bytes();
        let image = Image {
            repository,
            digest: digest_of(&manifest),
            media_type: IMAGE,
            manifest,
            blobs: blobs.iter().map(|it| digest_of(it)).collect(),
            children: Vec::new(),
        };
        (image, blobs)
    }

    fn push(&mut self) -> Step<()> {
        let repository = self.random.below(REPOSITORIES);
        let (image, blobs) = self.make_image(repository);
        let began = Instant::now();
        for blob in &blobs {
            self.push_blob(repository, blob)?;
        }
        let tag = self.some_tag(repository);
        match self.put_manifest(image, tag) {
            // Layers may be gone for whom a push takes longer than unused ones are kept; such a push is repeated.
            Err(Stop::Violated(_)) if began.elapsed().as_secs() >= UNUSED_LAYERS_FOR => {
                self.shared.count("slow pushes refused");
            }
            Err(stop) => return Err(stop),
            Ok(()) => self.shared.count("images pushed"),
        }
        Ok(())
    }

    fn push_blob(&mut self, repository: usize, blob: &[u8]) -> Step<()> {
        let (path, digest) = (self.path(repository).to_owned(), digest_of(blob));
        let known = broken(self.wire.head(&format!("/v2/{path}/blobs/{digest}")))?;
        match known.status {
            200 => {
                self.shared.count("blobs known");
                return Ok(());
            }
            404 => {}
            _ => return violated(Err(unexpected("HEAD of a blob", &known))),
        }
        let begun = if self.random.percent(40) {
            let other = self.random.below(REPOSITORIES);
            let from = self.path(other).to_owned();
            let address = format!("/v2/{path}/blobs/uploads/?mount={digest}&from={from}");
            let answer = broken(self.wire.post(&address))?;
            if answer.status == 201 {
                self.shared.count("blobs mounted");
                return Ok(());
            }
            answer
        } else {
            broken(self.wire.post(&format!("/v2/{path}/blobs/uploads/")))?
        };
        if begun.status != 202 {
            return violated(Err(unexpected("POST of an upload", &begun)));
        }
        let mut upload = violated(location(&begun.headers))?;
        let mut rest = blob;
        if self.random.percent(40) {
            let mut sent = 0;
            while !rest.is_empty() {
                let size = (1 + self.random.below(400_000)).min(rest.len());
                let (part, behind) = rest.split_at(size);
                let answer = broken(self.wire.patch(&upload, sent, part))?;
                if answer.status != 202 {
                    return violated(Err(unexpected("PATCH of an upload", &answer)));
                }
                upload = violated(location(&answer.headers))?;
                (sent, rest) = (sent + size, behind);
            }
        }
        let answer = broken(self.wire.put(&with_digest(&upload, &digest), OCTETS, rest))?;
        if answer.status != 201 {
            return violated(Err(unexpected("PUT of an upload", &answer)));
        }
        self.shared.count("blobs pushed");
        Ok(())
    }

    fn put_manifest(&mut self, image: Image, tag: Tag) -> Step<()> {
        let address = format!("/v2/{}/manifests/{}", self.path(image.repository), tag.1);
        let answer = self.wire.put(&address, image.media_type, &image.manifest);
        let answer = match answer {
            Ok(answer) => answer,
            Err(error) => {
                self.settle_push(image, tag)?;
                return Err(Stop::Broken(error));
            }
        };
        if answer.status != 201 {
            return violated(Err(unexpected("PUT of a manifest", &answer)));
        }
        self.model.pushed(image, tag);
        Ok(())
    }

    /// The push was not answered: the tag is what it was, or what it was to become.
    fn settle_push(&mut self, image: Image, tag: Tag) -> Step<()> {
        violated(self.wait_for_server())?;
        let found = self.until_answered(|worker| worker.tagged(&tag))?;
        let before = self.model.tags.get(&tag).cloned();
        if found.as_ref() == Some(&image.digest) {
            self.model.pushed(image, tag);
        } else if found != before {
            let text = format!("tag {tag:?} is {found:?}: neither {before:?} nor {}", image.digest);
            return violated(Err(anyhow::anyhow!(text)));
        }
        Ok(())
    }

    fn push_index(&mut self) -> Step<()> {
        let Some(first) = self.some_image() else { return Ok(()) };
        let siblings: Vec<_> = self
            .model
            .images
            .iter()
            .filter(|it| it.repository == first.repository && it.media_type == IMAGE)
            .take(2)
            .cloned()
            .collect();
        if siblings.is_empty() {
            return Ok(());
        }
        self.made += 1;
        let named = |it: &Image| {
            json!({ "mediaType": IMAGE, "digest": it.digest, "size": it.manifest.len(),
            "platform": { "architecture": "amd64", "os": "linux" } })
        };
        let manifest = json!({ "schemaVersion": 2, "mediaType": INDEX,
            "manifests": siblings.iter().map(named).collect::<Vec<_>>(),
            "annotations": { "made": format!("worker {} index {}", self.number, self.made) } });
        let manifest = manifest.to_string().into_bytes();
        let image = Image {
            repository: first.repository,
            digest: digest_of(&manifest),
            media_type: INDEX,
            manifest,
            blobs: Vec::new(),
            children: siblings.into_iter().map(|it| it.digest).collect(),
        };
        let tag = self.some_tag(first.repository);
        self.put_manifest(image, tag)?;
        self.shared.count("indexes pushed");
        Ok(())
    }

    fn tag_again(&mut self) -> Step<()> {
        let Some(image) = self.some_image() else { return Ok(()) };
        let tag = self.some_tag(image.repository);
        self.put_manifest(image, tag)?;
        self.shared.count("images tagged again");
        Ok(())
    }

    /// The repository is removed and made again while a manifest comes: the image is there whole afterwards, or not at all.
    fn push_into_removed(&mut self) -> Step<()> {
        let repository = REPOSITORIES + self.number;
        let name = broken(self.make_own())?;
        let (image, blobs) = self.make_image(repository);
        for blob in &blobs {
            self.push_blob(repository, blob)?;
        }
        let tag = self.some_tag(repository);
        let address = format!("/v2/{}/manifests/{}", self.path(repository), tag.1);
        let mut other = violated(Wire::new(self.shared.address, &self.token))?;
        let pause = Duration::from_millis(self.random.below(30) as u64);
        let again = std::thread::scope(|scope| {
            let pushing = scope.spawn(|| other.put(&address, image.media_type, &image.manifest).map(drop));
            std::thread::sleep(pause);
            let removed = server::remove_repository(&mut self.admin, &name);
            let made = removed.and_then(|()| server::repository(&mut self.admin, &name).map(drop));
            made.and(pushing.join().unwrap_or_else(|_| bail!("a push broke off")))
        });
        broken(again)?;
        if self.tagged(&tag)?.as_ref() == Some(&image.digest) {
            self.pull(&image, false)?;
        }
        self.shared.count("repositories made again");
        Ok(())
    }

    /// The repository that is this worker's alone, made if a kill came before that.
    fn make_own(&mut self) -> Result<String> {
        let name = self.shared.names.get(REPOSITORIES + self.number).cloned().unwrap_or_default();
        // A connection from before the last kill is found to be closed only when it is used.
        let made = server::repository(&mut self.admin, &name);
        match made.or_else(|_| server::repository(&mut self.admin, &name)) {
            Err(error) if !format!("{error:#}").contains("RepositoryAlreadyExistsException") => Err(error),
            _ => Ok(name),
        }
    }

    /// Removes the repository that is this worker's alone.
    pub(super) fn remove_own(&mut self) -> Result<()> {
        let name = self.make_own()?;
        server::remove_repository(&mut self.admin, &name)
    }

    /// An upload that nobody ends.
    fn abandon(&mut self) -> Step<()> {
        let repository = self.random.below(REPOSITORIES);
        let path = self.path(repository).to_owned();
        let begun = broken(self.wire.post(&format!("/v2/{path}/blobs/uploads/")))?;
        if begun.status != 202 {
            return violated(Err(unexpected("POST of an upload", &begun)));
        }
        let length = 1 + self.random.below(50_000);
        let part = self.random.bytes(length);
        let upload = violated(location(&begun.headers))?;
        broken(self.wire.patch(&upload, 0, &part))?;
        self.shared.count("uploads abandoned");
        Ok(())
    }

    // --- pull ---

    fn pull_some(&mut self) -> Step<()> {
        let Some(image) = self.some_image() else { return Ok(()) };
        self.pull(&image, true)?;
        self.shared.count("images pulled");
        Ok(())
    }

    /// The image is there, whole; its bytes are compared, or its blobs only asked for.
    fn pull(&mut self, image: &Image, bytes: bool) -> Step<()> {
        let path = self.path(image.repository).to_owned();
        let read =
            broken(self.wire.get(&format!("/v2/{path}/manifests/{}", image.digest), image.media_type))?;
        if read.status != 200 || read.body != image.manifest {
            return violated(Err(unexpected(&format!("GET of manifest {} of {path}", image.digest), &read)));
        }
        for blob in &image.blobs {
            let address = format!("/v2/{path}/blobs/{blob}");
            let answer = broken(if bytes { self.wire.blob(&address) } else { self.wire.head(&address) })?;
            let wrong = bytes && digest_of(&answer.body) != *blob;
            if answer.status != 200 || wrong {
                let short = Answer { body: answer.body.slice(..answer.body.len().min(300)), ..answer };
                let what = format!("read of blob {blob} of image {} of {path}", image.digest);
                return violated(Err(unexpected(&what, &short)));
            }
        }
        Ok(())
    }

    fn is_there(&mut self, repository: usize, digest: &str) -> Step<bool> {
        let address = format!("/v2/{}/manifests/{digest}", self.path(repository));
        let answer = broken(self.wire.get(&address, &format!("{IMAGE}, {INDEX}")))?;
        match answer.status {
            200 => Ok(true),
            404 => Ok(false),
            _ => violated(Err(unexpected("GET of a manifest", &answer))),
        }
    }

    /// What a tag is.
    fn tagged(&mut self, tag: &Tag) -> Step<Option<String>> {
        let address = format!("/v2/{}/manifests/{}", self.path(tag.0), tag.1);
        let answer = broken(self.wire.get(&address, &format!("{IMAGE}, {INDEX}")))?;
        match answer.status {
            200 => Ok(Some(digest_of(&answer.body))),
            404 => Ok(None),
            _ => violated(Err(unexpected("GET of a tag", &answer))),
        }
    }

    fn until_answered<T>(&mut self, mut ask: impl FnMut(&mut Self) -> Step<T>) -> Step<T> {
        loop {
            match ask(self) {
                Err(Stop::Broken(_)) => violated(self.wait_for_server())?,
                other => return other,
            }
        }
    }

    // --- delete ---

    fn delete(&mut self, repository: usize, id: &Value) -> Result<Value> {
        let name = self.shared.names.get(repository).cloned().unwrap_or_default();
        self.admin.json(ECR, "BatchDeleteImage", &json!({ "repositoryName": name, "imageIds": [id] }))
    }

    fn delete_image(&mut self) -> Step<()> {
        let Some(image) = self.some_image() else { return Ok(()) };
        let is_child = self.model.is_child(&image);
        let answer = self.delete(image.repository, &json!({ "imageDigest": image.digest }));
        let answer = match answer {
            Ok(answer) => answer,
            Err(error) => {
                violated(self.wait_for_server())?;
                if !self.until_answered(|worker| worker.is_there(image.repository, &image.digest))? {
                    self.model.removed(&image);
                }
                return Err(Stop::Broken(error));
            }
        };
        let failure = answer.pointer("/failures/0/failureCode").and_then(Value::as_str);
        match (is_child, failure) {
            (true, Some("ImageReferencedByManifestList")) => self.shared.count("deletions refused"),
            (false, None) => {
                self.model.removed(&image);
                self.shared.count("images deleted");
            }
            _ => {
                let text = format!("deletion of {}, child {is_child}, answered {answer}", image.digest);
                return violated(Err(anyhow::anyhow!(text)));
            }
        }
        Ok(())
    }

    fn delete_tag(&mut self) -> Step<()> {
        let tags: Vec<_> = self.model.tags.keys().cloned().collect();
        let Some(tag) = tags.get(self.random.below(tags.len())).cloned() else { return Ok(()) };
        let image = self.model.tags.get(&tag).and_then(|digest| self.model.find(tag.0, digest)).cloned();
        if image.is_none_or(|image| self.model.is_child(&image)) {
            return Ok(());
        }
        let answer = self.delete(tag.0, &json!({ "imageTag": tag.1 }));
        let answer = match answer {
            Ok(answer) => answer,
            Err(error) => {
                violated(self.wait_for_server())?;
                if self.until_answered(|worker| worker.tagged(&tag))?.is_none() {
                    self.model.untagged(&tag);
                }
                return Err(Stop::Broken(error));
            }
        };
        if answer.pointer("/failures/0").is_some() {
            return violated(Err(anyhow::anyhow!("deletion of tag {tag:?} answered {answer}")));
        }
        self.model.untagged(&tag);
        self.shared.count("tags deleted");
        Ok(())
    }

    /// A manifest as it is in the registry.
    pub(super) fn manifest(&mut self, repository: usize, digest: &str) -> Result<Bytes> {
        let address = format!("/v2/{}/manifests/{digest}", self.path(repository));
        let answer = self.wire.get(&address, &format!("{IMAGE}, {INDEX}"))?;
        ensure!(answer.status == 200, unexpected("GET of a listed manifest", &answer));
        Ok(answer.body)
    }

    /// The digests of a repository's images.
    pub(super) fn listed(&mut self, repository: usize) -> Result<Vec<String>> {
        let name = self.shared.names.get(repository).cloned().unwrap_or_default();
        let (mut found, mut token) = (Vec::new(), Value::Null);
        loop {
            let mut asked = json!({ "repositoryName": name, "maxResults": 100 });
            if token.is_string() {
                asked["nextToken"] = token;
            }
            // A connection from before the last kill is found to be closed only when it is used.
            let page = self.admin.json(ECR, "ListImages", &asked);
            let page = page.or_else(|_| self.admin.json(ECR, "ListImages", &asked))?;
            let ids = page.pointer("/imageIds").and_then(Value::as_array).cloned().unwrap_or_default();
            found.extend(ids.iter().filter_map(|id| id["imageDigest"].as_str().map(str::to_owned)));
            token = page["nextToken"].clone();
            if token.is_null() {
                return Ok(found);
            }
        }
    }
}

fn unexpected(what: &str, answer: &Answer) -> anyhow::Error {
    anyhow::anyhow!("{what} answered {}", answer.text())
}
