//! The service that a request is about, whether it exists or not.

use std::sync::Arc;

use landfall_api::lightsail::{ResourceType, error};
use landfall_base::{AccountId, Arn, Region};
use landfall_shape::ServiceError;
use landfall_store::{Tx, View};

use super::names::unknown_service_arn;
use super::record::{CERTIFICATES, Certificate, SERVICES, Service, ServiceKey};
use crate::pipe::{Context, Failure, Permission};

/// A service by its name.
#[derive(Debug, Clone)]
pub(super) struct Target {
    pub(super) key: ServiceKey,
    service: Option<Arc<Service>>,
}

impl Target {
    pub(super) fn find(cx: &Context<'_>, view: &View, name: &str) -> Result<Self, Failure> {
        let key = (cx.account().clone(), cx.region().clone(), name.to_owned());
        let service = view.get(&SERVICES, &key)?;
        Ok(Self { key, service })
    }

    /// A check against the service.
    pub(super) fn permission(&self, action: &'static str) -> Permission {
        match &self.service {
            Some(service) => Permission::on(action, &service.arn).with_resource_tags(service.tags()),
            None => Permission::on(action, &self.unknown()),
        }
    }

    fn unknown(&self) -> Arn {
        unknown_service_arn(&self.key.0, &self.key.1)
    }

    /// The service.
    pub(super) fn existing(&self) -> Result<&Arc<Service>, ServiceError> {
        self.service.as_ref().ok_or_else(|| not_found(&self.key.2))
    }

    /// There is no such service.
    pub(super) fn is_absent(&self) -> bool {
        self.service.is_none()
    }
}

/// There is no such service.
pub(super) fn not_found(name: &str) -> ServiceError {
    error::not_found_exception(format!("The container service `{name}` does not exist."))
}

/// A resource that has tags: a container service or a certificate.
#[derive(Debug)]
pub(super) enum Tagged {
    Service(Target),
    Certificate((AccountId, Region, String), Arc<Certificate>),
}

impl Tagged {
    /// A resource by its name. Names of services come first.
    pub(super) fn find(cx: &Context<'_>, view: &View, name: &str) -> Result<Self, Failure> {
        let target = Target::find(cx, view, name)?;
        let certificate = view.get(&CERTIFICATES, &target.key)?;
        Ok(match certificate.filter(|_| target.is_absent()) {
            Some(row) => Self::Certificate(target.key, row),
            None => Self::Service(target),
        })
    }

    pub(super) fn permission(&self, action: &'static str) -> Permission {
        match self {
            Self::Service(target) => target.permission(action),
            Self::Certificate(_, row) => {
                let tags = row.tags.iter().map(|(key, value)| (key.as_str(), value.as_str()));
                Permission::on(action, &row.arn).with_resource_tags(tags)
            }
        }
    }

    pub(super) fn existing(&self) -> Result<(), ServiceError> {
        match self {
            Self::Service(target) => target.existing().map(drop),
            Self::Certificate(..) => Ok(()),
        }
    }

    pub(super) fn kind(&self) -> ResourceType {
        match self {
            Self::Service(_) => ResourceType::ContainerService,
            Self::Certificate(..) => ResourceType::from("Certificate"),
        }
    }

    pub(super) fn tags(&self) -> Vec<(String, String)> {
        match self {
            Self::Service(target) => target.service.as_ref().map(|it| it.tags.clone()).unwrap_or_default(),
            Self::Certificate(_, row) => row.tags.clone(),
        }
    }

    pub(super) fn put_tags(&self, tx: &mut Tx, tags: Vec<(String, String)>) -> Result<(), Failure> {
        match self {
            Self::Service(target) => tx.update(&SERVICES, &target.key, |row| row.tags = tags)?,
            Self::Certificate(key, _) => tx.update(&CERTIFICATES, key, |row| row.tags = tags)?,
        };
        Ok(())
    }
}

/// What a check on a resource knows of it, for questions that no call asks; `None` if there is no such resource.
///
/// # Errors
/// A row cannot be read.
pub(crate) fn permission_on(cx: &Context<'_>, view: &View, arn: &Arn) -> Result<Option<Permission>, Failure> {
    let place = (cx.account(), cx.region());
    let services = view.list(&SERVICES, place)?;
    if let Some((key, service)) = services.into_iter().find(|(_, service)| service.arn == *arn) {
        let target = Target { key, service: Some(service) };
        return Ok(Some(target.permission("lightsail:GetContainerServices")));
    }
    let certificates = view.list(&CERTIFICATES, place)?;
    let found = certificates.into_iter().find(|(_, row)| row.arn == *arn);
    Ok(found.map(|(key, row)| Tagged::Certificate(key, row).permission("lightsail:GetCertificates")))
}
