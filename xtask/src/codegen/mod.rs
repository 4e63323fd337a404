//! `cargo xtask codegen`: writes `crates/api/src` from the reduced models and their overlays.

mod enums;
mod errors;
mod names;
mod operations;
mod pattern;
mod rust;
mod schemas;
mod service;
mod structures;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};

use crate::files;
use crate::model::{Model, Selection};
use crate::overlay::{self, Correction};
use service::Service;

/// Generated files: path below `crates/api/src`, and content.
type Files = BTreeMap<PathBuf, String>;

/// Runs the command.
pub(crate) fn run() -> Result<()> {
    let files = generate()?;
    let target = target();
    for (path, content) in &files {
        write_if_changed(&target.join(path), content)?;
    }
    for stale in written(&target)?.into_iter().filter(|path| !files.contains_key(path)) {
        fs::remove_file(target.join(&stale))?;
    }
    println!("{} files, {} lines", files.len(), files.values().map(|it| it.lines().count()).sum::<usize>());
    Ok(())
}

fn target() -> PathBuf {
    files::root().join("crates/api/src")
}

/// Leaves files alone that are as they should be, so that nothing is rebuilt for them.
fn write_if_changed(path: &Path, content: &str) -> Result<()> {
    if fs::read_to_string(path).is_ok_and(|current| current == content) {
        return Ok(());
    }
    files::write(path, content)
}

fn generate() -> Result<Files> {
    let selection: Selection = files::read_json(&files::models().join("operations.json"))?;
    let own = own_models()?;
    let mut names: Vec<&str> = selection.keys().chain(&own).map(String::as_str).collect();
    names.sort_unstable();
    let mut files = Files::new();
    for name in &names {
        let service = load(name)?;
        service.generate(&mut files).with_context(|| format!("service `{name}`"))?;
    }
    files.insert("lib.rs".into(), service::library(&names));
    files.into_iter().map(|(path, content)| Ok((path, rust::format(&content)?))).collect()
}

/// Names of the services whose models are written by hand, because they are Landfall's own.
fn own_models() -> Result<Vec<String>> {
    let entries = fs::read_dir(files::models().join("own"))?.collect::<Result<Vec<_>, _>>()?;
    let stem = |entry: &fs::DirEntry| Some(entry.path().file_stem()?.to_str()?.to_owned());
    Ok(entries.iter().filter_map(stem).collect())
}

/// Reads a service's model and corrects it.
fn load(name: &str) -> Result<Service> {
    let file = format!("{name}.json");
    let own = files::models().join("own").join(&file);
    let path = if own.exists() { own } else { files::models().join(&file) };
    let mut model: Model = files::read_json(&path)?;
    let corrections = files::models().join("overlay").join(&file);
    if corrections.exists() {
        let corrections: Vec<Correction> = files::read_json(&corrections)?;
        overlay::apply(&mut model, &corrections).with_context(|| format!("service `{name}`"))?;
    }
    Service::new(name, model)
}

/// The files that are there, by their paths below `directory`.
fn written(directory: &Path) -> Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    let mut waiting = vec![directory.to_owned()];
    while let Some(current) = waiting.pop() {
        for entry in fs::read_dir(&current)? {
            let path = entry?.path();
            if path.is_dir() {
                waiting.push(path);
            } else {
                found.push(path.strip_prefix(directory)?.to_owned());
            }
        }
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn generated_files_are_fresh() {
        let files = generate().unwrap();
        let mut there = written(&target()).unwrap();
        there.sort();
        assert_eq!(there, files.keys().cloned().collect::<Vec<_>>(), "run `cargo xtask codegen`");
        for (path, content) in &files {
            let current = fs::read_to_string(target().join(path)).unwrap();
            assert!(
                current == *content,
                "`crates/api/src/{}` is stale: run `cargo xtask codegen`",
                path.display()
            );
        }
    }

    fn generated(shapes: serde_json::Value, file: &str) -> Result<String> {
        let model = serde_json::from_value(serde_json::json!({
            "metadata": {
                "apiVersion": "2020-01-01", "endpointPrefix": "x", "jsonVersion": "1.1", "protocol": "json",
                "serviceFullName": "X", "serviceId": "X", "signatureVersion": "v4"
            },
            "operations": { "Do": { "input": { "shape": "DoRequest" } } },
            "shapes": shapes
        }))?;
        let mut files = Files::new();
        Service::new("x", model)?.generate(&mut files)?;
        rust::format(&files[Path::new(&format!("x/{file}"))])
    }

    #[test]
    fn a_shape_that_holds_itself_is_boxed() {
        let shapes = serde_json::json!({
            "DoRequest": { "type": "structure", "members": { "filter": { "shape": "Filter" } } },
            "Filter": {
                "type": "structure",
                "members": { "not": { "shape": "Filter" }, "all": { "shape": "Filters" } }
            },
            "Filters": { "type": "list", "member": { "shape": "Filter" } }
        });
        let types = generated(shapes, "types.rs").unwrap();
        for field in
            ["pub filter: Option<Filter>", "pub not: Option<Box<Filter>>", "pub all: Option<Vec<Filter>>"]
        {
            assert!(types.contains(field), "{types}");
        }
    }

    #[test]
    fn an_operation_without_output_gets_an_empty_one() {
        let shapes = || serde_json::json!({ "DoRequest": { "type": "structure" } });
        assert!(generated(shapes(), "types.rs").unwrap().contains("pub struct DoResponse {}"));
        assert!(generated(shapes(), "operations.rs").unwrap().contains("has_output: false"));
    }

    #[test]
    fn models_that_would_generate_something_wrong_are_refused() {
        let refused = [
            serde_json::json!({ "type": "structure", "document": true }),
            serde_json::json!({ "type": "string", "pattern": "a(?!b)" }),
            serde_json::json!({ "type": "string", "enum": ["A-B", "A_B"] }),
            serde_json::json!({ "type": "teapot" }),
            serde_json::json!({ "type": "list", "member": { "shape": "Gone" } }),
        ];
        for inner in refused {
            let shapes = serde_json::json!({
                "DoRequest": { "type": "structure", "members": { "inner": { "shape": "Inner" } } },
                "Inner": inner
            });
            assert!(generated(shapes.clone(), "schema.rs").is_err(), "{shapes}");
        }
    }
}
