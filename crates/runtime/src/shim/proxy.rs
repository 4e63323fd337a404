//! Publishes ports where the kernel's packet filter cannot: a process per sandbox that accepts connections on the host
//! and passes them on. It outlives the server as shims do. TCP only.

use std::fs::File;
use std::io;
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::time::Duration;

use super::{close_stdio, detach, hold, now, tell};
use crate::error::{StartFailure, StartFailureKind};
use crate::init;
use crate::layout::{Started, write_json};
use crate::plan::{ProxyPlan, Report};
use crate::sys;

const CONNECT: Duration = Duration::from_secs(10);

/// Binds every port, says so and serves until killed.
pub(super) fn run(plan: ProxyPlan) -> Result<(), StartFailure> {
    let bound: Vec<(TcpListener, SocketAddr)> = plan
        .ports
        .iter()
        .map(|(from, to)| bind(*from).map(|listener| (listener, *to)))
        .collect::<Result<_, _>>()?;
    let lock = File::create(plan.dir.join("proxy.lock"))
        .map_err(|error| StartFailure::other("cannot make the lock file", error))?;
    detach()?;
    hold(&lock)?;
    // Where there is no control group to move to, the process stays with the server.
    let _ = init::join(&plan.join);
    let started = Started { pid: 0, shim: std::process::id().cast_signed(), started_at: now() };
    write_json(&plan.dir.join("proxy.json"), &started)
        .map_err(|error| StartFailure::other("cannot write `proxy.json`", error))?;
    tell(&Report::Started { pid: started.shim, started_at: started.started_at });
    close_stdio();
    sys::set_signal_mask(false);
    let threads: Vec<_> =
        bound.into_iter().map(|(listener, to)| std::thread::spawn(move || accept(&listener, to))).collect();
    threads.into_iter().for_each(|thread| drop(thread.join()));
    drop(lock);
    Ok(())
}

/// Docker's words for a port that is taken.
fn bind(address: SocketAddr) -> Result<TcpListener, StartFailure> {
    TcpListener::bind(address).map_err(|_| {
        StartFailure::new(
            StartFailureKind::Other,
            format!("Bind for {address} failed: port is already allocated"),
        )
    })
}

fn accept(listener: &TcpListener, to: SocketAddr) {
    loop {
        match listener.accept() {
            Ok((client, _)) => {
                // A connection that finds no thread is closed, which is what its client would see anyway.
                let _ = std::thread::Builder::new().spawn(move || pass_on(client, to));
            }
            // Out of descriptors: wait for others to end.
            Err(_) => std::thread::sleep(Duration::from_millis(50)),
        }
    }
}

fn pass_on(client: TcpStream, to: SocketAddr) {
    let go = || -> io::Result<()> {
        let server = TcpStream::connect_timeout(&to, CONNECT)?;
        let (client_back, server_back) = (client.try_clone()?, server.try_clone()?);
        let back = std::thread::Builder::new().spawn(move || copy(server_back, client_back))?;
        copy(client, server);
        drop(back.join());
        Ok(())
    };
    // Either side sees the other's end as the end of the connection.
    let _ = go();
}

fn copy(mut from: TcpStream, mut to: TcpStream) {
    let _ = io::copy(&mut from, &mut to);
    let _ = to.shutdown(Shutdown::Write);
    let _ = from.shutdown(Shutdown::Read);
}
