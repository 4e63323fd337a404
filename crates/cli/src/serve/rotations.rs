//! Rotation of secrets in a running server: what the clock asks for is begun, and the step that is next is taken by running
//! the rotation function's program. One step of a secret at a time.

use std::collections::HashSet;
use std::net::SocketAddr;
use std::process::Stdio;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use landfall_node::{Node, Work};
use landfall_services::pipe::Installation;
use landfall_services::secretsmanager::record::SecretKey;
use landfall_services::secretsmanager::rotation::{
    Function, Invocation, Program, ROTATIONS, conclude, next_invocations, start_due,
};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::process::{Child, Command};
use tokio::sync::watch;

use super::server::stopped;

/// How often the clock is looked at.
const PERIOD: Duration = Duration::from_secs(1);

/// How much is read of what a program says.
const MOST_OUTPUT: u64 = 64 * 1024;

/// What happens to be set for the server and that programs need, too.
const INHERITED: &[&str] = &["PATH", "HOME", "LANG", "LC_ALL", "TZ", "TMPDIR"];

/// Secrets of which a step is being taken.
type Busy = Arc<Mutex<HashSet<SecretKey>>>;

/// Rotates secrets until the server stops. Programs that run then are ended; the next server takes their step again.
pub(super) async fn run(
    installation: Arc<Installation>,
    node: Option<Node>,
    address: SocketAddr,
    told: watch::Receiver<bool>,
) {
    let mut rows = installation.store.changed(&ROTATIONS);
    let mut stop = std::pin::pin!(stopped(told));
    let (busy, endpoint) = (Busy::default(), Arc::new(format!("http://{address}")));
    let mut steps = tokio::task::JoinSet::new();
    loop {
        for invocation in begun(&installation, &busy).await {
            lock(&busy).insert(invocation.key.clone());
            let (installation, busy) = (Arc::clone(&installation), Arc::clone(&busy));
            let (endpoint, node) = (Arc::clone(&endpoint), node.clone());
            steps.spawn(async move {
                let key = invocation.key.clone();
                take(installation, invocation, node.as_ref(), &endpoint).await;
                lock(&busy).remove(&key);
            });
        }
        while steps.try_join_next().is_some() {}
        tokio::select! {
            changed = rows.changed() => if changed.is_none() { return },
            _ = steps.join_next(), if !steps.is_empty() => {}
            () = tokio::time::sleep(PERIOD) => {}
            () = &mut stop => return,
        }
    }
}

fn lock(busy: &Busy) -> std::sync::MutexGuard<'_, HashSet<SecretKey>> {
    busy.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Begins what is due; what is to be invoked now.
async fn begun(installation: &Arc<Installation>, busy: &Busy) -> Vec<Invocation> {
    let (work, busy) = (Arc::clone(installation), Arc::clone(busy));
    let found = tokio::task::spawn_blocking(move || {
        start_due(&work)?;
        next_invocations(&work, |key| lock(&busy).contains(key))
    });
    match found.await {
        Ok(Ok(found)) => found,
        Ok(Err(error)) => {
            tracing::warn!(%error, "secrets were not rotated");
            Vec::new()
        }
        Err(error) => {
            tracing::error!(%error, "rotation broke off");
            Vec::new()
        }
    }
}

async fn take(installation: Arc<Installation>, invocation: Invocation, node: Option<&Node>, endpoint: &str) {
    let outcome = match &invocation.ready {
        Err(reason) => Err(reason.clone()),
        Ok((function, _)) => invoke(&invocation, function, node, endpoint).await,
    };
    let name = invocation.key.2.clone();
    let done = tokio::task::spawn_blocking(move || conclude(&installation, &invocation, outcome)).await;
    match done {
        Ok(Ok(())) => {}
        Ok(Err(error)) => tracing::warn!(%error, secret = name, "what came of a rotation step was not kept"),
        Err(error) => tracing::error!(%error, "a rotation step broke off"),
    }
}

