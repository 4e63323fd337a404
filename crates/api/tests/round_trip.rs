//! Generated types become values and come back the same, and refuse values that are not theirs.

use landfall_api::{SERVICES, ecs, iam, logs, secretsmanager, sts};
use landfall_base::{Sensitive, Timestamp};
use landfall_shape::{Blob, Entries, Kind, Operation, Protocol, Shape, ShapeError, Structure, Value};

fn round_trip<T: Shape + Clone + PartialEq + std::fmt::Debug>(value: &T) {
    assert_eq!(T::from_value(value.clone().into_value()).as_ref(), Ok(value));
}

fn task_definition() -> ecs::RegisterTaskDefinitionRequest {
    let container = ecs::ContainerDefinition {
        name: Some("web".into()),
        cpu: Some(256),
        essential: Some(true),
        environment: Some(vec![ecs::KeyValuePair {
            name: Some("TOKEN".into()),
            value: Some("hunter2".into()),
        }]),
        docker_labels: Some(Entries(vec![("team".into(), "blue".into())])),
        depends_on: Some(vec![ecs::ContainerDependency {
            container_name: "init".into(),
            condition: ecs::ContainerCondition::Success,
        }]),
        ..Default::default()
    };
    ecs::RegisterTaskDefinitionRequest {
        family: "web".into(),
        container_definitions: vec![container],
        requires_compatibilities: Some(vec![ecs::Compatibility::Fargate, ecs::Compatibility::from("MOON")]),
        ..Default::default()
    }
}

#[test]
fn structures_come_back() {
    round_trip(&task_definition());
    round_trip(&ecs::Task { started_at: Some(Timestamp::from_millis(1)), ..Default::default() });
    round_trip(&iam::AttachedPolicy::default());
    round_trip(&iam::Role { create_date: Timestamp::from_millis(7), ..Default::default() });
    round_trip(&logs::InputLogEvent { timestamp: 5, message: "line".into() });
    round_trip(&secretsmanager::GetSecretValueResponse {
        secret_string: Some("hunter2".into()),
        secret_binary: Some(Sensitive::new(vec![1, 2])),
        ..Default::default()
    });
    round_trip(&sts::GetCallerIdentityRequest {});
    round_trip(&Blob(vec![0, 255]));
}

#[test]
fn every_enumeration_default_is_unknown() {
    assert_eq!(ecs::LaunchType::default(), ecs::LaunchType::Unknown(String::new()));
    assert_eq!(ecs::HealthStatus::from("UNKNOWN"), ecs::HealthStatus::UnknownValue);
}

#[test]
fn a_missing_required_member_is_named() {
    let mut members = Structure::of(task_definition().into_value()).unwrap();
    let family: Result<String, _> = members.required("family");
    assert_eq!(family.as_deref(), Ok("web"));
    let rest = ecs::RegisterTaskDefinitionRequest::from_value(Value::Structure(members));
    assert_eq!(rest, Err(ShapeError::Missing("family")));
}

#[test]
fn values_of_another_kind_are_refused() {
    let mut members = Structure::new();
    members.push("family", Value::Integer(1));
    assert!(ecs::RegisterTaskDefinitionRequest::from_value(Value::Structure(members)).is_err());
    assert!(ecs::RunTaskRequest::from_value(Value::List(Vec::new())).is_err());
    assert!(sts::GetCallerIdentityRequest::from_value(Value::Boolean(true)).is_err());
}

#[test]
fn debug_shows_no_secret() {
    let secret = secretsmanager::CreateSecretRequest {
        secret_string: Some("hunter2".into()),
        secret_binary: Some(Sensitive::new(b"hunter2".to_vec())),
        ..Default::default()
    };
    let credentials = sts::Credentials { session_token: "hunter2".into(), ..Default::default() };
    for shown in [format!("{:?}", task_definition()), format!("{secret:?}"), format!("{credentials:?}")] {
        assert!(shown.contains("***"), "{shown}");
        assert!(!shown.contains("hunter2"), "{shown}");
    }
}

#[test]
fn errors_have_the_codes_and_statuses_of_their_protocol() {
    let cases = [
        (iam::error::no_such_entity_exception(""), "NoSuchEntity", 404),
        (iam::error::service_failure_exception(""), "ServiceFailure", 500),
        (sts::error::malformed_policy_document_exception(""), "MalformedPolicyDocument", 400),
        (ecs::error::cluster_not_found_exception(""), "ClusterNotFoundException", 400),
        (ecs::error::server_exception(""), "ServerException", 500),
        (secretsmanager::error::resource_not_found_exception(""), "ResourceNotFoundException", 400),
        (secretsmanager::error::internal_service_error(""), "InternalServiceError", 500),
    ];
    for (error, code, status) in cases {
        assert_eq!((error.code, error.status), (code, status));
    }
}

#[test]
fn operations_know_their_service_and_structures() {
    assert_eq!(<ecs::RunTask as Operation>::SERVICE.target_prefix, "AmazonEC2ContainerServiceV20141113");
    assert_eq!(ecs::RunTask::SCHEMA.input.name, "RunTaskRequest");
    assert_eq!(iam::SERVICE.protocol, Protocol::AwsQuery);
    assert!(!iam::DeleteRole::SCHEMA.has_output);
    assert!(iam::GetRole::SCHEMA.has_output);
    assert_eq!(iam::ListRoles::SCHEMA.paginator.as_ref().map(|it| it.output_token), Some("Marker"));
    assert_eq!(secretsmanager::SERVICE.operations.len(), secretsmanager::ALL_OPERATION_NAMES.len());
}

#[test]
fn structures_of_operations_have_structure_schemas() {
    for operation in SERVICES.iter().flat_map(|service| service.operations) {
        for schema in [operation.input, operation.output] {
            assert!(matches!(schema.kind, Kind::Structure { .. }), "{}: {}", operation.name, schema.name);
        }
    }
}

#[test]
fn generated_operations_are_in_the_list_of_all_which_is_sorted() {
    let lists = [
        (&ecs::SERVICE, ecs::ALL_OPERATION_NAMES),
        (&iam::SERVICE, iam::ALL_OPERATION_NAMES),
        (&logs::SERVICE, logs::ALL_OPERATION_NAMES),
        (&sts::SERVICE, sts::ALL_OPERATION_NAMES),
    ];
    for (service, all) in lists {
        assert!(all.is_sorted());
        for operation in service.operations {
            assert!(all.binary_search(&operation.name).is_ok(), "{}", operation.name);
        }
    }
}
