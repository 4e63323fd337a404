//! Rows to API types.

use landfall_api::lightsail as api;
use landfall_base::Region;
use landfall_shape::Entries;
use landfall_store::{StoreError, View};

use super::nodes;
use super::record::{Certificate, DEPLOYMENTS, Service, ServiceKey};
use super::rules::state;
use super::{names, tags};

/// A service as the API shows it.
pub(super) fn service(
    view: &View,
    key: &ServiceKey,
    service: &Service,
) -> Result<api::ContainerService, StoreError> {
    let puller = &service.puller;
    let updating = matches!(service.change, super::record::Change::Updating { .. });
    // While the service is being updated the role is on its way, or on its way out.
    let principal_arn = puller.role.clone().filter(|_| puller.wanted && !updating);
    let domains = |(certificate, names): &(String, Vec<String>)| (certificate.clone(), names.clone());
    let progress = nodes::progress(view, key, service)?;
    Ok(api::ContainerService {
        container_service_name: Some(key.2.clone()),
        arn: Some(service.arn.to_string()),
        created_at: Some(service.created_at),
        location: Some(location(&key.1)),
        resource_type: Some(api::ResourceType::ContainerService),
        tags: Some(tags::to_api(&service.tags)),
        power: Some(service.power.name()),
        power_id: Some(service.power.id()),
        state: Some(state::state(service)),
        state_detail: state::detail(service, progress),
        scale: i32::try_from(service.scale).ok(),
        current_deployment: deployment(view, key, service.current)?,
        next_deployment: deployment(view, key, service.next)?,
        is_disabled: Some(service.disabled),
        principal_arn: Some(service.principal_arn.clone()),
        private_domain_name: Some(format!("{}.service.local", key.2)),
        public_domain_names: Some(Entries(service.domain_names.iter().map(domains).collect())),
        url: Some(names::url(&service.host, &key.1)),
        private_registry_access: Some(api::PrivateRegistryAccess {
            ecr_image_puller_role: Some(api::ContainerServiceECRImagePullerRole {
                is_active: Some(puller.wanted),
                principal_arn: Some(principal_arn.unwrap_or_default()),
            }),
        }),
    })
}

/// A deployment as the API shows it.
pub(super) fn deployment(
    view: &View,
    key: &ServiceKey,
    version: Option<u32>,
) -> Result<Option<api::ContainerServiceDeployment>, StoreError> {
    let Some(version) = version else { return Ok(None) };
    let row = view.get(&DEPLOYMENTS, &(&key.0, &key.1, key.2.as_str(), version))?;
    Ok(row.map(|row| row.shown.0.clone()))
}

/// Where regional resources are.
pub(super) fn location(region: &Region) -> api::ResourceLocation {
    api::ResourceLocation {
        availability_zone: Some("all".to_owned()),
        region_name: Some(api::RegionName::from(region.as_str())),
    }
}

/// A certificate as the API shows it.
pub(super) fn certificate(name: &str, row: &Certificate, detailed: bool) -> api::CertificateSummary {
    let record = |domain: &String| api::DomainValidationRecord {
        domain_name: Some(domain.clone()),
        resource_record: None,
        dns_record_creation_state: None,
        validation_status: Some(api::CertificateDomainValidationStatus::Success),
    };
    let domains = || std::iter::once(&row.domain_name).chain(&row.alternative_names);
    let detail = || api::Certificate {
        arn: Some(row.arn.to_string()),
        name: Some(name.to_owned()),
        domain_name: Some(row.domain_name.clone()),
        status: Some(api::CertificateStatus::Issued),
        subject_alternative_names: Some(domains().cloned().collect()),
        domain_validation_records: Some(domains().map(record).collect()),
        created_at: Some(row.created_at),
        issued_at: Some(row.created_at),
        issuer_ca: Some("Landfall".to_owned()),
        tags: Some(tags::to_api(&row.tags)),
        ..Default::default()
    };
    api::CertificateSummary {
        certificate_arn: Some(row.arn.to_string()),
        certificate_name: Some(name.to_owned()),
        domain_name: Some(row.domain_name.clone()),
        certificate_detail: detailed.then(detail),
        tags: Some(tags::to_api(&row.tags)),
    }
}
