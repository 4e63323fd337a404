//! Requests to a task's endpoint and their answers, in the container agent's words.

use bytes::Bytes;
use http::{Request, Response, StatusCode, header};
use http_body_util::Full;
use landfall_acs::{NoCredentials, RoleCredentials};
use serde_json::{Value, json};

use crate::task::Task;

/// What is asked for.
#[derive(Debug, PartialEq, Eq)]
enum Asked<'a> {
    /// Credentials of the task's role, by their id.
    Credentials { version: u8, id: &'a str },
    /// Something that is not there.
    Nothing,
}

/// What a path with its query asks for.
fn asked<'a>(path: &'a str, query: Option<&'a str>) -> Asked<'a> {
    let parts: Vec<&str> = path.trim_start_matches('/').split('/').collect();
    match parts.as_slice() {
        ["v2", "credentials"] => Asked::Credentials { version: 2, id: "" },
        ["v2", "credentials", id] => Asked::Credentials { version: 2, id },
        ["v1", "credentials"] => {
            let mut pairs = query.unwrap_or_default().split('&');
            Asked::Credentials { version: 1, id: pairs.find_map(|it| it.strip_prefix("id=")).unwrap_or("") }
        }
        _ => Asked::Nothing,
    }
}

/// Answers a request of one of the task's containers.
pub(super) async fn answer<B>(task: &Task, request: &Request<B>) -> Response<Full<Bytes>> {
    match asked(request.uri().path(), request.uri().query()) {
        Asked::Credentials { version, id } => credentials(task, version, id).await,
        Asked::Nothing => page(StatusCode::NOT_FOUND, "text/plain", "404 page not found\n".to_owned()),
    }
}

async fn credentials(task: &Task, version: u8, id: &str) -> Response<Full<Bytes>> {
    let refuse = |status: StatusCode, code, text| {
        let message = format!("CredentialsV{version}Request: {text}");
        json_page(status, &json!({"code": code, "message": message, "HTTPErrorCode": status.as_u16()}))
    };
    if id.is_empty() {
        return refuse(StatusCode::BAD_REQUEST, "NoIdInRequest", "No Credential ID in the request");
    }
    match task.parts.control.role_credentials(task.arn(), id).await {
        Ok(credentials) => json_page(StatusCode::OK, &document(&credentials)),
        Err(NoCredentials::Unknown) => {
            refuse(StatusCode::BAD_REQUEST, "InvalidIdInRequest", "Credentials not found")
        }
        Err(NoCredentials::Unavailable) => refuse(
            StatusCode::SERVICE_UNAVAILABLE,
            "CredentialsUninitialized",
            "Credentials uninitialized for ID",
        ),
    }
}

fn document(credentials: &RoleCredentials) -> Value {
    json!({
        "RoleArn": credentials.role_arn,
        "AccessKeyId": credentials.access_key_id,
        "SecretAccessKey": credentials.secret_access_key.expose(),
        "Token": credentials.session_token.expose(),
        "Expiration": credentials.expires_at.to_string(),
    })
}

fn json_page(status: StatusCode, value: &Value) -> Response<Full<Bytes>> {
    page(status, "application/json", value.to_string())
}

fn page(status: StatusCode, kind: &'static str, text: String) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(Bytes::from(text)));
    *response.status_mut() = status;
    response.headers_mut().insert(header::CONTENT_TYPE, header::HeaderValue::from_static(kind));
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths() {
        let credentials = |version, id| Asked::Credentials { version, id };
        for (path, query, expected) in [
            ("/v2/credentials/abc", None, credentials(2, "abc")),
            ("/v2/credentials/", None, credentials(2, "")),
            ("/v2/credentials", None, credentials(2, "")),
            ("/v1/credentials", Some("x=1&id=abc"), credentials(1, "abc")),
            ("/v1/credentials", None, credentials(1, "")),
            ("/v2/credentials/abc/def", None, Asked::Nothing),
            ("/", None, Asked::Nothing),
        ] {
            assert_eq!(asked(path, query), expected, "{path}");
        }
    }
}
