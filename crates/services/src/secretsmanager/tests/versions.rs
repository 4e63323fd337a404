//! Versions, labels, repetition.

use super::*;

fn labels(found: &[(String, Vec<String>)]) -> Vec<(u32, Vec<&str>)> {
    let number = |id: &str| id[..8].parse().unwrap();
    found.iter().map(|(id, labels)| (number(id), labels.iter().map(String::as_str).collect())).collect()
}

#[test]
fn a_secret_is_found_by_name_and_by_both_arns() {
    let fixture = Fixture::new();
    let arn = fixture.secret("team/registry");
    let partial = arn.rsplit_once('-').unwrap().0;
    for id in ["team/registry", arn.as_str(), partial] {
        let answer = fixture.root::<api::GetSecretValue>(get(id));
        assert_eq!(answer.arn.as_deref(), Some(arn.as_str()));
        assert_eq!(answer.name.as_deref(), Some("team/registry"));
        assert_eq!(answer.version_id, Some(token(1)));
        assert_eq!(answer.version_stages, Some(vec!["AWSCURRENT".to_owned()]));
        assert_eq!(answer.created_date, Some(START));
        assert_eq!((text(answer.secret_string).as_str(), answer.secret_binary), ("v1", None));
    }
    let elsewhere = root().in_region(&"eu-west-1".parse().unwrap());
    for id in ["team/registry", arn.as_str()] {
        let (code, _) = fixture.denied::<api::GetSecretValue>(&elsewhere, get(id));
        assert_eq!(code, "ResourceNotFoundException");
    }
    let other_suffix = format!("{partial}-AAAAAA");
    assert_eq!(fixture.refused::<api::GetSecretValue>(get(&other_suffix)).0, "ResourceNotFoundException");
}

#[test]
fn a_name_that_looks_like_an_arn_s_end_is_a_name() {
    let fixture = Fixture::new();
    let arn = fixture.secret("db-AbCdEf");
    let partial = arn.rsplit_once('-').unwrap().0;
    for id in ["db-AbCdEf", arn.as_str(), partial] {
        assert_eq!(fixture.value(id), "v1", "{id}");
    }
    fixture.secret("db");
    assert_eq!(fixture.root::<api::GetSecretValue>(get(partial)).name.as_deref(), Some("db-AbCdEf"));
}

#[test]
fn binary_values_stay_binary() {
    let fixture = Fixture::new();
    let input = api::CreateSecretRequest {
        secret_string: None,
        secret_binary: Some(Sensitive::new(vec![0, 255, 7])),
        ..create("a")
    };
    fixture.root::<api::CreateSecret>(input);
    let answer = fixture.root::<api::GetSecretValue>(get("a"));
    assert_eq!(answer.secret_binary, Some(Sensitive::new(vec![0, 255, 7])));
    assert_eq!(answer.secret_string, None);
}

#[test]
fn current_and_previous_follow_each_other() {
    let fixture = Fixture::new();
    fixture.secret("a");
    assert_eq!(labels(&fixture.stages("a")), [(1, vec!["AWSCURRENT"])]);
    fixture.put("a", 2);
    assert_eq!(labels(&fixture.stages("a")), [(1, vec!["AWSPREVIOUS"]), (2, vec!["AWSCURRENT"])]);
    let update = api::UpdateSecretRequest {
        secret_id: "a".into(),
        client_request_token: Some(token(3)),
        secret_string: Some(Sensitive::from("v3")),
        ..Default::default()
    };
    assert_eq!(fixture.root::<api::UpdateSecret>(update).version_id, Some(token(3)));
    assert_eq!(labels(&fixture.stages("a")), [(2, vec!["AWSPREVIOUS"]), (3, vec!["AWSCURRENT"])]);
    assert_eq!(fixture.value("a"), "v3");
    let previous = api::GetSecretValueRequest { version_stage: Some("AWSPREVIOUS".into()), ..get("a") };
    assert_eq!(text(fixture.root::<api::GetSecretValue>(previous).secret_string), "v2");
    let deprecated = api::GetSecretValueRequest { version_id: Some(token(1)), ..get("a") };
    let deprecated = fixture.root::<api::GetSecretValue>(deprecated);
    assert_eq!((text(deprecated.secret_string).as_str(), deprecated.version_stages), ("v1", Some(vec![])));
}

