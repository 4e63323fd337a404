//! Lifecycle policies by API, and at work.

use super::*;
use crate::ecr::record::IMAGES;

const KEEP_TWO: &str = r#"{"rules":[{"rulePriority":1,"selection":{"tagStatus":"any","countType":"imageCountMoreThan","countNumber":2},"action":{"type":"expire"}}]}"#;

fn put(text: &str) -> api::PutLifecyclePolicyRequest {
    api::PutLifecyclePolicyRequest {
        repository_name: "app".to_owned(),
        lifecycle_policy_text: text.to_owned(),
        ..Default::default()
    }
}

fn get(fixture: &Fixture) -> Result<api::GetLifecyclePolicyResponse, ServiceError> {
    let input = api::GetLifecyclePolicyRequest { repository_name: "app".to_owned(), ..Default::default() };
    fixture.call::<api::GetLifecyclePolicy>(&root(), input)
}

fn count(fixture: &Fixture) -> usize {
    fixture.0.call.installation().store.view().count(&IMAGES, ())
}

#[test]
fn images_really_expire() {
    let fixture = Fixture::new();
    fixture.repository("app");
    for number in 0..5 {
        fixture.image("app", &format!("content {number}"), Some(&format!("t{number}")));
        fixture.0.clock.advance_seconds(1);
    }
    assert_eq!(get(&fixture).unwrap_err().code, "LifecyclePolicyNotFoundException");
    fixture.root::<api::PutLifecyclePolicy>(put(KEEP_TWO));
    assert_eq!(get(&fixture).unwrap().last_evaluated_at, None);
    let installation = fixture.0.call.installation();
    crate::ecr::reconcile(installation);
    assert_eq!(count(&fixture), 2);
    assert_eq!(get(&fixture).unwrap().last_evaluated_at, Some(installation.clock.now()));
    fixture.image("app", "one more", None);
    crate::ecr::reconcile(installation);
    assert_eq!(count(&fixture), 3);
    fixture.0.clock.advance_seconds(3600);
    crate::ecr::reconcile(installation);
    assert_eq!(count(&fixture), 2);
}

#[test]
fn what_is_about_an_image_goes_with_it() {
    let fixture = Fixture::new();
    fixture.repository("app");
    let old = fixture.image("app", "old", Some("old"));
    let signature = fixture.about("app", "signature", old);
    let of_signature = fixture.about("app", "of the signature", signature);
    fixture.0.clock.advance_seconds(1);
    let young = fixture.image("app", "young", Some("young"));
    let stays = fixture.about("app", "another signature", young);
    let policy = KEEP_TWO.replace(r#""any""#, r#""tagged","tagPatternList":["*"]"#).replace(":2}", ":1}");
    fixture.root::<api::PutLifecyclePolicy>(put(&policy));
    crate::ecr::reconcile(fixture.0.call.installation());
    let there = |digest| {
        registry::image(&fixture.0.call.installation().store.view(), &key("app"), digest).unwrap().is_some()
    };
    assert_eq!([old, signature, of_signature].map(there), [false; 3]);
    assert_eq!([young, stays].map(there), [true; 2]);
}

#[test]
fn two_rules_of_the_same_prefixes_are_refused() {
    let fixture = Fixture::new();
    fixture.repository("app");
    let rule = |priority: u8, prefixes: &str| {
        format!(
            r#"{{"rulePriority":{priority},"selection":{{"tagStatus":"tagged","tagPrefixList":{prefixes},
                "countType":"imageCountMoreThan","countNumber":1}},"action":{{"type":"expire"}}}}"#
        )
    };
    let policy = |other: &str| format!(r#"{{"rules":[{},{}]}}"#, rule(1, r#"["a","b"]"#), rule(2, other));
    let (_, message) = fixture.refused::<api::PutLifecyclePolicy>(put(&policy(r#"["b","a"]"#)));
    assert!(message.contains("no two rules may have the same tagPrefixList"), "{message}");
    fixture.root::<api::PutLifecyclePolicy>(put(&policy(r#"["b"]"#)));
}

#[test]
fn a_preview_tells_and_removes_nothing() {
    let fixture = Fixture::new();
    fixture.repository("app");
    for number in 0..5 {
        fixture.image("app", &format!("content {number}"), None);
        fixture.0.clock.advance_seconds(1);
    }
    let start = |text: Option<&str>| api::StartLifecyclePolicyPreviewRequest {
        repository_name: "app".to_owned(),
        lifecycle_policy_text: text.map(str::to_owned),
        ..Default::default()
    };
    let preview = api::GetLifecyclePolicyPreviewRequest {
        repository_name: "app".to_owned(),
        max_results: Some(2),
        ..Default::default()
    };
    assert_eq!(
        fixture.refused::<api::GetLifecyclePolicyPreview>(preview.clone()).0,
        "LifecyclePolicyPreviewNotFoundException"
    );
    assert_eq!(
        fixture.refused::<api::StartLifecyclePolicyPreview>(start(None)).0,
        "LifecyclePolicyNotFoundException"
    );
    fixture.root::<api::StartLifecyclePolicyPreview>(start(Some(KEEP_TWO)));
    let page = fixture.root::<api::GetLifecyclePolicyPreview>(preview.clone());
    assert_eq!(page.status, Some(api::LifecyclePolicyPreviewStatus::Complete));
    assert_eq!(page.summary.unwrap().expiring_image_total_count, Some(3));
    assert_eq!(page.preview_results.unwrap().len(), 2);
    let rest = api::GetLifecyclePolicyPreviewRequest { next_token: page.next_token, ..preview };
    let page = fixture.root::<api::GetLifecyclePolicyPreview>(rest);
    assert_eq!((page.preview_results.unwrap().len(), page.next_token), (1, None));
    assert_eq!(count(&fixture), 5);
}

#[test]
fn a_bad_policy_is_refused_with_its_reason() {
    let fixture = Fixture::new();
    fixture.repository("app");
    let (code, message) = fixture.refused::<api::PutLifecyclePolicy>(put(&KEEP_TWO.replace(":2}", ":0}")));
    assert_eq!(code, "InvalidParameterException");
    assert_eq!(
        message,
        "Invalid parameter at 'LifecyclePolicyText' failed to satisfy constraint: 'Lifecycle policy validation failure: \
         countNumber 0 is less than 1'"
    );
}
