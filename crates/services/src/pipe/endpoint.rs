//! Operations as values: what the operation tables hold.

use std::pin::Pin;

use landfall_base::Timestamp;
use landfall_shape::{Operation, OperationSchema, ServiceSchema, Shape, Value};
use landfall_store::{Tx, View, WriteError};

use super::authorize::{Authorized, CheckRecord, authorize};
use super::{CallName, Caller, Context, Failure, Guarded, Installation, Permission, audit_refusals};

/// The first half of every operation: names become rows.
pub trait Resolve: Operation {
    /// What [`ReadHandler::run`] or [`WriteHandler::run`] needs.
    type Request: Guarded;

    /// Looks up every name in the input. What does not exist is carried as absent, not reported: a caller without
    /// permission must not learn what exists.
    ///
    /// # Errors
    /// Only for input that no permission could make right: malformed names, contradicting members.
    fn resolve(cx: &Context<'_>, view: &View, input: Self::Input) -> Result<Self::Request, Failure>;
}

/// An operation that changes no rows.
pub trait ReadHandler: Resolve {
    /// Answers from the snapshot that the request was resolved in.
    ///
    /// # Errors
    /// The service's own.
    fn run(
        cx: &Context<'_>,
        view: &View,
        request: Authorized<Self::Request>,
    ) -> Result<Self::Output, Failure>;
}

/// An operation that changes rows.
pub trait WriteHandler: Resolve {
    /// Makes the changes. They are kept only if this succeeds.
    ///
    /// # Errors
    /// The service's own.
    fn run(
        cx: &Context<'_>,
        tx: &mut Tx,
        request: Authorized<Self::Request>,
    ) -> Result<Self::Output, Failure>;
}

/// An operation that waits: for files to be on disk before rows say so, for another server. It is authorized in a snapshot;
/// what it writes, it writes in a transaction of its own, and looks there again.
pub trait AwaitingHandler: Resolve {
    /// Does the work.
    ///
    /// # Errors
    /// The service's own.
    fn run<'a>(
        cx: Surroundings<'a>,
        request: Authorized<Self::Request>,
    ) -> impl Future<Output = Result<Self::Output, Failure>> + Send + 'a;
}

/// The surroundings of a call that waits.
#[derive(Debug, Clone, Copy)]
pub struct Surroundings<'a> {
    /// The installation.
    pub installation: &'a Installation,
    /// Who calls.
    pub caller: &'a Caller,
    /// What is called.
    pub call: CallName,
    /// When the call began.
    pub now: Timestamp,
    /// Nothing may remain of the call.
    pub dry: bool,
}

impl<'a> Surroundings<'a> {
    /// The same for what takes a call that does not wait. What is deferred there is not done.
    #[must_use]
    pub fn context(self) -> Context<'a> {
        Context::at(self.installation, self.caller, self.call, self.now)
    }
}

/// How an operation has to be run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EndpointKind {
    /// From a snapshot; quick.
    Read,
    /// From a snapshot, but it reads or writes files: not on a thread that others wait for.
    Blocking,
    /// In a transaction; waits until it is durable.
    Write,
    /// It waits for more than its own transaction.
    Awaiting,
}

impl EndpointKind {
    /// Whether it changes no rows.
    pub(super) fn is_read(self) -> bool {
        matches!(self, Self::Read | Self::Blocking)
    }
}

/// What running an endpoint gives: the answer, and every check that was made.
pub(super) type Ran = (Result<Value, Failure>, Vec<CheckRecord>);

/// What a call asks for before it does anything, and what item by item.
type Declared = (Vec<Permission>, Vec<Permission>);
type Declare = fn(&Installation, &Caller, Value) -> Result<Declared, Failure>;
type RunNow = fn(&Installation, &Caller, Value) -> Ran;
type Running<'a> = Pin<Box<dyn Future<Output = Ran> + Send + 'a>>;
type RunWaiting = for<'a> fn(&'a Installation, &'a Caller, Value) -> Running<'a>;

