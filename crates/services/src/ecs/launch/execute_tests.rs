use landfall_acs::{Cause, LaunchKind, LaunchSheet, StepOutcome, StepRecord};
use landfall_api::{ecs as api, secretsmanager as secrets};
use serde_json::{Value, json};

use super::log_tests::with_logs;
use super::stage::{self, ROLE, Stage, TASK_ID};
use super::{Execution, TaskFacts, execute, plan};
use crate::testing::root;

const GET: &str = "secretsmanager:GetSecretValue";
const FARGATE: &str = "ResourceInitializationError: unable to pull secrets or registry auth: execution resource retrieval \
                       failed: ";

pub(super) fn run(stage: &Stage, definition: &api::TaskDefinition, launch: LaunchKind) -> Execution {
    let task = stage::task(definition, launch);
    execute(stage.it.call.calls(), &plan(&TaskFacts::from(&task), definition))
}

fn with_credential(parameter: &str) -> api::TaskDefinition {
    stage::definition(&json!([{"name": "app", "image": "registry.example.com/app",
        "repositoryCredentials": {"credentialsParameter": parameter}}]))
}

fn with_secret(value_from: &str) -> api::TaskDefinition {
    stage::definition(
        &json!([{"name": "app", "image": "x", "secrets": [{"name": "TOKEN", "valueFrom": value_from}]}]),
    )
}

fn sheet(execution: Execution) -> LaunchSheet {
    execution.result.unwrap()
}

pub(super) fn reason(execution: &Execution) -> &str {
    &execution.result.as_ref().unwrap_err().reason
}

pub(super) fn failed(execution: &Execution) -> &StepRecord {
    let failed = |step: &&StepRecord| matches!(step.outcome, StepOutcome::Failed(_));
    execution.steps.iter().find(failed).unwrap()
}

pub(super) fn hint(execution: &Execution) -> &str {
    failed(execution).hint.as_deref().unwrap_or_default()
}

