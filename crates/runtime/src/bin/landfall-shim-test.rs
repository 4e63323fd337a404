//! A program for the tests: what `landfall` does when it is executed as a shim, and a server to be killed.

use std::process::ExitCode;

use landfall_runtime::{ContainerSpec, NativeConfig, NativeRuntime, Runtime, SandboxSpec};

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    match args.split_first() {
        Some((role, rest)) if role == "shim" => landfall_runtime::shim_main(rest),
        Some((role, rest)) if role == "serve" => match serve(rest) {
            Ok(()) => ExitCode::SUCCESS,
            Err(error) => {
                eprintln!("{error}");
                ExitCode::FAILURE
            }
        },
        _ => ExitCode::FAILURE,
    }
}

/// Starts one container, says so and waits to be killed.
fn serve(args: &[String]) -> Result<(), Box<dyn std::error::Error>> {
    let [dir, cgroup, bridge, network, layer, script] = args else {
        return Err("six arguments are needed".into());
    };
    let mut config = NativeConfig::new(dir);
    config.cgroup = cgroup.into();
    config.bridge.clone_from(bridge);
    config.subnet = Some((network.parse()?, 24));
    let runtime = NativeRuntime::new(config)?;
    let sandbox = runtime.create_sandbox(&SandboxSpec::new("s".parse()?))?;
    let command = ["/bin/sh", "-c", script].map(str::to_owned).to_vec();
    let mut spec = ContainerSpec::new("c".parse()?, sandbox.id, vec![layer.into()], command);
    spec.labels.insert("task".to_owned(), "arn".to_owned());
    runtime.start_container(&spec)?;
    println!("running");
    loop {
        std::thread::park();
    }
}
