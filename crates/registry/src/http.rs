//! One request: which operation, who asks, and the answer.

mod answer;
mod blobs;
mod headers;
mod lent;
mod lists;
mod manifests;
mod query;
mod range;
mod receive;
mod referrers;
mod route;
mod uploads;

use std::sync::Arc;

use ::http::request::Parts;
use ::http::{HeaderValue, Method, Response, StatusCode, header};
use bytes::Bytes;
use hyper::body::Body;

use crate::{
    Access, Attempt, Catalog, Digest, ErrorCode, Grant, OciError, Operation, Registry, Repository,
    RepositoryName,
};
pub(crate) use answer::Answer;
pub use answer::ResponseBody;
pub(crate) use blobs::{blob, growing};
pub use headers::{accepts, credentials};
pub use lent::{Lender, Lent, lend};
pub use manifests::Served;
pub(crate) use query::Query;
pub use route::Route;

/// Any error of a body.
pub(crate) type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// A request without its body, and the registry that it is for.
pub(crate) struct Call<'a, A, C> {
    registry: &'a Registry<A, C>,
    parts: &'a Parts,
    query: Query,
}

impl<'a, A: Access, C: Catalog> Call<'a, A, C> {
    pub(crate) fn new(registry: &'a Registry<A, C>, parts: &'a Parts) -> Self {
        Self { registry, parts, query: Query::parse(parts.uri.query().unwrap_or_default()) }
    }

    pub(crate) async fn answer<B>(self, body: B) -> Response<ResponseBody>
    where
        B: Body<Data = Bytes> + Send + Unpin + 'static,
        B::Error: Into<BoxError>,
    {
        let (body, lender) = lend(&self.parts.headers, body);
        let mut response = self.dispatch(body).await.unwrap_or_else(|error| self.refuse(&error));
        lender.settle(&mut response).await;
        let version = HeaderValue::from_static("registry/2.0");
        response.headers_mut().insert("docker-distribution-api-version", version);
        response
    }

    fn refuse(&self, error: &OciError) -> Response<ResponseBody> {
        if let Some(cause) = &error.cause {
            tracing::error!(method = %self.parts.method, path = self.parts.uri.path(), %cause, "a request failed");
        }
        Answer::refusal(error)
    }

    async fn dispatch<B>(&self, body: B) -> Result<Response<ResponseBody>, OciError>
    where
        B: Body<Data = Bytes> + Send + Unpin + 'static,
        B::Error: Into<BoxError>,
    {
        let route = Route::parse(self.parts.uri.path())?;
        let allowed = route.methods(self.registry.access().offers_blob_deletion());
        self.serve(route, allowed, body).await.map_err(|error| with_methods(error, allowed))
    }

    async fn serve<B>(
        &self,
        route: Route,
        allowed: &'static str,
        body: B,
    ) -> Result<Response<ResponseBody>, OciError>
    where
        B: Body<Data = Bytes> + Send + Unpin + 'static,
        B::Error: Into<BoxError>,
    {
        let method = &self.parts.method;
        let reads = matches!(*method, Method::GET | Method::HEAD);
        match route {
            Route::Ping if reads => self.ping().await,
            Route::Repositories if reads => self.repositories().await,
            Route::Tags(name) if reads => self.tags(&name).await,
            Route::Referrers(name, digest) if reads => self.referrers(&name, digest).await,
            Route::Manifest(name, reference) if reads => self.get_manifest(&name, &reference).await,
            Route::Manifest(name, reference) if method == Method::PUT => {
                self.put_manifest(&name, &reference, body).await
            }
            Route::Manifest(name, reference) if method == Method::DELETE => {
                self.delete_manifest(&name, &reference).await
            }
            Route::Blob(name, digest) if method == Method::HEAD => self.head_blob(&name, digest).await,
            Route::Blob(name, digest) if method == Method::GET => self.get_blob(&name, digest).await,
            Route::Blob(name, digest) if method == Method::DELETE => self.delete_blob(&name, digest).await,
            Route::Uploads(name) if method == Method::POST => self.start_upload(&name, body).await,
            Route::Upload(name, id) if reads => self.upload_status(&name, &id).await,
            Route::Upload(name, id) if method == Method::PATCH => self.upload_chunk(&name, &id, body).await,
            Route::Upload(name, id) if method == Method::PUT => self.complete_upload(&name, &id, body).await,
            Route::Upload(name, id) if method == Method::DELETE => self.cancel_upload(&name, &id).await,
            _ => Err(not_offered(method, allowed)),
        }
    }

    async fn ping(&self) -> Result<Response<ResponseBody>, OciError> {
        self.authorize(Operation::Ping, None).await?;
        Ok(Answer::new(StatusCode::OK).json(&serde_json::json!({})))
    }

    /// Asks whether the caller may do `operation` to the repository `name`.
    async fn permit(&self, operation: Operation, name: &RepositoryName) -> Result<Repository, OciError> {
        within(&self.authorize(operation, Some(name)).await?, name)
    }

    async fn authorize(
        &self,
        operation: Operation,
        name: Option<&RepositoryName>,
    ) -> Result<Grant, OciError> {
        let credentials = headers::credentials(&self.parts.headers)?;
        let attempt = Attempt {
            credentials: credentials.as_ref(),
            operation,
            repository: name,
            host: headers::text(&self.parts.headers, &header::HOST),
            extensions: &self.parts.extensions,
        };
        Ok(self.registry.access().authorize(attempt).await?)
    }
}

/// The repository that a name stands for where `grant` holds.
fn within(grant: &Grant, name: &RepositoryName) -> Result<Repository, OciError> {
    let within = name.as_str().strip_prefix(&*grant.prefix).map(str::parse);
    let name = within.and_then(Result::ok).ok_or_else(|| {
        OciError::new(ErrorCode::NameInvalid, format!("`{name}` names no repository of this registry"))
    })?;
    Ok(Repository { namespace: Arc::clone(&grant.namespace), name })
}

fn parse_digest(text: &str) -> Result<Digest, OciError> {
    text.parse().map_err(|error| OciError::new(ErrorCode::DigestInvalid, format!("{error}")))
}

fn not_offered(method: &Method, allowed: &str) -> OciError {
    let message = format!("`{method}` is not offered here: expected one of {allowed}");
    OciError::new(ErrorCode::Unsupported, message)
}

/// A 405 says what is allowed instead (RFC 9110 §15.5.6), unless it does already.
fn with_methods(error: OciError, allowed: &'static str) -> OciError {
    let says_it = error.headers.iter().any(|(name, _)| *name == header::ALLOW);
    if error.status != StatusCode::METHOD_NOT_ALLOWED || says_it {
        return error;
    }
    error.header(header::ALLOW, allowed)
}
