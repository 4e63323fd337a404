//! Carries a launch plan out: every step through the pipe, as the execution role, with a record of what was decided.
//!
//! [`execute`] starts a task and ends with the first failure. [`look`] takes the same steps dry, keeps nothing of them and
//! goes on behind failures: what it finds is what a start would.

use std::borrow::Cow;
use std::collections::BTreeMap;

use landfall_acs::{
    ContainerSheet, Finding, Fix, LaunchKind, LaunchSheet, StartFailure, StepOutcome, StepRecord,
};
use landfall_api::ecs::LogConfiguration;
use landfall_base::{AccountId, Arn, Region, Sensitive, random};
use landfall_iam::Layer;
use landfall_shape::ServiceError;

use super::SERVICE_PRINCIPAL;
use super::advice::{
    Advice, Advised, Circumstances, CurrentVersion, LogWords, Remedy, advise, example, settle,
};
use super::circumstances::{
    absent_secret, boundary_of, bucket_owner, denying, key_in_use, namesakes, needs, new_role, stranger,
    wanted_keys,
};
use super::log_destination::{masked, with_secret_options};
use super::mend::Mend;
use super::plan::{InstanceRole, LaunchPlan, S3Object, Step, When, Work};
use super::problem::{Problem, Purpose};
use super::quotas::Quotas;
use super::wording;
use crate::ec2::{Service, Way, way};
use crate::landfall::policy_of_resource;
use crate::pipe::{Caller, Calls, CheckRecord, Failure, PlannedPolicy, Unsaid};
use crate::snapshot::NOT_ASKED;
use crate::sts::{ServiceSession, assume_role_for_service, session_without_trust};

/// What came of a plan.
#[derive(Debug)]
pub struct Execution {
    /// The start trace.
    pub steps: Vec<StepRecord>,
    /// What the containers need, or why they cannot start: the first failure.
    pub result: Result<LaunchSheet, StartFailure>,
    /// What the containers would get, if this was only a look.
    pub sheets: Vec<ContainerSheet>,
    /// Options of log drivers that came from secrets, by container.
    pub log_options: SecretLogOptions,
    /// The execution role's session, once the role was assumed.
    pub session: Option<Caller>,
    /// The task role's session, once the role was assumed.
    pub task_session: Option<Caller>,
}

/// Options of log drivers that came from secrets, by container.
pub type SecretLogOptions = BTreeMap<String, Vec<(String, Sensitive<String>)>>;

/// Carries a plan out up to the first failure. It may block.
pub fn execute(calls: Calls<'_>, plan: &LaunchPlan) -> Execution {
    Run::new(calls, plan, None).all()
}

/// Finds everything that would fail. Nothing is changed. Where the role may not read a secret, its content is looked at
/// as `reader`, if that one may. It may block.
pub fn look(calls: Calls<'_>, plan: &LaunchPlan, reader: &Caller, role: RoleToBe) -> Execution {
    Run { session: role.session, planned: role.policies, ..Run::new(calls.dry(), plan, Some(reader)) }.all()
}

/// The execution role as it will be.
#[derive(Debug, Default)]
pub struct RoleToBe {
    /// Its session, where there is no such role yet.
    pub session: Option<Caller>,
    /// Policies that it will have, and will not have any more.
    pub policies: Vec<PlannedPolicy>,
}

/// A launch on its way.
pub(super) struct Run<'a> {
    pub(super) calls: Calls<'a>,
    pub(super) plan: &'a LaunchPlan,
    /// Who looks, if nothing is to be started.
    pub(super) reader: Option<&'a Caller>,
    session: Option<Caller>,
    /// What the execution role's policies will be.
    planned: Vec<PlannedPolicy>,
    task_session: Option<Caller>,
    instance: Option<Caller>,
    pub(super) sheets: Vec<ContainerSheet>,
    pub(super) log_options: SecretLogOptions,
    /// The variables of environment files that were fetched.
    pub(super) files: BTreeMap<S3Object, Vec<(String, Sensitive<String>)>>,
    pub(super) group_missing: bool,
    records: Vec<StepRecord>,
    /// What is to be changed, by the place of the record that tells it.
    remedies: BTreeMap<usize, Remedy>,
    /// Policies as they will be with that.
    advised: Advised,
    failure: Option<StartFailure>,
    /// What failed was a secret.
    secrets_failed: bool,
}

