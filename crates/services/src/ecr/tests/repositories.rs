//! Repositories: made, shown, removed.

use super::*;
use crate::testing::nobody;

fn describe(names: &[&str]) -> api::DescribeRepositoriesRequest {
    let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
    api::DescribeRepositoriesRequest {
        repository_names: (!names.is_empty()).then_some(names),
        ..Default::default()
    }
}

#[test]
fn a_new_repository_has_aws_defaults() {
    let made = Fixture::new().repository("team/app");
    assert_eq!(
        made.repository_arn.as_deref(),
        Some("arn:aws:ecr:us-east-1:111122223333:repository/team/app")
    );
    assert_eq!(made.repository_uri.as_deref(), Some("127.0.0.1:4566/111122223333/us-east-1/team/app"));
    assert_eq!(made.image_tag_mutability, Some(api::ImageTagMutability::Mutable));
    assert_eq!(made.encryption_configuration.unwrap().encryption_type, api::EncryptionType::Aes256);
    assert_eq!(made.image_scanning_configuration.unwrap().scan_on_push, Some(false));
    assert_eq!(made.created_at, Some(START));
}

#[test]
fn errors_have_aws_words() {
    let fixture = Fixture::new();
    fixture.repository("app");
    let exists = "The repository with name 'app' already exists in the registry with id '111122223333'";
    let missing = "The repository with name 'no' does not exist in the registry with id '111122223333'";
    assert_eq!(
        fixture.refused::<api::CreateRepository>(create("app")),
        ("RepositoryAlreadyExistsException".to_owned(), exists.to_owned())
    );
    assert_eq!(
        fixture.refused::<api::DescribeRepositories>(describe(&["app", "no"])),
        ("RepositoryNotFoundException".to_owned(), missing.to_owned())
    );
    fixture.image("app", "x", None);
    let delete = |force| api::DeleteRepositoryRequest {
        repository_name: "app".to_owned(),
        force,
        ..Default::default()
    };
    assert_eq!(fixture.refused::<api::DeleteRepository>(delete(None)).0, "RepositoryNotEmptyException");
    fixture.root::<api::DeleteRepository>(delete(Some(true)));
    assert_eq!(fixture.refused::<api::DeleteRepository>(delete(None)).0, "RepositoryNotFoundException");
}

#[test]
fn names_with_tricks_are_refused() {
    let fixture = Fixture::new();
    for name in ["../a", "a/../b", "A", "a//b", "a/", "/a", "a b", "a:b", "a\u{0}", "-a", "a__-b", "é", "a"]
    {
        let (code, message) = fixture.refused::<api::CreateRepository>(create(name));
        assert_eq!(code, "InvalidParameterException", "{name}");
        assert!(message.starts_with("Invalid parameter at 'repositoryName' failed to satisfy constraint: "));
    }
}

#[test]
fn whoever_may_not_does_not_learn_what_exists() {
    let fixture = Fixture::new();
    fixture.repository("app");
    for name in ["app", "no"] {
        let expected = format!(
            "User: arn:aws:iam::111122223333:user/nobody is not authorized to perform: ecr:DescribeRepositories on \
             resource: arn:aws:ecr:us-east-1:111122223333:repository/{name} because no identity-based policy allows \
             the ecr:DescribeRepositories action"
        );
        let (code, message) = fixture.denied::<api::DescribeRepositories>(&nobody(), describe(&[name]));
        assert_eq!((code.as_str(), message), ("AccessDeniedException", expected));
    }
}

#[test]
fn pages_go_on_where_they_ended() {
    let fixture = Fixture::new();
    for number in 0..25 {
        fixture.repository(&format!("r{number:02}"));
    }
    let mut names = Vec::new();
    let mut input = api::DescribeRepositoriesRequest { max_results: Some(10), ..Default::default() };
    loop {
        let page = fixture.root::<api::DescribeRepositories>(input.clone());
        names.extend(page.repositories.unwrap().into_iter().filter_map(|it| it.repository_name));
        input.next_token = page.next_token;
        if input.next_token.is_none() {
            break;
        }
    }
    assert_eq!(names, (0..25).map(|number| format!("r{number:02}")).collect::<Vec<_>>());
    input.next_token = Some("nonsense".to_owned());
    assert_eq!(fixture.refused::<api::DescribeRepositories>(input).0, "InvalidParameterException");
}

