//! Requests to a task's endpoint and their answers, in the container agent's words.

use std::sync::Arc;

use bytes::Bytes;
use http::{Request, Response, StatusCode, header};
use http_body_util::Full;
use landfall_acs::{NoCredentials, RoleCredentials};
use landfall_runtime::{ContainerStatus, ContainerSummary, Inventory, Runtime};
use serde_json::{Value, json};

use super::metadata::Facts;
use super::stats::Sample;
use crate::task::{Task, names};

/// What is asked for.
#[derive(Debug, PartialEq, Eq)]
enum Asked<'a> {
    /// Credentials of the task's role, by their id.
    Credentials { version: u8, id: &'a str },
    /// What is known of a task, by the id of one of its containers.
    Metadata { version: u8, id: &'a str, of: Of },
    /// Something that is not there.
    Nothing,
}

/// What of a task is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Of {
    Container,
    Task,
    TaskWithTags,
    ContainerStats,
    TaskStats,
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
        ["v4", id, rest @ ..] => metadata(4, id, rest),
        ["v3", id, rest @ ..] => metadata(3, id, rest),
        _ => Asked::Nothing,
    }
}

fn metadata<'a>(version: u8, id: &'a str, rest: &[&str]) -> Asked<'a> {
    let of = match rest {
        [] | [""] => Of::Container,
        ["task"] => Of::Task,
        ["taskWithTags"] => Of::TaskWithTags,
        ["stats"] => Of::ContainerStats,
        ["task", "stats"] => Of::TaskStats,
        _ => return Asked::Nothing,
    };
    Asked::Metadata { version, id, of }
}

/// Answers a request of one of the task's containers.
pub(super) async fn answer<B>(task: &Arc<Task>, request: &Request<B>) -> Response<Full<Bytes>> {
    match asked(request.uri().path(), request.uri().query()) {
        Asked::Credentials { version, id } => credentials(task, version, id).await,
        Asked::Metadata { version, id, of } => described(task, version, id, of).await,
        Asked::Nothing => page(StatusCode::NOT_FOUND, "text/plain", "404 page not found\n".to_owned()),
    }
}

async fn described(task: &Arc<Task>, version: u8, id: &str, of: Of) -> Response<Full<Bytes>> {
    let missing = |what: &str| {
        let text = format!("V{version} {what} handler: unable to get task arn from request: {id} is unknown");
        json_page(StatusCode::NOT_FOUND, &Value::String(text))
    };
    let Some(container) = task.assignment.containers.iter().find(|it| it.id == id) else {
        return missing(if matches!(of, Of::Container) { "container metadata" } else { "task metadata" });
    };
    let Some(facts) = facts(task, version).await else { return missing("task metadata") };
    let document = match of {
        Of::Container => facts.container(container),
        Of::Task => Some(facts.task(false)),
        Of::TaskWithTags => Some(facts.task(true)),
        Of::ContainerStats => facts.container_stats(container),
        Of::TaskStats => Some(facts.task_stats()),
    };
    document.map_or_else(|| missing("container metadata"), |document| json_page(StatusCode::OK, &document))
}

/// What both sides know of a task: asked anew each time, as it changes.
async fn facts(task: &Arc<Task>, version: u8) -> Option<Facts> {
    let told = task.parts.control.task_metadata(task.arn()).await?;
    let own = Arc::clone(task);
    let found = task.blocking(move |_, runtime| {
        let Inventory { sandboxes, containers } = runtime.list()?;
        let id = names::sandbox(&own.assignment.task_id);
        let containers: Vec<_> =
            containers.into_iter().filter(|it| Some(&it.sandbox) == id.as_ref()).collect();
        let samples = containers.iter().filter_map(|it| sample(&own, runtime, it)).collect();
        let sandbox = sandboxes.into_iter().find(|it| Some(&it.id) == id.as_ref());
        Ok((sandbox, containers, samples))
    });
    let (sandbox, containers, samples) = found.await.ok()?;
    Some(Facts { task: Arc::clone(task), told, sandbox, containers, samples, version })
}

/// What a container uses now; nothing of one that does not run.
fn sample(task: &Task, runtime: &dyn Runtime, container: &ContainerSummary) -> Option<(String, Sample)> {
    let ContainerStatus::Running { pid, .. } = container.status else { return None };
    let usage = runtime.usage(&container.id).ok()?;
    Some((container.id.as_str().to_owned(), Sample::take(task.now(), usage, pid)))
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
        let metadata = |version, id, of| Asked::Metadata { version, id, of };
        let credentials = |version, id| Asked::Credentials { version, id };
        for (path, query, expected) in [
            ("/v2/credentials/abc", None, credentials(2, "abc")),
            ("/v2/credentials/", None, credentials(2, "")),
            ("/v2/credentials", None, credentials(2, "")),
            ("/v1/credentials", Some("x=1&id=abc"), credentials(1, "abc")),
            ("/v1/credentials", None, credentials(1, "")),
            ("/v2/credentials/abc/def", None, Asked::Nothing),
            ("/", None, Asked::Nothing),
            ("/v4/c", None, metadata(4, "c", Of::Container)),
            ("/v4/c/", None, metadata(4, "c", Of::Container)),
            ("/v3/c/task", None, metadata(3, "c", Of::Task)),
            ("/v4/c/taskWithTags", None, metadata(4, "c", Of::TaskWithTags)),
            ("/v4/c/stats", None, metadata(4, "c", Of::ContainerStats)),
            ("/v4/c/task/stats", None, metadata(4, "c", Of::TaskStats)),
            ("/v4/c/other", None, Asked::Nothing),
        ] {
            assert_eq!(asked(path, query), expected, "{path}");
        }
    }
}
