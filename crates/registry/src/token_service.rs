//! A token endpoint for [`MemoryAccess`]: Basic credentials in, a Bearer token for the asked scopes out (Docker registry
//! v2 token authentication).

use std::convert::Infallible;
use std::sync::Arc;

use http::{Request, Response, StatusCode, header};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use serde_json::json;
use tokio::net::TcpListener;

use crate::http::{Answer, Query, ResponseBody, credentials};
use crate::{ErrorCode, MemoryAccess, OciError};

/// Answers token requests for the users of a [`MemoryAccess`].
#[derive(Debug, Clone)]
pub struct TokenService(Arc<MemoryAccess>);

impl TokenService {
    /// For the users of `access`.
    pub fn new(access: Arc<MemoryAccess>) -> Self {
        Self(access)
    }

    /// Answers one request; every path is the endpoint.
    pub fn handle<B>(&self, request: &Request<B>) -> Response<ResponseBody> {
        self.issue(request).unwrap_or_else(|error| Answer::refusal(&error))
    }

    fn issue<B>(&self, request: &Request<B>) -> Result<Response<ResponseBody>, OciError> {
        let wrong = || {
            OciError::new(ErrorCode::Unauthorized, "incorrect username or password")
                .header(header::WWW_AUTHENTICATE, "Basic realm=\"token\"")
        };
        let query = Query::parse(request.uri().query().unwrap_or_default());
        let scopes: Vec<&str> = query.all("scope").flat_map(|scopes| scopes.split(' ')).collect();
        let credentials = credentials(request.headers())?.ok_or_else(wrong)?;
        let token = self.0.issue_token(&credentials, &scopes).ok_or_else(wrong)?;
        Ok(Answer::new(StatusCode::OK)
            .json(&json!({ "token": token, "access_token": token, "expires_in": 300 })))
    }

    /// Serves HTTP/1.1 on `listener` until the future is dropped.
    pub async fn serve(self, listener: TcpListener) {
        while let Ok((stream, _)) = listener.accept().await {
            let service = self.clone();
            tokio::spawn(async move {
                let answer = service_fn(|request| {
                    let response = service.handle(&request);
                    async { Ok::<_, Infallible>(response) }
                });
                if let Err(error) = http1::Builder::new().serve_connection(TokioIo::new(stream), answer).await
                {
                    tracing::debug!(%error, "a connection ended early");
                }
            });
        }
    }
}
