//! The answer to `StartLiveTail`: an event stream (`application/vnd.amazon.eventstream`), one message each second.

use std::sync::Arc;
use std::time::Duration;

use aws_smithy_eventstream::frame::write_message_to;
use aws_smithy_types::event_stream::{Header, HeaderValue, Message};
use bytes::Bytes;
use http::header::CONTENT_TYPE;
use http_body_util::StreamBody;
use hyper::body::Frame;
use landfall_services::logs::Session;
use landfall_services::pipe::Installation;
use landfall_shape::{Kind, OperationSchema, Schema, Shape as _, Value};
use landfall_wire::json;
use tokio::sync::{broadcast, watch};

use crate::answer::{Answer, streamed};

const MEDIA_TYPE: &str = "application/vnd.amazon.eventstream";
const OPERATION: &str = "StartLiveTail";
const STREAM: &str = "responseStream";

/// Time between two updates.
const PERIOD: Duration = Duration::from_secs(1);

/// Updates that wait for a slow client; then the oldest are dropped (API Reference, "StartLiveTail").
const BUFFERED: usize = 10;

/// Whether an operation is answered with such a stream.
pub(crate) fn is_answer_to(operation: &OperationSchema) -> bool {
    operation.name == OPERATION
}

/// The stream, from its first event on. `None` if `value`, which the operation answered, begins none.
pub(crate) fn answer(
    installation: &Arc<Installation>,
    operation: &'static OperationSchema,
    value: &Value,
    stop: watch::Receiver<bool>,
) -> Option<Answer> {
    let start = member(member(value, STREAM)?, "sessionStart")?;
    let Value::String(id) = member(start, "sessionId")? else { return None };
    let session = installation.live_tails.open(id)?;
    let events = Events { stream: schema_of(operation.output, STREAM)? };
    let first = [message("initial-response", json::content_type(json_protocol()), b"{}".to_vec())?, {
        events.event("sessionStart", start)?
    }];
    let (sender, receiver) = broadcast::channel(BUFFERED);
    tokio::spawn(send(Arc::clone(installation), session, events, sender, stop));
    let rest = futures_util::stream::unfold(receiver, |mut receiver| async move {
        loop {
            match receiver.recv().await {
                Ok(bytes) => return Some((bytes, receiver)),
                Err(broadcast::error::RecvError::Lagged(_)) => {}
                Err(broadcast::error::RecvError::Closed) => return None,
            }
        }
    });
    let all = futures_util::StreamExt::chain(futures_util::stream::iter(first), rest);
    let frames =
        futures_util::StreamExt::map(all, |bytes| Ok::<_, std::convert::Infallible>(Frame::data(bytes)));
    let mut answer = http::Response::new(StreamBody::new(frames));
    answer.headers_mut().insert(CONTENT_TYPE, http::HeaderValue::from_static(MEDIA_TYPE));
    Some(streamed(answer))
}

fn json_protocol() -> landfall_shape::Protocol {
    landfall_shape::Protocol::AwsJson11
}

/// Sends updates until nobody listens, the session's time is over, or the server stops.
async fn send(
    installation: Arc<Installation>,
    session: Session,
    events: Events,
    sender: broadcast::Sender<Bytes>,
    mut stop: watch::Receiver<bool>,
) {
    let mut ticks = tokio::time::interval(PERIOD);
    ticks.tick().await;
    loop {
        tokio::select! {
            _ = ticks.tick() => {}
            _ = stop.wait_for(|stopped| *stopped) => return,
        }
        let update = session.update(installation.clock.now());
        let over = update.is_none();
        let bytes = match update {
            Some(update) => events.event("sessionUpdate", &update.into_value()),
            None => exception("SessionTimeoutException", "The Live Tail session timed out."),
        };
        let Some(bytes) = bytes else { return };
        if sender.send(bytes).is_err() || over {
            return;
        }
    }
}

/// Writes events by the schema of their stream.
struct Events {
    stream: &'static Schema,
}

impl Events {
    fn event(&self, name: &'static str, value: &Value) -> Option<Bytes> {
        let schema = schema_of(self.stream, name)?;
        message(name, "application/json", json::encode(schema, value))
    }
}

fn member<'a>(value: &'a Value, name: &str) -> Option<&'a Value> {
    match value {
        Value::Structure(structure) => structure.get(name),
        _ => None,
    }
}

fn schema_of(schema: &'static Schema, name: &str) -> Option<&'static Schema> {
    let Kind::Structure { members } = &schema.kind else { return None };
    members.iter().find(|member| member.name == name).map(|member| member.schema)
}

fn message(name: &'static str, media_type: &'static str, payload: Vec<u8>) -> Option<Bytes> {
    let headers = [(":event-type", name), (":content-type", media_type), (":message-type", "event")];
    written(&headers, payload)
}

fn exception(name: &'static str, text: &str) -> Option<Bytes> {
    let headers =
        [(":exception-type", name), (":content-type", "application/json"), (":message-type", "exception")];
    let payload = json::encode_error(&landfall_shape::ServiceError::client(name, text), None);
    written(&headers, payload)
}

fn written(headers: &[(&'static str, &'static str)], payload: Vec<u8>) -> Option<Bytes> {
    let message = headers.iter().fold(Message::new(payload), |message, (name, value)| {
        message.add_header(Header::new(*name, HeaderValue::String((*value).into())))
    });
    let mut bytes = Vec::new();
    let result = write_message_to(&message, &mut bytes);
    result.inspect_err(|error| tracing::error!(%error, "an event cannot be written")).ok()?;
    Some(bytes.into())
}