#[test]
fn a_pending_version_becomes_current_and_goes_back() {
    let fixture = Fixture::new();
    fixture.secret("a");
    let pending =
        api::PutSecretValueRequest { version_stages: Some(vec!["AWSPENDING".into()]), ..put("a", 2) };
    let answer = fixture.root::<api::PutSecretValue>(pending);
    assert_eq!(answer.version_stages, Some(vec!["AWSPENDING".to_owned()]));
    assert_eq!(fixture.value("a"), "v1");
    let moved = |from, to| api::UpdateSecretVersionStageRequest {
        secret_id: "a".into(),
        version_stage: "AWSCURRENT".into(),
        remove_from_version_id: Some(token(from)),
        move_to_version_id: Some(token(to)),
    };
    fixture.root::<api::UpdateSecretVersionStage>(moved(1, 2));
    assert_eq!(
        labels(&fixture.stages("a")),
        [(1, vec!["AWSPREVIOUS"]), (2, vec!["AWSCURRENT", "AWSPENDING"])]
    );
    fixture.root::<api::UpdateSecretVersionStage>(moved(2, 1));
    assert_eq!(
        labels(&fixture.stages("a")),
        [(1, vec!["AWSCURRENT"]), (2, vec!["AWSPENDING", "AWSPREVIOUS"])]
    );
    let remove = api::UpdateSecretVersionStageRequest {
        secret_id: "a".into(),
        version_stage: "AWSPENDING".into(),
        remove_from_version_id: Some(token(2)),
        move_to_version_id: None,
    };
    fixture.root::<api::UpdateSecretVersionStage>(remove);
    assert_eq!(labels(&fixture.stages("a")), [(1, vec!["AWSCURRENT"]), (2, vec!["AWSPREVIOUS"])]);
}

#[test]
fn the_first_version_is_current_whatever_was_asked_for() {
    let fixture = Fixture::new();
    fixture.root::<api::CreateSecret>(api::CreateSecretRequest { name: "a".into(), ..Default::default() });
    assert_eq!(fixture.describe("a").version_ids_to_stages, None);
    let pending = api::PutSecretValueRequest { version_stages: Some(vec!["MINE".into()]), ..put("a", 1) };
    fixture.root::<api::PutSecretValue>(pending);
    assert_eq!(labels(&fixture.stages("a")), [(1, vec!["AWSCURRENT", "MINE"])]);
}

#[test]
fn repeated_calls_change_nothing() {
    let fixture = Fixture::new();
    let arn = fixture.secret("a");
    fixture.put("a", 2);
    let before = fixture.row("a").unwrap();
    fixture.0.clock.advance_seconds(60);
    let again = fixture.root::<api::CreateSecret>(create("a"));
    assert_eq!((again.arn, again.version_id), (Some(arn), Some(token(1))));
    let again = fixture.put("a", 1);
    assert_eq!(again.version_stages, Some(vec!["AWSPREVIOUS".to_owned()]));
    assert_eq!(fixture.put("a", 2).version_id, Some(token(2)));
    let after = fixture.row("a").unwrap();
    assert_eq!((&before.stages, before.changed_at), (&after.stages, after.changed_at));
}

