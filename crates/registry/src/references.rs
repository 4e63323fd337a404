//! What a manifest names must be in its repository.

use std::sync::Arc;

use serde_json::json;

use crate::{Descriptor, Digest, ErrorCode, Manifest, OciError};

impl Manifest {
    /// Refuses it unless everything that it names is in its repository, with the size that it says and, of an index's images,
    /// the media type. `blob` and `image` tell what the repository has.
    ///
    /// # Errors
    /// `MANIFEST_BLOB_UNKNOWN`, `SIZE_INVALID` or `MANIFEST_INVALID`, and what `blob` and `image` fail with.
    pub fn check_references(
        &self,
        blob: impl Fn(Digest) -> Result<Option<u64>, OciError>,
        image: impl Fn(Digest) -> Result<Option<Arc<Self>>, OciError>,
    ) -> Result<(), OciError> {
        for named in self.required_blobs() {
            check_size(named, blob(named.digest)?)?;
        }
        for child in &self.manifests {
            let found = image(child.digest)?;
            check_size(child, found.as_ref().map(|found| found.size))?;
            check_type(child, found.as_deref())?;
        }
        Ok(())
    }
}

fn check_size(named: &Descriptor, found: Option<u64>) -> Result<(), OciError> {
    let detail = json!({ "digest": named.digest.to_string() });
    match found {
        Some(size) if size == named.size => Ok(()),
        Some(size) => {
            let message = format!(
                "the manifest says that `{}` has {} bytes, but it has {size}",
                named.digest, named.size
            );
            Err(OciError::new(ErrorCode::SizeInvalid, message).detail(detail))
        }
        None => {
            let message =
                format!("the repository does not have `{}`: push it before the manifest", named.digest);
            Err(OciError::new(ErrorCode::ManifestBlobUnknown, message).detail(detail))
        }
    }
}

/// An index must not say that a manifest is something else than it is: a client would read it as what the index says.
fn check_type(named: &Descriptor, found: Option<&Manifest>) -> Result<(), OciError> {
    let Some(found) = found.filter(|found| found.media_type != named.media_type) else { return Ok(()) };
    let message = format!(
        "the manifest says that `{}` is a `{}`, but it is a `{}`",
        named.digest, named.media_type, found.media_type
    );
    let detail = json!({ "digest": named.digest.to_string() });
    Err(OciError::new(ErrorCode::ManifestInvalid, message).detail(detail))
}
