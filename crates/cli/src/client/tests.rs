//! The client against a server that answers what a test says, and records what it is asked.

use std::convert::Infallible;
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use http::{HeaderMap, Request, Response};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use landfall_api::ecs::{ListClusters, ListClustersRequest};
use landfall_api::iam::{GetRole, GetRoleRequest};
use landfall_api::secretsmanager::{CreateSecret, CreateSecretRequest};
use landfall_base::Sensitive;
use landfall_wire::sigv4::{Claim, Credentials, Payload, RequestParts, Verifier};
use tokio::net::TcpListener;

use super::*;

/// What the server was asked.
#[derive(Debug)]
struct Asked {
    path: String,
    headers: HeaderMap,
    body: Bytes,
}

type Record = Arc<Mutex<Vec<Asked>>>;

/// A server that gives the same answer to everybody.
async fn server(status: u16, content_type: &'static str, answer: &'static str) -> (Client, Record) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let endpoint = format!("http://{}", listener.local_addr().unwrap());
    let record = Record::default();
    let seen = Arc::clone(&record);
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let seen = Arc::clone(&seen);
            let service = service_fn(move |request: Request<Incoming>| {
                let seen = Arc::clone(&seen);
                async move {
                    let (parts, body) = request.into_parts();
                    let body = body.collect().await.unwrap().to_bytes();
                    seen.lock().unwrap().push(Asked {
                        path: parts.uri.path().to_owned(),
                        headers: parts.headers,
                        body,
                    });
                    let response = Response::builder().status(status).header("content-type", content_type);
                    Ok::<_, Infallible>(
                        response.body(Full::new(Bytes::from_static(answer.as_bytes()))).unwrap(),
                    )
                }
            });
            tokio::spawn(http1::Builder::new().serve_connection(TokioIo::new(stream), service));
        }
    });
    (Client::new(settings(&endpoint)).unwrap(), record)
}

fn settings(endpoint: &str) -> Settings {
    let credentials = Credentials {
        access_key_id: "AKIAIOSFODNN7EXAMPLE".to_owned(),
        secret_access_key: Sensitive::from("secret"),
        session_token: Some(Sensitive::from("token")),
    };
    Settings { endpoint: endpoint.to_owned(), region: "eu-central-1".to_owned(), credentials }
}

fn verify(asked: &Asked, service: &str) {
    let parts = RequestParts { method: "POST", path: &asked.path, query: "", headers: &asked.headers };
    let claim = Claim::read(&parts).unwrap();
    let now = SystemClock.now();
    claim.check_scope(Some("eu-central-1"), service).unwrap();
    Verifier::new()
        .verify(&claim, &Sensitive::from("secret"), &parts, Payload::Bytes(&asked.body), now)
        .unwrap();
}

#[tokio::test]
async fn json_calls_are_signed_and_read() {
    let (client, record) = server(200, "application/x-amz-json-1.1", r#"{"clusterArns": ["arn:x"]}"#).await;
    let answer = client.call::<ListClusters>(ListClustersRequest::default()).await.unwrap();
    assert_eq!(answer.cluster_arns.unwrap(), ["arn:x"]);
    let asked = record.lock().unwrap().pop().unwrap();
    assert_eq!(asked.headers["x-amz-target"], "AmazonEC2ContainerServiceV20141113.ListClusters");
    assert_eq!(asked.headers["content-type"], "application/x-amz-json-1.1");
    assert_eq!(asked.headers["x-amz-security-token"], "token");
    assert_eq!(&asked.body[..], b"{}");
    verify(&asked, "ecs");
}

#[tokio::test]
async fn query_calls_are_signed_and_read() {
    let answer = "<GetRoleResponse><GetRoleResult><Role><Path>/</Path><RoleName>r</RoleName><RoleId>AROA</RoleId>\
                  <Arn>arn:r</Arn><CreateDate>2026-11-23T02:30:41Z</CreateDate></Role></GetRoleResult></GetRoleResponse>";
    let (client, record) = server(200, "text/xml", answer).await;
    let answer = client.call::<GetRole>(GetRoleRequest { role_name: "r&d".to_owned() }).await.unwrap();
    assert_eq!(answer.role.arn, "arn:r");
    let asked = record.lock().unwrap().pop().unwrap();
    assert_eq!(asked.headers["content-type"], "application/x-www-form-urlencoded; charset=utf-8");
    assert_eq!(&asked.body[..], b"Action=GetRole&Version=2010-05-08&RoleName=r%26d");
    verify(&asked, "iam");
}

async fn refusal(status: u16, answer: &'static str) -> String {
    let (client, _) = server(status, "application/x-amz-json-1.1", answer).await;
    let error = client.call::<ListClusters>(ListClustersRequest::default()).await.unwrap_err();
    CliError::from(error).text()
}

#[tokio::test]
async fn refusals_are_told_in_the_aws_cli_s_words() {
    let texts = [
        refusal(400, r#"{"__type": "ClusterNotFoundException", "message": "Cluster not found."}"#).await,
        refusal(403, r#"{"__type": "UnrecognizedClientException", "message": "The security token included in the request is invalid."}"#).await,
        refusal(400, r#"{"__type": "AccessDeniedException", "Message": "User: a is not authorized"}"#).await,
        refusal(502, "<html>Bad gateway</html>").await,
        refusal(200, "<html>Welcome</html>").await,
    ];
    insta::assert_snapshot!(texts.join("--\n"));
}

#[tokio::test]
async fn nobody_there_is_told_with_the_way_to_start_one() {
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let client = Client::new(settings(&format!("http://{free}"))).unwrap();
    let error = client.call::<ListClusters>(ListClustersRequest::default()).await.unwrap_err();
    let text = CliError::from(error).text().replace(&free.to_string(), "127.0.0.1:PORT");
    insta::assert_snapshot!(text);
}

#[test]
fn an_endpoint_must_be_a_url() {
    for endpoint in ["", "localhost:4566", "ftp://h", "http://"] {
        assert!(Client::new(settings(endpoint)).is_err(), "{endpoint}");
    }
}

#[test]
fn loopback_is_reached_without_a_proxy() {
    for (endpoint, local) in [
        ("http://127.0.0.1:4566", true),
        ("http://localhost", true),
        ("http://[::1]:1", true),
        ("http://10.0.0.1", false),
        ("https://ecs.eu-central-1.amazonaws.com", false),
    ] {
        assert_eq!(is_local(&Url::parse(endpoint).unwrap()), local, "{endpoint}");
    }
}

#[tokio::test]
async fn absent_idempotency_tokens_are_filled() {
    let (client, record) = server(200, "application/x-amz-json-1.1", "{}").await;
    for token in [None, Some("mine".to_owned())] {
        let input =
            CreateSecretRequest { name: "s".to_owned(), client_request_token: token, ..Default::default() };
        client.call::<CreateSecret>(input).await.unwrap();
    }
    let tokens: Vec<String> = record
        .lock()
        .unwrap()
        .iter()
        .map(|asked| {
            let body: serde_json::Value = serde_json::from_slice(&asked.body).unwrap();
            body["ClientRequestToken"].as_str().unwrap().to_owned()
        })
        .collect();
    assert_eq!((tokens[0].len(), tokens[1].as_str()), (36, "mine"));
}
