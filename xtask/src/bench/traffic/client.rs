//! A client of the OCI distribution protocol that neither compresses nor checks anything, so that the server's work is what is
//! measured. Several connections; each takes the next image, or the next layer of the large one, as soon as it is done.

use std::cell::Cell;
use std::net::SocketAddr;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Instant;

use anyhow::{Context as _, Result, ensure};
use bytes::Bytes;
use http::{HeaderMap, Method, Request, Response, StatusCode, header};
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use tokio::task::LocalSet;

use super::CONNECTIONS;
use super::images::{Blob, Image, MEDIA_TYPE};
use crate::bench::http::{Connection, connect, location, with_digest};

/// To the registry, or from it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Direction {
    Push,
    Pull,
}

impl Direction {
    pub(super) const BOTH: [Self; 2] = [Self::Push, Self::Pull];
}

/// Images to be moved.
pub(super) struct Job {
    pub(super) address: SocketAddr,
    pub(super) authorization: String,
    pub(super) repository: String,
    pub(super) direction: Direction,
    pub(super) images: Arc<Vec<Image>>,
}

/// A step that one connection takes. Manifests wait until all steps before them in the list were taken.
#[derive(Clone, Copy)]
enum Step {
    /// Blobs and manifest of an image.
    Image(usize),
    /// One blob of the first image.
    Blob(usize),
}

/// Moves everything. Returns how long it took, in milliseconds.
pub(super) fn run(job: Job) -> Result<f64> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let job = Rc::new(job);
    LocalSet::new().block_on(&runtime, async {
        let began = Instant::now();
        match job.images.as_slice() {
            [large] => move_one(&job, large).await?,
            many => on_all_connections(&job, (0..many.len()).map(Step::Image).collect()).await?,
        }
        Ok(began.elapsed().as_secs_f64() * 1000.0)
    })
}

/// Of one image the blobs are moved side by side: after the manifest when pulling, before it when pushing.
async fn move_one(job: &Rc<Job>, image: &Image) -> Result<()> {
    let blobs = || on_all_connections(job, (0..image.blobs.len()).map(Step::Blob).collect());
    if job.direction == Direction::Push {
        blobs().await?;
    }
    Wire::open(job).await?.manifest(image).await?;
    if job.direction == Direction::Pull {
        blobs().await?;
    }
    Ok(())
}

async fn on_all_connections(job: &Rc<Job>, steps: Vec<Step>) -> Result<()> {
    let (steps, next) = (Rc::new(steps), Rc::new(Cell::new(0)));
    let mut workers = Vec::new();
    for _ in 0..CONNECTIONS {
        let (job, steps, next) = (Rc::clone(job), Rc::clone(&steps), Rc::clone(&next));
        workers.push(tokio::task::spawn_local(async move {
            let mut wire = Wire::open(&job).await?;
            while let Some(&step) = steps.get(next.replace(next.get() + 1)) {
                wire.take(step).await?;
            }
            anyhow::Ok(())
        }));
    }
    for worker in workers {
        worker.await.context("a connection's task failed")??;
    }
    Ok(())
}

/// One connection.
struct Wire {
    job: Rc<Job>,
    connection: Connection,
}

impl Wire {
    async fn open(job: &Rc<Job>) -> Result<Self> {
        Ok(Self { job: Rc::clone(job), connection: connect(job.address).await? })
    }

    async fn take(&mut self, step: Step) -> Result<()> {
        let images = Arc::clone(&self.job.images);
        match step {
            Step::Image(at) => self.image(images.get(at).context("no such image")?).await,
            Step::Blob(at) => {
                let blob = images.first().and_then(|image| image.blobs.get(at)).context("no such blob")?;
                self.blob(blob).await
            }
        }
    }

    async fn image(&mut self, image: &Image) -> Result<()> {
        if self.job.direction == Direction::Pull {
            self.manifest(image).await?;
        }
        for blob in &image.blobs {
            self.blob(blob).await?;
        }
        if self.job.direction == Direction::Push {
            self.manifest(image).await?;
        }
        Ok(())
    }

