//! Asking registries for images that nobody runs yet.

use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use futures_util::future::join_all;
use landfall_acs::{Finding, ImageProbe, ImageQuestion, LaunchKind, Probed, TellPull, Tmpfs};
use landfall_image::{Credential, Digest, Reference, Resolved, media};

use crate::Parts;
use crate::inspect::{Of, refused_tmpfs};
use crate::task::pull::{Asked, Board, ask, platform};

/// Asks as the start of a task does.
pub(crate) struct Probe(pub(crate) Arc<Parts>);

#[async_trait]
impl ImageProbe for Probe {
    async fn probe(&self, questions: Vec<ImageQuestion>, pull: Option<TellPull>) -> Vec<Probed> {
        let board = pull.as_deref().map(Board::new);
        join_all(questions.iter().map(|question| self.one(question, board.as_ref()))).await
    }

    fn refused_tmpfs(&self, container: &str, launch: LaunchKind, tmpfs: &[Tmpfs]) -> Option<Finding> {
        refused_tmpfs(container, launch, tmpfs)
    }
}

impl Probe {
    async fn one(&self, question: &ImageQuestion, pull: Option<&Board<'_>>) -> Probed {
        let replace = question.credential.as_ref().and_then(|it| it.replace.clone());
        let credential = question.credential.clone();
        let credential = credential.map(|it| Credential::new(it.username, it.password));
        let of = Of { parts: &self.0, question, credential: credential.as_ref(), pull };
        if let Some(manifest) = &question.manifest {
            let Some(resolved) = known(question, manifest) else { return Probed::default() };
            return of.look(&resolved).await;
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
        let mut looked = of.look(&resolved).await;
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
