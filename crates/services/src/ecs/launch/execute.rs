//! Carries a launch plan out: every step through the pipe, as the execution role, with a record of what was decided.

use landfall_acs::{ContainerSheet, LaunchSheet, StartFailure, StepOutcome, StepRecord};
use landfall_api::logs::{self, CreateLogGroupRequest, CreateLogStreamRequest};
use landfall_api::secretsmanager::{self as secrets, GetSecretValueRequest, GetSecretValueResponse};
use landfall_base::{Arn, Region, Sensitive, random};
use landfall_shape::ServiceError;

use super::SERVICE_PRINCIPAL;
use super::hint::{Circumstances, hint};
use super::json::{self, Document};
use super::plan::{LaunchPlan, Step, When, Work};
use super::problem::Problem;
use super::value_from::SecretReference;
use super::{credential, go, wording};
use crate::iam::record::{ROLES, key_name};
use crate::pipe::{Call, Caller, CheckRecord, Outcome};
use crate::sts::{ServiceSession, assume_role_for_service};

/// What came of a plan.
#[derive(Debug)]
pub struct Execution {
    /// The start trace.
    pub steps: Vec<StepRecord>,
    /// What the containers need, or why they cannot start.
    pub result: Result<LaunchSheet, StartFailure>,
    /// The execution role's session, once the role was assumed.
    pub session: Option<Caller>,
}

/// Carries a plan out up to the first failure. It may block.
pub fn execute(call: &Call, plan: &LaunchPlan) -> Execution {
    let mut run = Run::new(call, plan);
    for step in &plan.steps {
        run.step(step);
    }
    let result = match run.failure {
        None => Ok(LaunchSheet { containers: run.sheets }),
        Some(failure) => Err(failure),
    };
    Execution { steps: run.records, result, session: run.session }
}

/// A launch on its way.
struct Run<'a> {
    call: &'a Call,
    plan: &'a LaunchPlan,
    session: Option<Caller>,
    sheets: Vec<ContainerSheet>,
    group_missing: bool,
    records: Vec<StepRecord>,
    failure: Option<StartFailure>,
}

/// What came of a step.
struct Taken {
    checks: Vec<CheckRecord>,
    notes: Vec<String>,
    result: Result<(), Problem>,
}

impl Taken {
    fn failed(problem: Problem) -> Self {
        Self { checks: Vec::new(), notes: Vec::new(), result: Err(problem) }
    }

    fn refused(code: &'static str, message: impl Into<String>) -> Self {
        Self::failed(Problem::Refused(ServiceError::client(code, message)))
    }
}

impl<'a> Run<'a> {
    fn new(call: &'a Call, plan: &'a LaunchPlan) -> Self {
        let sheet =
            |name: &String| ContainerSheet { name: name.clone(), registry: None, environment: Vec::new() };
        Self {
            call,
            plan,
            session: None,
            sheets: plan.containers.iter().map(sheet).collect(),
            group_missing: false,
            records: Vec::new(),
            failure: None,
        }
    }

