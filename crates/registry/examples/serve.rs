//! A registry that stands alone: blobs in a directory, names in memory, one user who may do everything.
//!
//! `cargo run -p landfall-registry --example serve -- DIRECTORY [ADDRESS]`, with the user's name and password in
//! `REGISTRY_USER` and `REGISTRY_PASSWORD` (`test` and `test`). It says where it listens, and what a collection removed
//! each time it reads a line. The conformance suites run against it.

use std::error::Error;
use std::io::{BufRead as _, Write as _};
use std::path::Path;
use std::time::Duration;

use landfall_registry::{BlobStore, MemoryAccess, MemoryCatalog, Permission, Registry};
use tokio::net::TcpListener;

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let directory =
        arguments.next().ok_or("the first argument is missing: expected a directory for blobs")?;
    let address = arguments.next().unwrap_or_else(|| "127.0.0.1:0".to_owned());
    let access =
        MemoryAccess::new().user(&from("REGISTRY_USER"), &from("REGISTRY_PASSWORD"), Permission::Everything);
    let registry = Registry::new(access, MemoryCatalog::new(), BlobStore::open(Path::new(&directory))?);
    let listener = TcpListener::bind(address).await?;
    say(&listener.local_addr()?.to_string())?;
    tokio::spawn(collect_when_told(registry.clone()));
    registry.serve(listener).await;
    Ok(())
}

fn from(variable: &str) -> String {
    std::env::var(variable).unwrap_or_else(|_| "test".to_owned())
}

async fn collect_when_told<A, C>(registry: Registry<A, C>) -> Result<(), Box<dyn Error + Send + Sync>>
where
    A: landfall_registry::Access,
    C: landfall_registry::Catalog,
{
    while tokio::task::spawn_blocking(|| std::io::stdin().lock().lines().next()).await?.is_some() {
        say(&format!("{:?}", registry.collect(Duration::ZERO).await?))?;
    }
    Ok(())
}

fn say(line: &str) -> std::io::Result<()> {
    let mut out = std::io::stdout();
    writeln!(out, "{line}")?;
    out.flush()
}
