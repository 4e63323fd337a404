//! Listening.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use http::Request;
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto::Builder;
use hyper_util::server::graceful::{GracefulShutdown, Watcher};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};

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
                tokio::spawn(connection.run(stream, tls.clone()));
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
            async move { Ok::<_, Infallible>(gateway.answer(request, peer).await) }
        });
        let mut http = Builder::new(TokioExecutor::new()).http1_only();
        http.http1().timer(TokioTimer::new()).header_read_timeout(HEADER_PATIENCE);
        watcher.watch(http.serve_connection_with_upgrades(TokioIo::new(stream), service)).await
    }
}

type Ended = Box<dyn std::error::Error + Send + Sync>;
