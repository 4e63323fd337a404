//! An OCI bundle for bare runtimes.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result};
use serde_json::{Value, json};

use crate::bench::process;

/// Unpacks the root file system, and writes one configuration for each program. Returns the bundles' common root.
pub(super) fn unpack(directory: &Path, root: &[u8]) -> Result<PathBuf> {
    let files = directory.join("rootfs");
    tar::Archive::new(root).unpack(&files).context("cannot unpack the root file system")?;
    Ok(files)
}

/// A bundle that runs `program` with the namespaces and limits of a small task.
pub(super) fn write(directory: &Path, runtime: &str, root: &Path, program: &str) -> Result<PathBuf> {
    let bundle = directory.join(format!("bundle-{runtime}-{}", program.replace('/', "-")));
    fs::create_dir_all(&bundle)?;
    let _ = fs::remove_file(bundle.join("config.json"));
    let mut command = Command::new(runtime);
    command.arg("spec").current_dir(&bundle);
    process::output(command)?;
    let file = bundle.join("config.json");
    let mut specification: Value = crate::files::read_json(&file)?;
    adapt(&mut specification, root, program);
    crate::files::write_json(&file, &specification)?;
    Ok(bundle)
}

fn adapt(specification: &mut Value, root: &Path, program: &str) {
    if let Some(process) = specification.pointer_mut("/process").and_then(Value::as_object_mut) {
        process.insert("terminal".into(), false.into());
        process.insert("args".into(), json!([program]));
        process.remove("rlimits");
    }
    if let Some(place) = specification.pointer_mut("/root") {
        *place = json!({ "path": root, "readonly": true });
    }
    if let Some(linux) = specification.pointer_mut("/linux").and_then(Value::as_object_mut) {
        let resources = linux.entry("resources").or_insert_with(|| json!({}));
        if let Some(resources) = resources.as_object_mut() {
            resources.insert("memory".into(), json!({ "limit": 512 << 20 }));
            resources.insert("cpu".into(), json!({ "shares": 256 }));
            resources.insert("pids".into(), json!({ "limit": 1024 }));
        }
    }
}