/// An operation in a service's table.
pub struct Endpoint {
    /// The service.
    pub service: &'static ServiceSchema,
    /// The operation.
    pub schema: &'static OperationSchema,
    /// How it has to be run.
    pub kind: EndpointKind,
    /// Which permissions it would ask for.
    declare: Declare,
    /// Runs it on this thread.
    pub(super) run: RunNow,
    /// Runs it and keeps nothing of it.
    pub(super) run_dry: RunNow,
    /// Runs it without holding the thread while the disk works or it waits; not for reads.
    pub(super) run_waiting: Option<RunWaiting>,
}

impl Endpoint {
    /// The permissions that a call would ask for, in order. Nothing is checked and nothing is done.
    ///
    /// # Errors
    /// Input that no permission could make right.
    pub fn permissions(
        &self,
        installation: &Installation,
        caller: &Caller,
        input: Value,
    ) -> Result<Vec<Permission>, Failure> {
        Ok((self.declare)(installation, caller, input)?.0)
    }

    /// The permissions that a call would ask for in the middle of its work, for each thing that it is about: a refusal is
    /// part of its answer.
    ///
    /// # Errors
    /// Input that no permission could make right.
    pub fn later_permissions(
        &self,
        installation: &Installation,
        caller: &Caller,
        input: Value,
    ) -> Result<Vec<Permission>, Failure> {
        Ok((self.declare)(installation, caller, input)?.1)
    }

    /// The operation, as the audit log names it.
    pub const fn name(&self) -> CallName {
        CallName::new(self.service.name, self.schema.name)
    }
}

impl std::fmt::Debug for Endpoint {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}:{}", self.service.name, self.schema.name)
    }
}

/// A read in an operation table.
pub const fn read<O: ReadHandler>() -> Endpoint {
    endpoint::<O>(EndpointKind::Read, run_read::<O>, dry_read::<O>, None)
}

/// A read that touches files in an operation table.
pub const fn blocking<O: ReadHandler>() -> Endpoint {
    endpoint::<O>(EndpointKind::Blocking, run_read::<O>, dry_read::<O>, None)
}

/// A write in an operation table.
pub const fn write<O: WriteHandler>() -> Endpoint {
    endpoint::<O>(EndpointKind::Write, run_write::<O>, dry_write::<O>, Some(run_write_waiting::<O>))
}

/// An operation that waits in an operation table.
pub const fn awaiting<O: AwaitingHandler>() -> Endpoint
where
    O::Request: Send,
{
    endpoint::<O>(EndpointKind::Awaiting, run_awaiting_here::<O>, dry_awaiting, Some(run_awaiting::<O>))
}

/// A read that waits in an operation table: it honours [`Surroundings::dry`].
pub const fn awaiting_read<O: AwaitingHandler>() -> Endpoint
where
    O::Request: Send,
{
    endpoint::<O>(
        EndpointKind::Awaiting,
        run_awaiting_here::<O>,
        dry_awaiting_read::<O>,
        Some(run_awaiting::<O>),
    )
}

const fn endpoint<O: Resolve>(
    kind: EndpointKind,
    run: RunNow,
    run_dry: RunNow,
    run_waiting: Option<RunWaiting>,
) -> Endpoint {
    Endpoint {
        service: O::SERVICE,
        schema: O::SCHEMA,
        kind,
        declare: declare::<O>,
        run,
        run_dry,
        run_waiting,
    }
}

fn declare<O: Resolve>(
    installation: &Installation,
    caller: &Caller,
    input: Value,
) -> Result<Declared, Failure> {
    let cx = Context::new(installation, caller, CallName::of::<O>());
    let input = O::Input::from_value(input).map_err(Failure::internal)?;
    let request = O::resolve(&cx, &installation.store.view(), input)?;
    let later = request.later().into_iter().map(|later| later.permission);
    Ok((request.permissions().to_vec(), later.collect()))
}

fn run_read<O: ReadHandler>(installation: &Installation, caller: &Caller, input: Value) -> Ran {
    let cx = Context::new(installation, caller, CallName::of::<O>());
    let view = installation.store.view();
    let mut checks = Vec::new();
    let result = read_steps::<O>(&cx, &view, input, &mut checks);
    if result.is_ok() {
        run_deferred(installation, cx, O::SCHEMA.name);
    }
    (result, checks)
}

