//! {same account, other account} × {identity allows, is silent, denies} × {repository policy allows, is silent, denies} ×
//! {pull, push, describe}: outcome and sentence.

use super::*;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Says {
    Allow,
    Nothing,
    Deny,
}
use Says::{Allow, Deny, Nothing};

const ALL: [Says; 3] = [Allow, Nothing, Deny];
const ACTIONS: [&str; 3] = ["ecr:BatchGetImage", "ecr:InitiateLayerUpload", "ecr:DescribeImages"];

/// The end of the sentence, or nothing where the call succeeds.
fn expected(same: bool, identity: Says, repository: Says, action: &str) -> Option<String> {
    let because = |kind: &str| Some(format!("because no {kind}-based policy allows the {action} action"));
    match (identity, repository) {
        // Denies of the caller's own policies are told first.
        (Deny, _) => Some("with an explicit deny in an identity-based policy".to_owned()),
        (_, Deny) => Some("with an explicit deny in a resource-based policy".to_owned()),
        (Allow, Allow) => None,
        (Allow, Nothing) | (Nothing, Allow) if same => None,
        (Allow, Nothing) => because("resource"),
        (Nothing, Allow) => because("identity"),
        (Nothing, Nothing) => because(if same { "identity" } else { "resource" }),
    }
}

fn call(fixture: &Fixture, caller: &Caller, action: &str) -> Result<(), ServiceError> {
    let registry_id = Some(account().to_string());
    let repository_name = "app".to_owned();
    match action {
        "ecr:BatchGetImage" => {
            let image_ids = vec![id(None, Some("no"))];
            let input =
                api::BatchGetImageRequest { registry_id, repository_name, image_ids, ..Default::default() };
            fixture.call::<api::BatchGetImage>(caller, input).map(drop)
        }
        "ecr:InitiateLayerUpload" => {
            let input = api::InitiateLayerUploadRequest { registry_id, repository_name };
            fixture.call::<api::InitiateLayerUpload>(caller, input).map(drop)
        }
        _ => {
            let input = api::DescribeImagesRequest { registry_id, repository_name, ..Default::default() };
            fixture.call::<api::DescribeImages>(caller, input).map(drop)
        }
    }
}

#[test]
fn both_sides_decide() {
    for (same, identity, repository) in [true, false]
        .iter()
        .flat_map(|same| ALL.map(|identity| (*same, identity)))
        .flat_map(|(same, identity)| ALL.map(|repository| (same, identity, repository)))
    {
        let fixture = Fixture::new();
        fixture.repository("app");
        let of = if same { account() } else { other_account() };
        let statement = format!(r#"{{"Effect":"{identity:?}","Action":"ecr:*","Resource":"*"}}"#);
        let user = fixture.user(&of, "alice", (identity != Nothing).then_some(statement.as_str()));
        if repository != Nothing {
            let arn = user_arn(&of, "alice");
            let statement =
                format!(r#"{{"Effect":"{repository:?}","Principal":{{"AWS":"{arn}"}},"Action":"ecr:*"}}"#);
            fixture.root::<api::SetRepositoryPolicy>(set_policy("app", &statement));
        }
        for action in ACTIONS {
            let case = format!("same {same}, identity {identity:?}, repository {repository:?}, {action}");
            match (call(&fixture, &user, action), expected(same, identity, repository, action)) {
                (Ok(()), None) => {}
                (Err(error), Some(reason)) => {
                    let arn = user_arn(&of, "alice");
                    let sentence = format!(
                        "User: {arn} is not authorized to perform: {action} on resource: \
                         arn:aws:ecr:us-east-1:111122223333:repository/app {reason}"
                    );
                    assert_eq!((error.code, error.message), ("AccessDeniedException", sentence), "{case}");
                }
                (outcome, _) => panic!("{case}: {outcome:?}"),
            }
        }
    }
}
