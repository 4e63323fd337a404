//! Values, versions, labels, limits, settings, tags.

use landfall_api::ssm as api;

use super::*;
use crate::ssm::reconcile;
use crate::ssm::record::{COUNTS, Counts};
use crate::testing::region;

#[test]
fn a_name_and_its_forms() {
    let fixture = Fixture::new();
    fixture.put("plain", "v");
    let arn = "arn:aws:ssm:us-east-1:111122223333:parameter/plain";
    for name in ["plain", "/plain", arn] {
        let read = fixture.get(name);
        assert_eq!(read.name.as_deref(), Some("plain"), "{name}");
        assert_eq!(read.arn.as_deref(), Some(arn));
        assert_eq!((read.version, read.data_type.as_deref()), (Some(1), Some("text")));
    }
    assert_eq!(
        fixture.refused::<api::PutParameter>(put("/plain", "v")),
        error(
            "ParameterAlreadyExists",
            "The parameter already exists. To overwrite this value, set the overwrite option in the request to true."
        )
    );
    assert_eq!(fixture.refused::<api::GetParameter>(get("other")), error("ParameterNotFound", ""));
}

#[test]
fn versions_and_selectors() {
    let fixture = Fixture::new();
    fixture.put("/a/b", "one");
    assert_eq!(fixture.overwrite("/a/b", "two"), 2);
    assert_eq!(fixture.value("/a/b"), "two");
    let read = fixture.get("/a/b:1");
    assert_eq!(read.value.unwrap().into_exposed(), "one");
    assert_eq!((read.name.as_deref(), read.selector.as_deref()), (Some("/a/b"), Some(":1")));
    assert_eq!(
        fixture.refused::<api::GetParameter>(get("/a/b:3")),
        error(
            "ParameterVersionNotFound",
            "Systems Manager could not find version 3 of /a/b. Verify the version and try again."
        )
    );
    fixture.root::<api::LabelParameterVersion>(label("/a/b", Some(1), &["prod"]));
    assert_eq!(fixture.value("/a/b:prod"), "one");
    fixture.root::<api::LabelParameterVersion>(label("/a/b", None, &["prod"]));
    assert_eq!(fixture.value("/a/b:prod"), "two");
    let read = fixture.root::<api::GetParameters>(gets(&["/a/b:prod", "/a/b:9", "none", "a b", "/a/b:prod"]));
    assert_eq!(read.parameters.unwrap().len(), 1);
    assert_eq!(read.invalid_parameters.unwrap(), ["/a/b:9", "none", "a b"]);
}

#[test]
fn labels_have_rules() {
    let fixture = Fixture::new();
    fixture.put("x", "v");
    let answer = fixture.root::<api::LabelParameterVersion>(label("x", None, &["good", "aws1", "1x", "a/b"]));
    assert_eq!(answer.invalid_labels.unwrap(), ["aws1", "1x", "a/b"]);
    assert_eq!(answer.parameter_version, Some(1));
    let many: Vec<String> = (0..10).map(|number| format!("l{number}")).collect();
    let many: Vec<&str> = many.iter().map(String::as_str).collect();
    let (code, _) = fixture.refused::<api::LabelParameterVersion>(label("x", None, &many));
    assert_eq!(code, "ParameterVersionLabelLimitExceeded");
    let unlabel = api::UnlabelParameterVersionRequest {
        name: "x".to_owned(),
        parameter_version: 1,
        labels: vec!["good".to_owned(), "none".to_owned()],
    };
    let answer = fixture.root::<api::UnlabelParameterVersion>(unlabel);
    assert_eq!(
        (answer.removed_labels.unwrap(), answer.invalid_labels.unwrap()),
        (vec!["good".to_owned()], vec!["none".to_owned()])
    );
    assert_eq!(
        fixture.refused::<api::LabelParameterVersion>(label("none", None, &["a"])),
        error("ParameterNotFound", "")
    );
}

