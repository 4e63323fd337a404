//! Whether an image has what a container of it would start: looked up in layers that are on this machine, before anything
//! runs. What cannot be told is left open; the start tells it.

use std::path::{Path, PathBuf};

use landfall_acs::{ImageQuestion, Program, StepOutcome, StepRecord};
use landfall_image::{Credential, Entry, Image, NoProgress, Resolved, RunConfig};
use landfall_runtime::{DEFAULT_PATH, RuntimeError, StartFailure, check_user, missing_program};

use crate::Parts;
use crate::task::spec::{args, first};
use crate::task::{Step, wording};

/// Largest file of accounts that is read.
const MOST_BYTES: u64 = 4 << 20;

/// The step that looks into an image; `None` where not all of it is here.
pub(crate) async fn look(
    parts: &Parts,
    question: &ImageQuestion,
    resolved: &Resolved,
    credential: Option<&Credential>,
) -> Option<StepRecord> {
    if !parts.layers.holds(&resolved.manifest) {
        return None;
    }
    let began = parts.clock.now();
    let image = parts.layers.pull(&parts.client, resolved, credential, &NoProgress, 1).await.ok()?;
    let (program, config) = (question.program.clone(), image.config.config.clone());
    let found = tokio::task::spawn_blocking(move || look_into(&image, &program)).await.ok()??;
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
                image: &config,
            };
            step.finding = Some(wording::start_finding(of, &error, reason));
            StepOutcome::Failed(error.to_string())
        }
    };
    Some(step.record(began, parts.clock.now(), outcome))
}

/// What the image has, or the first that it lacks, in the order of a start; `None` where that cannot be told.
fn look_into(image: &Image, program: &Program) -> Option<Result<Vec<String>, RuntimeError>> {
    let run = &image.config.config;
    let words = args(program.entry_point.as_ref(), program.command.as_ref(), run);
    let Some(name) = words.first() else {
        return Some(Err(RuntimeError::Invalid(wording::NO_COMMAND.to_owned())));
    };
    let user = first([program.user.as_deref(), Some(&run.user)], "");
    let checks = [has_user(image, program, user)?, has_program(image, program, run, name)?];
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

fn has_program(image: &Image, program: &Program, run: &RunConfig, name: &str) -> Option<Check> {
    let cwd = PathBuf::from(first([program.working_directory.as_deref(), Some(&run.working_dir)], "/"));
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