#[test]
fn no_version_has_more_than_twenty_labels() {
    let fixture = Fixture::new();
    fixture.secret("a");
    let labels = |count: u32| Some((0..count).map(|number| format!("L{number}")).collect::<Vec<_>>());
    fixture.root::<api::PutSecretValue>(api::PutSecretValueRequest {
        version_stages: labels(20),
        ..put("a", 2)
    });
    let more = api::UpdateSecretVersionStageRequest {
        secret_id: "a".into(),
        version_stage: "MORE".into(),
        remove_from_version_id: None,
        move_to_version_id: Some(token(2)),
    };
    assert_eq!(fixture.refused::<api::UpdateSecretVersionStage>(more).0, "LimitExceededException");
    assert_eq!(fixture.row("a").unwrap().stages.labels(&token(2)).len(), 20);
}

#[test]
fn old_versions_without_labels_go() {
    let fixture = Fixture::new();
    fixture.secret("a");
    for number in 2..=149 {
        fixture.put("a", number);
    }
    let all = || {
        let mut ids = Vec::new();
        let mut next_token = None;
        loop {
            let answer = fixture.root::<api::ListSecretVersionIds>(api::ListSecretVersionIdsRequest {
                secret_id: "a".into(),
                include_deprecated: Some(true),
                max_results: Some(50),
                next_token,
            });
            ids.extend(answer.versions.unwrap().into_iter().map(|version| version.version_id.unwrap()));
            next_token = answer.next_token;
            if next_token.is_none() {
                return ids;
            }
        }
    };
    // Whatever is younger than a day stays.
    assert_eq!(all().len(), 149);
    fixture.0.clock.advance_seconds(days(1));
    fixture.put("a", 150);
    let expected: Vec<_> = (51..=150).map(token).collect();
    assert_eq!(all(), expected);
}

#[test]
fn versions_are_listed_with_labels_and_keys() {
    let fixture = Fixture::new();
    fixture.secret("a");
    fixture.put("a", 2);
    fixture.put("a", 3);
    let list = |deprecated| {
        let input = api::ListSecretVersionIdsRequest {
            secret_id: "a".into(),
            include_deprecated: deprecated,
            ..Default::default()
        };
        fixture.root::<api::ListSecretVersionIds>(input).versions.unwrap()
    };
    assert_eq!(list(None).len(), 2);
    let versions = list(Some(true));
    assert_eq!(versions.len(), 3);
    assert_eq!(versions[0].version_stages, None);
    assert_eq!(versions[1].version_stages, Some(vec!["AWSPREVIOUS".to_owned()]));
    assert_eq!(versions[2].kms_key_ids, Some(vec!["DefaultEncryptionKey".to_owned()]));
}

#[test]
fn the_day_of_the_last_read_is_noted() {
    let fixture = Fixture::new();
    fixture.secret("a");
    assert_eq!(fixture.describe("a").last_accessed_date, None);
    fixture.value("a");
    assert_eq!(fixture.describe("a").last_accessed_date, Some(START.day()));
    let changed = fixture.row("a").unwrap().changed_at;
    fixture.0.clock.advance_seconds(days(2));
    fixture.value("a");
    assert_eq!(fixture.describe("a").last_accessed_date, Some(after_days(2).day()));
    assert_eq!(fixture.row("a").unwrap().changed_at, changed);
}

#[test]
fn a_description_without_values_leaves_members_out() {
    let fixture = Fixture::new();
    fixture.root::<api::CreateSecret>(api::CreateSecretRequest { name: "a".into(), ..Default::default() });
    let described = fixture.describe("a");
    let expected = api::DescribeSecretResponse {
        arn: described.arn.clone(),
        name: Some("a".into()),
        created_date: Some(START),
        last_changed_date: Some(START),
        ..Default::default()
    };
    assert_eq!(described, expected);
    let update = api::UpdateSecretRequest {
        secret_id: "a".into(),
        description: Some("text".into()),
        ..Default::default()
    };
    assert_eq!(fixture.root::<api::UpdateSecret>(update).version_id, None);
    assert_eq!(fixture.describe("a").description.as_deref(), Some("text"));
}
