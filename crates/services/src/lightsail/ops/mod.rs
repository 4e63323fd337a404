//! Operations, one a file.

mod create_certificate;
mod create_container_service;
mod create_container_service_deployment;
mod create_container_service_registry_login;
mod delete_certificate;
mod delete_container_image;
mod delete_container_service;
mod get_certificates;
mod get_container_api_metadata;
mod get_container_images;
mod get_container_log;
mod get_container_service_deployments;
mod get_container_service_metric_data;
mod get_container_service_powers;
mod get_container_services;
mod get_operation;
mod get_operations;
mod get_operations_for_resource;
mod get_regions;
mod register_container_image;
mod tag_resource;
mod untag_resource;
mod update_container_service;
