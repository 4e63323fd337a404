//! Which service and operation a request is for.

use std::collections::HashMap;

use http::HeaderMap;
use landfall_shape::{OperationSchema, Protocol, ServiceError, ServiceSchema};

use crate::query::Form;

/// Where a request goes.
#[derive(Debug, Clone)]
pub enum Route {
    /// To an operation that has a schema.
    Known {
        /// The service.
        service: &'static ServiceSchema,
        /// The operation.
        operation: &'static OperationSchema,
    },
    /// An operation is named, but not one of ours.
    UnknownOperation {
        /// The service, if it is one of ours.
        service: Option<&'static ServiceSchema>,
        /// How the answer must be written.
        protocol: Protocol,
        /// The operation as the request names it.
        name: String,
        /// The version as a form names it.
        version: Option<String>,
    },
    /// No operation is named: a request of S3, of a registry, of a browser. With the service of the credential scope,
    /// if it is one of ours.
    Unnamed {
        /// The service of the credential scope.
        service: Option<&'static ServiceSchema>,
    },
}

impl Route {
    /// The error for an operation that is not there; `None` for other routes.
    pub fn error(&self) -> Option<ServiceError> {
        let Self::UnknownOperation { protocol, name, version, .. } = self else { return None };
        Some(match protocol {
            Protocol::AwsJson10 | Protocol::AwsJson11 => {
                ServiceError::client("UnknownOperationException", "")
            }
            Protocol::AwsQuery => {
                let name: String = name.chars().take(128).collect();
                let version: String =
                    version.as_deref().unwrap_or("NO_VERSION_SPECIFIED").chars().take(32).collect();
                let text = format!("Could not find operation {name} for version {version}");
                ServiceError::client("InvalidAction", text)
            }
            Protocol::Ec2Query => {
                let name: String = name.chars().take(128).collect();
                let text = format!("The action {name} is not valid for this web service.");
                ServiceError::client("InvalidAction", text)
            }
        })
    }
}

/// What routing looks at.
#[derive(Debug, Clone, Copy)]
pub struct Request<'a> {
    /// `POST`
    pub method: &'a str,
    /// Without the query.
    pub path: &'a str,
    /// All headers.
    pub headers: &'a HeaderMap,
    /// The body, or the query of a GET, where it is a form.
    pub form: Option<&'a Form>,
    /// The service in the credential scope, where the request is signed.
    pub scope_service: Option<&'a str>,
}

/// Finds operations by the names that requests give them.
#[derive(Debug, Default)]
pub struct Router {
    services: Vec<&'static ServiceSchema>,
    by_target: HashMap<&'static str, &'static ServiceSchema>,
    operations: HashMap<(&'static str, &'static str), &'static OperationSchema>,
}

impl Router {
    /// A router over services. Of two with the same target prefix the last counts.
    pub fn new(services: &[&'static ServiceSchema]) -> Self {
        let mut router = Self { services: services.to_vec(), ..Self::default() };
        for service in services {
            if !service.target_prefix.is_empty() {
                router.by_target.insert(service.target_prefix, service);
            }
            for operation in service.operations {
                router.operations.insert((service.name, operation.name), operation);
            }
        }
        router
    }

    /// Routes a request: by `X-Amz-Target`, else by the form's `Action` and `Version`, else not at all. Both are sent to
    /// `/` only, so that a form posted to a bucket stays S3's.
    pub fn route(&self, request: &Request<'_>) -> Route {
        let scoped = request.scope_service.and_then(|name| self.by_signing_name(name));
        if !matches!(request.path, "" | "/") || !matches!(request.method, "POST" | "GET") {
            return Route::Unnamed { service: scoped };
        }
        if let Some(target) = request.headers.get("x-amz-target") {
            return self.by_target(&String::from_utf8_lossy(target.as_bytes()), request.headers);
        }
        match request.form.and_then(|form| Some((form.action()?, form.version()))) {
            Some((action, version)) => self.by_action(action, version, scoped),
            None => Route::Unnamed { service: scoped },
        }
    }

    fn by_target(&self, target: &str, headers: &HeaderMap) -> Route {
        let (prefix, name) = target.rsplit_once('.').unwrap_or((target, ""));
        let service = self.by_target.get(prefix).copied();
        let protocol = service.map_or_else(|| json_version(headers), |service| service.protocol);
        self.operation(service, protocol, name, None)
    }

    fn by_action(
        &self,
        action: &str,
        version: Option<&str>,
        scoped: Option<&'static ServiceSchema>,
    ) -> Route {
        let fits = |service: &&'static ServiceSchema| {
            service.protocol.is_query() && Some(service.api_version) == version
        };
        // Two services may share a version; then the scope decides.
        let service = scoped.filter(fits).or_else(|| self.services.iter().copied().find(fits));
        let protocol = service.map_or(Protocol::AwsQuery, |service| service.protocol);
        self.operation(service, protocol, action, version)
    }

    fn operation(
        &self,
        service: Option<&'static ServiceSchema>,
        protocol: Protocol,
        name: &str,
        version: Option<&str>,
    ) -> Route {
        let found = service.and_then(|service| Some((service, *self.operations.get(&(service.name, name))?)));
        match found {
            Some((service, operation)) => Route::Known { service, operation },
            None => Route::UnknownOperation {
                service,
                protocol,
                name: name.to_owned(),
                version: version.map(str::to_owned),
            },
        }
    }

    fn by_signing_name(&self, name: &str) -> Option<&'static ServiceSchema> {
        self.services.iter().copied().find(|service| service.signing_name == name)
    }
}

fn json_version(headers: &HeaderMap) -> Protocol {
    let media_type = headers.get(http::header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
    if media_type.is_some_and(|text| text.starts_with("application/x-amz-json-1.0")) {
        Protocol::AwsJson10
    } else {
        Protocol::AwsJson11
    }
}
