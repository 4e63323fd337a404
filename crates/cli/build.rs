//! Compiles the program inside the demo's image: static and freestanding, so that the demo needs nothing from outside.

use std::path::{Path, PathBuf};
use std::{env, process};

const SOURCE: &str = "demo/hello.c";

fn main() {
    println!("cargo::rerun-if-changed={SOURCE}");
    if let Err(reason) = compile() {
        eprintln!("the demo's program was not compiled: {reason}");
        process::exit(1);
    }
}

fn compile() -> Result<(), String> {
    let out =
        PathBuf::from(env::var_os("OUT_DIR").ok_or("`OUT_DIR` is not set: expected to be run by cargo")?);
    let program = out.join("hello");
    let architecture = env::var("CARGO_CFG_TARGET_ARCH").unwrap_or_default();
    if !["x86_64", "aarch64"].contains(&architecture.as_str()) {
        // The demo says so when it is run.
        return std::fs::write(&program, []).map_err(|error| error.to_string());
    }
    link(&program)
}

fn link(program: &Path) -> Result<(), String> {
    let mut command = cc::Build::new().cargo_metadata(false).get_compiler().to_command();
    let options = [
        "-static",
        "-nostdlib",
        "-ffreestanding",
        "-fno-builtin",
        "-Os",
        "-fno-stack-protector",
        "-fno-pie",
        "-no-pie",
        "-fno-asynchronous-unwind-tables",
        "-Wl,--build-id=none",
        "-s",
        "-o",
    ];
    let status = command.args(options).arg(program).arg(SOURCE).status();
    match status {
        Ok(status) if status.success() => Ok(()),
        Ok(status) => Err(format!("`{command:?}` ended with {status}")),
        Err(error) => Err(format!("`{command:?}` could not be run: {error}; install a C compiler (`cc`)")),
    }
}
