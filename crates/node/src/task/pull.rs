//! Images: resolved with the task's own credential, always; pulled where layers are missing.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use futures_util::future::try_join_all;
use landfall_acs::{
    ContainerAssignment, ContainerSheet, Fix, LaunchKind, LaunchSheet, PullProgress, StepOutcome, StepRecord,
    TaskPhase, TaskReport,
};
use landfall_image::{
    Credential, Digest, Image, LayerEvent, Platform, Progress, PullError, Reference, Resolved,
};

use super::report::{self, Ended};
use super::wording::{self, Stage};
use super::{Step, Task};
use crate::Parts;

/// Layers of one image at once.
pub(crate) const CONCURRENCY: usize = 3;

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
    let tell = |sum| task.parts.control.progress(task.arn(), sum);
    let board = Board::new(&tell);
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
    let sheet = sheet.containers.iter().find(|entry| entry.name == container.name);
    let credential = credential(sheet);
    let resolved = resolve(task, container, sheet, credential.as_ref()).await?;
    let told = report::resolved(&container.name, resolved.digest.to_string());
    task.parts
        .control
        .report(TaskReport { containers: vec![told], ..report::empty(task, TaskPhase::Pending) })
        .await;
    board.expect(&resolved);
    pull(task, container, &resolved, credential.as_ref(), board).await
}

fn credential(sheet: Option<&ContainerSheet>) -> Option<Credential> {
    let registry = sheet?.registry.as_ref()?;
    Some(Credential::new(registry.username.clone(), registry.password.clone()))
}

async fn resolve(
    task: &Task,
    container: &ContainerAssignment,
    sheet: Option<&ContainerSheet>,
    credential: Option<&Credential>,
) -> Result<Resolved, Ended> {
    let asked = Asked {
        container: &container.name,
        image: &container.image,
        address: sheet.and_then(|it| it.image.as_deref()),
        platform: &task.assignment.platform,
        launch: task.assignment.launch,
        credential,
        replace: sheet.and_then(|it| it.registry.as_ref()?.replace.as_deref()),
        login: sheet.and_then(|it| it.login.as_ref()),
    };
    let (record, outcome) = ask(&task.parts, asked).await;
    task.parts.control.record(task.arn(), record).await;
    outcome.map_err(|reason| Ended::container(&container.name, reason))
}

/// What a registry is asked.
pub(crate) struct Asked<'a> {
    pub(crate) container: &'a str,
    /// As written in the task definition.
    pub(crate) image: &'a str,
    /// Where it is pulled from, if not from there.
    pub(crate) address: Option<&'a str>,
    pub(crate) platform: &'a str,
    pub(crate) launch: LaunchKind,
    pub(crate) credential: Option<&'a Credential>,
    /// How to replace the credential.
    pub(crate) replace: Option<&'a str>,
    /// How to give the container one.
    pub(crate) login: Option<&'a Fix>,
}

/// Asks a registry what an image is right now. The error is in the words of the launch type.
pub(crate) async fn ask(parts: &Parts, asked: Asked<'_>) -> (StepRecord, Result<Resolved, String>) {
    let began = parts.clock.now();
    let address = asked.address.unwrap_or(asked.image);
    let outcome = match address.parse::<Reference>() {
        Ok(reference) => parts.client.resolve(&reference, asked.credential, &platform(asked.platform)).await,
        Err(invalid) => Err(PullError::from(invalid)),
    };
    let mut step = Step {
        name: "resolve image",
        container: Some(asked.container),
        action: "HEAD manifest",
        resource: address,
        notes: vec![match asked.credential {
            Some(credential) => format!("with the credential of user `{}`", credential.username),
            None => "without a credential".to_owned(),
        }],
        finding: None,
    };
    let of = Pulled {
        image: asked.image,
        anonymous: asked.credential.is_none(),
        replace: asked.replace,
        login: asked.login,
        launch: asked.launch,
    };
    let (outcome, told) =
        of.conclude(&mut step, outcome, Stage::Resolve, |resolved| format!("is {}", resolved.digest));
    (step.record(began, parts.clock.now(), told), outcome)
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
    let of = Layers {
        container: &container.name,
        image: &container.image,
        digest: &resolved.manifest_digest.to_string(),
        anonymous: credential.is_none(),
        launch: task.assignment.launch,
    };
    let (step, told, outcome) = of.step(outcome, |image| format!("{} layers", image.layers.len()));
    task.record(step, began, told).await;
    outcome.map_err(|reason| Ended::container(&container.name, reason))
}

