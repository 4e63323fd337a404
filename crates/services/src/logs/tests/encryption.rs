//! Groups under a KMS key.

use landfall_api::kms;
use landfall_store::journal::Range;

use super::*;
use crate::logs::record::STREAMS;

const SERVICE: &str = r#"{"Effect":"Allow","Principal":{"Service":"logs.us-east-1.amazonaws.com"},
    "Action":["kms:GenerateDataKey*","kms:Decrypt*"],"Resource":"*",
    "Condition":{"ArnEquals":{"kms:EncryptionContext:aws:logs:arn":"arn:aws:logs:us-east-1:ACCOUNT:log-group:/ecs/app"}}}"#;
const OWNER: &str =
    r#"{"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::ACCOUNT:root"},"Action":"kms:*","Resource":"*"}"#;

fn logs() -> Logs {
    let logs = Logs(TestInstallation::new(&[OPERATIONS, crate::kms::OPERATIONS]));
    logs.create_group(GROUP);
    logs.create_stream("s");
    logs
}

fn account() -> String {
    root().account.to_string()
}

fn refused(group: &str) -> (&'static str, String) {
    let text = format!(
        "The specified KMS key does not exist or is not allowed to be used with Arn \
         'arn:aws:logs:us-east-1:{}:log-group:{group}'",
        account()
    );
    ("AccessDeniedException", text)
}