    fn step(&mut self, step: &Step) {
        if step.when == When::LogGroupMissing && !self.group_missing {
            return;
        }
        let mut record = self.blank(step);
        if self.failure.is_some() {
            record.outcome = StepOutcome::Skipped;
        } else {
            let taken = self.take(step);
            let ended = self.call.installation().clock.now();
            record.duration_ms = u64::try_from(ended.millis() - record.started_at.millis()).unwrap_or(0);
            self.conclude(step, taken, &mut record);
        }
        self.records.push(record);
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
            started_at: self.call.installation().clock.now(),
            duration_ms: 0,
            outcome: StepOutcome::Done,
            notes,
            hint: None,
            decision: None,
        }
    }

    /// Puts what came of a step into its record.
    fn conclude(&mut self, step: &Step, taken: Taken, record: &mut StepRecord) {
        let denied = taken.checks.iter().find(|check| !check.allowed);
        if let Some(check) = denied.or(taken.checks.first()) {
            record.principal.clone_from(&check.principal);
            record.action.clone_from(&check.action);
            record.resource.clone_from(&check.resource);
            record.decision = serde_json::to_string(check).ok();
        }
        record.notes.extend(taken.checks.iter().flat_map(check_notes));
        record.notes.extend(taken.notes);
        if let Err(problem) = taken.result {
            let role_exists = denied.is_some() && self.role_exists();
            let role = self.plan.role.as_deref();
            record.hint = hint(Circumstances { step, role, role_exists, denied }, &problem);
            record.outcome = StepOutcome::Failed(problem.to_string());
            let reason = wording::reason(self.plan.launch, &step.purpose(), &problem, &random::uuid());
            self.failure = Some(StartFailure { reason });
        }
    }

    fn role_exists(&self) -> bool {
        let role = self.plan.role.as_deref().and_then(|role| role.parse::<Arn>().ok());
        let key = role
            .as_ref()
            .and_then(|arn| Some((arn.account_id()?, key_name(arn.resource().rsplit('/').next()?))));
        let view = self.call.installation().store.view();
        key.is_some_and(|(account, name)| view.contains(&ROLES, &(&account, name.as_str())))
    }

    fn take(&mut self, step: &Step) -> Taken {
        if let Work::AssumeRole { role } = &step.work {
            return self.assume(role);
        }
        let Some(session) = &self.session else { return Taken::failed(Problem::NoRole) };
        let Ok(region) = step.region.parse::<Region>() else {
            return Taken::refused(
                "MissingEndpoint",
                "'Endpoint' configuration is required for this service",
            );
        };
        let caller = session.in_region(&region);
        match &step.work {
            Work::AssumeRole { role } => self.assume(role),
            Work::RegistryCredential { parameter } => self.registry_credential(&caller, step, parameter),
            Work::Secret { reference: None, .. } => Taken::failed(Problem::MalformedArn),
            Work::Secret { reference: Some(reference), variables, .. } => {
                self.secret(&caller, reference, variables)
            }
            Work::EcrToken => absent("Amazon ECR"),
            Work::Parameter { .. } => absent("AWS Systems Manager Parameter Store"),
            Work::EnvironmentFile { .. } => absent("Amazon S3"),
            Work::LogStream { group, stream, create_group } => {
                self.log_stream(&caller, group, stream, *create_group)
            }
            Work::LogGroup { group } => self.log_group(&caller, group),
        }
    }

    fn assume(&mut self, role: &str) -> Taken {
        let Ok(role_arn) = role.parse::<Arn>() else {
            return Taken::refused("ValidationError", format!("{role} is invalid"));
        };
        let installation = self.call.installation();
        let wanted = ServiceSession {
            service: SERVICE_PRINCIPAL,
            role_arn: &role_arn,
            session_name: &self.plan.session_name,
            source_arn: &self.plan.task_arn,
            region: &self.plan.region,
        };
        let (session, checks) = assume_role_for_service(installation, &installation.store.view(), &wanted);
        let result = match session {
            Ok(session) => {
                self.session = Some(session);
                Ok(())
            }
            Err(failure) => Err(Problem::Refused(failure.into_service_error("sts"))),
        };
        Taken { checks, notes: Vec::new(), result }
    }

    fn registry_credential(&mut self, caller: &Caller, step: &Step, parameter: &str) -> Taken {
        let asked = GetSecretValueRequest { secret_id: parameter.to_owned(), ..Default::default() };
        let Outcome { result, checks } = self.call.call::<secrets::GetSecretValue>(caller, asked);
        let secret = match result {
            Ok(secret) => secret,
            Err(error) => return Taken { checks, notes: Vec::new(), result: Err(Problem::Refused(error)) },
        };
        let finding = credential::read(text_of(&secret));
        let result = finding.result.map_err(Problem::Credential).map(|credential| {
            let named = |sheet: &&mut ContainerSheet| step.containers.contains(&sheet.name);
            for sheet in self.sheets.iter_mut().filter(named) {
                sheet.registry = Some(credential.clone());
            }
        });
        Taken { checks, notes: finding.notes, result }
    }

    fn secret(
        &mut self,
        caller: &Caller,
        reference: &SecretReference,
        variables: &[(String, String)],
    ) -> Taken {
        let asked = GetSecretValueRequest {
            secret_id: reference.secret_id.clone(),
            version_id: reference.version_id.clone(),
            version_stage: reference.version_stage.clone(),
        };
        let Outcome { result, checks } = self.call.call::<secrets::GetSecretValue>(caller, asked);
        let value = result.map_err(Problem::Refused).and_then(|secret| value_of(&secret, reference));
        let result = value.map(|value| {
            for (container, variable) in variables {
                let sheet = self.sheets.iter_mut().find(|sheet| sheet.name == *container);
                if let Some(sheet) = sheet {
                    sheet.environment.push((variable.clone(), value.clone()));
                }
            }
        });
        let notes =
            variables.iter().map(|(container, variable)| format!("`{variable}` of `{container}`")).collect();
        Taken { checks, notes, result }
    }

    fn log_stream(&mut self, caller: &Caller, group: &str, stream: &str, create_group: bool) -> Taken {
        let asked =
            CreateLogStreamRequest { log_group_name: group.to_owned(), log_stream_name: stream.to_owned() };
        let Outcome { result, checks } = self.call.call::<logs::CreateLogStream>(caller, asked);
        self.group_missing = false;
        let mut taken = existing_is_fine(result.map(drop), checks);
        let missing = matches!(&taken.result,
            Err(Problem::Refused(error)) if error.code == "ResourceNotFoundException");
        if create_group && missing {
            self.group_missing = true;
            taken.notes.push(
                "the log group does not exist; `awslogs-create-group` is set: it is created".to_owned(),
            );
            taken.result = Ok(());
        }
        taken
    }

    fn log_group(&self, caller: &Caller, group: &str) -> Taken {
        let asked = CreateLogGroupRequest { log_group_name: group.to_owned(), ..Default::default() };
        let Outcome { result, checks } = self.call.call::<logs::CreateLogGroup>(caller, asked);
        existing_is_fine(result.map(drop), checks)
    }
}

