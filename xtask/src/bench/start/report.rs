//! The tables of task starts.

use super::contender::Contender;
use super::landfall::Tasks;
use crate::bench::document::{Section, Table, cell, number, ratio};
use crate::bench::outcome::Series;

const TEXT: &str = "\
The image is present, and the same root file system (busybox) is behind every row. *Running* is the time from the request, or from the \
start of the command, until the container's process has run its first instruction: it writes what the clock shows. *Whole* is `/bin/true` \
from the request until it has ended and its container is removed, and in Landfall's row until no mount, cgroup or process of it is left.

- **Landfall** starts a Fargate task with `awsvpc` network, a private image and `awslogs`: it writes the task durably, assumes the execution \
role, reads the registry's credential from Secrets Manager, asks the registry for the manifest with that credential (a task must not use a \
cached image that it may not pull), makes the log stream, the network, the root file system, cgroups and seccomp filter. \
No other row does the first half of that.
- **crun** and **runc** run a prepared bundle: no image, no address, no log, no supervisor.
- **docker** and **podman** run with their defaults, and once more without network. All rivals run in a mount and a network namespace of their own, \
so that the host keeps its firewall rules; there the empty cgroup v2 mount is taken away, because crun refuses hybrid hosts.

Ratios above 1 mean that Landfall is faster.";

/// Everything that was measured, as a section of the document.
pub(super) fn section(tasks: &Tasks, contenders: &[Contender]) -> Section {
    Section {
        title: "Task start",
        text: TEXT.to_owned(),
        tables: vec![comparison(tasks, contenders), api(tasks), trace(tasks)],
        bounds: bounds(tasks, contenders),
    }
}

fn comparison(tasks: &Tasks, contenders: &[Contender]) -> Table {
    let mut table = Table::new(&[
        "Started by",
        "running, ms",
        "Landfall is faster by",
        "whole, ms",
        "Landfall is faster by",
    ]);
    let mut row = |name: &str, running: &Series, whole: &Series| {
        let (first, second) = match name {
            "Landfall RunTask" => ("–".to_owned(), "–".to_owned()),
            _ => {
                (ratio(running.median(), tasks.running.median()), ratio(whole.median(), tasks.gone.median()))
            }
        };
        table.rows.push(vec![name.to_owned(), cell(running, 1), first, cell(whole, 1), second]);
    };
    row("Landfall RunTask", &tasks.running, &tasks.gone);
    for contender in contenders {
        row(contender.name, &contender.running, &contender.whole);
    }
    table
}

fn api(tasks: &Tasks) -> Table {
    let mut table = Table::new(&["Landfall, as the API shows it (asked every millisecond)", "ms"]);
    let rows = [
        ("RunTask answered", &tasks.answered),
        ("DescribeTasks says `RUNNING`", &tasks.shown_running),
        ("DescribeTasks says `STOPPED`, for `/bin/true`", &tasks.stopped),
    ];
    table.rows = rows.iter().map(|(name, series)| vec![(*name).to_owned(), cell(series, 1)]).collect();
    table
}

fn trace(tasks: &Tasks) -> Table {
    let mut table = Table::new(&["Step of the start trace", "ms"]);
    table.rows = tasks.steps.iter().map(|(name, series)| vec![name.clone(), cell(series, 0)]).collect();
    table
}

fn bounds(tasks: &Tasks, contenders: &[Contender]) -> Vec<(String, String)> {
    let mut bounds = Vec::new();
    bounds.extend(landfall_bound(tasks).map(|sentence| ("Landfall RunTask".to_owned(), sentence)));
    let median = |name: &str| contenders.iter().find(|contender| contender.name == name)?.running.median();
    for name in ["crun run", "runc run"] {
        if median(name).is_some() {
            let sentence = "making namespaces, mounts and cgroups in the kernel, after its own start as a program; nothing else is in the way.";
            bounds.push((name.to_owned(), sentence.to_owned()));
        }
    }
    for (engine, detached) in
        [("docker run", "docker run --network none"), ("podman run", "podman run --network none")]
    {
        if let (Some(with), Some(without)) = (median(engine), median(detached)) {
            bounds.push((
                engine.to_owned(),
                engine_bound(with, without, median("runc run").or(median("crun run"))),
            ));
        }
    }
    bounds
}

fn engine_bound(with: f64, without: f64, bare: Option<f64>) -> String {
    let bare =
        bare.map_or_else(String::new, |bare| format!(", of which a bare runtime is {} ms", number(bare, 0)));
    format!(
        "its chain of client, daemon or monitor, and runtime: {} ms without a network{bare}; with its network {} ms.",
        number(without, 0),
        number(with, 0)
    )
}

/// The trace says which steps took longest; what it does not cover is the rest.
fn landfall_bound(tasks: &Tasks) -> Option<String> {
    let running = tasks.running.median()?;
    let mut steps: Vec<(&str, f64)> =
        tasks.steps.iter().filter_map(|(name, series)| Some((name.as_str(), series.median()?))).collect();
    let sum: f64 = steps.iter().map(|(_, duration)| duration).sum();
    steps.sort_by(|one, other| other.1.total_cmp(&one.1));
    let longest: Vec<String> = steps
        .iter()
        .take(3)
        .map(|(name, duration)| format!("*{name}* {} ms", number(*duration, 0)))
        .collect();
    let answered = tasks.answered.median().unwrap_or_default();
    Some(format!(
        "of {} ms, the durable RunTask itself took {} ms and the steps of the trace {} ms, the longest being {}.",
        number(running, 1),
        number(answered, 1),
        number(sum, 0),
        longest.join(", ")
    ))
}