    async fn manifest(&mut self, image: &Image) -> Result<()> {
        let path = self.path(&format!("manifests/{}", image.tag));
        if self.job.direction == Direction::Push {
            self.send(Method::PUT, &path, MEDIA_TYPE, image.manifest.clone(), StatusCode::CREATED).await?;
            return Ok(());
        }
        let read = self.send(Method::GET, &path, "", Bytes::new(), StatusCode::OK).await?;
        ensure!(read.length == image.manifest.len(), "the manifest has {} bytes", read.length);
        Ok(())
    }

    /// As docker does: it asks for the blob, begins an upload, sends everything in one part, completes.
    async fn blob(&mut self, blob: &Blob) -> Result<()> {
        let path = self.path(&format!("blobs/{}", blob.digest));
        if self.job.direction == Direction::Pull {
            let read = self.read_blob(&path).await?;
            ensure!(read.length == blob.content.len(), "the blob has {} bytes", read.length);
            return Ok(());
        }
        self.send(Method::HEAD, &path, "", Bytes::new(), StatusCode::NOT_FOUND).await?;
        let uploads = self.path("blobs/uploads/");
        let begun = self.send(Method::POST, &uploads, "", Bytes::new(), StatusCode::ACCEPTED).await?;
        let octets = "application/octet-stream";
        let (upload, content) = (location(&begun.headers)?, blob.content.clone());
        let sent = self.send(Method::PATCH, &upload, octets, content, StatusCode::ACCEPTED).await?;
        let complete = with_digest(&location(&sent.headers)?, &blob.digest);
        self.send(Method::PUT, &complete, octets, Bytes::new(), StatusCode::CREATED).await?;
        Ok(())
    }

    /// From where the registry says, if not from itself.
    async fn read_blob(&mut self, path: &str) -> Result<Read> {
        let answer = self.ask(Method::GET, path, "", Bytes::new()).await?;
        if answer.status() != StatusCode::TEMPORARY_REDIRECT {
            return read(answer, StatusCode::OK).await.with_context(|| format!("GET {path}"));
        }
        let moved = read(answer, StatusCode::TEMPORARY_REDIRECT).await?;
        self.send(Method::GET, &location(&moved.headers)?, "", Bytes::new(), StatusCode::OK).await
    }

    fn path(&self, rest: &str) -> String {
        format!("/v2/{}/{rest}", self.job.repository)
    }

    async fn send(
        &mut self,
        method: Method,
        path: &str,
        media_type: &str,
        body: Bytes,
        expected: StatusCode,
    ) -> Result<Read> {
        let answer = self.ask(method.clone(), path, media_type, body).await?;
        read(answer, expected).await.with_context(|| format!("{method} {path}"))
    }

    async fn ask(
        &mut self,
        method: Method,
        path: &str,
        media_type: &str,
        body: Bytes,
    ) -> Result<Response<Incoming>> {
        let mut request = Request::builder().method(&method).uri(path);
        request = request.header(header::HOST, self.job.address.to_string());
        request = request.header(header::AUTHORIZATION, &self.job.authorization);
        request = match method {
            // docker-registry takes "*/*" for clients that know no OCI manifests.
            Method::GET => request.header(header::ACCEPT, MEDIA_TYPE),
            // Docker tells the length of nothing, too, and zot wants to know it.
            Method::PUT | Method::PATCH => {
                request.header(header::CONTENT_TYPE, media_type).header(header::CONTENT_LENGTH, body.len())
            }
            _ => request,
        };
        self.connection.ready().await?;
        Ok(self.connection.send_request(request.body(Full::new(body))?).await?)
    }
}

/// An answer, read to its end and thrown away.
struct Read {
    headers: HeaderMap,
    length: usize,
}

async fn read(answer: Response<Incoming>, expected: StatusCode) -> Result<Read> {
    let (parts, mut body) = answer.into_parts();
    let (mut length, mut shown) = (0, Vec::new());
    while let Some(frame) = body.frame().await {
        let Ok(data) = frame?.into_data() else { continue };
        length += data.len();
        if parts.status != expected {
            shown.extend_from_slice(&data);
        }
    }
    ensure!(parts.status == expected, "status {}: {}", parts.status, String::from_utf8_lossy(&shown));
    Ok(Read { headers: parts.headers, length })
}
