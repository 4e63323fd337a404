//! The load generator: so many connections, each sending the next request as soon as the last one is answered. The same for every
//! server.

use std::cell::{Cell, RefCell};
use std::net::SocketAddr;
use std::rc::Rc;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};
use tokio::task::LocalSet;

use crate::bench::http::{Connection, Prepared, connect, read};

/// Connections that are kept open and busy.
pub(super) const CONNECTIONS: usize = 16;

/// What to send.
pub(super) struct Plan {
    pub(super) address: SocketAddr,
    /// Each is sent once, in order; the last ones may remain when time is up.
    pub(super) requests: Vec<Prepared>,
    /// Begin again with the first after the last.
    pub(super) repeat: bool,
    pub(super) time: Duration,
}

/// What came of it.
#[derive(Debug, Default)]
pub(super) struct Load {
    /// Milliseconds from sending to the last byte of the answer, for each answer with status 200.
    pub(super) latencies: Vec<f64>,
    pub(super) failures: usize,
    /// What the first failure was.
    pub(super) first_failure: Option<String>,
    pub(super) wall: Duration,
}

struct State {
    plan: Plan,
    next: Cell<usize>,
    began: Instant,
    load: RefCell<Load>,
}

impl State {
    fn request(&self) -> Option<&Prepared> {
        if self.began.elapsed() >= self.plan.time {
            return None;
        }
        let at = self.next.replace(self.next.get() + 1);
        let count = self.plan.requests.len().max(1);
        self.plan.requests.get(if self.plan.repeat { at % count } else { at })
    }

    fn fail(&self, reason: String) {
        let mut load = self.load.borrow_mut();
        load.failures += 1;
        load.first_failure.get_or_insert(reason);
    }
}

/// Sends until the time is up or everything is sent.
pub(super) fn run(plan: Plan) -> Result<Load> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .context("cannot start a runtime")?;
    let state = Rc::new(State {
        plan,
        next: Cell::new(0),
        began: Instant::now(),
        load: RefCell::new(Load::default()),
    });
    let tasks = LocalSet::new();
    for _ in 0..CONNECTIONS {
        tasks.spawn_local(drive(Rc::clone(&state)));
    }
    runtime.block_on(tasks);
    let mut load = state.load.take();
    load.wall = state.began.elapsed();
    Ok(load)
}

/// One connection, opened again where the server closes it.
async fn drive(state: Rc<State>) {
    let mut connection = None;
    while let Some(request) = state.request() {
        let began = Instant::now();
        match exchange(&state, request, &mut connection).await {
            Ok(()) => state.load.borrow_mut().latencies.push(began.elapsed().as_secs_f64() * 1000.0),
            Err(error) => {
                connection = None;
                state.fail(format!("{error:#}"));
            }
        }
    }
}

async fn exchange(state: &State, request: &Prepared, connection: &mut Option<Connection>) -> Result<()> {
    let mut sender = ready(state.plan.address, connection.take()).await?;
    let (status, body) = read(sender.send_request(request.request()).await?).await?;
    *connection = Some(sender);
    anyhow::ensure!(status == 200, "status {status}: {}", String::from_utf8_lossy(&body));
    Ok(())
}

/// The connection of before, if the server has not closed it.
async fn ready(address: SocketAddr, connection: Option<Connection>) -> Result<Connection> {
    if let Some(mut sender) = connection
        && sender.ready().await.is_ok()
    {
        return Ok(sender);
    }
    connect(address).await
}