/// A step whose secrets are known by now.
struct Settled<'s> {
    /// As it is taken.
    step: Cow<'s, Step>,
    /// As it is told: without values of secrets.
    told: Cow<'s, Step>,
    /// Those values.
    unsaid: Unsaid,
    /// What commands have in their place.
    log_words: LogWords,
}

/// What came of a step.
pub(super) struct Taken {
    pub(super) checks: Vec<CheckRecord>,
    pub(super) notes: Vec<String>,
    pub(super) result: Result<(), Problem>,
    /// What is wrong with the content beside that.
    pub(super) beside: Option<Problem>,
    /// What makes a secret hold what is wanted.
    pub(super) mends: Vec<Mend>,
    /// It has to be written anew for another of the plan's steps: it is no registry credential, and no mend makes one of it.
    pub(super) anew: bool,
    /// The current version of the secret, where another one is wanted.
    pub(super) current: Option<CurrentVersion>,
}

impl Taken {
    pub(super) fn new(checks: Vec<CheckRecord>, result: Result<(), Problem>) -> Self {
        Self {
            checks,
            notes: Vec::new(),
            result,
            beside: None,
            mends: Vec::new(),
            anew: false,
            current: None,
        }
    }

    pub(super) fn failed(problem: Problem) -> Self {
        Self::new(Vec::new(), Err(problem))
    }

    pub(super) fn refused(code: &'static str, message: impl Into<String>) -> Self {
        Self::failed(Problem::Refused(ServiceError::client(code, message)))
    }

    /// Of a step that somebody else than the role took: what it may tells nothing of the role.
    fn says_nothing(&self) -> bool {
        self.checks.iter().any(|check| !check.allowed)
            || matches!(&self.result, Err(Problem::Refused(error)) if error.code.contains("AccessDenied"))
    }

    /// What the reader would have looked at, and may not.
    fn not_seen(&self) -> Option<String> {
        let denied = self.checks.iter().find(|check| !check.allowed)?;
        let CheckRecord { principal, action, resource, .. } = denied;
        let what = format!("whether `{resource}` is as the tasks want it");
        (resource != "*").then(|| format!("{NOT_ASKED}{what}: `{principal}` is not allowed `{action}`"))
    }

    pub(super) fn noting(mut self, notes: Vec<String>) -> Self {
        self.notes.extend(notes);
        self
    }
}

impl<'a> Run<'a> {
    fn new(calls: Calls<'a>, plan: &'a LaunchPlan, reader: Option<&'a Caller>) -> Self {
        let sheet = |name: &String| ContainerSheet {
            name: name.clone(),
            image: None,
            registry: None,
            login: None,
            manifest: None,
            environment: Vec::new(),
        };
        Self {
            calls,
            plan,
            reader,
            session: None,
            planned: Vec::new(),
            task_session: None,
            instance: None,
            sheets: plan.containers.iter().map(sheet).collect(),
            log_options: SecretLogOptions::new(),
            files: BTreeMap::new(),
            group_missing: false,
            records: Vec::new(),
            remedies: BTreeMap::new(),
            advised: Advised::default(),
            failure: None,
            secrets_failed: false,
        }
    }

    fn all(mut self) -> Execution {
        for step in &self.plan.steps {
            let settled = self.settled(step);
            self.step(&settled);
        }
        self.give_files();
        self.weigh();
        if self.reader.is_some() {
            told_once(&mut self.records, &mut self.remedies);
        }
        self.settle();
        let (given, sheets) =
            if self.reader.is_some() { (Vec::new(), self.sheets) } else { (self.sheets, Vec::new()) };
        let result = self.failure.map_or(Ok(LaunchSheet { containers: given, credentials_id: None }), Err);
        let (session, task_session) = (self.session, self.task_session);
        Execution {
            steps: self.records,
            result,
            sheets,
            log_options: self.log_options,
            session,
            task_session,
        }
    }