/// A read without its bookkeeping.
fn dry_read<O: ReadHandler>(installation: &Installation, caller: &Caller, input: Value) -> Ran {
    let cx = Context::new(installation, caller, CallName::of::<O>());
    let mut checks = Vec::new();
    let result = read_steps::<O>(&cx, &installation.store.view(), input, &mut checks);
    (result, checks)
}

/// A write in a transaction that is given up in any case.
fn dry_write<O: WriteHandler>(installation: &Installation, caller: &Caller, input: Value) -> Ran {
    let cx = Context::new(installation, caller, CallName::of::<O>());
    let mut checks = Vec::new();
    let mut result = None;
    let given_up = installation.store.write(O::SCHEMA.name, |tx| -> Result<(), Failure> {
        result = Some(write_steps::<O>(&cx, tx, input, &mut checks));
        Err(Failure::internal("a dry run keeps nothing"))
    });
    let result = result.unwrap_or_else(|| match given_up.map_err(WriteError::flatten) {
        Err(failure) => Err(failure),
        Ok(()) => Err(Failure::internal("a dry run did not run")),
    });
    (result, checks)
}

/// What writes files cannot be tried without doing it.
fn dry_awaiting(_: &Installation, _: &Caller, _: Value) -> Ran {
    (Err(Failure::internal("an operation that waits has no dry run")), Vec::new())
}

/// Makes a typed read in a snapshot that is at hand, as a service does for its own purposes: with the same checks as a call
/// from outside, without its bookkeeping.
///
/// # Errors
/// The operation's own.
pub fn read_in<O: ReadHandler>(
    installation: &Installation,
    view: &View,
    caller: &Caller,
    input: O::Input,
) -> Result<O::Output, Failure> {
    let cx = Context::new(installation, caller, CallName::of::<O>());
    let request = O::resolve(&cx, view, input)?;
    let mut checks = Vec::new();
    let decided = authorize(&cx, view, O::SERVICE, request, &mut checks);
    audit_refusals(cx.call, &caller.unsaid.hide_in(checks));
    let request = decided?;
    O::run(&cx, view, request)
}

/// Makes a typed write in a transaction that is under way, with the same checks as a call from outside.
///
/// # Errors
/// The operation's own.
pub fn write_in<O: WriteHandler>(
    installation: &Installation,
    tx: &mut Tx,
    caller: &Caller,
    input: O::Input,
) -> Result<O::Output, Failure> {
    let cx = Context::new(installation, caller, CallName::of::<O>());
    let request = O::resolve(&cx, tx, input)?;
    let mut checks = Vec::new();
    let decided = authorize(&cx, tx, O::SERVICE, request, &mut checks);
    audit_refusals(cx.call, &caller.unsaid.hide_in(checks));
    let request = decided?;
    O::run(&cx, tx, request)
}

fn read_steps<O: ReadHandler>(
    cx: &Context<'_>,
    view: &View,
    input: Value,
    checks: &mut Vec<CheckRecord>,
) -> Result<Value, Failure> {
    let input = O::Input::from_value(input).map_err(Failure::internal)?;
    let request = O::resolve(cx, view, input)?;
    let request = authorize(cx, view, O::SERVICE, request, checks)?;
    Ok(O::run(cx, view, request)?.into_value())
}

fn run_deferred(installation: &Installation, cx: Context<'_>, operation: &'static str) {
    let deferred = cx.into_deferred();
    if deferred.is_empty() {
        return;
    }
    let store = installation.store.clone();
    // A thread of the pool if there is one: the caller does not wait for bookkeeping.
    let work = move || {
        let written = store.write(operation, |tx| -> Result<(), Failure> {
            deferred.into_iter().for_each(|write| write(tx));
            Ok(())
        });
        if let Err(error) = written.map_err(WriteError::flatten) {
            tracing::warn!(operation, %error, "bookkeeping was not written");
        }
    };
    match tokio::runtime::Handle::try_current() {
        Ok(runtime) => drop(runtime.spawn_blocking(work)),
        Err(_) => work(),
    }
}