/// Layers that are brought, or asked for.
pub(crate) struct Layers<'a> {
    pub(crate) container: &'a str,
    /// As written in the task definition.
    pub(crate) image: &'a str,
    /// Of the manifest.
    pub(crate) digest: &'a str,
    pub(crate) anonymous: bool,
    pub(crate) launch: LaunchKind,
}

impl<'a> Layers<'a> {
    /// The step, by how it came out. The error is in the words of the launch type.
    pub(crate) fn step<T>(
        &self,
        outcome: Result<T, PullError>,
        note: impl FnOnce(&T) -> String,
    ) -> (Step<'a>, StepOutcome, Result<T, String>) {
        let Self { container, image, digest, anonymous, launch } = *self;
        let mut step = Step {
            name: "pull image",
            container: Some(container),
            action: "GET blobs",
            resource: digest,
            ..Step::default()
        };
        let of = Pulled { image, anonymous, replace: None, login: None, launch };
        let (outcome, told) = of.conclude(&mut step, outcome, Stage::Pull, note);
        (step, told, outcome)
    }
}

/// What a pull was about.
pub(super) struct Pulled<'a> {
    pub(super) image: &'a str,
    pub(super) anonymous: bool,
    pub(super) replace: Option<&'a str>,
    pub(super) login: Option<&'a Fix>,
    launch: LaunchKind,
}

impl Pulled<'_> {
    /// Completes a step by how it came out. The error is in the words of the launch type.
    fn conclude<T>(
        &self,
        step: &mut Step<'_>,
        outcome: Result<T, PullError>,
        stage: Stage,
        note: impl FnOnce(&T) -> String,
    ) -> (Result<T, String>, StepOutcome) {
        match outcome {
            Ok(value) => {
                step.notes.push(note(&value));
                (Ok(value), StepOutcome::Done)
            }
            Err(error) => {
                let reason = wording::pull(self.launch, stage, &error);
                step.finding = Some(wording::pull_finding(self, &error, reason.clone()));
                (Err(reason), StepOutcome::Failed(error.to_string()))
            }
        }
    }
}

pub(crate) fn platform(text: &str) -> Platform {
    match text.split_once('/') {
        Some((os, architecture)) => {
            Platform { os: os.to_owned(), architecture: architecture.to_owned(), variant: None }
        }
        None => Platform::host(),
    }
}

/// Adds up what happens to the layers of all images of a task, or of a check.
pub(crate) struct Board<'a> {
    tell: &'a (dyn Fn(PullProgress) + Send + Sync),
    layers: Mutex<Counted>,
}

struct Counted {
    known: HashMap<Digest, Layer>,
    told: Instant,
}

struct Layer {
    size: u64,
    done: u64,
    over: bool,
}

impl<'a> Board<'a> {
    pub(crate) fn new(tell: &'a (dyn Fn(PullProgress) + Send + Sync)) -> Self {
        let now = Instant::now();
        let told = now.checked_sub(TELL_EVERY).unwrap_or(now);
        Self { tell, layers: Mutex::new(Counted { known: HashMap::new(), told }) }
    }

    pub(crate) fn expect(&self, resolved: &Resolved) {
        let mut layers = self.layers.lock().unwrap_or_else(PoisonError::into_inner);
        for layer in &resolved.manifest.layers {
            let entry = Layer { size: layer.size, done: 0, over: false };
            layers.known.entry(layer.digest.clone()).or_insert(entry);
        }
    }

    fn tell(&self, layers: &mut Counted, now: Instant) {
        layers.told = now;
        let mut sum = PullProgress::default();
        for layer in layers.known.values() {
            sum.layers_total += 1;
            sum.layers_done += u64::from(layer.over);
            sum.bytes_total += layer.size;
            sum.bytes_done += layer.done.min(layer.size);
        }
        (self.tell)(sum);
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
