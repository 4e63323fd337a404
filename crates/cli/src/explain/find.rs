//! Which task is meant: an ARN, an id, or the beginning of an id.

use landfall_api::ecs::{DesiredStatus, ListClusters, ListClustersRequest, ListTasks, ListTasksRequest};
use landfall_base::Arn;

use crate::client::{CallError, Client};
use crate::error::CliError;

/// A task as calls name it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct TaskName {
    pub(crate) cluster: Option<String>,
    pub(crate) task: String,
}

impl TaskName {
    /// The task of an ARN, which names its cluster (`task/CLUSTER/ID`).
    pub(crate) fn of_arn(arn: &str) -> Option<(Self, String)> {
        let parsed: Arn = arn.parse().ok()?;
        let (cluster, id) = parsed.resource().strip_prefix("task/")?.split_once('/')?;
        let whole = parsed.service() == "ecs" && !cluster.is_empty() && !id.is_empty();
        let name = Self { cluster: Some(cluster.to_owned()), task: arn.to_owned() };
        whole.then(|| (name, parsed.region().to_owned()))
    }
}

/// Finds the task that `text` names, and the client of its Region.
pub(super) async fn find(
    client: Client,
    text: &str,
    cluster: Option<&str>,
) -> Result<(Client, TaskName), CliError> {
    if text.starts_with("arn:") {
        let (name, region) = TaskName::of_arn(text).ok_or_else(|| {
            CliError::new(format!(
                "`{text}` is not the ARN of a task: expected `arn:aws:ecs:REGION:ACCOUNT:task/CLUSTER/ID`"
            ))
        })?;
        return Ok((client.in_region(&region), name));
    }
    if text.len() < 4 || !text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return Err(not_found(text));
    }
    let arn = search(&client, text, cluster).await?;
    TaskName::of_arn(&arn).map(|(name, _)| (client, name)).ok_or_else(|| not_found(text))
}

/// What a refusal to describe the task means.
pub(super) fn refused(text: &str, error: CallError) -> CliError {
    if error.is_not_found() {
        return not_found(text);
    }
    CliError::from(error).hint(format!("the task asked for is `{text}`"))
}

fn not_found(text: &str) -> CliError {
    CliError::new(format!("there is no task `{text}`"))
        .hint("expected a task's ARN, its id, or at least the first 4 digits of its id")
        .hint(
            "`aws ecs list-tasks --cluster CLUSTER --desired-status STOPPED` lists what has stopped of late",
        )
}

async fn search(client: &Client, prefix: &str, cluster: Option<&str>) -> Result<String, CliError> {
    let clusters = match cluster {
        Some(cluster) => vec![cluster.to_owned()],
        None => clusters(client).await?,
    };
    let mut found = Vec::new();
    for cluster in &clusters {
        for status in [DesiredStatus::Running, DesiredStatus::Stopped] {
            found.extend(tasks(client, cluster, status).await?);
        }
    }
    choose(prefix, found)
}

/// The one task whose id begins like this.
fn choose(prefix: &str, arns: Vec<String>) -> Result<String, CliError> {
    let id = |arn: &str| arn.rsplit('/').next().unwrap_or_default().to_owned();
    let mut matching: Vec<String> = arns.into_iter().filter(|arn| id(arn).starts_with(prefix)).collect();
    matching.sort_unstable();
    // A task that stops between two lists is in both.
    matching.dedup();
    match matching.as_slice() {
        [] => Err(not_found(prefix)),
        [one] => Ok(one.clone()),
        several => {
            let ids: Vec<String> = several.iter().map(|arn| id(arn)).collect();
            Err(CliError::new(format!("`{prefix}` is the beginning of several tasks: {}", ids.join(", ")))
                .hint("give more of the id"))
        }
    }
}

async fn clusters(client: &Client) -> Result<Vec<String>, CliError> {
    let mut found = Vec::new();
    let mut next_token = None;
    loop {
        let input = ListClustersRequest { next_token, ..Default::default() };
        let page = client.call::<ListClusters>(input).await?;
        found.extend(page.cluster_arns.unwrap_or_default());
        next_token = page.next_token;
        if next_token.is_none() {
            return Ok(found);
        }
    }
}

async fn tasks(client: &Client, cluster: &str, status: DesiredStatus) -> Result<Vec<String>, CliError> {
    let mut found = Vec::new();
    let mut next_token = None;
    loop {
        let input = ListTasksRequest {
            cluster: Some(cluster.to_owned()),
            desired_status: Some(status.clone()),
            next_token,
            ..Default::default()
        };
        let page = client.call::<ListTasks>(input).await?;
        found.extend(page.task_arns.unwrap_or_default());
        next_token = page.next_token;
        if next_token.is_none() {
            return Ok(found);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn arn(id: &str) -> String {
        format!("arn:aws:ecs:us-east-1:000000000000:task/default/{id}")
    }

    #[test]
    fn an_arn_names_cluster_and_region() {
        let (name, region) = TaskName::of_arn(&arn("0123")).unwrap();
        assert_eq!((name.cluster.as_deref(), region.as_str()), (Some("default"), "us-east-1"));
        for text in [
            "arn:aws:ecs:us-east-1:000000000000:cluster/default",
            "arn:aws:ecs:r:000000000000:task/x",
            "arn:",
        ] {
            assert_eq!(TaskName::of_arn(text), None, "{text}");
        }
    }

    #[test]
    fn a_beginning_must_be_of_one_task() {
        let all = || vec![arn("abcd1"), arn("abcd2"), arn("beef"), arn("beef")];
        assert_eq!(choose("beef", all()).unwrap(), arn("beef"));
        assert_eq!(choose("abcd1", all()).unwrap(), arn("abcd1"));
        insta::assert_snapshot!(choose("abcd", all()).unwrap_err().text(), @r"
        error: `abcd` is the beginning of several tasks: abcd1, abcd2
        hint: give more of the id
        exit code 1
        ");
        insta::assert_snapshot!(choose("feed", all()).unwrap_err().text(), @r"
        error: there is no task `feed`
        hint: expected a task's ARN, its id, or at least the first 4 digits of its id
        hint: `aws ecs list-tasks --cluster CLUSTER --desired-status STOPPED` lists what has stopped of late
        exit code 1
        ");
    }
}
