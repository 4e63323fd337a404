//! Snapshots as a whole: what is in one, what is not, and that it answers as the installation does.

use std::collections::BTreeSet;

use landfall_api::landfall::{self as api, CheckTaskStartRequest, CheckTaskStartResponse, Finding};
use landfall_api::{iam, kms, secretsmanager as secrets, ssm};
use landfall_base::random;
use landfall_iam::Principal;
use proptest::prelude::*;
use serde_json::{Value, json};

use super::tables::{KEPT, LEFT_OUT, MANIFESTS};
use super::{NOT_ASKED, Opened, SnapshotError, open, take};
use crate::ecs::launch::stage::{ROLE, Stage};
use crate::pipe::Caller;
use crate::testing::{account, caller, nobody, region, root};

/// Everything that a snapshot says.
fn text(file: &[u8]) -> String {
    let end = file.iter().position(|byte| *byte == b'\n').unwrap();
    String::from_utf8(zstd::decode_all(&file[end + 1..]).unwrap()).unwrap()
}

fn snapshot(stage: &Stage) -> Vec<u8> {
    take(stage.it.call.installation(), None).unwrap().file
}

/// An opened snapshot, and the directory that it needs.
fn opened(file: &[u8]) -> (Opened, tempfile::TempDir) {
    let directory = tempfile::tempdir().unwrap();
    (open(file, directory.path()).unwrap(), directory)
}

/// The names of all tables, by the source: somebody who adds one has to decide.
fn tables(directory: &std::path::Path, found: &mut BTreeSet<String>) {
    let named = regex::Regex::new(r#"Table::new\(\s*"([^"]+)""#).unwrap();
    for entry in std::fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            tables(&path, found);
            continue;
        }
        let source = std::fs::read_to_string(&path).unwrap();
        found.extend(named.captures_iter(&source).map(|found| found[1].to_owned()));
    }
}

