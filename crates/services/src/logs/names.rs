//! ARNs of log groups and streams, and back.

use landfall_base::{AccountId, Arn, Region};

/// A log group's place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct GroupName {
    pub(super) account: AccountId,
    pub(super) region: Region,
    pub(super) name: String,
}

impl GroupName {
    fn arn_with(&self, rest: &str) -> Arn {
        let resource = format!("log-group:{}{rest}", self.name);
        Arn::new("logs", &self.region, &self.account, &resource)
    }

    /// `…:log-group:NAME`: what tagging calls are about.
    pub(super) fn arn(&self) -> Arn {
        self.arn_with("")
    }

    /// `…:log-group:NAME:*`, as DescribeLogGroups shows it.
    pub(super) fn pattern_arn(&self) -> Arn {
        self.arn_with(":*")
    }

    /// `…:log-group:NAME:log-stream:`: what calls on a whole group are about, so that policies written with a trailing
    /// `:*` match and those without do not.
    pub(super) fn scope_arn(&self) -> Arn {
        self.arn_with(":log-stream:")
    }

    /// `…:log-group:NAME:log-stream:STREAM`
    pub(super) fn stream_arn(&self, stream: &str) -> Arn {
        self.arn_with(&format!(":log-stream:{stream}"))
    }

    /// The group an ARN names, with or without a trailing `:*`.
    pub(super) fn of_arn(text: &str) -> Option<Self> {
        let arn: Arn = text.parse().ok()?;
        let name = arn.resource().strip_prefix("log-group:")?;
        let name = name.strip_suffix(":*").unwrap_or(name);
        let is_right = arn.service() == "logs" && is_group_name(name);
        let (account, region) = (arn.account_id()?, arn.region().parse().ok()?);
        is_right.then(|| Self { account, region, name: name.to_owned() })
    }
}

/// Whether a text is a name that a group can have (CloudWatch Logs API reference, CreateLogGroup).
pub(crate) fn is_group_name(text: &str) -> bool {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"._-/#".contains(&byte);
    (1..=512).contains(&text.len()) && text.bytes().all(allowed)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn group(name: &str) -> GroupName {
        GroupName {
            account: "111122223333".parse().unwrap(),
            region: "us-east-1".parse().unwrap(),
            name: name.to_owned(),
        }
    }

    #[test]
    fn arns_read_back() {
        let app = group("/ecs/app");
        assert_eq!(app.arn().as_str(), "arn:aws:logs:us-east-1:111122223333:log-group:/ecs/app");
        assert_eq!(GroupName::of_arn(app.arn().as_str()), Some(app.clone()));
        assert_eq!(GroupName::of_arn(app.pattern_arn().as_str()), Some(app.clone()));
        assert!(app.stream_arn("a/b").as_str().ends_with(":log-group:/ecs/app:log-stream:a/b"));
        assert!(app.scope_arn().as_str().ends_with(":log-group:/ecs/app:log-stream:"));
    }

    #[test]
    fn other_texts_are_no_groups() {
        let wrong = [
            "",
            "/ecs/app",
            "arn:aws:ecs:us-east-1:111122223333:log-group:x",
            "arn:aws:logs:us-east-1:111122223333:destination:x",
            "arn:aws:logs:us-east-1:1:log-group:x",
            "arn:aws:logs:us-east-1:111122223333:log-group:",
            "arn:aws:logs:us-east-1:111122223333:log-group:x:log-stream:y",
        ];
        for text in wrong {
            assert_eq!(GroupName::of_arn(text), None, "{text}");
        }
    }
}