    /// What the containers get has to be small enough for a program.
    fn weigh(&mut self) {
        if self.reader.is_none() && self.failure.is_some() {
            return;
        }
        for environment in &self.plan.environments {
            let sheet = self.sheets.iter().find(|it| it.name == environment.container);
            let given = sheet.map_or(&[][..], |it| it.environment.as_slice());
            let Some(finding) = environment.too_large(given, self.plan.launch) else { continue };
            let reason = finding.message.clone();
            self.records.push(StepRecord {
                name: "make environment".to_owned(),
                container: Some(environment.container.clone()),
                principal: self.plan.task_arn.clone(),
                action: "execve".to_owned(),
                resource: environment.container.clone(),
                started_at: self.calls.installation().clock.now(),
                duration_ms: 0,
                outcome: StepOutcome::Failed(finding.headline.clone()),
                notes: Vec::new(),
                hint: finding.fix.as_ref().map(Fix::line),
                finding: Some(finding),
                context: Vec::new(),
                decision: None,
            });
            let containers = vec![environment.container.clone()];
            self.failure.get_or_insert(StartFailure { reason, containers });
        }
    }

    /// What is to be changed for one finding depends on what is to be changed for the others.
    fn settle(&mut self) {
        let records = &self.records;
        let headline =
            |at: usize| records.get(at).and_then(|it| it.finding.as_ref()).map(|it| it.headline.clone());
        let mut all: Vec<_> =
            self.remedies.iter_mut().filter_map(|(at, remedy)| Some((headline(*at)?, remedy))).collect();
        settle(&mut all);
        let view = self.calls.installation().store.view();
        let mut quotas = Quotas::of(&view, &self.plan.account);
        all.into_iter().for_each(|(_, remedy)| quotas.fit(remedy));
        for (at, remedy) in &self.remedies {
            let Some(record) = self.records.get_mut(*at) else { continue };
            let Some(finding) = record.finding.as_mut() else { continue };
            let fix = remedy.fix();
            record.hint = Some(fix.line());
            finding.fix = Some(fix);
        }
    }

