//! `PutRotationFunction`: registers a function that rotates secrets, in place of the one of that name.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use landfall_api::landfall as api;
use landfall_base::{AccountId, Arn, Region};
use landfall_iam::{Policy, PolicyKind, ResourceService};
use landfall_shape::ServiceError;
use landfall_store::{Tx, View};

use super::is_of_default_account;
use crate::landfall::rotation::shown;
use crate::pipe::{AuthMode, Authorized, Checked, Context, Failure, Permission, Resolve, WriteHandler};
use crate::principals;
use crate::secretsmanager::rotation::{FUNCTIONS, Function, Program, arn_of, default_policy};

const ACTION: &str = "landfall:PutRotationFunction";

/// Seconds for one step, where nothing is said, and at most: as long as a Lambda function may take.
const TIMEOUT: i64 = 60;
const MOST_SECONDS: u32 = 900;

/// A function to be registered.
#[derive(Debug)]
pub struct Request {
    key: (AccountId, Region, String),
    role_arn: Arn,
    input: api::PutRotationFunctionRequest,
}

impl Resolve for api::PutRotationFunction {
    type Request = Checked<Request>;

    fn resolve(cx: &Context<'_>, _: &View, input: Self::Input) -> Result<Self::Request, Failure> {
        let key = (cx.account().clone(), cx.region().clone(), input.name.clone());
        let role_arn = role(cx, &input.role_arn)?;
        let permissions = vec![
            Permission::on(ACTION, &arn_of(&key)),
            Permission::on("iam:PassRole", &role_arn)
                .with("iam:PassedToService", "lambda.amazonaws.com")
                .with("iam:AssociatedResourceArn", arn_of(&key).as_str()),
        ];
        Ok(Checked::all(Request { key, role_arn, input }, permissions))
    }
}

/// A role by its ARN or its name, in the caller's account.
fn role(cx: &Context<'_>, text: &str) -> Result<Arn, ServiceError> {
    if !text.starts_with("arn:") {
        return Ok(Arn::global("iam", cx.account().as_str(), &format!("role/{text}")));
    }
    let arn = text.parse().ok().filter(|arn: &Arn| {
        arn.service() == "iam"
            && arn.resource().starts_with("role/")
            && arn.account() == cx.account().as_str()
    });
    arn.ok_or_else(|| {
        invalid(&format!("`{text}` is no role of this account: expected the ARN or the name of one"))
    })
}

fn invalid(text: &str) -> ServiceError {
    api::error::invalid_parameter_exception(text)
}

impl WriteHandler for api::PutRotationFunction {
    fn run(
        cx: &Context<'_>,
        tx: &mut Tx,
        request: Authorized<Self::Request>,
    ) -> Result<Self::Output, Failure> {
        let Request { key, role_arn, input } = request.into_request();
        let arn = arn_of(&key);
        let timeout = u32::try_from(input.timeout_seconds.unwrap_or(TIMEOUT)).unwrap_or_default();
        if !(1..=MOST_SECONDS).contains(&timeout) {
            return Err(invalid("the timeout is not from 1 to 900 seconds").into());
        }
        let function = Function {
            name: key.2.clone(),
            role_arn,
            credential: credential(input.credential, input.image.as_deref())?,
            program: program(cx, input.command, input.image)?,
            environment: environment(input.environment.unwrap_or_default())?,
            timeout_seconds: timeout,
            policy: policy(tx, input.policy.unwrap_or_else(|| default_policy(&arn)))?,
            created_at: cx.now,
            arn,
        };
        tx.put(&FUNCTIONS, &key, &function);
        Ok(api::PutRotationFunctionResponse { function: shown(&function) })
    }
}

fn program(
    cx: &Context<'_>,
    command: Option<Vec<String>>,
    image: Option<String>,
) -> Result<Program, Failure> {
    match (command, image.filter(|image| !image.is_empty())) {
        (Some(command), None) => Ok(Program::Command(own(cx, command)?)),
        (None, Some(image)) => Ok(Program::Image(image)),
        _ => Err(invalid("a function has either a command or an image").into()),
    }
}

/// The secret of a registry's credential, as `repositoryCredentials` has it.
fn credential(secret: Option<String>, image: Option<&str>) -> Result<Option<String>, ServiceError> {
    let secret = secret.filter(|secret| !secret.is_empty());
    if secret.is_some() && image.is_none() {
        return Err(invalid("a credential is for an image, and the function has none"));
    }
    Ok(secret)
}

/// Commands run as the server's user: only those who look after the installation may say which, and only where it is
/// known who calls.
fn own(cx: &Context<'_>, command: Vec<String>) -> Result<Vec<String>, Failure> {
    if !is_of_default_account(cx) || cx.installation.auth != AuthMode::Enforce {
        let text = format!(
            "commands of this machine can be registered by account {} only, and only by a server with `--auth enforce`",
            cx.installation.default_account
        );
        return Err(ServiceError::client("AccessDeniedException", text).into());
    }
    match command.first() {
        Some(program) if Path::new(program).is_absolute() => Ok(command),
        _ => Err(invalid("the command does not begin with the absolute path of a program").into()),
    }
}

fn environment(variables: Vec<api::RotationVariable>) -> Result<BTreeMap<String, String>, ServiceError> {
    let mut environment = BTreeMap::new();
    for variable in variables {
        let fine = |c: char| c.is_ascii_alphanumeric() || c == '_';
        if variable.name.is_empty() || !variable.name.chars().all(fine) || variable.name.starts_with("AWS_") {
            return Err(invalid(&format!(
                "`{}` cannot be a variable: expected letters, digits and underscores, and not `AWS_` in front",
                variable.name
            )));
        }
        environment.insert(variable.name, variable.value);
    }
    Ok(environment)
}

fn policy(view: &View, text: String) -> Result<Arc<Policy>, Failure> {
    let malformed = |error: landfall_iam::PolicyError| {
        api::error::malformed_policy_document_exception(error.message().to_string())
    };
    let policy = Policy::parse(&text, PolicyKind::Resource(ResourceService::Other)).map_err(malformed)?;
    Ok(Arc::new(principals::bind(view, &policy)?.map_err(malformed)?))
}
