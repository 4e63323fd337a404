//! Images: resolved with the task's own credential, always; pulled where layers are missing.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use futures_util::future::try_join_all;
use landfall_acs::{
    ContainerAssignment, ContainerSheet, LaunchSheet, PullProgress, StepOutcome, TaskPhase, TaskReport,
};
use landfall_image::{
    Credential, Digest, Image, LayerEvent, Platform, Progress, PullError, Reference, Resolved,
};

use super::report::{self, Ended};
use super::wording::{self, Stage};
use super::{Step, Task};

/// Layers of one image at once.
const CONCURRENCY: usize = 3;

/// How often progress is told.
const TELL_EVERY: Duration = Duration::from_millis(150);

/// Brings the image of every container, in definition order.
///
/// # Errors
/// The first failure, in the words of the launch type.
pub(super) async fn images(task: &Task, sheet: &LaunchSheet) -> Result<Vec<Image>, Ended> {
    let began = task.now();
    task.parts
        .control
        .report(TaskReport { pull_started_at: Some(began), ..report::empty(task, TaskPhase::Pending) })
        .await;
    let board = Board::new(task);
    let pulls = task.assignment.containers.iter().map(|container| image(task, container, sheet, &board));
    let images = try_join_all(pulls).await?;
    let stopped = Some(task.now());
    task.parts
        .control
        .report(TaskReport { pull_stopped_at: stopped, ..report::empty(task, TaskPhase::Pending) })
        .await;
    Ok(images)
}

async fn image(
    task: &Task,
    container: &ContainerAssignment,
    sheet: &LaunchSheet,
    board: &Board<'_>,
) -> Result<Image, Ended> {
    let credential = credential(sheet, &container.name);
    let resolved = resolve(task, container, credential.as_ref()).await?;
    let told = report::resolved(&container.name, resolved.digest.to_string());
    task.parts
        .control
        .report(TaskReport { containers: vec![told], ..report::empty(task, TaskPhase::Pending) })
        .await;
    board.expect(&resolved);
    pull(task, container, &resolved, credential.as_ref(), board).await
}

fn credential(sheet: &LaunchSheet, container: &str) -> Option<Credential> {
    let entry: Option<&ContainerSheet> = sheet.containers.iter().find(|entry| entry.name == container);
    let registry = entry?.registry.as_ref()?;
    Some(Credential::new(registry.username.clone(), registry.password.clone()))
}

async fn resolve(
    task: &Task,
    container: &ContainerAssignment,
    credential: Option<&Credential>,
) -> Result<Resolved, Ended> {
    let began = task.now();
    let platform = platform(&task.assignment.platform);
    let outcome = match container.image.parse::<Reference>() {
        Ok(reference) => task.parts.client.resolve(&reference, credential, &platform).await,
        Err(invalid) => Err(PullError::from(invalid)),
    };
    let step = Step {
        name: "resolve image",
        container: Some(&container.name),
        action: "HEAD manifest",
        resource: &container.image,
        notes: vec![match credential {
            Some(credential) => format!("with the credential of user `{}`", credential.username),
            None => "without a credential".to_owned(),
        }],
        hint: None,
    };
    conclude(task, step, began, outcome, Stage::Resolve, |resolved| format!("is {}", resolved.digest)).await
}

async fn pull(
    task: &Task,
    container: &ContainerAssignment,
    resolved: &Resolved,
    credential: Option<&Credential>,
    board: &Board<'_>,
) -> Result<Image, Ended> {
    let began = task.now();
    let store = &task.parts.layers;
    let outcome = store.pull(&task.parts.client, resolved, credential, board, CONCURRENCY).await;
    let digest = resolved.manifest_digest.to_string();
    let step = Step {
        name: "pull image",
        container: Some(&container.name),
        action: "GET blobs",
        resource: &digest,
        ..Step::default()
    };
    conclude(task, step, began, outcome, Stage::Pull, |image| format!("{} layers", image.layers.len())).await
}

async fn conclude<T>(
    task: &Task,
    mut step: Step<'_>,
    began: landfall_base::Timestamp,
    outcome: Result<T, PullError>,
    stage: Stage,
    note: impl FnOnce(&T) -> String,
) -> Result<T, Ended> {
    let name = step.container.unwrap_or_default().to_owned();
    match outcome {
        Ok(value) => {
            step.notes.push(note(&value));
            task.record(step, began, StepOutcome::Done).await;
            Ok(value)
        }
        Err(error) => {
            step.hint = Some(wording::pull_hint(&error, &step.notes));
            task.record(step, began, StepOutcome::Failed(error.to_string())).await;
            Err(Ended::container(&name, wording::pull(task.assignment.launch, stage, &error)))
        }
    }
}

fn platform(text: &str) -> Platform {
    match text.split_once('/') {
        Some((os, architecture)) => {
            Platform { os: os.to_owned(), architecture: architecture.to_owned(), variant: None }
        }
        None => Platform::host(),
    }
}

/// Adds up what happens to the layers of all images of a task.
struct Board<'a> {
    task: &'a Task,
    layers: Mutex<Layers>,
}

struct Layers {
    known: HashMap<Digest, Layer>,
    told: Instant,
}

struct Layer {
    size: u64,
    done: u64,
    over: bool,
}

impl<'a> Board<'a> {
    fn new(task: &'a Task) -> Self {
        let now = Instant::now();
        let told = now.checked_sub(TELL_EVERY).unwrap_or(now);
        Self { task, layers: Mutex::new(Layers { known: HashMap::new(), told }) }
    }

    fn expect(&self, resolved: &Resolved) {
        let mut layers = self.layers.lock().unwrap_or_else(PoisonError::into_inner);
        for layer in &resolved.manifest.layers {
            let entry = Layer { size: layer.size, done: 0, over: false };
            layers.known.entry(layer.digest.clone()).or_insert(entry);
        }
    }

    fn tell(&self, layers: &mut Layers, now: Instant) {
        layers.told = now;
        let mut sum = PullProgress::default();
        for layer in layers.known.values() {
            sum.layers_total += 1;
            sum.layers_done += u64::from(layer.over);
            sum.bytes_total += layer.size;
            sum.bytes_done += layer.done.min(layer.size);
        }
        self.task.parts.control.progress(self.task.arn(), sum);
    }
}

impl Progress for Board<'_> {
    fn layer(&self, digest: &Digest, event: LayerEvent) {
        let mut layers = self.layers.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(layer) = layers.known.get_mut(digest) else { return };
        match event {
            LayerEvent::Downloading { done, .. } => layer.done = done,
            LayerEvent::Done | LayerEvent::Exists => {
                layer.done = layer.size;
                layer.over = true;
            }
            _ => {}
        }
        let (now, over) = (Instant::now(), layer.over);
        if over || now.duration_since(layers.told) >= TELL_EVERY {
            self.tell(&mut layers, now);
        }
    }
}
