//! Lists: pages, orders, filters; several values at once.

use super::*;

fn list(input: api::ListSecretsRequest, fixture: &Fixture) -> Vec<String> {
    let mut names = Vec::new();
    let mut next_token = None;
    loop {
        let answer =
            fixture.root::<api::ListSecrets>(api::ListSecretsRequest { next_token, ..input.clone() });
        let page = answer.secret_list.unwrap();
        assert!(page.len() <= input.max_results.unwrap_or(100) as usize);
        names.extend(page.into_iter().map(|entry| entry.name.unwrap()));
        next_token = answer.next_token;
        if next_token.is_none() {
            return names;
        }
    }
}

fn filter(key: &str, values: &[&str]) -> api::ListSecretsRequest {
    api::ListSecretsRequest {
        filters: Some(vec![api::Filter {
            key: Some(key.into()),
            values: Some(values.iter().map(|value| (*value).to_owned()).collect()),
        }]),
        ..Default::default()
    }
}

#[test]
fn two_hundred_and_fifty_secrets_in_every_order() {
    let fixture = Fixture::new();
    let name = |number: u32| format!("s{:03}", number * 7 % 250);
    for number in 0..250 {
        fixture.secret(&name(number));
        fixture.0.clock.advance_seconds(1);
    }
    let by_creation: Vec<_> = (0..250).map(name).collect();
    let mut by_name = by_creation.clone();
    by_name.sort();
    let cases = [
        (None, &by_creation),
        (Some("created-date"), &by_creation),
        (Some("last-changed-date"), &by_creation),
        (Some("last-accessed-date"), &by_name),
        (Some("name"), &by_name),
    ];
    for (sort_by, expected) in cases {
        for max_results in [None, Some(1), Some(99)] {
            let input = api::ListSecretsRequest {
                sort_by: sort_by.map(Into::into),
                max_results,
                ..Default::default()
            };
            assert_eq!(&list(input.clone(), &fixture), expected, "{sort_by:?} {max_results:?}");
            let reversed: Vec<_> = expected.iter().rev().cloned().collect();
            let input = api::ListSecretsRequest { sort_order: Some("desc".into()), ..input };
            assert_eq!(list(input, &fixture), reversed, "{sort_by:?} {max_results:?}");
        }
    }
}

#[test]
fn tokens_of_other_lists_are_refused() {
    let fixture = Fixture::new();
    fixture.secret("a");
    fixture.secret("b");
    let one = api::ListSecretsRequest { max_results: Some(1), ..Default::default() };
    let good = fixture.root::<api::ListSecrets>(one).next_token;
    let bad = [
        (good, Some("name".into())),
        (Some("x".to_owned()), None),
        (Some("bnVsbA".to_owned()), None),
        (Some("%%%".to_owned()), None),
    ];
    for (next_token, sort_by) in bad {
        let input = api::ListSecretsRequest { next_token, sort_by, ..Default::default() };
        assert_eq!(fixture.refused::<api::ListSecrets>(input).0, "InvalidNextTokenException");
    }
    let versions = api::ListSecretVersionIdsRequest {
        secret_id: "a".into(),
        next_token: Some("e30".into()),
        ..Default::default()
    };
    assert_eq!(fixture.refused::<api::ListSecretVersionIds>(versions).0, "InvalidNextTokenException");
}

