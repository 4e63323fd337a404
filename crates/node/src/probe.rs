//! Asking registries for images that nobody runs yet.

use std::sync::Arc;

use async_trait::async_trait;
use landfall_acs::{ImageProbe, ImageQuestion, StepRecord};
use landfall_image::Credential;

use crate::Parts;
use crate::task::pull::{Asked, ask};

/// Asks as the start of a task does.
pub(crate) struct Probe(pub(crate) Arc<Parts>);

#[async_trait]
impl ImageProbe for Probe {
    async fn probe(&self, question: ImageQuestion) -> StepRecord {
        let replace = question.credential.as_ref().and_then(|it| it.replace.clone());
        let credential = question.credential.map(|it| Credential::new(it.username, it.password));
        let asked = Asked {
            container: &question.container,
            image: &question.image,
            platform: &question.platform,
            launch: question.launch,
            credential: credential.as_ref(),
            replace: replace.as_deref(),
        };
        ask(&self.0, asked).await.0
    }
}
