//! From a request to an answer.

use std::net::SocketAddr;
use std::sync::Arc;

use bytes::Bytes;
use http::request::Parts;
use http::{Method, Request};
use hyper::body::Incoming;
use landfall_base::random;
use landfall_services::pipe::{Call, Endpoint, Installation};
use landfall_shape::{OperationSchema, Protocol, ServiceError, ServiceSchema, Value};
use landfall_wire::query::Form;
use landfall_wire::route::{self, Route, Router};
use landfall_wire::sigv4::{Claim, ClaimError, Verifier};
use landfall_wire::validate::Violation;
use landfall_wire::{json, query, validate};

use tokio::sync::watch;

use crate::answer::{self, Answer};
use crate::authenticate::{authenticate, signed_parts};
use crate::front::Front;
use crate::last_used::LastUsed;
use crate::web_identity::WebIdentities;
use crate::{body, health, live_tail};

/// Media type of forms.
const FORM: &str = "application/x-www-form-urlencoded";

/// Answers requests.
pub struct Gateway {
    call: Call,
    router: Router,
    verifier: Verifier,
    last_used: LastUsed,
    web_identities: WebIdentities,
    services: Vec<&'static ServiceSchema>,
    fronts: Vec<Arc<dyn Front>>,
    stop: watch::Sender<bool>,
}

impl std::fmt::Debug for Gateway {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Gateway").field("services", &self.services).finish_non_exhaustive()
    }
}

/// A request that is on its way: what errors need to be written.
struct Exchange {
    request_id: String,
    parts: Parts,
    body: Bytes,
    form: Option<Form>,
    peer: SocketAddr,
}

impl Gateway {
    /// A gateway to an installation that answers for these services.
    pub fn new(call: Call, services: &[&'static ServiceSchema]) -> Self {
        let router = Router::new(services);
        Self {
            call,
            router,
            verifier: Verifier::new(),
            last_used: LastUsed::default(),
            web_identities: WebIdentities::default(),
            services: services.to_vec(),
            fronts: Vec::new(),
            stop: watch::Sender::default(),
        }
    }

    /// Ends answers that would go on for hours: the server stops.
    pub(crate) fn stop(&self) {
        self.stop.send_replace(true);
    }

    /// Lets `front` answer what it claims.
    #[must_use]
    pub fn with_front(mut self, front: Arc<dyn Front>) -> Self {
        self.fronts.push(front);
        self
    }

    /// Answers a request that came from `peer`. Never fails: what goes wrong is an answer too.
    pub async fn answer(&self, request: Request<Incoming>, peer: SocketAddr) -> Answer {
        let (parts, incoming) = request.into_parts();
        if let Some(front) = self.fronts.iter().find(|front| front.claims(&parts)) {
            return front.answer(Request::from_parts(parts, incoming), peer).await;
        }
        if let Some(answer) = health::answer(&parts.method, parts.uri.path(), &self.services) {
            return answer;
        }
        let request_id = random::uuid();
        let body = match body::read(&parts, incoming).await {
            Ok(body) => body,
            Err(error) => return answer::error(None, Protocol::AwsJson11, &error, &request_id),
        };
        let form = read_form(&parts, &body);
        self.exchange(Exchange { request_id, parts, body, form, peer }).await
    }

    async fn exchange(&self, exchange: Exchange) -> Answer {
        let claim = Claim::read(&signed_parts(&exchange.parts));
        let route = self.router.route(&route::Request {
            method: exchange.parts.method.as_str(),
            path: exchange.parts.uri.path(),
            headers: &exchange.parts.headers,
            form: exchange.form.as_ref(),
            scope_service: claim.as_ref().ok().map(|claim| claim.service.as_str()),
        });
        match route {
            Route::Known { service, operation } => self.known(&exchange, service, operation, claim).await,
            Route::UnknownOperation { service, protocol, .. } => {
                let error = route.error().unwrap_or_else(|| unknown_operation(""));
                answer::error(service, protocol, &error, &exchange.request_id)
            }
            Route::Unnamed { service: Some(service) } => unnamed_of(&exchange, service),
            Route::Unnamed { service: None } => unnamed(&exchange, claim),
        }
    }

    async fn known(
        &self,
        exchange: &Exchange,
        service: &'static ServiceSchema,
        operation: &'static OperationSchema,
        claim: Result<Claim, ClaimError>,
    ) -> Answer {
        match self.run(exchange, service, operation, claim).await {
            Ok(value) if live_tail::is_answer_to(operation) => {
                let answer = live_tail::answer(self.installation(), operation, &value, self.stop.subscribe());
                answer.unwrap_or_else(|| {
                    let error = ServiceError::with_status("InternalFailure", 500, "the stream did not begin");
                    answer::error(Some(service), service.protocol, &error, &exchange.request_id)
                })
            }
            Ok(value) => answer::output(service, operation, &value, &exchange.request_id),
            Err(error) => answer::error(Some(service), service.protocol, &error, &exchange.request_id),
        }
    }

    async fn run(
        &self,
        exchange: &Exchange,
        service: &'static ServiceSchema,
        operation: &'static OperationSchema,
        claim: Result<Claim, ClaimError>,
    ) -> Result<Value, ServiceError> {
        let Exchange { parts, body, peer, .. } = exchange;
        let endpoint = self.endpoint(service, operation)?;
        let installation = self.installation();
        let checked_input = || {
            let input = decode(service, operation, exchange)?;
            validate::validate(operation.input, &input)
                .map_err(|violations| invalid(service, &of_service(service, violations)))?;
            Ok(input)
        };
        if WebIdentities::are_for(operation) {
            let input = checked_input()?;
            let caller = self.web_identities.caller(installation, &input, parts, *peer).await?;
            return self.call.run(endpoint, &caller, input).await.result;
        }
        let caller = authenticate(installation, &self.verifier, service, parts, body, *peer, claim)?;
        self.last_used.note(installation, &caller, service.name);
        let input = checked_input()?;
        self.call.run(endpoint, &caller, input).await.result
    }

    fn installation(&self) -> &Arc<Installation> {
        self.call.installation()
    }

    /// An operation can have a schema without being there yet.
    fn endpoint(
        &self,
        service: &ServiceSchema,
        operation: &OperationSchema,
    ) -> Result<&'static Endpoint, ServiceError> {
        self.call.endpoint(service.name, operation.name).ok_or_else(|| match service.protocol {
            Protocol::AwsQuery => {
                let text = format!(
                    "Could not find operation {} for version {}",
                    operation.name, service.api_version
                );
                ServiceError::client("InvalidAction", text)
            }
            Protocol::Ec2Query => {
                let text = format!("The action {} is not valid for this web service.", operation.name);
                ServiceError::client("InvalidAction", text)
            }
            _ => unknown_operation(""),
        })
    }
}

