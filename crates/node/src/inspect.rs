//! Whether an image has what a container of it would start: as far as its config tells, and looked up in layers that are on
//! this machine, before anything runs. What cannot be told is left open; the start tells it.

use std::path::{Path, PathBuf};
use std::time::Duration;

use landfall_acs::{ImageQuestion, NOT_ASKED, Probed, Program, Seen, StepOutcome};
use landfall_base::Timestamp;
use landfall_image::{Credential, Entry, Image, ImageConfig, NoProgress, PullError, Resolved, RunConfig};
use landfall_runtime::{
    DEFAULT_PATH, RuntimeError, StartFailure, check_mount_target, check_process, check_user, missing_program,
    no_directory,
};

use crate::Parts;
use crate::task::pull::Layers;
use crate::task::spec::{args, first};
use crate::task::{Step, wording};

/// Largest file of accounts that is read.
const MOST_BYTES: u64 = 4 << 20;
/// Longest wait for the config and the answers about layers: whoever checks waits for it.
const PATIENCE: Duration = Duration::from_secs(20);
/// Layers that are asked for at once.
const CONCURRENCY: usize = 3;

/// Looks into an image: all of it if that is here, otherwise its config.
pub(crate) async fn look(
    parts: &Parts,
    question: &ImageQuestion,
    resolved: &Resolved,
    credential: Option<&Credential>,
) -> Probed {
    let began = parts.clock.now();
    if parts.layers.holds(&resolved.manifest) {
        let pulled = parts.layers.pull(&parts.client, resolved, credential, &NoProgress, 1).await;
        return match pulled {
            Ok(image) => look_into_files(parts, question, image, began).await.unwrap_or_default(),
            Err(error) => not_pulled(parts, question, resolved, Err(error), began),
        };
    }
    let asked = parts.layers.preview(&parts.client, resolved, credential, CONCURRENCY);
    match tokio::time::timeout(PATIENCE, asked).await {
        Ok(Ok(config)) => by_config(parts, question, &config.config, began),
        Ok(Err(error)) => not_pulled(parts, question, resolved, Err(error), began),
        Err(_) => not_pulled(parts, question, resolved, Ok(()), began),
    }
}

/// What a pull would come to; without an error there was no answer in time.
fn not_pulled(
    parts: &Parts,
    question: &ImageQuestion,
    resolved: &Resolved,
    outcome: Result<(), PullError>,
    began: Timestamp,
) -> Probed {
    let image = &question.image;
    let of = Layers {
        container: &question.container,
        image,
        digest: &resolved.manifest_digest.to_string(),
        anonymous: question.credential.is_none(),
        launch: question.launch,
    };
    let (step, told, answered) = of.step(outcome, |()| {
        let why = format!("its registry did not answer within {} seconds", PATIENCE.as_secs());
        format!("{NOT_ASKED}whether the config and the layers of `{image}` can be had: {why}")
    });
    let told = if answered.is_ok() { StepOutcome::Skipped } else { told };
    Probed { steps: vec![step.record(began, parts.clock.now(), told)], ..Probed::default() }
}

/// What the config alone tells.
fn by_config(parts: &Parts, question: &ImageQuestion, run: &RunConfig, began: Timestamp) -> Probed {
    match can_be_run(&question.program, run) {
        Ok(_) => {
            let seen = Seen::Config { entry_point: !run.entrypoint.is_empty() };
            Probed { steps: Vec::new(), seen }
        }
        Err(error) => seen(parts, question, run, Err(error), began),
    }
}

async fn look_into_files(
    parts: &Parts,
    question: &ImageQuestion,
    image: Image,
    began: Timestamp,
) -> Option<Probed> {
    let (program, ImageConfig { config, .. }) = (question.program.clone(), image.config.clone());
    let found = tokio::task::spawn_blocking(move || look_into(&image, &program)).await.ok()??;
    Some(seen(parts, question, &config, found, began))
}

/// The step that looks into an image.
fn seen(
    parts: &Parts,
    question: &ImageQuestion,
    image: &RunConfig,
    found: Result<Vec<String>, RuntimeError>,
    began: Timestamp,
) -> Probed {
    let mut step = Step {
        name: "look into image",
        container: Some(&question.container),
        action: "read layers",
        resource: &question.image,
        ..Step::default()
    };
    let outcome = match found {
        Ok(notes) => {
            step.notes = notes;
            StepOutcome::Done
        }
        Err(error) => {
            let reason = wording::start(question.launch, &error);
            let of = wording::Started {
                container: &question.container,
                entry_point: question.program.entry_point.as_ref(),
                command: question.program.command.as_ref(),
                image,
            };
            step.finding = Some(wording::start_finding(of, &error, reason));
            StepOutcome::Failed(error.to_string())
        }
    };
    Probed { steps: vec![step.record(began, parts.clock.now(), outcome)], seen: Seen::All }
}