#[test]
fn every_table_was_decided_about() {
    let mut all = BTreeSet::new();
    tables(std::path::Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/src")), &mut all);
    let kept = KEPT.iter().map(|part| part.name).filter(|name| *name != MANIFESTS);
    let left_out = LEFT_OUT.iter().flat_map(|(_, names)| names.iter().copied());
    let decided: Vec<String> = kept.chain(left_out).map(str::to_owned).collect();
    let once: BTreeSet<String> = decided.iter().cloned().collect();
    assert_eq!(decided.len(), once.len(), "a table is in both lists");
    let undecided: Vec<_> = all.difference(&once).collect();
    assert!(
        undecided.is_empty(),
        "decide in `snapshot/tables.rs` whether these go into snapshots: {undecided:?}"
    );
    assert_eq!(once.difference(&all).collect::<Vec<_>>(), Vec::<&String>::new(), "there are no such tables");
}

fn key(stage: &Stage) -> String {
    let made = stage.it.call.call::<kms::CreateKey>(&root(), kms::CreateKeyRequest::default());
    made.result.unwrap().key_metadata.unwrap().arn.unwrap()
}

fn secret_under(stage: &Stage, name: &str, value: &str, key: &str) -> String {
    let input = secrets::CreateSecretRequest {
        name: name.to_owned(),
        secret_string: Some(value.into()),
        kms_key_id: Some(key.to_owned()),
        client_request_token: Some(random::uuid()),
        ..Default::default()
    };
    stage.call::<secrets::CreateSecret>(&root(), input).arn.unwrap()
}

fn parameter(stage: &Stage, name: &str, value: &str, kind: &str, key: Option<&str>, tier: &str) {
    let input = ssm::PutParameterRequest {
        name: name.to_owned(),
        value: value.into(),
        r#type: Some(ssm::ParameterType::from(kind)),
        key_id: key.map(str::to_owned),
        tier: Some(ssm::ParameterTier::from(tier)),
        description: Some(format!("about {value}")),
        ..Default::default()
    };
    stage.call::<ssm::PutParameter>(&root(), input);
}

fn user_with_key(stage: &Stage, name: &str) -> String {
    let user = iam::CreateUserRequest { user_name: name.to_owned(), ..Default::default() };
    stage.call::<iam::CreateUser>(&root(), user);
    let input = iam::CreateAccessKeyRequest { user_name: Some(name.to_owned()) };
    let key = stage.call::<iam::CreateAccessKey>(&root(), input).access_key;
    key.secret_access_key.expose().clone()
}

#[test]
fn no_secret_is_in_it() {
    let stage = Stage::new();
    let key = key(&stage);
    let mut values = Vec::new();
    for number in 0..25 {
        let mut value = || {
            let value = format!("hunter{}", random::alphanumeric(24));
            values.push(value.clone());
            value
        };
        stage.secret(&format!("plain{number}"), &value());
        let both = json!({"username": value(), "password": {"deep": [value()]}});
        stage.secret(&format!("json{number}"), &both.to_string());
        secret_under(&stage, &format!("key{number}"), &value(), &key);
        parameter(&stage, &format!("/p/{number}"), &value(), "String", None, "Standard");
        parameter(&stage, &format!("/s/{number}"), &value(), "SecureString", None, "Standard");
        parameter(&stage, &format!("/k/{number}"), &value(), "SecureString", Some(&key), "Standard");
        parameter(&stage, &format!("/a/{number}"), &value(), "SecureString", Some(&key), "Advanced");
        stage.file(&format!("{number}.env"), format!("{}={}\n{}=", value(), value(), value()).as_bytes());
        stage.file(&format!("{number}.txt"), value().as_bytes());
        values.push(user_with_key(&stage, &format!("user{number}")));
    }
    let file = snapshot(&stage);
    let text = text(&file);
    assert!(values.len() >= 200);
    let found: Vec<_> = values.iter().filter(|value| text.contains(value.as_str())).collect();
    assert!(found.is_empty(), "{found:?}");
    for word in ["sealed\":\"", "ciphertext", "AKIA", "hunter", ".txt"] {
        assert!(!text.contains(word), "{word}");
    }
    for word in ["plain7", "username", "/a/24", "24.env", "user3", "secretsmanager.version"] {
        assert!(text.contains(word), "{word}");
    }
    // What could unseal something is another key each time.
    assert!(!text.contains(&stage.it.call.installation().vault.root_key_id()));
}

fn check(call: &crate::pipe::Call, who: &Caller, definition: &Value) -> CheckTaskStartResponse {
    let input = CheckTaskStartRequest {
        task_definition: definition.to_string().into(),
        cluster: None,
        launch_type: None,
        skip_images: None,
        pull_images: None,
        pull_token: None,
        subnets: None,
        execution_role_is_new: None,
        execution_role_name: None,
        execution_role_policies: None,
    };
    call.call::<api::CheckTaskStart>(who, input).result.unwrap()
}

/// What is compared of findings: all but request ids in messages.
fn told(findings: &[Finding]) -> Vec<String> {
    let id = regex::Regex::new("[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}").unwrap();
    let without_id = |text: &str| id.replace_all(text, "ID").into_owned();
    let one = |it: &Finding| {
        let fix = it.fix.as_ref().map(|fix| (&fix.text, &fix.command, &fix.document, fix.verified));
        format!(
            "{} {:?} {} {fix:?} {:?} {:?}",
            it.headline,
            it.cause,
            without_id(&it.message),
            it.step,
            it.resource
        )
    };
    findings.iter().map(one).collect()
}

fn container(more: &Value) -> Value {
    let mut container = json!({"name": "main", "image": "111122223333.dkr.ecr.us-east-1.amazonaws.com/none:1",
        "memory": 128});
    for (name, value) in more.as_object().unwrap() {
        container[name] = value.clone();
    }
    container
}

fn definition(launch: &str, more: &Value) -> Value {
    json!({"family": "app", "cpu": "256", "memory": "512", "networkMode": "awsvpc", "executionRoleArn": ROLE,
        "requiresCompatibilities": [launch], "containerDefinitions": [container(more)]})
}

#[test]
fn it_finds_what_the_installation_finds() {
    let stage = Stage::new();
    stage.allow(&[
        "secretsmanager:GetSecretValue",
        "ssm:GetParameters",
        "logs:CreateLogStream",
        "ecr:*",
        "kms:Decrypt",
        "s3:GetObject",
        "s3:GetBucketLocation",
    ]);
    stage.log_group("/there");
    let (good, disabled, gone) = (key(&stage), key(&stage), key(&stage));
    let mut credentials = Vec::new();
    for (number, value) in [
        r#"{"username":"u","password":"p"}"#,
        r#"{"user":"u","password":"p"}"#,
        r#"{"username":"u"}"#,
        r#"{"username":"u","password":5}"#,
        r#"'{"username":"u","password":"p"}'"#,
        "no json",
        "[1]",
        "{\"username\":\"u\",\n\"password\":}",
    ]
    .into_iter()
    .enumerate()
    {
        credentials.push(stage.secret(&format!("c{number}"), value));
    }
    for (name, key) in [("good", &good), ("disabled", &disabled), ("gone", &gone)] {
        credentials.push(secret_under(&stage, name, r#"{"username":"u","password":"p"}"#, key));
        parameter(&stage, &format!("/{name}/s"), "value", "SecureString", Some(key), "Standard");
        parameter(&stage, &format!("/{name}/a"), "value", "SecureString", Some(key), "Advanced");
    }
    stage.call::<kms::DisableKey>(&root(), kms::DisableKeyRequest { key_id: disabled });
    let days = kms::ScheduleKeyDeletionRequest { key_id: gone, pending_window_in_days: Some(7) };
    stage.call::<kms::ScheduleKeyDeletion>(&root(), days);
    parameter(&stage, "/plain", "value", "StringList", None, "Standard");
    stage.file("good.env", b"A=1\nB=2\n# C=3\n");
    stage.file("binary.env", &[0xff, 0xfe]);
    stage.file("long.env", &[b'x'; 70_000]);
    let mut definitions = Vec::new();
    let value = |from: &str| json!({"secrets": [{"name": "V", "valueFrom": from}]});
    for secret in &credentials {
        definitions.push(
            json!({"repositoryCredentials": {"credentialsParameter": secret}, "image": "r.example/a:1"}),
        );
        definitions.push(value(secret));
        definitions.push(value(&format!("{secret}:password::")));
        definitions.push(value(&format!("{secret}:nope::")));
        definitions.push(value(&format!("{secret}::AWSPREVIOUS:")));
    }
    for name in ["/plain", "/good/s", "/good/a", "/disabled/s", "/disabled/a", "/gone/s", "/gone/a", "/none"]
    {
        definitions.push(value(name));
    }
    for name in ["good.env", "binary.env", "long.env", "none.env"] {
        let file = json!([{"type": "s3", "value": format!("arn:aws:s3:::files/{name}")}]);
        definitions.push(json!({"environmentFiles": file}));
    }
    for group in ["/there", "/missing"] {
        let options =
            json!({"awslogs-group": group, "awslogs-region": "us-east-1", "awslogs-stream-prefix": "p"});
        definitions.push(json!({"logConfiguration": {"logDriver": "awslogs", "options": options}}));
    }
    definitions.push(json!({"memory": 40_000_000}));
    let (there, _directory) = opened(&snapshot(&stage));
    let who = there.root(&account(), &region());
    let mut kinds = BTreeSet::new();
    for more in &definitions {
        for launch in ["FARGATE", "EC2"] {
            let definition = definition(launch, more);
            let (here, there) =
                (check(&stage.it.call, &root(), &definition), check(&there.call, &who, &definition));
            assert_eq!(told(&there.findings), told(&here.findings), "{more}");
            kinds.extend(here.findings.iter().map(|it| it.headline.clone()));
        }
    }
    assert!(kinds.len() > 25, "{} kinds of findings: {kinds:#?}", kinds.len());
}

#[test]
fn what_only_a_server_can_ask_is_told() {
    let stage = Stage::new();
    stage.allow(&["secretsmanager:GetSecretValue", "logs:CreateLogStream"]);
    stage.log_group("/there");
    let secret = stage.secret("mode", "nonsense");
    let options =
        json!({"awslogs-group": "/there", "awslogs-region": "us-east-1", "awslogs-stream-prefix": "p"});
    let more = json!({"image": "r.example/a:1", "logConfiguration": {"logDriver": "awslogs", "options": options,
        "secretOptions": [{"name": "mode", "valueFrom": secret}]}});
    let (there, _directory) = opened(&snapshot(&stage));
    let answer = check(&there.call, &there.root(&account(), &region()), &definition("EC2", &more));
    assert_eq!(told(&answer.findings), Vec::<String>::new());
    let notes: Vec<_> = answer.steps.iter().flat_map(|step| step.notes.iter().flatten()).collect();
    for wanted in [
        "whether the registry has `r.example/a:1` and gives it out",
        "whether the log driver takes the options that come from secrets",
    ] {
        assert!(notes.iter().any(|note| **note == format!("{NOT_ASKED}{wanted}")), "{notes:?}");
    }
    let here = check(&stage.it.call, &root(), &definition("EC2", &more));
    assert!(
        here.steps
            .iter()
            .flat_map(|step| step.notes.iter().flatten())
            .all(|note| !note.starts_with(NOT_ASKED))
    );
}

fn create(stage: &Stage, who: &Caller, accounts: &[&str]) -> Result<api::CreateSnapshotResponse, String> {
    let account_ids = (!accounts.is_empty()).then(|| accounts.iter().map(|&it| it.to_owned()).collect());
    let answer = stage.it.call.call::<api::CreateSnapshot>(who, api::CreateSnapshotRequest { account_ids });
    answer.result.map_err(|error| format!("{}: {}", error.code, error.message))
}

#[test]
fn administrators_of_the_first_account_take_them_of_the_accounts_they_name() {
    let stage = Stage::new();
    for id in ["111122223333", "444455556666"] {
        let input = api::CreateAccountRequest { account_id: id.to_owned() };
        stage.call::<api::CreateAccount>(&root(), input);
    }
    stage.secret("mine", "value");
    let other = caller(Principal::root(&"444455556666".parse().unwrap()));
    let refused = create(&stage, &nobody(), &[]).unwrap_err();
    assert!(refused.starts_with("AccessDeniedException: "), "{refused}");
    let refused = create(&stage, &other, &[]).unwrap_err();
    assert!(refused.ends_with("because only principals of account 111122223333 may do that"), "{refused}");
    assert_eq!(
        create(&stage, &root(), &["777788889999"]).unwrap_err(),
        "InvalidParameterException: There is no account 777788889999."
    );
    let all = create(&stage, &root(), &[]).unwrap();
    assert_eq!(all.account_ids, ["111122223333", "444455556666"]);
    let secrets = |it: &api::SnapshotContent| it.kind.starts_with("secrets").then_some(it.count);
    assert_eq!(all.contents.iter().find_map(secrets), Some(1));
    let one = create(&stage, &root(), &["444455556666"]).unwrap();
    assert_eq!(one.account_ids, ["444455556666"]);
    assert_eq!(one.contents.iter().find_map(secrets), None);
    assert!(!text(&one.snapshot.0).contains("role/exec"));
    let (there, _directory) = opened(&one.snapshot.0);
    assert!(there.header.partial);
}

#[test]
fn what_is_no_snapshot_is_refused_with_a_reason() {
    let file = snapshot(&Stage::new());
    let directory = tempfile::tempdir().unwrap();
    let why = |bytes: &[u8]| open(bytes, directory.path()).map(drop).unwrap_err().to_string();
    let newer = [b"landfall snapshot 7".as_slice(), &file["landfall snapshot 1".len()..]].concat();
    let cases: [(&[u8], &str); 6] = [
        (b"", "the file is not a snapshot of Landfall"),
        (b"{\"family\":\"app\"}", "the file is not a snapshot of Landfall"),
        (b"landfall snapshot 1", "the snapshot is damaged: its first line does not end"),
        (b"landfall snapshot x\n", "the snapshot is damaged: its first line has no version"),
        (&newer, "the snapshot has format 7; this version of Landfall reads formats up to 1"),
        (&[&file[..], b"more"].concat(), "the snapshot is damaged: there is something behind its end"),
    ];
    for (bytes, reason) in cases {
        assert_eq!(why(bytes), reason);
    }
    let cut = why(&file[..file.len() - 9]);
    assert!(cut.starts_with("the snapshot is damaged: "), "{cut}");
}

/// A snapshot whose text was changed, whole in all other respects.
fn changed(file: &[u8], change: impl Fn(&str) -> String) -> Vec<u8> {
    let text = text(file);
    let (body, _) = text.trim_end().rsplit_once('\n').unwrap();
    let body = format!("{}\n", change(body));
    let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, body.as_bytes());
    let end = json!({"rows": 0, "sha256": hex::encode(digest.as_ref())});
    let packed = zstd::encode_all(format!("{body}{end}\n").as_bytes(), 1).unwrap();
    [b"landfall snapshot 1\n".as_slice(), &packed].concat()
}

#[test]
fn rows_of_another_version_are_not_guessed_at() {
    let file = snapshot(&Stage::new());
    let directory = tempfile::tempdir().unwrap();
    let why = |change: &dyn Fn(&str) -> String| match open(&changed(&file, change), directory.path()) {
        Err(error @ SnapshotError::Foreign { .. }) => error.to_string(),
        other => panic!("{other:?}"),
    };
    let version = env!("CARGO_PKG_VERSION");
    let made = format!("the snapshot was made by Landfall {version}, and this is {version}: ");
    let table = why(&|text| text.replace("\"iam.role\"", "\"iam.roll\""));
    assert_eq!(table, format!("{made}rows of `iam.roll` are not known here"));
    let row = why(&|text| text.replace("\"trust\":", "\"distrust\":"));
    assert!(row.starts_with(&format!("{made}a row of `iam.role` cannot be read (at column ")), "{row}");
    let header = why(&|text| text.replace("\"accounts\":", "\"counts\":"));
    assert!(header.contains("its header cannot be read"), "{header}");
    assert!(open(&changed(&file, str::to_owned), directory.path()).is_ok());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn a_changed_or_cut_snapshot_is_noticed(at in any::<prop::sample::Index>(), bit in 0..8u8, cut in any::<bool>()) {
        static FILE: std::sync::LazyLock<Vec<u8>> = std::sync::LazyLock::new(|| snapshot(&Stage::new()));
        let mut file = FILE.clone();
        let at = at.index(file.len());
        if cut {
            file.truncate(at);
        } else {
            file[at] ^= 1 << bit;
        }
        let directory = tempfile::tempdir().unwrap();
        // A bit of the frame's own header may mean nothing: then the content must be the one that was written.
        if let Ok(found) = open(&file, directory.path()) {
            prop_assert!(!cut);
            prop_assert_eq!(text(&file), text(&FILE));
            prop_assert_eq!(found.header.accounts.len(), 0);
        }
    }
}
