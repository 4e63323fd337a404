//! Names and ARNs of ECS, taken apart and put together.

use landfall_base::{AccountId, Arn, Region};

/// The cluster of calls that name none.
pub const DEFAULT_CLUSTER: &str = "default";

/// Whose names: an account in a Region.
#[derive(Debug, Clone, Copy)]
pub struct Home<'a> {
    /// The account.
    pub account: &'a AccountId,
    /// The Region.
    pub region: &'a Region,
}

impl Home<'_> {
    fn arn(self, resource: &str) -> Arn {
        Arn::new("ecs", self.region, self.account, resource)
    }

    /// `arn:aws:ecs:…:cluster/name`
    pub fn cluster(self, name: &str) -> Arn {
        self.arn(&format!("cluster/{name}"))
    }

    /// `arn:aws:ecs:…:task/cluster/id`
    pub fn task(self, cluster: &str, id: &str) -> Arn {
        self.arn(&format!("task/{cluster}/{id}"))
    }

    /// `arn:aws:ecs:…:container/cluster/task/id`
    pub fn container(self, cluster: &str, task: &str, id: &str) -> Arn {
        self.arn(&format!("container/{cluster}/{task}/{id}"))
    }

    /// `arn:aws:ecs:…:container-instance/cluster/id`
    pub fn container_instance(self, cluster: &str, id: &str) -> Arn {
        self.arn(&format!("container-instance/{cluster}/{id}"))
    }

    /// `arn:aws:ecs:…:service/cluster/name`
    pub fn service(self, cluster: &str, name: &str) -> Arn {
        self.arn(&format!("service/{cluster}/{name}"))
    }

    /// `arn:aws:ecs:…:task-definition/family:revision`; the revision may be `*`.
    pub fn task_definition(self, family: &str, revision: impl std::fmt::Display) -> Arn {
        self.arn(&format!("task-definition/{family}:{revision}"))
    }

    /// `arn:aws:iam::…:role/path/name`
    pub fn role(self, path_and_name: &str) -> Arn {
        Arn::global("iam", self.account.as_str(), &format!("role/{path_and_name}"))
    }

    /// Whether an ARN of ECS lies in this account and Region.
    pub fn owns(self, arn: &Arn) -> bool {
        arn.service() == "ecs"
            && arn.region() == self.region.as_str()
            && arn.account() == self.account.as_str()
    }

    /// What a cluster argument (absent, a name or an ARN) stands for.
    pub fn cluster_named(self, argument: Option<&str>) -> ClusterRef {
        let text = argument.unwrap_or(DEFAULT_CLUSTER);
        let parsed: Option<Arn> = text.parse().ok();
        let Some(arn) = parsed else {
            return ClusterRef { name: Some(text.to_owned()), arn: self.cluster(text) };
        };
        let name = arn.resource().strip_prefix("cluster/").filter(|_| self.owns(&arn)).map(str::to_owned);
        ClusterRef { name, arn }
    }

    /// What an id-or-ARN argument stands for inside a cluster: `task` and `container-instance`, ARNs of the old format
    /// without a cluster included.
    pub fn part_named(self, kind: &str, cluster: &ClusterRef, text: &str) -> PartRef {
        let Ok(arn) = text.parse::<Arn>() else {
            let name = cluster.name.as_deref().unwrap_or_default();
            let arn = self.arn(&format!("{kind}/{name}/{text}"));
            return PartRef { id: Some(text.to_owned()), arn };
        };
        let path = arn.resource().strip_prefix(kind).and_then(|rest| rest.strip_prefix('/'));
        let id = path.filter(|_| self.owns(&arn)).and_then(|path| match path.split_once('/') {
            Some((named, id)) => (Some(named) == cluster.name.as_deref()).then_some(id),
            None => Some(path),
        });
        PartRef { id: id.map(str::to_owned), arn }
    }

    /// What a task definition argument (family, `family:revision` or an ARN) stands for; `None` for what lies elsewhere
    /// or makes no sense.
    pub fn task_definition_named(self, text: &str) -> Option<TaskDefinitionRef> {
        let resource = match text.parse::<Arn>() {
            Ok(arn) if !self.owns(&arn) => return None,
            Ok(arn) => arn.resource().strip_prefix("task-definition/")?.to_owned(),
            Err(_) => text.to_owned(),
        };
        let (family, revision) = match resource.split_once(':') {
            Some((family, revision)) => (family, Some(revision.parse().ok().filter(|it| *it > 0)?)),
            None => (resource.as_str(), None),
        };
        (!family.is_empty()).then(|| TaskDefinitionRef { family: family.to_owned(), revision })
    }
}

