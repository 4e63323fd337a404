//! Whether an image has what a container of it would start: as far as its config tells, and looked up in layers that are on
//! this machine, before anything runs. What cannot be told is left open; the start tells it.

use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::time::Duration;

use landfall_acs::{
    Finding, ImageQuestion, LaunchKind, MountSource, NOT_ASKED, Probed, Program, Seen, StepOutcome,
    StepRecord, Tmpfs,
};
use landfall_base::Timestamp;
use landfall_image::{
    Credential, Entry, Image, ImageConfig, NoProgress, Progress, PullError, Resolved, RunConfig,
};
use landfall_runtime::{
    DEFAULT_PATH, RuntimeError, StartFailure, check_mount_source, check_mount_target, check_process,
    check_tmpfs, check_user, missing_program, mount_misfit, mount_unmade, no_directory,
};

use crate::Parts;
use crate::task::pull::{Board, CONCURRENCY, Layers};
use crate::task::spec::{args, first, mebibytes};
use crate::task::{Step, wording};

/// Largest file of accounts that is read.
const MOST_BYTES: u64 = 4 << 20;
/// Longest wait for the config and the answers about layers: whoever checks waits for it.
const PATIENCE: Duration = Duration::from_secs(20);

/// An image that is looked at.
pub(crate) struct Of<'a> {
    pub(crate) parts: &'a Parts,
    pub(crate) question: &'a ImageQuestion,
    pub(crate) credential: Option<&'a Credential>,
    /// Who hears how far its pull is, if what is missing is to be brought.
    pub(crate) pull: Option<&'a Board<'a>>,
}

impl Of<'_> {
    /// Looks into an image: all of it if that is here, or brought, otherwise its config.
    pub(crate) async fn look(&self, resolved: &Resolved) -> Probed {
        let Self { parts, credential, .. } = *self;
        let began = parts.clock.now();
        if self.pull.is_some() || parts.layers.holds(&resolved.manifest) {
            return match self.brought(resolved).await {
                Ok(image) => self.look_into_files(image).await,
                Err(error) => self.not_pulled(resolved, Err(error), began),
            };
        }
        let asked = parts.layers.preview(&parts.client, resolved, credential, CONCURRENCY);
        match tokio::time::timeout(PATIENCE, asked).await {
            Ok(Ok(config)) => self.by_config(&config.config, began),
            Ok(Err(error)) => self.not_pulled(resolved, Err(error), began),
            Err(_) => self.not_pulled(resolved, Ok(()), began),
        }
    }

    async fn brought(&self, resolved: &Resolved) -> Result<Image, PullError> {
        let Parts { layers, client, .. } = self.parts;
        if let Some(board) = self.pull {
            board.expect(resolved);
        }
        let progress = self.pull.map_or(&NoProgress as &dyn Progress, |board| board);
        layers.pull(client, resolved, self.credential, progress, CONCURRENCY).await
    }

    /// What a pull comes to; without an error there was no answer in time.
    fn not_pulled(&self, resolved: &Resolved, outcome: Result<(), PullError>, began: Timestamp) -> Probed {
        let question = self.question;
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
        Probed { steps: vec![step.record(began, self.parts.clock.now(), told)], ..Probed::default() }
    }

    /// What the config alone tells.
    fn by_config(&self, run: &RunConfig, began: Timestamp) -> Probed {
        match can_be_run(&self.question.program, run) {
            Ok(_) => {
                let seen = Seen::Config { entry_point: !run.entrypoint.is_empty() };
                Probed { steps: Vec::new(), seen }
            }
            Err(error) => self.seen(run, vec![Err(error)], began),
        }
    }

    async fn look_into_files(&self, image: Image) -> Probed {
        let began = self.parts.clock.now();
        let (program, ImageConfig { config, .. }) = (self.question.program.clone(), image.config.clone());
        match tokio::task::spawn_blocking(move || look_into(&image, &program)).await {
            Ok(found) => self.seen(&config, found, began),
            Err(_) => Probed::default(),
        }
    }

    /// The steps that look into an image: one for each thing that is wrong, and one for the rest.
    fn seen(&self, image: &RunConfig, found: Vec<Looked>, began: Timestamp) -> Probed {
        let (mut notes, mut wrong) = (Vec::new(), Vec::new());
        for looked in found {
            match looked {
                Ok(note) => notes.push(note),
                Err(error) => wrong.push(error),
            }
        }
        let known: Vec<_> = wrong.iter().filter_map(failure).cloned().collect();
        let mut steps: Vec<_> = wrong.iter().map(|it| self.step_of(image, it, &known, began)).collect();
        if !notes.is_empty() {
            let step = Step { notes, ..self.step() };
            steps.push(step.record(began, self.parts.clock.now(), StepOutcome::Done));
        }
        Probed { steps, seen: Seen::All }
    }

    fn step(&self) -> Step<'_> {
        Step {
            name: "look into image",
            container: Some(&self.question.container),
            action: "read layers",
            resource: &self.question.image,
            ..Step::default()
        }
    }

    fn step_of(
        &self,
        image: &RunConfig,
        error: &RuntimeError,
        known: &[StartFailure],
        began: Timestamp,
    ) -> StepRecord {
        let ImageQuestion { container, launch, program, .. } = self.question;
        let started = wording::Started {
            container,
            entry_point: program.entry_point.as_ref(),
            command: program.command.as_ref(),
            image,
        };
        let mut finding = wording::start_finding(started, error, wording::start(*launch, error));
        let mounts = program.mounts.iter().map(|it| (&it.point, host_path(&it.source))).collect();
        let outfit = wording::Outfit { mounts, tmpfs: &program.tmpfs, controls: &[] };
        let left_out = failure(error).and_then(|failure| outfit.left_out(failure, known));
        finding.fix = left_out.or(finding.fix);
        let step = Step { finding: Some(finding), ..self.step() };
        step.record(began, self.parts.clock.now(), StepOutcome::Failed(error.to_string()))
    }
}