fn run_write<O: WriteHandler>(installation: &Installation, caller: &Caller, input: Value) -> Ran {
    let cx = Context::new(installation, caller, CallName::of::<O>());
    let mut checks = Vec::new();
    let body = |tx: &mut Tx| write_steps::<O>(&cx, tx, input, &mut checks);
    let result = installation.store.write(O::SCHEMA.name, body).map_err(WriteError::flatten);
    (result, checks)
}

fn run_write_waiting<'a, O: WriteHandler>(
    installation: &'a Installation,
    caller: &'a Caller,
    input: Value,
) -> Running<'a> {
    Box::pin(async move {
        let cx = Context::new(installation, caller, CallName::of::<O>());
        let mut checks = Vec::new();
        let kept = &mut checks;
        let body = move |tx: &mut Tx| write_steps::<O>(&cx, tx, input, kept);
        let result = installation.store.write_async(O::SCHEMA.name, body).await.map_err(WriteError::flatten);
        (result, checks)
    })
}

fn write_steps<O: WriteHandler>(
    cx: &Context<'_>,
    tx: &mut Tx,
    input: Value,
    checks: &mut Vec<CheckRecord>,
) -> Result<Value, Failure> {
    let input = O::Input::from_value(input).map_err(Failure::internal)?;
    let request = O::resolve(cx, tx, input)?;
    let request = authorize(cx, tx, O::SERVICE, request, checks)?;
    Ok(O::run(cx, tx, request)?.into_value())
}

fn run_awaiting<'a, O: AwaitingHandler>(
    installation: &'a Installation,
    caller: &'a Caller,
    input: Value,
) -> Running<'a>
where
    O::Request: Send,
{
    Box::pin(awaiting_steps::<O>(installation, caller, input, false))
}

async fn awaiting_steps<O: AwaitingHandler>(
    installation: &Installation,
    caller: &Caller,
    input: Value,
    dry: bool,
) -> Ran {
    let mut checks = Vec::new();
    let (now, permitted) = permit::<O>(installation, caller, input, &mut checks);
    let result = match permitted {
        Ok(request) => {
            O::run(Surroundings { installation, caller, call: CallName::of::<O>(), now, dry }, request).await
        }
        Err(failure) => Err(failure),
    };
    (result.map(Shape::into_value), checks)
}

fn permit<O: Resolve>(
    installation: &Installation,
    caller: &Caller,
    input: Value,
    checks: &mut Vec<CheckRecord>,
) -> (Timestamp, Result<Authorized<O::Request>, Failure>) {
    let cx = Context::new(installation, caller, CallName::of::<O>());
    let view = installation.store.view();
    let request = O::Input::from_value(input)
        .map_err(Failure::internal)
        .and_then(|input| O::resolve(&cx, &view, input))
        .and_then(|request| authorize(&cx, &view, O::SERVICE, request, checks));
    (cx.now, request)
}

/// For callers that block. On a thread of its own: the caller's may belong to a runtime, which cannot be entered twice.
fn run_awaiting_here<O: AwaitingHandler>(installation: &Installation, caller: &Caller, input: Value) -> Ran
where
    O::Request: Send,
{
    block_on_awaiting::<O>(installation, caller, input, false)
}

fn dry_awaiting_read<O: AwaitingHandler>(installation: &Installation, caller: &Caller, input: Value) -> Ran
where
    O::Request: Send,
{
    block_on_awaiting::<O>(installation, caller, input, true)
}

fn block_on_awaiting<O: AwaitingHandler>(
    installation: &Installation,
    caller: &Caller,
    input: Value,
    dry: bool,
) -> Ran
where
    O::Request: Send,
{
    let work = || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        match runtime {
            Ok(runtime) => runtime.block_on(awaiting_steps::<O>(installation, caller, input, dry)),
            Err(error) => (Err(Failure::internal(error)), Vec::new()),
        }
    };
    let ended = std::thread::scope(|scope| scope.spawn(work).join());
    ended.unwrap_or_else(|_| (Err(Failure::internal("the operation panicked")), Vec::new()))
}
