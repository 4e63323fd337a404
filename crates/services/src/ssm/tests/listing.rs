//! `DescribeParameters` and `GetParametersByPath`.

use super::*;

fn tree() -> Fixture {
    let fixture = Fixture::new();
    for name in ["/a/one", "/a/two", "/a/b/three", "/a/b/c/four", "/a-x/five", "six", "/a"] {
        fixture.put(name, name);
    }
    fixture.root::<api::PutParameter>(secure("/a/zz", "v"));
    fixture
}

fn by_path(path: &str, recursive: bool) -> api::GetParametersByPathRequest {
    api::GetParametersByPathRequest {
        path: path.to_owned(),
        recursive: Some(recursive),
        ..Default::default()
    }
}

fn filter(key: &str, option: Option<&str>, values: &[&str]) -> api::ParameterStringFilter {
    api::ParameterStringFilter {
        key: key.to_owned(),
        option: option.map(str::to_owned),
        values: Some(values.iter().map(|value| (*value).to_owned()).collect()),
    }
}

fn describe(filters: Vec<api::ParameterStringFilter>) -> api::DescribeParametersRequest {
    api::DescribeParametersRequest { parameter_filters: Some(filters), ..Default::default() }
}

#[test]
fn by_path_goes_as_deep_as_asked() {
    let fixture = tree();
    let cases: [(&str, bool, &[&str]); 6] = [
        ("/", false, &["/a", "six"]),
        ("/a", false, &["/a/one", "/a/two", "/a/zz"]),
        ("/a/", false, &["/a/one", "/a/two", "/a/zz"]),
        ("/a", true, &["/a/b/c/four", "/a/b/three", "/a/one", "/a/two", "/a/zz"]),
        ("/a/b", false, &["/a/b/three"]),
        ("/none", true, &[]),
    ];
    for (path, recursive, wanted) in cases {
        let found = fixture.root::<api::GetParametersByPath>(by_path(path, recursive)).parameters.unwrap();
        let names: Vec<_> = found.into_iter().map(|it| it.name.unwrap()).collect();
        assert_eq!(names, wanted, "{path} {recursive}");
    }
    assert_eq!(fixture.refused::<api::GetParametersByPath>(by_path("a", true)).0, "ValidationException");
}

#[test]
fn pages_cover_everything_once() {
    let fixture = tree();
    for (path, recursive, total) in [("/", true, 8), ("/a", false, 3), ("/", false, 2)] {
        let (mut token, mut names) = (None, Vec::new());
        loop {
            let input = api::GetParametersByPathRequest {
                max_results: Some(1),
                next_token: token,
                ..by_path(path, recursive)
            };
            let page = fixture.root::<api::GetParametersByPath>(input);
            let found = page.parameters.unwrap();
            assert_eq!(found.len(), 1, "{path}");
            names.extend(found.into_iter().map(|it| it.name.unwrap()));
            token = page.next_token;
            if token.is_none() {
                break;
            }
        }
        names.dedup();
        assert_eq!(names.len(), total, "{path} {recursive}");
    }
    let bad = api::DescribeParametersRequest { next_token: Some("!".to_owned()), ..Default::default() };
    assert_eq!(fixture.refused::<api::DescribeParameters>(bad).0, "InvalidNextToken");
}

#[test]
fn filters_narrow() {
    let fixture = tree();
    let tag = api::AddTagsToResourceRequest {
        resource_type: api::ResourceTypeForTagging::Parameter,
        resource_id: "/a/one".to_owned(),
        tags: vec![api::Tag { key: "env".to_owned(), value: "prod".to_owned() }],
    };
    fixture.root::<api::AddTagsToResource>(tag);
    let cases: [(Vec<api::ParameterStringFilter>, usize); 14] = [
        (vec![], 8),
        (vec![filter("Name", None, &["six"])], 1),
        (vec![filter("Name", None, &["/six", "/a/one", "none"])], 2),
        (vec![filter("Name", Some("BeginsWith"), &["/a/"])], 5),
        (vec![filter("Name", Some("Contains"), &["two"])], 1),
        (vec![filter("Path", None, &["/a"])], 3),
        (vec![filter("Path", Some("Recursive"), &["/a/b"])], 2),
        (vec![filter("Path", Some("Recursive"), &["/a/b", "/a-x"])], 3),
        (vec![filter("Type", None, &["SecureString"])], 1),
        (vec![filter("KeyId", None, &["alias/aws/ssm"])], 1),
        (vec![filter("tag:env", None, &["prod"])], 1),
        (vec![filter("tag:env", None, &["test"])], 0),
        (vec![filter("Tier", None, &["Standard"]), filter("Type", None, &["String"])], 7),
        (vec![filter("DataType", None, &["text"])], 8),
    ];
    for (filters, count) in cases {
        let text = format!("{filters:?}");
        assert_eq!(
            fixture.root::<api::DescribeParameters>(describe(filters)).parameters.unwrap().len(),
            count,
            "{text}"
        );
    }
}

#[test]
fn filters_by_label_give_the_labelled_version() {
    let fixture = Fixture::new();
    fixture.put("/a/one", "old");
    fixture.root::<api::LabelParameterVersion>(label("/a/one", None, &["prod"]));
    fixture.overwrite("/a/one", "new");
    fixture.put("/a/two", "new");
    let input = api::GetParametersByPathRequest {
        parameter_filters: Some(vec![filter("Label", None, &["prod"])]),
        ..by_path("/a", false)
    };
    let found = fixture.root::<api::GetParametersByPath>(input).parameters.unwrap();
    assert_eq!(found.len(), 1);
    assert_eq!((found[0].version, found[0].value.as_ref().unwrap().expose().as_str()), (Some(1), "old"));
}

#[test]
fn filters_that_are_refused() {
    let fixture = tree();
    let cases = [
        (
            vec![filter("Label", None, &["x"])],
            "InvalidFilterKey",
            "The following filter key is not valid: Label. Valid filter keys include: [Path, Name, Type, KeyId, Tier].",
        ),
        (
            vec![filter("Path", Some("Equals"), &["/a"])],
            "InvalidFilterOption",
            "The following filter option is not valid: Equals. Valid options include: [Recursive, OneLevel].",
        ),
        (
            vec![filter("Type", None, &["Nope"])],
            "InvalidFilterOption",
            "The following filter value is not valid: Nope. Valid values include: [String, StringList, SecureString].",
        ),
        (
            vec![filter("Name", Some("option"), &["x"])],
            "InvalidFilterOption",
            "The following filter option is not valid: option. Valid options include: [BeginsWith, Equals].",
        ),
        (
            vec![filter("Name", None, &["x"]), filter("Name", None, &["y"])],
            "InvalidFilterKey",
            "The following filter is duplicated in the request: Name. A request can contain only one occurrence of a specific filter.",
        ),
        (
            vec![filter("Path", None, &["/aws/x"])],
            "ValidationException",
            "Filters for common parameters can't be prefixed with \"aws\" or \"ssm\" (case-insensitive). When using global parameters, please specify within a global namespace.",
        ),
    ];
    for (filters, code, message) in cases {
        assert_eq!(fixture.refused::<api::DescribeParameters>(describe(filters)), error(code, message));
    }
    let input = api::GetParametersByPathRequest {
        parameter_filters: Some(vec![filter("Name", None, &["x"])]),
        ..by_path("/a", false)
    };
    assert_eq!(
        fixture.refused::<api::GetParametersByPath>(input),
        error(
            "InvalidFilterKey",
            "The following filter key is not valid: Name. Valid filter keys include: [Type, KeyId]."
        )
    );
}