/// What a cluster argument stands for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClusterRef {
    /// Its name; `None` if the ARN points to another account, another Region or another kind of thing.
    pub name: Option<String>,
    /// Its ARN, for permissions.
    pub arn: Arn,
}

/// What a task or container instance argument stands for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PartRef {
    /// Its id; `None` if the ARN points outside the cluster.
    pub id: Option<String>,
    /// Its ARN, for permissions and failures.
    pub arn: Arn,
}

/// What a task definition argument stands for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TaskDefinitionRef {
    /// The family.
    pub family: String,
    /// The revision; `None` is the latest active one.
    pub revision: Option<u32>,
}

/// Names of clusters, families and containers: letters, digits, `_` and `-`, up to 255.
pub fn is_resource_name(name: &str) -> bool {
    let letters = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-';
    !name.is_empty() && name.len() <= 255 && name.bytes().all(letters)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with_home(test: impl FnOnce(Home<'_>)) {
        let (account, region) = ("111122223333".parse().unwrap(), "eu-west-1".parse().unwrap());
        test(Home { account: &account, region: &region });
    }

    #[test]
    fn cluster_arguments() {
        with_home(|home| {
            for (argument, name) in [
                (None, Some("default")),
                (Some("blue"), Some("blue")),
                (Some("arn:aws:ecs:eu-west-1:111122223333:cluster/blue"), Some("blue")),
                (Some("arn:aws:ecs:eu-west-2:111122223333:cluster/blue"), None),
                (Some("arn:aws:ecs:eu-west-1:444455556666:cluster/blue"), None),
                (Some("arn:aws:ecs:eu-west-1:111122223333:service/blue"), None),
            ] {
                assert_eq!(home.cluster_named(argument).name.as_deref(), name, "{argument:?}");
            }
        });
    }

    #[test]
    fn task_arguments() {
        with_home(|home| {
            let cluster = home.cluster_named(Some("blue"));
            for (argument, id) in [
                ("0123", Some("0123")),
                ("arn:aws:ecs:eu-west-1:111122223333:task/blue/0123", Some("0123")),
                ("arn:aws:ecs:eu-west-1:111122223333:task/0123", Some("0123")),
                ("arn:aws:ecs:eu-west-1:111122223333:task/green/0123", None),
                ("arn:aws:ecs:eu-west-2:111122223333:task/blue/0123", None),
            ] {
                assert_eq!(home.part_named("task", &cluster, argument).id.as_deref(), id, "{argument}");
            }
        });
    }

    #[test]
    fn task_definition_arguments() {
        with_home(|home| {
            let found =
                |family: &str, revision| Some(TaskDefinitionRef { family: family.to_owned(), revision });
            for (argument, expected) in [
                ("app", found("app", None)),
                ("app:7", found("app", Some(7))),
                ("arn:aws:ecs:eu-west-1:111122223333:task-definition/app:7", found("app", Some(7))),
                ("arn:aws:ecs:eu-west-1:111122223333:task-definition/app", found("app", None)),
                ("arn:aws:ecs:eu-west-1:444455556666:task-definition/app:7", None),
                ("app:0", None),
                ("app:x", None),
                ("", None),
            ] {
                assert_eq!(home.task_definition_named(argument), expected, "{argument}");
            }
        });
    }
}
