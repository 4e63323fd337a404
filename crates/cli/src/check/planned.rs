//! What a template or plan gives to an execution role that there is, and takes from it: what the role will have counts.

use landfall_api::landfall::{Cause, Finding, PlannedPolicy};

use super::role::is_call;

/// Policies of a role that are not its policies yet, or will not be any more.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Planned {
    /// What is known of them.
    pub(super) policies: Vec<PlannedPolicy>,
    /// What gives the role something that is not known.
    pub(super) open: Vec<String>,
}

impl Planned {
    /// A policy with the document that the file holds, if it does: an inline one by its name, or a managed one by its ARN.
    pub(super) fn put(&mut self, name: &str, document: Option<String>) {
        match document.filter(|it| !it.contains("${")) {
            Some(document) => self.policies.push(PlannedPolicy {
                policy_name: name.to_owned(),
                document: Some(document),
                removed: None,
            }),
            None => self.open.push(name.to_owned()),
        }
    }

    /// A managed policy that there is.
    pub(super) fn attach(&mut self, arn: &str) {
        let policy_name = arn.to_owned();
        self.policies.push(PlannedPolicy { policy_name, document: None, removed: None });
    }

    /// A policy that the role will not have.
    pub(super) fn remove(&mut self, name: &str) {
        let policy_name = name.to_owned();
        self.policies.push(PlannedPolicy { policy_name, document: None, removed: Some(true) });
    }

    fn is_empty(&self) -> bool {
        self.policies.is_empty() && self.open.is_empty()
    }

    /// What the role lacks may be in what is not known, or was not counted: then it is not known, too.
    pub(super) fn settle(&self, counted: bool, findings: &mut Vec<Finding>, open: &mut Vec<String>) {
        let why = match (self.open.as_slice(), counted) {
            _ if self.is_empty() => return,
            ([], true) => return,
            ([], false) => {
                "you may not `iam:PutRolePolicy` on it, and so its policies to come were not counted"
                    .to_owned()
            }
            (names, _) => format!("`{}` is not known yet", names.join("`, `")),
        };
        findings.retain(|found| {
            let (action, resource) = (found.action.as_deref(), found.resource.as_deref());
            let (Some(action), Some(resource)) = (action, resource) else { return true };
            if found.cause != Cause::Permission || !is_call(action) {
                return true;
            }
            open.push(format!("whether the execution role may `{action}` on `{resource}`: {why}"));
            false
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn finding(cause: Cause, action: &str) -> Finding {
        Finding {
            cause,
            action: Some(action.to_owned()),
            resource: Some("r".to_owned()),
            ..Finding::default()
        }
    }

    #[test]
    fn what_is_not_known_may_allow_it() {
        let known = |planned: &Planned, counted| {
            let mut findings = vec![
                finding(Cause::Permission, "ssm:GetParameters"),
                finding(Cause::Content, "ssm:GetParameters"),
                finding(Cause::Permission, "sts:AssumeRole"),
            ];
            let mut open = Vec::new();
            planned.settle(counted, &mut findings, &mut open);
            (findings.len(), open.len())
        };
        let mut planned = Planned::default();
        assert_eq!(known(&planned, false), (3, 0));
        planned.put("a", Some("{}".to_owned()));
        assert_eq!((known(&planned, true), known(&planned, false)), ((3, 0), (2, 1)));
        planned.put("b", Some("${Secret}".to_owned()));
        assert_eq!(known(&planned, true), (2, 1));
    }
}