fn failure(error: &RuntimeError) -> Option<&StartFailure> {
    match error {
        RuntimeError::Start(failure) => Some(failure),
        _ => None,
    }
}

/// What this machine refuses of file systems in memory, and those that it takes.
pub(crate) fn refused_tmpfs(container: &str, launch: LaunchKind, tmpfs: &[Tmpfs]) -> Option<Finding> {
    let check = |(path, mib, options): &Tmpfs| check_tmpfs(Path::new(path), Some(mebibytes(*mib)), options);
    let refused: Vec<_> = tmpfs.iter().filter_map(|it| check(it).err()).collect();
    let first = refused.first()?.clone();
    let fix = wording::Outfit { mounts: Vec::new(), tmpfs, controls: &[] }.left_out(&first, &refused);
    let error = RuntimeError::Start(first);
    let image = RunConfig::default();
    let started = wording::Started { container, entry_point: None, command: None, image: &image };
    let finding = wording::start_finding(started, &error, wording::start(launch, &error));
    Some(Finding { fix, ..finding })
}

/// What one look came to: what is there, or cannot be told, or the failure that a start would have.
type Looked = Result<String, RuntimeError>;

/// The words that are started, if a container can be made of them at all.
fn can_be_run(program: &Program, run: &RunConfig) -> Result<Vec<String>, RuntimeError> {
    let words = args(program.entry_point.as_ref(), program.command.as_ref(), run);
    if words.is_empty() {
        return Err(RuntimeError::Invalid(wording::NO_COMMAND.to_owned()));
    }
    check_process(&words, &directory(program, run))?;
    targets(program).try_for_each(check_mount_target)?;
    Ok(words)
}

/// Where something is mounted, in this order.
fn targets(program: &Program) -> impl Iterator<Item = &Path> {
    let mounts = program.mounts.iter().map(|it| &it.point.container_path);
    mounts.chain(program.tmpfs.iter().map(|(path, ..)| path)).map(Path::new)
}

fn directory(program: &Program, run: &RunConfig) -> PathBuf {
    PathBuf::from(first([program.working_directory.as_deref(), Some(&run.working_dir)], "/"))
}

/// What the image has and lacks, in the order of a start.
fn look_into(image: &Image, program: &Program) -> Vec<Looked> {
    let run = &image.config.config;
    let words = match can_be_run(program, run) {
        Ok(words) => words,
        Err(error) => return vec![Err(error)],
    };
    let cwd = directory(program, run);
    let user = first([program.user.as_deref(), Some(&run.user)], "");
    let name = words.first().map_or("", String::as_str);
    let open = |what: String| Ok(format!("{NOT_ASKED}{what}"));
    let mut found = mounts(image, program);
    found.extend([
        has_user(image, program, user)
            .unwrap_or_else(|| open(format!("whether there is the user `{user}`: a volume may hide it"))),
        has_directory(image, program, &cwd)
            .unwrap_or_else(|| open(format!("whether there is the directory `{}`", cwd.display()))),
        has_program(image, program, run, &cwd, name)
            .unwrap_or_else(|| open(format!("whether there is the program `{name}`: a volume may hide it"))),
    ]);
    found
}

