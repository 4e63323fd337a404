//! Health checks of a public endpoint: their defaults, and what counts as success.

use landfall_api::lightsail::{ContainerServiceEndpoint, ContainerServiceHealthCheckConfig};

/// A health check with its defaults filled in (API reference, ContainerServiceHealthCheckConfig).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Check {
    /// The port that is asked.
    pub port: u16,
    /// The path that is asked for.
    pub path: String,
    /// Successes in a row that make a node healthy.
    pub healthy_threshold: u32,
    /// Failures in a row that make it unhealthy.
    pub unhealthy_threshold: u32,
    /// How long an answer may take, in seconds.
    pub timeout_seconds: u32,
    /// Seconds between two checks.
    pub interval_seconds: u32,
    /// Status codes that count as success: inclusive ranges.
    pub success: Vec<(u16, u16)>,
}

impl Check {
    /// The check of a public endpoint.
    pub fn of(endpoint: &ContainerServiceEndpoint) -> Option<Self> {
        let port = endpoint.container_port.and_then(|port| u16::try_from(port).ok())?;
        let given = endpoint.health_check.clone().unwrap_or_default();
        let number = |value: Option<i32>, default: u32| {
            value.and_then(|value| u32::try_from(value).ok()).filter(|value| *value > 0).unwrap_or(default)
        };
        Some(Self {
            port,
            path: given.path.unwrap_or_else(|| "/".to_owned()),
            healthy_threshold: number(given.healthy_threshold, 2),
            unhealthy_threshold: number(given.unhealthy_threshold, 2),
            timeout_seconds: number(given.timeout_seconds, 2),
            interval_seconds: number(given.interval_seconds, 5),
            success: success_codes(given.success_codes.as_deref().unwrap_or(DEFAULT_CODES))?,
        })
    }

    /// Whether a status counts as success.
    pub fn is_success(&self, status: u16) -> bool {
        self.success.iter().any(|(first, last)| (*first..=*last).contains(&status))
    }
}

const DEFAULT_CODES: &str = "200-499";

/// The configuration with every default written out, as the API shows it.
pub fn with_defaults(given: Option<ContainerServiceHealthCheckConfig>) -> ContainerServiceHealthCheckConfig {
    let given = given.unwrap_or_default();
    ContainerServiceHealthCheckConfig {
        healthy_threshold: given.healthy_threshold.or(Some(2)),
        unhealthy_threshold: given.unhealthy_threshold.or(Some(2)),
        timeout_seconds: given.timeout_seconds.or(Some(2)),
        interval_seconds: given.interval_seconds.or(Some(5)),
        path: given.path.or_else(|| Some("/".to_owned())),
        success_codes: given.success_codes.or_else(|| Some(DEFAULT_CODES.to_owned())),
    }
}

/// Reads `200`, `200,202` or `200-299` (and mixtures), between 200 and 499.
pub fn success_codes(text: &str) -> Option<Vec<(u16, u16)>> {
    let code = |text: &str| text.trim().parse::<u16>().ok().filter(|code| (200..=499).contains(code));
    let range = |part: &str| match part.split_once('-') {
        Some((first, last)) => {
            let (first, last) = (code(first)?, code(last)?);
            (first <= last).then_some((first, last))
        }
        None => code(part).map(|code| (code, code)),
    };
    text.split(',').map(range).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn success_codes_are_single_ones_lists_and_ranges() {
        for (text, expected) in [
            ("200-499", Some(vec![(200, 499)])),
            ("200", Some(vec![(200, 200)])),
            ("200,301-302", Some(vec![(200, 200), (301, 302)])),
            ("", None),
            ("500", None),
            ("300-200", None),
            ("2xx", None),
        ] {
            assert_eq!(success_codes(text), expected, "{text}");
        }
    }

    #[test]
    fn defaults_are_those_of_the_documentation() {
        let endpoint = ContainerServiceEndpoint {
            container_name: Some("app".to_owned()),
            container_port: Some(80),
            health_check: None,
        };
        let check = Check::of(&endpoint).unwrap();
        assert_eq!((check.healthy_threshold, check.unhealthy_threshold), (2, 2));
        assert_eq!((check.timeout_seconds, check.interval_seconds, check.path.as_str()), (2, 5, "/"));
        assert!(check.is_success(404) && !check.is_success(500));
    }
}
