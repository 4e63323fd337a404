//! Deletion, restoration, and the end of the recovery window.

use super::super::reconcile;
use super::super::record::{BY_CREATION, DELETIONS, VERSIONS};
use super::*;

const MARKED: &str = "You can't perform this operation on the secret because it was marked for deletion.";

fn reconciled(fixture: &Fixture) -> usize {
    reconcile(fixture.0.call.installation()).unwrap()
}

fn force(name: &str) -> api::DeleteSecretRequest {
    api::DeleteSecretRequest { force_delete_without_recovery: Some(true), ..delete(name) }
}

#[test]
fn a_deleted_secret_is_there_but_of_no_use() {
    let fixture = Fixture::new();
    let arn = fixture.secret("a");
    let answer = fixture.root::<api::DeleteSecret>(delete("a"));
    assert_eq!((answer.arn, answer.deletion_date), (Some(arn), Some(after_days(30))));
    assert_eq!(fixture.describe("a").deleted_date, Some(START));
    let id = || "a".to_owned();
    let refusals = [
        fixture.refused::<api::GetSecretValue>(get("a")),
        fixture.refused::<api::PutSecretValue>(put("a", 2)),
        fixture
            .refused::<api::UpdateSecret>(api::UpdateSecretRequest { secret_id: id(), ..Default::default() }),
        fixture.refused::<api::DeleteSecret>(delete("a")),
        fixture.refused::<api::GetResourcePolicy>(api::GetResourcePolicyRequest { secret_id: id() }),
        fixture.refused::<api::DeleteResourcePolicy>(api::DeleteResourcePolicyRequest { secret_id: id() }),
        fixture.refused::<api::TagResource>(api::TagResourceRequest { secret_id: id(), tags: Vec::new() }),
        fixture.refused::<api::UntagResource>(api::UntagResourceRequest {
            secret_id: id(),
            tag_keys: Vec::new(),
        }),
    ];
    for (code, message) in refusals {
        assert_eq!((code.as_str(), message.as_str()), ("InvalidRequestException", MARKED));
    }
    let (code, message) = fixture.refused::<api::CreateSecret>(create("a"));
    assert_eq!(code, "InvalidRequestException");
    assert_eq!(
        message,
        "You can't create this secret because a secret with this name is already scheduled for deletion."
    );
}

#[test]
fn a_restored_secret_is_as_before() {
    let fixture = Fixture::new();
    let arn = fixture.secret("a");
    fixture.root::<api::DeleteSecret>(delete("a"));
    let restore = || api::RestoreSecretRequest { secret_id: "a".into() };
    assert_eq!(fixture.root::<api::RestoreSecret>(restore()).arn, Some(arn));
    assert_eq!(fixture.describe("a").deleted_date, None);
    assert_eq!(fixture.value("a"), "v1");
    fixture.root::<api::RestoreSecret>(restore());
    fixture.0.clock.advance_seconds(days(31));
    assert_eq!(reconciled(&fixture), 0);
    assert_eq!(fixture.value("a"), "v1");
}

#[test]
fn a_secret_goes_when_its_window_is_over() {
    let fixture = Fixture::new();
    let first = fixture.secret("a");
    fixture.put("a", 2);
    fixture.secret("b");
    let week = api::DeleteSecretRequest { recovery_window_in_days: Some(7), ..delete("a") };
    fixture.root::<api::DeleteSecret>(week);
    fixture.0.clock.advance_seconds(days(7) - 1);
    assert_eq!(reconciled(&fixture), 0);
    assert!(fixture.row("a").is_some());
    fixture.0.clock.advance_seconds(1);
    assert_eq!(reconciled(&fixture), 1);
    assert_eq!(reconciled(&fixture), 0);
    assert!(fixture.row("a").is_none());
    let view = fixture.0.call.installation().store.view();
    let left = (view.count(&VERSIONS, ()), view.count(&DELETIONS, ()), view.count(&BY_CREATION, ()));
    assert_eq!(left, (1, 0, 1));
    assert_ne!(fixture.secret("a"), first);
    assert_eq!(fixture.value("a"), "v1");
    assert_eq!(fixture.refused::<api::GetSecretValue>(get(&first)).0, "ResourceNotFoundException");
}

#[test]
fn a_forced_deletion_is_at_once_and_may_be_repeated() {
    let fixture = Fixture::new();
    fixture.secret("a");
    fixture.root::<api::DeleteSecret>(delete("a"));
    for _ in 0..2 {
        let answer = fixture.root::<api::DeleteSecret>(force("a"));
        assert_eq!((answer.name.as_deref(), answer.deletion_date), (Some("a"), Some(START)));
        assert!(fixture.row("a").is_none());
    }
    let view = fixture.0.call.installation().store.view();
    assert_eq!((view.count(&VERSIONS, ()), view.count(&DELETIONS, ())), (0, 0));
}

#[test]
fn many_secrets_go_in_one_round() {
    let fixture = Fixture::new();
    for number in 0..205 {
        let name = format!("s{number}");
        fixture.secret(&name);
        fixture.root::<api::DeleteSecret>(delete(&name));
    }
    fixture.0.clock.advance_seconds(days(30));
    assert_eq!(reconciled(&fixture), 205);
}
