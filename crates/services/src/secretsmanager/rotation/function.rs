//! Rotation functions: what Lambda functions are on AWS. A function has a name, a role whose credentials it gets, a policy
//! that says who may invoke it, and a program: a command of this machine or a container image.

use std::collections::BTreeMap;
use std::sync::Arc;

use landfall_base::{AccountId, Arn, Region, Timestamp};
use landfall_iam::{Policy, Principal};
use landfall_shape::ServiceError;
use landfall_store::{StoreError, Table, View};
use serde::{Deserialize, Serialize};

use super::super::record::Secret;
use crate::pipe::{Caller, Context, Failure, Permission, is_allowed};

/// Functions by account, Region and name.
pub const FUNCTIONS: Table<(AccountId, Region, String), Function> =
    Table::new("secretsmanager.rotation_function");

/// The principal that invokes them.
pub(super) const PRINCIPAL: &str = "secretsmanager.amazonaws.com";

/// Lambda's action.
pub(in crate::secretsmanager) const INVOKE: &str = "lambda:InvokeFunction";

/// A rotation function.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Function {
    /// `arn:aws:lambda:<region>:<account>:function:<name>`
    pub arn: Arn,
    /// The name.
    pub name: String,
    /// The role whose credentials it gets.
    pub role_arn: Arn,
    /// What it does.
    pub program: Program,
    /// The secret with the credential of the image's registry.
    #[serde(default)]
    pub credential: Option<String>,
    /// Variables of its environment.
    #[serde(default)]
    pub environment: BTreeMap<String, String>,
    /// How long one step may take.
    pub timeout_seconds: u32,
    /// Who may invoke it.
    pub policy: Arc<Policy>,
    /// When it was made.
    pub created_at: Timestamp,
}

/// What is run for each step.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Program {
    /// A program of this machine, with its arguments. It reads the event from standard input.
    Command(Vec<String>),
    /// A container image.
    Image(String),
}

/// The ARN of a function.
pub fn arn_of((account, region, name): &(AccountId, Region, String)) -> Arn {
    Arn::new("lambda", region, account, &format!("function:{name}"))
}

/// The policy of a function that none was given for: Secrets Manager may invoke it for secrets of the function's account.
pub fn default_policy(arn: &Arn) -> String {
    let statement = serde_json::json!({
        "Version": "2012-10-17",
        "Statement": [{
            "Effect": "Allow",
            "Principal": { "Service": PRINCIPAL },
            "Action": INVOKE,
            "Resource": arn.as_str(),
            "Condition": { "StringEquals": { "aws:SourceAccount": arn.account() } },
        }],
    });
    statement.to_string()
}

/// The function with an ARN; a qualifier behind the name is passed over.
///
/// # Errors
/// The row cannot be read.
pub(in crate::secretsmanager) fn find(view: &View, arn: &str) -> Result<Option<Arc<Function>>, StoreError> {
    let Some(key) = place(arn) else { return Ok(None) };
    view.get(&FUNCTIONS, &key)
}

fn place(arn: &str) -> Option<(AccountId, Region, String)> {
    let arn: Arn = arn.parse().ok()?;
    let name = arn.resource().strip_prefix("function:")?.split(':').next()?.to_owned();
    (arn.service() == "lambda").then_some(())?;
    Some((arn.account_id()?, arn.region().parse().ok()?, name))
}

/// The function that a secret is rotated with, if Secrets Manager may invoke it for that secret.
///
/// # Errors
/// `AccessDeniedException` in AWS's words, the same for a function that does not exist.
pub(in crate::secretsmanager) fn invocable(
    cx: &Context<'_>,
    view: &View,
    secret: &Secret,
    arn: &str,
) -> Result<Arc<Function>, Failure> {
    let function = find(view, arn)?.filter(|it| it.arn.region() == secret.arn.region());
    let Some(function) = function else { return Err(denied().into()) };
    let account = secret.arn.account_id().unwrap_or_else(|| cx.account().clone());
    let service = Caller::internal(Principal::service(PRINCIPAL), account.clone(), cx.region().clone());
    let as_service = cx.as_caller(&service);
    let permission = Permission::on(INVOKE, &function.arn)
        .with("aws:SourceArn", secret.arn.as_str())
        .with("aws:SourceAccount", account.as_str())
        .guarded_by(Some(Arc::clone(&function.policy)));
    match is_allowed(&as_service, view, &landfall_api::secretsmanager::SERVICE, &permission) {
        Ok(()) => Ok(function),
        Err(Failure::Service(_)) => Err(denied().into()),
        Err(failure) => Err(failure),
    }
}

fn denied() -> ServiceError {
    ServiceError::client(
        "AccessDeniedException",
        "Secrets Manager cannot invoke the specified Lambda function. Ensure that the function policy grants access to \
         the principal secretsmanager.amazonaws.com.",
    )
}