fn absent(service: &str) -> Taken {
    Taken::refused("UnknownOperationException", format!("This installation has no {service}."))
}

fn existing_is_fine(result: Result<(), ServiceError>, checks: Vec<CheckRecord>) -> Taken {
    match result {
        Err(error) if error.code == "ResourceAlreadyExistsException" => {
            Taken { checks, notes: vec!["it exists already".to_owned()], result: Ok(()) }
        }
        result => Taken { checks, notes: Vec::new(), result: result.map_err(Problem::Refused) },
    }
}

fn text_of(secret: &GetSecretValueResponse) -> Option<&str> {
    secret.secret_string.as_ref().map(|text| text.expose().as_str())
}

/// The value of a secret or of one member of it, as the container agent makes it.
fn value_of(secret: &GetSecretValueResponse, wanted: &SecretReference) -> Result<Sensitive<String>, Problem> {
    let text = text_of(secret).unwrap_or_default();
    let Some(key) = &wanted.json_key else { return Ok(text.into()) };
    let members = match json::read(text).map_err(Problem::NotJson)? {
        Document::Object(members) => members,
        Document::Null => Vec::new(),
        Document::Other(kind) => return Err(Problem::NotObject(kind)),
    };
    let member = members.iter().rev().find(|(name, _)| name == key);
    let (_, raw) = member.ok_or_else(|| Problem::MissingKey(key.clone()))?;
    if json::kind(raw) == "string" {
        let text = serde_json::from_str::<String>(raw.get());
        return text.map(Sensitive::new).map_err(|_| Problem::NotJson(json::NotJson::Start));
    }
    let value = serde_json::from_str(raw.get()).map_err(|_| Problem::NotJson(json::NotJson::Start))?;
    Ok(go::text(&value).into())
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
