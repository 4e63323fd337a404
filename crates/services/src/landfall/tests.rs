use landfall_api::landfall as api;
use landfall_iam::Principal;

use crate::ecs::launch::stage::Stage;
use crate::pipe::Caller;
use crate::testing::{caller, nobody, root};

fn create(id: &str) -> api::CreateAccountRequest {
    api::CreateAccountRequest { account_id: id.to_owned() }
}

#[test]
fn the_first_account_makes_others_and_they_do_not() {
    let stage = Stage::new();
    let made = stage.call::<api::CreateAccount>(&root(), create("444455556666"));
    assert_eq!(made.user_arn, "arn:aws:iam::444455556666:user/administrator");
    assert!(!format!("{made:?}").contains(made.secret_access_key.expose()));

    let refused = |who: &Caller, id: &str| {
        let error = stage.it.call.call::<api::CreateAccount>(who, create(id)).result.unwrap_err();
        (error.code, error.message)
    };
    assert_eq!(refused(&root(), "444455556666").0, "AccountAlreadyExistsException");
    assert_eq!(refused(&root(), "x").0, "InvalidParameterException");
    let other = caller(Principal::root(&"444455556666".parse().unwrap()));
    let (code, message) = refused(&other, "777788889999");
    assert_eq!(code, "AccessDeniedException");
    assert!(message.contains("because only principals of account 111122223333 may do that"), "{message}");
    assert_eq!(refused(&nobody(), "777788889999").0, "AccessDeniedException");

    let ids = |who: &Caller| -> Vec<String> {
        let answer = stage.call::<api::ListAccounts>(who, api::ListAccountsRequest {});
        answer.accounts.into_iter().map(|account| account.account_id).collect()
    };
    assert!(ids(&root()).contains(&"444455556666".to_owned()));
    assert_eq!(ids(&other), ["444455556666"]);
}

#[test]
fn the_start_of_a_task_is_shown_to_those_who_may_see_it() {
    let stage = Stage::new();
    let input =
        || api::DescribeTaskStartRequest { cluster: Some("blue".to_owned()), task: "0123".to_owned() };
    let missing = stage.it.call.call::<api::DescribeTaskStart>(&root(), input()).result.unwrap_err();
    assert_eq!(missing.code, "ResourceNotFoundException");
    let denied = stage.it.call.call::<api::DescribeTaskStart>(&nobody(), input()).result.unwrap_err();
    assert_eq!(denied.code, "AccessDeniedException");
    let on = "landfall:DescribeTaskStart on resource: arn:aws:ecs:us-east-1:111122223333:task/blue/0123";
    assert!(denied.message.contains(on), "{}", denied.message);
}
