//! The binary: becomes a container's shim, or hands its arguments to the command line. Nothing else.

use std::process::ExitCode;

use mimalloc::MiMalloc;
use zeroizing_alloc::ZeroAlloc;

/// Faster than musl's allocator by far, and than glibc's under many threads. What is freed is overwritten with zeros: requests
/// carry secrets through buffers of many libraries, and an image of the memory would still have them hours later.
#[global_allocator]
static ALLOCATOR: ZeroAlloc<MiMalloc> = ZeroAlloc(MiMalloc);

fn main() -> ExitCode {
    // First of all, because a shim must not have a second thread.
    let mut arguments = std::env::args_os().skip(1);
    if arguments.next().is_some_and(|first| first == "shim") {
        let rest: Vec<String> = arguments.map(|argument| argument.to_string_lossy().into_owned()).collect();
        return landfall_runtime::shim_main(&rest);
    }
    landfall_cli::main()
}
