//! A registry with one user: `cargo run -p landfall-registry --example serve -- 127.0.0.1:5000 /tmp/blobs alice secret`.

use std::path::Path;

use landfall_registry::{BlobStore, MemoryAccess, MemoryCatalog, Permission, Registry};
use tokio::net::TcpListener;

type Error = Box<dyn std::error::Error>;

#[tokio::main]
async fn main() -> Result<(), Error> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [address, dir, user, password] = arguments.as_slice() else {
        return Err("expected: ADDRESS DIRECTORY USER PASSWORD".into());
    };
    let access = MemoryAccess::new().user(user, password, Permission::Everything);
    let registry = Registry::new(access, MemoryCatalog::new(), BlobStore::open(Path::new(dir))?);
    registry.serve(TcpListener::bind(address).await?).await;
    Ok(())
}
