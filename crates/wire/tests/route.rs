//! Which operation a request is for.

mod common;

use common::schemas::{ECS, JSON, QUERY};
use http::HeaderMap;
use landfall_wire::query::Form;
use landfall_wire::route::{Request, Route, Router};

#[expect(clippy::unwrap_used, reason = "the inputs are written below")]
fn route(method: &str, path: &str, target: Option<&str>, form: &str, scope: Option<&str>) -> Route {
    let mut headers = HeaderMap::new();
    if let Some(target) = target {
        headers.insert("x-amz-target", target.parse().unwrap());
    }
    let form = Form::parse(form.as_bytes()).unwrap();
    let request = Request { method, path, headers: &headers, form: Some(&form), scope_service: scope };
    Router::new(&[&ECS, &JSON, &QUERY]).route(&request)
}

/// `service.operation`, `?service.operation` if there is no such operation, `-service` if none is named.
fn describe(route: &Route) -> String {
    match route {
        Route::Known { service, operation } => format!("{}.{}", service.name, operation.name),
        Route::UnknownOperation { service, name, .. } => {
            format!("?{}.{name}", service.map_or("", |service| service.name))
        }
        Route::Unnamed { service } => format!("-{}", service.map_or("", |service| service.name)),
    }
}

#[test]
fn requests_find_their_operation() {
    for (method, path, target, form, scope, expected) in [
        ("POST", "/", Some("AmazonEC2ContainerServiceV20141113.DoIt"), "", None, "ecs.DoIt"),
        ("POST", "/", Some("secretsmanager.ForgetIt"), "", Some("ecs"), "secretsmanager.ForgetIt"),
        ("POST", "/", Some("secretsmanager.Nope"), "", None, "?secretsmanager.Nope"),
        ("POST", "/", Some("TrentService.Decrypt"), "", None, "?.Decrypt"),
        ("POST", "/", Some("nonsense"), "", None, "?."),
        ("POST", "/", None, "Action=DoIt&Version=2010-05-08", None, "iam.DoIt"),
        ("GET", "/", None, "Action=DoIt&Version=2010-05-08", Some("iam"), "iam.DoIt"),
        ("POST", "/", None, "Action=Nope&Version=2010-05-08", None, "?iam.Nope"),
        ("POST", "/", None, "Action=DoIt&Version=1999-01-01", None, "?.DoIt"),
        ("POST", "/", None, "Action=DoIt", Some("iam"), "?.DoIt"),
        ("POST", "/", None, "", Some("ecs"), "-ecs"),
        ("GET", "/", None, "", Some("s3"), "-"),
        ("PUT", "/bucket/key", None, "Action=DoIt&Version=2010-05-08", Some("s3"), "-"),
        ("POST", "/v2/app/blobs/uploads/", Some("secretsmanager.DoIt"), "", None, "-"),
    ] {
        let found = route(method, path, target, form, scope);
        assert_eq!(describe(&found), expected, "{method} {path} {target:?} {form}");
    }
}

#[test]
fn unknown_operations_are_refused_as_their_protocol_does() {
    let json = route("POST", "/", Some("secretsmanager.Nope"), "", None).error().unwrap();
    assert_eq!((json.code, json.status, json.message.as_str()), ("UnknownOperationException", 400, ""));
    let query = route("POST", "/", None, "Action=Nope&Version=2010-05-08", None).error().unwrap();
    assert_eq!((query.code, query.status), ("InvalidAction", 400));
    assert_eq!(query.message, "Could not find operation Nope for version 2010-05-08");
    let query = route("POST", "/", None, "Action=DoIt", None).error().unwrap();
    assert_eq!(query.message, "Could not find operation DoIt for version NO_VERSION_SPECIFIED");
    assert!(route("POST", "/", Some("secretsmanager.DoIt"), "", None).error().is_none());
}
