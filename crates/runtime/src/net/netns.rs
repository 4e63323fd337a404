//! Network namespaces that live as long as a file they are bound to.

use std::fs::{self, File};
use std::path::Path;

use rustix::io::Errno;
use rustix::mount::{UnmountFlags, mount_bind, unmount};

use crate::error::{Doing, RuntimeError};
use crate::sys;

/// Makes a network namespace and binds it to `path`.
pub(crate) fn create(path: &Path) -> Result<(), RuntimeError> {
    let doing = || format!("cannot make the network namespace `{}`", path.display());
    File::create(path).doing(doing)?;
    // On a thread that ends right after: the namespace of a thread cannot be trusted to be changed back.
    on_thread(|| {
        sys::unshare(libc::CLONE_NEWNET).doing(doing)?;
        mount_bind("/proc/thread-self/ns/net", path).doing(doing)
    })
}

/// Runs `work` on a thread inside the namespace.
pub(crate) fn inside<T: Send>(
    path: &Path,
    work: impl FnOnce() -> Result<T, RuntimeError> + Send,
) -> Result<T, RuntimeError> {
    on_thread(|| {
        let enter = || sys::setns(File::open(path)?, libc::CLONE_NEWNET);
        enter().doing(|| format!("cannot enter the network namespace `{}`", path.display()))?;
        work()
    })
}

fn on_thread<T: Send>(work: impl FnOnce() -> Result<T, RuntimeError> + Send) -> Result<T, RuntimeError> {
    std::thread::scope(|scope| {
        let thread = std::thread::Builder::new().name("netns".to_owned()).spawn_scoped(scope, work);
        let thread = thread.doing(|| "cannot start a thread".to_owned())?;
        thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
    })
}

/// Lets go of a namespace; it ends with its last process. Nothing to do if there is none.
pub(crate) fn remove(path: &Path) -> Result<(), RuntimeError> {
    let doing = || format!("cannot remove the network namespace `{}`", path.display());
    match unmount(path, UnmountFlags::DETACH) {
        Ok(()) | Err(Errno::INVAL | Errno::NOENT) => {}
        Err(error) => return Err(RuntimeError::host(doing(), error)),
    }
    match fs::remove_file(path) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(RuntimeError::host(doing(), error)),
        _ => Ok(()),
    }
}
