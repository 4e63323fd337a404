//! What a task's containers find at `169.254.170.2`: credentials of the task's role and the task's metadata on port 80, and
//! the server's API on port 4566, whatever address it listens on itself.
//!
//! Each task has sockets of its own, beside its network and reached from nowhere else, so that who asks is known before a
//! word is read. Tasks in the host's network share theirs with everybody on the host, as on AWS: there the credentials' id,
//! which cannot be guessed, is what guards them; the socket is one of the loopback interface, as `169.254.170.2` may be
//! taken by a real container agent.

mod answer;
mod metadata;
pub(crate) mod stats;

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::atomic::{AtomicU16, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use futures_util::future::BoxFuture;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use landfall_acs::{Assignment, NetworkMode};
use landfall_runtime::{Runtime, RuntimeError, Sandbox, SandboxId};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::{AbortHandle, JoinSet};

use crate::task::Task;

/// Where containers of ECS find the agent (Developer Guide, "Task IAM role").
const DOOR: &str = "169.254.170.2";

/// The port of credentials.
const CREDENTIALS_PORT: u16 = 80;

/// The port of the API, there. Not the server's own, which may be another after a restart.
const API_PORT: u16 = 4566;

/// The sandbox's label with the port of the loopback interface, for tasks in the host's network.
const PORT_LABEL: &str = "endpoint-port";

/// Where ports of the loopback interface are looked for: above those that the kernel gives to clients.
const FIRST_LOOPBACK_PORT: u16 = 61_679;

/// Connections of one task to one socket at a time; further ones wait.
const MOST_CONNECTIONS: usize = 64;

/// How long a client may take to send its headers, or keep an idle connection.
const PATIENCE: Duration = Duration::from_secs(30);

/// How long to wait before a socket that could not be opened is tried again.
const RETRY: Duration = Duration::from_secs(5);

/// The server's API, for containers of tasks that have a task role.
#[derive(Clone)]
pub struct TaskApi {
    /// Where the server is for programs in the host's network.
    pub url: String,
    /// Answers what comes over a connection, as from this address.
    pub answer: ApiAnswer,
}

/// Answers calls over a connection until it ends.
pub type ApiAnswer = Arc<dyn Fn(TcpStream, SocketAddr) -> BoxFuture<'static, ()> + Send + Sync>;

/// How a task's containers reach the endpoint.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Place {
    /// At `169.254.170.2`.
    Door,
    /// At a port of the host's loopback interface.
    Loopback(u16),
    /// Not at all: the task has no network.
    Nowhere,
}

impl Place {
    /// The place of a task in a sandbox that is there.
    pub(crate) fn of(assignment: &Assignment, sandbox: &Sandbox) -> Self {
        match assignment.network_mode {
            NetworkMode::Awsvpc | NetworkMode::Bridge => Self::Door,
            NetworkMode::None => Self::Nowhere,
            NetworkMode::Host => {
                let port = sandbox.labels.get(PORT_LABEL).and_then(|port| port.parse().ok());
                port.map_or(Self::Nowhere, Self::Loopback)
            }
        }
    }

    /// What addresses begin with.
    pub(crate) fn base(self) -> Option<String> {
        match self {
            Self::Door => Some(format!("http://{DOOR}")),
            Self::Loopback(port) => Some(format!("http://127.0.0.1:{port}")),
            Self::Nowhere => None,
        }
    }

    /// Where the API is.
    pub(crate) fn api(self, api: &TaskApi) -> Option<String> {
        match self {
            Self::Door => Some(door_api()),
            Self::Loopback(_) => Some(api.url.clone()),
            Self::Nowhere => None,
        }
    }
}

/// Where the API is at `169.254.170.2`.
pub(crate) fn door_api() -> String {
    format!("http://{DOOR}:{API_PORT}")
}

/// A socket there for the API.
///
/// # Errors
/// It cannot be opened.
pub(crate) fn api_socket(
    runtime: &dyn Runtime,
    id: &SandboxId,
) -> Result<std::net::TcpListener, RuntimeError> {
    runtime.listen_at_door(id, API_PORT)
}

/// The labels that a sandbox gets so that its endpoint can be opened again.
///
/// # Errors
/// No port of the loopback interface is free.
pub(crate) fn labels(assignment: &Assignment) -> Result<Vec<(String, String)>, RuntimeError> {
    if assignment.network_mode != NetworkMode::Host {
        return Ok(Vec::new());
    }
    Ok(vec![(PORT_LABEL.to_owned(), free_port()?.to_string())])
}

/// Two tasks that start at once are not given the same.
fn free_port() -> Result<u16, RuntimeError> {
    static NEXT: AtomicU16 = AtomicU16::new(FIRST_LOOPBACK_PORT);
    let step = |port: u16| Some(port.checked_add(1).unwrap_or(FIRST_LOOPBACK_PORT));
    for _ in FIRST_LOOPBACK_PORT..=u16::MAX {
        let port = NEXT.fetch_update(Ordering::Relaxed, Ordering::Relaxed, step).unwrap_or_else(|port| port);
        if std::net::TcpListener::bind((Ipv4Addr::LOCALHOST, port)).is_ok() {
            return Ok(port);
        }
    }
    Err(RuntimeError::Invalid("no port of the loopback interface is free for the task's endpoint".to_owned()))
}

