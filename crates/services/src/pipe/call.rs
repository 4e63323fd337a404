//! Calls from inside: the same pipe, without HTTP.

use std::collections::HashMap;
use std::sync::Arc;

use landfall_shape::{Operation, ServiceError, Shape, Value};

use super::audit::audit_read;
use super::endpoint::{EndpointKind, Ran};
use super::{Caller, CheckRecord, Endpoint, Failure, Installation, audit};

/// The answer to a call, with the checks that were made for it.
#[derive(Debug)]
pub struct Outcome<T> {
    /// The answer, or the error that a client would see.
    pub result: Result<T, ServiceError>,
    /// Every check, in order, up to the first refusal.
    pub checks: Vec<CheckRecord>,
}

/// Makes calls as somebody, through the whole pipe.
#[derive(Debug, Clone)]
pub struct Call {
    installation: Arc<Installation>,
    tables: &'static [&'static [Endpoint]],
    /// By service and operation.
    index: Arc<HashMap<(&'static str, &'static str), &'static Endpoint>>,
}

impl Call {
    /// Calls into an installation with these operation tables.
    pub fn new(installation: Arc<Installation>, tables: &'static [&'static [Endpoint]]) -> Self {
        let endpoints = tables.iter().copied().flatten();
        let index = endpoints.map(|endpoint| ((endpoint.service.name, endpoint.schema.name), endpoint));
        Self { installation, tables, index: Arc::new(index.collect()) }
    }

    /// The installation called into.
    pub fn installation(&self) -> &Arc<Installation> {
        &self.installation
    }

    /// Finds an operation by service and name.
    pub fn endpoint(&self, service: &str, operation: &str) -> Option<&'static Endpoint> {
        self.index.get(&(service, operation)).copied()
    }

    /// Runs an endpoint on this thread; it may block.
    pub fn run_blocking(&self, endpoint: &Endpoint, caller: &Caller, input: Value) -> Outcome<Value> {
        conclude(endpoint, caller, (endpoint.run)(&self.installation, caller, input))
    }

    /// Runs an endpoint without holding the thread: waits for the disk are awaited, what blocks goes to a thread of its
    /// own.
    pub async fn run(
        &self,
        endpoint: &'static Endpoint,
        caller: &Arc<Caller>,
        input: Value,
    ) -> Outcome<Value> {
        if let Some(run) = endpoint.run_waiting {
            let ran = run(&self.installation, caller, input).await;
            return conclude(endpoint, caller, ran);
        }
        if endpoint.kind == EndpointKind::Read {
            return self.run_blocking(endpoint, caller, input);
        }
        let (this, caller) = (self.clone(), Arc::clone(caller));
        let ran = tokio::task::spawn_blocking(move || this.run_blocking(endpoint, &caller, input)).await;
        ran.unwrap_or_else(|panic| {
            let error = Failure::internal(panic).into_service_error(endpoint.service.name);
            Outcome { result: Err(error), checks: Vec::new() }
        })
    }

    /// Makes a typed call as `caller`; it may block.
    pub fn call<O: Operation>(&self, caller: &Caller, input: O::Input) -> Outcome<O::Output> {
        self.calls().call::<O>(caller, input)
    }

    /// The same calls, borrowed.
    pub fn calls(&self) -> Calls<'_> {
        Calls::new(&self.installation, self.tables)
    }
}

/// Typed calls into an installation, from inside. They may block.
#[derive(Debug, Clone, Copy)]
pub struct Calls<'a> {
    installation: &'a Installation,
    tables: &'static [&'static [Endpoint]],
    dry: bool,
}

impl<'a> Calls<'a> {
    /// Calls with these operation tables.
    pub fn new(installation: &'a Installation, tables: &'static [&'static [Endpoint]]) -> Self {
        Self { installation, tables, dry: false }
    }

    /// The same calls, of which nothing remains: reads without their bookkeeping, writes whose changes are dropped. They
    /// are authorized and answered like all others. Not for operations that write files.
    #[must_use]
    pub fn dry(self) -> Self {
        Self { dry: true, ..self }
    }

    /// Whether nothing remains of these calls.
    pub fn is_dry(self) -> bool {
        self.dry
    }

    /// The installation called into.
    pub fn installation(self) -> &'a Installation {
        self.installation
    }

    /// Makes a call as `caller`.
    pub fn call<O: Operation>(self, caller: &Caller, input: O::Input) -> Outcome<O::Output> {
        let mut endpoints = self.tables.iter().copied().flatten();
        let found =
            endpoints.find(|it| it.service.name == O::SERVICE.name && it.schema.name == O::SCHEMA.name);
        let Some(endpoint) = found else {
            let error = ServiceError::client("UnknownOperationException", "");
            return Outcome { result: Err(error), checks: Vec::new() };
        };
        let run = if self.dry { endpoint.run_dry } else { endpoint.run };
        let Outcome { result, checks } =
            conclude(endpoint, caller, run(self.installation, caller, input.into_value()));
        let result = result.and_then(|value| {
            O::Output::from_value(value)
                .map_err(|error| Failure::internal(error).into_service_error(O::SERVICE.name))
        });
        Outcome { result, checks }
    }
}

fn conclude(endpoint: &Endpoint, caller: &Caller, (result, checks): Ran) -> Outcome<Value> {
    let checks = caller.unsaid.hide_in(checks);
    let result = result.map_err(|failure| {
        let error = failure.into_service_error(endpoint.service.name);
        ServiceError { message: caller.unsaid.hide(&error.message).into_owned(), ..error }
    });
    match &result {
        // With refusals that are not enforced an answered read has refusals, too.
        Ok(_) if endpoint.kind.is_read() && checks.iter().all(|check| check.allowed) => {
            audit_read(endpoint.name(), caller);
        }
        Ok(_) => audit(endpoint.name(), caller, "ok", &checks),
        Err(error) => audit(endpoint.name(), caller, error.code, &checks),
    }
    Outcome { result, checks }
}