#[test]
fn a_hundred_versions_are_kept() {
    let fixture = Fixture::new();
    fixture.put("x", "1");
    for number in 2..=101 {
        fixture.overwrite("x", &number.to_string());
    }
    let history = |token: Option<String>| {
        fixture.root::<api::GetParameterHistory>(api::GetParameterHistoryRequest {
            name: "x".to_owned(),
            next_token: token,
            ..Default::default()
        })
    };
    let first = history(None);
    let second = history(first.next_token.clone());
    let numbers: Vec<_> = first
        .parameters
        .unwrap()
        .into_iter()
        .chain(second.parameters.unwrap())
        .map(|it| it.version.unwrap())
        .collect();
    assert_eq!(numbers, (2..=101).collect::<Vec<i64>>());
    assert_eq!(second.next_token, None);
    fixture.root::<api::LabelParameterVersion>(label("x", Some(2), &["kept"]));
    let input = api::PutParameterRequest { overwrite: Some(true), ..put("x", "v") };
    let (code, message) = fixture.refused::<api::PutParameter>(input);
    assert_eq!(code, "ParameterMaxVersionLimitExceeded");
    assert!(message.contains("Version 2, the oldest version, can't be deleted"), "{message}");
}

#[test]
fn what_an_overwriting_request_leaves_out_stays() {
    let fixture = Fixture::new();
    let first = api::PutParameterRequest {
        description: Some("d".to_owned()),
        allowed_pattern: Some("v\\d".to_owned()),
        tags: Some(vec![api::Tag { key: "a".to_owned(), value: "b".to_owned() }]),
        ..put("x", "v1")
    };
    fixture.root::<api::PutParameter>(first);
    let again = || api::PutParameterRequest { r#type: None, overwrite: Some(true), ..put("x", "v2") };
    fixture.root::<api::PutParameter>(again());
    let shown = fixture.root::<api::DescribeParameters>(Default::default()).parameters.unwrap().remove(0);
    assert_eq!((shown.description.as_deref(), shown.allowed_pattern.as_deref()), (Some("d"), Some("v\\d")));
    let mismatch = api::PutParameterRequest { value: Sensitive::from("x"), ..again() };
    assert_eq!(
        fixture.refused::<api::PutParameter>(mismatch),
        error(
            "ParameterPatternMismatchException",
            "Parameter value, cannot be validated against allowedPattern: v\\d"
        )
    );
    let none = api::PutParameterRequest {
        allowed_pattern: Some(String::new()),
        value: Sensitive::from("x"),
        ..again()
    };
    fixture.root::<api::PutParameter>(none);
    let tags = api::ListTagsForResourceRequest {
        resource_type: api::ResourceTypeForTagging::Parameter,
        resource_id: "x".to_owned(),
    };
    assert_eq!(fixture.root::<api::ListTagsForResource>(tags).tag_list.unwrap().len(), 1);
}

#[test]
fn requests_that_cannot_be_met() {
    let fixture = Fixture::new();
    let cases = [
        (
            api::PutParameterRequest { r#type: None, ..put("x", "v") },
            "ValidationException",
            "A parameter type is required when you create a parameter.",
        ),
        (
            put("x", ""),
            "ValidationException",
            "1 validation error detected: Value '' at 'value' failed to satisfy constraint: Member must have length greater than or equal to 1.",
        ),
        (
            put("x", "before {{ssm:foo}} after"),
            "ValidationException",
            "Parameter value can't nest another parameter. Do not use \"{{}}\" in the value.",
        ),
        (
            api::PutParameterRequest { data_type: Some("not_text".to_owned()), ..put("x", "v") },
            "ValidationException",
            "The following data type is not supported: not_text (Data type names are all lowercase.)",
        ),
        (
            put("/ssm/x", "v"),
            "ValidationException",
            "Parameter name: can't be prefixed with \"ssm\" (case-insensitive). If formed as a path, it can consist of sub-paths divided by slash symbol; each sub-path can be formed as a mix of letters, numbers and the following 3 symbols .-_",
        ),
    ];
    for (input, code, message) in cases {
        assert_eq!(fixture.refused::<api::PutParameter>(input), error(code, message));
    }
    for (name, value) in [("braces", "{\"a\":{\"b\":{}}}"), ("half", "{{ and no more"), ("apart", "{{\n}}")] {
        fixture.root::<api::PutParameter>(put(name, value));
    }
}

#[test]
fn tiers_and_settings() {
    let fixture = Fixture::new();
    let large = "x".repeat(4097);
    let (code, message) = fixture.refused::<api::PutParameter>(put("x", &large));
    assert_eq!(code, "ValidationException");
    assert!(
        message.starts_with("Standard tier parameters support a maximum parameter value of 4096 characters.")
    );
    let id = "/ssm/parameter-store/default-parameter-tier";
    let set = |value: &str| api::UpdateServiceSettingRequest {
        setting_id: id.to_owned(),
        setting_value: value.to_owned(),
    };
    assert_eq!(fixture.refused::<api::UpdateServiceSetting>(set("Gold")).0, "ValidationException");
    fixture.root::<api::UpdateServiceSetting>(set("Intelligent-Tiering"));
    let answer = fixture.root::<api::PutParameter>(put("x", &large));
    assert_eq!(answer.tier, Some(api::ParameterTier::Advanced));
    let get = || api::GetServiceSettingRequest {
        setting_id: format!("arn:aws:ssm:us-east-1:111122223333:servicesetting{id}"),
    };
    let shown = fixture.root::<api::GetServiceSetting>(get()).service_setting.unwrap();
    assert_eq!(
        (shown.setting_value.as_deref(), shown.status.as_deref()),
        (Some("Intelligent-Tiering"), Some("Customized"))
    );
    let reset = api::ResetServiceSettingRequest { setting_id: id.to_owned() };
    let shown = fixture.root::<api::ResetServiceSetting>(reset).service_setting.unwrap();
    assert_eq!(
        (shown.setting_value.as_deref(), shown.status.as_deref()),
        (Some("Standard"), Some("Default"))
    );
    let none = api::GetServiceSettingRequest { setting_id: "/ssm/none".to_owned() };
    assert_eq!(fixture.refused::<api::GetServiceSetting>(none).0, "ServiceSettingNotFound");
}

#[test]
fn deletion_and_expiration() {
    let fixture = Fixture::new();
    let policy =
        r#"[{"Type":"Expiration","Version":"1.0","Attributes":{"Timestamp":"2026-11-24T02:30:41Z"}}]"#;
    let input = api::PutParameterRequest {
        tier: Some(api::ParameterTier::Advanced),
        policies: Some(policy.to_owned()),
        ..put("short", "v")
    };
    fixture.root::<api::PutParameter>(input);
    fixture.put("long", "v");
    fixture.put("/gone", "v");
    let names = ["gone", "none", "/gone"].map(str::to_owned).to_vec();
    let answer = fixture.root::<api::DeleteParameters>(api::DeleteParametersRequest { names });
    assert_eq!(
        (answer.deleted_parameters.unwrap(), answer.invalid_parameters.unwrap()),
        (vec!["gone".to_owned()], vec!["none".to_owned(), "/gone".to_owned()])
    );
    let installation = fixture.0.call.installation();
    assert_eq!(reconcile(installation).unwrap(), 0);
    fixture.0.clock.advance_seconds(86_401);
    assert_eq!(reconcile(installation).unwrap(), 1);
    assert_eq!(fixture.refused::<api::GetParameter>(get("short")), error("ParameterNotFound", ""));
    assert_eq!(fixture.value("long"), "v");
    let counts = *installation.store.view().get(&COUNTS, &(account(), region())).unwrap().unwrap();
    assert_eq!(counts, Counts { standard: 1, advanced: 0 });
    let delete = |name: &str| api::DeleteParameterRequest { name: name.to_owned() };
    fixture.root::<api::DeleteParameter>(delete("long"));
    assert_eq!(fixture.refused::<api::DeleteParameter>(delete("long")), error("ParameterNotFound", ""));
}
