//! One container by itself, for as long as one piece of work takes: how rotation functions that are images run. The image is
//! pulled, a sandbox with an address is made, the server's API is opened in it, the work is handed over, and all of it is
//! taken away again. What a server leaves that is killed meanwhile is removed by the next one, as no assignment stands for it.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt, Full, Limited};
use hyper_util::client::legacy::Client as HttpClient;
use hyper_util::rt::TokioExecutor;
use landfall_acs::{LogEvent, RegistryCredential};
use landfall_base::Sensitive;
use landfall_image::{Credential, Image, NoProgress, Platform, Reference};
use landfall_runtime::{
    ContainerId, ContainerLimits, ContainerSpec, ContainerStatus, Runtime, RuntimeError, Sandbox, SandboxId,
    SandboxSpec,
};

use tokio::sync::{mpsc, watch};

use crate::{Parts, endpoint, logs};

/// The variable with the work, for images that are no Lambda functions.
const EVENT: &str = "ROTATION_EVENT";

/// Where Lambda's Runtime Interface Emulator takes work.
const PORT: u16 = 8080;
const PATH: &str = "/2015-03-31/functions/function/invocations";

/// What an entry point has in its name that begins with the emulator.
const EMULATED: [&str; 2] = ["lambda-entrypoint", "aws-lambda-rie"];

const CONCURRENCY: usize = 3;
const PIDS: u64 = 1024;
const MEMORY: u64 = 512 << 20;
/// What is printed faster than it is written away loses its beginning.
const LOG_BYTES: u64 = 4 << 20;
const KNOCK_EVERY: Duration = Duration::from_millis(100);
const MOST_ANSWER: usize = 6 << 20;

/// A piece of work.
#[derive(Debug)]
pub struct Work {
    /// What the sandbox is called: letters, digits and hyphens.
    pub id: String,
    /// The image.
    pub image: String,
    /// The credential of its registry.
    pub credential: Option<RegistryCredential>,
    /// Variables.
    pub environment: Vec<(String, Sensitive<String>)>,
    /// What is handed over.
    pub event: String,
    /// How long it may take, from the start of the program on.
    pub timeout: Duration,
    /// Takes what the program prints.
    pub output: mpsc::Sender<LogEvent>,
}

impl Work {
    /// Where the API is for programs in the sandbox.
    pub fn api_url() -> String {
        endpoint::door_api()
    }
}

/// Does it.
///
/// # Errors
/// Why it failed, in a sentence.
pub(crate) async fn run(parts: &Arc<Parts>, work: Work) -> Result<(), String> {
    let image = image(parts, &work).await?;
    let sandbox: SandboxId = work.id.parse().map_err(|_| format!("`{}` is no name", work.id))?;
    let container: ContainerId = work.id.parse().map_err(|_| format!("`{}` is no name", work.id))?;
    let outcome = in_sandbox(parts, &work, &image, &sandbox, &container).await;
    let runtime = Arc::clone(&parts.runtime);
    let removed = blocking(move || {
        let container = runtime.remove_container(&container);
        runtime.remove_sandbox(&sandbox).and(container)
    });
    if let Err(error) = removed.await {
        tracing::warn!(%error, "the sandbox of a function was not removed");
    }
    outcome
}

async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, RuntimeError> + Send + 'static,
) -> Result<T, String> {
    match tokio::task::spawn_blocking(work).await {
        Ok(done) => done.map_err(|error| error.to_string()),
        Err(error) => Err(error.to_string()),
    }
}

async fn image(parts: &Parts, work: &Work) -> Result<Image, String> {
    let reference: Reference = work.image.parse().map_err(|error| format!("`{}`: {error}", work.image))?;
    let credential = work.credential.as_ref();
    let credential = credential.map(|it| Credential::new(it.username.clone(), it.password.clone()));
    let credential = credential.as_ref();
    let resolved = parts.client.resolve(&reference, credential, &Platform::host()).await;
    let resolved = resolved.map_err(|error| error.to_string())?;
    let pulled = parts.layers.pull(&parts.client, &resolved, credential, &NoProgress, CONCURRENCY).await;
    pulled.map_err(|error| error.to_string())
}

async fn in_sandbox(
    parts: &Arc<Parts>,
    work: &Work,
    image: &Image,
    id: &SandboxId,
    container: &ContainerId,
) -> Result<(), String> {
    let (runtime, spec) = (Arc::clone(&parts.runtime), SandboxSpec::new(id.clone()));
    let sandbox = blocking(move || runtime.create_sandbox(&spec)).await?;
    let _api = open_api(parts, &sandbox).await?;
    let spec = container_spec(work, image, id, container)?;
    let runtime = Arc::clone(&parts.runtime);
    blocking(move || runtime.start_container(&spec)).await?;
    let done = async {
        if is_emulated(image) {
            invoke(&sandbox, &work.event).await
        } else {
            ended(&*parts.runtime, container).await
        }
    };
    let (end, ended) = watch::channel(false);
    let log = parts.runtime.log_path(container);
    let done = async {
        let done = tokio::time::timeout(work.timeout, done).await;
        // The receiver is gone only when the log could not be read.
        let _ = end.send(true);
        done
    };
    let (done, ()) = tokio::join!(done, logs::forward(&log, &*parts.clock, ended, &work.output));
    match done {
        Ok(done) => done,
        Err(_) => Err(format!("Task timed out after {}.00 seconds", work.timeout.as_secs())),
    }
}

