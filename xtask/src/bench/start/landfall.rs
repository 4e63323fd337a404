//! Tasks of Landfall: as the container's process sees the time, as the API shows it, and as the host sees the end.

use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};
use serde_json::{Value, json};

use super::stamp;
use crate::bench::aws::{ECS, LOGS, text};
use crate::bench::landfall::{CLUSTER, LOG_GROUP, Landfall};
use crate::bench::outcome::Series;
use crate::bench::registry::{PASSWORD, Registry, USERNAME};
use crate::bench::{Bench, image, residue};

/// How often the API is asked.
const PAUSE: Duration = Duration::from_millis(1);

/// How long a task may take.
const PATIENCE: Duration = Duration::from_secs(30);

/// How long the container of the first measurement lives, so that its task can be seen running.
const LIFE_MS: &str = "300";

/// What is measured of Landfall.
#[derive(Default)]
pub(super) struct Tasks {
    ready: Option<Ready>,
    /// From RunTask to the program's first act, in milliseconds.
    pub(super) running: Series,
    /// To the first answer of DescribeTasks that says RUNNING.
    pub(super) shown_running: Series,
    /// From RunTask to STOPPED, for `/bin/true`.
    pub(super) stopped: Series,
    /// To the moment when no mount, cgroup or process of the task is left.
    pub(super) gone: Series,
    /// RunTask's own answer.
    pub(super) answered: Series,
    /// Steps of the start trace, in order, in milliseconds.
    pub(super) steps: Vec<(String, Series)>,
}

struct Ready {
    landfall: Landfall,
    _registry: Registry,
}

impl Tasks {
    /// Starts the server and a registry, and runs a task so that the image is present.
    pub(super) fn prepare(bench: &Bench, root: &[u8]) -> Self {
        let mut tasks = Self::default();
        match prepare(bench, root) {
            Ok(ready) => tasks.ready = Some(ready),
            Err(error) => tasks.all().into_iter().for_each(|series| series.fail(&error)),
        }
        tasks
    }

    fn all(&mut self) -> [&mut Series; 5] {
        [&mut self.running, &mut self.shown_running, &mut self.stopped, &mut self.gone, &mut self.answered]
    }

    /// One repetition.
    pub(super) fn once(&mut self) {
        if self.running.goes_on()
            && let Err(error) = self.until_running()
        {
            self.running.fail(&error);
            self.shown_running.fail(&error);
        }
        if self.stopped.goes_on()
            && let Err(error) = self.until_gone()
        {
            self.stopped.fail(&error);
            self.gone.fail(&error);
        }
    }

    fn until_running(&mut self) -> Result<()> {
        let ready = self.ready.as_mut().context("there is no server")?;
        let began = (stamp::now(), Instant::now());
        let task = ready.landfall.run_task("stamp")?;
        self.answered.samples.add(elapsed(began.1));
        ready.landfall.wait_for(&task, &["RUNNING", "DEACTIVATING", "STOPPING", "DEPROVISIONING"])?;
        self.shown_running.samples.add(elapsed(began.1));
        ready.landfall.wait_for(&task, &["STOPPED"])?;
        let written = ready.landfall.first_line(&task)?;
        self.running.samples.add(stamp::since(began.0, &written)?);
        let trace = ready.landfall.explain(&task)?;
        self.take_steps(&trace);
        Ok(())
    }

    fn until_gone(&mut self) -> Result<()> {
        let ready = self.ready.as_mut().context("there is no server")?;
        let began = Instant::now();
        let task = ready.landfall.run_task("true")?;
        ready.landfall.wait_for(&task, &["STOPPED"])?;
        self.stopped.samples.add(elapsed(began));
        residue::wait_until_none(id(&task), PATIENCE)?;
        self.gone.samples.add(elapsed(began));
        Ok(())
    }

    fn take_steps(&mut self, trace: &Value) {
        for step in trace.get("steps").and_then(Value::as_array).into_iter().flatten() {
            let (Some(name), Some(duration)) = (step["name"].as_str(), step["duration_ms"].as_f64()) else {
                continue;
            };
            match self.steps.iter_mut().find(|(known, _)| known == name) {
                Some((_, series)) => series.samples.add(duration),
                None => self.steps.push((name.to_owned(), one(duration))),
            }
        }
    }
}

fn one(value: f64) -> Series {
    let mut series = Series::default();
    series.samples.add(value);
    series
}

