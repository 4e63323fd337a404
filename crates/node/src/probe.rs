//! Asking registries for images that nobody runs yet.

use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use landfall_acs::{ImageProbe, ImageQuestion, Probed};
use landfall_image::{Credential, Digest, Reference, Resolved, media};

use crate::Parts;
use crate::inspect::look;
use crate::task::pull::{Asked, ask, platform};

/// Asks as the start of a task does.
pub(crate) struct Probe(pub(crate) Arc<Parts>);

#[async_trait]
impl ImageProbe for Probe {
    async fn probe(&self, question: ImageQuestion) -> Probed {
        let replace = question.credential.as_ref().and_then(|it| it.replace.clone());
        let credential = question.credential.clone();
        let credential = credential.map(|it| Credential::new(it.username, it.password));
        if let Some(manifest) = &question.manifest {
            let Some(resolved) = known(&question, manifest) else { return Probed::default() };
            return look(&self.0, &question, &resolved, credential.as_ref()).await;
        }
        let asked = Asked {
            container: &question.container,
            image: &question.image,
            address: question.address.as_deref(),
            platform: &question.platform,
            launch: question.launch,
            credential: credential.as_ref(),
            replace: replace.as_deref(),
            login: question.login.as_ref(),
        };
        let (asked, resolved) = ask(&self.0, asked).await;
        let Ok(resolved) = resolved else {
            return Probed { steps: vec![asked], ..Probed::default() };
        };
        let mut looked = look(&self.0, &question, &resolved, credential.as_ref()).await;
        looked.steps.insert(0, asked);
        looked
    }
}

/// An image whose manifest is at hand.
fn known(question: &ImageQuestion, manifest: &str) -> Option<Resolved> {
    let bytes = Bytes::copy_from_slice(manifest.as_bytes());
    let digest = Digest::of(&bytes);
    Some(Resolved {
        reference: question.address.as_deref().unwrap_or(&question.image).parse::<Reference>().ok()?,
        platform: platform(&question.platform),
        manifest_digest: digest.clone(),
        digest,
        media_type: media::OCI_MANIFEST.to_owned(),
        manifest: serde_json::from_str(manifest).ok()?,
        manifest_bytes: bytes,
    })
}