/// The server's API in the sandbox, while what is returned lives.
async fn open_api(parts: &Arc<Parts>, sandbox: &Sandbox) -> Result<Option<tokio::task::JoinSet<()>>, String> {
    let Some(api) = parts.api.clone() else { return Ok(None) };
    let (runtime, id) = (Arc::clone(&parts.runtime), sandbox.id.clone());
    let socket = blocking(move || endpoint::api_socket(&*runtime, &id)).await?;
    let from = SocketAddr::from((sandbox.address.unwrap_or(Ipv4Addr::UNSPECIFIED), 0));
    let mut serving = tokio::task::JoinSet::new();
    let listener = endpoint::listener(socket).map_err(|error| error.to_string())?;
    serving.spawn(endpoint::serve(listener, move |it| (api.answer)(it, from)));
    Ok(Some(serving))
}

fn container_spec(
    work: &Work,
    image: &Image,
    sandbox: &SandboxId,
    id: &ContainerId,
) -> Result<ContainerSpec, String> {
    let run = &image.config.config;
    let args: Vec<String> = run.entrypoint.iter().chain(&run.cmd).cloned().collect();
    if args.is_empty() {
        return Err("No command specified".to_owned());
    }
    let mut spec = ContainerSpec::new(id.clone(), sandbox.clone(), image.layer_dirs.clone(), args);
    let of_image = run.env.iter().map(|entry| entry.split_once('=').unwrap_or((entry, "")));
    spec.env = of_image.map(|(name, value)| (name.to_owned(), value.into())).collect();
    let event = (EVENT.to_owned(), Sensitive::from(work.event.as_str()));
    for (name, value) in work.environment.iter().cloned().chain([event]) {
        spec.env.retain(|(other, _)| *other != name);
        spec.env.push((name, value));
    }
    if !run.working_dir.is_empty() {
        spec.cwd = run.working_dir.clone().into();
    }
    spec.user.clone_from(&run.user);
    spec.limits = ContainerLimits { memory: Some(MEMORY), pids: Some(PIDS), ..ContainerLimits::default() };
    spec.log_bytes = Some(LOG_BYTES);
    Ok(spec)
}

/// Whether the image waits for work as Lambda's base images do outside of Lambda.
fn is_emulated(image: &Image) -> bool {
    let mut entry = image.config.config.entrypoint.iter();
    entry.any(|part| EMULATED.iter().any(|name| part.contains(name)))
}

async fn ended(runtime: &dyn Runtime, id: &ContainerId) -> Result<(), String> {
    match runtime.wait(id).await {
        Ok(ContainerStatus::Exited { code: 0, .. }) => Ok(()),
        Ok(ContainerStatus::Exited { code, .. }) => Err(format!("the container ended with exit code {code}")),
        Ok(_) => Err("the container is gone".to_owned()),
        Err(error) => Err(error.to_string()),
    }
}

/// Hands the work over as soon as the emulator listens. A function that fails answers with `errorType`; its message may
/// hold secrets.
async fn invoke(sandbox: &Sandbox, event: &str) -> Result<(), String> {
    let address = sandbox.address.ok_or("the container has no address")?;
    let uri = format!("http://{address}:{PORT}{PATH}");
    let client = HttpClient::builder(TokioExecutor::new()).build_http::<Full<Bytes>>();
    let response = loop {
        let request = hyper::Request::post(&uri).body(Full::new(Bytes::copy_from_slice(event.as_bytes())));
        match client.request(request.map_err(|error| error.to_string())?).await {
            Ok(response) => break response,
            Err(error) if error.is_connect() => tokio::time::sleep(KNOCK_EVERY).await,
            Err(error) => return Err(format!("the function was not invoked: {error}")),
        }
    };
    let status = response.status();
    let body = Limited::new(response.into_body(), MOST_ANSWER).collect().await;
    let body = body.map_err(|error| format!("the function's answer was not read: {error}"))?.to_bytes();
    let answer: serde_json::Value = serde_json::from_slice(&body).unwrap_or_default();
    match answer.get("errorType").and_then(serde_json::Value::as_str) {
        Some(kind) => Err(format!("the function failed with {kind}")),
        None if answer.get("errorMessage").is_some() => Err("the function failed".to_owned()),
        None if status.is_success() => Ok(()),
        None => Err(format!("the function answered {status}")),
    }
}