fn elapsed(began: Instant) -> f64 {
    began.elapsed().as_secs_f64() * 1000.0
}

fn id(task: &str) -> &str {
    task.rsplit('/').next().unwrap_or(task)
}

fn prepare(bench: &Bench, root: &[u8]) -> Result<Ready> {
    let directory = bench.directory("start/landfall")?;
    let registry = Registry::start(&directory)?;
    let layout = directory.join("layout");
    image::write_layout(&layout, std::iter::once(Ok(root.to_vec())))?;
    registry.push(&layout, "team/bench")?;
    let mut landfall = Landfall::start(&bench.landfall, &directory)?;
    let (role, secret) = landfall.prepare_tasks(USERNAME, PASSWORD)?;
    let image = registry.reference("team/bench");
    landfall.define("stamp", &image, &["/bin/stamp", LIFE_MS], &role, &secret)?;
    landfall.define("true", &image, &["/bin/true"], &role, &secret)?;
    let task = landfall.run_task("true")?;
    landfall.wait_for(&task, &["STOPPED"])?;
    Ok(Ready { landfall, _registry: registry })
}

impl Landfall {
    /// Registers a Fargate task of one container with a private image and awslogs.
    pub(in crate::bench) fn define(
        &mut self,
        family: &str,
        image: &str,
        command: &[&str],
        role: &str,
        secret: &str,
    ) -> Result<()> {
        let options = json!({
            "awslogs-group": LOG_GROUP, "awslogs-region": crate::bench::aws::REGION, "awslogs-stream-prefix": "bench" });
        let definition = json!({
            "family": family, "networkMode": "awsvpc", "requiresCompatibilities": ["FARGATE"],
            "cpu": "256", "memory": "512", "executionRoleArn": role,
            "containerDefinitions": [{
                "name": "app", "image": image, "essential": true, "command": command,
                "repositoryCredentials": { "credentialsParameter": secret },
                "logConfiguration": { "logDriver": "awslogs", "options": options },
            }],
        });
        self.admin.json(ECS, "RegisterTaskDefinition", &definition)?;
        Ok(())
    }

    /// Starts one task. Returns its ARN.
    pub(in crate::bench) fn run_task(&mut self, family: &str) -> Result<String> {
        let request = json!({
            "cluster": CLUSTER, "taskDefinition": family, "launchType": "FARGATE",
            "networkConfiguration": { "awsvpcConfiguration": { "subnets": ["subnet-12345678"], "assignPublicIp": "ENABLED" } },
        });
        let answer = self.admin.json(ECS, "RunTask", &request)?;
        Ok(text(&answer, "/tasks/0/taskArn")?.to_owned())
    }

    /// Asks until the task has one of these states. Returns the task; one that stopped with an error is an error.
    pub(in crate::bench) fn wait_for(&mut self, task: &str, states: &[&str]) -> Result<Value> {
        let (began, request) = (Instant::now(), json!({ "cluster": CLUSTER, "tasks": [task] }));
        loop {
            let mut answer = self.admin.json(ECS, "DescribeTasks", &request)?;
            let status = text(&answer, "/tasks/0/lastStatus")?.to_owned();
            let found = answer.pointer_mut("/tasks/0").map(Value::take).unwrap_or_default();
            if status == "STOPPED" {
                ended_well(&found)?;
            }
            if states.contains(&status.as_str()) {
                return Ok(found);
            }
            if status == "STOPPED" || began.elapsed() > PATIENCE {
                bail!("the task is {status} and was not seen to be {}", states.join(" or "));
            }
            std::thread::sleep(PAUSE);
        }
    }

    fn first_line(&mut self, task: &str) -> Result<String> {
        let stream = format!("bench/app/{}", id(task));
        let request =
            json!({ "logGroupName": LOG_GROUP, "logStreamName": stream, "startFromHead": true, "limit": 1 });
        let answer = self.admin.json(LOGS, "GetLogEvents", &request)?;
        Ok(text(&answer, "/events/0/message")?.to_owned())
    }
}

fn ended_well(task: &Value) -> Result<()> {
    if task.pointer("/containers/0/exitCode").and_then(Value::as_i64) != Some(0) {
        let reason = task.pointer("/stoppedReason").and_then(Value::as_str).unwrap_or_default();
        let container = task.pointer("/containers/0/reason").and_then(Value::as_str).unwrap_or_default();
        bail!("the task failed: {reason} {container}");
    }
    Ok(())
}
