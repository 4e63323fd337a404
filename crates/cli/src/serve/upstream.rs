//! Upstream registries of the pull-through cache, asked by the same client as tasks' images are pulled with.

use std::sync::Arc;

use bytes::Bytes;
use landfall_image::{Client, Credential, Descriptor, PullError, PullErrorKind, Reference};
use landfall_services::ecr::pull_through::{
    Answering, Upstream, UpstreamBlob, UpstreamCredential, UpstreamError, UpstreamImage, UpstreamManifest,
};
use tokio::sync::mpsc;

/// Pieces of a blob that wait for the disk.
const DEPTH: usize = 16;

/// Registries as the cache sees them.
#[derive(Debug)]
pub(super) struct Registries(Arc<Client>);

impl Registries {
    pub(super) fn new(client: Client) -> Self {
        Self(Arc::new(client))
    }
}

/// A blob, brought by a task of its own. That it is whole is found out by its digest.
struct Download(mpsc::Receiver<Result<Bytes, UpstreamError>>);

impl Upstream for Registries {
    fn manifest<'a>(
        &'a self,
        image: &'a UpstreamImage,
        credential: Option<&'a UpstreamCredential>,
    ) -> Answering<'a, UpstreamManifest> {
        Box::pin(async move {
            let reference = reference(image)?;
            let credential = credential.map(own);
            let found = self.0.raw_manifest(&reference, credential.as_ref()).await;
            let found = found.map_err(|error| failure(image, &error))?;
            Ok(UpstreamManifest { bytes: found.bytes, media_type: found.media_type })
        })
    }

    fn blob<'a>(
        &'a self,
        image: &'a UpstreamImage,
        credential: Option<&'a UpstreamCredential>,
        digest: &'a str,
        size: u64,
    ) -> Answering<'a, Box<dyn UpstreamBlob + 'a>> {
        Box::pin(async move {
            let digest = digest.parse().map_err(|error| UpstreamError::Failed(format!("{error}")))?;
            let blob =
                Descriptor { media_type: String::new(), digest, size, platform: None, annotations: None };
            let (reference, credential) = (reference(image)?, credential.map(own));
            let (pieces, received) = mpsc::channel(DEPTH);
            tokio::spawn(download(Arc::clone(&self.0), image.clone(), reference, credential, blob, pieces));
            Ok(Box::new(Download(received)) as Box<dyn UpstreamBlob + 'a>)
        })
    }
}

async fn download(
    client: Arc<Client>,
    image: UpstreamImage,
    reference: Reference,
    credential: Option<Credential>,
    blob: Descriptor,
    pieces: mpsc::Sender<Result<Bytes, UpstreamError>>,
) {
    let mut stream = match client.download_blob(&reference, credential.as_ref(), &blob).await {
        Ok(stream) => stream,
        Err(error) => {
            // Whoever gave up needs no reason.
            let _ = pieces.send(Err(failure(&image, &error))).await;
            return;
        }
    };
    loop {
        let piece = match stream.next().await {
            Ok(Some(bytes)) => Ok(bytes),
            Ok(None) => return,
            Err(error) => Err(failure(&image, &error)),
        };
        let over = piece.is_err();
        if pieces.send(piece).await.is_err() || over {
            return;
        }
    }
}

impl UpstreamBlob for Download {
    fn next(&mut self) -> Answering<'_, Option<Bytes>> {
        Box::pin(async { self.0.recv().await.transpose() })
    }
}

fn reference(image: &UpstreamImage) -> Result<Reference, UpstreamError> {
    let text = format!("{}/{}", image.registry, name(image));
    text.parse().map_err(|error| UpstreamError::Failed(PullError::from(error).to_string()))
}

/// The image as its own registry calls it.
fn name(UpstreamImage { repository, reference, .. }: &UpstreamImage) -> String {
    let mark = if reference.contains(':') { '@' } else { ':' };
    format!("{repository}{mark}{reference}")
}

fn own(credential: &UpstreamCredential) -> Credential {
    Credential::new(credential.username.clone(), credential.access_token.clone())
}

fn failure(image: &UpstreamImage, error: &PullError) -> UpstreamError {
    let text = told(image, error);
    match error.kind() {
        PullErrorKind::Unauthorized | PullErrorKind::Denied | PullErrorKind::NoCredential => {
            UpstreamError::Unauthorized(text)
        }
        PullErrorKind::NotFound => UpstreamError::NotFound(text),
        PullErrorKind::TooManyRequests => UpstreamError::TooManyRequests(text),
        _ => UpstreamError::Failed(text),
    }
}

/// What a registry answered, without the advice that a task or a command gets: whoever asks the cache has neither.
fn told(image: &UpstreamImage, error: &PullError) -> String {
    let (registry, name) = (&image.registry, name(image));
    let what = match (error.status(), error.kind()) {
        (Some(status), _) => format!("`{registry}` answered {status} for `{name}`"),
        (None, PullErrorKind::NoCredential) => format!("`{registry}` wants a credential for `{name}`"),
        (None, PullErrorKind::Connection | PullErrorKind::Timeout | PullErrorKind::Tls) => {
            format!("`{registry}` cannot be reached")
        }
        (None, _) => format!("`{name}` of `{registry}` cannot be used"),
    };
    if error.message().is_empty() { what } else { format!("{what}: {}", error.message()) }
}