#[test]
fn exclusion_filters_go_with_their_settings() {
    let fixture = Fixture::new();
    let filter = |text: &str| api::ImageTagMutabilityExclusionFilter {
        filter_type: api::ImageTagMutabilityExclusionFilterType::Wildcard,
        filter: text.to_owned(),
    };
    use api::ImageTagMutability::{Immutable, ImmutableWithExclusion, Mutable, MutableWithExclusion};
    for (index, (setting, filters, good)) in [
        (Immutable, None, true),
        (ImmutableWithExclusion, Some(vec![filter("dev-*")]), true),
        (MutableWithExclusion, Some(vec![filter("v*")]), true),
        (ImmutableWithExclusion, None, false),
        (Mutable, Some(vec![filter("a")]), false),
        (ImmutableWithExclusion, Some(vec![filter("a b")]), false),
        (ImmutableWithExclusion, Some(vec![filter("a"); 6]), false),
    ]
    .into_iter()
    .enumerate()
    {
        let input = api::CreateRepositoryRequest {
            image_tag_mutability: Some(setting),
            image_tag_mutability_exclusion_filters: filters,
            ..create(&format!("r{index}"))
        };
        assert_eq!(fixture.call::<api::CreateRepository>(&root(), input).is_ok(), good, "{index}");
    }
}

#[test]
fn kms_fills_in_the_key() {
    let fixture = Fixture::new();
    let with = |name: &str, key: Option<&str>| api::CreateRepositoryRequest {
        encryption_configuration: Some(api::EncryptionConfiguration {
            encryption_type: api::EncryptionType::Kms,
            kms_key: key.map(str::to_owned),
        }),
        ..create(name)
    };
    let made = fixture.root::<api::CreateRepository>(with("app", None)).repository.unwrap();
    let key = made.encryption_configuration.unwrap().kms_key.unwrap();
    assert!(key.starts_with("arn:aws:kms:us-east-1:111122223333:key/"), "{key}");
    let missing = with("other", Some("11111111-2222-3333-4444-555555555555"));
    assert!(fixture.call::<api::CreateRepository>(&root(), missing).is_err());
}

#[test]
fn a_page_token_is_good_for_what_it_was_given_for() {
    use base64::Engine as _;
    use base64::engine::general_purpose::URL_SAFE_NO_PAD;

    let fixture = Fixture::new();
    for name in ["one", "three", "two"] {
        fixture.repository(name);
    }
    let list = |token: Option<String>| api::DescribeRepositoriesRequest {
        next_token: token,
        max_results: Some(2),
        ..Default::default()
    };
    let first = fixture.root::<api::DescribeRepositories>(list(None));
    let token = first.next_token.unwrap();
    let last = fixture.root::<api::DescribeRepositories>(list(Some(token.clone())));
    assert_eq!(last.repositories.unwrap()[0].repository_name.as_deref(), Some("two"));
    assert_eq!(last.next_token, None);
    let refusal = (
        "InvalidParameterException".to_owned(),
        "Invalid parameter at 'nextToken' failed to satisfy constraint: 'Invalid token'".to_owned(),
    );
    let forged = URL_SAFE_NO_PAD.encode(r#"["one"]"#);
    for bad in [forged, "x".to_owned(), format!("{token}A"), token[1..].to_owned()] {
        assert_eq!(fixture.refused::<api::DescribeRepositories>(list(Some(bad.clone()))), refusal, "{bad}");
    }
    let elsewhere =
        api::DescribePullThroughCacheRulesRequest { next_token: Some(token), ..Default::default() };
    assert_eq!(fixture.refused::<api::DescribePullThroughCacheRules>(elsewhere), refusal);
}