fn read_form(parts: &Parts, body: &Bytes) -> Option<Form> {
    if parts.method == Method::GET {
        return Form::parse(parts.uri.query()?.as_bytes()).ok();
    }
    let media_type = parts.headers.get(http::header::CONTENT_TYPE)?.to_str().ok()?;
    let is_form = media_type.to_ascii_lowercase().starts_with(FORM);
    if is_form { Form::parse(body).ok() } else { None }
}

fn decode(
    service: &ServiceSchema,
    operation: &'static OperationSchema,
    exchange: &Exchange,
) -> Result<Value, ServiceError> {
    let decoded = match (service.protocol, &exchange.form) {
        (Protocol::AwsQuery, Some(form)) => query::decode_input(operation, form),
        (Protocol::Ec2Query, Some(form)) => query::decode_ec2_input(operation, form),
        _ => json::decode(operation.input, &exchange.body),
    };
    decoded.map_err(|error| error.into_service_error(service.protocol))
}

/// CloudWatch Logs does not repeat a value that fits no pattern.
fn of_service(service: &ServiceSchema, mut violations: Vec<Violation>) -> Vec<Violation> {
    let silent = |it: &&mut Violation| it.constraint.starts_with(validate::PATTERN);
    if service.name == "logs" {
        violations.iter_mut().filter(silent).for_each(|it| it.value = None);
    }
    violations
}

/// The code that a service gives to violated constraints.
fn invalid(service: &ServiceSchema, violations: &[Violation]) -> ServiceError {
    let message = validate::message(violations);
    let code = match (service.name, service.protocol) {
        ("ecr" | "ecs" | "logs" | "landfall", _) => "InvalidParameterException",
        ("lightsail", _) => "InvalidInputException",
        (_, Protocol::AwsQuery) => "ValidationError",
        (_, Protocol::Ec2Query) => "InvalidParameterValue",
        _ => "ValidationException",
    };
    ServiceError::client(code, message)
}

fn unknown_operation(text: impl Into<String>) -> ServiceError {
    ServiceError::client("UnknownOperationException", text)
}

/// A request to one of our services that names no operation.
fn unnamed_of(exchange: &Exchange, service: &ServiceSchema) -> Answer {
    let (method, path) = (&exchange.parts.method, exchange.parts.uri.path());
    let error = match service.protocol {
        Protocol::AwsQuery | Protocol::Ec2Query => {
            ServiceError::client("MissingAction", "The request must contain the parameter Action.")
        }
        _ => unknown_operation(format!(
            "`{method} {path}` names no operation of `{}`: send `POST /` with `X-Amz-Target`",
            service.name
        )),
    };
    answer::error(Some(service), service.protocol, &error, &exchange.request_id)
}

/// A request that names no operation: another kind of client, or a service that is not there.
fn unnamed(exchange: &Exchange, claim: Result<Claim, ClaimError>) -> Answer {
    let path = exchange.parts.uri.path();
    let (method, request_id) = (&exchange.parts.method, &exchange.request_id);
    let text = match claim {
        Ok(claim) => format!("`{}` is not a service of this server", claim.service),
        Err(_) => format!(
            "`{method} {path}` is no API call: send `POST /` with `X-Amz-Target`, or a form with `Action`"
        ),
    };
    let status = if path == "/" { 400 } else { 404 };
    let error = ServiceError::with_status("UnknownOperationException", status, text);
    answer::error(None, Protocol::AwsJson11, &error, request_id)
}
