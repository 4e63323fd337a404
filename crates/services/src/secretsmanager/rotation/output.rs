//! What functions print, in CloudWatch Logs as Lambda has it: in `/aws/lambda/<name>`, written as the function's role. A role
//! that may not write there has no log, and the rotation goes on: so it is on AWS.

use landfall_acs::LogEvent;
use landfall_api::logs as api;
use landfall_shape::ServiceError;

use super::Run;
use super::run::{Invocation, Ready};
use crate::logs::lines;
use crate::pipe::{Call, Caller};

/// The log of one rotation: all its steps, and when they are tried again.
#[derive(Debug)]
pub struct Output {
    call: Call,
    session: Caller,
    group: String,
    stream: String,
    state: State,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    /// Nothing was written yet, and the stream may not be there.
    New,
    Open,
    /// What comes is dropped.
    Refused,
}

impl Output {
    /// The log of an invocation.
    pub fn of(call: &Call, invocation: &Invocation, ready: &Ready) -> Self {
        Self {
            call: call.clone(),
            session: ready.session.clone(),
            group: format!("/aws/lambda/{}", ready.function.name),
            stream: stream(&invocation.run),
            state: State::New,
        }
    }

    /// Writes lines. It may block.
    pub fn write(&mut self, lines: &[LogEvent]) {
        for log_events in lines::batches(lines::events(lines)) {
            if self.state == State::Refused {
                return;
            }
            if let Err(error) = self.put(log_events) {
                tracing::debug!(group = self.group, %error, "the output of a rotation function is dropped");
                self.state = State::Refused;
            }
        }
    }

    fn put(&mut self, log_events: Vec<api::InputLogEvent>) -> Result<(), ServiceError> {
        if self.state == State::New {
            self.open()?;
            self.state = State::Open;
        }
        let request = api::PutLogEventsRequest {
            log_group_name: self.group.clone(),
            log_stream_name: self.stream.clone(),
            log_events,
            ..Default::default()
        };
        self.call.call::<api::PutLogEvents>(&self.session, request).result.map(drop)
    }

    /// Makes the stream, and the group where there is none: who may write may not always make groups.
    fn open(&self) -> Result<(), ServiceError> {
        match self.create_stream() {
            Err(error) if error.code == "ResourceNotFoundException" => {
                self.create_group()?;
                self.create_stream()
            }
            made => made,
        }
    }

    fn create_stream(&self) -> Result<(), ServiceError> {
        let request = api::CreateLogStreamRequest {
            log_group_name: self.group.clone(),
            log_stream_name: self.stream.clone(),
        };
        existing_is_fine(self.call.call::<api::CreateLogStream>(&self.session, request).result.map(drop))
    }

    fn create_group(&self) -> Result<(), ServiceError> {
        let request = api::CreateLogGroupRequest { log_group_name: self.group.clone(), ..Default::default() };
        existing_is_fine(self.call.call::<api::CreateLogGroup>(&self.session, request).result.map(drop))
    }
}

fn existing_is_fine(made: Result<(), ServiceError>) -> Result<(), ServiceError> {
    match made {
        Err(error) if error.code == "ResourceAlreadyExistsException" => Ok(()),
        made => made,
    }
}

/// `2026/11/27/[$LATEST]` and 32 characters that are the rotation's, as Lambda has those of the place where a function runs.
fn stream(run: &Run) -> String {
    let day = run.started_at.iso8601();
    let day = day.split('T').next().unwrap_or_default().replace('-', "/");
    let place: String = run.token.chars().filter(char::is_ascii_alphanumeric).take(32).collect();
    format!("{day}/[$LATEST]{}", place.to_ascii_lowercase())
}