#[test]
fn filters_choose() {
    let fixture = Fixture::new();
    let make = |name: &str, description: &str, tag: (&str, &str)| {
        let tag = api::Tag { key: Some(tag.0.into()), value: Some(tag.1.into()) };
        fixture.root::<api::CreateSecret>(api::CreateSecretRequest {
            description: Some(description.into()),
            tags: Some(vec![tag]),
            ..create(name)
        });
        fixture.0.clock.advance_seconds(1);
    };
    make("prod/db", "Database of Production", ("team", "red"));
    make("prod/api", "", ("Team", "blue"));
    make("test/db", "database of test", ("stage", "test"));
    let cases: [(&str, &[&str], &[&str]); 20] = [
        ("name", &["prod/"], &["prod/db", "prod/api"]),
        ("name", &["Prod"], &[]),
        ("name", &["!prod"], &["test/db"]),
        ("name", &["prod", "!prod/db"], &["prod/api"]),
        ("name", &["prod/db", "test"], &["prod/db", "test/db"]),
        ("description", &["DATABASE"], &["prod/db", "test/db"]),
        ("description", &["production"], &["prod/db"]),
        ("description", &["d t"], &["test/db"]),
        ("description", &["base"], &[]),
        ("description", &["!test"], &["prod/db", "prod/api"]),
        ("tag-key", &["team"], &["prod/db"]),
        ("tag-key", &["Te"], &["prod/api"]),
        ("tag-value", &["b"], &["prod/api"]),
        // Only of secrets that are replicated.
        ("primary-region", &["us-"], &[]),
        ("owning-service", &["x"], &[]),
        ("all", &["DB test"], &["test/db"]),
        ("all", &["blue"], &["prod/api"]),
        ("all", &["lue"], &[]),
        ("all", &["+"], &[]),
        ("all", &["RE", "stage"], &["prod/db", "test/db"]),
    ];
    for (key, values, expected) in cases {
        assert_eq!(list(filter(key, values), &fixture), expected, "{key} {values:?}");
        let paged = api::ListSecretsRequest { max_results: Some(1), ..filter(key, values) };
        assert_eq!(list(paged, &fixture), expected, "{key} {values:?}");
    }
    let both = ["of", "production"].map(|word| filter("description", &[word]).filters.unwrap().remove(0));
    let both = api::ListSecretsRequest { filters: Some(both.into()), ..Default::default() };
    assert_eq!(list(both, &fixture), ["prod/db"]);
    let nonsense = filter("colour", &["x"]);
    assert_eq!(fixture.refused::<api::ListSecrets>(nonsense).0, "InvalidParameterException");
    assert_eq!(fixture.refused::<api::ListSecrets>(filter("name", &[])).0, "InvalidParameterException");
}

#[test]
fn entries_show_labels_tags_and_planned_deletion() {
    let fixture = Fixture::new();
    fixture.secret("a");
    fixture.secret("b");
    fixture.root::<api::DeleteSecret>(delete("a"));
    assert_eq!(list(api::ListSecretsRequest::default(), &fixture), ["b"]);
    let input = api::ListSecretsRequest { include_planned_deletion: Some(true), ..Default::default() };
    let entries = fixture.root::<api::ListSecrets>(input).secret_list.unwrap();
    assert_eq!(entries[0].deleted_date, Some(START));
    assert_eq!(entries[1].deleted_date, None);
    let stages = entries[1].secret_versions_to_stages.as_ref().unwrap();
    assert_eq!(stages.get(&token(1)), Some(&vec!["AWSCURRENT".to_owned()]));
    assert_eq!(entries[1].tags, None);
}

#[test]
fn lists_stay_in_account_and_region() {
    let fixture = Fixture::new();
    fixture.secret("a");
    let elsewhere = root().in_region(&"us-east-2".parse().unwrap());
    let other = caller(Principal::root(&other_account()));
    for caller in [elsewhere, other] {
        for sort_by in api::SortByType::VALUES {
            let input = api::ListSecretsRequest { sort_by: Some((*sort_by).into()), ..Default::default() };
            assert_eq!(fixture.call::<api::ListSecrets>(&caller, input).unwrap().secret_list, Some(vec![]));
        }
    }
}

#[test]
fn several_values_at_once() {
    let fixture = Fixture::new();
    let a = fixture.secret("a");
    fixture.secret("b");
    fixture.secret("gone");
    fixture.root::<api::DeleteSecret>(delete("gone"));
    let ids = ["a", "missing", "gone", "no name", "b"];
    let input = api::BatchGetSecretValueRequest {
        secret_id_list: Some(ids.iter().map(|id| (*id).to_owned()).collect()),
        ..Default::default()
    };
    let answer = fixture.root::<api::BatchGetSecretValue>(input);
    let values = answer.secret_values.unwrap();
    assert_eq!(values.len(), 2);
    assert_eq!(values[0].arn.as_deref(), Some(a.as_str()));
    assert_eq!(text(values[1].secret_string.clone()), "v1");
    let errors = answer.errors.unwrap();
    let codes: Vec<_> = errors.iter().map(|it| (it.secret_id.as_deref(), it.error_code.as_deref())).collect();
    let expected = [
        (Some("missing"), Some("ResourceNotFoundException")),
        (Some("gone"), Some("InvalidRequestException")),
        (Some("no name"), Some("ValidationException")),
    ];
    assert_eq!(codes, expected);
    let filtered =
        api::BatchGetSecretValueRequest { filters: filter("name", &["b"]).filters, ..Default::default() };
    let answer = fixture.root::<api::BatchGetSecretValue>(filtered.clone());
    assert_eq!(answer.secret_values.unwrap().len(), 1);
    let both = api::BatchGetSecretValueRequest { secret_id_list: Some(vec!["a".into()]), ..filtered };
    for input in [both, api::BatchGetSecretValueRequest::default()] {
        assert_eq!(fixture.refused::<api::BatchGetSecretValue>(input).0, "InvalidParameterException");
    }
}
