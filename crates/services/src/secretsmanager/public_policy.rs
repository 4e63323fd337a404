//! Whether a resource policy lets the public in: tried out with strangers.
//!
//! A stranger is a user or a role of an account that the policy does not name, calls from an address of the internet,
//! and may do anything as far as its own policies go. A policy that lets a stranger do anything to the secret is public.
//! Conditions that narrow callers down (`aws:PrincipalOrgID`, `aws:SourceVpce`, `aws:SourceAccount`, …) keep strangers
//! out because their requests do not have these keys; conditions on the request itself do not.

use landfall_base::{AccountId, Arn, Timestamp};
use landfall_iam::{
    Attached, Context, Layers, Policy, PolicyKind, Principal, Request, ResourceLayer, evaluate,
};

use super::stages::CURRENT;

const EVERYTHING: &str =
    r#"{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"*","Resource":"*"}}"#;

const ACTIONS: [&str; 16] = [
    "secretsmanager:CancelRotateSecret",
    "secretsmanager:DeleteResourcePolicy",
    "secretsmanager:DeleteSecret",
    "secretsmanager:DescribeSecret",
    "secretsmanager:GetResourcePolicy",
    "secretsmanager:GetSecretValue",
    "secretsmanager:ListSecretVersionIds",
    "secretsmanager:PutResourcePolicy",
    "secretsmanager:PutSecretValue",
    "secretsmanager:ReplicateSecretToRegions",
    "secretsmanager:RestoreSecret",
    "secretsmanager:RotateSecret",
    "secretsmanager:TagResource",
    "secretsmanager:UntagResource",
    "secretsmanager:UpdateSecret",
    "secretsmanager:UpdateSecretVersionStage",
];

/// Whether a policy on the secret `arn` lets strangers do anything to it at the time `now`.
///
/// # Errors
/// Never in practice: the text of a policy of this file did not compile.
pub(super) fn is_public(
    policy: &Policy,
    arn: &Arn,
    now: Timestamp,
) -> Result<bool, Box<dyn std::error::Error + Send + Sync>> {
    let everything = Policy::stored(EVERYTHING, PolicyKind::Identity)?;
    let account = unnamed_account(policy.text())?;
    let strangers = [
        Principal::user(Arn::global("iam", account.as_str(), "user/stranger"), &account, "AIDASTRANGER"),
        Principal::role_session(
            Arn::global("iam", account.as_str(), "role/stranger"),
            &account,
            "AROASTRANGER",
            "stranger",
        ),
    ];
    let context = context(arn, now);
    let may = |principal: &Principal, action: &str| {
        let owner = arn.account_id();
        let request = Request {
            principal,
            action,
            resource: arn.as_str(),
            resource_account: owner.as_ref(),
            context: &context,
        };
        let identity = [Attached::inline("everything", &everything)];
        let on_secret = [Attached::to_resource("resource policy", policy)];
        let resource = Some(ResourceLayer::ordinary(&on_secret));
        evaluate(&request, &Layers { identity: &identity, resource, ..Layers::default() }).is_allowed()
    };
    Ok(strangers.iter().any(|principal| ACTIONS.iter().any(|action| may(principal, action))))
}

/// An account that the policy does not mention.
fn unnamed_account(text: &str) -> Result<AccountId, landfall_base::InvalidAccountId> {
    let free = (0..).map(|number: u32| format!("9{number:011}")).find(|account| !text.contains(account));
    free.unwrap_or_default().parse()
}

fn context(arn: &Arn, now: Timestamp) -> Context {
    Context::new()
        .with("aws:CurrentTime", now.iso8601())
        .with("aws:EpochTime", now.whole_seconds().to_string())
        .with("aws:RequestedRegion", arn.region())
        .with("aws:SecureTransport", "true")
        .with("aws:MultiFactorAuthPresent", "true")
        // Of a block that is kept for examples (RFC 5737): no policy lets it in on purpose.
        .with("aws:SourceIp", "198.51.100.77")
        .with("secretsmanager:SecretId", arn.as_str())
        .with("secretsmanager:SecretPrimaryRegion", arn.region())
        .with("secretsmanager:VersionStage", CURRENT)
}

#[cfg(test)]
mod tests {
    use landfall_iam::ResourceService;

    use super::*;
    use crate::testing::START;

    fn public(statement: &str) -> bool {
        let text = format!(r#"{{"Version":"2012-10-17","Statement":{statement}}}"#);
        let policy = Policy::parse(&text, PolicyKind::Resource(ResourceService::Secret)).unwrap();
        let arn = "arn:aws:secretsmanager:us-east-1:111122223333:secret:a-AbCdEf".parse().unwrap();
        is_public(&policy, &arn, START).unwrap()
    }

    #[test]
    fn strangers_are_let_in_or_not() {
        let all = r#""Effect":"Allow","Action":"secretsmanager:GetSecretValue","Resource":"*""#;
        let everyone = format!(r#"{all},"Principal":"*""#);
        let conditions = [
            ("", true),
            (r#","Condition":{"Bool":{"aws:SecureTransport":"true"}}"#, true),
            (
                r#","Condition":{"ForAnyValue:StringEquals":{"secretsmanager:VersionStage":"AWSCURRENT"}}"#,
                true,
            ),
            (r#","Condition":{"IpAddress":{"aws:SourceIp":"0.0.0.0/0"}}"#, true),
            (r#","Condition":{"IpAddress":{"aws:SourceIp":"10.0.0.0/8"}}"#, false),
            (r#","Condition":{"StringEquals":{"aws:PrincipalOrgID":"o-1"}}"#, false),
            (r#","Condition":{"StringEquals":{"aws:SourceVpce":"vpce-1"}}"#, false),
            (r#","Condition":{"StringLike":{"aws:PrincipalArn":"arn:aws:iam::*:role/*"}}"#, true),
            (r#","Condition":{"StringEquals":{"aws:PrincipalAccount":"900000000000"}}"#, false),
        ];
        for (condition, expected) in conditions {
            assert_eq!(public(&format!("{{{everyone}{condition}}}")), expected, "{condition}");
        }
        assert!(public(&format!(r#"{{{all},"Principal":{{"AWS":["*"]}}}}"#)));
        assert!(!public(&format!(r#"{{{all},"Principal":{{"AWS":"444455556666"}}}}"#)));
        assert!(!public(r#"{"Effect":"Deny","Action":"*","Resource":"*","Principal":"*"}"#));
    }

    #[test]
    fn a_deny_for_strangers_closes_an_open_allow() {
        let statements = r#"[
            {"Effect":"Allow","Action":"secretsmanager:*","Resource":"*","Principal":"*"},
            {"Effect":"Deny","Action":"secretsmanager:*","Resource":"*","Principal":"*",
             "Condition":{"StringNotEquals":{"aws:PrincipalOrgID":"o-1"}}}]"#;
        assert!(!public(statements));
    }
}
