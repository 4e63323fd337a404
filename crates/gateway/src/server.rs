//! Listening.
//!
//! A connection stays on one thread, which has a runtime of its own ([`Threads`]): its calls are answered where they were
//! read, and no thread wakes another one to share work that takes microseconds. What takes longer does not run there: the
//! pipe gives what blocks to threads for that.

use std::convert::Infallible;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

use http::{HeaderValue, Request, header};
use hyper::body::{Body, Incoming};
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto::Builder;
use hyper_util::server::graceful::{GracefulShutdown, Watcher};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime;
use tokio::sync::mpsc;

use crate::Gateway;
use crate::tls::{Secure, Tls, is_handshake};

/// How long a client may take to send its headers, or keep an idle connection.
const HEADER_PATIENCE: Duration = Duration::from_secs(75);

/// How long calls that are under way may take to end once the server stops.
const GRACE: Duration = Duration::from_secs(10);

/// Serves until `stop` completes, then lets the calls that are under way end.
///
/// With `tls` the port takes both plain HTTP and TLS.
pub async fn serve(
    threads: Threads,
    gateway: Arc<Gateway>,
    listener: TcpListener,
    tls: Option<Arc<Tls>>,
    stop: impl Future<Output = ()>,
) {
    let graceful = GracefulShutdown::new();
    let mut stop = std::pin::pin!(stop);
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            () = &mut stop => break,
        };
        match accepted {
            Ok((stream, peer)) => {
                let connection =
                    Connection { gateway: Arc::clone(&gateway), peer, watcher: graceful.watcher() };
                if let Err(error) = threads.give(connection, stream, tls.clone()) {
                    tracing::warn!(%error, "cannot take a connection");
                }
            }
            // Out of file descriptors, most likely: others will close theirs.
            Err(error) => {
                tracing::warn!(%error, "cannot accept a connection");
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
        }
    }
    drop(listener);
    gateway.stop();
    if tokio::time::timeout(GRACE, graceful.shutdown()).await.is_err() {
        tracing::warn!("calls under way were cut off");
    }
}

/// The threads that connections live on: one for each core. They end when this is dropped.
#[derive(Debug)]
pub struct Threads {
    queues: Vec<mpsc::UnboundedSender<Arrival>>,
    next: AtomicUsize,
}

/// A connection on its way to its thread.
struct Arrival {
    connection: Connection,
    stream: std::net::TcpStream,
    tls: Option<Arc<Tls>>,
}

impl Threads {
    /// Starts them.
    ///
    /// # Errors
    /// The system gives no thread, or nothing to wait for sockets with.
    pub fn start() -> io::Result<Self> {
        let count = thread::available_parallelism().map_or(1, usize::from);
        let queues = (0..count).map(start_thread).collect::<io::Result<_>>()?;
        Ok(Self { queues, next: AtomicUsize::new(0) })
    }

    /// Gives a connection to the next thread in turn.
    fn give(&self, connection: Connection, stream: TcpStream, tls: Option<Arc<Tls>>) -> io::Result<()> {
        // Out of this thread's runtime, so that the other one can wait for it.
        let stream = stream.into_std()?;
        let at = self.next.fetch_add(1, Ordering::Relaxed) % self.queues.len();
        let Some(queue) = self.queues.get(at) else { return Ok(()) };
        queue.send(Arrival { connection, stream, tls }).map_err(|_| io::Error::other("its thread has ended"))
    }
}

/// Starts a thread that ends when its queue is gone.
fn start_thread(number: usize) -> io::Result<mpsc::UnboundedSender<Arrival>> {
    let runtime = runtime::Builder::new_current_thread().enable_all().build()?;
    let (queue, mut arrivals) = mpsc::unbounded_channel::<Arrival>();
    thread::Builder::new().name(format!("connections-{number}")).spawn(move || {
        runtime.block_on(async {
            while let Some(Arrival { connection, stream, tls }) = arrivals.recv().await {
                match TcpStream::from_std(stream) {
                    Ok(stream) => drop(tokio::spawn(connection.run(stream, tls))),
                    Err(error) => tracing::warn!(%error, "cannot take a connection"),
                }
            }
        });
        // What nobody waits for any more must not hold up the end.
        runtime.shutdown_background();
    })?;
    Ok(queue)
}

/// Answers what comes over one connection, as from `peer`, until it ends. It is not waited for when the server stops.
pub async fn answer_connection(gateway: Arc<Gateway>, stream: TcpStream, peer: SocketAddr) {
    let graceful = GracefulShutdown::new();
    Connection { gateway, peer, watcher: graceful.watcher() }.run(stream, None).await;
}

/// One client's connection.
struct Connection {
    gateway: Arc<Gateway>,
    peer: SocketAddr,
    watcher: Watcher,
}

impl Connection {
    async fn run(self, stream: TcpStream, tls: Option<Arc<Tls>>) {
        // Answers are small and written at once; waiting to fill a packet would only delay them.
        let _ = stream.set_nodelay(true);
        let peer = self.peer;
        let ended = match tls {
            None => self.speak(stream, false).await,
            Some(tls) => self.find_out(stream, &tls).await,
        };
        if let Err(error) = ended {
            tracing::debug!(%peer, %error, "connection ended");
        }
    }

    async fn find_out(self, stream: TcpStream, tls: &Tls) -> Result<(), Ended> {
        match tokio::time::timeout(HEADER_PATIENCE, is_handshake(&stream)).await?? {
            true => {
                let stream = tls.accept(stream).await?;
                self.speak(stream, true).await
            }
            false => self.speak(stream, false).await,
        }
    }

    async fn speak(
        self,
        stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
        secure: bool,
    ) -> Result<(), Ended> {
        let Self { gateway, peer, watcher } = self;
        let service = service_fn(move |mut request: Request<Incoming>| {
            let gateway = Arc::clone(&gateway);
            if secure {
                request.extensions_mut().insert(Secure);
            }
            let last = expects_without_body(&request);
            async move {
                let mut answer = gateway.answer(request, peer).await;
                if last {
                    answer.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
                }
                Ok::<_, Infallible>(answer)
            }
        });
        let mut http = Builder::new(TokioExecutor::new()).http1_only();
        http.http1().timer(TokioTimer::new()).header_read_timeout(HEADER_PATIENCE);
        watcher.watch(http.serve_connection_with_upgrades(TokioIo::new(stream), service)).await
    }
}

/// Whether a client waits for `100 Continue` before it sends a body of no bytes, as botocore does. It is answered at once
/// (RFC 9110 §10.1.1), and botocore then takes that answer for the one to its next request, too, unless the connection ends.
fn expects_without_body(request: &Request<Incoming>) -> bool {
    request.headers().contains_key(header::EXPECT) && request.body().is_end_stream()
}

type Ended = Box<dyn std::error::Error + Send + Sync>;