    /// The step as the secrets make it that are known by now: options of a log driver may be secret.
    fn settled<'s>(&self, step: &'s Step) -> Settled<'s> {
        let plain = Settled {
            step: Cow::Borrowed(step),
            told: Cow::Borrowed(step),
            unsaid: Unsaid::default(),
            log_words: LogWords::default(),
        };
        let logs = matches!(step.work, Work::LogStream { .. } | Work::LogGroup { .. });
        let name = step.containers.first().filter(|_| logs);
        let secret = name.and_then(|name| self.log_options.get(name));
        let source = name.and_then(|name| self.plan.logs.iter().find(|it| it.container == *name));
        let (Some(secret), Some(source)) = (secret, source) else { return plain };
        let (masked, unsaid) = masked(secret);
        Settled {
            step: Cow::Owned(step.with_destination(source.destination(secret))),
            told: Cow::Owned(step.with_destination(source.destination(&masked))),
            unsaid,
            log_words: LogWords::of(&source.configuration, &self.plan.region),
        }
    }

    /// The log driver of a step's container, with its options from secrets.
    pub(super) fn log_configuration(&self, step: &Step) -> Option<LogConfiguration> {
        let name = step.containers.first()?;
        let secret = self.log_options.get(name).map_or(&[][..], Vec::as_slice);
        let source = self.plan.logs.iter().find(|it| it.container == *name)?;
        Some(with_secret_options(&source.configuration, secret))
    }

    fn step(&mut self, settled: &Settled<'_>) {
        let Settled { step, told, .. } = settled;
        if step.when == When::LogGroupMissing && !self.group_missing {
            return;
        }
        let mut record = self.blank(told);
        if self.is_out_of_reach(step) {
            record.outcome = StepOutcome::Skipped;
            self.records.push(record);
            return;
        }
        let taken = self.take(step, &settled.unsaid);
        if self.is_asked_by_the_reader(step) && taken.says_nothing() {
            record.outcome = StepOutcome::Skipped;
            record.notes.extend(taken.not_seen());
            self.records.push(record);
            return;
        }
        let ended = self.calls.installation().clock.now();
        record.duration_ms = u64::try_from(ended.millis() - record.started_at.millis()).unwrap_or(0);
        self.conclude(settled, &taken, record);
    }

    /// After a failure nothing more is done; who only looks goes on.
    fn is_out_of_reach(&self, step: &Step) -> bool {
        self.reader.is_none() && self.failure.is_some() && !self.is_asked_with_others(step)
    }

    /// Without a role the reader asks himself: what is missing is missing for everybody.
    pub(super) fn is_asked_by_the_reader(&self, step: &Step) -> bool {
        let assumes = matches!(
            step.work,
            Work::AssumeRole { .. } | Work::AssumeTaskRole { .. } | Work::AssumeInstanceRole(_)
        );
        self.reader.is_some() && !assumes && self.plan.role.is_some() && self.session.is_none()
    }

    /// The container agent asks for all secrets at once, and tells of all that it did not get.
    fn is_asked_with_others(&self, step: &Step) -> bool {
        self.secrets_failed && !self.is_fargate() && matches!(step.work, Work::Secret { .. })
    }

    fn blank(&self, step: &Step) -> StepRecord {
        let (container, notes) = match step.containers.as_slice() {
            [] => (None, Vec::new()),
            [one] => (Some(one.clone()), Vec::new()),
            several => (None, vec![format!("for the containers {}", several.join(", "))]),
        };
        StepRecord {
            name: step.name.to_owned(),
            container,
            principal: step.principal.clone(),
            action: step.action.to_owned(),
            resource: step.resource.clone(),
            started_at: self.calls.installation().clock.now(),
            duration_ms: 0,
            outcome: StepOutcome::Done,
            notes,
            hint: None,
            finding: None,
            context: step.context.iter().map(|(key, value)| ((*key).to_owned(), value.clone())).collect(),
            decision: None,
        }
    }

    /// Puts what came of a step into its record.
    fn conclude(&mut self, step: &Settled<'_>, taken: &Taken, mut record: StepRecord) {
        let denied = taken.checks.iter().find(|check| !check.allowed);
        if let Some(check) = denied.or(taken.checks.first()) {
            record.principal.clone_from(&check.principal);
            record.action.clone_from(&check.action);
            record.resource.clone_from(&check.resource);
            record.context = context_of(check);
            record.decision = serde_json::to_string(check).ok();
        }
        record.notes.extend(taken.checks.iter().flat_map(check_notes));
        record.notes.extend(taken.notes.iter().cloned());
        let plain = record.clone();
        if let Err(problem) = &taken.result {
            self.fail(step, &taken.checks, taken, problem, &mut record);
        }
        self.records.push(record);
        if let Some(problem) = &taken.beside {
            let mut record = StepRecord { decision: None, ..plain };
            self.fail(step, &[], taken, problem, &mut record);
            self.records.push(record);
        }
    }

    fn fail(
        &mut self,
        settled: &Settled<'_>,
        checks: &[CheckRecord],
        taken: &Taken,
        problem: &Problem,
        record: &mut StepRecord,
    ) {
        let step = &*settled.told;
        let view = self.calls.installation().store.view();
        let denied = checks.iter().find(|check| !check.allowed);
        let existing = denied.and_then(|check| check.resource.parse::<Arn>().ok());
        let existing = existing.and_then(|arn| policy_of_resource(&view, &arn).ok().flatten());
        let existing = existing.as_ref().map(|it| it.policy.text());
        let passed = self.endpoint_policy(step, denied);
        let role = self.plan.role.as_deref();
        let denying =
            denied.map(|it| denying(&view, &self.plan.account, it, role, existing)).unwrap_or_default();
        let key = key_in_use(&view, checks);
        let namesakes = namesakes(&view, &self.plan.account, step);
        let boundary = role.and_then(|role| boundary_of(&view, role));
        let needs: Vec<_> =
            self.plan.steps.iter().flat_map(|step| needs(&view, &self.plan.account, step)).collect();
        let stranger = stranger(&view, &self.plan.account, denied);
        let new_role = new_role(&view, &self.plan.account);
        let bucket_owner = bucket_owner(&view, step);
        let absent = absent_secret(&view, &self.plan.account, step);
        let of = Circumstances {
            step,
            account: &self.plan.account,
            bucket_owner: bucket_owner.as_ref(),
            advised: &self.advised,
            role,
            policy: passed.as_deref().or(existing),
            denied,
            denying: &denying,
            key: key.as_ref(),
            namesakes: &namesakes,
            boundary: boundary.as_ref(),
            needs: &needs,
            absent: &absent,
            mends: &taken.mends,
            anew: taken.anew,
            current: taken.current.as_ref(),
            example: &example(&wanted_keys(self.plan, step)),
            log_words: &settled.log_words,
            new_role: &new_role,
            home: self.plan.region.as_str(),
            stranger: stranger.as_ref().map(AccountId::as_str),
        };
        let Advice { headline, cause, remedy } = advise(of, problem);
        if let Some(remedy) = remedy {
            self.advised.note(&remedy);
            self.remedies.insert(self.records.len(), remedy);
        }
        let purpose = step.purpose();
        let message = wording::reason(self.plan.launch, &purpose, problem, &random::uuid());
        record.outcome = StepOutcome::Failed(problem.to_string());
        record.finding = Some(Finding { headline, cause, message: message.clone(), fix: None });
        let of_container =
            is_of_container(self.plan.launch, &purpose) || matches!(problem, Problem::ZeroByte { .. });
        let containers = if of_container { step.containers.clone() } else { Vec::new() };
        let joins = self.reader.is_none() && self.is_asked_with_others(step);
        match self.failure.as_mut().filter(|_| joins) {
            Some(failure) => {
                failure.reason = wording::joined(&failure.reason, &purpose, problem, &random::uuid());
            }
            None => {
                self.secrets_failed |= self.failure.is_none() && matches!(step.work, Work::Secret { .. });
                self.failure.get_or_insert(StartFailure { reason: message, containers });
            }
        }
    }

    /// The policy of the VPC endpoint, where that refused.
    fn endpoint_policy(&self, step: &Step, denied: Option<&CheckRecord>) -> Option<String> {
        let denied = denied.filter(|it| it.layer == Layer::Endpoint)?;
        // An image's layers come from S3.
        let service = match denied.action.starts_with("s3:") {
            true => Service::S3,
            false => step.endpoint_service(self.plan.launch)?,
        };
        let way = self.way(&step.region.parse().ok()?, service).ok()??;
        let endpoint = way.endpoint(&self.calls.installation().store.view()).ok()??;
        Some(endpoint.policy.text().to_owned())
    }

    pub(super) fn is_fargate(&self) -> bool {
        self.plan.launch == LaunchKind::Fargate
    }

    fn take(&mut self, step: &Step, unsaid: &Unsaid) -> Taken {
        match &step.work {
            Work::AssumeRole { role } => return self.assume(role),
            Work::AssumeTaskRole { role } => return self.assume_task_role(role),
            Work::AssumeInstanceRole(role) => return self.assume_instance(role),
            _ => {}
        }
        let ecr = matches!(step.work, Work::EcrToken { .. } | Work::EcrImage(_));
        let reader = self.reader.filter(|_| self.is_asked_by_the_reader(step));
        let session = self.session.as_ref().or(self.instance.as_ref().filter(|_| ecr)).or(reader);
        let Some(session) = session else { return Taken::failed(Problem::NoRole) };
        let Ok(region) = step.region.parse::<Region>() else {
            return Taken::refused(
                "MissingEndpoint",
                "'Endpoint' configuration is required for this service",
            );
        };
        let way = step.endpoint_service(self.plan.launch).map(|service| self.way(&region, service));
        match way.transpose() {
            Ok(way) => {
                let caller = session.in_region(&region).through(way.flatten()).without_saying(unsaid.clone());
                self.work(&caller, step)
            }
            Err(failure) => Taken::failed(Problem::Refused(failure.into_service_error("ecs"))),
        }
    }

    /// The VPC endpoint that calls of the task to a service come through. Endpoints lead to services of their own Region.
    pub(super) fn way(&self, region: &Region, service: Service) -> Result<Option<Way>, Failure> {
        let plan = self.plan;
        let Some(subnets) = plan.subnets.as_deref().filter(|_| *region == plan.region) else {
            return Ok(None);
        };
        let view = self.calls.installation().store.view();
        Ok(way(&view, &plan.account, region, subnets, service)?)
    }

    fn assume(&mut self, role: &str) -> Taken {
        let (session, taken) = self.become_role(role, SERVICE_PRINCIPAL, &self.plan.session_name);
        self.session = session.map(|session| Caller { planned: self.planned.clone(), ..session });
        taken
    }

    fn assume_task_role(&mut self, role: &str) -> Taken {
        let (session, taken) = self.become_role(role, SERVICE_PRINCIPAL, &self.plan.session_name);
        self.task_session = session.filter(|_| taken.result.is_ok());
        taken
    }

    fn assume_instance(&mut self, role: &InstanceRole) -> Taken {
        let (session, mut taken) = self.become_role(&role.arn, role.service, &role.session_name);
        self.instance = session;
        if taken.result.is_err() && self.instance.is_none() {
            taken.result = Err(Problem::NoRole);
        }
        taken
    }

    /// Who only looks gets a session of a role that exists even if it does not trust the service: the other findings are
    /// worth having.
    fn become_role(&self, role: &str, service: &'static str, session_name: &str) -> (Option<Caller>, Taken) {
        let Ok(role_arn) = role.parse::<Arn>() else {
            return (None, Taken::refused("ValidationError", format!("{role} is invalid")));
        };
        let installation = self.calls.installation();
        let wanted = ServiceSession {
            service,
            role_arn: &role_arn,
            session_name,
            source_arn: &self.plan.task_arn,
            region: &self.plan.region,
        };
        let view = installation.store.view();
        let (session, checks) = assume_role_for_service(installation, &view, &wanted);
        match session {
            Ok(session) => (Some(session), Taken::new(checks, Ok(()))),
            Err(failure) => {
                let session = self.reader.and_then(|_| session_without_trust(installation, &view, &wanted));
                (session, Taken::new(checks, Err(Problem::Refused(failure.into_service_error("sts")))))
            }
        }
    }
}