/// Takes the step once; why it failed.
async fn invoke(
    invocation: &Invocation,
    function: &Function,
    node: Option<&Node>,
    endpoint: &str,
) -> Result<(), String> {
    match (&function.program, node) {
        (Program::Command(command), _) => run_command(invocation, function, command, endpoint).await,
        (Program::Image(image), Some(node)) => run_image(invocation, function, image, node).await,
        (Program::Image(_), None) => Err("containers cannot run on this server".to_owned()),
    }
}

async fn run_image(
    invocation: &Invocation,
    function: &Function,
    image: &str,
    node: &Node,
) -> Result<(), String> {
    let variables = environment(invocation, function, &Work::api_url());
    node.run_once(Work {
        id: format!("rotation-{}", landfall_base::random::hex(16)),
        image: image.to_owned(),
        environment: variables.into_iter().map(|(name, value)| (name, value.into())).collect(),
        event: invocation.event.clone(),
        timeout: Duration::from_secs(function.timeout_seconds.into()),
    })
    .await
}

/// Runs the program. What it says may hold secrets, so that the reason has its exit code only.
async fn run_command(
    invocation: &Invocation,
    function: &Function,
    command: &[String],
    endpoint: &str,
) -> Result<(), String> {
    let (program, arguments) = command.split_first().ok_or("the function has no command")?;
    let mut command = Command::new(program);
    command.args(arguments).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let inherited = INHERITED.iter().filter_map(|name| Some((*name, std::env::var(name).ok()?)));
    command.env_clear().envs(inherited).envs(environment(invocation, function, endpoint)).kill_on_drop(true);
    let mut child = command.spawn().map_err(|error| format!("cannot run `{program}`: {error}"))?;
    let limit = Duration::from_secs(function.timeout_seconds.into());
    match tokio::time::timeout(limit, talk(&mut child, &invocation.event)).await {
        Ok(Ok(status)) if status.success() => Ok(()),
        Ok(Ok(status)) => Err(format!("`{program}` ended with {status}")),
        Ok(Err(error)) => Err(format!("`{program}` could not be waited for: {error}")),
        // The child is killed as it is dropped.
        Err(_) => Err(format!("Task timed out after {}.00 seconds", function.timeout_seconds)),
    }
}

/// Hands the event over, reads what is said, waits for the end.
async fn talk(child: &mut Child, event: &str) -> std::io::Result<std::process::ExitStatus> {
    if let Some(mut input) = child.stdin.take() {
        // A program that does not read its event is no error.
        let _ = input.write_all(event.as_bytes()).await;
    }
    let (out, err) = (child.stdout.take(), child.stderr.take());
    let (status, (), ()) = tokio::join!(child.wait(), drain(out), drain(err));
    status
}

/// Reads to the end, so that the program is never kept waiting.
async fn drain(pipe: Option<impl tokio::io::AsyncRead + Unpin>) {
    let Some(mut pipe) = pipe else { return };
    let mut buffer = Vec::new();
    while matches!((&mut pipe).take(MOST_OUTPUT).read_to_end(&mut buffer).await, Ok(read) if read > 0) {
        buffer.clear();
    }
}

/// The variables that Lambda gives a function, and those by which SDKs find this server.
fn environment(invocation: &Invocation, function: &Function, endpoint: &str) -> Vec<(String, String)> {
    let mut variables: Vec<(String, String)> = function.environment.clone().into_iter().collect();
    let Ok((_, credentials)) = &invocation.ready else { return variables };
    let region = function.arn.region();
    let own = [
        ("AWS_ACCESS_KEY_ID", credentials.access_key_id.as_str()),
        ("AWS_SECRET_ACCESS_KEY", credentials.secret_access_key.expose().as_str()),
        ("AWS_SESSION_TOKEN", credentials.session_token.expose().as_str()),
        ("AWS_REGION", region),
        ("AWS_DEFAULT_REGION", region),
        ("AWS_ENDPOINT_URL", endpoint),
        ("SECRETS_MANAGER_ENDPOINT", endpoint),
        ("AWS_LAMBDA_FUNCTION_NAME", function.name.as_str()),
        ("AWS_LAMBDA_FUNCTION_VERSION", "$LATEST"),
    ];
    variables.extend(own.map(|(name, value)| (name.to_owned(), value.to_owned())));
    variables
}
