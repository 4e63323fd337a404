//! Every operation of every service declares what it asks for; `docs/permissions/` shows it, and who of some sample
//! principals may do what. The files are written anew with `LANDFALL_WRITE_DOCS=1 cargo test -p landfall-services
//! --test permissions`.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a failing helper fails its test")]

mod exceptions;
mod forms;
mod matrix;
mod page;
mod samples;
mod walk;
mod world;

use std::collections::BTreeSet;
use std::path::PathBuf;

use walk::Walk;
use world::{TABLES, World};

/// Where the files are.
fn directory() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../docs/permissions")
}

/// Checks a file of `docs/permissions/`, or writes it if that is asked for.
fn check_file(name: &str, text: &str) -> Option<String> {
    let path = directory().join(name);
    if std::env::var_os("LANDFALL_WRITE_DOCS").is_some() {
        std::fs::create_dir_all(directory()).unwrap();
        std::fs::write(&path, text).unwrap();
        return None;
    }
    let stale = std::fs::read_to_string(&path).map_or(true, |old| old != text);
    stale.then(|| name.to_owned())
}

/// A service whose table is not walked would be one whose checks nobody reviews.
#[test]
fn every_service_is_walked() {
    let source = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut with_operations = BTreeSet::new();
    for entry in std::fs::read_dir(source).unwrap() {
        let path = entry.unwrap().path();
        let module = std::fs::read_to_string(path.join("mod.rs")).unwrap_or_default();
        if module.contains("pub const OPERATIONS") {
            with_operations.insert(path.file_name().unwrap().to_string_lossy().into_owned());
        }
    }
    let walked: BTreeSet<_> = TABLES.iter().map(|table| table[0].service.name.to_owned()).collect();
    assert_eq!(walked, with_operations);
}

#[test]
fn every_operation_declares_what_it_asks_for() {
    let walk = Walk::of(&World::every());
    let mut problems = walk.problems.clone();
    problems.dedup();
    for operation in &walk.operations {
        let name = operation.name();
        let open = exceptions::ASKS_FOR_NOTHING.contains(&name.as_str());
        match (operation.asks.is_empty(), open) {
            (true, false) => problems.push(format!("{name} asks for no permission")),
            (false, true) => problems.push(format!("{name} asks for a permission: it is no exception")),
            _ => {}
        }
    }
    assert!(problems.is_empty(), "{}", problems.join("\n"));
}

#[test]
fn exceptions_are_needed() {
    let walk = Walk::of(&World::every());
    let forms: BTreeSet<_> =
        walk.operations.iter().flat_map(|it| it.asks.values()).map(|ask| &ask.form).collect();
    for (action, form, _) in exceptions::OTHER_RESOURCES {
        let used = forms.iter().any(|it| exceptions::is_for(action, it.action) && it.resource == *form);
        assert!(used, "no operation asks for {action} on {form}");
    }
    for (action, form) in exceptions::BEYOND_THE_TABLES {
        let used = forms.iter().any(|it| it.action == *action && it.resource == *form);
        assert!(used, "no operation asks for {action} on {form}");
    }
}

#[test]
fn pages_are_fresh() {
    let worlds = World::every();
    let (walk, world) = (Walk::of(&worlds), &worlds[0]);
    let mut stale = Vec::new();
    for table in TABLES {
        let service = table[0].service.name;
        stale.extend(check_file(&format!("{service}.txt"), &page::render(service, &walk)));
    }
    stale.extend(check_file("s3.txt", &page::render_s3()));
    stale.extend(check_file("matrix.txt", &matrix::render(world, &walk)));
    assert!(
        stale.is_empty(),
        "docs/permissions/ is stale: {stale:?}; review the change after `LANDFALL_WRITE_DOCS=1 cargo test -p \
         landfall-services --test permissions`"
    );
}