/// Whether everything can be mounted where it is to be.
fn mounts(image: &Image, program: &Program) -> Vec<Looked> {
    let sources = program.mounts.iter().map(|it| &it.source);
    let sources = sources.chain(program.tmpfs.iter().map(|_| &MountSource::Task));
    let targets: Vec<_> = targets(program).collect();
    let mut found = Vec::new();
    for (at, (source, target)) in sources.zip(targets.iter().copied()).enumerate() {
        let before = targets.iter().take(at);
        // What is in another mount, or in one of the kernel's, is not the image's.
        let hidden = before.copied().chain(KERNEL_MOUNTS.map(Path::new)).any(|it| target.starts_with(it));
        let fits = match hidden {
            true => None,
            false => has_place(image, source, target),
        };
        found.extend(match (fits, source) {
            (Some(Ok(())), _) => None,
            (Some(Err(failure)), _) => Some(Err(failure)),
            // The task's own directories are mounted over what is made for them.
            (None, MountSource::Task) => None,
            (None, _) => {
                Some(Ok(format!("{NOT_ASKED}whether a volume can be mounted on `{}`", target.display())))
            }
        });
    }
    found
}

/// Where the kernel's file systems are.
const KERNEL_MOUNTS: [&str; 3] = ["/proc", "/sys", "/dev"];

/// Whether the image has room for a mount.
fn has_place(image: &Image, source: &MountSource, target: &Path) -> Option<Result<(), RuntimeError>> {
    let is_directory = match source {
        MountSource::Task => true,
        MountSource::Unseen => return None,
        MountSource::Host(path) => match is_directory(Path::new(path))? {
            Ok(is_directory) => is_directory,
            Err(error) => return Some(Err(error)),
        },
    };
    let misfit = |over_file| Some(Err(RuntimeError::Start(mount_misfit(target, over_file))));
    for part in target.ancestors() {
        match image.entry(part).ok()? {
            Entry::Directory if part == target && !is_directory => return misfit(false),
            Entry::File { .. } | Entry::Other if part != target || is_directory => return misfit(true),
            _ => {}
        }
    }
    Some(Ok(()))
}

/// Whether a path of the machine is a directory: what is missing is made as one. Unknown where it cannot be looked at.
fn is_directory(path: &Path) -> Option<Result<bool, RuntimeError>> {
    if let Err(error) = check_mount_source(path) {
        return Some(Err(error));
    }
    match std::fs::metadata(path) {
        Ok(found) => Some(Ok(found.is_dir())),
        Err(error) => match error.kind() {
            ErrorKind::NotFound => Some(Ok(true)),
            ErrorKind::NotADirectory => Some(Err(RuntimeError::Start(mount_unmade(path)))),
            _ => None,
        },
    }
}

fn host_path(source: &MountSource) -> Option<&str> {
    match source {
        MountSource::Host(path) => Some(path),
        _ => None,
    }
}

fn has_user(image: &Image, program: &Program, user: &str) -> Option<Looked> {
    if user.is_empty() {
        return Some(Ok("it runs as root".to_owned()));
    }
    let passwd = text(image, program, "/etc/passwd")?;
    let group = text(image, program, "/etc/group")?;
    let found = check_user(user, &passwd, &group);
    Some(found.map(|()| format!("the image has the user `{user}`")).map_err(RuntimeError::Start))
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
fn has_directory(image: &Image, program: &Program, cwd: &Path) -> Option<Looked> {
    if is_mounted(program, cwd) {
        return Some(Ok(format!("`{}` is in a volume", cwd.display())));
    }
    for part in cwd.ancestors() {
        if let Entry::File { .. } | Entry::Other = image.entry(part).ok()? {
            return Some(Err(RuntimeError::Start(no_directory(cwd, part == cwd))));
        }
    }
    Some(Ok(format!("it begins in `{}`", cwd.display())))
}

fn has_program(image: &Image, program: &Program, run: &RunConfig, cwd: &Path, name: &str) -> Option<Looked> {
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
    Some(Err(RuntimeError::Start(missing_program(name, denied))))
}

fn path_of<'a>(program: &'a Program, run: &'a RunConfig) -> &'a str {
    let of_image = run.env.iter().rev().find_map(|pair| pair.strip_prefix("PATH="));
    program.path.as_deref().or(of_image).unwrap_or(DEFAULT_PATH)
}

/// What a volume hides of the image is not known.
fn is_mounted(program: &Program, path: &Path) -> bool {
    targets(program).any(|mount| path.starts_with(mount))
}
