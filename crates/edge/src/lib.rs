//! The public endpoint of container services: a request for one of their host names goes to a healthy node of the serving
//! deployment, and a prober finds out which nodes are healthy.
//!
//! The edge decides nothing about deployments: it reads [`landfall_services::lightsail::endpoint`] at each request, so that
//! a deployment that takes over does so for the very next one, and writes what it learns onto the
//! [`HealthBoard`](landfall_services::lightsail::HealthBoard).

mod balance;
mod forward;
mod pages;
mod probe;
mod upgrade;
mod watched;

pub use forward::Edge;
pub use probe::probe;
