//! The service through the pipe.

mod access;
mod encryption;
mod events;
mod filter;
mod groups;
mod queries;
mod resource_policies;
mod retention;

use landfall_api::logs as api;
use landfall_shape::{Operation, ServiceError};

use super::OPERATIONS;
use crate::testing::{START, TestInstallation, root};

const TABLES: &[&[crate::pipe::Endpoint]] = &[OPERATIONS];
const GROUP: &str = "/ecs/app";
const NOW: i64 = START.millis();
const DAY: i64 = 86_400_000;

/// An installation with the group [`GROUP`].
struct Logs(TestInstallation);

impl Logs {
    fn new() -> Self {
        let logs = Self(TestInstallation::new(TABLES));
        logs.create_group(GROUP);
        logs
    }

    fn try_call<O: Operation>(&self, input: O::Input) -> Result<O::Output, ServiceError> {
        self.0.call.call::<O>(&root(), input).result
    }

    fn call<O: Operation>(&self, input: O::Input) -> O::Output {
        self.try_call::<O>(input).unwrap()
    }

    /// The code and the sentence of a call's error.
    fn refusal<O: Operation>(&self, input: O::Input) -> (&'static str, String) {
        let Err(error) = self.try_call::<O>(input) else { panic!("{} succeeded", O::SCHEMA.name) };
        (error.code, error.message)
    }

    fn create_group(&self, name: &str) {
        let input = api::CreateLogGroupRequest { log_group_name: name.to_owned(), ..Default::default() };
        self.call::<api::CreateLogGroup>(input);
    }

    fn create_stream(&self, name: &str) {
        self.call::<api::CreateLogStream>(api::CreateLogStreamRequest {
            log_group_name: GROUP.to_owned(),
            log_stream_name: name.to_owned(),
        });
    }

    fn delete_stream(&self, name: &str) {
        self.call::<api::DeleteLogStream>(api::DeleteLogStreamRequest {
            log_group_name: GROUP.to_owned(),
            log_stream_name: name.to_owned(),
        });
    }

    fn put(&self, stream: &str, events: &[(i64, &str)]) -> api::PutLogEventsResponse {
        self.call::<api::PutLogEvents>(batch(stream, events))
    }

    fn reconcile(&self) {
        super::reconcile(self.0.call.installation());
    }

    fn pass_days(&self, days: i64) {
        self.0.clock.advance_seconds(days * 86_400);
    }

    /// Every message of a stream.
    fn messages(&self, stream: &str) -> Vec<String> {
        let input = api::GetLogEventsRequest { start_from_head: Some(true), ..get(stream) };
        texts(&self.call::<api::GetLogEvents>(input))
    }
}

fn batch(stream: &str, events: &[(i64, &str)]) -> api::PutLogEventsRequest {
    let event = |(timestamp, message): &(i64, &str)| api::InputLogEvent {
        timestamp: *timestamp,
        message: (*message).to_owned(),
    };
    api::PutLogEventsRequest {
        log_group_name: GROUP.to_owned(),
        log_stream_name: stream.to_owned(),
        log_events: events.iter().map(event).collect(),
        ..Default::default()
    }
}

fn get(stream: &str) -> api::GetLogEventsRequest {
    api::GetLogEventsRequest {
        log_group_name: Some(GROUP.to_owned()),
        log_stream_name: stream.to_owned(),
        ..Default::default()
    }
}

fn texts(page: &api::GetLogEventsResponse) -> Vec<String> {
    page.events.iter().flatten().filter_map(|event| event.message.clone()).collect()
}