/// A key that lets the service in for [`GROUP`].
fn key(logs: &Logs) -> String {
    let policy = format!(r#"{{"Version":"2012-10-17","Statement":[{OWNER},{SERVICE}]}}"#);
    let policy = Some(policy.replace("ACCOUNT", &account()));
    made(logs, kms::CreateKeyRequest { policy, ..Default::default() })
}

fn made(logs: &Logs, input: kms::CreateKeyRequest) -> String {
    logs.call::<kms::CreateKey>(input).key_metadata.unwrap().arn.unwrap()
}

fn associate(key: &str) -> api::AssociateKmsKeyRequest {
    api::AssociateKmsKeyRequest {
        log_group_name: Some(GROUP.to_owned()),
        kms_key_id: key.to_owned(),
        ..Default::default()
    }
}

fn create(name: &str, key: &str) -> api::CreateLogGroupRequest {
    api::CreateLogGroupRequest {
        log_group_name: name.to_owned(),
        kms_key_id: Some(key.to_owned()),
        ..Default::default()
    }
}

fn disable(logs: &Logs, key: &str) {
    logs.call::<kms::DisableKey>(kms::DisableKeyRequest { key_id: key.to_owned() });
}

fn disassociate(logs: &Logs) {
    let log_group_name = Some(GROUP.to_owned());
    logs.call::<api::DisassociateKmsKey>(api::DisassociateKmsKeyRequest {
        log_group_name,
        ..Default::default()
    });
}

fn shown_key(logs: &Logs) -> Option<String> {
    let groups = logs.call::<api::DescribeLogGroups>(Default::default()).log_groups.unwrap();
    groups.into_iter().find(|group| group.log_group_name.as_deref() == Some(GROUP)).unwrap().kms_key_id
}

/// What is on disk of the stream `s`.
fn payloads(logs: &Logs) -> Vec<Vec<u8>> {
    let installation = logs.0.call.installation();
    let caller = root();
    let place = (&caller.account, &caller.region, GROUP, "s");
    let row = installation.store.view().get(&STREAMS, &place).unwrap().unwrap();
    let page = installation.journals.read(&row.journal(), Range::default()).unwrap();
    page.records.into_iter().map(|record| record.payload).collect()
}

fn filter(pattern: &str) -> api::FilterLogEventsRequest {
    api::FilterLogEventsRequest {
        log_group_name: Some(GROUP.to_owned()),
        filter_pattern: Some(pattern.to_owned()),
        ..Default::default()
    }
}

#[test]
fn events_are_on_disk_under_the_key() {
    let logs = logs();
    let key = key(&logs);
    logs.put("s", &[(NOW, "before the key")]);
    logs.call::<api::AssociateKmsKey>(associate(&key));
    assert_eq!(shown_key(&logs), Some(key));
    logs.put("s", &[(NOW + 1, "a message"), (NOW + 2, "another message")]);
    let on_disk = payloads(&logs);
    assert_eq!(on_disk[0], b"before the key");
    for payload in &on_disk[1..] {
        assert!(!payload.windows(7).any(|part| part == b"message"), "{payload:?}");
    }
    assert_eq!(logs.messages("s"), ["before the key", "a message", "another message"]);
    let found = logs.call::<api::FilterLogEvents>(filter("another")).events.unwrap();
    assert_eq!(found.into_iter().filter_map(|event| event.message).collect::<Vec<_>>(), ["another message"]);
}

#[test]
fn the_key_has_to_let_the_service_in_for_this_group() {
    let logs = logs();
    let closed = made(&logs, kms::CreateKeyRequest::default());
    assert_eq!(logs.refusal::<api::AssociateKmsKey>(associate(&closed)), refused(GROUP));
    let missing = closed.rsplit_once('/').unwrap().0.to_owned() + "/00000000-0000-0000-0000-000000000000";
    assert_eq!(logs.refusal::<api::AssociateKmsKey>(associate(&missing)), refused(GROUP));
    let key = key(&logs);
    assert_eq!(logs.refusal::<api::CreateLogGroup>(create("/ecs/other", &key)), refused("/ecs/other"));
    assert_eq!(shown_key(&logs), None);
    logs.create_group("/ecs/other");
}

#[test]
fn only_arns_of_keys_that_can_be_used_are_taken() {
    let logs = logs();
    for text in
        ["alias/a", "00000000-0000-0000-0000-000000000000", "arn:aws:kms:us-east-1:111122223333:alias/a"]
    {
        let (code, message) = logs.refusal::<api::AssociateKmsKey>(associate(text));
        assert_eq!(code, "InvalidParameterException");
        assert_eq!(message, format!("`{text}` is not the ARN of a KMS key."));
    }
    let key = key(&logs);
    disable(&logs, &key);
    let (code, message) = logs.refusal::<api::AssociateKmsKey>(associate(&key));
    assert_eq!((code, message), ("InvalidParameterException", format!("{key} is disabled.")));
}

#[test]
fn a_disabled_key_shuts_its_events_away() {
    let logs = logs();
    let key = key(&logs);
    logs.call::<api::AssociateKmsKey>(associate(&key));
    logs.put("s", &[(NOW, "a message")]);
    disable(&logs, &key);
    assert_eq!(logs.refusal::<api::PutLogEvents>(batch("s", &[(NOW, "x")])), refused(GROUP));
    assert_eq!(logs.refusal::<api::GetLogEvents>(get("s")), refused(GROUP));
    assert_eq!(logs.refusal::<api::FilterLogEvents>(filter("")), refused(GROUP));
    logs.call::<kms::EnableKey>(kms::EnableKeyRequest { key_id: key });
    assert_eq!(logs.messages("s"), ["a message"]);
}

#[test]
fn events_stay_under_the_key_that_they_came_under() {
    let logs = logs();
    let first = key(&logs);
    logs.call::<api::AssociateKmsKey>(associate(&first));
    logs.put("s", &[(NOW, "one")]);
    disassociate(&logs);
    assert_eq!(shown_key(&logs), None);
    logs.put("s", &[(NOW + 1, "two")]);
    assert_eq!(payloads(&logs)[1], b"two");
    let second = key(&logs);
    logs.call::<api::AssociateKmsKey>(associate(&second));
    logs.put("s", &[(NOW + 2, "three")]);
    logs.call::<api::AssociateKmsKey>(associate(&first));
    logs.put("s", &[(NOW + 3, "four")]);
    assert_eq!(logs.messages("s"), ["one", "two", "three", "four"]);
    disable(&logs, &second);
    let newest = logs.call::<api::GetLogEvents>(api::GetLogEventsRequest { limit: Some(1), ..get("s") });
    assert_eq!(texts(&newest), ["four"]);
    assert_eq!(logs.refusal::<api::GetLogEvents>(get("s")), refused(GROUP));
}