/// The words that are started, if a container can be made of them at all.
fn can_be_run(program: &Program, run: &RunConfig) -> Result<Vec<String>, RuntimeError> {
    let words = args(program.entry_point.as_ref(), program.command.as_ref(), run);
    if words.is_empty() {
        return Err(RuntimeError::Invalid(wording::NO_COMMAND.to_owned()));
    }
    check_process(&words, &directory(program, run))?;
    program.mounts.iter().try_for_each(|target| check_mount_target(Path::new(target)))?;
    Ok(words)
}

fn directory(program: &Program, run: &RunConfig) -> PathBuf {
    PathBuf::from(first([program.working_directory.as_deref(), Some(&run.working_dir)], "/"))
}

/// What the image has, or the first that it lacks, in the order of a start; `None` where that cannot be told.
fn look_into(image: &Image, program: &Program) -> Option<Result<Vec<String>, RuntimeError>> {
    let run = &image.config.config;
    let words = match can_be_run(program, run) {
        Ok(words) => words,
        Err(error) => return Some(Err(error)),
    };
    let cwd = directory(program, run);
    let user = first([program.user.as_deref(), Some(&run.user)], "");
    let checks = [
        has_user(image, program, user)?,
        has_directory(image, program, &cwd)?,
        has_program(image, program, run, &cwd, words.first()?)?,
    ];
    let mut notes = Vec::new();
    for check in checks {
        match check {
            Ok(note) => notes.push(note),
            Err(failure) => return Some(Err(RuntimeError::Start(failure))),
        }
    }
    Some(Ok(notes))
}

type Check = Result<String, StartFailure>;

fn has_user(image: &Image, program: &Program, user: &str) -> Option<Check> {
    let passwd = text(image, program, "/etc/passwd")?;
    let group = text(image, program, "/etc/group")?;
    Some(check_user(user, &passwd, &group).map(|()| match user {
        "" => "it runs as root".to_owned(),
        user => format!("the image has the user `{user}`"),
    }))
}

/// A file's text; none is as good as empty.
fn text(image: &Image, program: &Program, path: &str) -> Option<String> {
    if is_mounted(program, Path::new(path)) {
        return None;
    }
    match image.entry(Path::new(path)).ok()? {
        Entry::File { path, .. } => {
            let small = std::fs::metadata(&path).ok()?.len() <= MOST_BYTES;
            let bytes = small.then(|| std::fs::read(&path).ok()).flatten()?;
            Some(String::from_utf8_lossy(&bytes).into_owned())
        }
        _ => Some(String::new()),
    }
}

/// A directory that is not there is made.
fn has_directory(image: &Image, program: &Program, cwd: &Path) -> Option<Check> {
    if is_mounted(program, cwd) {
        return Some(Ok(format!("`{}` is in a volume", cwd.display())));
    }
    for part in cwd.ancestors() {
        if let Entry::File { .. } | Entry::Other = image.entry(part).ok()? {
            return Some(Err(no_directory(cwd, part == cwd)));
        }
    }
    Some(Ok(format!("it begins in `{}`", cwd.display())))
}

fn has_program(image: &Image, program: &Program, run: &RunConfig, cwd: &Path, name: &str) -> Option<Check> {
    let candidates: Vec<PathBuf> = match name.contains('/') {
        true => vec![cwd.join(name)],
        false => path_of(program, run).split(':').map(|dir| cwd.join(dir).join(name)).collect(),
    };
    let mut denied = false;
    for candidate in &candidates {
        if is_mounted(program, candidate) {
            return None;
        }
        match image.entry(candidate).ok()? {
            Entry::File { mode, .. } if mode & 0o111 != 0 => {
                return Some(Ok(format!("the image has the program `{}`", candidate.display())));
            }
            Entry::Missing => {}
            _ => denied = true,
        }
    }
    Some(Err(missing_program(name, denied)))
}

fn path_of<'a>(program: &'a Program, run: &'a RunConfig) -> &'a str {
    let of_image = run.env.iter().rev().find_map(|pair| pair.strip_prefix("PATH="));
    program.path.as_deref().or(of_image).unwrap_or(DEFAULT_PATH)
}

/// What a volume hides of the image is not known.
fn is_mounted(program: &Program, path: &Path) -> bool {
    program.mounts.iter().any(|mount| path.starts_with(mount))
}