/// The sockets of a task that are open.
#[derive(Debug, Default)]
pub(crate) struct Endpoint(Mutex<Vec<AbortHandle>>);

impl Endpoint {
    fn is_open(&self) -> bool {
        !self.0.lock().unwrap_or_else(PoisonError::into_inner).is_empty()
    }

    fn keep(&self, work: Vec<AbortHandle>) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).extend(work);
    }

    /// Closes the sockets and ends what goes on there.
    pub(crate) fn close(&self) {
        let work = std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner));
        work.iter().for_each(AbortHandle::abort);
    }
}

/// Opens a task's endpoint, if it is not open.
///
/// # Errors
/// A socket cannot be opened.
pub(crate) async fn open(task: &Arc<Task>, sandbox: &Sandbox) -> Result<(), RuntimeError> {
    if task.endpoint.is_open() {
        return Ok(());
    }
    let (id, place) = (sandbox.id.clone(), Place::of(&task.assignment, sandbox));
    let Some(sockets) = task.blocking(move |task, runtime| sockets(task, runtime, &id, place)).await? else {
        return Ok(());
    };
    let own = Arc::clone(task);
    let credentials = listener(sockets.credentials)?;
    let mut work =
        vec![tokio::spawn(serve(credentials, move |it| talk(Arc::clone(&own), it))).abort_handle()];
    if let (Some(api), Some(socket)) = (task.parts.api.clone(), sockets.api) {
        // What counts as the caller's address is the task's.
        let from = SocketAddr::from((sandbox.address.unwrap_or(Ipv4Addr::UNSPECIFIED), 0));
        let calls = listener(socket)?;
        work.push(tokio::spawn(serve(calls, move |it| (api.answer)(it, from))).abort_handle());
    }
    task.endpoint.keep(work);
    Ok(())
}

/// Opens the endpoint of a task that an earlier run of the server started, as soon as that is possible.
pub(crate) async fn open_again(task: Arc<Task>, sandbox: Sandbox) {
    let mut told = false;
    while let Err(error) = open(&task, &sandbox).await {
        if !told {
            tracing::warn!(task = task.arn(), %error, "containers of a task cannot ask for credentials yet");
            told = true;
        }
        tokio::time::sleep(RETRY).await;
    }
}

struct Sockets {
    credentials: std::net::TcpListener,
    api: Option<std::net::TcpListener>,
}

fn sockets(
    task: &Task,
    runtime: &dyn Runtime,
    id: &SandboxId,
    place: Place,
) -> Result<Option<Sockets>, RuntimeError> {
    let wants_api = task.assignment.has_task_role && task.parts.api.is_some();
    match place {
        Place::Nowhere => Ok(None),
        Place::Door => Ok(Some(Sockets {
            credentials: runtime.listen_at_door(id, CREDENTIALS_PORT)?,
            api: wants_api.then(|| api_socket(runtime, id)).transpose()?,
        })),
        Place::Loopback(port) => {
            let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
            Ok(Some(Sockets { credentials: runtime.listen_in_sandbox(id, address)?, api: None }))
        }
    }
}

pub(crate) fn listener(socket: std::net::TcpListener) -> Result<TcpListener, RuntimeError> {
    let made = socket.set_nonblocking(true).and_then(|()| TcpListener::from_std(socket));
    made.map_err(|error| RuntimeError::Invalid(format!("the task's endpoint cannot be opened: {error}")))
}

/// Accepts connections until it is dropped; those that are open end with it.
pub(crate) async fn serve<F: Future<Output = ()> + Send + 'static>(
    listener: TcpListener,
    visit: impl Fn(TcpStream) -> F + Send,
) {
    let mut visits = JoinSet::new();
    loop {
        tokio::select! {
            _ = visits.join_next(), if !visits.is_empty() => {}
            accepted = listener.accept(), if visits.len() < MOST_CONNECTIONS => match accepted {
                Ok((stream, _)) => drop(visits.spawn(visit(stream))),
                // Out of file descriptors, most likely: others will close theirs.
                Err(error) => {
                    tracing::warn!(%error, "cannot accept a connection of a task");
                    tokio::time::sleep(Duration::from_millis(100)).await;
                }
            },
        }
    }
}

async fn talk(task: Arc<Task>, stream: TcpStream) {
    // Answers are small and written at once.
    let _ = stream.set_nodelay(true);
    let service = service_fn(|request| {
        let task = Arc::clone(&task);
        async move { Ok::<_, std::convert::Infallible>(answer::answer(&task, &request).await) }
    });
    let mut http = http1::Builder::new();
    // Shells that end their request with the end of their input want an answer still.
    http.timer(TokioTimer::new()).header_read_timeout(PATIENCE).half_close(true);
    if let Err(error) = http.serve_connection(TokioIo::new(stream), service).await {
        tracing::debug!(task = task.arn(), %error, "a connection to a task's endpoint ended");
    }
}
