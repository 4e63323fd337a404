//! The execution role that a task without one could have.

use landfall_acs::Fix;
use landfall_base::{AccountId, Arn};
use serde_json::Value;

use super::permission::mark;
use super::policy::{allowing, create_role, document, document_of, put_role_policy, trusting_tasks};

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
        let text = match self.there {
            true => {
                format!("let the role `{NAME}` do what the task needs, and name it in the task definition")
            }
            false => "create one, and name it in the task definition".to_owned(),
        };
        let command = self.commands(&allowing(needs));
        let document = Some(format!("\"executionRoleArn\": \"{}\"", self.arn));
        Fix { command: (!command.is_empty()).then_some(command), document, ..Fix::advice(text) }
    }

    /// The commands that make the role, if there is none, and that give it these statements.
    pub(super) fn commands(&self, statements: &[Value]) -> String {
        let policy = document_of(statements);
        let name = format!("task-start-{}", mark(&policy));
        let create = (!self.there).then(|| create_role(NAME, &document(&trusting_tasks())));
        let grant = (!statements.is_empty()).then(|| put_role_policy(NAME, &name, &policy));
        create.into_iter().chain(grant).collect::<Vec<_>>().join("\n")
    }
}
