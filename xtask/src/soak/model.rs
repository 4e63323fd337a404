//! What must be there: everything that was acknowledged, and nothing that was deleted.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

/// How many deleted images are remembered, to see that they stay away.
const REMEMBERED: usize = 40;

/// An image, or an index of images.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Image {
    /// The number of its repository.
    pub(super) repository: usize,
    /// Of its manifest.
    pub(super) digest: String,
    pub(super) media_type: &'static str,
    pub(super) manifest: Vec<u8>,
    /// Its configuration and layers; none for an index.
    pub(super) blobs: Vec<String>,
    /// The manifests that an index names.
    pub(super) children: Vec<String>,
}

/// Repository and name.
pub(super) type Tag = (usize, String);

/// The images of one worker.
#[derive(Debug, Default)]
pub(super) struct Model {
    pub(super) images: Vec<Image>,
    pub(super) tags: BTreeMap<Tag, String>,
    pub(super) deleted: VecDeque<Image>,
}

impl Model {
    pub(super) fn find(&self, repository: usize, digest: &str) -> Option<&Image> {
        self.images.iter().find(|it| it.repository == repository && it.digest == digest)
    }

    /// An image was pushed under a tag.
    pub(super) fn pushed(&mut self, image: Image, tag: Tag) {
        self.tags.insert(tag, image.digest.clone());
        if self.find(image.repository, &image.digest).is_none() {
            self.images.push(image);
        }
    }

    /// An image was deleted, with its tags.
    pub(super) fn removed(&mut self, image: &Image) {
        self.images.retain(|it| it != image);
        self.tags
            .retain(|(repository, _), digest| !(*repository == image.repository && *digest == image.digest));
        self.deleted.push_back(image.clone());
        if self.deleted.len() > REMEMBERED {
            self.deleted.pop_front();
        }
    }

    /// A tag was deleted; with the last one goes the image (Amazon ECR User Guide, "Deleting an image").
    pub(super) fn untagged(&mut self, tag: &Tag) {
        let Some(digest) = self.tags.remove(tag) else { return };
        let others =
            self.tags.iter().any(|((repository, _), other)| *repository == tag.0 && *other == digest);
        if !others && let Some(image) = self.find(tag.0, &digest).cloned() {
            self.removed(&image);
        }
    }

    /// Whether an index names the image.
    pub(super) fn is_child(&self, image: &Image) -> bool {
        self.images.iter().any(|it| it.repository == image.repository && it.children.contains(&image.digest))
    }

    pub(super) fn digests(&self, repository: usize) -> BTreeSet<String> {
        let own = self.images.iter().filter(|it| it.repository == repository);
        own.map(|it| it.digest.clone()).collect()
    }
}
