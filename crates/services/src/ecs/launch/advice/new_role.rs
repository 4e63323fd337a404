//! The execution role that a task without one could have.

use landfall_acs::Fix;
use landfall_base::{AccountId, Arn};
use serde_json::{Value, json};

use super::text::quote;
use crate::ecs::launch::SERVICE_PRINCIPAL;

/// As the Developer Guide calls it ("Amazon ECS task execution IAM role").
const NAME: &str = "ecsTaskExecutionRole";

/// A role that could be the execution role.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewRole {
    /// Its ARN.
    pub arn: String,
    /// It exists.
    pub there: bool,
}

impl NewRole {
    /// The role of an account that has the usual name.
    pub fn of(account: &AccountId, there: bool) -> Self {
        Self { arn: Arn::global("iam", account.as_str(), &format!("role/{NAME}")).to_string(), there }
    }

    /// Makes the role, lets it do what the task's start needs, and names it.
    pub(super) fn fix(&self, needs: &[(Vec<&'static str>, String)]) -> Fix {
        let mut statements: Vec<Value> = Vec::new();
        for (actions, resource) in needs {
            let statement = json!({"Effect": "Allow", "Action": actions, "Resource": resource});
            if !statements.contains(&statement) {
                statements.push(statement);
            }
        }
        let text = match self.there {
            true => {
                format!("let the role `{NAME}` do what the task needs, and name it in the task definition")
            }
            false => "create one, and name it in the task definition".to_owned(),
        };
        let command = self.commands(&statements);
        let document = Some(format!("\"executionRoleArn\": \"{}\"", self.arn));
        Fix { command: (!command.is_empty()).then_some(command), document, ..Fix::advice(text) }
    }

    /// The commands that make the role, if there is none, and that give it these statements.
    pub(super) fn commands(&self, statements: &[Value]) -> String {
        let trust = json!({"Version": "2012-10-17", "Statement": [
            {"Effect": "Allow", "Principal": {"Service": SERVICE_PRINCIPAL}, "Action": "sts:AssumeRole"}]});
        let create = format!(
            "aws iam create-role --role-name {NAME} --assume-role-policy-document {}",
            quote(&trust.to_string())
        );
        let policy = json!({"Version": "2012-10-17", "Statement": statements}).to_string();
        let grant = format!(
            "aws iam put-role-policy --role-name {NAME} --policy-name task-start-{} --policy-document {}",
            super::permission::mark(&policy),
            quote(&policy)
        );
        let create = (!self.there).then_some(create);
        let grant = (!statements.is_empty()).then_some(grant);
        create.into_iter().chain(grant).collect::<Vec<_>>().join("\n")
    }
}
