//! Connections: what a refused request leaves behind, and clients that stall.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on should stop")]

mod support;

use std::time::Duration;

use landfall_registry::{Digest, Limits};
use support::{Server, basic};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

/// One connection, spoken to by hand.
struct Wire(TcpStream);

impl Wire {
    async fn to(server: &Server) -> Self {
        Self(TcpStream::connect(&server.host).await.unwrap())
    }

    async fn write(&mut self, text: &str) {
        self.0.write_all(text.as_bytes()).await.unwrap();
    }

    /// The head of the next answer; its body is read, too.
    async fn answer(&mut self) -> String {
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            head.push(self.0.read_u8().await.unwrap());
        }
        let head = String::from_utf8(head).unwrap().to_ascii_lowercase();
        let length = head.split("content-length: ").nth(1).and_then(|rest| rest.split("\r\n").next());
        let mut body = vec![0; length.map_or(0, |text| text.parse().unwrap())];
        self.0.read_exact(&mut body).await.unwrap();
        head
    }
}

fn request(method: &str, path: &str, more: &str) -> String {
    format!(
        "{method} {path} HTTP/1.1\r\nhost: x\r\nauthorization: {}\r\n{more}\r\n",
        basic("alice", "secret")
    )
}

/// Go's client sends head and body apart, and takes a connection without `Connection: close` for a good one.
#[tokio::test]
async fn a_refused_body_does_not_cost_the_next_request() {
    let server = Server::start().await;
    let mut wire = Wire::to(&server).await;
    for _ in 0..20 {
        wire.write("PUT /v2/app/manifests/v1 HTTP/1.1\r\nhost: x\r\ncontent-length: 5\r\n\r\n").await;
        tokio::time::sleep(Duration::from_millis(2)).await;
        wire.write("hello").await;
        assert!(wire.answer().await.starts_with("http/1.1 401"));
    }
    wire.write(&request("GET", "/v2/", "")).await;
    assert!(wire.answer().await.starts_with("http/1.1 200"));
}

#[tokio::test]
async fn a_large_refused_body_ends_the_connection_in_so_many_words() {
    let server = Server::start().await;
    for more in ["content-length: 99999999\r\n", "content-length: 5\r\nexpect: 100-continue\r\n"] {
        let mut wire = Wire::to(&server).await;
        wire.write(&format!("PATCH /v2/app/blobs/uploads/1 HTTP/1.1\r\nhost: x\r\n{more}\r\n")).await;
        let head = wire.answer().await;
        assert!(head.starts_with("http/1.1 401") && head.contains("connection: close"), "{head}");
    }
}

#[tokio::test]
async fn a_client_that_stalls_is_told_and_may_go_on() {
    let server =
        Server::with_limits(Limits { body_idle: Duration::from_millis(50), ..Limits::default() }).await;
    let path = server.begin("app").await;
    let mut wire = Wire::to(&server).await;
    wire.write(&request("PATCH", &path, "content-length: 100\r\n")).await;
    wire.write("hello").await;
    let head = wire.answer().await;
    assert!(head.starts_with("http/1.1 408") && head.contains("connection: close"), "{head}");
    let digest = Digest::of(b"hello, world");
    let done = server.send("PUT", &format!("{path}?digest={digest}"), &[], ", world").await;
    assert_eq!(done.status, 201, "{:?}", done.body);
}

#[tokio::test]
async fn two_writers_on_one_upload() {
    let server = Server::start().await;
    let path = server.begin("app").await;
    let mut first = Wire::to(&server).await;
    first.write(&request("PATCH", &path, "content-length: 10\r\n")).await;
    first.write("hello").await;
    // The first one has the upload as soon as its request has been read.
    let second = loop {
        let reply = server.send("PATCH", &path, &[("content-range", "7-7")], "x").await;
        if reply.status != 416 {
            break reply;
        }
        tokio::time::sleep(Duration::from_millis(1)).await;
    };
    assert_eq!((second.status.as_u16(), second.code().as_str()), (409, "BLOB_UPLOAD_INVALID"));
    first.write(", you").await;
    let head = first.answer().await;
    assert!(head.starts_with("http/1.1 202") && head.contains("range: 0-9"), "{head}");
    let digest = Digest::of(b"hello, you");
    assert_eq!(server.send("PUT", &format!("{path}?digest={digest}"), &[], "").await.status, 201);
}