/// Of several steps that fail for one cause, with one thing to do about it, the first tells it.
fn told_once(records: &mut [StepRecord], remedies: &mut BTreeMap<usize, Remedy>) {
    let mut told: Vec<(String, Option<Remedy>)> = Vec::new();
    for (at, record) in records.iter_mut().enumerate() {
        let Some(finding) = &record.finding else { continue };
        let it = (finding.headline.clone(), remedies.get(&at).cloned());
        if told.contains(&it) {
            record.outcome = StepOutcome::Skipped;
            record.finding = None;
            remedies.remove(&at);
        } else {
            told.push(it);
        }
    }
}

/// Failures that the container agent tells as a container's, and Fargate too where an image cannot be pulled.
fn is_of_container(launch: LaunchKind, purpose: &Purpose) -> bool {
    match purpose {
        Purpose::EcrImage(_) => true,
        Purpose::Ecr | Purpose::LogGroup | Purpose::LogStream => launch != LaunchKind::Fargate,
        _ => false,
    }
}

fn context_of(check: &CheckRecord) -> Vec<(String, String)> {
    check.context.iter().map(|(key, values)| (key.clone(), values.join(", "))).collect()
}

/// What decided, in words.
fn check_notes(check: &CheckRecord) -> Vec<String> {
    let action = &check.action;
    let mut notes = vec![match (check.allowed, &check.deciding) {
        (true, Some(deciding)) => format!("`{action}` is allowed by {deciding}"),
        (true, None) => format!("`{action}` is allowed"),
        (false, Some(deciding)) => format!("`{action}` is denied by {deciding}"),
        (false, None) => format!("no policy allows `{action}`"),
    }];
    notes.extend(check.hints.iter().cloned());
    notes
}