#[test]
fn a_credential_reaches_the_sheet_and_nothing_else() {
    let stage = Stage::new();
    stage.allow(&[GET]);
    let arn = stage.secret("hub", r#"{"Username":"alice","password":"hunter2"}"#);
    let partial = arn.get(..arn.len() - 7).unwrap().to_owned();
    for parameter in [arn.as_str(), partial.as_str(), "hub"] {
        let execution = run(&stage, &with_credential(parameter), LaunchKind::Fargate);
        let trace = format!("{:?} {}", execution.steps, serde_json::to_string(&execution.steps).unwrap());
        assert!(!trace.contains("hunter2") && !trace.contains("alice"), "{trace}");
        let step = &execution.steps[1];
        assert_eq!((step.action.as_str(), step.resource.as_str()), (GET, arn.as_str()));
        assert_eq!(step.principal, format!("arn:aws:sts::111122223333:assumed-role/exec/{TASK_ID}"));
        let note = |text: &str| step.notes.iter().any(|note| note.contains(text));
        assert!(note("is allowed by policy launch, statement 1 (Launch)"), "{:?}", step.notes);
        assert!(note("keys: Username, password"), "{:?}", step.notes);
        let sheet = sheet(execution);
        assert!(!format!("{sheet:?}").contains("hunter2"));
        let registry = sheet.containers[0].registry.as_ref().unwrap();
        assert_eq!((registry.username.as_str(), registry.password.expose().as_str()), ("alice", "hunter2"));
    }
}

/// What is stored under `hub`, what Fargate says, and what the hint tells to do.
#[test]
fn content_that_is_no_credential_stops_the_start() {
    let put = "aws secretsmanager put-secret-value --secret-id hub --region us-east-1";
    for (value, problem, note) in [
        (
            r#"{"user":"u","password":"hunter2"}"#,
            "asm fetching username: AuthorizationData is malformed, empty field",
            "`username` is missing: the key `user` is not read",
        ),
        (
            r#"{"username":"u"}"#,
            "asm fetching password: AuthorizationData is malformed, empty field",
            "`password` is missing",
        ),
        (
            r#"{"username":"u","password":98765432}"#,
            "asm fetching authorization data: unable to unmarshal secret value, invalid schema",
            "`password` is a JSON number: it must be a string",
        ),
        (
            "hunter2",
            "asm fetching authorization data: unable to unmarshal secret value, invalid schema",
            "the secret is not JSON: invalid character looking for beginning of value",
        ),
    ] {
        let stage = Stage::new();
        stage.allow(&[GET]);
        stage.secret("hub", value);
        let execution = run(&stage, &with_credential("hub"), LaunchKind::Fargate);
        let fargate = format!(
            "{FARGATE}unable to get registry auth from asm: service call has been retried 1 time(s): {problem}"
        );
        assert_eq!(reason(&execution), fargate);
        assert!(failed(&execution).notes.iter().any(|it| it == note), "{:?}", failed(&execution).notes);
        assert!(hint(&execution).contains(put), "{}", hint(&execution));
        let trace = serde_json::to_string(&execution.steps).unwrap();
        assert!(!trace.contains("hunter2") && !trace.contains("98765432"), "{trace}");
        let agent = run(&stage, &with_credential("hub"), LaunchKind::External);
        assert_eq!(reason(&agent), problem.replacen("asm", "Asm", 1));
    }
}

#[test]
fn a_secret_without_text_is_empty() {
    let stage = Stage::new();
    stage.allow(&[GET]);
    let input = secrets::CreateSecretRequest {
        name: "hub".to_owned(),
        secret_binary: Some(b"{}".to_vec().into()),
        client_request_token: Some(landfall_base::random::uuid()),
        ..Default::default()
    };
    stage.call::<secrets::CreateSecret>(&root(), input);
    let execution = run(&stage, &with_credential("hub"), LaunchKind::Ec2);
    assert_eq!(reason(&execution), "Asm fetching authorization data: empty secrets value");
}

#[test]
fn secrets_that_cannot_be_read() {
    let stage = Stage::new();
    stage.allow(&[GET]);
    stage.secret("no-value", "");
    stage.secret("gone", "x");
    let delete = secrets::DeleteSecretRequest { secret_id: "gone".to_owned(), ..Default::default() };
    stage.call::<secrets::DeleteSecret>(&root(), delete);
    for (parameter, error, hinted) in [
        (
            "hub",
            "ResourceNotFoundException: Secrets Manager can't find the specified secret.",
            "aws secretsmanager create-secret --name hub --region us-east-1",
        ),
        (
            "gone",
            "InvalidRequestException: You can't perform this operation on the secret because it was marked for deletion.",
            "aws secretsmanager restore-secret --secret-id gone --region us-east-1",
        ),
        (
            "no-value",
            "ResourceNotFoundException: Secrets Manager can't find the specified secret value for staging label: \
             AWSCURRENT",
            "aws secretsmanager put-secret-value --secret-id no-value",
        ),
    ] {
        let execution = run(&stage, &with_credential(parameter), LaunchKind::Fargate);
        assert_eq!(
            reason(&execution),
            format!(
                "{FARGATE}unable to get registry auth from asm: service call has been retried 1 time(s): asm fetching \
                 secret from the service for {parameter}: {error}"
            )
        );
        assert_eq!(failed(&execution).outcome, StepOutcome::Failed(error.to_owned()));
        assert!(hint(&execution).contains(hinted), "{}", hint(&execution));
    }
}

#[test]
fn a_role_without_the_permission_is_told_which_statement_is_missing() {
    let stage = Stage::new();
    let arn = stage.secret("hub", r#"{"username":"u","password":"p"}"#);
    let mut definition = with_credential("hub");
    let second = definition.container_definitions.as_mut().unwrap();
    second[0].log_configuration = with_logs(false).container_definitions.unwrap()[0].log_configuration.take();
    let execution = run(&stage, &definition, LaunchKind::Fargate);
    let session = format!("arn:aws:sts::111122223333:assumed-role/exec/{TASK_ID}");
    let denial = format!(
        "asm fetching secret from the service for hub: AccessDeniedException: User: {session} is not authorized to \
         perform: {GET} on resource: hub because no identity-based policy allows the {GET} action status code: 400, \
         request id: "
    );
    assert!(reason(&execution).contains(&denial), "{}", reason(&execution));
    let finding = failed(&execution).finding.as_ref().unwrap();
    assert_eq!(finding.cause, Cause::Permission);
    assert!(
        finding.headline.starts_with(&format!("the role `exec` may not `{GET}` on `hub-")),
        "{}",
        finding.headline
    );
    assert_eq!(finding.message, reason(&execution));
    assert!(finding.fix.as_ref().unwrap().verified);
    let name = hint(&execution).split_whitespace().nth(6).unwrap();
    assert!(name.starts_with("secretsmanager-GetSecretValue-"), "{name}");
    let fix = format!(
        "aws iam put-role-policy --role-name exec --policy-name {name} --policy-document \
         '{{\"Version\":\"2012-10-17\",\"Statement\":[{{\"Effect\":\"Allow\",\"Action\":\"{GET}\",\"Resource\":\"{arn}\"}}]}}'"
    );
    assert_eq!(hint(&execution), fix);
    let decision: Value = serde_json::from_str(failed(&execution).decision.as_deref().unwrap()).unwrap();
    assert_eq!(decision["allowed"], json!(false));
    let outcomes: Vec<_> = execution.steps.iter().map(|step| (step.name.as_str(), &step.outcome)).collect();
    assert_eq!(outcomes[2], ("create log stream", &StepOutcome::Skipped));

    let document = hint(&execution).split('\'').nth(1).unwrap().to_owned();
    stage.policy("fix", &document);
    stage.log_group("/app");
    stage.policy(
        "logs",
        r#"{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"logs:*","Resource":"*"}}"#,
    );
    assert!(run(&stage, &definition, LaunchKind::Fargate).result.is_ok());
}

#[test]
fn an_explicit_deny_is_named() {
    let stage = Stage::new();
    stage.allow(&[GET]);
    stage.secret("hub", r#"{"username":"u","password":"p"}"#);
    let deny = r#"{"Version":"2012-10-17","Statement":{"Sid":"No","Effect":"Deny","Action":"secretsmanager:*","Resource":"*"}}"#;
    stage.policy("deny", deny);
    let execution = run(&stage, &with_credential("hub"), LaunchKind::Ec2);
    assert!(reason(&execution).contains("with an explicit deny"), "{}", reason(&execution));
    assert!(hint(&execution).starts_with("policy deny, statement 1 (No) denies"), "{}", hint(&execution));
}

#[test]
fn a_role_that_does_not_trust_ecs_tasks_or_is_missing() {
    let said = format!("ECS was unable to assume the role '{ROLE}' that was provided for this task.");
    let stage = Stage::new();
    stage.trust(&stage::TRUST.replace("ecs-tasks", "ecs"));
    for launch in [LaunchKind::Fargate, LaunchKind::Ec2] {
        let execution = run(&stage, &with_credential("hub"), launch);
        assert!(reason(&execution).starts_with(&said), "{}", reason(&execution));
        assert!(hint(&execution).contains("aws iam update-assume-role-policy --role-name exec"));
        let notes = &failed(&execution).notes;
        assert!(notes.iter().any(|note| note.contains("not as `ecs.amazonaws.com`")), "{notes:?}");
        assert_eq!(execution.steps[1].outcome, StepOutcome::Skipped);
        assert!(execution.session.is_none());
    }
    let mut definition = with_credential("hub");
    definition.execution_role_arn = Some("arn:aws:iam::111122223333:role/none".to_owned());
    let execution = run(&stage, &definition, LaunchKind::Fargate);
    assert!(
        reason(&execution)
            .starts_with("ECS was unable to assume the role 'arn:aws:iam::111122223333:role/none'")
    );
    assert!(hint(&execution).contains("aws iam create-role --role-name none"), "{}", hint(&execution));
}

#[test]
fn members_of_secrets_become_variables() {
    let stage = Stage::new();
    stage.allow(&[GET]);
    let arn = stage.secret("db", r#"{"user":"hunter1","port":5432,"on":true,"nested":{"b":1,"a":[2]}}"#);
    for (value_from, expected) in [
        (arn.clone(), r#"{"user":"hunter1","port":5432,"on":true,"nested":{"b":1,"a":[2]}}"#),
        (format!("{arn}:::"), r#"{"user":"hunter1","port":5432,"on":true,"nested":{"b":1,"a":[2]}}"#),
        (format!("{arn}:user::"), "hunter1"),
        (format!("{arn}:port:AWSCURRENT:"), "5432"),
        (format!("{arn}:on::"), "true"),
        (format!("{arn}:nested::"), r#"{"b":1,"a":[2]}"#),
    ] {
        let execution = run(&stage, &with_secret(&value_from), LaunchKind::Fargate);
        assert!(!serde_json::to_string(&execution.steps).unwrap().contains("hunter1"));
        let sheet = sheet(execution);
        let (name, value) = &sheet.containers[0].environment[0];
        assert_eq!((name.as_str(), value.expose().as_str()), ("TOKEN", expected), "{value_from}");
    }
}

/// The container agent prints what is no text as Go does; Fargate has it as JSON.
#[test]
fn members_that_are_no_text_differ_by_launch_type() {
    let stage = Stage::new();
    stage.allow(&[GET]);
    let arn = stage.secret("db", r#"{"port":1234567,"nested":{"b":1,"a":[2]},"none":null}"#);
    for (key, fargate, agent) in [
        ("port", "1234567", "1.234567e+06"),
        ("nested", r#"{"b":1,"a":[2]}"#, "map[a:[2] b:1]"),
        ("none", "null", "<nil>"),
    ] {
        for (launch, expected) in
            [(LaunchKind::Fargate, fargate), (LaunchKind::Ec2, agent), (LaunchKind::External, agent)]
        {
            let sheet = sheet(run(&stage, &with_secret(&format!("{arn}:{key}::")), launch));
            assert_eq!(sheet.containers[0].environment[0].1.expose().as_str(), expected, "{key} {launch:?}");
        }
    }
}

#[test]
fn members_that_are_not_there() {
    let stage = Stage::new();
    stage.allow(&[GET]);
    let arn = stage.secret("db", r#"{"user":"u"}"#);
    let text = stage.secret("text", "hunter2");
    let fargate = |tail: &str| {
        format!(
            "{FARGATE}unable to retrieve secret from asm: service call has been retried 1 time(s): {tail}"
        )
    };
    for (value_from, expected) in [
        (
            format!("{arn}:User::"),
            fargate("retrieved secret from Secrets Manager did not contain json key User"),
        ),
        (format!("{text}:user::"), fargate("invalid character looking for beginning of value")),
        (
            format!("{arn}:user"),
            fargate(
                "an invalid ARN format for the AWS Secrets Manager secret was specified. Specify a valid ARN and try \
                 again.",
            ),
        ),
    ] {
        let execution = run(&stage, &with_secret(&value_from), LaunchKind::Fargate);
        assert_eq!(reason(&execution), expected);
        assert!(failed(&execution).hint.is_some());
    }
}

#[test]
fn without_a_role_nothing_can_be_asked() {
    let stage = Stage::new();
    stage.log_group("/app");
    let mut definition = with_logs(false);
    definition.execution_role_arn = None;
    let execution = run(&stage, &definition, LaunchKind::Ec2);
    assert!(reason(&execution).ends_with("NoCredentialProviders: no valid providers in chain. Deprecated."));
    assert_eq!(failed(&execution).principal, "no execution role");
}

#[test]
fn a_region_that_is_none_has_no_endpoint() {
    let stage = Stage::new();
    let mut definition = with_logs(false);
    let container = &mut definition.container_definitions.as_mut().unwrap()[0];
    let options = container.log_configuration.as_mut().unwrap().options.as_mut().unwrap();
    for (name, value) in &mut options.0 {
        if name == "awslogs-region" {
            *value = "http://logs.example.com".to_owned();
        }
    }
    let execution = run(&stage, &definition, LaunchKind::Fargate);
    assert!(
        reason(&execution).contains("MissingEndpoint: 'Endpoint' configuration is required for this service")
    );
}

#[test]
fn a_secret_of_another_region_is_asked_for_there() {
    let stage = Stage::new();
    stage.allow(&[GET]);
    let elsewhere = root().in_region(&"eu-west-1".parse().unwrap());
    let input = secrets::CreateSecretRequest {
        name: "hub".to_owned(),
        secret_string: Some(r#"{"username":"u","password":"p"}"#.into()),
        client_request_token: Some(landfall_base::random::uuid()),
        ..Default::default()
    };
    let arn = stage.call::<secrets::CreateSecret>(&elsewhere, input).arn.unwrap();
    assert!(run(&stage, &with_credential(&arn), LaunchKind::Fargate).result.is_ok());
    assert!(run(&stage, &with_credential("hub"), LaunchKind::Fargate).result.is_err());
}

/// What only looks: every failure at once, nothing changed, and the same words as the start's.
#[test]
fn a_look_finds_everything_and_changes_nothing() {
    let stage = Stage::new();
    let arn = stage.secret("hub", r#"{"user":"hunter1","password":"hunter2"}"#);
    let db = stage.secret("db", r#"{"user":"u"}"#);
    let mut definition = with_credential("hub");
    let app = &mut definition.container_definitions.as_mut().unwrap()[0];
    app.log_configuration = with_logs(true).container_definitions.unwrap()[0].log_configuration.take();
    app.secrets = with_secret(&format!("{db}:nope::")).container_definitions.unwrap()[0].secrets.take();
    let look = |definition: &api::TaskDefinition| {
        let task = stage::task(definition, LaunchKind::Fargate);
        super::look(
            stage.it.call.calls(),
            &plan(&TaskFacts::from(&task), definition),
            &root(),
            super::execute::RoleToBe::default(),
        )
    };
    let found = |execution: &Execution| -> Vec<(Cause, String)> {
        let findings = execution.steps.iter().filter_map(|step| step.finding.as_ref());
        findings.map(|finding| (finding.cause, finding.headline.clone())).collect()
    };
    stage.trust(&stage::TRUST.replace("ecs-tasks", "ecs"));
    let execution = look(&definition);
    let name = |arn: &str| arn.rsplit(':').next().unwrap().to_owned();
    assert_eq!(
        found(&execution),
        [
            (Cause::Permission, "the role `exec` does not trust `ecs-tasks.amazonaws.com`".to_owned()),
            (Cause::Permission, format!("the role `exec` may not `{GET}` on `{}`", name(&arn))),
            (Cause::Content, "the registry credential `hub` has no `username`".to_owned()),
            (Cause::Permission, format!("the role `exec` may not `{GET}` on `{}`", name(&db))),
            (Cause::Content, format!("the secret `{}` has no key `nope`", name(&db))),
            (
                Cause::Permission,
                "the role `exec` may not `logs:CreateLogStream` on `log-group:/app`".to_owned()
            ),
            (
                Cause::Permission,
                "the role `exec` may not `logs:CreateLogGroup` on `log-group:/app`".to_owned()
            ),
        ]
    );
    assert!(!serde_json::to_string(&execution.steps).unwrap().contains("hunter"));
    stage.trust(stage::TRUST);
    stage.allow(&[GET, "logs:*"]);
    let execution = look(&with_logs(true));
    assert!(execution.result.is_ok(), "{:?}", execution.steps);
    let streams = landfall_api::logs::DescribeLogGroupsRequest::default();
    let groups = stage.call::<landfall_api::logs::DescribeLogGroups>(&root(), streams).log_groups;
    assert!(groups.unwrap_or_default().is_empty());
    let looked = look(&definition);
    let started = run(&stage, &definition, LaunchKind::Fargate);
    assert_eq!(failed(&looked).finding, failed(&started).finding);
}

/// Every cause has a sentence, a kind and a remedy.
#[test]
fn a_key_with_another_name_is_mended_without_its_value() {
    let stage = Stage::new();
    stage.allow(&[GET]);
    for (name, value, command) in [
        (
            "renamed",
            r#"{"user":"hunter1","password":"hunter2"}"#,
            r#"s/"user"\([[:space:]]*:\)/"username"\1/"#,
        ),
        ("number", r#"{"username":"hunter1","password":12345}"#, r#"s/\("password""#),
        ("quoted", r#"'{"username":"hunter1","password":"hunter2"}'"#, "s/^[[:space:]]*"),
        ("both", r#"{"user":"hunter1","pass":"hunter2"}"#, r#"/"username"\1/' -e 's/"pass"\("#),
        ("numbers", r#"{"username":12345,"password":"hunter2","x":{"password":1}}"#, r#"s/\("username""#),
        // What one replacement does not do right is written anew.
        (
            "nested",
            r#"{"x":{"user":"hunter1"},"user":"hunter1","password":"hunter2"}"#,
            r#"'{"username":"USER","#,
        ),
        ("empty", r#"{"user":"","password":"hunter2"}"#, r#"'{"username":"USER","#),
    ] {
        stage.secret(name, value);
        let execution = run(&stage, &with_credential(name), LaunchKind::Fargate);
        let fix = failed(&execution).finding.as_ref().unwrap().fix.clone().unwrap();
        let shown = fix.command.unwrap();
        assert!(shown.contains(command) && !shown.contains("hunter"), "{shown}");
    }
}

pub(super) fn put_parameter(stage: &Stage, name: &str, value: &str) {
    let input = landfall_api::ssm::PutParameterRequest {
        name: name.to_owned(),
        value: value.into(),
        r#type: Some(landfall_api::ssm::ParameterType::SecureString),
        ..Default::default()
    };
    stage.call::<landfall_api::ssm::PutParameter>(&root(), input);
}

#[test]
fn parameters_become_variables_by_name_and_by_arn() {
    let stage = Stage::new();
    stage.allow(&["ssm:GetParameters"]);
    put_parameter(&stage, "plain", "hunter1");
    put_parameter(&stage, "/team/db/password", "hunter2");
    let arn = |name: &str| format!("arn:aws:ssm:us-east-1:111122223333:parameter{name}");
    for (value_from, expected) in [
        ("plain".to_owned(), "hunter1"),
        (arn("/plain"), "hunter1"),
        ("/team/db/password".to_owned(), "hunter2"),
        (arn("/team/db/password"), "hunter2"),
    ] {
        let execution = run(&stage, &with_secret(&value_from), LaunchKind::Fargate);
        assert!(!serde_json::to_string(&execution.steps).unwrap().contains("hunter"));
        let sheet = sheet(execution);
        let (name, value) = &sheet.containers[0].environment[0];
        assert_eq!((name.as_str(), value.expose().as_str()), ("TOKEN", expected), "{value_from}");
    }
}

/// More than ten take two calls, and every container gets its own.
#[test]
fn many_parameters_reach_their_containers() {
    let stage = Stage::new();
    stage.allow(&["ssm:GetParameters"]);
    let secrets: Vec<Value> = (0..12)
        .map(|at| {
            put_parameter(&stage, &format!("p{at}"), &format!("v{at}"));
            json!({"name": format!("V{at}"), "valueFrom": format!("p{at}")})
        })
        .collect();
    let definition = stage::definition(&json!([
        {"name": "a", "image": "x", "secrets": secrets},
        {"name": "b", "image": "x", "secrets": [{"name": "W", "valueFrom": "p11"}]},
    ]));
    let sheet = sheet(run(&stage, &definition, LaunchKind::Ec2));
    let variables = |at: usize| -> Vec<(String, String)> {
        let environment = &sheet.containers[at].environment;
        environment.iter().map(|(name, value)| (name.clone(), value.expose().clone())).collect()
    };
    let expected: Vec<_> = (0..12).map(|at| (format!("V{at}"), format!("v{at}"))).collect();
    assert_eq!(variables(0), expected);
    assert_eq!(variables(1), [("W".to_owned(), "v11".to_owned())]);
}

#[test]
fn parameters_that_cannot_be_had() {
    let stage = Stage::new();
    put_parameter(&stage, "there", "x");
    let fargate =
        format!("{FARGATE}unable to retrieve secrets from ssm: service call has been retried 1 time(s): ");
    let agent = "Fetching secret data from SSM Parameter Store in us-east-1: ";
    let denied = run(&stage, &with_secret("there"), LaunchKind::Fargate);
    let session = format!("arn:aws:sts::111122223333:assumed-role/exec/{TASK_ID}");
    let sentence = format!(
        "AccessDeniedException: User: {session} is not authorized to perform: ssm:GetParameters on resource: \
         arn:aws:ssm:us-east-1:111122223333:parameter/there because no identity-based policy allows the \
         ssm:GetParameters action"
    );
    assert!(reason(&denied).starts_with(&format!("{fargate}{sentence}")), "{}", reason(&denied));
    let on_instance = run(&stage, &with_secret("there"), LaunchKind::Ec2);
    assert!(reason(&on_instance).starts_with(agent) && reason(&on_instance).contains(&sentence));
    assert_eq!(failed(&denied).finding.as_ref().unwrap().cause, Cause::Permission);
    assert!(failed(&denied).finding.as_ref().unwrap().fix.as_ref().unwrap().verified);

    stage.allow(&["ssm:GetParameters"]);
    let missing = |launch| run(&stage, &with_secret("/not/there"), launch);
    assert_eq!(reason(&missing(LaunchKind::Fargate)), format!("{fargate}invalid parameters: /not/there"));
    assert_eq!(reason(&missing(LaunchKind::External)), format!("{agent}invalid parameters: /not/there"));
    let execution = missing(LaunchKind::Fargate);
    assert!(
        hint(&execution).contains("aws ssm put-parameter --name /not/there --region us-east-1"),
        "{}",
        hint(&execution)
    );
}

fn with_files(keys: &[&str]) -> api::TaskDefinition {
    let files: Vec<_> =
        keys.iter().map(|key| json!({"value": format!("arn:aws:s3:::files/{key}"), "type": "s3"})).collect();
    stage::definition(&json!([{"name": "app", "image": "x", "environmentFiles": files}]))
}

#[test]
fn environment_files_become_variables_behind_secrets_the_first_one_first() {
    let stage = Stage::new();
    stage.allow(&["s3:GetObject", "s3:GetBucketLocation", GET]);
    stage.file("one.env", b"A=hunter1\nTOKEN=hunter2\n");
    stage.file("two.env", b"A=hunter3\nB=hunter4\n");
    let token = stage.secret("token", "hunter5");
    let mut definition = with_files(&["one.env", "two.env"]);
    let app = &mut definition.container_definitions.as_mut().unwrap()[0];
    app.secrets = with_secret(&token).container_definitions.unwrap()[0].secrets.take();
    let execution = run(&stage, &definition, LaunchKind::Fargate);
    let trace = format!("{:?} {}", execution.steps, serde_json::to_string(&execution.steps).unwrap());
    assert!(!trace.contains("hunter"), "{trace}");
    let actions: Vec<_> = execution.steps.iter().map(|step| step.action.as_str()).collect();
    assert_eq!(actions[2..], ["s3:GetBucketLocation", "s3:GetObject", "s3:GetObject"]);
    assert!(
        execution.steps[3].notes.iter().any(|note| note == "2 variables"),
        "{:?}",
        execution.steps[3].notes
    );
    let sheet = sheet(execution);
    let found: Vec<_> = sheet.containers[0]
        .environment
        .iter()
        .map(|(name, value)| (name.as_str(), value.expose().as_str()))
        .collect();
    assert_eq!(found, [("TOKEN", "hunter5"), ("A", "hunter1"), ("B", "hunter4")]);
}

/// A file that several containers name is fetched once; which one counts is each container's own.
#[test]
fn containers_share_files_and_not_their_order() {
    let stage = Stage::new();
    stage.allow(&["s3:GetObject", "s3:GetBucketLocation"]);
    stage.file("x.env", b"V=x\nX=1\n");
    stage.file("y.env", b"V=y\nY=1\n");
    let files = |keys: &[&str]| with_files(keys).container_definitions.unwrap()[0].environment_files.take();
    let mut definition = stage::definition(&json!([{"name": "a", "image": "x"}, {"name": "b", "image": "x"},
        {"name": "c", "image": "x"}]));
    let containers = definition.container_definitions.as_mut().unwrap();
    containers[0].environment_files = files(&["x.env", "y.env"]);
    containers[1].environment_files = files(&["y.env", "x.env"]);
    let execution = run(&stage, &definition, LaunchKind::Fargate);
    let fetched = execution.steps.iter().filter(|step| step.action == "s3:GetObject").count();
    let found: Vec<Vec<_>> = sheet(execution)
        .containers
        .iter()
        .map(|it| it.environment.iter().map(|(name, value)| format!("{name}={}", value.expose())).collect())
        .collect();
    assert_eq!(fetched, 2);
    assert_eq!(found, [vec!["V=x", "X=1", "Y=1"], vec!["V=y", "Y=1", "X=1"], vec![]]);
}

/// What the role may, which file it wants, what Fargate says behind its beginning, what the agent says, and the cause.
#[test]
fn environment_files_that_cannot_be_had() {
    const FILES: &str = "ResourceInitializationError: failed to download env files: file download command: non empty error stream: ";
    const BOTH: &[&str] = &["s3:GetObject", "s3:GetBucketLocation"];
    const ALL: &[&str] = &["s3:GetObject", "s3:GetBucketLocation", "s3:ListBucket"];
    let user =
        format!("User: arn:aws:sts::111122223333:assumed-role/exec/{TASK_ID} is not authorized to perform: ");
    let no = |action: &str, name: &str| {
        format!(
            "AccessDenied: {user}{action} on resource: \"arn:aws:s3:::{name}\" because no identity-based policy allows \
             the {action} action"
        )
    };
    let fetch = |key: &str| format!("Unable to download env file with key {key} from bucket files, error: ");
    let text = |it: &str| it.to_owned();
    let cases: Vec<(&[&str], &str, String, String, Cause)> = vec![
        (
            &["s3:GetObject"],
            "a.env",
            no("s3:GetBucketLocation", "files"),
            text("Unable to initialize s3 client for bucket files, error: "),
            Cause::Permission,
        ),
        (
            &["s3:GetBucketLocation"],
            "a.env",
            no("s3:GetObject", "files/a.env"),
            fetch("a.env"),
            Cause::Permission,
        ),
        (BOTH, "no.env", no("s3:ListBucket", "files"), fetch("no.env"), Cause::Content),
        (
            ALL,
            "no.env",
            text("NoSuchKey: The specified key does not exist."),
            fetch("no.env"),
            Cause::Content,
        ),
        (BOTH, "bytes.env", text("the file is not UTF-8 text"), fetch("bytes.env"), Cause::Content),
        (BOTH, "long.env", text("bufio.Scanner: token too long"), fetch("long.env"), Cause::Content),
        (BOTH, "large.env", text("the file is larger than 8 MiB"), fetch("large.env"), Cause::Content),
        (
            BOTH,
            "old.env",
            text("InvalidObjectState: The operation is not valid for the object's storage class"),
            fetch("old.env"),
            Cause::Content,
        ),
    ];
    for (allowed, key, problem, agent, cause) in cases {
        let stage = Stage::new();
        stage.allow(allowed);
        stage.file("a.env", b"A=1");
        stage.file("bytes.env", &[b'A', b'=', 0xff]);
        stage.file("long.env", &[b'='; 70_000]);
        stage.file("large.env", &vec![b'\n'; 8 * 1024 * 1024 + 1]);
        stage.archived_file("old.env", b"A=1");
        let execution = run(&stage, &with_files(&[key]), LaunchKind::Fargate);
        assert!(reason(&execution).starts_with(&format!("{FILES}{problem}")), "{}", reason(&execution));
        assert_eq!(failed(&execution).finding.as_ref().unwrap().cause, cause, "{key}");
        assert!(!hint(&execution).is_empty(), "{key}");
        let execution = run(&stage, &with_files(&[key]), LaunchKind::External);
        assert!(reason(&execution).starts_with(&agent), "{}", reason(&execution));
        assert!(reason(&execution).contains(&problem), "{}", reason(&execution));
    }
}

#[test]
fn a_bucket_that_is_not_there() {
    let stage = Stage::new();
    stage.allow(&["s3:*"]);
    let execution = run(&stage, &with_files(&["a.env"]), LaunchKind::Fargate);
    assert!(
        reason(&execution).contains(": NoSuchBucket: The specified bucket does not exist"),
        "{}",
        reason(&execution)
    );
    assert!(hint(&execution).contains("aws s3 mb s3://files"), "{}", hint(&execution));
}
