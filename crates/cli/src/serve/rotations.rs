//! Rotation of secrets in a running server: what the clock asks for is begun, and the step that is next is taken by running
//! the rotation function's program. One step of a secret at a time.

use std::collections::HashSet;
use std::net::SocketAddr;
use std::pin::pin;
use std::process::Stdio;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use landfall_acs::LogEvent;
use landfall_base::random;
use landfall_node::{Node, Work};
use landfall_services::pipe::{Call, Installation};
use landfall_services::secretsmanager::record::SecretKey;
use landfall_services::secretsmanager::rotation::{
    ImageSource, Invocation, Output, Program, ROTATIONS, Ready, conclude, image_source, next_invocations,
    start_due,
};
use rustix::process::{Pid, Signal, kill_process_group};
use tokio::io::{AsyncBufReadExt, AsyncRead, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::process::{Child, Command};
use tokio::sync::{mpsc, watch};

use super::server::stopped;

/// How often the clock is looked at.
const PERIOD: Duration = Duration::from_secs(1);

/// The longest line of a program's output that stays one event.
const LONGEST_LINE: u64 = 256 * 1024;

/// Lines that wait to be written: a program that prints faster waits.
const LINES: usize = 1024;

/// How long what a program printed is read after its end: what it left running may keep its output open.
const LAST_LINES: Duration = Duration::from_secs(1);

/// What happens to be set for the server and that programs need, too.
const INHERITED: &[&str] = &["PATH", "HOME", "LANG", "LC_ALL", "TZ", "TMPDIR"];

/// Secrets of which a step is being taken.
type Busy = Arc<Mutex<HashSet<SecretKey>>>;

/// Rotates secrets until the server stops. Programs that run then are ended; the next server takes their step again.
pub(super) async fn run(call: Call, node: Option<Node>, address: SocketAddr, told: watch::Receiver<bool>) {
    let installation = Arc::clone(call.installation());
    let mut rows = installation.store.changed(&ROTATIONS);
    let mut stop = pin!(stopped(told));
    let (busy, endpoint) = (Busy::default(), Arc::new(format!("http://{address}")));
    let mut steps = tokio::task::JoinSet::new();
    loop {
        for invocation in begun(&installation, &busy).await {
            lock(&busy).insert(invocation.key.clone());
            let (call, busy) = (call.clone(), Arc::clone(&busy));
            let (endpoint, node) = (Arc::clone(&endpoint), node.clone());
            steps.spawn(async move {
                let key = invocation.key.clone();
                take(call, invocation, node.as_ref(), &endpoint).await;
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

async fn take(call: Call, invocation: Invocation, node: Option<&Node>, endpoint: &str) {
    let outcome = match &invocation.ready {
        Err(reason) => Err(reason.clone()),
        Ok(ready) => {
            let (lines, printed) = mpsc::channel(LINES);
            let step = Step { call: &call, invocation: &invocation, ready, lines };
            let output = Output::of(&call, &invocation, ready);
            let (outcome, ()) = tokio::join!(step.take(node, endpoint), write(output, printed));
            outcome
        }
    };
    let name = invocation.key.2.clone();
    let installation = Arc::clone(call.installation());
    let done = tokio::task::spawn_blocking(move || conclude(&installation, &invocation, outcome)).await;
    match done {
        Ok(Ok(())) => {}
        Ok(Err(error)) => tracing::warn!(%error, secret = name, "what came of a rotation step was not kept"),
        Err(error) => tracing::error!(%error, "a rotation step broke off"),
    }
}

/// Writes what is printed until nobody prints any more.
async fn write(mut output: Output, mut printed: mpsc::Receiver<LogEvent>) {
    let mut lines = Vec::new();
    while printed.recv_many(&mut lines, LINES).await > 0 {
        let taken = std::mem::take(&mut lines);
        let written = tokio::task::spawn_blocking(move || {
            output.write(&taken);
            output
        });
        match written.await {
            Ok(back) => output = back,
            Err(error) => {
                tracing::error!(%error, "the output of a rotation function broke off");
                return;
            }
        }
    }
}

/// A step that is taken.
struct Step<'a> {
    call: &'a Call,
    invocation: &'a Invocation,
    ready: &'a Ready,
    /// Takes what is printed.
    lines: mpsc::Sender<LogEvent>,
}

impl Step<'_> {
    /// Takes it once; why it failed.
    async fn take(self, node: Option<&Node>, endpoint: &str) -> Result<(), String> {
        let id = random::uuid();
        let began = Instant::now();
        let outcome = match (&self.ready.function.program, node) {
            (Program::Command(command), _) => {
                self.print(format!("START RequestId: {id} Version: $LATEST")).await;
                self.run_command(command, endpoint).await
            }
            (Program::Image(image), Some(node)) => self.run_image(image, node).await,
            (Program::Image(_), None) => Err("containers cannot run on this server".to_owned()),
        };
        if let Err(reason) = &outcome {
            self.print(format!("RequestId: {id} Error: {reason}")).await;
        }
        if matches!(self.ready.function.program, Program::Command(_)) {
            let duration = began.elapsed().as_secs_f64() * 1000.0;
            self.print(format!("END RequestId: {id}")).await;
            self.print(format!("REPORT RequestId: {id}\tDuration: {duration:.2} ms")).await;
        }
        outcome
    }

    async fn print(&self, message: String) {
        let time = self.call.installation().clock.now();
        // The receiver is gone only when the log broke off.
        let _ = self.lines.send(LogEvent { time, message }).await;
    }

    fn timeout(&self) -> Duration {
        Duration::from_secs(self.ready.function.timeout_seconds.into())
    }

    async fn run_image(&self, image: &str, node: &Node) -> Result<(), String> {
        let ImageSource { address, credential } = image_source(self.call, self.ready, image)?;
        let variables = environment(self.ready, &Work::api_url());
        node.run_once(Work {
            id: format!("rotation-{}", random::hex(16)),
            image: address,
            credential,
            environment: variables.into_iter().map(|(name, value)| (name, value.into())).collect(),
            event: self.invocation.event.clone(),
            timeout: self.timeout(),
            output: self.lines.clone(),
        })
        .await
    }

    /// Runs the program. What it says may hold secrets, so that the reason has its exit code only.
    async fn run_command(&self, command: &[String], endpoint: &str) -> Result<(), String> {
        let (program, arguments) = command.split_first().ok_or("the function has no command")?;
        let mut command = Command::new(program);
        command.args(arguments).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let inherited = INHERITED.iter().filter_map(|name| Some((*name, std::env::var(name).ok()?)));
        command.env_clear().envs(inherited).envs(environment(self.ready, endpoint));
        command.process_group(0).kill_on_drop(true);
        let mut child = command.spawn().map_err(|error| format!("cannot run `{program}`: {error}"))?;
        let mut group = Group::of(&child);
        match tokio::time::timeout(self.timeout(), self.talk(&mut child)).await {
            Ok(ended) => {
                group.let_go();
                match ended {
                    Ok(status) if status.success() => Ok(()),
                    Ok(status) => Err(format!("`{program}` ended with {status}")),
                    Err(error) => Err(format!("`{program}` could not be waited for: {error}")),
                }
            }
            Err(_) => Err(format!("Task timed out after {}.00 seconds", self.timeout().as_secs())),
        }
    }

    /// Hands the event over, reads what is said, waits for the end.
    async fn talk(&self, child: &mut Child) -> std::io::Result<std::process::ExitStatus> {
        let (input, out, err) = (child.stdin.take(), child.stdout.take(), child.stderr.take());
        let event = self.invocation.event.as_bytes();
        let mut ended = pin!(async {
            if let Some(mut input) = input {
                // A program that does not read its event is no error.
                let _ = input.write_all(event).await;
            }
            child.wait().await
        });
        let mut read = pin!(async { tokio::join!(self.pass_on(out), self.pass_on(err)) });
        tokio::select! {
            status = &mut ended => {
                let _ = tokio::time::timeout(LAST_LINES, read).await;
                status
            }
            _ = &mut read => ended.await,
        }
    }

    /// Passes each line on as it comes.
    async fn pass_on(&self, pipe: Option<impl AsyncRead + Unpin>) {
        let Some(pipe) = pipe else { return };
        let (mut pipe, mut line) = (BufReader::new(pipe), Vec::new());
        loop {
            line.clear();
            match (&mut pipe).take(LONGEST_LINE).read_until(b'\n', &mut line).await {
                Ok(0) | Err(_) => return,
                Ok(_) => {
                    let text = String::from_utf8_lossy(&line);
                    self.print(text.trim_end_matches(['\r', '\n']).to_owned()).await;
                }
            }
        }
    }
}

/// A program with all that it starts. They are ended together, unless the program has ended by itself.
struct Group(Option<Pid>);

impl Group {
    fn of(child: &Child) -> Self {
        Self(child.id().and_then(|id| Pid::from_raw(i32::try_from(id).ok()?)))
    }

    fn let_go(&mut self) {
        self.0 = None;
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        // It may have ended a moment ago, and is not waited for yet: its id is nobody else's.
        let _ = self.0.map(|id| kill_process_group(id, Signal::KILL));
    }
}

/// The variables that Lambda gives a function, and those by which SDKs find this server.
fn environment(Ready { function, credentials, .. }: &Ready, endpoint: &str) -> Vec<(String, String)> {
    let mut variables: Vec<(String, String)> = function.environment.clone().into_iter().collect();
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
